#include "keys/tracker.hpp"

#include "redis/codec.hpp"
#include "redis/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace keygate::keys {

namespace {

using redis::Reply;

constexpr std::string_view invalidations = "__redis__:invalidate";
constexpr std::string_view changes = "kg:changes";
constexpr std::string_view waits = "kg:wait";

constexpr std::chrono::milliseconds shortest_interval{5};
constexpr std::chrono::milliseconds longest_interval{1000};
constexpr std::chrono::milliseconds patience{1000}; // for a pong, where the bound is not longer
// A process that stood still finds its deadline and the pong at once; the pong is read first.
constexpr std::chrono::milliseconds second_look{50};

// From here on changes are told in another order than users of one thread see them, or nobody has
// shown yet that they are not.
constexpr unsigned first_major_in_doubt = 8;

/// Four in a bound: one that takes long does not let the lease lapse.
std::chrono::milliseconds interval_of(std::chrono::milliseconds bound) {
    if (bound.count() == 0) return longest_interval; // nobody lives on it
    return std::clamp(bound / 4, shortest_interval, longest_interval);
}

const std::string* text_at(const Reply& list, std::size_t index) {
    if (!list.is(Reply::Kind::list) || list.list.size() <= index) return nullptr;
    const Reply& one = list.list[index];
    return one.is(Reply::Kind::text) ? &one.text : nullptr;
}

} // namespace

std::string run_id_in(const Reply& info) {
    constexpr std::string_view name = "\nrun_id:";
    if (!info.is(Reply::Kind::text)) return {};
    const std::size_t at = info.text.find(name);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size();
    return info.text.substr(begin, info.text.find_first_of("\r\n", begin) - begin);
}

Tracker::Tracker(boost::asio::io_context& loop, const config::Store& settings, Lease& lease,
                 Events events, std::uint64_t seed)
    : loop_(loop)
    , settings_(settings)
    , lease_(lease)
    , events_(std::move(events))
    , backoff_(seed)
    , timer_(loop) {}

Tracker::~Tracker() = default;

void Tracker::start() {
    dial();
}

void Tracker::dial() {
    timer_.expires_after(backoff_.next());
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        step_ = Step::opening;
        ++dials_;
        redis::Link::Handler& self = *this; // accessible here, not in make_unique
        link_ = std::make_unique<redis::Link>(loop_, *settings_.redis, self);
    });
}

void Tracker::on_open(const redis::Hello& hello) {
    hello_ = hello;
    step_ = Step::info;
    std::string command;
    redis::append(command, {"INFO", "server"});
    link_->send(command);
    arm(std::max(patience, settings_.redis->command_timeout)); // for all of the set-up
}

void Tracker::on_info_reply(const Reply& reply) {
    run_id_ = run_id_in(reply);
    if (hello_.client == 0) {
        // It did not say hello: an old one, or one that does not let us.
        step_ = Step::client;
        std::string command;
        redis::append(command, {"CLIENT", "ID"});
        return link_->send(command);
    }
    if (hello_.major == 0 || hello_.major >= first_major_in_doubt)
        return ask_threads(hello_.client);
    track(hello_.client);
}

void Tracker::ask_threads(std::int64_t client) {
    step_ = Step::threads;
    client_ = client;
    std::string command;
    redis::append(command, {"CONFIG", "GET", "io-threads"});
    link_->send(command);
}

void Tracker::on_client_reply(const Reply& reply) {
    if (reply.is(Reply::Kind::number)) return ask_threads(reply.number);
    offers_tracking_ = false;
    subscribe();
}

/// One thread that reads and writes: as it was before.
void Tracker::on_threads_reply(const Reply& reply) {
    const std::string* const count = text_at(reply, 1);
    if (count != nullptr && *count == "1") return track(client_);
    offers_tracking_ = false;
    subscribe();
}

void Tracker::track(std::int64_t client) {
    step_ = Step::tracking;
    std::string command;
    redis::append(command, {"CLIENT", "TRACKING", "ON", "REDIRECT", std::to_string(client), "BCAST",
                            "PREFIX", "kg:key:", "PREFIX", "kg:owner:"});
    link_->send(command);
}

void Tracker::on_tracking_reply(const Reply& reply) {
    offers_tracking_ = reply.is_status("OK");
    subscribe();
}

void Tracker::subscribe() {
    step_ = Step::subscribing;
    subscriptions_ = 0;
    std::string command;
    if (offers_tracking_)
        redis::append(command, {"SUBSCRIBE", invalidations, changes, waits});
    else
        redis::append(command, {"SUBSCRIBE", changes, waits});
    link_->send(command);
}

void Tracker::on_subscription() {
    if (++subscriptions_ < (offers_tracking_ ? 3U : 2U)) return;
    step_ = Step::set_up;
    timer_.cancel();
    // Without tracking a change of somebody else would never be told.
    if (offers_tracking_ || !settings_.external_writers) lease_.on_set_up();
    events_.on_set_up();
    if (link_ && lease_.is_set_up()) ping();
}

void Tracker::on_reply(Reply reply) {
    switch (step_) {
    case Step::info:
        return on_info_reply(reply);
    case Step::client:
        return on_client_reply(reply);
    case Step::threads:
        return on_threads_reply(reply);
    case Step::tracking:
        return on_tracking_reply(reply);
    case Step::subscribing: {
        const std::string* const kind = text_at(reply, 0);
        if (kind != nullptr && *kind == "subscribe") return on_subscription();
        // What is told before the last confirmation counts for nothing: nothing is kept yet.
        if (kind != nullptr && *kind == "message") return;
        return lose(reply.is(Reply::Kind::error) ? "SUBSCRIBE: " + reply.text
                                                 : "SUBSCRIBE was not confirmed");
    }
    case Step::set_up:
        // While a script runs Redis says BUSY, and changes may still wait to be told.
        if (reply.is(Reply::Kind::error)) {
            const redis::Error kind = redis::classify(reply.text);
            if (kind != redis::Error::busy || !lease_.on_ping_refused())
                return lose(make_error_code(kind).message());
            return arm(interval_of(settings_.revocation_bound));
        }
        return on_message(reply);
    case Step::closed:
    case Step::opening:
        return;
    }
}

void Tracker::on_message(const Reply& message) {
    const std::string* const kind = text_at(message, 0);
    if (kind != nullptr && *kind == "pong" && message.list.size() == 2) {
        const auto sent = lease_.ping();
        const bool renews = !lease_.is_in_doubt();
        if (!lease_.on_pong()) return lose("a pong that nobody asked for");
        if (!renews) return ping();
        backoff_.reset();
        events_.on_renewed();
        const auto next = *sent + interval_of(settings_.revocation_bound) - BootClock::now();
        return arm(std::max(std::chrono::ceil<std::chrono::milliseconds>(next),
                            std::chrono::milliseconds{1}));
    }
    const std::string* const channel = text_at(message, 1);
    if (kind == nullptr || *kind != "message" || channel == nullptr || message.list.size() != 3)
        return lose("a message that cannot be understood");
    const Reply& content = message.list[2];
    if (*channel == invalidations) return on_invalidation(content);
    const std::string* const text = text_at(message, 2);
    if (text == nullptr) return lose("a message without a text");
    if (*channel == changes) return events_.on_change(*text);
    if (*channel == waits) return events_.on_wait(*text);
}

void Tracker::on_invalidation(const Reply& names) {
    if (names.is(Reply::Kind::nil)) return events_.on_flush();
    if (!names.is(Reply::Kind::list)) return lose("an invalidation without names");
    for (const Reply& name : names.list)
        if (!name.is(Reply::Kind::text)) return lose("an invalidation without names");
    for (const Reply& name : names.list)
        events_.on_change(name.text);
}

void Tracker::ping() {
    static const std::string command = "*1\r\n$4\r\nPING\r\n";
    is_looked_again_ = false;
    lease_.on_ping(BootClock::now());
    link_->send(command);
    arm(std::max(patience, settings_.revocation_bound));
}

void Tracker::arm(std::chrono::milliseconds after) {
    timer_.expires_after(after);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_timer();
    });
}

void Tracker::on_timer() {
    if (step_ == Step::closed || step_ == Step::opening) return;
    if (step_ != Step::set_up) return lose("it was not set up in time");
    if (!lease_.is_set_up()) return;
    if (lease_.may_ping()) return ping();
    if (!std::exchange(is_looked_again_, true)) return arm(second_look);
    lose("no answer to a ping");
}

void Tracker::on_closed(const Fault& fault) {
    lose(to_string(fault));
}

void Tracker::restart(const std::string& why) {
    if (step_ != Step::closed) lose(why);
}

void Tracker::lose(const std::string& why) {
    step_ = Step::closed;
    run_id_.clear();
    lease_.on_lost();
    link_.reset();
    events_.on_lost(why);
    dial();
}

} // namespace keygate::keys
