#include "net/admission.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace keygate;
using net::Admission;

BOOST_AUTO_TEST_SUITE(net_admission)

BOOST_AUTO_TEST_CASE(an_ipv6_subscriber_is_a_64) {
    BOOST_TEST(net::address_group("192.0.2.1") == "192.0.2.1");
    BOOST_TEST(net::address_group("192.0.2.1") != net::address_group("192.0.2.2"));
    BOOST_TEST(net::address_group("2001:db8:1:2::1") == net::address_group("2001:db8:1:2:ff::9"));
    BOOST_TEST(net::address_group("2001:db8:1:2::1") != net::address_group("2001:db8:1:3::1"));
    BOOST_TEST(net::address_group("fe80::1%1") == net::address_group("fe80::2"));
    BOOST_TEST(net::address_group("").empty());
}

BOOST_AUTO_TEST_CASE(each_address_has_its_places_and_gets_them_back) {
    Admission admission{5, 2};
    BOOST_TEST(!admission.enter("192.0.2.1"));
    BOOST_TEST(!admission.enter("192.0.2.1"));
    BOOST_TEST((admission.enter("192.0.2.1").value().reason == Reason::overloaded));
    BOOST_TEST(!admission.enter("192.0.2.2"));
    BOOST_TEST(admission.open() == 3U);
    admission.leave("192.0.2.1");
    BOOST_TEST(!admission.enter("192.0.2.1"));
    BOOST_TEST(!admission.enter("2001:db8::1"));
    BOOST_TEST(!admission.enter("2001:db8::2"));
    BOOST_TEST(admission.open() == 5U);
    BOOST_TEST((admission.enter("192.0.2.3").value().reason == Reason::overloaded)); // of all
    BOOST_TEST(admission.open() == 5U);
}

BOOST_AUTO_TEST_CASE(who_was_refused_by_one_bound_takes_no_place_of_the_other) {
    Admission admission{1, 5};
    BOOST_TEST(!admission.enter("192.0.2.1"));
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(admission.enter("192.0.2.2").has_value());
    admission.leave("192.0.2.1");
    BOOST_TEST(!admission.enter("192.0.2.2"));
}

BOOST_AUTO_TEST_CASE(other_bounds_count_those_who_are_here) {
    Admission admission{5};
    for (int i = 0; i < 4; ++i)
        BOOST_TEST(!admission.enter("192.0.2.1"));
    admission.set_bounds(5, 2);
    BOOST_TEST(admission.enter("192.0.2.1").has_value());
    BOOST_TEST(!admission.enter("192.0.2.2"));
    for (int i = 0; i < 3; ++i)
        admission.leave("192.0.2.1"); // of those that came without a bound
    BOOST_TEST(!admission.enter("192.0.2.1"));
    BOOST_TEST(admission.enter("192.0.2.1").has_value());
    admission.set_bounds(1, {});
    BOOST_TEST(admission.enter("192.0.2.3").has_value());
    BOOST_TEST(admission.open() == 3U); // nobody was sent away
    admission.set_bounds(4, {});
    BOOST_TEST(!admission.enter("192.0.2.1"));
    BOOST_TEST(admission.enter("192.0.2.1").has_value());
}

BOOST_AUTO_TEST_CASE(who_is_not_known_yet_counts_among_all) {
    Admission admission{3, 1};
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(!admission.enter()); // of no address, so no bound of one
    BOOST_TEST((admission.enter().value().reason == Reason::overloaded));
    BOOST_TEST(admission.enter("192.0.2.9").has_value());
    BOOST_TEST(!admission.enter_address("192.0.2.1"));
    BOOST_TEST((admission.enter_address("192.0.2.1").value().reason == Reason::overloaded));
    BOOST_TEST(!admission.enter_address("192.0.2.2"));
    BOOST_TEST(admission.open() == 3U);

    admission.leave(); // who was refused
    admission.leave("192.0.2.1");
    BOOST_TEST(admission.open() == 1U);
    BOOST_TEST(!admission.enter("192.0.2.1"));
    BOOST_TEST(admission.enter("192.0.2.2").has_value());
    BOOST_TEST(admission.open() == 2U); // a refusal leaves nothing behind
    admission.leave("192.0.2.2");
    BOOST_TEST(!admission.enter("192.0.2.2"));
}

BOOST_AUTO_TEST_CASE(threads_share_the_bounds) {
    Admission admission{1'000, 3};
    std::vector<std::thread> threads;
    std::atomic<int> most{0};
    std::atomic<int> inside{0};
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 5'000; ++round) {
                if (admission.enter("192.0.2.1")) continue;
                const int now = ++inside;
                int seen = most;
                while (now > seen && !most.compare_exchange_weak(seen, now)) {
                }
                --inside;
                admission.leave("192.0.2.1");
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    BOOST_TEST(most <= 3);
    BOOST_TEST(most >= 1);
    BOOST_TEST(admission.open() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
