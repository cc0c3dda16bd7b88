#pragma once

#include "base/clock.hpp"

#include <atomic>

namespace keygate::support {

/// The wall clock where a test puts it; the steady clock is the real one, so that deadlines of sockets go
/// on. Any thread.
class FakeClock final : public Clock {
  public:
    explicit FakeClock(std::chrono::sys_seconds start) : wall_(start.time_since_epoch().count()) {}

    [[nodiscard]] Now now() const override {
        return {WallTime{std::chrono::seconds{wall_.load()}}, std::chrono::steady_clock::now()};
    }
    void advance(std::chrono::seconds by) { wall_ += by.count(); }

  private:
    std::atomic<std::int64_t> wall_;
};

} // namespace keygate::support
