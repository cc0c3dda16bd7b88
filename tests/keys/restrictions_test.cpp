#include "keys/records.hpp"
#include "keys/restrictions.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace keygate::keys {
namespace {

using Change = std::function<void(KeyRecord&)>;

std::shared_ptr<const Restrictions> with(const Change& change) {
    KeyRecord record = test::key_record(1);
    change(record);
    const auto read = read_restrictions(record);
    BOOST_TEST_REQUIRE(read.value.has_value(), read.wrong);
    return *read.value;
}

std::string wrong_with(const Change& change) {
    KeyRecord record = test::key_record(1);
    change(record);
    const auto read = read_restrictions(record);
    return read.value ? "nothing" : read.wrong;
}

BOOST_AUTO_TEST_SUITE(keys_restrictions)

BOOST_AUTO_TEST_CASE(a_record_that_says_nothing_has_none) {
    BOOST_TEST(with([](KeyRecord&) {}) == nullptr);
}

BOOST_AUTO_TEST_CASE(each_of_the_four_is_read) {
    const auto all = with([](KeyRecord& record) {
        record.addresses = {"192.0.2.0/24"};
        record.referrers = {"https://app.example.com"};
        record.endpoints = {"GET /v1/orders/**"};
        record.bind = {{"store", "267418190"}};
    });
    BOOST_TEST_REQUIRE(all);
    BOOST_TEST(all->addresses.contains("192.0.2.7"));
    BOOST_TEST(all->referrers.admits({.origins = 1, .origin = "https://app.example.com"}));
    BOOST_TEST(all->endpoints.admits("GET", "/v1/orders/7", config::TrailingSlash::strict));
    BOOST_TEST(all->bind.at("store") == "267418190");

    const auto one = with([](KeyRecord& record) { record.bind = {{"store", "1"}}; });
    BOOST_TEST_REQUIRE(one);
    BOOST_TEST(one->addresses.is_empty());
    BOOST_TEST(one->referrers.is_empty());
    BOOST_TEST(one->endpoints.is_empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_begins_with_the_name_of_its_field) {
    BOOST_TEST(wrong_with([](KeyRecord& record) {
                   record.addresses = {"here"};
               }).starts_with("addresses: expected "));
    BOOST_TEST(wrong_with([](KeyRecord& record) {
                   record.referrers = {"here"};
               }).starts_with("referrers: expected "));
    BOOST_TEST(wrong_with([](KeyRecord& record) {
                   record.endpoints = {"here"};
               }).starts_with("endpoints: expected "));
    using Bind = std::map<std::string, std::string>;
    for (const Bind& bind : std::vector<Bind>{{{"", "x"}},
                                              {{"a b", "x"}},
                                              {{"store", ""}},
                                              {{"store", "a\nb"}},
                                              {{"store", std::string(257, 'x')}}})
        BOOST_TEST(wrong_with([&](KeyRecord& record) {
                       record.bind = bind;
                   }).starts_with("bind: expected "));
    BOOST_TEST(wrong_with([&](KeyRecord& record) {
                   for (int i = 0; i < 17; ++i)
                       record.bind["s" + std::to_string(i)] = "x";
               }).starts_with("bind: expected "));
}

BOOST_AUTO_TEST_CASE(a_key_covers_another_where_it_is_restricted_less) {
    const auto none = with([](KeyRecord&) {});
    const auto here = with([](KeyRecord& record) { record.addresses = {"192.0.2.0/24"}; });
    const auto host = with([](KeyRecord& record) { record.addresses = {"192.0.2.7"}; });
    const auto page = with([](KeyRecord& record) {
        record.addresses = {"192.0.2.7"};
        record.referrers = {"https://app.example.com"};
        record.endpoints = {"GET /v1/orders"};
    });
    const auto store = with([](KeyRecord& record) { record.bind = {{"store", "1"}}; });
    const auto other = with([](KeyRecord& record) { record.bind = {{"store", "2"}}; });
    const auto stores = with([](KeyRecord& record) {
        record.bind = {{"store", "1"}, {"shelf", "3"}};
    });

    BOOST_TEST(covers(none.get(), none.get()));
    BOOST_TEST(covers(none.get(), page.get()));
    BOOST_TEST(!covers(page.get(), none.get()));
    BOOST_TEST(covers(here.get(), host.get()));
    BOOST_TEST(!covers(host.get(), here.get()));
    BOOST_TEST(covers(host.get(), page.get()));
    BOOST_TEST(!covers(page.get(), host.get()));
    BOOST_TEST(covers(page.get(), page.get()));
    BOOST_TEST(covers(store.get(), stores.get()));
    BOOST_TEST(!covers(stores.get(), store.get()));
    BOOST_TEST(!covers(store.get(), other.get()));
    BOOST_TEST(!covers(store.get(), none.get()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
