#include "policy/permit.hpp"

#include "policy/plan.hpp"
#include "policy/scope.hpp"

#include <stdexcept>
#include <utility>

namespace keygate::policy {

Decision<Permit> admit(keys::Identity identity, const Route& route,
                       std::span<const config::Plan> plans) {
    // Scopes and plans are numbers that mean something within one API only.
    if (identity.entry().api != route.api)
        throw std::logic_error("a key of one API was brought to a route of another");

    if (const auto refusal = check_plan(identity, plans)) return *refusal;
    if (const auto refusal = check_scope(identity, route)) return *refusal;
    const config::Plan* const plan = plans.empty() ? nullptr : &plans[identity.entry().plan];
    return Permit{std::move(identity), route, plan};
}

Permit admit_public(const Route& route) {
    if (route.access != config::Access::open)
        throw std::logic_error("a route that asks for a key was taken for a public one");
    return Permit{route};
}

} // namespace keygate::policy
