#include "net/listener.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace keygate::net {

namespace {

constexpr int accepts_per_turn = 64;
constexpr int backlog = 4096;

Fault fault_of_errno(std::string step) {
    return {{errno, boost::system::system_category()}, std::move(step)};
}

std::string address_text(const sockaddr_storage& peer) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (peer.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    } else if (peer.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
        else
            ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
    return text.data();
}

int open_spare() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

} // namespace

Result<int> open_listener(const config::Endpoint& endpoint) {
    const std::string where =
        "listen on " + endpoint.host + " port " + std::to_string(endpoint.port);
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints,
                      &found) != 0)
        return Fault{boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                     where};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, ::freeaddrinfo};
    const int descriptor =
        ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return fault_of_errno(where);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    // Linux: what is accepted has it too.
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::bind(descriptor, found->ai_addr, found->ai_addrlen) != 0 ||
        ::listen(descriptor, backlog) != 0) {
        Fault fault = fault_of_errno(where);
        ::close(descriptor);
        return fault;
    }
    return descriptor;
}

std::uint16_t port_of(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    if (address.ss_family == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Listener::Listener(Poller& poller, int descriptor, OnAccept on_accept)
    : channel_(poller, descriptor, *this)
    , on_accept_(std::move(on_accept))
    , retry_(poller.wheel(), *this)
    , spare_(open_spare()) {}

Listener::~Listener() {
    if (spare_ >= 0) ::close(spare_);
}

void Listener::on_ready(Events) {
    for (int i = 0; i < accepts_per_turn; ++i)
        if (!take_one()) return;
    channel_.call_again();
}

void Listener::on_deadline() {
    on_ready({});
}

void Listener::take_waiting() {
    for (int i = 0; i < backlog && take_one(); ++i) {
    }
}

/// False when nothing waits, or when it must be tried again later.
bool Listener::take_one() {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int descriptor = ::accept4(channel_.descriptor(), reinterpret_cast<sockaddr*>(&peer),
                                     &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
        on_accept_(descriptor, address_text(peer));
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EINTR:
    case ECONNABORTED:
        return true;
    case EMFILE:
    case ENFILE:
        refuse_one();
        break;
    default:
        break; // no memory, or trouble of the network that belongs to one connection
    }
    // The kernel does not announce the same connections twice.
    retry_.set(Wheel::tick);
    return false;
}

/// Without a descriptor a connection could neither be taken nor refused: it is taken in the place
/// of the spare one, and let go.
void Listener::refuse_one() {
    if (spare_ >= 0) ::close(spare_);
    const int refused = ::accept4(channel_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    if (refused >= 0) ::close(refused);
    spare_ = open_spare();
}

} // namespace keygate::net
