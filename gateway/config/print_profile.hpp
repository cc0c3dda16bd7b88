#pragma once

#include "config/printer.hpp"

namespace keygate::config {

/// What an API says in another way than its profile, or may say so.
void print_profile(Printer& out, const Api& api);

} // namespace keygate::config
