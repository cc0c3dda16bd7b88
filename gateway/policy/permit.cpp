#include "policy/permit.hpp"

#include "policy/plan.hpp"
#include "policy/restriction.hpp"
#include "policy/scope.hpp"
#include "policy/tenant.hpp"

#include <stdexcept>
#include <utility>

namespace keygate::policy {

Decision<Permit> admit(keys::Identity identity, const Route& route, const Facts& facts,
                       const Rules& rules) {
    // Scopes and plans are numbers that mean something within one API only.
    if (identity.entry().api != route.api)
        throw std::logic_error("a key of one API was brought to a route of another");

    if (const auto refusal = check_plan(identity, route, facts, rules)) return *refusal;
    if (const auto refusal = check_tenant(identity, route, facts)) return *refusal;
    if (const auto refusal = check_restrictions(identity, facts, rules)) return *refusal;
    if (const auto refusal = check_scope(identity, route, facts)) return *refusal;
    const config::Plan* const plan =
        rules.plans.empty() ? nullptr : &rules.plans[identity.entry().plan];
    return Permit{std::move(identity), route, plan};
}

Permit admit_public(const Route& route) {
    if (route.access != config::Access::open && !route.is_optional)
        throw std::logic_error("a route that asks for a key was taken for a public one");
    return Permit{route};
}

Permit admit_preflight(const Route& route) {
    return Permit{route};
}

} // namespace keygate::policy
