#pragma once

#include "config/profiles.hpp"
#include "config/reader.hpp"
#include "config/settings.hpp"

namespace keygate::config {

/// The whole configuration from its tree. Mistakes go to `report` and, for those inside of
/// profiles, to `profiles`; `settings.file` is set already.
void read_settings(const Node& root, Profiles& profiles, Settings& settings, Report& report);

} // namespace keygate::config
