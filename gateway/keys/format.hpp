#pragma once

#include "base/secret.hpp"
#include "config/settings.hpp"
#include "keys/record.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace keygate::keys {

/// May this text be a key of that format at all, its checksum included? Checked before anything is
/// hashed or looked up.
[[nodiscard]] bool has_shape(std::string_view key, const config::KeyFormat& format);

/// The mode that a key's own prefix states, if the format has modes or the key begins with one of
/// the prefixes of minted keys; nothing otherwise.
[[nodiscard]] std::optional<Mode> stated_mode(std::string_view key,
                                              const config::KeyFormat& format);

/// Prefix and public part of a key of a format with a lookup part: `19656ea` of `19656ea.4329…`.
/// Nothing for other formats, and for what has not the format's shape.
[[nodiscard]] std::optional<std::string_view> lookup_part(std::string_view key,
                                                          const config::KeyFormat& format);

/// May this text be prefix and public part of a key of that format?
[[nodiscard]] bool is_lookup_part(std::string_view text, const config::KeyFormat& format);

/// A new key: prefix of the mode, public part and separator if the format has them, and random
/// letters, the last of them a checksum if it has one (RAND_priv_bytes, without modulo bias).
/// Always has the format's own shape. Throws where the system has no randomness.
[[nodiscard]] Secret mint(const config::KeyFormat& format, Mode mode);

/// A new public id: `key_` and 20 letters and digits.
[[nodiscard]] std::string mint_id();

/// What stays visible of a key: its first and its last letters, as many as the format says.
struct Shown {
    std::string prefix;
    std::string hint;
};

[[nodiscard]] Shown shown_parts(std::string_view key, const config::KeyFormat& format);

} // namespace keygate::keys
