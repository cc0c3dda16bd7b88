#include "keys/tally.hpp"

namespace keygate::keys {

void add_pending(Usage& usage, const Tally& tally, Time now) {
    const Tally::Counts counts = tally.pending(month_of(now));
    if (counts.last == 0) return;
    usage.add(UsageDelta{.api = {},
                         .owner = {},
                         .id = {},
                         .last_used_at = Time{std::chrono::seconds{counts.last}},
                         .month = counts.month,
                         .in_month = counts.in_month,
                         .before = counts.before});
}

} // namespace keygate::keys
