#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <optional>
#include <vector>

namespace keygate::config {

/// An address that something listens on.
struct Taken {
    Endpoint address;
    View view;
};

/// An address to listen on. One that collides with another is a mistake.
/// @param taken  those of all sections; this one is added.
[[nodiscard]] std::optional<Endpoint> read_endpoint(const std::optional<View>& view,
                                                    std::vector<Taken>& taken);

} // namespace keygate::config
