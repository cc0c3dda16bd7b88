#pragma once

#include "admin/errors.hpp"
#include "admin/json.hpp"
#include "config/settings.hpp"
#include "keys/catalog.hpp"
#include "keys/record.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <string_view>

// Limits as operators write and read them: `rate` and `quota` of a key, and those of plans.
namespace keygate::admin {

// As the record keeps it: text as it stands, everything else as JSON; empty if absent or null.

/// `rate`: text such as `100/1m`, an object, or a list of those.
[[nodiscard]] std::string read_rate(Members& in);
/// `quota`: an object.
[[nodiscard]] std::string read_quota(Members& in);

/// 422 for limits of a record that would not be read, or that nothing would ever be counted by.
/// @param prefix  put before member names in messages: `keys[3].`
[[nodiscard]] Checked<void> judge_limits(const keys::KeyRecord& record, const keys::ApiNames& api,
                                         const std::string& prefix);

/// What a record keeps, as answers have it: a JSON value if it is one, else text; null if it is
/// empty.
[[nodiscard]] boost::json::value shown_limit(const std::string& kept);

/// `rate`, `quota` or `concurrency`.
[[nodiscard]] std::string_view kind_of(const config::Limit& limit);
/// `key`, `owner`, `route` or `address`.
[[nodiscard]] std::string_view to_string(config::LimitBy by);
/// `{"name","by","kind","limit","dry_run"}`
[[nodiscard]] boost::json::object to_json(const config::Limit& limit);

} // namespace keygate::admin
