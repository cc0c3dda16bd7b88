#include "proxy/retry_budget.hpp"

#include <boost/test/unit_test.hpp>

using keygate::SteadyTime;
using keygate::proxy::RetryBudget;
using std::chrono::seconds;

BOOST_AUTO_TEST_SUITE(retry_budget)

BOOST_AUTO_TEST_CASE(a_few_in_each_second_and_a_share_of_the_requests) {
    const SteadyTime now{seconds{100}};
    RetryBudget budget{20};
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(budget.spend(now));
    BOOST_TEST(!budget.spend(now));
    for (int i = 0; i < 5; ++i)
        budget.count_request();
    BOOST_TEST(budget.spend(now));
    BOOST_TEST(!budget.spend(now));
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(budget.spend(now + seconds{1}));
    BOOST_TEST(!budget.spend(now + seconds{1}));
}

BOOST_AUTO_TEST_CASE(what_can_be_saved_up_is_bounded) {
    const SteadyTime now{seconds{100}};
    RetryBudget budget{100};
    for (int i = 0; i < 1'000'000; ++i)
        budget.count_request();
    int spent = 0;
    while (budget.spend(now))
        ++spent;
    BOOST_TEST(spent == RetryBudget::most + RetryBudget::per_second);
}

BOOST_AUTO_TEST_CASE(nothing_of_nothing) {
    const SteadyTime now{seconds{100}};
    RetryBudget budget{0};
    for (int i = 0; i < 1'000; ++i)
        budget.count_request();
    int spent = 0;
    while (budget.spend(now))
        ++spent;
    BOOST_TEST(spent == RetryBudget::per_second);
}

BOOST_AUTO_TEST_SUITE_END()
