#include "proxy/slots.hpp"

#include <chrono>
#include <utility>

namespace keygate::proxy {

void Slots::set_bounds(std::uint32_t max, std::uint32_t max_waiting) {
    const std::lock_guard lock{mutex_};
    max_ = max;
    max_waiting_ = max_waiting;
}

bool Slots::enter(const std::shared_ptr<const Server>& server) {
    const std::lock_guard lock{mutex_};
    std::uint32_t& used = used_[server->standing.get()];
    if (used >= max_) return false;
    ++used;
    return true;
}

void Slots::leave(const std::shared_ptr<const Server>& server) {
    const std::lock_guard lock{mutex_};
    pass_on(server);
}

/// The place goes to the next in the queue, or is free. The caller has the lock.
void Slots::pass_on(const std::shared_ptr<const Server>& server) {
    forget_those_over();
    const bool is_too_many = used_[server->standing.get()] > max_;
    if (queue_.empty() || is_too_many) {
        return free(*server);
    }
    const std::shared_ptr<Ticket> next = queue_.front();
    if (server->standing->state(std::chrono::steady_clock::now()) != Standing::State::in) {
        free(*server);
        return next->tell();
    }
    queue_.pop_front();
    --waiting_;
    next->is_over = true;
    next->granted = server;
    next->tell();
}

void Slots::free(const Server& server) {
    const auto used = used_.find(server.standing.get());
    if (used != used_.end() && --used->second == 0) used_.erase(used);
}

void Slots::forget_those_over() {
    while (!queue_.empty() && queue_.front()->is_over)
        queue_.pop_front();
}

void Slots::look_again(std::size_t count) {
    const std::lock_guard lock{mutex_};
    for (const auto& ticket : queue_) {
        if (count == 0) break;
        if (ticket->is_over) continue;
        ticket->tell();
        --count;
    }
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
        forget_those_over();
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
