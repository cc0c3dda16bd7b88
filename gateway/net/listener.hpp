#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/channel.hpp"
#include "net/wheel.hpp"

#include <functional>
#include <memory>
#include <string>

#include <sys/socket.h>

namespace keygate::net {

/// Opens a listening socket with SO_REUSEPORT, so that each thread has its own and the kernel
/// shares new connections out. Port 0 gets a free one.
[[nodiscard]] Result<int> open_listener(const config::Endpoint& endpoint);

/// The port that a listening socket has.
[[nodiscard]] std::uint16_t port_of(int descriptor);

/// Takes new connections of one listening socket on one thread.
class Listener final : ReadyHandler, DeadlineHandler {
  public:
    /// `on_accept` gets a non-blocking descriptor with TCP_NODELAY, which it now owns, and the
    /// address of the peer (`192.0.2.1`, `2001:db8::1`; an IPv4-mapped IPv6 address as the IPv4
    /// one).
    using OnAccept = std::function<void(int descriptor, std::string address)>;

    Listener(Poller& poller, int descriptor, OnAccept on_accept);
    ~Listener();

    /// Takes what is waiting in the kernel now: whoever has connected is not to be reset by the
    /// close.
    void take_waiting();

  private:
    void on_ready(Events events) override;
    void on_deadline() override;
    [[nodiscard]] bool take_one();
    void refuse_one();

    Channel channel_;
    OnAccept on_accept_;
    Deadline retry_;
    int spare_; // given up for one connection when descriptors run out
};

} // namespace keygate::net
