#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"
#include "keys/store.hpp"

#include <boost/json/fwd.hpp>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// How records read in answers, and what every list has in common.
namespace keygate::admin {

[[nodiscard]] boost::json::object to_json(const keys::OwnerRecord& owner);

/// `status` shows `expired`, which no store keeps, and `unreadable` for a damaged record. `scopes`
/// is the whole vocabulary for a key that has all of them, and null for a key of an API that the
/// configuration does not know.
[[nodiscard]] boost::json::object to_json(const keys::KeyRow& key, const keys::Catalog& catalog,
                                          keys::Time now);

/// What the record is, in one word: two of them are equal exactly if the records are (RFC 9110
/// 8.8.3). What a key was used for is not part of it, nor is the time that makes it expire.
[[nodiscard]] std::string etag_of(const keys::KeyRecord& key);
[[nodiscard]] std::string etag_of(const keys::OwnerRecord& owner);

[[nodiscard]] Response reply(unsigned status, const boost::json::object& body,
                             const std::string& etag = {});

/// `{"object":"list","data":[…],"has_more","next_cursor"}`
[[nodiscard]] Response list_reply(boost::json::array&& data, std::optional<std::string> next);

/// 400 for a parameter that is not in the list, or is there twice.
[[nodiscard]] Checked<void> only_parameters(const Request& request,
                                            std::span<const std::string_view> allowed);
[[nodiscard]] Checked<void> only_parameters(const Request& request,
                                            std::initializer_list<std::string_view> allowed);

/// A time in a parameter; nothing when absent.
[[nodiscard]] Checked<std::optional<keys::Time>> read_time(const Request& request,
                                                           std::string_view name);

/// `status=`: one of those that are stored, or `expired`, which is shown alone; nothing when
/// absent.
[[nodiscard]] Checked<void> read_status(const Request& request, keys::KeyFilter& filter);

/// `true` or `false`; false when absent.
[[nodiscard]] Checked<bool> read_flag(const Request& request, std::string_view name);

/// `limit=`, 1..100, 20 when absent.
[[nodiscard]] Checked<std::size_t> read_limit(const Request& request);

/// `api=`: a name in the configuration; nothing when absent.
[[nodiscard]] Checked<std::optional<std::string>> read_api(const Request& request,
                                                           const keys::Catalog& catalog);

/// The same, or the only API there is; 400 where it must be told.
[[nodiscard]] Checked<std::string> the_api(const Request& request, const keys::Catalog& catalog);

} // namespace keygate::admin
