#pragma once

#include "config/printer.hpp"

#include <string>

// Limits back to YAML: what stands beside the numbers is shown where it is not what it would be
// without.
namespace keygate::config {

/// `rate`, `quota` and `concurrency` of a plan, each on lines of its own.
/// @param zone  of quotas that name none.
void print_limits(Printer& out, const Plan& plan, const std::string& zone);

/// `limits` and `failed_auth` of an API.
/// @param has_redis  where keys are: that decides where limits are counted that say nothing of it.
void print_api_limits(Printer& out, const Api& api, bool has_redis);

/// `rate` and `concurrency` of a route as members of a flow mapping, each with `, ` before it.
/// @param path  of the route.
[[nodiscard]] std::string route_limits_yaml(const Printer& out, const Route& route,
                                            const std::string& path);

} // namespace keygate::config
