#pragma once

#include "config/settings.hpp"

#include <string>
#include <vector>

namespace keygate::app {

/// What a reload would have to change and cannot, one line for each setting, with what runs and
/// what the file says: listeners, threads, store, where admin listens and its token file, status,
/// log.access. Values that came from the environment are shown as they were written, a password not
/// at all.
[[nodiscard]] std::vector<std::string> needs_restart(const config::Settings& running,
                                                     const config::Settings& wanted);

/// Nothing in them is different but where it was written.
[[nodiscard]] bool are_same(const config::Settings& running, const config::Settings& wanted);

} // namespace keygate::app
