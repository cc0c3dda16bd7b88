#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

// POST and GET /admin/v1/keys, POST /admin/v1/keys:import, GET /admin/v1/keys/{id}, POST
// …/{id}:revoke
namespace keygate::admin {

inline constexpr std::size_t max_import_rows = 1000;

/// Makes a key (201; the key itself stands in this one answer and nowhere else), or brings in one
/// that exists already when the body has its `digest`.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> create_key(const Context& context,
                                                                   Request request);

/// Brings in up to 1000 existing keys, all or none. `?dry_run=true` changes nothing and lists what
/// is wrong: `{"object":"import","dry_run":true,"mistakes":[{"row","message"}]}`.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> import_keys(const Context& context,
                                                                    Request request);

/// In the order of creation; `api=`, `owner=`, `status=` (also `expired`), `cursor=`, `limit=`.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> list_keys(const Context& context,
                                                                  Request request);

[[nodiscard]] boost::asio::awaitable<Checked<Response>> get_key(const Context& context,
                                                                std::string id, Request request);

/// For good. Requests that are sent after the answer are refused; doing it twice is not an error.
[[nodiscard]] boost::asio::awaitable<Checked<Response>> revoke_key(const Context& context,
                                                                   std::string id, Request request);

} // namespace keygate::admin
