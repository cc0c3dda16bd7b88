#pragma once

#include <string_view>

// Scopes by name, and what stands for several of them.
namespace keygate::config {

/// 1 to 128 letters, digits, `.`, `_`, `:` or `-`. No `*`: `tests:*` is no scope, but stands for
/// some.
[[nodiscard]] bool is_scope_name(std::string_view text);

/// `*`, or `FAMILY:*` with a family of scope letters.
[[nodiscard]] bool is_scope_wildcard(std::string_view text);

/// Does a name or a wildcard, as keys and plans have them, stand for this scope?
[[nodiscard]] bool stands_for(std::string_view pattern, std::string_view scope);

} // namespace keygate::config
