#pragma once
#include "keys/store.hpp"
#include "config/settings.hpp"
namespace keygate::keys { Result<std::unique_ptr<KeyStore>> open_redis_store(const config::Redis&); }
