#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

namespace keygate::config {

/// `store:`; without it keys are kept in the embedded file. A password of Redis comes from the
/// environment or from a file of its own: one that stands in the configuration is refused, and none
/// is repeated in a mistake.
/// @param file  of the configuration: paths begin at its folder.
void read_store(const std::optional<View>& view, const std::string& file, Store& out);

} // namespace keygate::config
