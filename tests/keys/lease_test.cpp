#include "keys/lease.hpp"
#include "keys/lease_world.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

// The rules one by one, and all of them together through random schedules (lease_world.hpp).
//
// KEYGATE_LONG=1 runs a million schedules. KEYGATE_SEED=n replays schedule n alone and prints what
// happens in it; with --run_test=keys_lease/a_shell... it does so with every flaw.
namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;

BootTime at(std::int64_t ns) {
    return BootTime{std::chrono::nanoseconds{ns}};
}

/// A lease, and what its pings have renewed.
struct OneLease {
    Renewed renewed;
    Lease lease{renewed};

    /// A ping that is sent then, and its pong.
    bool ping(std::int64_t sent) {
        lease.on_ping(at(sent));
        return lease.on_pong();
    }

    bool decides_at(const Stamp& stamp, std::int64_t t, std::int64_t bound) const {
        return decides(stamp, renewed.load(), at(t), std::chrono::nanoseconds{bound});
    }

    bool keeps(const Lease::Reading& reading, std::string_view name = "kg:key:a") const {
        return lease.may_keep(reading, name);
    }
};

BOOST_FIXTURE_TEST_SUITE(keys_lease, OneLease)

// ---- what decides

struct Case {
    const char* name;
    std::uint64_t stamp_generation;
    std::int64_t read_at;
    std::optional<std::int64_t> pinged_at; // in generation 1
    std::int64_t t;
    std::int64_t bound;
    bool decides;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.name;
}

const std::vector<Case> decision_cases{
    {"read exactly at t - bound", 0, 900, {}, 1000, 100, true},
    {"read one ns before t - bound", 0, 899, {}, 1000, 100, false},
    {"read after t - bound", 0, 950, {}, 1000, 100, true},
    {"pinged exactly at t - bound", 1, 10, 900, 1000, 100, true},
    {"pinged one ns before t - bound", 1, 10, 899, 1000, 100, false},
    {"pinged after t", 1, 10, 1001, 1000, 100, true},
    {"a ping renews nobody's", 0, 10, 990, 1000, 100, false},
    {"a ping renews no other generation", 2, 10, 990, 1000, 100, false},
    {"another generation's read is a read", 2, 900, 10, 1000, 100, true},
    {"no ping yet", 1, 899, {}, 1000, 100, false},
    {"bound 0, read at t", 0, 1000, {}, 1000, 0, true},
    {"bound 0, read one ns before t", 0, 999, {}, 1000, 0, false},
    {"bound 0, read later than t", 0, 1001, {}, 1000, 0, true},
    {"bound 0, pinged at t", 1, 10, 1000, 1000, 0, true},
    {"bound 0, pinged one ns before t", 1, 10, 999, 1000, 0, false},
    {"a bound longer than the machine is up", 1, 10, {}, 1000, 1'000'000, true},
    {"the longest bound", 0, 0, {}, 0, std::numeric_limits<std::int64_t>::max(), true},
};

BOOST_DATA_TEST_CASE_F(OneLease, what_was_sent_at_t_minus_bound_or_later_decides,
                       bdata::make(decision_cases), c) {
    lease.on_set_up();
    if (c.pinged_at) BOOST_TEST(ping(*c.pinged_at));
    const Stamp stamp{c.stamp_generation, at(c.read_at)};
    BOOST_TEST(decides_at(stamp, c.t, c.bound) == c.decides);
}

BOOST_AUTO_TEST_CASE(without_a_connection_only_reads_decide) {
    BOOST_TEST(!decides_at({0, at(899)}, 1000, 100));
    BOOST_TEST(decides_at({0, at(900)}, 1000, 100));
    BOOST_TEST(!decides_at({1, at(899)}, 1000, 100));
}

BOOST_AUTO_TEST_CASE(what_is_kept_decides_until_its_bound_is_over_when_the_connection_is_lost) {
    lease.on_set_up();
    BOOST_TEST(ping(1000));
    lease.on_lost();
    const Stamp stamp{1, at(10)};
    BOOST_TEST(decides_at(stamp, 1100, 100));
    BOOST_TEST(!decides_at(stamp, 1101, 100));
}

BOOST_AUTO_TEST_CASE(a_new_generation_takes_the_old_ones_pings_back) {
    lease.on_set_up();
    BOOST_TEST(ping(1000));
    lease.on_set_up();
    BOOST_TEST(lease.generation() == 2U);
    BOOST_TEST(!decides_at({1, at(10)}, 1001, 100));
    BOOST_TEST(!decides_at({2, at(10)}, 1001, 100));
    BOOST_TEST(ping(1000));
    BOOST_TEST(!decides_at({1, at(10)}, 1001, 100));
    BOOST_TEST(decides_at({2, at(10)}, 1001, 100));
}

// ---- pings

BOOST_AUTO_TEST_CASE(there_is_no_ping_before_the_set_up_and_after_the_loss) {
    BOOST_TEST(!lease.may_ping());
    lease.on_set_up();
    BOOST_TEST(lease.is_set_up());
    BOOST_TEST(lease.may_ping());
    lease.on_lost();
    BOOST_TEST(!lease.is_set_up());
    BOOST_TEST(!lease.may_ping());
}

BOOST_AUTO_TEST_CASE(one_ping_waits_at_most) {
    lease.on_set_up();
    BOOST_TEST(!lease.ping());
    lease.on_ping(at(5));
    BOOST_TEST(!lease.may_ping());
    BOOST_TEST((lease.ping() == at(5)));
    BOOST_TEST(lease.on_pong());
    BOOST_TEST(!lease.ping());
    BOOST_TEST(lease.may_ping());
}

BOOST_AUTO_TEST_CASE(a_pong_counts_from_when_its_ping_was_sent) {
    lease.on_set_up();
    lease.on_ping(at(500));
    BOOST_TEST(!decides_at({1, at(10)}, 600, 100)); // it has not come
    BOOST_TEST(lease.on_pong());
    BOOST_TEST(decides_at({1, at(10)}, 600, 100));
    BOOST_TEST(!decides_at({1, at(10)}, 601, 100));
}

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_waits_for_is_not_understood) {
    BOOST_TEST(!lease.on_pong());
    BOOST_TEST(!lease.on_ping_refused());
    lease.on_set_up();
    BOOST_TEST(!lease.on_pong());
    BOOST_TEST(!lease.on_ping_refused());
    BOOST_TEST(ping(1));
    BOOST_TEST(!lease.on_pong());
    lease.on_ping(at(2));
    lease.on_lost();
    BOOST_TEST(!lease.on_pong());
    lease.on_set_up();
    BOOST_TEST(!lease.on_pong()); // that ping was another connection's
    BOOST_TEST(!lease.on_ping_refused());
}

BOOST_AUTO_TEST_CASE(an_error_renews_nothing) {
    lease.on_set_up();
    lease.on_ping(at(500));
    BOOST_TEST(lease.on_ping_refused());
    BOOST_TEST(!decides_at({1, at(10)}, 500, 100));
    BOOST_TEST(lease.may_ping());
}

BOOST_AUTO_TEST_CASE(after_errors_one_pong_more_than_errors_renews_nothing) {
    for (std::int64_t errors = 1; errors < 5; ++errors) {
        const std::int64_t start = errors * 1000;
        lease.on_set_up();
        const Stamp stamp{lease.generation(), at(10)};
        BOOST_TEST(ping(start));
        BOOST_TEST(!lease.is_in_doubt());
        for (std::int64_t i = 0; i < errors; ++i) {
            lease.on_ping(at(start + 1));
            BOOST_TEST(lease.on_ping_refused());
        }
        for (std::int64_t i = 0; i < errors + 1; ++i) {
            BOOST_TEST(lease.is_in_doubt());
            BOOST_TEST(ping(start + 2)); // understood, but it may be before a change
            BOOST_TEST(decides_at(stamp, start + 100, 100)); // what was renewed stays so
            BOOST_TEST(!decides_at(stamp, start + 101, 100));
        }
        BOOST_TEST(!lease.is_in_doubt());
        BOOST_TEST(ping(start + 2));
        BOOST_TEST(decides_at(stamp, start + 102, 100));
    }
}

BOOST_AUTO_TEST_CASE(an_error_among_doubtful_pongs_takes_one_pong_more) {
    lease.on_set_up();
    lease.on_ping(at(500));
    BOOST_TEST(lease.on_ping_refused());
    BOOST_TEST(ping(501));
    lease.on_ping(at(502));
    BOOST_TEST(lease.on_ping_refused());
    BOOST_TEST(ping(503));
    BOOST_TEST(ping(504));
    BOOST_TEST(!decides_at({1, at(10)}, 504, 100));
    BOOST_TEST(ping(505));
    BOOST_TEST(decides_at({1, at(10)}, 505, 100));
}

BOOST_AUTO_TEST_CASE(a_new_connection_does_not_end_the_doubt) {
    lease.on_set_up();
    lease.on_ping(at(500));
    BOOST_TEST(lease.on_ping_refused());
    lease.on_lost();
    lease.on_set_up();
    BOOST_TEST(ping(501));
    BOOST_TEST(ping(502));
    BOOST_TEST(!decides_at({2, at(10)}, 502, 100));
    BOOST_TEST(ping(503));
    BOOST_TEST(decides_at({2, at(10)}, 503, 100));
}

// ---- reads

BOOST_AUTO_TEST_CASE(a_read_bears_its_time_and_the_generation_it_began_in) {
    BOOST_TEST(lease.begin_read("kg:key:a", at(3)).stamp.generation == 0U);
    lease.on_set_up();
    const auto reading = lease.begin_read("kg:key:a", at(4));
    BOOST_TEST(reading.stamp.generation == 1U);
    BOOST_TEST((reading.stamp.read_at == at(4)));
    lease.on_lost();
    BOOST_TEST(lease.begin_read("kg:key:a", at(5)).stamp.generation == 0U);
}

BOOST_AUTO_TEST_CASE(an_undisturbed_read_is_kept) {
    lease.on_set_up();
    const auto reading = lease.begin_read("kg:key:a", at(3));
    BOOST_TEST(ping(4));
    BOOST_TEST(keeps(reading));
}

BOOST_AUTO_TEST_CASE(a_read_that_began_before_a_change_was_told_is_not_kept) {
    lease.on_set_up();
    const auto before = lease.begin_read("kg:key:a", at(3));
    lease.on_change("kg:key:a");
    BOOST_TEST(!keeps(before));
    BOOST_TEST(keeps(lease.begin_read("kg:key:a", at(3))));
}

BOOST_AUTO_TEST_CASE(a_change_of_another_record_ends_few_reads) {
    lease.on_set_up();
    const auto reading = lease.begin_read("kg:key:a", at(3));
    int ended = 0;
    for (int i = 0; i < 100; ++i) {
        const auto other = lease.begin_read("kg:key:" + std::to_string(i), at(3));
        lease.on_change("kg:key:x" + std::to_string(i));
        ended += keeps(other, "kg:key:" + std::to_string(i)) ? 0 : 1;
    }
    BOOST_TEST(ended <= 3);
    lease.on_change("kg:key:a");
    BOOST_TEST(!keeps(reading));
}

BOOST_AUTO_TEST_CASE(a_flush_ends_all_reads) {
    lease.on_set_up();
    const auto a = lease.begin_read("kg:key:a", at(3));
    const auto b = lease.begin_read("kg:key:b", at(3));
    lease.on_flush();
    BOOST_TEST(!keeps(a, "kg:key:a"));
    BOOST_TEST(!keeps(b, "kg:key:b"));
    BOOST_TEST(keeps(lease.begin_read("kg:key:b", at(3)), "kg:key:b"));
}

BOOST_AUTO_TEST_CASE(a_read_without_a_connection_is_not_kept) {
    const auto reading = lease.begin_read("kg:key:a", at(3));
    BOOST_TEST(!keeps(reading));
    lease.on_set_up();
    BOOST_TEST(!keeps(reading));
}

BOOST_AUTO_TEST_CASE(a_read_is_not_kept_across_connections) {
    lease.on_set_up();
    const auto first = lease.begin_read("kg:key:a", at(3));
    lease.on_lost();
    BOOST_TEST(!keeps(first));
    const auto between = lease.begin_read("kg:key:a", at(4));
    lease.on_set_up();
    BOOST_TEST(!keeps(first));
    BOOST_TEST(!keeps(between));
}

// ---- all of it together

std::optional<std::uint64_t> wanted_seed() {
    const char* seed = std::getenv("KEYGATE_SEED");
    if (seed == nullptr) return std::nullopt;
    return std::strtoull(seed, nullptr, 10);
}

std::uint64_t schedules() {
    return std::getenv("KEYGATE_LONG") != nullptr ? 1'000'000 : 20'000;
}

constexpr std::uint64_t schedules_for_flaws = 20'000;

void replay(std::uint64_t seed, test::Flaw flaw, test::Figures& figures) {
    auto world = std::make_unique<test::World>(seed, flaw, figures, test::Traced::yes);
    world->run();
}

BOOST_AUTO_TEST_CASE(no_request_is_decided_by_what_was_changed_a_bound_ago) {
    test::Figures figures;
    const auto seed = wanted_seed();
    if (seed) replay(*seed, test::Flaw::none, figures);
    for (std::uint64_t i = 0; !seed && i < schedules(); ++i) {
        auto world = std::make_unique<test::World>(i, test::Flaw::none, figures);
        world->run();
    }
    BOOST_TEST_MESSAGE(figures.schedules
                       << " schedules, " << figures.events << " events, " << figures.decisions
                       << " decisions, " << figures.from_memory << " from memory, "
                       << figures.by_pings << " of them by pings, " << figures.failed
                       << " undecided, " << figures.violations << " violations");
    if (figures.first)
        BOOST_ERROR("KEYGATE_SEED=" << figures.first->seed << ": a request that was sent at "
                                    << figures.first->sent << " (bound " << figures.first->bound
                                    << ") was decided by version " << figures.first->decided_by
                                    << ", not " << figures.first->required);
    // A lease that never decides would pass up to here.
    if (figures.not_calm > 0)
        BOOST_ERROR("KEYGATE_SEED=" << figures.not_calm_seed
                                    << ": all is calm, and a request is not decided from memory");
    if (seed) return;
    BOOST_TEST(figures.calm > schedules() / 5);
    BOOST_TEST(figures.from_memory > figures.decisions / 4);
    BOOST_TEST(figures.by_pings > figures.decisions / 20);
}

struct NamedFlaw {
    test::Flaw flaw;
    const char* name;
};

std::ostream& operator<<(std::ostream& out, const NamedFlaw& flaw) {
    return out << flaw.name;
}

const std::vector<NamedFlaw> flaws{
    {test::Flaw::keeps_across_changes, "keeps reads across changes"},
    {test::Flaw::stamps_late, "stamps a read with the generation it ends in"},
    {test::Flaw::keeps_across_connections, "takes what is kept over to the next connection"},
    {test::Flaw::pings_while_one_waits, "sends a ping while one waits"},
    {test::Flaw::busy_renews, "takes an error for a pong"},
    {test::Flaw::refusal_is_forgotten, "counts the pong after an error"},
    {test::Flaw::pong_counts_from_arrival, "counts a pong from its arrival"},
    {test::Flaw::loads_late, "loads what is renewed after the look-up"},
    {test::Flaw::joins_any_read, "joins a read of any age"},
};

BOOST_DATA_TEST_CASE(a_shell_that_does_it_wrong_is_found_out, bdata::make(flaws), flaw) {
    test::Figures figures;
    const auto seed = wanted_seed();
    if (seed) return replay(*seed, flaw.flaw, figures);
    for (std::uint64_t i = 0; !figures.first && i < schedules_for_flaws; ++i) {
        auto world = std::make_unique<test::World>(i, flaw.flaw, figures);
        world->run();
    }
    BOOST_TEST_MESSAGE(flaw.name << ": " << figures.schedules << " schedules");
    BOOST_TEST((figures.first.has_value()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
