// Requests whose key has to be asked for: whatever is waited for, the wire says the same as where
// the key is in memory, and nothing of a request is lost, kept or mixed up while it waits.
#include "keys/digest.hpp"
#include "support/origin_server.hpp"
#include "support/redis_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace keygate;
using support::OriginServer;
using support::RedisServer;
using support::RunningGateway;
using support::Socket;
namespace bdata = boost::unit_test::data;

namespace {

std::string key_of(int number) {
    std::string text = std::to_string(number);
    return "kg_live_" + std::string(40 - text.size(), '0') + text;
}

std::string head_of(const std::string& method, int key, const std::string& more = {}) {
    return method + " /v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key_of(key) +
           "\r\n" + more + "\r\n";
}

struct World {
    explicit World(const std::string& store_settings = {}, const std::string& more = {})
        : gateway(RunningGateway::Start{
              .configuration = more +
                               "status: {address: \"127.0.0.1:0\"}\n"
                               "apis:\n  shop:\n    plans: {pro: {}}\n"
                               "    upstreams: {live: {servers: [\"http://127.0.0.1:" +
                               std::to_string(origin.port()) +
                               "\"]}}\n    routes: {ANY /v1/**: orders:all, GET /open: public}\n",
              .files = {{"pepper", std::string(40, 'p') + "\n"}},
              .store = "{redis: {url: \"unix://" + redis.socket() +
                       "\", timeout: 1s}, revocation_bound: 60s" + store_settings + "}"}) {
        put_owner();
        while (!is_ready())
            std::this_thread::yield();
    }

    [[nodiscard]] bool is_ready() const {
        Socket client = Socket::connect(gateway_port());
        client.send("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        return support::status_of(client.receive_answer()) == 200;
    }

    [[nodiscard]] std::uint16_t gateway_port() const { return gateway_status; }

    void put_owner() {
        (void)redis.call({"HSET", "kg:owner:shop:acme", "v", "1", "name", "Acme", "plan", "pro",
                          "status", "active", "attributes", "{}"});
    }

    void put(int key, const std::string& status = "active") {
        (void)redis.call({"HSET", "kg:key:" + keys::to_hex(keys::digest_of(key_of(key))), "v", "1",
                          "id", "key_" + std::to_string(key), "api", "shop", "owner", "acme",
                          "status", status});
    }

    OriginServer origin;
    RedisServer redis;
    RunningGateway gateway;
    std::uint16_t gateway_status = gateway.gateway().status_port();
};

/// A pepper, and keys that go on for an hour.
struct Peppered : World {
    Peppered()
        : World(", stale_while_down: 1h", "peppers: [{name: p, file: pepper}]\n") {}
};

} // namespace

BOOST_AUTO_TEST_SUITE(wire_redis)

BOOST_FIXTURE_TEST_CASE(a_key_that_was_never_seen_is_asked_for_and_passes, World) {
    put(1);
    put(2, "revoked");
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 200);
    BOOST_TEST(support::status_of(gateway.exchange(head_of("HEAD", 1))) == 200);
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 2))) == 403);
    const std::string unknown = gateway.exchange(head_of("GET", 3));
    BOOST_TEST(support::status_of(unknown) == 403);
    BOOST_TEST(unknown.find("key_unknown") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(the_key_does_not_reach_the_origin_and_the_caller_does, World) {
    put(1);
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1, "X-Key-Id: spoof\r\n"))) ==
               200);
    const std::string seen = origin.requests().front();
    BOOST_TEST(seen.find("X-Key-Id: key_1\r\n") != std::string::npos);
    BOOST_TEST(seen.find("X-Key-Plan: pro\r\n") != std::string::npos);
    BOOST_TEST(seen.find("spoof") == std::string::npos);
    BOOST_TEST(seen.find("Authorization") == std::string::npos);
    BOOST_TEST(seen.find("xxxx") == std::string::npos);
    BOOST_TEST(seen.find(key_of(1)) == std::string::npos);
}

BOOST_DATA_TEST_CASE_F(World, a_body_that_comes_while_the_key_is_asked_for_is_whole,
                       bdata::make({0, 1, 100, 70'000, 1'000'000}), size) {
    // Each in one write, in pieces, and chunked.
    const std::string body(static_cast<std::size_t>(size), 'z');
    put(10);
    put(11);
    const auto length = "Content-Length: " + std::to_string(size) + "\r\n";
    BOOST_TEST(support::status_of(gateway.exchange(head_of("POST", 10, length) + body)) == 200);
    char hex[20];
    std::snprintf(hex, sizeof hex, "%x", size);
    const std::string chunked =
        size == 0 ? "0\r\n\r\n" : std::string{hex} + "\r\n" + body + "\r\n0\r\n\r\n";
    BOOST_TEST(support::status_of(gateway.exchange(
                   head_of("POST", 11, "Transfer-Encoding: chunked\r\n") + chunked)) == 200);
    const auto requests = origin.requests();
    BOOST_TEST_REQUIRE(requests.size() == 2U);
    for (const std::string& request : requests) {
        const std::string came = support::body_of(request);
        BOOST_TEST(std::count(came.begin(), came.end(), 'z') == size);
    }
}

BOOST_FIXTURE_TEST_CASE(byte_by_byte_it_is_the_same, World) {
    put(1);
    BOOST_TEST(
        support::status_of(gateway.exchange(head_of("POST", 1, "Content-Length: 5\r\n") + "hello",
                                            Socket::Pieces::bytewise)) == 200);
    BOOST_TEST(origin.requests().front().ends_with("hello"));
}

BOOST_FIXTURE_TEST_CASE(pipelined_requests_of_several_keys_are_answered_in_order, World) {
    std::string all;
    for (int i = 0; i < 50; ++i) {
        if (i % 3 != 0) put(i, i % 3 == 1 ? "active" : "disabled");
        all += head_of("GET", i);
    }
    Socket client = gateway.connect();
    client.send(all);
    for (int i = 0; i < 50; ++i) {
        const std::string answer = client.receive_answer();
        BOOST_TEST(support::status_of(answer) == (i % 3 == 1 ? 200 : 403), i);
        if (i % 3 != 1)
            BOOST_TEST(
                (answer.find(i % 3 == 0 ? "key_unknown" : "key_disabled") != std::string::npos), i);
    }
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_100_is_told_after_the_key_was_asked_for, World) {
    put(1);
    Socket client = gateway.connect();
    client.send(head_of("POST", 2, "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    BOOST_TEST(support::status_of(client.receive_answer()) == 403);
}

BOOST_FIXTURE_TEST_CASE(a_client_that_leaves_while_its_key_is_asked_for_leaves_nothing, World) {
    put(1);
    put(2);
    redis.pause();
    for (int i = 0; i < 20; ++i) {
        Socket client = gateway.connect();
        client.send(head_of("GET", 1));
    }
    Socket patient = gateway.connect();
    patient.send(head_of("GET", 2));
    redis.resume();
    BOOST_TEST(support::status_of(patient.receive_answer()) == 200);
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 200);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_asked_for_is_503_and_the_rest_goes_on, World) {
    put(1);
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 200);
    redis.kill();
    // In memory, and younger than the bound.
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 200);
    const std::string refused = gateway.exchange(head_of("GET", 2));
    BOOST_TEST(support::status_of(refused) == 503);
    BOOST_TEST(refused.find("store_unavailable") != std::string::npos);
    BOOST_TEST(refused.find("Retry-After: ") != std::string::npos);
    BOOST_TEST(support::status_of(gateway.exchange("GET /v1/orders HTTP/1.1\r\nHost: a\r\n\r\n")) ==
               401);
    BOOST_TEST(support::status_of(gateway.exchange(
                   "GET /v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n")) ==
               403);
    BOOST_TEST(support::status_of(gateway.exchange("GET /open HTTP/1.1\r\nHost: a\r\n\r\n")) ==
               200);
    BOOST_TEST(!is_ready());
    redis.restart();
    put_owner();
    put(2);
    while (!is_ready())
        std::this_thread::yield();
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 2))) == 200);
}

BOOST_FIXTURE_TEST_CASE(a_reload_keeps_what_was_known_and_its_spent_limits, World) {
    put(1);
    const auto with_rate = [this](const std::string& plans) {
        return "status: {address: \"127.0.0.1:0\"}\napis:\n  shop:\n    plans: {pro: " + plans +
               "}\n    upstreams: {live: {servers: [\"http://127.0.0.1:" +
               std::to_string(origin.port()) +
               "\"]}}\n    routes: {ANY /v1/**: orders:all, GET /open: public}\n";
    };
    BOOST_TEST(
        (gateway.reload(with_rate("{rate: 3/1d}")).kind == admin::ReloadOutcome::Kind::done));
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 200);
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 429);
    BOOST_TEST((gateway.reload(with_rate("{rate: [3/1d, 10/1h]}")).kind ==
                admin::ReloadOutcome::Kind::done));
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 429);
    redis.kill();
    while (is_ready())
        std::this_thread::yield();
    // What cannot be read again is not taken for nothing.
    BOOST_TEST((gateway.reload(with_rate("{}")).kind == admin::ReloadOutcome::Kind::failed));
}

BOOST_FIXTURE_TEST_CASE(with_a_pepper_both_digests_of_a_key_are_asked_for, Peppered) {
    put(1);
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 200);
    const std::string unknown = gateway.exchange(head_of("GET", 2));
    BOOST_TEST(unknown.find("key_unknown") != std::string::npos);
    const auto made = gateway.admin("POST", "/admin/v1/keys", R"({"api":"shop","owner":"acme"})");
    BOOST_TEST_REQUIRE(made.status == 201U, made.body);
    const std::size_t at = made.body.find("\"key\":\"") + 7;
    const std::string key = made.body.substr(at, 48);
    const std::string request =
        "GET /v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + "\r\n\r\n";
    BOOST_TEST(support::status_of(gateway.exchange(request)) == 200);
    // Neither of them has to be known as nobody's for the other one to go on.
    redis.kill();
    while (gateway.exchange(head_of("GET", 3)).find("store_unavailable") == std::string::npos) {
    }
    BOOST_TEST(support::status_of(gateway.exchange(head_of("GET", 1))) == 200);
    BOOST_TEST(support::status_of(gateway.exchange(request)) == 200);
}

BOOST_AUTO_TEST_SUITE_END()
