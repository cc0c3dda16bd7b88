#pragma once

#include "gate/lane.hpp"
#include "http/forwarded.hpp"

#include <string_view>

namespace keygate::gate {

/// Refuses a connection that has not asked anything yet, counts and logs it. Where it can be said
/// without a wait it is said: in HTTP, but to nobody who expects TLS. The descriptor is still open
/// afterwards, and good for nothing but to be closed.
void turn_away(Lane& lane, int descriptor, http::Scheme scheme, std::string_view address,
               const Refusal& refusal);

} // namespace keygate::gate
