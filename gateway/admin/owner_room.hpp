#pragma once

#include "admin/errors.hpp"
#include "keys/record.hpp"
#include "keys/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// `max_keys_per_owner`. Runs on the store's thread, in the section that ends with the change: who
// counts and who changes see the same keys, whatever other gateways do.
namespace keygate::admin {

/// What of a configuration it needs.
struct OwnerRoom {
    std::optional<std::uint32_t> most; // none: as many as somebody makes
    keys::Time now;

    /// 409 `key_limit` where the owner has as many keys as are allowed without this one, and this
    /// one counts.
    /// @param more  keys of the owner that the same change makes, beside those in the store.
    [[nodiscard]] Checked<void> has_room_for(const keys::KeyRecord& key, keys::KeyStore& store,
                                             std::size_t more = 0) const;

    /// The same for a change of a key: one that counted before takes no more room.
    [[nodiscard]] Checked<void> has_room_for_change(const keys::KeyRecord& before,
                                                    const keys::KeyRecord& after,
                                                    keys::KeyStore& store) const;

    /// All keys of the owner that count, revoked and with the new one's id as what replaces them.
    [[nodiscard]] Checked<std::vector<keys::KeyRecord>> replaced_by(const keys::KeyRecord& fresh,
                                                                    keys::KeyStore& store) const;
};

} // namespace keygate::admin
