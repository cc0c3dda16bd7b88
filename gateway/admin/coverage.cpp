#include "admin/coverage.hpp"

#include "keys/restrictions.hpp"

#include <algorithm>
#include <string_view>

namespace keygate::admin {

namespace {

bool has_all_ever(const ScopeNames& scopes, const keys::ApiNames& api) {
    if (!scopes) return api.default_scopes == config::DefaultScopes::all;
    return std::find(scopes->begin(), scopes->end(), "*") != scopes->end();
}

keys::ScopeSet set_of(const ScopeNames& scopes, const keys::ApiNames& api) {
    if (has_all_ever(scopes, api)) return api.every_scope();
    return scopes ? api.rights_of(*scopes).value_or(keys::ScopeSet{}) : keys::ScopeSet{};
}

/// `tests:*` holds what the vocabulary does not have yet.
bool covers_pattern(const std::vector<std::string>& held, std::string_view pattern) {
    const std::string_view family = pattern.substr(0, pattern.size() - 1);
    return std::any_of(held.begin(), held.end(), [&](std::string_view one) {
        if (!one.ends_with('*')) return false;
        one.remove_suffix(1);
        return family.starts_with(one);
    });
}

/// What cannot be read opens nothing.
bool covers_restrictions(const keys::KeyRecord& caller, const keys::KeyRecord& target) {
    const auto wide = keys::read_restrictions(caller);
    const auto narrow = keys::read_restrictions(target);
    return wide.value && narrow.value && keys::covers(wide.value->get(), narrow.value->get());
}

} // namespace

bool covers(const ScopeNames& held, const ScopeNames& asked, const keys::ApiNames& api) {
    if (has_all_ever(held, api)) return true;
    if (has_all_ever(asked, api)) return false;
    if (!asked) return true; // none
    const bool has_patterns = std::all_of(asked->begin(), asked->end(), [&](const auto& one) {
        return !one.ends_with('*') || (held && covers_pattern(*held, one));
    });
    return has_patterns && set_of(held, api).has_all(set_of(asked, api));
}

bool covers(const keys::KeyRecord& caller, const keys::KeyRecord& target,
            const keys::ApiNames& api) {
    return covers(caller.scopes, target.scopes, api) && caller.plan == target.plan &&
           caller.rate == target.rate && caller.quota == target.quota &&
           covers_restrictions(caller, target);
}

} // namespace keygate::admin
