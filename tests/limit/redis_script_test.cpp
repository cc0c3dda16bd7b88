#include "keys/redis_records.hpp"
#include "limit/model_world.hpp"
#include "limit/redis_script.hpp"
#include "redis/codec.hpp"
#include "redis/sha1.hpp"
#include "support/redis_server.hpp"
#include "support/socket.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// The script in a real Redis, by a clock that the test sets, against the same plain model as the
// counters of a process (model.hpp): in microseconds, with leases and holders.
//
// KEYGATE_LONG=1 makes 320,000 charges instead of 24,000 (fewer where assertions are on).
// KEYGATE_SEED=n replays the schedule that was printed.
namespace keygate::limit {
namespace {

namespace bdata = boost::unit_test::data;

using namespace std::chrono_literals;
using config::LimitBy;
using testing::bill_of;
using testing::limit_of;
using testing::Model;
using testing::quota_of;
using testing::rate_of;
using testing::running_of;
using testing::start;
using testing::Wide;
using testing::World;
using Kind = ScriptAnswer::Kind;
using Limits = std::vector<config::Limit>;

constexpr std::string_view test_clock = "{redis.call('GET', 't:s'), redis.call('GET', 't:us')}";

/// One connection to the server that all tests share, and a clock.
class Redis {
  public:
    Redis() {
        (void)call({"FLUSHALL"});
        for (const std::string& load : ScriptCalls::loads())
            (void)ask(load);
        (void)call({"SCRIPT", "LOAD", charge_script(test_clock)});
    }

    static support::RedisServer& server() {
        static support::RedisServer shared;
        return shared;
    }

    redis::Reply call(const redis::Command& command) {
        std::string bytes;
        redis::append(bytes, command);
        return ask(bytes);
    }

    /// What a command says, as text.
    std::string text(const redis::Command& command) {
        const redis::Reply reply = call(command);
        return reply.is(redis::Reply::Kind::number) ? std::to_string(reply.number) : reply.text;
    }

    redis::Reply ask(const std::string& command) {
        socket_.send(command);
        return next();
    }

    /// A call of the charge, by the clock of the test.
    redis::Reply ask_at(Instant now, std::string command) {
        static const std::string real = redis::sha1_of(charge_script());
        static const std::string ours = redis::sha1_of(charge_script(test_clock));
        const std::size_t digest = command.find(real);
        BOOST_TEST_REQUIRE(digest != std::string::npos);
        command.replace(digest, real.size(), ours);
        const std::int64_t time = now.count() / 1000;
        std::string bytes;
        redis::append(bytes, {"MSET", "t:s", std::to_string(time / 1'000'000), "t:us",
                              std::to_string(time % 1'000'000)});
        socket_.send(bytes + command);
        (void)next();
        return next();
    }

  private:
    redis::Reply next() {
        while (true) {
            auto reply = decoder_.next();
            BOOST_TEST_REQUIRE(reply.has_value());
            if (*reply) return std::move(**reply);
            const auto bytes = socket_.receive();
            if (!bytes || bytes->empty()) throw std::runtime_error("Redis has hung up");
            decoder_.feed(*bytes);
        }
    }

    support::Socket socket_ = support::Socket::connect(server().port());
    redis::Decoder decoder_;
};

/// One gateway's worker.
struct Worker {
    Redis redis;
    ScriptCalls calls{"g1.1"};
    Account account{.api = "shop",
                    .owner = "acme",
                    .key = "key_1",
                    .route = "GET /v1/orders",
                    .address = "192.0.2.7"};

    ScriptAnswer charge_as(const Bill& bill, Instant now, ScriptCalls::Call call) {
        std::string command;
        calls.charge(command, bill, account, call);
        return read_answer(redis.ask_at(now, command), bill.items().size());
    }

    ScriptAnswer charge(const Bill& bill, Instant now) {
        ScriptAnswer answer = charge_as(bill, now, {.now = now});
        BOOST_TEST_REQUIRE((answer.kind == Kind::decided));
        return answer;
    }

    bool pass(const Bill& bill, Instant now) { return charge(bill, now).outcome.is_admitted(); }

    int passed(const Bill& bill, Instant now, int tries) {
        int count = 0;
        for (int i = 0; i < tries; ++i)
            count += pass(bill, now);
        return count;
    }

    void settle(const Bill& bill, const Outcome& outcome, bool is_counted) {
        for (std::size_t i = 0; i < bill.items().size(); ++i) {
            if (outcome.has_exceeded(i)) continue;
            const Item& item = bill.items()[i];
            const auto* const quota = std::get_if<config::Quota>(&item.limit->rule);
            std::string command;
            const std::string name = count_name(*item.limit, account);
            if (std::holds_alternative<config::Concurrency>(item.limit->rule))
                calls.leave(command, name);
            else if (quota != nullptr && quota->meter != "requests" && !is_counted)
                calls.give_back(command, name, item.limit->state, outcome.taken_in[i], item.cost);
            if (!command.empty()) (void)redis.ask(command);
        }
    }

    std::string state(const config::Limit& limit) {
        return redis.text({"HGET", count_name(limit, account), limit.state});
    }

    void set_state(const config::Limit& limit, const std::string& text) {
        (void)redis.call({"HSET", count_name(limit, account), limit.state, text});
    }
};

redis::Reply text_reply(const std::string& text) {
    redis::Reply reply;
    reply.kind = redis::Reply::Kind::text;
    reply.text = text;
    return reply;
}

redis::Reply list_reply(const std::vector<std::string>& texts) {
    redis::Reply reply;
    reply.kind = redis::Reply::Kind::list;
    for (const std::string& text : texts)
        reply.list.push_back(text_reply(text));
    return reply;
}

std::uint64_t charges() {
    return testing::tries(24'000, 320'000);
}

/// A schedule that the model and a Redis go through.
class Schedule {
  public:
    Schedule(Worker& worker, std::uint64_t seed, bool has_leases)
        : world_(seed, {.tick = 1us, .most_limit = has_leases ? 200U : 20U, .is_for_redis = true})
        , worker_(worker)
        , has_leases_(has_leases)
        , owner_("o" + std::to_string(seed)) {
        if (has_leases) model_.set_lease(lease_life);
        model_.set_holder_life(holder_life);
    }

    /// @returns what was wrong first.
    std::string run(int count) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < count; ++i) {
            std::string wrong = charge();
            // Redis forgets by its own clock, a second after the end of what was counted.
            if (std::chrono::steady_clock::now() - begin > 900ms) return {};
            if (!wrong.empty()) return "charge " + std::to_string(i) + ' ' + wrong;
        }
        return {};
    }

    [[nodiscard]] std::uint64_t admitted() const { return admitted_; }

    [[nodiscard]] std::uint64_t refused() const { return refused_; }

    [[nodiscard]] std::uint64_t leased() const { return leased_; }

  private:
    struct Running {
        Bill bill;
        std::uint32_t key;
        Model::Answer expected;
        Outcome outcome;
    };

    void set_account(std::uint32_t key) {
        key_ = "k" + std::to_string(key);
        worker_.account.owner = owner_;
        worker_.account.key = key_;
        worker_.account.route = owner_;   // nobody else's
        worker_.account.address = owner_; // no limit here counts by it
    }

    std::string charge() {
        world_.step(retry_at_);
        if (world_.one_in(20)) world_.edit();
        while (!running_.empty() && world_.one_in(3))
            settle();
        const Bill bill = world_.bill();
        set_account(world_.key());
        const auto units = has_leases_ && can_be_leased(bill)
                               ? static_cast<std::uint32_t>(1 + world_.below(40))
                               : 1;
        const Model::Answer expected = model_.charge(bill, world_.now(), units);
        // Its caller knows the time about.
        const Instant about{static_cast<std::int64_t>(world_.below(4'000'000'000)) - 2'000'000'000};
        const ScriptAnswer answer = worker_.charge_as(
            bill, world_.now(),
            {.units = units, .has_leases = has_leases_, .now = world_.now() + about});
        std::string wrong = difference(bill, answer, expected);
        if (wrong.empty() && answer.outcome.is_admitted()) {
            ++admitted_;
            leased_ += answer.units > 1;
            if (answer.units == 1)
                running_.push_back({bill, world_.key(), expected, answer.outcome});
        } else {
            ++refused_;
            retry_at_ = answer.outcome.retry_at;
        }
        return wrong.empty() ? wrong : text_of(bill, units) + ':' + wrong;
    }

    std::string text_of(const Bill& bill, std::uint32_t units) {
        std::ostringstream text;
        text << "at " << world_.now().count() << " for " << units;
        for (const Item& item : bill.items()) {
            text << "; " << item.limit->state << " by " << static_cast<int>(item.limit->by) << ": "
                 << item.cost << " of "
                 << std::visit([](const auto& rule) { return rule.limit; }, item.limit->rule);
            if (const auto* const rate = std::get_if<config::Rate>(&item.limit->rule);
                rate != nullptr && rate->burst)
                text << " burst " << *rate->burst;
            if (item.limit->dry_run) text << " dry";
            text << " (" << worker_.state(*item.limit) << ')';
        }
        return text.str();
    }

    std::string difference(const Bill& bill, const ScriptAnswer& answer,
                           const Model::Answer& expected) {
        if (answer.kind != Kind::decided)
            return "kind is " + std::to_string(static_cast<int>(answer.kind));
        std::string text;
        const auto compare = [&](const char* what, std::size_t of, auto is, auto should) {
            if (is == should) return;
            std::ostringstream line;
            line << ' ' << what << " (" << of << ") is " << is << ", not " << should << ';';
            text += line.str();
        };
        const Outcome& outcome = answer.outcome;
        compare("now", 0, answer.now.count(), world_.now().count());
        compare("admitted", 0, outcome.is_admitted(), expected.is_admitted);
        compare("exceeded", 0, outcome.exceeded, expected.exceeded);
        if (!expected.is_admitted && !outcome.is_admitted()) {
            compare("refused by", 0, std::size_t{outcome.refused_by}, expected.refused_by);
            compare("retry at", 0, outcome.retry_at.count(), expected.retry_at.count());
        }
        if (expected.is_admitted) compare("units", 0, answer.units, expected.units);
        for (std::size_t i = 0; i < bill.items().size(); ++i) {
            compare("left", i, outcome.standing[i].left, expected.standing[i].left);
            compare("more at", i, outcome.standing[i].more_at.count(),
                    expected.standing[i].more_at.count());
            compare("taken in", i, outcome.taken_in[i], expected.taken_in[i]);
        }
        return text;
    }

    void settle() {
        const std::size_t which = world_.below(running_.size() - 1);
        const Running over = running_[which];
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which));
        const bool is_counted = world_.one_in(2);
        model_.settle(over.bill, over.expected, is_counted);
        set_account(over.key);
        worker_.settle(over.bill, over.outcome, is_counted);
    }

    World world_;
    Model model_{1us, Model::Buckets::keep_level};
    Worker& worker_;
    bool has_leases_;
    std::string owner_;
    std::string key_;
    std::vector<Running> running_;
    Instant retry_at_{};
    std::uint64_t admitted_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t leased_ = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(limit_redis_script, Worker)

// ---- against the model

BOOST_DATA_TEST_CASE(redis_decides_as_the_plain_model_does, bdata::make({false, true}),
                     has_leases) {
    const std::uint64_t first = testing::new_seed();
    std::uint64_t admitted = 0;
    std::uint64_t refused = 0;
    std::uint64_t leased = 0;
    for (std::uint64_t seed = first; admitted + refused < charges() / 2; ++seed) {
        Schedule schedule{*this, seed, has_leases};
        const std::string wrong = schedule.run(80);
        BOOST_TEST_REQUIRE(wrong == "", "KEYGATE_SEED=" << seed << ": " << wrong);
        admitted += schedule.admitted();
        refused += schedule.refused();
        leased += schedule.leased();
    }
    BOOST_TEST_MESSAGE(admitted << " admitted, " << leased << " of several units; " << refused
                                << " refused");
    BOOST_TEST(admitted > charges() / 20);
    BOOST_TEST(refused > charges() / 20);
    if (has_leases) BOOST_TEST(leased > charges() / 200);
}

BOOST_AUTO_TEST_CASE(the_largest_numbers_are_exact) {
    // As large as configurations may have them: burst times window below 2^53 microseconds, weight
    // times window below 2^52.
    const Limits limits{limit_of(rate_of(999'999'999, 86'400s, 104'249)),
                        limit_of(rate_of(999'999'937, 1s, 9'007'199'254)),
                        limit_of(rate_of(7, 31'622'400s, 284), LimitBy::owner),
                        limit_of(rate_of(1'000'000'000, 31'622'400s)),
                        limit_of(quota_of(1'000'000'000'000, Period::year))};
    const std::uint32_t most_cost[]{52'124, 4'000'000'000, 142, 999'999'999, 4'000'000'000};
    std::mt19937_64 random{31};
    for (const bool has_leases : {false, true}) {
        Model model{1us, Model::Buckets::keep_level};
        if (has_leases) model.set_lease(lease_life);
        const std::string owner = has_leases ? "leased" : "shared";
        account.owner = owner;
        Instant now{4'102'444'799'999'999'000}; // 2099, and up to 2120
        int wrong = 0;
        for (int i = 0; i < 2'000; ++i) {
            now += random() % 3 == 0
                       ? Instant{1us}
                       : Instant{1us} * static_cast<std::int64_t>(random() % 300'000'000'000);
            Bill bill;
            const std::size_t which = random() % limits.size();
            bill.add({.limit = &limits[which],
                      .subject = limits[which].by == LimitBy::key ? 1U : 2U,
                      .cost = random() % 4 == 0
                                  ? most_cost[which]
                                  : static_cast<std::uint32_t>(1 + random() % most_cost[which])});
            const Model::Answer expected = model.charge(bill, now);
            const ScriptAnswer answer =
                charge_as(bill, now, {.has_leases = has_leases, .now = now});
            BOOST_TEST_REQUIRE((answer.kind == Kind::decided));
            wrong += answer.outcome.is_admitted() != expected.is_admitted;
            wrong += answer.outcome.standing[0] != expected.standing[0];
            wrong += !expected.is_admitted && answer.outcome.retry_at != expected.retry_at;
        }
        BOOST_TEST(wrong == 0);
    }
}

// ---- names

struct Named {
    const char* what;
    config::Limit limit;
    const char* name;
    const char* state;
};

std::ostream& operator<<(std::ostream& out, const Named& named) {
    return out << named.what;
}

const std::vector<Named> names{
    {"a window of a key", limit_of(rate_of(9, 60s)), "kg:rl:{shop:acme}:k:key_1", "w60"},
    {"a bucket of a key", limit_of(rate_of(9, 60s, 3)), "kg:rl:{shop:acme}:k:key_1", "b60"},
    {"a quota of an owner",
     limit_of(quota_of(9, Period::month, "Europe/Berlin", "tests"), LimitBy::owner),
     "kg:rl:{shop:acme}:o", "q:tests:month:Europe/Berlin"},
    {"a window of a route", limit_of(rate_of(9, 1s), LimitBy::route, false, "GET /v1/orders"),
     "kg:rl:{shop}:r:GET /v1/orders", "w1"},
    {"a window of a key on a route",
     limit_of(rate_of(9, 1s), LimitBy::key, false, "GET /v1/orders"), "kg:rl:{shop:acme}:k:key_1",
     "r:GET /v1/orders:w1"},
    {"a window of an address", limit_of(rate_of(9, 1s), LimitBy::address),
     "kg:rl:{shop:@192.0.2.7}:a", "w1"},
    {"requests at once of a key", limit_of(running_of(9)), "kg:rl:{shop:acme}:c:k:key_1", "c"},
    {"requests at once of an owner", limit_of(running_of(9), LimitBy::owner),
     "kg:rl:{shop:acme}:c:o", "c"},
    {"requests at once of a route",
     limit_of(running_of(9), LimitBy::route, false, "GET /v1/orders"),
     "kg:rl:{shop}:c:r:GET /v1/orders", "c"},
    {"requests at once of a key on a route",
     limit_of(running_of(9), LimitBy::key, false, "GET /v1/orders"),
     "kg:rl:{shop:acme}:r:GET /v1/orders:c:k:key_1", "r:GET /v1/orders:c"},
    {"requests at once of an address", limit_of(running_of(9), LimitBy::address),
     "kg:rl:{shop:@192.0.2.7}:c:a", "c"},
};

BOOST_DATA_TEST_CASE(names_are_those_that_other_programs_know, bdata::make(names), named) {
    BOOST_TEST(count_name(named.limit, account) == named.name);
    BOOST_TEST(named.limit.state == named.state);
}

BOOST_AUTO_TEST_CASE(addresses_of_one_network_of_IPv6_have_one_name) {
    const auto limit = limit_of(rate_of(9, 1s), LimitBy::address);
    account.address = "2001:db8:1:2::3";
    const std::string name = count_name(limit, account);
    BOOST_TEST(name == "kg:rl:{shop:@20010db800010002::/64}:a");
    account.address = "2001:db8:1:2:ffff::";
    BOOST_TEST(count_name(limit, account) == name);
    account.address = "2001:db8:1:3::3";
    BOOST_TEST(count_name(limit, account) != name);
}

BOOST_AUTO_TEST_CASE(fields_hold_what_is_documented) {
    const Limits limits{limit_of(rate_of(9, 60s)), limit_of(rate_of(7, 60s, 3)),
                        limit_of(quota_of(9, Period::month)), limit_of(running_of(4))};
    BOOST_TEST(pass(bill_of(limits, 0, 2), start));
    BOOST_TEST(state(limits[0]) == "1700000040000000 2");
    BOOST_TEST(state(limits[1]) == "1700000057142857 1 7 1700000040000000"); // 2/7 of a minute
    BOOST_TEST(state(limits[2]) == "1698796800000000 2");                    // 2023-11-01
    const std::string hash = count_name(limits[3], account);
    BOOST_TEST(redis.text({"HGET", hash, "n:g1.1"}) == "1");
    BOOST_TEST(redis.text({"HGET", hash, "e:g1.1"}) == "1700000050000000");
}

// ---- what is kept, and how long

BOOST_AUTO_TEST_CASE(a_count_is_kept_until_it_is_over_and_a_second_more) {
    const auto now = Instant{std::chrono::system_clock::now().time_since_epoch()};
    const Limits limits{limit_of(rate_of(9, 60s)), limit_of(rate_of(1, 3600s, 3)),
                        limit_of(quota_of(9, Period::month)), limit_of(running_of(4)),
                        limit_of(rate_of(9, 1s))};
    int owner = 0;
    for (const config::Limit& limit : limits) {
        const std::string name = "kept" + std::to_string(++owner);
        account.owner = name;
        const Limits one{limit};
        const Outcome outcome = charge(bill_of(one), now).outcome;
        const auto life = std::stoll(redis.text({"PTTL", count_name(limit, account)}));
        auto needed =
            std::chrono::duration_cast<std::chrono::milliseconds>(outcome.standing[0].more_at - now)
                .count();
        if (std::holds_alternative<config::Concurrency>(limit.rule)) needed = 10'000;
        BOOST_TEST(life > needed);
        BOOST_TEST(life <= needed + 1'100);
    }
    // The longest of a hash counts, whatever comes later.
    account.owner = "kept";
    const Instant month_ends = charge(bill_of(limits, 0, 2), now).outcome.standing[2].more_at;
    const Limits shorter{limits[4], limits[0]};
    BOOST_TEST(pass(bill_of(shorter), now + 1s));
    BOOST_TEST(std::stoll(redis.text({"PTTL", count_name(limits[0], account)})) * 1ms >
               month_ends - now);
}

BOOST_AUTO_TEST_CASE(requests_at_once_of_an_address_do_not_shorten_what_else_it_is_counted_by) {
    const auto now = Instant{std::chrono::system_clock::now().time_since_epoch()};
    const Limits limits{limit_of(rate_of(9, 86'400s, 9), LimitBy::address),
                        limit_of(running_of(4), LimitBy::address)};
    BOOST_TEST(passed(bill_of(limits), now, 4) == 4);
    std::string command;
    calls.hold(command, std::vector{std::pair{count_name(limits[1], account), 1U}});
    (void)redis.ask(command);
    BOOST_TEST(std::stoll(redis.text({"PTTL", count_name(limits[0], account)})) > 30'000'000);
}

BOOST_AUTO_TEST_CASE(two_limits_of_requests_at_once_do_not_count_each_other) {
    const Limits limits{limit_of(running_of(4)),
                        limit_of(running_of(2), LimitBy::key, false, "GET /v1/orders"),
                        limit_of(running_of(2), LimitBy::key, false, "GET /v1/items")};
    Bill orders;
    orders.add({.limit = &limits[0], .subject = 0, .cost = 1});
    orders.add({.limit = &limits[1], .subject = 0, .cost = 1});
    Bill items;
    items.add({.limit = &limits[0], .subject = 0, .cost = 1});
    items.add({.limit = &limits[2], .subject = 0, .cost = 1});
    BOOST_TEST(passed(orders, start, 9) == 2);
    BOOST_TEST(passed(items, start, 9) == 2);
    const Limits all{limits[0]};
    BOOST_TEST(!pass(bill_of(all), start)); // four of four
}

// ---- scripts that Redis has forgotten

BOOST_AUTO_TEST_CASE(a_script_that_is_not_there_is_said_so_and_can_be_sent_whole) {
    const Limits limits{limit_of(rate_of(2, 3600s))};
    const Bill bill = bill_of(limits);
    (void)redis.call({"SCRIPT", "FLUSH"});
    const auto ask = [&](bool is_whole) {
        std::string command;
        calls.charge(
            command, bill, account,
            {.now = std::chrono::system_clock::now().time_since_epoch(), .is_whole = is_whole});
        return redis.ask(command);
    };
    const redis::Reply unknown = ask(false);
    BOOST_TEST(unknown.is(redis::Reply::Kind::error));
    BOOST_TEST(unknown.text.starts_with("NOSCRIPT"));
    BOOST_TEST((read_answer(unknown, 1).kind == Kind::unusable));
    BOOST_TEST(state(limits[0]).empty()); // nothing was taken
    BOOST_TEST((read_answer(ask(true), 1).kind == Kind::decided));
    BOOST_TEST(read_answer(ask(false), 1).outcome.is_admitted());
    BOOST_TEST(!read_answer(ask(false), 1).outcome.is_admitted());
    for (const std::string& load : ScriptCalls::loads())
        BOOST_TEST(redis.ask(load).text.size() == 40U);
}

// ---- giving back

BOOST_AUTO_TEST_CASE(what_is_given_back_comes_from_the_same_window_and_never_below_nothing) {
    const Limits limits{limit_of(quota_of(3, Period::minute, "UTC", "tests"))};
    const Bill bill = bill_of(limits);
    const Outcome outcome = charge(bill, start).outcome;
    const auto give_back = [&](std::uint64_t cost) {
        std::string command;
        calls.give_back(command, count_name(limits[0], account), limits[0].state,
                        outcome.taken_in[0], cost);
        return redis.ask(command).number;
    };
    BOOST_TEST(passed(bill, start, 9) == 2);
    BOOST_TEST(give_back(2) == 1);
    BOOST_TEST(passed(bill, start, 9) == 2);
    BOOST_TEST(give_back(1000) == 1);
    BOOST_TEST(state(limits[0]) == "1700000040000000 0");
    BOOST_TEST(passed(bill, start, 9) == 3); // not a thousand
    BOOST_TEST(passed(bill, start + 60s, 9) == 3);
    BOOST_TEST(give_back(2) == 0); // of the minute before
    BOOST_TEST(!pass(bill, start + 60s));
    // Forgotten meanwhile: nothing is made.
    (void)redis.call({"DEL", count_name(limits[0], account)});
    BOOST_TEST(give_back(1) == 0);
    BOOST_TEST(redis.text({"EXISTS", count_name(limits[0], account)}) == "0");
}

// ---- requests at once

BOOST_AUTO_TEST_CASE(requests_at_once_count_over_all_workers) {
    const Limits limits{limit_of(running_of(3))};
    const Bill bill = bill_of(limits);
    ScriptCalls other{"g2.1"};
    const auto charge_other = [&](Instant now) {
        std::string command;
        other.charge(command, bill, account, {.now = now});
        return read_answer(redis.ask_at(now, command), 1).outcome.is_admitted();
    };
    BOOST_TEST(pass(bill, start));
    BOOST_TEST(charge_other(start));
    BOOST_TEST(charge_other(start));
    BOOST_TEST(!pass(bill, start));
    BOOST_TEST(!charge_other(start));
    std::string command;
    other.leave(command, count_name(limits[0], account));
    BOOST_TEST(redis.ask(command).number == 1);
    BOOST_TEST(pass(bill, start));
    BOOST_TEST(!charge_other(start));
}

BOOST_AUTO_TEST_CASE(a_worker_that_died_holds_its_requests_for_ten_seconds) {
    const Limits limits{limit_of(running_of(2))};
    const Bill bill = bill_of(limits);
    ScriptCalls dead{"g2.1"};
    for (int i = 0; i < 2; ++i) {
        std::string command;
        dead.charge(command, bill, account, {.now = start});
        BOOST_TEST(read_answer(redis.ask_at(start, command), 1).outcome.is_admitted());
    }
    BOOST_TEST(!pass(bill, start + holder_life - 1us));
    BOOST_TEST(passed(bill, start + holder_life, 9) == 2);
    BOOST_TEST(redis.text({"HEXISTS", count_name(limits[0], account), "n:g2.1"}) == "0");
    // It was only stopped, and goes on: what it ends is nobody's any more.
    std::string command;
    dead.leave(command, count_name(limits[0], account));
    BOOST_TEST(redis.ask(command).number == 0);
    BOOST_TEST(!pass(bill, start + holder_life));
}

BOOST_AUTO_TEST_CASE(a_request_that_ends_after_it_was_forgotten_is_no_credit) {
    const Limits limits{limit_of(running_of(1))};
    const Bill bill = bill_of(limits);
    const std::string name = count_name(limits[0], account);
    std::string command;
    calls.leave(command, name);
    BOOST_TEST(redis.ask(command).number == 0);
    BOOST_TEST(redis.text({"EXISTS", name}) == "0"); // nor a name that stays for ever
    BOOST_TEST(passed(bill, start, 9) == 1);
    // What an earlier version, or somebody else, has left below zero is not counted either.
    (void)redis.call({"HSET", name, "n:g1.1", "-5"});
    BOOST_TEST(passed(bill, start, 9) == 1);
}

BOOST_AUTO_TEST_CASE(a_worker_says_again_what_it_holds) {
    const Limits limits{limit_of(running_of(5)), limit_of(running_of(5), LimitBy::owner)};
    const auto now = Instant{std::chrono::system_clock::now().time_since_epoch()};
    std::string command;
    calls.hold(command, std::vector{std::pair{count_name(limits[0], account), 3U},
                                    std::pair{count_name(limits[1], account), 4U}});
    BOOST_TEST(redis.ask(command).number == 2);
    const Bill bill = bill_of(limits);
    BOOST_TEST(charge(bill, now).outcome.standing[0].left == 1U);
    BOOST_TEST(!pass(bill, now));
    BOOST_TEST(pass(bill, now + holder_life + 1s)); // it was not said again since
    for (const config::Limit& limit : limits) {
        const auto life = std::stoll(redis.text({"PTTL", count_name(limit, account)}));
        BOOST_TEST(life > 10'000);
        BOOST_TEST(life <= 11'000);
    }
}

// ---- time

BOOST_AUTO_TEST_CASE(a_call_that_takes_the_time_to_be_another_is_told_the_time) {
    const Limits limits{limit_of(rate_of(5, 60s)), limit_of(quota_of(5, Period::minute))};
    const Bill bill = bill_of(limits);
    // The minutes before and after are known.
    for (const Instant about : {start - 60s, start, start + 59s, start + 60s, start + 119s})
        BOOST_TEST((charge_as(bill, start, {.now = about}).kind == Kind::decided));
    for (const Instant about : {start - 120s - 1us, start + 120s, start - 24h, start + 24h * 365}) {
        const ScriptAnswer answer = charge_as(bill, start, {.now = about});
        BOOST_TEST((answer.kind == Kind::skewed));
        BOOST_TEST((answer.now == start));
    }
    BOOST_TEST(state(limits[0]) == "1700000040000000 5"); // nothing was taken by these
    BOOST_TEST((charge_as(bill, start + 60s, {.now = start + 60s}).kind == Kind::decided));
}

BOOST_AUTO_TEST_CASE(a_clock_set_back_gains_nothing_and_blocks_for_one_window_at_most) {
    const Limits window{limit_of(rate_of(5, 60s))};
    const Limits bucket{limit_of(rate_of(60, 60s, 5))};
    const Limits quota{limit_of(quota_of(5, Period::hour))};
    for (const Instant back : {Instant{1us}, Instant{3s}, Instant{70s}, Instant{24h * 40}}) {
        (void)redis.call({"FLUSHALL"});
        for (const Limits* const limits : {&window, &bucket, &quota})
            BOOST_TEST(passed(bill_of(*limits), start, 9) == 5);
        for (const auto& [limits, longest] :
             {std::pair{&window, Instant{120s}}, std::pair{&bucket, Instant{1s}},
              std::pair{&quota, Instant{2h}}}) {
            const Bill bill = bill_of(*limits);
            const Instant now = start - back;
            const Outcome refused = charge(bill, now).outcome;
            BOOST_TEST(!refused.is_admitted());
            BOOST_TEST((refused.retry_at > now));
            BOOST_TEST((refused.retry_at - now <= longest));
            BOOST_TEST(!pass(bill, refused.retry_at - 1us));
            BOOST_TEST(pass(bill, refused.retry_at));
        }
    }
}

// ---- records that have changed

BOOST_AUTO_TEST_CASE(a_charge_meets_the_records_that_were_decided_on_or_none) {
    const Limits limits{limit_of(rate_of(100, 3600s))};
    const Bill bill = bill_of(limits);
    const redis::Command key{"HSET",   "kg:key:1", "status",
                             "active", "note",     std::string("a\0:b", 4)};
    const redis::Command owner{"HSET", "kg:owner:1", "status", "active"};
    (void)redis.call(key);
    const auto mark = [&](const char* name) {
        return keys::record_mark(redis.call({"HGETALL", name}));
    };
    Recheck recheck{{"kg:key:1", "kg:owner:1"}, {mark("kg:key:1"), mark("kg:owner:1")}};
    const auto kind = [&] {
        return charge_as(bill, start, {.recheck = &recheck, .now = start}).kind;
    };
    BOOST_TEST((kind() == Kind::decided)); // an owner that is not there is one that was not there
    (void)redis.call(owner);
    BOOST_TEST((kind() == Kind::changed));
    recheck.marks[1] = mark("kg:owner:1");
    BOOST_TEST((kind() == Kind::decided));
    (void)redis.call({"HSET", "kg:key:1", "status", "revoked"});
    BOOST_TEST((kind() == Kind::changed));
    (void)redis.call(key);
    BOOST_TEST((kind() == Kind::decided));
    (void)redis.call({"HSET", "kg:key:1", "more", ""});
    BOOST_TEST((kind() == Kind::changed));
    (void)redis.call({"HDEL", "kg:key:1", "more"});
    BOOST_TEST((kind() == Kind::decided));
    (void)redis.call({"DEL", "kg:owner:1"});
    BOOST_TEST((kind() == Kind::changed));
    (void)redis.call(owner);
    (void)redis.call({"DEL", "kg:key:1"});
    BOOST_TEST((kind() == Kind::changed));
    // Only what was decided was charged.
    BOOST_TEST(state(limits[0]).ends_with(" 4"));
    // Text of one value that looks like two others.
    BOOST_TEST(keys::record_mark(list_reply({"a1:b", ""})) !=
               keys::record_mark(list_reply({"a", "b"})));
}

// ---- what others write into a count

struct Foreign {
    const char* text;
    int window; // of five: how many pass in this window
    int bucket;
};

std::ostream& operator<<(std::ostream& out, const Foreign& foreign) {
    return out << foreign.text;
}

// A field that is not of the form counts as never used; one that is counts for what it says, at
// most as a full one; never does more than the limit pass from there on.
const std::vector<Foreign> foreign_values{
    {"", 5, 5},
    {"x", 5, 5},
    {"5", 5, 5},
    {"nan nan", 5, 5},
    {"-1 -1", 5, 5},
    {"1700000040000000 -4", 5, 5},
    {"1700000040000000 4.5", 5, 5},
    {"1700000040000000 1e3", 5, 5},
    {"1700000040000000 0x10", 5, 5},
    {"1700000040000000 3 ", 5, 5},
    {"1700000040000000 3", 2, 5},
    {"1700000040000000 00003", 2, 5},
    {"1700000040000000 99999999999999999999999999", 0, 5},
    {"99999999999999999999999999 3", 2, 5},
    {"99999999999999999999999999 99999999999999999999999999", 0, 5},
    {"1 3", 5, 5},
    {"0 0 0 0", 5, 5},
    {"1700000042000000 0 60 1700000040000000", 5, 3},
    {"1700000042000000 0 60 1700000999000000", 5, 5},
    {"99999999999999999999999999 0 60 1700000040000000", 5, 0},
    {"99999999999999999999999999 99999999999999999999999 0 99999999999999999999999", 5, 0},
    {"1700000042000000 99999999999999999999999 60 1700000040000000", 5, 2},
    {"1700000042000000 0 60", 5, 5},
};

BOOST_DATA_TEST_CASE(a_foreign_value_never_admits_more_than_the_limit, bdata::make(foreign_values),
                     foreign) {
    const Limits window{limit_of(rate_of(5, 60s))};
    const Limits bucket{limit_of(rate_of(60, 60s, 5))};
    set_state(window[0], foreign.text);
    set_state(bucket[0], foreign.text);
    BOOST_TEST(passed(bill_of(window), start, 12) == foreign.window);
    BOOST_TEST(passed(bill_of(bucket), start, 12) == foreign.bucket);
    // The next window is clean.
    BOOST_TEST(passed(bill_of(window), start + 60s, 12) == 5);
}

BOOST_AUTO_TEST_CASE(foreign_holders_count_for_what_they_say) {
    const Limits limits{limit_of(running_of(5))};
    const std::string name = count_name(limits[0], account);
    for (const auto& [count, end, passes] :
         {std::tuple{"nan", "1700000099000000", 5}, std::tuple{"inf", "inf", 5},
          std::tuple{"-3", "1700000099000000", 5}, std::tuple{"2", "1700000099000000", 3},
          std::tuple{"99999999999999999999999999", "1700000099000000", 0}, std::tuple{"2", "x", 5},
          std::tuple{"2.5", "1700000099000000", 5},
          std::tuple{"2", "99999999999999999999999999", 3}, std::tuple{"", "", 5}}) {
        (void)redis.call({"DEL", name});
        (void)redis.call({"HSET", name, "n:x", count, "e:x", end, "m", "1", "n:", "e:"});
        BOOST_TEST(passed(bill_of(limits), start, 12) == passes, count << ' ' << end);
    }
}

BOOST_AUTO_TEST_CASE(a_count_of_another_type_is_an_error_and_admits_nobody) {
    const Limits limits{limit_of(rate_of(5, 60s))};
    (void)redis.call({"SET", count_name(limits[0], account), "5"});
    BOOST_TEST((charge_as(bill_of(limits), start, {.now = start}).kind == Kind::unusable));
    BOOST_TEST(redis.text({"GET", count_name(limits[0], account)}) == "5");
}

// ---- answers

const std::vector<std::string> hostile_answers{
    "",
    " ",
    "x",
    "3 ",
    "33",
    "4 1700000040000000",
    "2",
    "2 ",
    "2 x",
    "2 -5",
    "2 1700000040000000 ",
    "2  1700000040000000",
    "2 99999999999999999999",
    "1",
    "1 1700000040000000",
    "1 1700000040000000 1",
    "1 1700000040000000 1 0",
    "1 1700000040000000 0 0 0 0 0 0 0 0 0 0",
    "1 1700000040000000 1 0 0 0 4 1",
    "1 1700000040000000 1 0 0 0 4 1 0 0 4",
    "1 1700000040000000 1 0 0 0 4 1 0 0 4 1 ",
    "1 1700000040000000 1 0 0 0 4 1 0 0 4 1 0 0 4 1",
    "1 1700000040000000 1 0 2 0 4 1 0 0 4 1",
    "1 1700000040000000 1 0 0 0 -4 1 0 0 4 1",
    "1 1700000040000000 1 0 0 0 nan 1 0 0 4 1",
    "1 1700000040000000 inf 0 0 0 4 1 0 0 4 1",
    "1 1700000040000000 1.5 0 0 0 4 1 0 0 4 1",
    " 1 1700000040000000 1 0 0 0 4 1 0 0 4 1",
    "+1 1700000040000000 1 0 0 0 4 1 0 0 4 1",
    "0 1700000040000000 0 0 0 0 4 1 0 0 4 1",
    "0 1700000040000000 3 0 0 0 4 1 0 0 4 1",
    "0 1700000040000000 -1 0 0 0 4 1 0 0 4 1",
    "0 1700000040000000 99999999999999999999 0 0 0 4 1 0 0 4 1",
    std::string("1 1700000040000000 1 0 0 0 4 1 0 0 4 1\0", 39),
};

BOOST_DATA_TEST_CASE(an_answer_that_is_none_is_unusable, bdata::make(hostile_answers), text) {
    BOOST_TEST((read_answer(text_reply(text), 2).kind == Kind::unusable));
}

BOOST_AUTO_TEST_CASE(only_texts_are_answers) {
    const std::string fine = "1 1700000040000000 7 0 0 0 4 1700000041000000 1 5 0 9007199254740991";
    for (const auto kind :
         {redis::Reply::Kind::nil, redis::Reply::Kind::status, redis::Reply::Kind::error,
          redis::Reply::Kind::number, redis::Reply::Kind::list}) {
        const redis::Reply reply{
            .kind = kind, .number = 1, .text = fine, .list = {text_reply(fine)}};
        BOOST_TEST((read_answer(reply, 2).kind == Kind::unusable));
    }
    const ScriptAnswer answer = read_answer(text_reply(fine), 2);
    BOOST_TEST((answer.kind == Kind::decided));
    BOOST_TEST(answer.units == 7U);
    BOOST_TEST((answer.now == start));
    BOOST_TEST(answer.outcome.is_admitted());
    BOOST_TEST(answer.outcome.exceeded == 2U);
    BOOST_TEST((answer.outcome.standing[0] == Standing{4, start + 1s}));
    BOOST_TEST((answer.outcome.standing[1].more_at == Instant::max()));
    BOOST_TEST(answer.outcome.taken_in[1] == 5'000);
    BOOST_TEST((read_answer(text_reply("3"), 2).kind == Kind::changed));
    BOOST_TEST((read_answer(text_reply("2 1700000040000000"), 2).now == start));
}

BOOST_AUTO_TEST_CASE(any_change_of_an_answer_is_read_or_unusable_and_nothing_else) {
    const std::string fine = "0 1700000040000000 2 1700000041000000 1 0 4 1 1 5 0 9007199254740991";
    std::mt19937_64 random{32};
    const std::string letters = " 0123456789-+.enaif3\n";
    for (int i = 0; i < 50'000; ++i) {
        std::string text = fine;
        for (auto changes = 1 + random() % 3; changes > 0 && !text.empty(); --changes) {
            const std::size_t place = random() % text.size();
            switch (random() % 3) {
            case 0:
                text.erase(place, 1 + random() % 4);
                break;
            case 1:
                text.insert(place, 1, letters[random() % letters.size()]);
                break;
            default:
                text[place] = letters[random() % letters.size()];
            }
        }
        const ScriptAnswer answer = read_answer(text_reply(text), 2);
        if (answer.kind != Kind::decided) continue;
        BOOST_TEST_REQUIRE(answer.outcome.exceeded < 4U);
        BOOST_TEST_REQUIRE((answer.outcome.is_admitted() || answer.outcome.refused_by < 2));
        BOOST_TEST_REQUIRE((!answer.outcome.is_admitted() || answer.units > 0));
    }
}

// ---- leases

BOOST_AUTO_TEST_CASE(what_can_be_taken_in_advance) {
    const Limits can{limit_of(rate_of(1, 1s)), limit_of(rate_of(100, 60s, 20)),
                     limit_of(quota_of(1, Period::minute)), limit_of(rate_of(2, 1s, 2))};
    for (const config::Limit& limit : can) {
        const Limits one{limit};
        BOOST_TEST(can_be_leased(bill_of(one)), limit.state);
    }
    const Limits cannot{limit_of(rate_of(3, 1s, 2)), limit_of(running_of(5)),
                        limit_of(quota_of(100, Period::month, "UTC", "tests")),
                        limit_of(rate_of(100, 1s), LimitBy::address)};
    for (const config::Limit& limit : cannot) {
        const Limits both{can[0], limit};
        BOOST_TEST(!can_be_leased(bill_of(both)), limit.state);
    }
    const Limits bucket{can[1]}; // 0.83 of 20 are held back
    BOOST_TEST(can_be_leased(bill_of(bucket, 0, 19)));
    BOOST_TEST(!can_be_leased(bill_of(bucket, 0, 20)));
}

BOOST_AUTO_TEST_CASE(a_lease_takes_an_eighth_of_what_is_left_at_most) {
    const Limits limits{limit_of(rate_of(100, 60s)), limit_of(rate_of(6000, 60s, 130))};
    const Bill bill = bill_of(limits);
    std::vector<std::uint32_t> granted;
    std::uint32_t all = 0;
    while (true) {
        const ScriptAnswer answer =
            charge_as(bill, start, {.units = 1000, .has_leases = true, .now = start});
        if (!answer.outcome.is_admitted()) break;
        granted.push_back(answer.units);
        all += answer.units;
    }
    BOOST_TEST(granted.front() == 12U);
    BOOST_TEST(granted[1] == 8U); // of the bucket's 130: 50 are held back, and 12 are gone
    BOOST_TEST(granted.back() == 1U);
    BOOST_TEST(all == 80U);
}

BOOST_AUTO_TEST_CASE(who_leases_and_who_asks_each_time_do_not_pass_more_than_the_burst_together) {
    const Limits limits{limit_of(rate_of(100, 1s, 130)), limit_of(running_of(1'000))};
    const Limits bucket{limits[0]};
    Bill asks_each_time;
    for (const config::Limit& limit : limits)
        asks_each_time.add({.limit = &limit, .subject = 0, .cost = 1});
    BOOST_TEST(!can_be_leased(asks_each_time));
    const auto take = [&](const Bill& bill, Instant now, std::uint32_t units) {
        const ScriptAnswer answer =
            charge_as(bill, now, {.units = units, .has_leases = true, .now = now});
        return answer.outcome.is_admitted() ? answer.units : 0;
    };
    // All that is taken in half a second can be used at its end, together with what is asked for
    // then.
    const Instant end = start + lease_life - 1us;
    std::uint32_t at_once = 0;
    for (Instant now = start; now < end; now += 2ms)
        at_once += take(bill_of(bucket), now, 1'000);
    BOOST_TEST(at_once > 100U);
    for (int i = 0; i < 200; ++i)
        at_once += take(asks_each_time, end, 1);
    BOOST_TEST(at_once <= 130U);
    BOOST_TEST(at_once > 125U);
    // Nobody has leased anything for so long: all of the burst is there.
    BOOST_TEST(take(bill_of(bucket, 0, 130), end + 1300ms + lease_life, 1) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::limit
