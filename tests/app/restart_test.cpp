#include "app/restart.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace keygate;

namespace {

config::Settings settings() {
    config::Settings made;
    made.file = "/etc/keygate/keygate.yaml";
    made.listeners.resize(1);
    made.listeners[0].address = {"127.0.0.1", 8080};
    made.store.file = "/var/lib/keygate/keygate.db";
    made.admin.emplace();
    made.admin->address = config::Endpoint{"127.0.0.1", 9900};
    made.admin->tokens = {{"ci", config::Role::key_operator, "sha256:1"}};
    made.admin->token_file = "token";
    made.status = config::Endpoint{"127.0.0.1", 9901};
    made.apis.resize(1);
    made.apis[0].name = "shop";
    made.apis[0].profile.name = "default";
    made.apis[0].live.servers.resize(1);
    made.apis[0].live.servers[0].host = "127.0.0.1";
    return made;
}

config::Settings redis_settings() {
    config::Settings made = settings();
    made.store.file.clear();
    config::Redis& redis = made.store.redis.emplace();
    redis.url = "redis://a:6379/0";
    redis.host = "a";
    redis.user = "u";
    redis.password = std::make_shared<const Secret>(std::string{"hunter2"});
    return made;
}

struct Change {
    std::string line; // what is said about it; "" if it can be done
    std::function<void(config::Settings&)> make;
};

const std::vector<Change>& changes() {
    using config::Settings;
    static const std::vector<Change> all{
        {"threads: is `one per core`, would be `3`", [](Settings& to) { to.threads = 3; }},
        {"listeners[0].address: is `127.0.0.1:8080`, would be `127.0.0.1:8081`",
         [](Settings& to) { to.listeners[0].address.port = 8081; }},
        {"listeners[1].address: is not there, would be `[::1]:80`",
         [](Settings& to) {
             to.listeners.push_back({{"::1", 80}, {}, {}, {}});
         }},
        {"listeners[0].address: is `127.0.0.1:8080`, would be gone",
         [](Settings& to) { to.listeners.clear(); }},
        {"store.file: is `/var/lib/keygate/keygate.db`, would be `other.db`",
         [](Settings& to) { to.store.file = "other.db"; }},
        {"admin.token_file: is `token`, would be `${TOKEN}`",
         [](Settings& to) {
             to.admin->token_file = "from the environment";
             to.from_variables["admin.token_file"] = "${TOKEN}";
         }},
        {"admin.address: is `127.0.0.1:9900`, would be `127.0.0.1:9`",
         [](Settings& to) { to.admin->address->port = 9; }},
        {"admin.address: is `127.0.0.1:9900`, would be `unix:/run/k.sock`",
         [](Settings& to) {
             to.admin->address.reset();
             to.admin->socket = "/run/k.sock";
         }},
        {"",
         [](Settings& to) {
             to.admin->hosts = {"a", "b"};
         }},
        {"", [](Settings& to) { to.admin->tokens[0].digest = "sha256:2"; }},
        {"", [](Settings& to) { to.admin->tokens[0].role = config::Role::admin; }},
        {"status.address: is `127.0.0.1:9901`, would be gone",
         [](Settings& to) { to.status.reset(); }},
        {"log.access: is `stdout`, would be `off`", [](Settings& to) { to.log.access = "off"; }},
        {"", [](Settings& to) { to.log.level = "debug"; }},
        {"", [](Settings& to) { to.client.max_connections = 7; }},
        {"", [](Settings& to) { to.drain.timeout = std::chrono::seconds{7}; }},
        {"", [](Settings& to) { to.identity.prefix = "X-Caller-"; }},
        {"", [](Settings& to) { to.via = "me"; }},
        {"", [](Settings& to) { to.apis[0].name = "deals"; }},
        {"", [](Settings& to) { to.apis[0].routes.resize(1); }},
        {"", [](Settings& to) { to.apis[0].live.servers[0].port = 7; }},
        {"", [](Settings& to) { to.apis[0].live.servers[0].weight = 7; }},
        {"",
         [](Settings& to) { to.apis[0].live.servers[0].scheme = config::Server::Scheme::https; }},
        {"", [](Settings& to) { to.apis[0].live.retries.attempts = 7; }},
        {"", [](Settings& to) { to.apis[0].live.breaker.emplace(); }},
        {"",
         [](Settings& to) {
             to.apis[0].others = {{"v2", to.apis[0].live}};
         }},
        {"", [](Settings& to) { to.apis[0].cors.emplace().any_origin = true; }},
        {"", [](Settings& to) { to.apis[0].terminate_streams = true; }},
        {"",
         [](Settings& to) {
             to.listeners[0].tls.emplace().certificates = {{"a.crt", "a.key", {}}};
         }},
        {"", [](Settings& to) { to.listeners[0].proxy_protocol = {"10.0.0.0/8"}; }},
        {"", [](Settings& to) { to.forwarded.trusted = {"10.0.0.0/8"}; }},
        {"", [](Settings& to) { to.forwarded.chain = config::Forwarded::Chain::replace; }},
        {"", [](Settings& to) { to.proxy_status = config::ProxyStatus::off; }},
        {"",
         [](Settings& to) {
             to.dns.servers = {{"127.0.0.1", 53}};
         }},
        {"", [](Settings& to) { to.dns.timeout = std::chrono::seconds{7}; }},
        {"", [](Settings& to) { to.apis[0].profile.answers[0].message = "No."; }},
        {"", [](Settings& to) { to.apis[0].profile.key.body.max = 77; }},
    };
    return all;
}

const std::vector<Change>& redis_changes() {
    using config::Settings;
    static const std::vector<Change> all{
        {"store.redis.url: is `redis://a:6379/0`, would be `redis://b:1/2`",
         [](Settings& to) {
             to.store.redis->url = "redis://b:1/2";
             to.store.redis->host = "b";
             to.store.redis->port = 1;
             to.store.redis->database = 2;
         }},
        {"store.redis.user: is `u`, would be `v`",
         [](Settings& to) { to.store.redis->user = "v"; }},
        {"store.redis.client_name: is `keygate`, would be `edge`",
         [](Settings& to) { to.store.redis->client_name = "edge"; }},
        {"store.redis.timeout: is `40ms`, would be `${TIMEOUT}`",
         [](Settings& to) {
             to.store.redis->timeout = std::chrono::milliseconds{41};
             to.from_variables["store.redis.timeout"] = "${TIMEOUT}";
         }},
        {"store.redis.command_timeout: is `2s`, would be `3s`",
         [](Settings& to) { to.store.redis->command_timeout = std::chrono::seconds{3}; }},
        {"store.redis.max_keys: is `200000`, would be `1000`",
         [](Settings& to) { to.store.redis->max_keys = 1'000; }},
        {"store.redis.max_unknown: is `20000`, would be `100`",
         [](Settings& to) { to.store.redis->max_unknown = 100; }},
        {"store.revocation_bound: is `250ms`, would be `0s`",
         [](Settings& to) { to.store.revocation_bound = {}; }},
        {"store.stale_while_down: is `0s`, would be `1h`",
         [](Settings& to) { to.store.stale_while_down = std::chrono::hours{1}; }},
        {"store.external_writers: is `true`, would be `false`",
         [](Settings& to) { to.store.external_writers = false; }},
        {"store.redis.password: would be another",
         [](Settings& to) {
             to.store.redis->password = std::make_shared<const Secret>(std::string{"hunter3"});
         }},
        {"store.redis.password: would be another",
         [](Settings& to) { to.store.redis->password = {}; }},
    };
    return all;
}

void check_each(const std::vector<Change>& all, const config::Settings& running) {
    for (const Change& change : all) {
        config::Settings wanted = running;
        change.make(wanted);
        const auto lines = app::needs_restart(running, wanted);
        BOOST_TEST(lines.size() == (change.line.empty() ? 0U : 1U));
        for (const std::string& line : lines)
            BOOST_TEST(line == change.line + "; this takes a restart");
        BOOST_TEST(!app::are_same(running, wanted));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(app_restart)

BOOST_AUTO_TEST_CASE(what_takes_a_restart_is_named_and_nothing_else) {
    check_each(changes(), settings());
    check_each(redis_changes(), redis_settings());
}

BOOST_AUTO_TEST_CASE(another_store_is_one_change) {
    using Lines = std::vector<std::string>;
    BOOST_TEST(app::needs_restart(settings(), redis_settings()) ==
                   (Lines{"store.file: is `/var/lib/keygate/keygate.db`, would be gone; this takes "
                          "a restart",
                          "store.redis.url: is not there, would be `redis://a:6379/0`; this takes "
                          "a restart"}),
               boost::test_tools::per_element());
    BOOST_TEST(app::needs_restart(redis_settings(), settings()).size() == 2U);
}

BOOST_AUTO_TEST_CASE(nothing_is_shown_of_a_url_from_the_environment) {
    for (const char* path : {"store.redis", "store.redis.url"}) {
        config::Settings running = redis_settings();
        running.store.redis->is_user_hidden = true;
        running.from_variables[path] = "${REDIS_URL}";
        config::Settings wanted = running;
        wanted.store.redis->user = "v";
        wanted.store.redis->password = std::make_shared<const Secret>(std::string{"hunter3"});
        const auto lines = app::needs_restart(running, wanted);
        BOOST_TEST_REQUIRE(lines.size() == 2U);
        BOOST_TEST(lines[0] == "store.redis.url: would be another; this takes a restart");
        BOOST_TEST(lines[1] == "store.redis.password: would be another; this takes a restart");
    }
}

BOOST_AUTO_TEST_CASE(all_of_them_come_at_once) {
    config::Settings wanted = settings();
    wanted.admin.reset();
    wanted.threads = 1;
    wanted.log.access = "file";
    BOOST_TEST(app::needs_restart(settings(), wanted).size() == 4U); // of admin there are two
    BOOST_TEST(app::needs_restart(wanted, settings()).size() == 4U);
}

BOOST_AUTO_TEST_CASE(where_something_stands_is_no_difference) {
    config::Settings wanted = settings();
    wanted.listeners[0].place = {7, 7};
    wanted.apis[0].place = {8, 8};
    BOOST_TEST(app::needs_restart(settings(), wanted).empty());
    BOOST_TEST(app::are_same(settings(), wanted));
}

BOOST_AUTO_TEST_SUITE_END()
