#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

// Calendar periods in time zones, for quotas. Pure but for the machine's table of time zones, which
// is read once.
namespace keygate {

/// Weeks begin on Monday (ISO 8601).
enum class Period : std::uint8_t { minute, hour, day, week, month, year };

/// `minute` … `year`
[[nodiscard]] std::string_view to_string(Period period);

/// A half-open span of time: nanoseconds since the Unix epoch.
struct TimeSpan {
    std::chrono::nanoseconds begin{};
    std::chrono::nanoseconds end{};

    [[nodiscard]] bool contains(std::chrono::nanoseconds time) const {
        return begin <= time && time < end;
    }

    bool operator==(const TimeSpan&) const = default;
};

/// One zone of the machine's table. Lives as long as the process. Any thread.
class TimeZone;

/// `UTC`, `Europe/Berlin`, … of the IANA database; null where the machine does not know it.
[[nodiscard]] const TimeZone* find_time_zone(std::string_view name);

/// The period that contains `time`, in local time. Days, weeks, months and years begin at the local
/// midnight, at its first instant where it happens twice, and at the instant after the gap where
/// it does not happen at all. Minutes and hours are those of the local clock and end where that is
/// set. Periods neither overlap nor leave anything out. Years 1970..2200, but the machine's table
/// ends with 2037: zones keep winter time from then on. A few hundred nanoseconds.
[[nodiscard]] TimeSpan period_at(Period period, const TimeZone& zone,
                                 std::chrono::nanoseconds time);

} // namespace keygate
