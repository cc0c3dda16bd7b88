// The configuration changes while connections are open: the next request is judged by the new one,
// what is in flight ends as it began, and what cannot be done changes nothing.
#include "keys/digest.hpp"
#include "support/fake_clock.hpp"
#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <sstream>
#include <thread>

using namespace keygate;
using support::OriginServer;
using support::RunningGateway;
using support::Socket;
using Kind = admin::ReloadOutcome::Kind;

namespace {

const std::string key = "kg_live_0123456789012345678901234567890123456789";

std::string get(const std::string& path, const std::string& with = key) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + with + "\r\n\r\n";
}

std::string server(const OriginServer& origin) {
    return "http://127.0.0.1:" + std::to_string(origin.port());
}

/// One API; `more` are further lines of it.
std::string shop(const std::string& upstream, const std::string& routes,
                 const std::string& more = {}) {
    return "status: {address: \"127.0.0.1:0\"}\napis:\n  shop:\n    upstreams: {live: {servers: "
           "[\"" +
           upstream + "\"]}}\n" + more + "    routes: {" + routes + "}\n";
}

std::string ask(Socket& client, const std::string& request) {
    client.send(request);
    return client.receive_answer();
}

int status(Socket& client, const std::string& request) {
    return support::status_of(ask(client, request));
}

/// All samples of `/metrics`.
std::map<std::string, double> metrics(RunningGateway& gateway) {
    Socket client = Socket::connect(gateway.gateway().status_port());
    client.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    std::istringstream lines{support::body_of(client.receive_answer())};
    std::map<std::string, double> samples;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t space = line.rfind(' ');
        if (line.empty() || line.starts_with("#") || space == std::string::npos) continue;
        samples[line.substr(0, space)] = std::stod(line.substr(space));
    }
    return samples;
}

/// A request is counted when its answer is sent, so whoever has read the answer may be early.
template <class Condition> bool comes_true(RunningGateway& gateway, const Condition& is_true) {
    for (int i = 0; i < 1'000; ++i)
        if (is_true(metrics(gateway))) return true;
    return false;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

RunningGateway::Start start(const std::string& configuration, unsigned threads = 1) {
    return {.configuration = configuration,
            .owners = {{.api = "shop", .id = "acme", .name = "", .plan = {}}},
            .keys = {support::record_of(key, "key_1", "shop", "acme")},
            .threads = threads};
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_reload)

BOOST_AUTO_TEST_CASE(the_next_request_of_a_connection_is_judged_by_the_new_configuration) {
    OriginServer first;
    OriginServer second;
    first.set_answer([](const std::string&) { return OriginServer::plain_answer("first"); });
    second.set_answer([](const std::string& request) {
        return OriginServer::plain_answer("second " +
                                          support::field_of(request, "X-Caller-Id").value_or("-") +
                                          support::field_of(request, "X-Key-Id").value_or("-"));
    });
    RunningGateway gateway{start(shop(server(first), "GET /a: key, GET /b: b:read"))};
    Socket client = gateway.connect();
    BOOST_TEST(support::body_of(ask(client, get("/a"))) == "first");
    BOOST_TEST(status(client, get("/b")) == 200);
    BOOST_TEST(status(client, get("/c")) == 404);

    // Another upstream, other routes with other numbers, other headers.
    auto outcome = gateway.reload("identity: {prefix: X-Caller-}\n" +
                                  shop(server(second), "GET /c: public, GET /b: b:read, "
                                                       "GET /a/**: a:read"));
    BOOST_TEST_REQUIRE((outcome.kind == Kind::done), outcome.problems.empty());
    BOOST_TEST(outcome.has_changed);
    BOOST_TEST(outcome.keys == 1U);
    BOOST_TEST(support::body_of(ask(client, get("/a/1"))) == "second key_1-");
    BOOST_TEST(support::body_of(ask(client, get("/c"))) == "second --");
    BOOST_TEST(status(client, get("/b")) == 200);

    // A vocabulary and plans.
    const std::string plans = "    plans: {none: {api_access: false}, some: {}}\n";
    outcome = gateway.reload(
        shop(server(first), "GET /a: key, GET /b: b:read", plans + "    default_plan: some\n"));
    BOOST_TEST((outcome.kind == Kind::done));
    BOOST_TEST(status(client, get("/a")) == 200);
    BOOST_TEST(status(client, get("/c")) == 404);
    outcome = gateway.reload(
        shop(server(first), "GET /a: key, GET /b: b:read", plans + "    default_plan: none\n"));
    BOOST_TEST((outcome.kind == Kind::done));
    BOOST_TEST(support::reason_of(ask(client, get("/a"))) == "plan_no_api");
    // Nobody has a plan any more: such keys are counted and refused.
    outcome = gateway.reload(shop(server(first), "GET /a: key", plans));
    BOOST_TEST((outcome.kind == Kind::done));
    BOOST_TEST(outcome.unreadable_keys == 1U);
    BOOST_TEST(support::reason_of(ask(client, get("/a"))) == "store_invalid");
    outcome = gateway.reload(shop(server(first), "GET /a: key"));
    BOOST_TEST(outcome.unreadable_keys == 0U);
    BOOST_TEST(support::body_of(ask(client, get("/a"))) == "first");

    outcome = gateway.reload(shop(server(first), "GET /a: key") + "# a remark\n");
    BOOST_TEST((outcome.kind == Kind::done));
    BOOST_TEST(!outcome.has_changed);
    BOOST_TEST(status(client, get("/a")) == 200);
}

BOOST_AUTO_TEST_CASE(limits_of_clients_follow) {
    OriginServer origin;
    const std::string routes = shop(server(origin), "ANY /a: public");
    RunningGateway gateway{start("client: {max_connections: 1}\n" + routes)};
    Socket client = gateway.connect();
    BOOST_TEST(status(client, get("/a")) == 200);
    BOOST_TEST(support::reason_of(gateway.exchange(get("/a"))) == "overloaded");
    BOOST_TEST((gateway
                    .reload("client: {max_connections: 3, max_connections_per_address: 2, "
                            "max_body: 3B, max_head: 1KiB}\n" +
                            routes)
                    .kind == Kind::done));
    Socket second = gateway.connect();
    BOOST_TEST(status(second, get("/a")) == 200);
    BOOST_TEST(support::reason_of(gateway.exchange(get("/a"))) == "overloaded");
    BOOST_TEST(status(client, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") ==
               200);
    BOOST_TEST(support::reason_of(ask(client, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4"
                                              "\r\n\r\nabcd")) == "body_too_large");
    BOOST_TEST(support::reason_of(ask(second, get("/" + std::string(1100, 'a')))) ==
               "head_too_large");
}

// What is in flight.

BOOST_AUTO_TEST_CASE(an_answer_under_way_ends_as_it_began) {
    OriginServer origin;
    OriginServer other;
    std::promise<void> asked;
    std::promise<void> release;
    origin.set_answer([&](const std::string&) {
        asked.set_value();
        release.get_future().wait();
        return OriginServer::plain_answer("late");
    });
    RunningGateway gateway{start(shop(server(origin), "GET /slow: key"))};
    Socket client = gateway.connect();
    client.send(get("/slow") + get("/slow")); // the second one waits behind the first
    asked.get_future().wait();
    BOOST_TEST((gateway.reload(shop(server(other), "GET /other: key")).kind == Kind::done));
    release.set_value();
    BOOST_TEST(support::body_of(client.receive_answer()) == "late");
    BOOST_TEST(support::status_of(client.receive_answer()) == 404);
    BOOST_TEST(status(client, get("/other")) == 200);
    BOOST_TEST(other.requests().size() == 1U);
    // It is logged as what it was.
    const std::string log = gateway.end_and_read_log();
    BOOST_TEST(contains(log, "\"route\":\"GET /slow\",\"key_id\":\"key_1\""), log);
}

BOOST_AUTO_TEST_CASE(an_upload_under_way_ends_as_it_began) {
    OriginServer origin;
    OriginServer other;
    RunningGateway gateway{start(shop(server(origin), "POST /up: key"))};
    const std::string head = "POST /up HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key +
                             "\r\nContent-Length: 300000\r\n\r\n";
    const std::string half(150'000, 'x');
    Socket client = gateway.connect();
    client.send(head + half);
    // The gateway has it in hand when the upstream has a part of it.
    while (origin.received().empty() || origin.received().front().empty())
        std::this_thread::yield();
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(
            (gateway.reload("client: {max_body: 1KiB}\n" + shop(server(other), "POST /down: key"))
                 .kind == Kind::done));
    client.send(half);
    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
    BOOST_TEST_REQUIRE(origin.requests().size() == 1U);
    BOOST_TEST(support::body_of(origin.requests().front()).size() == 300'000U);
    client.send(head);
    BOOST_TEST(support::reason_of(client.receive_answer()) == "body_too_large");
}

BOOST_AUTO_TEST_CASE(a_tunnel_stays) {
    OriginServer origin;
    origin.set_raw([](Socket& upstream) {
        std::string head;
        while (!contains(head, "\r\n\r\n"))
            head += upstream.receive().value_or("\r\n\r\n");
        upstream.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\n\r\n");
        for (;;) {
            const auto piece = upstream.receive();
            if (!piece || piece->empty()) return;
            upstream.send(*piece);
        }
    });
    RunningGateway gateway{start(shop(server(origin), "GET /chat: key"))};
    Socket client = gateway.connect();
    client.send("GET /chat HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key +
                "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    BOOST_TEST(support::status_of(client.receive_answer()) == 101);
    OriginServer other;
    for (int round = 0; round < 5; ++round) {
        BOOST_TEST((gateway
                        .reload(shop(server(other),
                                     round % 2 == 0 ? "GET /a: key" : "GET /b: key, GET /a: key"))
                        .kind == Kind::done));
        const std::string word = "round " + std::to_string(round);
        client.send(word);
        std::string came;
        while (came.size() < word.size())
            came += client.receive().value_or(word);
        BOOST_TEST(came == word);
        BOOST_TEST(support::status_of(gateway.exchange(get("/a"))) == 200);
    }
    client.end_writing();
    BOOST_TEST(client.is_at_end());
    BOOST_TEST(comes_true(gateway, [](std::map<std::string, double> samples) {
        return samples["keygate_tunnels"] == 0 &&
               samples[R"(keygate_requests_total{api="shop",route="GET /chat",outcome="allowed"})"] ==
                   1;
    }));
}

// What is spent stays spent.

BOOST_AUTO_TEST_CASE(spent_limits_stay_spent) {
    const support::FakeClock clock{
        std::chrono::sys_days{std::chrono::year{2026} / 3 / 11}}; // the first second of a day
    OriginServer origin;
    const auto with = [&](const std::string& plans) {
        return shop(server(origin), "GET /any: key",
                    "    plans: {" + plans + "}\n    default_plan: paid\n");
    };
    RunningGateway::Start begin = start(with("paid: {rate: 5/1h}"));
    begin.clock = &clock;
    RunningGateway gateway{begin};
    Socket client = gateway.connect();
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(status(client, get("/any")) == 200);
    // More plans, another order, more rates than there was room for.
    BOOST_TEST(
        (gateway.reload(with("free: {rate: 1/1h}, paid: {rate: [9/1s, 5/1h, 1000/24h]}")).kind ==
         Kind::done));
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(status(client, get("/any")) == 200);
    BOOST_TEST((gateway.reload(with("paid: {rate: 5/1h}")).kind == Kind::done));
    BOOST_TEST(status(client, get("/any")) == 200);
    BOOST_TEST(support::reason_of(ask(client, get("/any"))) == "rate_limited");
    // The limit itself may change; what was used counts.
    BOOST_TEST((gateway.reload(with("paid: {rate: 6/1h}")).kind == Kind::done));
    BOOST_TEST(status(client, get("/any")) == 200);
    BOOST_TEST(support::reason_of(ask(client, get("/any"))) == "rate_limited");
}

// What cannot be done changes nothing.

BOOST_AUTO_TEST_CASE(a_configuration_that_cannot_be_used_changes_nothing) {
    OriginServer origin;
    const std::string good = shop(server(origin), "GET /a: key");
    RunningGateway gateway{start(good)};
    Socket client = gateway.connect();

    struct Row {
        std::string configuration;
        Kind kind;
        std::string problem;
    };

    const std::vector<Row> rows{
        {good + "colour: red\n", Kind::config_invalid, "keygate.yaml:11:1: colour"},
        {good + "\t- [", Kind::config_invalid, "keygate.yaml:11:"},
        {shop(server(origin), "GET /a: publik{"), Kind::config_invalid, "keygate.yaml:10:"},
        {shop(server(origin), "GET /a: key", "    default_plan: gone\n"), Kind::config_invalid,
         "default_plan"},
        {shop(server(origin), "GET /a: key", "    profile: nobody\n"), Kind::config_invalid,
         "nobody"},
        {"", Kind::config_invalid, "apis"},
        {good + "peppers: [{name: a, file: gone.pepper}]\n", Kind::failed, "gone.pepper"},
        {good + "drain: {timeout: 1s}\nadmin: {address: \"127.0.0.1:0\", token_file: t}\n",
         Kind::needs_restart, "admin.address: is not there, would be `127.0.0.1:0`"},
    };
    double failures = 0;
    for (const Row& row : rows) {
        const auto outcome = gateway.reload(row.configuration);
        BOOST_TEST((outcome.kind == row.kind), row.problem);
        BOOST_TEST_REQUIRE(!outcome.problems.empty());
        BOOST_TEST(contains(outcome.problems.front(), row.problem), outcome.problems.front());
        BOOST_TEST(status(client, get("/a")) == 200);
        BOOST_TEST(status(client, get("/b")) == 404);
        const auto samples = metrics(gateway);
        BOOST_TEST(samples.at("keygate_config_reload_failures_total") == ++failures);
        BOOST_TEST(samples.at("keygate_config_reloads_total") == failures);
    }
    // All mistakes at once; a file that is gone.
    BOOST_TEST(gateway.reload(good + "a: 1\nb: 2\nc: 3\n").problems.size() == 3U);
    std::filesystem::remove(gateway.folder().file("keygate.yaml"));
    const auto response = gateway.admin("POST", "/admin/v1/config:reload");
    BOOST_TEST(response.status == 422U);
    BOOST_TEST(status(client, get("/a")) == 200);

    const auto outcome = gateway.reload(shop(server(origin), "GET /b: key"));
    BOOST_TEST((outcome.kind == Kind::done));
    BOOST_TEST(status(client, get("/b")) == 200);
    const auto samples = metrics(gateway);
    BOOST_TEST(samples.at("keygate_config_last_reload_success_timestamp_seconds") >=
               samples.at("process_start_time_seconds"));
}

BOOST_AUTO_TEST_CASE(operators_ask_through_the_admin_api) {
    OriginServer origin;
    const std::string good = shop(server(origin), "GET /a: key, GET /b: b:read");
    const std::string target = "/admin/v1/config:reload";
    RunningGateway gateway{start(good)};
    auto response = gateway.admin("POST", target);
    BOOST_TEST(response.status == 200U);
    BOOST_TEST(response.body ==
               R"({"object":"reload","changed":false,"keys":1,"keys_unreadable":0})");
    gateway.write_configuration(good + "x: 1\ny: 2\n");
    response = gateway.admin("POST", target, "{}");
    BOOST_TEST(response.status == 422U);
    for (const char* const part :
         {"\"reason\":\"config_invalid\"", "and 1 more; nothing has changed", "\"mistakes\":[\"",
          "keygate.yaml:11:1: x", "keygate.yaml:12:1: y"})
        BOOST_TEST(contains(response.body, part), response.body);
    gateway.write_configuration(good + "threads: 7\n"); // twice
    BOOST_TEST(gateway.admin("POST", target).status == 422U);
    BOOST_TEST(gateway.admin("GET", target).status == 405U);
    BOOST_TEST(gateway.admin("POST", target + "?now=1").status == 400U);
    BOOST_TEST(gateway.admin("POST", target, R"({"file":"other"})").status == 422U);

    // The admin API itself knows the new names.
    const auto create = [&](const std::string& scope) {
        return gateway
            .admin("POST", "/admin/v1/keys",
                   R"({"api":"shop","owner":"acme","scopes":[")" + scope + "\"]}")
            .status;
    };
    BOOST_TEST(create("b:read") == 201U);
    BOOST_TEST(create("c:read") == 422U);
    gateway.write_configuration(shop(server(origin), "GET /b: c:read"));
    BOOST_TEST(gateway.admin("POST", target).body ==
               R"({"object":"reload","changed":true,"keys":2,"keys_unreadable":1})");
    BOOST_TEST(create("b:read") == 422U);
    BOOST_TEST(create("c:read") == 201U);
}

BOOST_AUTO_TEST_CASE(a_token_that_is_withdrawn_opens_nothing_any_more) {
    OriginServer origin;
    const auto with_token = [&](const std::string& token, const std::string& more = {}) {
        return "admin: {address: \"127.0.0.1:0\", token_file: file.token, tokens: [{name: ci, "
               "role: "
               "viewer, digest: \"sha256:" +
               keys::to_hex(keys::digest_of(token)) + "\"}]" + more + "}\n" +
               shop(server(origin), "GET /a: key");
    };
    RunningGateway gateway({.configuration = with_token("the-first-token-of-all")});
    const auto ask_with = [&](const std::string& token, const std::string& host = "localhost") {
        Socket client = Socket::connect(gateway.gateway().admin_port());
        return status(client, "GET /admin/v1/keys HTTP/1.1\r\nHost: " + host +
                                  "\r\nAuthorization: Bearer " + token + "\r\n\r\n");
    };
    const std::string file = gateway.folder().file("file.token");
    const auto line = [&] {
        std::ifstream in{file};
        return std::string{std::istreambuf_iterator<char>{in}, {}}.substr(0, 48);
    };
    const std::string of_file = line();
    BOOST_TEST(ask_with("the-first-token-of-all") == 200);
    BOOST_TEST(ask_with("the-second-token-of-all") == 401);
    BOOST_TEST(ask_with(of_file) == 200);
    BOOST_TEST(ask_with(of_file, "keys.example.com") == 421);

    gateway.write_configuration(
        with_token("the-second-token-of-all", ", hosts: [keys.example.com]"));
    std::ofstream(file) << "another-token-in-the-file\n";
    BOOST_TEST(gateway.admin("POST", "/admin/v1/config:reload").status == 200U);
    BOOST_TEST(ask_with("the-first-token-of-all") == 401);
    BOOST_TEST(ask_with("the-second-token-of-all") == 200);
    BOOST_TEST(ask_with(of_file) == 401);
    BOOST_TEST(ask_with("another-token-in-the-file", "keys.example.com") == 200);

    // A file that is no token leaves everybody as they were.
    std::ofstream(file) << "short\n";
    BOOST_TEST(gateway.admin("POST", "/admin/v1/config:reload").status == 503U);
    BOOST_TEST(ask_with("the-second-token-of-all") == 200);
    BOOST_TEST(ask_with("another-token-in-the-file") == 200);
}

BOOST_AUTO_TEST_CASE(many_signals_while_one_reload_waits_are_one_reload) {
    OriginServer origin;
    support::RunningGateway gateway({.configuration = shop(server(origin), "GET /a: key")});
    constexpr unsigned signals = 2000;
    for (unsigned i = 0; i < signals; ++i)
        gateway.gateway().reload({});
    // Behind all of them.
    std::promise<void> done;
    gateway.gateway().reload([&](const admin::ReloadOutcome&) { done.set_value(); });
    done.get_future().wait();
    BOOST_TEST(metrics(gateway).at("keygate_config_reloads_total") < signals);
}

BOOST_AUTO_TEST_CASE(who_is_about_to_end_reloads_no_more) {
    OriginServer origin;
    const std::string good =
        "drain: {delay: 60s}\n" + shop(server(origin), "GET /a: key, GET /b: key");
    RunningGateway gateway{start(good)};
    std::thread draining{[&] { gateway.gateway().drain(); }};
    admin::ReloadOutcome outcome;
    do
        outcome = gateway.reload(good);
    while (outcome.kind == Kind::done);
    BOOST_TEST((outcome.kind == Kind::draining));
    BOOST_TEST(gateway.admin("POST", "/admin/v1/config:reload").status == 409U);
    BOOST_TEST(support::status_of(gateway.exchange(get("/a"))) == 200);
    gateway.gateway().hurry();
    draining.join();
}

BOOST_AUTO_TEST_CASE(whoever_has_asked_is_told_also_at_the_end) {
    OriginServer origin;
    std::atomic<int> told{0};
    {
        RunningGateway gateway{start(shop(server(origin), "GET /a: key"), 2)};
        for (int i = 0; i < 20; ++i)
            gateway.gateway().reload([&](const admin::ReloadOutcome&) { ++told; });
    }
    BOOST_TEST(told == 20);
}

// All at once.

namespace {

/// Asks without end for what every configuration allows.
struct Traffic {
    Traffic(const RunningGateway& gateway, std::string path)
        : thread([this, &gateway, path = std::move(path)] {
            Socket client = gateway.connect();
            while (!is_over) {
                if (status(client, get(path)) != 200) ++refused;
                ++asked;
            }
        }) {}

    std::atomic<bool> is_over{false};
    std::atomic<int> asked{0};
    std::atomic<int> refused{0};
    std::thread thread;
};

/// Makes keys, uses them on connections of every worker, revokes them, and uses them again.
void change_keys(const RunningGateway& gateway, const std::atomic<bool>& is_over, int& changes,
                 int& wrong) {
    std::array<Socket, 6> clients;
    for (Socket& client : clients)
        client = gateway.connect();
    const auto member = [](const std::string& body, const std::string& name) {
        const std::size_t at = body.find("\"" + name + "\":\"") + name.size() + 4;
        return body.substr(at, body.find('"', at) - at);
    };
    while (!is_over) {
        const auto made =
            gateway.admin("POST", "/admin/v1/keys", R"({"api":"shop","owner":"acme"})");
        const std::string secret = member(made.body, "key");
        for (Socket& client : clients)
            wrong += status(client, get("/a", secret)) != 200;
        const auto revoked =
            gateway.admin("POST", "/admin/v1/keys/" + member(made.body, "id") + ":revoke");
        wrong += revoked.status != 200;
        for (Socket& client : clients)
            wrong += support::reason_of(ask(client, get("/a", secret))) != "key_revoked";
        ++changes;
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(fifty_reloads_under_traffic_lose_nothing) {
    OriginServer first;
    OriginServer second;
    const std::array configurations{
        shop(server(first), "GET /a: key, GET /b: b:read, GET /old: key"),
        shop(server(second), "GET /new: key, GET /b: b:read, GET /a: key",
             "    plans: {one: {rate: [900000000/1h, 900000000/24h]}}\n    default_plan: one\n")};
    RunningGateway gateway{start(configurations[0], 2)};
    std::vector<std::unique_ptr<Traffic>> traffic;
    for (const char* const path : {"/a", "/b", "/a"})
        traffic.push_back(std::make_unique<Traffic>(gateway, path));
    std::atomic<bool> is_over{false};
    int changes = 0;
    int wrong = 0;
    std::thread changing{[&] { change_keys(gateway, is_over, changes, wrong); }};

    auto before = metrics(gateway);
    for (std::size_t i = 1; i <= 50; ++i) {
        const auto outcome = gateway.reload(configurations[i % 2]);
        BOOST_TEST((outcome.kind == Kind::done));
        BOOST_TEST(outcome.has_changed);
        BOOST_TEST(outcome.unreadable_keys == 0U);
        const auto now = metrics(gateway);
        for (const auto& [name, value] : before)
            // Of a server that is gone nothing is told any more.
            if (contains(name, "_total") && (now.contains(name) || !contains(name, "server=")))
                BOOST_TEST(now.at(name) >= value, name);
        before = now;
    }
    is_over = true;
    changing.join();
    int asked = 12 * changes;
    for (const auto& one : traffic) {
        one->is_over = true;
        one->thread.join();
        BOOST_TEST(one->refused == 0);
        BOOST_TEST(one->asked > 50);
        asked += one->asked;
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(changes > 0);
    BOOST_TEST_MESSAGE(asked << " requests, " << changes << " keys");
    BOOST_TEST(comes_true(gateway, [&](const std::map<std::string, double>& samples) {
        double counted = 0;
        for (const auto& [name, value] : samples)
            if (name.starts_with("keygate_requests_total")) counted += value;
        return counted == asked;
    }));
    BOOST_TEST(second.requests().size() > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
