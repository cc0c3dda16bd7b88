#include "config/addresses.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "mistake_rows.hpp"
#include "printed.hpp"

namespace {

using namespace keygate;
using namespace std::chrono_literals;

/// The good configuration with this as `cors` of its API, where there is anything, and this as the
/// value of its first route.
std::string with(const std::string& api, const std::string& route = "public") {
    const std::string text = test::edited("GET /health: public", "GET /health: " + route);
    if (api.empty()) return text;
    return test::edited("trailing_slash: strict", "trailing_slash: strict\n    cors: " + api, text);
}

config::Api read(const std::string& text) {
    const auto loaded = test::load(text);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    return loaded.settings->apis[0];
}

/// What is printed of the API, and of its first route, which must load as the same.
std::string printed(const std::string& text, const test::Table& variables = {}) {
    const std::string all = test::printed_twice(text, "keygate.yaml", variables);
    const std::size_t begin = all.find("    terminate_streams");
    const std::size_t cors = all.find('\n', begin) + 1;
    const std::size_t routes = all.find("    routes:\n", begin) + 12;
    return all.substr(cors, routes - 12 - cors) +
           all.substr(routes, all.find('\n', routes) - routes);
}

const std::string api_cors =
    "{origins: [\"https://a.example\"], headers: [X-A], credentials: true, max_age: 5m}";

// clang-format off
const std::vector<test::MistakeRow> rows{
    {"trailing_slash: strict",
     "cors: {}",
     "22:5: apis.shop.cors: `origins` is missing"},
    {"trailing_slash: strict",
     "cors: off",
     "22:11: apis.shop.cors: found `off`; expected a mapping"},
    {"trailing_slash: strict",
     "cors: []",
     "22:11: apis.shop.cors: found a list; expected a mapping"},
    {"trailing_slash: strict",
     "cors: {origins: []}",
     R"~(22:21: apis.shop.cors.origins: lists no origin; expected "*", or a list of origins such as ["https://app.example.com"])~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: "https://a"})~",
     R"~(22:21: apis.shop.cors.origins: found `https://a`; expected "*", or a list of origins such as ["https://app.example.com"])~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: ["*"]})~",
     "22:22: apis.shop.cors.origins[0]: found `*`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com"},
    {"trailing_slash: strict",
     "cors: {origins: {}}",
     R"~(22:21: apis.shop.cors.origins: found a mapping; expected "*", or a list of origins such as ["https://app.example.com"])~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: [a.example, "ftp://a", "https://a/", "https://", "https://u@a", "https://a:0", "null", "https://*", "https://*.10.0.0.1", "https://a.*.b", "https://::1", {}]})~",
     R"~(22:22: apis.shop.cors.origins[0]: found `a.example`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:33: apis.shop.cors.origins[1]: found `ftp://a`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:44: apis.shop.cors.origins[2]: found `https://a/`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:58: apis.shop.cors.origins[3]: found `https://`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:70: apis.shop.cors.origins[4]: found `https://u@a`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:85: apis.shop.cors.origins[5]: found `https://a:0`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:100: apis.shop.cors.origins[6]: found `null`; any page can have this origin, in a frame with `sandbox`
22:108: apis.shop.cors.origins[7]: found `https://*`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:121: apis.shop.cors.origins[8]: found `https://*.10.0.0.1`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:143: apis.shop.cors.origins[9]: found `https://a.*.b`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:160: apis.shop.cors.origins[10]: found `https://::1`; expected an origin: scheme, host and perhaps a port, such as https://app.example.com or https://*.example.com
22:175: apis.shop.cors.origins[11]: found a mapping; expected an origin such as https://app.example.com)~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: ["https://a", "HTTPS://A:443", "http://a", "http://a:80"]})~",
     R"~(22:35: apis.shop.cors.origins[1]: `HTTPS://A:443` is listed twice
22:64: apis.shop.cors.origins[3]: `http://a:80` is listed twice)~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: "*", credentials: true})~",
     R"~(22:26: apis.shop.cors.credentials: with `origins: "*"` and `credentials` any page could act with the cookies of its visitors; expected origins by name)~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: ["https://a.example"], headers: X-A, expose: {}})~",
     R"~(22:53: apis.shop.cors.headers: found `X-A`; expected a list of field names such as [X-Total-Count]
22:66: apis.shop.cors.expose: found a mapping; expected a list of field names such as [X-Total-Count])~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: ["https://a.example"], headers: [X-A, x-a, "a b", "*", []], expose: ["*", "X:B"]})~",
     R"~(22:59: apis.shop.cors.headers[1]: `x-a` is listed twice
22:64: apis.shop.cors.headers[2]: found `a b`; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~
22:71: apis.shop.cors.headers[3]: found `*`; expected the name of a field
22:76: apis.shop.cors.headers[4]: found a list; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~
22:90: apis.shop.cors.expose[0]: found `*`; expected the name of a field
22:95: apis.shop.cors.expose[1]: found `X:B`; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~)~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: ["https://a.example"], max_age: 25h, credentials: yes, preflight: answers, methods: [GET]})~",
     R"~(22:53: apis.shop.cors.max_age: found `25h`; expected a duration from 0s to 1d with its unit (ms, s, m, h, d)
22:71: apis.shop.cors.credentials: found `yes`; expected true or false
22:87: apis.shop.cors.preflight: found `answers`; expected one of: answer, pass; did you mean `answer`?
22:96: apis.shop.cors.methods: unknown name `methods`; allowed: origins, headers, expose, max_age, credentials, preflight)~"},
    {"trailing_slash: strict",
     R"~(cors: {origins: ["https://a.example"], max_age: 1500ms, preflight: []})~",
     R"~(22:53: apis.shop.cors.max_age: found `1500ms`; expected whole seconds, such as 10m
22:72: apis.shop.cors.preflight: found a list; expected one of: answer, pass)~"},
    {"GET /health: public",
     "GET /health: {access: public, cors: {}}",
     "27:37: apis.shop.routes.GET /health.cors: `origins` is missing"},
    {"GET /health: public",
     "GET /health: {access: public, cors: no}",
     R"~(27:43: apis.shop.routes.GET /health.cors: found `no`; expected off, or a mapping such as {origins: ["https://app.example.com"]})~"},
    {"GET /health: public",
     "GET /health: {access: public, cors: []}",
     R"~(27:43: apis.shop.routes.GET /health.cors: found a list; expected off, or a mapping such as {origins: ["https://app.example.com"]})~"},
    {"GET /health: public",
     R"~(GET /health: {access: public, cors: {headers: [X-A], origin: "*"}})~",
     R"~(27:37: apis.shop.routes.GET /health.cors: `origins` is missing
27:60: apis.shop.routes.GET /health.cors.origin: unknown name `origin`; allowed: origins, headers, expose, max_age, credentials, preflight; did you mean `origins`?)~"},
    {"GET /health: public",
     R"~(GET /health: {access: public, cors: {origins: "*", credentials: true}})~",
     R"~(27:58: apis.shop.routes.GET /health.cors.credentials: with `origins: "*"` and `credentials` any page could act with the cookies of its visitors; expected origins by name)~"},
};

// clang-format on

} // namespace

BOOST_AUTO_TEST_SUITE(config_cors)

BOOST_AUTO_TEST_CASE(origins_are_read_as_browsers_send_them) {
    const char* const good[][2] = {{"https://a", "https://a"},
                                   {"HTTP://App.Example.com", "http://app.example.com"},
                                   {"https://a:443", "https://a"},
                                   {"https://a:80", "https://a:80"},
                                   {"http://a:80", "http://a"},
                                   {"http://a:443", "http://a:443"},
                                   {"https://*.example.com", "https://*.example.com"},
                                   {"https://*.Example.com:8443", "https://*.example.com:8443"},
                                   {"https://*.example.com:443", "https://*.example.com"},
                                   {"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
                                   {"http://[::1]:3000", "http://[::1]:3000"},
                                   {"http://[::1]:80", "http://[::1]"},
                                   {"http://localhost", "http://localhost"}};
    for (const auto& [written, origin] : good) {
        const auto judged = config::parse_origin(written);
        BOOST_TEST_REQUIRE(judged.value.has_value(), written);
        BOOST_TEST(*judged.value == origin);
        BOOST_TEST(config::parse_origin(origin).value.value() == origin);
    }
    for (const char* text : {"",
                             "*",
                             "a",
                             "a.example",
                             "//a",
                             "https:a",
                             "https://",
                             "https://a/",
                             "https://a?",
                             "https://a#b",
                             "https://u@a",
                             "https://a:",
                             "https://a:0",
                             "https://a:65536",
                             "https://*",
                             "https://*.",
                             "https://*a.b",
                             "https://a.*",
                             "https://*.*.a",
                             "https://*.10.0.0.1",
                             "https://*.[::1]",
                             "https://::1",
                             "https://a b",
                             "ftp://a",
                             "null",
                             "file://a",
                             "https://a, https://b"})
        BOOST_TEST(!config::parse_origin(text).value.has_value(), text);
}

BOOST_AUTO_TEST_CASE(each_setting_is_set) {
    const config::Api api =
        read(with("{origins: [\"https://App.example:443\", \"https://*.example\"], headers: "
                  "[Authorization, X-A], expose: [ETag], max_age: 0s, credentials: true, "
                  "preflight: pass}"));
    BOOST_TEST_REQUIRE(api.cors.has_value());
    BOOST_TEST(!api.cors->any_origin);
    BOOST_TEST(api.cors->origins ==
                   (std::vector<std::string>{"https://app.example", "https://*.example"}),
               boost::test_tools::per_element());
    BOOST_TEST(api.cors->headers.value() == (std::vector<std::string>{"Authorization", "X-A"}),
               boost::test_tools::per_element());
    BOOST_TEST(api.cors->expose == std::vector<std::string>{"ETag"},
               boost::test_tools::per_element());
    BOOST_TEST((api.cors->max_age == 0s));
    BOOST_TEST(api.cors->credentials);
    BOOST_TEST(!api.cors->answers_preflight);
    for (const config::Route& route : api.routes)
        BOOST_TEST((route.cors == api.cors));

    const config::Api any = read(with("{origins: \"*\", headers: []}"));
    BOOST_TEST(any.cors->any_origin);
    BOOST_TEST(any.cors->origins.empty());
    BOOST_TEST(any.cors->headers.value().empty());
    BOOST_TEST(any.cors->expose.empty());
    BOOST_TEST((any.cors->max_age == 10min));
    BOOST_TEST(!any.cors->credentials);
    BOOST_TEST(any.cors->answers_preflight);
    BOOST_TEST(!read(with("")).cors.has_value());
    BOOST_TEST(!read(with("")).routes[0].cors.has_value());
    BOOST_TEST(!read(with("{origins: \"*\"}")).cors->headers.has_value());
    BOOST_TEST((read(with("{origins: \"*\", max_age: 24h}")).cors->max_age == 24h));
}

BOOST_AUTO_TEST_CASE(a_route_says_it_in_place_of_its_api) {
    const config::Api off = read(with(api_cors, "{access: public, cors: off}"));
    BOOST_TEST(!off.routes[0].cors.has_value());
    BOOST_TEST((off.routes[1].cors == off.cors));
    BOOST_TEST(!read(with("", "{access: public, cors: off}")).routes[0].cors.has_value());

    const config::Api some =
        read(with(api_cors, "{access: public, cors: {headers: [X-B], max_age: 1s}}"));
    config::Cors expected = some.cors.value();
    expected.headers = {"X-B"};
    expected.max_age = 1s;
    BOOST_TEST((some.routes[0].cors == expected));

    const config::Api all = read(with(
        api_cors, "{answer: whoami, cors: {origins: \"*\", credentials: false, headers: []}}"));
    BOOST_TEST(all.routes[0].cors->any_origin);
    BOOST_TEST(all.routes[0].cors->origins.empty());
    BOOST_TEST(all.routes[0].cors->headers->empty());

    const config::Api own = read(with("", "{access: key, cors: {origins: [\"http://a\"]}}"));
    BOOST_TEST(own.routes[0].cors->origins.at(0) == "http://a");
    BOOST_TEST(!own.routes[1].cors.has_value());
}

BOOST_AUTO_TEST_CASE(a_route_may_take_plain_options_beside_preflights) {
    const auto loaded = test::load(
        test::edited("GET /health: public", "OPTIONS /health: public", with("{origins: \"*\"}")));
    BOOST_TEST(test::mistakes_in(loaded) == "");
}

BOOST_AUTO_TEST_CASE(each_mistake_is_told_with_its_place_and_what_is_allowed) {
    test::check_mistakes(rows);
}

BOOST_AUTO_TEST_CASE(what_a_route_makes_of_its_api_is_judged_as_a_whole) {
    const auto mistakes = [](const std::string& api, const std::string& route) {
        return test::mistakes_in(test::load(with(api, "{access: key, cors: " + route + "}")));
    };
    const std::string where = "keygate.yaml:28:";
    const std::string path = ": apis.shop.routes.GET /health.cors.";
    const std::string why =
        ": with `origins: \"*\"` and `credentials` any page could act with the cookies of its "
        "visitors; expected origins by name\n";
    BOOST_TEST(mistakes(api_cors, "{origins: \"*\"}") == where + "41" + path + "origins" + why);
    BOOST_TEST(mistakes("{origins: \"*\"}", "{credentials: true}") ==
               where + "41" + path + "credentials" + why);
    BOOST_TEST(mistakes(api_cors, "{origins: \"*\", credentials: false}") == "");
    // What is wrong of the API is not told again of each route.
    BOOST_TEST(mistakes("{origins: []}", "{max_age: 1s}") ==
               "keygate.yaml:23:21: apis.shop.cors.origins: lists no origin; expected \"*\", or a "
               "list of origins such as [\"https://app.example.com\"]\n");
}

BOOST_AUTO_TEST_CASE(bounds_of_lists_are_told) {
    const auto repeated = [](int count, const std::string& before) {
        std::string out;
        for (int i = 0; i < count; ++i)
            out += before + std::to_string(i) + ", ";
        return "[" + out + "]";
    };
    const auto mistakes = [](const std::string& cors) {
        return test::mistakes_in(test::load(with(cors)));
    };
    BOOST_TEST(mistakes("{origins: " + repeated(100, "https://a") + "}") == "");
    BOOST_TEST(mistakes("{origins: " + repeated(101, "https://a") + "}") ==
               "keygate.yaml:23:21: apis.shop.cors.origins: at most 100 origins are possible\n");
    for (const std::string name : {"headers", "expose"}) {
        BOOST_TEST(mistakes("{origins: \"*\", " + name + ": " + repeated(64, "X") + "}") == "");
        BOOST_TEST(mistakes("{origins: \"*\", " + name + ": " + repeated(65, "X") + "}")
                       .ends_with("." + name + ": at most 64 fields are possible\n"));
    }
}

BOOST_AUTO_TEST_CASE(what_holds_is_printed_and_of_a_route_what_differs) {
    const std::string api = "    cors:\n      origins: [\"https://a.example\"]\n"
                            "      headers: [X-A]\n      max_age: 5m\n      credentials: true\n"
                            "      preflight: answer\n";
    const auto route = [&](const std::string& cors) {
        const std::string text = printed(with(api_cors, "{access: public, cors: " + cors + "}"));
        BOOST_TEST(text.substr(0, api.size()) == api);
        return text.substr(api.size());
    };
    BOOST_TEST(printed(with(api_cors)) == api + "      GET /health: public");
    BOOST_TEST(route("off") == "      GET /health: {access: public, cors: off}");
    BOOST_TEST(route("{}") == "      GET /health: public");
    BOOST_TEST(route("{max_age: 300s, origins: [\"https://a.example:443\"]}") ==
               "      GET /health: public");
    BOOST_TEST(route("{preflight: pass, max_age: 1s, expose: [X-B, X-C], headers: []}") ==
               "      GET /health: {access: public, cors: {headers: [], expose: [X-B, X-C], "
               "max_age: 1s, preflight: pass}}");
    BOOST_TEST(route("{origins: \"*\", credentials: false}") ==
               "      GET /health: {access: public, cors: {origins: \"*\", credentials: false}}");
    BOOST_TEST(printed(with("{origins: \"*\", expose: [ETag], preflight: pass}")) ==
               "    cors:\n      origins: \"*\"\n      expose: [ETag]\n      max_age: 10m\n"
               "      credentials: false\n      preflight: pass\n      GET /health: public");
    BOOST_TEST(printed(with("", "{answer: whoami, cors: {origins: [\"http://a\", \"http://*.b\"], "
                                "headers: [X-A], max_age: 10m}}")) ==
               "      GET /health: {answer: whoami, cors: {origins: [\"http://a\", "
               "\"http://*.b\"], headers: [X-A]}}");
    BOOST_TEST(printed(with("")) == "      GET /health: public");
}

BOOST_AUTO_TEST_CASE(values_from_variables_are_masked) {
    struct Masked {
        std::string text;
        const char* value;
    };

    const auto route = [](const std::string& cors) {
        return with(api_cors, "{access: public, cors: " + cors + "}");
    };
    const Masked all[] = {
        {with("{origins: \"${X}\"}"), "*"},
        {with("{origins: [\"http://a\", \"https://${X}\"]}"), "hidden"},
        {with("{origins: [\"http://a\"], headers: [\"${X}\"]}"), "hidden"},
        {with("{origins: [\"http://a\"], expose: [\"${X}\"]}"), "hidden"},
        {with("{origins: [\"http://a\"], max_age: \"${X}\"}"), "987s"},
        // Of what a route has of its API nothing is shown there.
        {with("{origins: [\"https://${X}\"], headers: [\"${X}\"]}",
              "{access: key, cors: {max_age: 1s}}"),
         "hidden"},
        {route("\"${X}\""), "off"},
        {route("{origins: [\"https://${X}\"]}"), "hidden"},
        {route("{headers: [\"${X}\"]}"), "hidden"},
        {route("{expose: [X-A, \"${X}\"]}"), "hidden"},
        {route("{max_age: \"${X}\"}"), "987s"},
        {route("{preflight: \"${X}\"}"), "pass"},
        {route("{credentials: \"${X}\"}"), "false"},
    };
    for (const Masked& one : all) {
        BOOST_TEST_CONTEXT(one.text) {
            const std::string text = printed(one.text, {{"X", one.value}});
            BOOST_TEST(text.find("${X}") != std::string::npos, text);
            BOOST_TEST(text.find(one.value) == std::string::npos, text);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
