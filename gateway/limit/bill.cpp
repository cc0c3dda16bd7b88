#include "limit/bill.hpp"

#include <algorithm>
#include <variant>

namespace keygate::limit {

std::chrono::seconds seconds_until(Instant instant, Instant now) {
    if (instant == Instant::max()) return std::chrono::seconds{0};
    return std::max(std::chrono::ceil<std::chrono::seconds>(instant - now),
                    std::chrono::seconds{1});
}

Reason reason_of(const config::Limit& limit) {
    if (std::holds_alternative<config::Quota>(limit.rule)) return Reason::quota_exceeded;
    if (std::holds_alternative<config::Concurrency>(limit.rule))
        return Reason::concurrency_exceeded;
    return Reason::rate_limited;
}

Refusal refusal_of(const Bill& bill, const Outcome& outcome) {
    return {.reason = reason_of(*bill.items()[outcome.refused_by].limit),
            .retry_after = seconds_until(outcome.retry_at, outcome.now)};
}

bool is_meter(const config::Limit& limit) {
    const auto* const quota = std::get_if<config::Quota>(&limit.rule);
    return quota != nullptr && quota->meter != "requests";
}

bool comes_back(const config::Limit& limit) {
    return is_meter(limit) || std::holds_alternative<config::Concurrency>(limit.rule);
}

void note_owed(const Bill& bill, const Outcome& outcome, std::vector<Owed>& owed) {
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        const Item& item = bill.items()[i];
        // A dry run that was exceeded took nothing.
        if (!comes_back(*item.limit) || outcome.has_exceeded(i)) continue;
        owed.push_back({item.limit, item.subject, item.cost, outcome.taken_in[i]});
    }
}

} // namespace keygate::limit
