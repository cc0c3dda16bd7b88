#pragma once

#include "config/printer.hpp"
#include "config/settings.hpp"

namespace keygate::config {

/// One line of the route-to-scope map.
void print_route(Printer& out, const Route& route, const Api& api);

} // namespace keygate::config
