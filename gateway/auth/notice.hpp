#pragma once

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "keys/table.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace keygate::auth {

/// Why a key should be replaced.
enum class Notice : std::uint8_t { none, rotated, old };

/// Appends the field that tells whoever uses a key that it should be replaced, a whole line:
///
///     X-Key-Notice: rotated;successor="key_…";ends="2026-03-11T10:30:00Z"
///     X-Key-Notice: old;age=91;ends="2026-04-10T10:30:00Z"
///
/// `ends` is left out where nothing ends the key, the age in days where nobody knows it.
/// @param identity_prefix  `X-Key-`
Notice write_notice(std::string& out, const keys::Entry& entry, const config::MaxAge& max_age,
                    std::string_view identity_prefix, WallTime now);

} // namespace keygate::auth
