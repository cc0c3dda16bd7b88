#include "limit/limits.hpp"
#include "limit/rate.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace keygate;
using namespace std::chrono_literals;
using limit::Instant;
using limit::State;

namespace {

__extension__ typedef __int128 Wide;

constexpr Instant start{1'700'000'040'000'000'000}; // a whole minute

limit::Rate window_rate(std::uint64_t limit, std::chrono::nanoseconds window) {
    limit::Rate rate;
    rate.limit = limit;
    rate.window = window;
    return rate;
}

limit::Rate bucket_rate(std::uint64_t limit, std::chrono::nanoseconds window, std::uint64_t burst) {
    auto rate = window_rate(limit, window);
    rate.burst = burst;
    return rate;
}

/// Asks and takes, as counters do.
bool pass(const limit::Rate& rate, State& state, Instant now, std::uint64_t cost = 1) {
    if (!limit::test(rate, state, now, cost).admitted) return false;
    limit::take(rate, state, now, cost);
    state.tag = 1; // it is one that was used
    return true;
}

std::uint64_t tag_of(const limit::Rate& rate) {
    return limit::testing::limit_of(rate).tag;
}

/// How many of `tries` requests pass at one instant.
int passed(const limit::Rate& rate, State& state, Instant now, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i)
        count += pass(rate, state, now);
    return count;
}

/// Decisions of a property: KEYGATE_LONG=1 makes it ten million in all.
int decisions() {
    return static_cast<int>(limit::testing::tries(150'000, 5'000'000));
}

/// The counting of fixed windows as one would write it down: a number for each window.
struct PlainWindows {
    limit::Rate rate;
    std::map<std::int64_t, std::uint64_t> used;

    bool pass(Instant now, std::uint64_t cost) {
        auto& spent = used[now.count() / rate.window.count()];
        if (spent + cost > rate.limit) return false;
        spent += cost;
        return true;
    }
};

/// The counting of tokens as one would write it down: a bucket that fills. In 1/window tokens.
struct PlainBucket {
    limit::Rate rate;
    Instant filled_at;
    Wide tokens;

    PlainBucket(const limit::Rate& of, Instant now)
        : rate(of)
        , filled_at(now)
        , tokens(full()) {}

    [[nodiscard]] Wide full() const { return static_cast<Wide>(*rate.burst) * rate.window.count(); }

    bool pass(Instant now, std::uint64_t cost) {
        tokens = std::min(full(), tokens + static_cast<Wide>((now - filled_at).count()) *
                                               static_cast<Wide>(rate.limit));
        filled_at = now;
        const Wide price = static_cast<Wide>(cost) * rate.window.count();
        if (price > tokens) return false;
        tokens -= price;
        return true;
    }
};

const std::vector<std::chrono::nanoseconds> windows{1s, 7s, 60s, 3600s, 24h, 366 * 24h};
const std::vector<std::uint64_t> limits{1, 2, 3, 7, 10, 100, 999, 1'000'000'000};

/// Instants end in 2262, and what a very slow rate promises must fit before that.
constexpr Instant latest{6'000'000'000'000'000'000};

/// A step of the clock that meets borders of the rate often.
Instant random_step(std::mt19937_64& random, const limit::Rate& rate) {
    const auto window = static_cast<std::uint64_t>(rate.window.count());
    const auto interval = window / rate.limit;
    switch (random() % 8) {
    case 0:
        return Instant{0};
    case 1:
        return Instant{1};
    case 2:
        return Instant{static_cast<std::int64_t>(random() % (window * 2))};
    case 3:
        return Instant{static_cast<std::int64_t>(interval)};
    case 4:
        return Instant{static_cast<std::int64_t>(interval + 1)};
    case 5:
        return Instant{static_cast<std::int64_t>(interval - std::min<std::uint64_t>(1, interval))};
    default:
        return Instant{static_cast<std::int64_t>(random() % (interval * 2 + 2))};
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(limit_rate)

BOOST_AUTO_TEST_CASE(exactly_the_limit_passes_in_a_window) {
    const auto rate = window_rate(100, 60s);
    State state;
    BOOST_TEST(passed(rate, state, start, 60) == 60);
    BOOST_TEST(passed(rate, state, start + 59s, 60) == 40);
    BOOST_TEST(passed(rate, state, start + 60s - 1ns, 1) == 0);
    BOOST_TEST(passed(rate, state, start + 60s, 200) == 100);
}

BOOST_AUTO_TEST_CASE(windows_begin_at_multiples_of_their_length_and_not_at_the_first_request) {
    const auto rate = window_rate(1, 60s);
    State state;
    BOOST_TEST(pass(rate, state, start + 59s));
    BOOST_TEST(!pass(rate, state, start + 59s + 1ns));
    BOOST_TEST(pass(rate, state, start + 60s));
    BOOST_TEST(!pass(rate, state, start + 119s));
    BOOST_TEST((limit::test(rate, state, start + 119s, 1).retry_at == start + 120s));

    const auto daily = window_rate(1, 24h);
    State day;
    BOOST_TEST(pass(daily, day, Instant{24h} * 19'000 + 23h + 59min + 59s));
    BOOST_TEST(pass(daily, day, Instant{24h} * 19'001));
    BOOST_TEST(!pass(daily, day, Instant{24h} * 19'002 - 1ns));
}

BOOST_AUTO_TEST_CASE(a_window_counts_from_the_epoch_on) {
    const auto rate = window_rate(2, 60s);
    State state;
    BOOST_TEST(passed(rate, state, 0ns, 3) == 2);
    BOOST_TEST(passed(rate, state, 60s - 1ns, 3) == 0);
    BOOST_TEST(passed(rate, state, 60s, 3) == 2);
}

BOOST_AUTO_TEST_CASE(a_clock_that_goes_back_admits_no_more) {
    const auto rate = window_rate(5, 60s);
    State state;
    BOOST_TEST(passed(rate, state, start + 60s, 3) == 3);
    BOOST_TEST(passed(rate, state, start + 10s, 5) == 2); // still the later window
    BOOST_TEST((limit::test(rate, state, start + 10s, 1).retry_at == start + 120s));
    BOOST_TEST(passed(rate, state, start + 60s, 5) == 0);

    const auto bucket = bucket_rate(60, 60s, 5);
    State level;
    BOOST_TEST(passed(bucket, level, start + 60s, 9) == 5);
    BOOST_TEST(passed(bucket, level, start, 9) == 0);
    BOOST_TEST((limit::test(bucket, level, start, 1).retry_at == start + 61s));
    BOOST_TEST(passed(bucket, level, start + 61s, 9) == 1);
}

BOOST_AUTO_TEST_CASE(a_burst_passes_at_once_and_then_one_for_each_interval) {
    const auto rate = bucket_rate(100, 60s, 20); // one each 600 ms
    State state;
    BOOST_TEST(passed(rate, state, start, 50) == 20);
    BOOST_TEST((limit::test(rate, state, start, 1).retry_at == start + 600ms));
    BOOST_TEST(passed(rate, state, start + 600ms - 1ns, 1) == 0);
    BOOST_TEST(passed(rate, state, start + 600ms, 50) == 1);
    BOOST_TEST(passed(rate, state, start + 1800ms, 50) == 2);
    BOOST_TEST(passed(rate, state, start + 1h, 50) == 20);
}

BOOST_AUTO_TEST_CASE(an_interval_that_is_no_whole_number_of_nanoseconds_is_not_rounded) {
    const auto rate = bucket_rate(7, 1s, 2);
    State state;
    BOOST_TEST(pass(rate, state, start)); // never full again, so nothing is lost at its rim
    // The n-th request passes at n/7 s, rounded up to the nanosecond, and never drifts.
    Instant now = start;
    for (int n = 0; n < 7'000; ++n) {
        BOOST_TEST_REQUIRE(pass(rate, state, now));
        now = start + Instant{((n + 1) * 1'000'000'000LL + 6) / 7};
        BOOST_TEST_REQUIRE((limit::test(rate, state, now - 1ns, 1).retry_at == now));
    }
    BOOST_TEST((now == start + 1000s));

    const auto fast = bucket_rate(1'000'000'000, 1s, 3); // one each nanosecond
    State level;
    BOOST_TEST(passed(fast, level, start, 9) == 3);
    BOOST_TEST(passed(fast, level, start + 1ns, 9) == 1);
    BOOST_TEST(passed(fast, level, start + 3ns, 9) == 2);
}

BOOST_AUTO_TEST_CASE(a_cost_above_limit_or_burst_is_refused_for_good) {
    State state;
    for (const auto& rate : {window_rate(10, 1s), bucket_rate(100, 1s, 10)}) {
        BOOST_TEST(limit::test(rate, state, start, 10).admitted);
        for (const std::uint64_t cost :
             {std::uint64_t{11}, std::numeric_limits<std::uint64_t>::max()}) {
            const auto verdict = limit::test(rate, state, start, cost);
            BOOST_TEST(!verdict.admitted);
            BOOST_TEST((verdict.retry_at == Instant::max()));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_largest_rates_do_not_overflow) {
    const auto year = 366 * 24h;
    const auto most = std::numeric_limits<std::uint64_t>::max();
    for (const Instant now : {Instant{0}, start, Instant{9'000'000'000'000'000'000}})
        for (const std::uint64_t limit : {std::uint64_t{1}, std::uint64_t{1'000'000'000}})
            for (const auto burst : {std::uint64_t{1}, limit, most}) {
                const auto rate = bucket_rate(limit, year, burst);
                State state;
                BOOST_TEST(pass(rate, state, now));
                BOOST_TEST(state.at >= now.count());
                BOOST_TEST((state.used & 0xffffffff) < limit); // the fraction
                BOOST_TEST((state.used >> 32) == limit);
            }
    // A burst that takes longer to leak out than the clock can count is cut off there, and stays
    // cut off.
    const auto endless = bucket_rate(1, year, most);
    State state;
    const auto given = passed(endless, state, start, 1000);
    BOOST_TEST(given > 200); // years up to 2262
    BOOST_TEST(given < 300);
    BOOST_TEST(!limit::test(endless, state, start, most).admitted);

    const auto wide = window_rate(1'000'000'000, year);
    State used;
    BOOST_TEST(pass(wide, used, start, 999'999'999));
    BOOST_TEST(pass(wide, used, start, 1));
    BOOST_TEST(!pass(wide, used, start, 1));
    BOOST_TEST(!pass(wide, used, start, most));
}

BOOST_AUTO_TEST_CASE(a_change_of_plan_keeps_what_was_spent) {
    // Another limit of the same window: what was used stays used.
    BOOST_TEST(tag_of(window_rate(10, 60s)) == tag_of(window_rate(20, 60s)));
    State state;
    BOOST_TEST(passed(window_rate(10, 60s), state, start, 20) == 10);
    BOOST_TEST(passed(window_rate(20, 60s), state, start, 20) == 10);
    BOOST_TEST(passed(window_rate(5, 60s), state, start, 20) == 0);
    BOOST_TEST((limit::standing(window_rate(5, 60s), state, start).left == 0U));
    BOOST_TEST(passed(window_rate(5, 60s), state, start + 60s, 20) == 5);
    // Another burst or another limit of the same bucket, too.
    BOOST_TEST(tag_of(bucket_rate(10, 60s, 1)) == tag_of(bucket_rate(11, 60s, 9)));
    State level;
    BOOST_TEST(passed(bucket_rate(60, 60s, 5), level, start, 9) == 5); // empty at 5 s
    BOOST_TEST(passed(bucket_rate(60, 60s, 8), level, start, 9) == 3); // at 8 s
    BOOST_TEST(passed(bucket_rate(30, 60s, 8), level, start, 9) == 4); // at 16 s
    BOOST_TEST(passed(bucket_rate(120, 60s, 8), level, start + 12s, 9) == 0);
    BOOST_TEST(passed(bucket_rate(120, 60s, 9), level, start + 12s, 9) == 1);
    // What does not mean the same is counted apart.
    const std::vector<limit::Rate> rates{window_rate(10, 60s),      window_rate(10, 61s),
                                         bucket_rate(10, 60s, 1),   bucket_rate(10, 61s, 1),
                                         window_rate(1, 366 * 24h), bucket_rate(1, 366 * 24h, 1)};
    for (const auto& one : rates)
        for (const auto& other : rates)
            BOOST_TEST((tag_of(one) == tag_of(other)) == (&one == &other));
}

BOOST_AUTO_TEST_CASE(a_bucket_made_smaller_says_truly_when_something_passes) {
    State state;
    BOOST_TEST(passed(bucket_rate(60, 60s, 100), state, start, 200) == 100);
    const auto smaller = bucket_rate(60, 60s, 10);
    BOOST_TEST((limit::standing(smaller, state, start).left == 0U));
    const auto verdict = limit::test(smaller, state, start, 1);
    BOOST_TEST(!verdict.admitted);
    BOOST_TEST((verdict.retry_at == start + 91s));
    BOOST_TEST(passed(smaller, state, start + 91s - 1ns, 9) == 0);
    BOOST_TEST(passed(smaller, state, start + 91s, 9) == 1);
}

BOOST_AUTO_TEST_CASE(a_fraction_is_rounded_up_where_the_limit_changes) {
    State state;
    BOOST_TEST(pass(bucket_rate(3, 1s, 1), state, start)); // empty at 333333333 1/3 ns
    BOOST_TEST(!pass(bucket_rate(2, 1s, 1), state, start + 333'333'333ns));
    BOOST_TEST(pass(bucket_rate(2, 1s, 1), state, start + 333'333'334ns));
}

BOOST_AUTO_TEST_CASE(windows_decide_as_the_plain_model_does) {
    std::mt19937_64 random{11};
    int wrong = 0;
    for (int done = 0; done < decisions();) {
        const auto rate =
            window_rate(limits[random() % limits.size()], windows[random() % windows.size()]);
        PlainWindows model{rate, {}};
        State state;
        Instant now = start + Instant{static_cast<std::int64_t>(random() % 1'000'000'000'000)};
        for (int i = 0; i < 500; ++i, ++done) {
            now += random_step(random, rate);
            if (now > latest) break;
            const std::uint64_t cost = random() % 4 == 0 ? 1 + random() % (rate.limit + 1) : 1;
            const auto verdict = limit::test(rate, state, now, cost);
            BOOST_TEST_REQUIRE(pass(rate, state, now, cost) == verdict.admitted);
            wrong += verdict.admitted != model.pass(now, cost);
            if (verdict.admitted || cost > rate.limit) continue;
            // Not a nanosecond too early, and then it passes.
            wrong += limit::test(rate, state, verdict.retry_at - 1ns, cost).admitted;
            wrong += !limit::test(rate, state, verdict.retry_at, cost).admitted;
        }
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(buckets_decide_as_the_plain_model_does) {
    std::mt19937_64 random{12};
    int wrong = 0;
    for (int done = 0; done < decisions();) {
        const auto rate = bucket_rate(limits[random() % limits.size()],
                                      windows[random() % windows.size()], 1 + random() % 30);
        Instant now = start + Instant{static_cast<std::int64_t>(random() % 1'000'000'000'000)};
        PlainBucket model{rate, now};
        State state;
        for (int i = 0; i < 500; ++i, ++done) {
            now += random_step(random, rate);
            if (now > latest) break;
            const std::uint64_t cost = random() % 4 == 0 ? 1 + random() % (*rate.burst + 1) : 1;
            const auto verdict = limit::test(rate, state, now, cost);
            BOOST_TEST_REQUIRE(pass(rate, state, now, cost) == verdict.admitted);
            wrong += verdict.admitted != model.pass(now, cost);
            if (verdict.admitted || cost > *rate.burst) continue;
            wrong += limit::test(rate, state, verdict.retry_at - 1ns, cost).admitted;
            wrong += !limit::test(rate, state, verdict.retry_at, cost).admitted;
        }
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(no_span_of_time_admits_more_than_the_burst_and_the_rate) {
    std::mt19937_64 random{13};
    int wrong = 0;
    for (int round = 0; round < 100; ++round) {
        const auto rate =
            bucket_rate(limits[random() % 7], windows[random() % 4], 1 + random() % 10);
        State state;
        std::vector<Instant> admitted;
        Instant now = start;
        for (int i = 0; i < 200; ++i) {
            now += random_step(random, rate);
            if (pass(rate, state, now)) admitted.push_back(now);
        }
        for (std::size_t from = 0; from < admitted.size(); ++from)
            for (std::size_t to = from; to < admitted.size(); ++to) {
                const Wide count = static_cast<Wide>(to - from + 1);
                const Wide bound = static_cast<Wide>(*rate.burst) * rate.window.count() +
                                   static_cast<Wide>((admitted[to] - admitted[from]).count()) *
                                       static_cast<Wide>(rate.limit);
                wrong += count * rate.window.count() > bound;
            }
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
