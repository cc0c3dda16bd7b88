#include "proxy/breaker.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

using keygate::SteadyTime;
using keygate::proxy::Breaker;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const SteadyTime start{seconds{1'000}};

keygate::config::Breaker usual() {
    keygate::config::Breaker settings; // half of at least 20 within 10 s; open for 5 s; one trial
    return settings;
}

/// @returns how many opened it.
int send(Breaker& breaker, SteadyTime now, int good, int bad) {
    int openings = 0;
    for (int i = 0; i < good; ++i)
        breaker.succeed(now, breaker.ask(now));
    for (int i = 0; i < bad; ++i)
        openings += breaker.fail(now, breaker.ask(now)) ? 1 : 0;
    return openings;
}

bool is_open(Breaker& breaker, SteadyTime now) {
    const auto pass = breaker.ask(now);
    breaker.abandon(pass);
    return pass.is_open;
}

} // namespace

BOOST_AUTO_TEST_SUITE(breaker)

BOOST_AUTO_TEST_CASE(it_opens_where_enough_of_enough_requests_fail) {
    struct Row {
        int good;
        int bad;
        bool opens;
    };

    for (const Row& row : std::vector<Row>{{0, 19, false},
                                           {0, 20, true},
                                           {10, 9, false},
                                           {10, 10, true},
                                           {11, 10, false},
                                           {100, 99, false},
                                           {100, 100, true}}) {
        Breaker breaker{usual()};
        BOOST_TEST_CONTEXT(row.good << " good, " << row.bad << " bad") {
            BOOST_TEST(send(breaker, start, row.good, row.bad) == (row.opens ? 1 : 0));
            BOOST_TEST(is_open(breaker, start) == row.opens);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_over_does_not_count) {
    Breaker breaker{usual()};
    BOOST_TEST(send(breaker, start, 0, 19) == 0);
    BOOST_TEST(send(breaker, start + seconds{20}, 0, 19) == 0);
    BOOST_TEST(send(breaker, start + seconds{20}, 0, 1) == 1);
}

BOOST_AUTO_TEST_CASE(open_says_until_when_and_then_trials_decide) {
    Breaker breaker{usual()};
    BOOST_TEST(send(breaker, start, 0, 20) == 1);
    const auto refused = breaker.ask(start + seconds{2});
    BOOST_TEST(refused.is_open);
    BOOST_TEST(refused.opens_in.count() == 3'000);

    const auto trial = breaker.ask(start + seconds{5});
    BOOST_TEST(!trial.is_open);
    BOOST_TEST(trial.is_trial);
    BOOST_TEST(breaker.ask(start + seconds{5}).is_open); // one at a time
    BOOST_TEST(breaker.fail(start + seconds{6}, trial));
    BOOST_TEST(breaker.ask(start + seconds{10}).is_open);

    const auto second = breaker.ask(start + seconds{11});
    BOOST_TEST(second.is_trial);
    breaker.succeed(start + seconds{11}, second);
    BOOST_TEST(!is_open(breaker, start + seconds{11}));
    // What failed before is forgotten.
    BOOST_TEST(send(breaker, start + seconds{11}, 0, 19) == 0);
}

BOOST_AUTO_TEST_CASE(several_trials_must_all_be_well) {
    auto settings = usual();
    settings.trials = 3;
    Breaker breaker{settings};
    BOOST_TEST(send(breaker, start, 0, 20) == 1);
    const SteadyTime later = start + seconds{5};
    std::vector<Breaker::Pass> trials;
    for (int i = 0; i < 3; ++i) {
        trials.push_back(breaker.ask(later));
        BOOST_TEST(trials.back().is_trial);
    }
    BOOST_TEST(breaker.ask(later).is_open);
    breaker.succeed(later, trials[0]);
    breaker.abandon(trials[1]);
    const auto instead = breaker.ask(later);
    BOOST_TEST(instead.is_trial);
    breaker.succeed(later, instead);
    BOOST_TEST(breaker.ask(later).is_open);
    breaker.succeed(later, trials[2]);
    BOOST_TEST(!is_open(breaker, later));
}

BOOST_AUTO_TEST_CASE(late_results_of_another_state_count_for_nothing) {
    Breaker breaker{usual()};
    const auto early = breaker.ask(start);
    BOOST_TEST(send(breaker, start, 0, 20) == 1);
    BOOST_TEST(!breaker.fail(start, early));
    const auto trial = breaker.ask(start + seconds{5});
    breaker.succeed(start + seconds{5}, early);
    BOOST_TEST(breaker.ask(start + seconds{5}).is_open);
    breaker.succeed(start + seconds{5}, trial);
    BOOST_TEST(!is_open(breaker, start + seconds{5}));
}

/// Whatever happens: open only after a failure, never for longer than asked for without a trial,
/// and never more trials at once than asked for.
BOOST_AUTO_TEST_CASE(schedules) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random{seed};
        auto settings = usual();
        settings.trials = 1 + seed % 3;
        Breaker breaker{settings};
        SteadyTime now = start;
        std::vector<Breaker::Pass> under_way;
        SteadyTime last_refusal_began = now;
        for (int step = 0; step < 2'000; ++step) {
            now += milliseconds{random() % 200};
            if (random() % 2 == 0) {
                const auto pass = breaker.ask(now);
                if (pass.is_open) {
                    BOOST_TEST(pass.opens_in <= settings.open);
                    continue;
                }
                last_refusal_began = now;
                under_way.push_back(pass);
                std::size_t trials = 0;
                for (const auto& other : under_way)
                    trials += other.is_trial && other.turn == pass.turn ? 1 : 0;
                BOOST_TEST(trials <= settings.trials);
            } else if (!under_way.empty()) {
                const std::size_t at = random() % under_way.size();
                const auto pass = under_way[at];
                under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(at));
                switch (random() % 3) {
                case 0:
                    breaker.succeed(now, pass);
                    break;
                case 1:
                    (void)breaker.fail(now, pass);
                    break;
                default:
                    breaker.abandon(pass);
                }
            }
            // Nobody is kept out for ever: with nothing under way somebody is let in after `open`.
            if (under_way.empty() && now - last_refusal_began > settings.open) {
                const auto pass = breaker.ask(now + settings.open);
                BOOST_TEST(!pass.is_open);
                breaker.abandon(pass);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
