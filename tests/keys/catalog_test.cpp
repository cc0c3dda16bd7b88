#include "keys/catalog.hpp"
#include "keys/records.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {
namespace {

BOOST_AUTO_TEST_SUITE(keys_catalog)

BOOST_AUTO_TEST_CASE(names_have_numbers) {
    const auto catalog = test::catalog();
    BOOST_TEST((catalog->api_number("shop") == 0));
    BOOST_TEST((catalog->api_number("open") == 2));
    BOOST_TEST(!catalog->api_number("Shop"));
    BOOST_TEST(!catalog->api_number(""));

    const ApiNames& shop = catalog->apis[0];
    BOOST_TEST((shop.plan_number("pro") == 1));
    BOOST_TEST(!shop.plan_number("basic"));
    BOOST_TEST(!shop.default_plan);
    BOOST_TEST((catalog->apis[1].default_plan == 0));
    // Scopes are sorted whatever the order in the file.
    BOOST_TEST((shop.scope_number("a:read") == 0));
    BOOST_TEST((shop.scope_number("b:write") == 2));
    BOOST_TEST(!shop.scope_number("b"));
    BOOST_TEST(!shop.scope_number("z"));
    BOOST_TEST(!catalog->apis[2].scope_number("a:read"));
}

BOOST_AUTO_TEST_CASE(what_an_api_offers_is_taken_over) {
    config::Settings settings = test::settings();
    settings.identity.prefix = "X-Caller-";
    settings.apis[0].test.emplace();
    settings.apis[1].profile.key.prefix = "d_";
    const Catalog catalog{settings};
    BOOST_TEST(catalog.identity_prefix == "X-Caller-");
    BOOST_TEST(catalog.apis[0].has_test_upstream);
    BOOST_TEST(!catalog.apis[1].has_test_upstream);
    BOOST_TEST(catalog.apis[1].format.prefix == "d_");
    BOOST_TEST((catalog.apis[1].default_scopes == config::DefaultScopes::none));
}

BOOST_AUTO_TEST_CASE(without_a_vocabulary_it_is_what_the_routes_name) {
    config::Settings settings = test::settings();
    settings.apis[0].scopes.reset();
    for (const auto& scopes : {std::vector<std::string>{"w", "r"}, {}, {"r", "admin"}}) {
        config::Route route;
        route.scopes = scopes;
        settings.apis[0].routes.push_back(route);
    }
    const Catalog catalog{settings};
    const std::vector<std::string> expected{"admin", "r", "w"};
    BOOST_TEST(catalog.apis[0].scopes == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_name_or_a_wildcard_stands_for_scopes) {
    config::Settings settings = test::settings();
    settings.apis[0].scopes = {{"a:read", "a:write", "a:b:read", "ab:read", "a", "b:read"}};
    const Catalog catalog{settings};
    const ApiNames& api = catalog.apis[0];

    struct Case {
        std::string_view pattern;
        std::string_view scopes; // `-`: nobody knows it
    };

    for (const Case& one : std::vector<Case>{
             {"a:read", "a:read"},
             {"a", "a"},
             {"a:*", "a:b:read a:read a:write"},
             {"a:b:*", "a:b:read"},
             {"b:*", "b:read"},
             {"*", "a a:b:read a:read a:write ab:read b:read"},
             {"", "-"},
             {":*", "-"},
             {"a*", "-"},
             {"a:", "-"},
             {"a:r*", "-"},
             {"*:read", "-"},
             {"a:*:read", "-"},
             {"a:**", "-"},
             {"**", "-"},
             {"c:*", "-"},
             {"a:read:*", "-"},
             {"A:*", "-"},
             {"a:re", "-"},
             {"A:read", "-"},
             {" a:read", "-"},
         })
        BOOST_TEST_CONTEXT(one.pattern) {
            const auto set = api.expand(one.pattern);
            BOOST_TEST(api.is_scope_pattern_known(one.pattern) == (one.scopes != "-"));
            BOOST_TEST(set.has_value() == (one.scopes != "-"));
            std::string names;
            if (set)
                for (const std::string& name : api.names_of(*set))
                    names += (names.empty() ? "" : " ") + name;
            BOOST_TEST(names == (set ? one.scopes : ""));
        }
    // An API without scopes has all of them.
    BOOST_TEST(catalog.apis[2].is_scope_pattern_known("*"));
    BOOST_TEST(!catalog.apis[2].is_scope_pattern_known("a:*"));
}

BOOST_AUTO_TEST_CASE(a_scope_brings_what_it_implies_however_many_steps_away) {
    config::Settings settings = test::settings();
    config::Api& written = settings.apis[0];
    written.scopes = {{"manage", "write", "read", "list", "other", "x", "y"}};
    // Out of order, and in a circle.
    written.implies = {{"read", {"list"}},
                       {"write", {"read"}},
                       {"manage", {"write", "other"}},
                       {"x", {"y"}},
                       {"y", {"x"}}};
    const Catalog catalog{settings};
    const ApiNames& api = catalog.apis[0];
    const auto rights = [&](std::vector<std::string> patterns) {
        std::string names;
        for (const std::string& name : api.names_of(api.rights_of(patterns).value()))
            names += (names.empty() ? "" : " ") + name;
        return names;
    };
    BOOST_TEST(rights({"manage"}) == "list manage other read write");
    BOOST_TEST(rights({"write"}) == "list read write");
    BOOST_TEST(rights({"read"}) == "list read");
    BOOST_TEST(rights({"list"}) == "list");
    BOOST_TEST(rights({"x"}) == "x y");
    BOOST_TEST(rights({"y", "other"}) == "other x y");
    BOOST_TEST(rights({}) == "");
    BOOST_TEST(!api.rights_of(std::vector<std::string>{"read", "wirte"}));
}

BOOST_AUTO_TEST_CASE(a_plan_has_rights) {
    config::Settings settings = test::settings();
    config::Api& written = settings.apis[0];
    written.scopes = {{"a:read", "a:write", "b:read"}};
    written.implies = {{"a:write", {"b:read"}}};
    written.plans[0].scopes = {{"a:write"}};
    written.plans[0].routes = {{"GET /v1/**"}};
    const Catalog catalog{settings};
    const ApiNames& api = catalog.apis[0];
    BOOST_TEST_REQUIRE(api.rights.size() == 2U);
    const std::vector<std::string> expected{"a:write", "b:read"};
    BOOST_TEST(api.names_of(api.rights[0].scopes.value()) == expected,
               boost::test_tools::per_element());
    BOOST_TEST(api.rights[0].routes->admits("GET", "/v1/x", config::TrailingSlash::strict));
    BOOST_TEST(!api.rights[1].scopes.has_value());
    BOOST_TEST(!api.rights[1].routes.has_value());

    written.plans[0].scopes = {{"a:wirte"}};
    BOOST_CHECK_THROW(Catalog{settings}, std::invalid_argument);
    written.plans[0].scopes.reset();
    written.plans[0].routes = {{"/v1"}};
    BOOST_CHECK_THROW(Catalog{settings}, std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
