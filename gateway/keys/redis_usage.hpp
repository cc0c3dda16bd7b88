#pragma once

#include "keys/redis_talk.hpp"
#include "keys/store.hpp"

#include <array>
#include <span>
#include <string>

namespace keygate::keys {

/// HMGET of what one key did; without id: of the owner's deleted keys.
[[nodiscard]] redis::Command usage_query(const OwnerName& owner, const std::string& id);
/// From its reply. Damage here costs a number that is shown, and decides nothing.
[[nodiscard]] Usage usage_in(const redis::Reply& hmget);
/// The sum, from HGETALL of an owner's uses.
[[nodiscard]] Usage usage_of_all(const redis::Reply& hgetall);
/// Field and value in turn, as HSET takes them.
[[nodiscard]] redis::Command usage_fields(const std::string& id, const Usage& usage);
[[nodiscard]] std::array<std::string, 4> usage_field_names(const std::string& id);

/// Adds up inside Redis, so that many gateways may add at once.
[[nodiscard]] Result<void> add_usage(RedisTalk& talk, std::span<const UsageDelta> uses);

} // namespace keygate::keys
