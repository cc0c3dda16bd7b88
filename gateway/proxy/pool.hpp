#pragma once

#include "net/outgoing.hpp"
#include "proxy/upstream.hpp"

#include <memory>
#include <vector>

namespace keygate::proxy {

class Pool;

/// Who uses an upstream connection at the moment.
class LinkUser {
  public:
    /// The connection that was dialled stands.
    virtual void on_link_open() = 0;
    /// It does not come about.
    virtual void on_link_failed() = 0;
    /// An open link may be read or written again.
    virtual void on_link_ready(net::ReadyHandler::Events events) = 0;

  protected:
    ~LinkUser() = default;
};

/// One connection to one server of an upstream. Belongs to an exchange, or to the pool while
/// unused.
class Link final : public net::Retirable, net::ReadyHandler {
  public:
    Link(Pool& pool, std::size_t server, int descriptor, LinkUser& user);
    ~Link() override;

    [[nodiscard]] net::Channel& channel() { return channel_; }

    [[nodiscard]] net::Outgoing& out() { return out_; }

    [[nodiscard]] bool is_open() const { return state_ == State::open; }

    /// It has carried a request before: a server may have closed it at any moment.
    [[nodiscard]] bool is_reused() const { return is_reused_; }

    [[nodiscard]] const Server& server() const;

  private:
    friend class Pool;
    enum class State : std::uint8_t { connecting, open, idle };

    void on_ready(Events events) override;

    Pool& pool_;
    std::size_t server_;
    LinkUser* user_;
    State state_ = State::connecting;
    bool is_reused_ = false;
    SteadyTime idle_since_{};
    std::uint64_t rests_until_look_ = 0;
    net::Channel channel_;
    net::Outgoing out_;
};

/// One thread's connections to one upstream. The one used last is taken first, so that few stay
/// warm and the rest can go; a read stays armed on all of them, so that a server's close, or an
/// answer nobody asked for, is seen at once.
class Pool final : net::DeadlineHandler {
  public:
    Pool(net::Poller& poller, const Upstream& upstream);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    enum class Kind : std::uint8_t { any, fresh };
    /// A link to the server with the fewest requests of this thread that did not just fail: an idle
    /// one, at once open, or a new one that reports to `user` later. Null where no connection could
    /// even be begun: ask again, the server that failed rests.
    [[nodiscard]] std::unique_ptr<Link> take(LinkUser& user, Kind kind);

    /// For a link whose exchange is over and of whose stream nothing is left.
    void give_back(std::unique_ptr<Link> link);
    /// For a link that did not come about: its server rests for a moment while others can be asked.
    void fail(std::unique_ptr<Link> link);
    /// For every other link.
    void drop(std::unique_ptr<Link> link);

    [[nodiscard]] const config::Upstream& settings() const { return upstream_.settings; }

    [[nodiscard]] const Upstream& upstream() const { return upstream_; }

  private:
    friend class Link;

    struct PerServer {
        std::size_t used = 0;
        SteadyTime rests_until{};
        std::vector<std::unique_ptr<Link>> idle; // the one used last at the end
    };

    void on_deadline() override;
    void forget_idle(Link& link);
    void rest(std::size_t server);
    [[nodiscard]] std::size_t choose();
    [[nodiscard]] std::unique_ptr<Link> take_idle(PerServer& server, LinkUser& user);
    [[nodiscard]] std::unique_ptr<Link> dial(std::size_t server, LinkUser& user);

    net::Poller& poller_;
    const Upstream& upstream_;
    std::vector<PerServer> servers_;
    std::size_t turn_ = 0; // where the search for the least used server begins
    net::Deadline sweep_;
};

} // namespace keygate::proxy
