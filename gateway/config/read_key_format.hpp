#pragma once

#include "config/reader.hpp"

namespace keygate::config {

/// `key:` of a profile:
///
///     prefix: rp_                  or {live: sk_live_, test: sk_test_}; none if left out
///     alphabet: hex                hex, base36, base62 or token
///     length: 64                   of what follows the prefix; or 16-256
///     mint: {prefix, alphabet, length}    of new keys, where they differ from what is accepted
///     shown: {first: 10, last: 0}  how many letters of a key stay visible for people
///
/// Checked against each other: a new key is always an acceptable key, cannot be guessed, and does
/// not show too much of itself.
[[nodiscard]] KeyFormat read_key_format(const View& view);

} // namespace keygate::config
