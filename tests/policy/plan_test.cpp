#include "policy/entries.hpp"
#include "policy/plan.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace keygate;
using testing::identity_with;

namespace {

const auto plans = testing::free_and_pro();

std::string told(const std::optional<Refusal>& refusal) {
    return refusal ? std::string{name(refusal->reason)} : "ok";
}

std::string answer(const keys::Identity& identity, const std::vector<config::Plan>& of_api) {
    const auto names = testing::names_for(of_api);
    return told(policy::check_plan(identity, policy::Route{}, testing::Request{}.facts,
                                   {.plans = of_api, .names = names}));
}

/// An API with plans that leave something out.
config::Api api_with_parts() {
    config::Api api;
    api.name = "shop";
    api.scopes = {{"tests:read", "tests:write", "domains:read", "base"}};
    const auto add = [&](const char* called) -> config::Plan& {
        config::Plan& plan = api.plans.emplace_back();
        plan.name = called;
        return plan;
    };
    add("all");
    add("tests").scopes = {{"tests:*"}};
    add("reading").routes = {{"GET /v1/**"}};
    add("every").scopes = {{"*"}};
    add("both").scopes = {{"tests:read"}};
    api.plans.back().routes = {{"ANY /v1/tests/**"}};
    api.routes = {
        testing::route_of("ANY /v1/tests", {"tests:read"}),
        testing::route_of("ANY /v1/domains", {"domains:read"}),
        testing::route_of("ANY /v1/some", {"tests:read", "domains:read"}, config::Need::any),
        testing::route_of("ANY /v1/most", {"tests:read", "domains:read"}),
        testing::route_of("ANY /v1/me"),
        testing::route_of("ANY /v1/of/{resource}", {"{resource}:read"})};
    return api;
}

struct Case {
    std::uint16_t plan;
    std::string method;
    std::string path;
    std::size_t route;
    std::string answer;
};

} // namespace

BOOST_AUTO_TEST_SUITE(policy_plan)

BOOST_AUTO_TEST_CASE(a_plan_opens_the_api_or_does_not) {
    BOOST_TEST(answer(identity_with({}, 0), plans) == "plan_no_api");
    BOOST_TEST(answer(identity_with({}, 1), plans) == "ok");
}

BOOST_AUTO_TEST_CASE(an_api_without_plans_asks_for_none) {
    BOOST_TEST(answer(identity_with({}), {}) == "ok");
    BOOST_TEST(answer(identity_with({}, 7), {}) == "ok");
}

BOOST_AUTO_TEST_CASE(a_plan_that_does_not_exist_opens_nothing) {
    BOOST_TEST(answer(identity_with({}, 2), plans) == "store_invalid");
    BOOST_TEST(answer(identity_with({}), plans) == "store_invalid");
}

BOOST_AUTO_TEST_CASE(a_suspended_owner_is_told_so_first) {
    for (const std::uint16_t plan : std::initializer_list<std::uint16_t>{0, 1, 9})
        BOOST_TEST(answer(identity_with({}, plan, keys::OwnerStatus::suspended), plans) ==
                   "owner_suspended");
    BOOST_TEST(answer(identity_with({}, 0, keys::OwnerStatus::suspended), {}) == "owner_suspended");
}

BOOST_AUTO_TEST_CASE(a_plan_includes_a_part_of_the_api) {
    enum : std::uint16_t { all, tests, reading, every, both };

    const testing::Compiled api{api_with_parts()};
    for (const Case& one : std::vector<Case>{
             {all, "DELETE", "/v1/domains", 1, "ok"},
             {tests, "GET", "/v1/tests", 0, "ok"},
             {tests, "GET", "/v1/domains", 1, "plan_route"},
             {tests, "GET", "/v1/some", 2, "ok"},
             {tests, "GET", "/v1/most", 3, "plan_route"},
             {tests, "GET", "/v1/me", 4, "ok"},
             {tests, "GET", "/v1/of/tests", 5, "ok"},
             {tests, "GET", "/v1/of/domains", 5, "plan_route"},
             // Nobody's scopes are enough for it: that is not the plan's doing.
             {tests, "GET", "/v1/of/nothing", 5, "ok"},
             {reading, "GET", "/v1/domains", 1, "ok"},
             {reading, "HEAD", "/v1/domains", 1, "ok"},
             {reading, "POST", "/v1/domains", 1, "plan_route"},
             {reading, "POST", "/v1/me", 4, "plan_route"},
             {every, "DELETE", "/v1/most", 3, "ok"},
             {both, "POST", "/v1/tests", 0, "ok"},
             {both, "POST", "/v1/some", 2, "plan_route"},
             {both, "GET", "/v1/tests;x=1", 0, "plan_route"},
         })
        BOOST_TEST_CONTEXT(one.plan << " " << one.method << " " << one.path) {
            const testing::Request request{one.method, one.path};
            // What the key itself may do is not asked here.
            BOOST_TEST(told(policy::check_plan(identity_with({}, one.plan), api.route(one.route),
                                               request.facts, api.rules())) == one.answer);
        }
}

BOOST_AUTO_TEST_CASE(a_plan_s_routes_take_a_trailing_slash_as_the_map_does) {
    config::Api written = api_with_parts();
    written.plans[2].routes = {{"GET /v1/me"}};
    for (const auto slash : {config::TrailingSlash::strict, config::TrailingSlash::ignore}) {
        written.trailing_slash = slash;
        const testing::Compiled api{written};
        const testing::Request request{"GET", "/v1/me/"};
        BOOST_TEST(told(policy::check_plan(identity_with({}, 2), api.route(4), request.facts,
                                           api.rules())) ==
                   (slash == config::TrailingSlash::ignore ? "ok" : "plan_route"));
    }
}

BOOST_AUTO_TEST_SUITE_END()
