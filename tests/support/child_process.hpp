#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace keygate::support {

/// Another program, with what it prints. Killed when the object dies before it has ended; gives up
/// waiting after a while, so that a hang becomes a failure with a name.
class ChildProcess {
  public:
    /// @param arguments  the program's path first.
    explicit ChildProcess(const std::vector<std::string>& arguments);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    void signal(int number) const;
    /// Reads on until both streams together hold the text. False when the process ends without it.
    bool wait_for(std::string_view text);
    /// Waits for the end. @returns the exit status, or minus the signal that ended it.
    int wait();

    [[nodiscard]] const std::string& out() const { return out_; }

    [[nodiscard]] const std::string& err() const { return err_; }

  private:
    [[nodiscard]] bool read_more();

    pid_t pid_ = -1;
    int out_descriptor_ = -1;
    int err_descriptor_ = -1;
    std::string out_;
    std::string err_;
};

} // namespace keygate::support
