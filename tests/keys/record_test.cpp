#include "keys/record.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <random>

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(keys_record)

BOOST_AUTO_TEST_CASE(words_read_back_and_no_others) {
    for (const Mode mode : {Mode::live, Mode::test})
        BOOST_TEST((mode_from(to_string(mode)) == mode));
    for (const KeyStatus status : {KeyStatus::active, KeyStatus::disabled, KeyStatus::revoked})
        BOOST_TEST((key_status_from(to_string(status)) == status));
    for (const OwnerStatus status : {OwnerStatus::active, OwnerStatus::suspended})
        BOOST_TEST((owner_status_from(to_string(status)) == status));
    for (const char* word : {"", "Live", "active ", "expired", "suspende"}) {
        BOOST_TEST(!mode_from(word));
        BOOST_TEST(!key_status_from(word) == (std::string_view{word} != "active"));
        BOOST_TEST(!owner_status_from(word));
    }
}

struct Good {
    const char* text;
    std::int64_t seconds;
};

std::ostream& operator<<(std::ostream& out, const Good& good) {
    return out << good.text;
}

const Good readable[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-03-11T10:30:00Z", 1'773'225'000},
    {"2026-03-11t10:30:00z", 1'773'225'000},
    {"2026-03-11T12:30:00+02:00", 1'773'225'000},
    {"2026-03-11T00:00:00-10:30", 1'773'225'000},
    {"2026-03-11T10:30:00-00:00", 1'773'225'000},
    {"2026-03-11T10:30:00.5Z", 1'773'225'000},
    {"2026-03-11T10:30:00.999999999999999999Z", 1'773'225'000},
    {"2024-02-29T00:00:00Z", 1'709'164'800},
    {"2000-02-29T23:59:59Z", 951'868'799},
    {"9999-12-31T23:59:59Z", 253'402'300'799},
    // The bounds hold for the moment, not for the year as written.
    {"1969-12-31T23:30:00-00:30", 0},
    {"1969-12-31T23:59:59.9-01:00", 3'599},
};

BOOST_DATA_TEST_CASE(a_time_is_read, bdata::make(readable), good) {
    const auto time = time_from(good.text);
    BOOST_TEST_REQUIRE(time.has_value());
    BOOST_TEST(time->time_since_epoch().count() == good.seconds);
}

BOOST_DATA_TEST_CASE(anything_else_is_no_time,
                     bdata::make({"",
                                  "2026",
                                  "2026-03-11",
                                  "2026-03-11T10:30Z",
                                  "2026-03-11T10:30:00",
                                  "2026-03-11 10:30:00Z",
                                  "2026-3-11T10:30:00Z",
                                  "2026-03-11T10:30:00.Z",
                                  "2026-03-11T10:30:00,5Z",
                                  "2026-03-11T10:30:00Z ",
                                  " 2026-03-11T10:30:00Z",
                                  "2026-03-11T10:30:00ZZ",
                                  "2026-03-11T24:00:00Z",
                                  "2026-03-11T10:60:00Z",
                                  "2016-12-31T23:59:60Z",
                                  "2026-13-01T00:00:00Z",
                                  "2026-00-01T00:00:00Z",
                                  "2026-01-00T00:00:00Z",
                                  "2026-02-29T00:00:00Z",
                                  "1900-02-29T00:00:00Z",
                                  "2100-02-29T00:00:00Z",
                                  "2026-04-31T00:00:00Z",
                                  "2026-03-11T10:30:00+24:00",
                                  "2026-03-11T10:30:00+02:60",
                                  "2026-03-11T10:30:00+0200",
                                  "2026-03-11T10:30:00+02",
                                  "2026-03-11T10:30:00 +02:00",
                                  "1969-12-31T23:59:59Z",
                                  "1970-01-01T00:30:00+01:00",
                                  "9999-12-31T23:59:59-00:01",
                                  "0000-01-01T00:00:00Z",
                                  "+026-03-11T10:30:00Z",
                                  "-026-03-11T10:30:00Z",
                                  "12026-03-11T10:30:00Z",
                                  "2026-03-11T1a:30:00Z"}),
                     text) {
    BOOST_TEST(!time_from(text));
}

BOOST_AUTO_TEST_CASE(every_time_reads_back_as_it_was_written) {
    std::mt19937_64 random{20260311};
    std::uniform_int_distribution<std::int64_t> seconds{0, 253'402'300'799};
    for (int i = 0; i < 20'000; ++i) {
        const Time time{std::chrono::seconds{seconds(random)}};
        const std::string text = to_text(time);
        BOOST_TEST_REQUIRE(text.size() == 20U);
        BOOST_TEST_REQUIRE((time_from(text) == time), text);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
