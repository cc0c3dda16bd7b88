#pragma once

#include "auth/key.hpp"
#include "policy/facts.hpp"
#include "policy/route.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keygate::testing {

/// The identity of an active live key after a change to its entry.
inline keys::Identity identity_of(const std::function<void(keys::Entry&)>& change) {
    auto* entry = new keys::Entry;
    const keys::EntryRef ref{entry};
    change(*entry);
    keys::ApiNames names;
    return auth::identify(ref, {}, entry->api, names, true, WallTime{}).value();
}

/// The identity of an active live key with these facts.
inline keys::Identity identity_with(const keys::ScopeSet& scopes,
                                    std::uint16_t plan = keys::Entry::no_plan,
                                    keys::OwnerStatus owner = keys::OwnerStatus::active) {
    return identity_of([&](keys::Entry& entry) {
        entry.scopes = scopes;
        entry.plan = plan;
        entry.owner_status = owner;
    });
}

/// Nothing but a member of `bind`.
inline keys::Restrictions bound_to(const std::string& name, const std::string& value) {
    keys::Restrictions restrictions;
    restrictions.bind.emplace(name, value);
    return restrictions;
}

/// A key with these restrictions.
inline keys::Identity identity_within(const keys::Restrictions& restrictions,
                                      std::string owner = "acme") {
    return identity_of([&](keys::Entry& entry) {
        entry.owner = std::move(owner);
        const boost::intrusive_ptr<keys::Particulars> particulars{new keys::Particulars};
        particulars->restrictions = std::make_shared<const keys::Restrictions>(restrictions);
        entry.particulars = particulars;
    });
}

/// A request, as far as policy looks at it.
struct Request {
    explicit Request(std::string_view method = "GET", std::string_view path = "/",
                     std::string_view address = "192.0.2.7")
        : facts{.head = head, .path = path, .address = address} {
        head.method = method;
    }

    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request() = default;

    void add(http::FieldName id, std::string_view value) {
        head.fields[head.field_count++] = {.id = id, .name = {}, .value = value};
    }

    http::RequestHead head;
    policy::Facts facts;
};

/// Two plans: `free` without the API, and `pro` with 100 requests a minute.
inline std::vector<config::Plan> free_and_pro() {
    std::vector<config::Plan> plans(2);
    plans[0].name = "free";
    plans[0].api_access = false;
    plans[1].name = "pro";
    config::Rate rate;
    rate.limit = 100;
    rate.window = std::chrono::minutes{1};
    plans[1].limits.resize(1);
    plans[1].limits[0].name = "100/1m";
    plans[1].limits[0].rule = rate;
    return plans;
}

/// The names of an API with these plans, none of which leaves anything out.
inline keys::ApiNames names_for(const std::vector<config::Plan>& plans) {
    keys::ApiNames names;
    for (const config::Plan& plan : plans)
        names.plans.push_back(plan.name);
    names.rights.resize(plans.size());
    return names;
}

/// An API compiled from its settings.
struct Compiled {
    explicit Compiled(config::Api written)
        : settings(with(std::move(written)))
        , catalog(settings)
        , routes(settings, catalog) {}

    [[nodiscard]] const policy::Route& route(std::size_t number = 0) const {
        return routes.all()[number];
    }

    [[nodiscard]] const keys::ApiNames& names() const { return catalog.apis[0]; }

    [[nodiscard]] policy::Rules rules() const {
        return {.plans = settings.apis[0].plans, .names = names()};
    }

    config::Settings settings;
    keys::Catalog catalog;
    policy::Routes routes;

  private:
    static config::Settings with(config::Api api) {
        config::Settings settings;
        settings.apis.push_back(std::move(api));
        return settings;
    }
};

/// A route of the map: `GET /v1/tests/{id}`, with scopes.
inline config::Route route_of(const std::string& text, std::vector<std::string> scopes = {},
                              config::Need need = config::Need::all) {
    config::Route route;
    route.text = text;
    const std::size_t space = text.find(' ');
    if (text.substr(0, space) != "ANY") route.methods = {text.substr(0, space)};
    route.pattern = text.substr(space + 1);
    route.access = scopes.empty() ? config::Access::key : config::Access::scope;
    route.need = need;
    route.scopes = std::move(scopes);
    return route;
}

} // namespace keygate::testing
