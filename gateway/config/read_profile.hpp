#pragma once

#include "config/settings.hpp"
#include "config/tree.hpp"

namespace keygate::config {

/// A profile from the tree of its file. `profile.name` is set already.
void read_profile(const Node& root, Profile& profile, Report& report);

} // namespace keygate::config
