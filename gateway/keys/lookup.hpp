#pragma once

#include "config/settings.hpp"

#include <string_view>

// Keys that are found by their public part: prefix and public letters, such as `19656ea` of
// `19656ea.0f…`. The record lies under the digest of that part, and holds the digest of all of it.
namespace keygate::keys {

/// What a key of that format is found by: its prefix and public part, or all of it where the format
/// finds keys by all of it. @param key  has the format's shape.
[[nodiscard]] std::string_view public_part(std::string_view key, const config::KeyFormat& format);

/// May this text be the prefix and public part of a key of that format?
[[nodiscard]] bool is_public_part(std::string_view text, const config::KeyFormat& format);

} // namespace keygate::keys
