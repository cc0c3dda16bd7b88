// rate_*: two ways to count, both exact to the request.
//
// Fixed windows begin at multiples of their length since the epoch, so `100/1m` means each minute
// of the clock, as price lists say it. With a burst a rate is a GCRA: the state is the instant at
// which a bucket that leaks would be empty, each request moves it on by window/limit, and a request
// passes while it is not further ahead than `burst` requests. window/limit is seldom a whole number
// of nanoseconds; rounding it would make another rate of it, so the state keeps the fraction,
// counted in 1/limit nanoseconds, and comparisons are made in that unit, in which a request weighs
// exactly `window`.
//
// A clock that goes back gains nothing: a window that was begun stays, and an instant ahead of the
// clock is only further ahead.

#include "limit/rate.hpp"

#include <algorithm>
#include <limits>

namespace keygate::limit {
namespace {

// Largest products: an instant of 2^63 ns times a limit of 10^9, a burst of 2^64 times a window of
// 2^55 ns.
__extension__ typedef __int128 Wide; // NOLINT(modernize-use-using): -Wpedantic wants it so

constexpr Verdict refused_for_good{.admitted = false, .retry_at = Instant::max()};

std::int64_t window_start(const Rate& rate, Instant now) {
    std::int64_t into_window = now.count() % rate.window.count();
    if (into_window < 0) into_window += rate.window.count();
    return now.count() - into_window;
}

bool belongs(const Rate& rate, const RateState& state) {
    return state.tag == tag_of(rate);
}

/// Is the window that the state knows over? Also true where it knows none.
bool has_ended(const Rate& rate, const RateState& state, Instant now) {
    return !belongs(rate, state) || now.count() - state.at >= rate.window.count();
}

Verdict test_window(const Rate& rate, const RateState& state, Instant now, std::uint64_t cost) {
    if (cost > rate.limit) return refused_for_good;
    if (has_ended(rate, state, now)) return {.admitted = true};
    const std::uint64_t left = rate.limit - std::min(state.used, rate.limit);
    if (cost <= left) return {.admitted = true};
    return {.admitted = false, .retry_at = Instant{state.at} + rate.window};
}

void take_window(const Rate& rate, RateState& state, Instant now, std::uint64_t cost) {
    if (has_ended(rate, state, now))
        state = {.at = window_start(rate, now), .used = 0, .tag = tag_of(rate)};
    state.used += cost;
}

/// When the bucket is empty, in 1/limit nanoseconds.
Wide empty_at(const Rate& rate, const RateState& state, Instant now) {
    const Wide limit = static_cast<Wide>(rate.limit);
    const Wide instant = now.count() * limit;
    if (!belongs(rate, state)) return instant;
    return std::max(instant, state.at * limit + static_cast<Wide>(state.used));
}

Verdict test_bucket(const Rate& rate, const RateState& state, Instant now, std::uint64_t cost) {
    if (cost > *rate.burst) return refused_for_good;
    const Wide limit = static_cast<Wide>(rate.limit);
    const Wide window = rate.window.count();
    const Wide empty = empty_at(rate, state, now);
    const Wide passes_from = empty - static_cast<Wide>(*rate.burst - cost) * window;
    if (now.count() * limit < passes_from)
        return {.admitted = false,
                .retry_at = Instant{static_cast<std::int64_t>((passes_from + limit - 1) / limit)}};
    // A burst that takes centuries to leak out is not given beyond what the state can hold (the
    // year 2262): refusing keeps the bound, a saturated state would forget charges.
    const Wide last = std::numeric_limits<std::int64_t>::max() * limit;
    if (static_cast<Wide>(cost) * window > last - empty) return refused_for_good;
    return {.admitted = true};
}

void take_bucket(const Rate& rate, RateState& state, Instant now, std::uint64_t cost) {
    if (!belongs(rate, state) || state.at < now.count())
        state = {.at = now.count(), .used = 0, .tag = tag_of(rate)};
    // The whole part is added to the instant and not recomputed from it: this division nearly
    // always is one of 64 bits, that one never.
    const Wide limit = static_cast<Wide>(rate.limit);
    const Wide added =
        static_cast<Wide>(state.used) + static_cast<Wide>(cost) * rate.window.count();
    state.at += static_cast<std::int64_t>(added / limit);
    state.used = static_cast<std::uint64_t>(added % limit);
}

} // namespace

std::uint64_t tag_of(const Rate& rate) {
    // What a window has used means the same under another limit. The instant of a bucket is written
    // in units of its limit. A burst is no part of the state. Windows are below 2^55 ns and 2^25 s,
    // limits below 2^30, so different tags for different meanings.
    const auto window = static_cast<std::uint64_t>(rate.window.count());
    if (!rate.burst) return window;
    return std::uint64_t{1} << 63 | (window / 1'000'000'000) << 30 | rate.limit;
}

Verdict test(const Rate& rate, const RateState& state, Instant now, std::uint64_t cost) {
    return rate.burst ? test_bucket(rate, state, now, cost) : test_window(rate, state, now, cost);
}

void take(const Rate& rate, RateState& state, Instant now, std::uint64_t cost) {
    if (rate.burst) {
        take_bucket(rate, state, now, cost);
    } else {
        take_window(rate, state, now, cost);
    }
}

} // namespace keygate::limit
