#pragma once

#include "keys/sqlite.hpp"
#include "keys/store.hpp"

#include <memory>
#include <string>

namespace keygate::keys::sqlite {

/// Begins a copy of an open database, which may be changed between steps: the copy holds what was
/// committed when its last step returned. `database` outlives the copy.
[[nodiscard]] Result<std::unique_ptr<StoreBackup>> begin_backup(Database& database,
                                                                const std::string& file);

} // namespace keygate::keys::sqlite
