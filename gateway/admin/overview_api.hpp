#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

// What can be read beside keys and owners, and the copy of the store.
namespace keygate::admin {

/// What keys can be made for: each API with its plans and scopes.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> list_apis(const Context& context,
                                                                  std::string id, Request request);

/// Copies the embedded store to the new file `{"file":"/…"}` while everything goes on. Only over
/// the unix socket: who may write files here is not decided by a token.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> back_up(const Context& context,
                                                                std::string id, Request request);

/// The description of this API, OpenAPI 3.1.
[[nodiscard]] boost::asio::awaitable<Checked<Response>>
get_openapi(const Context& context, std::string id, Request request);

} // namespace keygate::admin
