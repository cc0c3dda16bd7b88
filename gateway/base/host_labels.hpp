#pragma once

#include "base/ascii.hpp"

#include <algorithm>
#include <string_view>

// What wildcards in names of hosts are compared by.
namespace keygate {

/// One or more labels (RFC 1123 2.1, and `_`) with dots between them.
[[nodiscard]] inline bool are_labels(std::string_view text) {
    while (true) {
        const std::string_view label = text.substr(0, text.find('.'));
        if (label.empty() || !std::all_of(label.begin(), label.end(), [](char c) {
                return ascii::is_alnum(c) || c == '-' || c == '_';
            }))
            return false;
        if (label.size() == text.size()) return true;
        text.remove_prefix(label.size() + 1);
    }
}

/// Is it one or more labels before this end, in any case? @param end  `.example.com`
[[nodiscard]] inline bool is_below(std::string_view host, std::string_view end) {
    return host.size() > end.size() &&
           ascii::equal_ignoring_case(host.substr(host.size() - end.size()), end) &&
           are_labels(host.substr(0, host.size() - end.size()));
}

} // namespace keygate
