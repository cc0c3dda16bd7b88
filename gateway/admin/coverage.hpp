#pragma once

#include "keys/catalog.hpp"
#include "keys/record.hpp"

#include <optional>
#include <string>
#include <vector>

// The guard against escalation: a key that makes, changes or replaces another gains nothing by it.
// Pure.
namespace keygate::admin {

using ScopeNames = std::optional<std::vector<std::string>>; // as in KeyRecord::scopes

/// Can a key with `held` do all that one with `asked` can, now and when the vocabulary grows?
[[nodiscard]] bool covers(const ScopeNames& held, const ScopeNames& asked,
                          const keys::ApiNames& api);

/// Can `caller` do all that `target` can: scopes, plan, limits, and from where and for what?
[[nodiscard]] bool covers(const keys::KeyRecord& caller, const keys::KeyRecord& target,
                          const keys::ApiNames& api);

} // namespace keygate::admin
