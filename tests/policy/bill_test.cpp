#include "auth/key.hpp"
#include "config/limit_names.hpp"
#include "limit/counters.hpp"
#include "net/admission.hpp"
#include "policy/bill.hpp"
#include "policy/entries.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// Which limits a request is charged to: the plan's, what stands in their place, and the route's.
namespace keygate::policy {
namespace {

namespace bdata = boost::unit_test::data;

using config::LimitBy;
using namespace std::chrono_literals;

template <class Rule>
config::Limit named(std::string name, Rule rule, LimitBy by = LimitBy::key,
                    std::string_view route = {}) {
    config::Limit limit;
    limit.name = std::move(name);
    limit.by = by;
    limit.rule = std::move(rule);
    config::name_state(limit, route);
    return limit;
}

config::Rate rate(std::uint64_t limit) {
    config::Rate rate;
    rate.limit = limit;
    rate.window = 60s;
    return rate;
}

config::Quota quota(std::uint64_t limit, std::string meter = "requests") {
    config::Quota quota;
    quota.limit = limit;
    quota.meter = std::move(meter);
    quota.time_zone = find_time_zone("UTC");
    return quota;
}

config::Concurrency running(std::uint64_t limit) {
    config::Concurrency concurrency;
    concurrency.limit = limit;
    return concurrency;
}

constexpr std::uint32_t key_number = 7;
constexpr std::uint32_t owner_number = 8;
constexpr std::uint32_t route_number = limit::Counters::first_route + 3;

/// What a case is made of: words that say what there is.
struct Case {
    const char* what;
    bool has_plan = true;
    bool is_test = false;
    bool spends_quota = false; // `limits.test.quota: spend`
    bool has_test_rates = false;
    bool has_own_rates = false;
    bool has_own_quotas = false; // of `requests` and of `emails`
    const char* meter = "";      // of the route
    std::uint32_t weight = 1;
    bool has_route_limits = false;
    const char* bill; // name/subject*cost, in order
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.what;
}

// clang-format off
const std::vector<Case> cases{
    {.what = "the plan's rates, `requests` and requests at once",
     .bill = "minute/key*1 all/owner*1 monthly/owner*1 running/key*1"},
    {.what = "the meter of the route counts one",
     .meter = "tests",
     .bill = "minute/key*1 all/owner*1 monthly/owner*1 tests/owner*1 running/key*1"},
    {.what = "a meter that the plan has no quota of counts nothing",
     .meter = "pages",
     .bill = "minute/key*1 all/owner*1 monthly/owner*1 running/key*1"},
    {.what = "a weight is what rates and `requests` cost, not meters and requests at once",
     .meter = "tests", .weight = 5,
     .bill = "minute/key*5 all/owner*5 monthly/owner*5 tests/owner*1 running/key*1"},
    {.what = "the route's limits come behind",
     .weight = 3, .has_route_limits = true,
     .bill = "minute/key*3 all/owner*3 monthly/owner*3 running/key*1 "
             "r-key/key*3 r-owner/owner*3 r-route/route*3 r-address/address*3 r-running/key*1"},
    {.what = "an API without plans", .has_plan = false, .bill = ""},
    {.what = "an API without plans has its routes' limits",
     .has_plan = false, .weight = 2, .has_route_limits = true,
     .bill = "r-key/key*2 r-owner/owner*2 r-route/route*2 r-address/address*2 r-running/key*1"},

    {.what = "a key's own rates stand in place of the plan's",
     .has_own_rates = true, .weight = 2,
     .bill = "own/key*2 own-owner/owner*2 monthly/owner*2 running/key*1"},
    {.what = "a key's own rates without a plan",
     .has_plan = false, .has_own_rates = true,
     .bill = "own/key*1 own-owner/owner*1"},
    {.what = "a key's own quotas stand in place of those of their meters",
     .has_own_quotas = true, .meter = "tests",
     .bill = "minute/key*1 all/owner*1 own-monthly/key*1 tests/owner*1 running/key*1"},
    {.what = "a key's own quota of a meter that its plan does not count",
     .has_own_quotas = true, .meter = "emails",
     .bill = "minute/key*1 all/owner*1 own-monthly/key*1 own-emails/key*1 running/key*1"},
    {.what = "a key's own rates and quotas",
     .has_own_rates = true, .has_own_quotas = true,
     .bill = "own/key*1 own-owner/owner*1 own-monthly/key*1 running/key*1"},

    {.what = "a test key spends no quota",
     .is_test = true, .meter = "tests",
     .bill = "minute/key*1 all/owner*1 running/key*1"},
    {.what = "a test key that spends quotas",
     .is_test = true, .spends_quota = true, .meter = "tests",
     .bill = "minute/key*1 all/owner*1 monthly/owner*1 tests/owner*1 running/key*1"},
    {.what = "rates of test keys stand in place of the plan's",
     .is_test = true, .has_test_rates = true, .weight = 4,
     .bill = "testing/key*4 running/key*1"},
    {.what = "rates of test keys are not those of live ones",
     .has_test_rates = true,
     .bill = "minute/key*1 all/owner*1 monthly/owner*1 running/key*1"},
    {.what = "a test key's own rates come before those of test keys",
     .is_test = true, .has_test_rates = true, .has_own_rates = true,
     .bill = "own/key*1 own-owner/owner*1 running/key*1"},
    {.what = "a test key's own quotas are not spent",
     .is_test = true, .has_own_quotas = true, .meter = "emails",
     .bill = "minute/key*1 all/owner*1 running/key*1"},
    {.what = "a test key's own quotas where they spend",
     .is_test = true, .spends_quota = true, .has_own_quotas = true, .meter = "emails",
     .bill = "minute/key*1 all/owner*1 own-monthly/key*1 own-emails/key*1 running/key*1"},
    {.what = "a test key has the route's limits",
     .is_test = true, .has_test_rates = true, .has_route_limits = true,
     .bill = "testing/key*1 running/key*1 "
             "r-key/key*1 r-owner/owner*1 r-route/route*1 r-address/address*1 r-running/key*1"},
};

// clang-format on

struct Fixture {
    limit::Counters counters{4};
    limit::AddressBook addresses{counters};
    config::Api api;
    Route route;
    std::vector<config::Plan> plans;
    std::string address = "2001:db8::7";

    Fixture() {
        api.name = "shop";
        route.access = config::Access::key;
        route.name = "GET /orders";
    }

    void add_plan() {
        config::Plan& plan = plans.emplace_back();
        plan.limits = {named("minute", rate(100)), named("all", rate(1000), LimitBy::owner),
                       named("monthly", quota(1000), LimitBy::owner),
                       named("tests", quota(50, "tests"), LimitBy::owner),
                       named("running", running(5))};
    }

    void add_route_limits() {
        const auto add = [&](const char* name, LimitBy by) {
            route.limits.push_back(named(name, rate(9), by, route.name));
        };
        add("r-key", LimitBy::key);
        add("r-owner", LimitBy::owner);
        add("r-route", LimitBy::route);
        add("r-address", LimitBy::address);
        route.limits.push_back(named("r-running", running(2), LimitBy::key, route.name));
    }

    /// @returns the identity of a key.
    keys::Identity caller(const Case& c) const {
        auto* entry = new keys::Entry;
        const keys::EntryRef ref{entry};
        entry->number = key_number;
        entry->owner_number = owner_number;
        entry->mode = c.is_test ? keys::Mode::test : keys::Mode::live;
        if (c.has_plan) entry->plan = 0;
        config::KeyLimits own;
        if (c.has_own_rates)
            own.rates =
                std::vector{named("own", rate(3)), named("own-owner", rate(4), LimitBy::owner)};
        if (c.has_own_quotas)
            own.quotas = {named("own-monthly", quota(7)), named("own-emails", quota(8, "emails"))};
        if (c.has_own_rates || c.has_own_quotas)
            entry->limits = std::make_shared<const config::KeyLimits>(own);
        return auth::identify(ref, {}, entry->api, with_test(), true, WallTime{}).value();
    }

    static keys::ApiNames with_test() {
        keys::ApiNames names;
        names.has_test_upstream = true;
        return names;
    }

    [[nodiscard]] Decision<Permit> permit_of(keys::Identity identity) const {
        const auto names = testing::names_for(plans);
        return admit(std::move(identity), route, testing::Request{}.facts,
                     {.plans = plans, .names = names});
    }

    std::string text_of(const limit::Bill& bill) {
        std::string text;
        for (const limit::Item& item : bill.items())
            text += (text.empty() ? "" : " ") + item.limit->name + '/' + subject_of(item.subject) +
                    '*' + std::to_string(item.cost);
        return text;
    }

    std::string subject_of(std::uint32_t number) {
        if (number == key_number) return "key";
        if (number == owner_number) return "owner";
        if (number == route_number) return "route";
        return number == addresses.number_of(api.name, net::address_group(address))
                   ? "address"
                   : std::to_string(number);
    }

    limit::Bill bill(const Permit& permit) {
        return bill_of(permit, api,
                       {.route = route_number, .addresses = addresses, .address = address});
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(policy_bill, Fixture)

BOOST_DATA_TEST_CASE_F(Fixture, a_request_is_charged_to, bdata::make(cases), c) {
    if (c.has_plan) add_plan();
    if (c.has_route_limits) add_route_limits();
    route.meter = c.meter;
    route.weight = c.weight;
    api.limits.test_spends_quota = c.spends_quota;
    if (c.has_test_rates) api.limits.test_rates = std::vector{named("testing", rate(5))};
    const auto permit = permit_of(caller(c));
    BOOST_TEST_REQUIRE(permit.has_value());
    BOOST_TEST(text_of(bill(*permit)) == c.bill);
}

BOOST_AUTO_TEST_CASE(a_public_route_is_charged_to_its_own_limits_alone) {
    add_plan();
    route.access = config::Access::open;
    route.weight = 2;
    route.meter = "tests";
    BOOST_TEST(bill(admit_public(route)).is_empty());
    BOOST_TEST(addresses.size() == 0U); // nobody was asked for
    route.limits = {named("by-address", rate(9), LimitBy::address, route.name),
                    named("by-route", rate(9), LimitBy::route, route.name),
                    named("at-once", running(9), LimitBy::address, route.name)};
    BOOST_TEST(text_of(bill(admit_public(route))) ==
               "by-address/address*2 by-route/route*2 at-once/address*1");
    BOOST_TEST(addresses.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_limits_of_a_bill_are_those_of_who_keeps_them) {
    add_plan();
    const Case c{.what = "", .has_own_quotas = true, .bill = ""};
    const auto permit = permit_of(caller(c));
    BOOST_TEST_REQUIRE(permit.has_value());
    const limit::Bill charged = bill(*permit);
    BOOST_TEST(charged.items()[0].limit == &plans[0].limits[0]);
    BOOST_TEST(charged.items()[2].limit == &permit->caller()->limits->quotas[0]);
}

// What config/ accepts at most: 8 rates and 8 quotas of a key, 16 limits of a plan, 8 of a route.
BOOST_AUTO_TEST_CASE(the_largest_bill_has_room_for_all) {
    const auto add = [](std::vector<config::Limit>& limits, const char* name, const auto& rule,
                        int count) {
        for (int i = 0; i < count; ++i)
            limits.push_back(named(name + std::to_string(i), rule));
    };
    config::Plan& plan = plans.emplace_back();
    add(plan.limits, "monthly", quota(1000), 8);
    add(plan.limits, "running", running(5), 2);
    add(route.limits, "route", rate(9), 8);
    route.meter = "tests";
    config::KeyLimits own;
    add(own.rates.emplace(), "own", rate(3), 8);
    add(own.quotas, "tests", quota(7, "tests"), 8);
    auto* const entry = new keys::Entry;
    const keys::EntryRef ref{entry};
    entry->plan = 0;
    entry->limits = std::make_shared<const config::KeyLimits>(own);
    auto identity = auth::identify(ref, {}, entry->api, with_test(), true, WallTime{});
    BOOST_TEST_REQUIRE(identity.has_value());
    const auto permit = permit_of(std::move(*identity));
    BOOST_TEST_REQUIRE(permit.has_value());
    const limit::Bill charged = bill(*permit);
    BOOST_TEST(charged.items().size() == 34U);
    BOOST_TEST(charged.items().back().limit->name == "route7");
    limit::Calendar calendar;
    const auto outcome = counters.charge(charged, limit::Instant{std::chrono::hours{1}}, calendar);
    BOOST_TEST(outcome.is_admitted());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::policy
