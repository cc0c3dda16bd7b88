#pragma once

#include "config/printer.hpp"

#include <string>

// Limits back to YAML: what stands beside the numbers is shown where it is not what it would be
// without.
namespace keygate::config {

/// `rate`, `quota` and `concurrency` of a plan, each on lines of its own.
/// @param zone  of quotas that name none.
void print_limits(Printer& out, const Plan& plan, const std::string& zone);

} // namespace keygate::config
