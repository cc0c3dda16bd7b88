#include "policy/plan.hpp"

namespace keygate::policy {

std::optional<Refusal> check_plan(const keys::Identity& identity,
                                  std::span<const config::Plan> plans) {
    const keys::Entry& entry = identity.entry();
    if (entry.owner_status == keys::OwnerStatus::suspended)
        return Refusal{.reason = Reason::owner_suspended};
    if (plans.empty()) return std::nullopt;
    // The key table finds such records unreadable; should one come so far, it opens nothing.
    if (entry.plan >= plans.size()) return Refusal{.reason = Reason::store_invalid};
    if (!plans[entry.plan].api_access) return Refusal{.reason = Reason::plan_no_api};
    return std::nullopt;
}

} // namespace keygate::policy
