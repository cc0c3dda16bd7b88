#pragma once

#include "http/fields.hpp"
#include "http/forwarded.hpp"
#include "http/head_reader.hpp"
#include "http/trailers.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace keygate::http {

/// What goes upstream beside the client's own fields. Every value is free of control bytes.
struct UpstreamHead {
    std::string_view before_path{};  // what a rewrite has put there, `/api`; or empty
    std::string_view path;           // as judged and matched, or what a rewrite has left of it
    std::string_view query;          // with its `?`, or empty
    std::string_view host{};         // in place of the client's; empty: that one
    std::string_view default_host{}; // where the client (HTTP/1.0) sent none
    std::string_view identity; // whole lines, see keys::Entry::identity; empty on public routes
    const ForwardedRules* forwarded = nullptr; // by which the upstream is told of its way …
    const Told* told = nullptr;                // … what was read of this head; both or none
    std::string_view prefix{};      // X-Forwarded-Prefix: what a rewrite has taken away; or empty
    std::string_view client_cert{}; // RFC 9440 2.2: `:MII…:`; or empty
    /// In place of the client's Sec-WebSocket-Protocol, in whatever spelling; empty: no such field.
    std::optional<std::string_view> websocket_protocols{};
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

/// Makes the request that a text begins with, as write_request wrote it, one for another host.
void replace_host(std::string& request, std::string_view host);

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
    /// Lines that tell browsers which pages may read this (http/cors.hpp).
    std::string_view cors{};
    bool owns_cors = false; // what the upstream says of that does not pass
    /// What a 101 names in Sec-WebSocket-Protocol if the upstream names nothing; or empty.
    std::string_view websocket_protocol{};
};

/// How a body of the upstream is framed for a client: chunked where its length is unknown, ended by
/// the close for an HTTP/1.0 client.
[[nodiscard]] Framing framing_for_client(const ResponseHead& head, std::uint8_t minor_version);

/// Appends the answer's head for the client: a final one, an interim one (RFC 9110 15.2), or the
/// 101 that opens a WebSocket.
void write_response(std::string& out, const ResponseHead& head, const ClientHead& client);

} // namespace keygate::http
