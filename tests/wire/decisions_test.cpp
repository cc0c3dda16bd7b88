// Every decision of the gateway, seen from outside: one request for each reason, and for each pair
// of neighbours in the order of the decisions a request that earns both and is told the earlier.
//
// Not here: client_timeout and overloaded, which need a gateway of their own (life_test.cpp);
// tenant_mismatch, plan_route, restriction_address, restriction_referrer and restriction_endpoint
// (key_rules_test.cpp); concurrency_exceeded, lockout and quota_exceeded (limits_test.cpp); and
// store_unavailable (redis_test.cpp: the embedded store's table is complete, no look-up fails).
#include "base/ascii.hpp"
#include "support/closed_port.hpp"
#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace keygate;

namespace {

namespace json = boost::json;
using keys::KeyRecord;

const char* const read_scope = "things:read";

struct Answer {
    int status;
    std::string code;
};

/// The answers that both profiles of this test give, written down once more.
Answer answer_to(Reason reason) {
    switch (reason) {
    case Reason::auth_missing:
    case Reason::auth_malformed:
    case Reason::auth_duplicate:
        return {401, "UNAUTHORIZED"};
    case Reason::key_bad_format:
    case Reason::key_unknown:
    case Reason::key_revoked:
    case Reason::key_disabled:
    case Reason::key_expired:
    case Reason::key_mode_mismatch:
        return {403, "INVALID_API_KEY"};
    case Reason::plan_no_api:
    case Reason::owner_suspended:
    case Reason::scope_missing:
        return {403, "PLAN_LIMIT"};
    case Reason::rate_limited:
        return {429, "RATE_LIMITED"};
    case Reason::route_unknown:
        return {404, "NOT_FOUND"};
    case Reason::route_method:
        return {405, "METHOD_NOT_ALLOWED"};
    case Reason::head_invalid:
    case Reason::target_invalid:
    case Reason::body_invalid:
        return {400, "BAD_REQUEST"};
    case Reason::head_expectation:
        return {417, "BAD_REQUEST"};
    case Reason::target_too_long:
        return {414, "TOO_LARGE"};
    case Reason::head_too_large:
        return {431, "TOO_LARGE"};
    case Reason::body_too_large:
        return {413, "TOO_LARGE"};
    case Reason::head_loop:
        return {508, "LOOP"};
    case Reason::store_invalid:
        return {503, "UNAVAILABLE"};
    case Reason::upstream_unavailable:
        return {503, "UPSTREAM_ERROR"};
    case Reason::upstream_timeout:
        return {504, "UPSTREAM_ERROR"};
    case Reason::upstream_invalid:
        return {502, "UPSTREAM_ERROR"};
    default:
        return {0, ""};
    }
}

/// A key of both profiles' shapes.
std::string key(std::string_view name) {
    return "rp_" + keys::to_hex(keys::digest_of(name));
}

KeyRecord record(const std::string& name, const std::string& api = "shop") {
    return support::record_of(key(name), "key_" + name, api, "acme");
}

template <class Change>
KeyRecord record(const std::string& name, const std::string& api, Change change) {
    KeyRecord made = record(name, api);
    change(made);
    return made;
}

std::vector<KeyRecord> records() {
    const auto ended = [](KeyRecord& one) {
        one.expires_at = keys::time_from("2020-01-01T00:00:00Z");
    };
    const auto is_test = [](KeyRecord& one) { one.mode = keys::Mode::test; };
    return {
        record("good"),
        record("test", "shop", is_test),
        record("other", "other"),
        record("other_broken", "other", [](KeyRecord& one) { one.plan = "gone"; }),
        record("other_test", "other", is_test),
        record("other_test_ended", "other", [&](KeyRecord& one) { is_test(one), ended(one); }),
        record("other_test_suspended", "other",
               [&](KeyRecord& one) { is_test(one), one.owner = "suspended"; }),
        record("revoked", "shop", [](KeyRecord& one) { one.status = keys::KeyStatus::revoked; }),
        record("revoked_ended", "shop",
               [&](KeyRecord& one) { ended(one), one.status = keys::KeyStatus::revoked; }),
        record("disabled", "shop", [](KeyRecord& one) { one.status = keys::KeyStatus::disabled; }),
        record("disabled_ended", "shop",
               [&](KeyRecord& one) { ended(one), one.status = keys::KeyStatus::disabled; }),
        record("ended", "shop", ended),
        record("broken", "shop", [](KeyRecord& one) { one.plan = "gone"; }),
        record("broken_revoked", "shop",
               [](KeyRecord& one) { one.plan = "gone", one.status = keys::KeyStatus::revoked; }),
        record("suspended", "shop", [](KeyRecord& one) { one.owner = "suspended"; }),
        record("suspended_free", "shop",
               [](KeyRecord& one) { one.owner = "suspended", one.plan = "free"; }),
        record("free", "shop", [](KeyRecord& one) { one.plan = "free"; }),
        record("free_scopeless", "shop",
               [](KeyRecord& one) { one.plan = "free", one.scopes = std::vector<std::string>{}; }),
        record("reader", "shop",
               [](KeyRecord& one) { one.scopes = std::vector<std::string>{read_scope}; }),
        record("spent", "shop", [](KeyRecord& one) { one.plan = "once"; }),
        record("spent_reader", "shop",
               [](KeyRecord& one) {
                   one.plan = "once";
                   one.scopes = std::vector<std::string>{read_scope};
               }),
        record("thrice", "shop",
               [](KeyRecord& one) {
                   one.plan = "thrice";
                   one.scopes = std::vector<std::string>{read_scope};
               }),
        record("down", "down"),
        record("down_spent", "down", [](KeyRecord& one) { one.plan = "once"; }),
        record("silent", "silent"),
        record("wrong", "wrong"),
    };
}

keys::OwnerRecord suspended(const std::string& api) {
    return {.api = api,
            .id = "suspended",
            .name = "",
            .plan = {},
            .status = keys::OwnerStatus::suspended,
            .attributes = "{}"};
}

/// A gateway with everything that can be refused: `shop`, and for upstreams that fail an API each.
class World {
  public:
    explicit World(const std::string& profile)
        : live_([](const std::string&) { return support::OriginServer::plain_answer("live"); })
        , test_([](const std::string&) { return support::OriginServer::plain_answer("test"); })
        , silent_([](const std::string&) { return "HTTP/1.1 100 Continue\r\n\r\n"; })
        , wrong_([](const std::string&) { return "SSH-2.0-server\r\n\r\n"; })
        , gateway_({.configuration = configuration(profile),
                    .owners = {suspended("shop"), suspended("other")},
                    .keys = records()}) {
        // Nothing comes at all: not even an interim answer.
        silent_.set_raw([](support::Socket& socket) { (void)socket.receive_all(); });
    }

    [[nodiscard]] support::RunningGateway& gateway() { return gateway_; }

    [[nodiscard]] std::size_t forwarded() const {
        return live_.requests().size() + test_.requests().size();
    }

    [[nodiscard]] const support::OriginServer& live() const { return live_; }

    [[nodiscard]] const support::OriginServer& test() const { return test_; }

  private:
    [[nodiscard]] std::string configuration(const std::string& profile) const {
        const auto server = [](std::uint16_t port) {
            return "{servers: [\"http://127.0.0.1:" + std::to_string(port) +
                   "\"], first_byte_timeout: 100ms}";
        };
        const std::string with_profile = "    profile: " + profile + "\n";
        const std::string plans =
            "    plans: {pro: {api_access: true}, free: {api_access: false}, "
            "once: {rate: 1/1d}, thrice: {rate: 3/1d}}\n    default_plan: pro\n";
        const auto api = [&](const std::string& name, std::uint16_t port) {
            return "  " + name + ":\n" + with_profile + "    hosts: [" + name + ".example]\n" +
                   plans + "    upstreams: {live: " + server(port) +
                   "}\n    routes: {GET /any: key}\n";
        };
        return "client: {max_head: 2KiB, max_target: 128, max_body: 64}\napis:\n" +
               ("  shop:\n" + with_profile) + "    hosts: [shop.example]\n" + plans +
               "    upstreams: {live: " + server(live_.port()) + ", test: " + server(test_.port()) +
               "}\n    routes:\n      GET /things/**: things:read\n      POST /things: "
               "things:write\n"
               "      GET /any: key\n      GET /open: public\n" +
               api("other", live_.port()) + api("down", down_.number()) +
               api("silent", silent_.port()) + api("wrong", wrong_.port());
    }

    support::OriginServer live_;
    support::OriginServer test_;
    support::OriginServer silent_;
    support::OriginServer wrong_;
    support::ClosedPort down_;
    support::RunningGateway gateway_;
};

std::string request(const std::string& line, const std::string& fields = {},
                    const std::string& host = "shop.example") {
    return line + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
}

std::string bearer(const std::string& name) {
    return "Authorization: Bearer " + key(name) + "\r\n";
}

struct Case {
    std::string name;
    std::string request;
    Reason reason;
    std::string key_id = {}; // what the log says of the caller
    std::string before = {}; // a request that is sent first
    std::string header = {}; // one that only this answer has …
    std::string value = {};  // … and its value
};

std::vector<Case> cases() {
    const std::string two_vias = "Via: 1.1 keygate\r\nVia: 1.1 keygate\r\n";
    const std::string read = "GET /things/1";
    return {
        {"no credential", request(read), Reason::auth_missing},
        {"another scheme", request(read, "Authorization: Basic YTpi\r\n"), Reason::auth_missing},
        {"an empty credential", request(read, "Authorization: Bearer\r\n"), Reason::auth_malformed},
        {"two words", request(read, "Authorization: Bearer a b\r\n"), Reason::auth_malformed},
        {"two credentials", request(read, bearer("good") + bearer("good")), Reason::auth_duplicate},
        {"a wrong shape", request(read, "Authorization: Bearer short\r\n"), Reason::key_bad_format},
        {"a key that never was", request(read, bearer("never")), Reason::key_unknown},
        {"a key of another API", request(read, bearer("other")), Reason::key_unknown, "key_other"},
        {"a revoked key", request(read, bearer("revoked")), Reason::key_revoked, "key_revoked"},
        {"a disabled key", request(read, bearer("disabled")), Reason::key_disabled, "key_disabled"},
        {"an expired key", request(read, bearer("ended")), Reason::key_expired, "key_ended"},
        {"a test key without a test upstream",
         request("GET /any", bearer("other_test"), "other.example"), Reason::key_mode_mismatch,
         "key_other_test"},
        {"a plan that is gone", request(read, bearer("broken")), Reason::store_invalid,
         "key_broken"},
        {"a suspended owner", request(read, bearer("suspended")), Reason::owner_suspended,
         "key_suspended"},
        {"a plan without the API", request(read, bearer("free")), Reason::plan_no_api, "key_free"},
        {"a missing scope", request("POST /things", bearer("reader")), Reason::scope_missing,
         "key_reader", "", "WWW-Authenticate",
         "Bearer realm=\"REALM\", error=\"insufficient_scope\", scope=\"things:write\""},
        {"a spent rate", request(read, bearer("spent")), Reason::rate_limited, "key_spent",
         request(read, bearer("spent"))},
        {"an unknown path", request("GET /nothing", bearer("good")), Reason::route_unknown},
        {"an unknown host", request(read, bearer("good"), "nobody.example"), Reason::route_unknown},
        {"another method", request("DELETE /things/1", bearer("good")), Reason::route_method, "",
         "", "Allow", "GET, HEAD"},
        {"two methods are allowed", request("PUT /things", bearer("good")), Reason::route_method,
         "", "", "Allow", "GET, HEAD, POST"},
        {"a tunnel", request("CONNECT shop.example:443"), Reason::route_method, "", "", "Allow",
         ""},
        {"an echo", request("TRACE /open"), Reason::route_method, "", "", "Allow", ""},
        {"the options of the server", request("OPTIONS *"), Reason::route_method, "", "", "Allow",
         ""},
        {"no host", "GET /open HTTP/1.1\r\n\r\n", Reason::head_invalid},
        {"two framings",
         request("POST /things",
                 bearer("good") + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
         Reason::head_invalid},
        {"no HTTP", "\x16\x03\x01\x02", Reason::head_invalid},
        {"another expectation", request("GET /open", "Expect: 200-maybe\r\n"),
         Reason::head_expectation},
        {"a large head", request("GET /open", "X-Pad: " + std::string(3000, 'x') + "\r\n"),
         Reason::head_too_large},
        {"many fields",
         request("GET /open",
                 [] {
                     std::string fields;
                     for (int i = 0; i < 101; ++i)
                         fields += "X-A: b\r\n";
                     return fields;
                 }()),
         Reason::head_too_large},
        {"a circle", request("GET /open", two_vias), Reason::head_loop},
        {"dot segments", request("GET /things/../admin", bearer("good")), Reason::target_invalid},
        {"a long target", request("GET /things/" + std::string(128, 'x'), bearer("good")),
         Reason::target_too_long},
        {"a large body", request("POST /things", bearer("good") + "Content-Length: 65\r\n"),
         Reason::body_too_large},
        {"a broken chunk",
         request("POST /things", bearer("good") + "Transfer-Encoding: chunked\r\n") + "zz\r\n",
         Reason::body_invalid, "key_good"},
        {"an upstream that is down", request("GET /any", bearer("down"), "down.example"),
         Reason::upstream_unavailable, "key_down"},
        {"an upstream that is silent", request("GET /any", bearer("silent"), "silent.example"),
         Reason::upstream_timeout, "key_silent"},
        {"an upstream that speaks something else",
         request("GET /any", bearer("wrong"), "wrong.example"), Reason::upstream_invalid,
         "key_wrong"},
    };
}

/// Named for the pair: what is told, then what would have been told next.
std::vector<Case> pairs() {
    const std::string read = "GET /things/1";
    return {
        {"head_expectation, target_invalid", request("GET /a/../b", "Expect: x\r\n"),
         Reason::head_expectation},
        {"head_loop, target_invalid", request("GET /a/../b", "Via: 1.1 keygate, 1.1 keygate\r\n"),
         Reason::head_loop},
        {"body_too_large, target_invalid", request("POST /a/../b", "Content-Length: 65\r\n"),
         Reason::body_too_large},
        {"head_invalid, target_invalid", "GET /a/../b HTTP/1.1\r\n\r\n", Reason::head_invalid},
        {"target_too_long, head_expectation",
         request("GET /" + std::string(128, 'x'), "Expect: x\r\n"), Reason::target_too_long},
        {"target_invalid, route_unknown", request("GET /nothing/../x"), Reason::target_invalid},
        {"target_invalid, route_method", request("DELETE /things//1"), Reason::target_invalid},
        {"route_unknown, auth_missing", request("GET /nothing"), Reason::route_unknown},
        {"route_unknown, auth_malformed", request("GET /nothing", "Authorization: Bearer\r\n"),
         Reason::route_unknown},
        {"route_method, auth_missing", request("DELETE /things/1"), Reason::route_method, "", "",
         "Allow", "GET, HEAD"},
        {"auth_duplicate, auth_missing",
         request(read, "Authorization: Basic a\r\nAuthorization: Basic b\r\n"),
         Reason::auth_duplicate},
        {"auth_duplicate, auth_malformed",
         request(read, "Authorization: Bearer\r\nAuthorization: Bearer\r\n"),
         Reason::auth_duplicate},
        {"auth_missing, auth_malformed", request(read, "Authorization: Basic a b\r\n"),
         Reason::auth_missing},
        {"auth_malformed, key_bad_format", request(read, "Authorization: Bearer short, short\r\n"),
         Reason::auth_malformed},
        {"auth_malformed, key_revoked",
         request(read, "Authorization: Bearer " + key("revoked") + " x\r\n"),
         Reason::auth_malformed},
        {"auth_duplicate, key_revoked", request(read, bearer("revoked") + bearer("revoked")),
         Reason::auth_duplicate},
        {"key_bad_format, key_unknown", request(read, "Authorization: Bearer short\r\n"),
         Reason::key_bad_format},
        {"key_unknown, store_invalid", request(read, bearer("other_broken")), Reason::key_unknown,
         "key_other_broken"},
        {"store_invalid, key_revoked", request(read, bearer("broken_revoked")),
         Reason::store_invalid, "key_broken_revoked"},
        {"key_revoked, key_expired", request(read, bearer("revoked_ended")), Reason::key_revoked,
         "key_revoked_ended"},
        {"key_disabled, key_expired", request(read, bearer("disabled_ended")), Reason::key_disabled,
         "key_disabled_ended"},
        {"key_expired, key_mode_mismatch",
         request("GET /any", bearer("other_test_ended"), "other.example"), Reason::key_expired,
         "key_other_test_ended"},
        {"key_mode_mismatch, owner_suspended",
         request("GET /any", bearer("other_test_suspended"), "other.example"),
         Reason::key_mode_mismatch, "key_other_test_suspended"},
        {"owner_suspended, plan_no_api", request(read, bearer("suspended_free")),
         Reason::owner_suspended, "key_suspended_free"},
        {"plan_no_api, scope_missing", request(read, bearer("free_scopeless")), Reason::plan_no_api,
         "key_free_scopeless"},
        {"scope_missing, rate_limited", request("POST /things", bearer("spent_reader")),
         Reason::scope_missing, "key_spent_reader", request(read, bearer("spent_reader"))},
        {"rate_limited, upstream_unavailable",
         request("GET /any", bearer("down_spent"), "down.example"), Reason::rate_limited,
         "key_down_spent", request("GET /any", bearer("down_spent"), "down.example")},
    };
}

json::object error_of(const std::string& answer) {
    boost::system::error_code wrong;
    const json::value body = json::parse(support::body_of(answer), wrong);
    if (wrong || !body.is_object() || !body.as_object().contains("error")) return {};
    return body.at("error").as_object();
}

std::string member(const json::object& object, const char* name) {
    const auto* const found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string{found->as_string().c_str()}
                                                  : std::string{};
}

std::string field(const std::string& answer, const char* name) {
    return support::field_of(answer, name).value_or("(none)");
}

bool is_positive_number(const std::string& text) {
    return !text.empty() && text.front() != '0' &&
           std::all_of(text.begin(), text.end(), ascii::is_digit);
}

void check_head(const std::string& answer, Reason reason, const std::string& realm) {
    BOOST_TEST(support::status_of(answer) == answer_to(reason).status);
    BOOST_TEST(field(answer, "Content-Type") == "application/json");
    BOOST_TEST(field(answer, "Cache-Control") == "no-store");
    BOOST_TEST(field(answer, "X-Content-Type-Options") == "nosniff");
    BOOST_TEST(field(answer, "X-Request-Id").size() == 36U);
    BOOST_TEST(support::field_of(answer, "Date").has_value());
    const int status = support::status_of(answer);
    const auto challenge = support::field_of(answer, "WWW-Authenticate");
    BOOST_TEST(challenge.has_value() == (status == 401 || reason == Reason::scope_missing));
    if (status == 401) {
        const std::string plain = "Bearer realm=\"" + realm + '"';
        BOOST_TEST(
            *challenge ==
            (reason == Reason::auth_missing ? plain : plain + ", error=\"invalid_request\""));
    }
    BOOST_TEST(support::field_of(answer, "Allow").has_value() == (status == 405));
    const auto retry_after = support::field_of(answer, "Retry-After");
    BOOST_TEST(retry_after.has_value() == (status == 429 || status == 503));
    if (retry_after) BOOST_TEST(is_positive_number(*retry_after));
}

/// The lines of the access log by their request ids.
std::map<std::string, json::object> lines_by_id(const std::string& log) {
    std::map<std::string, json::object> lines;
    std::istringstream text{log};
    for (std::string line; std::getline(text, line);) {
        boost::system::error_code wrong;
        const json::value value = json::parse(line, wrong);
        BOOST_TEST_REQUIRE(!wrong, line);
        lines[member(value.as_object(), "request_id")] = value.as_object();
    }
    return lines;
}

/// The same as HEAD: it wants no body, and the connection's end shows that none came.
std::string as_head(std::string text) {
    text.replace(0, 3, "HEAD");
    text.insert(text.find("\r\n") + 2, "Connection: close\r\n");
    return text;
}

void check_all(const std::vector<Case>& all, const std::string& profile, const std::string& realm) {
    World world{profile};
    std::map<std::string, const Case*> seen; // by request id
    for (const Case& one : all) {
        BOOST_TEST_CONTEXT(profile << ": " << one.name) {
            if (!one.before.empty()) (void)world.gateway().exchange(one.before);
            const std::size_t forwarded = world.forwarded();
            const std::string answer = world.gateway().exchange(one.request);
            check_head(answer, one.reason, realm);
            if (!one.header.empty()) {
                std::string value = one.value;
                if (const auto at = value.find("REALM"); at != std::string::npos)
                    value.replace(at, 5, realm);
                BOOST_TEST(field(answer, one.header.c_str()) == value);
            }
            const json::object error = error_of(answer);
            BOOST_TEST(member(error, "code") == answer_to(one.reason).code);
            BOOST_TEST(member(error, "reason") == name(one.reason));
            BOOST_TEST(!member(error, "message").empty());
            BOOST_TEST(member(error, "request_id") == field(answer, "X-Request-Id"));
            BOOST_TEST(seen.emplace(field(answer, "X-Request-Id"), &one).second);

            const std::string again =
                world.gateway().exchange(one.request, support::Socket::Pieces::bytewise);
            BOOST_TEST(support::status_of(again) == answer_to(one.reason).status);
            BOOST_TEST(support::reason_of(again) == name(one.reason));

            if (one.request.starts_with("GET ")) {
                support::Socket client = world.gateway().connect();
                client.send(as_head(one.request));
                const std::string bare = client.receive_all();
                check_head(bare, one.reason, realm);
                BOOST_TEST(support::body_of(bare) == "");
                BOOST_TEST(field(bare, "Content-Length") == field(answer, "Content-Length"));
            }
            BOOST_TEST(world.forwarded() == forwarded);
        }
    }
    const std::string log = world.gateway().end_and_read_log();
    auto lines = lines_by_id(log);
    for (const auto& [id, one] : seen) {
        BOOST_TEST_CONTEXT(profile << ": " << one->name) {
            BOOST_TEST(lines.contains(id));
            const json::object& line = lines[id];
            BOOST_TEST(member(line, "outcome") == name(one->reason));
            BOOST_TEST(line.contains("status"));
            if (line.contains("status"))
                BOOST_TEST(line.at("status").to_number<int>() == answer_to(one->reason).status);
            BOOST_TEST(member(line, "key_id") == one->key_id);
        }
    }
    BOOST_TEST(log.find("rp_") == std::string::npos);
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_decisions)

BOOST_AUTO_TEST_CASE(every_reason_has_its_answer) {
    check_all(cases(), "default", "api");
}

BOOST_AUTO_TEST_CASE(every_reason_has_its_answer_in_another_profile) {
    check_all(cases(), "reelplus", "reelplus");
}

BOOST_AUTO_TEST_CASE(of_two_reasons_the_earlier_is_told) {
    check_all(pairs(), "default", "api");
}

BOOST_AUTO_TEST_CASE(the_cases_cover_what_can_be_decided) {
    // client_timeout and overloaded: life_test.cpp.
    std::set<Reason> covered{Reason::client_timeout, Reason::overloaded};
    for (const Case& one : cases())
        covered.insert(one.reason);
    const std::set<Reason> not_decided_yet{Reason::tenant_mismatch,
                                           Reason::plan_route,
                                           Reason::restriction_address,
                                           Reason::restriction_referrer,
                                           Reason::restriction_endpoint,
                                           Reason::concurrency_exceeded,
                                           Reason::lockout,
                                           Reason::quota_exceeded,
                                           Reason::store_unavailable};
    for (const Reason reason : all_reasons())
        BOOST_TEST((covered.contains(reason) != not_decided_yet.contains(reason)), name(reason));
}

BOOST_AUTO_TEST_CASE(a_refused_request_spends_nothing) {
    World world{"default"};
    const std::string allowed = request("GET /things/1", bearer("thrice"));
    const std::vector<std::string> refused{
        request("POST /things", bearer("thrice")),
        request("GET /nothing", bearer("thrice")),
        request("DELETE /things/1", bearer("thrice")),
        request("GET /things/..", bearer("thrice")),
        request("GET /things/1", bearer("thrice") + "Expect: x\r\n"),
        request("GET /things/1", bearer("thrice") + bearer("thrice")),
        request("GET /any", bearer("thrice"), "other.example")};
    for (int round = 0; round < 3; ++round)
        for (const std::string& one : refused)
            BOOST_TEST(support::status_of(world.gateway().exchange(one)) / 100 == 4);
    BOOST_TEST(world.forwarded() == 0U);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(support::status_of(world.gateway().exchange(allowed)) == 200);
    BOOST_TEST(support::reason_of(world.gateway().exchange(allowed)) == "rate_limited");
    BOOST_TEST(world.forwarded() == 3U);
}

BOOST_AUTO_TEST_CASE(a_refusal_keeps_the_connection_unless_a_body_is_left) {
    World world{"default"};
    support::Socket client = world.gateway().connect();
    for (int i = 0; i < 3; ++i) {
        client.send(request("GET /things/1"));
        BOOST_TEST(support::reason_of(client.receive_answer()) == "auth_missing");
    }
    client.send(request("GET /things/1", bearer("good")));
    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
    // Also of those that come together.
    client.send(request("GET /things/1") + request("GET /nothing") +
                request("GET /things/1", bearer("good")) + request("GET /things/1"));
    BOOST_TEST(support::reason_of(client.receive_answer()) == "auth_missing");
    BOOST_TEST(support::reason_of(client.receive_answer()) == "route_unknown");
    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
    BOOST_TEST(support::reason_of(client.receive_answer()) == "auth_missing");
    client.send(request("POST /things", "Content-Length: 5\r\n"));
    const std::string last = client.receive_answer();
    BOOST_TEST(support::reason_of(last) == "auth_missing");
    BOOST_TEST(field(last, "Connection") == "close");
    BOOST_TEST(client.is_at_end());
}

BOOST_AUTO_TEST_CASE(a_mode_has_its_upstream) {
    World world{"default"};
    const std::string live = world.gateway().exchange(request("GET /any", bearer("good")));
    BOOST_TEST(support::body_of(live) == "live");
    const std::string test =
        world.gateway().exchange(request("GET /any", bearer("test") + "X-Key-Mode: live\r\n"));
    BOOST_TEST(support::body_of(test) == "test");
    BOOST_TEST_REQUIRE(world.live().requests().size() == 1U);
    BOOST_TEST_REQUIRE(world.test().requests().size() == 1U);
    BOOST_TEST(field(world.live().requests().front(), "X-Key-Mode") == "live");
    BOOST_TEST(field(world.test().requests().front(), "X-Key-Mode") == "test");
    // What needs no key is live.
    BOOST_TEST(support::body_of(world.gateway().exchange(request("GET /open", bearer("test")))) ==
               "live");
}

BOOST_AUTO_TEST_CASE(a_key_cannot_change_its_mode_by_its_name) {
    support::OriginServer origin;
    const std::string profile = [] {
        std::ifstream file{KEYGATE_SOURCE_DIR "/config/profiles/default.yaml"};
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }();
    // The shape of keys that say their mode, and the rest as shipped.
    const std::string modes =
        "key:\n  prefix: {live: sk_live_, test: sk_test_}\n  alphabet: base62\n"
        "  length: 12-128\n  mint: {alphabet: base62, length: 32}\n"
        "  shown: {first: 8, last: 0}\n";
    const std::string text = modes + profile.substr(profile.find("\ndefault_scopes:"));
    const std::string server =
        "{servers: [\"http://127.0.0.1:" + std::to_string(origin.port()) + "\"]}";
    const std::string tail = "abcdefghijklmnop";
    auto live_by_record = support::record_of("sk_test_" + tail, "key_1", "shop", "acme");
    auto test_by_record = support::record_of("sk_live_" + tail, "key_2", "shop", "acme");
    test_by_record.mode = keys::Mode::test;
    auto right = support::record_of("sk_test_right" + tail, "key_3", "shop", "acme");
    right.mode = keys::Mode::test;
    support::RunningGateway gateway{
        {.configuration = "apis:\n  shop:\n    profile: modes.yaml\n    upstreams: {live: " +
                          server + ", test: " + server + "}\n    routes: {GET /any: key}\n",
         .keys = {live_by_record, test_by_record, right},
         .files = {{"modes.yaml", text}}}};
    const auto answer = [&](const std::string& text_of_key) {
        return gateway.exchange(
            request("GET /any", "Authorization: Bearer " + text_of_key + "\r\n"));
    };
    BOOST_TEST(support::reason_of(answer("sk_test_" + tail)) == "key_mode_mismatch");
    BOOST_TEST(support::reason_of(answer("sk_live_" + tail)) == "key_mode_mismatch");
    BOOST_TEST(origin.requests().empty());
    BOOST_TEST(support::status_of(answer("sk_test_right" + tail)) == 200);
}

BOOST_AUTO_TEST_CASE(a_profile_can_hide_which_check_refused) {
    support::OriginServer origin;
    std::string text = "extends: default\nshow_reason: false\nrefusals:\n";
    for (const char* const reason : {"key_bad_format", "key_unknown", "key_revoked", "key_disabled",
                                     "key_expired", "tenant_mismatch"})
        text += std::string{"  "} + reason +
                ": {status: 403, code: INVALID_API_KEY, message: Invalid API key}\n";
    auto revoked = support::record_of(key("revoked"), "key_1", "shop", "acme");
    revoked.status = keys::KeyStatus::revoked;
    support::RunningGateway gateway{
        {.configuration = "apis:\n  shop:\n    profile: mute.yaml\n    upstreams: {live: {servers: "
                          "[\"http://127.0.0.1:" +
                          std::to_string(origin.port()) + "\"]}}\n    routes: {GET /any: key}\n",
         .keys = {revoked},
         .files = {{"mute.yaml", text}}}};
    const auto answer = [&](const std::string& text_of_key) {
        std::string got =
            gateway.exchange(request("GET /any", "Authorization: Bearer " + text_of_key + "\r\n"));
        BOOST_TEST(support::status_of(got) == 403);
        BOOST_TEST(support::reason_of(got) == "");
        const std::string id = field(got, "X-Request-Id");
        for (std::size_t at = got.find(id); at != std::string::npos; at = got.find(id))
            got.replace(at, id.size(), "ID");
        const std::string date = field(got, "Date");
        got.replace(got.find(date), date.size(), "DATE");
        return got;
    };
    const std::string unknown = answer(key("never"));
    BOOST_TEST(unknown == answer(key("revoked")));
    BOOST_TEST(unknown == answer(key("revoked") + "x"));
    BOOST_TEST(unknown == answer("short"));
    const std::string log = gateway.end_and_read_log();
    for (const char* const outcome : {"key_unknown", "key_revoked", "key_bad_format"})
        BOOST_TEST(log.find(std::string{"\"outcome\":\""} + outcome) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
