#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Words for messages: nothing here knows what a setting is.
namespace keygate::config {

/// Length in bytes of the valid UTF-8 character at `at` (1..4; no overlong forms, no surrogates),
/// or 0.
[[nodiscard]] std::size_t utf8_length(std::string_view text, std::size_t at);
[[nodiscard]] bool is_utf8(std::string_view text);

/// Without leading and trailing spaces and tabs, and with one space for each run of them.
[[nodiscard]] std::string collapsed(std::string_view text);

/// With control characters and what is not UTF-8 as `\x07`; cut after `most` bytes.
[[nodiscard]] std::string escaped(std::string_view text, std::size_t most = std::string_view::npos);

/// A value as it stands in messages: in backticks, control characters escaped, cut after 80 bytes.
[[nodiscard]] std::string quoted(std::string_view text);

/// `a, b, c`
[[nodiscard]] std::string joined(const std::vector<std::string>& names,
                                 std::string_view between = ", ");

/// A line or a value that is not repeated in messages: it speaks of a password, or looks like a URL
/// with one in it.
[[nodiscard]] bool may_hold_secret(std::string_view text);

/// "; did you mean `upstreams`?" if one of the names is near enough to be what was meant, else
/// nothing.
[[nodiscard]] std::string did_you_mean(std::string_view written,
                                       const std::vector<std::string>& names);

} // namespace keygate::config
