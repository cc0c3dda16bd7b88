#include "admin/own_values.hpp"

#include "admin/limit_standing.hpp"
#include "admin/replies.hpp"
#include "http/template.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <variant>

namespace json = boost::json;

namespace keygate::admin {

namespace {

json::value parsed_object(const std::string& text) {
    json::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object()) return json::object{};
    return value;
}

/// What one meter shows.
struct Meter {
    std::uint64_t used = 0;
    std::optional<std::uint64_t> limit; // absent: counted only
    std::optional<keys::Time> resets_at;
};

json::object meter_json(const Meter& meter) {
    json::object out;
    out["used"] = meter.used;
    out["limit"] = nullptr;
    out["remaining"] = nullptr;
    if (meter.limit) {
        out["limit"] = *meter.limit;
        out["remaining"] = *meter.limit - std::min(*meter.limit, meter.used);
    }
    out["resets_at"] = nullptr;
    if (meter.resets_at) out["resets_at"] = keys::to_text(*meter.resets_at);
    return out;
}

/// Of several counts of one meter the one that is sold: with a limit before one without, the
/// owner's before the key's.
class Meters {
  public:
    void add(const LimitStanding& standing) {
        const auto* const quota = std::get_if<config::Quota>(&standing.limit.rule);
        if (quota == nullptr) return;
        Meter meter{.used = standing.used, .limit = {}, .resets_at = standing.resets_at};
        if (!standing.limit.is_count_only) meter.limit = quota->limit;
        const auto [known, is_new] = meters_.emplace(quota->meter, meter);
        if (!is_new && !known->second.limit && meter.limit) known->second = meter;
    }

    [[nodiscard]] json::object to_json() const {
        json::object out;
        for (const auto& [name, meter] : meters_)
            out[name] = meter_json(meter);
        return out;
    }

  private:
    std::map<std::string, Meter> meters_;
};

json::object gauges_of(const config::Plan* plan, const json::value& attributes) {
    json::object out;
    if (plan == nullptr) return out;
    for (const config::Gauge& gauge : plan->gauges) {
        json::object one;
        one["used"] = nullptr;
        const auto* const value = attributes.as_object().if_contains(gauge.name);
        if (value != nullptr && value->is_number()) one["used"] = *value;
        one["limit"] = gauge.limit;
        out[gauge.name] = std::move(one);
    }
    return out;
}

/// The value of a dotted name; names themselves may have dots. Null: none.
const json::value* find(const json::object& values, std::string_view name) {
    if (const auto* const value = values.if_contains(name)) return value;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos;
         dot = name.find('.', dot + 1)) {
        const auto* const inner = values.if_contains(name.substr(0, dot));
        if (inner == nullptr || !inner->is_object()) continue;
        if (const auto* const value = find(inner->get_object(), name.substr(dot + 1))) return value;
    }
    return nullptr;
}

std::optional<std::vector<std::string>> texts_of(const json::value& value) {
    if (!value.is_array()) return std::nullopt;
    std::vector<std::string> texts;
    for (const json::value& one : value.get_array()) {
        if (!one.is_string()) return std::nullopt;
        texts.emplace_back(one.get_string());
    }
    return texts;
}

void fill(http::Slot& slot, const json::value& value) {
    if (value.is_string()) return slot.text(value.get_string());
    if (value.is_bool()) return slot.flag(value.get_bool());
    if (value.is_null()) return slot.null();
    if (const auto texts = texts_of(value)) return slot.list(*texts);
    slot.json(json::serialize(value));
}

/// What names are in one answer.
struct Values {
    const json::object& values;
    std::string_view request_id;
    const Secret* secret = nullptr;

    void operator()(std::string_view name, http::Slot& slot) const {
        if (name == "request_id") return slot.text(request_id);
        if (name == "key.secret")
            return secret == nullptr ? slot.null() : slot.text(secret->reveal());
        if (const auto* const value = find(values, name)) fill(slot, *value);
    }
};

answer::Reply to_reply(const config::ReplyShape& shape, const Values& values) {
    answer::Reply reply;
    reply.status = shape.status;
    if (!shape.body) return reply;
    const http::Template body = http::Template::json(*shape.body);
    std::string text;
    // A secret must not be moved about.
    text.reserve(body.size() + (body.count() + 1) * (json::serialize(values.values).size() + 512));
    body.render(text, values);
    reply.body.assign(text.begin(), text.end());
    wipe(text.data(), text.size());
    return reply;
}

} // namespace

json::object values_of_key(const keys::KeyRow& row, const Context& context) {
    json::object key = to_json(row, context.catalog, context.now());
    key["livemode"] = row.record.mode == keys::Mode::live;
    // What a client reads is names, not `tests:*`.
    const auto api = context.catalog.api_number(row.record.api);
    if (api && row.record.scopes) {
        const keys::ApiNames& names = context.catalog.apis[*api];
        keys::ScopeSet held;
        for (const std::string& one : *row.record.scopes)
            if (const auto set = names.expand(one)) held.add_all(*set);
        key["scopes"] = json::value_from(names.names_of(held));
    }
    json::object out;
    out["key"] = std::move(key);
    return out;
}

Checked<json::object> values_of_caller(const keys::KeyRow& row, const config::Api& api,
                                       const Context& context, keys::KeyStore& store,
                                       const keys::LiveKeys& live) {
    const keys::KeyRecord& record = row.record;
    json::object values = values_of_key(row, context);

    auto owner = store.find_owner({record.api, record.owner});
    if (!owner && owner.error().error != keys::StoreError::not_found)
        return store_problem(owner.error());
    std::optional<std::string> plan_name = record.plan;
    if (!plan_name && owner.has_value()) plan_name = owner->plan;
    if (!plan_name) plan_name = api.default_plan;
    const auto plan = std::find_if(api.plans.begin(), api.plans.end(),
                                   [&](const config::Plan& one) { return one.name == plan_name; });
    const bool has_plan = plan != api.plans.end();
    const json::value attributes =
        owner.has_value() ? parsed_object(owner->attributes) : json::value(json::object{});

    json::object told;
    told["id"] = record.owner;
    told["name"] = nullptr;
    if (owner.has_value()) told["name"] = owner->name;
    told["status"] = owner.has_value() ? keys::to_string(owner->status)
                                       : keys::to_string(keys::OwnerStatus::active);
    told["plan"] = nullptr;
    if (has_plan) told["plan"] = plan->name;
    told["attributes"] = attributes;
    values["owner"] = std::move(told);
    json::object sold;
    sold["name"] = nullptr;
    if (has_plan) sold["name"] = plan->name;
    values["plan"] = std::move(sold);

    // What the owner has bought and used is the same for its test keys, which use none of it.
    keys::KeyRecord live_record = record;
    live_record.mode = keys::Mode::live;
    Meters meters;
    for (const config::LimitBy by : {config::LimitBy::owner, config::LimitBy::key}) {
        const std::string id = by == config::LimitBy::key ? record.id : std::string{};
        const auto standings =
            standings_of({record.api, record.owner, id}, live_record, by, context, store, live);
        if (!standings) return standings.error();
        for (const LimitStanding& standing : *standings)
            meters.add(standing);
    }
    values["meters"] = meters.to_json();
    values["gauges"] = gauges_of(has_plan ? &*plan : nullptr, attributes);
    json::object requests;
    requests["total"] = row.usage.total;
    requests["month"] = row.usage.in(keys::month_of(context.now()));
    values["requests"] = std::move(requests);
    return values;
}

answer::Reply rendered(const config::ReplyShape& shape, const json::object& values,
                       const std::string& request_id, const Secret* secret) {
    return to_reply(shape, {values, request_id, secret});
}

answer::Reply rendered_list(const config::ReplyShape& shape, const json::array& rows,
                            const std::optional<std::string>& next, const std::string& request_id) {
    answer::Reply reply;
    reply.status = shape.status;
    if (!shape.body) return reply;
    const http::Template one = http::Template::json(*shape.key);
    std::string list = "[";
    for (const json::value& row : rows) {
        if (list.size() > 1) list += ',';
        one.render(list, Values{row.get_object(), request_id});
    }
    list += ']';
    json::object rest;
    rest["has_more"] = next.has_value();
    rest["next_cursor"] = nullptr;
    if (next) rest["next_cursor"] = *next;
    const Values values{rest, request_id};
    std::string text;
    http::Template::json(*shape.body).render(text, [&](std::string_view name, http::Slot& slot) {
        if (name == "keys") return slot.json(list);
        values(name, slot);
    });
    reply.body.assign(text.begin(), text.end());
    return reply;
}

} // namespace keygate::admin
