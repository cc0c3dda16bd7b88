#include "proxy/ejection.hpp"

#include <algorithm>

namespace keygate::proxy {

Ejection::State Ejection::state(SteadyTime now) const {
    if (!is_out_) return State::in;
    return now >= until_ && !has_trial_ ? State::due : State::out;
}

bool Ejection::begin_trial(SteadyTime now) {
    if (state(now) != State::due) return false;
    has_trial_ = true;
    return true;
}

void Ejection::succeed(bool was_trial) {
    if (is_out_ && !was_trial) return;
    *this = Ejection{settings_};
}

bool Ejection::fail(SteadyTime now, bool was_trial) {
    if (is_out_ && !was_trial) return false;
    if (!is_out_ && (settings_.failures == 0 || ++failures_ < settings_.failures)) return false;
    put_out(now);
    return true;
}

void Ejection::put_out(SteadyTime now) {
    // Doubled each time; beyond 2^20 no setting is.
    const auto longer = settings_.time * (std::int64_t{1} << std::min<std::uint32_t>(times_, 20));
    until_ = now + std::min<config::milliseconds>(longer, settings_.max_time);
    ++times_;
    failures_ = 0;
    is_out_ = true;
    has_trial_ = false;
}

} // namespace keygate::proxy
