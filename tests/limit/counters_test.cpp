#include "limit/counters.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace keygate;
using namespace std::chrono_literals;
using limit::Counters;
using limit::Instant;

namespace {

constexpr Instant start{1'700'000'040'000'000'000}; // a whole minute

limit::Rate rate_of(std::uint64_t limit, std::chrono::nanoseconds window,
                    std::optional<std::uint64_t> burst = {}) {
    limit::Rate rate;
    rate.limit = limit;
    rate.window = window;
    rate.burst = burst;
    return rate;
}

using Rates = std::vector<limit::Rate>;

int passed(Counters& counters, std::uint32_t subject, const Rates& rates, Instant now, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i)
        count += !counters.charge(subject, rates, now).has_value();
    return count;
}

/// Seconds of `Retry-After`; -1 where the charge passed.
std::int64_t retry_after(Counters& counters, const Rates& rates, Instant now,
                         std::uint64_t cost = 1) {
    const auto refusal = counters.charge(0, rates, now, cost);
    if (!refusal) return -1;
    BOOST_TEST((refusal->reason == Reason::rate_limited));
    return refusal->retry_after.count();
}

} // namespace

BOOST_AUTO_TEST_SUITE(limit_counters)

BOOST_AUTO_TEST_CASE(each_subject_has_its_own_count) {
    Counters counters{1};
    const Rates rates{rate_of(3, 60s)};
    const std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
    for (const std::uint32_t subject : {0U, 1U, 4095U, 4096U, 4'194'303U, 4'194'304U, last})
        BOOST_TEST(passed(counters, subject, rates, start, 9) == 3);
    for (const std::uint32_t subject : {0U, 1U, 4095U, 4096U, 4'194'303U, 4'194'304U, last})
        BOOST_TEST(passed(counters, subject, rates, start, 9) == 0);
}

BOOST_AUTO_TEST_CASE(without_rates_everything_passes_and_nothing_is_kept) {
    Counters none{0};
    BOOST_TEST(passed(none, 7, {}, start, 1000) == 1000);
    none.reset(7);
    Counters some{2};
    BOOST_TEST(passed(some, 7, {}, start, 1000) == 1000);
}

BOOST_AUTO_TEST_CASE(a_charge_takes_from_all_rates_or_from_none) {
    Counters counters{2};
    const Rates rates{rate_of(2, 1s), rate_of(3, 60s)};
    BOOST_TEST(passed(counters, 0, rates, start, 9) == 2);
    // Refused by the first rate seven times: the second one was not charged for that.
    BOOST_TEST(passed(counters, 0, rates, start + 1s, 9) == 1);
    // Refused by the second rate: the first one still has both.
    BOOST_TEST(passed(counters, 0, rates, start + 2s, 9) == 0);
    BOOST_TEST(passed(counters, 0, {rate_of(2, 1s)}, start + 2s, 9) == 2);
}

BOOST_AUTO_TEST_CASE(retry_after_is_in_whole_seconds_rounded_up_and_at_least_one) {
    const Rates rates{rate_of(1, 60s)};
    for (const auto& [waited, seconds] : std::initializer_list<std::pair<Instant, int>>{
             {0s, 60}, {1ns, 60}, {1s, 59}, {1s + 1ns, 59}, {58s, 2}, {59s, 1}, {60s - 1ns, 1}}) {
        Counters counters{1};
        BOOST_TEST(retry_after(counters, rates, start) == -1);
        BOOST_TEST(retry_after(counters, rates, start + waited) == seconds);
    }
}

BOOST_AUTO_TEST_CASE(retry_after_is_that_of_the_rate_that_takes_longest) {
    Counters counters{3};
    const Rates rates{rate_of(1, 1s), rate_of(1, 60s), rate_of(1, 7s, 1)};
    BOOST_TEST(retry_after(counters, rates, start) == -1);
    BOOST_TEST(retry_after(counters, rates, start) == 60);
}

BOOST_AUTO_TEST_CASE(a_cost_that_can_never_pass_has_no_retry_after) {
    Counters counters{2};
    const Rates rates{rate_of(10, 60s), rate_of(100, 60s, 20)};
    BOOST_TEST(retry_after(counters, rates, start, 11) == 0);
    BOOST_TEST(retry_after(counters, rates, start, 10) == -1);
    BOOST_TEST(retry_after(counters, rates, start, 10) == 60);
    BOOST_TEST(retry_after(counters, rates, start, 11) == 0);
}

BOOST_AUTO_TEST_CASE(a_change_of_plan_keeps_what_fits_and_finds_room_for_the_rest) {
    Counters counters{2};
    const Rates small{rate_of(2, 1s), rate_of(10, 60s)};
    const Rates large{rate_of(100, 60s), rate_of(1000, 3600s)};
    const Rates other{rate_of(5, 24h), rate_of(5, 1s, 5)};
    BOOST_TEST(passed(counters, 0, small, start, 9) == 2);
    BOOST_TEST(passed(counters, 0, large, start, 200) == 98);
    BOOST_TEST(passed(counters, 0, other, start, 9) == 5);
    BOOST_TEST(passed(counters, 0, other, start, 9) == 0);
    BOOST_TEST(passed(counters, 0, small, start, 9) == 2); // nothing was left of it
}

BOOST_AUTO_TEST_CASE(two_rates_of_one_meaning_are_charged_once) {
    Counters counters{2};
    BOOST_TEST(passed(counters, 0, {rate_of(10, 60s), rate_of(6, 60s)}, start, 20) == 6);
    BOOST_TEST(passed(counters, 0, {rate_of(10, 60s)}, start, 20) == 4);
    BOOST_TEST(passed(counters, 1, {rate_of(1, 60s, 10), rate_of(1, 60s, 4)}, start, 20) == 4);
}

BOOST_AUTO_TEST_CASE(a_reset_subject_begins_anew_and_others_do_not) {
    Counters counters{1};
    const Rates rates{rate_of(2, 60s)};
    BOOST_TEST(passed(counters, 0, rates, start, 9) == 2);
    BOOST_TEST(passed(counters, 1, rates, start, 9) == 2);
    counters.reset(0);
    counters.reset(1'000'000); // of no block that exists
    BOOST_TEST(passed(counters, 0, rates, start, 9) == 2);
    BOOST_TEST(passed(counters, 1, rates, start, 9) == 0);
}

BOOST_AUTO_TEST_CASE(more_rates_than_there_is_room_for_are_a_bug) {
    BOOST_CHECK_THROW(Counters{9}, std::invalid_argument);
    Counters counters{1};
    const Rates rates{rate_of(1, 1s), rate_of(1, 2s)};
    BOOST_CHECK_THROW((void)counters.charge(0, rates, start), std::logic_error);
}

BOOST_AUTO_TEST_CASE(who_waits_as_told_passes) {
    std::mt19937_64 random{21};
    for (int round = 0; round < 2'000; ++round) {
        Counters counters{3};
        Rates rates;
        for (auto count = 1 + random() % 3; count > 0; --count) {
            const auto limit = 1 + random() % 5;
            std::optional<std::uint64_t> burst;
            if (random() % 2 == 0) burst = 1 + random() % 5;
            rates.push_back(rate_of(limit, 1s * static_cast<int>(1 + random() % 100), burst));
        }
        Instant now = start + Instant{static_cast<std::int64_t>(random() % 100'000'000'000)};
        for (int i = 0; i < 20; ++i) {
            now += Instant{static_cast<std::int64_t>(random() % 3'000'000'000)};
            const auto refusal = counters.charge(0, rates, now);
            if (!refusal) continue;
            BOOST_TEST_REQUIRE(refusal->retry_after.count() >= 1);
            // One second less would be too early, unless it is the least that can be said.
            now += refusal->retry_after;
            if (refusal->retry_after > 1s)
                BOOST_TEST_REQUIRE(counters.charge(0, rates, now - 1s).has_value());
            BOOST_TEST_REQUIRE(!counters.charge(0, rates, now).has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(threads_that_charge_one_subject_admit_exactly_the_limit) {
    for (const auto& burst :
         {std::optional<std::uint64_t>{}, std::optional<std::uint64_t>{10'000}}) {
        Counters counters{2};
        const Rates rates{rate_of(10'000, 60s, burst), rate_of(1'000'000, 24h)};
        std::atomic<int> admitted = 0;
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] { admitted += passed(counters, 5, rates, start, 5'000); });
        for (auto& thread : threads)
            thread.join();
        BOOST_TEST(admitted == 10'000);
    }
}

BOOST_AUTO_TEST_CASE(threads_that_meet_in_new_blocks_lose_no_charge) {
    Counters counters{1};
    const Rates rates{rate_of(2, 60s)};
    std::atomic<int> admitted = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (std::uint32_t block = 0; block < 200; ++block)
                admitted += passed(counters, block * 4096 + 7, rates, start, 3);
        });
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(admitted == 400);
}

BOOST_AUTO_TEST_CASE(counters_that_grow_forget_nothing) {
    Counters counters{1};
    const Rates one{rate_of(5, 60s)};
    const Rates three{rate_of(5, 60s), rate_of(7, 3600s), rate_of(9, 24h)};
    const std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
    for (const std::uint32_t subject : {0U, 4095U, 4096U, 4'194'304U, last})
        BOOST_TEST(passed(counters, subject, one, start, 3) == 3);
    counters.grow(3);
    counters.grow(2); // never fewer
    for (const std::uint32_t subject : {0U, 4095U, 4096U, 4'194'304U, last}) {
        BOOST_TEST(passed(counters, subject, three, start, 9) == 2);
        BOOST_TEST(passed(counters, subject, three, start + 60s, 9) == 5);
        BOOST_TEST(passed(counters, subject, three, start + 120s, 9) == 0); // 7 in the hour
    }
    BOOST_TEST(passed(counters, 1, three, start, 9) == 5);
    BOOST_CHECK_THROW(counters.grow(9), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
