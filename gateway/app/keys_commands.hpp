#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace CLI {
class App;
}

// `keygate keys create|list|revoke|import`
namespace keygate::app {

struct CreateKey {
    std::string config;
    std::string api;
    std::string owner;
    std::string name;
    std::string plan;
    std::vector<std::string> scopes; // empty: the profile's default
    bool no_scopes = false;          // really none
    std::string mode;
    std::string expires_at;
    bool force = false;
    bool json = false;
};

struct ListKeys {
    std::string config;
    std::string api;
    std::string owner;
    std::string status;
    bool json = false;
};

struct RevokeKey {
    std::string config;
    std::string id;
};

struct ImportKeys {
    std::string config;
    std::string api;
    std::string input; // a file (app/import_file.hpp), `-` for standard input
};

// Each returns the exit status (app/command.hpp). A new key is written to `out` once and nowhere
// else.
[[nodiscard]] int create_key(const CreateKey& options, std::ostream& out, std::ostream& err);
[[nodiscard]] int list_keys(const ListKeys& options, std::ostream& out, std::ostream& err);
[[nodiscard]] int revoke_key(const RevokeKey& options, std::ostream& out, std::ostream& err);
/// Checks all rows first, here and at the gateway, and reports all mistakes as `file:line:
/// message`; keys are brought in only if there are none.
[[nodiscard]] int import_keys(const ImportKeys& options, std::ostream& out, std::ostream& err);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_keys_commands(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
