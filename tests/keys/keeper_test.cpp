#include "keys/desk.hpp"
#include "keys/gateways.hpp"
#include "keys/keeper.hpp"
#include "keys/redis_records.hpp"
#include "redis/session.hpp"
#include "support/redis_server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <thread>
#include <vector>

#include "records.hpp"

// The keeper against a real Redis: what it answers, what it keeps, and how often it asks.

using namespace keygate;
using namespace keygate::keys;
using namespace std::chrono_literals;
using support::RedisServer;
using test::key_record;

namespace {

using Kind = Answer::Kind;

/// Looks again and again until it is so.
template <class Predicate> void until(const char* what, Predicate is_so) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!is_so()) {
        BOOST_TEST_REQUIRE((std::chrono::steady_clock::now() < limit), what);
        std::this_thread::yield();
    }
}

config::Store settings_of(const RedisServer& server) {
    config::Store settings;
    settings.redis.emplace();
    settings.redis->transport = config::RedisTransport::unix_socket;
    settings.redis->path = server.socket();
    settings.redis->timeout = 2s; // a busy machine is not what is tested
    return settings;
}

struct World : Desk::Asker {
    explicit World(std::chrono::milliseconds bound = 60s, std::chrono::milliseconds stale = 0ms,
                   bool is_tracked = true, bool has_others = true) {
        settings.revocation_bound = bound;
        settings.stale_while_down = stale;
        settings.external_writers = has_others;
        if (!is_tracked) {
            settings.redis->user = "untracked";
            settings.redis->password = std::make_shared<const Secret>(std::string{"secret"});
        }
        keeper.emplace(settings, [](Keeper::Severity, const std::string&) {});
        cache = keeper->make_cache(test::catalog(), SubjectsRef{new Subjects});
        desk.emplace(*keeper, [this](std::function<void()> task) {
            boost::asio::post(loop, std::move(task));
        });
        keeper->serve(cache);
        keeper->allow();
        keeper->start();
        until("up", [&] { return keeper->condition().is_up; });
        if (is_tracked || !has_others)
            until("tracking", [&] { return keeper->condition().is_tracking; });
        first_reads = calls("hgetall"); // that it answers is seen by a read of nothing
    }

    World(const World&) = delete;
    World& operator=(const World&) = delete;

    virtual ~World() { keeper->stop(); }

    void on_answer(const Answer& answer) override { answers.push_back(answer); }

    /// As a request does: what is in memory, else what the keeper says.
    Answer ask(const Digest& digest) {
        const BootTime t = BootClock::now();
        auto found = cache->find(digest, t);
        if (found.kind == Cache::Found::Kind::known) return {0, Kind::known, found.entry};
        if (found.kind == Cache::Found::Kind::unknown) return {0, Kind::unknown, {}};
        if (found.kind == Cache::Found::Kind::invalid) return {0, Kind::invalid, {}};
        answers.clear();
        (void)desk->ask(digest, t, cache, found.entry, *this);
        desk->send();
        wait_for(1);
        return answers.front();
    }

    void wait_for(std::size_t count) {
        while (answers.size() < count)
            loop.run_one_for(20s);
    }

    void put(int number, const std::string& status = "active") {
        redis({"HSET", key_name(key_record(number).digest), "v", "1", "id",
               "key_" + std::to_string(number), "api", "shop", "owner", "acme", "status", status});
    }

    void put_owner(const std::string& plan = "pro") {
        redis({"HSET", "kg:owner:shop:acme", "v", "1", "name", "", "plan", plan, "status", "active",
               "attributes", "{}"});
    }

    /// Waits until that many changes were told: what is read from then on is kept.
    void settle(std::uint64_t changes) {
        until("told", [&] { return keeper->counts().changes >= changes; });
    }

    std::string redis(const std::vector<std::string>& words) { return server.call(words); }

    /// Records that were read since the keeper is up, by Redis' own count.
    std::uint64_t reads() { return calls("hgetall") - first_reads; }

    std::uint64_t calls(const std::string& command) {
        const std::string all = redis({"INFO", "commandstats"});
        const std::size_t at = all.find("cmdstat_" + command + ":calls=");
        if (at == std::string::npos) return 0;
        return std::stoull(all.substr(all.find('=', at) + 1));
    }

    RedisServer server{
        RedisServer::Options{.users = {"user untracked on >secret ~* &* +@all -client|tracking"}}};
    config::Store settings = settings_of(server);
    std::optional<Keeper> keeper;
    std::shared_ptr<Cache> cache;
    boost::asio::io_context loop{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        loop.get_executor()};
    std::optional<Desk> desk;
    std::vector<Answer> answers;
    std::uint64_t first_reads = 0;
};

struct Stale : World {
    Stale()
        : World(1s, 60s) {}
};

struct Brief : World {
    Brief()
        : World(250ms) {}
};

struct Untracked : World {
    Untracked()
        : World(250ms, 0ms, false) {}
};

struct Alone : World {
    Alone()
        : World(60s, 0ms, false, false) {}
};

struct AsksAlways : World {
    AsksAlways()
        : World(0ms) {}
};

} // namespace

BOOST_AUTO_TEST_SUITE(keys_keeper)

BOOST_FIXTURE_TEST_CASE(a_record_is_read_once_and_then_known, World) {
    put_owner();
    put(1);
    settle(2);
    const Answer first = ask(key_record(1).digest);
    BOOST_TEST_REQUIRE((first.kind == Kind::known));
    BOOST_TEST(first.entry->id == "key_1");
    BOOST_TEST(first.entry->readable);
    const auto before = reads();
    BOOST_TEST(before == 2U); // the key, its owner
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(ask(key_record(1).digest).entry == first.entry);
    BOOST_TEST(reads() == before);
}

BOOST_FIXTURE_TEST_CASE(keys_of_one_owner_share_its_record, World) {
    put_owner();
    for (int i = 1; i <= 5; ++i)
        put(i);
    settle(6);
    for (int i = 1; i <= 5; ++i)
        BOOST_TEST((ask(key_record(i).digest).kind == Kind::known));
    BOOST_TEST(reads() == 6U);
}

BOOST_FIXTURE_TEST_CASE(ten_thousand_questions_about_one_key_are_one_read, World) {
    put_owner();
    put(1);
    settle(2);
    answers.clear();
    for (int i = 0; i < 10'000; ++i)
        (void)desk->ask(key_record(1).digest, BootClock::now(), cache, {}, *this);
    desk->send();
    wait_for(10'000);
    for (const Answer& answer : answers)
        BOOST_TEST_REQUIRE((answer.kind == Kind::known));
    BOOST_TEST(reads() == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_is_changed_is_forgotten_when_redis_tells_of_it, World) {
    put_owner();
    put(1);
    BOOST_TEST((ask(key_record(1).digest).kind == Kind::known));
    put(1, "revoked");
    until("told", [&] { return ask(key_record(1).digest).entry->status == KeyStatus::revoked; });
    redis({"DEL", key_name(key_record(1).digest)});
    until("told", [&] { return ask(key_record(1).digest).kind == Kind::unknown; });
    put(1);
    until("told", [&] { return ask(key_record(1).digest).kind == Kind::known; });
    put_owner("free");
    until("told", [&] {
        return ask(key_record(1).digest).entry->plan ==
               test::catalog()->apis[0].plan_number("free");
    });
    redis({"FLUSHALL"});
    until("told", [&] { return ask(key_record(1).digest).kind == Kind::unknown; });
}

BOOST_FIXTURE_TEST_CASE(a_commit_here_counts_when_it_is_applied, World) {
    put_owner();
    put(1);
    BOOST_TEST((ask(key_record(1).digest).kind == Kind::known));
    for (int round = 0; round < 200; ++round) {
        put(1, round % 2 == 0 ? "revoked" : "active");
        Change change;
        change.update.push_back(key_record(1));
        cache->apply(change);
        const Answer answer = ask(key_record(1).digest);
        BOOST_TEST_REQUIRE((answer.kind == Kind::known));
        BOOST_TEST_REQUIRE((answer.entry->status == KeyStatus::revoked) == (round % 2 == 0));
    }
}

BOOST_FIXTURE_TEST_CASE(with_a_bound_of_nothing_every_question_is_read_anew, AsksAlways) {
    put_owner();
    put(1);
    for (int round = 0; round < 100; ++round) {
        put(1, round % 2 == 0 ? "revoked" : "active");
        const Answer answer = ask(key_record(1).digest);
        BOOST_TEST_REQUIRE((answer.kind == Kind::known));
        BOOST_TEST_REQUIRE((answer.entry->status == KeyStatus::revoked) == (round % 2 == 0));
    }
    BOOST_TEST(reads() == 200U);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_read_is_invalid_and_never_guessed, World) {
    put_owner();
    put(1);
    redis({"HSET", key_name(key_record(1).digest), "v", "2"});
    BOOST_TEST((ask(key_record(1).digest).kind == Kind::invalid));
    redis({"SET", key_name(key_record(2).digest), "text"});
    BOOST_TEST((ask(key_record(2).digest).kind == Kind::invalid));
    put(3);
    redis({"HSET", "kg:owner:shop:acme", "status", "sleepy"});
    until("told", [&] {
        const Answer answer = ask(key_record(3).digest);
        return answer.kind == Kind::known && !answer.entry->readable;
    });
    BOOST_TEST(keeper->counts().unreadable >= 3U);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_is_unavailable_and_comes_back, World) {
    put_owner();
    put(1);
    server.kill();
    until("away", [&] { return ask(key_record(2).digest).kind == Kind::unavailable; });
    BOOST_TEST(!keeper->condition().is_up);
    server.restart();
    put_owner();
    put(2);
    until("back", [&] { return ask(key_record(2).digest).kind == Kind::known; });
    until("tracking", [&] { return keeper->condition().is_tracking; });
}

BOOST_FIXTURE_TEST_CASE(while_it_is_away_what_was_known_may_go_on, Stale) {
    put_owner();
    put(1);
    BOOST_TEST((ask(key_record(1).digest).kind == Kind::known));
    server.kill();
    until("away", [&] { return !keeper->condition().is_up; });
    until("stale", [&] {
        BOOST_TEST_REQUIRE((ask(key_record(1).digest).kind == Kind::known));
        return keeper->freshness().stale_decisions.load() > 0;
    });
    BOOST_TEST((ask(key_record(2).digest).kind == Kind::unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_connection_that_is_cut_is_made_anew_and_nothing_old_decides, Brief) {
    put_owner();
    put(1);
    for (int round = 0; round < 4; ++round) {
        BOOST_TEST((ask(key_record(1).digest).kind == Kind::known));
        redis({"CLIENT", "KILL", "TYPE", "pubsub"});
        put(1, round % 2 == 0 ? "revoked" : "active");
        // What was read before decides until its bound is over; the new connection's pings do not
        // renew it.
        until("seen", [&] {
            const Answer answer = ask(key_record(1).digest);
            return answer.kind == Kind::known &&
                   (answer.entry->status == KeyStatus::revoked) == (round % 2 == 0);
        });
    }
}

BOOST_FIXTURE_TEST_CASE(without_tracking_a_read_is_good_for_the_bound_and_no_longer, Untracked) {
    put_owner();
    put(1);
    for (int round = 0; round < 4; ++round) {
        put(1, round % 2 == 0 ? "revoked" : "active");
        until("read again", [&] {
            const Answer answer = ask(key_record(1).digest);
            return answer.kind == Kind::known &&
                   (answer.entry->status == KeyStatus::revoked) == (round % 2 == 0);
        });
    }
    BOOST_TEST(!keeper->condition().offers_tracking);
}

BOOST_FIXTURE_TEST_CASE(where_nobody_else_writes_our_own_messages_do, Alone) {
    put_owner();
    put(1);
    BOOST_TEST((ask(key_record(1).digest).kind == Kind::known));
    BOOST_TEST(cache->size() == 1U);
    put(1, "revoked");
    redis({"PUBLISH", "kg:changes", key_name(key_record(1).digest)});
    until("told", [&] { return ask(key_record(1).digest).entry->status == KeyStatus::revoked; });
}

BOOST_FIXTURE_TEST_CASE(a_record_that_is_too_large_is_invalid_and_hurts_nobody_else, World) {
    put_owner();
    put(1);
    const std::string piece(1024 * 1024, 'x');
    for (int i = 0; i < 18; ++i)
        redis({"HSET", key_name(key_record(2).digest), "field" + std::to_string(i), piece});
    settle(20);
    answers.clear();
    (void)desk->ask(key_record(2).digest, BootClock::now(), cache, {}, *this);
    (void)desk->ask(key_record(1).digest, BootClock::now(), cache, {}, *this);
    desk->send();
    wait_for(2);
    for (const Answer& answer : answers)
        BOOST_TEST((answer.kind == (answer.entry ? Kind::known : Kind::invalid)));
    BOOST_TEST((ask(key_record(1).digest).kind == Kind::known));
}

BOOST_FIXTURE_TEST_CASE(a_master_that_becomes_a_replica_is_not_believed, World) {
    put_owner();
    put(1);
    BOOST_TEST((ask(key_record(1).digest).kind == Kind::known));
    RedisServer other;
    redis({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});
    until("seen", [&] { return !keeper->condition().is_up; });
    BOOST_TEST(!keeper->condition().is_tracking);
    redis({"REPLICAOF", "NO", "ONE"});
    until("back", [&] { return keeper->condition().is_up; });
}

BOOST_FIXTURE_TEST_CASE(before_it_is_allowed_nothing_is_judged, World) {
    Keeper other{settings, [](Keeper::Severity, const std::string&) {}};
    const auto others = other.make_cache(test::catalog(), SubjectsRef{new Subjects});
    Desk counter{other,
                 [this](std::function<void()> task) { boost::asio::post(loop, std::move(task)); }};
    other.serve(others);
    other.start();
    until("up", [&] { return other.condition().is_up; });
    (void)counter.ask(key_record(1).digest, BootClock::now(), others, {}, *this);
    counter.send();
    wait_for(1);
    BOOST_TEST((answers.front().kind == Kind::unavailable));
    other.stop();
}

BOOST_FIXTURE_TEST_CASE(a_reload_reads_again_what_was_known, World) {
    put_owner();
    for (int i = 0; i < 1500; ++i)
        put(i);
    settle(1501);
    for (int i = 0; i < 1500; ++i)
        BOOST_TEST_REQUIRE((ask(key_record(i).digest).kind == Kind::known));
    const auto next = keeper->make_cache(test::catalog(), cache->subjects());
    BOOST_TEST_REQUIRE(keeper->warm(next, cache).has_value());
    BOOST_TEST(next->size() == 1500U);
    const EntryRef before = cache->find(key_record(7).digest, BootClock::now()).entry;
    const EntryRef after = next->find(key_record(7).digest, BootClock::now()).entry;
    BOOST_TEST_REQUIRE(after);
    BOOST_TEST(after != before);
    BOOST_TEST(after->subject == before->subject);
    // Both are kept true until one of them is served.
    redis({"DEL", key_name(key_record(7).digest)});
    until("both", [&] { return cache->size() == 1499U && next->size() == 1499U; });
    keeper->serve(next);
    server.kill();
    until("away", [&] { return ask(key_record(2000).digest).kind == Kind::unavailable; });
    const auto third = keeper->make_cache(test::catalog(), cache->subjects());
    BOOST_TEST(!keeper->warm(third, next).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_revocation_can_be_waited_for, World) {
    redis::Session session{*settings.redis};
    until("registered", [&] { return redis({"SCARD", "kg:gateways"}) == ":1\r\n"; });
    const auto waited = wait_for_gateways(session, [] { std::this_thread::yield(); });
    BOOST_TEST_REQUIRE(waited.has_value());
    BOOST_TEST_REQUIRE(waited->size() == 1U);
    BOOST_TEST(waited->front().has_applied);
    // One that is gone is named, and waited for no longer than its bound.
    redis({"SADD", "kg:gateways", "gone"});
    redis({"SET", "kg:gateway:gone", "250 600250", "PX", "500000"});
    redis({"SADD", "kg:gateways", "forgotten"});
    const auto both = wait_for_gateways(session, [] { std::this_thread::yield(); });
    BOOST_TEST_REQUIRE(both.has_value());
    BOOST_TEST_REQUIRE(both->size() == 2U);
    BOOST_TEST(both->front().gateway == "gone");
    BOOST_TEST(!both->front().has_applied);
    BOOST_TEST((both->front().silent_for >= 100s));
}

BOOST_AUTO_TEST_SUITE_END()
