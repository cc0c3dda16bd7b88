#include "keys/usage.hpp"

#include <algorithm>

namespace keygate::keys {
namespace {

std::optional<Time> later(std::optional<Time> a, std::optional<Time> b) {
    if (!a || !b) return a ? a : b;
    return std::max(*a, *b);
}

} // namespace

Month month_of(Time time) {
    const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
    return Month{(static_cast<int>(day.year()) - 1970) * 12 +
                 static_cast<int>(static_cast<unsigned>(day.month())) - 1};
}

Time begin_of(Month month) {
    const std::chrono::year_month first{std::chrono::year{1970}, std::chrono::month{1}};
    return std::chrono::sys_days{(first + std::chrono::months{static_cast<std::int32_t>(month)}) /
                                 1};
}

std::string to_text(Month month) {
    return to_text(begin_of(month)).substr(0, sizeof "2026-11" - 1);
}

std::optional<Month> month_from(std::string_view text) {
    const auto first = time_from(std::string{text} + "-01T00:00:00Z");
    if (!first) return std::nullopt;
    return month_of(*first);
}

void Usage::add(const UsageDelta& use) {
    add(Usage{.last_used_at = {},
              .total = use.before,
              .month = Month{static_cast<std::int32_t>(use.month) - 1},
              .in_month = use.before});
    add(Usage{.last_used_at = use.last_used_at,
              .total = use.in_month,
              .month = use.month,
              .in_month = use.in_month});
}

void Usage::add(const Usage& other) {
    last_used_at = later(last_used_at, other.last_used_at);
    total += other.total;
    // Only the latest month is kept: earlier ones are in the total.
    if (other.month == month)
        in_month += other.in_month;
    else if (other.month > month) {
        month = other.month;
        in_month = other.in_month;
    }
}

} // namespace keygate::keys
