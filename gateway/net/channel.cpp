#include "net/channel.hpp"

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::net {

namespace {

Transfer failed(int error) {
    return {.state = Transfer::State::failed,
            .bytes = 0,
            .error = {error, boost::system::system_category()}};
}

Transfer from_errno() {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {};
    return failed(errno);
}

Transfer moved(std::size_t bytes) {
    return {.state = Transfer::State::moved, .bytes = bytes, .error = {}};
}

} // namespace

Channel::Channel(Poller& poller, int descriptor, ReadyHandler& handler)
    : poller_(poller)
    , handler_(&handler)
    , descriptor_(descriptor) {
    if (!poller_.add(*this)) close();
}

Transfer Channel::read(std::span<char> space) {
    const ssize_t count = ::recv(descriptor_, space.data(), space.size(), MSG_DONTWAIT);
    if (count > 0) {
        const auto bytes = static_cast<std::size_t>(count);
        // epoll(7): with edge triggering a short read says that the socket is empty. Not so once
        // the peer's end was announced: that end must still be read and will not be announced
        // again.
        if (bytes < space.size() && !hung_up_) readable_ = false;
        return moved(bytes);
    }
    if (count == 0) {
        readable_ = false;
        if (was_reset_) return failed(ECONNRESET);
        return {.state = Transfer::State::ended, .bytes = 0, .error = {}};
    }
    const Transfer transfer = from_errno();
    if (errno != EINTR) readable_ = false;
    return transfer;
}

Transfer Channel::write(std::span<const iovec> pieces) {
    if (pieces.size() == 1) {
        const ssize_t sent = ::send(descriptor_, pieces.front().iov_base, pieces.front().iov_len,
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? write_failed() : moved(static_cast<std::size_t>(sent));
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data()); // sendmsg does not change them
    message.msg_iovlen = pieces.size();
    const ssize_t count = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? write_failed() : moved(static_cast<std::size_t>(count));
}

/// The kernel tells a reset once, and then shows an end. A peer that had ended before is another
/// matter: that is EPIPE.
Transfer Channel::write_failed() {
    if (errno == ECONNRESET) was_reset_ = true;
    return from_errno();
}

bool Channel::is_silent() const {
    char byte = 0;
    return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Channel::expect_end() {
    readable_ = true;
    hung_up_ = true;
    call_again();
}

void Channel::shutdown_write() {
    if (is_open()) ::shutdown(descriptor_, SHUT_WR);
}

void Channel::close() {
    if (!is_open()) return;
    poller_.forget(*this);
    ::close(descriptor_);
    descriptor_ = -1;
}

void Channel::reset() {
    if (!is_open()) return;
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
}

} // namespace keygate::net
