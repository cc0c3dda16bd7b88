#pragma once

#include "app/command.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

// `keygate usage show|reset`
namespace keygate::app {

/// What one key or one owner has used.
struct ShowUsage : WriteOptions {
    std::string api;
    std::string key; // its id
    std::string owner;
};

struct ResetUsage : ShowUsage {
    bool yes = false;
};

// Each returns the exit status (app/command.hpp).
[[nodiscard]] int show_usage(const ShowUsage& options, Console& console);
/// Lets rates and quotas begin anew.
[[nodiscard]] int reset_usage(const ResetUsage& options, Console& console);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_usage_commands(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
