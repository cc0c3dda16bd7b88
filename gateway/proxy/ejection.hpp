#pragma once

#include "base/clock.hpp"
#include "config/settings.hpp"

#include <cstdint>

namespace keygate::proxy {

/// Whether one server is left out because it fails: so many failures in a row put it out, for
/// longer each time; then it gets one request, and by that it is judged. A state machine without
/// clock and lock.
class Ejection {
  public:
    explicit Ejection(const config::Ejection& settings)
        : settings_(settings) {}

    enum class State : std::uint8_t {
        in,
        out,
        due // out, and the request that finds out may be sent
    };
    [[nodiscard]] State state(SteadyTime now) const;

    /// The request that finds out is sent. False if another one is under way, or it is too early.
    [[nodiscard]] bool begin_trial(SteadyTime now);

    /// What a request came to. Of those that were sent before the server was out nothing is learnt.
    void succeed(bool was_trial);
    /// True if it puts the server out, or keeps it there.
    bool fail(SteadyTime now, bool was_trial);

    /// It ended in another way: somebody else finds out.
    void abandon_trial() { has_trial_ = false; }

    /// In, and nothing to remember.
    [[nodiscard]] bool is_clean() const { return !is_out_ && failures_ == 0; }

  private:
    void put_out(SteadyTime now);

    config::Ejection settings_;
    std::uint32_t failures_ = 0; // in a row
    std::uint32_t times_ = 0;    // that it was put out since it was last well
    bool is_out_ = false;
    bool has_trial_ = false;
    SteadyTime until_{};
};

} // namespace keygate::proxy
