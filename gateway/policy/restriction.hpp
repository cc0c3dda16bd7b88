#pragma once

#include "base/refusal.hpp"
#include "keys/identity.hpp"
#include "policy/facts.hpp"

#include <optional>

namespace keygate::policy {

/// restriction_*: may this key be used from there, and for this? Order: address, referrer,
/// endpoint. A key without restrictions may.
[[nodiscard]] std::optional<Refusal> check_restrictions(const keys::Identity& identity,
                                                        const Facts& facts, const Rules& rules);

} // namespace keygate::policy
