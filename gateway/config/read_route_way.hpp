#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

namespace keygate::config {

/// Where a route leads: `upstream`, one name or `{live: NAME, test: NAME}`.
/// @param api  its upstreams are read already.
void read_way(Fields& fields, const Api& api, Route& route);

} // namespace keygate::config
