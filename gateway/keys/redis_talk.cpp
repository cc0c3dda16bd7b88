#include "keys/redis_talk.hpp"

#include "redis/error.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace keygate::keys {
namespace {

using redis::Command;
using redis::Reply;
using Kind = Reply::Kind;

// So much goes out before its replies are waited for.
constexpr std::size_t most_commands = 1'000;
constexpr std::size_t most_bytes = 4 * 1024 * 1024;

std::size_t size_of(const Command& command) {
    std::size_t size = 0;
    for (const std::string& word : command)
        size += word.size() + 16;
    return size;
}

/// How many of the first commands make a portion.
std::size_t portion_of(std::span<const Command> commands) {
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < commands.size() && count < most_commands && bytes < most_bytes)
        bytes += size_of(commands[count++]);
    return count;
}

Fault raced() {
    return {StoreError::raced, "change the store"};
}

} // namespace

Fault unexpected(std::string_view command) {
    return {redis::Error::unexpected, std::string{command}};
}

Result<void> expect(const Reply& reply, Kind kind, std::string_view command) {
    if (reply.is(Kind::error)) return fault_of(reply, command);
    if (!reply.is(kind)) return unexpected(command);
    return {};
}

Result<void> RedisTalk::watch() {
    forget();
    if (auto opened = session_.open(); !opened) return opened.error();
    connection_ = session_.connection();
    return {};
}

void RedisTalk::forget() {
    const std::uint64_t connection = std::exchange(connection_, 0);
    if (!std::exchange(has_watched_, false)) return;
    const Command unwatch{"UNWATCH"};
    (void)session_.ask_on(connection, {&unwatch, 1}); // gone with its connection otherwise
}

Result<std::vector<Reply>> RedisTalk::send(std::span<const Command> portion) {
    if (!is_watching()) return session_.ask(portion);
    auto replies = session_.ask_on(connection_, portion);
    if (replies) return replies;
    // Nothing has been done so far. Where there is a Redis again, it may be tried again.
    if (session_.open()) return raced();
    return replies;
}

Result<std::vector<Reply>> RedisTalk::ask(std::span<const Command> commands) {
    std::vector<Reply> all;
    while (!commands.empty()) {
        const std::size_t count = portion_of(commands);
        auto replies = send(commands.first(count));
        if (!replies) return replies;
        if (all.empty())
            all = std::move(*replies);
        else
            std::move(replies->begin(), replies->end(), std::back_inserter(all));
        commands = commands.subspan(count);
    }
    return all;
}

Result<Reply> RedisTalk::ask(const Command& command) {
    auto replies = send({&command, 1});
    if (!replies) return replies.error();
    if (replies->front().is(Kind::error)) return fault_of(replies->front(), command.front());
    return std::move(replies->front());
}

Result<std::vector<Reply>> RedisTalk::read(std::vector<std::string> names,
                                           std::span<const Command> commands) {
    if (is_watching() && !names.empty()) {
        names.insert(names.begin(), "WATCH");
        if (auto watched = ask(names); !watched) return watched.error();
        has_watched_ = true;
    }
    return ask(commands);
}

Result<void> RedisTalk::transact(std::span<const Command> commands) {
    const bool is_section = is_watching();
    if (!is_section)
        if (auto begun = watch(); !begun) return begun;
    auto queued = queue(commands);
    auto done = queued ? execute() : queued;
    forget();
    return done;
}

/// MULTI is remembered by the connection as WATCH is: an EXEC that comes alone finds both or none.
Result<void> RedisTalk::queue(std::span<const Command> commands) {
    if (auto begun = ask(Command{"MULTI"}); !begun) return begun.error();
    const auto replies = ask(commands);
    if (!replies) return replies.error();
    for (std::size_t i = 0; i < commands.size(); ++i) {
        if ((*replies)[i].is_status("QUEUED")) continue;
        (void)ask(Command{"DISCARD"});
        has_watched_ = false;
        if ((*replies)[i].is(Kind::error)) return fault_of((*replies)[i], commands[i].front());
        return unexpected(commands[i].front());
    }
    return {};
}

Result<void> RedisTalk::execute() {
    const Command exec{"EXEC"};
    const auto replies = session_.ask_on(connection_, {&exec, 1});
    if (!replies) {
        if (replies.error().error == boost::asio::error::not_connected) return raced();
        // Carried out or not, nobody knows.
        return replies.error();
    }
    has_watched_ = false;
    const Reply& reply = replies->front();
    if (is_nil(reply)) return raced();
    if (reply.is(Kind::error)) {
        // `EXECABORT Transaction discarded because of: OOM command not allowed …`
        constexpr std::string_view because = "because of: ";
        const std::size_t at = reply.text.find(because);
        if (at == std::string::npos) return fault_of(reply, "EXEC");
        Reply cause = reply;
        cause.text.erase(0, at + because.size());
        return fault_of(cause, "EXEC");
    }
    if (!reply.is(Kind::list)) return unexpected("EXEC");
    const auto failed = std::find_if(reply.list.begin(), reply.list.end(),
                                     [](const Reply& each) { return each.is(Kind::error); });
    if (failed == reply.list.end()) return {};
    return fault_of(*failed, "EXEC, of which the rest was done");
}

} // namespace keygate::keys
