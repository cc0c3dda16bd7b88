#pragma once

#include "config/printer.hpp"
#include "config/settings.hpp"

namespace keygate::config {

/// `upstreams:`
void print_upstreams(Printer& out, const Api& api);

} // namespace keygate::config
