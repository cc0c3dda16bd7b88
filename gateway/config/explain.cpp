#include "config/explain.hpp"

#include "base/ascii.hpp"
#include "config/text.hpp"

namespace keygate::config {

namespace {

std::string_view line_of(std::string_view text, int line) {
    for (int i = 1; i < line; ++i) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

/// What stands right of the first `: ` or `- ` outside quotes; the whole line where there is none.
std::string_view value_of(std::string_view line) {
    std::string_view rest = ascii::trimmed(line);
    if (rest.starts_with("- ")) rest = ascii::trimmed(rest.substr(2));
    char quote = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const char c = rest[i];
        if (quote != 0)
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == ':' && i + 1 < rest.size() && rest[i + 1] == ' ')
            return ascii::trimmed(rest.substr(i + 2));
    }
    return rest;
}

bool has_tab_indent(std::string_view line) {
    return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

/// What a first letter makes of an unquoted text.
std::string_view meaning_of(char first) {
    switch (first) {
    case '[':
        return "`[` begins a list";
    case '{':
        return "`{` begins a mapping";
    case '*':
        return "`*` begins an alias (for every method write ANY)";
    case '&':
        return "`&` begins an anchor";
    case '!':
        return "`!` begins a tag";
    case '|':
    case '>':
        return "`|` and `>` begin a block of text";
    case '%':
    case '@':
    case '`':
        return "a text cannot begin with this letter";
    case ']':
    case '}':
        return "nothing is open that this letter could close";
    case ',':
        return "`,` separates only inside `[…]` and `{…}`";
    default:
        return {};
    }
}

std::string hint(std::string_view line, Place place, std::string_view complaint,
                 std::optional<Place> open) {
    const auto says = [&](std::string_view words) {
        return complaint.find(words) != std::string_view::npos;
    };
    if (says("tab") || has_tab_indent(line)) return "indent with spaces, never with tabs";
    if (says("unknown escape"))
        return R"(in "…" a backslash begins an escape; use '…' for a text with backslashes)";
    if (says("flow not found") && open) {
        const auto at = static_cast<std::size_t>(place.column - 1);
        if (place.line == open->line && at > 0 && at <= line.size()) {
            const char c = at < line.size() ? line[at] : line[at - 1];
            const char before = line[at - 1];
            if (c == '{' || before == '{' || c == '[' || before == '[')
                return "quote a text that holds `{` or `[` inside `{…}` or `[…]`";
        }
        return "the `[` or `{` in line " + std::to_string(open->line) + ", column " +
               std::to_string(open->column) +
               " is not closed; if it belongs to a text, quote this text";
    }
    // The value, unless the parser stumbled left of it, in the name.
    std::string_view value = value_of(line);
    if (place.column - 1 < value.data() - line.data()) {
        value = ascii::trimmed(line);
        value = value.substr(0, value.find(": "));
    }
    const std::string shown = may_hold_secret(line) ? "" : ": " + quoted(value);
    const std::string_view meaning = value.empty() ? std::string_view{} : meaning_of(value.front());
    if (!meaning.empty())
        return std::string{meaning} + "; if it belongs to a text, quote this" + shown;
    if (value.starts_with('"') || value.starts_with('\''))
        return "something follows the closing quote; quote the whole text, and write '' for a ' "
               "inside '…'";
    if (value.starts_with("- ") || value == "-")
        return "a list begins on a line of its own, or is written as [a, b]";
    if (says("map value") && value.find(": ") != std::string_view::npos)
        return "quote a text that holds `: `" + shown;
    return "check the indentation against the lines above, and quote texts with special letters";
}

} // namespace

std::optional<BadByte> first_bad_byte(std::string_view text) {
    Place place{1, 1};
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text, i);
        if (length == 0) return BadByte{place, "not UTF-8 here; save the file as UTF-8"};
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f)
            return BadByte{place, "a control character (" + quoted(text.substr(i, 1)) +
                                      ") cannot be in a configuration"};
        if (byte == '\n')
            place = {place.line + 1, 1};
        else
            place.column += static_cast<int>(length);
        i += length;
    }
    return std::nullopt;
}

std::string explain(std::string_view text, Place place, std::string_view complaint,
                    std::optional<Place> open) {
    return "not YAML (" + std::string{complaint} +
           "): " + hint(line_of(text, place.line), place, complaint, open);
}

} // namespace keygate::config
