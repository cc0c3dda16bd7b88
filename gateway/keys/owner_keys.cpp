#include "keys/owner_keys.hpp"

namespace keygate::keys {

bool counts_for_owner(const KeyRecord& key, Time now) {
    return key.readable && key.status == KeyStatus::active && !key.rotated_to &&
           (!key.expires_at || *key.expires_at > now);
}

Result<std::vector<KeyRecord>> counting_keys(KeyStore& store, const OwnerName& owner,
                                             const std::string& except_id, Time now) {
    auto keys = store.keys_of(owner);
    if (!keys) return keys;
    std::erase_if(*keys, [&](const KeyRecord& key) {
        return key.id == except_id || !counts_for_owner(key, now);
    });
    return keys;
}

} // namespace keygate::keys
