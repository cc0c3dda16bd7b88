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
    struct Counts {
        Month month{};              // the latest in which something was counted
        std::uint64_t in_month = 0; // in it …
        std::uint64_t before = 0;   // … and before it
        std::int64_t last = 0;      // Unix seconds; 0: never
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
        return list();
    }

    /// True where the key was not waiting to be stored: something else of it is to be.
    [[nodiscard]] bool list() { return !is_listed_.load() && !is_listed_.exchange(true); }

    /// All that is not stored. @param month  about now: nothing waits from one month to the one
    ///                                       after the next.
    [[nodiscard]] Counts pending(Month month) const {
        return counts(month, [this](std::size_t place) { return counts_[place].load(); });
    }

    /// The same, and it is taken: the key may be listed again.
    [[nodiscard]] Counts take(Month month) {
        is_listed_.store(false);
        return counts(month, [this](std::size_t place) { return counts_[place].exchange(0); });
    }

    /// What was taken could not be stored. True as with `add`.
    [[nodiscard]] bool give_back(const Counts& counts) {
        counts_[place_of(counts.month)].fetch_add(counts.in_month);
        counts_[place_of(next(counts.month, -1))].fetch_add(counts.before);
        return !is_listed_.exchange(true);
    }

  private:
    static Month next(Month month, std::int32_t step) {
        return Month{static_cast<std::int32_t>(month) + step};
    }

    // Whoever stores may see the end of a month while requests are in the next one already, and
    // something may still wait from the one before.
    static std::size_t place_of(Month month) {
        return static_cast<std::size_t>((static_cast<std::int32_t>(month) % 3 + 3) % 3);
    }

    template <class Read> Counts counts(Month month, Read read) const {
        const std::uint64_t ahead = read(place_of(next(month, 1)));
        const std::uint64_t now = read(place_of(month));
        const std::uint64_t before = read(place_of(next(month, -1)));
        const std::int64_t last = last_.load();
        if (ahead > 0) return {next(month, 1), ahead, now + before, last};
        return {month, now, before, last};
    }

    std::array<std::atomic<std::uint64_t>, 3> counts_{};
    std::atomic<std::int64_t> last_{0};
    std::atomic<bool> is_listed_{false};
};

/// Adds what is not stored yet to what is.
void add_pending(Usage& usage, const Tally& tally, Time now);

} // namespace keygate::keys
