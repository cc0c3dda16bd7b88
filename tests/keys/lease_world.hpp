#pragma once

#include "keys/lease.hpp"
#include "keys/redis_turns.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

// A gateway with a lease, a Redis master, two that write, and everything that goes wrong between
// them, drawn from a seed. The shell around the lease is what the real one will be: one thread for
// Redis, workers that look up what is kept, single flight for reads.
//
// What must hold, at every decision: a request that was sent at or after acknowledgement + bound of
// a change is decided by that change or a later one.
namespace keygate::keys::test {

/// What a shell can do wrong. Each must be seen.
enum class Flaw : std::uint8_t {
    none,
    keeps_across_changes,     ///< no epochs: whatever the generation allows is kept
    stamps_late,              ///< a read bears the generation in which it ends
    keeps_across_connections, ///< what is kept is taken over by a new generation
    pings_while_one_waits,    ///< pings are sent while one waits; pongs count in their order
    busy_renews,              ///< an error is taken for a pong
    refusal_is_forgotten,     ///< the pong after an error counts like any other
    pong_counts_from_arrival, ///< the ping's time is taken when its pong comes
    loads_late,               ///< looked up first, then what pings have renewed
    joins_any_read            ///< a request joins a read however old it is
};

enum class Traced : bool { no, yes };

struct Violation {
    std::uint64_t seed;
    std::int64_t sent;
    std::int64_t bound;
    std::int64_t decided_by;
    std::int64_t required;
};

struct Figures {
    std::uint64_t schedules = 0;
    std::uint64_t events = 0;
    std::uint64_t decisions = 0;
    std::uint64_t from_memory = 0;
    std::uint64_t by_pings = 0; ///< from memory, by what was read before its bound
    std::uint64_t failed = 0;   ///< requests that nothing decided: Redis was busy or away
    std::uint64_t calm = 0;     ///< schedules whose bound lets pings renew once all is calm
    std::uint64_t not_calm = 0; ///< of those: a request was not decided from memory then
    std::uint64_t not_calm_seed = 0;
    std::uint64_t violations = 0;
    std::optional<Violation> first;
};

class World {
  public:
    World(std::uint64_t seed, Flaw flaw, Figures& figures, Traced traced = Traced::no)
        : seed_(seed)
        , flaw_(flaw)
        , is_traced_(traced == Traced::yes)
        , figures_(figures)
        , dice_(seed)
        , redis_(agenda_, dice_, weather_) {
        draw();
    }

    void run() {
        while (!agenda_.is_empty() && agenda_.now <= end_) {
            const Event event = agenda_.take();
            ++figures_.events;
            const std::int64_t until = stands_until(event);
            if (agenda_.now < until) {
                Event later = event;
                later.at = until;
                agenda_.put(later);
                continue;
            }
            on(event);
        }
        ++figures_.schedules;
        if (!expects_calm_) return;
        ++figures_.calm;
        if (!is_calm_) {
            ++figures_.not_calm;
            figures_.not_calm_seed = seed_;
        }
    }

  private:
    using Kind = Event::Kind;

    static constexpr std::array<std::string_view, name_count> names{"kg:key:a", "kg:key:b",
                                                                    "kg:owner:c"};
    static constexpr std::int64_t horizon = 1000; // after it nothing goes wrong any more
    static constexpr std::int64_t healing = 900;
    static constexpr std::uint32_t nobody = 0xffffffffU;

    struct Kept {
        std::int64_t version = 0;
        Stamp stamp;
        bool is_there = false;
    };

    struct Request {
        std::int64_t sent = 0;
        std::int64_t t = 0;
        Renewed::View view{};
        Kept found;
        std::uint8_t name = 0;
        bool is_probe = false;
        std::uint32_t next = nobody; // in the same read
    };

    struct ReadUnderWay {
        Lease::Reading reading;
        Role role{};
        std::uint8_t name = 0;
        std::uint32_t tag = 0;
        std::uint32_t waiting = nobody;
    };

    struct Acknowledged {
        std::int64_t at;
        std::int64_t version;
    };

    /// Until when nothing is done about it. What a writer is told is none of the gateway's events.
    [[nodiscard]] std::int64_t stands_until(const Event& event) const {
        if (event.kind == Kind::look || event.kind == Kind::decide) return gateway_stands_until_;
        if (event.kind < Kind::arrival || event.kind > Kind::ask) return 0;
        if (event.kind == Kind::arrival && event.role >= Role::writer_a) return 0;
        return std::max(gateway_stands_until_, thread_stands_until_);
    }

    static BootTime time(std::int64_t at) { return BootTime{std::chrono::nanoseconds{at}}; }

    // ---- what will happen

    void draw() {
        constexpr std::array<std::int64_t, 9> bounds{0, 1, 5, 20, 50, 100, 200, 500, 2000};
        constexpr std::array<std::int64_t, 4> delays{1, 3, 10, 40};
        bound_ = bounds[static_cast<std::size_t>(dice_.below(bounds.size()))];
        weather_.delay = delays[static_cast<std::size_t>(dice_.below(delays.size()))];
        weather_.long_delay = weather_.delay * (1 + dice_.below(10));
        interval_ = 8 + dice_.below(dice_.one_in(2) ? 30 : 120);
        patience_ = 40 + dice_.below(300);
        for (std::size_t i = 0; i < channel_count; ++i)
            if (dice_.one_in(6)) redis_.channels[i].lag = 1 + dice_.below(200);
        const bool is_fine = dice_.one_in(4); // nothing breaks
        for (std::size_t i = 1; i < channel_count; ++i)
            redis_.channels[i].open();
        put(dice_.below(30), Kind::connect);
        for (std::int64_t i = 10 + dice_.below(20); i > 0; --i)
            draw_request(dice_.below(horizon));
        if (dice_.one_in(3)) {
            draw_crowd();
        } else {
            for (std::int64_t i = 2 + dice_.below(5); i > 0; --i)
                draw_write(dice_.below(horizon));
            if (dice_.one_in(3)) put(dice_.below(horizon), Kind::script);
        }
        for (std::int64_t i = is_fine ? 0 : dice_.below(5); i > 0; --i)
            draw_break(dice_.below(horizon));
        for (std::int64_t i = is_fine ? 0 : dice_.below(4); i > 0; --i)
            draw_pause(dice_.below(horizon));
        put(horizon, Kind::heal);
        end_ = horizon + 300;
        // Calm, a ping and its pong take less than 100; the oldest that counts is one interval
        // more.
        expects_calm_ = bound_ >= interval_ + 100;
        if (expects_calm_) {
            put(horizon + healing, Kind::probe);
            put(horizon + healing + 100 + bound_, Kind::probe, Role::tracking, 0, 1);
            end_ = horizon + healing + 200 + bound_;
        }
    }

    // Each die has its line: the order in which arguments are computed is the compiler's.

    void draw_request(std::int64_t at) { put(at, Kind::request, Role::tracking, any_name()); }

    void draw_write(std::int64_t at) {
        const Role writer = dice_.one_in(2) ? Role::writer_a : Role::writer_b;
        const std::uint8_t name = any_name();
        put(at, Kind::write, writer, name, dice_.one_in(12) ? 1 : 0);
        if (dice_.one_in(3)) put(at + dice_.below(20), Kind::script);
    }

    void draw_break(std::int64_t at) {
        const auto any = static_cast<Role>(dice_.below(channel_count));
        const Role role = dice_.one_in(2) ? Role::tracking : any;
        put(at, Kind::broken, role, 0, static_cast<std::uint32_t>(dice_.below(4)));
    }

    void draw_pause(std::int64_t at) {
        const std::int64_t most = dice_.one_in(3) ? 400 : 60;
        const std::int64_t length = 1 + dice_.below(most);
        const auto who = static_cast<std::uint8_t>(dice_.below(2));
        put(at, Kind::pause, Role::tracking, who, static_cast<std::uint32_t>(length));
    }

    /// Short wires, many pings, and a lot to do in few turns of Redis.
    void draw_crowd() {
        bound_ = dice_.below(60);
        weather_.delay = 1 + dice_.below(3);
        weather_.long_delay = 1 + dice_.below(30);
        interval_ = 2 + dice_.below(12);
        patience_ = 200 + dice_.below(300);
        for (std::int64_t crowd = 1 + dice_.below(3); crowd > 0; --crowd) {
            const std::int64_t begin = dice_.below(horizon);
            for (std::int64_t i = 0; i < 8; ++i)
                draw_request(std::max<std::int64_t>(0, begin - 30 + dice_.below(60)));
            for (std::int64_t i = 1 + dice_.below(4); i > 0; --i)
                draw_write(begin + dice_.below(40));
            for (std::int64_t i = dice_.below(4); i > 0; --i)
                put(begin + dice_.below(60), Kind::script);
        }
    }

    std::uint8_t any_name() { return static_cast<std::uint8_t>(dice_.below(name_count)); }

    void put(std::int64_t at, Kind kind, Role role = Role::tracking, std::uint8_t name = 0,
             std::uint32_t tag = 0) {
        agenda_.put({.at = at, .kind = kind, .role = role, .name = name, .tag = tag});
    }

    void put_soon(std::int64_t most, Kind kind, std::uint32_t tag) {
        put(agenda_.now + dice_.below(most), kind, Role::tracking, 0, tag);
    }

    void on(const Event& event) {
        if (is_traced_ && event.kind != Kind::wake && event.kind != Kind::step) trace(event);
        switch (event.kind) {
        case Kind::wake:
            return redis_.on_wake();
        case Kind::step:
            return redis_.on_step();
        case Kind::inner_turn:
            return redis_.on_inner_turn();
        case Kind::script:
            return redis_.on_script();
        case Kind::arrival:
            return on_arrival(event.role, event.tag);
        case Kind::connect:
            return connect();
        case Kind::ping:
            return on_ping_time(event.tag);
        case Kind::ping_deadline:
            return on_ping_deadline(event.tag);
        case Kind::set_up_deadline:
            if (tracking().id == event.tag && !lease_.is_set_up()) lose();
            return;
        case Kind::read_deadline:
            return on_read_deadline(event.tag);
        case Kind::reopen:
            return redis_.at(event.role).open();
        case Kind::request:
            return request(event.name, agenda_.now, false);
        case Kind::look:
            return look(event.tag);
        case Kind::decide:
            return decide_from_memory(event.tag);
        case Kind::ask:
            return ask(event.tag);
        case Kind::write:
            return redis_.send(event.role, {.word = event.tag == 1 ? Word::flush_all : Word::set,
                                            .name = event.name});
        case Kind::broken:
            return on_broken(event.role, event.tag);
        case Kind::pause:
            return on_pause(event.name == 0 ? gateway_stands_until_ : thread_stands_until_,
                            agenda_.now + event.tag);
        case Kind::heal:
            return heal();
        case Kind::probe:
            // First a read, whatever was kept before; then what it brought, when its bound is over.
            if (event.tag == 0) kept_[0].is_there = false;
            return request(0, agenda_.now, event.tag == 1);
        }
    }

    // ---- the world: wires that break, writers that are answered

    void on_broken(Role role, std::uint32_t how) {
        Channel& channel = redis_.at(role);
        if (!channel.is_open) return;
        if (role >= Role::writer_a) return channel.open(); // what was on its way is lost
        if (how == 0) return end_noticed(role);
        if (how != 1) channel.lost_to_redis = agenda_.now;
        if (how != 2) channel.lost_to_gateway = agenda_.now;
    }

    /// The gateway is told; that it does not stand still just then is no matter.
    void end_noticed(Role role) {
        if (role == Role::tracking) return lose();
        end_reads(role);
    }

    static void on_pause(std::int64_t& stands_until, std::int64_t until) {
        stands_until = std::max(stands_until, until);
    }

    void heal() {
        weather_ = {.is_calm = true};
        for (std::size_t i = 0; i < channel_count; ++i) {
            Channel& channel = redis_.channels[i];
            channel.lag = 0;
            const bool is_broken = channel.lost_to_redis != Channel::never ||
                                   channel.lost_to_gateway != Channel::never;
            if (channel.is_open && is_broken) end_noticed(static_cast<Role>(i));
        }
    }

    void on_acknowledged(const Message& message) {
        const Acknowledged change{agenda_.now, message.version};
        for (std::uint8_t name = 0; name < name_count; ++name) {
            if (!message.is_flush && name != message.name) continue;
            acknowledged_[name].push_back(change);
            if (agenda_.now > horizon) continue;
            // From here on the old version is wrong.
            put(agenda_.now + bound_, Kind::request, Role::tracking, name);
            put(agenda_.now + bound_ + dice_.below(4), Kind::request, Role::tracking, name);
            put(agenda_.now + bound_ + dice_.below(80), Kind::request, Role::tracking, name);
            put(agenda_.now + bound_ + dice_.below(300), Kind::request, Role::tracking, name);
        }
    }

    // ---- the thread that speaks with Redis

    Channel& tracking() { return redis_.at(Role::tracking); }

    void connect() {
        tracking().open();
        pings_.clear();
        redis_.send(Role::tracking, {.word = Word::set_up});
        put(agenda_.now + patience_, Kind::set_up_deadline, Role::tracking, 0, tracking().id);
    }

    void lose() {
        if (!tracking().is_open) return;
        if (is_traced_) std::printf("%6lld    tracking lost\n", ll(agenda_.now));
        lease_.on_lost();
        tracking().close();
        const std::int64_t most = dice_.one_in(2) ? 3 : 60;
        put(agenda_.now + 1 + dice_.below(most), Kind::connect);
    }

    void on_arrival(Role role, std::uint32_t id) {
        Channel& channel = redis_.at(role);
        if (channel.id != id || !channel.is_open) return;
        const Message message = channel.to_gateway.pop();
        if (is_traced_) trace(role, message);
        switch (role) {
        case Role::tracking:
            return on_told(message);
        case Role::reads_a:
        case Role::reads_b:
            return on_read(message);
        default:
            if (message.word == Word::done) on_acknowledged(message);
        }
    }

    void on_told(const Message& message) {
        switch (message.word) {
        case Word::is_set_up:
            lease_.on_set_up();
            if (flaw_ == Flaw::keeps_across_connections)
                for (Kept& kept : kept_)
                    kept.stamp.generation = lease_.generation();
            return on_ping_time(tracking().id);
        case Word::pong:
            if (!on_pong()) return lose();
            if (lease_.is_in_doubt() && pings_.empty()) send_ping();
            return;
        case Word::busy:
            if (!lease_.is_set_up() || !on_busy()) lose();
            return;
        case Word::changed:
            lease_.on_change(names[message.name]);
            kept_[message.name].is_there = false;
            return;
        case Word::all_changed:
            lease_.on_flush();
            for (Kept& kept : kept_)
                kept.is_there = false;
            return;
        default:
            return lose();
        }
    }

    void on_ping_time(std::uint32_t id) {
        if (tracking().id != id || !lease_.is_set_up()) return;
        const bool may_ping = flaw_ == Flaw::pings_while_one_waits  ? pings_.size() < 8
                              : flaw_ == Flaw::refusal_is_forgotten ? pings_.empty()
                                                                    : lease_.may_ping();
        if (may_ping) send_ping();
        put(agenda_.now + interval_, Kind::ping, Role::tracking, 0, id);
    }

    void send_ping() {
        ++ping_serial_;
        if (flaw_ != Flaw::pings_while_one_waits) lease_.on_ping(time(agenda_.now));
        pings_.push_back({agenda_.now, ping_serial_});
        redis_.send(Role::tracking, {.word = Word::ping});
        put(agenda_.now + patience_, Kind::ping_deadline, Role::tracking, 0, ping_serial_);
    }

    bool on_pong() {
        if (pings_.empty()) return lease_.on_pong();
        if (flaw_ == Flaw::pings_while_one_waits) lease_.on_ping(time(pings_.front().sent));
        if (flaw_ == Flaw::pong_counts_from_arrival) lease_.on_ping(time(agenda_.now));
        pings_.erase(pings_.begin());
        return lease_.on_pong();
    }

    bool on_busy() {
        if (pings_.empty()) return lease_.on_ping_refused();
        const std::int64_t sent = pings_.front().sent;
        pings_.erase(pings_.begin());
        if (flaw_ == Flaw::refusal_is_forgotten) return true;
        if (flaw_ == Flaw::pings_while_one_waits) lease_.on_ping(time(sent));
        return flaw_ == Flaw::busy_renews ? lease_.on_pong() : lease_.on_ping_refused();
    }

    void on_ping_deadline(std::uint32_t serial) {
        for (const Ping& ping : pings_)
            if (ping.serial == serial) return lose();
    }

    // ---- reads

    void ask(std::uint32_t index) {
        Request& asking = requests_[index];
        for (ReadUnderWay& read : reads_) {
            if (read.name != asking.name) continue;
            if (flaw_ != Flaw::joins_any_read &&
                read.reading.stamp.read_at < time(asking.t - bound_))
                continue;
            asking.next = read.waiting;
            read.waiting = index;
            return;
        }
        const Role role = dice_.one_in(3) ? Role::reads_b : Role::reads_a;
        if (!redis_.at(role).is_open) return fail(index);
        const std::uint32_t tag = ++read_tag_;
        reads_.push_back({lease_.begin_read(names[asking.name], time(agenda_.now)), role,
                          asking.name, tag, index});
        redis_.send(role, {.word = Word::get, .name = asking.name, .tag = tag});
        put(agenda_.now + patience_, Kind::read_deadline, Role::tracking, 0, tag);
    }

    ReadUnderWay take_read(std::size_t i) {
        const ReadUnderWay read = reads_[i];
        reads_.erase(reads_.begin() + static_cast<std::ptrdiff_t>(i));
        return read;
    }

    void on_read(const Message& message) {
        for (std::size_t i = 0; i < reads_.size(); ++i) {
            if (reads_[i].tag != message.tag) continue;
            const ReadUnderWay read = take_read(i);
            if (message.word != Word::value) return fail_all(read);
            keep(read, message.version);
            for (std::uint32_t r = read.waiting; r != nobody; r = requests_[r].next)
                decided(requests_[r], message.version);
            return;
        }
    }

    void keep(const ReadUnderWay& read, std::int64_t version) {
        Stamp stamp = read.reading.stamp;
        bool may_keep = lease_.may_keep(read.reading, names[read.name]);
        if (flaw_ == Flaw::keeps_across_changes)
            may_keep = stamp.generation != 0 && stamp.generation == lease_.generation() &&
                       lease_.is_set_up();
        if (flaw_ == Flaw::stamps_late) {
            Lease::Reading late = read.reading;
            late.stamp.generation = stamp.generation = lease_.generation();
            may_keep = lease_.may_keep(late, names[read.name]);
        }
        if (may_keep) kept_[read.name] = {version, stamp, true};
    }

    void on_read_deadline(std::uint32_t tag) {
        for (const ReadUnderWay& read : reads_)
            if (read.tag == tag) return end_reads(read.role);
    }

    void end_reads(Role role) {
        redis_.at(role).close();
        for (std::size_t i = 0; i < reads_.size();) {
            if (reads_[i].role == role)
                fail_all(take_read(i));
            else
                ++i;
        }
        put(agenda_.now + dice_.below(20), Kind::reopen, role);
    }

    void fail_all(const ReadUnderWay& read) {
        for (std::uint32_t r = read.waiting; r != nobody; r = requests_[r].next)
            fail(r);
    }

    void fail(std::uint32_t /*index*/) { ++figures_.failed; }

    // ---- a request, on a worker

    void request(std::uint8_t name, std::int64_t sent, bool is_probe) {
        Request& added = requests_.emplace_back();
        added.sent = sent;
        added.name = name;
        added.is_probe = is_probe;
        put_soon(!weather_.is_calm && dice_.one_in(8) ? 100 : 3, Kind::look,
                 static_cast<std::uint32_t>(requests_.size() - 1));
    }

    /// Read from its socket: t. What the loop does before the look-up takes its time.
    void look(std::uint32_t index) {
        Request& request = requests_[index];
        request.t = agenda_.now;
        if (flaw_ == Flaw::loads_late)
            request.found = kept_[request.name];
        else
            request.view = renewed_.load();
        put_soon(dice_.one_in(6) ? 40 : 2, Kind::decide, index);
    }

    void decide_from_memory(std::uint32_t index) {
        Request& request = requests_[index];
        if (flaw_ == Flaw::loads_late)
            request.view = renewed_.load();
        else
            request.found = kept_[request.name];
        const auto bound = std::chrono::nanoseconds{bound_};
        if (!request.found.is_there ||
            !decides(request.found.stamp, request.view, time(request.t), bound))
            return put_soon(3, Kind::ask, index);
        ++figures_.from_memory;
        const bool is_by_ping = request.found.stamp.read_at < time(request.t - bound_);
        figures_.by_pings += is_by_ping ? 1 : 0;
        is_calm_ = is_calm_ || request.is_probe;
        decided(request, request.found.version);
    }

    void decided(const Request& request, std::int64_t version) {
        ++figures_.decisions;
        std::int64_t required = 0;
        for (const Acknowledged& change : acknowledged_[request.name])
            if (change.at + bound_ <= request.sent) required = std::max(required, change.version);
        if (is_traced_)
            std::printf(
                "%6lld    request of %d, sent %lld, t %lld: by version %lld, required %lld%s\n",
                ll(agenda_.now), request.name, ll(request.sent), ll(request.t), ll(version),
                ll(required), version < required ? "   VIOLATION" : "");
        if (version >= required) return;
        ++figures_.violations;
        if (!figures_.first)
            figures_.first = Violation{seed_, request.sent, bound_, version, required};
    }

    // ---- told to whoever looks for a mistake

    static long long ll(std::int64_t value) { return value; }

    void trace(const Event& event) const {
        constexpr std::array<const char*, 20> kinds{
            "wake",      "step",          "inner turn",      "script",        "arrival", "connect",
            "ping time", "ping deadline", "set-up deadline", "read deadline", "reopen",  "look",
            "decide",    "ask",           "request",         "write",         "broken",  "pause",
            "heal",      "probe"};
        if (event.kind == Kind::arrival) return;
        std::printf("%6lld %s: role %d, name %d, tag %u\n", ll(agenda_.now),
                    kinds[static_cast<std::size_t>(event.kind)], static_cast<int>(event.role),
                    event.name, event.tag);
    }

    void trace(Role role, const Message& message) const {
        constexpr std::array<const char*, 12> words{"ping",  "set up", "get",       "set",
                                                    "flush", "pong",   "is set up", "busy",
                                                    "value", "done",   "changed",   "all changed"};
        std::printf("%6lld    from Redis on %d: %s, name %d, version %lld\n", ll(agenda_.now),
                    static_cast<int>(role), words[static_cast<std::size_t>(message.word)],
                    message.name, ll(message.version));
    }

    struct Ping {
        std::int64_t sent;
        std::uint32_t serial;
    };

    std::uint64_t seed_;
    Flaw flaw_;
    bool is_traced_;
    Figures& figures_;
    Dice dice_;
    Agenda agenda_;
    Weather weather_;
    RedisTurns redis_;

    Renewed renewed_;
    Lease lease_{renewed_};
    std::array<Kept, name_count> kept_{};
    std::vector<Ping> pings_; // without an answer
    std::vector<ReadUnderWay> reads_;
    std::vector<Request> requests_;
    std::array<std::vector<Acknowledged>, name_count> acknowledged_;

    std::int64_t bound_ = 0;
    std::int64_t interval_ = 0;
    std::int64_t patience_ = 0;
    std::int64_t end_ = 0;
    std::int64_t gateway_stands_until_ = 0;
    std::int64_t thread_stands_until_ = 0; // the workers go on
    std::uint32_t ping_serial_ = 0;
    std::uint32_t read_tag_ = 0;
    bool expects_calm_ = false;
    bool is_calm_ = false;
};

} // namespace keygate::keys::test
