#pragma once

#include "base/secret.hpp"
#include "config/settings.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Requests and answers of the operator's surface, as plain values.
namespace keygate::admin {

/// How a request came in: over a unix socket the file's mode is the guard.
enum class Transport { tcp, local };

using config::Role;

using NameValue = std::pair<std::string, std::string>;

/// Whoever calls over the unix socket without a token.
inline constexpr std::string_view local_actor = "local";

/// Fields that decide something are kept as sent, one value for each time that they were written.
struct Request {
    Request() = default;
    Request(const Request&) = default;
    Request& operator=(const Request&) = default;
    Request(Request&&) = default;
    Request& operator=(Request&&) = default;
    /// Tokens, and bodies that may hold a key, do not stay in memory.
    ~Request();

    Transport transport = Transport::tcp;
    // Who calls and what they may: set by the guard (admin/access.hpp).
    Role role = Role::viewer;
    std::string actor;
    std::string method;
    std::string path;             // raw: begins with `/`, no query; segments still percent-encoded
    std::vector<NameValue> query; // decoded, in order, repetitions kept
    std::vector<std::string> hosts;
    std::vector<std::string> authorizations;
    std::vector<std::string> if_match;
    std::vector<std::string> if_none_match;
    std::vector<std::string> idempotency_keys;
    std::vector<std::string> content_types;
    std::string body;

    [[nodiscard]] bool is_read() const { return method == "GET" || method == "HEAD"; }

    /// The first query parameter of that name.
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

struct Response {
    unsigned status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::vector<NameValue> headers; // beside the framing, the type and `Cache-Control: no-store`
    /// Whom the call was about where its path does not say it, for the log: visible ASCII, no
    /// secret.
    std::string about{};
};

/// Answers one request. May throw: the server then answers 500.
using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

/// `%41` is `A`; nothing for a `%` without two hexadecimal digits. A `+` is a plus.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// Everything but unreserved characters (RFC 3986 2.3) as `%XX`.
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// Fills `path` and `query` from a request target in origin form. False if it is no such target.
[[nodiscard]] bool read_target(std::string_view target, Request& request);

} // namespace keygate::admin
