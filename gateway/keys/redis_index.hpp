#pragma once

#include "keys/redis_talk.hpp"
#include "keys/store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What keygate keeps beside the records in Redis, so that they are found by more than their digest.
// All of it can be made anew from the records (keys/redis_reindex.hpp). An entry is a hint and
// never the truth: whoever follows it looks at the record.
namespace keygate::keys {

inline constexpr std::string_view index_prefix = "kg:index:";
inline constexpr const char* ids_index = "kg:index:ids";       // hash: id -> digest
inline constexpr const char* next_number = "kg:index:next";    // counter of creations
inline constexpr const char* keys_index = "kg:index:keys";     // all digests by creation number
inline constexpr const char* active_index = "kg:index:active"; // of active keys by created_at
inline constexpr const char* owners_index = "kg:index:owners"; // `<api>:<id>`, by name
inline constexpr const char* pepper_proofs = "kg:peppers";     // hash: name -> proof

[[nodiscard]] std::string owner_index(const OwnerName& owner);
[[nodiscard]] std::string prefix_index(std::string_view prefix);
[[nodiscard]] std::string status_index(KeyStatus status);
[[nodiscard]] std::string pepper_index(std::string_view pepper);
/// Remembers for a day that a key was deleted: what it did is told later, and then its owner's.
[[nodiscard]] std::string gone_name(std::string_view id);
/// Touched by whoever makes or removes a key with that id, and watched by who depends on it: the
/// index of all ids is one hash, and whoever watched that would lose to every creation elsewhere.
[[nodiscard]] std::string guard_name(std::string_view id);
/// Hash: `<id>|total`, `<id>|last`, `<id>|month`, `<id>|in_month`; without id: of deleted keys.
[[nodiscard]] std::string use_name(const OwnerName& owner);
[[nodiscard]] std::string receipt_name(std::string_view name);

/// The sorted sets in which a key stands by its creation number.
[[nodiscard]] std::vector<std::string> lists_of(const KeyRecord& key);
/// Whether it counts for the age of the oldest key.
[[nodiscard]] bool has_age(const KeyRecord& key);

/// A record as it was read, damaged or not; nothing where there is none.
[[nodiscard]] Result<std::optional<KeyRecord>> key_in(const Digest& digest,
                                                      const redis::Reply& hgetall);
[[nodiscard]] Result<std::optional<OwnerRecord>> owner_in(const OwnerName& name,
                                                          const redis::Reply& hgetall);

/// Whether a record that was found through the index is the one with that id; one whose id cannot
/// be read is.
[[nodiscard]] bool bears(const KeyRecord& key, const std::string& id);

/// Members and numbers of a reply with scores.
struct Scored {
    std::string member;
    std::int64_t score = 0;
};

[[nodiscard]] Result<std::vector<Scored>> scored(const redis::Reply& reply,
                                                 std::string_view command);

} // namespace keygate::keys
