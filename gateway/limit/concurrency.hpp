#pragma once

#include "config/settings.hpp"
#include "limit/state.hpp"

#include <algorithm>
#include <chrono>

// concurrency_*: so many requests at once. A request counts from its charge to the end of its
// answer, or of its stream.
namespace keygate::limit {

using config::Concurrency;

/// When somebody who was refused may try again: nobody knows when another request ends.
inline constexpr std::chrono::seconds next_try{1};

[[nodiscard]] inline Verdict test(const Concurrency& concurrency, const State& state, Instant now) {
    if (state.used < concurrency.limit) return {.admitted = true};
    return {.admitted = false, .retry_at = now + next_try};
}

inline void enter(State& state) {
    ++state.used;
}

inline void leave(State& state) {
    if (state.used > 0) --state.used;
}

[[nodiscard]] inline Standing standing(const Concurrency& concurrency, const State& state,
                                       Instant now) {
    return {.left = concurrency.limit - std::min(state.used, concurrency.limit),
            .more_at = now + next_try};
}

} // namespace keygate::limit
