#include "app/spent_keeper.hpp"

#include <algorithm>
#include <span>
#include <variant>

namespace keygate::app {

namespace {

void add_quotas(std::span<const config::Limit> limits, std::vector<std::uint64_t>& tags) {
    for (const config::Limit& limit : limits)
        if (std::holds_alternative<config::Quota>(limit.rule)) tags.push_back(limit.tag);
}

} // namespace

void SpentKeeper::serve(const config::Settings& settings) {
    tags_.clear();
    for (const config::Api& api : settings.apis) {
        std::vector<std::uint64_t>& tags = tags_[api.name];
        // Of all plans: what was used under one counts under the next.
        for (const config::Plan& plan : api.plans)
            add_quotas(plan.limits, tags);
        add_quotas(api.counts, tags);
        std::sort(tags.begin(), tags.end());
        tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
    }
}

Result<void> SpentKeeper::restore(keys::KeyStore& store, const keys::Table& table) {
    return store.each_spent([&](const keys::SpentBy& by, std::span<const keys::Spent> spent) {
        // An owner may have his first key later.
        const keys::SubjectRef subject =
            by.id.empty() ? table.subjects()->of_owner(by.api, by.owner) : table.subject_of(by);
        if (!subject) return;
        std::vector<limit::State> states;
        for (const keys::Spent& one : spent)
            states.push_back({.at = one.at, .used = one.used, .tag = one.tag});
        counters_.restore(subject->number(), states);
    });
}

void SpentKeeper::add_spent(const keys::UsedKey& used, keys::UsageDelta& delta) const {
    const auto of_api = tags_.find(delta.api);
    std::vector<std::uint64_t> tags;
    if (of_api != tags_.end()) tags = of_api->second;
    if (used.entry->limits) add_quotas(used.entry->limits->quotas, tags);
    if (tags.empty()) return;
    delta.spent_by_key = spent_by(*used.entry->subject, tags);
    delta.spent_by_owner = spent_by(*used.entry->owner_subject, tags);
}

std::vector<keys::Spent> SpentKeeper::spent_by(const keys::Subject& subject,
                                               const std::vector<std::uint64_t>& tags) const {
    std::vector<keys::Spent> all;
    for (const limit::State& state : counters_.spent(subject.number()))
        if (std::find(tags.begin(), tags.end(), state.tag) != tags.end())
            all.push_back({.tag = state.tag, .at = state.at, .used = state.used});
    return all;
}

} // namespace keygate::app
