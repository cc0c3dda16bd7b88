#include "keys/redis_doctor.hpp"
#include "keys/redis_records.hpp"
#include "keys/redis_reindex.hpp"
#include "keys/store_kinds.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>

// What an operator is told about a Redis, and the users that deploy/redis.md recommends.
namespace keygate::keys {
namespace {

using support::RedisServer;
using test::key_record;
using test::RedisKind;

std::vector<Check> examined(const config::Redis& settings) {
    redis::Session session{settings};
    return examine(session, {});
}

Check check_of(const std::vector<Check>& checks, const std::string& name) {
    for (const Check& check : checks)
        if (check.name == name) return check;
    return {name, Verdict::unchecked, "was not looked at"};
}

/// The lines of the page that begin so, with the password that stands for SECRET.
std::vector<std::string> users_of_the_page() {
    std::ifstream page{KEYGATE_SOURCE_DIR "/deploy/redis.md"};
    std::vector<std::string> users;
    for (std::string line; std::getline(page, line);) {
        if (!line.starts_with("user ")) continue;
        line.replace(line.find("SECRET"), 6, "pass-of-test");
        users.push_back(line);
    }
    return users;
}

config::Redis as_user(const RedisServer& server, const std::string& user) {
    config::Redis settings = RedisKind::settings(server);
    settings.user = user;
    settings.password = std::make_shared<const Secret>(std::string{"pass-of-test"});
    return settings;
}

BOOST_AUTO_TEST_SUITE(keys_redis_doctor)

BOOST_AUTO_TEST_CASE(a_redis_that_keeps_nothing_is_a_problem) {
    const RedisKind kind;
    const auto checks = examined(RedisKind::settings());
    BOOST_TEST((check_of(checks, "persistence").verdict == Verdict::problem));
    for (const char* name : {"connection", "version", "role", "mode", "eviction", "permissions",
                             "tracking", "clock", "records", "index"}) {
        const Check check = check_of(checks, name);
        BOOST_TEST((check.verdict == Verdict::ok), name << ": " << check.said);
    }
    BOOST_TEST((check_of(checks, "user").verdict == Verdict::warning));
}

BOOST_AUTO_TEST_CASE(settings_that_lose_keys_are_problems) {
    const RedisKind kind;
    auto& server = RedisKind::server();
    (void)server.call({"CONFIG", "SET", "maxmemory", "100mb"});
    (void)server.call({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
    (void)server.call({"CONFIG", "SET", "save", "60 1"});
    const auto checks = examined(RedisKind::settings());
    (void)server.call({"CONFIG", "SET", "maxmemory", "0"});
    (void)server.call({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
    (void)server.call({"CONFIG", "SET", "save", ""});
    BOOST_TEST((check_of(checks, "eviction").verdict == Verdict::problem));
    BOOST_TEST(check_of(checks, "persistence").said.find("snapshots only") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(records_and_indexes_are_looked_at_and_nothing_is_changed) {
    const RedisKind kind;
    auto& server = RedisKind::server();
    const auto store = kind.open();
    BOOST_TEST(keygate::test::insert(*store, {key_record(1), key_record(2)}).has_value());
    const std::string name = key_name(key_record(1).digest);
    (void)server.call({"HSET", name, "expire_at", "not-to-be-told"});
    (void)server.call({"DEL", "kg:index:keys"});
    const std::string before = server.call({"DBSIZE"});
    const auto checks = examined(RedisKind::settings());
    const Check records = check_of(checks, "records");
    BOOST_TEST((records.verdict == Verdict::problem));
    BOOST_TEST(records.said.find(name + " has a field that is unknown: `expire_at`") !=
               std::string::npos);
    BOOST_TEST(records.said.find("not-to-be-told") == std::string::npos);
    BOOST_TEST((check_of(checks, "index").verdict == Verdict::warning));
    BOOST_TEST(server.call({"DBSIZE"}) == before);
}

BOOST_AUTO_TEST_CASE(a_redis_that_is_away_is_one_problem) {
    config::Redis settings = RedisKind::settings();
    settings.path = "/nowhere/redis.sock";
    const auto checks = examined(settings);
    BOOST_TEST_REQUIRE(checks.size() == 1U);
    BOOST_TEST((checks[0].verdict == Verdict::problem));
}

BOOST_AUTO_TEST_CASE(the_users_of_the_page_may_do_what_they_need) {
    RedisServer::Options options;
    options.users = users_of_the_page();
    BOOST_TEST_REQUIRE(options.users.size() == 2U);
    RedisServer server{options};
    // A product's record …
    {
        const config::Redis product = as_user(server, "product");
        redis::Session session{product};
        const auto done =
            session.ask({"HSET", key_name(key_record(1).digest), "v", "1", "id", "key_1", "api",
                         "shop", "owner", "acme", "status", "active"});
        BOOST_TEST(done.has_value(), (done ? "" : to_string(done.error())));
        BOOST_TEST(session.ask({"HSET", "kg:peppers", "x", "1"}).has_error());
        BOOST_TEST(session.ask({"FLUSHALL"}).has_error());
    }
    // … and all that the store does.
    const config::Redis ours = as_user(server, "keygate");
    redis::Session session{ours};
    const auto report = reindex(session, Reindex::correct, {});
    BOOST_TEST(report.has_value(), (report ? "" : to_string(report.error())));
    const auto store = open_redis_store(ours).value();
    const auto is_done = [](const auto& result) {
        BOOST_TEST(result.has_value(), (result ? "" : to_string(result.error())));
    };
    is_done(store->watch());
    is_done(store->find_same(key_record(2)));
    is_done(keygate::test::insert(*store, {key_record(2)}));
    is_done(keygate::test::set_status(*store, "key_1", KeyStatus::revoked));
    is_done(keygate::test::put_owner(*store, test::owner_record("acme")));
    const UsageDelta use{.api = "shop",
                         .owner = "acme",
                         .id = "key_2",
                         .last_used_at = key_record(1).created_at,
                         .month = month_of(key_record(1).created_at),
                         .in_month = 1};
    is_done(store->add(std::span{&use, 1}));
    is_done(keygate::test::remove(*store, "key_2"));
    is_done(store->list({}));
    is_done(store->list_owners("", "", 9));
    is_done(store->has_keys({"shop", "acme"}));
    is_done(store->usage_of({"shop", "acme"}));
    is_done(store->oldest_key());
    is_done(store->put_pepper({.name = "a", .proof = std::string(64, 'a')}));
    is_done(store->peppers());
    is_done(store->find_receipt("ops", Time{}));
    is_done(store->each([](OwnerRecord&&) {}, [](KeyRecord&&) {}));
    const auto checks = examined(ours);
    for (const char* name : {"permissions", "tracking", "role", "clock", "records", "index"}) {
        const Check check = check_of(checks, name);
        BOOST_TEST((check.verdict == Verdict::ok), name << ": " << check.said);
    }
    for (const char* name : {"persistence", "eviction", "user"})
        BOOST_TEST((check_of(checks, name).verdict == Verdict::unchecked), name);
    BOOST_TEST(session.ask({"FLUSHALL"}).has_error());
    BOOST_TEST(session.ask({"SET", "other", "1"}).has_error());
    // A product's user lacks what keygate needs, and is told so.
    const Check lacking = check_of(examined(as_user(server, "product")), "permissions");
    BOOST_TEST((lacking.verdict == Verdict::problem));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
