// What happens to a charge, from top to bottom: from memory if what is known decides it, else it is
// asked, answered, and told. Redis away: all who wait are told so at once, and a probe finds out
// when it is back.
#include "limit/redis_counters.hpp"

#include "limit/purse.hpp"
#include "redis/codec.hpp"
#include "redis/error.hpp"
#include "redis/pipeline.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <deque>
#include <random>
#include <utility>
#include <variant>

namespace keygate::limit {

namespace asio = boost::asio;

namespace {

using redis::Reply;
using std::chrono::milliseconds;
using Kind = RedisCounters::Answer::Kind;

// Beyond these a charge is told at once that Redis is away.
constexpr std::size_t most_waiting = 100'000;
constexpr std::size_t fewest_purses = 10'000; // that are looked through for idle ones
constexpr std::size_t most_held = 1000;       // in one call
constexpr std::size_t most_unsettled = 10'000;
constexpr unsigned most_tries = 3;
constexpr milliseconds probe_interval{50};
constexpr milliseconds hold_interval = holder_life / 3;

/// An account that owns its texts.
struct OwnAccount {
    explicit OwnAccount(const Account& account)
        : api(account.api)
        , owner(account.owner)
        , key(account.key)
        , route(account.route)
        , address(account.address) {}

    [[nodiscard]] Account view() const { return {api, owner, key, route, address}; }

    std::string api;
    std::string owner;
    std::string key;
    std::string route;
    std::string address;
};

/// A charge from its question to its answer.
struct Pending {
    std::uint64_t ticket;
    RedisCounters::Asker* asker; // null: nobody waits any more
    Bill bill;
    OwnAccount account;
    config::Truth truth;
    std::optional<Recheck> recheck;
    RedisCounters::Kept kept; // what the bill's limits live in
    std::uint64_t purse = 0;
    BootTime deadline{};
    BootTime sent{};
    std::uint32_t units = 1;
    bool has_leases = false; // its API: others may lease what this one is charged to
    unsigned tries = 0;
    bool is_whole = false;
    bool is_sent = false;
    bool is_told = false;
    bool is_lead = false; // asks for others, too
};

using PendingRef = std::shared_ptr<Pending>;

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
    hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    return hash ^ (hash >> 31);
}

struct NumbersOf {
    std::uint64_t operator()(const config::Rate& rate) const {
        return mixed(rate.limit, rate.burst.value_or(0));
    }

    std::uint64_t operator()(const Quota& quota) const { return quota.limit; }

    std::uint64_t operator()(const config::Concurrency& concurrency) const {
        return concurrency.limit;
    }
};

/// Alike for two bills exactly if what Redis says of one is true of the other.
std::uint64_t identity_of(std::uint64_t seed, const RedisCounters::Request& request) {
    std::uint64_t hash = mixed(seed, request.serial);
    for (const Item& item : request.bill.items()) {
        hash = mixed(hash, item.limit->tag);
        hash = mixed(hash, std::visit(NumbersOf{}, item.limit->rule));
        hash = mixed(hash, std::uint64_t{item.cost} << 8 |
                               static_cast<std::uint64_t>(item.limit->dry_run) << 7 |
                               static_cast<std::uint64_t>(item.limit->by));
        if (item.limit->by == config::LimitBy::route) hash = mixed(hash, item.subject);
        if (item.limit->by == config::LimitBy::address)
            hash = mixed(hash, std::hash<std::string_view>{}(request.account.address));
    }
    return hash;
}

bool has_running(const Bill& bill) {
    return std::any_of(bill.items().begin(), bill.items().end(), [](const Item& item) {
        return std::holds_alternative<config::Concurrency>(item.limit->rule);
    });
}

} // namespace

struct RedisCounters::State : std::enable_shared_from_this<RedisCounters::State> {
    State(asio::io_context& where, const config::Redis& how, std::string holder, Enter way_in,
          Log to)
        : loop(where)
        , settings(how)
        , enter(std::move(way_in))
        , log(std::move(to))
        , calls(std::move(holder))
        , seed(std::random_device{}() * 0x100000001ULL + std::random_device{}())
        , pipeline(
              std::in_place, loop, how,
              redis::Pipeline::Events{.on_up = [this](const redis::Hello&) { on_up(); },
                                      .on_down = [this](const Fault& fault) { on_down(fault); }},
              seed) {}

    // ---- a charge

    std::optional<Answer> charge(Request request, Asker& asker, std::uint64_t& ticket) {
        const BootTime now = BootClock::now();
        const bool is_leased = request.truth == config::Truth::leased && !request.recheck &&
                               can_be_leased(request.bill);
        const std::uint64_t identity = identity_of(seed, request);
        const auto known = purses.find(identity);
        if (known != purses.end()) {
            if (auto refused = known->second.purse.refused(now)) {
                ++from_memory;
                return Answer{Kind::decided, *refused};
            }
            if (is_leased) {
                if (auto granted = known->second.purse.take(now)) {
                    ++from_lease;
                    return Answer{Kind::decided, *granted};
                }
            }
        }
        if (way == Way::away || waiting.size() >= most_waiting) return Answer{};
        auto asked = std::make_shared<Pending>(Pending{
            .ticket = ++last_ticket,
            .asker = &asker,
            .bill = request.bill,
            .account = OwnAccount{request.account},
            .truth = is_leased ? config::Truth::leased : config::Truth::shared,
            .recheck = std::move(request.recheck),
            .kept = asker.keep(),
            .purse = identity,
            .deadline = now + settings.timeout,
            .has_leases = request.truth == config::Truth::leased,
        });
        ticket = asked->ticket;
        waiting.emplace(ticket, asked);
        deadlines.push_back(asked);
        arm_deadline();
        if (asked->recheck)
            send(asked); // its records are its own
        else
            enqueue(asked);
        return std::nullopt;
    }

    struct Known {
        Purse purse;
        bool is_asking = false;
        std::vector<PendingRef> waiting; // for the answer that was asked for, in their order
    };

    /// One asks for all who want the same: those of this turn, and those who come while it waits
    /// for its answer go next. Each is one unit, charged or not as if it had asked by itself.
    void enqueue(const PendingRef& asked) {
        Known& known = purse_of(asked->purse);
        if (known.is_asking) {
            known.waiting.push_back(asked);
            return;
        }
        known.is_asking = true;
        asked->is_lead = true;
        outbox.push_back(asked);
    }

    void flush() {
        for (const PendingRef& lead : std::exchange(outbox, {}))
            ask(lead);
    }

    void ask(const PendingRef& lead) {
        Known& known = purse_of(lead->purse);
        give_back_rest(known.purse, *lead);
        const auto all = static_cast<std::uint32_t>(1 + known.waiting.size());
        lead->units = lead->truth == config::Truth::leased
                          ? known.purse.wanted(all, BootClock::now())
                          : std::min(all, Purse::most_units);
        send(lead);
    }

    Known& purse_of(std::uint64_t identity) {
        if (const auto known = purses.find(identity); known != purses.end()) return known->second;
        if (purses.size() >= sweep_at) {
            const BootTime now = BootClock::now();
            boost::unordered::erase_if(purses, [&](const auto& one) {
                return !one.second.is_asking && one.second.purse.is_idle(now);
            });
            // So that a sweep costs a charge a few instructions, however many are not idle.
            sweep_at = std::max(fewest_purses, 2 * purses.size());
        }
        return purses[identity];
    }

    void send(const PendingRef& asked) {
        if (way == Way::connecting) return; // it goes out when the connection is there
        asked->sent = BootClock::now();
        asked->is_sent = true;
        ++asked_count;
        command.clear();
        calls.charge(command, asked->bill, asked->account.view(),
                     {.units = asked->units,
                      .share = asked->truth == config::Truth::leased ? lease_share : 1,
                      .has_leases = asked->has_leases,
                      .recheck = asked->recheck ? &*asked->recheck : nullptr,
                      .now = server_now(),
                      .is_whole = asked->is_whole});
        ++on_their_way;
        pipeline->send(command, [this, asked](const Result<Reply>& reply) {
            --on_their_way;
            on_reply(asked, reply);
        });
    }

    void on_reply(const PendingRef& asked, const Result<Reply>& reply) {
        if (!reply) return on_lost(asked);
        if (reply->is(Reply::Kind::error)) return on_error(asked, reply->text);
        const ScriptAnswer answer = read_answer(*reply, asked->bill.items().size());
        switch (answer.kind) {
        case ScriptAnswer::Kind::decided:
            ahead = answer.now - wall_now();
            return on_decided(asked, answer);
        case ScriptAnswer::Kind::skewed:
            ahead = answer.now - wall_now();
            return again(asked);
        case ScriptAnswer::Kind::changed:
            return tell(*asked, {Kind::changed, {}});
        case ScriptAnswer::Kind::unusable:
            say("Redis has answered a charge with something else");
            return fail(asked);
        }
    }

    void on_decided(const PendingRef& asked, const ScriptAnswer& answer) {
        const BootTime received = BootClock::now();
        Known& known = purse_of(asked->purse);
        if (answer.outcome.is_admitted() && asked->is_lead)
            known.purse.on_granted(asked->bill, answer, asked->sent, received);
        if (!answer.outcome.is_admitted())
            known.purse.on_refused(asked->bill, answer, asked->sent, received);
        tell(*asked, {Kind::decided, answer.outcome});
        if (!asked->is_lead) return;
        known.is_asking = false;
        const std::vector<PendingRef> others = std::exchange(known.waiting, {});
        const auto unserved = share(known.purse, others, received);
        if (asked->truth != config::Truth::leased)
            give_back_rest(known.purse, *asked); // of those who went away meanwhile
        else if (answer.units > 1)
            watch_lease(asked, known.purse.lease_ends());
        for (const PendingRef& next : unserved)
            enqueue(next);
        flush();
    }

    /// Among those who waited for the answer of another one. @returns those who got nothing.
    std::span<const PendingRef> share(Purse& purse, std::span<const PendingRef> others,
                                      BootTime now) {
        for (; !others.empty(); others = others.subspan(1)) {
            const PendingRef& next = others.front();
            if (next->is_told) continue;
            if (next->asker == nullptr) {
                waiting.erase(next->ticket);
            } else if (const auto refused = purse.refused(now)) {
                ++from_memory;
                tell(*next, {Kind::decided, *refused});
            } else if (const auto granted =
                           next->truth == config::Truth::leased ? purse.take(now) : purse.share()) {
                tell(*next, {Kind::decided, *granted});
            } else {
                break;
            }
        }
        return others;
    }

    /// A script that Redis has forgotten, or a time that it does not have.
    void again(const PendingRef& asked) {
        if (++asked->tries < most_tries) return send(asked);
        fail(asked);
    }

    void on_error(const PendingRef& asked, std::string_view text) {
        const redis::Error kind = redis::classify(text);
        if (kind == redis::Error::no_script) {
            asked->is_whole = true;
            load_scripts();
            return again(asked);
        }
        switch (kind) {
        case redis::Error::other:
        case redis::Error::wrong_type:
            // Of this one count: not its text, which may hold anything.
            say("Redis could not carry out a charge: " + make_error_code(kind).message());
            return fail(asked);
        default:
            set_away(make_error_code(kind).message());
            return fail(asked);
        }
    }

    /// Nobody knows whether it was charged. Whoever still waits asks again on the next connection:
    /// charged twice is less than was sold, and never more.
    void on_lost(const PendingRef& asked) {
        if (way != Way::away && asked->asker != nullptr && ++asked->tries < most_tries) {
            asked->is_sent = false;
            return;
        }
        fail(asked);
    }

    void fail(const PendingRef& asked) {
        tell(*asked, {});
        if (!asked->is_lead) return;
        Known& known = purse_of(asked->purse);
        known.is_asking = false;
        for (const PendingRef& other : std::exchange(known.waiting, {}))
            tell(*other, {});
    }

    // ---- answers

    void tell(Pending& asked, const Answer& answer) {
        const bool is_granted = answer.kind == Kind::decided && answer.outcome.is_admitted();
        if (is_granted) note_running(asked);
        if (std::exchange(asked.is_told, true)) {
            // Too late: it was told that Redis is away.
            if (is_granted) settle_unwanted(asked, answer.outcome);
            return;
        }
        ready.emplace_back(asked.ticket, answer);
        if (std::exchange(is_telling, true)) return;
        enter([weak = weak_from_this()] {
            if (const auto state = weak.lock()) state->tell_all();
        });
    }

    void tell_all() {
        is_telling = false;
        for (const auto& [ticket, answer] : std::exchange(ready, {})) {
            const auto found = waiting.find(ticket);
            if (found == waiting.end()) continue;
            const PendingRef asked = found->second;
            waiting.erase(found);
            Asker* const asker = std::exchange(asked->asker, nullptr);
            if (asker != nullptr)
                asker->on_charge(answer);
            else if (answer.kind == Kind::decided && answer.outcome.is_admitted())
                settle_unwanted(*asked, answer.outcome);
        }
    }

    void settle_unwanted(const Pending& asked, const Outcome& outcome) {
        std::vector<Owed> owed;
        note_owed(asked.bill, asked.account.view(), outcome, owed);
        settle(owed, false);
    }

    void cancel(std::uint64_t ticket) {
        const auto found = waiting.find(ticket);
        if (found != waiting.end()) found->second->asker = nullptr;
    }

    void arm_deadline() {
        if (is_deadline_armed || deadlines.empty()) return;
        is_deadline_armed = true;
        deadline.expires_after(std::max<std::chrono::nanoseconds>(
            deadlines.front()->deadline - BootClock::now(), milliseconds{0}));
        deadline.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto state = weak.lock();
            if (!error && state) state->on_deadline(false);
        });
    }

    void on_deadline(bool is_second_look) {
        const BootTime now = BootClock::now();
        // A process that stood still finds its deadlines and the replies at once: replies first.
        if (!is_second_look && !deadlines.empty() && deadlines.front()->deadline <= now) {
            asio::post(loop, [weak = weak_from_this()] {
                if (const auto state = weak.lock()) state->on_deadline(true);
            });
            return;
        }
        while (!deadlines.empty()) {
            const PendingRef asked = deadlines.front();
            const bool is_over = asked->asker == nullptr || asked->is_told;
            if (!is_over && asked->deadline > now) break;
            deadlines.pop_front();
            if (is_over) continue;
            set_away("no answer within " + std::to_string(settings.timeout.count()) + " ms");
        }
        is_deadline_armed = false;
        arm_deadline();
    }

    // ---- leases

    struct Watched {
        BootTime until{};
        PendingRef of;
    };

    /// What is left of it then is given back.
    void watch_lease(const PendingRef& asked, BootTime until) {
        leases.push_back({until, asked});
        if (!std::exchange(is_lease_watched, true)) arm_lease();
    }

    void arm_lease() {
        lease_end.expires_after(std::max<std::chrono::nanoseconds>(
            leases.front().until - BootClock::now(), milliseconds{1}));
        lease_end.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto state = weak.lock();
            if (!error && state) state->end_leases();
        });
    }

    void end_leases() {
        const BootTime now = BootClock::now();
        // In the order in which they were asked for, as good as.
        while (!leases.empty() && leases.front().until <= now) {
            const Watched ended = std::move(leases.front());
            leases.pop_front();
            const auto known = purses.find(ended.of->purse);
            if (known != purses.end() && known->second.purse.lease_ends() <= now)
                give_back_rest(known->second.purse, *ended.of);
        }
        is_lease_watched = !leases.empty();
        if (is_lease_watched) arm_lease();
    }

    /// What was charged and nobody has used.
    void give_back_rest(Purse& purse, const Pending& of) {
        const Purse::Rest rest = purse.end();
        if (rest.units == 0 || way != Way::open) return;
        given_back_count += rest.units;
        for (std::size_t i = 0; i < of.bill.items().size(); ++i) {
            const Item& item = of.bill.items()[i];
            const std::string name = count_name(*item.limit, of.account.view());
            command.clear();
            if (std::holds_alternative<config::Concurrency>(item.limit->rule))
                calls.leave(command, name, rest.units);
            else if (rest.taken_in[i] != 0) // else of a bucket: it fills by itself
                calls.give_back(command, name, item.limit->state, rest.taken_in[i],
                                std::uint64_t{rest.units} * item.cost);
            if (!command.empty()) send_and_forget();
        }
    }

    /// A gateway that is started anew again and again must not cost anybody a part of his month.
    void stop() {
        waiting.clear();
        const std::uint64_t before = given_back_count;
        for (const Watched& lease : std::exchange(leases, {}))
            if (const auto known = purses.find(lease.of->purse); known != purses.end())
                give_back_rest(known->second.purse, *lease.of);
        if (way != Way::open || given_back_count == before) return end();
        command.clear();
        redis::append(command, {"PING"});
        pipeline->send(command, [weak = weak_from_this()](const Result<Reply>&) {
            if (const auto state = weak.lock()) asio::post(state->loop, [state] { state->end(); });
        });
        deadline.expires_after(settings.timeout);
        deadline.async_wait([weak = weak_from_this()](const boost::system::error_code&) {
            if (const auto state = weak.lock()) state->end();
        });
    }

    void end() {
        way = Way::away;
        pipeline.reset();
        for (asio::steady_timer* const timer : {&deadline, &lease_end, &hold_again, &probe_again})
            timer->cancel();
    }

    // ---- requests at once

    void note_running(const Pending& asked) {
        if (!has_running(asked.bill)) return;
        for (const Item& item : asked.bill.items())
            if (std::holds_alternative<config::Concurrency>(item.limit->rule))
                change(running, count_name(*item.limit, asked.account.view()), 1);
        arm_hold();
    }

    using ByName = boost::unordered_flat_map<std::string, std::uint32_t>;

    static void change(ByName& counts, const std::string& name, int by) {
        const auto place = counts.try_emplace(name, 0).first;
        if (by > 0)
            ++place->second;
        else if (place->second > 0)
            --place->second;
        if (place->second == 0) counts.erase(place);
    }

    void settle(std::span<const Owed> owed, bool is_counted) {
        for (const Owed& one : owed) {
            if (!one.is_running) {
                if (!is_counted) give_back(one);
                continue;
            }
            change(running, one.name, -1);
            if (way != Way::open) continue; // when it is back it is told how many there are
            command.clear();
            calls.leave(command, one.name);
            send_and_forget();
        }
    }

    /// Of a meter. One whose answer is lost may have been given back, and is not again.
    void give_back(const Owed& one, unsigned tries = 1) {
        if (way != Way::open) {
            if (unsettled.size() < most_unsettled) unsettled.push_back(one);
            return;
        }
        command.clear();
        calls.give_back(command, one.name, one.state, one.taken_in, one.cost);
        pipeline->send(command, [this, one, tries](const Result<Reply>& reply) {
            if (!is_no_script(reply) || tries == most_tries) return;
            load_scripts();
            give_back(one, tries + 1);
        });
    }

    void arm_hold() {
        if (running.empty() || std::exchange(is_hold_armed, true)) return;
        hold_again.expires_after(hold_interval);
        hold_again.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto state = weak.lock();
            if (error || !state) return;
            state->is_hold_armed = false;
            if (state->way == Way::open) state->hold();
            state->arm_hold();
        });
    }

    /// What is on its way has been counted where it arrives: then nobody here knows how many there
    /// are, and they are only kept.
    void hold() {
        using Hold = ScriptCalls::Hold;
        const Hold how = on_their_way == 0 ? Hold::exact : Hold::prolong;
        std::vector<std::pair<std::string, std::uint32_t>> all;
        const auto flush_all = [&] {
            if (all.empty()) return;
            command.clear();
            calls.hold(command, all, how);
            send_and_forget();
            all.clear();
        };
        for (const auto& [name, count] : running) {
            all.emplace_back(name, count);
            if (all.size() == most_held) flush_all();
        }
        flush_all();
    }

    // ---- the connection

    enum class Way : std::uint8_t {
        open,
        connecting, // it was lost a moment ago: charges wait, but not beyond their deadline
        away        // it cannot be asked
    };

    void on_up() {
        load_scripts();
        is_probing = false;
        probe();
    }

    void load_scripts() {
        for (const std::string& load : ScriptCalls::loads())
            pipeline->send(load, [this](const Result<Reply>& reply) {
                // Its user may not, as one who was given the rights of an older version.
                if (reply && reply->is(Reply::Kind::error) &&
                    redis::classify(reply->text) == redis::Error::no_permission)
                    calls.bring_texts();
            });
    }

    /// Of a call that nobody waits for: one that is lost is made up for by time (a lease ends, a
    /// holder says again what it holds).
    void send_and_forget() {
        pipeline->send(command, [this](const Result<Reply>& reply) {
            if (is_no_script(reply)) load_scripts();
        });
    }

    static bool is_no_script(const Result<Reply>& reply) {
        return reply && reply->is(Reply::Kind::error) &&
               redis::classify(reply->text) == redis::Error::no_script;
    }

    void on_down(const Fault& fault) {
        is_probing = false;
        if (way == Way::open)
            way = Way::connecting;
        else
            set_away(to_string(fault));
    }

    void open() {
        if (std::exchange(way, Way::open) == Way::away) say("limits are counted in Redis again");
        is_away_now = false;
        has_begun = true;
        hold();
        for (const Owed& one : std::exchange(unsettled, {}))
            give_back(one);
        std::vector<PendingRef> unsent;
        for (const auto& [ticket, asked] : waiting)
            if (!asked->is_sent && !asked->is_told && (asked->is_lead || asked->recheck))
                unsent.push_back(asked);
        std::sort(unsent.begin(), unsent.end(),
                  [](const PendingRef& a, const PendingRef& b) { return a->ticket < b->ticket; });
        for (const PendingRef& asked : unsent)
            send(asked);
    }

    void set_away(const std::string& why) {
        if (std::exchange(way, Way::away) != Way::away)
            say("limits cannot be counted in Redis (" + why + "): when_away decides");
        is_away_now = true;
        has_begun = true;
        // Their replies may still come; what they grant is settled then.
        for (const auto& [ticket, asked] : waiting)
            if (!asked->is_told) tell(*asked, {});
        for (auto& [identity, known] : purses) {
            known.is_asking = false;
            known.waiting.clear();
        }
        outbox.clear();
        arm_probe();
    }

    void arm_probe() {
        if (std::exchange(is_probe_armed, true)) return;
        probe_again.expires_after(probe_interval);
        probe_again.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto state = weak.lock();
            if (error || !state) return;
            state->is_probe_armed = false;
            if (state->way == Way::open) return;
            state->probe();
            state->arm_probe();
        });
    }

    /// Writes, as charges do: one that is answered in time says that they would be.
    void probe() {
        if (!pipeline || !pipeline->is_up() || std::exchange(is_probing, true)) return;
        command.clear();
        redis::append(command, {"SET", "kg:rl:probe", "1", "PX", "1000"});
        pipeline->send(command, [this, sent = BootClock::now()](const Result<Reply>& reply) {
            is_probing = false;
            if (reply && reply->is_status("OK") && BootClock::now() - sent <= settings.timeout)
                open();
            else if (reply && reply->is(Reply::Kind::error))
                set_away(make_error_code(redis::classify(reply->text)).message());
        });
    }

    // ---- time

    static Instant wall_now() { return std::chrono::system_clock::now().time_since_epoch(); }

    [[nodiscard]] Instant server_now() const { return wall_now() + ahead; }

    void say(const std::string& text) {
        const BootTime now = BootClock::now();
        // Once a second of each kind is enough; of two kinds the later one is lost.
        if (now < quiet_until) return;
        quiet_until = now + std::chrono::seconds{1};
        log(text);
    }

    asio::io_context& loop;
    const config::Redis& settings;
    const Enter enter;
    const Log log;
    ScriptCalls calls;
    const std::uint64_t seed;
    std::optional<redis::Pipeline> pipeline;
    Way way = Way::connecting;
    Instant ahead{}; // the server's clock, of ours
    std::string command;

    std::uint64_t last_ticket = 0;
    boost::unordered_flat_map<std::uint64_t, PendingRef> waiting;
    std::vector<std::pair<std::uint64_t, Answer>> ready;
    bool is_telling = false;
    std::deque<PendingRef> deadlines;
    asio::steady_timer deadline{loop};
    bool is_deadline_armed = false;

    boost::unordered_flat_map<std::uint64_t, Known> purses; // of the last second, twice at most
    std::size_t sweep_at = fewest_purses;
    std::vector<PendingRef> outbox; // that ask at the end of this turn
    std::deque<Owed> unsettled;     // meters that could not be given back while Redis was away
    std::deque<Watched> leases;
    asio::steady_timer lease_end{loop};
    bool is_lease_watched = false;

    ByName running;
    std::size_t on_their_way = 0; // charges without a reply
    asio::steady_timer hold_again{loop};
    bool is_hold_armed = false;

    asio::steady_timer probe_again{loop};
    bool is_probe_armed = false;
    bool is_probing = false;
    BootTime quiet_until{};

    std::atomic<std::uint64_t> asked_count{0};
    std::atomic<std::uint64_t> from_lease{0};
    std::atomic<std::uint64_t> from_memory{0};
    std::atomic<std::uint64_t> given_back_count{0};
    std::atomic<bool> is_away_now{false};
    std::atomic<bool> has_begun{false};
};

RedisCounters::RedisCounters(asio::io_context& loop, const config::Redis& settings,
                             std::string holder, Enter enter, Log log)
    : state_(std::make_shared<State>(loop, settings, std::move(holder), std::move(enter),
                                     std::move(log))) {}

RedisCounters::~RedisCounters() = default;

void RedisCounters::stop() {
    state_->stop();
}

void RedisCounters::start() {
    state_->pipeline->start();
}

std::optional<RedisCounters::Answer> RedisCounters::charge(Request request, Asker& asker,
                                                           std::uint64_t& ticket) {
    return state_->charge(std::move(request), asker, ticket);
}

void RedisCounters::flush() {
    state_->flush();
}

void RedisCounters::cancel(std::uint64_t ticket) {
    state_->cancel(ticket);
}

void RedisCounters::note_owed(const Bill& bill, const Account& account, const Outcome& outcome,
                              std::vector<Owed>& owed) {
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        const Item& item = bill.items()[i];
        if (!comes_back(*item.limit) || outcome.has_exceeded(i)) continue;
        owed.push_back(
            {.name = count_name(*item.limit, account),
             .state = item.limit->state,
             .taken_in = outcome.taken_in[i],
             .cost = item.cost,
             .is_running = std::holds_alternative<config::Concurrency>(item.limit->rule)});
    }
}

void RedisCounters::settle(std::span<const Owed> owed, bool is_counted) {
    state_->settle(owed, is_counted);
}

RedisCounters::Counts RedisCounters::counts() const {
    return {.asked = state_->asked_count,
            .from_lease = state_->from_lease,
            .from_memory = state_->from_memory,
            .given_back = state_->given_back_count};
}

bool RedisCounters::has_begun() const {
    return state_->has_begun;
}

bool RedisCounters::is_away() const {
    return state_->is_away_now;
}

} // namespace keygate::limit
