#include "config/printer.hpp"

#include "base/ascii.hpp"
#include "config/paths.hpp"
#include "config/tree.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

/// May it stand unquoted, also inside of `[…]`, without being read as something else?
bool is_safe_plain(std::string_view text) {
    if (text.empty() || !ascii::is_alnum(text.front())) return false;
    for (const std::string_view word : {"null", "Null", "NULL"})
        if (text == word) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alnum(c) || std::string_view{"._-/"}.find(c) != std::string_view::npos;
    });
}

std::string in_quotes(std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += digits[byte >> 4U];
            out += digits[byte & 0xfU];
            continue;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

/// In a text that variables are looked for in, `$$` is what makes one `$`.
std::string with_dollars(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == '$' ? "$$" : std::string(1, c);
    return out;
}

std::string value_text(std::string_view text) {
    const std::string escaped = with_dollars(text);
    return is_safe_plain(escaped) ? escaped : in_quotes(escaped);
}

/// A name on the left of a `:`; route keys with `{id}` may stand there as people write them.
std::string name_text(std::string_view name) {
    const std::size_t space = name.find(' ');
    const bool is_route = space != std::string_view::npos && ascii::is_alpha(name.front());
    const std::string_view odd = "\"'\\#:";
    if (is_safe_plain(name) || (is_route && name.find_first_of(odd) == std::string_view::npos))
        return std::string{name};
    return in_quotes(name);
}

} // namespace

void Printer::open(std::string_view name) {
    begin_line();
    out_ += name_text(name) + ":\n";
    enter(child_path(path_, name));
}

void Printer::open_item(std::size_t index) {
    enter(item_path(path_, index));
    is_item_ = true;
}

void Printer::close() {
    path_ = parents_.back();
    parents_.pop_back();
}

void Printer::line(std::string_view name, const std::string& yaml) {
    begin_line();
    out_ += name_text(name) + ": " + yaml + "\n";
}

std::string Printer::value(const Paths& paths, std::string_view text) const {
    for (const std::string& path : paths)
        if (const auto known = settings_.from_variables.find(path);
            known != settings_.from_variables.end())
            return in_quotes(known->second);
    return value_text(text);
}

void Printer::field(std::string_view name, std::string_view text) {
    line(name, value({child_path(path_, name)}, text));
}

void Printer::list(std::string_view name, const std::vector<std::string>& texts) {
    const std::string path = child_path(path_, name);
    line(name, flow_list(texts, [&](const std::string& text, std::size_t i) {
             return value({item_path(path, i)}, text);
         }));
}

std::string Printer::quoted_value(const std::string& path, std::string_view text) const {
    const auto known = settings_.from_variables.find(path);
    return in_quotes(known == settings_.from_variables.end() ? with_dollars(text) : known->second);
}

std::string Printer::quoted_name(std::string_view name) {
    return in_quotes(name);
}

std::string Printer::written(std::string_view file) const {
    return as_written_in(folder_of(settings_.file), file);
}

bool Printer::is_masked(const std::string& path) const {
    return settings_.from_variables.contains(path);
}

void Printer::enter(std::string path) {
    parents_.push_back(path_);
    path_ = std::move(path);
}

void Printer::begin_line() {
    out_.append(parents_.size() * 2 - (is_item_ ? 2 : 0), ' ');
    if (is_item_) out_ += "- ";
    is_item_ = false;
}

} // namespace keygate::config
