#include "admin/owner_room.hpp"

#include "keys/owner_keys.hpp"

namespace keygate::admin {

Checked<void> OwnerRoom::has_room_for(const keys::KeyRecord& key, keys::KeyStore& store,
                                      std::size_t more) const {
    if (!most || !keys::counts_for_owner(key, now)) return {};
    const auto others = keys::counting_keys(store, {key.api, key.owner}, key.id, now);
    if (!others) return store_problem(others.error());
    if (others->size() + more < *most) return {};
    return conflict("key_limit", "the owner has " + std::to_string(others->size() + more) +
                                     " active keys, and may have " + std::to_string(*most) +
                                     "; revoke one, rotate it, or ask with \"regenerate\": true");
}

Checked<void> OwnerRoom::has_room_for_change(const keys::KeyRecord& before,
                                             const keys::KeyRecord& after,
                                             keys::KeyStore& store) const {
    if (keys::counts_for_owner(before, now)) return {};
    return has_room_for(after, store);
}

Checked<std::vector<keys::KeyRecord>> OwnerRoom::replaced_by(const keys::KeyRecord& fresh,
                                                             keys::KeyStore& store) const {
    auto old = keys::counting_keys(store, {fresh.api, fresh.owner}, fresh.id, now);
    if (!old) return store_problem(old.error());
    for (keys::KeyRecord& key : *old) {
        key.status = keys::KeyStatus::revoked;
        key.rotated_to = fresh.id;
    }
    return std::move(*old);
}

} // namespace keygate::admin
