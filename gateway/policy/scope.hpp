#pragma once

#include "base/refusal.hpp"
#include "keys/identity.hpp"
#include "policy/facts.hpp"
#include "policy/route.hpp"

#include <optional>
#include <string_view>

namespace keygate::policy {

/// Are these scopes what a route asks for, also in view of the request's path?
[[nodiscard]] bool is_enough(const keys::ScopeSet& held, const Route& route, std::string_view path);

/// scope_missing: has the key what the route asks for? Refusal::detail lists the scopes of the
/// route; it is empty where the path names what is no scope.
[[nodiscard]] std::optional<Refusal> check_scope(const keys::Identity& identity, const Route& route,
                                                 const Facts& facts);

} // namespace keygate::policy
