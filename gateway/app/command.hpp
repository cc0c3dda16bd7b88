#pragma once

#include "app/admin_link.hpp"
#include "config/settings.hpp"

#include <boost/json/fwd.hpp>

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
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

/// What a command reads and writes.
struct Console {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool is_person = false; // somebody sits before `in` and can be asked
};

/// Standard input, output and error.
[[nodiscard]] Console standard_console();

/// The flags of every command.
struct CommonOptions {
    std::string config;
    bool json = false; // answer for programs: the admin API's own JSON
};

/// The flags of commands that change something.
struct WriteOptions : CommonOptions {
    std::string if_match; // an ETag, with or without its quotes
    std::string idempotency_key;
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

/// One call to the admin API.
struct Call {
    std::string method;
    std::string target; // path and query, percent-encoded
    std::string body{};
    std::vector<admin::NameValue> headers{};
};

/// One call that must succeed. @throws CommandError (refused, unreachable)
[[nodiscard]] admin::Response send(AdminLink& link, const Call& call);

/// The body of such a call.
[[nodiscard]] std::string call(AdminLink& link, const std::string& method,
                               const std::string& target, const std::string& body = {});

/// The fields that the flags ask for. @throws CommandError (usage) for what cannot be a field.
[[nodiscard]] std::vector<admin::NameValue> headers_of(const WriteOptions& options);

/// The value of a response's field, empty without one.
[[nodiscard]] std::string header(const admin::Response& response, std::string_view name);

/// The ETag of a response as people pass it on: without quotes, which a shell would take away.
[[nodiscard]] std::string shown_etag(const admin::Response& response);

/// What most commands are: one call, and its answer. With `json` the answer's body is printed as
/// it is, else `print` tells people of it. Returns the exit status.
using Ask = std::function<Call(const config::Settings&)>;
using Print = std::function<void(const admin::Response&, Console&)>;
[[nodiscard]] int one_call(const CommonOptions& options, Console& console, const Ask& ask,
                           const Print& print);

/// The API that a command is about: the named one, or the only one. @throws CommandError (usage)
[[nodiscard]] std::string api_of(const config::Settings& settings, const std::string& named);

using Filters = std::vector<std::pair<std::string, std::string>>;

/// `?name=value&…` of the values that are not empty.
[[nodiscard]] std::string query_of(const Filters& values);

/// A member that is text; empty if it is absent or anything else.
[[nodiscard]] std::string text(const boost::json::object& object, std::string_view name);

using Row = std::vector<std::string>;

/// Columns for people; an empty cell reads `-`. Rows may come in portions: columns get wider when
/// they must, never narrower.
class Table {
  public:
    Table(std::ostream& out, Row titles);

    void add(const std::vector<Row>& rows);

  private:
    void print(const Row& row);

    std::ostream& out_;
    Row titles_;
    std::vector<std::size_t> widths_;
    bool has_titles_ = false; // printed
};

/// The flags of commands that list something.
struct ListOptions : CommonOptions {
    std::size_t limit = 0; // rows; 0: all
    std::string cursor;    // `next_cursor` of an earlier list
};

/// What a list is of, and how people see it.
struct Listing {
    std::string path;
    Filters filters;
    Row titles;
    Row (*row_of)(const boost::json::object& one);
};

/// Prints a list page after page as it comes: a big one takes no memory. Returns the exit status.
[[nodiscard]] int print_list(const ListOptions& options, Console& console, const Listing& listing);

/// `name   value` on a line each.
void print_pairs(std::ostream& out, const Filters& pairs);

/// Asks whoever sits there, unless that was answered by a flag. @throws CommandError (refused) for
/// a no, (usage) where nobody can be asked.
void confirm(Console& console, const std::string& question, bool is_agreed);

/// A file, or standard input for `-`. @throws CommandError (usage)
[[nodiscard]] std::string read_input(const std::string& file, Console& console);

} // namespace keygate::app
