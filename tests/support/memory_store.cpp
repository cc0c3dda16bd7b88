#include "support/memory_store.hpp"

#include <algorithm>

namespace keygate::test {

using keys::KeyRecord;
using keys::OwnerRecord;
using keys::StoreError;

KeyRecord* MemoryStore::at(const std::string& id) {
    for (auto& key : contents_.keys)
        if (key.id == id) return &key;
    return nullptr;
}

Result<void> MemoryStore::each(const std::function<void(OwnerRecord&&)>& on_owner,
                               const std::function<void(KeyRecord&&)>& on_key) {
    if (contents_.fault) return *contents_.fault;
    for (auto [name, owner] : contents_.owners)
        on_owner(std::move(owner));
    for (auto key : contents_.keys)
        on_key(std::move(key));
    return {};
}

Result<void> MemoryStore::insert(const std::vector<KeyRecord>& records) {
    if (contents_.fault) return *contents_.fault;
    for (const auto& record : records)
        for (const auto& key : contents_.keys)
            if (key.id == record.id || key.digest == record.digest)
                return Fault{StoreError::conflict, key.id};
    contents_.keys.insert(contents_.keys.end(), records.begin(), records.end());
    return {};
}

Result<KeyRecord> MemoryStore::set_status(const std::string& id, keys::KeyStatus status) {
    if (contents_.fault) return *contents_.fault;
    auto* key = at(id);
    if (key == nullptr) return Fault{StoreError::not_found, id};
    key->status = status;
    return *key;
}

Result<KeyRecord> MemoryStore::find(const std::string& id) {
    if (contents_.fault) return *contents_.fault;
    const auto* key = at(id);
    if (key == nullptr) return Fault{StoreError::not_found, id};
    return *key;
}

Result<std::vector<KeyRecord>> MemoryStore::list(const keys::KeyFilter& filter) {
    if (contents_.fault) return *contents_.fault;
    std::size_t begin = 0;
    if (!filter.after.empty()) {
        const auto* last = at(filter.after);
        if (last == nullptr) return Fault{StoreError::not_found, filter.after};
        begin = static_cast<std::size_t>(last - contents_.keys.data()) + 1;
    }
    std::vector<KeyRecord> page;
    for (std::size_t i = begin; i < contents_.keys.size() && page.size() < filter.limit; ++i) {
        const auto& key = contents_.keys[i];
        if (!filter.api.empty() && key.api != filter.api) continue;
        if (!filter.owner.empty() && key.owner != filter.owner) continue;
        if (filter.status && key.status != *filter.status) continue;
        page.push_back(key);
    }
    return page;
}

Result<bool> MemoryStore::put_owner(const OwnerRecord& owner) {
    if (contents_.fault) return *contents_.fault;
    return contents_.owners.insert_or_assign({owner.api, owner.id}, owner).second;
}

Result<OwnerRecord> MemoryStore::find_owner(const std::string& api, const std::string& id) {
    if (contents_.fault) return *contents_.fault;
    const auto found = contents_.owners.find({api, id});
    if (found == contents_.owners.end()) return Fault{StoreError::not_found, id};
    return found->second;
}

Result<std::vector<OwnerRecord>> MemoryStore::list_owners(const std::string& api) {
    if (contents_.fault) return *contents_.fault;
    std::vector<OwnerRecord> owners;
    for (const auto& [name, owner] : contents_.owners)
        if (name.first == api) owners.push_back(owner);
    return owners;
}

} // namespace keygate::test
