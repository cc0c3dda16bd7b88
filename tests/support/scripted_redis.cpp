#include "support/scripted_redis.hpp"

#include "redis/codec.hpp"

#include <exception>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::redis::test {

using support::Socket;

ScriptedServer::ScriptedServer(std::vector<Script> scripts)
    : scripts_(std::move(scripts))
    , listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 16) != 0)
        throw std::runtime_error("cannot listen");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
}

ScriptedServer::~ScriptedServer() {
    is_over_ = true;
    ::shutdown(listener_, SHUT_RDWR); // wakes accept
    thread_.join();
    ::close(listener_);
}

void ScriptedServer::run() {
    for (std::size_t i = 0; !is_over_; ++i) {
        const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) return;
        Socket socket(descriptor);
        if (i >= scripts_.size()) continue;
        try {
            scripts_[i](socket);
        } catch (const std::exception&) {
            // The client hangs; what the test misses then tells.
        }
    }
}

std::string read_until(Socket& socket, std::string_view text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
        const auto piece = socket.receive();
        if (!piece || piece->empty()) break;
        all += *piece;
    }
    return all;
}

void greet(Socket& socket) {
    read_until(socket, "HELLO\r\n");
    socket.send("+OK\r\n" + std::string{hello_of_master});
}

ScriptedServer::Script greet_and_say(std::string bytes) {
    return [bytes = std::move(bytes)](Socket& socket) {
        greet(socket);
        socket.send(bytes);
        say_nothing(socket);
    };
}

void say_nothing(Socket& socket) {
    static_cast<void>(socket.receive_all());
}

config::Redis settings_for(std::uint16_t port) {
    config::Redis settings;
    settings.host = "127.0.0.1";
    settings.port = port;
    settings.url = "redis://127.0.0.1:" + std::to_string(port);
    settings.command_timeout = std::chrono::seconds{5};
    return settings;
}

Reply Dialled::ask(std::initializer_list<std::string_view> words) {
    std::string command;
    append(command, words);
    const std::size_t before = told.replies.size();
    link->send(command);
    run_until(loop, [&] { return told.replies.size() > before || told.closed; });
    if (told.closed) throw std::runtime_error("the link is over: " + to_string(*told.closed));
    return told.replies.back();
}

Fault Dialled::wait_for_end() {
    run_until(loop, [this] { return told.closed.has_value(); });
    return *told.closed;
}

} // namespace keygate::redis::test
