#include "keys/catalog.hpp"

#include "config/read_api_limits.hpp"
#include "config/scope_names.hpp"

#include <algorithm>
#include <stdexcept>

namespace keygate::keys {
namespace {

/// The position of what was found, or nothing.
template <class List, class Iterator>
std::optional<std::uint16_t> position(const List& list, Iterator found) {
    if (found == list.end()) return std::nullopt;
    return static_cast<std::uint16_t>(found - list.begin());
}

/// For each scope all that it implies, however many steps away.
std::vector<ScopeSet> implications(const config::Api& api, const ApiNames& names) {
    std::vector<ScopeSet> all(names.scopes.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i].add(i);
    for (bool has_grown = true; has_grown;) {
        has_grown = false;
        for (const config::Implication& one : api.implies) {
            const auto from = names.scope_number(one.scope);
            if (!from) continue; // config::load has refused it
            ScopeSet& set = all[*from];
            const ScopeSet before = set;
            for (const std::string& implied : one.implied)
                if (const auto to = names.scope_number(implied)) set.add_all(all[*to]);
            has_grown = has_grown || set != before;
        }
    }
    return all;
}

PlanRights rights_of(const config::Plan& plan, const ApiNames& names) {
    const auto refuse = [&](const std::string& why) {
        throw std::invalid_argument("api `" + names.name + "`, plan `" + plan.name + "`: " + why);
    };
    PlanRights rights;
    if (plan.scopes) {
        rights.scopes = names.rights_of(*plan.scopes);
        if (!rights.scopes) refuse("an unknown scope");
    }
    if (plan.routes) {
        auto routes = EndpointList::parse(*plan.routes);
        if (!routes.value) refuse(routes.wrong);
        rights.routes = std::move(*routes.value);
    }
    return rights;
}

ApiNames names_of(const config::Api& api, bool has_redis) {
    ApiNames names;
    names.name = api.name;
    for (const config::Plan& plan : api.plans)
        names.plans.push_back(plan.name);
    if (api.default_plan) names.default_plan = names.plan_number(*api.default_plan);
    names.scopes = api.vocabulary();
    if (!api.implies.empty()) names.implied = implications(api, names);
    names.default_scopes = api.profile.default_scopes;
    for (const config::Plan& plan : api.plans)
        names.rights.push_back(rights_of(plan, names));
    names.format = api.profile.key;
    names.max_age = api.profile.max_age;
    names.trailing_slash = api.trailing_slash;
    const auto leads_test_keys = [](const config::Route& route) {
        return !route.test_upstream.empty();
    };
    names.has_test_upstream =
        api.test || std::any_of(api.routes.begin(), api.routes.end(), leads_test_keys);
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

bool ApiNames::is_scope_pattern_known(std::string_view pattern) const {
    return expand(pattern).has_value();
}

std::optional<ScopeSet> ApiNames::expand(std::string_view pattern) const {
    if (pattern == "*") return every_scope();
    ScopeSet set;
    if (!pattern.ends_with('*')) {
        const auto number = scope_number(pattern);
        if (!number) return std::nullopt;
        set.add(*number);
        return set;
    }
    for (std::size_t i = 0; i < scopes.size(); ++i)
        if (config::stands_for(pattern, scopes[i])) set.add(i);
    if (set == ScopeSet{}) return std::nullopt;
    return set;
}

std::optional<ScopeSet> ApiNames::rights_of(std::span<const std::string> patterns) const {
    ScopeSet all;
    for (const std::string& pattern : patterns) {
        const auto set = expand(pattern);
        if (!set) return std::nullopt;
        all.add_all(*set);
    }
    return closed(all);
}

ScopeSet ApiNames::closed(const ScopeSet& set) const {
    if (implied.empty()) return set;
    ScopeSet all = set;
    for (std::size_t i = 0; i < implied.size(); ++i)
        if (set.has(i)) all.add_all(implied[i]);
    return all;
}

std::vector<std::string> ApiNames::names_of(const ScopeSet& set) const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < scopes.size(); ++i)
        if (set.has(i)) names.push_back(scopes[i]);
    return names;
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
