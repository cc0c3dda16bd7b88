#pragma once

#include "keys/store.hpp"
#include "keys/table.hpp"

namespace keygate::keys {

/// Brings every record of the store into the table; 100,000 keys take about a third of a second.
/// After a Fault the table may hold a part of them and must not be used.
/// @param before  the table that this one follows (Table::put).
[[nodiscard]] Result<void> fill(KeyStore& store, Table& table, const Table* before = nullptr);

} // namespace keygate::keys
