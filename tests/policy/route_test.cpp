#include "policy/route.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace keygate;

namespace {

/// `GET|POST /v1/tests`; the method ANY takes all.
config::Route written(const std::string& text) {
    config::Route route;
    route.text = text;
    const auto space = text.find(' ');
    route.pattern = text.substr(space + 1);
    std::istringstream methods{text.substr(0, space)};
    for (std::string method; std::getline(methods, method, '|');)
        if (method != "ANY") route.methods.push_back(method);
    return route;
}

config::Api api_of(const std::vector<std::string>& routes, std::vector<std::string> hosts = {},
                   config::TrailingSlash slash = config::TrailingSlash::strict) {
    config::Api api;
    api.name = "shop";
    api.hosts = std::move(hosts);
    api.trailing_slash = slash;
    for (const auto& text : routes)
        api.routes.push_back(written(text));
    return api;
}

policy::Routes compiled(std::vector<config::Api> apis) {
    config::Settings settings;
    settings.apis = std::move(apis);
    return {settings, keys::Catalog{settings}};
}

/// The route's name; or the reason, with the `Allow` list if there is one.
std::string found(const policy::Routes& routes, std::string_view method, std::string_view path,
                  std::string_view host = "any.example") {
    const auto route = routes.find(host, method, path);
    if (route) return (*route)->name;
    std::string text{name(route.error().reason)};
    if (!route.error().detail.empty()) text += ": " + std::string{route.error().detail};
    return text;
}

struct Case {
    std::string_view request;
    std::string_view found;
};

void check_all(const policy::Routes& routes, const std::vector<Case>& cases) {
    for (const auto& one : cases) {
        const auto space = one.request.find(' ');
        BOOST_TEST_CONTEXT(one.request) {
            BOOST_TEST(found(routes, one.request.substr(0, space), one.request.substr(space + 1)) ==
                       one.found);
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_route)

BOOST_AUTO_TEST_CASE(the_most_specific_route_wins_whatever_the_order) {
    std::vector<std::string> map{"GET /v1/tests/**",
                                 "GET /v1/tests",
                                 "GET /v1/{a}",
                                 "GET /v1/{a}/x",
                                 "GET /v1/tests/{id}",
                                 "GET /v1/tests/mine",
                                 "GET /v1/tests/{id}/steps",
                                 "ANY /**",
                                 "GET /"};
    std::mt19937_64 random{1};
    for (int round = 0; round < 50; ++round) {
        std::shuffle(map.begin(), map.end(), random);
        const auto routes = compiled({api_of(map)});
        check_all(routes, {{"GET /v1/tests", "GET /v1/tests"},
                           {"GET /v1/tests/mine", "GET /v1/tests/mine"},
                           {"GET /v1/tests/7", "GET /v1/tests/{id}"},
                           {"GET /v1/tests/7/steps", "GET /v1/tests/{id}/steps"},
                           {"GET /v1/tests/7/other", "GET /v1/tests/**"},
                           {"GET /v1/tests/x", "GET /v1/tests/{id}"},
                           {"GET /v1/other/x", "GET /v1/{a}/x"},
                           {"GET /v1/other", "GET /v1/{a}"},
                           {"GET /", "GET /"},
                           {"GET /v2", "ANY /**"},
                           {"POST /v1/tests", "ANY /**"}});
    }
}

BOOST_AUTO_TEST_CASE(a_pattern_matches_whole_segments_only) {
    const auto routes =
        compiled({api_of({"GET /v1/tests/**", "GET /v1/monitors/{id}", "GET /a/b/"})});
    check_all(routes, {{"GET /v1/tests", "GET /v1/tests/**"},
                       {"GET /v1/tests/", "GET /v1/tests/**"},
                       {"GET /v1/tests/7/x", "GET /v1/tests/**"},
                       {"GET /v1/testsuite", "route_unknown"},
                       {"GET /v1/test", "route_unknown"},
                       {"GET /v1/Tests", "route_unknown"},
                       {"GET /v1/monitors", "route_unknown"},
                       {"GET /v1/monitors/", "route_unknown"}, // `{id}` is never empty
                       {"GET /v1/monitors/7", "GET /v1/monitors/{id}"},
                       {"GET /v1/monitors/{id}", "GET /v1/monitors/{id}"},
                       {"GET /v1/monitors/7/", "route_unknown"},
                       {"GET /v1/monitors/7/x", "route_unknown"},
                       {"GET /a/b", "route_unknown"},
                       {"GET /a/b/", "GET /a/b/"},
                       {"GET /a/b/c", "route_unknown"},
                       {"GET /", "route_unknown"},
                       {"GET /v1", "route_unknown"},
                       {"GET v1/tests", "route_unknown"},
                       {"GET ", "route_unknown"}});
}

BOOST_AUTO_TEST_CASE(everything_below_the_root_is_a_pattern_too) {
    const auto routes = compiled({api_of({"GET /**"})});
    for (const auto* path : {"/", "/a", "/a/", "/a/b/c"})
        BOOST_TEST(found(routes, "GET", path) == "GET /**");
    BOOST_TEST(found(compiled({api_of({"GET /"})}), "GET", "/a") == "route_unknown");
}

BOOST_AUTO_TEST_CASE(the_search_comes_back_from_a_literal_that_leads_nowhere) {
    const auto routes =
        compiled({api_of({"GET /a/{x}/c", "GET /{y}/b/d", "GET /a/**", "POST /a/b"})});
    check_all(routes, {{"GET /a/b/c", "GET /a/{x}/c"},
                       {"GET /a/b/d", "GET /a/**"}, // the literal `a` is more specific than `{y}`
                       {"GET /z/b/d", "GET /{y}/b/d"},
                       {"GET /a/b", "GET /a/**"},
                       {"POST /a/b", "POST /a/b"},
                       {"POST /a/b/c", "route_method: GET, HEAD"}});
}

BOOST_AUTO_TEST_CASE(a_named_method_is_more_specific_than_any) {
    const auto routes = compiled({api_of({"ANY /a", "POST /a", "ANY /a/{id}", "GET /a/**"})});
    check_all(routes, {{"GET /a", "ANY /a"},
                       {"POST /a", "POST /a"},
                       {"PROPFIND /a", "ANY /a"},
                       {"GET /a/7", "ANY /a/{id}"}, // the pattern counts before the method
                       {"GET /a/7/8", "GET /a/**"},
                       {"POST /a/7/8", "route_method: GET, HEAD"}});
}

BOOST_AUTO_TEST_CASE(head_follows_get_unless_it_has_its_own_route) {
    const auto routes = compiled(
        {api_of({"GET /a", "GET /b", "HEAD /b", "POST /c", "ANY /d", "GET /d", "HEAD /e"})});
    check_all(routes, {{"HEAD /a", "GET /a"},
                       {"HEAD /b", "HEAD /b"},
                       {"HEAD /c", "route_method: POST"},
                       {"HEAD /d", "GET /d"},
                       {"GET /e", "route_method: HEAD"},
                       {"HEAD /f", "route_unknown"}});
}

BOOST_AUTO_TEST_CASE(methods_are_case_sensitive) {
    const auto routes = compiled({api_of({"GET /a", "ANY /b"})});
    check_all(routes, {{"get /a", "route_method: GET, HEAD"},
                       {"Get /a", "route_method: GET, HEAD"},
                       {"head /a", "route_method: GET, HEAD"},
                       {"get /b", "ANY /b"}});
}

BOOST_AUTO_TEST_CASE(connect_and_trace_are_taken_by_no_route) {
    const auto routes = compiled({api_of({"ANY /a", "GET /b"})});
    const std::string usual = "route_method: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    check_all(routes, {{"TRACE /a", usual},
                       {"CONNECT /a", usual},
                       {"trace /a", usual},
                       {"TRACE /b", "route_method: GET, HEAD"},
                       {"TRACE /c", "route_unknown"}});
}

BOOST_AUTO_TEST_CASE(another_method_is_told_all_that_the_path_allows) {
    const auto routes =
        compiled({api_of({"GET|POST /a", "DELETE /{x}", "PUT /**", "PURGE /b", "OPTIONS /b"})});
    check_all(routes, {{"PATCH /a", "route_method: GET, HEAD, POST, PUT, DELETE"},
                       {"PATCH /z", "route_method: PUT, DELETE"},
                       {"PATCH /z/y", "route_method: PUT"},
                       {"PATCH /b", "route_method: PUT, DELETE, OPTIONS, PURGE"}});
}

BOOST_AUTO_TEST_CASE(a_trailing_slash_is_ignored_where_the_api_says_so) {
    const auto ignore = config::TrailingSlash::ignore;
    const auto routes = compiled({api_of(
        {"GET /a", "GET /b/", "GET /c/{id}", "POST /a/", "GET /", "GET /d/**"}, {}, ignore)});
    check_all(routes, {{"GET /a", "GET /a"},
                       {"GET /a/", "GET /a"},
                       {"POST /a", "POST /a/"},
                       {"POST /a/", "POST /a/"},
                       {"GET /b", "GET /b/"},
                       {"GET /b/", "GET /b/"},
                       {"GET /c/7", "GET /c/{id}"},
                       {"GET /c/7/", "GET /c/{id}"},
                       {"GET /c/", "route_unknown"},
                       {"GET /", "GET /"},
                       {"GET /d/", "GET /d/**"},
                       {"PUT /a/", "route_method: GET, HEAD, POST"}});
    const auto strict = compiled({api_of({"GET /a", "GET /b/"})});
    check_all(strict, {{"GET /a/", "route_unknown"}, {"GET /b", "route_unknown"}});
}

BOOST_AUTO_TEST_CASE(a_route_that_is_written_wins_over_an_ignored_slash) {
    const auto ignore = config::TrailingSlash::ignore;
    for (const bool written_first : {false, true}) {
        std::vector<config::Api> apis{api_of({"GET /a"}, {}, ignore), api_of({"GET /a/"})};
        if (written_first) std::swap(apis[0], apis[1]);
        const auto routes = compiled(apis);
        check_all(routes, {{"GET /a", "GET /a"}, {"GET /a/", "GET /a/"}});
    }
}

BOOST_AUTO_TEST_CASE(a_segment_that_some_upstreams_read_as_a_literal_matches_nothing) {
    const auto routes = compiled({api_of({"GET /v1/admin", "GET /v1/{x}", "GET /v1/{x}/users",
                                          "GET /v1/**", "GET /v1/jobs:run", "GET /v1/a%20b"})});
    check_all(routes,
              {{"GET /v1/admin", "GET /v1/admin"},
               {"GET /v1/admin;x=1", "route_unknown"},
               {"GET /v1/admin;", "route_unknown"},
               {"GET /v1/admin;x=1/users", "route_unknown"},
               {"GET /v1/admin;x=1/a/b", "route_unknown"},
               {"POST /v1/admin;x=1", "route_unknown"},
               {"GET /v1;x/admin", "route_unknown"},
               {"GET /v1/administrator;x=1", "GET /v1/{x}"},
               {"GET /v1/adm;in", "GET /v1/{x}"},
               {"GET /v1/other;v=1", "GET /v1/{x}"},
               {"GET /v1/other;v=1/users", "GET /v1/{x}/users"},
               {"GET /v1/jobs:run", "GET /v1/jobs:run"},
               {"GET /v1/jobs%3Arun", "route_unknown"}, // reserved: not the same URI, yet read so
               {"GET /v1/jobs%3Arun;x", "route_unknown"},
               {"GET /v1/jobs%3Astop", "GET /v1/{x}"},
               {"GET /v1/jobs%20run", "GET /v1/{x}"},
               {"GET /v1/a%20b", "GET /v1/a%20b"},
               {"GET /v1/a%20b;x", "route_unknown"},
               {"GET /v1/q/admin;x", "GET /v1/**"}}); // no literal at that place
}

BOOST_AUTO_TEST_CASE(parameters_that_the_map_names_are_an_ordinary_literal) {
    const auto routes = compiled({api_of({"GET /a;v=1", "GET /{x}"})});
    check_all(routes, {{"GET /a;v=1", "GET /a;v=1"},
                       {"GET /a;v=2", "route_unknown"}, // to a reader without parameters the same
                       {"GET /a", "GET /{x}"},
                       {"GET /b;v=1", "GET /{x}"}});
}

BOOST_AUTO_TEST_CASE(the_host_chooses_the_map) {
    const auto routes =
        compiled({api_of({"GET /one"}, {"one.example", "uno.example"}),
                  api_of({"GET /two"}, {"two.example"}), api_of({"GET /rest"}),
                  api_of({"GET /six"}, {"[::1]"}), api_of({"GET /ip"}, {"10.0.0.1"})});

    struct Case {
        std::string_view host;
        std::string_view path;
        int api; // -1: none
    };

    for (const auto& one : std::initializer_list<Case>{{"one.example", "/one", 0},
                                                       {"ONE.Example", "/one", 0},
                                                       {"one.example:8080", "/one", 0},
                                                       {"one.example:", "/one", 0},
                                                       {"one.example.", "/one", 0},
                                                       {"One.Example.:443", "/one", 0},
                                                       {"uno.example", "/one", 0},
                                                       {"two.example", "/two", 1},
                                                       {"[::1]", "/six", 3},
                                                       {"[::1]:80", "/six", 3},
                                                       {"10.0.0.1:80", "/ip", 4},
                                                       {"", "/rest", 2},
                                                       {"one.example..", "/rest", 2},
                                                       {"xone.example", "/rest", 2},
                                                       {"one.example.evil", "/rest", 2},
                                                       {"[::2]:80", "/rest", 2},
                                                       {"other", "/rest", 2}}) {
        BOOST_TEST_CONTEXT("host " << one.host) {
            BOOST_TEST(found(routes, "GET", one.path, one.host) == "GET " + std::string{one.path});
            for (const auto* other : {"/one", "/two", "/rest", "/six", "/ip"})
                if (other != one.path)
                    BOOST_TEST(found(routes, "GET", other, one.host) == "route_unknown");
            const auto* api = routes.api_of_host(one.host);
            BOOST_TEST_REQUIRE(api != nullptr);
            BOOST_TEST(int{*api} == one.api);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_bare_ipv6_address_is_the_host_in_brackets) {
    const auto routes = compiled({api_of({"GET /six"}, {"::1"})});
    BOOST_TEST(found(routes, "GET", "/six", "[::1]:80") == "GET /six");
    BOOST_TEST(found(routes, "GET", "/six", "other") == "route_unknown");
}

BOOST_AUTO_TEST_CASE(a_host_of_no_api_or_of_several_has_no_profile) {
    const auto routes =
        compiled({api_of({"GET /one"}, {"one.example"}), api_of({"GET /a"}, {"two.example"}),
                  api_of({"GET /b"}, {"two.example"})});
    BOOST_TEST(routes.api_of_host("other") == nullptr);
    BOOST_TEST(found(routes, "GET", "/one", "other") == "route_unknown");
    BOOST_TEST(routes.api_of_host("two.example") == nullptr);
    BOOST_TEST(found(routes, "GET", "/a", "two.example") == "GET /a");
    BOOST_TEST(found(routes, "GET", "/b", "two.example") == "GET /b");
}

BOOST_AUTO_TEST_CASE(a_compiled_route_knows_its_api_its_number_and_its_scopes) {
    auto first = api_of({"GET /a", "GET /b"}, {"one.example"});
    auto second = api_of({"GET /c", "GET /d"});
    second.scopes = std::vector<std::string>{"orders:read", "tests:read", "tests:write"};
    second.routes[0].access = config::Access::scope;
    second.routes[0].need = config::Need::any;
    second.routes[0].scopes = {"tests:write", "orders:read"};
    second.routes[1].access = config::Access::open;
    second.routes[1].pass_authorization = true;
    const auto routes = compiled({first, second});

    BOOST_TEST_REQUIRE(routes.all().size() == 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        BOOST_TEST(routes.all()[i].number == i);
        BOOST_TEST(routes.all()[i].api == i / 2);
    }
    const auto c = routes.find("x", "GET", "/c");
    BOOST_TEST_REQUIRE(c.has_value());
    BOOST_TEST(*c == &routes.all()[2]);
    BOOST_TEST(((*c)->access == config::Access::scope));
    BOOST_TEST(((*c)->need == config::Need::any));
    BOOST_TEST((*c)->scope_names == "tests:write orders:read");
    BOOST_TEST((*c)->scopes.has(0));
    BOOST_TEST(!(*c)->scopes.has(1));
    BOOST_TEST((*c)->scopes.has(2));
    BOOST_TEST(routes.all()[3].pass_authorization);
    BOOST_TEST(((routes.all()[3].access == config::Access::open)));
}

BOOST_AUTO_TEST_CASE(a_map_that_the_loader_should_have_refused_does_not_start) {
    BOOST_CHECK_THROW(compiled({api_of({"GET /a"}), api_of({"GET /a"})}), std::invalid_argument);
    auto api = api_of({"GET /a"});
    api.scopes = std::vector<std::string>{"known"};
    api.routes[0].access = config::Access::scope;
    api.routes[0].scopes = {"unknown"};
    BOOST_CHECK_THROW(compiled({api}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(moved_routes_still_find) {
    auto routes = compiled({api_of({"GET /a"})});
    const auto moved = std::move(routes);
    BOOST_TEST(found(moved, "GET", "/a") == "GET /a");
    BOOST_TEST(found(moved, "PUT", "/a") == "route_method: GET, HEAD");
}

namespace {

using Segments = std::vector<std::string>;

Segments split(std::string_view path) {
    Segments out{""};
    for (const char c : path.substr(1)) {
        if (c == '/') {
            out.emplace_back();
        } else {
            out.back() += c;
        }
    }
    return out;
}

/// How a pattern takes a path: one letter for each segment, smaller is more specific.
std::optional<std::string> fit(const Segments& pattern, const Segments& path) {
    std::string rank;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == "**") return rank + 'c';
        if (i >= path.size()) return std::nullopt;
        const bool is_name = pattern[i].starts_with('{');
        if (is_name ? path[i].empty() : pattern[i] != path[i]) return std::nullopt;
        rank += is_name ? 'b' : 'a';
    }
    if (pattern.size() != path.size()) return std::nullopt;
    return rank;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_tree_finds_what_trying_every_route_finds) {
    std::mt19937_64 random{42};
    const auto pick = [&](auto& from) { return from[random() % from.size()]; };
    const std::vector<std::string> words{"a", "b", "c"};
    const std::vector<std::string> parts{"a", "b", "c", "{x}", "{x}"};
    const std::vector<std::string> methods{"GET", "POST", "HEAD"};
    for (int round = 0; round < 300; ++round) {
        std::map<std::string, bool> map; // without ties: all names are `{x}`
        for (auto count = 1 + random() % 14; count > 0; --count) {
            std::string pattern;
            for (auto depth = random() % 4; depth > 0; --depth)
                pattern += '/' + pick(parts);
            if (random() % 3 == 0) pattern += "/**";
            if (pattern.empty()) pattern = "/";
            map[(random() % 4 == 0 ? "ANY" : pick(methods)) + ' ' + pattern] = true;
        }
        std::vector<std::string> texts;
        for (const auto& [text, unused] : map)
            texts.push_back(text);
        const auto routes = compiled({api_of(texts)});

        for (int i = 0; i < 100; ++i) {
            std::string path;
            for (auto depth = random() % 5; depth > 0; --depth)
                path += '/' + pick(words);
            if (path.empty() || random() % 5 == 0) path += '/';
            const auto method = pick(methods);

            std::string best;
            std::pair<std::string, char> best_rank;
            bool is_known = false;
            for (const auto& text : texts) {
                const auto route = written(text);
                auto pattern = split(route.pattern);
                const auto rank = fit(pattern, split(path));
                if (!rank) continue;
                is_known = true;
                const std::string of = route.methods.empty() ? "ANY" : route.methods[0];
                const char by = of == method ? 'a' : of == "GET" && method == "HEAD" ? 'b' : 'c';
                if (by == 'c' && of != "ANY") continue;
                const std::pair whole_rank{*rank, by};
                if (!best.empty() && whole_rank >= best_rank) continue;
                best = text;
                best_rank = whole_rank;
            }
            const auto got = found(routes, method, path);
            const auto expected = !best.empty() ? best
                                  : is_known    ? "route_method"
                                                : "route_unknown";
            if (got.substr(0, got.find(':')) != expected)
                BOOST_TEST_ERROR(method << ' ' << path << ": " << got << ", not " << expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_search_does_not_blow_up) {
    // Each level doubles the ways; all of them end in nothing but the last.
    std::vector<std::string> map;
    for (unsigned bits = 0; bits < 256; ++bits) {
        std::string pattern;
        for (unsigned i = 0; i < 8; ++i)
            pattern += bits >> i & 1U ? "/{x}" : "/a";
        map.push_back("GET " + pattern + "/end");
    }
    const auto routes = compiled({api_of(map)});
    const std::string deep = "/a/a/a/a/a/a/a/a";
    BOOST_TEST(found(routes, "GET", deep + "/end") == "GET" + (" " + deep) + "/end");
    // 511 nodes at most, and not one step for the length of the path beyond the map.
    std::string endless = deep;
    for (int i = 0; i < 100'000; ++i)
        endless += "/a";
    for (int i = 0; i < 1000; ++i)
        BOOST_TEST_REQUIRE(!routes.find("x", "GET", endless).has_value());
}

BOOST_AUTO_TEST_CASE(a_route_knows_where_in_a_path_the_id_stands) {
    const auto routes = compiled({api_of({"GET /v1/keys/{id}", "POST /v1/keys/{id}/rotate",
                                          "GET /{id}", "GET /v1/keys", "GET /v1/of/{ids}"})});
    const auto id_in = [&](std::string_view method, std::string_view path) {
        return routes.find("any.example", method, path).value()->id_in(path);
    };
    BOOST_TEST(id_in("GET", "/v1/keys/key_1") == "key_1");
    BOOST_TEST(id_in("POST", "/v1/keys/key_1/rotate") == "key_1");
    BOOST_TEST(id_in("GET", "/x%20y") == "x%20y");
    BOOST_TEST(id_in("GET", "/v1/keys") == "");
    BOOST_TEST(id_in("GET", "/v1/of/key_1") == "");
}

BOOST_AUTO_TEST_CASE(a_map_that_the_configuration_would_refuse_is_not_compiled) {
    config::Api unknown = api_of({"GET /a"});
    unknown.scopes = {{"a:read"}};
    unknown.routes[0].access = config::Access::scope;
    for (const char* const scope : {"a:wirte", "{x}:read", "{"}) {
        unknown.routes[0].scopes = {scope};
        BOOST_CHECK_THROW((void)compiled({unknown}), std::invalid_argument);
    }
}

BOOST_AUTO_TEST_SUITE_END()
