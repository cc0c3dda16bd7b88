#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

// What keys and owners have used, and that it is forgotten.
namespace keygate::admin {

/// `?key=` or `?owner=` (and `api=`): `{"object":"usage","key","owner","api","last_used_at",
/// "counters":{"requests":{"total","month"}},"limits":[…]}`. Allowed requests only; months are
/// those of UTC. `limits` are the rates and quotas that count by that key or owner, and where it
/// stands.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> get_usage(const Context& context,
                                                                  std::string id, Request request);

/// `{"key"}` or `{"api","owner"}`: its rates and quotas begin anew, here at once, in other gateways
/// within a second. What runs still counts, and totals of use stay. Of an owner it is what counts
/// by owner; each key is reset by itself.
[[nodiscard]] boost::asio::awaitable<Checked<Response>>
reset_usage(const Context& context, std::string id, Request request);

} // namespace keygate::admin
