#include "keys/desk.hpp"

#include "keys/keeper.hpp"

#include <utility>

namespace keygate::keys {

std::uint64_t Desk::ask(const Digest& digest, BootTime t, std::shared_ptr<Cache> cache,
                        EntryRef last_known, Asker& asker) {
    const std::uint64_t ticket = ++last_ticket_;
    waiting_.emplace(ticket, &asker);
    outbox_.push_back({.digest = digest,
                       .t = t,
                       .cache = std::move(cache),
                       .last_known = std::move(last_known),
                       .desk = this,
                       .ticket = ticket});
    return ticket;
}

void Desk::send() {
    if (!outbox_.empty()) keeper_.ask(std::exchange(outbox_, {}));
}

void Desk::deliver(std::vector<Answer> answers) {
    enter_([this, answers = std::move(answers)] {
        for (const Answer& answer : answers) {
            const auto asked = waiting_.find(answer.ticket);
            if (asked == waiting_.end()) continue; // nobody waits for it any more
            Asker* const asker = asked->second;
            waiting_.erase(asked);
            asker->on_answer(answer);
        }
    });
}

} // namespace keygate::keys
