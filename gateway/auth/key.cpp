#include "auth/key.hpp"

#include <chrono>

namespace keygate::auth {

// The only maker of identities: keys::Identity has this struct as its friend.
struct Identifier {
    static keys::Identity identity_of(keys::EntryRef entry) {
        return keys::Identity{std::move(entry)};
    }
};

namespace {

bool has_expired(const keys::Entry& entry, WallTime now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    return second.count() >= entry.expires_at;
}

/// A key that says `test` of itself must be one, and a test key must never reach the live upstream.
bool has_wrong_mode(const keys::Entry& entry, const Credential& credential,
                    bool has_test_upstream) {
    if (credential.stated_mode && *credential.stated_mode != entry.mode) return true;
    return entry.mode == keys::Mode::test && !has_test_upstream;
}

} // namespace

Decision<keys::Identity> identify(keys::EntryRef entry, const Credential& credential,
                                  std::uint16_t api, bool has_test_upstream, WallTime now) {
    // A key of another API is answered as one that does not exist: it must not learn that it does.
    if (!entry || entry->api != api) return Refusal{.reason = Reason::key_unknown};
    if (!entry->readable) return Refusal{.reason = Reason::store_invalid};

    switch (entry->status) {
    case keys::KeyStatus::active:
        break;
    case keys::KeyStatus::disabled:
        return Refusal{.reason = Reason::key_disabled};
    case keys::KeyStatus::revoked:
        return Refusal{.reason = Reason::key_revoked};
    }
    if (has_expired(*entry, now)) return Refusal{.reason = Reason::key_expired};
    if (has_wrong_mode(*entry, credential, has_test_upstream))
        return Refusal{.reason = Reason::key_mode_mismatch};
    return Identifier::identity_of(std::move(entry));
}

} // namespace keygate::auth
