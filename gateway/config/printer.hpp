#pragma once

#include "config/scalars.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Lines of YAML. Each value is written with its dotted path at hand: one that came from the
// environment stands there as it was written in the file, not as what it was.
namespace keygate::config {

using Paths = std::vector<std::string>;

class Printer {
  public:
    explicit Printer(const Settings& settings)
        : settings_(settings) {}

    /// A mapping below a name, until close().
    void open(std::string_view name);
    /// An element of a list.
    void open_item(std::size_t index);
    void close();
    void line(std::string_view name, const std::string& yaml);

    /// @param paths  where the value may have been written: some can be written in more than one
    /// way.
    [[nodiscard]] std::string value(const Paths& paths, std::string_view text) const;
    void field(std::string_view name, std::string_view text);
    /// The same in quotes, so that it is a text whatever it looks like; control characters escaped.
    [[nodiscard]] std::string quoted_value(const std::string& path, std::string_view text) const;
    [[nodiscard]] static std::string quoted_name(std::string_view name);

    void number(std::string_view name, std::uint64_t count) { field(name, std::to_string(count)); }

    void flag(std::string_view name, bool value) { field(name, value ? "true" : "false"); }

    void duration(std::string_view name, milliseconds time) { field(name, duration_text(time)); }

    void size(std::string_view name, std::uint64_t bytes) { field(name, size_text(bytes)); }

    void path(std::string_view name, std::string_view file) { field(name, written(file)); }

    void list(std::string_view name, const std::vector<std::string>& texts);

    /// A path as the configuration would write it.
    [[nodiscard]] std::string written(std::string_view file) const;
    /// Did it come from the environment?
    [[nodiscard]] bool is_masked(const std::string& path) const;

    [[nodiscard]] const std::string& here() const { return path_; }

    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    void enter(std::string path);
    void begin_line();

    const Settings& settings_;
    std::string out_;
    std::string path_;
    std::vector<std::string> parents_;
    bool is_item_ = false; // the next line is the first of a list's element
};

template <class Range, class Text> std::string flow_list(const Range& range, const Text& text) {
    std::string out = "[";
    std::size_t index = 0;
    for (const auto& element : range) {
        if (index > 0) out += ", ";
        out += text(element, index++);
    }
    return out + "]";
}

} // namespace keygate::config
