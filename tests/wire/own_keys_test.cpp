// What the gateway answers by itself (`answer:` in a route): how such a request is read, and that a
// key gains nothing by making, changing or replacing another.
#include "support/origin_server.hpp"
#include "support/redis_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/json.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <ostream>
#include <set>

using namespace keygate;
using support::OriginServer;
using support::RunningGateway;
using support::Socket;
namespace json = boost::json;

namespace bdata = boost::unit_test::data;

namespace {

const std::string key = "kg_live_0123456789012345678901234567890123456789";
const std::string other_key = "kg_live_9876543210987654321098765432109876543210";

struct Shop {
    explicit Shop(const std::string& more = {}, const std::string& store = {})
        : origin([](const std::string&) { return OriginServer::plain_answer("ok"); })
        , gateway({.configuration = configuration(more),
                   .owners = {{.api = "shop", .id = "acme", .name = "Acme", .plan = "pro"},
                              {.api = "shop", .id = "other", .name = "Other", .plan = "pro"}},
                   .keys = {support::record_of(key, "key_1", "shop", "acme"),
                            support::record_of(other_key, "key_2", "shop", "other")},
                   .store = store}) {}

    [[nodiscard]] std::string configuration(const std::string& more) const {
        const std::string url = "http://127.0.0.1:" + std::to_string(origin.port());
        return "apis:\n  shop:\n    plans: {pro: {quota: {requests: 1000/month}}, small: {quota: "
               "{tests: 5/month}}}\n"
               "    scopes: [keys:manage, tests:read, tests:write]\n"
               "    upstreams: {live: {servers: [\"" +
               url + "\"]}, test: {servers: [\"" + url + "\"]}}\n" + more +
               "    routes:\n"
               "      GET /me: {answer: whoami}\n"
               "      GET /keys: {answer: list_keys}\n"
               "      POST /keys: {answer: create_key, require_scope: keys:manage}\n"
               "      GET /keys/{id}: {answer: show_key}\n"
               "      PATCH /keys/{id}: {answer: update_key}\n"
               "      DELETE /keys/{id}: {answer: delete_key}\n"
               "      POST /keys/{id}/revoke: {answer: revoke_key}\n"
               "      POST /keys/{id}/rotate: {answer: rotate_key}\n"
               "      POST /tests: {scope: tests:write, meter: tests}\n"
               "      GET /any: key\n";
    }

    struct Told {
        int status = 0;
        std::string all;
        json::value body;

        [[nodiscard]] std::string text(const char* name) const {
            const auto* const value = body.as_object().if_contains(name);
            return value != nullptr && value->is_string() ? std::string{value->as_string()}
                                                          : std::string{};
        }
    };

    [[nodiscard]] Told call(const std::string& with, const std::string& line,
                            const std::string& body = {}, const std::string& fields = {}) const {
        Told told;
        told.all = gateway.exchange(
            line + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + with + "\r\n" + fields +
            (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
            "\r\n" + body);
        told.status = support::status_of(told.all);
        json::error_code error;
        told.body = json::parse(support::body_of(told.all), error);
        return told;
    }

    /// A key of the owner `acme` that the operator has made: its id and text.
    [[nodiscard]] std::pair<std::string, std::string> make(const std::string& members) const {
        const auto answer = gateway.admin("POST", "/admin/v1/keys",
                                          R"({"api":"shop","owner":"acme")" + members + "}");
        BOOST_TEST_REQUIRE(answer.status == 201U, answer.body);
        const json::value made = json::parse(answer.body);
        return {std::string{made.at("id").as_string()}, std::string{made.at("key").as_string()}};
    }

    OriginServer origin;
    RunningGateway gateway;
};

std::string reason_of(const Shop::Told& told) {
    return support::reason_of(told.all);
}

} // namespace

BOOST_AUTO_TEST_SUITE(own_keys)

BOOST_AUTO_TEST_CASE(a_key_is_told_who_it_is) {
    const Shop shop;
    const auto told = shop.call(key, "GET /me");
    BOOST_TEST(told.status == 200, told.all);
    BOOST_TEST(told.text("key_id") == "key_1", told.all);
    BOOST_TEST(support::field_of(told.all, "Content-Type").value() == "application/json");
    BOOST_TEST(support::field_of(told.all, "Cache-Control").value() == "no-store");
    BOOST_TEST(support::field_of(told.all, "X-Request-Id").has_value());
    BOOST_TEST(support::field_of(told.all, "RateLimit").has_value());
    BOOST_TEST(shop.origin.requests().empty()); // it never was the API's business
}

BOOST_AUTO_TEST_CASE(it_costs_and_is_used_like_every_request) {
    const Shop shop;
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(shop.call(key, "GET /me").status == 200);
    BOOST_TEST(shop.call(key, "GET /any").status == 200);
    const json::value usage =
        json::parse(shop.gateway.admin("GET", "/admin/v1/usage?owner=acme").body);
    BOOST_TEST(usage.at("counters").at("requests").at("total").as_int64() == 4);
    BOOST_TEST(usage.at("limits").at(0).at("used").as_int64() == 4);
}

BOOST_AUTO_TEST_CASE(a_meter_is_counted_also_where_no_plan_bounds_it) {
    const Shop shop;
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(shop.call(key, "POST /tests").status == 200);
    for (const char* whose : {"key=key_1", "owner=acme"}) {
        const json::value usage =
            json::parse(shop.gateway.admin("GET", std::string{"/admin/v1/usage?"} + whose).body);
        BOOST_TEST(usage.at("counters").at("tests").at("month").as_int64() == 3, usage);
        BOOST_TEST(usage.at("limits").as_array().size() <= 1U, usage); // it is nobody's limit
    }
    // A plan that bounds it goes on from there.
    BOOST_TEST(
        shop.gateway.admin("PUT", "/admin/v1/owners/acme", R"({"api":"shop","plan":"small"})")
            .status == 200U);
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(shop.call(key, "POST /tests").status == 200);
    BOOST_TEST(reason_of(shop.call(key, "POST /tests")) == "quota_exceeded");
}

BOOST_AUTO_TEST_CASE(the_next_request_of_the_connection_waits_for_its_turn) {
    const Shop shop;
    Socket socket = shop.gateway.connect();
    const std::string body = R"({"name":"one"})";
    const std::string who = "\r\nHost: a\r\nAuthorization: Bearer " + key + "\r\n";
    socket.send("POST /keys HTTP/1.1" + who + "Content-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body + "GET /me HTTP/1.1" + who + "\r\nGET /any HTTP/1.1" + who +
                "\r\n");
    BOOST_TEST(support::status_of(socket.receive_answer()) == 201);
    const std::string second = socket.receive_answer();
    BOOST_TEST(support::status_of(second) == 200);
    BOOST_TEST(support::body_of(second).find("key_1") != std::string::npos);
    BOOST_TEST(support::body_of(socket.receive_answer()) == "ok");
}

BOOST_AUTO_TEST_CASE(bodies_come_in_any_pieces) {
    const Shop shop;
    const std::string body = R"({"name":"in pieces"})";
    const std::string head =
        "POST /keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + "\r\n";
    const std::string plain =
        head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    BOOST_TEST(support::status_of(shop.gateway.exchange(plain, Socket::Pieces::bytewise)) == 201);
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n5\r\n" +
                                body.substr(0, 5) + "\r\nf\r\n" + body.substr(5) + "\r\n0\r\n\r\n";
    const std::string answer = shop.gateway.exchange(chunked, Socket::Pieces::bytewise);
    BOOST_TEST(support::status_of(answer) == 201, answer);

    Socket socket = shop.gateway.connect();
    socket.send(head + "Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n");
    BOOST_TEST(support::status_of(socket.receive_answer()) == 100);
    socket.send(body);
    BOOST_TEST(support::status_of(socket.receive_answer()) == 201);

    // Cut in the middle: nothing is made of it.
    const auto count = [&] {
        return shop.call(key, "GET /keys").body.at("data").as_array().size();
    };
    const std::size_t before = count();
    Socket cut = shop.gateway.connect();
    cut.send(plain.substr(0, plain.size() - 3));
    cut.end_writing();
    BOOST_TEST(support::status_of(cut.receive_answer()) == 400);
    BOOST_TEST(count() == before);
}

BOOST_AUTO_TEST_CASE(a_body_has_a_bound) {
    const Shop shop;
    const std::string large(64 * 1024 + 1, ' ');
    const auto told = shop.call(key, "POST /keys", large);
    BOOST_TEST(told.status == 413, told.all.substr(0, 200));
    BOOST_TEST(reason_of(told) == "body_too_large");
    const std::string fits = R"({"name":"x"})" + std::string(64 * 1024 - 12, ' ');
    BOOST_TEST(shop.call(key, "POST /keys", fits).status == 201);
}

BOOST_AUTO_TEST_CASE(head_has_no_body) {
    const Shop shop;
    Socket socket = shop.gateway.connect();
    socket.send("HEAD /me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + "\r\n\r\n");
    const std::string answer = socket.receive_answer(true);
    BOOST_TEST(support::status_of(answer) == 200);
    BOOST_TEST(support::body_of(answer).empty());
    BOOST_TEST(support::field_of(answer, "Content-Length").value() != "0");
}

struct Bad {
    const char* body;
    int status;
    const char* reason;
    const char* says;
};

std::ostream& operator<<(std::ostream& out, const Bad& bad) {
    return out << bad.body;
}

const Bad bad_bodies[] = {
    {"", 400, "json_invalid", ""},
    {"{", 400, "json_invalid", ""},
    {"[]", 422, "body_invalid", "object"},
    {R"({"name":"a","name":"b"})", 400, "json_invalid", "name"},
    {"{}", 422, "member_missing", "`name`"},
    {R"({"name":7})", 422, "member_invalid", "`name`"},
    {R"({"name":"a\nb"})", 422, "member_invalid", "`name`"},
    {R"({"name":"a","scope":["tests:read"]})", 422, "member_unknown", "scopes"},
    {R"({"name":"a","scopes":"tests:read"})", 422, "member_invalid", "`scopes`"},
    {R"({"name":"a","scopes":[7]})", 422, "member_invalid", "`scopes`"},
    {R"({"name":"a","scopes":["tests:red"]})", 422, "member_invalid", "tests:read"},
    {R"({"name":"a","expires_at":"soon"})", 422, "member_invalid", "`expires_at`"},
    {R"({"name":"a","expires_at":"2020-01-01T00:00:00Z"})", 422, "member_invalid", "`expires_at`"},
    {R"({"name":"a","owner":"other"})", 422, "member_unknown", "`owner`"},
    {R"({"name":"a","mode":"test"})", 422, "member_unknown", "`mode`"},
    {R"({"name":"a","plan":"pro"})", 422, "member_unknown", "`plan`"},
    {R"({"name":"a","force":true})", 422, "member_unknown", "`force`"},
};

BOOST_DATA_TEST_CASE(wrong_bodies_are_named, bdata::make(bad_bodies), bad) {
    static const Shop shop;
    const auto told = shop.call(key, "POST /keys", bad.body);
    BOOST_TEST(told.status == bad.status, told.all);
    BOOST_TEST(told.all.find(bad.says) != std::string::npos, told.all);
    BOOST_TEST(shop.call(key, "GET /keys").body.at("data").as_array().size() == 1U);
}

BOOST_AUTO_TEST_CASE(only_keys_of_the_owner_are_there) {
    const Shop shop;
    const auto told = shop.call(key, "GET /keys");
    BOOST_TEST_REQUIRE(told.body.at("data").as_array().size() == 1U);
    BOOST_TEST(told.body.at("data").at(0).at("id").as_string() == "key_1");
    for (const char* line : {"GET /keys/key_2", "DELETE /keys/key_2", "POST /keys/key_2/revoke",
                             "POST /keys/key_2/rotate", "GET /keys/nobody", "GET /keys/%6bey_2"}) {
        const auto refused = shop.call(key, line);
        BOOST_TEST(refused.status == 404, line << ": " << refused.all);
    }
    BOOST_TEST(shop.call(key, "PATCH /keys/key_2", R"({"name":"mine"})").status == 404);
    BOOST_TEST(shop.call(other_key, "GET /any").status == 200);
}

BOOST_AUTO_TEST_CASE(a_test_key_manages_test_keys_alone) {
    const Shop shop;
    const auto [id, text] = shop.make(R"(,"mode":"test")");
    const auto listed = shop.call(text, "GET /keys").body.at("data").as_array();
    BOOST_TEST_REQUIRE(listed.size() == 1U);
    BOOST_TEST(listed[0].at("id").as_string() == id);
    BOOST_TEST(shop.call(text, "DELETE /keys/key_1").status == 404);
    BOOST_TEST(shop.call(text, "GET /keys/key_1").status == 404);
    const auto made = shop.call(text, "POST /keys", R"({"name":"another"})");
    BOOST_TEST(made.status == 201, made.all);
    BOOST_TEST(made.text("key").starts_with("kg_test_"));
    BOOST_TEST(shop.call(key, "GET /keys").body.at("data").as_array().size() == 3U);
}

BOOST_AUTO_TEST_CASE(nobody_gains_by_making_a_key) {
    const Shop shop;
    const auto [id, text] = shop.make(R"(,"scopes":["keys:manage","tests:read"])");
    const auto refused = [&](const std::string& body) {
        const auto told = shop.call(text, "POST /keys", body);
        BOOST_TEST(told.status == 403, body << ": " << told.all);
        BOOST_TEST(reason_of(told) == "escalation", told.all);
    };
    refused(R"({"name":"a","scopes":["tests:write"]})");
    refused(R"({"name":"a","scopes":["tests:read","tests:write"]})");
    refused(R"({"name":"a","scopes":["tests:*"]})");
    refused(R"({"name":"a","scopes":["*"]})");
    const auto fewer = shop.call(text, "POST /keys", R"({"name":"a","scopes":["tests:read"]})");
    BOOST_TEST(fewer.status == 201, fewer.all);
    BOOST_TEST(shop.call(fewer.text("key"), "POST /tests").status == 403);
    // Without scopes it gets the caller's, not all.
    const auto same = shop.call(text, "POST /keys", R"({"name":"b"})");
    BOOST_TEST(same.status == 201);
    BOOST_TEST(same.body.at("scopes").as_array().size() == 2U, same.all);
    BOOST_TEST(shop.call(same.text("key"), "POST /tests").status == 403);
    // And who has all ever, gives all ever.
    const auto all = shop.call(key, "POST /keys", R"({"name":"c"})");
    BOOST_TEST(shop.call(all.text("key"), "POST /tests").status == 200);
}

BOOST_AUTO_TEST_CASE(nobody_gains_by_changing_or_replacing_a_key) {
    const Shop shop;
    const auto [id, text] = shop.make(R"(,"scopes":["tests:read"])");
    const auto [equal, ignored] = shop.make(R"(,"scopes":["tests:read"])");
    BOOST_TEST(shop.call(text, "POST /keys/key_1/rotate").status == 403);
    BOOST_TEST(shop.call(text, "PATCH /keys/key_1", R"({"name":"x"})").status == 403);
    BOOST_TEST(shop.call(text, "PATCH /keys/" + id, R"({"scopes":["tests:write"]})").status == 403);
    BOOST_TEST(shop.call(text, "PATCH /keys/" + id, R"({"scopes":null})").status == 403);
    BOOST_TEST(shop.call(text, "PATCH /keys/" + id, R"({"plan":"pro"})").status == 422);
    BOOST_TEST(shop.call(text, "POST /keys/" + equal + "/rotate").status == 201);
    BOOST_TEST(shop.call(key, "GET /any").status == 200);
}

BOOST_AUTO_TEST_CASE(restrictions_are_handed_down) {
    const Shop shop;
    const auto [id, text] =
        shop.make(R"(,"addresses":["127.0.0.0/8"],"endpoints":["ANY /keys/**","POST /keys"])");
    const auto made = shop.call(text, "POST /keys", R"({"name":"child"})");
    BOOST_TEST_REQUIRE(made.status == 201, made.all);
    BOOST_TEST(shop.call(made.text("key"), "GET /any").status == 403);
    // A key without them would be more than this one.
    BOOST_TEST(shop.call(text, "POST /keys/key_1/rotate").status == 403);
    BOOST_TEST(shop.call(text, "POST /keys/" + id + "/rotate").status == 201);
}

BOOST_AUTO_TEST_CASE(an_end_may_be_capped) {
    const Shop shop{"    self_service: {cap_expiry: true}\n"};
    const auto [id, text] = shop.make(R"(,"expires_at":"2099-01-01T00:00:00Z")");
    const auto late =
        shop.call(text, "POST /keys", R"({"name":"a","expires_at":"2099-01-02T00:00:00Z"})");
    BOOST_TEST(late.status == 422, late.all);
    const auto capped = shop.call(text, "POST /keys", R"({"name":"a"})");
    BOOST_TEST(capped.status == 201, capped.all);
    BOOST_TEST(capped.text("expires_at") == "2099-01-01T00:00:00Z", capped.all);
    BOOST_TEST(shop.call(text, "PATCH /keys/" + id, R"({"expires_at":null})").status == 422);
    BOOST_TEST(shop.call(text, "POST /keys/" + id + "/rotate").status == 201);
}

BOOST_AUTO_TEST_CASE(changes_count_from_the_next_request_on) {
    const Shop shop;
    const auto made = shop.call(key, "POST /keys", R"({"name":"short-lived"})");
    BOOST_TEST_REQUIRE(made.status == 201, made.all);
    const std::string text = made.text("key");
    const std::string id = made.text("id");
    BOOST_TEST(shop.call(text, "GET /any").status == 200);
    BOOST_TEST(shop.call(text, "PATCH /keys/" + id, R"({"scopes":["tests:read"]})").status == 200);
    BOOST_TEST(shop.call(text, "POST /tests").status == 403);
    const auto rotated = shop.call(text, "POST /keys/" + id + "/rotate", R"({"grace_seconds":0})");
    BOOST_TEST(rotated.status == 201, rotated.all);
    BOOST_TEST(shop.call(text, "GET /any").status == 403);
    const std::string fresh = rotated.text("key");
    BOOST_TEST(shop.call(fresh, "GET /any").status == 200);
    // It may take itself away.
    BOOST_TEST(shop.call(fresh, "DELETE /keys/" + rotated.text("id")).status / 100 == 2);
    const auto gone = shop.call(fresh, "GET /any");
    BOOST_TEST(gone.status == 403);
    BOOST_TEST(reason_of(gone) == "key_unknown");
    BOOST_TEST(shop.call(key, "POST /keys/key_1/revoke").status == 200);
    BOOST_TEST(reason_of(shop.call(key, "GET /any")) == "key_revoked");
}

BOOST_AUTO_TEST_CASE(a_creation_can_be_sent_again) {
    const Shop shop;
    const std::string field = "Idempotency-Key: once\r\n";
    const auto first = shop.call(key, "POST /keys", R"({"name":"one"})", field);
    const auto again = shop.call(key, "POST /keys", R"({"name":"one"})", field);
    BOOST_TEST(first.status == 201);
    BOOST_TEST(again.status == 201, again.all);
    BOOST_TEST(again.text("id") == first.text("id"));
    BOOST_TEST(!first.text("key").empty());
    BOOST_TEST(again.text("key").empty()); // it is told once
    BOOST_TEST(shop.call(key, "POST /keys", R"({"name":"two"})", field).status == 422);
    BOOST_TEST(shop.call(key, "GET /keys").body.at("data").as_array().size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_revoked_is_not_listed_unless_asked_for) {
    const Shop shop;
    const auto made = shop.call(key, "POST /keys", R"({"name":"one"})");
    BOOST_TEST(shop.call(key, "POST /keys/" + made.text("id") + "/revoke").status == 200);
    BOOST_TEST(shop.call(key, "GET /keys").body.at("data").as_array().size() == 1U);
    BOOST_TEST(shop.call(key, "GET /keys?status=revoked").body.at("data").as_array().size() == 1U);
    BOOST_TEST(shop.call(key, "GET /keys?owner=other").status == 400);
    BOOST_TEST(shop.call(key, "GET /keys?limit=0").status == 400);
    // Nobody is told of something that was not done.
    BOOST_TEST(shop.call(key, "DELETE /keys/key_1?dry_run=true").status == 400);
    BOOST_TEST(shop.call(key, "GET /any").status == 200);
}

BOOST_AUTO_TEST_CASE(a_list_comes_in_pages) {
    const Shop shop;
    std::set<std::string> made{"key_1"};
    for (int i = 0; i < 6; ++i)
        made.insert(shop.call(key, "POST /keys", R"({"name":"one"})").text("id"));
    std::set<std::string> seen;
    std::string cursor;
    for (int pages = 0; pages < 10; ++pages) {
        const auto page = shop.call(key, "GET /keys?limit=2" + cursor);
        BOOST_TEST_REQUIRE(page.status == 200, page.all);
        for (const auto& one : page.body.at("data").as_array())
            BOOST_TEST(seen.insert(std::string{one.at("id").as_string()}).second);
        if (!page.body.at("has_more").as_bool()) break;
        cursor = "&cursor=" + page.text("next_cursor");
    }
    BOOST_TEST(seen == made, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_503_and_never_a_verdict) {
    support::RedisServer redis;
    const Shop shop{"", "{redis: {url: \"redis://127.0.0.1:" + std::to_string(redis.port()) +
                            "\", command_timeout: 200ms}}"};
    BOOST_TEST(shop.gateway.admin("PUT", "/admin/v1/owners/acme", R"({"api":"shop","plan":"pro"})")
                   .status == 201U);
    const auto [id, text] = shop.make("");
    BOOST_TEST(shop.call(text, "GET /me").status == 200);
    redis.stop();
    const auto told = shop.call(text, "GET /me");
    BOOST_TEST(told.status == 503, told.all);
    BOOST_TEST(reason_of(told) == "store_unavailable", told.all);
}

BOOST_AUTO_TEST_SUITE_END()
