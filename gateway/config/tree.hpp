#pragma once

#include "config/report.hpp"
#include "config/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A YAML document as plain values: what was written and where, without types. The library that
// parses YAML stays behind it, in load.cpp.
namespace keygate::config {

struct Entry;

struct Node {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    Place place;
    std::string text;    // of a scalar, variables put in
    std::string written; // of a scalar with values from the environment: as it stands in the file
    bool is_quoted = false; // of a scalar: it is a text, whatever it looks like
    bool broken = false;    // its mistake is reported already; readers stay silent
    std::vector<Node> items;
    std::vector<Entry> entries; // in the order of the text, names unique
};

/// A name on the left of a `:`. Names keep their own places, and variables are not looked for in
/// them.
struct Key {
    std::string text;
    Place place;
};

struct Entry {
    Key key;
    Node value;
};

enum class TextOf : std::uint8_t {
    file,  // a configuration
    record // one field of a key: small and from elsewhere, so without aliases; may be nothing
};

/// Parses one document (load.cpp). Reports what YAML forbids, what it would silently accept
/// (duplicate names, merge keys, tags, a second document) and documents that grow without bound
/// through aliases.
/// @returns the tree; nothing if it cannot be told what was meant.
[[nodiscard]] std::optional<Node> parse_tree(std::string_view text, Report& report,
                                             TextOf source = TextOf::file);

/// `apis` and `shop` make `apis.shop`. Runs of spaces in a name are one space, as in route keys.
[[nodiscard]] std::string child_path(const std::string& parent, std::string_view name);
/// `listeners` and 0 make `listeners[0]`.
[[nodiscard]] std::string item_path(const std::string& parent, std::size_t index);

/// Reports names that are written twice in one mapping and drops the later ones. yaml-cpp keeps
/// both and looks up the first, so a second `routes:` would silently count for nothing.
void drop_duplicates(Node& root, Report& report);

} // namespace keygate::config
