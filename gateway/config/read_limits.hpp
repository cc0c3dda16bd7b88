#pragma once

#include "config/judged.hpp"
#include "config/reader.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Limits as they stand in plans, routes, key records and under `limits:`. Each reports its mistakes
// and leaves out what cannot be read; what is read is named (config/limit_names.hpp).
namespace keygate::config {

inline constexpr std::array<Word<LimitBy>, 4> by_words{{{"key", LimitBy::key},
                                                        {"owner", LimitBy::owner},
                                                        {"route", LimitBy::route},
                                                        {"address", LimitBy::address}}};

/// Who says so: that decides whom a limit counts by where it does not say, and whom it may.
enum class LimitOf : std::uint8_t {
    plan,  // rates and concurrency by key, quotas by owner
    key,   // all by key
    route, // by key, on a public route by address
    test   // by key
};

/// Where limits stand.
struct LimitHome {
    LimitOf of = LimitOf::plan;
    std::string_view route = {}; // `METHOD PATH`, of a route; must outlive this
    bool is_public = false;      // a route that may have neither key nor owner
};

/// Whom a limit of this kind counts by where it does not say.
[[nodiscard]] LimitBy default_by(const LimitHome& home, const Limit& limit);

/// What a limit is called where it has no name: a rate by its text, a quota by its meter, the
/// second of one meter `tests-day`, requests at once `concurrency`.
/// @param before  those that stand before it in its list.
[[nodiscard]] std::string default_name(const Limit& limit, std::span<const Limit> before);

// Each adds to `limits`, the list of a plan, a route or a key: no two in it count the same, or
// have the same name.

/// `rate:` a scalar `100/1m`, a mapping `{rate, burst, by, name, dry_run}`, or a list of those: at
/// most 8.
void read_rates(const std::optional<View>& view, const LimitHome& home, std::vector<Limit>& limits);

/// `quota:` a mapping from meters to `1000/month` or `{limit, by, time_zone, name, dry_run}`, or a
/// list of those for several of one meter; at most 8. `requests` counts every allowed request.
/// @param zone  of those that name none.
void read_quotas(const std::optional<View>& view, const LimitHome& home, const std::string& zone,
                 std::vector<Limit>& limits);

/// `concurrency:` a number, or `{limit, by, name, dry_run}`, or a list of those that count by
/// different subjects.
void read_concurrency(const std::optional<View>& view, const LimitHome& home,
                      std::vector<Limit>& limits);

/// `time_zone:`
/// @returns  what the machine knows of it, and its name in `zone`; null, and a mistake, if it does
///           not know it.
[[nodiscard]] const TimeZone* read_time_zone(const View& view, std::string& zone);

/// `100/1m` alone.
[[nodiscard]] std::optional<Rate> read_plain_rate(const View& view);

/// `rate` and `quota` of a key's record, each the text of YAML (or JSON) as it stands in a plan, at
/// most 4 KiB, empty where it is absent; variables and aliases are not available. Never throws for
/// what is in them; `wrong` is the first mistake, with the field and what is allowed.
/// @param zone  of quotas that name none: `limits.time_zone` of the API.
[[nodiscard]] Judged<KeyLimits> read_key_limits(const std::string& rate, const std::string& quota,
                                                const std::string& zone = "UTC");

} // namespace keygate::config
