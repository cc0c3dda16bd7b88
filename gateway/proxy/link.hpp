#pragma once

#include "net/outgoing.hpp"
#include "proxy/server.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace keygate::proxy {

class Pool;

/// Who uses an upstream connection at the moment, or waits for one.
class LinkUser {
  public:
    /// The connection that was dialled stands.
    virtual void on_link_open() = 0;
    /// It does not come about.
    virtual void on_link_failed() = 0;
    /// An open link may be read or written again.
    virtual void on_link_ready(net::ReadyHandler::Events events) = 0;
    /// Who waits in the queue has a place now, or may find one: `Pool::take` again.
    virtual void on_turn() = 0;

  protected:
    ~LinkUser() = default;
};

/// One connection to one server of an upstream. Belongs to an exchange, or to the pool while
/// unused.
class Link final : public net::Retirable, net::ReadyHandler {
  public:
    /// What the pool keeps of one server.
    struct Place;

    Link(Pool& pool, Place& place, int descriptor, LinkUser& user);
    ~Link() override;

    [[nodiscard]] net::Channel& channel() { return channel_; }

    [[nodiscard]] net::Outgoing& out() { return out_; }

    [[nodiscard]] bool is_open() const { return state_ == State::open; }

    /// It has carried a request before: a server may have closed it at any moment.
    [[nodiscard]] bool is_reused() const { return is_reused_; }

    /// By what becomes of it its server is judged.
    [[nodiscard]] bool is_trial() const { return is_trial_; }

    [[nodiscard]] const std::shared_ptr<const Server>& server() const;

  private:
    friend class Pool;
    enum class State : std::uint8_t { connecting, greeting, open, idle };

    void on_ready(Events events) override;
    void connect();
    void greet();
    void watch_idle(Events events);

    Pool& pool_;
    Place& place_;
    LinkUser* user_;
    State state_ = State::connecting;
    bool is_reused_ = false;
    bool is_trial_ = false;  // by it its server is judged
    bool is_judged_ = false; // what became of its request was told
    SteadyTime idle_since_{};
    std::uint64_t rests_until_look_ = 0;
    net::Channel channel_;
    net::Outgoing out_;
};

/// A socket, non-blocking, that begins to connect.
struct Dialled {
    int descriptor = -1;           // none
    bool is_servers_doing = false; // that there is none; else it is for want of something of ours
};

[[nodiscard]] Dialled begin_connect(const Server& server);

/// How a connection that was begun stands, after an event of its channel.
enum class Connecting : std::uint8_t { under_way, done, failed };
[[nodiscard]] Connecting look_at_connect(const net::Channel& channel,
                                         net::ReadyHandler::Events events);

} // namespace keygate::proxy
