#include "app/config_option.hpp"

#include <CLI/CLI.hpp>

namespace keygate::app {

void add_config_option(CLI::App& command, std::string& file) {
    file = "/etc/keygate/keygate.yaml";
    command.add_option("-c,--config", file, "Configuration file")
        ->envname("KEYGATE_CONFIG")
        ->capture_default_str();
}

} // namespace keygate::app
