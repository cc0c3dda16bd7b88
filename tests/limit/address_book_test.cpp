#include "limit/address_book.hpp"
#include "limit/limits.hpp"
#include "net/admission.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace keygate::limit {
namespace {

using namespace std::chrono_literals;
using testing::bill_of;
using testing::limit_of;
using testing::rate_of;
using testing::start;

struct Fixture {
    Counters counters{1};
    AddressBook book{counters};
    Calendar calendar;
    std::vector<config::Limit> limits{limit_of(rate_of(2, 24h), config::LimitBy::address)};

    bool pass(std::uint32_t subject) {
        return counters.charge(bill_of(limits, subject), start, calendar).is_admitted();
    }
};

BOOST_FIXTURE_TEST_SUITE(limit_address_book, Fixture)

BOOST_AUTO_TEST_CASE(an_address_keeps_its_number) {
    std::set<std::uint32_t> numbers;
    for (int i = 0; i < 1'000; ++i)
        numbers.insert(book.number_of("shop", "192.0.2." + std::to_string(i)));
    BOOST_TEST(numbers.size() == 1'000U);
    BOOST_TEST(*numbers.begin() >= Counters::first_address);
    for (int i = 0; i < 1'000; ++i)
        BOOST_TEST_REQUIRE(
            numbers.contains(book.number_of("shop", "192.0.2." + std::to_string(i))));
    BOOST_TEST(book.size() == 1'000U);
}

BOOST_AUTO_TEST_CASE(each_api_counts_an_address_by_itself) {
    const std::uint32_t shop = book.number_of("shop", "192.0.2.1");
    BOOST_TEST(shop != book.number_of("news", "192.0.2.1"));
    BOOST_TEST(shop != book.number_of("shop192.0.2.", "1")); // nor do two names run together
    BOOST_TEST(shop == book.number_of("shop", "192.0.2.1"));
}

BOOST_AUTO_TEST_CASE(a_network_of_IPv6_is_one_address) {
    const auto number = [&](const char* address) {
        return book.number_of("shop", net::address_group(address));
    };
    BOOST_TEST(number("2001:db8:1:2::1") == number("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    BOOST_TEST(number("2001:db8:1:2::1") != number("2001:db8:1:3::1"));
}

BOOST_AUTO_TEST_CASE(of_more_addresses_than_there_is_room_for_the_oldest_begins_anew) {
    const std::string first = "198.51.100.1";
    BOOST_TEST(pass(book.number_of("shop", first)));
    BOOST_TEST(pass(book.number_of("shop", first)));
    BOOST_TEST(!pass(book.number_of("shop", first)));
    const std::string steady = "198.51.100.2"; // who comes again and again is not forgotten
    BOOST_TEST(pass(book.number_of("shop", steady)));
    BOOST_TEST(pass(book.number_of("shop", steady)));
    std::set<std::uint32_t> numbers;
    for (int i = 0; i < 200'000; ++i) {
        numbers.insert(book.number_of("shop", "a" + std::to_string(i)));
        if (i % 100 == 0) (void)book.number_of("shop", steady);
    }
    BOOST_TEST(book.size() == 65'536U);
    BOOST_TEST(numbers.size() <= 65'536U);
    BOOST_TEST(!pass(book.number_of("shop", steady)));
    BOOST_TEST(pass(book.number_of("shop", first))); // it was forgotten
    // Nobody begins with what another one has used under the same number.
    const std::uint32_t of_new = book.number_of("shop", "203.0.113.1");
    BOOST_TEST(pass(of_new));
    BOOST_TEST(pass(of_new));
    BOOST_TEST(!pass(of_new));
    // The last of the numbers are there as well, and no number is two addresses'.
    BOOST_TEST(*numbers.rbegin() == 0xffffffffU);
}

BOOST_AUTO_TEST_CASE(threads_agree_about_numbers) {
    constexpr int addresses = 2'000;
    std::vector<std::vector<std::uint32_t>> seen(4);
    std::vector<std::thread> threads;
    for (std::vector<std::uint32_t>& mine : seen)
        threads.emplace_back([&mine, this] {
            for (int i = 0; i < addresses; ++i)
                mine.push_back(book.number_of("shop", "a" + std::to_string(i)));
        });
    for (std::thread& thread : threads)
        thread.join();
    for (const std::vector<std::uint32_t>& mine : seen)
        BOOST_TEST((mine == seen.front()));
    BOOST_TEST(std::set<std::uint32_t>(seen.front().begin(), seen.front().end()).size() ==
               std::size_t{addresses});
}

BOOST_AUTO_TEST_CASE(a_route_keeps_its_number_through_configurations) {
    RouteBook routes;
    const std::uint32_t orders = routes.number_of("shop", "GET /v1/orders");
    BOOST_TEST(orders == Counters::first_route);
    BOOST_TEST(routes.number_of("news", "GET /v1/orders") == orders + 1);
    BOOST_TEST(routes.number_of("shop", "POST /v1/orders") == orders + 2);
    BOOST_TEST(routes.number_of("shop", "GET /v1/orders") == orders);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::limit
