#pragma once

#include "config/printer.hpp"
#include "config/settings.hpp"

#include <optional>
#include <string>

namespace keygate::config {

/// `cors:` of an API.
void print_cors(Printer& out, const Cors& cors);

/// `cors` of a route as a member of a flow mapping, with `, ` before it; empty if it says what the
/// API does.
/// @param path  of the route.
[[nodiscard]] std::string route_cors_yaml(const Printer& out, const std::optional<Cors>& route,
                                          const std::optional<Cors>& api, const std::string& path);

} // namespace keygate::config
