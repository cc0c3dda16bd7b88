#pragma once

#include "config/settings.hpp"

#include <chrono>
#include <cstdint>
#include <span>

// rate_*: the arithmetic of rates, without clocks, locks or I/O.
namespace keygate::limit {

using config::Rate;
using Instant = std::chrono::nanoseconds; // since the Unix epoch, by the limiter's clock

/// What one rate has counted for one subject. Zero-initialised = never used.
struct RateState {
    // Fixed window: start of the window in nanoseconds. GCRA: theoretical arrival time, rounded
    // down.
    std::int64_t at = 0;
    // Fixed window: what was taken in it. GCRA: what `at` was rounded by, in 1/limit nanoseconds.
    std::uint64_t used = 0;
    std::uint64_t tag = 0; // which rate this state belongs to (tag_of); 0 = none
};

/// Identifies a rate by what its state means, so that a change of plan keeps what still fits.
[[nodiscard]] std::uint64_t tag_of(const Rate& rate);

struct Verdict {
    bool admitted = false;
    // When refused: the earliest instant at which the same cost may pass; Instant::max() where it
    // never can, because it is more than the limit or the burst.
    Instant retry_at{};
};

/// Would `cost` pass now? Changes nothing. A state of another rate counts as never used.
[[nodiscard]] Verdict test(const Rate& rate, const RateState& state, Instant now,
                           std::uint64_t cost);

/// Takes `cost`, which `test` has just admitted.
void take(const Rate& rate, RateState& state, Instant now, std::uint64_t cost);

} // namespace keygate::limit
