#pragma once

#include "base/clock.hpp"

#include <atomic>

namespace keygate::support {

/// The wall clock where a test puts it. The steady clock is the real one, so that deadlines of
/// sockets go on, and runs ahead of it by the time that the test let pass. Any thread.
class FakeClock final : public Clock {
  public:
    explicit FakeClock(std::chrono::sys_seconds start)
        : wall_(start.time_since_epoch().count()) {}

    [[nodiscard]] Now now() const override {
        return {WallTime{std::chrono::seconds{wall_.load()}},
                std::chrono::steady_clock::now() + std::chrono::seconds{passed_.load()}};
    }

    /// Somebody sets the wall clock forward: no time has passed.
    void advance(std::chrono::seconds by) { wall_ += by.count(); }

    /// Time passes, on both clocks. Every deadline that was set before is over then.
    void pass(std::chrono::seconds time) {
        wall_ += time.count();
        passed_ += time.count();
    }

  private:
    std::atomic<std::int64_t> wall_;
    std::atomic<std::int64_t> passed_{0};
};

} // namespace keygate::support
