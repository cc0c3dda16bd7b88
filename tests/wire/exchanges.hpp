// What the tables of requests and the tables of answers have in common: where a row comes from, how
// it is played, and what the two sides see of a gateway, written down here byte for byte. Nothing
// of it asks the gateway's own code.
#pragma once

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <set>

#include "wire/between.hpp"

namespace keygate::wire {

/// The sections that the rows stand on and their titles, so that a slip of the pen is found.
inline const std::map<std::string_view, std::string_view> sections{
    {"1945 4.1", "HTTP/1.0: Message Types"},
    {"3875 4.1.18", "CGI: Protocol-Specific Meta-Variables"},
    {"3986 3.2.2", "URI: Host"},
    {"3986 3.2.3", "URI: Port"},
    {"3986 3.3", "URI: Path"},
    {"3986 3.4", "URI: Query"},
    {"3986 3.5", "URI: Fragment"},
    {"5842 7.2", "508 Loop Detected"},
    {"6585 5", "431 Request Header Fields Too Large"},
    {"6750 2.1", "Bearer: Authorization Request Header Field"},
    {"6750 3.1", "Bearer: Error Codes"},
    {"7239 8.1", "Forwarded: Header Validity and Integrity"},
    {"7540 3.2", "HTTP/2: Starting HTTP/2 for http URIs"},
    {"8297 2", "HTTP Status Code 103: Early Hints"},
    {"8446 5.1", "TLS: Record Layer"},
    {"9110 4.2.1", "http URI Scheme"},
    {"9110 4.2.4", "Deprecation of userinfo in http(s) URIs"},
    {"9110 5.1", "Field Names"},
    {"9110 5.3", "Field Order"},
    {"9110 5.4", "Field Limits"},
    {"9110 5.5", "Field Values"},
    {"9110 5.6.2", "Tokens"},
    {"9110 6.5.1", "Limitations on Use of Trailers"},
    {"9110 6.6.1", "Date"},
    {"9110 7.2", "Host and :authority"},
    {"9110 7.6.1", "Connection"},
    {"9110 7.6.3", "Via"},
    {"9110 7.8", "Upgrade"},
    {"9110 8.6", "Content-Length"},
    {"9110 9.1", "Methods: Overview"},
    {"9110 9.3.1", "GET"},
    {"9110 9.3.2", "HEAD"},
    {"9110 9.3.5", "DELETE"},
    {"9110 9.3.6", "CONNECT"},
    {"9110 9.3.7", "OPTIONS"},
    {"9110 9.3.8", "TRACE"},
    {"9110 10.1.1", "Expect"},
    {"9110 10.2.1", "Allow"},
    {"9110 11.1", "Authentication Scheme"},
    {"9110 11.6.1", "WWW-Authenticate"},
    {"9110 11.6.2", "Authorization"},
    {"9110 11.7.1", "Proxy-Authenticate"},
    {"9110 11.7.2", "Proxy-Authorization"},
    {"9110 15", "Status Codes"},
    {"9110 15.2", "Informational 1xx"},
    {"9110 15.2.1", "100 Continue"},
    {"9110 15.2.2", "101 Switching Protocols"},
    {"9110 15.3.5", "204 No Content"},
    {"9110 15.3.6", "205 Reset Content"},
    {"9110 15.4.5", "304 Not Modified"},
    {"9110 15.5.2", "401 Unauthorized"},
    {"9110 15.5.5", "404 Not Found"},
    {"9110 15.5.14", "413 Content Too Large"},
    {"9110 15.5.15", "414 URI Too Long"},
    {"9112 2.1", "Message Format"},
    {"9112 2.2", "Message Parsing"},
    {"9112 2.3", "HTTP Version"},
    {"9112 3", "Request Line"},
    {"9112 3.1", "Method"},
    {"9112 3.2", "Request Target"},
    {"9112 3.2.1", "origin-form"},
    {"9112 3.2.2", "absolute-form"},
    {"9112 3.2.3", "authority-form"},
    {"9112 3.2.4", "asterisk-form"},
    {"9112 4", "Status Line"},
    {"9112 5.1", "Field Line Parsing"},
    {"9112 5.2", "Obsolete Line Folding"},
    {"9112 6.1", "Transfer-Encoding"},
    {"9112 6.2", "Content-Length"},
    {"9112 6.3", "Message Body Length"},
    {"9112 7", "Transfer Codings"},
    {"9112 7.1", "Chunked Transfer Coding"},
    {"9112 7.1.1", "Chunk Extensions"},
    {"9112 7.1.2", "Chunked Trailer Section"},
    {"9112 8", "Handling Incomplete Messages"},
    {"9112 9.2", "Associating a Response to a Request"},
    {"9112 9.3", "Persistence"},
    {"9112 9.3.1", "Retrying Requests"},
    {"9112 9.3.2", "Pipelining"},
    {"9112 9.6", "Tear-down"},
    {"9112 11.1", "Response Splitting"},
    {"9112 11.2", "Request Smuggling"},
    {"9113 3.4", "HTTP/2 Connection Preface"},
};

/// All exchanges of this run, by their bytes.
inline std::set<std::string>& exchanges() {
    static std::set<std::string> all;
    return all;
}

/// Plays each row whole and again one byte at a time. Whatever goes wrong, also an end of patience,
/// is told with the row's name.
template <class Row, class Check> void play(const std::vector<Row>& rows, Check check) {
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.name << " (" << row.source << "): " << in_a_line(row.bytes)) {
            BOOST_TEST(sections.count(row.source) == 1U);
            BOOST_TEST(exchanges().insert(row.identity()).second, "the same exchange twice");
        }
        for (const auto pieces :
             {support::Socket::Pieces::whole, support::Socket::Pieces::bytewise}) {
            const bool is_whole = pieces == support::Socket::Pieces::whole;
            if (row.is_long && !is_whole) continue;
            BOOST_TEST_CONTEXT(row.name << " (" << row.source << ") "
                                        << (is_whole ? "whole: " : "bytewise: ")
                                        << in_a_line(row.bytes)) {
                // Caught here, where the row is still known.
                try {
                    check(row, pieces);
                } catch (const std::exception& error) {
                    BOOST_ERROR(error.what());
                }
            }
        }
    }
}

/// How a row calls one byte.
[[nodiscard]] inline std::string named(char c) {
    return "byte " + std::to_string(static_cast<unsigned>(static_cast<unsigned char>(c)));
}

/// NUL, the control bytes and DEL; not the tab, which some places may hold.
[[nodiscard]] inline std::string control_bytes() {
    std::string bytes;
    for (char c = 0; c < 0x20; ++c)
        if (c != '\t') bytes += c;
    return bytes + '\x7f';
}

/// Chunks of which no reader may make a body, and the data before the fault.
struct BrokenChunks {
    std::string name;
    std::string source;
    std::string body;
    std::string data;
};

/// Each control byte in each place of the coding.
[[nodiscard]] inline std::vector<BrokenChunks> chunks_with_control_bytes() {
    using namespace std::string_literals;
    std::vector<BrokenChunks> all;
    for (const char c : control_bytes()) {
        const std::string last = "\r\nhello\r\n0\r\n\r\n";
        all.push_back({named(c) + " before a size", "9112 7.1", c + "5"s + last, ""});
        all.push_back({named(c) + " behind a size", "9112 7.1", "5"s + c + last, ""});
        all.push_back({named(c) + " in an extension", "9112 7.1.1", "5;a"s + c + "b" + last, ""});
        all.push_back(
            {named(c) + " in a quoted extension", "9112 7.1.1", "5;a=\"b"s + c + "\"" + last, ""});
        all.push_back({named(c) + " behind the data", "9112 7.1",
                       "5\r\nhello"s + c + "\r\n0\r\n\r\n", "hello"});
        all.push_back({named(c) + " in a trailer's name", "9112 7.1.2",
                       "5\r\nhello\r\n0\r\nX"s + c + "Y: z\r\n\r\n", "hello"});
        all.push_back({named(c) + " in a trailer's value", "9112 7.1.2",
                       "5\r\nhello\r\n0\r\nX: y"s + c + "z\r\n\r\n", "hello"});
    }
    return all;
}

// ---- what the upstream sees
// ------------------------------------------------------------------------------------------------

inline const std::string host = "Host: a\r\n";
inline const std::string ours_without_host =
    "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n";
inline const std::string ours_1_1 =
    ours_without_host + "X-Forwarded-Host: a\r\nX-Request-Id: ID\r\nVia: 1.1 keygate\r\n\r\n";
inline const std::string ours_1_0 =
    ours_without_host + "X-Forwarded-Host: a\r\nX-Request-Id: ID\r\nVia: 1.0 keygate\r\n\r\n";

/// A request as the upstream sees it: `fields` are the client's that remain, and the framing.
[[nodiscard]] inline std::string seen(const std::string& line, const std::string& fields,
                                      const std::string& body = {},
                                      const std::string& own = ours_1_1) {
    return line + " HTTP/1.1\r\n" + host + fields + own + body;
}

inline const std::string innocent = "GET /open/innocent HTTP/1.1\r\nHost: a\r\n\r\n";
inline const std::string seen_innocent = seen("GET /open/innocent", "");

// ---- what the client sees
// ------------------------------------------------------------------------------------------------

/// How a connection goes on after an answer, as the answer tells it. An HTTP/1.0 client must be
/// told that it stays open.
enum class After : std::uint8_t { closes, open, open_1_0 };

[[nodiscard]] inline std::string connection_line(After after) {
    if (after == After::open) return "";
    return after == After::closes ? "Connection: close\r\n" : "Connection: keep-alive\r\n";
}

/// An answer of the upstream as the client sees it: `fields` are the upstream's that remain, then
/// comes what is ours.
[[nodiscard]] inline std::string answered(const std::string& fields, const std::string& framing,
                                          const std::string& body, After after = After::open,
                                          const std::string& line = "HTTP/1.1 200 OK") {
    return line + "\r\n" + fields + "Date: NOW\r\n" + framing + "X-Request-Id: ID\r\n" +
           connection_line(after) + "\r\n" + body;
}

[[nodiscard]] inline std::string answered_by_length(const std::string& body,
                                                    After after = After::open) {
    return answered("", "Content-Length: " + std::to_string(body.size()) + "\r\n", body, after);
}

/// An answer of the gateway's own.
struct Refusal {
    std::string_view reason;
    std::string_view status;
    std::string_view code;
    std::string_view message;
    std::string_view field = ""; // beside those of every refusal
};

/// How the default profile, as README.md and config/profiles/default.yaml have it, says no.
inline const std::vector<Refusal> refusals{
    {"auth_missing", "401 Unauthorized", "UNAUTHORIZED",
     "Send your API key in the header `Authorization: Bearer <key>`.",
     "WWW-Authenticate: Bearer realm=\"api\"\r\n"},
    {"auth_malformed", "401 Unauthorized", "UNAUTHORIZED",
     "The Authorization header must hold the word Bearer, one space and one API key.",
     "WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_request\"\r\n"},
    {"auth_duplicate", "401 Unauthorized", "UNAUTHORIZED",
     "Send the Authorization header only once.",
     "WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_request\"\r\n"},
    {"key_bad_format", "403 Forbidden", "INVALID_API_KEY",
     "This cannot be an API key; check that it was copied completely."},
    {"key_unknown", "403 Forbidden", "INVALID_API_KEY",
     "This API key does not exist; it may have been mistyped or deleted."},
    {"route_unknown", "404 Not Found", "NOT_FOUND",
     "There is nothing at this path; check the path and the host."},
    {"route_method", "405 Method Not Allowed", "METHOD_NOT_ALLOWED",
     "This path does not take this method; the Allow header lists those it takes."},
    {"head_invalid", "400 Bad Request", "BAD_REQUEST",
     "The head of this request is not valid HTTP/1.1."},
    {"target_invalid", "400 Bad Request", "BAD_REQUEST",
     "The path of this request is not in its plain form; avoid dot segments, double slashes and "
     "encoded separators."},
    {"body_invalid", "400 Bad Request", "BAD_REQUEST",
     "The body of this request is not framed as HTTP/1.1 asks for."},
    {"head_expectation", "417 Expectation Failed", "BAD_REQUEST",
     "Only `Expect: 100-continue` can be met."},
    {"target_too_long", "414 URI Too Long", "TOO_LARGE",
     "The path and query of this request are too long."},
    {"head_too_large", "431 Request Header Fields Too Large", "TOO_LARGE",
     "The header fields of this request are too many or too large."},
    {"body_too_large", "413 Payload Too Large", "TOO_LARGE",
     "The body of this request is too large."},
    {"client_timeout", "408 Request Timeout", "TIMEOUT", "The request did not arrive in time."},
    {"head_loop", "508 Loop Detected", "LOOP",
     "This request has passed this gateway before; proxies point at each other.",
     "Proxy-Status: keygate; error=proxy_loop_detected\r\n"},
    {"upstream_unavailable", "503 Service Unavailable", "UPSTREAM_ERROR",
     "The API cannot be reached at the moment; try again shortly.",
     "Proxy-Status: keygate; error=destination_unavailable\r\nRetry-After: 1\r\n"},
    {"upstream_timeout", "504 Gateway Timeout", "UPSTREAM_ERROR", "The API did not answer in time.",
     "Proxy-Status: keygate; error=http_response_timeout\r\n"},
    {"upstream_invalid", "502 Bad Gateway", "UPSTREAM_ERROR",
     "The API gave an answer that could not be passed on.",
     "Proxy-Status: keygate; error=http_protocol_error\r\n"},
};

inline constexpr std::size_t id_size = 36;

/// The whole answer for a reason; `field` is one more that depends on the request.
[[nodiscard]] inline std::string refused(std::string_view reason, After after = After::closes,
                                         const std::string& field = {}) {
    const auto found = std::find_if(refusals.begin(), refusals.end(),
                                    [&](const Refusal& known) { return known.reason == reason; });
    if (found == refusals.end()) return "(no text is known for " + std::string{reason} + ")";
    const auto body = [&](const std::string& id) {
        return "{\"error\":{\"code\":\"" + std::string{found->code} + "\",\"reason\":\"" +
               std::string{reason} + "\",\"message\":\"" + std::string{found->message} +
               "\",\"request_id\":\"" + id + "\"}}\n";
    };
    return "HTTP/1.1 " + std::string{found->status} +
           "\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body(std::string(id_size, 'i')).size()) +
           "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n" +
           std::string{found->field} + field + "Date: NOW\r\nX-Request-Id: ID\r\n" +
           connection_line(after) + "\r\n" + body("ID");
}

[[nodiscard]] inline std::string only_head(const std::string& message) {
    return message.substr(0, message.find("\r\n\r\n") + 4);
}

/// One message with what is never twice the same taken out: `ID` for the request's id wherever it
/// stands, `NOW` for the date. A chunked body is there as its data.
[[nodiscard]] inline std::string normal(std::string message, bool has_body = true) {
    if (const auto id = support::field_of(message, "X-Request-Id"); id && id->size() == id_size)
        for (std::size_t at = 0; (at = message.find(*id, at)) != std::string::npos;)
            message.replace(at, id->size(), "ID");
    // Not the dates that an upstream of these tests brings, which are in 1999.
    const auto date = support::field_of(message, "Date");
    constexpr std::string_view form = "Sun, 06 Nov 1994 08:49:37 GMT";
    if (date && date->size() == form.size() && date->ends_with(" GMT") &&
        date->find(" 1999 ") == std::string::npos)
        message.replace(message.find("Date: " + *date) + 6, date->size(), "NOW");
    const std::size_t end = message.find("\r\n\r\n");
    if (!has_body || end == std::string::npos || !support::field_of(message, "Transfer-Encoding"))
        return message;
    return message.substr(0, end + 4) + without_chunks(std::string_view{message}.substr(end + 4));
}

/// Reads one answer from the connection and compares all of it.
inline void check_answer(support::Socket& client, const std::string& expected,
                         bool is_head = false) {
    BOOST_TEST(normal(client.receive_answer(is_head)) == expected);
}

} // namespace keygate::wire
