#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <optional>

namespace keygate::config {

/// `cors:` of an API.
void read_cors(const std::optional<View>& view, std::optional<Cors>& out);

/// `cors:` of a route: `off`, or a mapping whose members stand in place of the API's.
/// @param out  what the API says, and then what holds.
void read_route_cors(const std::optional<View>& view, std::optional<Cors>& out);

} // namespace keygate::config
