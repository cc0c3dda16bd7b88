#pragma once

#include "config/judged.hpp"
#include "config/reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Limits as they stand in plans, routes, key records and under `limits:`. Each reports its mistakes
// and leaves out what cannot be read; what is returned is named (config/limit_names.hpp).
namespace keygate::config {

/// Who says so: that decides whom a limit counts by where it does not say, and whom it may.
enum class LimitOf : std::uint8_t {
    plan,  // rates and concurrency by key, quotas by owner
    key,   // all by key
    route, // by key, on a public route by address
    test   // by key
};

/// `rate:` a scalar `100/1m`, a mapping `{rate, burst, by, name, dry_run}`, or a list of those: at
/// most 8, no two that count the same (kind, window, by).
/// @param route  `METHOD PATH` with LimitOf::route. @param is_public  a public route, which has
///               neither keys nor owners.
[[nodiscard]] std::vector<Limit> read_rates(const View& view, LimitOf of,
                                            std::string_view route = {}, bool is_public = false);

/// `quota:` a mapping from meters to `1000/month` or `{limit, by, time_zone, name, dry_run}`, or a
/// list of those for several of one meter; at most 8. `requests` counts every allowed request.
/// @param zone  of those that name none.
[[nodiscard]] std::vector<Limit> read_quotas(const View& view, LimitOf of, const std::string& zone);

/// `concurrency:` a number, or `{limit, by, name, dry_run}`, or a list of those that count by
/// different subjects.
[[nodiscard]] std::vector<Limit> read_concurrency(const View& view, LimitOf of,
                                                  std::string_view route = {},
                                                  bool is_public = false);

/// `limits:` of an API.
[[nodiscard]] Limits read_limits(const View& view);

/// `rate` and `quota` of a key's record, each the text of YAML as it stands in a plan, empty where
/// it is absent. Never throws; `wrong` names the field and what is allowed.
[[nodiscard]] Judged<KeyLimits> read_key_limits(const std::string& rate, const std::string& quota);

} // namespace keygate::config
