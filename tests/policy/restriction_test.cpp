#include "policy/entries.hpp"
#include "policy/restriction.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace keygate;
using http::FieldName;

namespace {

keys::Restrictions restrictions(const std::vector<std::string>& addresses,
                                const std::vector<std::string>& referrers,
                                const std::vector<std::string>& endpoints) {
    return {.addresses = keys::AddressList::parse(addresses).value.value(),
            .referrers = keys::ReferrerList::parse(referrers).value.value(),
            .endpoints = keys::EndpointList::parse(endpoints).value.value(),
            .bind = {}};
}

std::string answer(const keys::Identity& identity, const testing::Request& request,
                   config::TrailingSlash slash = config::TrailingSlash::strict) {
    keys::ApiNames names;
    names.trailing_slash = slash;
    const auto refusal =
        policy::check_restrictions(identity, request.facts, {.plans = {}, .names = names});
    return refusal ? std::string{name(refusal->reason)} : "ok";
}

const std::vector<std::string> here{"192.0.2.0/24"};
const std::vector<std::string> app{"https://app.example.com"};
const std::vector<std::string> orders{"GET /v1/orders"};

} // namespace

BOOST_AUTO_TEST_SUITE(policy_restriction)

BOOST_AUTO_TEST_CASE(a_key_without_restrictions_may_be_used_from_everywhere) {
    const testing::Request request{"DELETE", "/v1/all", "203.0.113.9"};
    BOOST_TEST(answer(testing::identity_of([](keys::Entry&) {}), request) == "ok");
    BOOST_TEST(answer(testing::identity_of(
                          [](keys::Entry& entry) { entry.particulars = new keys::Particulars; }),
                      request) == "ok");
    BOOST_TEST(answer(testing::identity_within(testing::bound_to("store", "7")), request) == "ok");
}

BOOST_AUTO_TEST_CASE(each_restriction_has_its_reason) {
    const testing::Request request{"GET", "/v1/orders", "192.0.2.7"};
    const testing::Request elsewhere{"GET", "/v1/orders", "192.0.3.7"};
    const testing::Request other{"GET", "/v1/other", "192.0.2.7"};
    BOOST_TEST(answer(testing::identity_within(restrictions(here, {}, {})), request) == "ok");
    BOOST_TEST(answer(testing::identity_within(restrictions(here, {}, {})), elsewhere) ==
               "restriction_address");
    BOOST_TEST(answer(testing::identity_within(restrictions({}, app, {})), request) ==
               "restriction_referrer");
    BOOST_TEST(answer(testing::identity_within(restrictions({}, {}, orders)), request) == "ok");
    BOOST_TEST(answer(testing::identity_within(restrictions({}, {}, orders)), other) ==
               "restriction_endpoint");
}

BOOST_AUTO_TEST_CASE(the_first_in_the_order_is_the_one_that_is_told) {
    const auto all = testing::identity_within(restrictions(here, app, orders));
    testing::Request request{"POST", "/v1/orders", "203.0.113.9"};
    BOOST_TEST(answer(all, request) == "restriction_address");
    testing::Request from_here{"POST", "/v1/orders", "192.0.2.7"};
    BOOST_TEST(answer(all, from_here) == "restriction_referrer");
    from_here.add(FieldName::origin, "https://app.example.com");
    BOOST_TEST(answer(all, from_here) == "restriction_endpoint");
    from_here.head.method = "GET";
    BOOST_TEST(answer(all, from_here) == "ok");
}

BOOST_AUTO_TEST_CASE(all_fields_of_a_head_are_looked_at) {
    const auto from_app = testing::identity_within(restrictions({}, app, {}));
    testing::Request twice{"GET", "/v1/orders"};
    twice.add(FieldName::accept, "*/*");
    twice.add(FieldName::referer, "https://app.example.com/x");
    BOOST_TEST(answer(from_app, twice) == "ok");
    twice.add(FieldName::referer, "https://app.example.com/x");
    BOOST_TEST(answer(from_app, twice) == "restriction_referrer");

    testing::Request origins{"GET", "/v1/orders"};
    origins.add(FieldName::origin, "https://app.example.com");
    BOOST_TEST(answer(from_app, origins) == "ok");
    origins.add(FieldName::origin, "https://evil.example");
    BOOST_TEST(answer(from_app, origins) == "restriction_referrer");
}

BOOST_AUTO_TEST_CASE(a_trailing_slash_counts_as_in_the_map) {
    const auto only = testing::identity_within(restrictions({}, {}, orders));
    const testing::Request request{"GET", "/v1/orders/"};
    BOOST_TEST(answer(only, request) == "restriction_endpoint");
    BOOST_TEST(answer(only, request, config::TrailingSlash::ignore) == "ok");
}

BOOST_AUTO_TEST_SUITE_END()
