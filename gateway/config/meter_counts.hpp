#pragma once

#include "config/settings.hpp"

#include <vector>

namespace keygate::config {

/// Counts of every meter that the API's routes name, by key and by owner for each month: what a
/// caller is told of its use (`answer: whoami`, `keygate usage show`) where no quota of its plan
/// counts the same. They refuse nobody, and a plan that bounds the meter later goes on from them.
[[nodiscard]] std::vector<Limit> meter_counts(const Api& api);

} // namespace keygate::config
