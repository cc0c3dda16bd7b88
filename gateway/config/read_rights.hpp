#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <optional>

// What keys of an API may do by their plan and by what their scopes imply, and what of the path
// they belong to. Call these when the API's scopes and routes are read.
namespace keygate::config {

/// `scopes:` of a plan: a list of scopes of the vocabulary, `FAMILY:*` and `*`.
void read_plan_scopes(const std::optional<View>& view, const Api& api, Plan& plan);

/// `routes:` of a plan: a list such as [ANY /v1/tests/**].
void read_plan_routes(const std::optional<View>& view, Plan& plan);

/// `gauges:` a mapping such as {domains: 10}
void read_gauges(const std::optional<View>& view, Plan& plan);

/// `implies:` a mapping from scopes to lists of scopes; what they imply is implied, too.
void read_implies(const std::optional<View>& view, Api& api);

/// `bind:` a mapping from path parameters to `owner` or `key.NAME`.
void read_bind(const std::optional<View>& view, Api& api);

} // namespace keygate::config
