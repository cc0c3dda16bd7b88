#pragma once

#include <string>

namespace keygate::app {

/// Runs the gateway of a configuration until it is told to stop.
/// @returns the exit status: 0 after a drain, else the start failed and stderr says why.
int run(const std::string& config_file);

} // namespace keygate::app
