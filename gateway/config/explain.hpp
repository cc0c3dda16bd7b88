#pragma once

#include "config/settings.hpp"

#include <optional>
#include <string>
#include <string_view>

// YAML's own errors in words that help whoever wrote the file.
namespace keygate::config {

/// A byte that must not be in a configuration at all, and why.
struct BadByte {
    Place place;
    std::string message;
};

/// The first byte that is not UTF-8 or is a control character. yaml-cpp replaces the former in
/// silence and takes 0x04 for the end of the file.
[[nodiscard]] std::optional<BadByte> first_bad_byte(std::string_view text);

/// What to do about an error that yaml-cpp found at `place`.
/// @param open  where the innermost `[` or `{` that is still open was written, if there is one.
[[nodiscard]] std::string explain(std::string_view text, Place place, std::string_view complaint,
                                  std::optional<Place> open);

} // namespace keygate::config
