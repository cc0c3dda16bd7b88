#pragma once

#include <chrono>

namespace keygate {

using WallTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Both clocks, read together. A worker reads them once per turn of its loop and hands the values
/// on; decisions take times as arguments and read no clock.
struct Now {
    /// What calendars and expiry are judged by.
    WallTime wall;
    /// What waits, deadlines and durations are measured by.
    SteadyTime steady;
};

/// The seam where tests stand in for time.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Now now() const = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] Now now() const override {
        return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
    }
};

} // namespace keygate
