#include "proxy/slots.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

using keygate::proxy::Server;
using keygate::proxy::Slots;

namespace {

std::shared_ptr<const Server> a_server() {
    auto server = std::make_shared<Server>();
    server->standing = std::make_shared<keygate::proxy::Standing>(keygate::config::Ejection{});
    return server;
}

} // namespace

BOOST_AUTO_TEST_SUITE(slots)

BOOST_AUTO_TEST_CASE(so_many_at_once_for_each_server) {
    Slots slots{2, 0};
    const auto one = a_server();
    const auto other = a_server();
    BOOST_TEST(slots.enter(one));
    BOOST_TEST(slots.enter(one));
    BOOST_TEST(!slots.enter(one));
    BOOST_TEST(slots.enter(other));
    slots.leave(one);
    BOOST_TEST(slots.enter(one));
    BOOST_TEST(!slots.wait([] {}));
    BOOST_TEST(slots.refused() == 1U);
}

BOOST_AUTO_TEST_CASE(a_free_place_goes_to_whoever_has_waited_longest) {
    Slots slots{1, 2};
    const auto server = a_server();
    std::vector<int> told;
    BOOST_TEST(slots.enter(server));
    const auto first = slots.wait([&] { told.push_back(1); });
    const auto second = slots.wait([&] { told.push_back(2); });
    BOOST_TEST(!slots.wait([] {}));
    BOOST_TEST(slots.waiting() == 2U);
    slots.leave(server);
    BOOST_TEST(told == std::vector<int>{1}, boost::test_tools::per_element());
    BOOST_TEST(!slots.enter(server)); // nobody comes between
    BOOST_TEST((slots.take(first) == server));
    slots.leave(server);
    BOOST_TEST((told == std::vector<int>{1, 2}));
    BOOST_TEST((slots.take(second) == server));
    slots.leave(server);
    BOOST_TEST(slots.enter(server));
}

BOOST_AUTO_TEST_CASE(who_gives_up_gives_on) {
    Slots slots{1, 3};
    const auto server = a_server();
    int told = 0;
    BOOST_TEST(slots.enter(server));
    const auto first = slots.wait([&] { told += 1; });
    const auto second = slots.wait([&] { told += 10; });
    const auto third = slots.wait([&] { told += 100; });
    slots.give_up(second); // while it waits
    BOOST_TEST(slots.waiting() == 2U);
    slots.leave(server);
    BOOST_TEST(told == 1);
    slots.give_up(first); // after it was told, before it took
    BOOST_TEST(told == 101);
    BOOST_TEST((slots.take(third) == server));
    slots.give_up(third); // took it already: nothing to give
    BOOST_TEST(!slots.enter(server));
    slots.leave(server);
    BOOST_TEST(slots.enter(server));
    BOOST_TEST(slots.waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(nobody_is_sent_to_a_server_that_is_left_out) {
    Slots slots{1, 2};
    const auto server = a_server();
    int told = 0;
    BOOST_TEST(slots.enter(server));
    const auto ticket = slots.wait([&] { ++told; });
    server->standing->set_well(false);
    slots.leave(server);
    BOOST_TEST(told == 1); // to look for another
    BOOST_TEST(!slots.take(ticket));
    BOOST_TEST(slots.waiting() == 1U);
    server->standing->set_well(true);
    slots.look_again(5);
    BOOST_TEST(told == 2);
    BOOST_TEST(slots.enter(server));
    slots.give_up(ticket);
    BOOST_TEST(slots.waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(bounds_may_change_while_places_are_taken) {
    Slots slots{3, 2};
    const auto server = a_server();
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(slots.enter(server));
    slots.set_bounds(1, 2);
    const auto ticket = slots.wait([] {});
    slots.leave(server); // two are left, of one
    BOOST_TEST(!slots.take(ticket));
    slots.leave(server);
    BOOST_TEST(!slots.take(ticket));
    slots.leave(server);
    BOOST_TEST((slots.take(ticket) == server));
    BOOST_TEST(!slots.enter(server));
}

/// Threads that come, wait, give up and go: never too many at once, and no place is lost.
BOOST_AUTO_TEST_CASE(many_threads) {
    constexpr std::uint32_t max = 3;
    Slots slots{max, 8};
    const auto server = a_server();
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    const auto work = [&](unsigned seed) {
        std::mt19937 random{seed};
        const auto use = [&] {
            const int now = ++inside;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
            }
            --inside;
            slots.leave(server);
        };
        for (int i = 0; i < 20'000; ++i) {
            if (slots.enter(server)) {
                use();
                continue;
            }
            std::atomic<bool> is_told{false};
            const auto ticket = slots.wait([&] { is_told = true; });
            if (!ticket) continue;
            if (random() % 2 == 0) {
                slots.give_up(ticket);
                continue;
            }
            while (!is_told)
                std::this_thread::yield();
            if (random() % 4 == 0)
                slots.give_up(ticket);
            else if (slots.take(ticket))
                use();
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 6; ++i)
        threads.emplace_back(work, i);
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(most <= static_cast<int>(max));
    BOOST_TEST(slots.waiting() == 0U);
    for (std::uint32_t i = 0; i < max; ++i)
        BOOST_TEST(slots.enter(server));
    BOOST_TEST(!slots.enter(server));
}

BOOST_AUTO_TEST_SUITE_END()
