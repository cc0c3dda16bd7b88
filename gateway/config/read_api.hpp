#pragma once

#include "config/profiles.hpp"
#include "config/reader.hpp"

namespace keygate::config {

/// `apis: {NAME: {…}}`
/// @param identity_prefix  of the fields that tell who calls: none of them can be a trailer.
void read_apis(const std::optional<View>& view, Profiles& profiles,
               std::string_view identity_prefix, std::vector<Api>& apis);

} // namespace keygate::config
