#include "config/meter_counts.hpp"

#include "config/limit_names.hpp"

#include <set>

namespace keygate::config {

std::vector<Limit> meter_counts(const Api& api) {
    std::set<std::string> meters;
    for (const Route& route : api.routes)
        if (!route.meter.empty()) meters.insert(route.meter);
    std::vector<Limit> counts;
    for (const std::string& meter : meters)
        for (const LimitBy by : {LimitBy::key, LimitBy::owner}) {
            Limit& limit = counts.emplace_back();
            limit.name = meter;
            limit.by = by;
            limit.rule = Quota{.limit = highest_quota,
                               .period = Period::month,
                               .zone = api.limits.zone,
                               .meter = meter,
                               .time_zone = find_time_zone(api.limits.zone)};
            limit.dry_run = limit.is_count_only = true;
            name_state(limit);
        }
    return counts;
}

} // namespace keygate::config
