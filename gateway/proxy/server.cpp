#include "proxy/server.hpp"

namespace keygate::proxy {

namespace {

constexpr std::chrono::seconds quiet_time{10};

} // namespace

Standing::State Standing::state(SteadyTime now) const {
    if (!is_well()) return State::unwell;
    if (is_clean_.load(std::memory_order_relaxed)) return State::in;
    const std::lock_guard lock{mutex_};
    switch (ejection_.state(now)) {
    case Ejection::State::in:
        return State::in;
    case Ejection::State::due:
        return State::due;
    case Ejection::State::out:
        break;
    }
    return State::out;
}

bool Standing::begin_trial(SteadyTime now) {
    const std::lock_guard lock{mutex_};
    return ejection_.begin_trial(now);
}

void Standing::succeed(bool was_trial) {
    if (is_clean_.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock{mutex_};
    ejection_.succeed(was_trial);
    if (ejection_.is_clean()) is_clean_.store(true, std::memory_order_relaxed);
}

void Standing::fail(SteadyTime now, bool was_trial) {
    const std::lock_guard lock{mutex_};
    is_clean_.store(false, std::memory_order_relaxed);
    if (ejection_.fail(now, was_trial)) ejections_.fetch_add(1, std::memory_order_relaxed);
}

bool Standing::may_tell(SteadyTime now) {
    const SteadyTime::rep at = now.time_since_epoch().count();
    SteadyTime::rep before = told_at_.load(std::memory_order_relaxed);
    if (before != 0 && at - before < SteadyTime::duration{quiet_time}.count()) return false;
    return told_at_.compare_exchange_strong(before, at, std::memory_order_relaxed);
}

void Standing::abandon_trial() {
    const std::lock_guard lock{mutex_};
    ejection_.abandon_trial();
}

} // namespace keygate::proxy
