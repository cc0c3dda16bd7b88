#include "proxy/slots.hpp"

#include <utility>

namespace keygate::proxy {

bool Slots::enter(const std::shared_ptr<const Server>& server) {
    const std::lock_guard lock{mutex_};
    std::uint32_t& used = used_[server.get()];
    if (used >= max_) return false;
    ++used;
    return true;
}

void Slots::leave(const std::shared_ptr<const Server>& server) {
    std::function<void()> tell;
    {
        const std::lock_guard lock{mutex_};
        tell = pass_on(server);
    }
    if (tell) tell();
}

/// The place goes to the next in the queue, or is free. The caller has the lock, and tells.
std::function<void()> Slots::pass_on(const std::shared_ptr<const Server>& server) {
    while (!queue_.empty()) {
        const std::shared_ptr<Ticket> next = std::move(queue_.front());
        queue_.pop_front();
        if (next->is_over) continue;
        --waiting_;
        next->is_over = true;
        next->granted = server;
        return std::move(next->tell);
    }
    const auto used = used_.find(server.get());
    if (used != used_.end() && --used->second == 0) used_.erase(used);
    return {};
}

std::shared_ptr<Slots::Ticket> Slots::wait(std::function<void()> tell) {
    const std::lock_guard lock{mutex_};
    if (waiting_ >= max_waiting_) {
        ++refused_;
        return nullptr;
    }
    ++waiting_;
    return queue_.emplace_back(
        std::make_shared<Ticket>(Ticket{.granted = {}, .tell = std::move(tell)}));
}

void Slots::give_up(const std::shared_ptr<Ticket>& ticket) {
    std::shared_ptr<const Server> granted;
    {
        const std::lock_guard lock{mutex_};
        if (!std::exchange(ticket->is_over, true)) --waiting_;
        granted = std::move(ticket->granted);
        while (!queue_.empty() && queue_.front()->is_over)
            queue_.pop_front();
    }
    if (granted) leave(granted);
}

std::shared_ptr<const Server> Slots::take(const std::shared_ptr<Ticket>& ticket) {
    const std::lock_guard lock{mutex_};
    return std::exchange(ticket->granted, nullptr);
}

std::size_t Slots::waiting() const {
    const std::lock_guard lock{mutex_};
    return waiting_;
}

std::uint64_t Slots::refused() const {
    const std::lock_guard lock{mutex_};
    return refused_;
}

} // namespace keygate::proxy
