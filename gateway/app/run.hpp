#pragma once

#include <string>

namespace keygate::app {

/// `keygate run`: loads the configuration, serves until SIGTERM, SIGINT or SIGQUIT, drains, ends. A
/// second signal ends the drain. @returns the exit status (app/command.hpp): done after a drain,
/// usage for a wrong configuration, unreachable when something around it failed (a port in use, a
/// store that cannot be opened).
[[nodiscard]] int run(const std::string& config_file);

} // namespace keygate::app
