#include "http/limits.hpp"

#include "base/ascii.hpp"

#include <array>

namespace keygate::http {

namespace {

constexpr std::size_t max_length_digits = 18;

/// RFC 3986 3.2.2: letters of a registered name or an IPv4 address; `%XX` is left out, no name that
/// DNS knows needs it and readers disagree on it.
constexpr std::array<bool, 256> make_name_table() {
    std::array<bool, 256> table{};
    for (std::size_t c = 0; c < 256; ++c)
        table[c] = ascii::is_alnum(static_cast<char>(c));
    for (const char c : std::string_view{"-._~!$&'()*+;="})
        table[static_cast<unsigned char>(c)] = true;
    return table;
}

constexpr auto name_table = make_name_table();

bool is_port(std::string_view port) {
    if (port.size() > 5) return false;
    unsigned value = 0;
    for (const char c : port) {
        if (!ascii::is_digit(c)) return false;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value <= 65535;
}

/// RFC 9112 2.2: a line ends with CR LF, and a CR has no other place. Whoever sends CR CR LF for
/// the empty line waits for an answer: it is told at once that this is none.
bool is_line_end(std::string_view bytes, std::size_t line_feed) {
    if (line_feed == 0 || bytes[line_feed - 1] != '\r') return false;
    return line_feed == 1 || bytes[line_feed - 2] != '\r';
}

/// A head begins with a token; an empty line is judged by whoever skips the one that is allowed.
bool can_begin_head(std::string_view bytes) {
    if (bytes.empty() || bytes.front() == '\n') return true;
    if (bytes.front() == '\r') return bytes.size() == 1 || bytes[1] == '\n';
    return ascii::is_token_char(bytes.front());
}

} // namespace

HeadEnd find_head_end(std::string_view bytes, std::size_t from, std::size_t max_size) {
    if (!can_begin_head(bytes)) return {.state = HeadEnd::State::invalid};
    while (from < bytes.size()) {
        const std::size_t line_feed = bytes.find('\n', from);
        if (line_feed == std::string_view::npos) {
            from = bytes.size();
            break;
        }
        // First of all, so that what is wrong behind the bound means nothing, however it is split.
        if (line_feed >= max_size) return {.state = HeadEnd::State::too_large};
        if (!is_line_end(bytes, line_feed)) return {.state = HeadEnd::State::invalid};
        const bool is_empty_line = line_feed == 1 || bytes[line_feed - 2] == '\n';
        if (is_empty_line) return {.state = HeadEnd::State::complete, .size = line_feed + 1};
        if (line_feed + 1 == max_size) return {.state = HeadEnd::State::too_large};
        if (line_feed + 1 == bytes.size()) {
            // The first byte of the next line is still to come: look at this line end again.
            return {.state = HeadEnd::State::incomplete, .scanned = line_feed};
        }
        const char next = bytes[line_feed + 1];
        if (next == ' ' || next == '\t') return {.state = HeadEnd::State::invalid};
        from = line_feed + 1;
    }
    if (bytes.size() >= max_size) return {.state = HeadEnd::State::too_large};
    return {.state = HeadEnd::State::incomplete, .scanned = from};
}

bool is_valid_host(std::string_view host) {
    if (host.empty()) return false;
    if (host.front() == '[') { // IPv6 or a future address, RFC 3986 3.2.2
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        for (const char c : host.substr(1, end - 1))
            if (ascii::hex_value(c) < 0 && c != ':' && c != '.') return false;
        const std::string_view rest = host.substr(end + 1);
        return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
    }
    const std::size_t colon = host.find(':');
    const std::string_view name = host.substr(0, colon);
    if (name.empty()) return false;
    for (const char c : name)
        if (!name_table[static_cast<unsigned char>(c)]) return false;
    return colon == std::string_view::npos || is_port(host.substr(colon + 1));
}

bool read_content_length(std::string_view value, std::uint64_t& length) {
    if (value.empty() || value.size() > max_length_digits) return false;
    if (value.size() > 1 && value.front() == '0') return false;
    length = 0;
    for (const char c : value) {
        if (!ascii::is_digit(c)) return false;
        length = length * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return true;
}

std::optional<Refusal> check_body_length(const Head& head, std::optional<std::uint64_t> max) {
    if (max && head.framing == Framing::length && head.content_length > *max)
        return Refusal{Reason::body_too_large};
    return std::nullopt;
}

std::optional<Refusal> check_body_piece(bool is_valid, std::uint64_t received,
                                        std::optional<std::uint64_t> max) {
    if (!is_valid) return Refusal{Reason::body_invalid};
    if (max && received > *max) return Refusal{Reason::body_too_large};
    return std::nullopt;
}

Refusal refuse_cut_body() {
    return {Reason::body_invalid};
}

Refusal refuse_head(HeadEnd::State state) {
    return {state == HeadEnd::State::too_large ? Reason::head_too_large : Reason::head_invalid};
}

bool FramingGuard::take(FieldName id, std::string_view value) {
    if (id == FieldName::content_length) {
        if (has_length_) return false;
        has_length_ = true;
        return read_content_length(value, length_);
    }
    if (id == FieldName::transfer_encoding) {
        // The only coding we understand, alone. Several fields, lists and parameters are how two
        // readers come to see two different bodies.
        if (is_chunked_ || !ascii::equal_ignoring_case(value, "chunked")) return false;
        is_chunked_ = true;
    }
    return true;
}

bool FramingGuard::judge(Head& head) const {
    if (is_chunked_ && (has_length_ || head.minor_version == 0)) return false;
    head.framing = is_chunked_ ? Framing::chunked : has_length_ ? Framing::length : Framing::none;
    head.content_length = length_;
    return true;
}

} // namespace keygate::http
