#pragma once

#include "config/load.hpp"
#include "config/tree.hpp"

#include <map>
#include <string>
#include <string_view>

namespace keygate::config {

/// Puts variables into the scalar values of a tree. It works on values after parsing, never on the
/// text, so that what a variable holds cannot become structure.
///
/// `${NAME}` must be set; `${NAME:-text}` is the text if NAME is unset or empty; `${NAME:?text}`
/// fails with the text if NAME is unset or empty; `$$` is one dollar sign. Any other `$` is a
/// mistake.
/// @returns what was written, by dotted path, of each value that the environment had a part in.
std::map<std::string, std::string>
expand(Node& root, const std::function<std::optional<std::string>(const std::string&)>& variable,
       Report& report);

/// What of a value as it was written stands in the file: variables are taken out, their defaults
/// stay.
[[nodiscard]] std::string in_clear(std::string_view written);

} // namespace keygate::config
