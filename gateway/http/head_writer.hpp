#pragma once

#include "http/fields.hpp"
#include "http/head_reader.hpp"
#include "http/trailers.hpp"

#include <string>
#include <string_view>

namespace keygate::http {

/// What goes upstream beside the client's own fields. Every value is free of control bytes.
struct UpstreamHead {
    std::string_view path;     // as judged and matched: it is what is sent
    std::string_view query;    // with its `?`, or empty
    std::string_view host;     // used when the client (HTTP/1.0) sent none
    std::string_view identity; // whole lines, see keys::Entry::identity; empty on public routes
    std::string_view client_address; // for X-Forwarded-For
    std::string_view request_id;
    std::string_view via;                   // our name
    const TrailerNames* trailers = nullptr; // that are passed on
    bool pass_authorization = false;
    bool forwards_expect = true;
};

/// Appends the request head that the upstream gets: written anew from what was understood, never
/// copied as a whole. The client's hop-by-hop fields, the fields its `Connection` names and every
/// reserved name go first, ours are added after that (RFC 9110 7.6.1), so that a client can neither
/// forge nor remove them.
void write_request(std::string& out, const RequestHead& head, const UpstreamHead& upstream,
                   const ReservedNames& reserved);

enum class AfterAnswer : std::uint8_t { keep_alive, close };

struct ClientHead {
    std::uint8_t minor_version = 1; // of the client
    AfterAnswer after = AfterAnswer::keep_alive;
    std::string_view date{}; // for answers that bring none (RFC 9110 6.6.1)
    std::string_view request_id{};
    const TrailerNames* trailers = nullptr; // that are passed on
    /// Lines that tell where the client stands (http/limit_fields.hpp). Where there are some, those
    /// of the upstream of any such family do not pass: two answers to one question are none.
    std::string_view limit_fields{};
    /// A line that tells of the key's age (auth/notice.hpp), or empty.
    std::string_view notice{};
};

/// How a body of the upstream is framed for a client: chunked where its length is unknown, ended by
/// the close for an HTTP/1.0 client.
[[nodiscard]] Framing framing_for_client(const ResponseHead& head, std::uint8_t minor_version);

/// Appends the answer's head for the client: a final one, an interim one (RFC 9110 15.2), or the
/// 101 that opens a WebSocket.
void write_response(std::string& out, const ResponseHead& head, const ClientHead& client);

} // namespace keygate::http
