#include "http/trailers.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace keygate::http {

bool TrailerNames::contains(std::string_view name) const {
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& known) {
        return ascii::equal_ignoring_case(known, name);
    });
}

std::string TrailerNames::announced(std::string_view value) const {
    std::string list;
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        const std::string_view name = ascii::trimmed(value.substr(0, comma));
        if (contains(name)) (list += list.empty() ? "" : ", ") += name;
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
    return list;
}

} // namespace keygate::http
