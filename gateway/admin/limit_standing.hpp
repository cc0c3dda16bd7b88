#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"
#include "keys/live_keys.hpp"
#include "keys/store.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <optional>
#include <vector>

// Where a key or an owner stands, as the operator sees it: in the process where it is counted
// there, else in the store.
namespace keygate::admin {

struct LimitStanding {
    config::Limit limit;
    std::uint64_t used = 0;              // in the window of now; of a bucket, what is in it
    std::optional<keys::Time> resets_at; // when nothing of that counts any more
};

/// The rates and quotas of plans and of the key's record that count by key, or by owner, and counts
/// of meters. Requests at once and limits of routes are not among them.
/// @param record  of the key; none where it is about an owner alone. The store's thread.
[[nodiscard]] Checked<std::vector<LimitStanding>>
standings_of(const keys::SpentBy& by, const std::optional<keys::KeyRecord>& record,
             config::LimitBy which, const Context& context, keys::KeyStore& store,
             const keys::LiveKeys& live);

/// As the limit itself, with `used` and `resets_at`.
[[nodiscard]] boost::json::object to_json(const LimitStanding& standing);

} // namespace keygate::admin
