#include "policy/entries.hpp"
#include "policy/scope.hpp"

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <string>
#include <vector>

using namespace keygate;
using testing::identity_with;

namespace {

keys::ScopeSet set_of(std::initializer_list<std::size_t> scopes) {
    keys::ScopeSet set;
    for (const auto scope : scopes)
        set.add(scope);
    return set;
}

bool passes(const keys::ScopeSet& held, const keys::ScopeSet& asked, config::Need need) {
    policy::Route route;
    route.access = config::Access::scope;
    route.need = need;
    route.scopes = asked;
    route.scope_names = "tests:read";
    const auto refusal = policy::check_scope(identity_with(held), route, testing::Request{}.facts);
    if (refusal) {
        BOOST_TEST((refusal->reason == Reason::scope_missing));
        BOOST_TEST(refusal->detail == "tests:read");
        BOOST_TEST(static_cast<const void*>(refusal->detail.data()) ==
                   static_cast<const void*>(route.scope_names.data()));
    }
    return !refusal;
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_scope)

BOOST_AUTO_TEST_CASE(all_scopes_of_a_route_are_needed) {
    const auto all = config::Need::all;
    BOOST_TEST(passes(set_of({3}), set_of({3}), all));
    BOOST_TEST(passes(set_of({1, 3, 100}), set_of({3, 100}), all));
    BOOST_TEST(passes(keys::ScopeSet::first(128), set_of({0, 63, 64, 127}), all));
    BOOST_TEST(!passes(set_of({}), set_of({3}), all));
    BOOST_TEST(!passes(set_of({3}), set_of({3, 100}), all));
    BOOST_TEST(!passes(set_of({100}), set_of({3, 100}), all));
    BOOST_TEST(!passes(set_of({63}), set_of({127}), all));
}

BOOST_AUTO_TEST_CASE(one_scope_is_enough_where_any_will_do) {
    const auto any = config::Need::any;
    BOOST_TEST(passes(set_of({3}), set_of({3, 100}), any));
    BOOST_TEST(passes(set_of({100}), set_of({3, 100}), any));
    BOOST_TEST(!passes(set_of({}), set_of({3, 100}), any));
    BOOST_TEST(!passes(set_of({4, 36}), set_of({3, 100}), any));
}

BOOST_AUTO_TEST_CASE(a_route_for_any_valid_key_asks_for_no_scope) {
    policy::Route route;
    route.access = config::Access::key;
    BOOST_TEST(!policy::check_scope(identity_with({}), route, testing::Request{}.facts));
}

BOOST_AUTO_TEST_CASE(a_segment_of_the_path_decides_for_a_scope) {
    config::Api written;
    written.name = "stores";
    written.scopes = {{"base", "orders:read", "orders:write", "products:read", "x:orders:y"}};
    written.routes = {
        testing::route_of("GET /stores/{store}/{resource}/**", {"{resource}:read"}),
        testing::route_of("GET /both/{resource}", {"base", "{resource}:read"}),
        testing::route_of("GET /any/{resource}", {"base", "{resource}:read"}, config::Need::any),
        testing::route_of("GET /two/{a}/{b}", {"{a}:read", "{b}:write"}),
        testing::route_of("GET /plain/{scope}", {"{scope}"}),
        testing::route_of("GET /middle/{resource}", {"x:{resource}:y"}),
    };
    const testing::Compiled api{std::move(written)};

    struct Case {
        std::size_t route;
        std::string_view path;
        std::vector<std::string> held;
        std::string_view answer; // `ok`, or what is missing as the client is told
    };

    for (const Case& one : std::vector<Case>{
             {0, "/stores/7/orders/", {"orders:read"}, "ok"},
             {0, "/stores/7/orders", {"orders:read"}, "ok"},
             {0, "/stores/7/orders/1/items", {"orders:read"}, "ok"},
             {0, "/stores/7/products/1", {"orders:read"}, "products:read"},
             {0, "/stores/7/orders/1", {"orders:write", "products:read"}, "orders:read"},
             // What names no scope of the vocabulary is open to nobody.
             {0, "/stores/7/base/1", {"base", "orders:read", "products:read"}, ""},
             {0, "/stores/7/Orders/1", {"orders:read"}, ""},
             {0, "/stores/7/orders;x/1", {"orders:read"}, ""},
             {0, "/stores/7/orders%3Aread/1", {"orders:read"}, ""},
             {0, "/stores/7/order/1", {"orders:read"}, ""},
             {0, "/stores/orders/7/1", {"orders:read"}, ""},
             {1, "/both/orders", {"base", "orders:read"}, "ok"},
             {1, "/both/orders", {"orders:read"}, "base"},
             {1, "/both/orders", {"base"}, "base"},
             {2, "/any/orders", {"base"}, "ok"},
             {2, "/any/orders", {"orders:read"}, "ok"},
             {2, "/any/nothing", {"base"}, "ok"},
             {2, "/any/nothing", {"orders:read"}, "base"},
             {3, "/two/products/orders", {"products:read", "orders:write"}, "ok"},
             {3, "/two/orders/products", {"products:read", "orders:write"}, ""},
             {4, "/plain/base", {"base"}, "ok"},
             {4, "/plain/orders:read", {"orders:read"}, "ok"},
             {4, "/plain/orders:read", {"base"}, "orders:read"},
             {5, "/middle/orders", {"x:orders:y"}, "ok"},
             {5, "/middle/orders", {"orders:read"}, "x:orders:y"},
         })
        BOOST_TEST_CONTEXT(one.route << " " << one.path) {
            const testing::Request request{"GET", one.path};
            const auto refusal =
                policy::check_scope(identity_with(api.names().rights_of(one.held).value()),
                                    api.route(one.route), request.facts);
            BOOST_TEST((refusal ? refusal->detail : "ok") == one.answer);
            if (refusal) BOOST_TEST((refusal->reason == Reason::scope_missing));
        }
}

BOOST_AUTO_TEST_SUITE_END()
