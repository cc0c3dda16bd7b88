#include "support/socket.hpp"

#include "base/ascii.hpp"

#include <linux/sockios.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::support {

namespace {

/// Patience with a peer that sends something again and again, but no end.
class Patience {
  public:
    void check() const {
        if (std::chrono::steady_clock::now() > end_)
            throw std::runtime_error("no end came in time");
    }

  private:
    std::chrono::steady_clock::time_point end_ =
        std::chrono::steady_clock::now() + 6 * Socket::patience;
};

} // namespace

Socket::Socket(int descriptor)
    : descriptor_(descriptor) {
    const timeval time{.tv_sec = patience.count(), .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this == &other) return *this;
    close();
    descriptor_ = other.descriptor_;
    other.descriptor_ = -1;
    pending_ = std::move(other.pending_);
    return *this;
}

Socket Socket::connect(std::uint16_t port, const char* from) {
    Socket made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, from, &address.sin_addr);
    // The port is chosen by `connect`, which knows the other end: `bind` would let the thousands of
    // connections of one run that wait for their end use up all ports.
    const int on = 1;
    ::setsockopt(made.descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(made.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string{"cannot come from "} + from);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(made.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0)
        throw std::runtime_error("cannot connect to port " + std::to_string(port));
    return made;
}

bool Socket::send(std::string_view bytes, Pieces pieces) {
    while (!bytes.empty()) {
        const std::size_t size = pieces == Pieces::bytewise ? 1 : bytes.size();
        const ssize_t count = ::send(descriptor_, bytes.data(), size, MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

std::optional<std::string> Socket::receive() {
    if (!pending_.empty()) return std::exchange(pending_, {});
    std::array<char, 65536> bytes;
    const ssize_t count = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        throw std::runtime_error("nothing came in time");
    if (count < 0) return std::nullopt;
    return std::string{bytes.data(), static_cast<std::size_t>(count)};
}

std::string Socket::receive_all() {
    const Patience whole;
    std::string all;
    for (;;) {
        whole.check();
        const auto piece = receive();
        if (!piece || piece->empty()) return all;
        all += *piece;
    }
}

std::string Socket::receive_answer(bool is_head) {
    const Patience whole;
    std::string all;
    const auto more = [&] {
        whole.check();
        const auto piece = receive();
        if (!piece || piece->empty()) return false;
        all += *piece;
        return true;
    };
    while (all.find("\r\n\r\n") == std::string::npos)
        if (!more()) return all;
    std::size_t size = all.find("\r\n\r\n") + 4;
    const int status = status_of(all);
    const std::string head = all.substr(0, size);
    if (is_head || status == 204 || status == 304 || status / 100 == 1) {
    } else if (const auto length = field_of(head, "Content-Length")) {
        size += std::stoul(*length);
    } else if (field_of(head, "Transfer-Encoding")) {
        std::size_t end = 0;
        while ((end = all.find("0\r\n\r\n", size)) == std::string::npos)
            if (!more()) return all;
        size = end + 5;
    } else {
        while (more()) {
        }
        return all;
    }
    while (all.size() < size)
        if (!more()) return all;
    pending_ = all.substr(size);
    all.resize(size);
    return all;
}

bool Socket::is_at_end() {
    const auto piece = receive();
    if (piece && !piece->empty()) pending_ = *piece;
    return !piece || piece->empty();
}

void Socket::end_writing() {
    ::shutdown(descriptor_, SHUT_WR);
}

void Socket::reset() {
    // A reset throws away what was not sent yet: it is to come after all that was.
    const auto end = std::chrono::steady_clock::now() + patience;
    for (int left = 1; ::ioctl(descriptor_, SIOCOUTQ, &left) == 0 && left > 0;) {
        if (std::chrono::steady_clock::now() > end) break;
        std::this_thread::yield();
    }
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
}

void Socket::close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

int status_of(std::string_view answer) {
    if (!answer.starts_with("HTTP/1.") || answer.size() < 12) return 0;
    return std::stoi(std::string{answer.substr(9, 3)});
}

std::optional<std::string> field_of(std::string_view message, std::string_view name) {
    std::string_view head = message.substr(0, message.find("\r\n\r\n"));
    while (!head.empty()) {
        const std::size_t end = head.find("\r\n");
        const std::string_view line = head.substr(0, end);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos &&
            ascii::equal_ignoring_case(line.substr(0, colon), name))
            return std::string{ascii::trimmed(line.substr(colon + 1))};
        if (end == std::string_view::npos) break;
        head.remove_prefix(end + 2);
    }
    return std::nullopt;
}

std::string body_of(std::string_view message) {
    const std::size_t end = message.find("\r\n\r\n");
    return end == std::string_view::npos ? "" : std::string{message.substr(end + 4)};
}

std::string reason_of(std::string_view answer) {
    static constexpr std::string_view member = "\"reason\":\"";
    const std::size_t begin = answer.find(member);
    if (begin == std::string_view::npos) return {};
    const std::string_view rest = answer.substr(begin + member.size());
    return std::string{rest.substr(0, rest.find('"'))};
}

} // namespace keygate::support
