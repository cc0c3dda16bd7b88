#pragma once

#include "app/command.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

// `keygate keys import`
namespace keygate::app {

struct ImportKeys : CommonOptions {
    std::string api;
    std::string input;          // a file (app/import_file.hpp), `-` for standard input
    bool skip_existing = false; // leave out rows whose id or digest is there already
};

/// Checks all rows first, here and at the gateway, and reports all mistakes as `file:line:
/// message`; keys are brought in only if there are none, 1000 in one transaction. One that is cut
/// (by a signal, or because the gateway has gone) says up to which line the keys are in.
/// @returns the exit status (app/command.hpp)
[[nodiscard]] int import_keys(const ImportKeys& options, Console& console);

/// Adds the command; if the arguments choose it, it becomes `chosen`.
void add_import_command(CLI::App& keys, std::function<int()>& chosen);

} // namespace keygate::app
