#pragma once

#include "config/settings.hpp"
#include "limit/state.hpp"

#include <chrono>
#include <cstdint>

// rate_*: the arithmetic of rates, without clocks, locks or I/O.
namespace keygate::limit {

using config::Rate;

/// Would `cost` pass now? Changes nothing. The state is of this rate or of none.
[[nodiscard]] Verdict test(const Rate& rate, const State& state, Instant now, std::uint64_t cost);

/// Takes `cost`, which `test` has just admitted.
void take(const Rate& rate, State& state, Instant now, std::uint64_t cost);

[[nodiscard]] Standing standing(const Rate& rate, const State& state, Instant now);

/// After the clock was set back: what a window further ahead has counted is counted in the window
/// of now from here on. A bucket is empty when it is empty.
void bring_back(const Rate& rate, State& state, Instant now);

} // namespace keygate::limit
