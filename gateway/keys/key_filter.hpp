#pragma once

#include "keys/store.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

// What is the same in every store's list of keys.
namespace keygate::keys {

/// Rows that one page may look at: a filter that finds nothing among millions answers all the same.
inline constexpr std::size_t most_scanned = 2000;

[[nodiscard]] bool passes(const KeyRow& row, const KeyFilter& filter);

/// A cursor is the creation number of the last row that was looked at; empty: 0.
[[nodiscard]] std::optional<std::int64_t> number_from(std::string_view cursor);

/// The cursor of a list of owners, `<api>:<id>`; empty: before the first. Nothing if it is none, or
/// of another API's list.
[[nodiscard]] std::optional<OwnerName> owner_from(const std::string& api,
                                                  const std::string& cursor);

} // namespace keygate::keys
