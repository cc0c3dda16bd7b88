#pragma once

#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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

/// What a body in chunked coding holds as far as it came, read in the plainest way there is.
struct Chunks {
    enum class End : std::uint8_t { whole, cut, broken };
    std::string data;
    End end = End::cut;
};

/// Takes the coding off as a gateway writes it: sizes without zeros before them, no extensions, no
/// trailers.
[[nodiscard]] inline Chunks read_chunks(std::string_view body) {
    constexpr std::string_view digits = "0123456789abcdef";
    Chunks chunks;
    for (;;) {
        const std::size_t line = body.find("\r\n");
        const std::string_view number = body.substr(0, line);
        const bool is_number = !number.empty() && number.size() <= 8 &&
                               number.find_first_not_of(digits) == std::string_view::npos &&
                               (number.front() != '0' || number == "0");
        if (!body.empty() && !is_number) chunks.end = Chunks::End::broken;
        if (line == std::string_view::npos || !is_number) return chunks;
        body.remove_prefix(line + 2);
        const std::size_t size = std::stoul(std::string{number}, nullptr, 16);
        if (size == 0) {
            if (body == "\r\n") chunks.end = Chunks::End::whole;
            if (body.size() > 1 && body != "\r\n") chunks.end = Chunks::End::broken;
            return chunks;
        }
        chunks.data += body.substr(0, size);
        if (body.size() < size + 2) return chunks;
        if (body.substr(size, 2) != "\r\n") {
            chunks.end = Chunks::End::broken;
            return chunks;
        }
        body.remove_prefix(size + 2);
    }
}

/// The data of a body in chunked coding; "(broken)" if it is none, or not to its end.
[[nodiscard]] inline std::string without_chunks(std::string_view body) {
    Chunks chunks = read_chunks(body);
    return chunks.end == Chunks::End::whole ? std::move(chunks.data) : "(broken)";
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

/// What comes up to the end of a head, and what came with it; "" if the peer ends before.
[[nodiscard]] inline std::string read_head(support::Socket& socket) {
    std::string bytes;
    while (bytes.find("\r\n\r\n") == std::string::npos) {
        const auto piece = socket.receive();
        if (!piece || piece->empty()) return {};
        bytes += *piece;
    }
    return bytes;
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
