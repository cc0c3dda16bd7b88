#include "admin/limit_standing.hpp"

#include "admin/own_limits.hpp"
#include "admin/plan_rules.hpp"
#include "keys/compile.hpp"
#include "limit/quota.hpp"
#include "limit/rate.hpp"
#include "limit/window.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <variant>

namespace json = boost::json;

namespace keygate::admin {

namespace {

using config::Limit;
using config::Quota;
using config::Rate;

/// Which limits count, as policy/bill.hpp says it.
class Limits {
  public:
    Limits(const config::Api& api, const keys::KeyRecord* record, const config::KeyLimits* own)
        : api_(api)
        , own_(own)
        , is_test_(record != nullptr && record->mode == keys::Mode::test) {}

    [[nodiscard]] std::vector<Limit> by(config::LimitBy by, const config::Plan* plan) const {
        std::vector<Limit> all;
        const auto add = [&](const Limit& limit) {
            if (limit.by == by) all.push_back(limit);
        };
        if (own_ != nullptr && own_->rates)
            std::for_each(own_->rates->begin(), own_->rates->end(), add);
        else if (is_test_ && api_.limits.test_rates)
            std::for_each(api_.limits.test_rates->begin(), api_.limits.test_rates->end(), add);
        else if (plan != nullptr)
            for (const Limit& limit : plan->limits)
                if (std::holds_alternative<Rate>(limit.rule)) add(limit);
        if (is_test_ && !api_.limits.test_spends_quota) return all;
        if (own_ != nullptr) std::for_each(own_->quotas.begin(), own_->quotas.end(), add);
        if (plan != nullptr)
            for (const Limit& limit : plan->limits)
                if (const auto* quota = std::get_if<Quota>(&limit.rule);
                    quota != nullptr && !is_replaced(quota->meter))
                    add(limit);
        for (const Limit& limit : api_.counts)
            if (std::none_of(all.begin(), all.end(),
                             [&](const Limit& one) { return one.tag == limit.tag; }))
                add(limit);
        return all;
    }

  private:
    [[nodiscard]] bool is_replaced(const std::string& meter) const {
        return own_ != nullptr &&
               std::any_of(own_->quotas.begin(), own_->quotas.end(), [&](const Limit& limit) {
                   return std::get<Quota>(limit.rule).meter == meter;
               });
    }

    const config::Api& api_;
    const config::KeyLimits* own_;
    bool is_test_;
};

const config::Plan* plan_named(const config::Api& api, const std::optional<std::string>& name) {
    for (const config::Plan& plan : api.plans)
        if (plan.name == name) return &plan;
    return nullptr;
}

/// The key's, else its owner's, else the API's default.
Checked<const config::Plan*> plan_of(const keys::SpentBy& by, const keys::KeyRecord* record,
                                     const config::Api& api, keys::KeyStore& store) {
    if (record != nullptr && record->plan) return plan_named(api, record->plan);
    const auto owner = store.find_owner({by.api, by.owner});
    if (!owner && owner.error().error != keys::StoreError::not_found)
        return store_problem(owner.error());
    const bool has_plan = owner.has_value() && owner->plan;
    return plan_named(api, has_plan ? owner->plan : api.default_plan);
}

keys::Time whole_second(limit::Instant instant) {
    return keys::Time{std::chrono::ceil<std::chrono::seconds>(instant)};
}

LimitStanding standing_of(Limit limit, const keys::Spent& spent, limit::Instant now) {
    const limit::State state{
        .at = spent.at, .used = spent.used, .tag = spent.at == 0 ? 0 : spent.tag};
    LimitStanding out;
    if (const auto* const quota = std::get_if<Quota>(&limit.rule)) {
        limit::Calendar calendar;
        const TimeSpan period = calendar.period(*quota, now);
        const limit::Window window{period.begin.count(), period.end.count(), state};
        out.used = window.used;
        out.resets_at = whole_second(limit::Instant{window.end});
    } else {
        const auto& rate = std::get<Rate>(limit.rule);
        const limit::Standing standing = limit::standing(rate, state, now);
        out.used = rate.burst.value_or(rate.limit) - standing.left;
        // A bucket's state is when it is empty.
        if (out.used > 0)
            out.resets_at = whole_second(rate.burst ? limit::Instant{state.at} : standing.more_at);
    }
    out.limit = std::move(limit);
    return out;
}

Result<std::vector<keys::Spent>> spent_of(const keys::SpentBy& by, std::span<const Limit> limits,
                                          bool is_here, const Context& context,
                                          keys::KeyStore& store, const keys::LiveKeys& live) {
    if (!is_here) return store.spent(by, limits);
    std::vector<keys::Spent> all;
    const keys::SubjectRef subject = live.subject_of(by);
    const auto states =
        subject ? context.counters->spent(subject->number()) : std::vector<limit::State>{};
    for (const Limit& limit : limits) {
        all.push_back({.tag = limit.tag});
        for (const limit::State& state : states)
            if (state.tag == limit.tag) all.back() = {state.tag, state.at, state.used};
    }
    return all;
}

} // namespace

Checked<std::vector<LimitStanding>> standings_of(const keys::SpentBy& by,
                                                 const std::optional<keys::KeyRecord>& record,
                                                 config::LimitBy which, const Context& context,
                                                 keys::KeyStore& store,
                                                 const keys::LiveKeys& live) {
    const auto number = context.catalog.api_number(by.api);
    if (!number) return std::vector<LimitStanding>{};
    const config::Api& api = context.settings.apis[*number];
    const keys::ApiNames& names = context.catalog.apis[*number];
    const keys::KeyRecord* const key = record ? &*record : nullptr;
    const auto plan = plan_of(by, key, api, store);
    if (!plan) return plan.error();
    std::shared_ptr<const config::KeyLimits> own;
    if (key != nullptr)
        if (auto read = keys::own_limits(*key, names); read.value) own = *read.value;
    auto limits = Limits{api, key, own.get()}.by(which, *plan);
    const bool is_here = !names.counts_in_redis && context.counters != nullptr;
    const auto spent = spent_of(by, limits, is_here, context, store, live);
    if (!spent) return store_problem(spent.error());
    std::vector<LimitStanding> all;
    const limit::Instant now = context.clock.now().wall.time_since_epoch();
    for (std::size_t i = 0; i < limits.size(); ++i)
        all.push_back(standing_of(std::move(limits[i]), (*spent)[i], now));
    return all;
}

json::object to_json(const LimitStanding& standing) {
    json::object out = to_json(standing.limit);
    out["used"] = standing.used;
    out["resets_at"] = nullptr;
    if (standing.resets_at) out["resets_at"] = keys::to_text(*standing.resets_at);
    return out;
}

} // namespace keygate::admin
