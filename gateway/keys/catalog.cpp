#include "keys/catalog.hpp"

#include "config/read_api_limits.hpp"

#include <algorithm>

namespace keygate::keys {
namespace {

/// The position of what was found, or nothing.
template <class List, class Iterator>
std::optional<std::uint16_t> position(const List& list, Iterator found) {
    if (found == list.end()) return std::nullopt;
    return static_cast<std::uint16_t>(found - list.begin());
}

ApiNames names_of(const config::Api& api, bool has_redis) {
    ApiNames names;
    names.name = api.name;
    for (const config::Plan& plan : api.plans)
        names.plans.push_back(plan.name);
    if (api.default_plan) names.default_plan = names.plan_number(*api.default_plan);
    names.scopes = api.vocabulary();
    names.default_scopes = api.profile.default_scopes;
    names.format = api.profile.key;
    names.has_test_upstream = api.test.has_value();
    for (const config::Binding& binding : api.bind) {
        auto& members = names.bind_members;
        if (!binding.is_owner &&
            std::find(members.begin(), members.end(), binding.name) == members.end())
            members.push_back(binding.name);
    }
    names.zone = api.limits.zone;
    names.meters = {"requests"};
    for (const config::Route& route : api.routes) {
        if (route.access == config::Access::open) continue;
        names.heaviest = std::max(names.heaviest, route.weight);
        const bool is_known =
            route.meter.empty() ||
            std::find(names.meters.begin(), names.meters.end(), route.meter) != names.meters.end();
        if (!is_known) names.meters.push_back(route.meter);
    }
    names.counts_in_redis = config::truth_of(api.limits, has_redis) != config::Truth::local;
    return names;
}

} // namespace

std::optional<std::uint16_t> ApiNames::plan_number(std::string_view plan) const {
    return position(plans, std::find(plans.begin(), plans.end(), plan));
}

std::optional<std::uint16_t> ApiNames::scope_number(std::string_view scope) const {
    const auto found = std::lower_bound(scopes.begin(), scopes.end(), scope);
    if (found == scopes.end() || *found != scope) return std::nullopt;
    return position(scopes, found);
}

Catalog::Catalog(const config::Settings& settings)
    : identity_prefix(settings.identity.prefix) {
    apis.reserve(settings.apis.size());
    for (const config::Api& api : settings.apis)
        apis.push_back(names_of(api, settings.store.redis.has_value()));
}

std::optional<std::uint16_t> Catalog::api_number(std::string_view api) const {
    const auto is_named = [&](const ApiNames& names) { return names.name == api; };
    return position(apis, std::find_if(apis.begin(), apis.end(), is_named));
}

} // namespace keygate::keys
