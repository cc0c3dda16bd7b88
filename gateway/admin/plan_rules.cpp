#include "admin/plan_rules.hpp"

namespace keygate::admin {

PlanFacts plan_facts(const config::Settings& settings, const std::string& api) {
    PlanFacts facts;
    for (const auto& one : settings.apis) {
        if (one.name != api) continue;
        facts.has_plans = !one.plans.empty();
        facts.default_plan = one.default_plan;
        for (const auto& plan : one.plans) {
            facts.names.insert(plan.name);
            if (!plan.api_access) facts.without_api.insert(plan.name);
        }
    }
    return facts;
}

Checked<std::optional<keys::OwnerRecord>> owner_of(keys::KeyStore& store,
                                                   const keys::KeyRecord& key) {
    auto owner = store.find_owner({key.api, key.owner});
    if (owner) return std::optional{std::move(*owner)};
    if (owner.error().error == keys::StoreError::not_found)
        return std::optional<keys::OwnerRecord>{};
    return store_problem(owner.error());
}

Checked<std::optional<std::string>> plan_that_counts(const keys::KeyRecord& key,
                                                     const keys::OwnerRecord* owner,
                                                     const PlanFacts& facts,
                                                     const std::string& prefix) {
    if (!facts.has_plans) return std::optional<std::string>{};
    auto plan = key.plan;
    if (!plan && owner != nullptr) plan = owner->plan;
    if (!plan) plan = facts.default_plan;
    if (!plan)
        return unprocessable(prefix + "plan",
                             "missing: neither the owner nor the API (default_plan) has one",
                             "member_missing");
    if (!facts.names.contains(*plan))
        return unprocessable(prefix + "plan",
                             "the owner's plan `" + *plan + "` is not in the configuration");
    return plan;
}

Checked<void> judge_owner(NewKey& key, const keys::OwnerRecord* owner, const PlanFacts& facts,
                          const std::string& prefix) {
    if (owner == nullptr && !key.has_digest)
        return unprocessable(prefix + "owner", "there is no such owner in this API",
                             "owner_unknown");
    key.record.owner_record_required = owner != nullptr;
    const auto plan = plan_that_counts(key.record, owner, facts, prefix);
    if (!plan) return plan.error();
    // Keys that exist already may be brought in whatever the plan: their requests are refused by
    // name.
    if (*plan && facts.without_api.contains(**plan) && !key.has_digest && !key.is_forced)
        return Problem{403, "PLAN_LIMIT", "plan_no_api",
                       "`" + prefix + "plan`: `" + **plan +
                           "` has no API access; \"force\": true makes the key all the same"};
    return {};
}

} // namespace keygate::admin
