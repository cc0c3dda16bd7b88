// What a request costs: the bill of a permitted request is charged where its limits are counted, in
// this process or in Redis, and what of it comes back is settled when the request is over.
#include "gate/exchange.hpp"
#include "http/limit_fields.hpp"
#include "keys/redis_records.hpp"
#include "limit/lockout.hpp"
#include "policy/bill.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace keygate::gate {

namespace {

using limit::Bill;
using limit::Outcome;
using limit::RedisCounters;

constexpr unsigned most_rechecks = 3;
constexpr std::chrono::milliseconds patience{1000};

config::WhenAway when_away(const config::Limits& limits, const config::Limit& limit) {
    if (std::holds_alternative<config::Quota>(limit.rule)) return limits.quotas_away;
    if (std::holds_alternative<config::Concurrency>(limit.rule)) return limits.concurrency_away;
    return limits.rates_away;
}

} // namespace

void Exchange::charge() {
    const Bill bill = policy::bill_of(*permit_, *api(),
                                      {.route = epoch_->route_subjects[route_->number],
                                       .addresses = lane_.addresses,
                                       .address = told_.client()});
    if (bill.is_empty()) return forward();
    const config::Truth truth = epoch_->snapshot->apis[route_->api].truth;
    if (truth != config::Truth::local && lane_.redis_counters != nullptr)
        return charge_in_redis(bill);
    on_outcome(bill, lane_.counters.charge(bill, lane_.limiter_time(), lane_.calendar),
               config::Truth::local); // rate_limited, quota_exceeded, concurrency_exceeded
}

void Exchange::charge_in_redis(const Bill& bill) {
    const limit::Account whose = account();
    std::uint64_t ticket = 0;
    const auto answer =
        lane_.redis_counters->charge({.bill = bill,
                                      .account = whose,
                                      .serial = caller_ ? caller_->subject->serial() : 0,
                                      .truth = epoch_->snapshot->apis[route_->api].truth,
                                      .recheck = recheck()},
                                     *this, ticket);
    if (answer) return on_charged(bill, *answer);
    prepare();
    charging_ = std::make_unique<Charging>(Charging{.bill = bill, .ticket = ticket, .asked = {}});
    // It is answered much earlier; this is for one that is not.
    deadline_.set(epoch_->snapshot->settings.store.redis->timeout + patience);
}

void Exchange::on_charge(const RedisCounters::Answer& answer) {
    deadline_.clear();
    std::unique_ptr<Charging> charging = std::move(charging_);
    if (answer.kind == RedisCounters::Answer::Kind::changed)
        on_changed(std::move(charging->asked));
    else
        on_charged(charging->bill, answer);
    if (is_running_ && wants_body()) owner_.on_body_wanted();
}

RedisCounters::Kept Exchange::keep() const {
    return {epoch_->snapshot, caller_ ? caller_->limits : nullptr};
}

void Exchange::on_charged(const Bill& bill, const RedisCounters::Answer& answer) {
    if (answer.kind != RedisCounters::Answer::Kind::decided) return charge_while_away(bill);
    on_outcome(bill, answer.outcome, config::Truth::shared);
}

/// The record that was decided on is not what is there now: it is read and decided again.
void Exchange::on_changed(std::unique_ptr<Asking> asked) {
    if (!asked || ++rechecks_ > most_rechecks) return refuse(Refusal{Reason::store_unavailable});
    if (!restore_head(*asked)) return;
    is_prepared_ = false;
    stop_replying();
    request_head_.clear();
    pool_ = nullptr;
    permit_.reset();
    caller_.reset();
    notice_.clear();
    notice_kind_ = auth::Notice::none;
    read_at_ = BootClock::now();
    look_up(asked->cache, asked->credential, asked->place);
    head_ = nullptr;
    head_text_ = {};
}

/// `when_away`, for each kind of limit.
void Exchange::charge_while_away(const Bill& bill) {
    Bill here;
    for (const limit::Item& item : bill.items()) {
        switch (when_away(api()->limits, *item.limit)) {
        case config::WhenAway::refuse:
            lane_.metrics.limits_away_refused.add();
            return refuse(Refusal{Reason::store_unavailable});
        case config::WhenAway::local:
            here.add(item);
            break;
        case config::WhenAway::allow:
            break;
        }
    }
    (here.is_empty() ? lane_.metrics.limits_away_allowed : lane_.metrics.limits_away_local).add();
    on_outcome(here, lane_.counters.charge(here, lane_.limiter_time(), lane_.calendar),
               config::Truth::local);
}

void Exchange::on_outcome(const Bill& bill, const Outcome& outcome, config::Truth truth) {
    tell_standing(bill, outcome);
    if (!outcome.is_admitted()) {
        limited_by_ = bill.items()[outcome.refused_by].limit;
        return refuse(limit::refusal_of(bill, outcome));
    }
    // From here on the charge is spent: a failing upstream does not hand it back, but for meters,
    // which count successful answers.
    if (truth == config::Truth::local)
        limit::note_owed(bill, outcome, owed_);
    else
        RedisCounters::note_owed(bill, account(), outcome, owed_redis_);
    forward();
}

void Exchange::tell_standing(const Bill& bill, const Outcome& outcome) {
    std::array<http::LimitStanding, Bill::most> standings;
    std::size_t count = 0;
    bool has_exceeded_dry = false;
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        const config::Limit& limit = *bill.items()[i].limit;
        if (limit.dry_run) {
            if (!outcome.has_exceeded(i)) continue;
            dry_limit_ = &limit;
            has_exceeded_dry = true;
            continue;
        }
        const limit::Standing& standing = outcome.standing[i];
        const bool is_more_coming = standing.more_at > outcome.now;
        standings[count++] = {.limit = &limit,
                              .left = standing.left,
                              .more_in = is_more_coming
                                             ? limit::seconds_until(standing.more_at, outcome.now)
                                             : std::chrono::seconds{0},
                              .is_exceeded = outcome.has_exceeded(i)};
    }
    if (has_exceeded_dry) lane_.metrics.limits_exceeded_dry.add();
    http::write_limit_fields(limit_fields_, {standings.data(), count}, api()->limits.fields,
                             lane_.poller.now().wall);
}

void Exchange::stop_charging() {
    if (charging_) lane_.redis_counters->cancel(charging_->ticket);
    charging_.reset();
}

void Exchange::settle_limits(observe::Outcome outcome) {
    if (owed_.empty() && owed_redis_.empty()) return;
    // A client that goes away during an answer has had it; one that the upstream broke off is none.
    const bool is_whole = outcome.index() == observe::Outcome::allowed().index() ||
                          outcome.index() == observe::Outcome::canceled().index();
    const bool is_counted = is_whole && status_ / 100 == 2;
    lane_.counters.settle(owed_, is_counted);
    const bool comes_back =
        !is_counted && std::any_of(owed_.begin(), owed_.end(), [](const auto& one) {
            return std::holds_alternative<config::Quota>(one.limit->rule);
        });
    if (comes_back && caller_) lane_.used.touch(caller_, epoch_->snapshot->catalog);
    if (!owed_redis_.empty()) lane_.redis_counters->settle(owed_redis_, is_counted);
    owed_.clear();
    owed_redis_.clear();
}

limit::Account Exchange::account() const {
    return {.api = api()->name,
            .owner = caller_ ? std::string_view{caller_->owner} : std::string_view{},
            .key = caller_ ? std::string_view{caller_->id} : std::string_view{},
            .route = route_->name,
            .address = told_.client()};
}

/// With a bound of 0 what was decided on must still be there when it is charged.
std::optional<limit::Recheck> Exchange::recheck() const {
    if (!caller_ || !caller_->marks) return std::nullopt;
    return limit::Recheck{
        .names = {keys::key_name(caller_->digest), keys::owner_name({api()->name, caller_->owner})},
        .marks = {caller_->marks->key, caller_->marks->owner}};
}

std::optional<Refusal> Exchange::check_lockout() const {
    const auto& limit = epoch_->snapshot->apis[route_->api].failed_auth;
    if (!limit) return std::nullopt;
    return limit::Failures{lane_.counters, lane_.addresses, *limit, api()->name, told_.client()}
        .check(lane_.limiter_time(), lane_.calendar);
}

/// Where all keys are in memory a failure costs nobody anything.
void Exchange::count_failure() const {
    const auto& limit = epoch_->snapshot->apis[route_->api].failed_auth;
    if (!limit || !epoch_->keys.cache) return;
    limit::Failures{lane_.counters, lane_.addresses, *limit, api()->name, told_.client()}.count(
        lane_.limiter_time(), lane_.calendar);
}

} // namespace keygate::gate
