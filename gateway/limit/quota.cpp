#include "limit/quota.hpp"

#include "limit/window.hpp"

#include <algorithm>

namespace keygate::limit {
namespace {

Window window_of(const Quota& quota, const State& state, TimeSpan period) {
    Window window{period.begin.count(), period.end.count(), state};
    // The next one has a length of its own.
    if (window.begin != period.begin.count())
        window.end = period_at(quota.period, *quota.time_zone, Instant{window.begin}).end.count();
    return window;
}

} // namespace

TimeSpan Calendar::period(const Quota& quota, Instant now) {
    for (Known& known : known_) {
        if (known.zone != quota.time_zone || known.period != quota.period) continue;
        if (!known.span.contains(now)) known.span = period_at(quota.period, *quota.time_zone, now);
        return known.span;
    }
    const TimeSpan span = period_at(quota.period, *quota.time_zone, now);
    known_.push_back({quota.time_zone, quota.period, span});
    return span;
}

Verdict test(const Quota& quota, const State& state, TimeSpan period, std::uint64_t cost) {
    return window_of(quota, state, period).test(quota.limit, cost);
}

void take(const Quota& quota, State& state, TimeSpan period, std::uint64_t cost) {
    const Window window = window_of(quota, state, period);
    state.at = window.begin;
    state.used = window.used + cost;
}

Standing standing(const Quota& quota, const State& state, TimeSpan period) {
    const Window window = window_of(quota, state, period);
    return {.left = window.left(quota.limit), .more_at = Instant{window.end}};
}

void bring_back(const Quota& quota, State& state, TimeSpan period) {
    window_of(quota, state, period).bring_back(state);
}

void give_back(State& state, std::int64_t taken_in, std::uint64_t cost) {
    if (state.at == taken_in) state.used -= std::min(state.used, cost);
}

} // namespace keygate::limit
