#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"
#include "base/secret.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

// The two ways in which a key itself gets into an answer: when it is made, and when it was sealed
// then and an operator asks for it.
namespace keygate::admin {

/// Puts a key into an answer that is a JSON object with one member or more.
void reveal_once(Response& response, const Secret& secret);

/// Shows a key again that was sealed when it was made (`recoverable`). It stands in the answer and
/// nowhere else: in no receipt, and not in the log, which tells who has asked. 409 where nothing
/// was kept, and of a revoked key.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> reveal_key(const Context& context,
                                                                   std::string id, Request request);

} // namespace keygate::admin
