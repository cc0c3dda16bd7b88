#pragma once

#include "keys/store.hpp"

#include <string>
#include <vector>

// How many keys an owner has: what `max_keys_per_owner` is about.
namespace keygate::keys {

/// Whether it counts: it is active, has not ended, and nothing comes in its place already.
[[nodiscard]] bool counts_for_owner(const KeyRecord& key, Time now);

/// The keys of an owner that count, but for the one with that id. In a watched section no key of
/// the owner can be made or changed by somebody else before the section's change.
[[nodiscard]] Result<std::vector<KeyRecord>> counting_keys(KeyStore& store, const OwnerName& owner,
                                                           const std::string& except_id, Time now);

} // namespace keygate::keys
