// What was used of quotas, in the course of time: ends and starts, crashes, changed plans, answers
// that do not count, operators who let somebody begin anew.
#include "admin/client.hpp"
#include "keys/digest.hpp"
#include "keys/sqlite_store.hpp"
#include "support/child_process.hpp"
#include "support/fake_clock.hpp"
#include "support/origin_server.hpp"
#include "support/redis_server.hpp"
#include "support/running_gateway.hpp"
#include "support/store_calls.hpp"

#include <boost/json.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace keygate;
using support::OriginServer;
using support::RunningGateway;
using support::Socket;
namespace json = boost::json;

namespace bdata = boost::unit_test::data;

namespace {

const std::string key = "kg_live_0123456789012345678901234567890123456789";
const std::string other_key = "kg_live_9876543210987654321098765432109876543210";

std::string get(const std::string& path, const std::string& with = key) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + with + "\r\n\r\n";
}

constexpr std::chrono::sys_seconds midnight{
    std::chrono::sys_days{std::chrono::year{2026} / 3 / 11}};

/// One API with these plans; requests to /tests cost one of the meter `tests`, if a plan has it.
std::string shop(const OriginServer& origin, const std::string& plans) {
    const bool has_meter = plans.find("tests") != std::string::npos;
    return "apis:\n  shop:\n    plans: " + plans +
           "\n    default_plan: pro\n    upstreams: {live: {servers: [\"http://127.0.0.1:" +
           std::to_string(origin.port()) + "\"]}}\n    routes:\n      GET /any: key\n" +
           (has_meter ? "      GET /tests: {access: key, meter: tests}\n" : "");
}

RunningGateway::Start start(const std::string& configuration, const Clock& clock) {
    return {.configuration = configuration,
            .owners = {{.api = "shop", .id = "acme", .name = "", .plan = "pro"}},
            .keys = {support::record_of(key, "key_1", "shop", "acme"),
                     support::record_of(other_key, "key_2", "shop", "acme")},
            .clock = &clock};
}

/// How many of so many requests pass; the others are told of a spent quota.
template <class Gateway>
int admitted(const Gateway& gateway, int requests, const std::string& path = "/any",
             const std::string& with = key) {
    int count = 0;
    for (int i = 0; i < requests; ++i) {
        const std::string answer = gateway.exchange(get(path, with));
        if (support::status_of(answer) != 429) {
            ++count;
            continue;
        }
        BOOST_TEST(support::reason_of(answer) == "quota_exceeded", answer);
    }
    return count;
}

/// Name and use of each limit: `requests 2; tests 0; `
std::string uses_of(const RunningGateway& gateway, const std::string& query) {
    const auto answer = gateway.admin("GET", "/admin/v1/usage?" + query);
    BOOST_TEST_REQUIRE(answer.status == 200U, answer.body);
    std::string uses;
    const json::value usage = json::parse(answer.body);
    for (const auto& limit : usage.at("limits").as_array())
        uses += std::string{limit.at("name").as_string()} + ' ' +
                json::serialize(limit.at("used")) + "; ";
    return uses;
}

void reset(const RunningGateway& gateway, const std::string& body) {
    const auto answer = gateway.admin("POST", "/admin/v1/usage:reset", body);
    BOOST_TEST(answer.status == 200U, answer.body);
}

/// The program itself, which can be killed.
struct Program {
    explicit Program(const OriginServer& origin) {
        file = folder.write("keygate.yaml",
                            "version: 1\nthreads: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\n"
                            "log: {access: off}\n" +
                                shop(origin, "{pro: {quota: {requests: 5/year}}}"));
        const auto store = keys::open_sqlite_store(store_file()).value();
        keygate::test::insert(*store, {support::record_of(key, "key_1", "shop", "acme")}).value();
    }

    void run() {
        process = std::make_unique<support::ChildProcess>(
            std::vector<std::string>{KEYGATE_BINARY, "run", "-c", file});
        const std::string text = "listens on 127.0.0.1 port ";
        BOOST_TEST_REQUIRE(process->wait_for(text), process->err());
        BOOST_TEST_REQUIRE(process->wait_for("\n"));
        const std::size_t at = process->err().find(text);
        while (process->err().find('\n', at) == std::string::npos)
            BOOST_TEST_REQUIRE(process->wait_for("\n"));
        port = static_cast<std::uint16_t>(std::stoi(process->err().substr(at + text.size())));
    }

    void kill() {
        process->signal(SIGKILL);
        BOOST_TEST(process->wait() == -SIGKILL);
        process.reset();
    }

    [[nodiscard]] std::string exchange(const std::string& request) const {
        Socket client = Socket::connect(port);
        client.send(request);
        return client.receive_answer();
    }

    /// What is in the file by now, seen in a copy: the file itself is the process' alone.
    std::uint64_t stored() {
        const std::string copy = folder.file("copy" + std::to_string(++copies) + ".db");
        auto client =
            admin::Client::connect_local(store_file() + ".sock", std::chrono::seconds{60});
        BOOST_TEST_REQUIRE(client.has_value());
        const auto made =
            client->call("POST", "/admin/v1/store:backup", R"({"file":")" + copy + "\"}").value();
        BOOST_TEST_REQUIRE(made.status == 201U, made.body);
        std::uint64_t used = 0;
        const auto store = keys::open_sqlite_store(copy).value();
        BOOST_TEST(store
                       ->each_spent([&](const keys::SpentBy&, std::span<const keys::Spent> all) {
                           for (const keys::Spent& one : all)
                               used = one.used;
                       })
                       .has_value());
        return used;
    }

    [[nodiscard]] std::string store_file() const { return folder.file("keygate.db"); }

    support::TempFolder folder;
    std::string file;
    std::uint16_t port = 0;
    std::unique_ptr<support::ChildProcess> process;
    int copies = 0;
};

/// Keys and limits in Redis.
struct InRedis {
    InRedis()
        : gateway(RunningGateway::Start{
              .configuration = "status: {address: \"127.0.0.1:0\"}\n" +
                               shop(origin, "{pro: {rate: 100/1d, quota: {requests: {limit: "
                                            "5/year, by: key}}}}"),
              .store = "{redis: {url: \"unix://" + redis.socket() +
                       "\", timeout: 1s}, revocation_bound: 60s}"}) {
        (void)redis.call({"HSET", "kg:key:" + keys::to_hex(keys::digest_of(key)), "v", "1", "id",
                          "key_1", "api", "shop", "owner", "acme", "status", "active"});
        (void)redis.call({"HSET", "kg:index:ids", "key_1", keys::to_hex(keys::digest_of(key))});
        while (!is_ready())
            std::this_thread::yield();
    }

    [[nodiscard]] bool is_ready() {
        Socket client = Socket::connect(gateway.gateway().status_port());
        client.send("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        return support::status_of(client.receive_answer()) == 200;
    }

    OriginServer origin;
    support::RedisServer redis;
    RunningGateway gateway;
};

} // namespace

BOOST_AUTO_TEST_SUITE(wire_spent)

BOOST_AUTO_TEST_CASE(a_quota_goes_on_where_an_orderly_end_has_left_it) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    RunningGateway gateway{start(shop(origin, "{pro: {quota: {requests: 5/day}}}"), clock)};
    BOOST_TEST(admitted(gateway, 3) == 3);
    gateway.restart();
    BOOST_TEST(admitted(gateway, 4) == 2);
    gateway.restart();
    BOOST_TEST(admitted(gateway, 2) == 0);
    // All keys of the owner together; and only for the day.
    BOOST_TEST(admitted(gateway, 1, "/any", other_key) == 0);
    clock.pass(std::chrono::hours{24});
    BOOST_TEST(admitted(gateway, 9, "/any", other_key) == 5);
}

BOOST_AUTO_TEST_CASE(a_reload_neither_forgets_nor_counts_twice) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    const std::string plans = "{pro: {quota: {requests: {limit: 5/day, by: key}}}}";
    RunningGateway gateway{start(shop(origin, plans), clock)};
    BOOST_TEST(admitted(gateway, 2) == 2);
    gateway.restart();
    for (int i = 0; i < 3; ++i)
        BOOST_TEST((gateway.reload(shop(origin, plans)).kind == admin::ReloadOutcome::Kind::done));
    BOOST_TEST(uses_of(gateway, "key=key_1") == "requests 2; ");
    BOOST_TEST(admitted(gateway, 6) == 3);
}

BOOST_AUTO_TEST_CASE(another_number_leaves_what_is_spent) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    RunningGateway gateway{start(shop(origin, "{pro: {quota: {requests: 5/day}}}"), clock)};
    BOOST_TEST(admitted(gateway, 3) == 3);
    const auto more = gateway.reload(shop(origin, "{pro: {quota: {requests: 7/day}}}"));
    BOOST_TEST((more.kind == admin::ReloadOutcome::Kind::done));
    BOOST_TEST(admitted(gateway, 2) == 2);
    gateway.write_configuration(shop(origin, "{pro: {quota: {requests: 6/day}}}"));
    gateway.restart();
    BOOST_TEST(admitted(gateway, 9) == 1);
}

BOOST_AUTO_TEST_CASE(a_plan_without_the_quota_in_between_forgets_nothing) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    const std::string with = shop(origin, "{pro: {quota: {requests: 5/day}}}");
    RunningGateway gateway{start(with, clock)};
    BOOST_TEST(admitted(gateway, 3) == 3);
    gateway.write_configuration(shop(origin, "{pro: {}}"));
    gateway.restart();
    BOOST_TEST(admitted(gateway, 9) == 9);
    gateway.write_configuration(with);
    gateway.restart();
    BOOST_TEST(admitted(gateway, 9) == 2);
}

BOOST_AUTO_TEST_CASE(what_came_back_is_not_spent_after_the_end_either) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    RunningGateway gateway{
        start(shop(origin, "{pro: {quota: {tests: {limit: 3/day, by: key}}}}"), clock)};
    BOOST_TEST(admitted(gateway, 1, "/tests") == 1);
    origin.set_answer(
        [](const std::string&) { return "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"; });
    BOOST_TEST(admitted(gateway, 5, "/tests") == 5);
    gateway.restart();
    BOOST_TEST(uses_of(gateway, "key=key_1") == "tests 1; ");
    origin.set_answer([](const std::string&) { return OriginServer::plain_answer("ok"); });
    BOOST_TEST(admitted(gateway, 5, "/tests") == 2);
}

BOOST_AUTO_TEST_CASE(a_crash_loses_nothing_that_was_stored) {
    OriginServer origin;
    Program program{origin};
    program.run();
    BOOST_TEST(admitted(program, 3) == 3);
    while (program.stored() < 3)
        std::this_thread::sleep_for(std::chrono::milliseconds{50}); // each look is a copy on disk
    program.kill();
    program.run();
    BOOST_TEST(admitted(program, 4) == 2);
}

BOOST_AUTO_TEST_CASE(a_limit_of_the_key_s_own_is_kept_as_well) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    RunningGateway gateway{start(shop(origin, "{pro: {}}"), clock)};
    const auto patched =
        gateway.admin("PATCH", "/admin/v1/keys/key_1", R"({"quota":{"requests":"4/day"}})");
    BOOST_TEST(patched.status == 200U, patched.body);
    BOOST_TEST(admitted(gateway, 3) == 3);
    gateway.restart();
    BOOST_TEST(admitted(gateway, 3) == 1);
    BOOST_TEST(admitted(gateway, 9, "/any", other_key) == 9);
}

BOOST_AUTO_TEST_CASE(who_is_let_begin_anew_does_so_and_nobody_else) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    RunningGateway gateway{
        start(shop(origin, "{pro: {rate: 50/1h, quota: {requests: 6/day, tests: {limit: 2/day, by: "
                           "key}}}}"),
              clock)};
    BOOST_TEST(admitted(gateway, 2, "/tests") == 2);
    BOOST_TEST(admitted(gateway, 2, "/tests", other_key) == 2);
    BOOST_TEST(admitted(gateway, 9) == 2);
    BOOST_TEST(uses_of(gateway, "key=key_1") == "50/1h 4; tests 2; ");
    BOOST_TEST(uses_of(gateway, "owner=acme&api=shop") == "requests 6; ");

    const auto dry = gateway.admin("POST", "/admin/v1/usage:reset?dry_run=true",
                                   R"({"api":"shop","owner":"acme"})");
    BOOST_TEST(dry.status == 200U, dry.body);
    BOOST_TEST(admitted(gateway, 1) == 0);
    reset(gateway, R"({"api":"shop","owner":"acme"})");
    BOOST_TEST(admitted(gateway, 1, "/tests") == 0);
    reset(gateway, R"({"key":"key_1"})");
    BOOST_TEST(uses_of(gateway, "key=key_1") == "50/1h 0; tests 0; ");
    BOOST_TEST(admitted(gateway, 4, "/tests") == 2);
    BOOST_TEST(admitted(gateway, 1, "/tests", other_key) == 0);
    BOOST_TEST(admitted(gateway, 9) == 4);
    // It is so after a start, too, and totals are not touched.
    reset(gateway, R"({"key":"key_1"})");
    reset(gateway, R"({"owner":"acme"})");
    gateway.restart();
    BOOST_TEST(admitted(gateway, 4, "/tests") == 2);
    BOOST_TEST(admitted(gateway, 9) == 4);
    const auto usage = gateway.admin("GET", "/admin/v1/usage?key=key_1");
    BOOST_TEST(usage.body.find(R"({"requests":{"total":16,)") != std::string::npos, usage.body);

    for (const char* body : {R"({"key":"nobody"})", R"({"owner":"nobody"})"})
        BOOST_TEST(gateway.admin("POST", "/admin/v1/usage:reset", body).status == 404U, body);
    for (const char* body : {"{}", R"({"key":"key_1","owner":"acme"})",
                             R"({"key":"key_1","api":"shop"})", R"({"api":"x","owner":"acme"})"})
        BOOST_TEST(gateway.admin("POST", "/admin/v1/usage:reset", body).status == 422U, body);
}

BOOST_AUTO_TEST_CASE(what_runs_still_counts_when_somebody_begins_anew) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    RunningGateway gateway{start(shop(origin, "{pro: {concurrency: 1}}"), clock)};
    // It is not answered before the body is there.
    Socket running = gateway.connect();
    origin.set_raw([](Socket& client) { (void)client.receive_answer(); });
    running.send(get("/any"));
    const auto is_refused = [&] {
        return support::status_of(gateway.exchange(get("/any"))) == 429;
    };
    while (!is_refused())
        std::this_thread::yield();
    reset(gateway, R"({"key":"key_1"})");
    BOOST_TEST(is_refused());
}

BOOST_AUTO_TEST_CASE(a_key_that_is_made_again_begins_with_nothing_spent) {
    OriginServer origin;
    support::FakeClock clock{midnight};
    RunningGateway gateway{
        start(shop(origin, "{pro: {quota: {requests: {limit: 2/day, by: key}}}}"), clock)};
    BOOST_TEST(admitted(gateway, 3) == 2);
    BOOST_TEST(gateway.admin("DELETE", "/admin/v1/keys/key_1").status == 204U);
    const auto brought =
        gateway.admin("POST", "/admin/v1/keys",
                      R"({"api":"shop","owner":"acme","id":"key_1","digest":"sha256:)" +
                          keys::to_hex(keys::digest_of(key)) + "\"}");
    BOOST_TEST(brought.status == 201U, brought.body);
    BOOST_TEST(admitted(gateway, 3) == 2);
}

BOOST_FIXTURE_TEST_CASE(in_redis_it_is_seen_and_forgotten_where_it_is_counted, InRedis) {
    BOOST_TEST(admitted(gateway, 7) == 5);
    const auto is_seen = [&](std::uint64_t used) {
        return uses_of(gateway, "key=key_1").ends_with("requests " + std::to_string(used) + "; ");
    };
    // What was taken in advance is not given back at once.
    while (!is_seen(5))
        std::this_thread::yield();
    reset(gateway, R"({"key":"key_1"})");
    BOOST_TEST(is_seen(0));
    // Who was refused is believed so for a second.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    int passed = 0;
    while (passed == 0 && std::chrono::steady_clock::now() < until)
        passed = admitted(gateway, 1);
    BOOST_TEST(passed == 1);
    gateway.restart();
    while (!is_ready())
        std::this_thread::yield();
    BOOST_TEST(admitted(gateway, 9) == 4);
}

BOOST_FIXTURE_TEST_CASE(limits_that_a_product_writes_count_or_open_nothing, InRedis) {
    const std::string name = "kg:key:" + keys::to_hex(keys::digest_of(key));
    const auto becomes = [&](int status) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        int seen = 0;
        while (seen != status && std::chrono::steady_clock::now() < until)
            seen = support::status_of(gateway.exchange(get("/any")));
        return seen == status;
    };
    BOOST_TEST(becomes(200));
    (void)redis.call({"HSET", name, "rate", "often"});
    BOOST_TEST(becomes(503));
    BOOST_TEST(support::reason_of(gateway.exchange(get("/any"))) == "store_invalid");
    (void)redis.call({"HSET", name, "rate", "{rate: 1/366d, burst: 1000000}"}); // not exactly
    BOOST_TEST(support::reason_of(gateway.exchange(get("/any"))) == "store_invalid");
    (void)redis.call({"HSET", name, "rate", "[2/366d]", "quota", "{requests: 100/year}"});
    BOOST_TEST(becomes(200));
    BOOST_TEST(becomes(429));
    BOOST_TEST(support::reason_of(gateway.exchange(get("/any"))) == "rate_limited");
}

/// Where Redis cannot be asked, nobody is let in. A user with the rights of an older page, who may
/// not have scripts kept, charges all the same.
BOOST_DATA_TEST_CASE(the_user_of_the_page_may_charge, bdata::make({true, false}), may_load) {
    OriginServer origin;
    support::RedisServer::Options options;
    std::ifstream page{KEYGATE_SOURCE_DIR "/deploy/redis.md"};
    for (std::string line; std::getline(page, line);) {
        if (!line.starts_with("user keygate ")) continue;
        const std::string right = " +script|load";
        if (!may_load) line.erase(line.find(right), right.size());
        options.users.push_back(line.replace(line.find("SECRET"), 6, "pass-of-test"));
    }
    BOOST_TEST_REQUIRE(options.users.size() == 1U);
    const support::RedisServer redis{options};
    (void)redis.call({"HSET", "kg:key:" + keys::to_hex(keys::digest_of(key)), "v", "1", "id",
                      "key_1", "api", "shop", "owner", "acme", "status", "active"});
    for (const std::string truth : {"shared", "leased"}) {
        RunningGateway gateway{
            {.configuration =
                 "status: {address: \"127.0.0.1:0\"}\n" +
                 shop(origin, "{pro: {rate: [100/1d, {rate: 90/1h, burst: 80}], concurrency: 9, "
                              "quota: {requests: 50/year, tests: 40/year}}}\n    limits: {truth: " +
                                  truth + ", when_away: refuse}"),
             .files = {{"redis-password", "pass-of-test\n"}},
             .store = "{redis: {url: \"unix://" + redis.socket() +
                      "\", user: keygate, password_file: redis-password, timeout: 1s}}"}};
        const auto is_ready = [&] {
            Socket client = Socket::connect(gateway.gateway().status_port());
            client.send("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            return support::status_of(client.receive_answer()) == 200;
        };
        while (!is_ready())
            std::this_thread::yield();
        const auto passes = [&] {
            return support::status_of(gateway.exchange(get("/tests"))) == 200;
        };
        // Limits have a connection of their own, which may come later.
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (!passes() && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        for (int i = 0; i < 5; ++i)
            BOOST_TEST(passes());
        const auto spent = [&] {
            return redis.call({"HGET", "kg:rl:{shop:acme}:o", "q:tests:year:UTC"});
        };
        const std::string before = spent();
        BOOST_TEST(before.starts_with("$"));
        origin.set_answer(
            [](const std::string&) { return "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"; });
        BOOST_TEST(support::status_of(gateway.exchange(get("/tests"))) == 500);
        // What is leased is settled with the lease.
        const bool is_shared = truth == "shared";
        while (is_shared && spent() != before && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        BOOST_TEST((!is_shared || spent() == before));
        origin.set_answer([](const std::string&) { return OriginServer::plain_answer("ok"); });
        BOOST_TEST(passes());
        BOOST_TEST(redis.call({"EXISTS", "kg:rl:{shop:acme}:k:key_1"}).starts_with(":1"));
        BOOST_TEST(redis.call({"EXISTS", "kg:rl:{shop:acme}:o"}).starts_with(":1"));
    }
}

BOOST_AUTO_TEST_SUITE_END()
