#include "support/origin_server.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::support {

namespace {

/// Where a body in chunks that begins at `at` ends, with its trailers; 0 if it has not come so far.
std::size_t end_of_chunks(const std::string& bytes, std::size_t at) {
    for (;;) {
        const std::size_t line = bytes.find("\r\n", at);
        if (line == std::string::npos) return 0;
        const std::size_t size = std::stoul(bytes.substr(at, line - at), nullptr, 16);
        at = line + 2;
        if (size > 0) {
            at += size + 2;
            continue;
        }
        // The last chunk's line, then trailers, then an empty line.
        const std::size_t end = bytes.find("\r\n\r\n", line);
        return end == std::string::npos ? 0 : end + 4;
    }
}

/// Size of the first whole request in the bytes, 0 if there is none yet.
std::size_t request_size(const std::string& bytes) {
    const std::size_t head = bytes.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    const std::size_t body = head + 4;
    if (field_of(bytes, "Transfer-Encoding")) return end_of_chunks(bytes, body);
    const auto length = field_of(bytes, "Content-Length");
    const std::size_t size = body + (length ? std::stoul(*length) : 0);
    return bytes.size() < size ? 0 : size;
}

} // namespace

std::string OriginServer::plain_answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

OriginServer::OriginServer()
    : OriginServer([](const std::string& request) {
        return plain_answer(request.substr(0, request.find("\r\n\r\n") + 4));
    }) {}

OriginServer::OriginServer(Answer answer)
    : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 1024) != 0)
        throw std::runtime_error("the upstream of the test cannot listen");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept(); }};
}

OriginServer::~OriginServer() {
    is_ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    hang_up();
    for (std::thread& thread : threads_)
        thread.join();
}

void OriginServer::accept() {
    for (;;) {
        const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) {
            if (is_ending_) return;
            continue;
        }
        const std::lock_guard lock{mutex_};
        open_.push_back(descriptor);
        received_.emplace_back();
        has_ended_.push_back(false);
        threads_.emplace_back(
            [this, descriptor, number = received_.size() - 1] { serve(descriptor, number); });
    }
}

void OriginServer::serve(int descriptor, std::size_t number) {
    Socket socket{descriptor};
    const timeval forever{};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
    std::function<void(Socket&)> raw;
    {
        const std::lock_guard lock{mutex_};
        raw = raw_;
    }
    if (raw) {
        raw(socket);
    } else {
        std::string bytes;
        for (bool is_open = true; is_open;) {
            const auto piece = socket.receive();
            if (!piece || piece->empty()) break;
            bytes += *piece;
            {
                const std::lock_guard lock{mutex_};
                if (number < received_.size()) received_[number] += *piece;
            }
            while (const std::size_t size = request_size(bytes)) {
                const std::string request = bytes.substr(0, size);
                bytes.erase(0, size);
                Answer answer;
                {
                    const std::lock_guard lock{mutex_};
                    requests_.push_back(request);
                    answer = answer_;
                }
                const std::string text = answer(request);
                is_open =
                    !text.empty() && socket.send(text) && field_of(text, "Connection") != "close";
                if (!is_open) break;
            }
        }
    }
    {
        const std::lock_guard lock{mutex_};
        open_.erase(std::find(open_.begin(), open_.end(), descriptor));
        has_ended_[number] = true;
        socket.close();
    }
    one_ended_.notify_all();
}

void OriginServer::set_answer(Answer answer) {
    const std::lock_guard lock{mutex_};
    answer_ = std::move(answer);
}

void OriginServer::set_raw(std::function<void(Socket&)> raw) {
    const std::lock_guard lock{mutex_};
    raw_ = std::move(raw);
}

std::vector<std::string> OriginServer::requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
}

std::vector<std::string> OriginServer::received() const {
    const std::lock_guard lock{mutex_};
    return received_;
}

std::size_t OriginServer::connections() const {
    const std::lock_guard lock{mutex_};
    return received_.size();
}

std::vector<std::string> OriginServer::unfinished() const {
    std::vector<std::string> rests = received();
    for (std::string& bytes : rests)
        while (const std::size_t size = request_size(bytes))
            bytes.erase(0, size);
    return rests;
}

bool OriginServer::wait_for_end(std::size_t connection) {
    std::unique_lock lock{mutex_};
    return one_ended_.wait_for(lock, Socket::patience,
                               [&]() -> bool { return has_ended_[connection]; });
}

void OriginServer::clear() {
    const std::lock_guard lock{mutex_};
    requests_.clear();
    for (std::string& bytes : received_)
        bytes.clear();
}

void OriginServer::hang_up() {
    const std::lock_guard lock{mutex_};
    for (const int descriptor : open_)
        ::shutdown(descriptor, SHUT_RDWR);
}

} // namespace keygate::support
