#pragma once

#include "config/reader.hpp"

#include <array>
#include <optional>
#include <vector>

namespace keygate::config {

inline constexpr std::array<Word<Truth>, 3> truth_words{
    {{"local", Truth::local}, {"shared", Truth::shared}, {"leased", Truth::leased}}};

inline constexpr std::array<Word<WhenAway>, 3> away_words{
    {{"local", WhenAway::local}, {"allow", WhenAway::allow}, {"refuse", WhenAway::refuse}}};

inline constexpr std::array<Word<LimitFields>, 4> field_words{{{"draft10", LimitFields::draft10},
                                                               {"legacy-ietf", LimitFields::ietf},
                                                               {"x-delta", LimitFields::delta},
                                                               {"x-epoch", LimitFields::epoch}}};

/// `test: {quota: …}`: do test keys spend quotas?
inline constexpr std::array<Word<bool>, 2> test_quota_words{{{"exempt", false}, {"count", true}}};

/// `limits:` of an API:
///
///     truth: shared
///     when_away: refuse                       or {rate: local, quota: allow, concurrency: refuse}
///     time_zone: Europe/Berlin                of quotas that name none
///     fields: [draft10, x-delta]              or one of them, or none
///     test: {quota: exempt, rate: 10/1s}      of test keys
/// @param profile  says which fields tell of them where this does not.
[[nodiscard]] Limits read_api_limits(const std::optional<View>& view, const Profile& profile);

/// `fields:` alone; a profile has it as `limit_fields`.
void read_limit_fields(const std::optional<View>& view, std::vector<LimitFields>& out);

/// Where limits are counted that say nothing of it.
[[nodiscard]] constexpr Truth truth_of(const Limits& limits, bool has_redis) {
    return limits.truth.value_or(has_redis ? Truth::leased : Truth::local);
}

} // namespace keygate::config
