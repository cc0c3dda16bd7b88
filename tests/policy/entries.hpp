#pragma once

#include "auth/key.hpp"

#include <vector>

namespace keygate::testing {

/// The identity of an active live key with these facts.
inline keys::Identity identity_with(const keys::ScopeSet& scopes,
                                    std::uint16_t plan = keys::Entry::no_plan,
                                    keys::OwnerStatus owner = keys::OwnerStatus::active) {
    auto* entry = new keys::Entry;
    const keys::EntryRef ref{entry};
    entry->scopes = scopes;
    entry->plan = plan;
    entry->owner_status = owner;
    return auth::identify(ref, {}, entry->api, false, WallTime{}).value();
}

/// Two plans: `free` without the API, and `pro` with 100 requests a minute.
inline std::vector<config::Plan> free_and_pro() {
    std::vector<config::Plan> plans(2);
    plans[0].name = "free";
    plans[0].api_access = false;
    plans[1].name = "pro";
    config::Rate rate;
    rate.limit = 100;
    rate.window = std::chrono::minutes{1};
    plans[1].limits.resize(1);
    plans[1].limits[0].name = "100/1m";
    plans[1].limits[0].rule = rate;
    return plans;
}

} // namespace keygate::testing
