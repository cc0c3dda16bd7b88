#include "http/template.hpp"

#include "base/ascii.hpp"
#include "config/template.hpp"
#include "config/text.hpp"

#include <array>
#include <charconv>

namespace keygate::http {

namespace {

constexpr std::string_view hex = "0123456789abcdef";

/// What follows the backslash of a control character that has a name of one letter, or 0.
char short_escape(char c) {
    switch (c) {
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '"':
    case '\\':
        return c;
    default:
        return 0;
    }
}

void append_escape(std::string& out, char c) {
    if (const char letter = short_escape(c); letter != 0) {
        out += '\\';
        out += letter;
        return;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append("\\u00");
    out += hex[byte >> 4U];
    out += hex[byte & 0xfU];
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// A body of text has lines of ours only.
void append_plain(std::string& out, std::string_view text) {
    for (const char c : text)
        out += is_control(c) ? '?' : c;
}

void append_field(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c > ' ' && c < 0x7f && c != '%')
            out += c;
        else
            ascii::append_percent(out, c);
    }
}

/// Letters that a profile's author wrote: his spaces and his `%2F` stay.
void append_field_letters(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c >= ' ' && c < 0x7f)
            out += c;
        else
            ascii::append_percent(out, c);
    }
}

void append_text(std::string& out, std::string_view text, Place place) {
    switch (place) {
    case Place::value:
        out += '"';
        append_json_text(out, text);
        out += '"';
        break;
    case Place::text:
        append_json_text(out, text);
        break;
    case Place::plain:
        append_plain(out, text);
        break;
    case Place::field:
        append_field(out, text);
        break;
    }
}

} // namespace

void append_json_text(std::string& out, std::string_view text) {
    std::size_t begin = 0; // of what can be copied as it is
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c >= 0x20 && c != '"' && c != '\\') { // ASCII, and nearly all there is
            ++i;
            continue;
        }
        const std::size_t length = config::utf8_length(text, i);
        if (length > 1) {
            i += length;
            continue;
        }
        out.append(text, begin, i - begin);
        if (length == 0)
            out.append("\xef\xbf\xbd");
        else
            append_escape(out, c);
        begin = ++i;
    }
    out.append(text, begin);
}

void Slot::text(std::string_view value) {
    is_filled_ = true;
    append_text(out_, value, place_);
}

/// What is ASCII without anything to escape.
void Slot::word(std::string_view value) {
    is_filled_ = true;
    out_.append(value);
}

void Slot::number(std::uint64_t value) {
    std::array<char, 20> digits{};
    const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    word({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void Slot::flag(bool value) {
    word(value ? "true" : "false");
}

void Slot::null() {
    word(place_ == Place::value ? "null" : "");
}

void Slot::list(std::span<const std::string> values) {
    is_filled_ = true;
    const bool is_json = place_ == Place::value;
    if (is_json) out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0 && is_json) out_ += ',';
        if (i > 0 && !is_json) append_text(out_, " ", place_);
        append_text(out_, values[i], place_);
    }
    if (is_json) out_ += ']';
}

void Slot::json(std::string_view value) {
    if (place_ == Place::value)
        word(value);
    else
        text(value);
}

void Template::add_variable(std::string_view name, Place place) {
    if (pieces_.empty() || !pieces_.back().variable.empty()) pieces_.emplace_back();
    pieces_.back().variable = name;
    pieces_.back().place = place;
}

Template& Template::then(std::string_view letters) {
    if (letters.empty()) return *this;
    if (pieces_.empty() || !pieces_.back().variable.empty()) pieces_.emplace_back();
    pieces_.back().letters.append(letters);
    return *this;
}

Template& Template::then(const Template& more) {
    for (const Piece& piece : more.pieces_) {
        then(piece.letters);
        if (!piece.variable.empty()) add_variable(piece.variable, piece.place);
    }
    return *this;
}

void Template::add_text(std::string_view text, Place place) {
    auto pieces = config::pieces_of(text).value;
    if (!pieces) pieces.emplace().push_back({std::string{text}, false});
    for (const config::TextPiece& piece : *pieces) {
        if (piece.is_variable) {
            add_variable(piece.text, place);
            continue;
        }
        std::string letters;
        if (place == Place::field)
            append_field_letters(letters, piece.text);
        else if (place == Place::text)
            append_json_text(letters, piece.text);
        else
            letters = piece.text;
        then(letters);
    }
}

void Template::add_json(const config::Template& shape) {
    using Kind = config::Template::Kind;
    switch (shape.kind) {
    case Kind::literal:
        then(shape.text);
        return;
    case Kind::text: {
        const auto pieces = config::pieces_of(shape.text).value;
        if (pieces && pieces->size() == 1 && pieces->front().is_variable)
            return add_variable(pieces->front().text, Place::value);
        then("\"");
        add_text(shape.text, Place::text);
        then("\"");
        return;
    }
    case Kind::list:
        then("[");
        for (std::size_t i = 0; i < shape.items.size(); ++i) {
            if (i > 0) then(",");
            add_json(shape.items[i]);
        }
        then("]");
        return;
    case Kind::object:
        then("{");
        for (std::size_t i = 0; i < shape.members.size(); ++i) {
            std::string name;
            append_json_text(name, shape.members[i].first);
            then(i > 0 ? ",\"" : "\"").then(name).then("\":");
            add_json(shape.members[i].second);
        }
        then("}");
        return;
    }
}

Template Template::json(const config::Template& shape) {
    Template made;
    made.add_json(shape);
    return made;
}

Template Template::plain(std::string_view text) {
    Template made;
    made.add_text(text, Place::plain);
    return made;
}

Template Template::field(std::string_view text) {
    Template made;
    made.add_text(text, Place::field);
    return made;
}

std::vector<std::string> Template::letters() const {
    std::vector<std::string> runs(1);
    for (const Piece& piece : pieces_) {
        const std::string_view quote = piece.place == Place::value ? "\"" : "";
        runs.back() += piece.letters;
        if (piece.variable.empty()) continue;
        runs.back() += quote;
        runs.emplace_back(quote);
    }
    return runs;
}

std::size_t Template::count(std::string_view variable) const {
    std::size_t found = 0;
    for (const Piece& piece : pieces_)
        found += piece.variable == variable ? 1 : 0;
    return found;
}

std::size_t Template::count() const {
    std::size_t found = 0;
    for (const Piece& piece : pieces_)
        found += piece.variable.empty() ? 0 : 1;
    return found;
}

std::size_t Template::size() const {
    std::size_t bytes = 0;
    for (const Piece& piece : pieces_)
        bytes += piece.letters.size();
    return bytes;
}

} // namespace keygate::http
