#include "policy/scope.hpp"

#include <algorithm>

namespace keygate::policy {
namespace {

/// What the client is told that it lacks.
std::string_view scopes_asked(const Route& route, std::string_view path) {
    if (route.derived.size() != 1 || !route.scope_names.empty()) return route.scope_names;
    const auto* const scope = route.derived.front().scope_in(path);
    return scope == nullptr ? std::string_view{} : std::string_view{scope->name};
}

} // namespace

bool is_enough(const keys::ScopeSet& held, const Route& route, std::string_view path) {
    const auto has = [&](const DerivedScope& derived) {
        const auto* const scope = derived.scope_in(path);
        return scope != nullptr && held.has(scope->number);
    };
    if (route.need == config::Need::all)
        return held.has_all(route.scopes) &&
               std::all_of(route.derived.begin(), route.derived.end(), has);
    return held.has_any(route.scopes) ||
           std::any_of(route.derived.begin(), route.derived.end(), has);
}

std::optional<Refusal> check_scope(const keys::Identity& identity, const Route& route,
                                   const Facts& facts) {
    if (route.access != config::Access::scope) return std::nullopt;
    if (is_enough(identity.entry().scopes, route, facts.path)) return std::nullopt;
    return Refusal{.reason = Reason::scope_missing, .detail = scopes_asked(route, facts.path)};
}

} // namespace keygate::policy
