#include "admin/owners_api.hpp"

#include "admin/json.hpp"
#include "admin/new_key.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

constexpr std::size_t max_attributes = 4096;

using OwnerName = std::pair<std::string, std::string>; // API and id: the order of lists

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
    owner.name = in.text("name").value_or("");
    if (!is_label(owner.name)) in.wrong("name", "at most 200 bytes without control characters");
    if (const auto text = in.text("status")) {
        const auto status = keys::owner_status_from(*text);
        if (!status) in.wrong("status", "one of: active, suspended");
        owner.status = status.value_or(keys::OwnerStatus::active);
    }
    if (const auto* attributes = in.object("attributes")) {
        owner.attributes = json::serialize(*attributes);
        if (owner.attributes.size() > max_attributes) in.wrong("attributes", "at most 4096 bytes");
    }
    owner.plan = in.text("plan");
    if (number && owner.plan) {
        const auto& plans = catalog.apis[*number].plans;
        if (!catalog.apis[*number].plan_number(*owner.plan))
            in.wrong("plan", "unknown `" + *owner.plan + "`; " + known_names(*owner.plan, plans));
    }
    if (in.problem()) return *in.problem();
    return owner;
}

} // namespace

asio::awaitable<Checked<Response>> put_owner(const Context& context, std::string id,
                                             Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    if (!is_owner_id(id)) co_return unprocessable("id", "1 to 128 visible ASCII characters");
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    const auto read = read_owner(*body, std::move(id), context.catalog);
    if (!read) co_return read.error();

    const auto& api = context.catalog.apis[*context.catalog.api_number(read->api)];
    const bool needs_plan = !api.plans.empty() && !api.default_plan && !read->plan;
    auto work = [owner = *read, needs_plan](keys::KeyStore& store,
                                            keys::Table& table) -> Checked<bool> {
        if (needs_plan) {
            // Keys that live on the owner's plan would become unreadable, and their requests 503.
            const auto before = store.find_owner(owner.api, owner.id);
            if (before && before->plan)
                return unprocessable("plan", "cannot be taken away: the API has no default_plan");
        }
        const auto is_new = store.put_owner(owner);
        if (!is_new) return store_problem(is_new.error());
        table.put_owner(owner);
        return *is_new;
    };
    const auto is_new = co_await call_store(context.store, std::move(work));
    if (!is_new) co_return is_new.error();
    auto response = reply(*is_new ? 201 : 200, to_json(*read));
    if (*is_new)
        response.headers.emplace_back("Location", "/admin/v1/owners/" + percent_encoded(read->id) +
                                                      "?api=" + percent_encoded(read->api));
    co_return response;
}

asio::awaitable<Checked<Response>> get_owner(const Context& context, std::string id,
                                             Request request) {
    if (const auto known = only_parameters(request, {"api"}); !known) co_return known.error();
    const auto named = read_api(request, context.catalog);
    if (!named) co_return named.error();
    if (!*named && context.catalog.apis.size() != 1)
        co_return bad_request("parameter_missing", "`api`: missing; there are several APIs");
    auto work = [api = named->value_or(context.catalog.apis.front().name), id = std::move(id)](
                    keys::KeyStore& store, keys::Table&) { return store.find_owner(api, id); };
    const auto owner = co_await call_store(context.store, std::move(work));
    if (!owner && owner.error().error == keys::StoreError::not_found)
        co_return not_found("this API has no such owner");
    if (!owner) co_return store_problem(owner.error());
    co_return reply(200, to_json(*owner));
}

asio::awaitable<Checked<Response>> list_owners(const Context& context, Request request) {
    if (const auto known = only_parameters(request, {"api", "cursor", "limit"}); !known)
        co_return known.error();
    const auto api = read_api(request, context.catalog);
    if (!api) co_return api.error();
    const auto limit = read_limit(request);
    if (!limit) co_return limit.error();

    const auto cursor = request.parameter("cursor");
    const auto colon = cursor ? cursor->find(':') : std::string::npos;
    if (cursor && colon == std::string::npos)
        co_return bad_request("parameter_invalid", "`cursor`: not one of ours");
    OwnerName after;
    if (cursor) after = {cursor->substr(0, colon), cursor->substr(colon + 1)};

    std::vector<std::string> apis;
    for (const auto& one : context.catalog.apis)
        if (!*api || one.name == **api) apis.push_back(one.name);
    std::sort(apis.begin(), apis.end());
    using Page = Result<std::vector<keys::OwnerRecord>>;
    auto work = [apis = std::move(apis), limit = *limit + 1,
                 after = std::move(after)](keys::KeyStore& store, keys::Table&) -> Page {
        std::vector<keys::OwnerRecord> page;
        for (const auto& name : apis) {
            auto owners = store.list_owners(name);
            if (!owners) return owners.error();
            std::sort(owners->begin(), owners->end(),
                      [](const auto& a, const auto& b) { return a.id < b.id; });
            for (auto& owner : *owners) {
                if (page.size() == limit) return page;
                if (OwnerName{owner.api, owner.id} > after) page.push_back(std::move(owner));
            }
        }
        return page;
    };
    auto page = co_await call_store(context.store, std::move(work));
    if (!page) co_return store_problem(page.error());
    std::optional<std::string> next;
    if (page->size() > *limit) {
        page->resize(*limit);
        next = page->back().api + ":" + page->back().id;
    }
    json::array data;
    for (const auto& owner : *page)
        data.push_back(to_json(owner));
    co_return list_reply(std::move(data), std::move(next));
}

} // namespace keygate::admin
