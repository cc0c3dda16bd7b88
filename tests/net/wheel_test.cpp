#include "net/wheel.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <memory>
#include <random>
#include <vector>

using namespace keygate;
using net::Wheel;
using std::chrono::milliseconds;

namespace {

/// Somebody who waits, and what the plain model says of it.
struct Waiter final : net::DeadlineHandler {
    explicit Waiter(Wheel& wheel)
        : deadline(wheel, *this) {}

    void set(SteadyTime now, milliseconds after) {
        deadline.set(after);
        due = now + after;
        is_set = true;
    }

    void clear() {
        deadline.clear();
        is_set = false;
    }

    void on_deadline() override {
        BOOST_TEST(is_set);
        BOOST_TEST(!deadline.is_set());
        is_set = false;
        ++told;
        if (when_told) when_told();
    }

    net::Deadline deadline;
    SteadyTime due{};
    bool is_set = false;
    int told = 0;
    std::function<void()> when_told;
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_wheel)

BOOST_AUTO_TEST_CASE(a_deadline_is_never_early_and_at_most_two_ticks_late) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        std::mt19937 random{seed};
        SteadyTime now{milliseconds{1000 * seed + 17}};
        Wheel wheel{now};
        std::vector<std::unique_ptr<Waiter>> waiters(40);
        const auto act_on = [&](std::unique_ptr<Waiter>& waiter) {
            // Near ones, ones of several rounds of the wheel, and those in between.
            static constexpr std::array<unsigned, 4> spans{100, 3'000, 110'000, 700'000};
            const milliseconds after{random() % spans[random() % spans.size()]};
            switch (random() % 5) {
            case 0:
                waiter.reset();
                break;
            case 1:
                if (waiter) waiter->clear();
                break;
            default:
                if (!waiter) waiter = std::make_unique<Waiter>(wheel);
                waiter->set(now, after);
            }
        };
        for (int step = 0; step < 20'000; ++step) {
            for (auto i = random() % 3; i > 0; --i)
                act_on(waiters[random() % waiters.size()]);
            // Mostly small steps; now and then the process was stopped.
            const auto kind = random() % 100;
            now += milliseconds{kind < 90   ? random() % 60
                                : kind < 99 ? random() % 2'000
                                            : random() % 300'000};
            wheel.look(now);
            if (random() % 4 == 0) continue;
            std::vector<SteadyTime> due_before(waiters.size());
            std::vector<int> told_before(waiters.size());
            for (std::size_t i = 0; i < waiters.size(); ++i)
                if (waiters[i]) {
                    due_before[i] = waiters[i]->is_set ? waiters[i]->due : SteadyTime::max();
                    told_before[i] = waiters[i]->told;
                }
            BOOST_TEST(wheel.advance(now));
            for (std::size_t i = 0; i < waiters.size(); ++i) {
                if (!waiters[i]) continue;
                const bool was_told = waiters[i]->told != told_before[i];
                if (was_told)
                    BOOST_TEST((due_before[i] <= now));
                else
                    BOOST_TEST((due_before[i] == SteadyTime::max() ||
                                due_before[i] + 2 * Wheel::tick > now));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_handler_may_set_clear_and_destroy_others) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random{seed};
        SteadyTime now{};
        Wheel wheel{now};
        std::vector<std::unique_ptr<Waiter>> waiters(60);
        std::size_t told = 0;
        const std::function<void(std::size_t)> make = [&](std::size_t number) {
            waiters[number] = std::make_unique<Waiter>(wheel);
            waiters[number]->when_told = [&, number] {
                ++told;
                for (int i = 0; i < 3; ++i) {
                    const std::size_t other = random() % waiters.size();
                    const milliseconds after{random() % 200'000};
                    if (other == number)
                        waiters[number]->set(now, after);
                    else if (random() % 3 == 0)
                        waiters[other].reset();
                    else if (!waiters[other])
                        make(other);
                    else if (random() % 2 == 0)
                        waiters[other]->clear();
                    if (waiters[other]) waiters[other]->set(now, milliseconds{random() % 500});
                }
            };
        };
        for (std::size_t i = 0; i < waiters.size(); ++i) {
            make(i);
            waiters[i]->set(now, milliseconds{random() % 500});
        }
        for (int step = 0; step < 3'000; ++step) {
            now += milliseconds{random() % 150};
            if (random() % 200 == 0) now += std::chrono::seconds{400};
            BOOST_TEST(wheel.advance(now));
            for (const auto& waiter : waiters)
                if (waiter && waiter->is_set) BOOST_TEST((waiter->due + 2 * Wheel::tick > now));
        }
        BOOST_TEST(told > 100U);
    }
}

BOOST_AUTO_TEST_CASE(a_deadline_moved_again_and_again_is_told_once_at_its_last_time) {
    SteadyTime now{};
    Wheel wheel{now};
    Waiter waiter{wheel};
    for (int i = 0; i < 1'000; ++i) {
        waiter.set(now, milliseconds{1'000});
        now += milliseconds{30};
        BOOST_TEST(wheel.advance(now));
    }
    BOOST_TEST(waiter.told == 0);
    now += milliseconds{1'100};
    BOOST_TEST(wheel.advance(now));
    BOOST_TEST(wheel.advance(now));
    BOOST_TEST(waiter.told == 1);
}

BOOST_AUTO_TEST_CASE(very_many_at_once_are_told_in_portions_each_once) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random{seed};
        SteadyTime now{milliseconds{1000 * seed + 17}};
        Wheel wheel{now};
        std::vector<std::unique_ptr<Waiter>> waiters(1'000);
        int told = 0;
        for (auto& waiter : waiters) {
            waiter = std::make_unique<Waiter>(wheel);
            waiter->when_told = [&] {
                ++told;
                // Somebody else goes away, or waits longer, in the middle of a portion.
                auto& other = waiters[random() % waiters.size()];
                if (!other || !other->is_set) return;
                if (random() % 2 == 0)
                    other.reset();
                else
                    other->set(now, milliseconds{random() % 10'000});
            };
            waiter->set(now, milliseconds{3'000 + random() % 120});
        }
        int portions = 0;
        // Long enough for all, in steps between nothing and a process that was stopped.
        for (int step = 0; step < 2'000; ++step) {
            if (random() % 3 == 0) now += milliseconds{random() % 100};
            if (random() % 500 == 0) now += std::chrono::seconds{150};
            const SteadyTime last_end = now - 2 * Wheel::tick;
            const int told_before = told;
            const bool is_all = wheel.advance(now);
            BOOST_TEST(told - told_before <= Wheel::portion);
            if (!is_all) ++portions;
            for (const auto& waiter : waiters)
                if (waiter && is_all && waiter->is_set) BOOST_TEST((waiter->due > last_end));
            for (const auto& waiter : waiters)
                if (waiter && waiter->told != 0) BOOST_TEST((waiter->due <= now));
        }
        BOOST_TEST(portions >= 5);
        for (const auto& waiter : waiters)
            if (waiter) BOOST_TEST(waiter->told == 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
