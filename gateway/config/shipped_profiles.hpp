#pragma once

#include <string_view>
#include <vector>

namespace keygate::config {

/// One file of config/profiles, as it was when the binary was built.
struct ShippedProfile {
    std::string_view name;
    std::string_view yaml;
};

/// In alphabetical order.
[[nodiscard]] const std::vector<ShippedProfile>& shipped_profiles();

} // namespace keygate::config
