#include "config/template.hpp"

#include "base/ascii.hpp"
#include "config/printer.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::size_t largest = 16 * 1024; // bytes of all texts of one template
constexpr std::size_t longest_member = 200;

bool is_name_letter(char c) {
    return ascii::is_alnum(c) || c == '_' || c == '-' || c == '.';
}

bool belongs_to(std::string_view name, std::string_view family) {
    const std::size_t star = family.find('*');
    if (star == std::string_view::npos) return name == family;
    return name.size() >= family.size() && name.starts_with(family.substr(0, star)) &&
           name.ends_with(family.substr(star + 1));
}

std::vector<std::string> as_written(Variables allowed) {
    std::vector<std::string> names;
    for (const std::string_view name : allowed) {
        const std::size_t star = name.find('*');
        names.emplace_back(name);
        if (star != std::string_view::npos) names.back().replace(star, 1, "NAME");
    }
    return names;
}

/// RFC 8259 6.
bool is_json_number(std::string_view text) {
    const auto skip_digits = [&] {
        const std::size_t before = text.size();
        while (!text.empty() && ascii::is_digit(text.front()))
            text.remove_prefix(1);
        return before - text.size();
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool begins_with_zero = text.starts_with('0');
    const std::size_t whole = skip_digits();
    if (whole == 0 || (begins_with_zero && whole > 1)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (skip_digits() == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (skip_digits() == 0) return false;
    }
    return text.empty();
}

bool is_literal(const Node& node) {
    if (node.is_quoted || !node.written.empty()) return false;
    return node.text == "true" || node.text == "false" || is_json_number(node.text);
}

Template text_of(const View& view, Variables allowed) {
    Template made;
    made.text = view.node().text;
    // What comes out of the environment has not been looked at before.
    if (!is_utf8(made.text)) {
        view.refuse("a text in UTF-8");
        made.text.clear();
    } else if (is_literal(view.node())) {
        made.kind = Template::Kind::literal;
    } else {
        check_text(view, allowed);
    }
    return made;
}

Template read_any(const View& view, Variables allowed, std::size_t& size) {
    Template made;
    switch (view.node().kind) {
    case Node::Kind::null:
        made.kind = Template::Kind::literal;
        made.text = "null";
        break;
    case Node::Kind::scalar:
        if (!view.node().broken) made = text_of(view, allowed);
        break;
    case Node::Kind::list:
        made.kind = Template::Kind::list;
        for (const View& item : view.items({}))
            made.items.push_back(read_any(item, allowed, size));
        break;
    case Node::Kind::map:
        made.kind = Template::Kind::object;
        for (const Entry& entry : view.node().entries) {
            const View member{entry.value, child_path(view.path(), entry.key.text), entry.key.place,
                              view.report()};
            size += entry.key.text.size();
            if (entry.key.text.size() > longest_member)
                member.complain_of_name("a member's name has at most " +
                                        std::to_string(longest_member) + " bytes");
            made.members.emplace_back(entry.key.text, read_any(member, allowed, size));
        }
        break;
    }
    size += made.text.size() + 1;
    return made;
}

} // namespace

Judged<std::vector<TextPiece>> pieces_of(std::string_view text) {
    using Pieces = Judged<std::vector<TextPiece>>;
    std::vector<TextPiece> pieces;
    const auto add_letters = [&](std::string_view letters) {
        if (letters.empty()) return;
        if (pieces.empty() || pieces.back().is_variable) pieces.emplace_back();
        pieces.back().text += letters;
    };
    while (!text.empty()) {
        const std::size_t brace = text.find_first_of("{}");
        add_letters(text.substr(0, brace));
        if (brace == std::string_view::npos) break;
        text.remove_prefix(brace);
        if (text.starts_with("{{") || text.starts_with("}}")) {
            add_letters(text.substr(0, 1));
            text.remove_prefix(2);
            continue;
        }
        if (text.front() == '}') return Pieces::bad("a `}` that ends no variable; write `}}`");
        const std::size_t end = text.find('}');
        const std::string_view name =
            end == std::string_view::npos ? std::string_view{} : text.substr(1, end - 1);
        if (name.empty() || !std::all_of(name.begin(), name.end(), is_name_letter))
            return Pieces::bad("a `{` that begins no variable such as {request_id}; write `{{`");
        pieces.push_back({std::string{name}, true});
        text.remove_prefix(end + 1);
    }
    return Pieces::good(std::move(pieces));
}

void check_text(const View& view, Variables allowed) {
    const auto pieces = pieces_of(view.node().text);
    if (!pieces.value) return view.complain("holds " + pieces.wrong);
    for (const TextPiece& piece : *pieces.value) {
        if (!piece.is_variable) continue;
        const bool is_known =
            std::any_of(allowed.begin(), allowed.end(),
                        [&](std::string_view family) { return belongs_to(piece.text, family); });
        if (is_known) continue;
        const std::vector<std::string> names = as_written(allowed);
        // What the environment holds is not repeated.
        if (view.node().written.empty())
            view.complain("unknown variable " + quoted("{" + piece.text + "}") +
                          "; allowed: " + joined(names) + did_you_mean(piece.text, names));
        else
            view.complain(view.seen() + " has an unknown variable; allowed: " + joined(names));
    }
}

Template read_template(const View& view, Variables allowed) {
    std::size_t size = 0;
    Template made = read_any(view, allowed, size);
    if (size > largest)
        view.complain("the texts of a template have at most " + std::to_string(largest) +
                      " bytes together");
    return made;
}

bool is_variable(const Template& shape, std::string_view name) {
    return shape.kind == Template::Kind::text && shape.text.size() == name.size() + 2 &&
           shape.text.front() == '{' && shape.text.back() == '}' &&
           std::string_view{shape.text}.substr(1, name.size()) == name;
}

std::string template_yaml(const Printer& out, const Template& shape, const std::string& path) {
    std::string yaml;
    switch (shape.kind) {
    case Template::Kind::literal:
        return shape.text;
    case Template::Kind::text:
        return out.quoted_value(path, shape.text);
    case Template::Kind::list:
        return flow_list(shape.items, [&](const Template& item, std::size_t i) {
            return template_yaml(out, item, item_path(path, i));
        });
    case Template::Kind::object:
        break;
    }
    for (const auto& member : shape.members)
        yaml += (yaml.empty() ? "" : ", ") + Printer::quoted_name(member.first) + ": " +
                template_yaml(out, member.second, child_path(path, member.first));
    return "{" + yaml + "}";
}

} // namespace keygate::config
