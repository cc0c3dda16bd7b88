#pragma once

#include "keys/digest.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keygate::keys {

enum class Mode : std::uint8_t { live, test };
enum class KeyStatus : std::uint8_t {
    active,
    disabled,
    revoked
}; // `expired` is shown, never stored
enum class OwnerStatus : std::uint8_t { active, suspended };

using Time = std::chrono::sys_seconds; // stored and shown as RFC 3339 UTC

/// What a store keeps of a key. The key itself is nowhere in it. Members whose behaviour is not
/// built yet do not exist.
struct KeyRecord {
    Digest digest;
    std::string id;  // `key_…`, unique in the store
    std::string api; // name in the configuration
    std::string owner;
    KeyStatus status = KeyStatus::active;
    Mode mode = Mode::live;
    std::optional<std::string> plan;                // overrides the owner's
    std::optional<std::vector<std::string>> scopes; // absent: the profile's default; empty: none
    std::string name;                               // a label for people
    std::string prefix;                             // first letters of the key, for people
    std::string hint;                               // last letters
    Time created_at{};
    std::optional<Time> expires_at;
    bool owner_record_required = false;    // made under an owner record: its absence opens nothing
    std::string pepper;                    // whose HMAC the digest is; empty: plain SHA-256
    std::optional<std::string> rotated_to; // the id of the key that replaces this one
    std::string metadata = "{}";           // a JSON object, kept as written
    // In place of what the plan says, as it says it (YAML or JSON); empty: what the plan says.
    std::string rate;
    std::string quota;
    // From where, and for what, it may be used (keys/restrictions.hpp); empty: no restriction.
    std::vector<std::string> addresses; // `192.0.2.0/24`
    std::vector<std::string> referrers; // `https://*.example.com`
    std::vector<std::string> endpoints; // `GET /v1/orders/**`
    std::map<std::string, std::string>
        bind; // what of the path it belongs to: `store` -> `267418190`
    /// Of a key that is found by its public part: `digest` is that part's, and this the whole
    /// key's.
    std::optional<Digest> secret_digest;
    std::string sealed;   // the key itself, for who has the key file; empty: nobody gets it back
    bool readable = true; // false: only KeyStore::each makes such a record, of a damaged row

    bool operator==(const KeyRecord&) const = default;
};

struct OwnerRecord {
    std::string api;
    std::string id;
    std::string name;
    std::optional<std::string> plan;
    OwnerStatus status = OwnerStatus::active;
    std::string attributes = "{}"; // a JSON object, kept as written
    bool readable = true; // false: only KeyStore::each makes such a record, of a damaged row

    bool operator==(const OwnerRecord&) const = default;
};

/// Owners are named within their API.
struct OwnerName {
    std::string api;
    std::string id;

    auto operator<=>(const OwnerName&) const = default;
};

struct OwnerNameHash {
    std::size_t operator()(const OwnerName& name) const {
        return std::hash<std::string>{}(name.id) ^ std::hash<std::string>{}(name.api);
    }
};

[[nodiscard]] std::string_view to_string(Mode mode);
[[nodiscard]] std::string_view to_string(KeyStatus status);
[[nodiscard]] std::string_view to_string(OwnerStatus status);
[[nodiscard]] std::optional<Mode> mode_from(std::string_view text);
[[nodiscard]] std::optional<KeyStatus> key_status_from(std::string_view text);
[[nodiscard]] std::optional<OwnerStatus> owner_status_from(std::string_view text);

/// RFC 3339 in UTC, whole seconds: `2026-03-11T10:30:00Z`.
[[nodiscard]] std::string to_text(Time time);
/// Reads RFC 3339 with `Z` or an offset; fractions of a second are cut off. Years 1970..9999.
[[nodiscard]] std::optional<Time> time_from(std::string_view text);

} // namespace keygate::keys
