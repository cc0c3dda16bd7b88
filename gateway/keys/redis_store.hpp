#pragma once

#include "config/settings.hpp"
#include "keys/store.hpp"

#include <memory>

namespace keygate::keys {

/// The store in a Redis, which other gateways and products write to at the same time: the contract
/// is deploy/redis.md. A Redis that is away, a replica or a cluster is a Fault of every call until
/// that ends. Nothing is dialled here.
[[nodiscard]] std::unique_ptr<KeyStore> make_redis_store(const config::Redis& settings);

/// The same, and it is dialled.
[[nodiscard]] Result<std::unique_ptr<KeyStore>> open_redis_store(const config::Redis& settings);

} // namespace keygate::keys
