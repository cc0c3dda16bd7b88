#pragma once

#include "base/wiping.hpp"
#include "net/channel.hpp"
#include "net/outgoing.hpp"
#include "net/poller.hpp"
#include "net/tls_session.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::net::test {

/// Both ends of a TCP connection on the loopback, non-blocking. @param small  with as little room
/// in the kernel as it gives.
inline std::pair<int, int> connected_pair(bool small = false) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    const int room = 4096;
    if (small) ::setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    BOOST_REQUIRE(::bind(listener, raw, size) == 0 && ::listen(listener, 1) == 0 &&
                  ::getsockname(listener, raw, &size) == 0);
    const int one = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (small) ::setsockopt(one, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    BOOST_REQUIRE(::connect(one, raw, size) == 0);
    const int other = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    BOOST_REQUIRE(other >= 0);
    ::close(listener);
    int flag = 1;
    ::ioctl(one, FIONBIO, &flag);
    for (const int end : {one, other})
        ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &flag, sizeof flag);
    return {one, other};
}

/// One thread's sockets, as long as a test lasts.
struct Loop {
    boost::asio::io_context io{1};
    SystemClock clock;
    Poller poller{io, clock};

    Loop() { poller.start(); }

    ~Loop() {
        poller.stop();
        io.run_for(std::chrono::seconds{1});
    }

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Until it holds. False when patience ends. @param step  what is done beside it each time.
    bool run(
        const std::function<bool()>& holds, const std::function<void()>& step = [] {}) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (!holds()) {
            if (std::chrono::steady_clock::now() > until) return false;
            step();
            io.run_one_for(std::chrono::milliseconds{5});
        }
        return true;
    }
};

/// Who uses a channel: reads all that comes, and sends what it is told.
struct End final : ReadyHandler {
    End(Loop& loop, int descriptor, std::unique_ptr<TlsSession> session, bool begins = false)
        : poller(loop.poller)
        , channel(loop.poller, descriptor, *this)
        , out(channel)
        , is_open(!begins) {
        if (session) channel.start_tls(std::move(session));
    }

    void on_ready(Events events) override {
        ++calls;
        if (!is_open && !failure) shake_hands();
        if (!is_open || failure) return;
        if (events.writable && !out.is_empty() && !out.flush()) failure.emplace();
        if (reads) read();
    }

    void shake_hands() {
        const Transfer transfer = channel.handshake();
        is_open = transfer.state == Transfer::State::moved;
        if (transfer.state == Transfer::State::failed) fail(transfer);
    }

    void read() {
        while (channel.is_readable() && !failure) {
            const std::span<char> space = poller.buffer().first(read_size);
            const Transfer transfer = channel.read(space);
            if (transfer.state == Transfer::State::would_block) return;
            if (transfer.state == Transfer::State::failed) return fail(transfer);
            if (transfer.state == Transfer::State::ended)
                ++ends;
            else
                received.append(space.data(), transfer.bytes);
        }
    }

    void fail(const Transfer& transfer) {
        failure = transfer.error;
        problem = channel.tls() == nullptr ? "" : channel.tls()->problem();
    }

    Poller& poller;
    Channel channel;
    Outgoing out;
    bool is_open;
    bool reads = true;
    std::size_t read_size = Poller::smallest_share;
    std::string received;
    int ends = 0;
    int calls = 0;
    std::optional<boost::system::error_code> failure;
    std::string problem;
};

} // namespace keygate::net::test
