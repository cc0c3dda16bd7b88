#pragma once

#include <string>

namespace CLI {
class App;
}

namespace keygate::app {

/// `-c FILE`: the configuration; without it the variable KEYGATE_CONFIG, else
/// /etc/keygate/keygate.yaml.
void add_config_option(CLI::App& command, std::string& file);

} // namespace keygate::app
