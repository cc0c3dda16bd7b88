#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

namespace CLI {
class App;
}

// `keygate owners set|list`
namespace keygate::app {

struct SetOwner {
    std::string config;
    std::string api;
    std::string id;
    // What is not given stays as it is.
    std::optional<std::string> name;
    std::optional<std::string> plan; // empty: none of its own
    std::optional<std::string> status;
    bool json = false;
};

struct ListOwners {
    std::string config;
    std::string api;
    bool json = false;
};

// Each returns the exit status (app/command.hpp).
[[nodiscard]] int set_owner(const SetOwner& options, std::ostream& out, std::ostream& err);
[[nodiscard]] int list_owners(const ListOwners& options, std::ostream& out, std::ostream& err);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_owners_commands(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
