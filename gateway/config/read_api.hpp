#pragma once

#include "config/profiles.hpp"
#include "config/reader.hpp"

namespace keygate::config {

/// What stands outside of `apis` and counts there.
struct Outside {
    std::string_view folder; // of the configuration
    /// Of the fields that tell who calls: none of them can be a trailer.
    std::string_view identity_prefix;
};

/// `apis: {NAME: {…}}`
void read_apis(const std::optional<View>& view, Profiles& profiles, const Outside& outside,
               std::vector<Api>& apis);

} // namespace keygate::config
