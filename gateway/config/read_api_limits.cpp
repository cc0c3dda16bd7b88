#include "config/read_api_limits.hpp"

#include "config/read_limits.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

void read_truth(const std::optional<View>& view, Limits& out) {
    if (!view) return;
    std::optional<Truth> truth;
    for (const auto& [word, value] : truth_words)
        if (view->is_scalar() && view->node().text == word) truth = value;
    out.truth = truth;
    if (!truth) refuse_word(*view, {"local", "shared", "leased"});
}

void read_when_away(const std::optional<View>& view, Limits& out) {
    if (!view) return;
    if (!view->is_map()) {
        read_word(view, out.rates_away, away_words);
        out.quotas_away = out.concurrency_away = out.rates_away;
        return;
    }
    Fields fields{*view};
    read_word(fields.take("rate"), out.rates_away, away_words);
    read_word(fields.take("quota"), out.quotas_away, away_words);
    read_word(fields.take("concurrency"), out.concurrency_away, away_words);
    fields.done();
}

void read_family(const View& view, std::vector<std::string> allowed,
                 std::vector<LimitFields>& out) {
    for (const auto& [word, family] : field_words) {
        if (!view.is_scalar() || view.node().text != word) continue;
        const auto has = [&](LimitFields other) {
            return std::find(out.begin(), out.end(), other) != out.end();
        };
        if (has(family)) return view.complain(view.seen() + " is listed twice");
        if ((family == LimitFields::delta && has(LimitFields::epoch)) ||
            (family == LimitFields::epoch && has(LimitFields::delta)))
            view.complain("`x-delta` and `x-epoch` are fields of the same names, one with seconds "
                          "from now and one with a point in time; expected one of them");
        out.push_back(family);
        return;
    }
    refuse_word(view, allowed);
}

void read_test(const std::optional<View>& view, Limits& out) {
    if (!view) return;
    Fields fields{*view};
    read_word(fields.take("quota"), out.test_spends_quota, test_quota_words);
    if (const auto rate = fields.take("rate"))
        read_rates(rate, {LimitOf::test}, out.test_rates.emplace());
    fields.later({"concurrency"});
    fields.done();
}

} // namespace

void read_limit_fields(const std::optional<View>& view, std::vector<LimitFields>& out) {
    if (!view) return;
    out.clear();
    std::vector<std::string> allowed;
    for (const auto& [word, family] : field_words)
        allowed.emplace_back(word);
    if (view->is_list()) {
        if (view->node().items.empty()) view->complain("lists nothing; expected `none`");
        for (const View& item : view->items({}))
            read_family(item, allowed, out);
        return;
    }
    if (view->is_scalar() && view->node().text == "none") return;
    allowed.emplace_back("none");
    read_family(*view, allowed, out);
}

Limits read_api_limits(const std::optional<View>& view, const Profile& profile) {
    Limits limits;
    limits.fields = profile.fields;
    if (!view) return limits;
    Fields fields{*view};
    read_truth(fields.take("truth"), limits);
    read_when_away(fields.take("when_away"), limits);
    if (const auto zone = fields.take("time_zone"))
        static_cast<void>(read_time_zone(*zone, limits.zone));
    read_limit_fields(fields.take("fields"), limits.fields);
    read_test(fields.take("test"), limits);
    fields.done();
    return limits;
}

} // namespace keygate::config
