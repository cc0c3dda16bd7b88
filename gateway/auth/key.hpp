#pragma once

#include "auth/credential.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "keys/catalog.hpp"
#include "keys/identity.hpp"

#include <optional>

namespace keygate::auth {

/// Is this the key of the record? Where records are found by the public part of a key, whoever
/// found one knows no more than that part. In constant time.
[[nodiscard]] bool proves(const Credential& credential, const keys::Entry& entry);

/// key_*, store_invalid: what of a record alone decides whether a key is good now: another API's,
/// unreadable, revoked, disabled, expired. Also for a key whose request was let in long ago.
[[nodiscard]] std::optional<Refusal> check_record(const keys::Entry& entry, std::uint16_t api,
                                                  const keys::ApiNames& names, WallTime now);

/// key_*, store_invalid: is the key that was found one of this API and valid now? `entry` may be
/// null (unknown). Expiry is exact to the second: at `expires_at` the key has ended, and at
/// `max_age.refuse` after it was made. Order: unknown, not proved or another API's, unreadable
/// record (store_invalid), revoked, disabled, expired, mode (the key's own prefix against the
/// record, then a test key where nothing takes it).
/// @param api  its number. @param names  its names. @param takes_test_keys  the route leads them
///             somewhere.
[[nodiscard]] Decision<keys::Identity> identify(keys::EntryRef entry, const Credential& credential,
                                                std::uint16_t api, const keys::ApiNames& names,
                                                bool takes_test_keys, WallTime now);

} // namespace keygate::auth
