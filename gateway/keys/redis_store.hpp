#pragma once
#include "config/settings.hpp"
#include "keys/store.hpp"

namespace keygate::keys {
Result<std::unique_ptr<KeyStore>> open_redis_store(const config::Redis&);
}
