#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "http/head.hpp"
#include "keys/digest.hpp"
#include "keys/pepper.hpp"
#include "keys/record.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::auth {

/// What a request proves itself with: the digests of its key, never the key.
struct Credential {
    using Digests = std::array<keys::Digest, keys::Peppers::most + 1>;

    /// What its record is found by: one for each pepper, then plain SHA-256; or, where keys are
    /// found by their public part, that part's.
    Digests digests;
    std::uint8_t count = 0;
    Digests proofs;                        // then of the whole key: for each pepper, and plain
    std::uint8_t proof_count = 0;          // 0 where the record is found by the whole key
    std::optional<keys::Mode> stated_mode; // by the key's own prefix
};

/// auth_*, key_bad_format: reads the key of a request from where the API's keys are sent
/// (`sources`). With `bearer` that is `Authorization: Bearer <key>` (RFC 6750 2.1; the scheme in
/// any case, RFC 9110 11.1; one or more spaces). Where nothing is sent it is auth_missing, in two
/// places or twice in one auth_duplicate, also if both say the same. A key that cannot be one of
/// the format is refused unhashed. With `websocket` a key is the subprotocol behind the source's
/// name, of requests alone that ask for a WebSocket (`Sec-WebSocket-Protocol: bearer, <key>`).
/// @param query  of the target, with its `?`; or empty.
[[nodiscard]] Decision<Credential> read_credential(const http::RequestHead& head,
                                                   std::string_view query,
                                                   const config::Profile& profile,
                                                   const keys::Peppers& peppers);

/// Every part of a head that may hold a key, whether or not it was read: values of `Authorization`
/// fields, of the sources' fields in any spelling, of their parameters in the query, and whatever
/// subprotocol stands behind a source's name. In the order of their places; none of them is empty.
[[nodiscard]] std::vector<std::string_view>
credentials_in(const http::RequestHead& head, std::string_view query,
               std::span<const config::KeySource> sources);

/// What becomes of the subprotocols that a request names.
struct WebsocketProtocols {
    bool are_changed = false; // others go upstream than the client has sent
    /// The source's name that was taken out, for the 101 where the upstream chooses none: a browser
    /// gives up unless it is told one that it has named. Or empty. Of the sources.
    std::string_view name{};
};

/// Appends the list of subprotocols without the sources' names and whatever stands behind one,
/// whether or not it was read as a key; perhaps nothing. Where they are changed, fields of other
/// spellings are not to pass either.
[[nodiscard]] WebsocketProtocols
websocket_protocols_without_keys(const http::RequestHead& head,
                                 std::span<const config::KeySource> sources, std::string& out);

/// May this `Authorization` value go upstream on a route with `authorization: pass`? Not if any
/// word of it has the shape of a key of the API.
[[nodiscard]] bool may_pass(const http::RequestHead& head, const config::KeyFormat& format);

} // namespace keygate::auth
