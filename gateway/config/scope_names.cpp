#include "config/scope_names.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace keygate::config {

bool is_scope_name(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alnum(c) || std::string_view{"._:-"}.find(c) != std::string_view::npos;
    });
}

bool is_scope_wildcard(std::string_view text) {
    if (text == "*") return true;
    // What stands before the `:` is a scope's beginning, and not nothing.
    return text.ends_with(":*") && text.size() > 2 &&
           is_scope_name(text.substr(0, text.size() - 1));
}

bool stands_for(std::string_view pattern, std::string_view scope) {
    if (pattern == "*") return true;
    if (!is_scope_wildcard(pattern)) return pattern == scope;
    // `tests:` alone belongs to no family.
    pattern.remove_suffix(1);
    return scope.size() > pattern.size() && scope.starts_with(pattern);
}

} // namespace keygate::config
