#include "proxy/link.hpp"

#include "net/tls_context.hpp"
#include "proxy/pool.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::proxy {

Dialled begin_connect(const Server& server) {
    const int descriptor =
        ::socket(server.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return {};
    const int on = 1;
    if (server.address.ss_family != AF_UNIX)
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* const address = reinterpret_cast<const sockaddr*>(&server.address);
    if (::connect(descriptor, address, server.size) == 0 || errno == EINPROGRESS)
        return {.descriptor = descriptor};
    // Without a free port of our own another server would be out of reach as well.
    const bool is_servers_doing = errno != EADDRNOTAVAIL && errno != ENOBUFS && errno != ENOMEM;
    ::close(descriptor);
    return {.descriptor = -1, .is_servers_doing = is_servers_doing};
}

Connecting look_at_connect(const net::Channel& channel, net::ReadyHandler::Events events) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(channel.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || events.broken) return Connecting::failed;
    return events.writable ? Connecting::done : Connecting::under_way;
}

Link::Link(Pool& pool, Place& place, int descriptor, LinkUser& user)
    : pool_(pool)
    , place_(place)
    , user_(&user)
    , channel_(pool.poller_, descriptor, *this)
    , out_(channel_) {}

Link::~Link() = default;

const std::shared_ptr<const Server>& Link::server() const {
    return place_.server;
}

void Link::on_ready(Events events) {
    switch (state_) {
    case State::open:
        return user_->on_link_ready(events);
    case State::idle:
        return watch_idle(events);
    case State::greeting:
        return greet();
    case State::connecting:
        break;
    }
    switch (look_at_connect(channel_, events)) {
    case Connecting::under_way:
        return;
    case Connecting::failed:
        return user_->on_link_failed();
    case Connecting::done:
        return connect();
    }
}

void Link::connect() {
    const Server& server = *place_.server;
    if (!server.tls) {
        state_ = State::open;
        return user_->on_link_open();
    }
    channel_.start_tls(server.tls->session(server.tls_name));
    state_ = State::greeting;
    greet();
}

void Link::greet() {
    switch (channel_.handshake().state) {
    case net::Transfer::State::moved:
        state_ = State::open;
        return user_->on_link_open();
    case net::Transfer::State::would_block:
        return;
    case net::Transfer::State::ended:
    case net::Transfer::State::failed:
        pool_.note_distrust(*this);
        return user_->on_link_failed();
    }
}

/// Its end, or an answer that nobody asked for, ends it; what only TLS has to say does not.
void Link::watch_idle(Events events) {
    if (events.broken || (events.readable && !channel_.is_silent())) pool_.forget_idle(*this);
}

} // namespace keygate::proxy
