#pragma once

#include "keys/record.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What keys have done, apart from what they are: changing the one never touches the other.
namespace keygate::keys {

/// Calendar months in UTC, counted from January 1970.
enum class Month : std::int32_t {};

[[nodiscard]] Month month_of(Time time);
/// The first second of a month.
[[nodiscard]] Time begin_of(Month month);

/// `2026-11`
[[nodiscard]] std::string to_text(Month month);
[[nodiscard]] std::optional<Month> month_from(std::string_view text);

/// What a quota has counted in its latest period.
struct Spent {
    std::uint64_t tag = 0; // of the count: config::Limit::tag
    std::int64_t at = 0;   // when the period began, nanoseconds of Unix time
    std::uint64_t used = 0;

    bool operator==(const Spent&) const = default;
};

/// Whose count it is.
struct SpentBy {
    std::string api;
    std::string owner;
    std::string id; // of a key; empty: what all of the owner's keys have used together

    auto operator<=>(const SpentBy&) const = default;
};

/// What one key did since the last time it was told: allowed requests only, whether the gateway
/// forwarded or answered them.
struct UsageDelta {
    std::string api;
    std::string owner;
    std::string id;
    Time last_used_at{};
    Month month{};              // of `in_month`
    std::uint64_t in_month = 0; // requests in that month …
    std::uint64_t before = 0;   // … and in the one before it
    // What quotas have counted by now, in place of what was told before.
    std::vector<Spent> spent_by_key{};
    std::vector<Spent> spent_by_owner{};
};

/// All that is known of a key, or of all keys of an owner, also of those that were deleted.
struct Usage {
    std::optional<Time> last_used_at;
    std::uint64_t total = 0;
    Month month{};              // the latest month in which something happened
    std::uint64_t in_month = 0; // requests in that month

    /// Requests in a month: none where a later one has begun.
    [[nodiscard]] std::uint64_t in(Month asked) const { return asked == month ? in_month : 0; }

    void add(const UsageDelta& use);
    void add(const Usage& other);

    bool operator==(const Usage&) const = default;
};

} // namespace keygate::keys
