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

void Wheel::advance(SteadyTime now) {
    now_ = now;
    const std::int64_t target = ticks(now);
    // After a long pause (a stopped process) each slot is visited once, not once per lost round.
    std::int64_t next = std::max(told_ + 1, target - static_cast<std::int64_t>(slots) + 1);
    for (; next <= target; ++next) {
        Deadline::Link due;
        Deadline::Link& slot = slots_[static_cast<std::size_t>(next) % slots];
        if (slot.is_alone()) continue;
        // Onto a list of our own: handlers may link into this slot again.
        due.next = slot.next;
        due.before = slot.before;
        due.next->before = &due;
        due.before->next = &due;
        slot.next = slot.before = &slot;
        told_ = next;
        while (!due.is_alone()) {
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
        }
    }
    told_ = std::max(told_, target);
}

} // namespace keygate::net
