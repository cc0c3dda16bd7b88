#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <string>

// POST /admin/v1/keys:import
namespace keygate::admin {

inline constexpr std::size_t max_import_rows = 1000;

/// Brings in up to 1000 existing keys, all or none. `?dry_run=true` changes nothing and lists what
/// is wrong: `{"object":"import","dry_run":true,"mistakes":[{"row","message"}]}`.
[[nodiscard]] boost::asio::awaitable<Checked<Response>>
import_keys(const Context& context, std::string id, Request request);

} // namespace keygate::admin
