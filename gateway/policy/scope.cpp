#include "policy/scope.hpp"

namespace keygate::policy {

std::optional<Refusal> check_scope(const keys::Identity& identity, const Route& route) {
    if (route.access != config::Access::scope) return std::nullopt;
    const keys::ScopeSet& held = identity.entry().scopes;
    const bool is_enough =
        route.need == config::Need::all ? held.has_all(route.scopes) : held.has_any(route.scopes);
    if (is_enough) return std::nullopt;
    return Refusal{.reason = Reason::scope_missing, .detail = route.scope_names};
}

} // namespace keygate::policy
