#pragma once

#include <functional>
#include <iosfwd>
#include <string>

namespace CLI {
class App;
}

// `keygate reload`
namespace keygate::app {

struct ReloadOptions {
    std::string config;
    bool json = false;
};

/// Tells the gateway that runs on this configuration to read it again. Returns the exit status
/// (app/command.hpp).
[[nodiscard]] int reload(const ReloadOptions& options, std::ostream& out, std::ostream& err);

/// Adds the command; when the arguments choose it, it becomes `chosen`.
void add_reload_command(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
