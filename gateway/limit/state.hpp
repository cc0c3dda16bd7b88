#pragma once

#include <chrono>
#include <cstdint>

namespace keygate::limit {

using Instant = std::chrono::nanoseconds; // since the Unix epoch, by the limiter's clock

/// What one limit has counted for one subject. Zero-initialised = never used.
struct State {
    // Window, quota: the first instant of the window, in nanoseconds. Bucket: when it is empty,
    // rounded down. Requests at once: unused.
    std::int64_t at = 0;
    // Window, quota: what was taken in it. Requests at once: how many there are. Bucket: the limit
    // in the upper half, and in the lower what `at` was rounded by, in 1/limit nanoseconds.
    std::uint64_t used = 0;
    std::uint64_t tag = 0; // config::Limit::tag; 0 = none

    bool operator==(const State&) const = default;
};

struct Verdict {
    bool admitted = false;
    // When refused: the earliest instant at which the same cost may pass; Instant::max() where it
    // never can, because it is more than the limit or the burst.
    Instant retry_at{};
};

/// Where a subject stands: what a client is told.
struct Standing {
    std::uint64_t left = 0; // how much would pass now
    Instant more_at{};      // when it will be more

    bool operator==(const Standing&) const = default;
};

} // namespace keygate::limit
