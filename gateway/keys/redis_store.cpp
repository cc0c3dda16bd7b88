#include "keys/redis_store.hpp"

namespace keygate::keys {
Result<std::unique_ptr<KeyStore>> open_redis_store(const config::Redis&) {
    return Fault{make_error_code(StoreError::not_found), "stub"};
}
} // namespace keygate::keys
