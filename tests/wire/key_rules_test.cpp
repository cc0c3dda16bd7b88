// What a key may do beside its scopes, where it is sent, and what is said of its age: seen from
// outside.
#include "keys/digest.hpp"
#include "support/origin_server.hpp"
#include "support/redis_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace keygate;
using keys::KeyRecord;
using support::OriginServer;
using support::RedisServer;
using support::RunningGateway;
using support::Socket;

namespace {

constexpr auto day = std::chrono::hours{24};

std::string key(const std::string& name) {
    return "kg_live_" + keys::to_hex(keys::digest_of(name));
}

/// A key with a public part: `19656ea.4329…`.
std::string part_key(const std::string& name) {
    const std::string hex = keys::to_hex(keys::digest_of(name));
    return hex.substr(0, 7) + "." + hex.substr(7, 27);
}

keys::Time days_ago(int days) {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - days * day;
}

KeyRecord record(const std::string& name, const std::function<void(KeyRecord&)>& change = {}) {
    KeyRecord made = support::record_of(key(name), "key_" + name, "shop", "acme");
    made.created_at = days_ago(1);
    if (change) change(made);
    return made;
}

KeyRecord part_record(const std::string& name) {
    KeyRecord made =
        support::record_of(part_key(name).substr(0, 7), "key_" + name, "parts", "acme");
    made.secret_digest = keys::digest_of(part_key(name));
    return made;
}

using Texts = std::vector<std::string>;

std::vector<KeyRecord> records() {
    return {
        record("all"),
        record("star", [](KeyRecord& one) { one.scopes = Texts{"*"}; }),
        record("tests", [](KeyRecord& one) { one.scopes = Texts{"tests:*"}; }),
        record("manager", [](KeyRecord& one) { one.scopes = Texts{"hooks:manage"}; }),
        record("part", [](KeyRecord& one) { one.plan = "part"; }),
        record("here", [](KeyRecord& one) { one.addresses = {"127.0.0.0/8"}; }),
        record("elsewhere",
               [](KeyRecord& one) {
                   one.addresses = {"192.0.2.0/24", "::1"};
               }),
        record("page", [](KeyRecord& one) { one.referrers = {"https://*.example.com"}; }),
        record("only", [](KeyRecord& one) { one.endpoints = {"GET /v1/tests/{id}"}; }),
        record("store",
               [](KeyRecord& one) {
                   one.bind = {{"store", "7"}};
               }),
        record("worn", [](KeyRecord& one) { one.created_at = days_ago(91); }),
        record("spoiled", [](KeyRecord& one) { one.created_at = days_ago(120); }),
        record("rotated",
               [](KeyRecord& one) {
                   one.rotated_to = "key_next";
                   one.expires_at = *keys::time_from("2099-01-02T03:04:05Z");
               }),
        part_record("p1"),
        part_record("p2"),
    };
}

const std::string parts_profile = R"~(extends: default
key:
  lookup: {alphabet: hex, length: 7, separator: ".", find_by: lookup}
  alphabet: hex
  length: 27
  shown: {first: 7, last: 0}
sources: [bearer, {header: X-Api-Key}, {scheme: Token}, {query: api_key}]
)~";

std::string server(const OriginServer& origin) {
    return "{live: {servers: [\"http://127.0.0.1:" + std::to_string(origin.port()) + "\"]}}\n";
}

std::string configuration(const OriginServer& origin) {
    return R"~(apis:
  shop:
    hosts: [shop.example]
    scopes: [tests:read, tests:write, hooks:manage, hooks:read]
    implies: {"hooks:manage": [hooks:read]}
    bind: {store_id: key.store, org: owner}
    max_age: {warn: 90d, refuse: 120d}
    plans:
      pro: {}
      part: {scopes: ["tests:*"], routes: [ANY /v1/tests/**, GET /v1/hooks]}
    default_plan: pro
    routes:
      GET /v1/tests/**: tests:read
      POST /v1/tests: tests:write
      GET /v1/hooks: hooks:read
      GET /v1/any: key
      GET /v1/stores/{store_id}/{resource}/**: "{resource}:read"
      GET /v1/orgs/{org}: key
      GET /v1/info: {access: key, auth: optional}
      GET /v1/more: {scope: tests:write, auth: optional, rate: 2/1d}
    upstreams: )~" +
           server(origin) + R"~(  parts:
    profile: ./parts.yaml
    hosts: [parts.example]
    routes:
      ANY /v1/**: key
      GET /open: public
      GET /pass: {access: public, authorization: pass}
    upstreams: )~" +
           server(origin);
}

struct World {
    [[nodiscard]] std::string get(const std::string& target, const std::string& fields = {},
                                  const std::string& host = "shop.example") const {
        return gateway.exchange("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields +
                                "\r\n");
    }

    OriginServer origin{
        [](const std::string&) { return support::OriginServer::plain_answer("seen"); }};
    RunningGateway gateway{RunningGateway::Start{.configuration = configuration(origin),
                                                 .keys = records(),
                                                 .files = {{"parts.yaml", parts_profile}}}};
};

std::string bearer(const std::string& name) {
    return "Authorization: Bearer " + key(name) + "\r\n";
}

/// `ok`, or the reason.
std::string told(const std::string& answer) {
    if (support::status_of(answer) == 200) return "ok";
    const std::string name = "\"reason\":\"";
    const std::size_t at = answer.find(name);
    if (at == std::string::npos) return answer;
    return answer.substr(at + name.size(), answer.find('"', at + name.size()) - at - name.size());
}

struct Case {
    std::string key;
    std::string target;
    std::string told;
    std::string fields{};
};

} // namespace

BOOST_AUTO_TEST_SUITE(wire_key_rules)

BOOST_FIXTURE_TEST_CASE(each_rule_has_its_reason, World) {
    std::size_t allowed = 0;
    for (const Case& one : std::vector<Case>{
             {"all", "/v1/tests/1", "ok"},
             {"star", "/v1/hooks", "ok"},
             {"tests", "/v1/tests/1", "ok"},
             {"tests", "/v1/hooks", "scope_missing"},
             {"manager", "/v1/hooks", "ok"},
             {"manager", "/v1/tests/1", "scope_missing"},
             {"part", "/v1/tests/1", "ok"},
             {"part", "/v1/hooks", "plan_route"}, // its scopes can never be enough
             {"part", "/v1/any", "plan_route"},   // its routes do not name it
             {"here", "/v1/any", "ok"},
             {"elsewhere", "/v1/any", "restriction_address"},
             {"elsewhere", "/v1/any", "restriction_address",
              "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n"},
             {"page", "/v1/any", "ok", "Origin: https://a.example.com\r\n"},
             {"page", "/v1/any", "ok", "Referer: https://a.example.com/x?y\r\n"},
             {"page", "/v1/any", "restriction_referrer"},
             {"page", "/v1/any", "restriction_referrer", "Origin: null\r\n"},
             {"page", "/v1/any", "restriction_referrer", "Origin: https://example.com\r\n"},
             {"page", "/v1/any", "restriction_referrer",
              "Origin: https://a.example.com\r\nOrigin: https://a.example.com\r\n"},
             {"page", "/v1/any", "restriction_referrer",
              "Referer: https://a.example.com\r\nOrigin: https://evil.example\r\n"},
             {"only", "/v1/tests/1", "ok"},
             {"only", "/v1/tests/1/2", "restriction_endpoint"},
             {"only", "/v1/any", "restriction_endpoint"},
             {"store", "/v1/stores/7/tests/", "ok"},
             {"store", "/v1/stores/7/hooks/1", "ok"},
             {"store", "/v1/stores/8/tests/", "tenant_mismatch"},
             {"store", "/v1/stores/7;x/tests/", "tenant_mismatch"},
             {"store", "/v1/stores/7/nothing/", "scope_missing"},
             {"all", "/v1/stores/7/tests/", "tenant_mismatch"},
             {"all", "/v1/orgs/acme", "ok"},
             {"all", "/v1/orgs/other", "tenant_mismatch"},
             {"spoiled", "/v1/any", "key_expired"},
             {"worn", "/v1/any", "ok"},
         })
        BOOST_TEST_CONTEXT(one.key << " " << one.target << " " << one.fields) {
            BOOST_TEST(told(get(one.target, bearer(one.key) + one.fields)) == one.told);
            if (one.told == "ok") ++allowed;
            BOOST_TEST(origin.requests().size() == allowed);
        }
    const std::string head = "HEAD /v1/tests/1 HTTP/1.1\r\nHost: shop.example\r\n";
    BOOST_TEST(support::status_of(gateway.exchange(head + bearer("only") + "\r\n")) == 200);
}

BOOST_FIXTURE_TEST_CASE(the_upstream_is_told_what_a_key_may_do_under_its_plan, World) {
    const auto scopes_of = [&](const std::string& name) {
        origin.clear();
        BOOST_TEST(told(get("/v1/tests/1", bearer(name))) == "ok");
        return support::field_of(origin.requests().front(), "X-Key-Scopes").value_or("-");
    };
    BOOST_TEST(scopes_of("all") == "*");
    BOOST_TEST(scopes_of("star") == "*");
    BOOST_TEST(scopes_of("tests") == "tests:read tests:write");
    BOOST_TEST(scopes_of("part") == "tests:read tests:write");
}

BOOST_FIXTURE_TEST_CASE(a_derived_scope_that_is_missing_is_named, World) {
    const std::string answer = get("/v1/stores/7/hooks/1", bearer("tests"));
    BOOST_TEST(told(answer) == "tenant_mismatch"); // and the tenant comes first
    const std::string missing = get("/v1/hooks", bearer("tests"));
    BOOST_TEST(support::field_of(missing, "WWW-Authenticate").value_or("") ==
               "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"hooks:read\"");
}

BOOST_FIXTURE_TEST_CASE(where_a_key_is_optional_none_is_anonymous_and_a_bad_one_refused, World) {
    BOOST_TEST(told(get("/v1/info")) == "ok");
    BOOST_TEST(!support::field_of(origin.requests().back(), "X-Key-Id"));
    BOOST_TEST(told(get("/v1/info", "Authorization: Basic YTpi\r\nX-Key-Id: spoof\r\n")) == "ok");
    BOOST_TEST(!support::field_of(origin.requests().back(), "Authorization"));
    BOOST_TEST(!support::field_of(origin.requests().back(), "X-Key-Id"));
    BOOST_TEST(told(get("/v1/info", bearer("all"))) == "ok");
    BOOST_TEST(support::field_of(origin.requests().back(), "X-Key-Id").value_or("") == "key_all");
    BOOST_TEST(told(get("/v1/info", bearer("never"))) == "key_unknown");
    BOOST_TEST(told(get("/v1/info", bearer("spoiled"))) == "key_expired");
    BOOST_TEST(told(get("/v1/info", "Authorization: Bearer x\r\n")) == "key_bad_format");
    BOOST_TEST(told(get("/v1/info", "Authorization: Bearer\r\n")) == "auth_malformed");
    BOOST_TEST(told(get("/v1/info", bearer("all") + bearer("all"))) == "auth_duplicate");
    // Its own limits count by address, and the scopes only for who sends a key.
    BOOST_TEST(told(get("/v1/more", bearer("manager"))) == "scope_missing");
    BOOST_TEST(told(get("/v1/more")) == "ok");
    BOOST_TEST(told(get("/v1/more", bearer("all"))) == "ok");
    BOOST_TEST(told(get("/v1/more")) == "rate_limited");
}

BOOST_FIXTURE_TEST_CASE(a_key_is_taken_from_where_it_is_sent_and_goes_no_further, World) {
    struct Sent {
        std::string target;
        std::string fields;
        std::string told;
        std::string seen{}; // the target, as the upstream sees it
    };

    const std::string good = part_key("p1");
    for (const Sent& one : std::vector<Sent>{
             {"/v1/x", "Authorization: Bearer " + good + "\r\n", "ok", "/v1/x"},
             {"/v1/x", "Authorization: Token " + good + "\r\n", "ok", "/v1/x"},
             {"/v1/x?a=1", "X-Api-Key: " + good + "\r\n", "ok", "/v1/x?a=1"},
             {"/v1/x?api_key=" + good, "", "ok", "/v1/x"},
             {"/v1/x?a=1&api_key=" + good + "&b=2", "", "ok", "/v1/x?a=1&b=2"},
             {"/v1/x?api%5Fkey=" + good + "&b=%20", "", "ok", "/v1/x?b=%20"},
             {"/v1/x?a=1;api_key=" + good, "", "ok", "/v1/x?a=1"},
             {"/v1/x", "Authorization: Basic YTpi\r\nX-Api-Key: " + good + "\r\n", "ok", "/v1/x"},
             // What another reader could take for the field goes no further, either.
             {"/v1/x", "X-Api-Key: " + good + "\r\nX_Api_Key: other\r\n", "ok", "/v1/x"},
             {"/v1/x?api_key=" + good, "X-Api-Key: " + good + "\r\n", "auth_duplicate"},
             {"/v1/x?api_key=" + good + "&api_key=" + good, "", "auth_duplicate"},
             {"/v1/x", "Authorization: Bearer " + good + "\r\nX-Api-Key: " + good + "\r\n",
              "auth_duplicate"},
             {"/v1/x", "", "auth_missing"},
             {"/v1/x?key=" + good, "", "auth_missing"},
             {"/v1/x?api_key=", "", "auth_malformed"},
             {"/v1/x", "X-Api-Key: a b\r\n", "auth_malformed"},
             {"/v1/x", "X-Api-Key: " + good + "0\r\n", "key_bad_format"},
             // Public routes look at no key, and pass none on.
             {"/open?api_key=" + good + "&a=1", "X-Api-Key: " + good + "\r\n", "ok", "/open?a=1"},
             {"/open?a", "Authorization: Token " + good + "\r\n", "ok", "/open?a"},
             {"/pass?api_key=x", "Authorization: Basic YTpi\r\nX-API_Key: x\r\n", "ok", "/pass"},
             {"/pass", "Authorization: Token " + good + "\r\n", "ok", "/pass"},
         })
        BOOST_TEST_CONTEXT(one.target << " " << one.fields) {
            origin.clear();
            BOOST_TEST(told(get(one.target, one.fields, "parts.example")) == one.told);
            BOOST_TEST(origin.requests().size() == (one.told == "ok" ? 1U : 0U));
            for (const std::string& request : origin.requests()) {
                BOOST_TEST(request.starts_with("GET " + one.seen + " HTTP/1.1\r\n"), request);
                BOOST_TEST(request.find(good) == std::string::npos);
                BOOST_TEST(request.find("pi-Key") == std::string::npos);
                BOOST_TEST(request.find("pi_Key") == std::string::npos);
            }
        }
    // Where keys are not sent so, it is a header like any other.
    BOOST_TEST(told(get("/v1/any?api_key=x", bearer("all") + "X-Api-Key: mine\r\n")) == "ok");
    BOOST_TEST(origin.requests().back().starts_with("GET /v1/any?api_key=x HTTP/1.1\r\n"));
    BOOST_TEST(support::field_of(origin.requests().back(), "X-Api-Key").value_or("") == "mine");

    const std::string log = gateway.end_and_read_log();
    BOOST_TEST(log.find("key_p1") != std::string::npos);
    BOOST_TEST(log.find(good.substr(8)) == std::string::npos);
    BOOST_TEST(log.find("api_key") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(who_knows_the_public_part_alone_knows_nothing, World) {
    std::string wrong = part_key("p1");
    wrong.back() = wrong.back() == '0' ? '1' : '0';
    const auto answer = [&](const std::string& text) {
        std::string got = get("/v1/x", "Authorization: Bearer " + text + "\r\n", "parts.example");
        const std::string id = support::field_of(got, "X-Request-Id").value_or("?");
        for (std::size_t at = got.find(id); at != std::string::npos; at = got.find(id))
            got.replace(at, id.size(), "ID");
        got.replace(got.find("Date: "), 35, "");
        return got;
    };
    BOOST_TEST(told(answer(part_key("p1"))) == "ok");
    BOOST_TEST(told(answer(wrong)) == "key_unknown");
    BOOST_TEST(answer(wrong) == answer(part_key("never")));
    BOOST_TEST(told(answer(part_key("p2").substr(0, 7) + part_key("p1").substr(7))) ==
               "key_unknown");
    // Nor is anything booked to that key.
    const std::string log = gateway.end_and_read_log();
    std::size_t booked = 0;
    for (std::size_t at = log.find("key_p"); at != std::string::npos;
         at = log.find("key_p", at + 1))
        ++booked;
    BOOST_TEST(booked == 1U);
}

BOOST_FIXTURE_TEST_CASE(answers_say_when_a_key_should_be_replaced, World) {
    origin.set_answer([](const std::string& request) {
        return "HTTP/1.1 200 OK\r\nx-key-notice: mine\r\nContent-Length: 4\r\n\r\n" +
               std::string{request.starts_with("GET") ? "seen" : ""};
    });
    const auto notice = [&](const std::string& name, const std::string& target = "/v1/any") {
        return support::field_of(get(target, bearer(name)), "X-Key-Notice").value_or("-");
    };
    BOOST_TEST(notice("all") == "mine"); // the API's own, where there is nothing to say
    BOOST_TEST(notice("rotated") == "rotated;successor=\"key_next\";ends=\"2099-01-02T03:04:05Z\"");
    const std::string worn = notice("worn");
    BOOST_TEST(worn.starts_with("old;age=91;ends=\"20"), worn);
    // Who may not use the API learns nothing of it.
    BOOST_TEST(notice("spoiled") == "-");
    BOOST_TEST(notice("rotated", "/v1/stores/7/tests/") == "-");

    origin.set_answer([](const std::string&) { return "SSH-2.0-server\r\n\r\n"; });
    const std::string broken = get("/v1/any", bearer("rotated"));
    BOOST_TEST(support::status_of(broken) == 502);
    BOOST_TEST(support::field_of(broken, "X-Key-Notice").value_or("-").starts_with("rotated;"));
}

BOOST_AUTO_TEST_CASE(a_key_that_has_to_be_asked_for_goes_no_further_than_one_in_memory) {
    OriginServer origin{
        [](const std::string&) { return support::OriginServer::plain_answer("seen"); }};
    RedisServer redis;
    const RunningGateway gateway{RunningGateway::Start{
        .configuration = "status: {address: \"127.0.0.1:0\"}\n" + configuration(origin),
        .files = {{"parts.yaml", parts_profile}},
        .store = "{redis: {url: \"unix://" + redis.socket() +
                 "\", timeout: 1s}, revocation_bound: 60s}"}};
    for (int number = 0; number < 4; ++number) {
        const std::string text = part_key("r" + std::to_string(number));
        (void)redis.call({"HSET", "kg:key:" + keys::to_hex(keys::digest_of(text.substr(0, 7))), "v",
                          "1", "id", "key_r" + std::to_string(number), "api", "parts", "owner",
                          "acme", "status", "active", "secret_digest",
                          keys::to_hex(keys::digest_of(text))});
    }
    const auto get = [&](const std::string& target, const std::string& fields) {
        return gateway.exchange("GET " + target + " HTTP/1.1\r\nHost: parts.example\r\nX-A: b\r\n" +
                                fields + "\r\n");
    };
    // The tracking connection is set up beside this; until then keys are asked for, too.
    BOOST_TEST(told(get("/v1/x?a=1&api_key=" + part_key("r0") + "&b=2", "")) == "ok");
    BOOST_TEST(told(get("/v1/x", "X-Api-Key: " + part_key("r1") + "\r\n")) == "ok");
    BOOST_TEST(told(get("/v1/x", "Authorization: Token " + part_key("r2") + "\r\n")) == "ok");
    std::string wrong = part_key("r3");
    wrong.back() = wrong.back() == '0' ? '1' : '0';
    BOOST_TEST(told(get("/v1/x", "X-Api-Key: " + wrong + "\r\n")) == "key_unknown");
    BOOST_TEST(told(get("/v1/x", "X-Api-Key: " + part_key("r3") + "\r\n")) == "ok");
    const auto seen = origin.requests();
    BOOST_TEST_REQUIRE(seen.size() == 4U);
    BOOST_TEST(seen[0].starts_with("GET /v1/x?a=1&b=2 HTTP/1.1\r\n"), seen[0]);
    for (const std::string& request : seen) {
        BOOST_TEST(request.find("xxxx") == std::string::npos);
        BOOST_TEST(request.find("pi-Key") == std::string::npos);
        BOOST_TEST(support::field_of(request, "X-A").value_or("") == "b");
    }
}

BOOST_AUTO_TEST_SUITE_END()
