#include "admin/keys_api.hpp"

#include "admin/json.hpp"
#include "admin/new_key.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"
#include "keys/format.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

/// What of one API's plans the store's thread needs to judge a new key.
struct PlanFacts {
    bool has_plans = false;
    std::optional<std::string> default_plan;
    std::set<std::string> names;
    std::set<std::string> without_api; // plans with api_access: false
};

PlanFacts plan_facts(const Context& context, const std::string& api) {
    PlanFacts facts;
    for (const auto& one : context.settings.apis) {
        if (one.name != api) continue;
        facts.has_plans = !one.plans.empty();
        facts.default_plan = one.default_plan;
        for (const auto& plan : one.plans) {
            facts.names.insert(plan.name);
            if (!plan.api_access) facts.without_api.insert(plan.name);
        }
    }
    return facts;
}

/// Judges a key by its owner's record and marks it as made under one. `owner` is null without one.
/// A key that nobody's plan covers would be store_invalid, so it is refused here.
Checked<void> judge_owner(NewKey& key, const keys::OwnerRecord* owner, const PlanFacts& facts,
                          const std::string& prefix) {
    if (owner == nullptr && !key.has_digest)
        return unprocessable(prefix + "owner", "there is no such owner in this API",
                             "owner_unknown");
    key.record.owner_record_required = owner != nullptr;
    if (!facts.has_plans) return {};

    auto plan = key.record.plan;
    if (!plan && owner != nullptr) plan = owner->plan;
    if (!plan) plan = facts.default_plan;
    if (!plan)
        return unprocessable(prefix + "plan",
                             "missing: neither the owner nor the API (default_plan) has one",
                             "member_missing");
    if (facts.names.count(*plan) == 0)
        return unprocessable(prefix + "plan",
                             "the owner's plan `" + *plan + "` is not in the configuration");
    // Keys that exist already may be brought in whatever the plan: their requests are refused by
    // name.
    if (facts.without_api.count(*plan) != 0 && !key.has_digest && !key.is_forced)
        return Problem{403, "PLAN_LIMIT", "plan_no_api",
                       "`" + prefix + "plan`: `" + *plan +
                           "` has no API access; \"force\": true makes the key all the same"};
    return {};
}

Checked<std::optional<keys::OwnerRecord>> owner_of(keys::KeyStore& store,
                                                   const keys::KeyRecord& key) {
    auto owner = store.find_owner(key.api, key.owner);
    if (owner) return std::optional<keys::OwnerRecord>{std::move(*owner)};
    if (owner.error().error == keys::StoreError::not_found)
        return std::optional<keys::OwnerRecord>{};
    return store_problem(owner.error());
}

/// Commits first, then shows the keys to requests: what is acknowledged is in force.
Checked<void> insert(keys::KeyStore& store, keys::Table& table,
                     const std::vector<keys::KeyRecord>& records) {
    const auto inserted = store.insert(records);
    if (!inserted) return store_problem(inserted.error());
    for (const auto& record : records)
        table.put(record);
    return {};
}

/// The answer to a creation. `secret` is the new key, empty for an import.
Response created(const Context& context, const keys::KeyRecord& record, const Secret& secret) {
    auto response = reply(201, to_json(record, context.catalog, context.now()));
    response.headers.emplace_back("Location", "/admin/v1/keys/" + percent_encoded(record.id));
    if (secret.empty()) return response;
    // Put in by hand: a JSON value would leave a copy in memory that nobody overwrites.
    const auto text = secret.reveal();
    std::string quoted = json::serialize(json::string_view{text.data(), text.size()});
    std::string body;
    body.reserve(response.body.size() + quoted.size() + sizeof R"(,"key":)");
    body.append(response.body, 0, response.body.size() - 1);
    body.append(R"(,"key":)").append(quoted).append("}");
    wipe(quoted.data(), quoted.size());
    response.body = std::move(body);
    return response;
}

/// One row of an import that cannot be taken.
struct RowMistake {
    std::size_t row;
    Problem problem;
};

struct ImportRows {
    std::vector<NewKey> keys;
    std::vector<std::size_t> rows; // where each key stood
    std::vector<RowMistake> mistakes;
};

std::string row_prefix(std::size_t row) {
    return "keys[" + std::to_string(row) + "].";
}

ImportRows read_rows(const json::array& rows, const Context& context) {
    ImportRows read;
    std::map<std::string, std::size_t> ids;
    std::map<std::array<unsigned char, 32>, std::size_t> digests;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto prefix = row_prefix(row);
        const auto refuse = [&](Problem problem) {
            read.mistakes.push_back({row, std::move(problem)});
        };
        const auto* body = rows[row].if_object();
        if (body == nullptr) {
            refuse(unprocessable("keys[" + std::to_string(row) + "]", "must be an object"));
            continue;
        }
        auto key = read_new_key(*body, context.catalog, context.now(), prefix);
        if (!key) {
            refuse(key.error());
            continue;
        }
        if (!key->has_digest) {
            refuse(unprocessable(prefix + "digest", "missing", "member_missing"));
            continue;
        }
        if (key->record.id.empty()) key->record.id = keys::mint_id();
        const auto [same_id, is_new_id] = ids.emplace(key->record.id, row);
        const auto [same_digest, is_new_digest] = digests.emplace(key->record.digest.bytes, row);
        if (!is_new_id || !is_new_digest) {
            const bool by_id = !is_new_id;
            const auto first = by_id ? same_id->second : same_digest->second;
            refuse(unprocessable(prefix + (by_id ? "id" : "digest"),
                                 "the same as in keys[" + std::to_string(first) + "]"));
            continue;
        }
        read.keys.push_back(std::move(*key));
        read.rows.push_back(row);
    }
    return read;
}

/// On the store's thread: owners, plans and what exists already.
Checked<void> judge_row(NewKey& key, const PlanFacts& facts, const std::string& prefix,
                        keys::KeyStore& store, keys::Table& table) {
    const auto owner = owner_of(store, key.record);
    if (!owner) return owner.error();
    const auto* record = *owner ? &**owner : nullptr;
    if (auto judged = judge_owner(key, record, facts, prefix); !judged) return judged;
    const auto conflict = [&](std::string_view member) {
        auto problem = unprocessable(prefix + std::string{member}, "exists already", "conflict");
        problem.status = 409;
        problem.code = "CONFLICT";
        return problem;
    };
    if (table.find(key.record.digest)) return conflict("digest");
    const auto found = store.find(key.record.id);
    if (found) return conflict("id");
    if (found.error().error != keys::StoreError::not_found) return store_problem(found.error());
    return {};
}

struct ImportOutcome {
    std::size_t imported = 0;
    std::vector<RowMistake> mistakes;
};

Response import_reply(const ImportOutcome& outcome, bool dry_run) {
    json::object body;
    body["object"] = "import";
    body["imported"] = outcome.imported;
    if (!dry_run) return reply(200, body);
    json::array mistakes;
    for (const auto& mistake : outcome.mistakes) {
        json::object one;
        one["row"] = mistake.row;
        one["message"] = mistake.problem.message;
        mistakes.push_back(std::move(one));
    }
    body["dry_run"] = true;
    body["mistakes"] = std::move(mistakes);
    return reply(200, body);
}

/// Also "expired", which is a status that is shown and not stored.
struct StatusFilter {
    std::optional<keys::KeyStatus> stored;
    std::optional<bool> expired; // for active ones
};

Checked<StatusFilter> read_status(const Request& request) {
    StatusFilter filter;
    const auto text = request.parameter("status");
    if (!text) return filter;
    filter.stored = *text == "expired" ? keys::KeyStatus::active : keys::key_status_from(*text);
    if (!filter.stored)
        return bad_request("parameter_invalid",
                           "`status`: must be active, disabled, revoked or expired");
    if (*filter.stored == keys::KeyStatus::active) filter.expired = *text == "expired";
    return filter;
}

/// Up to `limit` keys that pass; `filter.after` moves along.
Result<std::vector<keys::KeyRecord>> select(keys::KeyStore& store, keys::KeyFilter filter,
                                            std::optional<bool> expired, keys::Time now,
                                            std::size_t limit) {
    constexpr std::size_t at_once = 1000;
    filter.limit = expired ? at_once : limit;
    std::vector<keys::KeyRecord> page;
    while (page.size() < limit) {
        auto found = store.list(filter);
        if (!found) return found.error();
        const bool is_last = found->size() < filter.limit;
        if (!found->empty()) filter.after = found->back().id;
        for (auto& key : *found) {
            const bool is_expired = key.expires_at && *key.expires_at <= now;
            if (expired && *expired != is_expired) continue;
            if (page.size() < limit) page.push_back(std::move(key));
        }
        if (is_last) break;
    }
    return page;
}

Checked<void> no_body(const Request& request) {
    if (request.body.empty()) return {};
    const auto body = parse_object(request.body);
    if (!body) return body.error();
    const Members in(*body, "", {});
    if (in.problem()) return *in.problem();
    return {};
}

} // namespace

asio::awaitable<Checked<Response>> create_key(const Context& context, Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    auto key = read_new_key(*body, context.catalog, context.now(), "");
    if (!key) co_return key.error();

    Secret secret;
    auto& record = key->record;
    if (record.id.empty()) record.id = keys::mint_id();
    if (!key->has_digest) {
        const auto& format = context.catalog.apis[key->api].format;
        secret = keys::mint(format, record.mode);
        record.digest = keys::digest_of(secret.reveal());
        auto shown = keys::shown_parts(secret.reveal(), format);
        record.prefix = std::move(shown.prefix);
        record.hint = std::move(shown.hint);
    }
    auto work = [made = *key, facts = plan_facts(context, record.api)](
                    keys::KeyStore& store, keys::Table& table) mutable -> Checked<keys::KeyRecord> {
        const auto owner = owner_of(store, made.record);
        if (!owner) return owner.error();
        const auto* owner_record = *owner ? &**owner : nullptr;
        const auto judged = judge_owner(made, owner_record, facts, "");
        if (!judged) return judged.error();
        const auto inserted = insert(store, table, {made.record});
        if (!inserted) return inserted.error();
        return made.record;
    };
    const auto inserted = co_await call_store(context.store, std::move(work));
    if (!inserted) co_return inserted.error();
    co_return created(context, *inserted, secret);
}

asio::awaitable<Checked<Response>> import_keys(const Context& context, Request request) {
    if (const auto known = only_parameters(request, {"dry_run"}); !known) co_return known.error();
    const auto flag = request.parameter("dry_run");
    if (flag && *flag != "true" && *flag != "false")
        co_return bad_request("parameter_invalid", "`dry_run`: must be true or false");
    const bool dry_run = flag == "true";
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    const Members in(*body, "", {"keys"});
    if (in.problem()) co_return *in.problem();
    const auto* list = body->if_contains("keys");
    if (list == nullptr || !list->is_array() || list->get_array().empty() ||
        list->get_array().size() > max_import_rows)
        co_return unprocessable("keys", "must be a list of 1 to 1000 keys");

    auto rows = read_rows(list->get_array(), context);
    std::map<std::string, PlanFacts> facts;
    for (const auto& api : context.settings.apis)
        facts[api.name] = plan_facts(context, api.name);
    auto work = [rows = std::move(rows), facts = std::move(facts),
                 dry_run](keys::KeyStore& store, keys::Table& table) mutable -> ImportOutcome {
        ImportOutcome outcome;
        outcome.mistakes = std::move(rows.mistakes);
        for (std::size_t i = 0; i < rows.keys.size(); ++i) {
            auto& key = rows.keys[i];
            const auto prefix = row_prefix(rows.rows[i]);
            auto judged = judge_row(key, facts[key.record.api], prefix, store, table);
            if (!judged) outcome.mistakes.push_back({rows.rows[i], judged.error()});
        }
        std::sort(outcome.mistakes.begin(), outcome.mistakes.end(),
                  [](const RowMistake& a, const RowMistake& b) { return a.row < b.row; });
        if (dry_run || !outcome.mistakes.empty()) return outcome;
        std::vector<keys::KeyRecord> records;
        for (auto& key : rows.keys)
            records.push_back(std::move(key.record));
        const auto inserted = insert(store, table, records);
        if (inserted) outcome.imported = records.size();
        if (!inserted) outcome.mistakes.push_back({0, inserted.error()});
        return outcome;
    };
    const auto outcome = co_await call_store(context.store, std::move(work));
    const auto is_away = [](const RowMistake& mistake) { return mistake.problem.status >= 500; };
    const auto away = std::find_if(outcome.mistakes.begin(), outcome.mistakes.end(), is_away);
    if (away != outcome.mistakes.end()) co_return away->problem;
    if (!dry_run && !outcome.mistakes.empty()) {
        auto problem = outcome.mistakes.front().problem;
        if (outcome.mistakes.size() > 1)
            problem.message +=
                "; and mistakes in " + std::to_string(outcome.mistakes.size() - 1) + " more rows";
        co_return problem;
    }
    co_return import_reply(outcome, dry_run);
}

asio::awaitable<Checked<Response>> list_keys(const Context& context, Request request) {
    if (const auto known = only_parameters(request, {"api", "owner", "status", "cursor", "limit"});
        !known)
        co_return known.error();
    const auto api = read_api(request, context.catalog);
    if (!api) co_return api.error();
    const auto limit = read_limit(request);
    if (!limit) co_return limit.error();
    const auto status = read_status(request);
    if (!status) co_return status.error();

    keys::KeyFilter filter;
    filter.api = api->value_or("");
    filter.owner = request.parameter("owner").value_or("");
    filter.status = status->stored;
    filter.after = request.parameter("cursor").value_or("");
    const auto now = context.now();
    auto work = [filter = std::move(filter), expired = status->expired, now,
                 wanted = *limit + 1](keys::KeyStore& store, keys::Table&) {
        return select(store, filter, expired, now, wanted);
    };
    auto page = co_await call_store(context.store, std::move(work));
    if (!page && page.error().error == keys::StoreError::not_found)
        co_return bad_request("parameter_invalid", "`cursor`: not one of ours");
    if (!page) co_return store_problem(page.error());
    std::optional<std::string> next;
    if (page->size() > *limit) {
        page->resize(*limit);
        next = page->back().id;
    }
    json::array data;
    for (const auto& key : *page)
        data.push_back(to_json(key, context.catalog, now));
    co_return list_reply(std::move(data), std::move(next));
}

asio::awaitable<Checked<Response>> get_key(const Context& context, std::string id,
                                           Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    auto work = [id = std::move(id)](keys::KeyStore& store, keys::Table&) {
        return store.find(id);
    };
    const auto key = co_await call_store(context.store, std::move(work));
    if (!key && key.error().error == keys::StoreError::not_found)
        co_return not_found("there is no key with this id");
    if (!key) co_return store_problem(key.error());
    co_return reply(200, to_json(*key, context.catalog, context.now()));
}

asio::awaitable<Checked<Response>> revoke_key(const Context& context, std::string id,
                                              Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    if (const auto empty = no_body(request); !empty) co_return empty.error();
    auto work = [id = std::move(id)](keys::KeyStore& store,
                                     keys::Table& table) -> Result<keys::KeyRecord> {
        auto revoked = store.set_status(id, keys::KeyStatus::revoked);
        if (revoked) table.put(*revoked);
        return revoked;
    };
    const auto key = co_await call_store(context.store, std::move(work));
    if (!key && key.error().error == keys::StoreError::not_found)
        co_return not_found("there is no key with this id");
    if (!key) co_return store_problem(key.error());
    co_return reply(200, to_json(*key, context.catalog, context.now()));
}

} // namespace keygate::admin
