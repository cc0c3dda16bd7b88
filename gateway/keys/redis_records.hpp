#pragma once

#include "keys/record.hpp"
#include "redis/reply.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

// Records as hashes of Redis: the contract of deploy/redis.md, to which products write as well.
// Pure and strict: what is not exactly right is not read at all, because what is overlooked (an
// `expire_at` for an `expires_at`) would let a key live longer than its writer meant.
namespace keygate::keys {

inline constexpr std::string_view redis_key_prefix = "kg:key:";
inline constexpr std::string_view redis_owner_prefix = "kg:owner:";
/// The channel on which each commit names the records that it changed, each by its Redis key.
inline constexpr std::string_view redis_changes = "kg:changes";

/// `kg:key:<64 hex>`
[[nodiscard]] std::string key_name(const Digest& digest);
/// `kg:owner:<api>:<id>`; an API has no colon in its name, an id may have.
[[nodiscard]] std::string owner_name(const OwnerName& owner);
/// By what a script knows a record again: SHA-1 of its fields and values, each behind its length,
/// in the order in which HGETALL has them. Of no record: of nothing.
[[nodiscard]] std::string record_mark(const redis::Reply& hgetall);
[[nodiscard]] std::optional<Digest> digest_in(std::string_view redis_key);
[[nodiscard]] std::optional<OwnerName> owner_in(std::string_view redis_key);

/// Why a record cannot be read. Names fields, never their values.
struct Unreadable {
    std::string why;
};

using ReadKey = std::variant<std::monostate, KeyRecord, Unreadable>;
using ReadOwner = std::variant<std::monostate, OwnerRecord, Unreadable>;

/// A record from the reply of its HGETALL; std::monostate where there is none. The error reply
/// WRONGTYPE is unreadable; no other error reply belongs here.
[[nodiscard]] ReadKey read_key_record(const Digest& digest, const redis::Reply& hgetall);
[[nodiscard]] ReadOwner read_owner_record(const OwnerName& name, const redis::Reply& hgetall);

/// What can be read of a damaged record, with `readable` = false.
[[nodiscard]] KeyRecord damaged_key_record(const Digest& digest, const redis::Reply& hgetall);
[[nodiscard]] OwnerRecord damaged_owner_record(const OwnerName& name, const redis::Reply& hgetall);

/// Fields and values in turn, as HSET takes them; optional ones that say nothing are left out.
/// @errors  invalid_argument for what would not be read back as it is.
[[nodiscard]] Result<redis::Command> fields_of(const KeyRecord& key);
[[nodiscard]] Result<redis::Command> fields_of(const OwnerRecord& owner);

} // namespace keygate::keys
