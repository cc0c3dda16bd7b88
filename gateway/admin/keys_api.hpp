#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

// /admin/v1/keys and what is below it. Every call takes the key's id, empty for the collection.
namespace keygate::admin {

/// Makes a key (201; the key itself stands in this one answer and nowhere else), or brings in one
/// that exists already when the body has its `digest`.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> create_key(const Context& context,
                                                                   std::string id, Request request);

/// In the order of creation; `api=`, `owner=`, `prefix=`, `status=` (also `expired`),
/// `unused_since=`, `cursor=`, `limit=`.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> list_keys(const Context& context,
                                                                  std::string id, Request request);

[[nodiscard]] boost::asio::awaitable<Checked<Response>> get_key(const Context& context,
                                                                std::string id, Request request);

/// Changes what the body mentions; `null` takes a value away.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> update_key(const Context& context,
                                                                   std::string id, Request request);

/// The record is gone, and the key unknown; what it used stays with its owner.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> delete_key(const Context& context,
                                                                   std::string id, Request request);

// Each acts on every request that is sent after the answer. Doing it twice is not an error.
[[nodiscard]] boost::asio::awaitable<Checked<Response>>
disable_key(const Context& context, std::string id, Request request);
[[nodiscard]] boost::asio::awaitable<Checked<Response>> enable_key(const Context& context,
                                                                   std::string id, Request request);
/// For good.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> revoke_key(const Context& context,
                                                                   std::string id, Request request);

/// A new key in the place of this one, which ends after `grace_seconds`. There is no instant at
/// which neither works, and without grace none at which both do.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> rotate_key(const Context& context,
                                                                   std::string id, Request request);

} // namespace keygate::admin
