#pragma once

#include "config/settings.hpp"
#include "keys/redis_talk.hpp"
#include "keys/usage.hpp"

#include <span>
#include <string>
#include <vector>

// What gateways count in Redis (limit/redis_script.hpp has its form), seen from the operator's
// side.
namespace keygate::keys {

/// `kg:rl:{<api>:<owner>}:k:<id>`, or `…:o` of an owner.
[[nodiscard]] std::string spent_name(const SpentBy& by);

/// One for each limit. Damage here costs a number that is shown.
[[nodiscard]] Result<std::vector<Spent>> read_spent(RedisTalk& talk, const SpentBy& by,
                                                    std::span<const config::Limit> limits);

} // namespace keygate::keys
