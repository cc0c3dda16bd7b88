#pragma once

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

/// What a caller may do; each may do what those before it may.
enum class Role { viewer, operator_, admin };

using NameValue = std::pair<std::string, std::string>;

struct Request {
    Transport transport = Transport::tcp;
    std::string method;
    std::string path;             // raw: begins with `/`, no query; segments still percent-encoded
    std::vector<NameValue> query; // decoded, in order, repetitions kept
    std::vector<std::string> hosts;
    std::vector<std::string> authorizations;
    std::vector<std::string> if_match; // all values as sent
    std::vector<std::string> if_none_match;
    std::vector<std::string> idempotency_keys;
    Role role = Role::viewer; // as the guard found it
    std::string actor;        // whose token it was
    std::string body;

    /// The first query parameter of that name.
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

struct Response {
    unsigned status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::vector<NameValue> headers; // beside the framing, the type and `Cache-Control: no-store`
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
