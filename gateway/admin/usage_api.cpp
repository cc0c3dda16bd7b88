#include "admin/usage_api.hpp"

#include "admin/json.hpp"
#include "admin/limit_standing.hpp"
#include "admin/new_key.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"
#include "admin/write.hpp"

#include <boost/json.hpp>

#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

struct NamedUsage {
    std::string key; // empty: of an owner
    keys::OwnerName owner;
    keys::Usage usage;
    std::optional<keys::KeyRecord> record; // of a key
    std::vector<LimitStanding> limits;

    [[nodiscard]] keys::SpentBy by() const { return {owner.api, owner.id, key}; }
};

/// What routes count by `meter`, this month.
void add_meters(json::object& counters, const std::vector<LimitStanding>& standings) {
    for (const LimitStanding& standing : standings) {
        const auto* const quota = std::get_if<config::Quota>(&standing.limit.rule);
        if (quota == nullptr || quota->period != Period::month ||
            quota->meter == config::Quota{}.meter)
            continue;
        json::object meter;
        meter["month"] = standing.used;
        counters[quota->meter] = std::move(meter);
    }
}

json::object to_json(const NamedUsage& named, keys::Time now) {
    json::object requests;
    requests["total"] = named.usage.total;
    requests["month"] = named.usage.in(keys::month_of(now));
    json::object counters;
    counters["requests"] = std::move(requests);
    add_meters(counters, named.limits);
    json::object out;
    out["object"] = "usage";
    out["key"] = nullptr;
    if (!named.key.empty()) out["key"] = named.key;
    out["api"] = named.owner.api;
    out["owner"] = named.owner.id;
    out["last_used_at"] = nullptr;
    if (named.usage.last_used_at) out["last_used_at"] = keys::to_text(*named.usage.last_used_at);
    out["counters"] = std::move(counters);
    json::array limits;
    for (const LimitStanding& standing : named.limits)
        if (!standing.limit.is_count_only) limits.push_back(to_json(standing));
    out["limits"] = std::move(limits);
    return out;
}

Checked<NamedUsage> usage_of_key(keys::KeyStore& store, const std::string& id) {
    auto row = store.find(id);
    if (!row && row.error().error == keys::StoreError::not_found)
        return not_found("there is no key with this id");
    if (!row) return store_problem(row.error());
    const keys::OwnerName owner{row->record.api, row->record.owner};
    return NamedUsage{id, owner, row->usage, std::move(row->record), {}};
}

/// There is a record of the owner, or a key.
Checked<void> is_there(keys::KeyStore& store, const keys::OwnerName& name) {
    const auto record = store.find_owner(name);
    if (!record && record.error().error != keys::StoreError::not_found)
        return store_problem(record.error());
    const auto has_keys = store.has_keys(name);
    if (!has_keys) return store_problem(has_keys.error());
    if (!record && !*has_keys) return not_found("this API has no such owner");
    return {};
}

Checked<NamedUsage> usage_of_owner(keys::KeyStore& store, const keys::OwnerName& name) {
    if (const auto there = is_there(store, name); !there) return there.error();
    auto usage = store.usage_of(name);
    if (!usage) return store_problem(usage.error());
    return NamedUsage{{}, name, *usage, std::nullopt, {}};
}

/// Whose limits are to begin anew, as the body says it.
struct Reset {
    std::string key;
    keys::OwnerName owner;
};

Checked<Reset> read_reset(const json::object& body, const keys::Catalog& catalog) {
    Members in(body, "", {"key", "api", "owner"});
    Reset reset;
    reset.key = in.text("key").value_or("");
    reset.owner.id = in.text("owner").value_or("");
    reset.owner.api = in.text("api").value_or("");
    if (!reset.owner.id.empty() && !is_owner_id(reset.owner.id))
        in.wrong("owner", "1 to 128 visible ASCII characters");
    if (in.problem()) return *in.problem();
    if (reset.key.empty() == reset.owner.id.empty())
        in.wrong("key", "this or `owner` must be given, and not both");
    if (!reset.key.empty()) {
        if (!reset.owner.api.empty()) in.wrong("api", "only together with `owner`");
    } else if (reset.owner.api.empty() && catalog.apis.size() == 1) {
        reset.owner.api = catalog.apis.front().name;
    } else if (!catalog.api_number(reset.owner.api)) {
        std::vector<std::string> names;
        for (const auto& known : catalog.apis)
            names.push_back(known.name);
        in.wrong("api",
                 "unknown `" + reset.owner.api + "`; " + known_names(reset.owner.api, names));
    }
    if (in.problem()) return *in.problem();
    return reset;
}

Checked<keys::SpentBy> find(const Reset& reset, keys::KeyStore& store) {
    if (!reset.key.empty()) {
        const auto row = store.find(reset.key);
        if (!row && row.error().error == keys::StoreError::not_found)
            return not_found("there is no key with this id");
        if (!row) return store_problem(row.error());
        return keys::SpentBy{row->record.api, row->record.owner, reset.key};
    }
    if (const auto there = is_there(store, reset.owner); !there) return there.error();
    return keys::SpentBy{reset.owner.api, reset.owner.id, {}};
}

json::object to_json(const keys::SpentBy& by) {
    json::object out;
    out["object"] = "usage_reset";
    out["key"] = nullptr;
    if (!by.id.empty()) out["key"] = by.id;
    out["api"] = by.api;
    out["owner"] = by.owner;
    return out;
}

} // namespace

asio::awaitable<Checked<Response>> get_usage(const Context& context, std::string, Request request) {
    if (const auto known = only_parameters(request, {"key", "owner", "api"}); !known)
        co_return known.error();
    const auto key = request.parameter("key");
    const auto owner = request.parameter("owner");
    if (key.has_value() == owner.has_value())
        co_return bad_request("parameter_missing", "`key` or `owner`: one of them must be given");
    keys::OwnerName name;
    if (owner) {
        auto api = the_api(request, context.catalog);
        if (!api) co_return api.error();
        name = {std::move(*api), *owner};
    }
    auto work = [key, name, &context](keys::KeyStore& store,
                                      keys::LiveKeys& live) -> Checked<NamedUsage> {
        auto usage = key ? usage_of_key(store, *key) : usage_of_owner(store, name);
        if (!usage) return usage;
        if (key)
            live.add_pending(usage->usage, *key, context.now());
        else
            live.add_pending(usage->usage, name, context.now());
        const auto which = key ? config::LimitBy::key : config::LimitBy::owner;
        auto standings = standings_of(usage->by(), usage->record, which, context, store, live);
        if (!standings) return standings.error();
        usage->limits = std::move(*standings);
        return usage;
    };
    auto waiting = call_store(context.store, std::move(work));
    const auto usage = co_await std::move(waiting);
    if (!usage) co_return usage.error();
    co_return reply(200, to_json(*usage, context.now()));
}

asio::awaitable<Checked<Response>> reset_usage(const Context& context, std::string,
                                               Request request) {
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    auto reset = read_reset(*body, context.catalog);
    if (!reset) co_return reset.error();
    std::string about = reset->key.empty() ? reset->owner.api + '/' + reset->owner.id : reset->key;
    auto decide = [reset = std::move(*reset)](keys::KeyStore& store) -> Checked<Decided> {
        auto by = find(reset, store);
        if (!by) return by.error();
        Decided decided;
        decided.response = reply(200, to_json(*by));
        decided.change.forget_spent.push_back(std::move(*by));
        return decided;
    };
    auto waiting = write(context, std::move(request), std::move(decide));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    // From here on it is known to be one, and not a key that was taken for an id.
    written->response.about = std::move(about);
    co_return std::move(written->response);
}

} // namespace keygate::admin
