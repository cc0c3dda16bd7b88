#pragma once

#include "base/refusal.hpp"
#include "keys/identity.hpp"
#include "policy/facts.hpp"
#include "policy/route.hpp"

#include <optional>

namespace keygate::policy {

/// tenant_mismatch: does the path name the tenant that the key belongs to, wherever the API binds a
/// path parameter to one? A key that belongs to none is refused there.
[[nodiscard]] std::optional<Refusal> check_tenant(const keys::Identity& identity,
                                                  const Route& route, const Facts& facts);

} // namespace keygate::policy
