#pragma once

#include "config/settings.hpp"
#include "limit/state.hpp"

#include <cstdint>
#include <vector>

// quota_*: so much in each period of a calendar.
namespace keygate::limit {

using config::Quota;

/// The periods of now, so that nobody asks the calendar for each request: it takes some hundred
/// nanoseconds, this a few. Of one thread.
class Calendar {
  public:
    [[nodiscard]] TimeSpan period(const Quota& quota, Instant now);

  private:
    struct Known {
        const TimeZone* zone = nullptr;
        Period period = Period::month;
        TimeSpan span;
    };

    std::vector<Known> known_; // one for each kind that the configuration has: few
};

/// @param period  of `now`.
[[nodiscard]] Verdict test(const Quota& quota, const State& state, TimeSpan period,
                           std::uint64_t cost);
void take(const Quota& quota, State& state, TimeSpan period, std::uint64_t cost);
[[nodiscard]] Standing standing(const Quota& quota, const State& state, TimeSpan period);

/// After the clock was set back: what a period further ahead has counted is counted in this one.
void bring_back(const Quota& quota, State& state, TimeSpan period);

/// Gives back what was taken in the window that began at `taken_in`; nothing where another one has
/// begun since.
void give_back(State& state, std::int64_t taken_in, std::uint64_t cost);

} // namespace keygate::limit
