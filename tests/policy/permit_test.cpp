#include "policy/entries.hpp"
#include "policy/permit.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <type_traits>
#include <vector>

using namespace keygate;
using testing::identity_with;

static_assert(!std::is_default_constructible_v<policy::Permit>);

namespace {

const auto plans = testing::free_and_pro();

policy::Route route_with(config::Access access) {
    policy::Route route;
    route.access = access;
    route.scopes.add(0);
    return route;
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_permit)

BOOST_AUTO_TEST_CASE(a_permit_names_its_route_its_caller_and_its_plan) {
    const auto route = route_with(config::Access::scope);
    const auto identity = identity_with(keys::ScopeSet::first(1), 1);
    const auto permit = policy::admit(identity, route, plans);
    BOOST_TEST_REQUIRE(permit.has_value());
    BOOST_TEST(&permit->route() == &route);
    BOOST_TEST(permit->caller() == &identity.entry());
    BOOST_TEST(permit->plan() == &plans[1]);
}

BOOST_AUTO_TEST_CASE(an_api_without_plans_has_none_to_name) {
    const auto route = route_with(config::Access::key);
    const auto permit = policy::admit(identity_with({}), route, {});
    BOOST_TEST_REQUIRE(permit.has_value());
    BOOST_TEST(permit->plan() == nullptr);
}

BOOST_AUTO_TEST_CASE(the_owner_is_asked_before_the_plan_and_the_plan_before_the_scope) {
    const auto route = route_with(config::Access::scope);
    const auto suspended = keys::OwnerStatus::suspended;
    BOOST_TEST((policy::admit(identity_with({}, 0, suspended), route, plans).error().reason ==
                Reason::owner_suspended));
    BOOST_TEST(
        (policy::admit(identity_with({}, 0), route, plans).error().reason == Reason::plan_no_api));
    BOOST_TEST((policy::admit(identity_with({}, 1), route, plans).error().reason ==
                Reason::scope_missing));
}

BOOST_AUTO_TEST_CASE(a_public_route_has_no_caller_and_no_plan) {
    const auto route = route_with(config::Access::open);
    const auto permit = policy::admit_public(route);
    BOOST_TEST(permit.caller() == nullptr);
    BOOST_TEST(permit.plan() == nullptr);
    BOOST_TEST(&permit.route() == &route);
}

BOOST_AUTO_TEST_CASE(mixing_up_routes_is_a_bug_and_not_a_permit) {
    const auto for_keys = route_with(config::Access::key);
    BOOST_CHECK_THROW((void)policy::admit_public(for_keys), std::logic_error);
    auto of_another_api = route_with(config::Access::key);
    of_another_api.api = 1;
    BOOST_CHECK_THROW((void)policy::admit(identity_with({}), of_another_api, {}), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
