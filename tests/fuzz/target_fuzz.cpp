// Request targets. What is accepted must have one reading: a server that decodes twice, takes `\`
// for
// `/`, cuts `;…` off, merges slashes, or folds characters to dots and slashes must come to the path
// that was matched. Each such habit is applied to accepted paths here, and must change nothing.

#include "http/target.hpp"

#include <array>
#include <string>
#include <utility>

#include "fuzz/input.hpp"

using namespace keygate;
using fuzz::hold;

namespace {

constexpr std::size_t most = 384;

/// Percent-decoding as it is found in the wild: what is no escape stays as it is.
std::string decoded(std::string_view text) {
    std::string out;
    const auto value = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        const char low = static_cast<char>(c | 0x20);
        return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = value(text[i + 1]);
            const int low = value(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

/// `/a;x/b;y` becomes `/a/b`.
std::string without_parameters(std::string_view path) {
    std::string out;
    bool is_parameter = false;
    for (const char c : path) {
        if (c == ';') is_parameter = true;
        if (c == '/') is_parameter = false;
        if (!is_parameter) out += c;
    }
    return out;
}

std::string with_single_slashes(std::string_view path) {
    std::string out;
    for (const char c : path)
        if (c != '/' || !out.ends_with('/')) out += c;
    return out;
}

/// RFC 3986 5.2.4, segment by segment.
std::string without_dot_segments(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const std::size_t end = path.find('/', 1);
        const std::string_view segment = path.substr(0, end);
        path = end == path.npos ? std::string_view{} : path.substr(end);
        if (segment != "/." && segment != "/..") {
            out += segment;
            continue;
        }
        if (segment == "/..") out.erase(out.empty() ? 0 : out.rfind('/'));
        if (path.empty()) out += '/';
    }
    return out;
}

/// Two-byte forms of ASCII characters, which decoders without checks accept (CVE-2000-0884), and
/// three-byte ones.
std::string with_overlong_forms_read(std::string_view text) {
    std::string out;
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((byte(i) == 0xC0 || byte(i) == 0xC1) && (byte(i + 1) & 0xC0U) == 0x80) {
            out += static_cast<char>((byte(i) & 1U) << 6U | (byte(i + 1) & 0x3FU));
            i += 1;
        } else if (byte(i) == 0xE0 && (byte(i + 1) & 0xFEU) == 0x80 &&
                   (byte(i + 2) & 0xC0U) == 0x80) {
            out += static_cast<char>((byte(i + 1) & 1U) << 6U | (byte(i + 2) & 0x3FU));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// What Unicode's compatibility forms and 8-bit code pages make of characters like dot and slash.
std::string with_lookalikes_folded(std::string text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 14> folds{{
        {"\xe2\x80\xa4", "."},  // one dot leader
        {"\xe2\x80\xa5", ".."}, // two dot leader
        {"\xef\xb8\xb0", ".."}, // vertical two dot leader
        {"\xef\xb9\x92", "."},  // small full stop
        {"\xef\xbc\x8e", "."},  // fullwidth full stop
        {"\xe2\x81\x84", "/"},  // fraction slash
        {"\xe2\x88\x95", "/"},  // division slash
        {"\xef\xbc\x8f", "/"},  // fullwidth solidus
        {"\xe2\xa7\xb8", "/"},  // big solidus
        {"\xe2\x88\x96", "\\"}, // set minus
        {"\xef\xb9\xa8", "\\"}, // small reverse solidus
        {"\xef\xbc\xbc", "\\"}, // fullwidth reverse solidus
        {"\xe2\xa7\xb5", "\\"}, // reverse solidus operator
        {"\xe2\xa7\xb9", "\\"}, // big reverse solidus
    }};
    for (const auto& [from, to] : folds)
        text = replaced(std::move(text), from, to);
    return text;
}

using Habit = std::string (*)(std::string_view);

/// What servers do to a decoded path before they look at it.
constexpr std::array<std::pair<std::string_view, Habit>, 9> habits{{
    {"decodes again", [](std::string_view path) { return decoded(path); }},
    {"takes a backslash for a slash",
     [](std::string_view path) { return replaced(std::string{path}, "\\", "/"); }},
    {"merges slashes", [](std::string_view path) { return with_single_slashes(path); }},
    {"resolves dots", [](std::string_view path) { return without_dot_segments(path); }},
    {"reads overlong forms", [](std::string_view path) { return with_overlong_forms_read(path); }},
    {"folds lookalikes",
     [](std::string_view path) { return with_lookalikes_folded(std::string{path}); }},
    {"ends at NUL",
     [](std::string_view path) { return std::string{path.substr(0, path.find('\0'))}; }},
    {"ends at a fragment",
     [](std::string_view path) { return std::string{path.substr(0, path.find('#'))}; }},
    {"ends at a query",
     [](std::string_view path) { return std::string{path.substr(0, path.find('?'))}; }},
}};

/// Alone and one after the other, on the path with its parameters and without them.
void check_habits(std::string_view path) {
    const std::string once = decoded(path);
    for (const std::string& start : {once, without_parameters(once)})
        for (const auto& [first, habit] : habits) {
            const std::string seen = habit(start);
            hold(seen == start, first, path);
            for (const auto& [second, then] : habits)
                hold(then(seen) == start, second, path);
        }
    // Parameters cut off before the decoding or after it.
    hold(decoded(without_parameters(path)) == without_parameters(once), "cuts parameters", path);
}

/// Nothing in it can end a request line, or begin something else in one.
bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// The part of a target that names a path, found by hand.
std::pair<std::string, std::string> parts_of(std::string_view raw) {
    std::string_view rest = raw;
    if (!rest.starts_with('/')) {
        rest.remove_prefix(std::min(rest.size(), rest.find("://") + 3));
        rest.remove_prefix(std::min(rest.size(), rest.find_first_of("/?")));
    }
    const std::string_view path = rest.substr(0, rest.find('?'));
    return {path.empty() ? "/" : std::string{path}, std::string{rest.substr(path.size())}};
}

void check_accepted(const http::RequestHead& head, const http::Target& target) {
    const std::string path{target.path};
    const std::string query{target.query};
    hold(path.starts_with('/'), "a path begins with a slash", path);
    hold(is_visible(path) && is_visible(query), "no byte ends the line", head.target);
    hold(path.find_first_of("?#\\") == path.npos, "no delimiter in a path", path);
    hold(query.empty() || query.front() == '?', "a query begins with its mark", query);
    hold(query.find('#') == query.npos, "no fragment", query);

    const auto [sent_path, sent_query] = parts_of(head.target);
    hold(decoded(path) == decoded(sent_path), "the path is the one that was sent", head.target);
    hold(query == sent_query, "the query is the one that was sent", head.target);
    check_habits(path);

    // What comes out is accepted again as it is, whatever the method and Host.
    http::RequestHead again_head;
    again_head.method = "GET";
    const std::string sent = path + query;
    again_head.target = sent;
    std::string scratch;
    const auto again = http::judge_target(again_head, most, scratch);
    hold(again.has_value() && again->path == path && again->query == query,
         "judging again changes nothing", sent);
}

/// Paths that nobody could misread must not be refused.
bool is_plain(std::string_view raw) {
    bool after_slash = false;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const char c = raw[i];
        const bool is_letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (i == 0 ? c != '/' : !is_letter && (c != '/' || after_slash)) return false;
        after_slash = c == '/';
    }
    return !raw.empty();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array<std::string_view, 6> methods{"GET",  "OPTIONS", "CONNECT",
                                                      "POST", "trace",   "DELETE"};
    constexpr std::array<std::string_view, 4> hosts{"a.example", "A.example:8080", "[::1]", ""};
    fuzz::Input input{data, size};
    const unsigned choice = input.choice();
    const std::vector<char> raw = fuzz::exact(input.text());
    http::RequestHead head;
    head.method = methods[choice % methods.size()];
    head.host = hosts[choice / methods.size() % hosts.size()];
    head.target = fuzz::view(raw);

    static std::string scratch; // the same one each time, as a worker has it
    const auto target = http::judge_target(head, most, scratch);
    const bool is_tunnel = head.method == "CONNECT" || head.method == "trace";
    if (target) {
        hold(!is_tunnel, "CONNECT and TRACE are never forwarded", head.target);
        hold(raw.size() <= most, "a target is bounded", head.target);
        check_accepted(head, *target);
        return 0;
    }
    const Reason reason = target.error().reason;
    const bool is_star = head.method == "OPTIONS" && head.target.find('/') == head.target.npos;
    const bool is_server_wide =
        head.method == "OPTIONS" && head.target.find("://") != head.target.npos;
    hold(reason == Reason::target_invalid || reason == Reason::target_too_long ||
             (reason == Reason::route_method && (is_tunnel || is_star || is_server_wide)),
         "a reason of targets", head.target);
    hold((reason == Reason::target_too_long) == (!is_tunnel && raw.size() > most),
         "a long target is called so", head.target);
    hold(is_tunnel || raw.size() > most || !is_plain(head.target), "a plain path is accepted",
         head.target);
    return 0;
}
