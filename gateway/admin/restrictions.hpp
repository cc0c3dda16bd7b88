#pragma once

#include "admin/errors.hpp"
#include "admin/json.hpp"
#include "keys/catalog.hpp"
#include "keys/record.hpp"
#include "keys/texts.hpp"

#include <string>
#include <string_view>
#include <vector>

// From where and for what a key may be used, as operators write it. An empty list is refused: it
// would mean "nowhere" to one reader and "anywhere" to the next.
namespace keygate::admin {

/// `addresses`, `referrers` or `endpoints`: one or more texts; empty if absent or null.
[[nodiscard]] std::vector<std::string> read_restriction(Members& in, std::string_view name);

/// `bind`: an object of one or more texts, of members that the API's paths are bound to; empty if
/// absent or null.
[[nodiscard]] keys::TextMap read_bind(Members& in, const keys::ApiNames& api);

/// 422 for restrictions of a record that would not be read.
/// @param prefix  put before member names in messages: `keys[3].`
[[nodiscard]] Checked<void> judge_restrictions(const keys::KeyRecord& record,
                                               const std::string& prefix);

} // namespace keygate::admin
