#pragma once

#include "app/command.hpp"

#include <functional>
#include <optional>
#include <string>

namespace CLI {
class App;
}

// `keygate owners set|show|list|delete`
namespace keygate::app {

struct OneOwner : WriteOptions {
    std::string api;
    std::string id;
};

struct SetOwner : OneOwner {
    // What is not given stays as it is.
    std::optional<std::string> name;
    std::optional<std::string> plan; // empty: none of its own
    std::optional<std::string> status;
    std::optional<std::string> attributes; // a JSON object
};

struct DeleteOwner : OneOwner {
    bool yes = false;
};

struct ListOwners : ListOptions {
    std::string api;
};

// Each returns the exit status (app/command.hpp).
/// Two that change the same owner at once: one of them is refused.
[[nodiscard]] int set_owner(const SetOwner& options, Console& console);
[[nodiscard]] int show_owner(const OneOwner& options, Console& console);
[[nodiscard]] int list_owners(const ListOwners& options, Console& console);
[[nodiscard]] int delete_owner(const DeleteOwner& options, Console& console);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_owners_commands(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
