#include "config/print_limits.hpp"

#include "config/read_api_limits.hpp"
#include "config/read_limits.hpp"
#include "config/tree.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

/// A list of limits and where it stands.
struct Shown {
    const std::vector<Limit>& limits;
    LimitHome home;
    std::string zone; // of quotas that name none
};

Paths below_each(const Paths& paths, std::string_view name) {
    Paths out;
    for (const std::string& path : paths)
        out.push_back(path + '.' + std::string{name});
    return out;
}

/// @param paths  where the whole of it may have been written.
std::string limit_yaml(const Printer& out, const Shown& shown, std::size_t index,
                       const Paths& paths) {
    const Limit& limit = shown.limits[index];
    const auto* rate = std::get_if<Rate>(&limit.rule);
    const auto* quota = std::get_if<Quota>(&limit.rule);
    std::string more;
    const auto add = [&](std::string_view name, std::string_view text) {
        more += ", " + std::string{name} + ": " + out.value(below_each(paths, name), text);
    };
    if (rate && rate->burst) add("burst", std::to_string(*rate->burst));
    if (limit.by != default_by(shown.home, limit)) add("by", word_of(limit.by, by_words));
    if (quota && quota->zone != shown.zone) add("time_zone", quota->zone);
    if (limit.name != default_name(limit, std::span{shown.limits}.first(index)))
        add("name", limit.name);
    if (limit.dry_run) add("dry_run", "true");

    const std::string_view numbers = rate ? "rate" : "limit";
    Paths all = below_each(paths, numbers);
    all.insert(all.end(), paths.begin(), paths.end());
    const std::string text = out.value(all, limit.text);
    return more.empty() ? text : "{" + std::string{numbers} + ": " + text + more + "}";
}

/// @param indices  of at least one limit.
std::string limits_yaml(const Printer& out, const Shown& shown,
                        const std::vector<std::size_t>& indices, const std::string& path) {
    if (indices.size() == 1)
        return limit_yaml(out, shown, indices.front(), {path, item_path(path, 0)});
    return flow_list(indices, [&](std::size_t index, std::size_t at) {
        return limit_yaml(out, shown, index, {item_path(path, at)});
    });
}

template <class Rule> std::vector<std::size_t> indices_of(const std::vector<Limit>& limits) {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < limits.size(); ++i)
        if (std::holds_alternative<Rule>(limits[i].rule)) indices.push_back(i);
    return indices;
}

template <class Rule> void print_kind(Printer& out, std::string_view name, const Shown& shown) {
    const auto indices = indices_of<Rule>(shown.limits);
    if (!indices.empty())
        out.line(name, limits_yaml(out, shown, indices, child_path(out.here(), name)));
}

void print_quotas(Printer& out, const Shown& shown) {
    const auto meter_at = [&](std::size_t index) -> const std::string& {
        return std::get<Quota>(shown.limits[index].rule).meter;
    };
    const auto quotas = indices_of<Quota>(shown.limits);
    if (quotas.empty()) return;
    out.open("quota");
    // Those of one meter stand together.
    for (auto first = quotas.begin(); first != quotas.end();) {
        const std::string& meter = meter_at(*first);
        const auto end = std::find_if(first, quotas.end(),
                                      [&](std::size_t index) { return meter_at(index) != meter; });
        out.line(meter, limits_yaml(out, shown, {first, end}, child_path(out.here(), meter)));
        first = end;
    }
    out.close();
}

void print_when_away(Printer& out, const Limits& limits) {
    const std::string path = child_path(out.here(), "when_away");
    const auto word = [&](WhenAway value, std::string_view kind) {
        return out.value({path + '.' + std::string{kind}, path}, word_of(value, away_words));
    };
    const std::string rate = word(limits.rates_away, "rate");
    if (limits.quotas_away == limits.rates_away && limits.concurrency_away == limits.rates_away)
        return out.line("when_away", rate);
    out.line("when_away", "{rate: " + rate + ", quota: " + word(limits.quotas_away, "quota") +
                              ", concurrency: " + word(limits.concurrency_away, "concurrency") +
                              "}");
}

void print_fields(Printer& out, const std::vector<LimitFields>& fields) {
    const std::string path = child_path(out.here(), "fields");
    if (fields.empty()) return out.field("fields", "none");
    if (fields.size() == 1)
        return out.line(
            "fields", out.value({path, item_path(path, 0)}, word_of(fields.front(), field_words)));
    out.line("fields", flow_list(fields, [&](LimitFields family, std::size_t i) {
                 return out.value({item_path(path, i)}, word_of(family, field_words));
             }));
}

void print_test(Printer& out, const Limits& limits) {
    out.open("test");
    out.field("quota", word_of(limits.test_spends_quota, test_quota_words));
    if (limits.test_rates && limits.test_rates->empty())
        out.line("rate", "[]");
    else if (limits.test_rates)
        print_kind<Rate>(out, "rate", {*limits.test_rates, {LimitOf::test}, {}});
    out.close();
}

} // namespace

void print_api_limits(Printer& out, const Api& api, bool has_redis) {
    const Truth truth = truth_of(api.limits, has_redis);
    out.open("limits");
    out.field("truth", word_of(truth, truth_words));
    if (truth != Truth::local) print_when_away(out, api.limits);
    out.field("time_zone", api.limits.zone);
    print_fields(out, api.limits.fields);
    print_test(out, api.limits);
    out.close();
    if (api.failed_auth) out.field("failed_auth", api.failed_auth->text);
}

void print_limits(Printer& out, const Plan& plan, const std::string& zone) {
    const Shown shown{plan.limits, {}, zone};
    print_kind<Rate>(out, "rate", shown);
    print_quotas(out, shown);
    print_kind<Concurrency>(out, "concurrency", shown);
}

std::string route_limits_yaml(const Printer& out, const Route& route, const std::string& path) {
    const LimitHome home{LimitOf::route, route.text, route.access == Access::open};
    const Shown shown{route.limits, home, {}};
    const auto member = [&](std::string_view name, const std::vector<std::size_t>& indices) {
        if (indices.empty()) return std::string{};
        return ", " + std::string{name} + ": " +
               limits_yaml(out, shown, indices, child_path(path, name));
    };
    return member("rate", indices_of<Rate>(route.limits)) +
           member("concurrency", indices_of<Concurrency>(route.limits));
}

} // namespace keygate::config
