#include "config/pattern.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "mistake_rows.hpp"
#include "printed.hpp"

namespace {

using namespace keygate;
using namespace std::chrono_literals;

/// The good configuration with this line in place of its first route.
std::string with(const std::string& route) {
    return test::edited("GET /health: public", route);
}

config::Route read(const std::string& route) {
    const auto loaded = test::load(with(route));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    return loaded.settings->apis[0].routes[0];
}

/// What is printed of it, which must load as the same.
std::string printed(const std::string& route, const test::Table& variables = {}) {
    const std::string all = test::printed_twice(with(route), "keygate.yaml", variables);
    const std::size_t begin = all.find("    routes:\n") + 18;
    return all.substr(begin, all.find('\n', begin) - begin);
}

// clang-format off
const std::vector<test::MistakeRow> rows{
    {"GET /health: public",
     "GET /health: {access: public, timeouts: {first_byte: 0s, idle: 2h, total: 2d, connect: 1s}}",
     R"~(27:60: apis.shop.routes.GET /health.timeouts.first_byte: found `0s`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)
27:70: apis.shop.routes.GET /health.timeouts.idle: found `2h`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)
27:81: apis.shop.routes.GET /health.timeouts.total: found `2d`; expected a duration from 1ms to 1d with its unit (ms, s, m, h, d)
27:85: apis.shop.routes.GET /health.timeouts.connect: unknown name `connect`; allowed: first_byte, idle, total)~"},
    {"GET /health: public",
     "GET /health: {access: public, timeouts: 5s}",
     "27:47: apis.shop.routes.GET /health.timeouts: found `5s`; expected a mapping"},
    {"GET /health: public",
     "GET /health: {access: public, timeout: 5s}",
     "27:37: apis.shop.routes.GET /health.timeout: unknown name `timeout`; allowed: scope, all_scopes, any_scope, access, answer, require_scope, auth, authorization, weight, meter, rate, concurrency, upstream, rewrite, timeouts, max_body, cors; did you mean `timeouts`?"},
    {"GET /health: public",
     "GET /health: {access: public, max_body: 10M}",
     "27:47: apis.shop.routes.GET /health.max_body: found `10M`; expected a size from 0 to 1024GiB (bytes, or with KiB, MiB, GiB, KB, MB, GB)"},
    {"GET /health: public",
     "GET /health: {access: public, max_body: none}",
     "27:47: apis.shop.routes.GET /health.max_body: found `none`; expected a size from 0 to 1024GiB (bytes, or with KiB, MiB, GiB, KB, MB, GB)"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: /api}",
     "27:46: apis.shop.routes.GET /health.rewrite: found `/api`; expected a mapping"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: {}}",
     R"~(27:37: apis.shop.routes.GET /health.rewrite: `prefix` is missing
27:37: apis.shop.routes.GET /health.rewrite: `with` is missing)~"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: {prefix: health, with: api}}",
     R"~(27:55: apis.shop.routes.GET /health.rewrite.prefix: found `health`; expected a path such as /v1: plain segments, and no `/` at the end
27:69: apis.shop.routes.GET /health.rewrite.with: found `api`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: {prefix: /, with: /}}",
     R"~(27:55: apis.shop.routes.GET /health.rewrite.prefix: found `/`; expected a path such as /v1: plain segments, and no `/` at the end
27:64: apis.shop.routes.GET /health.rewrite.with: found `/`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: {prefix: /health/, with: /api/}}",
     R"~(27:55: apis.shop.routes.GET /health.rewrite.prefix: found `/health/`; expected a path such as /v1: plain segments, and no `/` at the end
27:71: apis.shop.routes.GET /health.rewrite.with: found `/api/`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: {prefix: /heal, with: }}",
     R"~(27:55: apis.shop.routes.GET /health.rewrite.prefix: `/heal` is not what the route's path begins with, segment by segment
27:62: apis.shop.routes.GET /health.rewrite.with: found nothing; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     R"~(GET /health: {access: public, rewrite: {prefix: /health/x, with: "//a", to: /}})~",
     R"~(27:55: apis.shop.routes.GET /health.rewrite.prefix: `/health/x` is not what the route's path begins with, segment by segment
27:72: apis.shop.routes.GET /health.rewrite.with: found `//a`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none
27:79: apis.shop.routes.GET /health.rewrite.to: unknown name `to`; allowed: prefix, with)~"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: {prefix: [], with: []}}",
     R"~(27:55: apis.shop.routes.GET /health.rewrite.prefix: found a list; expected a path such as /v1: plain segments, and no `/` at the end
27:65: apis.shop.routes.GET /health.rewrite.with: found a list; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     R"~(GET /health: {access: public, rewrite: {prefix: /health, with: "/a?b"}})~",
     R"~(27:70: apis.shop.routes.GET /health.rewrite.with: found `/a?b`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     "GET /health: {access: public, rewrite: {prefix: /health, with: /a/../b}}",
     R"~(27:70: apis.shop.routes.GET /health.rewrite.with: found `/a/../b`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     R"~(GET /health: {access: public, rewrite: {prefix: /health, with: "/a/%C3%A4"}})~",
     R"~(27:70: apis.shop.routes.GET /health.rewrite.with: found `/a/%C3%A4`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     R"~(GET /health: {access: public, rewrite: {prefix: /health, with: "/a b"}})~",
     R"~(27:70: apis.shop.routes.GET /health.rewrite.with: found `/a b`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /v1/orders/{id}: {any_scope: [orders:read, orders:write]}",
     R"~(GET /v1/orders/{id}: {scope: orders:read, rewrite: {prefix: "/v1/orders/{id}", with: /a}})~",
     "30:67: apis.shop.routes.GET /v1/orders/{id}.rewrite.prefix: found `/v1/orders/{id}`; expected a path such as /v1: plain segments, and no `/` at the end"},
    {"GET /v1/orders/{id}: {any_scope: [orders:read, orders:write]}",
     "GET /v1/orders/{id}: {scope: orders:read, rewrite: {prefix: /v1/order, with: /a/**}}",
     R"~(30:67: apis.shop.routes.GET /v1/orders/{id}.rewrite.prefix: `/v1/order` is not what the route's path begins with, segment by segment
30:84: apis.shop.routes.GET /v1/orders/{id}.rewrite.with: found `/a/**`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /v1/orders/**: orders:read",
     R"~(GET /v1/orders/**: {scope: orders:read, rewrite: {prefix: /v1/orders/**, with: "/{a}"}})~",
     R"~(28:65: apis.shop.routes.GET /v1/orders/**.rewrite.prefix: found `/v1/orders/**`; expected a path such as /v1: plain segments, and no `/` at the end
28:86: apis.shop.routes.GET /v1/orders/**.rewrite.with: found `/{a}`; expected a path such as /api: plain segments without `%`, and no `/` at the end; or "" for none)~"},
    {"GET /health: public",
     R"~(GET /health: {answer: whoami, upstream: live, rewrite: {prefix: /health, with: ""}, timeouts: {}, max_body: 1KiB, cors: off})~",
     R"~(27:37: apis.shop.routes.GET /health.upstream: has no meaning with `answer`: the gateway answers by itself
27:53: apis.shop.routes.GET /health.rewrite: has no meaning with `answer`: the gateway answers by itself
27:91: apis.shop.routes.GET /health.timeouts: has no meaning with `answer`: the gateway answers by itself)~"},
    {"trailing_slash: strict",
     "terminate_streams: on",
     "22:24: apis.shop.terminate_streams: found `on`; expected true or false"},
};

// clang-format on

} // namespace

BOOST_AUTO_TEST_SUITE(config_route_way)

BOOST_AUTO_TEST_CASE(each_setting_of_a_route_is_set) {
    const config::Route route =
        read("GET /v3/**: {access: key, rewrite: {prefix: /v3, with: /api/v1}, timeouts: "
             "{first_byte: 1ms, idle: 1h, total: 24h}, max_body: 10MiB}");
    BOOST_TEST((route.rewrite == config::Rewrite{"/v3", "/api/v1"}));
    BOOST_TEST((route.timeouts.first_byte == std::optional<config::milliseconds>{1ms}));
    BOOST_TEST((route.timeouts.idle == std::optional<config::milliseconds>{1h}));
    BOOST_TEST((route.timeouts.total == std::optional<config::milliseconds>{24h}));
    BOOST_TEST(route.max_body.value() == 10U * 1024 * 1024);

    const config::Route plain =
        read("GET /v3/**: {access: key, timeouts: {total: 1s}, max_body: 0}");
    BOOST_TEST(!plain.rewrite.has_value());
    BOOST_TEST(!plain.timeouts.first_byte.has_value());
    BOOST_TEST(!plain.timeouts.idle.has_value());
    BOOST_TEST(plain.max_body.value() == 0U);
    BOOST_TEST(!read("GET /v3/**: key").max_body.has_value());
}

BOOST_AUTO_TEST_CASE(a_prefix_is_what_every_path_of_the_route_begins_with) {
    struct Row {
        const char* route; // its path
        const char* rewrite;
        config::Rewrite expected;
    };

    const Row rows[] = {
        {"/v3/**", "{prefix: /v3, with: \"\"}", {"/v3", ""}},
        {"/v3", "{prefix: /v3, with: /a}", {"/v3", "/a"}},
        {"/v3/x/{id}/y", "{prefix: /v3/x, with: /a/b}", {"/v3/x", "/a/b"}},
        {"/v3/", "{prefix: /v3, with: \"\"}", {"/v3", ""}},
        // Both in the form that requests are brought into.
        {"/%76%33/%c3%a4/x", "{prefix: \"/v3/%C3%a4\", with: /a~b}", {"/v3/%C3%A4", "/a~b"}},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.route) {
            const config::Route route = read("GET " + std::string{row.route} +
                                             ": {access: key, rewrite: " + row.rewrite + "}");
            BOOST_TEST((route.rewrite == row.expected));
        }
    }
}

BOOST_AUTO_TEST_CASE(literal_paths_are_patterns_without_anything_but_text) {
    for (const char* text : {"/a", "/a/b", "/a.b/~c"})
        BOOST_TEST(config::parse_literal_path(text).value() == text);
    BOOST_TEST(config::parse_literal_path("/%61/%c3%a4").value() == "/a/%C3%A4");
    for (const char* text : {"", "/", "a", "/a/", "//a", "/a//b", "/{a}", "/a/**", "/**", "/a/..",
                             "/.", "/a?b", "/a#b", "/a%2fb", "/a b", "/a;b", "/a*", "/%"})
        BOOST_TEST(!config::parse_literal_path(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(an_api_says_that_streams_end_with_their_key) {
    const auto loaded =
        test::load(test::edited("trailing_slash: strict", "terminate_streams: true"));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    BOOST_TEST(loaded.settings->apis[0].terminate_streams);
    BOOST_TEST(config::print(*loaded.settings).find("    terminate_streams: true\n") !=
               std::string::npos);
    BOOST_TEST(!test::load(test::good_text).settings->apis[0].terminate_streams);
}

BOOST_AUTO_TEST_CASE(each_mistake_is_told_with_its_place_and_what_is_allowed) {
    test::check_mistakes(rows);
}

BOOST_AUTO_TEST_CASE(a_prefix_is_not_judged_by_a_path_that_is_none) {
    BOOST_TEST(test::mistakes_in(
                   test::load(with("GET v3: {access: key, rewrite: {prefix: /v4, with: \"\"}}"))) ==
               "keygate.yaml:27:7: apis.shop.routes.GET v3: a path begins with `/`\n");
}

BOOST_AUTO_TEST_CASE(it_is_printed_where_it_is_said) {
    for (const char* route :
         {"GET /v3/**: {access: key, rewrite: {prefix: /v3, with: \"\"}}",
          "GET /v3/**: {access: public, rewrite: {prefix: \"/v3\", with: \"/a\"}}",
          "GET /v3/**: {scope: \"orders:read\", timeouts: {first_byte: 5s}}",
          "GET /v3/**: {scope: \"orders:read\", timeouts: {first_byte: 5s, idle: 10s, total: 30s}}",
          "GET /v3/**: {access: key, max_body: 10MiB}", "GET /v3/**: {access: key, max_body: 0}",
          "GET /v3/**: {answer: whoami, max_body: 1KiB}",
          "GET /v3/**: {access: key, weight: 2, upstream: test, rewrite: {prefix: \"/v3\", with: "
          "\"/a\"}, timeouts: {total: 1d}, max_body: 1, rate: 2/s, cors: {origins: \"*\"}}"}) {
        const std::string line = printed(route);
        // A path is in quotes.
        BOOST_TEST(line == (std::string{route}.find("prefix: /v3") == std::string::npos
                                ? std::string{route}
                                : "GET /v3/**: {access: key, rewrite: {prefix: \"/v3\", with: "
                                  "\"\"}}"));
    }
    BOOST_TEST(printed("GET /v3/**: {access: key, timeouts: {}}") == "GET /v3/**: key");
}

BOOST_AUTO_TEST_CASE(values_from_variables_are_masked) {
    const char* const all[][2] = {{"upstream: \"${X}\"", "live"},
                                  {"upstream: {live: \"${X}\"}", "live"},
                                  {"upstream: {live: test, test: \"${X}\"}", "live"},
                                  {"rewrite: {prefix: \"${X}\", with: /a}", "/v3"},
                                  {"rewrite: {prefix: /v3, with: \"${X}\"}", "/hidden"},
                                  {"timeouts: {first_byte: \"${X}\"}", "987ms"},
                                  {"timeouts: {idle: \"${X}\"}", "987ms"},
                                  {"timeouts: {total: \"${X}\"}", "987ms"},
                                  {"max_body: \"${X}\"", "987"}};
    for (const auto& [member, value] : all) {
        BOOST_TEST_CONTEXT(member) {
            const std::string text =
                printed("GET /v3/**: {access: key, " + std::string{member} + "}", {{"X", value}});
            BOOST_TEST(text.find("${X}") != std::string::npos, text);
            BOOST_TEST(text.find(": " + std::string{value}) == std::string::npos, text);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
