#pragma once

#include "config/report.hpp"
#include "config/settings.hpp"

namespace keygate::config {

/// Reports routes of which neither is more specific: the same paths, the same method, a common
/// host. The map has no order that could decide between them. Linear in the number of routes.
void report_ties(const Settings& settings, Report& report);

} // namespace keygate::config
