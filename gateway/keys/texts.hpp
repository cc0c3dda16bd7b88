#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Lists and maps of texts as every store keeps them: JSON in one text, so that nothing that may
// stand in an element can look like a border between two.
namespace keygate::keys {

using TextMap = std::map<std::string, std::string>;

/// `["192.0.2.0/24","2001:db8::/32"]`
[[nodiscard]] std::string json_of(const std::vector<std::string>& texts);
/// `{"store":"267418190"}`
[[nodiscard]] std::string json_of(const TextMap& texts);

// Strict: what restricts a key is never guessed.

/// A JSON array of one or more texts that are not empty; nothing for anything else.
[[nodiscard]] std::optional<std::vector<std::string>> texts_from(std::string_view json);
/// A JSON object of one or more texts; neither they nor their names are empty, and no name is there
/// twice.
[[nodiscard]] std::optional<TextMap> text_map_from(std::string_view json);

} // namespace keygate::keys
