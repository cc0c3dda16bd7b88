#pragma once

#include "base/refusal.hpp"
#include "keys/identity.hpp"
#include "policy/route.hpp"

#include <optional>

namespace keygate::policy {

/// scope_missing: has the key what the route asks for? Refusal::detail lists the scopes of the
/// route.
[[nodiscard]] std::optional<Refusal> check_scope(const keys::Identity& identity,
                                                 const Route& route);

} // namespace keygate::policy
