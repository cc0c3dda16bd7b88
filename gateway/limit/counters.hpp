#pragma once

#include "base/refusal.hpp"
#include "limit/rate.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace keygate::limit {

/// What every key has used of its rates, for all threads of the process: exact. Subjects are
/// numbered densely (keys::Entry::number), so a charge is an index and one short lock of that
/// subject alone. Memory is taken in blocks as numbers appear: 8 bytes and 24 per rate for a
/// key.
class Counters {
  public:
    /// @param rates_per_subject  the most rates that one plan has, 0..8.
    explicit Counters(std::size_t rates_per_subject);
    ~Counters();
    Counters(const Counters&) = delete;
    Counters& operator=(const Counters&) = delete;

    /// Charges all rates or none. Returns a Refusal{rate_limited, retry_after} where one is spent;
    /// retry_after is at least 1 s and never earlier than the limit allows; 0 where `cost` can
    /// never pass. Allocates when a subject's block first appears, and never again. Any thread.
    [[nodiscard]] std::optional<Refusal> charge(std::uint32_t subject, std::span<const Rate> rates,
                                                Instant now, std::uint64_t cost = 1);

    /// Begins to fetch a subject's state from memory: a charge will follow soon. Any thread.
    void prefetch(std::uint32_t subject) const;

    /// Makes room for plans with more rates; what is spent stays. Fewer than before change nothing.
    /// While nobody else uses the counters.
    void grow(std::size_t rates_per_subject);

    /// Forgets what a subject has used. Any thread.
    void reset(std::uint32_t subject);

  private:
    struct Blocks;
    std::unique_ptr<Blocks> blocks_;
};

} // namespace keygate::limit
