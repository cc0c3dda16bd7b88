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

namespace keygate::auth {

/// What a request proves itself with: the digests of its key, never the key.
struct Credential {
    std::array<keys::Digest, keys::Peppers::most + 1> digests;
    std::uint8_t count = 0;                // of digests: one for each pepper, then plain SHA-256
    std::optional<keys::Mode> stated_mode; // by the key's own prefix
};

/// auth_*, key_bad_format: reads `Authorization: Bearer <key>` (RFC 6750 2.1; the scheme in any
/// case, RFC 9110 11.1; one or more spaces). A key that cannot be one of the format is refused
/// unhashed.
[[nodiscard]] Decision<Credential> read_credential(const http::RequestHead& head,
                                                   const config::KeyFormat& format,
                                                   const keys::Peppers& peppers);

/// May this `Authorization` value go upstream on a route with `authorization: pass`? Not if any
/// word of it has the shape of a key of the API.
[[nodiscard]] bool may_pass(const http::RequestHead& head, const config::KeyFormat& format);

} // namespace keygate::auth
