#include "keys/catalog.hpp"
#include "keys/records.hpp"

#include <boost/test/unit_test.hpp>

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

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
