#include "proxy/breaker.hpp"

namespace keygate::proxy {

Breaker::Pass Breaker::ask(SteadyTime now) {
    if (state_ == State::open && now >= open_until_) {
        state_ = State::trials;
        ++turn_;
        trials_begun_ = trials_passed_ = 0;
    }
    Pass pass;
    pass.turn = turn_;
    switch (state_) {
    case State::closed:
        break;
    case State::open:
        pass.is_open = true;
        pass.opens_in = std::chrono::ceil<std::chrono::milliseconds>(open_until_ - now);
        break;
    case State::trials:
        pass.is_trial = trials_begun_ < settings_.trials;
        pass.is_open = !pass.is_trial;
        // How long the trials take nobody knows.
        if (pass.is_open) pass.opens_in = settings_.open;
        if (pass.is_trial) ++trials_begun_;
    }
    return pass;
}

void Breaker::abandon(const Pass& pass) {
    if (pass.is_trial && pass.turn == turn_) --trials_begun_;
}

bool Breaker::count(SteadyTime now, const Pass& pass, bool has_failed) {
    if (pass.is_open || pass.turn != turn_) return false;
    if (pass.is_trial) return count_trial(now, has_failed);
    roll(now);
    ++now_.requests;
    if (has_failed) ++now_.failures;
    const std::uint64_t requests = now_.requests + before_.requests;
    const std::uint64_t failures = now_.failures + before_.failures;
    if (!has_failed || requests < settings_.requests ||
        failures * 100 < requests * settings_.failures)
        return false;
    open(now);
    return true;
}

bool Breaker::count_trial(SteadyTime now, bool has_failed) {
    if (has_failed) {
        open(now);
        return true;
    }
    if (++trials_passed_ == settings_.trials) close();
    return false;
}

void Breaker::open(SteadyTime now) {
    state_ = State::open;
    ++turn_;
    open_until_ = now + settings_.open;
}

void Breaker::close() {
    state_ = State::closed;
    ++turn_;
    now_ = before_ = {};
}

/// The window moves by halves: it is never shorter than half of what was asked for, and never
/// longer.
void Breaker::roll(SteadyTime now) {
    const auto half = settings_.window / 2;
    if (now - half_began_ < half) return;
    before_ = now - half_began_ < 2 * half ? now_ : Half{};
    now_ = {};
    half_began_ = now;
}

} // namespace keygate::proxy
