#include "net/channel.hpp"

#include "net/tls_session.hpp"

#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::net {

namespace {

Transfer from_errno() {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {};
    return Transfer::failed_errno(errno);
}

} // namespace

Channel::Channel(Poller& poller, int descriptor, ReadyHandler& handler)
    : poller_(poller)
    , handler_(&handler)
    , descriptor_(descriptor) {
    if (!poller_.add(*this)) close();
}

Channel::~Channel() {
    close();
}

void Channel::start_tls(std::unique_ptr<TlsSession> session) {
    tls_ = std::move(session);
    tls_->attach(descriptor_, readable_);
    if (hung_up_) tls_->on_arrival(true);
}

Transfer Channel::handshake() {
    if (!tls_) return Transfer::moved(0);
    const Transfer transfer = tls_->handshake();
    readable_ = transfer.state == Transfer::State::moved && tls_->may_have_more();
    note_pause();
    return transfer;
}

void Channel::drop_tls() {
    tls_.reset();
    readable_ = true; // nobody knows
}

ReadyHandler::Events Channel::take(std::uint32_t bits) {
    const bool has_arrived = (bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (has_arrived) readable_ = true;
    if ((bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
    ReadyHandler::Events events{.readable = readable_,
                                .writable = (bits & EPOLLOUT) != 0,
                                .broken = (bits & (EPOLLHUP | EPOLLERR)) != 0};
    if (tls_) take_tls(has_arrived, events);
    return events;
}

/// Either direction may wait for the other one.
void Channel::take_tls(bool has_arrived, ReadyHandler::Events& events) {
    if (has_arrived) tls_->on_arrival(hung_up_);
    // The end of the socket tells nothing new to whom the end was told.
    if (tls_->has_ended() && !events.broken) events.readable = readable_ = false;
    if (events.writable && tls_->read_waits() == TlsSession::Wait::room)
        events.readable = readable_ = true;
    if (has_arrived && tls_->write_waits() == TlsSession::Wait::arrival) events.writable = true;
    if (events.writable && is_ending_) shutdown_write();
}

Transfer Channel::read(std::span<char> space) {
    if (tls_) return read_tls(space);
    const ssize_t count = ::recv(descriptor_, space.data(), space.size(), MSG_DONTWAIT);
    if (count > 0) {
        const auto bytes = static_cast<std::size_t>(count);
        // epoll(7): with edge triggering a short read says that the socket is empty. Not so once
        // the peer's end was announced: that end must still be read and will not be announced
        // again.
        if (bytes < space.size() && !hung_up_) readable_ = false;
        return Transfer::moved(bytes);
    }
    if (count == 0) {
        readable_ = false;
        if (was_reset_) return Transfer::failed_errno(ECONNRESET);
        return Transfer::ended();
    }
    const Transfer transfer = from_errno();
    if (errno != EINTR) readable_ = false;
    return transfer;
}

Transfer Channel::read_tls(std::span<char> space) {
    const Transfer transfer = tls_->read(space);
    readable_ =
        transfer.state == Transfer::State::moved && tls_->read_waits() == TlsSession::Wait::nothing;
    note_pause();
    return transfer;
}

/// Where TLS has stopped by itself no event tells to go on.
void Channel::note_pause() {
    if (!tls_->is_paused()) return;
    readable_ = true;
    call_again();
}

Transfer Channel::peek(std::span<char> space) {
    const ssize_t count = ::recv(descriptor_, space.data(), space.size(), MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) return Transfer::moved(static_cast<std::size_t>(count));
    return count == 0 ? Transfer::ended() : from_errno();
}

Transfer Channel::write(std::span<const iovec> pieces) {
    if (tls_) return tls_->write(pieces);
    if (pieces.size() == 1) {
        const ssize_t sent = ::send(descriptor_, pieces.front().iov_base, pieces.front().iov_len,
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? write_failed() : Transfer::moved(static_cast<std::size_t>(sent));
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data()); // sendmsg does not change them
    message.msg_iovlen = pieces.size();
    const ssize_t count = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? write_failed() : Transfer::moved(static_cast<std::size_t>(count));
}

/// The kernel tells a reset once, and then shows an end. A peer that had ended before is another
/// matter: that is EPIPE.
Transfer Channel::write_failed() {
    if (errno == ECONNRESET) was_reset_ = true;
    return from_errno();
}

bool Channel::is_silent() {
    if (tls_) {
        const bool is_silent = tls_->is_silent();
        readable_ = !is_silent;
        return is_silent;
    }
    char byte = 0;
    return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Channel::expect_end() {
    readable_ = true;
    hung_up_ = true;
    if (tls_) tls_->on_arrival(true);
    call_again();
}

void Channel::shutdown_write() {
    if (!is_open()) return;
    is_ending_ = tls_ && !tls_->send_end();
    if (!is_ending_) ::shutdown(descriptor_, SHUT_WR);
}

void Channel::close() {
    if (!is_open()) return;
    poller_.forget(*this);
    if (tls_) (void)tls_->send_end(); // where the kernel takes it
    tls_.reset();
    ::close(descriptor_);
    descriptor_ = -1;
}

void Channel::reset() {
    if (!is_open()) return;
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    tls_.reset(); // which would say that nothing did
    close();
}

} // namespace keygate::net
