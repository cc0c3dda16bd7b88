#pragma once

#include "config/printer.hpp"
#include "config/settings.hpp"

#include <vector>

namespace keygate::config {

/// `listeners:`
void print_listeners(Printer& out, const std::vector<Listener>& listeners);

/// `trusted_proxies`, `forwarded`, `proxy_status` and `dns`.
void print_network(Printer& out, const Settings& settings);

} // namespace keygate::config
