#pragma once

#include "auth/credential.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "keys/identity.hpp"

namespace keygate::auth {

/// key_*, store_invalid: is the key that was found one of this API and valid now? `entry` may be
/// null (unknown). Expiry is exact to the second: at `expires_at` the key has ended. Order: unknown
/// or another API's, unreadable record (store_invalid), revoked, disabled, expired, mode (the key's
/// own prefix against the record, then a test key where the API has no test upstream).
[[nodiscard]] Decision<keys::Identity> identify(keys::EntryRef entry, const Credential& credential,
                                                std::uint16_t api, bool has_test_upstream,
                                                WallTime now);

} // namespace keygate::auth
