#pragma once

#include "config/settings.hpp"
#include "redis/error.hpp"
#include "redis/link.hpp"
#include "support/socket.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace keygate::redis {

inline std::ostream& operator<<(std::ostream& out, Error error) {
    return out << make_error_code(error).message();
}

} // namespace keygate::redis

namespace keygate::redis::test {

/// A server that says what a test wants it to say. It lives longer than what connects to it.
class ScriptedServer {
  public:
    /// On a thread of its own; the connection is closed when it returns.
    using Script = std::function<void(support::Socket&)>;

    /// Each connection runs the next script; those after the last one are closed at once.
    explicit ScriptedServer(std::vector<Script> scripts);
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    void run();

    std::vector<Script> scripts_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_over_ = false;
    std::thread thread_;
};

/// What a master answers to HELLO.
inline constexpr std::string_view hello_of_master =
    "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n"
    "$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
    "$7\r\nmodules\r\n*0\r\n";

/// Reads on until that text has come. @returns all that has; less where the client ends before.
std::string read_until(support::Socket& socket, std::string_view text);

/// Answers the greeting of a client without password and database as a master does.
void greet(support::Socket& socket);

/// greet(), then these bytes, then silence until the client ends.
ScriptedServer::Script greet_and_say(std::string bytes);

/// Nothing at all until the client ends.
void say_nothing(support::Socket& socket);

/// Of a server on the loopback.
config::Redis settings_for(std::uint16_t port);

/// Runs the loop until it holds; throws after a while.
template <class Condition>
void run_until(boost::asio::io_context& loop, const Condition& condition) {
    loop.restart();
    while (!condition())
        if (loop.run_one_for(support::Socket::patience) == 0)
            throw std::runtime_error("what the test waits for does not happen");
}

/// What a link told.
struct Told final : Link::Handler {
    void on_open(const Hello& told) override {
        hello = told;
        if (at_open) at_open();
    }

    void on_reply(Reply reply) override {
        replies.push_back(std::move(reply));
        if (at_reply) at_reply();
    }

    void on_closed(const Fault& fault) override {
        ++ends;
        closed = fault;
        if (at_closed) at_closed();
    }

    std::optional<Hello> hello;
    std::vector<Reply> replies;
    std::optional<Fault> closed;
    int ends = 0;
    std::function<void()> at_open;
    std::function<void()> at_reply;
    std::function<void()> at_closed;
};

/// A link, dialled until it is open or over.
struct Dialled {
    explicit Dialled(config::Redis wanted)
        : settings(std::move(wanted)) {
        link.emplace(loop, settings, told);
        run_until(loop, [this] { return told.hello || told.closed; });
    }

    ~Dialled() {
        link.reset();
        loop.restart();
        loop.poll();
    }

    Dialled(const Dialled&) = delete;
    Dialled& operator=(const Dialled&) = delete;

    /// One command and its reply.
    Reply ask(std::initializer_list<std::string_view> words);
    /// Until it is over. @returns why.
    Fault wait_for_end();

    config::Redis settings;
    boost::asio::io_context loop{1};
    Told told;
    std::optional<Link> link;
};

} // namespace keygate::redis::test
