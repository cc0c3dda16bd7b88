#pragma once

#include "base/refusal.hpp"
#include "config/settings.hpp"
#include "limit/state.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace keygate::limit {

/// One limit that a request is charged to.
struct Item {
    const config::Limit* limit = nullptr; // of the configuration or the key that the request holds
    std::uint32_t subject = 0;            // whose count it is, by number (limit/counters.hpp)
    std::uint32_t cost = 1;               // at least 1; 1 for requests at once
};

/// All limits of one request. They are charged together: all or none.
class Bill {
  public:
    /// More than there can be: 8 rates and 8 quotas of a key's own, 8 quotas of another meter and 2
    /// bounds of requests at once of its plan, 2 counts of a meter, 8 limits of the route.
    static constexpr std::size_t most = 40;

    void add(const Item& item) { items_[size_++] = item; }

    [[nodiscard]] std::span<const Item> items() const { return {items_.data(), size_}; }

    [[nodiscard]] bool is_empty() const { return size_ == 0; }

  private:
    std::array<Item, most> items_;
    std::size_t size_ = 0;
};

/// What a charge was decided to be. Places are those of the bill's items.
struct Outcome {
    static constexpr std::uint8_t nobody = 0xff;

    std::uint8_t refused_by = nobody; // the item that holds longest
    Instant retry_at{};               // when it was refused: Verdict::retry_at
    Instant now{};                    // by the clock that decided
    std::uint64_t exceeded = 0;       // bits: items that would have refused, dry runs among them
    std::array<Standing, Bill::most> standing;
    std::array<std::int64_t, Bill::most> taken_in{}; // where admitted: first instant of the window

    [[nodiscard]] bool is_admitted() const { return refused_by == nobody; }

    [[nodiscard]] bool has_exceeded(std::size_t item) const { return (exceeded >> item & 1) != 0; }
};

/// Whole seconds until the instant, rounded up and at least 1 (RFC 9110 10.2.3); 0 where no waiting
/// helps.
[[nodiscard]] std::chrono::seconds seconds_until(Instant instant, Instant now);

/// The refusal of a bill that was not admitted.
[[nodiscard]] Refusal refusal_of(const Bill& bill, const Outcome& outcome);

/// rate_limited, quota_exceeded or concurrency_exceeded.
[[nodiscard]] Reason reason_of(const config::Limit& limit);

/// A quota of what routes name by `meter`: it counts successful answers.
[[nodiscard]] bool is_meter(const config::Limit& limit);

/// Whether something of a charge comes back when the request is over: requests at once, and meters.
[[nodiscard]] bool comes_back(const config::Limit& limit);

/// What of a charge comes back when the request is over.
struct Owed {
    const config::Limit* limit = nullptr;
    std::uint32_t subject = 0;
    std::uint32_t cost = 0;
    std::int64_t taken_in = 0;
};

/// Requests at once, and meters, which count answers that were successful. Appends to `owed`.
void note_owed(const Bill& bill, const Outcome& outcome, std::vector<Owed>& owed);

} // namespace keygate::limit
