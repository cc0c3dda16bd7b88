#include "policy/entries.hpp"
#include "policy/scope.hpp"

#include <boost/test/unit_test.hpp>

#include <initializer_list>

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
    const auto refusal = policy::check_scope(identity_with(held), route);
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
    BOOST_TEST(!policy::check_scope(identity_with({}), route));
}

BOOST_AUTO_TEST_SUITE_END()
