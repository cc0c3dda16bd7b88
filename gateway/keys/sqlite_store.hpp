#pragma once

#include "keys/store.hpp"

#include <memory>
#include <string>

namespace keygate::keys {

/// Opens the embedded file (made with mode 0600 when absent), WAL and synchronous=FULL, locked for
/// this process alone until it is destroyed: a second process gets StoreError::in_use at once.
[[nodiscard]] Result<std::unique_ptr<KeyStore>> open_sqlite_store(const std::string& file);

} // namespace keygate::keys
