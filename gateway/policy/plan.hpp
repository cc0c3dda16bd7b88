#pragma once

#include "base/refusal.hpp"
#include "config/settings.hpp"
#include "keys/identity.hpp"

#include <optional>
#include <span>

namespace keygate::policy {

/// owner_*, plan_*: may this owner use the API at all? `plans` are those of the key's API; an API
/// without plans asks for none. Order: owner_suspended, plan_no_api.
[[nodiscard]] std::optional<Refusal> check_plan(const keys::Identity& identity,
                                                std::span<const config::Plan> plans);

} // namespace keygate::policy
