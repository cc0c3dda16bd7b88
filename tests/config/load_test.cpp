#include "config/paths.hpp"
#include "config/read_api_limits.hpp"
#include "config/read_limits.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <random>

#include "config_text.hpp"

namespace {

using namespace keygate;
using namespace std::chrono_literals;

/// A configuration with one API and these lines as its routes.
std::string with_routes(const std::string& routes) {
    return "version: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\napis:\n  a:\n"
           "    upstreams: {live: {servers: [\"http://a\"]}}\n    routes:\n" +
           routes;
}

/// A limit as its configuration would tell it, and what its count is called.
std::string told(const config::Limit& limit) {
    std::string out = limit.name + ": " + limit.text;
    if (const auto* rate = std::get_if<config::Rate>(&limit.rule); rate && rate->burst)
        out += " burst " + std::to_string(*rate->burst);
    out += " by " + std::string{config::word_of(limit.by, config::by_words)};
    if (const auto* quota = std::get_if<config::Quota>(&limit.rule))
        BOOST_TEST(quota->time_zone == find_time_zone(quota->zone));
    return out + (limit.dry_run ? " dry = " : " = ") + limit.state;
}

std::vector<std::string> told(const std::vector<config::Limit>& limits) {
    std::vector<std::string> out;
    for (const config::Limit& limit : limits)
        out.push_back(told(limit));
    return out;
}

/// The text of the only mistake.
std::string only_mistake(const config::Loaded& loaded) {
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U);
    return to_string(loaded.mistakes.front());
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_load)

BOOST_AUTO_TEST_CASE(what_is_written_is_what_is_set) {
    const auto loaded = test::load(test::good_text);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::Settings& s = *loaded.settings;
    BOOST_TEST(s.file == "keygate.yaml");
    BOOST_TEST(s.threads == 2U);
    BOOST_TEST_REQUIRE(s.listeners.size() == 1U);
    BOOST_TEST(s.listeners[0].address.host == "127.0.0.1");
    BOOST_TEST(s.listeners[0].address.port == 8080);
    BOOST_TEST(s.listeners[0].place.line == 4);
    BOOST_TEST(s.client.max_head == 16U * 1024);
    BOOST_TEST((s.client.idle_timeout == 30s));
    BOOST_TEST((s.client.head_timeout == 10s)); // the default
    BOOST_TEST(!s.client.max_body);
    BOOST_TEST(s.store.file == "keys.db");
    BOOST_TEST_REQUIRE(s.admin.has_value());
    BOOST_TEST(s.admin->address->port == 9900);
    BOOST_TEST(s.admin->token_file.value() == "admin.token");
    BOOST_TEST_REQUIRE(s.status.has_value());
    BOOST_TEST((s.drain.delay == 1s));
    BOOST_TEST((s.drain.timeout == 20s));
    BOOST_TEST_REQUIRE(s.apis.size() == 1U);

    const config::Api& api = s.apis[0];
    BOOST_TEST(api.name == "shop");
    BOOST_TEST(api.profile.name == "default");
    BOOST_TEST(api.hosts == std::vector<std::string>{"api.shop.example"},
               boost::test_tools::per_element());
    BOOST_TEST_REQUIRE(api.plans.size() == 2U);
    BOOST_TEST(!api.plans[0].api_access);
    BOOST_TEST(api.plans[1].api_access);
    const std::vector<config::Limit>& limits = api.plans[1].limits;
    BOOST_TEST_REQUIRE(limits.size() == 2U);
    const auto& first = std::get<config::Rate>(limits[0].rule);
    BOOST_TEST(first.limit == 10U);
    BOOST_TEST((first.window == 1s));
    BOOST_TEST(!first.burst);
    const auto& second = std::get<config::Rate>(limits[1].rule);
    BOOST_TEST(second.text == "100/1m");
    BOOST_TEST(*second.burst == 20U);
    BOOST_TEST(*api.default_plan == "free");
    BOOST_TEST_REQUIRE(api.live.servers.size() == 1U);
    BOOST_TEST(api.live.servers[0].host == "127.0.0.1");
    BOOST_TEST(api.live.servers[0].port == 3000);
    BOOST_TEST_REQUIRE(api.test.has_value());
    BOOST_TEST((api.test->connect_timeout == 1s));

    BOOST_TEST_REQUIRE(api.routes.size() == 5U);
    BOOST_TEST((api.routes[0].access == config::Access::open));
    BOOST_TEST(api.routes[0].place.line == 27);
    BOOST_TEST(api.routes[1].pattern == "/v1/orders/**");
    BOOST_TEST((api.routes[1].access == config::Access::scope));
    BOOST_TEST(api.routes[2].text == "POST /v1/orders");
    BOOST_TEST((api.routes[3].need == config::Need::any));
    BOOST_TEST(api.routes[3].scopes.size() == 2U);
    BOOST_TEST(api.routes[4].methods.empty());
    BOOST_TEST((api.routes[4].access == config::Access::key));
}

BOOST_AUTO_TEST_CASE(each_form_of_a_route_value_means_what_the_header_says) {
    const auto loaded =
        test::load(with_routes("      GET /a: public\n"
                               "      GET /b: {access: public}\n"
                               "      GET /c: {access: public, authorization: pass}\n"
                               "      GET /d: {access: public, authorization: remove}\n"
                               "      GET /e: key\n"
                               "      GET /f: {access: key}\n"
                               "      GET /g: x:y\n"
                               "      GET /h: {scope: x:y}\n"
                               "      GET /i: [x, y]\n"
                               "      GET /j: {all_scopes: [x, y]}\n"
                               "      GET /k: {any_scope: [x, y]}\n"
                               "      GET|POST   /l: 'x'\n"));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const auto& routes = loaded.settings->apis[0].routes;
    const auto form = [&](std::size_t i) {
        const config::Route& route = routes[i];
        std::string out = route.access == config::Access::open  ? "open"
                          : route.access == config::Access::key ? "key"
                          : route.need == config::Need::all     ? "all"
                                                                : "any";
        for (const std::string& scope : route.scopes)
            out += " " + scope;
        return out + (route.pass_authorization ? " pass" : "");
    };
    const char* const expected[] = {"open",    "open",    "open pass", "open",
                                    "key",     "key",     "all x:y",   "all x:y",
                                    "all x y", "all x y", "any x y",   "all x"};
    for (std::size_t i = 0; i < std::size(expected); ++i)
        BOOST_TEST(form(i) == expected[i]);
    BOOST_TEST(routes[11].text == "GET|POST /l");
    BOOST_TEST(loaded.settings->apis[0].vocabulary() == (std::vector<std::string>{"x", "x:y", "y"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_answer_has_its_name) {
    const auto loaded = test::load(
        with_routes("      GET /me: {answer: whoami}\n"
                    "      POST /keys: {answer: create_key, require_scope: x}\n"
                    "      GET /keys: {answer: list_keys, require_scope: [x, y]}\n"
                    "      GET /keys/{id}: {answer: show_key}\n"
                    "      PATCH /keys/{id}: {answer: update_key}\n"
                    "      POST /keys/{id}/revoke: {answer: revoke_key}\n"
                    "      DELETE /of/{owner}/keys/{id}: {answer: delete_key, weight: 2}\n"
                    "      POST /keys/{id}/rotate: {answer: rotate_key}\n"
                    "      GET /a: key\n"));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const auto& routes = loaded.settings->apis[0].routes;
    for (std::size_t i = 0; i < 8; ++i)
        BOOST_TEST(static_cast<std::size_t>(routes[i].reply) == i + 1);
}

BOOST_AUTO_TEST_CASE(what_the_gateway_answers_by_itself_is_a_route_for_keys) {
    const auto loaded = test::load(with_routes("      GET /me: {answer: whoami}\n"
                                               "      GET /keys: {answer: list_keys, "
                                               "require_scope: [x, y]}\n"
                                               "      GET /a: {access: key, auth: optional}\n"
                                               "      GET /b: {any_scope: [x, y], auth: "
                                               "optional, rate: 1/1s}\n"
                                               "      GET /c: {scope: x, auth: required}\n"));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const auto& routes = loaded.settings->apis[0].routes;
    BOOST_TEST((routes[0].reply == config::Reply::whoami));
    BOOST_TEST((routes[0].access == config::Access::key));
    BOOST_TEST((routes[1].reply == config::Reply::list_keys));
    BOOST_TEST((routes[1].access == config::Access::scope));
    BOOST_TEST((routes[1].need == config::Need::all));
    BOOST_TEST(routes[1].scopes.size() == 2U);
    BOOST_TEST((routes[2].reply == config::Reply::none));
    BOOST_TEST(routes[2].is_optional);
    BOOST_TEST(routes[3].is_optional);
    BOOST_TEST((routes[3].access == config::Access::scope));
    // Who sends no key is counted by address.
    BOOST_TEST((routes[3].limits[0].by == config::LimitBy::address));
    BOOST_TEST(!routes[4].is_optional);
}

BOOST_AUTO_TEST_CASE(what_keys_may_do_beside_their_scopes_is_set) {
    std::string text = test::edited("    scopes: [orders:read, orders:write]\n",
                                    "    scopes: [orders:read, orders:write, base]\n"
                                    "    implies: {\"orders:write\": [orders:read, base]}\n"
                                    "    bind: {id: key.store, kind: owner}\n");
    text = test::edited("free: {api_access: false}",
                        "free: {scopes: [\"orders:*\", base, \"*\"], routes: [GET|PUT  /v1/x, ANY "
                        "/v1/**], gauges: {domains: 10, seats: 0}}",
                        text) +
           "      GET /of/{kind}/{name}: \"{name}:read\"\n";
    const auto loaded = test::load(text);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::Api& api = loaded.settings->apis[0];
    const auto per_element = boost::test_tools::per_element();
    BOOST_TEST_REQUIRE(api.implies.size() == 1U);
    BOOST_TEST(api.implies[0].scope == "orders:write");
    BOOST_TEST(api.implies[0].implied == (std::vector<std::string>{"orders:read", "base"}),
               per_element);
    BOOST_TEST_REQUIRE(api.bind.size() == 2U);
    BOOST_TEST(api.bind[0].parameter == "id");
    BOOST_TEST(!api.bind[0].is_owner);
    BOOST_TEST(api.bind[0].name == "store");
    BOOST_TEST(api.bind[1].is_owner);
    const config::Plan& free = api.plans[0];
    BOOST_TEST(free.scopes.value() == (std::vector<std::string>{"orders:*", "base", "*"}),
               per_element);
    BOOST_TEST(free.routes.value() == (std::vector<std::string>{"GET|PUT /v1/x", "ANY /v1/**"}),
               per_element);
    BOOST_TEST_REQUIRE(free.gauges.size() == 2U);
    BOOST_TEST(free.gauges[0].name == "domains");
    BOOST_TEST(free.gauges[0].limit == 10U);
    BOOST_TEST(!api.plans[1].scopes.has_value());
    BOOST_TEST(!api.plans[1].routes.has_value());
    BOOST_TEST(api.routes.back().scopes == std::vector<std::string>{"{name}:read"}, per_element);
}

BOOST_AUTO_TEST_CASE(without_a_vocabulary_no_path_decides_for_a_scope) {
    const auto loaded = test::load(with_routes("      GET /a/{x}: \"{x}:read\"\n"));
    BOOST_TEST(loaded.mistakes.size() == 1U);
    BOOST_TEST(loaded.mistakes.front().message ==
               "a scope that the path decides needs `scopes`, which says what there is");
}

BOOST_AUTO_TEST_CASE(a_plan_has_rates_then_quotas_then_concurrency) {
    const auto loaded =
        test::load(test::edited("free: {api_access: false}", R"~(free:
        concurrency: [3, {limit: 8, by: owner, name: at-once, dry_run: true}]
        quota:
          requests: [1000/day, {limit: 9/hour, by: key, time_zone: Europe/Berlin}]
          exports: {limit: 10000/month, name: "plan:exports", dry_run: false}
        rate:
          - 10/s
          - {rate: 100/1m, burst: 20}
          - {rate: 100/1m, by: owner, name: all_keys}
          - {rate: 1/1h, by: address, dry_run: true})~",
                                test::edited("ANY /v1/me: key", "ANY /v1/me: {access: key, meter: "
                                                                "exports}")));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::Plan& plan = loaded.settings->apis[0].plans[0];
    const std::vector<std::string> expected{
        "10/s: 10/s by key = w1",
        "100/1m: 100/1m burst 20 by key = b60",
        "all_keys: 100/1m by owner = w60",
        "1/1h: 1/1h by address dry = w3600",
        "requests: 1000/day by owner = q:requests:day:UTC",
        "requests-hour: 9/hour by key = q:requests:hour:Europe/Berlin",
        "plan:exports: 10000/month by owner = q:exports:month:UTC",
        "concurrency: 3 by key = c",
        "at-once: 8 by owner dry = c"};
    BOOST_TEST(told(plan.limits) == expected, boost::test_tools::per_element());
    BOOST_TEST(plan.limits[4].place.line == 22);
    BOOST_TEST(plan.limits[4].tag != 0U);
    BOOST_TEST(plan.limits[7].policy == "\"concurrency\";q=3;qu=\"concurrent-requests\"");
}

BOOST_AUTO_TEST_CASE(a_route_says_what_a_request_costs_and_what_bounds_it) {
    const auto loaded =
        test::load(test::edited("    plans:\n", "    plans:\n      x: {quota: {tests: 5/day}}\n",
                                test::edited("GET /health: public", R"~(GET   /health:
        access: public
        authorization: pass
        weight: 3
        rate: [5/s, {rate: 100/1m, by: route}]
        concurrency: {limit: 9, by: route}
      POST /tests: {scope: orders:write, meter: tests, weight: 10, rate: 20/s, concurrency: 2})~")));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const auto& routes = loaded.settings->apis[0].routes;
    BOOST_TEST(routes[0].pass_authorization);
    BOOST_TEST(routes[0].weight == 3U);
    BOOST_TEST(routes[0].meter == "");
    const std::vector<std::string> open{"5/s: 5/s by address = r:GET /health:w1",
                                        "100/1m: 100/1m by route = w60",
                                        "concurrency: 9 by route = c"};
    BOOST_TEST(told(routes[0].limits) == open, boost::test_tools::per_element());
    BOOST_TEST((routes[1].access == config::Access::scope));
    BOOST_TEST(routes[1].weight == 10U);
    BOOST_TEST(routes[1].meter == "tests");
    const std::vector<std::string> bound{"20/s: 20/s by key = r:POST /tests:w1",
                                         "concurrency: 2 by key = r:POST /tests:c"};
    BOOST_TEST(told(routes[1].limits) == bound, boost::test_tools::per_element());
    BOOST_TEST(routes[2].weight == 1U);
    BOOST_TEST(routes[2].limits.empty());
}

BOOST_AUTO_TEST_CASE(an_api_says_how_its_limits_are_counted) {
    using config::LimitFields;
    using config::WhenAway;
    const auto loaded = test::load(test::edited("file: keys.db", "redis: \"redis://a\"",
                                                test::edited("    trailing_slash: strict", R"~(
    failed_auth: 20/1m
    limits:
      truth: shared
      when_away: {quota: allow, concurrency: refuse}
      time_zone: Europe/Berlin
      fields: [x-epoch, draft10, legacy-ietf]
      test: {quota: count, rate: [5/s, {rate: 5/s, by: owner, name: all}]})~")));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::Api& api = loaded.settings->apis[0];
    BOOST_TEST_REQUIRE(api.failed_auth.has_value());
    BOOST_TEST(api.failed_auth->limit == 20U);
    BOOST_TEST((api.limits.truth == config::Truth::shared));
    BOOST_TEST((api.limits.rates_away == WhenAway::local));
    BOOST_TEST((api.limits.quotas_away == WhenAway::allow));
    BOOST_TEST((api.limits.concurrency_away == WhenAway::refuse));
    BOOST_TEST(api.limits.zone == "Europe/Berlin");
    BOOST_TEST((api.limits.fields ==
                std::vector{LimitFields::epoch, LimitFields::draft10, LimitFields::ietf}));
    BOOST_TEST(api.limits.test_spends_quota);
    BOOST_TEST_REQUIRE(api.limits.test_rates.has_value());
    const std::vector<std::string> expected{"5/s: 5/s by key = t:w1", "all: 5/s by owner = t:w1"};
    BOOST_TEST(told(*api.limits.test_rates) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_not_said_of_limits_has_a_default) {
    for (const char* text : {"{}", "{when_away: {}, test: {}}"}) {
        const auto loaded = test::load(
            test::edited("file: keys.db", "redis: \"redis://a\"",
                         test::edited("trailing_slash: strict", "limits: " + std::string{text})));
        BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
        const config::Limits& limits = loaded.settings->apis[0].limits;
        BOOST_TEST(!limits.truth.has_value());
        BOOST_TEST((config::truth_of(limits, true) == config::Truth::leased));
        BOOST_TEST((config::truth_of(limits, false) == config::Truth::local));
        BOOST_TEST((limits.rates_away == config::WhenAway::local));
        BOOST_TEST((limits.concurrency_away == config::WhenAway::local));
        BOOST_TEST(limits.zone == "UTC");
        BOOST_TEST((limits.fields == std::vector{config::LimitFields::draft10}));
        BOOST_TEST(!limits.test_spends_quota);
        BOOST_TEST(!limits.test_rates.has_value());
        BOOST_TEST(!loaded.settings->apis[0].failed_auth.has_value());
    }
    const auto limits = [](const std::string& yaml) {
        const auto loaded =
            test::load(test::edited("trailing_slash: strict", "limits: {" + yaml + "}"));
        BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
        return loaded.settings->apis[0].limits;
    };
    BOOST_TEST(limits("fields: none").fields.empty());
    BOOST_TEST((limits("fields: x-delta").fields == std::vector{config::LimitFields::delta}));
    // No rates at all, and not those of the plan.
    BOOST_TEST(limits("test: {rate: []}").test_rates->empty());
}

BOOST_AUTO_TEST_CASE(quotas_that_name_no_time_zone_have_that_of_the_api) {
    const auto loaded = test::load(
        test::edited("free: {api_access: false}",
                     "free: {quota: {requests: [1/day, {limit: 2/day, by: key, time_zone: UTC}]}}",
                     test::edited("trailing_slash: strict", "limits: {time_zone: Europe/Berlin}")));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const std::vector<std::string> expected{
        "requests: 1/day by owner = q:requests:day:Europe/Berlin",
        "requests-day: 2/day by key = q:requests:day:UTC"};
    BOOST_TEST(told(loaded.settings->apis[0].plans[0].limits) == expected,
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_form_of_a_limit_means_the_same) {
    const auto limits = [](const std::string& plan) {
        const auto loaded = test::load(test::edited("free: {api_access: false}", "free: " + plan));
        BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
        return loaded.settings->apis[0].plans[0].limits;
    };
    const auto is_same = [&](const std::string& one, const std::string& other) {
        return limits(one) == limits(other);
    };
    BOOST_TEST(is_same("{rate: 1/s}", "{rate: [{rate: 1/s, by: key, name: 1/s, dry_run: false}]}"));
    BOOST_TEST(is_same("{quota: {requests: 1/day}}",
                       "{quota: {requests: [{limit: 1/day, by: owner, time_zone: UTC}]}}"));
    BOOST_TEST(is_same("{concurrency: 5}", "{concurrency: [{limit: 5, name: concurrency}]}"));
    BOOST_TEST(is_same("{rate: [], quota: {}, concurrency: []}", "{}"));
    // What is written is what clients and logs are told.
    BOOST_TEST(!is_same("{rate: 1/60s}", "{rate: 1/1m}"));
}

BOOST_AUTO_TEST_CASE(paths_begin_at_the_folder_of_the_configuration) {
    std::string text = test::edited("access: stdout", "access: log/access.log");
    text = test::edited("profile: default", "profile: own", text);
    std::string asked;
    config::Surroundings world = test::world();
    world.read_file = [&](const std::string& path) -> std::optional<std::string> {
        asked += path + " ";
        return std::nullopt;
    };
    static_cast<void>(config::load(text, "/etc/gate/shop.yaml", world));
    BOOST_TEST(asked == "/etc/gate/profiles/own.yaml ");

    text = test::edited("profile: own", "profile: default", text);
    auto loaded = config::load(text, "/etc/gate/shop.yaml", test::world());
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    BOOST_TEST(loaded.settings->store.file == "/etc/gate/keys.db");
    BOOST_TEST(loaded.settings->admin->token_file.value() == "/etc/gate/admin.token");
    BOOST_TEST(loaded.settings->log.access == "/etc/gate/log/access.log");

    text = test::edited("store: {file: keys.db}\n", "", text);
    loaded = config::load(text, "/etc/gate/shop.yaml", test::world());
    BOOST_TEST_REQUIRE(loaded.settings.has_value());
    BOOST_TEST(loaded.settings->store.file == "/etc/gate/shop.db");

    // Absolute paths stay what they are.
    text = test::edited("token_file: admin.token", "token_file: /run/token", text);
    loaded = config::load(text, "/etc/gate/shop.yaml", test::world());
    BOOST_TEST_REQUIRE(loaded.settings.has_value());
    BOOST_TEST(loaded.settings->admin->token_file.value() == "/run/token");
}

BOOST_AUTO_TEST_CASE(each_setting_of_redis_is_set) {
    const std::string text = test::edited("store: {file: keys.db}\n", R"~(store:
  redis:
    url: "rediss://redis.internal:6380/7"
    user: gateway
    password: "${PASSWORD}"
    tls: {ca: ca.pem, certificate: /etc/c.pem, private_key: tls/k.pem, server_name: Redis.Example}
    client_name: edge-1
    timeout: 5ms
    command_timeout: 1m
    max_keys: 1000
    max_unknown: 100
  revocation_bound: 0
  stale_while_down: 1d
  external_writers: false
)~");
    const auto loaded =
        config::load(text, "/etc/gate/shop.yaml", test::world({{"PASSWORD", "p w"}}));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::Store& store = loaded.settings->store;
    BOOST_TEST_REQUIRE(store.redis.has_value());
    BOOST_TEST(store.file == "");
    BOOST_TEST(store.redis->url == "rediss://redis.internal:6380/7");
    BOOST_TEST((store.redis->transport == config::RedisTransport::tls));
    BOOST_TEST(store.redis->host == "redis.internal");
    BOOST_TEST(store.redis->port == 6380);
    BOOST_TEST(store.redis->database == 7U);
    BOOST_TEST(store.redis->user == "gateway");
    BOOST_TEST_REQUIRE(store.redis->password);
    BOOST_TEST(store.redis->password->reveal() == "p w");
    BOOST_TEST(store.redis->password_file == "");
    BOOST_TEST(store.redis->tls.ca == "/etc/gate/ca.pem");
    BOOST_TEST(store.redis->tls.certificate == "/etc/c.pem");
    BOOST_TEST(store.redis->tls.private_key == "/etc/gate/tls/k.pem");
    BOOST_TEST(store.redis->tls.server_name == "redis.example");
    BOOST_TEST(store.redis->client_name == "edge-1");
    BOOST_TEST((store.redis->timeout == 5ms));
    BOOST_TEST((store.redis->command_timeout == 60s));
    BOOST_TEST(store.redis->max_keys == 1'000U);
    BOOST_TEST(store.redis->max_unknown == 100U);
    BOOST_TEST((store.revocation_bound == 0ms));
    BOOST_TEST((store.stale_while_down == 24h));
    BOOST_TEST(!store.external_writers);
}

BOOST_AUTO_TEST_CASE(a_redis_is_its_url_and_everything_else_has_a_default) {
    struct Row {
        const char* redis;
        const char* url;
        const char* user;
        const char* password;
    };

    const test::Table variables{{"URL", "redis://gateway:p%40ss@r:1/2"},
                                {"PASSWORD", "pw"},
                                {"SECRET", ":pw@r"},
                                {"EMPTY", ""}};
    const Row rows[] = {
        {"\"redis://127.0.0.1\"", "redis://127.0.0.1:6379/0", "", ""},
        {"{url: \"unix://run/r.sock?db=3\"}", "unix:///etc/gate/run/r.sock?db=3", "", ""},
        {"\"unix:///run/r.sock\"", "unix:///run/r.sock?db=0", "", ""},
        {"\"${URL}\"", "redis://r:1/2", "gateway", "p@ss"},
        {"{url: \"${URL}\"}", "redis://r:1/2", "gateway", "p@ss"},
        {"\"redis://:${PASSWORD}@r\"", "redis://r:6379/0", "", "pw"},
        {"\"redis://gateway:${PASSWORD}@r\"", "redis://r:6379/0", "gateway", "pw"},
        {"\"redis://${SECRET}\"", "redis://r:6379/0", "", "pw"},
        {"{url: \"redis://r\", password: \"${PASSWORD}\"}", "redis://r:6379/0", "", "pw"},
        {"{url: \"redis://r\", password: \"${PASSWORD:?no}\"}", "redis://r:6379/0", "", "pw"},
        {"{url: \"redis://gateway@r\", password: \"${EMPTY}${PASSWORD}\"}", "redis://r:6379/0",
         "gateway", "pw"},
        {"{url: \"redis://gateway@r\", password_file: redis.password}", "redis://r:6379/0",
         "gateway", ""},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.redis) {
            const std::string redis = "{redis: " + std::string{row.redis} + "}";
            const auto loaded = config::load(test::edited("{file: keys.db}", redis),
                                             "/etc/gate/shop.yaml", test::world(variables));
            BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
            const config::Store& store = loaded.settings->store;
            BOOST_TEST(store.file == "");
            BOOST_TEST(store.redis->url == row.url);
            BOOST_TEST(store.redis->user == row.user);
            BOOST_TEST((store.redis->password ? store.redis->password->reveal() : "") ==
                       row.password);
            BOOST_TEST((store.redis->timeout == 40ms));
            BOOST_TEST((store.revocation_bound == 250ms));
            BOOST_TEST((store.stale_while_down == 0ms));
            BOOST_TEST(store.external_writers);
        }
    }
}

BOOST_AUTO_TEST_CASE(without_a_file_of_keys_the_socket_stands_beside_the_configuration) {
    BOOST_TEST(config::default_socket("/etc/gate/shop.yaml") == "/etc/gate/shop.sock");
    BOOST_TEST(config::default_socket("shop.yml") == "shop.sock");
    BOOST_TEST(config::default_socket("gate/shop") == "gate/shop.sock");
    BOOST_TEST(config::default_store("/etc/gate/shop.yaml") == "/etc/gate/shop.db");
}

BOOST_AUTO_TEST_CASE(a_smaller_head_takes_the_default_target_with_it) {
    const auto loaded = test::load(test::edited("max_head: 16KiB", "max_head: 4KiB"));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    BOOST_TEST(loaded.settings->client.max_target == 4096U);
}

BOOST_AUTO_TEST_CASE(apis_share_hosts_and_several_may_take_all_others) {
    const std::string second =
        "\n  other:\n    upstreams: {live: {servers: [\"http://b\"]}}\n    routes:\n";
    const std::string first = with_routes("      GET /a: public\n");
    BOOST_TEST(test::mistakes_in(test::load(first + second + "      GET /b: public\n")) == "");
    BOOST_TEST(
        test::mistakes_in(test::load(first + second + "      GET /a: public\n")) ==
        "keygate.yaml:12:7: apis.other.routes.GET /a: ties with `GET /a` (line 7) of API `a`, "
        "which also takes every other host: both take GET at the same paths\n");
    // An exact host is more specific than every other host.
    const std::string hosted =
        test::edited("  other:\n", "  other:\n    hosts: [b.example]\n", second);
    BOOST_TEST(test::mistakes_in(test::load(first + hosted + "      GET /a: public\n")) == "");
}

BOOST_AUTO_TEST_CASE(routes_that_differ_in_how_specific_they_are_do_not_tie) {
    BOOST_TEST(test::mistakes_in(test::load(with_routes("      GET /a/{x}: public\n"
                                                        "      GET /a/b: public\n"
                                                        "      GET /a/**: public\n"
                                                        "      GET /**: public\n"
                                                        "      ANY /a/b: public\n"
                                                        "      HEAD /a/b: public\n"
                                                        "      GET /a/b/: public\n"
                                                        "      GET /a/{x}/c: public\n"
                                                        "      GET /{y}/b: public\n"))) == "");
}

BOOST_AUTO_TEST_CASE(text_that_is_no_text_is_refused_with_its_place) {
    using namespace std::string_literals;
    const auto told = [](const std::string& text) { return only_mistake(test::load(text)); };
    BOOST_TEST(told("version: 1\nvia: \xff\n") ==
               "keygate.yaml:2:6: not UTF-8 here; save the file as UTF-8");
    BOOST_TEST(told("version: 1\n\xc0\xaf: x\n") ==
               "keygate.yaml:2:1: not UTF-8 here; save the file as UTF-8");
    BOOST_TEST(told("version: 1\n#\0\n"s) ==
               "keygate.yaml:2:2: a control character (`\\x00`) cannot be in a configuration");
    // yaml-cpp would take this byte for the end of the file.
    BOOST_TEST(told("version: 1\n#\x04\n") ==
               "keygate.yaml:2:2: a control character (`\\x04`) cannot be in a configuration");
    BOOST_TEST(told("") == "keygate.yaml:1:1: the file is empty");
    BOOST_TEST(told("# nothing\n") == "keygate.yaml:1:1: the file is empty");
    BOOST_TEST(told("- a\n") == "keygate.yaml:1:1: found a list; expected a mapping");
    BOOST_TEST(told("a text\n") == "keygate.yaml:1:1: found `a text`; expected a mapping");
    BOOST_TEST(told(std::string(17U << 20U, 'x')) == "keygate.yaml: larger than 16 MiB");
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_and_windows_line_ends_change_nothing) {
    std::string text = "\xef\xbb\xbf";
    for (const char c : test::good_text)
        text += c == '\n' ? "\r\n" : std::string(1, c);
    const auto loaded = test::load(text);
    BOOST_TEST(test::mistakes_in(loaded) == "");
    BOOST_TEST(test::mistakes_in(test::load(test::edited("threads: 2", "threads: x", text))) ==
               "keygate.yaml:2:10: threads: found `x`; expected a whole number from 0 to 256\n");
}

BOOST_AUTO_TEST_CASE(aliases_repeat_values_but_not_without_bound) {
    std::string text = test::edited("live: {", "live: &up {");
    text = test::edited("{servers: [\"http://127.0.0.1:3001\"], connect_timeout: 1s}", "*up", text);
    const auto loaded = test::load(text);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    BOOST_TEST(loaded.settings->apis[0].test->servers[0].port == 3000);

    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'm'; ++c) {
        bomb += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 10; ++i)
            bomb += std::string(i > 0 ? ", *" : "*") + static_cast<char>(c - 1);
        bomb += "]\n";
    }
    BOOST_TEST(only_mistake(test::load(bomb)) == "keygate.yaml:5:4: too large: more than 200000 "
                                                 "values, aliases counted as what they repeat");

    std::string long_text = "a: &a " + std::string(1'000'000, 'x') + "\nb: [";
    for (int i = 0; i < 10'000; ++i)
        long_text += "*a, ";
    BOOST_TEST(only_mistake(test::load(long_text + "*a]\n")).find("too large") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_a_mistake_and_no_crash) {
    BOOST_TEST(
        only_mistake(test::load("a: " + std::string(40, '[') + std::string(40, ']') + "\n")) ==
        "keygate.yaml:1:35: nested more than 32 levels deep");
    for (const char c : {'[', '{', '-', '?', ':'}) {
        const auto loaded = test::load(std::string(100'000, c));
        BOOST_TEST(!loaded.mistakes.empty());
        std::string spaced;
        for (int i = 0; i < 5'000; ++i)
            spaced += std::string(1, c) + " ";
        BOOST_TEST(!test::load(spaced).mistakes.empty());
    }
}

BOOST_AUTO_TEST_CASE(scopes_of_an_api_are_at_most_128) {
    const auto routes = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i)
            text += "      GET /r" + std::to_string(i) + ": s" + std::to_string(i) + "\n";
        return text;
    };
    BOOST_TEST(test::mistakes_in(test::load(with_routes(routes(128)))) == "");
    BOOST_TEST(
        test::mistakes_in(test::load(with_routes(routes(129)))) ==
        "keygate.yaml:7:7: apis.a.routes: the routes name 129 scopes; an API has at most 128\n");
}

BOOST_AUTO_TEST_CASE(five_thousand_routes_load) {
    std::string routes;
    for (int i = 0; i < 5'000; ++i)
        routes += "      GET|PUT /v1/r" + std::to_string(i) +
                  "/{id}/**: scope:" + std::to_string(i % 100) + "\n";
    const std::string text = with_routes(routes);
    const auto start = std::chrono::steady_clock::now();
    const auto loaded = test::load(text);
    const auto time = std::chrono::steady_clock::now() - start;
    BOOST_TEST(test::mistakes_in(loaded) == "");
    BOOST_TEST_REQUIRE(loaded.settings.has_value());
    BOOST_TEST(loaded.settings->apis[0].routes.size() == 5'000U);
    BOOST_TEST_MESSAGE("5,000 routes in "
                       << std::chrono::duration_cast<std::chrono::milliseconds>(time).count()
                       << " ms");
}

BOOST_AUTO_TEST_CASE(five_thousand_routes_of_one_path_are_told_apart_by_method) {
    std::string routes;
    for (int i = 0; i < 5'000; ++i)
        routes += "      M" + std::to_string(i) + " /a: key\n";
    BOOST_TEST(test::mistakes_in(test::load(with_routes(routes))) == "");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_a_mistake) {
    BOOST_TEST(only_mistake(config::load_file("/nowhere/keygate.yaml")) ==
               "/nowhere/keygate.yaml: cannot be read: No such file or directory");
    BOOST_TEST(only_mistake(config::load_file("/tmp")) == "/tmp: cannot be read: Is a directory");
}

BOOST_AUTO_TEST_CASE(every_shipped_configuration_loads) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(KEYGATE_SOURCE_DIR "/config")) {
        if (entry.path().extension() != ".yaml") continue;
        BOOST_TEST_CONTEXT(entry.path()) {
            BOOST_TEST(test::mistakes_in(config::load_file(entry.path().string())) == "");
        }
        ++count;
    }
    BOOST_TEST(count > 0);
}

BOOST_AUTO_TEST_CASE(whatever_the_bytes_there_are_settings_or_mistakes) {
    std::mt19937 random{20240611};
    const std::string letters = "\n\t :-[]{}*&!|>'\"%@`#,?$\\/0aA~<.\x80\xff\x04\x7f";
    const auto below = [&](std::size_t bound) { return random() % bound; };
    int loads = 0;
    for (int round = 0; round < 6'000; ++round) {
        std::string text{test::good_text};
        const std::size_t edits = 1 + below(4);
        for (std::size_t i = 0; i < edits && !text.empty(); ++i) {
            const std::size_t at = below(text.size());
            switch (below(9)) {
            case 0:
                text[at] = letters[below(letters.size())];
                break;
            case 1:
                text.erase(at, 1 + below(8));
                break;
            case 2:
                text.insert(at, 1, letters[below(letters.size())]);
                break;
            case 3:
                text.insert(at, text.substr(below(text.size()), below(40)));
                break;
            case 4:
                text.resize(at);
                break;
            default: // some texts keep most of what they were
                break;
            }
        }
        const auto loaded = test::load(text);
        BOOST_TEST_CONTEXT("round " << round) {
            BOOST_CHECK(loaded.settings.has_value() == loaded.mistakes.empty());
            for (const config::Mistake& mistake : loaded.mistakes)
                BOOST_CHECK(!mistake.message.empty());
        }
        // What loads also survives being printed.
        if (loaded.settings && ++loads % 8 == 0)
            BOOST_TEST(test::mistakes_in(test::load(config::print(*loaded.settings))) == "", text);
    }
    BOOST_TEST_MESSAGE(loads << " of 6000 mutated texts were still in order");
}

BOOST_AUTO_TEST_SUITE_END()
