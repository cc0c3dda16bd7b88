#include "limit/counters.hpp"
#include "limit/model_world.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

// Counters against the plain model (model.hpp), through random schedules (model_world.hpp): what is
// admitted, who refuses, until when, and what is left, must be the same for each charge.
//
// KEYGATE_LONG=1 makes twelve million decisions instead of half a million (fewer where assertions
// are on). KEYGATE_SEED=n replays the schedule that was printed.
namespace keygate::limit {
namespace {

using testing::Model;
using testing::World;

std::uint64_t decisions() {
    return testing::tries(500'000, 12'500'000);
}

std::string text_of(const Bill& bill, Instant now) {
    std::ostringstream text;
    text << "at " << now.count();
    for (const Item& item : bill.items()) {
        text << "; " << item.limit->state << " of " << item.subject << ": " << item.cost << " of "
             << std::visit([](const auto& rule) { return rule.limit; }, item.limit->rule);
        if (const auto* const rate = std::get_if<config::Rate>(&item.limit->rule);
            rate != nullptr && rate->burst)
            text << " burst " << *rate->burst;
        if (item.limit->dry_run) text << " dry";
    }
    return text.str();
}

/// What differs; empty if nothing does.
std::string difference(const Bill& bill, const Outcome& outcome, const Model::Answer& expected) {
    std::string text;
    const auto compare = [&](const char* what, std::size_t of, auto is, auto should) {
        if (is == should) return;
        std::ostringstream line;
        line << ' ' << what << " (" << of << ") is " << is << ", not " << should << ';';
        text += line.str();
    };
    compare("admitted", 0, outcome.is_admitted(), expected.is_admitted);
    compare("exceeded", 0, outcome.exceeded, expected.exceeded);
    if (!expected.is_admitted && !outcome.is_admitted()) {
        compare("refused by", 0, std::size_t{outcome.refused_by}, expected.refused_by);
        compare("retry at", 0, outcome.retry_at.count(), expected.retry_at.count());
        compare("reason", 0, name(refusal_of(bill, outcome).reason),
                name(reason_of(*bill.items()[expected.refused_by].limit)));
    }
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        compare("left", i, outcome.standing[i].left, expected.standing[i].left);
        compare("more at", i, outcome.standing[i].more_at.count(),
                expected.standing[i].more_at.count());
    }
    return text;
}

/// By definition, whatever the model says: the limit that refuses does so until then, if nobody
/// else charges.
std::string wrong_retry(const Counters& counters, const Bill& bill, const Outcome& outcome) {
    const Item& item = bill.items()[outcome.refused_by];
    if (std::holds_alternative<config::Concurrency>(item.limit->rule)) return {};
    Bill alone;
    alone.add(item);
    Calendar calendar;
    const auto passes = [&](Instant at) {
        return counters.test(alone, at, calendar).is_admitted();
    };
    if (outcome.retry_at == Instant::max())
        return passes(outcome.now + std::chrono::hours{24 * 400}) ? " it passes after all" : "";
    if (passes(outcome.retry_at - Instant{1})) return " it passes before";
    return passes(outcome.retry_at) ? "" : " it does not pass then";
}

class Schedule {
  public:
    explicit Schedule(std::uint64_t seed)
        : world_(seed, {}) {}

    /// @returns what was wrong first.
    std::string run(int charges) {
        for (int i = 0; i < charges; ++i) {
            std::string wrong = charge();
            if (!wrong.empty()) return "charge " + std::to_string(i) + ' ' + wrong;
        }
        return {};
    }

    [[nodiscard]] std::uint64_t admitted() const { return admitted_; }

    [[nodiscard]] std::uint64_t refused() const { return refused_; }

  private:
    struct Running {
        Bill bill;
        Model::Answer answer;
        std::vector<Owed> owed;
    };

    std::string charge() {
        world_.step(retry_at_);
        if (world_.one_in(20)) world_.edit();
        while (!running_.empty() && world_.one_in(3))
            settle();
        const Bill bill = world_.bill();
        const Model::Answer expected = model_.charge(bill, world_.now());
        const Outcome outcome = counters_.charge(bill, world_.now(), calendar_);
        std::string wrong = difference(bill, outcome, expected);
        if (!outcome.is_admitted()) {
            ++refused_;
            retry_at_ = outcome.retry_at;
            if (world_.one_in(4)) wrong += wrong_retry(counters_, bill, outcome);
        } else {
            ++admitted_;
            Running& made = running_.emplace_back(Running{bill, expected, {}});
            note_owed(bill, outcome, made.owed);
        }
        return wrong.empty() ? wrong : text_of(bill, world_.now()) + ':' + wrong;
    }

    void settle() {
        const std::size_t which = world_.below(running_.size() - 1);
        const Running over = running_[which];
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which));
        const bool is_counted = world_.one_in(2);
        model_.settle(over.bill, over.answer, is_counted);
        counters_.settle(over.owed, is_counted);
    }

    World world_;
    Model model_;
    Counters counters_{4};
    Calendar calendar_;
    std::vector<Running> running_;
    Instant retry_at_{};
    std::uint64_t admitted_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(limit_model)

BOOST_AUTO_TEST_CASE(counters_decide_as_the_plain_model_does) {
    constexpr int charges = 250;
    const std::uint64_t first = testing::new_seed();
    std::uint64_t admitted = 0;
    std::uint64_t refused = 0;
    for (std::uint64_t seed = first; admitted + refused < decisions(); ++seed) {
        Schedule schedule{seed};
        const std::string wrong = schedule.run(charges);
        BOOST_TEST_REQUIRE(wrong == "", "KEYGATE_SEED=" << seed << ": " << wrong);
        admitted += schedule.admitted();
        refused += schedule.refused();
    }
    BOOST_TEST_MESSAGE(admitted << " admitted, " << refused << " refused");
    // It would show nothing if one of them were rare.
    BOOST_TEST(admitted > decisions() / 10);
    BOOST_TEST(refused > decisions() / 10);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::limit
