#include "base/calendar.hpp"

#include <date/tz.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace keygate {

class TimeZone {
  public:
    explicit TimeZone(const date::time_zone& zone)
        : zone_(&zone) {}

    [[nodiscard]] const date::time_zone& operator*() const { return *zone_; }

  private:
    const date::time_zone* zone_;
};

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

using Instant = date::sys_time<nanoseconds>;

/// Minutes and hours: those of the offset that is in force, cut where it changes.
TimeSpan clock_period(const date::time_zone& zone, Instant time, seconds length) {
    const date::sys_info offset = zone.get_info(time);
    const nanoseconds local = time.time_since_epoch() + offset.offset;
    nanoseconds into = local % length;
    if (into < nanoseconds{0}) into += length;
    const nanoseconds begin = time.time_since_epoch() - into;
    const nanoseconds end = begin + length;
    // Where the offset never changes these lie beyond what nanoseconds can tell.
    const auto now = std::chrono::floor<seconds>(time);
    const bool is_cut_before = now - offset.begin < length;
    const bool is_cut_behind = offset.end - now <= length;
    return {is_cut_before ? std::max(begin, nanoseconds{offset.begin.time_since_epoch()}) : begin,
            is_cut_behind ? std::min(end, nanoseconds{offset.end.time_since_epoch()}) : end};
}

struct LocalSpan {
    date::local_days begin;
    date::local_days end;
};

LocalSpan local_period(Period period, date::local_days day) {
    const date::year_month_day date{day};
    switch (period) {
    case Period::week: {
        const date::local_days monday = day - (date::weekday{day} - date::Monday);
        return {monday, monday + date::weeks{1}};
    }
    case Period::month: {
        const auto month = date.year() / date.month();
        return {date::local_days{month / 1}, date::local_days{(month + date::months{1}) / 1}};
    }
    case Period::year:
        return {date::local_days{date.year() / 1 / 1},
                date::local_days{(date.year() + date::years{1}) / 1 / 1}};
    default:
        return {day, day + date::days{1}};
    }
}

/// The first instant of a local day.
nanoseconds begin_of(const date::time_zone& zone, date::local_days day) {
    return zone.to_sys(day + nanoseconds{0}, date::choose::earliest).time_since_epoch();
}

} // namespace

std::string_view to_string(Period period) {
    switch (period) {
    case Period::minute:
        return "minute";
    case Period::hour:
        return "hour";
    case Period::day:
        return "day";
    case Period::week:
        return "week";
    case Period::month:
        return "month";
    case Period::year:
        return "year";
    }
    return "";
}

const TimeZone* find_time_zone(std::string_view name) {
    // Few, and asked for when a configuration is read.
    static std::mutex mutex;
    static std::map<std::string, std::unique_ptr<TimeZone>, std::less<>> known;
    const std::lock_guard lock{mutex};
    if (const auto found = known.find(name); found != known.end()) return found->second.get();
    try {
        auto zone = std::make_unique<TimeZone>(*date::locate_zone(std::string{name}));
        return known.emplace(name, std::move(zone)).first->second.get();
    } catch (const std::runtime_error&) {
        return nullptr; // not in the table, or no table
    }
}

TimeSpan period_at(Period period, const TimeZone& zone, nanoseconds time) {
    const Instant instant{time};
    if (period == Period::minute) return clock_period(*zone, instant, minutes{1});
    if (period == Period::hour) return clock_period(*zone, instant, hours{1});
    const auto day = date::floor<date::days>((*zone).to_local(instant));
    LocalSpan local = local_period(period, day);
    TimeSpan span{begin_of(*zone, local.begin), begin_of(*zone, local.end)};
    // A clock that is set back across midnight (St. John's, until 2011) tells a day that is over.
    while (span.end <= time) {
        local = local_period(period, local.end);
        span = {span.end, begin_of(*zone, local.end)};
    }
    return span;
}

} // namespace keygate
