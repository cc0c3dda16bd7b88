#pragma once

#include "config/read_endpoint.hpp"
#include "config/settings.hpp"

#include <string_view>
#include <vector>

namespace keygate::config {

/// `listeners:`
/// @param folder  of the configuration, where files are.
void read_listeners(const std::optional<View>& view, std::string_view folder,
                    std::vector<Listener>& out, std::vector<Taken>& taken);

} // namespace keygate::config
