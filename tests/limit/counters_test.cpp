#include "limit/counters.hpp"
#include "limit/limits.hpp"

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

// What holds for each kind of limit, case by case; limit/model_test.cpp compares all of them with a
// plain model.
namespace keygate::limit {
namespace {

using namespace std::chrono_literals;
using config::LimitBy;
using testing::bill_of;
using testing::limit_of;
using testing::quota_of;
using testing::rate_of;
using testing::running_of;
using testing::start;
using Limits = std::vector<config::Limit>;

constexpr bool dry = true;

struct Fixture {
    Counters counters{2};
    Calendar calendar;

    Outcome charge(const Bill& bill, Instant now) { return counters.charge(bill, now, calendar); }

    bool pass(const Bill& bill, Instant now) { return charge(bill, now).is_admitted(); }

    int passed(const Bill& bill, Instant now, int tries) {
        int count = 0;
        for (int i = 0; i < tries; ++i)
            count += pass(bill, now);
        return count;
    }

    /// Seconds of `Retry-After`; -1 where the charge passed.
    std::int64_t retry_after(const Bill& bill, Instant now) {
        const Outcome outcome = charge(bill, now);
        if (outcome.is_admitted()) return -1;
        return refusal_of(bill, outcome).retry_after.count();
    }

    /// Charges, and says what comes back.
    std::vector<Owed> owed_of(const Bill& bill, Instant now) {
        const Outcome outcome = charge(bill, now);
        BOOST_TEST_REQUIRE(outcome.is_admitted());
        std::vector<Owed> owed;
        note_owed(bill, outcome, owed);
        return owed;
    }
};

constexpr std::uint32_t last = std::numeric_limits<std::uint32_t>::max();

BOOST_FIXTURE_TEST_SUITE(limit_counters, Fixture)

BOOST_AUTO_TEST_CASE(each_subject_has_its_own_count) {
    const Limits limits{limit_of(rate_of(3, 60s))};
    for (const std::uint32_t subject : {0U, 1U, 4095U, 4096U, 4'194'303U, 4'194'304U, last})
        BOOST_TEST(passed(bill_of(limits, subject), start, 9) == 3);
    for (const std::uint32_t subject : {0U, 1U, 4095U, 4096U, 4'194'303U, 4'194'304U, last})
        BOOST_TEST(passed(bill_of(limits, subject), start, 9) == 0);
}

BOOST_AUTO_TEST_CASE(without_limits_everything_passes) {
    BOOST_TEST(passed({}, start, 1000) == 1000);
}

BOOST_AUTO_TEST_CASE(a_charge_takes_from_all_limits_or_from_none) {
    const Limits limits{limit_of(rate_of(2, 1s)), limit_of(rate_of(3, 60s))};
    BOOST_TEST(passed(bill_of(limits), start, 9) == 2);
    // Refused by the first limit seven times: the second one was not charged for that.
    BOOST_TEST(passed(bill_of(limits), start + 1s, 9) == 1);
    // Refused by the second limit: the first one still has both.
    BOOST_TEST(passed(bill_of(limits), start + 2s, 9) == 0);
    const Limits first{limits[0]};
    BOOST_TEST(passed(bill_of(first), start + 2s, 9) == 2);
}

BOOST_AUTO_TEST_CASE(a_charge_takes_from_all_subjects_or_from_none) {
    const Limits limits{limit_of(rate_of(2, 60s)), limit_of(rate_of(3, 60s), LimitBy::owner),
                        limit_of(running_of(4), LimitBy::route)};
    Bill bill;
    bill.add({.limit = &limits[0], .subject = 70'000, .cost = 1});
    bill.add({.limit = &limits[1], .subject = 5, .cost = 1});
    bill.add({.limit = &limits[2], .subject = Counters::first_route, .cost = 1});
    BOOST_TEST(passed(bill, start, 9) == 2);
    Bill owner;
    owner.add(bill.items()[1]);
    BOOST_TEST(passed(owner, start, 9) == 1);
    Bill route;
    route.add(bill.items()[2]);
    BOOST_TEST(passed(route, start, 9) == 2);
}

BOOST_AUTO_TEST_CASE(a_bill_of_more_subjects_than_there_can_be_is_a_bug) {
    const Limits limits{limit_of(rate_of(2, 60s))};
    Bill bill;
    for (std::uint32_t subject = 0; subject < 5; ++subject)
        bill.add({.limit = limits.data(), .subject = subject, .cost = 1});
    BOOST_CHECK_THROW((void)charge(bill, start), std::logic_error);
}

BOOST_AUTO_TEST_CASE(retry_after_is_in_whole_seconds_rounded_up_and_at_least_one) {
    const Limits limits{limit_of(rate_of(1, 60s))};
    std::uint32_t subject = 0;
    for (const auto& [waited, seconds] : std::initializer_list<std::pair<Instant, int>>{
             {0s, 60}, {1ns, 60}, {1s, 59}, {1s + 1ns, 59}, {58s, 2}, {59s, 1}, {60s - 1ns, 1}}) {
        const Bill bill = bill_of(limits, ++subject);
        BOOST_TEST(retry_after(bill, start) == -1);
        BOOST_TEST(retry_after(bill, start + waited) == seconds);
    }
}

BOOST_AUTO_TEST_CASE(a_refusal_is_that_of_the_limit_that_holds_longest) {
    const Limits limits{limit_of(rate_of(1, 1s)), limit_of(quota_of(1, Period::hour)),
                        limit_of(rate_of(1, 7s, 1)), limit_of(running_of(1))};
    const Bill bill = bill_of(limits);
    BOOST_TEST(pass(bill, start));
    const Outcome refused = charge(bill, start);
    BOOST_TEST(refused.refused_by == 1);
    BOOST_TEST(refused.exceeded == 0b1111U);
    BOOST_TEST((refusal_of(bill, refused).reason == Reason::quota_exceeded));
    BOOST_TEST((refused.retry_at == start + 46min + 0s)); // 22:14 until 23:00
}

BOOST_AUTO_TEST_CASE(each_kind_has_its_reason) {
    const Limits limits{limit_of(rate_of(1, 60s)), limit_of(rate_of(1, 60s, 1)),
                        limit_of(quota_of(1, Period::month)), limit_of(running_of(1))};
    const Reason reasons[]{Reason::rate_limited, Reason::rate_limited, Reason::quota_exceeded,
                           Reason::concurrency_exceeded};
    for (std::size_t i = 0; i < limits.size(); ++i) {
        Bill bill;
        bill.add({.limit = &limits[i], .subject = 9, .cost = 1});
        BOOST_TEST(pass(bill, start));
        BOOST_TEST((refusal_of(bill, charge(bill, start)).reason == reasons[i]));
    }
}

BOOST_AUTO_TEST_CASE(a_cost_that_can_never_pass_has_no_retry_after) {
    const Limits limits{limit_of(rate_of(10, 60s)), limit_of(rate_of(100, 60s, 20)),
                        limit_of(quota_of(15, Period::day))};
    BOOST_TEST(retry_after(bill_of(limits, 0, 11), start) == 0);
    BOOST_TEST(retry_after(bill_of(limits, 0, 10), start) == -1);
    BOOST_TEST(retry_after(bill_of(limits, 0, 10), start) > 0);
    BOOST_TEST(retry_after(bill_of(limits, 0, 21), start) == 0);
}

BOOST_AUTO_TEST_CASE(a_change_of_plan_keeps_what_fits_and_finds_room_for_the_rest) {
    const Limits small{limit_of(rate_of(2, 1s)), limit_of(rate_of(10, 60s))};
    const Limits large{limit_of(rate_of(100, 60s)), limit_of(rate_of(1000, 3600s))};
    const Limits other{limit_of(rate_of(5, 24h)), limit_of(rate_of(5, 1s, 5))};
    BOOST_TEST(passed(bill_of(small), start, 9) == 2);
    BOOST_TEST(passed(bill_of(large), start, 200) == 98);
    BOOST_TEST(passed(bill_of(other), start, 9) == 5);
    BOOST_TEST(passed(bill_of(other), start, 9) == 0);
    BOOST_TEST(passed(bill_of(small), start, 9) == 0);      // nothing is forgotten
    BOOST_TEST(passed(bill_of(small), start + 1s, 9) == 0); // nor in the minute
    BOOST_TEST(passed(bill_of(small), start + 60s, 9) == 2);
}

BOOST_AUTO_TEST_CASE(a_dry_run_refuses_nobody_and_takes_nothing_where_it_would_have) {
    const Limits limits{limit_of(rate_of(2, 60s), LimitBy::key, dry), limit_of(rate_of(5, 3600s)),
                        limit_of(running_of(1), LimitBy::key, dry),
                        limit_of(quota_of(3, Period::month, "UTC", "tests"), LimitBy::key, dry)};
    const Bill bill = bill_of(limits);
    BOOST_TEST(charge(bill, start).exceeded == 0U);
    BOOST_TEST(charge(bill, start).exceeded == 0b0100U);
    BOOST_TEST(charge(bill, start).exceeded == 0b0101U);
    const Outcome fourth = charge(bill, start);
    BOOST_TEST(fourth.is_admitted());
    BOOST_TEST(fourth.exceeded == 0b1101U);
    // What took nothing gives nothing back.
    std::vector<Owed> owed;
    note_owed(bill, fourth, owed);
    BOOST_TEST(owed.empty());
    BOOST_TEST(pass(bill, start));
    const Outcome sixth = charge(bill, start);
    BOOST_TEST(sixth.refused_by == 1); // and nothing else can be to blame
    // In force it would have had 2 in the minute.
    const Limits in_force{limit_of(rate_of(3, 60s))};
    BOOST_TEST(passed(bill_of(in_force), start, 9) == 1);
}

BOOST_AUTO_TEST_CASE(requests_at_once_count_until_they_are_over) {
    const Limits limits{limit_of(running_of(2))};
    const Bill bill = bill_of(limits);
    const auto first = owed_of(bill, start);
    const auto second = owed_of(bill, start);
    BOOST_TEST(first.size() == 1U);
    BOOST_TEST(retry_after(bill, start + 24h) == 1);
    counters.settle(first, true);
    BOOST_TEST(pass(bill, start + 24h));
    BOOST_TEST(!pass(bill, start + 24h));
    counters.settle(second, false);
    BOOST_TEST(pass(bill, start + 24h));
    // Said once too often it is no credit.
    for (int i = 0; i < 9; ++i)
        counters.settle(first, true);
    BOOST_TEST(passed(bill, start + 24h, 9) == 2);
}

BOOST_AUTO_TEST_CASE(a_meter_counts_answers_that_were_successful) {
    const Limits limits{limit_of(quota_of(2, Period::day, "UTC", "tests")),
                        limit_of(quota_of(100, Period::day)), limit_of(rate_of(100, 60s))};
    const Bill bill = bill_of(limits);
    for (int i = 0; i < 9; ++i) {
        const auto owed = owed_of(bill, start);
        BOOST_TEST(owed.size() == 1U); // `requests` and rates are not given back
        counters.settle(owed, false);
    }
    counters.settle(owed_of(bill, start), true);
    const auto late = owed_of(bill, start);
    BOOST_TEST(!pass(bill, start));
    // One that ends in another period gives that one nothing.
    BOOST_TEST(passed(bill, start + 24h, 9) == 2);
    counters.settle(late, false);
    BOOST_TEST(!pass(bill, start + 24h));
    const auto of = counters.spent(0);
    BOOST_TEST(of.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_standing_says_what_is_left_and_when_it_will_be_more) {
    const Limits limits{limit_of(rate_of(10, 60s)), limit_of(rate_of(60, 60s, 5)),
                        limit_of(quota_of(1000, Period::month)), limit_of(running_of(3))};
    const Outcome outcome = charge(bill_of(limits, 0, 2), start);
    BOOST_TEST((outcome.standing[0] == Standing{8, start + 60s}));
    BOOST_TEST((outcome.standing[1] == Standing{3, start + 1s}));
    BOOST_TEST(outcome.standing[2].left == 998U);
    BOOST_TEST((outcome.standing[3] == Standing{2, start + 1s}));
    Calendar again;
    const Outcome asked = counters.test(bill_of(limits, 0, 2), start, again);
    BOOST_TEST(asked.is_admitted());
    BOOST_TEST(asked.standing[0].left == 8U); // nothing was taken
}

BOOST_AUTO_TEST_CASE(a_reset_subject_begins_anew_and_others_do_not) {
    const Limits limits{limit_of(rate_of(2, 60s)), limit_of(rate_of(9, 24h)),
                        limit_of(quota_of(9, Period::month))};
    for (const std::uint32_t subject : {0U, 1U})
        BOOST_TEST(passed(bill_of(limits, subject), start, 9) == 2);
    counters.reset(0);
    counters.reset(1'000'000); // of no block that exists
    BOOST_TEST(passed(bill_of(limits, 0), start, 9) == 2);
    BOOST_TEST(passed(bill_of(limits, 1), start, 9) == 0);
}

BOOST_AUTO_TEST_CASE(what_is_spent_can_be_forgotten_while_requests_run) {
    const Limits limits{limit_of(rate_of(3, 60s)), limit_of(running_of(3)),
                        limit_of(rate_of(1, 60s, 3))};
    const Bill bill = bill_of(limits);
    std::vector<Owed> owed = owed_of(bill, start);
    BOOST_TEST(pass(bill, start));
    counters.forget_spent(0);
    counters.forget_spent(1'000'000);
    const Outcome next = charge(bill, start);
    BOOST_TEST(next.standing[0].left == 2U);
    BOOST_TEST(next.standing[1].left == 0U); // they still run
    BOOST_TEST(next.standing[2].left == 2U);
    counters.settle(owed, true);
    BOOST_TEST(pass(bill, start));
}

BOOST_AUTO_TEST_CASE(what_was_spent_before_is_added_to_what_was_spent_since) {
    const Limits limits{limit_of(rate_of(10, 3600s)), limit_of(quota_of(100, Period::month)),
                        limit_of(running_of(9))};
    const Bill bill = bill_of(limits);
    BOOST_TEST(passed(bill, start, 4) == 4);
    const std::vector<State> before = counters.spent(0);
    BOOST_TEST(before.size() == 2U);
    Counters next{1};
    BOOST_TEST(next.charge(bill, start + 1s, calendar).is_admitted());
    next.restore(0, before);
    const Outcome after = next.charge(bill, start + 2s, calendar);
    BOOST_TEST(after.standing[0].left == 4U);
    BOOST_TEST(after.standing[1].left == 94U);
    // Of an earlier window it is nothing any more, in whatever order.
    BOOST_TEST(next.charge(bill, start + 3600s, calendar).standing[0].left == 9U);
    next.restore(0, before);
    BOOST_TEST(next.charge(bill, start + 3600s, calendar).standing[0].left == 8U);
}

BOOST_AUTO_TEST_CASE(more_limits_than_there_is_room_for_beside_the_lock_are_counted_elsewhere) {
    Limits limits;
    for (int i = 1; i <= 24; ++i)
        limits.push_back(limit_of(rate_of(5, i * 1s)));
    const Bill bill = bill_of(limits);
    BOOST_TEST(passed(bill, start, 9) == 5);
    for (const config::Limit& limit : limits) {
        const Limits one{limit};
        BOOST_TEST(passed(bill_of(one), start, 9) == 0);
    }
    BOOST_TEST(counters.spent(0).size() == 24U);
    counters.grow(30);
    BOOST_TEST(passed(bill, start, 9) == 0);
    BOOST_TEST(counters.spent(0).size() == 24U);
    counters.reset(0);
    BOOST_TEST(passed(bill, start, 9) == 5);
}

BOOST_AUTO_TEST_CASE(who_waits_as_told_passes) {
    std::mt19937_64 random{21};
    for (std::uint32_t round = 0; round < 2'000; ++round) {
        Limits limits;
        for (auto count = 1 + random() % 3; count > 0; --count) {
            const auto limit = 1 + random() % 5;
            std::optional<std::uint64_t> burst;
            if (random() % 2 == 0) burst = 1 + random() % 5;
            limits.push_back(
                limit_of(rate_of(limit, 1s * static_cast<int>(1 + random() % 100), burst)));
        }
        const Bill bill = bill_of(limits, round);
        Instant now = start + Instant{static_cast<std::int64_t>(random() % 100'000'000'000)};
        for (int i = 0; i < 20; ++i) {
            now += Instant{static_cast<std::int64_t>(random() % 3'000'000'000)};
            const auto seconds = retry_after(bill, now);
            if (seconds < 0) continue;
            BOOST_TEST_REQUIRE(seconds >= 1);
            // One second less would be too early, unless it is the least that can be said.
            now += std::chrono::seconds{seconds};
            if (seconds > 1) BOOST_TEST_REQUIRE(!pass(bill, now - 1s));
            BOOST_TEST_REQUIRE(pass(bill, now));
        }
    }
}

// ---- clocks that are set back

BOOST_AUTO_TEST_CASE(a_clock_set_back_by_little_keeps_the_later_window_to_its_end) {
    const Limits limits{limit_of(rate_of(5, 60s))};
    const Bill bill = bill_of(limits);
    BOOST_TEST(passed(bill, start + 60s, 3) == 3);
    BOOST_TEST(passed(bill, start + 59s, 9) == 2); // a second earlier: of that window still
    const Outcome refused = charge(bill, start + 59s);
    BOOST_TEST((refused.retry_at == start + 120s));
    BOOST_TEST(passed(bill, start + 60s, 9) == 0);
    BOOST_TEST(passed(bill, start + 120s, 9) == 5);
}

BOOST_AUTO_TEST_CASE(a_clock_set_back_far_blocks_for_one_window_and_not_until_it_has_caught_up) {
    const Limits window{limit_of(rate_of(5, 60s))};
    const Limits quota{limit_of(quota_of(5, Period::day))};
    for (const Limits* limits : {&window, &quota}) {
        const Bill bill = bill_of(*limits, limits == &window ? 1 : 2);
        const Instant length = limits == &window ? Instant{60s} : Instant{24h};
        BOOST_TEST(passed(bill, start + 1000h, 9) == 5);
        const Outcome refused = charge(bill, start); // what was used then counts as used now
        BOOST_TEST(!refused.is_admitted());
        BOOST_TEST((refused.retry_at > start));
        BOOST_TEST((refused.retry_at - start <= length));
        BOOST_TEST(!pass(bill, refused.retry_at - 1ns));
        BOOST_TEST(passed(bill, refused.retry_at, 9) == 5);
    }
}

BOOST_AUTO_TEST_CASE(a_quota_of_next_month_ends_with_that_month_for_a_clock_that_is_behind) {
    const Limits limits{limit_of(quota_of(2, Period::month))};
    const Bill bill = bill_of(limits);
    const Instant march{1'709'251'200s}; // 2024-03-01
    BOOST_TEST(passed(bill, march, 9) == 2);
    const Outcome refused = charge(bill, march - 1s);
    BOOST_TEST((refused.retry_at == march + 31 * 24h)); // not the 29 days of February
    BOOST_TEST(!pass(bill, refused.retry_at - 1ns));
    BOOST_TEST(pass(bill, refused.retry_at));
}

// ---- threads

BOOST_AUTO_TEST_CASE(threads_that_charge_one_subject_admit_exactly_the_limit) {
    for (const auto& burst :
         {std::optional<std::uint64_t>{}, std::optional<std::uint64_t>{10'000}}) {
        const Limits limits{limit_of(rate_of(10'000, 60s, burst)),
                            limit_of(quota_of(1'000'000, Period::month))};
        const Bill bill = bill_of(limits, burst ? 5 : 6);
        std::atomic<int> admitted = 0;
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                Calendar of_thread;
                for (int i = 0; i < 5'000; ++i)
                    admitted += counters.charge(bill, start, of_thread).is_admitted();
            });
        for (auto& thread : threads)
            thread.join();
        BOOST_TEST(admitted == 10'000);
    }
}

BOOST_AUTO_TEST_CASE(threads_that_charge_several_subjects_at_once_admit_exactly_what_all_have) {
    // Each thread's bill names the shared subjects in another order.
    const Limits of_owner{limit_of(rate_of(7'000, 60s), LimitBy::owner)};
    const Limits of_route{limit_of(rate_of(9'000, 60s, 9'000), LimitBy::route)};
    const Limits of_key{limit_of(rate_of(2'000, 60s))};
    constexpr std::uint32_t owner = 1'000'000;
    std::vector<int> admitted(4);
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            Calendar of_thread;
            std::vector<Item> items{
                {.limit = of_key.data(), .subject = t, .cost = 1},
                {.limit = of_owner.data(), .subject = owner, .cost = 1},
                {.limit = of_route.data(), .subject = Counters::first_route, .cost = 1}};
            std::rotate(items.begin(), items.begin() + t % 3, items.end());
            Bill bill;
            for (const Item& item : items)
                bill.add(item);
            for (int i = 0; i < 5'000; ++i)
                admitted[t] += counters.charge(bill, start, of_thread).is_admitted();
        });
    for (auto& thread : threads)
        thread.join();
    int all = 0;
    for (const int of_one : admitted) {
        BOOST_TEST(of_one <= 2'000);
        all += of_one;
    }
    BOOST_TEST(all == 7'000);
    // Refused by the owner's, a request has taken from nobody else.
    BOOST_TEST(passed(bill_of(of_route, Counters::first_route), start, 9'000) == 2'000);
    for (std::uint32_t t = 0; t < 4; ++t)
        BOOST_TEST(passed(bill_of(of_key, t), start, 9'000) == 2'000 - admitted[t]);
}

BOOST_AUTO_TEST_CASE(threads_that_meet_in_new_blocks_lose_no_charge) {
    const Limits limits{limit_of(rate_of(2, 60s))};
    std::atomic<int> admitted = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            Calendar of_thread;
            for (std::uint32_t block = 0; block < 200; ++block)
                for (int i = 0; i < 3; ++i)
                    admitted += counters.charge(bill_of(limits, block * 4096 + 7), start, of_thread)
                                    .is_admitted();
        });
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(admitted == 400);
}

BOOST_AUTO_TEST_CASE(counters_that_grow_forget_nothing) {
    const Limits one{limit_of(rate_of(5, 60s))};
    const Limits three{limit_of(rate_of(5, 60s)), limit_of(rate_of(7, 3600s)),
                       limit_of(rate_of(9, 24h))};
    Counters small{1};
    const auto passes = [&](const Limits& limits, std::uint32_t subject, Instant now) {
        int count = 0;
        for (int i = 0; i < 9; ++i)
            count += small.charge(bill_of(limits, subject), now, calendar).is_admitted();
        return count;
    };
    for (const std::uint32_t subject : {0U, 4095U, 4096U, 4'194'304U, last})
        for (int i = 0; i < 3; ++i)
            BOOST_TEST(small.charge(bill_of(one, subject), start, calendar).is_admitted());
    small.grow(3);
    small.grow(2); // never fewer
    for (const std::uint32_t subject : {0U, 4095U, 4096U, 4'194'304U, last}) {
        BOOST_TEST(passes(three, subject, start) == 2);
        BOOST_TEST(passes(three, subject, start + 60s) == 5);
        BOOST_TEST(passes(three, subject, start + 120s) == 0); // 7 in the hour
    }
    BOOST_TEST(passes(three, 1, start) == 5);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::limit
