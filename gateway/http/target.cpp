// target_*: one strict reading of request targets.
//
// A gateway that reads a path in one way while the upstream reads it in another can be talked past
// (`/public/..%2fadmin`). So there is one canonical form, it is what routes are matched with, and
// exactly these bytes are sent. What has two readings among real servers is refused, not repaired:
// dot segments, encoded separators, empty segments, backslashes, escapes of escapes, characters
// that some readers fold to a dot or a slash. What remains has one reading: escapes of unreserved
// characters are decoded once and others keep their escape with upper-case digits, which RFC
// 3986 6.2.2 calls the same URI.
//
// The query decides nothing here, so it is only checked for what could break a request line, a log
// line or a reader of escapes, and goes up unchanged.

#include "http/target.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace keygate::http {
namespace {

enum Kind : std::uint8_t {
    in_path = 1,       // RFC 3986 3.3: pchar without `%`, and `/`
    in_query = 2,      // RFC 3986 3.4 without `%`, and what browsers send raw
    unreserved = 4,    // RFC 3986 2.3: means the same with and without an escape
    not_escapable = 8, // refused as an escape in a path
};

constexpr std::array<std::uint8_t, 256> kinds_of_bytes() {
    std::array<std::uint8_t, 256> kinds{};
    const auto mark = [&kinds](std::string_view bytes, int kind) {
        for (const char c : bytes) {
            auto& known = kinds[static_cast<unsigned char>(c)];
            known = static_cast<std::uint8_t>(known | kind);
        }
    };
    mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~",
         in_path | in_query | unreserved);
    mark("!$&'()*+,;=:@/", in_path | in_query);
    mark("?", in_query);
    // Not URI characters, but WHATWG URL leaves them as they are in a query, so browsers send them.
    // They do not end a target, and a reader of queries has no second meaning for them.
    mark("[]{}|^`", in_query);
    // Separators and the escape sign itself: whoever decodes before it splits, or decodes twice,
    // reads another path than the one that was matched. Control bytes end strings and lines.
    mark("/\\%;?#\x7f", not_escapable);
    for (std::size_t c = 0; c < 0x20; ++c)
        kinds[c] = not_escapable;
    return kinds;
}

constexpr auto kinds = kinds_of_bytes();

bool is(char c, Kind kind) {
    return (kinds[static_cast<unsigned char>(c)] & kind) != 0;
}

/// Value of the escape at `at`, which is at most the text's size; -1 if there is none.
int escape_at(std::string_view text, std::size_t at) {
    if (text.size() - at < 3 || text[at] != '%') return -1;
    const int high = ascii::hex_value(text[at + 1]);
    const int low = ascii::hex_value(text[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// Characters that compatibility forms (NFKC) or best-fit tables of 8-bit code pages turn into a
/// dot, two dots, a slash or a backslash. The ellipsis U+2026 is not here: three dots never make a
/// dot segment, and people write it. Nor is U+3002, which is a dot in host names only.
bool reads_as_dot_or_slash(std::uint32_t character) {
    static constexpr std::array<std::uint32_t, 14> lookalikes{
        0x2024, 0x2025, 0x2044, 0x2215, 0x2216, 0x29F5, 0x29F8,
        0x29F9, 0xFE30, 0xFE52, 0xFE68, 0xFF0E, 0xFF0F, 0xFF3C};
    return std::binary_search(lookalikes.begin(), lookalikes.end(), character);
}

/// How many escapes spell the one character beyond ASCII that begins at `at`; 0 if it is not UTF-8
/// (RFC 3629: overlong forms, surrogates and more than U+10FFFF are not) or has a second reading.
std::size_t escapes_of_character(std::string_view text, std::size_t at, int lead) {
    static constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    std::size_t count = 0;
    if (lead >= 0xC2 && lead <= 0xDF) count = 2;
    if (lead >= 0xE0 && lead <= 0xEF) count = 3;
    if (lead >= 0xF0 && lead <= 0xF4) count = 4;
    if (count == 0) return 0;

    auto character = static_cast<std::uint32_t>(lead) & (0xFFU >> (count + 1));
    for (std::size_t i = 1; i < count; ++i) {
        const int byte = escape_at(text, at + 3 * i);
        if ((byte & 0xC0) != 0x80) return 0; // also where there is no escape (-1)
        character = character << 6 | (static_cast<std::uint32_t>(byte) & 0x3FU);
    }
    const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
    if (character < least[count] || character > 0x10FFFF || is_surrogate) return 0;
    return reads_as_dot_or_slash(character) ? 0 : count;
}

/// Writes a path of path characters and escapes in its canonical form. False if an escape is
/// refused.
bool rewrite(std::string_view path, std::string& out) {
    out.clear();
    out.reserve(path.size()); // never grows: the canonical form is not longer
    for (std::size_t i = 0; i < path.size();) {
        if (path[i] != '%') {
            out += path[i++];
            continue;
        }
        const int byte = escape_at(path, i);
        if (byte < 0 || is(static_cast<char>(byte), not_escapable)) return false;
        if (is(static_cast<char>(byte), unreserved)) {
            out += static_cast<char>(byte);
            i += 3;
            continue;
        }
        const std::size_t count = byte < 0x80 ? 1 : escapes_of_character(path, i, byte);
        if (count == 0) return false;
        for (const std::size_t end = i + 3 * count; i < end; ++i) {
            const char c = path[i];
            out += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
        }
    }
    return true;
}

/// `.` or `..`, also with parameters: some servers cut `;…` off before they resolve dots.
bool begins_with_dot_segment(std::string_view rest) {
    rest.remove_prefix(1);
    if (rest.starts_with('.')) rest.remove_prefix(1);
    return rest.empty() || rest.front() == '/' || rest.front() == ';';
}

/// No segment that some server drops, merges or resolves: empty ones but the last, `;…`, dot
/// segments.
bool has_plain_segments(std::string_view path) {
    for (std::size_t slash = 0; slash != path.npos; slash = path.find('/', slash + 1)) {
        const auto rest = path.substr(slash + 1);
        if (rest.empty()) return true;
        if (rest.front() == '/' || rest.front() == ';') return false;
        if (rest.front() == '.' && begins_with_dot_segment(rest)) return false;
    }
    return true;
}

bool is_plain_query(std::string_view query) {
    for (std::size_t i = 1; i < query.size(); ++i) {
        if (is(query[i], in_query)) continue;
        if (escape_at(query, i) < 0) return false;
    }
    return true;
}

Decision<Target> judge_origin_form(std::string_view raw, std::string& scratch) {
    static constexpr Refusal invalid{.reason = Reason::target_invalid};
    std::size_t end = 0;
    bool has_escapes = false;
    for (; end < raw.size() && raw[end] != '?'; ++end) {
        if (is(raw[end], in_path)) continue;
        if (raw[end] != '%') return invalid;
        has_escapes = true;
    }
    Target target{.path = raw.substr(0, end), .query = raw.substr(end)};
    if (has_escapes) {
        if (!rewrite(target.path, scratch)) return invalid;
        target.path = scratch;
    }
    if (target.path.empty() || target.path.front() != '/') return invalid;
    if (!has_plain_segments(target.path) || !is_plain_query(target.query)) return invalid;
    return target;
}

/// What follows `http://` or `https://`; empty if the target does not begin with one of them.
std::string_view after_scheme(std::string_view raw) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (ascii::equal_ignoring_case(raw.substr(0, scheme.size()), scheme))
            return raw.substr(scheme.size());
    return {};
}

/// RFC 9112 3.2.2: only an authority that is the Host leaves one answer to the question whose path
/// this is. Host was found valid, so what equals it has no user information either.
Decision<Target> judge_absolute_form(const RequestHead& head, std::string& scratch) {
    static constexpr Refusal invalid{.reason = Reason::target_invalid};
    const auto rest = after_scheme(head.target);
    const auto authority = authority_of(head.target);
    if (authority.empty() || authority.find('@') != authority.npos) return invalid;
    if (!ascii::equal_ignoring_case(authority, head.host)) return invalid;

    const auto origin = rest.substr(authority.size());
    if (origin.starts_with('/')) return judge_origin_form(origin, scratch);
    // RFC 9112 3.2.4: this is how a client says `OPTIONS *` to a proxy.
    if (origin.empty() && head.method == "OPTIONS") return Refusal{.reason = Reason::route_method};
    // RFC 9110 4.2.3: an empty path is `/`.
    if (origin.starts_with('#') || !is_plain_query(origin)) return invalid;
    return Target{.path = "/", .query = origin};
}

/// Neither is ever forwarded: a tunnel past the gateway, and an echo of the headers that we add. In
/// any case, because a lenient upstream may not care for it.
bool is_never_forwarded(std::string_view method) {
    return ascii::equal_ignoring_case(method, "CONNECT") ||
           ascii::equal_ignoring_case(method, "TRACE");
}

} // namespace

std::string_view authority_of(std::string_view target) {
    const auto rest = after_scheme(target);
    return rest.substr(0, rest.find_first_of("/?#"));
}

Decision<Target> judge_target(const RequestHead& head, std::size_t max_length,
                              std::string& scratch) {
    if (is_never_forwarded(head.method)) return Refusal{.reason = Reason::route_method};
    if (head.target.size() > max_length) return Refusal{.reason = Reason::target_too_long};
    if (head.target.starts_with('/')) return judge_origin_form(head.target, scratch);
    if (head.target == "*" && head.method == "OPTIONS")
        return Refusal{.reason = Reason::route_method};
    return judge_absolute_form(head, scratch);
}

} // namespace keygate::http
