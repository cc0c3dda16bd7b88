#pragma once

#include "config/reader.hpp"

namespace keygate::config {

/// `key:` of a profile:
///
///     prefix: rp_                  or {live: sk_live_, test: sk_test_}; none if left out
///     lookup: {alphabet: base36, length: 7, separator: ".", find_by: key}
///                                  a public part behind the prefix, and what ends it
///     alphabet: hex                hex, base36, base62 or token
///     length: 64                   of what follows all that; or 16-256
///     checksum: crc32              its last letters are the CRC-32 of all before them
///     mint: {prefix, alphabet, length}    of new keys, where they differ from what is accepted
///     shown: {first: 10, last: 0}  how many letters of a key stay visible for people
///
/// Checked against each other: a new key is always an acceptable key, cannot be guessed, and does
/// not show too much of itself.
[[nodiscard]] KeyFormat read_key_format(const View& view);

/// How many letters of an alphabet hold a CRC-32: 8 of hex, 7 of base36, 6 of the others.
[[nodiscard]] constexpr std::uint32_t checksum_letters(Alphabet alphabet) {
    switch (alphabet) {
    case Alphabet::hex:
        return 8;
    case Alphabet::base36:
        return 7;
    case Alphabet::base62:
    case Alphabet::token:
        break;
    }
    return 6;
}

} // namespace keygate::config
