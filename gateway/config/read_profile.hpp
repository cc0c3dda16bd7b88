#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"
#include "config/tree.hpp"

#include <optional>

namespace keygate::config {

/// A profile from the tree of its file. `profile.name` is set already.
void read_profile(const Node& root, Profile& profile, Report& report);

/// `refusals` of one API, under the rules of a profile: single answers, or single members of them,
/// in place of its profile's.
void read_refusals(const std::optional<View>& view, Api& api);

} // namespace keygate::config
