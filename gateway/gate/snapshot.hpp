#pragma once

#include "base/networks.hpp"
#include "config/settings.hpp"
#include "http/cors.hpp"
#include "http/fields.hpp"
#include "http/forwarded.hpp"
#include "http/refusal_pages.hpp"
#include "http/trailers.hpp"
#include "keys/catalog.hpp"
#include "keys/pepper.hpp"
#include "keys/sealed.hpp"
#include "net/tls_context.hpp"
#include "net/tls_tickets.hpp"
#include "policy/route.hpp"
#include "proxy/upstream.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace keygate::gate {

/// One configuration, compiled for requests: immutable, shared by all threads.
struct Snapshot {
    struct Api {
        http::RefusalPages pages;
        http::TrailerNames trailers;
        config::Truth truth = config::Truth::local;
        std::optional<config::Limit> failed_auth; // limit/lockout.hpp
        http::ReservedNames reserved;             // fields that do not pass
        std::vector<std::string> key_parameters;  // of the query, that keys are sent in
        bool has_websocket_keys = false;          // keys may be sent as a subprotocol
        std::optional<http::CorsRules> cors;      // where no route is known
    };

    /// Where the requests of one route go, positions in `upstreams`, and which pages send them.
    struct Way {
        std::size_t live = 0;
        std::optional<std::size_t> test; // else its test keys are refused
        std::optional<http::CorsRules> cors;
    };

    /// Where clients come in.
    struct Listener {
        std::shared_ptr<const net::TlsServer> tls; // null: they speak HTTP as it is
        bool forwards_certificate = false;         // of a client, to the upstream
        std::vector<Network> proxies;              // whose connections begin with a PROXY header

        [[nodiscard]] http::Scheme scheme() const {
            return tls ? http::Scheme::https : http::Scheme::http;
        }

        [[nodiscard]] bool is_proxy(std::string_view peer) const;
    };

    /// Reads the peppers, key files and certificates. The settings are those that config::load
    /// accepted. Names of servers are looked up later (proxy/resolver.hpp).
    /// @param before  the configuration that this one follows, or null: what is known of upstreams
    ///                that stay is still known.
    [[nodiscard]] static Result<std::shared_ptr<const Snapshot>>
    make(config::Settings settings, const Snapshot* before = nullptr);

    /// What words a refusal for a host before its route is known.
    [[nodiscard]] const http::RefusalPages& pages_for(std::string_view host) const;

    /// Which pages may read such a refusal; null: none.
    [[nodiscard]] const http::CorsRules* cors_for(std::string_view host) const;

    config::Settings settings;
    std::shared_ptr<const keys::Catalog> catalog;
    keys::Peppers peppers;
    keys::Seals seals;
    policy::Routes routes;
    http::RefusalPages default_pages;
    http::ForwardedRules forwarded;
    std::vector<Api> apis; // as in settings.apis
    std::vector<std::shared_ptr<proxy::Upstream>> upstreams;
    std::vector<Way> ways;                    // of each route by its number
    std::optional<std::uint64_t> max_body;    // that any route takes; absent: there is no bound
    std::shared_ptr<net::TlsTickets> tickets; // of the process: every next one has the same
    std::vector<Listener> listeners;          // as in settings.listeners
    std::vector<std::string> warnings;        // what works, and an operator should know
};

} // namespace keygate::gate
