#pragma once

#include "http/head_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Answers that the gateway makes itself: refusals, and what `answer:` routes say.
namespace keygate::http {

/// What such an answer takes from its request.
struct Asked {
    AfterAnswer after = AfterAnswer::keep_alive;
    bool is_head = false; // the request was HEAD: no body
    std::uint8_t minor_version = 1;
    std::string_view date{};
    std::string_view request_id{};   // RequestId::size bytes
    std::string_view limit_fields{}; // whole lines (http/limit_fields.hpp)
    std::string_view cors{};         // the same (http/cors.hpp)
};

/// `Forbidden` for 403; for a status without a registered phrase, that of its class (RFC 9110 15).
[[nodiscard]] std::string_view status_phrase(unsigned status);

/// Appends the status line and what holds for every such answer with a body.
/// @param length  of the body; absent: write_measured_body says it.
void write_own_head(std::string& out, unsigned status, std::string_view type,
                    std::optional<std::size_t> length);

/// Appends the fields that the request decides on, without the blank line.
void write_asked_fields(std::string& out, const Asked& asked);

/// Appends the end of the head, and the body that `body(out)` appends: its length is what it turns
/// out to be. Room for the line of the length: 64 bytes.
template <class Body>
void write_measured_body(std::string& out, const Asked& asked, const Body& body) {
    const std::size_t begin = out.size();
    body(out);
    std::string line = "Content-Length: " + std::to_string(out.size() - begin) + "\r\n\r\n";
    if (asked.is_head) out.resize(begin);
    out.insert(begin, line);
}

/// Appends a whole answer.
/// @param fields  whole lines beside the usual ones: `Location: …`.
template <class Body>
void write_own_answer(std::string& out, unsigned status, std::string_view type,
                      std::string_view fields, const Asked& asked, const Body& body) {
    write_own_head(out, status, type, {});
    out.append(fields);
    write_asked_fields(out, asked);
    write_measured_body(out, asked, body);
}

/// The same for 204: it has no body.
void write_empty_answer(std::string& out, std::string_view fields, const Asked& asked);

} // namespace keygate::http
