#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"
#include "keys/catalog.hpp"
#include "keys/pepper.hpp"
#include "keys/record.hpp"
#include "keys/sealed.hpp"
#include "keys/store.hpp"

namespace keygate::keys {

/// What new keys are made by, in one configuration. All of it outlives it.
struct Mint {
    const Peppers& peppers;
    const Seals* seals = nullptr; // none: nothing is kept to be shown again
};

/// Makes the key itself; the record, which has its id, API and mode, gets what is kept of it. Keys
/// that are found by a public part have few public letters: one that is taken is thrown away.
/// @errors  StoreError::conflict where several in turn were taken; the store's.
[[nodiscard]] Result<Secret> issue(KeyRecord& record, const ApiNames& api, const Mint& mint,
                                   KeyStore& store);

} // namespace keygate::keys
