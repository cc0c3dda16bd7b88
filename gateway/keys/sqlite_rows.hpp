#pragma once

#include "keys/record.hpp"
#include "keys/sqlite.hpp"
#include "keys/store.hpp"

#include <string>

// Records as rows and back. keys/sqlite_store.cpp alone uses it.
namespace keygate::keys::sqlite {

// The order that the functions below know.
#define KEYGATE_KEY_COLUMNS                                                                        \
    "digest, id, api, owner, status, mode, plan, scopes, name, prefix, hint, created_at, "         \
    "expires_at, owner_record_required, pepper, rotated_to, metadata, rate, quota, addresses, "    \
    "referrers, endpoints, bind, secret_digest, sealed"
#define KEYGATE_OWNER_COLUMNS "api, id, name, plan, status, attributes"
#define KEYGATE_USAGE_COLUMNS "last_used_at, total, month, in_month"
#define KEYGATE_SPENT_COLUMNS "api, owner, id, tag, at, used"
#define KEYGATE_RECEIPT_COLUMNS "name, request, status, answer, location, at"

inline constexpr int key_columns = 25;

/// Every reader takes what can be read; what cannot becomes `readable` = false.
[[nodiscard]] KeyRecord read_key(const Statement& row);
[[nodiscard]] OwnerRecord read_owner(const Statement& row);
/// @param first  column of `last_used_at`; all are NULL where nothing was used yet.
[[nodiscard]] Usage read_usage(const Statement& row, int first);
[[nodiscard]] Receipt read_receipt(const Statement& row);
[[nodiscard]] SpentBy read_spent_by(const Statement& row);
[[nodiscard]] Spent read_spent(const Statement& row);

/// Binds a key as parameters 1..25 and runs the statement. @errors invalid_argument for what would
/// come back as something else.
[[nodiscard]] Result<void> run_with(Statement& statement, const KeyRecord& key);
/// Parameters 1..6.
[[nodiscard]] Result<void> run_with(Statement& statement, const OwnerRecord& owner);
[[nodiscard]] Result<void> run_with(Statement& statement, const Receipt& receipt);
/// Parameters 1..7: API, owner, id, then the usage.
[[nodiscard]] Result<void> run_with(Statement& statement, const OwnerName& owner,
                                    const std::string& id, const Usage& usage);
/// Parameters 1..6.
[[nodiscard]] Result<void> run_with(Statement& statement, const SpentBy& by, const Spent& spent);

} // namespace keygate::keys::sqlite
