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
// A change of plan keeps what was spent: a window's count means the same under another limit, and a
// bucket is empty at the same instant, its fraction rounded up. Where the burst was made smaller it
// may hold more than that: then nothing passes before the rest has leaked out.

#include "limit/rate.hpp"

#include "limit/window.hpp"

#include <algorithm>
#include <limits>

namespace keygate::limit {
namespace {

// Largest products: an instant of 2^63 ns times a limit of 10^9, a burst of 2^64 times a window of
// 2^55 ns.
__extension__ typedef __int128 Wide; // NOLINT(modernize-use-using): -Wpedantic wants it so

constexpr Verdict refused_for_good{.admitted = false, .retry_at = Instant::max()};
constexpr unsigned half = 32; // bits of State::used

Window window_of(const Rate& rate, const State& state, Instant now) {
    std::int64_t into_window = now.count() % rate.window.count();
    if (into_window < 0) into_window += rate.window.count();
    const std::int64_t begin = now.count() - into_window;
    return {begin, begin + rate.window.count(), state};
}

/// A bucket at one instant, in 1/limit nanoseconds.
struct Bucket {
    Wide limit;
    Wide window;   // what one request weighs
    Wide capacity; // of the burst
    Wide now;
    Wide empty; // when; not before now

    Bucket(const Rate& rate, const State& state, Instant at)
        : limit(static_cast<Wide>(rate.limit))
        , window(rate.window.count())
        , capacity(static_cast<Wide>(*rate.burst) * window)
        , now(static_cast<Wide>(at.count()) * limit)
        , empty(now) {
        if (state.tag == 0) return;
        const std::uint64_t fraction = state.used & 0xffffffff;
        Wide known = static_cast<Wide>(state.at) * limit;
        if (state.used >> half == rate.limit)
            known += static_cast<Wide>(fraction);
        else if (fraction > 0)
            known += limit;
        empty = std::max(known, now);
    }

    [[nodiscard]] Wide level() const { return empty - now; }

    [[nodiscard]] std::uint64_t left() const {
        return static_cast<std::uint64_t>(std::max<Wide>(capacity - level(), 0) / window);
    }

    /// The first instant at which `cost` passes.
    [[nodiscard]] Instant passes_at(std::uint64_t cost) const {
        const Wide from = empty - (capacity - static_cast<Wide>(cost) * window);
        const Wide at = std::max((from + limit - 1) / limit, now / limit);
        return Instant{static_cast<std::int64_t>(
            std::min<Wide>(at, std::numeric_limits<std::int64_t>::max()))};
    }
};

Verdict test_bucket(const Rate& rate, const State& state, Instant now, std::uint64_t cost) {
    if (cost > *rate.burst) return refused_for_good;
    const Bucket bucket{rate, state, now};
    const Wide weight = static_cast<Wide>(cost) * bucket.window;
    if (bucket.level() + weight > bucket.capacity)
        return {.admitted = false, .retry_at = bucket.passes_at(cost)};
    // A burst that takes centuries to leak out is not given beyond what the state can hold (the
    // year 2262): refusing keeps the bound, a saturated state would forget charges.
    const Wide last = std::numeric_limits<std::int64_t>::max() * bucket.limit;
    if (weight > last - bucket.empty) return refused_for_good;
    return {.admitted = true};
}

void take_bucket(const Rate& rate, State& state, Instant now, std::uint64_t cost) {
    const Bucket bucket{rate, state, now};
    const Wide empty = bucket.empty + static_cast<Wide>(cost) * bucket.window;
    state.at = static_cast<std::int64_t>(empty / bucket.limit);
    state.used = rate.limit << half | static_cast<std::uint64_t>(empty % bucket.limit);
}

} // namespace

Verdict test(const Rate& rate, const State& state, Instant now, std::uint64_t cost) {
    if (rate.burst) return test_bucket(rate, state, now, cost);
    return window_of(rate, state, now).test(rate.limit, cost);
}

void take(const Rate& rate, State& state, Instant now, std::uint64_t cost) {
    if (rate.burst) return take_bucket(rate, state, now, cost);
    const Window window = window_of(rate, state, now);
    state.at = window.begin;
    state.used = window.used + cost;
}

Standing standing(const Rate& rate, const State& state, Instant now) {
    if (!rate.burst) {
        const Window window = window_of(rate, state, now);
        return {.left = window.left(rate.limit), .more_at = Instant{window.end}};
    }
    const Bucket bucket{rate, state, now};
    const std::uint64_t left = bucket.left();
    // A full burst is all there ever is.
    return {.left = left, .more_at = left == *rate.burst ? now : bucket.passes_at(left + 1)};
}

void bring_back(const Rate& rate, State& state, Instant now) {
    if (!rate.burst) window_of(rate, state, now).bring_back(state);
}

} // namespace keygate::limit
