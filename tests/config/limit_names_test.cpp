#include "config/limit_names.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

// Counts outlive reloads and releases under these names: whoever changes one here forgets what
// every key, owner and address has spent.

namespace {

using namespace keygate::config;

Limit rate(std::uint64_t limit, seconds window, std::optional<std::uint64_t> burst = {}) {
    Rate made;
    made.limit = limit;
    made.window = window;
    made.burst = burst;
    Limit out;
    out.name = "name";
    out.rule = made;
    return out;
}

Limit quota(std::uint64_t limit, std::string meter, keygate::Period period, std::string zone) {
    Limit out;
    out.name = "name";
    out.rule = Quota{limit, period, std::move(zone), std::move(meter)};
    return out;
}

Limit concurrency(std::uint64_t limit) {
    Limit out;
    out.name = "name";
    out.rule = Concurrency{limit};
    return out;
}

Limit named(Limit limit, std::string_view route = {}, bool is_test = false) {
    name_state(limit, route, is_test);
    return limit;
}

std::string state(Limit limit, std::string_view route = {}, bool is_test = false) {
    return named(std::move(limit), route, is_test).state;
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_limit_names)

BOOST_AUTO_TEST_CASE(each_count_has_the_name_that_it_has_always_had) {
    using keygate::Period;
    BOOST_TEST(state(rate(100, seconds{60})) == "w60");
    BOOST_TEST(state(rate(100, seconds{86'400})) == "w86400");
    BOOST_TEST(state(rate(100, seconds{60}, 20)) == "b60");
    BOOST_TEST(state(quota(1000, "tests", Period::month, "UTC")) == "q:tests:month:UTC");
    BOOST_TEST(state(quota(1000, "requests", Period::day, "Europe/Berlin")) ==
               "q:requests:day:Europe/Berlin");
    BOOST_TEST(state(concurrency(10)) == "c");
    BOOST_TEST(state(rate(100, seconds{60}), "GET /v1/orders") == "r:GET /v1/orders:w60");
    BOOST_TEST(state(rate(100, seconds{60}, 1), "GET /v1/orders") == "r:GET /v1/orders:b60");
    BOOST_TEST(state(concurrency(10), "GET|PUT /a/{b}/**") == "r:GET|PUT /a/{b}/**:c");
    BOOST_TEST(state(rate(100, seconds{60}), {}, true) == "t:w60");
}

BOOST_AUTO_TEST_CASE(a_routes_own_count_is_named_by_its_subject_already) {
    Limit limit = rate(100, seconds{60});
    limit.by = LimitBy::route;
    BOOST_TEST(state(limit, "GET /v1/orders") == "w60");
    limit.by = LimitBy::address;
    BOOST_TEST(state(limit, "GET /v1/orders") == "r:GET /v1/orders:w60");
}

BOOST_AUTO_TEST_CASE(the_numbers_of_names_are_what_they_have_always_been) {
    BOOST_TEST(named(rate(100, seconds{60})).tag == 0x7cff04e60f2b020dU);
    BOOST_TEST(named(rate(100, seconds{60}, 20)).tag == 0x97bf58f98235defbU);
    BOOST_TEST(named(quota(1, "tests", keygate::Period::month, "UTC")).tag == 0x8c805369aaedb955U);
    BOOST_TEST(named(concurrency(1)).tag == 0x7b8855250f3cde02U);
}

BOOST_AUTO_TEST_CASE(a_count_is_not_forgotten_when_its_limit_is_edited) {
    const Limit before = named(rate(100, seconds{60}, 20));
    Limit edited = rate(7, seconds{60}, 1);
    edited.name = "other";
    edited.text = "7/60s";
    edited.by = LimitBy::owner;
    edited.dry_run = true;
    edited.place = {9, 9};
    edited = named(edited);
    BOOST_TEST(edited.state == before.state);
    BOOST_TEST(edited.tag == before.tag);
    BOOST_TEST(edited.policy != before.policy);
}

BOOST_AUTO_TEST_CASE(what_counts_something_else_has_another_number) {
    std::set<std::uint64_t> tags;
    std::size_t count = 0;
    const auto add = [&](const Limit& limit, std::string_view route = {}, bool is_test = false) {
        tags.insert(named(limit, route, is_test).tag);
        ++count;
    };
    for (int window = 1; window <= 2'000; ++window) {
        add(rate(1, seconds{window}));
        add(rate(1, seconds{window}, 1));
        add(rate(1, seconds{window}), {}, true);
        add(rate(1, seconds{window}), "GET /a");
        add(rate(1, seconds{window}), "GET /b");
        add(concurrency(1), "GET /" + std::to_string(window));
    }
    BOOST_TEST(tags.size() == count);
    BOOST_TEST(tags.count(0) == 0U);
}

BOOST_AUTO_TEST_CASE(a_limit_has_its_item_of_the_policy_field) {
    using keygate::Period;
    BOOST_TEST(named(rate(100, seconds{60})).policy == "\"name\";q=100;w=60");
    BOOST_TEST(named(rate(100, seconds{60}, 20)).policy == "\"name\";q=100;w=60");
    BOOST_TEST(named(quota(5, "tests", Period::day, "UTC")).policy == "\"name\";q=5;w=86400");
    BOOST_TEST(named(quota(5, "tests", Period::month, "UTC")).policy == "\"name\";q=5");
    BOOST_TEST(named(concurrency(10)).policy == "\"name\";q=10;qu=\"concurrent-requests\"");
}

BOOST_AUTO_TEST_SUITE_END()
