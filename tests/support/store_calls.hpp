#pragma once

#include "keys/store.hpp"

#include <utility>
#include <vector>

// Single changes, as most tests make them.
namespace keygate::test {

inline Result<void> insert(keys::KeyStore& store, std::vector<keys::KeyRecord> records) {
    keys::Change change;
    change.insert = std::move(records);
    return store.commit(change);
}

inline Result<void> put_owner(keys::KeyStore& store, const keys::OwnerRecord& owner) {
    keys::Change change;
    change.put_owner = owner;
    return store.commit(change);
}

inline Result<void> set_status(keys::KeyStore& store, const std::string& id,
                               keys::KeyStatus status) {
    const auto row = store.find(id);
    if (!row) return row.error();
    keys::Change change;
    change.update.push_back(row->record);
    change.update.back().status = status;
    return store.commit(change);
}

inline Result<void> remove(keys::KeyStore& store, const std::string& id) {
    keys::Change change;
    change.remove.push_back(id);
    return store.commit(change);
}

} // namespace keygate::test
