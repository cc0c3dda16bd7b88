#include "gate/snapshot.hpp"

#include "config/load.hpp"
#include "config/read_api_limits.hpp"
#include "limit/lockout.hpp"

#include <algorithm>

namespace keygate::gate {

namespace {

/// Names of the sources of one kind.
std::vector<std::string> names_of(const config::Api& api, config::KeySource::Kind kind) {
    std::vector<std::string> names;
    for (const config::KeySource& source : api.profile.sources)
        if (source.kind == kind) names.push_back(source.name);
    return names;
}

/// The upstreams of all APIs, each by its name.
class UpstreamList {
  public:
    explicit UpstreamList(const Snapshot* before)
        : before_(before) {}

    Result<void> add(const config::Api& api) {
        if (const auto added = add(api.name, "live", api.live); !added) return added;
        if (api.test)
            if (const auto added = add(api.name, "test", *api.test); !added) return added;
        for (const config::NamedUpstream& other : api.others)
            if (const auto added = add(api.name, other.name, other.upstream); !added) return added;
        return {};
    }

    [[nodiscard]] std::optional<std::size_t> find(std::string_view api,
                                                  std::string_view name) const {
        return position(made, api, name);
    }

    std::vector<std::shared_ptr<proxy::Upstream>> made;

  private:
    static std::optional<std::size_t>
    position(const std::vector<std::shared_ptr<proxy::Upstream>>& all, std::string_view api,
             std::string_view name) {
        const auto found = std::find_if(all.begin(), all.end(), [&](const auto& upstream) {
            return upstream->api() == api && upstream->name() == name;
        });
        if (found == all.end()) return std::nullopt;
        return static_cast<std::size_t>(found - all.begin());
    }

    Result<void> add(const std::string& api, const std::string& name,
                     const config::Upstream& settings) {
        const proxy::Upstream* known = nullptr;
        if (before_ != nullptr)
            if (const auto at = position(before_->upstreams, api, name))
                known = before_->upstreams[*at].get();
        auto upstream = proxy::Upstream::make(settings, api, name, known);
        if (!upstream) return upstream.error();
        made.push_back(std::move(*upstream));
        return {};
    }

    const Snapshot* before_;
};

std::optional<http::CorsRules> compiled(const std::optional<config::Cors>& cors,
                                        const config::Api& api, const config::Settings& settings) {
    if (!cors) return std::nullopt;
    return http::CorsRules{*cors,
                           http::fields_for_clients(settings.identity.prefix, api.limits.fields)};
}

Snapshot::Way way_of(const policy::Route& route, const config::Api& configured,
                     const config::Settings& settings, const UpstreamList& upstreams) {
    const std::string& api = configured.name;
    const bool is_named = !route.live_upstream.empty();
    Snapshot::Way way;
    way.cors = compiled(route.cors, configured, settings);
    way.live = upstreams.find(api, is_named ? route.live_upstream : "live").value();
    if (route.takes_test_keys)
        way.test = upstreams.find(api, is_named ? route.test_upstream : "test");
    return way;
}

std::optional<std::uint64_t> highest_max_body(const config::Settings& settings,
                                              const policy::Routes& routes) {
    std::optional<std::uint64_t> highest = settings.client.max_body;
    for (const policy::Route& route : routes.all())
        if (highest && route.max_body) highest = std::max(*highest, *route.max_body);
    return highest;
}

Result<Snapshot::Listener> compiled(const config::Listener& settings,
                                    const std::shared_ptr<net::TlsTickets>& tickets) {
    Snapshot::Listener listener;
    for (const std::string& text : settings.proxy_protocol)
        if (const auto network = parse_network(text)) listener.proxies.push_back(*network);
    if (!settings.tls) return listener;
    auto tls = net::TlsServer::make(*settings.tls, settings.address, tickets);
    if (!tls) return tls.error();
    listener.tls = std::move(*tls);
    const auto& clients = settings.tls->client_certificates;
    listener.forwards_certificate = clients && clients->forward;
    return listener;
}

} // namespace

Result<std::shared_ptr<const Snapshot>> Snapshot::make(config::Settings settings,
                                                       const Snapshot* before) {
    auto peppers = keys::Peppers::load(settings);
    if (!peppers) return peppers.error();
    auto seals = keys::Seals::load(settings);
    if (!seals) return seals.error();
    auto catalog = std::make_shared<const keys::Catalog>(settings);
    policy::Routes routes{settings, *catalog};
    std::vector<Api> apis;
    UpstreamList upstreams{before};
    for (const config::Api& api : settings.apis) {
        if (const auto added = upstreams.add(api); !added) return added.error();
        Api& made = apis.emplace_back(
            Api{.pages = http::RefusalPages{api, settings.via, settings.proxy_status},
                .trailers = http::TrailerNames{api.trailers},
                .truth = config::truth_of(api.limits, settings.store.redis.has_value()),
                .failed_auth = {},
                .reserved = http::ReservedNames{settings.identity.prefix,
                                                names_of(api, config::KeySource::Kind::field)},
                .key_parameters = names_of(api, config::KeySource::Kind::query),
                .has_websocket_keys = !names_of(api, config::KeySource::Kind::websocket).empty(),
                .cors = compiled(api.cors, api, settings)});
        if (api.failed_auth) made.failed_auth = limit::failed_auth_limit(*api.failed_auth);
    }
    auto tickets = before != nullptr ? before->tickets : std::make_shared<net::TlsTickets>();
    std::vector<Listener> listeners;
    std::vector<std::string> warnings;
    for (const config::Listener& configured : settings.listeners) {
        auto listener = compiled(configured, tickets);
        if (!listener) return listener.error();
        if (listener->tls)
            warnings.insert(warnings.end(), listener->tls->warnings().begin(),
                            listener->tls->warnings().end());
        listeners.push_back(std::move(*listener));
    }
    std::vector<Way> ways(routes.all().size());
    for (const policy::Route& route : routes.all())
        ways[route.number] = way_of(route, settings.apis[route.api], settings, upstreams);
    const auto max_body = highest_max_body(settings, routes);
    http::RefusalPages default_pages{config::default_profile(), settings.via,
                                     settings.proxy_status};
    http::ForwardedRules forwarded{settings.forwarded};
    return std::make_shared<const Snapshot>(Snapshot{.settings = std::move(settings),
                                                     .catalog = std::move(catalog),
                                                     .peppers = std::move(*peppers),
                                                     .seals = std::move(*seals),
                                                     .routes = std::move(routes),
                                                     .default_pages = std::move(default_pages),
                                                     .forwarded = std::move(forwarded),
                                                     .apis = std::move(apis),
                                                     .upstreams = std::move(upstreams.made),
                                                     .ways = std::move(ways),
                                                     .max_body = max_body,
                                                     .tickets = std::move(tickets),
                                                     .listeners = std::move(listeners),
                                                     .warnings = std::move(warnings)});
}

bool Snapshot::Listener::is_proxy(std::string_view peer) const {
    if (proxies.empty()) return false;
    const auto address = parse_peer(peer);
    return address && is_within(*address, proxies);
}

const http::RefusalPages& Snapshot::pages_for(std::string_view host) const {
    const std::uint16_t* const api = routes.api_of_host(host);
    return api == nullptr ? default_pages : apis[*api].pages;
}

const http::CorsRules* Snapshot::cors_for(std::string_view host) const {
    const std::uint16_t* const api = routes.api_of_host(host);
    return api != nullptr && apis[*api].cors ? &*apis[*api].cors : nullptr;
}

} // namespace keygate::gate
