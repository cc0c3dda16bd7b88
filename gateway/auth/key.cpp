#include "auth/key.hpp"

#include <openssl/crypto.h>

#include <chrono>

namespace keygate::auth {

// The only maker of identities: keys::Identity has this struct as its friend.
struct Identifier {
    static keys::Identity identity_of(keys::EntryRef entry) {
        return keys::Identity{std::move(entry)};
    }
};

namespace {

bool has_expired(const keys::Entry& entry, const config::MaxAge& max_age, WallTime now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    return second.count() >= entry.expires_at ||
           (max_age.refuse && second.count() >= entry.created_at + max_age.refuse->count());
}

/// A key that says `test` of itself must be one, and a test key must never reach the live upstream.
bool has_wrong_mode(const keys::Entry& entry, const Credential& credential, bool takes_test_keys) {
    if (credential.stated_mode && *credential.stated_mode != entry.mode) return true;
    return entry.mode == keys::Mode::test && !takes_test_keys;
}

} // namespace

bool proves(const Credential& credential, const keys::Entry& entry) {
    const bool has_secret = entry.particulars && entry.particulars->secret_digest;
    // A record that is not as its API's are is unreadable, and is said to be.
    if (has_secret != (credential.proof_count > 0)) return !entry.readable;
    if (!has_secret) return true;
    const keys::Digest& secret = *entry.particulars->secret_digest;
    int matches = 0;
    for (std::size_t i = 0; i < credential.proof_count; ++i)
        matches |=
            static_cast<int>(CRYPTO_memcmp(secret.bytes.data(), credential.proofs[i].bytes.data(),
                                           secret.bytes.size()) == 0);
    return matches != 0;
}

std::optional<Refusal> check_record(const keys::Entry& entry, std::uint16_t api,
                                    const keys::ApiNames& names, WallTime now) {
    // A key of another API is answered as one that does not exist: it must not learn that it does.
    if (entry.api != api) return Refusal{.reason = Reason::key_unknown};
    if (!entry.readable) return Refusal{.reason = Reason::store_invalid};

    switch (entry.status) {
    case keys::KeyStatus::active:
        break;
    case keys::KeyStatus::disabled:
        return Refusal{.reason = Reason::key_disabled};
    case keys::KeyStatus::revoked:
        return Refusal{.reason = Reason::key_revoked};
    }
    if (has_expired(entry, names.max_age, now)) return Refusal{.reason = Reason::key_expired};
    return std::nullopt;
}

Decision<keys::Identity> identify(keys::EntryRef entry, const Credential& credential,
                                  std::uint16_t api, const keys::ApiNames& names,
                                  bool takes_test_keys, WallTime now) {
    if (!entry || !proves(credential, *entry)) return Refusal{.reason = Reason::key_unknown};
    if (const auto refusal = check_record(*entry, api, names, now)) return *refusal;
    if (has_wrong_mode(*entry, credential, takes_test_keys))
        return Refusal{.reason = Reason::key_mode_mismatch};
    return Identifier::identity_of(std::move(entry));
}

} // namespace keygate::auth
