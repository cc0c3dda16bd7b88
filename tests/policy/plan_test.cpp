#include "policy/entries.hpp"
#include "policy/plan.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace keygate;
using testing::identity_with;

namespace {

const auto plans = testing::free_and_pro();

std::string answer(const keys::Identity& identity, std::span<const config::Plan> of_api) {
    const auto refusal = policy::check_plan(identity, of_api);
    return refusal ? std::string{name(refusal->reason)} : "ok";
}

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

BOOST_AUTO_TEST_SUITE_END()
