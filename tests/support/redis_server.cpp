#include "support/redis_server.hpp"

#include "support/socket.hpp"

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace keygate::support {

namespace {

std::string encoded(const std::vector<std::string>& words) {
    std::string out = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words)
        out.append("$" + std::to_string(word.size()) + "\r\n").append(word).append("\r\n");
    return out;
}

std::string text_of(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// Of the configuration file.
std::string line(std::string_view name, std::string_view value) {
    return std::string{name}.append(" \"").append(value).append("\"\n");
}

} // namespace

RedisServer::RedisServer()
    : RedisServer(Options{}) {}

RedisServer::RedisServer(Options options)
    : options_(std::move(options))
    , reservation_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // Who also reuses addresses, as Redis does, can listen on a port that is bound here; nobody
    // else is given it.
    const int on = 1;
    ::setsockopt(reservation_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(reservation_, reinterpret_cast<const sockaddr*>(&address), size) != 0)
        throw std::runtime_error("no port is free");
    ::getsockname(reservation_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    try {
        start();
    } catch (...) {
        ::close(reservation_);
        throw;
    }
}

RedisServer::~RedisServer() {
    ::close(reservation_);
}

void RedisServer::start() {
    std::string conf = line("bind", "127.0.0.1") + line("protected-mode", "no") +
                       line("unixsocket", socket()) + line("logfile", folder_.file("redis.log")) +
                       line("dir", folder_.file("")) + line("save", "") + line("appendonly", "no");
    const std::string port = std::to_string(port_);
    conf += line("port", options_.tls ? "0" : port);
    if (const auto& tls = options_.tls) {
        conf += line("tls-port", port) + line("tls-ca-cert-file", tls->ca) +
                line("tls-cert-file", tls->certificate) + line("tls-key-file", tls->key) +
                line("tls-auth-clients", tls->asks_for_certificate ? "yes" : "no");
    }
    if (!options_.password.empty()) conf += line("requirepass", options_.password);
    for (const std::string& user : options_.users)
        conf += user + "\n";
    // A test that crashes runs no destructor: the server ends with the thread that started it.
    std::vector<std::string> command{"setpriv", "--pdeathsig", "KILL", "redis-server",
                                     folder_.write("redis.conf", conf)};
    command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
    process_ = std::make_unique<ChildProcess>(command);
    wait_until_ready();
}

void RedisServer::wait_until_ready() const {
    const auto end = std::chrono::steady_clock::now() + Socket::patience;
    while (std::chrono::steady_clock::now() < end) {
        // Any answer but this one says that it takes commands.
        const auto answer = try_call({"PING"});
        if (answer && !answer->empty() && !answer->starts_with("-LOADING")) return;
        ::poll(nullptr, 0, 2);
    }
    throw std::runtime_error("redis-server does not answer; it said: " +
                             text_of(folder_.file("redis.log")));
}

void RedisServer::stop() {
    if (!process_) return;
    process_->signal(SIGCONT);
    process_->signal(SIGTERM);
    process_->wait();
    process_.reset();
}

void RedisServer::kill() {
    process_.reset();
}

void RedisServer::restart() {
    stop();
    start();
}

void RedisServer::pause() {
    process_->signal(SIGSTOP);
}

void RedisServer::resume() {
    process_->signal(SIGCONT);
}

std::string RedisServer::call(const std::vector<std::string>& words) const {
    auto answer = try_call(words);
    if (!answer) throw std::runtime_error("cannot connect to " + socket());
    return *answer;
}

std::optional<std::string> RedisServer::try_call(const std::vector<std::string>& words) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket();
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Socket connection{descriptor};
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return std::nullopt;
    static constexpr std::string_view ok = "+OK\r\n";
    std::string all;
    if (!options_.password.empty()) all += encoded({"AUTH", options_.password});
    all += encoded(words) + encoded({"QUIT"});
    connection.send(all);
    std::string answer = connection.receive_all();
    if (!options_.password.empty() && answer.starts_with(ok)) answer.erase(0, ok.size());
    if (answer.ends_with(ok)) answer.resize(answer.size() - ok.size());
    return answer;
}

} // namespace keygate::support
