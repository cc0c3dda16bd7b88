#pragma once

#include "base/refusal.hpp"
#include "keys/identity.hpp"
#include "policy/facts.hpp"
#include "policy/route.hpp"

#include <optional>
#include <span>

namespace keygate::policy {

/// owner_suspended, plan_no_api: may this owner use the API at all? Also for a key whose request
/// was let in long ago.
[[nodiscard]] std::optional<Refusal> check_owner(const keys::Entry& entry,
                                                 std::span<const config::Plan> plans);

/// owner_*, plan_*: may this owner use the API, and this part of it? An API without plans asks for
/// none. Order: owner_suspended, plan_no_api, plan_route: the plan's `routes` do not take the
/// request, or its `scopes` could never be enough for the route.
[[nodiscard]] std::optional<Refusal> check_plan(const keys::Identity& identity, const Route& route,
                                                const Facts& facts, const Rules& rules);

} // namespace keygate::policy
