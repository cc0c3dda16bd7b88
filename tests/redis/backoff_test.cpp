#include "redis/backoff.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <set>

namespace keygate::redis {

namespace bdata = boost::unit_test::data;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(redis_backoff)

BOOST_DATA_TEST_CASE(waits_double_up_to_two_seconds_less_a_random_half,
                     bdata::make({0ULL, 1ULL, 77ULL, ~0ULL}), seed) {
    Backoff backoff(seed);
    BOOST_TEST((backoff.next() == 0ms));
    auto whole = 25ms;
    for (int i = 0; i < 100; ++i) {
        const auto wait = backoff.next();
        BOOST_TEST(wait.count() >= whole.count() / 2);
        BOOST_TEST(wait.count() <= whole.count());
        whole = std::min(2 * whole, 2'000ms);
    }
}

BOOST_AUTO_TEST_CASE(what_worked_begins_again) {
    Backoff backoff(1);
    for (int i = 0; i < 10; ++i)
        static_cast<void>(backoff.next());
    backoff.reset();
    BOOST_TEST((backoff.next() == 0ms));
    BOOST_TEST((backoff.next() <= 25ms));
}

BOOST_AUTO_TEST_CASE(many_do_not_come_back_at_one_instant) {
    std::set<long long> waits;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Backoff backoff(seed * 2 + 1);
        for (int i = 0; i < 8; ++i)
            static_cast<void>(backoff.next());
        waits.insert(backoff.next().count());
    }
    BOOST_TEST(waits.size() > 100U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::redis
