#pragma once

#include "app/command.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

// `keygate usage show`, `keygate store backup`
namespace keygate::app {

/// What one key or one owner has used.
struct ShowUsage : CommonOptions {
    std::string api;
    std::string key; // its id
    std::string owner;
};

struct BackUp : CommonOptions {
    std::string file; // as seen from the caller's folder
};

// Each returns the exit status (app/command.hpp).
[[nodiscard]] int show_usage(const ShowUsage& options, Console& console);
/// Copies the store to a new file while the gateway goes on. The gateway writes it, so it is only
/// asked over the unix socket.
[[nodiscard]] int back_up(const BackUp& options, Console& console);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_store_commands(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
