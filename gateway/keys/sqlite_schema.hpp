#pragma once

#include "keys/sqlite.hpp"

// What the embedded file looks like, and how an older one becomes one of today.
// keys/sqlite_store.cpp alone uses it.
namespace keygate::keys::sqlite {

/// Takes the file's lock for as long as it is open, makes the tables in an empty file, brings those
/// of an older keygate up to date (all of it or nothing), and turns the write-ahead log on. A file
/// that is not ours, or of a newer keygate, is StoreError::unreadable and stays as it is.
[[nodiscard]] Result<void> claim(Database& database);

} // namespace keygate::keys::sqlite
