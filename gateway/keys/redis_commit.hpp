#pragma once

#include "keys/redis_talk.hpp"
#include "keys/store.hpp"

namespace keygate::keys {

/// Makes a change in one transaction: records, indexes, uses, the receipt, and a message on
/// kg:changes for each record. In a watched section, with what the section has read; it ends it.
/// Otherwise it watches what it reads itself. @errors as KeyStore::commit
[[nodiscard]] Result<void> commit_to_redis(RedisTalk& talk, const Change& change);

} // namespace keygate::keys
