#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"
#include "admin/new_key.hpp"
#include "keys/store.hpp"

#include <optional>
#include <set>
#include <string>

// Which plan a key has, and whether it may be given one at all.
namespace keygate::admin {

/// What of one API's plans the store's thread needs to judge a key.
struct PlanFacts {
    bool has_plans = false;
    std::optional<std::string> default_plan;
    std::set<std::string> names;
    std::set<std::string> without_api; // plans with api_access: false
};

[[nodiscard]] PlanFacts plan_facts(const config::Settings& settings, const std::string& api);

/// The owner's record; nothing where the owner has none.
[[nodiscard]] Checked<std::optional<keys::OwnerRecord>> owner_of(keys::KeyStore& store,
                                                                 const keys::KeyRecord& key);

/// The plan that counts for a key: its own, its owner's, the API's default. 422 where there is
/// none: the key could not be read. Nothing in an API without plans.
[[nodiscard]] Checked<std::optional<std::string>> plan_that_counts(const keys::KeyRecord& key,
                                                                   const keys::OwnerRecord* owner,
                                                                   const PlanFacts& facts,
                                                                   const std::string& prefix);

/// Judges a new key by its owner's record and marks it as made under one. `owner` is null without
/// one.
[[nodiscard]] Checked<void> judge_owner(NewKey& key, const keys::OwnerRecord* owner,
                                        const PlanFacts& facts, const std::string& prefix);

} // namespace keygate::admin
