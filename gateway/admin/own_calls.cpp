#include "admin/own_calls.hpp"

#include "admin/coverage.hpp"
#include "admin/json.hpp"
#include "admin/key_changes.hpp"
#include "admin/new_key.hpp"
#include "admin/own_values.hpp"
#include "admin/owner_room.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"
#include "admin/write.hpp"
#include "http/template.hpp"
#include "keys/format.hpp"
#include "keys/issue.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

using answer::Call;

/// What calls work with. Copied into jobs of the store's thread: all of it outlives them.
struct Desk {
    const Context& context;
    const config::Api& api;
    const keys::ApiNames& names;

    [[nodiscard]] const config::ReplyShape& shape(config::Reply kind) const {
        return api.profile.replies[static_cast<std::size_t>(kind)];
    }
};

Problem no_such_key() {
    return not_found("there is no key with this id");
}

Problem ended(Reason reason) {
    return {403, std::string{caller_ended}, std::string{name(reason)}, {}};
}

Problem escalation(const char* message) {
    return {403, "FORBIDDEN", "escalation", message};
}

/// Its record as it is now. A key that was revoked while its request was on its way changes
/// nothing.
Checked<keys::KeyRow> caller_of(keys::KeyStore& store, const Call& call, keys::Time now) {
    auto row = store.find(call.caller);
    if (!row && row.error().error == keys::StoreError::not_found) return ended(Reason::key_unknown);
    if (!row) return store_problem(row.error());
    const keys::KeyRecord& key = row->record;
    if (!key.readable) return ended(Reason::store_invalid);
    if (key.status == keys::KeyStatus::revoked) return ended(Reason::key_revoked);
    if (key.status == keys::KeyStatus::disabled) return ended(Reason::key_disabled);
    if (key.expires_at && *key.expires_at <= now) return ended(Reason::key_expired);
    return std::move(*row);
}

bool may_see(const keys::KeyRecord& caller, const keys::KeyRecord& key) {
    return key.api == caller.api && key.owner == caller.owner &&
           (caller.mode == keys::Mode::live || key.mode == keys::Mode::test);
}

/// The key that the path names.
Checked<keys::KeyRow> target_of(keys::KeyStore& store, const Call& call,
                                const keys::KeyRecord& caller) {
    if (!is_key_id(call.id)) return no_such_key();
    auto row = store.find(call.id);
    if (!row && row.error().error == keys::StoreError::not_found) return no_such_key();
    if (!row) return store_problem(row.error());
    if (!may_see(caller, row->record)) return no_such_key();
    return std::move(*row);
}

/// No later than the caller's, where it must not be.
Checked<void> check_expiry(const keys::KeyRecord& key, const keys::KeyRecord& caller,
                           const config::Api& api) {
    if (!api.profile.self_service.caps_expiry || !caller.expires_at) return {};
    if (key.expires_at && *key.expires_at <= *caller.expires_at) return {};
    return unprocessable("expires_at", "must not be later than the end of the calling key, " +
                                           keys::to_text(*caller.expires_at));
}

// ---- what is read

asio::awaitable<Checked<answer::Reply>> whoami(Desk desk, Call call) {
    auto work = [call, desk](keys::KeyStore& store, keys::LiveKeys& live) -> Checked<json::object> {
        auto row = caller_of(store, call, desk.context.now());
        if (!row) return row.error();
        live.add_pending(row->usage, row->record.id, desk.context.now());
        return values_of_caller(*row, desk.api, desk.context, store, live);
    };
    auto waiting = call_store(desk.context.store, std::move(work));
    auto values = co_await std::move(waiting);
    if (!values) co_return values.error();
    co_return rendered(desk.shape(call.kind), *values, call.request_id);
}

asio::awaitable<Checked<answer::Reply>> show_key(Desk desk, Call call) {
    auto work = [call, desk](keys::KeyStore& store, keys::LiveKeys& live) -> Checked<json::object> {
        const auto caller = caller_of(store, call, desk.context.now());
        if (!caller) return caller.error();
        auto row = target_of(store, call, caller->record);
        if (!row) return row.error();
        live.add_pending(row->usage, row->record.id, desk.context.now());
        return values_of_key(*row, desk.context);
    };
    auto waiting = call_store(desk.context.store, std::move(work));
    auto values = co_await std::move(waiting);
    if (!values) co_return values.error();
    co_return rendered(desk.shape(call.kind), *values, call.request_id);
}

// A list without cursors is whole, up to this.
constexpr std::size_t most_listed = 10'000;
constexpr std::size_t page_size = 100;

/// Status `revoked` has to be asked for: what is revoked is no key any more.
/// @param is_whole  the answer says nothing of further pages.
Checked<keys::KeyFilter> read_filter(const Request& request, const Call& call, bool is_whole,
                                     keys::Time now) {
    if (const auto known = only_parameters(request, {"cursor", "limit", "status"}); !known)
        return known.error();
    keys::KeyFilter filter;
    filter.limit = is_whole ? most_listed : page_size;
    if (request.parameter("limit")) {
        const auto limit = read_limit(request);
        if (!limit) return limit.error();
        filter.limit = *limit;
    }
    if (const auto status = read_status(request, filter); !status) return status.error();
    filter.api = call.api;
    filter.owner = call.owner;
    filter.now = now;
    filter.cursor = request.parameter("cursor").value_or("");
    return filter;
}

struct Listed {
    std::vector<keys::KeyRow> rows;
    std::optional<std::string> next;
};

/// As many as are asked for, if there are so many that the caller may see. A short page may come
/// where many are revoked: the work for one answer is bounded.
Checked<Listed> list_for(keys::KeyStore& store, keys::LiveKeys& live, keys::KeyFilter filter,
                         const keys::KeyRecord& caller) {
    const std::size_t most = filter.limit;
    const bool with_revoked = filter.status.has_value();
    Listed listed;
    for (std::size_t looked_at = 0; looked_at < most_listed; looked_at += page_size) {
        filter.limit = std::min(page_size, most - listed.rows.size());
        auto page = store.list(filter);
        if (!page) return store_problem(page.error());
        for (keys::KeyRow& row : page->rows) {
            const bool is_gone = row.record.status == keys::KeyStatus::revoked;
            if (!may_see(caller, row.record) || (is_gone && !with_revoked)) continue;
            live.add_pending(row.usage, row.record.id, filter.now);
            listed.rows.push_back(std::move(row));
        }
        listed.next = std::move(page->next);
        if (!listed.next || listed.rows.size() == most) break;
        filter.cursor = *listed.next;
    }
    return listed;
}

asio::awaitable<Checked<answer::Reply>> list_keys(Desk desk, Call call) {
    Request request;
    if (!read_target("/?" + call.query, request))
        co_return bad_request("query_invalid", "the query is not valid");
    const auto& body = desk.shape(call.kind).body;
    const bool is_whole = !body || http::Template::json(*body).count("next_cursor") == 0;
    auto filter = read_filter(request, call, is_whole, desk.context.now());
    if (!filter) co_return filter.error();
    auto work = [call, desk, filter = *filter](keys::KeyStore& store,
                                               keys::LiveKeys& live) -> Checked<Listed> {
        const auto caller = caller_of(store, call, desk.context.now());
        if (!caller) return caller.error();
        return list_for(store, live, filter, caller->record);
    };
    auto waiting = call_store(desk.context.store, std::move(work));
    const auto listed = co_await std::move(waiting);
    if (!listed) co_return listed.error();
    json::array rows;
    for (const keys::KeyRow& row : listed->rows)
        rows.push_back(values_of_key(row, desk.context));
    co_return rendered_list(desk.shape(call.kind), rows, listed->next, call.request_id);
}

// ---- what is changed

/// What a change comes to, beside what is committed.
struct Outcome {
    keys::Change change;
    keys::KeyRecord shown; // that the answer is about
};

using Judge = std::function<Checked<Outcome>(keys::KeyStore&, const keys::KeyRecord& caller)>;

/// One change: judged and committed in one piece, answered by the shape of the profile.
asio::awaitable<Checked<answer::Reply>> change(Desk desk, Call call, Judge judge,
                                               std::shared_ptr<Secret> secret) {
    Request request;
    if (!read_target("/?" + call.query, request))
        co_return bad_request("query_invalid", "the query is not valid");
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    // By these its repetition is known (`Idempotency-Key`).
    request.method = "POST";
    request.path = call.route + '/' + call.id;
    request.actor = "key:" + call.caller;
    request.body = call.body;
    if (!call.idempotency_key.empty()) request.idempotency_keys.push_back(call.idempotency_key);

    const auto values = std::make_shared<json::object>();
    auto decide = [call, desk, judge = std::move(judge),
                   values](keys::KeyStore& store) -> Checked<Decided> {
        const auto caller = caller_of(store, call, desk.context.now());
        if (!caller) return caller.error();
        auto outcome = judge(store, caller->record);
        if (!outcome) return outcome.error();
        *values = values_of_key({outcome->shown, {}}, desk.context);
        const auto reply = rendered(desk.shape(call.kind), *values, call.request_id);
        Decided decided;
        decided.change = std::move(outcome->change);
        decided.response.status = reply.status;
        decided.response.body.assign(reply.body.begin(), reply.body.end());
        return decided;
    };
    auto waiting = write(desk.context, std::move(request), std::move(decide));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    if (written->is_done && !secret->empty())
        co_return rendered(desk.shape(call.kind), *values, call.request_id, secret.get());
    answer::Reply reply;
    reply.status = static_cast<std::uint16_t>(written->response.status);
    reply.body.assign(written->response.body.begin(), written->response.body.end());
    co_return reply;
}

struct NewOwnKey {
    std::string name;
    ScopeNames scopes;
    bool names_scopes = false;
    std::optional<keys::Time> expires_at;
};

Checked<NewOwnKey> read_new(const Call& call, const Desk& desk) {
    const auto body = parse_object(call.body);
    if (!body) return body.error();
    Members in(*body, "", {"name", "scopes", "expires_at"});
    NewOwnKey made;
    made.name = in.required_text("name");
    if (!in.problem() && (made.name.empty() || !is_label(made.name)))
        in.wrong("name", "1 to 200 bytes without control characters");
    made.scopes = read_scopes(in, desk.names);
    made.names_scopes = made.scopes.has_value();
    made.expires_at = read_expiry(in, desk.context.now());
    if (in.problem()) return *in.problem();
    return made;
}

/// As the caller in everything that it does not say itself.
keys::KeyRecord like(const keys::KeyRecord& caller, const std::string& id, keys::Time now) {
    keys::KeyRecord key = caller;
    key.id = id;
    key.created_at = now;
    key.rotated_to.reset();
    key.metadata = "{}";
    return key;
}

Checked<Outcome> make_key(keys::KeyStore& store, const keys::KeyRecord& caller,
                          const NewOwnKey& asked, const Desk& desk, const std::string& id,
                          Secret& secret) {
    keys::KeyRecord key = like(caller, id, desk.context.now());
    key.name = asked.name;
    key.expires_at = asked.expires_at;
    if (!asked.expires_at && desk.api.profile.self_service.caps_expiry)
        key.expires_at = caller.expires_at;
    if (asked.names_scopes) {
        key.scopes = asked.scopes;
        if (!covers(caller.scopes, key.scopes, desk.names))
            return escalation("`scopes`: the calling key does not have all of them");
    } else if (desk.names.default_scopes == config::DefaultScopes::none) {
        key.scopes = std::vector<std::string>{};
    } // else all that there is, cut to the caller's: which is the caller's
    if (const auto fits = check_expiry(key, caller, desk.api); !fits) return fits.error();
    const OwnerRoom room{desk.api.profile.max_keys_per_owner, desk.context.now()};
    if (const auto has = room.has_room_for(key, store); !has) return has.error();
    auto made = keys::issue(key, desk.names, desk.context.mint(), store);
    if (!made) return store_problem(made.error());
    secret = std::move(*made);
    Outcome outcome;
    outcome.change.insert.push_back(key);
    outcome.shown = std::move(key);
    return outcome;
}

asio::awaitable<Checked<answer::Reply>> create_key(Desk desk, Call call) {
    const auto asked = read_new(call, desk);
    if (!asked) co_return asked.error();
    const auto secret = std::make_shared<Secret>();
    Judge judge = [asked = *asked, desk, id = keys::mint_id(),
                   secret](keys::KeyStore& store, const keys::KeyRecord& caller) {
        return make_key(store, caller, asked, desk, id, *secret);
    };
    auto waiting = change(desk, std::move(call), std::move(judge), secret);
    co_return co_await std::move(waiting);
}

using Edit = std::function<Checked<keys::KeyRecord>(
    const keys::KeyRecord& target, const keys::KeyRecord& caller, keys::KeyStore&)>;

/// A change of the key that the path names.
asio::awaitable<Checked<answer::Reply>> edit_key(Desk desk, Call call, Edit edit) {
    Judge judge = [call, edit = std::move(edit)](
                      keys::KeyStore& store, const keys::KeyRecord& caller) -> Checked<Outcome> {
        const auto row = target_of(store, call, caller);
        if (!row) return row.error();
        auto changed = edit(row->record, caller, store);
        if (!changed) return changed.error();
        Outcome outcome;
        if (*changed != row->record) outcome.change.update.push_back(*changed);
        outcome.shown = std::move(*changed);
        return outcome;
    };
    auto waiting = change(desk, std::move(call), std::move(judge), std::make_shared<Secret>());
    co_return co_await std::move(waiting);
}

/// What becomes of a key by this patch, if the caller could have made it so.
Checked<keys::KeyRecord> updated(const KeyPatch& patch, const keys::KeyRecord& target,
                                 const keys::KeyRecord& caller, const Desk& desk,
                                 keys::KeyStore& store) {
    if (!covers(caller, target, desk.names))
        return escalation("the calling key cannot do all that this key can");
    auto changed = patch.apply(target, desk.names);
    if (!changed) return changed;
    if (!covers(caller.scopes, changed->scopes, desk.names))
        return escalation("`scopes`: the calling key does not have all of them");
    if (changed->expires_at != target.expires_at)
        if (const auto fits = check_expiry(*changed, caller, desk.api); !fits) return fits.error();
    const OwnerRoom room{desk.api.profile.max_keys_per_owner, desk.context.now()};
    if (const auto has = room.has_room_for_change(target, *changed, store); !has)
        return has.error();
    return changed;
}

asio::awaitable<Checked<answer::Reply>> update_key(Desk desk, Call call) {
    auto body = parse_object(call.body);
    if (!body) co_return body.error();
    const Members in(*body, "", {"name", "scopes", "expires_at"});
    if (in.problem()) co_return *in.problem();
    const auto patch = KeyPatch::read(*body, desk.names, desk.context.now());
    if (!patch) co_return patch.error();
    Edit edit = [patch = *patch, desk](const keys::KeyRecord& target, const keys::KeyRecord& caller,
                                       keys::KeyStore& store) {
        return updated(patch, target, caller, desk, store);
    };
    auto waiting = edit_key(desk, std::move(call), std::move(edit));
    co_return co_await std::move(waiting);
}

asio::awaitable<Checked<answer::Reply>> revoke_key(Desk desk, Call call) {
    Edit edit = [](const keys::KeyRecord& target, const keys::KeyRecord&, keys::KeyStore&) {
        return with_status(target, keys::KeyStatus::revoked);
    };
    auto waiting = edit_key(desk, std::move(call), std::move(edit));
    co_return co_await std::move(waiting);
}

asio::awaitable<Checked<answer::Reply>> delete_key(Desk desk, Call call) {
    Judge judge = [call](keys::KeyStore& store, const keys::KeyRecord& caller) -> Checked<Outcome> {
        auto row = target_of(store, call, caller);
        if (!row) return row.error();
        Outcome outcome;
        outcome.change.remove.push_back(row->record.id);
        outcome.shown = std::move(row->record);
        return outcome;
    };
    auto waiting = change(desk, std::move(call), std::move(judge), std::make_shared<Secret>());
    co_return co_await std::move(waiting);
}

Checked<Outcome> replace_key(keys::KeyStore& store, const keys::KeyRecord& caller,
                             const Rotation& rotation, const Desk& desk, const Call& call,
                             const std::string& id, Secret& secret) {
    auto row = target_of(store, call, caller);
    if (!row) return row.error();
    // Whoever gets the new key can do what it can.
    if (!covers(caller, row->record, desk.names))
        return escalation("the calling key cannot do all that this key can");
    auto rotated = rotate(row->record, rotation, id, desk.context.now());
    if (!rotated) return rotated.error();
    if (row->record.mode == keys::Mode::test && desk.names.format.mint_test_prefix.empty())
        return conflict("mode_not_minted", "the key format of this API makes live keys only");
    const bool is_own = row->record.id == caller.id;
    if (!is_own)
        if (const auto fits = check_expiry(rotated->fresh, caller, desk.api); !fits)
            return fits.error();
    auto made = keys::issue(rotated->fresh, desk.names, desk.context.mint(), store);
    if (!made) return store_problem(made.error());
    secret = std::move(*made);
    Outcome outcome;
    outcome.change.update.push_back(std::move(rotated->old));
    outcome.change.insert.push_back(rotated->fresh);
    outcome.shown = std::move(rotated->fresh);
    return outcome;
}

asio::awaitable<Checked<answer::Reply>> rotate_key(Desk desk, Call call) {
    if (!call.body.empty()) {
        const auto body = parse_object(call.body);
        if (!body) co_return body.error();
        const Members in(*body, "", {"grace_seconds"});
        if (in.problem()) co_return *in.problem();
    }
    const auto rotation = read_rotation(call.body, desk.context.now());
    if (!rotation) co_return rotation.error();
    const auto secret = std::make_shared<Secret>();
    Judge judge = [rotation = *rotation, desk, call, id = keys::mint_id(),
                   secret](keys::KeyStore& store, const keys::KeyRecord& caller) {
        return replace_key(store, caller, rotation, desk, call, id, *secret);
    };
    auto waiting = change(desk, std::move(call), std::move(judge), secret);
    co_return co_await std::move(waiting);
}

using Carry = asio::awaitable<Checked<answer::Reply>> (*)(Desk, Call);

Carry carry_of(config::Reply kind) {
    switch (kind) {
    case config::Reply::whoami:
        return whoami;
    case config::Reply::create_key:
        return create_key;
    case config::Reply::list_keys:
        return list_keys;
    case config::Reply::show_key:
        return show_key;
    case config::Reply::update_key:
        return update_key;
    case config::Reply::revoke_key:
        return revoke_key;
    case config::Reply::delete_key:
        return delete_key;
    case config::Reply::rotate_key:
        return rotate_key;
    case config::Reply::none:
        break;
    }
    return nullptr;
}

} // namespace

asio::awaitable<Checked<answer::Reply>> carry_own_call(const Context& context, std::uint16_t api,
                                                       Call call) {
    Desk desk{context, context.settings.apis[api], context.catalog.apis[api]};
    return carry_of(call.kind)(desk, std::move(call));
}

} // namespace keygate::admin
