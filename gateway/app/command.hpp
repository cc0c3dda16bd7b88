#pragma once

#include "app/admin_link.hpp"
#include "config/settings.hpp"

#include <functional>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// What the commands that manage a gateway have in common.
namespace keygate::app {

// The exit statuses of these commands.
inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 1;     // refused, or not found
inline constexpr int exit_usage = 2;       // flags, or a configuration that does not load
inline constexpr int exit_unreachable = 3; // the gateway or the store is away, or in use

/// Ends a command with a message on stderr and an exit status.
class CommandError : public std::runtime_error {
  public:
    CommandError(int status, const std::string& message)
        : std::runtime_error(message)
        , status_(status) {}

    [[nodiscard]] int status() const { return status_; }

  private:
    int status_;
};

/// Runs a command's work; a CommandError becomes its message on `err` and its status.
[[nodiscard]] int reported(std::ostream& err, const std::function<int()>& work);

/// The configuration. @throws CommandError (usage) with every mistake on a line of its own.
[[nodiscard]] config::Settings load_settings(const std::string& file);

/// The gateway, or the embedded file. @throws CommandError (unreachable)
[[nodiscard]] std::unique_ptr<AdminLink> open_link(const config::Settings& settings);

/// The gateway that runs on these settings. @throws CommandError (unreachable) where none does.
[[nodiscard]] std::unique_ptr<AdminLink> open_running_link(const config::Settings& settings);

/// The body of an answer that must be a success. @throws CommandError (refused, unreachable)
[[nodiscard]] std::string succeeded(const admin::Response& response);

/// One call that must succeed; its body. @throws CommandError (refused, unreachable)
[[nodiscard]] std::string call(AdminLink& link, const std::string& method,
                               const std::string& target, const std::string& body = {});

/// The API that a command is about: the named one, or the only one. @throws CommandError (usage)
[[nodiscard]] std::string api_of(const config::Settings& settings, const std::string& named);

/// `?name=value&…` of the values that are not empty.
[[nodiscard]] std::string query_of(const std::vector<std::pair<std::string, std::string>>& values);

/// A whole list, page after page, as one answer: `{"object":"list","data":[…],…}`.
[[nodiscard]] std::string
whole_list(AdminLink& link, const std::string& path,
           const std::vector<std::pair<std::string, std::string>>& filters);

using Row = std::vector<std::string>;

/// Columns for people; an empty cell reads `-`.
void print_table(std::ostream& out, const Row& titles, const std::vector<Row>& rows);

/// `name   value` on a line each.
void print_pairs(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& pairs);

/// A file, or standard input for `-`. @throws CommandError (usage)
[[nodiscard]] std::string read_input(const std::string& file);

} // namespace keygate::app
