#pragma once

#include <chrono>
#include <ctime>

namespace keygate {

using WallTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;

/// CLOCK_BOOTTIME: goes on while the machine sleeps and the process stands still, and nobody sets
/// it. What promises about others are measured by (keys/lease.hpp).
struct BootClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;

    [[nodiscard]] static time_point now() {
        timespec time{};
        ::clock_gettime(CLOCK_BOOTTIME, &time);
        return time_point{std::chrono::seconds{time.tv_sec} +
                          std::chrono::nanoseconds{time.tv_nsec}};
    }
};

using BootTime = BootClock::time_point;

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
