#pragma once

#include <cstddef>
#include <string_view>

namespace keygate::policy {

/// A segment of a canonical path by its number: of `/v1/stores/7` 2 is `7`. Empty if there is none.
[[nodiscard]] constexpr std::string_view segment_of(std::string_view path, std::size_t number) {
    for (;; --number) {
        if (!path.starts_with('/')) return {};
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        if (number == 0) return segment;
        path.remove_prefix(segment.size());
    }
}

} // namespace keygate::policy
