#pragma once

#include "proxy/link.hpp"
#include "proxy/retry_budget.hpp"
#include "proxy/upstream.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keygate::proxy {

/// What one request has been through on its way to a server.
struct Journey {
    std::vector<const Server*> tried;      // those that it was not, or not well, answered by
    std::shared_ptr<Slots::Ticket> ticket; // while it waits in the queue
};

struct Link::Place {
    std::shared_ptr<const Server> server;
    std::size_t used = 0;
    std::int64_t credit = 0; // of round robin
    bool is_leaving = false; // the upstream has it no more; its links end one after the other
    SteadyTime rests_until{};
    std::vector<std::unique_ptr<Link>> idle; // the one used last at the end
};

/// One thread's connections to one upstream. The one used last is taken first, so that few stay
/// warm and the rest can go; a read stays armed on all of them, so that a server's close, or an
/// answer nobody asked for, is seen at once.
class Pool final : net::DeadlineHandler {
  public:
    /// @param warn  is told why a server could not be trusted (TLS), now and then.
    Pool(net::Poller& poller, std::shared_ptr<Upstream> upstream,
         std::function<void(const std::string&)> warn);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    enum class Kind : std::uint8_t { any, fresh };

    /// What came of asking for a connection.
    struct Taken {
        std::unique_ptr<Link> link; // an idle one, at once open, or one that reports to its user
        bool is_waiting = false;    // in the queue: `on_turn` follows, or `give_up`
        /// Neither: whether another server may be asked at once, since this one is in the journey's
        /// `tried` now.
        bool may_ask_again = false;
    };

    /// Of the servers that may be asked, the one that `balance` says. Not one that was tried, where
    /// there is another; nor one that has just failed or is left out; never one that a check has
    /// found unwell.
    [[nodiscard]] Taken take(LinkUser& user, Kind kind, Journey& journey);
    /// The request has no need of a place any more.
    void give_up(Journey& journey);

    /// How a link's request came out, once: its server has answered, or it has failed.
    void judge(Link& link, bool is_well);

    /// For a link whose exchange is over and of whose stream nothing is left.
    void give_back(std::unique_ptr<Link> link);
    /// For a link that did not come about: its server rests for a moment while others can be asked.
    void fail(std::unique_ptr<Link> link, Journey& journey);
    /// For every other link.
    void drop(std::unique_ptr<Link> link);
    /// Its TLS has failed: the log is told why, of each server once in ten seconds.
    void note_distrust(const Link& link);

    [[nodiscard]] const config::Upstream& settings() const { return upstream_->settings(); }

    [[nodiscard]] Upstream& upstream() const { return *upstream_; }

    [[nodiscard]] RetryBudget& budget() { return budget_; }

    /// That there are now.
    [[nodiscard]] std::size_t servers();

  private:
    friend class Link;
    using Place = Link::Place;

    void on_deadline() override;
    void forget_idle(Link& link);
    void refresh();
    void take_leave(Place& place);
    [[nodiscard]] unsigned rank(const Place& place, const Journey& journey, SteadyTime now) const;
    [[nodiscard]] bool is_better(const Place& one, const Place& other) const;
    [[nodiscard]] Place* choose(const Journey& journey, const std::vector<const Place*>& full);
    void count_turn(Place& chosen);
    [[nodiscard]] Place* place_of(const Server& server);
    [[nodiscard]] Taken wait(LinkUser& user, Journey& journey);
    [[nodiscard]] Taken take_at(Place& place, LinkUser& user, Kind kind, Journey& journey,
                                bool is_trial);
    [[nodiscard]] std::unique_ptr<Link> take_idle(Place& place, LinkUser& user);
    [[nodiscard]] std::unique_ptr<Link> dial(Place& place, LinkUser& user, bool& is_servers_doing);
    void leave(Link& link);

    net::Poller& poller_;
    const std::shared_ptr<Upstream> upstream_;
    const std::function<void(const std::string&)> warn_;
    std::uint64_t version_ = 0; // of the upstream's servers that the places are
    std::vector<std::unique_ptr<Place>> places_;
    std::vector<std::unique_ptr<Place>> leaving_;
    std::size_t turn_ = 0; // where the search for the best server begins
    RetryBudget budget_;
    net::Deadline sweep_;
};

} // namespace keygate::proxy
