#pragma once

#include "base/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace keygate::proxy {

/// How many requests of one thread may be sent again, so that an upstream in trouble does not get
/// many times its load: a share of those that were sent, and a few in each second, so that it works
/// for those with few requests. No clock and no lock.
class RetryBudget {
  public:
    static constexpr std::int64_t per_second = 10;
    /// What can be saved up, in retries.
    static constexpr std::int64_t most = 100;

    /// @param percent  of the requests, 0..100.
    explicit RetryBudget(std::uint32_t percent)
        : percent_(percent) {}

    void count_request() { saved_ = std::min(saved_ + percent_, most * 100); }

    /// True if one more may be sent again; it is spent then.
    [[nodiscard]] bool spend(SteadyTime now) {
        if (now - second_began_ >= std::chrono::seconds{1}) {
            second_began_ = now;
            in_this_second_ = 0;
        }
        if (in_this_second_ < per_second) {
            ++in_this_second_;
            return true;
        }
        if (saved_ < 100) return false;
        saved_ -= 100;
        return true;
    }

  private:
    std::int64_t percent_;
    std::int64_t saved_ = 0; // in hundredths of a retry
    std::int64_t in_this_second_ = 0;
    SteadyTime second_began_{};
};

} // namespace keygate::proxy
