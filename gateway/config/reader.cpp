#include "config/reader.hpp"

#include "base/ascii.hpp"
#include "config/scalars.hpp"

#include <algorithm>

namespace keygate::config {

std::string View::seen() const {
    switch (node_->kind) {
    case Node::Kind::null:
        return "nothing";
    case Node::Kind::list:
        return "a list";
    case Node::Kind::map:
        return "a mapping";
    case Node::Kind::scalar:
        break;
    }
    if (!node_->written.empty()) return "what " + quoted(node_->written) + " holds";
    return quoted(node_->text);
}

void View::complain(std::string message) const {
    if (!node_->broken) report_->add(place(), path_, std::move(message));
}

void View::complain_of_name(std::string message) const {
    report_->add(name_place_, path_, std::move(message));
}

void View::refuse(std::string_view expected) const {
    complain("found " + seen() + "; expected " + std::string{expected});
}

const std::string* View::text(std::string_view expected) const {
    if (node_->broken) return nullptr;
    if (!is_scalar() || node_->text.empty()) {
        refuse(expected);
        return nullptr;
    }
    for (const char c : node_->text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) continue;
        refuse(std::string{expected} + " without control characters");
        return nullptr;
    }
    // What comes out of the environment has not been looked at before.
    if (is_utf8(node_->text)) return &node_->text;
    refuse(std::string{expected} + " in UTF-8");
    return nullptr;
}

std::vector<View> View::items(std::string_view expected) const {
    std::vector<View> views;
    if (!is_list()) {
        refuse(expected);
        return views;
    }
    views.reserve(node_->items.size());
    for (const Node& item : node_->items)
        views.emplace_back(item, item_path(path_, views.size()), item.place, *report_);
    return views;
}

std::vector<View::Member> View::members(std::string_view expected) const {
    std::vector<Member> members;
    if (!is_map()) {
        refuse(expected);
        return members;
    }
    members.reserve(node_->entries.size());
    for (const Entry& entry : node_->entries)
        members.push_back(
            {collapsed(entry.key.text),
             View{entry.value, child_path(path_, entry.key.text), entry.key.place, *report_}});
    return members;
}

std::optional<View> View::find(std::string_view name) const {
    for (const Entry& entry : node_->entries)
        if (entry.key.text == name)
            return View{entry.value, child_path(path_, name), entry.key.place, *report_};
    return std::nullopt;
}

Fields::Fields(const View& view)
    : view_(view) {
    if (!view_.is_map()) view_.refuse("a mapping");
}

std::optional<View> Fields::take(std::string_view name) {
    taken_.emplace_back(name);
    return view_.find(name);
}

std::optional<View> Fields::need(std::string_view name) {
    std::optional<View> found = take(name);
    if (!found && view_.is_map()) view_.complain_of_name(quoted(name) + " is missing");
    return found;
}

void Fields::later(std::initializer_list<std::string_view> names) {
    later_.insert(later_.end(), names.begin(), names.end());
}

void Fields::done() {
    const auto has = [](const std::vector<std::string>& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    for (const Entry& entry : view_.node().entries) {
        const std::string& name = entry.key.text;
        if (has(taken_, name)) continue;
        std::string message = has(later_, name)
                                  ? quoted(name) + " is not available yet"
                                  : "unknown name " + quoted(name) +
                                        "; allowed: " + joined(taken_) + did_you_mean(name, taken_);
        view_.report().add(entry.key.place, child_path(view_.path(), name), std::move(message));
    }
}

std::optional<std::uint64_t> number_in(const View& view, std::uint64_t low, std::uint64_t high) {
    const std::string expected =
        "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    const std::string* text = view.text(expected);
    if (!text) return std::nullopt;
    const auto value = parse_number(*text);
    if (value && *value >= low && *value <= high) return value;
    view.refuse(expected);
    return std::nullopt;
}

std::optional<std::uint64_t> size_in(const View& view, std::uint64_t low, std::uint64_t high) {
    const std::string expected = "a size from " + size_text(low) + " to " + size_text(high) +
                                 " (bytes, or with KiB, MiB, GiB, KB, MB, GB)";
    const std::string* text = view.text(expected);
    if (!text) return std::nullopt;
    const auto value = parse_size(*text);
    if (value && *value >= low && *value <= high) return value;
    view.refuse(expected);
    return std::nullopt;
}

void read_flag(const std::optional<View>& view, bool& out) {
    if (!view) return;
    const std::string* text = view->text("true or false");
    if (!text) return;
    if (const auto value = parse_flag(*text))
        out = *value;
    else
        view->refuse("true or false");
}

void read_duration(const std::optional<View>& view, milliseconds& out, milliseconds low,
                   milliseconds high) {
    if (!view) return;
    const std::string expected = "a duration from " + duration_text(low) + " to " +
                                 duration_text(high) + " with its unit (ms, s, m, h, d)";
    const std::string* text = view->text(expected);
    if (!text) return;
    const auto value = parse_duration(*text);
    if (value && *value >= low && *value <= high)
        out = *value;
    else
        view->refuse(expected);
}

void read_duration(const std::optional<View>& view, std::optional<milliseconds>& out,
                   milliseconds low, milliseconds high) {
    constexpr milliseconds none{-1};
    milliseconds value = out.value_or(none);
    read_duration(view, value, low, high);
    if (value != none) out = value;
}

void read_percentage(const std::optional<View>& view, std::uint32_t& out, std::uint32_t low) {
    if (!view) return;
    const std::string expected = "a percentage from " + std::to_string(low) + "% to 100%";
    const std::string* text = view->text(expected);
    if (!text) return;
    const auto value = parse_percentage(*text);
    if (value && *value >= low)
        out = *value;
    else
        view->refuse(expected);
}

void read_text(const std::optional<View>& view, std::string& out, std::string_view expected) {
    if (!view) return;
    if (view->is_list() || view->is_map())
        view->refuse(std::string{expected} + " (quote a text that begins with `[` or `{`)");
    else if (const std::string* text = view->text(expected))
        out = *text;
}

void read_token(const std::optional<View>& view, std::string& out) {
    constexpr std::string_view expected = "1 to 64 letters, digits or any of !#$%&'*+-.^_`|~";
    if (!view) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    const bool is_token = text->size() <= 64 && std::all_of(text->begin(), text->end(), [](char c) {
                              return ascii::is_token_char(c);
                          });
    if (is_token)
        out = *text;
    else
        view->refuse(expected);
}

void refuse_word(const View& view, const std::vector<std::string>& allowed, std::string_view why) {
    const std::string hint = view.is_scalar() && view.node().written.empty()
                                 ? did_you_mean(view.node().text, allowed)
                                 : std::string{};
    view.refuse((allowed.size() == 1 ? "" : "one of: ") + joined(allowed) + hint +
                std::string{why});
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return ascii::is_alnum(c) || c == '.' || c == '_' || c == '-';
    });
}

} // namespace keygate::config
