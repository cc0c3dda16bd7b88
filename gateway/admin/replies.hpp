#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/json/fwd.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How records read in answers, and what every list has in common.
namespace keygate::admin {

[[nodiscard]] boost::json::object to_json(const keys::OwnerRecord& owner);

/// `status` shows `expired`, which no store keeps. `scopes` is the whole vocabulary for a key that
/// has all of them, and null for a key of an API that the configuration does not know.
[[nodiscard]] boost::json::object to_json(const keys::KeyRecord& key, const keys::Catalog& catalog,
                                          keys::Time now);

[[nodiscard]] Response reply(unsigned status, const boost::json::object& body);

/// `{"object":"list","data":[…],"has_more","next_cursor"}`
[[nodiscard]] Response list_reply(boost::json::array&& data, std::optional<std::string> next);

/// 400 for a parameter that is not in the list, or is there twice.
[[nodiscard]] Checked<void> only_parameters(const Request& request,
                                            std::initializer_list<std::string_view> allowed);

/// `limit=`, 1..100, 20 when absent.
[[nodiscard]] Checked<std::size_t> read_limit(const Request& request);

/// `api=`: a name in the configuration; nothing when absent.
[[nodiscard]] Checked<std::optional<std::string>> read_api(const Request& request,
                                                           const keys::Catalog& catalog);

} // namespace keygate::admin
