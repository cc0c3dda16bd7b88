#include "policy/plan.hpp"

#include "policy/scope.hpp"

namespace keygate::policy {
namespace {

bool includes(const keys::PlanRights& rights, const Route& route, const Facts& facts,
              const keys::ApiNames& names) {
    if (rights.routes &&
        !rights.routes->admits(facts.head.method, facts.path, names.trailing_slash))
        return false;
    if (!rights.scopes || route.access != config::Access::scope) return true;
    // What nobody's scopes are enough for is not the plan's doing.
    return is_enough(*rights.scopes, route, facts.path) ||
           !is_enough(names.every_scope(), route, facts.path);
}

} // namespace

std::optional<Refusal> check_owner(const keys::Entry& entry, std::span<const config::Plan> plans) {
    if (entry.owner_status == keys::OwnerStatus::suspended)
        return Refusal{.reason = Reason::owner_suspended};
    if (plans.empty()) return std::nullopt;
    // The key table finds such records unreadable; should one come so far, it opens nothing.
    if (entry.plan >= plans.size()) return Refusal{.reason = Reason::store_invalid};
    if (!plans[entry.plan].api_access) return Refusal{.reason = Reason::plan_no_api};
    return std::nullopt;
}

std::optional<Refusal> check_plan(const keys::Identity& identity, const Route& route,
                                  const Facts& facts, const Rules& rules) {
    const keys::Entry& entry = identity.entry();
    if (const auto refusal = check_owner(entry, rules.plans)) return refusal;
    if (rules.plans.empty()) return std::nullopt;
    if (entry.plan >= rules.names.rights.size()) return Refusal{.reason = Reason::store_invalid};
    if (!includes(rules.names.rights[entry.plan], route, facts, rules.names))
        return Refusal{.reason = Reason::plan_route};
    return std::nullopt;
}

} // namespace keygate::policy
