#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

// /admin/v1/owners and what is below it. `api=` may be left out when the configuration has one API.
namespace keygate::admin {

/// Creates or replaces an owner: 201 or 200 with the record. A changed plan or status counts for
/// every request that is sent after the answer.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> put_owner(const Context& context,
                                                                  std::string id, Request request);

[[nodiscard]] boost::asio::awaitable<Checked<Response>> get_owner(const Context& context,
                                                                  std::string id, Request request);

/// The record and what its keys used; 409 while there are keys.
[[nodiscard]] boost::asio::awaitable<Checked<Response>>
delete_owner(const Context& context, std::string id, Request request);

/// Owners of `api=`, or of all APIs, by API and id; `cursor=`, `limit=`.
[[nodiscard]] boost::asio::awaitable<Checked<Response>>
list_owners(const Context& context, std::string id, Request request);

} // namespace keygate::admin
