#include "limit/model.hpp"
#include "limit/purse.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// Purses by themselves, and several of them with one server: a simulation of messages that take
// their time, of workers that are stopped and continued, and of clocks that do not agree. The
// server is the plain model (model.hpp) that the script is compared with as well.
//
// KEYGATE_LONG=1 simulates forty times as much: 120 million events. KEYGATE_SEED=n replays the
// world that was printed.
namespace keygate::limit {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using testing::bill_of;
using testing::limit_of;
using testing::Model;
using testing::quota_of;
using testing::rate_of;
using testing::running_of;
using testing::start;
using testing::Wide;
using Limits = std::vector<config::Limit>;

constexpr BootTime boot{1000h};

ScriptAnswer answer_of(const Model::Answer& decided, Instant now) {
    ScriptAnswer answer;
    answer.kind = ScriptAnswer::Kind::decided;
    answer.now = now;
    answer.units = decided.units;
    answer.outcome.now = now;
    answer.outcome.exceeded = decided.exceeded;
    if (!decided.is_admitted) {
        answer.outcome.refused_by = static_cast<std::uint8_t>(decided.refused_by);
        answer.outcome.retry_at = decided.retry_at;
    }
    std::copy(decided.standing.begin(), decided.standing.end(), answer.outcome.standing.begin());
    std::copy(decided.taken_in.begin(), decided.taken_in.end(), answer.outcome.taken_in.begin());
    return answer;
}

// ---- one purse

struct One {
    Model server{1us, Model::Buckets::keep_level};
    Purse purse;

    /// The server answers a call that was sent at `boot`.
    bool ask(const Bill& bill, Instant now, std::uint32_t units, nanoseconds took = 2ms) {
        const Model::Answer decided = server.charge(bill, now, units);
        const ScriptAnswer answer = answer_of(decided, now);
        if (decided.is_admitted)
            purse.on_granted(bill, answer, boot, boot + took);
        else
            purse.on_refused(bill, answer, boot, boot + took);
        return decided.is_admitted;
    }

    int taken(BootTime now) {
        int count = 0;
        while (purse.take(now))
            ++count;
        return count;
    }
};

BOOST_FIXTURE_TEST_SUITE(limit_purse, One)

BOOST_AUTO_TEST_CASE(a_new_purse_knows_nothing) {
    BOOST_TEST(!purse.take(boot));
    BOOST_TEST(!purse.refused(boot));
    BOOST_TEST(purse.is_idle(boot));
    BOOST_TEST(purse.end().units == 0U);
}

BOOST_AUTO_TEST_CASE(a_lease_lives_from_the_moment_it_was_asked_for) {
    const Limits limits{limit_of(rate_of(1000, 60s))};
    BOOST_TEST(ask(bill_of(limits), start, 20, 100ms));
    BOOST_TEST((purse.lease_ends() == boot + lease_life));
    BOOST_TEST(purse.take(boot + lease_life - 1ns).has_value());
    BOOST_TEST(!purse.take(boot + lease_life));
    BOOST_TEST(!purse.is_idle(boot + lease_life));
    const Purse::Rest rest = purse.end();
    BOOST_TEST(rest.units == 18U); // one is the asker's own
    BOOST_TEST(rest.taken_in.at(0) == start.count());
    BOOST_TEST(purse.is_idle(boot + lease_life));
}

BOOST_AUTO_TEST_CASE(a_lease_of_a_window_ends_with_it) {
    const Limits limits{limit_of(rate_of(1000, 60s)), limit_of(rate_of(100'000, 60s, 100'000))};
    BOOST_TEST(ask(bill_of(limits), start + 60s - 100ms, 20));
    BOOST_TEST(purse.take(boot + 100ms - 1ns).has_value());
    BOOST_TEST(!purse.take(boot + 100ms));
}

BOOST_AUTO_TEST_CASE(who_takes_is_told_what_is_left_with_what_the_purse_holds) {
    const Limits limits{limit_of(rate_of(1000, 60s)), limit_of(quota_of(5000, Period::month))};
    BOOST_TEST(ask(bill_of(limits, 0, 3), start, 20));
    const auto outcome = purse.take(boot + 10ms);
    BOOST_TEST_REQUIRE(outcome.has_value());
    BOOST_TEST(outcome->is_admitted());
    BOOST_TEST(outcome->standing[0].left == 1000U - 2 * 3);
    BOOST_TEST(outcome->standing[1].left == 5000U - 2 * 3);
    BOOST_TEST((outcome->now == start + 8ms)); // at least: the answer took 2 ms
}

BOOST_AUTO_TEST_CASE(a_refusal_is_remembered_until_something_may_pass) {
    const Limits limits{limit_of(rate_of(1, 1s))};
    const Bill bill = bill_of(limits);
    BOOST_TEST(ask(bill, start + 900ms, 1));
    BOOST_TEST(!ask(bill, start + 900ms, 1));
    BOOST_TEST(purse.refused(boot + 100ms - 1ns).has_value());
    BOOST_TEST(!purse.refused(boot + 100ms));
    const auto outcome = purse.refused(boot + 50ms);
    BOOST_TEST((outcome->retry_at == start + 1s));
    BOOST_TEST((outcome->now == start + 948ms));
    BOOST_TEST((refusal_of(bill, *outcome).reason == Reason::rate_limited));
}

BOOST_AUTO_TEST_CASE(no_refusal_is_remembered_for_long) {
    const Limits never{limit_of(rate_of(1, 60s))};
    const Limits meter{limit_of(quota_of(1, Period::month, "UTC", "tests"))};
    const Limits running{limit_of(running_of(1))};
    for (const auto& [limits, cost, memory] :
         {std::tuple{&never, 2, nanoseconds{Purse::memory}},
          std::tuple{&meter, 2, nanoseconds{Purse::memory_of_meters}},
          std::tuple{&running, 1, nanoseconds{0}}}) {
        purse = {};
        server = Model{1us, Model::Buckets::keep_level};
        const Bill bill = bill_of(*limits, 0, static_cast<std::uint32_t>(cost));
        if (cost == 1) BOOST_TEST(ask(bill, start, 1));
        BOOST_TEST(!ask(bill, start, 1));
        BOOST_TEST(!purse.refused(boot + memory));
        if (memory > 0ns) BOOST_TEST(purse.refused(boot + memory - 1ns).has_value());
    }
}

BOOST_AUTO_TEST_CASE(a_grant_forgets_a_refusal) {
    const Limits limits{limit_of(rate_of(2, 60s))};
    BOOST_TEST(ask(bill_of(limits), start, 1));
    BOOST_TEST(ask(bill_of(limits), start, 1));
    BOOST_TEST(!ask(bill_of(limits), start, 1));
    BOOST_TEST(purse.refused(boot + 10ms).has_value());
    BOOST_TEST(ask(bill_of(limits), start + 60s, 1));
    BOOST_TEST(!purse.refused(boot + 10ms));
}

BOOST_AUTO_TEST_CASE(a_dry_run_that_took_nothing_is_not_given_back) {
    const Limits limits{limit_of(rate_of(3, 60s), config::LimitBy::key, true),
                        limit_of(rate_of(1000, 3600s))};
    const Bill bill = bill_of(limits);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(ask(bill, start, 1));
    BOOST_TEST(ask(bill, start, 20));
    const auto outcome = purse.take(boot + 3ms);
    BOOST_TEST_REQUIRE(outcome.has_value());
    BOOST_TEST(outcome->exceeded == 1U);
    BOOST_TEST(outcome->standing[0].left == 0U);
    const Purse::Rest rest = purse.end();
    BOOST_TEST(rest.units == 18U);
    BOOST_TEST(rest.taken_in.at(0) == 0);
    BOOST_TEST(rest.taken_in.at(1) != 0);
}

BOOST_AUTO_TEST_CASE(as_much_is_wanted_as_was_used_twice_and_by_who_waits) {
    const Limits limits{limit_of(rate_of(1'000'000, 60s))};
    BOOST_TEST(purse.wanted(1, boot) == 1U);
    BOOST_TEST(ask(bill_of(limits), start, 40));
    BOOST_TEST(taken(boot + 3ms) == 39);
    BOOST_TEST(purse.wanted(5, boot + 3ms) == 85U);
    // Who asks again so soon has used at least what it asked for.
    BOOST_TEST(purse.wanted(5, boot + 4ms) == 7U);
    BOOST_TEST(purse.wanted(5'000, boot + 5ms) == Purse::most_units);
}

BOOST_AUTO_TEST_CASE(nothing_is_taken_in_advance_for_who_comes_once_in_a_while) {
    BOOST_TEST(purse.wanted(1, boot) == 1U);
    BOOST_TEST(purse.wanted(1, boot + limit::lease_life) == 1U);
    BOOST_TEST(purse.wanted(1, boot + 2 * limit::lease_life) == 1U);
    BOOST_TEST(purse.wanted(0, boot + 4 * limit::lease_life) == 1U);
}

// ---- many purses

/// A server, three workers, and the messages between them.
class World {
  public:
    explicit World(std::uint64_t seed, bool gives_back)
        : random_(seed)
        , gives_back_(gives_back)
        , server_ahead_(start + nanoseconds{pick(120'000'000'000)}) {
        server_.set_lease(lease_life);
        // Spent all the time, or so seldom that there is something to lease.
        const std::int64_t much = pick(3) == 0 ? 1 : 10 + pick(60);
        const auto most = [&](std::int64_t number) {
            return static_cast<std::uint64_t>(1 + pick(number * much));
        };
        limits_.push_back(limit_of(rate_of(most(40), 1s * (1 + pick(2)))));
        limits_.push_back(limit_of(rate_of(4 + most(50), 1s, 4 + most(60))));
        limits_.push_back(limit_of(quota_of(19 + most(400), Period::minute)));
        limits_.push_back(limit_of(rate_of(most(100), 7s, most(60)), config::LimitBy::owner));
        limits_.push_back(limit_of(running_of(1'000'000)));
        admitted_.resize(limits_.size());
        make_kinds();
        for (Worker& worker : workers_) {
            worker.boot = BootTime{nanoseconds{pick(1'000'000'000'000'000)}};
            worker.known.resize(kinds_.size());
        }
    }

    void run(nanoseconds time) {
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            arrive(i, time);
            at(nanoseconds{pick(4'000'000'000)},
               [this, i] { workers_[i].stopped_until = now_ + nanoseconds{pick(1'500'000'000)}; });
        }
        while (!events_.empty()) {
            Event event = events_.top();
            events_.pop();
            now_ = event.when;
            ++count_;
            event.act();
        }
    }

    /// What was wrong first.
    [[nodiscard]] std::string wrong() const {
        if (!wrong_.empty()) return wrong_;
        for (std::size_t i = 0; i < limits_.size(); ++i) {
            const std::string over = is_over(i);
            if (!over.empty()) return over;
        }
        return {};
    }

    struct Counts {
        std::uint64_t events = 0;
        std::uint64_t from_lease = 0;
        std::uint64_t from_server = 0;
        std::uint64_t refused = 0;
        std::uint64_t from_memory = 0;
    };

    [[nodiscard]] Counts counts() const {
        Counts counts = counts_;
        counts.events = count_;
        return counts;
    }

  private:
    struct Kind {
        Bill bill;
        bool is_leased;
    };

    struct Known {
        Purse purse;
        bool is_asking = false;
        std::uint32_t waiting = 0;
    };

    struct Worker {
        BootTime boot{}; // its clock at the world's 0
        nanoseconds stopped_until{};
        std::vector<Known> known;
    };

    struct Event {
        nanoseconds when;
        std::uint64_t number;
        std::function<void()> act;

        bool operator<(const Event& other) const {
            return std::pair{when, number} > std::pair{other.when, other.number};
        }
    };

    std::int64_t pick(std::int64_t most) {
        return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most));
    }

    /// Some bills that can be leased, and some of the same counts that cannot.
    void make_kinds() {
        for (int kind = 0; kind < 4; ++kind) {
            Bill bill;
            const auto cost = static_cast<std::uint32_t>(kind == 0 ? 1 : 1 + pick(6));
            for (std::size_t i = 0; i + 1 < limits_.size(); ++i)
                if (pick(3) != 0 || i == 1) bill.add({&limits_[i], 1 + (i == 3 ? 1U : 0U), cost});
            if (kind == 3) bill.add({&limits_.back(), 1, 1});
            kinds_.push_back({bill, can_be_leased(bill)});
        }
    }

    void at(nanoseconds when, std::function<void()> act) {
        events_.push({std::max(when, now_), ++number_, std::move(act)});
    }

    /// A worker that is stopped does it when it goes on.
    void at_worker(std::size_t worker, nanoseconds when, const std::function<void()>& act) {
        at(when, [this, worker, act] {
            const nanoseconds until = workers_[worker].stopped_until;
            if (until > now_)
                at_worker(worker, until, act);
            else
                act();
        });
    }

    /// Of a message: hundreds of microseconds, and now and then longer than a lease lives.
    nanoseconds delay() {
        const std::int64_t most[]{300'000, 3'000'000, 50'000'000, 700'000'000};
        const std::int64_t which = pick(40);
        return nanoseconds{1'000 + pick(most[which == 0 ? 3 : which < 4 ? 2 : which < 15 ? 1 : 0])};
    }

    /// Requests, in bursts.
    void arrive(std::size_t worker, nanoseconds end) {
        const nanoseconds gap{pick(20) == 0 ? pick(400'000'000) : pick(20'000'000)};
        if (now_ + gap > end) return;
        at(now_ + gap, [this, worker, end] {
            const auto kind =
                static_cast<std::size_t>(pick(static_cast<std::int64_t>(kinds_.size())));
            at_worker(worker, now_, [this, worker, kind] { request(worker, kind); });
            arrive(worker, end);
        });
    }

    [[nodiscard]] BootTime boot_of(std::size_t worker) const {
        return workers_[worker].boot + now_;
    }

    [[nodiscard]] Instant server_time() const { return server_ahead_ + now_; }

    /// As Redis reads it.
    [[nodiscard]] Instant server_clock() const {
        return std::chrono::floor<std::chrono::microseconds>(server_time());
    }

    void request(std::size_t worker, std::size_t kind) {
        Known& known = workers_[worker].known[kind];
        if (decide(worker, kind)) return;
        if (kinds_[kind].is_leased && known.is_asking)
            ++known.waiting;
        else
            ask(worker, kind);
    }

    /// From memory, if what is known decides it.
    bool decide(std::size_t worker, std::size_t kind) {
        Known& known = workers_[worker].known[kind];
        if (const auto refused = known.purse.refused(boot_of(worker))) {
            ++counts_.from_memory;
            check_refusal(kind, *refused);
            return true;
        }
        if (!kinds_[kind].is_leased) return false;
        const auto granted = known.purse.take(boot_of(worker));
        if (!granted) return false;
        ++counts_.from_lease;
        admit(kind, server_time(), granted->exceeded);
        return true;
    }

    void admit(std::size_t kind, Instant time, std::uint64_t exceeded) {
        const auto items = kinds_[kind].bill.items();
        for (std::size_t i = 0; i < items.size(); ++i)
            if ((exceeded >> i & 1) == 0)
                admitted_[static_cast<std::size_t>(items[i].limit - limits_.data())].emplace_back(
                    time, items[i].cost);
    }

    void ask(std::size_t worker, std::size_t kind) {
        Known& known = workers_[worker].known[kind];
        std::uint32_t units = 1;
        if (kinds_[kind].is_leased) {
            known.is_asking = true;
            give_back(worker, kind);
            units = known.purse.wanted(1 + known.waiting, boot_of(worker));
        }
        const BootTime sent = boot_of(worker);
        at(now_ + delay(),
           [this, worker, kind, units, sent] { decide_at_server(worker, kind, units, sent); });
    }

    void decide_at_server(std::size_t worker, std::size_t kind, std::uint32_t units,
                          BootTime sent) {
        const Instant time = server_clock();
        const Model::Answer decided = server_.charge(kinds_[kind].bill, time, units);
        if (decided.is_admitted) {
            ++counts_.from_server;
            admit(kind, time, decided.exceeded);
        } else {
            ++counts_.refused;
        }
        const ScriptAnswer answer = answer_of(decided, time);
        const bool is_lost = pick(100) == 0;
        at_worker(worker, now_ + delay(), [this, worker, kind, sent, answer, is_lost] {
            on_answer(worker, kind, sent, answer, is_lost);
        });
    }

    void on_answer(std::size_t worker, std::size_t kind, BootTime sent, const ScriptAnswer& answer,
                   bool is_lost) {
        Known& known = workers_[worker].known[kind];
        const Kind& what = kinds_[kind];
        if (what.is_leased) known.is_asking = false;
        if (is_lost) {
            known.waiting = 0;
            return;
        }
        if (!answer.outcome.is_admitted()) {
            known.purse.on_refused(what.bill, answer, sent, boot_of(worker));
        } else if (what.is_leased) {
            known.purse.on_granted(what.bill, answer, sent, boot_of(worker));
            const nanoseconds end = known.purse.lease_ends() - workers_[worker].boot;
            at_worker(worker, end, [this, worker, kind] {
                if (workers_[worker].known[kind].purse.lease_ends() <= boot_of(worker))
                    give_back(worker, kind);
            });
        }
        while (known.waiting > 0) {
            --known.waiting;
            if (!decide(worker, kind)) return ask(worker, kind);
        }
    }

    void give_back(std::size_t worker, std::size_t kind) {
        const Purse::Rest rest = workers_[worker].known[kind].purse.end();
        if (rest.units == 0 || !gives_back_) return;
        at(now_ + delay(), [this, kind, rest] {
            const auto items = kinds_[kind].bill.items();
            for (std::size_t i = 0; i < items.size(); ++i)
                if (rest.taken_in[i] != 0)
                    server_.give_back(items[i], rest.taken_in[i],
                                      std::uint64_t{rest.units} * items[i].cost);
        });
    }

    /// A refusal from memory is what the server would say now, and is not told to last too short.
    void check_refusal(std::size_t kind, const Outcome& refused) {
        const nanoseconds told = seconds_until(refused.retry_at, refused.now);
        if (refused.retry_at != Instant::max() && server_time() + told < refused.retry_at)
            fail("Retry-After is too early");
        if (refused.now > server_time()) fail("the server's time is taken to be later than it is");
        if (gives_back_) return;
        Model copy = server_;
        if (copy.charge(kinds_[kind].bill, server_clock()).is_admitted)
            fail("a refusal was remembered when the server had admitted it");
    }

    void fail(const std::string& what) {
        if (!wrong_.empty()) return;
        std::ostringstream text;
        text << what << " at " << now_.count();
        wrong_ = text.str();
    }

    /// More was admitted than the limit says, by the server's time.
    [[nodiscard]] std::string is_over(std::size_t which) const {
        auto charges = admitted_[which];
        std::sort(charges.begin(), charges.end());
        const config::Limit& limit = limits_[which];
        const auto* const rate = std::get_if<config::Rate>(&limit.rule);
        if (rate != nullptr && rate->burst) {
            // No span of time has more than burst + rate * span: a bucket that leaks never runs
            // over.
            Wide level = 0;
            Instant last{};
            for (const auto& [time, cost] : charges) {
                level = std::max<Wide>(level - static_cast<Wide>((time - last).count()) *
                                                   static_cast<Wide>(rate->limit),
                                       0);
                level += static_cast<Wide>(cost) * rate->window.count();
                last = time;
                if (level > static_cast<Wide>(*rate->burst) * rate->window.count())
                    return "more than the burst and the rate at " + std::to_string(time.count());
            }
            return {};
        }
        const auto* const quota = std::get_if<config::Quota>(&limit.rule);
        if (rate == nullptr && quota == nullptr) return {};
        const nanoseconds window = quota != nullptr ? nanoseconds{1min} : rate->window;
        std::map<std::int64_t, std::uint64_t> used;
        for (const auto& [time, cost] : charges)
            if ((used[time / window] += cost) > (quota != nullptr ? quota->limit : rate->limit))
                return "more than the limit in the window of " + std::to_string(time.count());
        return {};
    }

    std::mt19937_64 random_;
    bool gives_back_;
    nanoseconds now_{};
    Instant server_ahead_;
    Limits limits_;
    std::vector<Kind> kinds_;
    Model server_{1us, Model::Buckets::keep_level};
    std::array<Worker, 3> workers_;
    std::vector<std::vector<std::pair<Instant, std::uint64_t>>> admitted_; // of each limit
    std::priority_queue<Event> events_;
    std::uint64_t number_ = 0;
    std::uint64_t count_ = 0;
    std::string wrong_;
    Counts counts_;
};

void simulate(bool gives_back) {
    const std::uint64_t first = testing::new_seed();
    const std::uint64_t events = testing::tries(1'500'000, 60'000'000);
    World::Counts all;
    for (std::uint64_t seed = first; all.events < events; ++seed) {
        World world{seed, gives_back};
        world.run(5s);
        BOOST_TEST_REQUIRE(world.wrong() == "", "KEYGATE_SEED=" << seed << ": " << world.wrong());
        const World::Counts counts = world.counts();
        all.events += counts.events;
        all.from_lease += counts.from_lease;
        all.from_server += counts.from_server;
        all.refused += counts.refused;
        all.from_memory += counts.from_memory;
    }
    BOOST_TEST_MESSAGE(all.events << " events; admitted: " << all.from_lease << " from leases, "
                                  << all.from_server
                                  << " by the server; refused: " << all.from_memory
                                  << " from memory, " << all.refused << " by the server");
    for (const std::uint64_t count :
         {all.from_lease, all.from_server, all.refused, all.from_memory})
        BOOST_TEST(count > events / 100);
}

BOOST_AUTO_TEST_CASE(workers_together_never_admit_more_than_the_limits_by_the_servers_time) {
    simulate(true);
}

BOOST_AUTO_TEST_CASE(refusals_from_memory_are_those_that_the_server_would_give) {
    simulate(false);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::limit
