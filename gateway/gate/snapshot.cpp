#include "gate/snapshot.hpp"

#include "config/load.hpp"
#include "config/read_api_limits.hpp"
#include "limit/lockout.hpp"

namespace keygate::gate {

namespace {

/// Names of the sources of one kind.
std::vector<std::string> names_of(const config::Api& api, config::KeySource::Kind kind) {
    std::vector<std::string> names;
    for (const config::KeySource& source : api.profile.sources)
        if (source.kind == kind) names.push_back(source.name);
    return names;
}

} // namespace

Result<std::shared_ptr<const Snapshot>> Snapshot::make(config::Settings settings) {
    auto peppers = keys::Peppers::load(settings);
    if (!peppers) return peppers.error();
    auto seals = keys::Seals::load(settings);
    if (!seals) return seals.error();
    auto catalog = std::make_shared<const keys::Catalog>(settings);
    policy::Routes routes{settings, *catalog};
    std::vector<Api> apis;
    std::vector<proxy::Upstream> upstreams;
    for (const config::Api& api : settings.apis) {
        auto live = proxy::resolve(api.live);
        if (!live) return live.error();
        Api& made = apis.emplace_back(
            Api{.pages = http::RefusalPages{api},
                .live = upstreams.size(),
                .test = {},
                .trailers = http::TrailerNames{api.trailers},
                .truth = config::truth_of(api.limits, settings.store.redis.has_value()),
                .failed_auth = {},
                .reserved = http::ReservedNames{settings.identity.prefix,
                                                names_of(api, config::KeySource::Kind::field)},
                .key_parameters = names_of(api, config::KeySource::Kind::query)});
        if (api.failed_auth) made.failed_auth = limit::failed_auth_limit(*api.failed_auth);
        upstreams.push_back(std::move(*live));
        if (!api.test) continue;
        auto test = proxy::resolve(*api.test);
        if (!test) return test.error();
        made.test = upstreams.size();
        upstreams.push_back(std::move(*test));
    }
    http::RefusalPages default_pages{config::default_profile()};
    return std::make_shared<const Snapshot>(Snapshot{
        std::move(settings), std::move(catalog), std::move(*peppers), std::move(*seals),
        std::move(routes), std::move(default_pages), std::move(apis), std::move(upstreams)});
}

const http::RefusalPages& Snapshot::pages_for(std::string_view host) const {
    const std::uint16_t* const api = routes.api_of_host(host);
    return api == nullptr ? default_pages : apis[*api].pages;
}

} // namespace keygate::gate
