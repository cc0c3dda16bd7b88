#pragma once

#include <string>
#include <string_view>

// Bytes as protocols see them: no locale, no sign extension.
namespace keygate::ascii {

[[nodiscard]] constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

[[nodiscard]] constexpr char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
}

[[nodiscard]] constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool is_alpha(char c) {
    const char low = to_lower(c);
    return low >= 'a' && low <= 'z';
}

[[nodiscard]] constexpr bool is_alnum(char c) {
    return is_digit(c) || is_alpha(c);
}

/// Value of a hexadecimal digit of either case, or -1.
[[nodiscard]] constexpr int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char low = to_lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// RFC 9110 5.6.2: a character of a token.
[[nodiscard]] constexpr bool is_token_char(char c) {
    return is_alnum(c) || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    return true;
}

[[nodiscard]] inline std::string lowered(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        c = to_lower(c);
    return out;
}

/// Without the spaces and tabs at both ends (RFC 9110 5.6.3).
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

/// `%2F`: a byte that cannot stand for itself.
inline void append_percent(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
}

} // namespace keygate::ascii
