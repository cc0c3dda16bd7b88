#include "admin/keys_api.hpp"

#include "admin/json.hpp"
#include "admin/key_changes.hpp"
#include "admin/new_key.hpp"
#include "admin/owner_room.hpp"
#include "admin/plan_rules.hpp"
#include "admin/replies.hpp"
#include "admin/reveal.hpp"
#include "admin/store_call.hpp"
#include "admin/write.hpp"
#include "keys/format.hpp"
#include "keys/issue.hpp"

#include <boost/json.hpp>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

std::string path_of(const keys::KeyRecord& record) {
    return "/admin/v1/keys/" + percent_encoded(record.id);
}

Problem no_such_key() {
    return not_found("there is no key with this id");
}

/// What of a configuration a job on the store's thread needs to show keys.
struct Shown {
    const keys::Catalog& catalog;
    keys::Time now;

    [[nodiscard]] Response operator()(unsigned status, const keys::KeyRow& row) const {
        return reply(status, to_json(row, catalog, now), etag_of(row.record));
    }
};

Shown shown_by(const Context& context) {
    return {context.catalog, context.now()};
}

/// The key that a call is about, if it is still as `If-Match` says.
Checked<keys::KeyRow> expected_key(keys::KeyStore& store, const std::string& id,
                                   const Request& request) {
    auto row = store.find(id);
    if (!row && row.error().error == keys::StoreError::not_found) return no_such_key();
    if (!row) return store_problem(row.error());
    if (auto met = check_conditions(request, etag_of(row->record)); !met) return met.error();
    return std::move(*row);
}

/// How many keys an owner may have in that API.
OwnerRoom room_in(const Context& context, std::uint16_t api) {
    return {context.settings.apis[api].profile.max_keys_per_owner, context.now()};
}

/// Makes the key itself, where it is known that none is like it.
Checked<void> mint_for(keys::KeyRecord& record, std::uint16_t api, const Context& context,
                       keys::KeyStore& store, Secret& secret) {
    auto made = keys::issue(record, context.catalog.apis[api], context.mint(), store);
    if (!made) return store_problem(made.error());
    secret = std::move(*made);
    return {};
}

using Edit = std::function<Checked<keys::KeyRecord>(const keys::KeyRecord&, keys::KeyStore&)>;

/// A call that changes one key and answers with it.
asio::awaitable<Checked<Response>> edit_key(const Context& context, std::string id, Request request,
                                            Edit edit) {
    auto decide = [id = std::move(id), request, edit = std::move(edit),
                   show = shown_by(context)](keys::KeyStore& store) -> Checked<Decided> {
        auto row = expected_key(store, id, request);
        if (!row) return row.error();
        auto changed = edit(row->record, store);
        if (!changed) return changed.error();
        Decided decided;
        if (*changed != row->record) decided.change.update.push_back(*changed);
        row->record = std::move(*changed);
        decided.response = show(200, *row);
        return decided;
    };
    auto waiting = write(context, std::move(request), std::move(decide));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    co_return std::move(written->response);
}

asio::awaitable<Checked<Response>> set_status(const Context& context, std::string id,
                                              Request request, keys::KeyStatus status) {
    if (const auto empty = no_body(request); !empty) co_return empty.error();
    auto edit = [status, &context](const keys::KeyRecord& record,
                                   keys::KeyStore& store) -> Checked<keys::KeyRecord> {
        auto changed = with_status(record, status);
        const auto api = context.catalog.api_number(record.api);
        if (!changed || !api) return changed;
        const auto room = room_in(context, *api);
        if (const auto has = room.has_room_for_change(record, *changed, store); !has)
            return has.error();
        return changed;
    };
    auto waiting = edit_key(context, std::move(id), std::move(request), std::move(edit));
    co_return co_await std::move(waiting);
}

/// A change that leaves the key without a plan would make its requests 503.
Checked<void> has_plan(const keys::KeyRecord& record, const PlanFacts& facts,
                       keys::KeyStore& store) {
    const auto owner = owner_of(store, record);
    if (!owner) return owner.error();
    const auto plan = plan_that_counts(record, *owner ? &**owner : nullptr, facts, "");
    if (!plan) return plan.error();
    return {};
}

Checked<keys::KeyFilter> read_filter(const Request& request, const Context& context) {
    if (const auto known = only_parameters(
            request, {"api", "owner", "prefix", "status", "unused_since", "cursor", "limit"});
        !known)
        return known.error();
    const auto api = read_api(request, context.catalog);
    if (!api) return api.error();
    const auto limit = read_limit(request);
    if (!limit) return limit.error();
    const auto unused_since = read_time(request, "unused_since");
    if (!unused_since) return unused_since.error();
    keys::KeyFilter filter;
    filter.api = api->value_or("");
    filter.owner = request.parameter("owner").value_or("");
    filter.prefix = request.parameter("prefix").value_or("");
    filter.unused_since = *unused_since;
    filter.now = context.now();
    filter.cursor = request.parameter("cursor").value_or("");
    filter.limit = *limit;
    if (const auto status = read_status(request, filter); !status) return status.error();
    return filter;
}

} // namespace

asio::awaitable<Checked<Response>> create_key(const Context& context, std::string,
                                              Request request) {
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    auto key = read_new_key(*body, context.catalog, context.now(), "");
    if (!key) co_return key.error();

    if (key->record.id.empty()) key->record.id = keys::mint_id();
    // Nobody but this call looks at the secret, and only when the job is over.
    const auto secret = std::make_shared<Secret>();
    auto decide = [made = *key, facts = plan_facts(context.settings, key->record.api),
                   room = room_in(context, key->api), show = shown_by(context), secret,
                   &context](keys::KeyStore& store) -> Checked<Decided> {
        NewKey judged = made;
        const auto owner = owner_of(store, judged.record);
        if (!owner) return owner.error();
        const auto fits = judge_owner(judged, *owner ? &**owner : nullptr, facts, "");
        if (!fits) return fits.error();
        Decided decided;
        if (judged.replaces_all) {
            auto replaced = room.replaced_by(judged.record, store);
            if (!replaced) return replaced.error();
            decided.change.update = std::move(*replaced);
        } else if (const auto has = room.has_room_for(judged.record, store); !has) {
            return has.error();
        }
        if (!judged.has_digest)
            if (const auto minted = mint_for(judged.record, judged.api, context, store, *secret);
                !minted)
                return minted.error();
        decided.response = show(201, {judged.record, {}});
        decided.response.headers.emplace_back("Location", path_of(judged.record));
        decided.change.insert.push_back(std::move(judged.record));
        return decided;
    };
    auto waiting = write(context, std::move(request), std::move(decide));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    if (written->is_done && !secret->empty()) reveal_once(written->response, *secret);
    co_return std::move(written->response);
}

asio::awaitable<Checked<Response>> list_keys(const Context& context, std::string, Request request) {
    auto filter = read_filter(request, context);
    if (!filter) co_return filter.error();
    auto work = [filter = std::move(*filter)](keys::KeyStore& store, keys::LiveKeys& live) {
        auto page = store.list(filter);
        if (!page) return page;
        for (keys::KeyRow& row : page->rows)
            live.add_pending(row.usage, row.record.id, filter.now);
        // A key whose first use the store does not know yet is in use.
        if (filter.unused_since)
            std::erase_if(page->rows, [&](const keys::KeyRow& row) {
                return row.usage.last_used_at >= filter.unused_since;
            });
        return page;
    };
    auto waiting = call_store(context.store, std::move(work));
    auto page = co_await std::move(waiting);
    if (!page) co_return store_problem(page.error());
    json::array data;
    for (const auto& row : page->rows)
        data.push_back(to_json(row, context.catalog, context.now()));
    co_return list_reply(std::move(data), std::move(page->next));
}

asio::awaitable<Checked<Response>> get_key(const Context& context, std::string id,
                                           Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    auto work = [id = std::move(id), now = context.now()](keys::KeyStore& store,
                                                          keys::LiveKeys& live) {
        auto row = store.find(id);
        if (row) live.add_pending(row->usage, id, now);
        return row;
    };
    auto waiting = call_store(context.store, std::move(work));
    const auto key = co_await std::move(waiting);
    if (!key && key.error().error == keys::StoreError::not_found) co_return no_such_key();
    if (!key) co_return store_problem(key.error());
    co_return shown_by(context)(200, *key);
}

asio::awaitable<Checked<Response>> update_key(const Context& context, std::string id,
                                              Request request) {
    auto body = parse_object(request.body);
    if (!body) co_return body.error();
    // Which names are allowed depends on the key's API, which the store knows.
    auto edit = [body = std::move(*body),
                 &context](const keys::KeyRecord& record,
                           keys::KeyStore& store) -> Checked<keys::KeyRecord> {
        const auto api = context.catalog.api_number(record.api);
        if (!api)
            return conflict("api_unknown",
                            "the key's API `" + record.api + "` is not in the configuration");
        const auto patch = KeyPatch::read(body, context.catalog.apis[*api], context.now());
        if (!patch) return patch.error();
        auto changed = patch->apply(record, context.catalog.apis[*api]);
        if (!changed) return changed;
        const auto room = room_in(context, *api);
        if (const auto has = room.has_room_for_change(record, *changed, store); !has)
            return has.error();
        if (changed->plan == record.plan) return changed;
        const auto facts = plan_facts(context.settings, record.api);
        if (const auto fits = has_plan(*changed, facts, store); !fits) return fits.error();
        return changed;
    };
    auto waiting = edit_key(context, std::move(id), std::move(request), std::move(edit));
    co_return co_await std::move(waiting);
}

asio::awaitable<Checked<Response>> delete_key(const Context& context, std::string id,
                                              Request request) {
    if (const auto empty = no_body(request); !empty) co_return empty.error();
    auto decide = [id = std::move(id), request](keys::KeyStore& store) -> Checked<Decided> {
        const auto row = expected_key(store, id, request);
        if (!row) return row.error();
        Decided decided;
        decided.change.remove.push_back(id);
        decided.response.status = 204;
        return decided;
    };
    auto waiting = write(context, std::move(request), std::move(decide));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    co_return std::move(written->response);
}

asio::awaitable<Checked<Response>> disable_key(const Context& context, std::string id,
                                               Request request) {
    return set_status(context, std::move(id), std::move(request), keys::KeyStatus::disabled);
}

asio::awaitable<Checked<Response>> enable_key(const Context& context, std::string id,
                                              Request request) {
    return set_status(context, std::move(id), std::move(request), keys::KeyStatus::active);
}

asio::awaitable<Checked<Response>> revoke_key(const Context& context, std::string id,
                                              Request request) {
    return set_status(context, std::move(id), std::move(request), keys::KeyStatus::revoked);
}

asio::awaitable<Checked<Response>> rotate_key(const Context& context, std::string id,
                                              Request request) {
    auto rotation = read_rotation(request.body, context.now());
    if (!rotation) co_return rotation.error();
    // The key is made where it is known of which API and mode it must be.
    const auto secret = std::make_shared<Secret>();
    auto decide = [id = std::move(id), request, rotation = std::move(*rotation), secret,
                   &context](keys::KeyStore& store) -> Checked<Decided> {
        const auto row = expected_key(store, id, request);
        if (!row) return row.error();
        auto rotated = rotate(row->record, rotation, keys::mint_id(), context.now());
        if (!rotated) return rotated.error();
        const auto api = context.catalog.api_number(row->record.api);
        if (!api) return conflict("api_unknown", "the key's API is not in the configuration");
        const keys::ApiNames& names = context.catalog.apis[*api];
        if (row->record.mode == keys::Mode::test && names.format.mint_test_prefix.empty())
            return conflict("mode_not_minted", "the key format of this API makes live keys only");
        if (const auto minted = mint_for(rotated->fresh, *api, context, store, *secret); !minted)
            return minted.error();
        Decided decided;
        auto shown = to_json({rotated->fresh, {}}, context.catalog, context.now());
        shown["rotated_from"] = id;
        decided.response = reply(201, shown, etag_of(rotated->fresh));
        decided.response.headers.emplace_back("Location", path_of(rotated->fresh));
        decided.change.update.push_back(std::move(rotated->old));
        decided.change.insert.push_back(std::move(rotated->fresh));
        return decided;
    };
    auto waiting = write(context, std::move(request), std::move(decide));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    if (written->is_done) reveal_once(written->response, *secret);
    co_return std::move(written->response);
}

} // namespace keygate::admin
