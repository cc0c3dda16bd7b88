#include "net/wheel.hpp"

#include <algorithm>

namespace keygate::net {

void Deadline::set(std::chrono::milliseconds after) {
    // The tick under way has partly passed already: one more, so that nothing is told early.
    due_ = wheel_.ticks(wheel_.now_ + after) + 1;
    if (linked_ <= due_ && !link_.is_alone()) return;
    wheel_.link(*this);
}

void Wheel::link(Deadline& deadline) {
    deadline.link_.leave();
    deadline.link_.owner = &deadline;
    deadline.linked_ = std::max(deadline.due_, told_ + 1);
    deadline.link_.enter(slots_[static_cast<std::size_t>(deadline.linked_) % slots]);
}

bool Wheel::advance(SteadyTime now) {
    now_ = now;
    int told_now = 0;
    const std::int64_t target = ticks(now);
    // After a long pause (a stopped process) each slot is visited once, not once per lost round.
    std::int64_t next = std::max(told_ + 1, target - static_cast<std::int64_t>(slots) + 1);
    for (; next <= target; ++next) {
        Deadline::Link due;
        Deadline::Link& slot = slots_[static_cast<std::size_t>(next) % slots];
        if (slot.is_alone()) continue;
        // Onto a list of our own: handlers may link into this slot again.
        slot.give_all(due);
        told_ = next;
        while (!due.is_alone()) {
            if (told_now == portion) {
                // The rest stays in its slot, before what was linked there meanwhile; the slot is
                // visited again.
                due.give_all(slot);
                told_ = next - 1;
                return false;
            }
            Deadline& deadline = *due.next->owner;
            deadline.link_.leave();
            deadline.linked_ = Deadline::never;
            if (!deadline.is_set()) continue;
            if (deadline.due_ > target) {
                link(deadline);
                continue;
            }
            deadline.clear();
            deadline.handler_.on_deadline();
            ++told_now;
        }
    }
    told_ = std::max(told_, target);
    return true;
}

} // namespace keygate::net
