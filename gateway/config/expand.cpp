#include "config/expand.hpp"

#include "base/ascii.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

using Variable = std::function<std::optional<std::string>(const std::string&)>;

struct Expansion {
    std::string text;
    bool from_environment = false;
    std::string odd;     // what is not understood
    std::string mistake; // empty: none
};

bool is_variable_name(std::string_view name) {
    if (name.empty() || ascii::is_digit(name.front())) return false;
    for (const char c : name)
        if (!ascii::is_alnum(c) && c != '_') return false;
    return true;
}

constexpr std::string_view forms =
    " is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar "
    "sign";

/// One `${…}`: `inside` is what stands between the braces.
void put_variable(std::string_view inside, const Variable& variable, Expansion& out) {
    const std::size_t colon = inside.find(':');
    const std::string name{inside.substr(0, colon)};
    const std::string_view rest =
        colon == std::string_view::npos ? std::string_view{} : inside.substr(colon);
    const bool has_default = rest.starts_with(":-");
    const bool has_message = rest.starts_with(":?");
    if (!is_variable_name(name) ||
        (colon != std::string_view::npos && !has_default && !has_message) ||
        inside.find("${") != std::string_view::npos) {
        out.odd = "${" + std::string{inside} + "}";
        out.mistake = forms;
        return;
    }
    const std::optional<std::string> value = variable(name);
    if (value && (!value->empty() || rest.empty())) {
        out.text += *value;
        out.from_environment = true;
    } else if (has_default) {
        out.text += rest.substr(2);
    } else if (has_message) {
        out.mistake = "variable " + quoted(name) + " is not set";
        if (rest.size() > 2) out.mistake += ": " + std::string{rest.substr(2)};
    } else {
        out.mistake = "variable " + quoted(name) + " is not set; ${" + name +
                      ":-default} would give it a default";
    }
}

Expansion expanded(std::string_view text, const Variable& variable) {
    Expansion out;
    while (!text.empty() && out.mistake.empty()) {
        const std::size_t dollar = text.find('$');
        out.text += text.substr(0, dollar);
        if (dollar == std::string_view::npos) break;
        text.remove_prefix(dollar);
        if (text.starts_with("$$")) {
            out.text += '$';
            text.remove_prefix(2);
        } else if (const std::size_t end = text.find('}');
                   text.starts_with("${") && end != std::string_view::npos) {
            put_variable(text.substr(2, end - 2), variable, out);
            text.remove_prefix(end + 1);
        } else {
            out.odd = text;
            out.mistake = forms;
        }
    }
    return out;
}

void expand_below(Node& node, const std::string& path, const Variable& variable, Report& report,
                  std::map<std::string, std::string>& written) {
    if (node.kind == Node::Kind::scalar && node.text.find('$') != std::string::npos) {
        Expansion result = expanded(node.text, variable);
        if (!result.mistake.empty()) {
            // A password in clear is a mistake too, but none that may be repeated.
            const bool is_hidden = may_hold_secret(path) || may_hold_secret(node.text);
            if (!result.odd.empty())
                result.mistake.insert(0, is_hidden ? "a `$`" : quoted(result.odd));
            report.add(node.place, path, result.mistake);
            node.broken = true;
        } else {
            if (result.from_environment) {
                node.written = node.text;
                written[path] = node.text;
            }
            node.text = std::move(result.text);
        }
    }
    for (std::size_t i = 0; i < node.items.size(); ++i)
        expand_below(node.items[i], item_path(path, i), variable, report, written);
    for (Entry& entry : node.entries)
        expand_below(entry.value, child_path(path, entry.key.text), variable, report, written);
}

} // namespace

std::map<std::string, std::string> expand(Node& root, const Variable& variable, Report& report) {
    std::map<std::string, std::string> written;
    expand_below(root, {}, variable, report, written);
    return written;
}

std::string in_clear(std::string_view written) {
    std::string out;
    while (!written.empty()) {
        const std::size_t dollar = written.find('$');
        out += written.substr(0, dollar);
        if (dollar == std::string_view::npos) break;
        written.remove_prefix(dollar);
        const bool is_variable = written.starts_with("${");
        const std::string_view one = written.substr(0, is_variable ? written.find('}') : 1);
        const std::size_t text = one.find(":-");
        if (!is_variable)
            out += '$';
        else if (text != std::string_view::npos)
            out += one.substr(text + 2);
        written.remove_prefix(std::min(written.size(), one.size() + 1)); // `}`, or the second `$`
    }
    return out;
}

} // namespace keygate::config
