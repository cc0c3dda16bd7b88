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
             to.listeners.push_back({{"::1", 80}, {}});
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
        {"", [](Settings& to) { to.apis[0].profile.answers[0].message = "No."; }},
        {"", [](Settings& to) { to.apis[0].profile.key.body.max = 77; }},
    };
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(app_restart)

BOOST_AUTO_TEST_CASE(what_takes_a_restart_is_named_and_nothing_else) {
    for (const Change& change : changes()) {
        config::Settings wanted = settings();
        change.make(wanted);
        const auto lines = app::needs_restart(settings(), wanted);
        BOOST_TEST(lines.size() == (change.line.empty() ? 0U : 1U));
        for (const std::string& line : lines)
            BOOST_TEST(line == change.line + "; this takes a restart");
        BOOST_TEST(!app::are_same(settings(), wanted));
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
