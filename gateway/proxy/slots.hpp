#pragma once

#include "proxy/server.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace keygate::proxy {

/// How many requests the servers of one upstream have at once, in the whole process and whatever
/// the configuration, and who waits until they have one less. A place that becomes free goes to
/// whoever has waited longest, and to nobody else meanwhile. Servers are known by their standing,
/// which outlives a configuration. Any thread.
class Slots {
  public:
    /// @param max  for each server. @param max_waiting  for all of them.
    Slots(std::uint32_t max, std::uint32_t max_waiting)
        : max_(max)
        , max_waiting_(max_waiting) {}

    /// Other bounds, for those who come from now on.
    void set_bounds(std::uint32_t max, std::uint32_t max_waiting);

    /// Takes a place, if there is one. It is the caller's until `leave`.
    [[nodiscard]] bool enter(const std::shared_ptr<const Server>& server);
    /// Nobody is sent to a server that is left out: who waits may look for another.
    void leave(const std::shared_ptr<const Server>& server);

    /// Somebody who waits.
    struct Ticket {
        std::shared_ptr<const Server> granted; // a place there is its own
        /// Called on any thread, when it is granted, or when it may be worth to look again; never
        /// after `give_up` has returned. It must not call back.
        std::function<void()> tell;
        bool is_over = false; // granted, or given up
    };

    /// Null where too many wait.
    [[nodiscard]] std::shared_ptr<Ticket> wait(std::function<void()> tell);
    /// Waits no longer. What was granted meanwhile is given to the next.
    void give_up(const std::shared_ptr<Ticket>& ticket);
    /// The place that the ticket has got; null if none. From then on it is the caller's.
    [[nodiscard]] std::shared_ptr<const Server> take(const std::shared_ptr<Ticket>& ticket);
    /// There may be places that nobody has left: those who have waited longest look again.
    void look_again(std::size_t count);

    [[nodiscard]] std::size_t waiting() const;
    /// How many found no place to wait in so far.
    [[nodiscard]] std::uint64_t refused() const;

  private:
    void pass_on(const std::shared_ptr<const Server>& server);
    void free(const Server& server);
    void forget_those_over();

    mutable std::mutex mutex_; // guards all that is below
    std::uint32_t max_;
    std::uint32_t max_waiting_;
    std::unordered_map<const Standing*, std::uint32_t> used_;
    std::deque<std::shared_ptr<Ticket>> queue_; // some may be over
    std::size_t waiting_ = 0;                   // of the queue, those that are not
    std::uint64_t refused_ = 0;
};

} // namespace keygate::proxy
