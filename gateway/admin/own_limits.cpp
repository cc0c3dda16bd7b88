#include "admin/own_limits.hpp"

#include "config/read_limits.hpp"
#include "keys/compile.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <variant>

namespace json = boost::json;

namespace keygate::admin {

std::string read_rate(Members& in) {
    const json::value* const value = in.value("rate");
    if (value == nullptr) return {};
    if (value->is_object() || value->is_array()) return json::serialize(*value);
    if (value->is_string() && !value->get_string().empty())
        return {value->get_string().data(), value->get_string().size()};
    in.wrong("rate", "must be text such as 100/1m, an object, or a list of those");
    return {};
}

std::string read_quota(Members& in) {
    const json::value* const value = in.value("quota");
    if (value == nullptr) return {};
    if (value->is_object()) return json::serialize(*value);
    in.wrong("quota", R"(must be an object such as {"requests":"1000/month"})");
    return {};
}

Checked<void> judge_limits(const keys::KeyRecord& record, const keys::ApiNames& api,
                           const std::string& prefix) {
    const auto limits = keys::own_limits(record, api);
    if (!limits.value) return problem_of(limits.wrong, prefix);
    if (*limits.value == nullptr) return {};
    for (const config::Limit& limit : (*limits.value)->quotas) {
        const std::string& meter = std::get<config::Quota>(limit.rule).meter;
        if (std::find(api.meters.begin(), api.meters.end(), meter) == api.meters.end())
            return unprocessable(prefix + "quota", "no route counts `" + meter + "`; " +
                                                       known_names(meter, api.meters));
    }
    return {};
}

json::value shown_limit(const std::string& kept) {
    if (kept.empty()) return nullptr;
    json::error_code error;
    json::value value = json::parse(kept, error);
    if (error || (!value.is_object() && !value.is_array())) return json::value(kept);
    return value;
}

std::string_view kind_of(const config::Limit& limit) {
    if (std::holds_alternative<config::Quota>(limit.rule)) return "quota";
    if (std::holds_alternative<config::Concurrency>(limit.rule)) return "concurrency";
    return "rate";
}

std::string_view to_string(config::LimitBy by) {
    return config::word_of(by, config::by_words);
}

json::object to_json(const config::Limit& limit) {
    json::object out;
    out["name"] = limit.name;
    out["by"] = to_string(limit.by);
    out["kind"] = kind_of(limit);
    out["limit"] = limit.text;
    out["dry_run"] = limit.dry_run;
    return out;
}

} // namespace keygate::admin
