#pragma once

#include "config/judged.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The left side of the route-to-scope map: `GET|POST /v1/tests/{id}`.
namespace keygate::config {

/// Upper-case method names joined by `|`; empty = ANY.
[[nodiscard]] Judged<std::vector<std::string>> parse_methods(std::string_view text);

/// A path pattern in the form that requests are brought into before they are matched: unreserved
/// characters not encoded, hexadecimal digits in upper case (RFC 3986 6.2.2). What no acceptable
/// request can contain (dot segments, `//`, encoded separators) is a mistake here, not a route that
/// never matches.
[[nodiscard]] Judged<std::string> parse_pattern(std::string_view written);

/// A path of literal segments alone, in the same form and without a final `/`: `/v1/orders`.
[[nodiscard]] std::optional<std::string> parse_literal_path(std::string_view written);

/// A whole left side.
struct MethodsAndPath {
    std::vector<std::string> methods; // empty: ANY
    std::string pattern;
};

/// @param line  with single spaces.
[[nodiscard]] Judged<MethodsAndPath> parse_methods_and_path(std::string_view line);

/// Has a canonical pattern the parameter `{name}`?
[[nodiscard]] bool has_parameter(std::string_view pattern, std::string_view name);

/// A canonical pattern without the names of its parameters: two patterns of one shape match the
/// same paths.
[[nodiscard]] std::string shape_of(std::string_view pattern);

} // namespace keygate::config
