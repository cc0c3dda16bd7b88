#include "policy/entries.hpp"
#include "policy/permit.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace keygate;
using testing::identity_with;

static_assert(!std::is_default_constructible_v<policy::Permit>);

namespace {

const auto plans = testing::free_and_pro();
const auto names_of_plans = testing::names_for(plans);
const keys::ApiNames no_names;
const policy::Rules with_plans{.plans = plans, .names = names_of_plans};
const policy::Rules without_plans{.plans = {}, .names = no_names};

Decision<policy::Permit> admit(const keys::Identity& identity, const policy::Route& route,
                               const policy::Rules& rules) {
    return policy::admit(identity, route, testing::Request{}.facts, rules);
}

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
    const auto permit = admit(identity, route, with_plans);
    BOOST_TEST_REQUIRE(permit.has_value());
    BOOST_TEST(&permit->route() == &route);
    BOOST_TEST(permit->caller() == &identity.entry());
    BOOST_TEST(permit->plan() == &plans[1]);
}

BOOST_AUTO_TEST_CASE(an_api_without_plans_has_none_to_name) {
    const auto route = route_with(config::Access::key);
    const auto permit = admit(identity_with({}), route, without_plans);
    BOOST_TEST_REQUIRE(permit.has_value());
    BOOST_TEST(permit->plan() == nullptr);
}

BOOST_AUTO_TEST_CASE(the_owner_is_asked_before_the_plan_and_the_plan_before_the_scope) {
    const auto route = route_with(config::Access::scope);
    const auto suspended = keys::OwnerStatus::suspended;
    BOOST_TEST((admit(identity_with({}, 0, suspended), route, with_plans).error().reason ==
                Reason::owner_suspended));
    BOOST_TEST(
        (admit(identity_with({}, 0), route, with_plans).error().reason == Reason::plan_no_api));
    BOOST_TEST(
        (admit(identity_with({}, 1), route, with_plans).error().reason == Reason::scope_missing));
}

BOOST_AUTO_TEST_CASE(the_order_of_the_decisions_never_changes) {
    // Everything is wrong, and is put right from the front.
    config::Api written;
    written.name = "stores";
    written.scopes = {{"a", "b"}};
    for (const char* const called : {"closed", "part", "whole"})
        written.plans.emplace_back().name = called;
    written.plans[0].api_access = false;
    written.plans[1].scopes = {{"b"}};
    written.bind = {{.parameter = "store", .is_owner = false, .name = "store"}};
    written.routes = {testing::route_of("GET /stores/{store}", {"a"})};
    const testing::Compiled api{std::move(written)};
    const testing::Request request{"GET", "/stores/7"};

    const auto with = [&](int fixed) {
        keys::KeyRecord record;
        record.addresses = {fixed > 4 ? "192.0.2.7" : "192.0.2.8"};
        record.referrers = {"https://app.example.com"};
        if (fixed > 5) record.referrers.clear();
        record.endpoints = {fixed > 6 ? "GET /stores/**" : "POST /stores/**"};
        record.bind = {{"store", fixed > 3 ? "7" : "8"}};
        const auto identity = testing::identity_of([&](keys::Entry& entry) {
            entry.plan = static_cast<std::uint16_t>(fixed > 2 ? 2 : fixed > 1 ? 1 : 0);
            if (fixed == 0) entry.owner_status = keys::OwnerStatus::suspended;
            if (fixed > 7) entry.scopes.add(0);
            const boost::intrusive_ptr<keys::Particulars> particulars{new keys::Particulars};
            particulars->restrictions = *keys::read_restrictions(record).value;
            entry.particulars = particulars;
        });
        const auto permit = policy::admit(identity, api.route(), request.facts, api.rules());
        return permit ? "ok" : std::string{name(permit.error().reason)};
    };
    BOOST_TEST(with(0) == "owner_suspended");
    BOOST_TEST(with(1) == "plan_no_api");
    BOOST_TEST(with(2) == "plan_route");
    BOOST_TEST(with(3) == "tenant_mismatch");
    BOOST_TEST(with(4) == "restriction_address");
    BOOST_TEST(with(5) == "restriction_referrer");
    BOOST_TEST(with(6) == "restriction_endpoint");
    BOOST_TEST(with(7) == "scope_missing");
    BOOST_TEST(with(8) == "ok");
}

BOOST_AUTO_TEST_CASE(where_a_key_is_optional_nobody_needs_one) {
    auto route = route_with(config::Access::scope);
    route.is_optional = true;
    const auto permit = policy::admit_public(route);
    BOOST_TEST(permit.caller() == nullptr);
    BOOST_TEST(permit.plan() == nullptr);
    // One that is sent must be good all the same.
    BOOST_TEST(
        (admit(identity_with({}, 1), route, with_plans).error().reason == Reason::scope_missing));
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
    BOOST_CHECK_THROW((void)admit(identity_with({}), of_another_api, without_plans),
                      std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
