#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "observe/metrics.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace keygate::observe {

/// What is said about one request. There is no member for a credential and none for the query,
/// which may hold one.
struct AccessRecord {
    WallTime time{};
    std::string_view request_id{};
    std::string_view client{}; // address
    std::string_view method{};
    std::string_view host{};
    std::string_view path{};
    std::string_view api{};
    std::string_view route{};
    std::string_view key_id{};
    std::string_view owner{};
    std::string_view plan{};
    std::string_view mode{};
    std::string_view limit{};    // that has refused it
    std::string_view dry_run{};  // that would have refused it
    bool is_stale = false;       // judged by what was known before the store went away
    std::string_view upstream{}; // address of the server that was asked
    Outcome outcome = Outcome::allowed();
    unsigned status = 0; // 0: nothing was answered
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::chrono::nanoseconds duration{};
};

/// Appends the record as one line of JSON. Absent members are left out; every text is escaped.
void write_line(std::string& out, const AccessRecord& record);

/// One JSON object per request and line. Threads fill buffers of their own; a writer thread brings
/// them to the file. A full queue drops lines and counts them: a request never waits for its log.
class AccessLog {
  public:
    /// @param target  `stdout`, `off`, or a file's path (appended to, made with mode 0640).
    [[nodiscard]] static Result<std::unique_ptr<AccessLog>> open(const std::string& target);
    /// Writes out what is queued.
    ~AccessLog();
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    [[nodiscard]] bool is_on() const;
    /// Lines that were lost because the file was too slow or could not be written.
    [[nodiscard]] std::uint64_t dropped() const;

    /// One thread's lines on their way. Must die before the log.
    class Buffer {
      public:
        explicit Buffer(AccessLog& log)
            : log_(log) {}

        ~Buffer() { flush(); }

        Buffer(const Buffer&) = delete;
        Buffer& operator=(const Buffer&) = delete;

        [[nodiscard]] bool is_on() const { return log_.is_on(); }

        void write(const AccessRecord& record);
        /// Hands over when there is much, or when the oldest line has waited for a moment.
        void flush_if_due(SteadyTime now);
        void flush();

      private:
        AccessLog& log_;
        std::string lines_;
        std::uint64_t count_ = 0;
        SteadyTime since_{};
    };

  private:
    struct State;
    explicit AccessLog(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

} // namespace keygate::observe
