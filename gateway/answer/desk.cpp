#include "answer/desk.hpp"

#include <mutex>
#include <utility>

namespace keygate::answer {

struct Desk::Door {
    std::mutex mutex; // guards the desk: it closes while somebody may be delivering
    Desk* desk = nullptr;
    Enter enter;
};

Desk::Desk(Service& service, Enter enter)
    : service_(service)
    , door_(std::make_shared<Door>()) {
    door_->desk = this;
    door_->enter = std::move(enter);
}

Desk::~Desk() {
    const std::lock_guard lock{door_->mutex};
    door_->desk = nullptr;
}

std::uint64_t Desk::ask(Call call, Asker& asker) {
    const std::uint64_t ticket = ++last_ticket_;
    waiting_.emplace(ticket, &asker);
    service_.take(std::move(call), [door = door_, ticket](Told told) {
        const auto kept = std::make_shared<Told>(std::move(told)); // std::function copies
        const std::lock_guard lock{door->mutex};
        if (door->desk == nullptr) return;
        door->enter([desk = door->desk, ticket, kept] { desk->deliver(ticket, std::move(*kept)); });
    });
    return ticket;
}

void Desk::deliver(std::uint64_t ticket, Told told) {
    const auto asked = waiting_.find(ticket);
    if (asked == waiting_.end()) return; // nobody waits for it any more
    Asker* const asker = asked->second;
    waiting_.erase(asked);
    asker->on_told(std::move(told));
}

} // namespace keygate::answer
