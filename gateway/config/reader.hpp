#pragma once

#include "config/text.hpp"
#include "config/tree.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// From the tree to typed values. Nothing here throws or stops: a mistake is reported, the value
// keeps its default and reading goes on, so that a user sees all mistakes at once.
namespace keygate::config {

/// A node with its dotted path and the report that its mistakes go to. The tree and the report must
/// outlive it.
class View {
  public:
    View(const Node& node, std::string path, Place name_place, Report& report)
        : node_(&node)
        , path_(std::move(path))
        , name_place_(name_place)
        , report_(&report) {}

    [[nodiscard]] const Node& node() const { return *node_; }

    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] Place place() const { return node_->place; }

    /// Of the name on its left; of itself for a list's element.
    [[nodiscard]] Place name_place() const { return name_place_; }

    [[nodiscard]] Report& report() const { return *report_; }

    [[nodiscard]] bool is_scalar() const { return node_->kind == Node::Kind::scalar; }

    [[nodiscard]] bool is_list() const { return node_->kind == Node::Kind::list; }

    [[nodiscard]] bool is_map() const { return node_->kind == Node::Kind::map; }

    /// What stands there, for messages. A value from the environment is shown as it was written.
    [[nodiscard]] std::string seen() const;
    void complain(std::string message) const;
    /// The same about the name on its left.
    void complain_of_name(std::string message) const;
    /// "found …; expected …"
    void refuse(std::string_view expected) const;

    /// The scalar's text; nothing, and a mistake, if it is none, is empty or has control
    /// characters.
    [[nodiscard]] const std::string* text(std::string_view expected) const;
    /// The elements; a mistake if it is no list.
    [[nodiscard]] std::vector<View> items(std::string_view expected) const;

    /// The member of a mapping with this name; nothing, and no mistake, if there is none.
    [[nodiscard]] std::optional<View> find(std::string_view name) const;

    struct Member;
    /// The members of a mapping with free names; a mistake if it is no mapping.
    [[nodiscard]] std::vector<Member> members(std::string_view expected) const;

  private:
    const Node* node_;
    std::string path_;
    Place name_place_;
    Report* report_;
};

struct View::Member {
    std::string name; // spaces collapsed
    View view;
};

/// A mapping with known names. Take them all, then call done().
class Fields {
  public:
    explicit Fields(const View& view);

    [[nodiscard]] std::optional<View> take(std::string_view name);
    /// A mistake if it is absent.
    [[nodiscard]] std::optional<View> need(std::string_view name);
    /// Names whose behaviour is not built: refused as such and not as unknown.
    void later(std::initializer_list<std::string_view> names);
    /// Reports the names that nobody took.
    void done();

  private:
    View view_;
    std::vector<std::string> taken_;
    std::vector<std::string> later_;
};

[[nodiscard]] std::optional<std::uint64_t> number_in(const View& view, std::uint64_t low,
                                                     std::uint64_t high);
[[nodiscard]] std::optional<std::uint64_t> size_in(const View& view, std::uint64_t low,
                                                   std::uint64_t high);

// Each leaves `out` alone if the name is absent or its value wrong.

template <class T>
void read_number(const std::optional<View>& view, T& out, std::uint64_t low, std::uint64_t high) {
    if (!view) return;
    if (const auto value = number_in(*view, low, high)) out = static_cast<T>(*value);
}

template <class T>
void read_size(const std::optional<View>& view, T& out, std::uint64_t low, std::uint64_t high) {
    if (!view) return;
    if (const auto value = size_in(*view, low, high)) out = static_cast<T>(*value);
}

void read_flag(const std::optional<View>& view, bool& out);
void read_duration(const std::optional<View>& view, milliseconds& out, milliseconds low,
                   milliseconds high);
void read_duration(const std::optional<View>& view, std::optional<milliseconds>& out,
                   milliseconds low, milliseconds high);
/// `20%`
void read_percentage(const std::optional<View>& view, std::uint32_t& out, std::uint32_t low);
void read_text(const std::optional<View>& view, std::string& out, std::string_view expected);
/// RFC 9110 5.6.2 token of at most 64 letters.
void read_token(const std::optional<View>& view, std::string& out);

template <class T> using Word = std::pair<std::string_view, T>;

/// "expected one of: a, b" with the nearest of them.
/// @param why  what else there is to say, beginning with "; ".
void refuse_word(const View& view, const std::vector<std::string>& allowed,
                 std::string_view why = {});

template <class T, std::size_t N>
void read_word(const std::optional<View>& view, T& out, const std::array<Word<T>, N>& words) {
    if (!view) return;
    std::vector<std::string> allowed;
    for (const auto& [word, value] : words) {
        allowed.emplace_back(word);
        if (!view->is_scalar() || view->node().text != word) continue;
        out = value;
        return;
    }
    refuse_word(*view, allowed);
}

/// How a value is written; empty if no word means it.
template <class T, std::size_t N>
[[nodiscard]] std::string_view word_of(T value, const std::array<Word<T>, N>& words) {
    for (const auto& [word, meaning] : words)
        if (meaning == value) return word;
    return {};
}

/// Letters, digits, `.`, `_`, `-`; 1..64: names of APIs, plans, profiles and
/// meters.
[[nodiscard]] bool is_plain_name(std::string_view name);

} // namespace keygate::config
