#pragma once

#include "proxy/upstream.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keygate::proxy {

/// Asks the servers of upstreams that say `check` whether they are well, on a thread of its own,
/// and notes the answer in their standing.
class Checker {
  public:
    /// @param clock  outlives it. @param tell  is told when a server becomes unwell or well, on the
    ///               checker's thread.
    Checker(const Clock& clock, std::function<void(const std::string&)> tell);
    ~Checker();
    Checker(const Checker&) = delete;
    Checker& operator=(const Checker&) = delete;

    /// From now on these are checked, in place of those before. Any thread, one at a time.
    void serve(std::vector<std::shared_ptr<Upstream>> upstreams);

  private:
    struct State;
    const Clock& clock_;
    const std::function<void(const std::string&)> tell_;
    std::unique_ptr<State> state_; // null: there was nothing to check so far
};

} // namespace keygate::proxy
