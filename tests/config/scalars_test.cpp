#include "config/scalars.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

namespace {

using namespace keygate::config;
using namespace std::chrono_literals;

} // namespace

BOOST_AUTO_TEST_SUITE(config_scalars)

BOOST_AUTO_TEST_CASE(numbers_are_decimal_digits_and_nothing_else) {
    BOOST_TEST(parse_number("0").value() == 0U);
    BOOST_TEST(parse_number("18446744073709551615").value() ==
               std::numeric_limits<std::uint64_t>::max());
    for (const char* text : {"", " 1", "1 ", "+1", "-1", "01", "00", "0x1", "1_0", "1e3", "1.0",
                             "１", "18446744073709551616"})
        BOOST_TEST(!parse_number(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(only_true_and_false_are_booleans) {
    BOOST_TEST(parse_flag("true").value());
    BOOST_TEST(!parse_flag("false").value());
    for (const char* text : {"", "True", "TRUE", "yes", "no", "on", "off", "y", "1", "0"})
        BOOST_TEST(!parse_flag(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(durations_have_a_unit) {
    BOOST_TEST((parse_duration("250ms") == 250ms));
    BOOST_TEST((parse_duration("0s") == 0ms));
    BOOST_TEST((parse_duration("30s") == 30s));
    BOOST_TEST((parse_duration("5m") == 5min));
    BOOST_TEST((parse_duration("12h") == 12h));
    BOOST_TEST((parse_duration("2d") == 48h));
    for (const char* text : {"", "1", "s", "1 s", "1S", "1sec", "1m30s", "1.5s", "-1s", "01s", "1w",
                             "1us", "9223372036854775807s", "99999999999999999999ms"})
        BOOST_TEST(!parse_duration(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(sizes_are_bytes_unless_a_unit_says_otherwise) {
    BOOST_TEST(parse_size("4096").value() == 4096U);
    BOOST_TEST(parse_size("0").value() == 0U);
    BOOST_TEST(parse_size("7B").value() == 7U);
    BOOST_TEST(parse_size("32KiB").value() == 32U * 1024);
    BOOST_TEST(parse_size("10MiB").value() == 10U * 1024 * 1024);
    BOOST_TEST(parse_size("2GiB").value() == 2ULL << 30U);
    BOOST_TEST(parse_size("1KB").value() == 1'000U);
    BOOST_TEST(parse_size("1MB").value() == 1'000'000U);
    BOOST_TEST(parse_size("1GB").value() == 1'000'000'000U);
    for (const char* text :
         {"", "KiB", "1K", "1kb", "1 KiB", "1.5MiB", "-1", "0x10", "1TiB", "9999999999999GiB"})
        BOOST_TEST(!parse_size(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(rates_are_requests_in_a_window_of_whole_seconds) {
    struct Row {
        const char* text;
        std::uint64_t limit;
        std::chrono::seconds window;
    };

    const Row rows[] = {
        {"100/1m", 100, 60s},     {"10/s", 10, 1s},
        {"1000/day", 1000, 24h},  {"5/15min", 5, 15min},
        {"1/30sec", 1, 30s},      {"7/2hours", 7, 2h},
        {"1/366d", 1, 366 * 24h}, {"1000000000/s", 1'000'000'000, 1s},
        {"3/second", 3, 1s},      {"3/10seconds", 3, 10s},
        {"3/minute", 3, 60s},     {"3/5minutes", 3, 5min},
        {"3/hour", 3, 1h},        {"3/h", 3, 1h},
        {"3/7days", 3, 7 * 24h},  {"31622400/31622400s", 31'622'400, 366 * 24h},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.text) {
            const auto rate = parse_rate(row.text);
            BOOST_TEST_REQUIRE(rate.has_value());
            BOOST_TEST(rate->limit == row.limit);
            BOOST_TEST((rate->window == row.window));
            BOOST_TEST(rate->text == row.text);
            BOOST_TEST(!rate->burst);
        }
    }
    for (const char* text : {"",
                             "/",
                             "10",
                             "10/",
                             "/s",
                             "0/s",
                             "10/0s",
                             "10/1",
                             "10/500ms",
                             "10/367d",
                             "1000000001/s",
                             "10 / s",
                             "10/1 s",
                             "10/week",
                             "10/month",
                             "-1/s",
                             "1/1m30s",
                             "010/s",
                             "10/01s",
                             "1/2/s",
                             "10/31622401s",
                             "1/99999999999999999999d"})
        BOOST_TEST(!parse_rate(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(quotas_are_requests_in_a_calendar_period) {
    using keygate::Period;
    const std::pair<const char*, Period> periods[] = {
        {"7/minute", Period::minute}, {"7/hour", Period::hour},   {"7/day", Period::day},
        {"7/week", Period::week},     {"7/month", Period::month}, {"7/year", Period::year}};
    for (const auto& [text, period] : periods) {
        BOOST_TEST_CONTEXT(text) {
            const auto quota = parse_quota(text);
            BOOST_TEST_REQUIRE(quota.has_value());
            BOOST_TEST(quota->limit == 7U);
            BOOST_TEST((quota->period == period));
        }
    }
    BOOST_TEST(parse_quota("1/month")->limit == 1U);
    BOOST_TEST(parse_quota("1000000000000/month")->limit == 1'000'000'000'000U);
    for (const char* text :
         {"", "/", "7", "7/", "/month", "0/month", "1000000000001/month", "7/months", "7/Month",
          "7/d", "7/1day", "7/1m", "7 /month", "7/ month", "07/month", "-7/month", "7/month/1"})
        BOOST_TEST(!parse_quota(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(values_are_written_in_the_largest_unit_that_loses_nothing) {
    BOOST_TEST(duration_text(0ms) == "0s");
    BOOST_TEST(duration_text(1500ms) == "1500ms");
    BOOST_TEST(duration_text(90s) == "90s");
    BOOST_TEST(duration_text(120s) == "2m");
    BOOST_TEST(duration_text(48h) == "2d");
    BOOST_TEST(size_text(0) == "0");
    BOOST_TEST(size_text(1025) == "1025");
    BOOST_TEST(size_text(32U * 1024) == "32KiB");
    BOOST_TEST(size_text(3ULL << 30U) == "3GiB");
    for (std::int64_t value = 0; value < 200'000; value += 61) {
        BOOST_TEST((parse_duration(duration_text(milliseconds{value})) == milliseconds{value}));
        BOOST_TEST(parse_size(size_text(static_cast<std::uint64_t>(value))).value() ==
                   static_cast<std::uint64_t>(value));
    }
}

BOOST_AUTO_TEST_CASE(percentages_are_whole_hundredths) {
    const std::pair<const char*, std::uint32_t> rows[] = {{"0%", 0}, {"7%", 7}, {"100%", 100}};
    for (const auto& [text, value] : rows)
        BOOST_TEST(parse_percentage(text).value() == value);
    for (const char* text :
         {"", "%", "7", "07%", "7 %", "7%%", "-7%", "0.5%", "101%", "99999999999999999999%", "%7"})
        BOOST_TEST(!parse_percentage(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
