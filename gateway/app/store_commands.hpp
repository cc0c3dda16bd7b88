#pragma once

#include "app/command.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

// `keygate store backup`
namespace keygate::app {

struct BackUp : CommonOptions {
    std::string file; // as seen from the caller's folder
};

/// Copies the store to a new file while the gateway goes on. The gateway writes it, so it is only
/// asked over the unix socket. Returns the exit status (app/command.hpp).
[[nodiscard]] int back_up(const BackUp& options, Console& console);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_store_commands(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
