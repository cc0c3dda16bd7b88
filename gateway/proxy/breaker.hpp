#pragma once

#include "base/clock.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <cstdint>

namespace keygate::proxy {

/// Whether an upstream as a whole is left alone because too many of its requests fail. A state
/// machine without clock and lock.
///
///     closed ──too many fail──> open ──time──> trials ──all well──> closed
///                                 ^──────one fails─────┘
class Breaker {
  public:
    explicit Breaker(const config::Breaker& settings)
        : settings_(settings) {}

    /// May a request be sent? Whoever is let in tells what became of it, once.
    struct Pass {
        bool is_open = false;                 // it is not
        std::chrono::milliseconds opens_in{}; // then
        bool is_trial = false;                // it finds out
        std::uint64_t turn = 0;               // to be told with the result
    };

    [[nodiscard]] Pass ask(SteadyTime now);

    void succeed(SteadyTime now, const Pass& pass) { count(now, pass, false); }

    /// True if it opens.
    bool fail(SteadyTime now, const Pass& pass) { return count(now, pass, true); }

    /// It ended without a result.
    void abandon(const Pass& pass);

  private:
    bool count(SteadyTime now, const Pass& pass, bool has_failed);
    bool count_trial(SteadyTime now, bool has_failed);
    void open(SteadyTime now);
    void close();
    void roll(SteadyTime now);

    config::Breaker settings_;
    enum class State : std::uint8_t { closed, open, trials } state_ = State::closed;
    std::uint64_t turn_ = 0; // changes with the state: late results count for nothing

    // Closed: this half of the window and the one before.
    struct Half {
        std::uint64_t requests = 0;
        std::uint64_t failures = 0;
    };

    Half now_;
    Half before_;
    SteadyTime half_began_{};

    SteadyTime open_until_{};
    std::uint32_t trials_begun_ = 0;
    std::uint32_t trials_passed_ = 0;
};

} // namespace keygate::proxy
