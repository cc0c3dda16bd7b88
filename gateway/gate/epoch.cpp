#include "gate/epoch.hpp"

#include <utility>

namespace keygate::gate {

Epoch::Epoch(net::Poller& thread, std::shared_ptr<const Snapshot> compiled, keys::ServedKeys served,
             std::vector<observe::RouteCounters*> counters,
             std::vector<std::uint32_t> subjects_of_routes,
             const std::function<void(const std::string&)>& warn)
    : poller(thread)
    , snapshot(std::move(compiled))
    , keys(std::move(served))
    , route_counters(std::move(counters))
    , route_subjects(std::move(subjects_of_routes))
    , request_reader({.max_fields = snapshot->settings.client.max_fields,
                      .max_target = snapshot->settings.client.max_target},
                     snapshot->settings.via) {
    for (const auto& upstream : snapshot->upstreams)
        pools.push_back(std::make_unique<proxy::Pool>(poller, upstream, warn));
}

} // namespace keygate::gate
