#include "config/pattern.hpp"

#include "base/ascii.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::size_t longest_pattern = 2048;
constexpr std::size_t longest_method = 32;

bool is_unreserved(unsigned char c) {
    return ascii::is_alnum(static_cast<char>(c)) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// RFC 3986 3.3: what a path segment may hold unencoded, besides unreserved characters. Left out:
/// `*` (only in a final `/**`) and `;` (upstreams cut parameters off, so that no literal may rely
/// on them).
bool is_segment_letter(char c) {
    return is_unreserved(static_cast<unsigned char>(c)) ||
           std::string_view{"!$&'()+,=:@"}.find(c) != std::string_view::npos;
}

std::string percent_encoded(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4U];
        out += digits[byte & 0xfU];
    }
    return out;
}

/// What is wrong with one letter that cannot be in a literal segment.
std::string wrong_letter(std::string_view segment, std::size_t at) {
    const char c = segment[at];
    if (c == '*')
        return "`*` is no wildcard: `{name}` stands for one segment, a final `/**` for all below";
    if (c == '{' || c == '}') return "`{name}` must be a whole segment";
    if (c == '?') return "a pattern has no query; queries are not looked at";
    if (c == '#') return "a pattern has no fragment";
    if (c == ';') return "`;` cannot be in a pattern";
    const std::size_t length = std::max<std::size_t>(utf8_length(segment, at), 1);
    const std::string_view letter = segment.substr(at, length);
    return quoted(letter) + " must be written " + quoted(percent_encoded(letter));
}

/// One literal segment in canonical form.
Judged<std::string> literal(std::string_view segment) {
    using Literal = Judged<std::string>;
    std::string out;
    std::string bytes; // decoded, to be judged as text
    for (std::size_t i = 0; i < segment.size(); ++i) {
        if (segment[i] != '%') {
            if (!is_segment_letter(segment[i])) return Literal::bad(wrong_letter(segment, i));
            out += segment[i];
            bytes += segment[i];
            continue;
        }
        const int high = i + 1 < segment.size() ? ascii::hex_value(segment[i + 1]) : -1;
        const int low = i + 2 < segment.size() ? ascii::hex_value(segment[i + 2]) : -1;
        if (high < 0 || low < 0)
            return Literal::bad("`%` must be followed by two hexadecimal digits");
        const auto byte = static_cast<unsigned char>(high * 16 + low);
        if (byte < 0x20 || byte == 0x7f ||
            std::string_view{"/\\%;?#"}.find(static_cast<char>(byte)) != std::string_view::npos)
            return Literal::bad(quoted(segment.substr(i, 3)) +
                                " is refused in every request, so no route can match it");
        if (is_unreserved(byte))
            out += static_cast<char>(byte);
        else
            out += percent_encoded(std::string(1, static_cast<char>(byte)));
        bytes += static_cast<char>(byte);
        i += 2;
    }
    if (out == "." || out == "..")
        return Literal::bad("segments `.` and `..` are refused in every request");
    if (!is_utf8(bytes)) return Literal::bad("its encoded bytes are not UTF-8");
    return Literal::good(std::move(out));
}

bool is_parameter_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || ascii::is_digit(name.front())) return false;
    return std::all_of(name.begin(), name.end(),
                       [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

} // namespace

Judged<std::vector<std::string>> parse_methods(std::string_view text) {
    using Methods = Judged<std::vector<std::string>>;
    if (text == "ANY") return Methods::good({});
    std::vector<std::string> methods;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('|', at), text.size());
        const std::string method{text.substr(at, end - at)};
        at = end + 1;
        if (method == "ANY")
            return Methods::bad("`ANY` stands alone: it already takes every method");
        if (method == "*") return Methods::bad("for every method write `ANY`");
        std::string upper = method;
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
        if (upper != method) return Methods::bad("methods are in upper case: " + quoted(upper));
        const bool is_token = !method.empty() && method.size() <= longest_method &&
                              std::all_of(method.begin(), method.end(),
                                          [](char c) { return ascii::is_token_char(c); });
        if (!is_token)
            return Methods::bad(quoted(method) + " is no method; allowed: one such as GET, several "
                                                 "such as GET|POST, or ANY");
        if (method == "CONNECT" || method == "TRACE")
            return Methods::bad(method + " is never forwarded");
        if (std::find(methods.begin(), methods.end(), method) != methods.end())
            return Methods::bad(method + " is named twice");
        methods.push_back(method);
    }
    return Methods::good(std::move(methods));
}

Judged<std::string> parse_pattern(std::string_view written) {
    using Pattern = Judged<std::string>;
    if (!written.starts_with('/')) return Pattern::bad("a path begins with `/`");
    if (written.size() > longest_pattern)
        return Pattern::bad("a pattern has at most " + std::to_string(longest_pattern) + " bytes");
    std::string out;
    std::vector<std::string_view> names;
    for (std::size_t at = 1; at <= written.size();) {
        const std::size_t end = std::min(written.find('/', at), written.size());
        const std::string_view segment = written.substr(at, end - at);
        const bool is_last = end == written.size();
        at = end + 1;
        out += '/';
        if (segment.empty()) {
            if (!is_last)
                return Pattern::bad("an empty segment (`//`) is refused in every request");
        } else if (segment == "**") {
            if (!is_last) return Pattern::bad("`/**` can only be at the end");
            out += segment;
        } else if (segment.front() == '{' && segment.back() == '}') {
            const std::string_view name = segment.substr(1, segment.size() - 2);
            if (!is_parameter_name(name))
                return Pattern::bad(quoted(segment) +
                                    " needs a name of letters, digits and `_` inside its braces");
            if (std::find(names.begin(), names.end(), name) != names.end())
                return Pattern::bad(quoted(segment) + " is there twice");
            names.push_back(name);
            out += segment;
        } else {
            const Judged<std::string> text = literal(segment);
            if (!text.value) return text;
            out += *text.value;
        }
    }
    return Pattern::good(std::move(out));
}

std::optional<std::string> parse_literal_path(std::string_view written) {
    const Judged<std::string> path = parse_pattern(written);
    const bool is_literal = path.value && path.value->find('{') == std::string::npos &&
                            !path.value->ends_with("/**") && !path.value->ends_with('/');
    return is_literal ? path.value : std::nullopt;
}

Judged<MethodsAndPath> parse_methods_and_path(std::string_view line) {
    using Line = Judged<MethodsAndPath>;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
        return Line::bad(
            "expected METHOD and PATH with a space between them, such as GET /v1/orders/{id}");
    Judged<std::vector<std::string>> methods = parse_methods(line.substr(0, space));
    if (!methods.value) return Line::bad(std::move(methods.wrong));
    Judged<std::string> pattern = parse_pattern(line.substr(space + 1));
    if (!pattern.value) return Line::bad(std::move(pattern.wrong));
    return Line::good({std::move(*methods.value), std::move(*pattern.value)});
}

bool has_parameter(std::string_view pattern, std::string_view name) {
    const std::string segment = "/{" + std::string{name} + '}';
    for (std::size_t at = pattern.find(segment); at != std::string_view::npos;
         at = pattern.find(segment, at + 1)) {
        const std::string_view behind = pattern.substr(at + segment.size());
        if (behind.empty() || behind.front() == '/') return true;
    }
    return false;
}

std::string shape_of(std::string_view pattern) {
    std::string shape;
    bool in_name = false;
    for (const char c : pattern) {
        if (c == '}') in_name = false;
        if (!in_name) shape += c;
        if (c == '{') in_name = true;
    }
    return shape;
}

} // namespace keygate::config
