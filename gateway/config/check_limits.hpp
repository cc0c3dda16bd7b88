#pragma once

#include "config/settings.hpp"
#include "config/tree.hpp"

#include <cstdint>

namespace keygate::config {

/// Reports what is wrong with limits only in view of something else: weights that no limit would
/// ever let through, meters without a quota and quotas without a meter, counting in a Redis that is
/// not there, and numbers that cannot be counted in it exactly.
/// @param root  what the settings were read from.
void check_limits(const Node& root, const Settings& settings, Report& report);

/// Redis counts buckets in doubles, a time in microseconds times tokens: can it hold each sum
/// exactly? Limits without a burst it always can.
/// @param heaviest  weight of a request that is counted.
[[nodiscard]] bool is_exact_in_redis(const Rate& rate, std::uint32_t heaviest);

} // namespace keygate::config
