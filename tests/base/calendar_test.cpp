#include "base/calendar.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <date/date.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

// Periods against what the rules of each zone say, written down by hand; and that they follow each
// other without a gap and without an overlap, whatever a zone does to its clocks.
//
// KEYGATE_LONG=1 looks at twenty times as many instants. KEYGATE_SEED=n replays those of seed n.
namespace keygate {
namespace {

namespace bdata = boost::unit_test::data;

using std::chrono::nanoseconds;

/// `2024-02-29T23:59:59.999999999Z`
nanoseconds instant(const std::string& text) {
    date::sys_time<nanoseconds> time;
    std::istringstream in{text};
    in >> date::parse("%FT%TZ", time);
    if (!in) throw std::invalid_argument(text);
    return time.time_since_epoch();
}

std::string text_of(nanoseconds time) {
    return date::format("%FT%TZ", date::sys_time<nanoseconds>{time});
}

struct Row {
    const char* zone;
    Period period;
    const char* time;
    const char* begin;
    const char* end;
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << to_string(row.period) << " of " << row.time << " in " << row.zone;
}

constexpr auto minute = Period::minute;
constexpr auto hour = Period::hour;
constexpr auto day = Period::day;
constexpr auto week = Period::week;
constexpr auto month = Period::month;
constexpr auto year = Period::year;

// clang-format off
const std::vector<Row> rows{
    // Each kind, its first and its last instant.
    {"UTC", minute, "2024-06-15T12:34:56.789Z", "2024-06-15T12:34:00Z", "2024-06-15T12:35:00Z"},
    {"UTC", minute, "2024-06-15T12:35:00Z", "2024-06-15T12:35:00Z", "2024-06-15T12:36:00Z"},
    {"UTC", minute, "2024-06-15T12:35:59.999999999Z", "2024-06-15T12:35:00Z", "2024-06-15T12:36:00Z"},
    {"UTC", hour, "2024-06-15T12:34:56.789Z", "2024-06-15T12:00:00Z", "2024-06-15T13:00:00Z"},
    {"UTC", hour, "2024-06-15T13:00:00Z", "2024-06-15T13:00:00Z", "2024-06-15T14:00:00Z"},
    {"UTC", day, "2024-06-15T12:34:56.789Z", "2024-06-15T00:00:00Z", "2024-06-16T00:00:00Z"},
    {"UTC", day, "2024-06-16T00:00:00Z", "2024-06-16T00:00:00Z", "2024-06-17T00:00:00Z"},
    {"UTC", week, "2024-06-15T12:34:56.789Z", "2024-06-10T00:00:00Z", "2024-06-17T00:00:00Z"},
    {"UTC", month, "2024-06-15T12:34:56.789Z", "2024-06-01T00:00:00Z", "2024-07-01T00:00:00Z"},
    {"UTC", year, "2024-06-15T12:34:56.789Z", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
    // Ends of months; leap years are 2000 and 2024, not 2023 and 2100.
    {"UTC", month, "2023-02-28T23:59:59.999999999Z", "2023-02-01T00:00:00Z", "2023-03-01T00:00:00Z"},
    {"UTC", month, "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
    {"UTC", day, "2024-02-29T23:59:59.999999999Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
    {"UTC", month, "2000-02-29T23:59:59.999999999Z", "2000-02-01T00:00:00Z", "2000-03-01T00:00:00Z"},
    {"UTC", day, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2000-03-01T00:00:00Z"},
    {"UTC", month, "2100-02-28T23:59:59.999999999Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"},
    {"UTC", day, "2100-02-28T12:00:00Z", "2100-02-28T00:00:00Z", "2100-03-01T00:00:00Z"},
    {"UTC", year, "2100-03-01T00:00:00Z", "2100-01-01T00:00:00Z", "2101-01-01T00:00:00Z"},
    {"UTC", month, "2024-01-31T23:59:59.999999999Z", "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"},
    {"UTC", month, "2024-04-30T23:59:59.999999999Z", "2024-04-01T00:00:00Z", "2024-05-01T00:00:00Z"},
    {"UTC", month, "2024-05-01T00:00:00Z", "2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z"},
    // Ends of years.
    {"UTC", month, "2024-12-31T23:59:59.999999999Z", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"},
    {"UTC", year, "2024-12-31T23:59:59.999999999Z", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
    {"UTC", year, "2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
    {"UTC", day, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z"},
    {"UTC", year, "2199-12-31T23:59:59.999999999Z", "2199-01-01T00:00:00Z", "2200-01-01T00:00:00Z"},
    // Weeks across years: that of 2020-12-28 is the 53rd.
    {"UTC", week, "2020-12-31T12:00:00Z", "2020-12-28T00:00:00Z", "2021-01-04T00:00:00Z"},
    {"UTC", week, "2021-01-03T23:59:59.999999999Z", "2020-12-28T00:00:00Z", "2021-01-04T00:00:00Z"},
    {"UTC", week, "2021-01-04T00:00:00Z", "2021-01-04T00:00:00Z", "2021-01-11T00:00:00Z"},
    {"UTC", week, "2018-12-31T00:00:00Z", "2018-12-31T00:00:00Z", "2019-01-07T00:00:00Z"},
    {"UTC", week, "2017-01-01T12:00:00Z", "2016-12-26T00:00:00Z", "2017-01-02T00:00:00Z"},
    {"UTC", week, "2024-02-29T12:00:00Z", "2024-02-26T00:00:00Z", "2024-03-04T00:00:00Z"},
    {"UTC", week, "1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"},

    // 23, 24 and 25 hours.
    {"Europe/Berlin", day, "2024-03-31T12:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"},
    {"Europe/Berlin", day, "2024-06-15T12:00:00Z", "2024-06-14T22:00:00Z", "2024-06-15T22:00:00Z"},
    {"Europe/Berlin", day, "2024-10-27T12:00:00Z", "2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z"},
    {"Europe/Berlin", hour, "2024-03-31T00:59:59.999999999Z", "2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z"},
    {"Europe/Berlin", hour, "2024-03-31T01:00:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z"},
    {"Europe/Berlin", hour, "2024-10-27T00:30:00Z", "2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z"},
    {"Europe/Berlin", hour, "2024-10-27T01:30:00Z", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z"},
    {"Europe/Berlin", week, "2024-03-27T12:00:00Z", "2024-03-24T23:00:00Z", "2024-03-31T22:00:00Z"},
    {"Europe/Berlin", month, "2024-03-15T12:00:00Z", "2024-02-29T23:00:00Z", "2024-03-31T22:00:00Z"},
    {"Europe/Berlin", month, "2024-10-15T12:00:00Z", "2024-09-30T22:00:00Z", "2024-10-31T23:00:00Z"},
    {"Europe/Berlin", year, "2023-12-31T22:59:59.999999999Z", "2022-12-31T23:00:00Z", "2023-12-31T23:00:00Z"},
    {"Europe/Berlin", year, "2023-12-31T23:00:00Z", "2023-12-31T23:00:00Z", "2024-12-31T23:00:00Z"},
    {"Europe/Berlin", month, "2037-07-15T12:00:00Z", "2037-06-30T22:00:00Z", "2037-07-31T22:00:00Z"},
    // Behind the end of the table zones keep the offset that they had then.
    {"Europe/Berlin", month, "2050-07-15T12:00:00Z", "2050-06-30T23:00:00Z", "2050-07-31T23:00:00Z"},
    {"America/New_York", day, "2024-03-10T12:00:00Z", "2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z"},
    {"America/New_York", day, "2024-07-04T12:00:00Z", "2024-07-04T04:00:00Z", "2024-07-05T04:00:00Z"},
    {"America/New_York", day, "2024-11-03T12:00:00Z", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"},
    {"America/New_York", month, "2024-02-01T04:59:59.999999999Z", "2024-01-01T05:00:00Z", "2024-02-01T05:00:00Z"},
    {"America/New_York", month, "2024-11-15T12:00:00Z", "2024-11-01T04:00:00Z", "2024-12-01T05:00:00Z"},

    // No midnight in spring; in autumn the clock goes back from midnight to 23:00, …
    {"America/Sao_Paulo", day, "2017-10-15T02:59:59.999999999Z", "2017-10-14T03:00:00Z", "2017-10-15T03:00:00Z"},
    {"America/Sao_Paulo", day, "2017-10-15T03:00:00Z", "2017-10-15T03:00:00Z", "2017-10-16T02:00:00Z"},
    {"America/Sao_Paulo", month, "2017-10-15T03:00:00Z", "2017-10-01T03:00:00Z", "2017-11-01T02:00:00Z"},
    {"America/Sao_Paulo", day, "2018-02-18T01:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},
    {"America/Sao_Paulo", day, "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},
    {"America/Sao_Paulo", hour, "2018-02-18T02:30:00Z", "2018-02-18T02:00:00Z", "2018-02-18T03:00:00Z"},
    {"America/Sao_Paulo", week, "2018-02-18T02:30:00Z", "2018-02-12T02:00:00Z", "2018-02-19T03:00:00Z"},
    {"America/Sao_Paulo", day, "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
    {"Asia/Beirut", day, "2024-03-30T22:00:00Z", "2024-03-30T22:00:00Z", "2024-03-31T21:00:00Z"},
    {"Asia/Beirut", day, "2024-10-26T21:30:00Z", "2024-10-25T21:00:00Z", "2024-10-26T22:00:00Z"},
    {"Africa/Cairo", day, "2024-04-26T12:00:00Z", "2024-04-25T22:00:00Z", "2024-04-26T21:00:00Z"},
    {"Africa/Cairo", day, "2024-10-31T21:30:00Z", "2024-10-30T21:00:00Z", "2024-10-31T22:00:00Z"},
    {"Africa/Cairo", month, "2024-10-31T21:59:59.999999999Z", "2024-09-30T21:00:00Z", "2024-10-31T22:00:00Z"},
    {"Africa/Cairo", month, "2024-10-31T22:00:00Z", "2024-10-31T22:00:00Z", "2024-11-30T22:00:00Z"},
    {"America/Asuncion", day, "2024-03-24T03:30:00Z", "2024-03-23T03:00:00Z", "2024-03-24T04:00:00Z"},
    {"America/Asuncion", month, "2023-10-01T03:59:59.999999999Z", "2023-09-01T04:00:00Z", "2023-10-01T04:00:00Z"},
    {"America/Asuncion", month, "2023-10-01T04:00:00Z", "2023-10-01T04:00:00Z", "2023-11-01T03:00:00Z"},
    // … here from 01:00 to midnight, which happens twice, …
    {"America/Havana", day, "2024-11-03T03:59:59.999999999Z", "2024-11-02T04:00:00Z", "2024-11-03T04:00:00Z"},
    {"America/Havana", day, "2024-11-03T04:30:00Z", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"},
    {"America/Havana", day, "2024-11-03T05:00:00Z", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"},
    {"America/Havana", hour, "2024-11-03T05:30:00Z", "2024-11-03T05:00:00Z", "2024-11-03T06:00:00Z"},
    {"America/Havana", day, "2024-03-10T12:00:00Z", "2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z"},
    // … and here from 00:01 to 23:01 of the day that was over.
    {"America/St_Johns", day, "2010-11-07T02:29:59.999999999Z", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z"},
    {"America/St_Johns", day, "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"},
    {"America/St_Johns", day, "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"},
    {"America/St_Johns", hour, "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z", "2010-11-07T02:31:00Z"},
    {"America/St_Johns", hour, "2010-11-07T02:31:00Z", "2010-11-07T02:31:00Z", "2010-11-07T03:30:00Z"},

    // Half an hour of summer.
    {"Australia/Lord_Howe", hour, "2024-04-06T14:59:59.999999999Z", "2024-04-06T14:00:00Z", "2024-04-06T15:00:00Z"},
    {"Australia/Lord_Howe", hour, "2024-04-06T15:00:00Z", "2024-04-06T15:00:00Z", "2024-04-06T15:30:00Z"},
    {"Australia/Lord_Howe", hour, "2024-04-06T15:30:00Z", "2024-04-06T15:30:00Z", "2024-04-06T16:30:00Z"},
    {"Australia/Lord_Howe", hour, "2024-10-05T15:29:00Z", "2024-10-05T14:30:00Z", "2024-10-05T15:30:00Z"},
    {"Australia/Lord_Howe", hour, "2024-10-05T15:30:00Z", "2024-10-05T15:30:00Z", "2024-10-05T16:00:00Z"},
    {"Australia/Lord_Howe", day, "2024-04-07T00:00:00Z", "2024-04-06T13:00:00Z", "2024-04-07T13:30:00Z"},
    {"Australia/Lord_Howe", day, "2024-10-06T00:00:00Z", "2024-10-05T13:30:00Z", "2024-10-06T13:00:00Z"},
    // Offsets that are no whole hours.
    {"Asia/Kathmandu", minute, "2024-06-15T12:34:56Z", "2024-06-15T12:34:00Z", "2024-06-15T12:35:00Z"},
    {"Asia/Kathmandu", hour, "2024-06-15T12:34:56Z", "2024-06-15T12:15:00Z", "2024-06-15T13:15:00Z"},
    {"Asia/Kathmandu", day, "2024-06-15T12:34:56Z", "2024-06-14T18:15:00Z", "2024-06-15T18:15:00Z"},
    {"Asia/Kathmandu", year, "1986-06-15T12:00:00Z", "1985-12-31T18:30:00Z", "1986-12-31T18:15:00Z"},
    {"Asia/Kathmandu", hour, "1985-12-31T18:40:00Z", "1985-12-31T18:30:00Z", "1985-12-31T19:15:00Z"},
    {"Asia/Kolkata", hour, "2024-06-15T12:34:56Z", "2024-06-15T12:30:00Z", "2024-06-15T13:30:00Z"},
    {"Asia/Kolkata", day, "2024-06-15T12:34:56Z", "2024-06-14T18:30:00Z", "2024-06-15T18:30:00Z"},
    {"Asia/Kolkata", month, "2024-06-15T12:34:56Z", "2024-05-31T18:30:00Z", "2024-06-30T18:30:00Z"},
    // A day that never was: 2011-12-30.
    {"Pacific/Apia", day, "2011-12-30T09:59:59.999999999Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
    {"Pacific/Apia", day, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
    {"Pacific/Apia", week, "2011-12-30T10:00:00Z", "2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"},
    {"Pacific/Apia", month, "2011-12-30T10:00:00Z", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"},
    {"Pacific/Apia", year, "2011-12-30T09:00:00Z", "2011-01-01T10:00:00Z", "2011-12-31T10:00:00Z"},
};

// clang-format on

std::uint64_t seed() {
    const char* const wanted = std::getenv("KEYGATE_SEED");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : std::random_device{}();
}

int instants_of_each() {
    return std::getenv("KEYGATE_LONG") != nullptr ? 10'000 : 500;
}

/// A span, the one before it and the one behind it.
bool is_seamless(Period period, const TimeZone& zone, nanoseconds time) {
    const TimeSpan span = period_at(period, zone, time);
    const nanoseconds last = span.end - nanoseconds{1};
    return span.contains(time) && span.begin < span.end &&
           period_at(period, zone, span.begin) == span && period_at(period, zone, last) == span &&
           period_at(period, zone, span.end).begin == span.end &&
           period_at(period, zone, span.begin - nanoseconds{1}).end == span.begin;
}

} // namespace

BOOST_AUTO_TEST_SUITE(base_calendar)

BOOST_DATA_TEST_CASE(a_period_is_what_the_zone_says, bdata::make(rows), row) {
    const TimeZone* const zone = find_time_zone(row.zone);
    BOOST_TEST_REQUIRE(zone != nullptr);
    const TimeSpan span = period_at(row.period, *zone, instant(row.time));
    BOOST_TEST(text_of(span.begin) == text_of(instant(row.begin)));
    BOOST_TEST(text_of(span.end) == text_of(instant(row.end)));
}

BOOST_AUTO_TEST_CASE(periods_leave_nothing_out_and_do_not_overlap) {
    const std::uint64_t used_seed = seed();
    std::mt19937_64 random{used_seed};
    constexpr std::int64_t first = 31'536'000'000'000'000;   // 1971
    constexpr std::int64_t last = 7'226'582'400'000'000'000; // 2199
    for (const char* const name :
         {"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana",
          "Asia/Beirut", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
          "America/Asuncion", "America/St_Johns", "Africa/Monrovia", "Antarctica/Troll",
          "Europe/London", "Pacific/Kwajalein"}) {
        const TimeZone* const zone = find_time_zone(name);
        BOOST_TEST_REQUIRE(zone != nullptr);
        for (const Period period : {minute, hour, day, week, month, year})
            for (int i = 0; i < instants_of_each(); ++i) {
                nanoseconds time{first + static_cast<std::int64_t>(
                                             random() % static_cast<std::uint64_t>(last - first))};
                // Half of them near midnight in November and March, or at the beginning of a month,
                // of years in which zones changed their clocks.
                if (i % 2 == 0) {
                    const auto years = static_cast<int>(1971 + random() % 60);
                    const auto months = static_cast<unsigned>(1 + random() % 12);
                    const auto days = static_cast<unsigned>(1 + random() % 28);
                    const auto midnight =
                        date::sys_days{date::year{years} / date::month{months} / date::day{days}};
                    time = midnight.time_since_epoch() +
                           std::chrono::minutes{random() % (36 * 60)} -
                           nanoseconds{static_cast<std::int64_t>(random() % 2)};
                }
                BOOST_TEST_REQUIRE(is_seamless(period, *zone, time),
                                   to_string(period) << " of " << text_of(time) << " in " << name
                                                     << "; KEYGATE_SEED=" << used_seed);
            }
    }
}

BOOST_AUTO_TEST_CASE(a_zone_that_nobody_knows_is_none) {
    for (const char* const name : {"", "Europe/Nowhere", "utc2", "../UTC", "Europe/Berlin "})
        BOOST_TEST((find_time_zone(name) == nullptr), name);
    BOOST_TEST(find_time_zone("Europe/Berlin") == find_time_zone("Europe/Berlin"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate
