#include "admin/owners_api.hpp"

#include "admin/json.hpp"
#include "admin/new_key.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"
#include "admin/write.hpp"

#include <boost/json.hpp>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

Problem no_such_owner() {
    return not_found("this API has no such owner");
}

/// The record as it is now; nothing where there is none.
Checked<std::optional<keys::OwnerRecord>> found_owner(keys::KeyStore& store,
                                                      const keys::OwnerName& name) {
    auto owner = store.find_owner(name);
    if (owner) return std::optional{std::move(*owner)};
    if (owner.error().error == keys::StoreError::not_found)
        return std::optional<keys::OwnerRecord>{};
    return store_problem(owner.error());
}

std::optional<std::string> etag_of(const std::optional<keys::OwnerRecord>& owner) {
    if (!owner) return std::nullopt;
    return admin::etag_of(*owner);
}

Checked<keys::OwnerRecord> read_owner(const json::object& body, std::string id,
                                      const keys::Catalog& catalog) {
    Members in(body, "", {"api", "name", "plan", "status", "attributes"},
               {"rate", "quota", "limits", "metadata", "gauges", "bind"});
    keys::OwnerRecord owner;
    owner.id = std::move(id);
    owner.api = in.required_text("api");
    const auto number = catalog.api_number(owner.api);
    std::vector<std::string> names;
    for (const auto& api : catalog.apis)
        names.push_back(api.name);
    if (!number) in.wrong("api", "unknown `" + owner.api + "`; " + known_names(owner.api, names));
    owner.name = read_label(in);
    if (const auto text = in.text("status")) {
        const auto status = keys::owner_status_from(*text);
        if (!status) in.wrong("status", "one of: active, suspended");
        owner.status = status.value_or(keys::OwnerStatus::active);
    }
    if (const auto* attributes = in.object("attributes")) {
        owner.attributes = json::serialize(*attributes);
        if (owner.attributes.size() > max_object)
            in.wrong("attributes", "at most " + std::to_string(max_object) + " bytes");
    }
    if (number) owner.plan = read_plan(in, catalog.apis[*number]);
    if (in.problem()) return *in.problem();
    return owner;
}

} // namespace

asio::awaitable<Checked<Response>> put_owner(const Context& context, std::string id,
                                             Request request) {
    if (!is_owner_id(id)) co_return unprocessable("id", "1 to 128 visible ASCII characters");
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    const auto read = read_owner(*body, std::move(id), context.catalog);
    if (!read) co_return read.error();

    const auto& api = context.catalog.apis[*context.catalog.api_number(read->api)];
    const bool needs_plan = !api.plans.empty() && !api.default_plan && !read->plan;
    auto decide = [owner = *read, needs_plan, request](keys::KeyStore& store) -> Checked<Decided> {
        const auto before = found_owner(store, {owner.api, owner.id});
        if (!before) return before.error();
        if (const auto met = check_conditions(request, etag_of(*before)); !met) return met.error();
        // Keys that live on the owner's plan would become unreadable, and their requests 503.
        if (needs_plan && *before && (*before)->plan)
            return unprocessable("plan", "cannot be taken away: the API has no default_plan");
        Decided decided;
        decided.response = reply(*before ? 200 : 201, to_json(owner), admin::etag_of(owner));
        if (!*before)
            decided.response.headers.emplace_back("Location",
                                                  "/admin/v1/owners/" + percent_encoded(owner.id) +
                                                      "?api=" + percent_encoded(owner.api));
        decided.change.put_owner = owner;
        return decided;
    };
    auto waiting = write(context, std::move(request), std::move(decide));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    co_return std::move(written->response);
}

asio::awaitable<Checked<Response>> get_owner(const Context& context, std::string id,
                                             Request request) {
    if (const auto known = only_parameters(request, {"api"}); !known) co_return known.error();
    auto api = the_api(request, context.catalog);
    if (!api) co_return api.error();
    auto work = [name = keys::OwnerName{std::move(*api), std::move(id)}](
                    keys::KeyStore& store, keys::LiveKeys&) { return store.find_owner(name); };
    auto waiting = call_store(context.store, std::move(work));
    const auto owner = co_await std::move(waiting);
    if (!owner && owner.error().error == keys::StoreError::not_found) co_return no_such_owner();
    if (!owner) co_return store_problem(owner.error());
    co_return reply(200, to_json(*owner), etag_of(*owner));
}

asio::awaitable<Checked<Response>> delete_owner(const Context& context, std::string id,
                                                Request request) {
    if (const auto empty = no_body(request); !empty) co_return empty.error();
    auto api = the_api(request, context.catalog);
    if (!api) co_return api.error();
    auto decide = [name = keys::OwnerName{std::move(*api), std::move(id)},
                   request](keys::KeyStore& store) -> Checked<Decided> {
        const auto before = found_owner(store, name);
        if (!before) return before.error();
        if (!*before) return no_such_owner();
        if (const auto met = check_conditions(request, etag_of(*before)); !met) return met.error();
        const auto has_keys = store.has_keys(name);
        if (!has_keys) return store_problem(has_keys.error());
        if (*has_keys) return conflict("owner_has_keys", "the owner has keys; delete them first");
        Decided decided;
        decided.change.remove_owner = name;
        decided.response.status = 204;
        return decided;
    };
    auto waiting = write(context, std::move(request), std::move(decide), {"api"});
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    co_return std::move(written->response);
}

asio::awaitable<Checked<Response>> list_owners(const Context& context, std::string,
                                               Request request) {
    if (const auto known = only_parameters(request, {"api", "cursor", "limit"}); !known)
        co_return known.error();
    const auto api = read_api(request, context.catalog);
    if (!api) co_return api.error();
    const auto limit = read_limit(request);
    if (!limit) co_return limit.error();
    auto work = [api = api->value_or(""), limit = *limit,
                 cursor = request.parameter("cursor").value_or("")](keys::KeyStore& store,
                                                                    keys::LiveKeys&) {
        return store.list_owners(api, cursor, limit);
    };
    auto waiting = call_store(context.store, std::move(work));
    auto page = co_await std::move(waiting);
    if (!page) co_return store_problem(page.error());
    json::array data;
    for (const auto& owner : page->rows)
        data.push_back(to_json(owner));
    co_return list_reply(std::move(data), std::move(page->next));
}

} // namespace keygate::admin
