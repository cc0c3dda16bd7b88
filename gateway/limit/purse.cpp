#include "limit/purse.hpp"

#include <algorithm>
#include <variant>

namespace keygate::limit {
namespace {

using std::chrono::nanoseconds;

/// How long the refusal of an item holds whatever others do.
nanoseconds memory_of(const config::Limit& limit) {
    if (std::holds_alternative<config::Concurrency>(limit.rule)) return nanoseconds{0};
    return is_meter(limit) ? Purse::memory_of_meters : Purse::memory;
}

} // namespace

std::optional<Outcome> Purse::take(BootTime now) {
    if (units_ == 0 || now >= lease_until_) return std::nullopt;
    return unit(now);
}

std::optional<Outcome> Purse::share() {
    if (units_ == 0) return std::nullopt;
    return unit(received_);
}

Outcome Purse::unit(BootTime now) {
    --units_;
    ++used_;
    Outcome outcome;
    outcome.now = server_time(now);
    outcome.exceeded = last_.exceeded;
    for (std::size_t i = 0; i < last_.standing.size(); ++i) {
        outcome.standing[i] = last_.standing[i];
        // What this worker holds is left, too.
        outcome.standing[i].left += std::uint64_t{units_} * costs_[i];
        outcome.taken_in[i] = taken_in_[i];
    }
    return outcome;
}

std::optional<Outcome> Purse::refused(BootTime now) const {
    if (now >= refused_until_) return std::nullopt;
    Outcome outcome;
    outcome.now = server_time(now);
    outcome.refused_by = last_.by;
    outcome.exceeded = last_.exceeded;
    outcome.retry_at = last_.retry_at;
    std::copy(last_.standing.begin(), last_.standing.end(), outcome.standing.begin());
    return outcome;
}

std::uint32_t Purse::wanted(std::uint32_t waiting, BootTime now) {
    // Who comes once in a while needs nothing in advance.
    const bool is_busy = now - asked_ < lease_life;
    asked_ = now;
    const std::uint32_t more = is_busy ? 2 * std::max(used_, 1U) : 0;
    used_ = 0;
    return std::clamp(more + waiting, 1U, most_units);
}

void Purse::on_granted(const Bill& bill, const ScriptAnswer& answer, BootTime sent,
                       BootTime received) {
    units_ = answer.units - 1;
    ++used_;
    received_ = received;
    said_ = answer.now;
    refused_until_ = {};
    nanoseconds life = lease_life;
    const std::size_t items = bill.items().size();
    last_.exceeded = answer.outcome.exceeded;
    last_.standing.assign(answer.outcome.standing.begin(),
                          answer.outcome.standing.begin() + static_cast<std::ptrdiff_t>(items));
    taken_in_.clear();
    costs_.clear();
    for (std::size_t i = 0; i < items; ++i) {
        // A dry run that was exceeded took nothing: there is nothing of it to give back.
        const bool is_taken = !answer.outcome.has_exceeded(i);
        taken_in_.push_back(is_taken ? answer.outcome.taken_in[i] : 0);
        costs_.push_back(is_taken ? bill.items()[i].cost : 0);
        // A window's units end with it; a bucket has none.
        if (answer.outcome.taken_in[i] != 0)
            life = std::min(life, answer.outcome.standing[i].more_at - answer.now);
    }
    lease_until_ = sent + life;
}

void Purse::on_refused(const Bill& bill, const ScriptAnswer& answer, BootTime sent,
                       BootTime received) {
    const Outcome& outcome = answer.outcome;
    received_ = received;
    said_ = answer.now;
    last_.by = outcome.refused_by;
    last_.exceeded = outcome.exceeded;
    last_.retry_at = outcome.retry_at;
    last_.standing.assign(outcome.standing.begin(),
                          outcome.standing.begin() +
                              static_cast<std::ptrdiff_t>(bill.items().size()));
    nanoseconds life = memory_of(*bill.items()[outcome.refused_by].limit);
    if (outcome.retry_at != Instant::max())
        life = std::min<nanoseconds>(life, outcome.retry_at - answer.now);
    refused_until_ = sent + life;
}

Purse::Rest Purse::end() {
    Rest rest{.units = units_, .taken_in = taken_in_};
    units_ = 0;
    lease_until_ = {};
    return rest;
}

} // namespace keygate::limit
