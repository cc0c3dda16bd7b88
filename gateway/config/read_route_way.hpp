#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

namespace keygate::config {

/// Where a route leads and how:
///
///     upstream: v2                        one name, or {live: v2, test: v2_test}
///     rewrite: {prefix: /v1, with: /api}  the path that the upstream gets
///     timeouts: {first_byte: 5s}          also `idle` and `total`: in place of the upstream's
///     max_body: 10MiB                     in place of the client's
///
/// What the gateway answers by itself has none of the first three.
/// @param api    its upstreams are read already.
/// @param route  its pattern is read already, or empty if it cannot be.
void read_way(Fields& fields, const Api& api, Route& route);

} // namespace keygate::config
