#include "redis/session.hpp"

#include "redis/codec.hpp"
#include "redis/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace asio = boost::asio;

namespace keygate::redis {

// The loop runs only inside the calls. What happened to the connection meanwhile is seen by the
// next one, before it sends anything.
struct Session::State final : Link::Handler {
    explicit State(const config::Redis& wanted)
        : settings(wanted) {}

    void on_open(const Hello& told) override {
        hello = told;
        connection = ++connections;
    }

    void on_reply(Reply reply) override {
        if (replies.size() < wanted_replies) return replies.push_back(std::move(reply));
        drop({Error::unexpected, "read a reply to nothing"});
    }

    void on_closed(const Fault& fault) override { drop(fault); }

    void drop(Fault fault) {
        link.reset();
        connection = 0;
        broken = std::move(fault);
    }

    /// What has come without our waiting for it: the end of the connection, or replies that nobody
    /// asked for.
    void look() {
        if (!link) return;
        wanted_replies = 0;
        replies.clear();
        loop.restart();
        loop.poll();
    }

    Result<void> dial() {
        broken.reset();
        link.emplace(loop, settings, *this); // it has a deadline of its own
        loop.restart();
        while (connection == 0 && !broken)
            loop.run_one();
        if (broken) return *broken;
        return {};
    }

    Result<std::vector<Reply>> exchange(std::span<const Command> commands) {
        std::string bytes;
        for (const Command& command : commands)
            append(bytes, command);
        broken.reset();
        replies.clear();
        wanted_replies = commands.size();
        link->send(bytes);
        const auto end = std::chrono::steady_clock::now() + settings.command_timeout;
        loop.restart();
        while (!broken && replies.size() < wanted_replies)
            if (loop.run_one_until(end) == 0)
                drop({asio::error::timed_out, "wait for a reply of " + settings.url});
        if (broken) return *broken;
        return std::move(replies);
    }

    const config::Redis& settings;
    asio::io_context loop{1};
    std::optional<Link> link;
    Hello hello;
    std::uint64_t connections = 0; // so far
    std::uint64_t connection = 0;  // the open one
    std::size_t wanted_replies = 0;
    std::vector<Reply> replies;
    std::optional<Fault> broken;
};

Session::Session(const config::Redis& settings)
    : state_(std::make_unique<State>(settings)) {}

Session::~Session() = default;

Result<Hello> Session::open() {
    state_->look();
    if (!state_->link)
        if (auto dialled = state_->dial(); !dialled) return dialled.error();
    return state_->hello;
}

Result<std::vector<Reply>> Session::ask(std::span<const Command> commands) {
    if (auto opened = open(); !opened) return opened.error();
    return state_->exchange(commands);
}

Result<std::vector<Reply>> Session::ask_on(std::uint64_t connection,
                                           std::span<const Command> commands) {
    state_->look();
    if (connection == 0 || state_->connection != connection)
        return Fault{asio::error::not_connected, "go on with the connection to Redis"};
    return state_->exchange(commands);
}

Result<Reply> Session::ask(const Command& command) {
    auto replies = ask(std::span{&command, 1});
    if (!replies) return replies.error();
    Reply& reply = replies->front();
    if (reply.is(Reply::Kind::error)) return fault_of(reply, command.front());
    return std::move(reply);
}

std::uint64_t Session::connection() const {
    return state_->connection;
}

} // namespace keygate::redis
