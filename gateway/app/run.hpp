#pragma once

#include <string>

namespace keygate::app {

/// `keygate run`: loads the configuration, serves until SIGTERM, SIGINT or SIGQUIT, drains, ends. A second
/// signal ends the drain. @returns the exit status: 0 after a drain, 1 for a wrong configuration, 3 when
/// something around it failed (a port in use, a store that cannot be opened).
[[nodiscard]] int run(const std::string& config_file);

} // namespace keygate::app
