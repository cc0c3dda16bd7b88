#pragma once

#include "keys/usage.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace keygate::keys {

/// What one key did that the store has not been told yet. Counting is a few instructions on one
/// cache line; whoever stores it comes later and takes all of it at once. Any thread, but for
/// `take` and `give_back`, which are the store thread's.
class Tally {
  public:
    /// What was counted; `month` as it was given to `take`.
    struct Counts {
        std::uint64_t in_month = 0;
        std::uint64_t before = 0; // in the month before it
        std::int64_t last = 0;    // Unix seconds; 0: never
    };

    /// Counts one allowed request. True where the key was not waiting to be stored: whoever is told
    /// so puts it on a list.
    [[nodiscard]] bool add(Month month, std::int64_t second) {
        counts_[place_of(month)].fetch_add(1);
        std::int64_t last = last_.load(std::memory_order_relaxed);
        while (last < second && !last_.compare_exchange_weak(last, second)) {
        }
        // After the count: either this sees that the key is no longer listed, or `take`, which
        // first says so and then takes, finds the count.
        return !is_listed_.load() && !is_listed_.exchange(true);
    }

    /// All that is not stored. @param month  the current one: nothing older than one month waits.
    [[nodiscard]] Counts pending(Month month) const {
        return {counts_[place_of(month)].load(), counts_[1 - place_of(month)].load(), last_.load()};
    }

    /// The same, and it is taken: the key may be listed again.
    [[nodiscard]] Counts take(Month month) {
        is_listed_.store(false);
        return {counts_[place_of(month)].exchange(0), counts_[1 - place_of(month)].exchange(0),
                last_.load()};
    }

    /// What was taken could not be stored. True as with `add`.
    [[nodiscard]] bool give_back(const Counts& counts, Month month) {
        counts_[place_of(month)].fetch_add(counts.in_month);
        counts_[1 - place_of(month)].fetch_add(counts.before);
        return !is_listed_.exchange(true);
    }

  private:
    // Two months can be under way at a turn of the month: even and odd ones.
    static std::size_t place_of(Month month) {
        return static_cast<std::size_t>(static_cast<std::int32_t>(month) & 1);
    }

    std::array<std::atomic<std::uint64_t>, 2> counts_{};
    std::atomic<std::int64_t> last_{0};
    std::atomic<bool> is_listed_{false};
};

/// Adds what is not stored yet to what is.
void add_pending(Usage& usage, const Tally& tally, Time now);

} // namespace keygate::keys
