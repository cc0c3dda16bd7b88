#pragma once

#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keygate::wire {

inline const std::string key = "kg_live_0123456789012345678901234567890123456789";

/// What the upstream gets of `key` on a route that asks for one.
inline const std::string identity =
    "X-Key-Id: key_1\r\nX-Key-Owner: acme\r\nX-Key-Scopes: *\r\nX-Key-Mode: live\r\n";

/// `lines` are the routes, six blanks before each; `rest` is further YAML of the top level.
[[nodiscard]] inline support::RunningGateway::Start
start_before(const support::OriginServer& origin, const std::string& lines,
             const std::string& rest = {}, const std::string& upstream = {}) {
    return {.configuration =
                rest + "apis:\n  shop:\n    upstreams: {live: {servers: [\"http://127.0.0.1:" +
                std::to_string(origin.port()) + "\"]" + upstream + "}}\n    routes:\n" + lines,
            .keys = {support::record_of(key, "key_1", "shop", "acme")}};
}

[[nodiscard]] inline std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    all.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        all += text;
    return all;
}

/// Takes the chunked coding off, the plainest way there is; "(broken)" if it is none, or not to its
/// end.
[[nodiscard]] inline std::string without_chunks(std::string_view body) {
    std::string data;
    for (;;) {
        const std::size_t line = body.find("\r\n");
        if (line == std::string_view::npos || line == 0) return "(broken)";
        const std::size_t size = std::stoul(std::string{body.substr(0, line)}, nullptr, 16);
        body.remove_prefix(line + 2);
        if (size == 0) return body == "\r\n" ? data : "(broken)";
        if (body.size() < size + 2 || body.substr(size, 2) != "\r\n") return "(broken)";
        data += body.substr(0, size);
        body.remove_prefix(size + 2);
    }
}

/// A message whose body is as it was before any chunked coding, and whose request id is `ID`.
[[nodiscard]] inline std::string plain(std::string message) {
    if (const auto id = support::field_of(message, "X-Request-Id"); id && id->size() == 36)
        message.replace(message.find(*id), id->size(), "ID");
    const std::size_t end = message.find("\r\n\r\n");
    if (end == std::string::npos || !support::field_of(message, "Transfer-Encoding"))
        return message;
    return message.substr(0, end + 4) + without_chunks(std::string_view{message}.substr(end + 4));
}

/// Everything that the upstream received, on all connections.
[[nodiscard]] inline std::string all_received(const support::OriginServer& origin) {
    std::string all;
    for (const std::string& bytes : origin.received())
        all += bytes;
    return all;
}

[[nodiscard]] inline std::string in_a_line(std::string_view bytes) {
    std::string text;
    for (const char c : bytes.substr(0, 300)) {
        if (c == '\r')
            text += "\\r";
        else if (c == '\n')
            text += "\\n";
        else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e)
            text += '?';
        else
            text += c;
    }
    return text;
}

} // namespace keygate::wire
