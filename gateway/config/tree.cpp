#include "config/tree.hpp"

#include "config/text.hpp"

#include <unordered_map>

namespace keygate::config {

namespace {

void drop_duplicates_below(Node& node, const std::string& path, Report& report) {
    for (std::size_t i = 0; i < node.items.size(); ++i)
        drop_duplicates_below(node.items[i], item_path(path, i), report);

    std::unordered_map<std::string, int> lines; // where each name was first
    std::vector<Entry> unique;
    unique.reserve(node.entries.size());
    for (Entry& entry : node.entries) {
        const std::string name_path = child_path(path, entry.key.text);
        const auto [first, is_new] = lines.emplace(entry.key.text, entry.key.place.line);
        if (!is_new) {
            report.add(entry.key.place, name_path,
                       quoted(entry.key.text) + " is written twice; the first is in line " +
                           std::to_string(first->second));
            continue;
        }
        drop_duplicates_below(entry.value, name_path, report);
        unique.push_back(std::move(entry));
    }
    node.entries = std::move(unique);
}

} // namespace

std::string child_path(const std::string& parent, std::string_view name) {
    return (parent.empty() ? "" : parent + ".") + collapsed(name);
}

std::string item_path(const std::string& parent, std::size_t index) {
    return parent + "[" + std::to_string(index) + "]";
}

void drop_duplicates(Node& root, Report& report) {
    drop_duplicates_below(root, {}, report);
}

} // namespace keygate::config
