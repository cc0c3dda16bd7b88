#include "config/text.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace keygate::config {

namespace {

constexpr std::size_t longest_name = 64; // longer texts are no mistyped names
constexpr std::size_t longest_shown = 80;

/// Edits (a letter more, less, another, or two swapped) between two names of at most `longest_name`
/// letters, ignoring case.
std::size_t distance(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, longest_name + 1>;
    Row before{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const char x = ascii::to_lower(a[i - 1]);
            const char y = ascii::to_lower(b[j - 1]);
            row[j] = std::min({row[j - 1] + 1, last[j] + 1, last[j - 1] + (x == y ? 0U : 1U)});
            if (i > 1 && j > 1 && x == ascii::to_lower(b[j - 2]) && y == ascii::to_lower(a[i - 2]))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
    }
    return last[b.size()];
}

} // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() - at < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(at + i) & 0xc0U) != 0x80) return 0;
    const unsigned char second = byte(at + 1);
    // RFC 3629 4: the second byte closes the gaps of overlong forms, surrogates and the end of
    // Unicode.
    if (lead == 0xe0 && second < 0xa0) return 0;
    if (lead == 0xed && second > 0x9f) return 0;
    if (lead == 0xf0 && second < 0x90) return 0;
    if (lead == 0xf4 && second > 0x8f) return 0;
    return length;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text, i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

std::string collapsed(std::string_view text) {
    std::string out;
    for (const char c : ascii::trimmed(text)) {
        const bool blank = c == ' ' || c == '\t';
        if (!blank)
            out += c;
        else if (out.back() != ' ')
            out += ' ';
    }
    return out;
}

std::string escaped(std::string_view text, std::size_t most) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        if (i >= most) return out + "…";
        const std::size_t length = utf8_length(text, i);
        const auto byte = static_cast<unsigned char>(text[i]);
        if (length == 0 || byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += digits[byte >> 4U];
            out += digits[byte & 0xfU];
            ++i;
        } else {
            out += text.substr(i, length);
            i += length;
        }
    }
    return out;
}

std::string quoted(std::string_view text) {
    return "`" + escaped(text, longest_shown) + "`";
}

bool may_hold_secret(std::string_view text) {
    if (text.find("password") != std::string_view::npos) return true;
    const std::size_t authority = text.find("://");
    return authority != std::string_view::npos &&
           text.find('@', authority) != std::string_view::npos;
}

std::string joined(const std::vector<std::string>& names, std::string_view between) {
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out += between;
        out += name;
    }
    return out;
}

std::string did_you_mean(std::string_view written, const std::vector<std::string>& names) {
    if (written.empty() || written.size() > longest_name) return {};
    // One edit in three letters: `upstrems` is `upstreams`, `b` is not `a`.
    std::size_t best = std::min<std::size_t>(written.size() / 3, 3) + 1;
    const std::string* nearest = nullptr;
    for (const std::string& name : names) {
        const std::size_t gap =
            std::max(name.size(), written.size()) - std::min(name.size(), written.size());
        if (gap >= best || name.size() > longest_name) continue;
        const std::size_t edits = distance(written, name);
        if (edits >= best) continue;
        best = edits;
        nearest = &name;
    }
    return nearest ? "; did you mean " + quoted(*nearest) + "?" : std::string{};
}

} // namespace keygate::config
