#pragma once

#include "config/reader.hpp"

#include <optional>
#include <string>
#include <vector>

namespace keygate::config {

/// `sources:` of a profile, where requests carry their key:
///
///     [bearer, {header: X-Api-Key}, {scheme: Token}, {query: api_key}, {websocket: bearer}]
///
/// No two can be the same, and none a field that frames or routes a message.
void read_sources(const std::optional<View>& view, std::vector<KeySource>& sources);

/// What stands in `WWW-Authenticate` of a profile that does not say it.
[[nodiscard]] std::string challenge_for(const std::vector<KeySource>& sources);

} // namespace keygate::config
