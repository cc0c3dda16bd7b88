#include "limit/limits.hpp"
#include "limit/lockout.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

namespace keygate::limit {
namespace {

using namespace std::chrono_literals;
using testing::rate_of;
using testing::start;

struct Fixture {
    Counters counters{1};
    AddressBook addresses{counters};
    Calendar calendar;
    config::Limit limit = failed_auth_limit(rate_of(3, 60s));

    Failures of(const char* address, const char* api = "shop") {
        return {counters, addresses, limit, api, address};
    }

    /// How many failures are counted until the address is refused.
    int failures(const char* address, Instant now, int tries = 9) {
        int count = 0;
        for (int i = 0; i < tries && !of(address).check(now, calendar); ++i, ++count)
            of(address).count(now, calendar);
        return count;
    }
};

BOOST_FIXTURE_TEST_SUITE(limit_lockout, Fixture)

BOOST_AUTO_TEST_CASE(an_address_may_fail_so_often_and_then_waits) {
    BOOST_TEST(failures("192.0.2.1", start + 13s) == 3);
    const auto refusal = of("192.0.2.1").check(start + 13s, calendar);
    BOOST_TEST_REQUIRE(refusal.has_value());
    BOOST_TEST((refusal->reason == Reason::lockout));
    BOOST_TEST((refusal->retry_after == 47s));
    BOOST_TEST(of("192.0.2.1").check(start + 60s - 1ns, calendar).has_value());
    BOOST_TEST(!of("192.0.2.1").check(start + 60s, calendar));
    BOOST_TEST(failures("192.0.2.1", start + 60s) == 3);
}

BOOST_AUTO_TEST_CASE(looking_costs_nothing) {
    for (int i = 0; i < 1'000; ++i)
        BOOST_TEST_REQUIRE(!of("192.0.2.1").check(start, calendar));
    BOOST_TEST(failures("192.0.2.1", start) == 3);
    // Nor does failing further while it is refused: it does not last longer for that.
    for (int i = 0; i < 100; ++i)
        of("192.0.2.1").count(start, calendar);
    BOOST_TEST(failures("192.0.2.1", start + 60s) == 3);
}

BOOST_AUTO_TEST_CASE(others_are_not_locked_out) {
    BOOST_TEST(failures("192.0.2.1", start) == 3);
    BOOST_TEST(!of("192.0.2.2").check(start, calendar));
    BOOST_TEST(!of("192.0.2.1", "news").check(start, calendar));
    BOOST_TEST(failures("2001:db8::1", start) == 3);
    BOOST_TEST(of("2001:db8::2").check(start, calendar).has_value()); // who has one has its /64
    BOOST_TEST(!of("2001:db8:0:1::1").check(start, calendar));
}

BOOST_AUTO_TEST_CASE(failures_with_a_burst_leak_away) {
    limit = failed_auth_limit(rate_of(60, 60s, 5));
    BOOST_TEST(failures("192.0.2.1", start) == 5);
    BOOST_TEST((of("192.0.2.1").check(start, calendar)->retry_after == 1s));
    BOOST_TEST(failures("192.0.2.1", start + 2s) == 2);
}

BOOST_AUTO_TEST_CASE(nothing_else_is_counted_where_failures_are) {
    BOOST_TEST(failures("192.0.2.1", start) == 3);
    const std::vector<config::Limit> limits{
        testing::limit_of(rate_of(3, 60s), config::LimitBy::address),
        testing::limit_of(rate_of(3, 60s), config::LimitBy::address, false, "GET /failed_auth")};
    const std::uint32_t subject = addresses.number_of("shop", "192.0.2.1");
    const Bill bill = testing::bill_of(limits, subject);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(counters.charge(bill, start, calendar).is_admitted());
    BOOST_TEST(!counters.charge(bill, start, calendar).is_admitted());
    BOOST_TEST(failures("192.0.2.1", start + 60s) == 3);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::limit
