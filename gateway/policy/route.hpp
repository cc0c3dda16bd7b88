#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "keys/catalog.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::policy {

/// A scope that a segment of the path decides: `{resource}:read`.
struct DerivedScope {
    struct Scope {
        std::string segment; // that decides for it
        std::uint16_t number = 0;
        std::string name;
    };

    /// The scope that this path asks for; null if what it names is none of the vocabulary.
    [[nodiscard]] const Scope* scope_in(std::string_view path) const;

    std::size_t segment = 0;   // its number in the path
    std::vector<Scope> scopes; // of the vocabulary, sorted by segment
};

/// A segment of the path that must name the tenant of the key.
struct Tenant {
    std::size_t segment = 0; // its number in the path
    bool is_owner = false;   // the owner's id …
    std::string name;        // … or this member of the key's `bind`
};

/// One line of the route-to-scope map, compiled. Lives as long as its Routes.
struct Route {
    std::uint16_t api = 0;    // position in Settings::apis
    std::uint32_t number = 0; // dense over the whole configuration: the place of its metrics
    config::Access access = config::Access::key;
    config::Need need = config::Need::all;
    keys::ScopeSet scopes;
    std::vector<DerivedScope> derived; // beside those
    std::vector<Tenant> tenants;
    bool is_optional = false; // without a credential it is public
    config::Reply reply = config::Reply::none;
    std::optional<std::size_t> id_segment; // the number of `{id}` in the path
    bool pass_authorization = false;
    std::uint32_t weight = 1;          // what a request costs
    std::string meter;                 // that it counts for; empty: none
    std::vector<config::Limit> limits; // of its own
    // Where it leads and how: as config::Route says it.
    std::string live_upstream;
    std::string test_upstream;
    bool takes_test_keys = false; // it leads them somewhere
    std::optional<config::Rewrite> rewrite;
    config::RouteTimeouts timeouts;
    std::optional<std::uint64_t> max_body;
    std::optional<config::Cors> cors;
    std::string name;        // `GET /v1/tests/{id}`
    std::string scope_names; // space-separated, for the challenge of `scope_missing`

    /// What stands for `{id}` in a path that the route takes, as it stands there; empty without
    /// one.
    [[nodiscard]] std::string_view id_in(std::string_view path) const;
};

/// The route-to-scope maps of all APIs, compiled into one tree of path segments per set of hosts.
///
/// The most specific route wins, order means nothing: at each segment a literal is tried before
/// `{name}`,
/// `{name}` before `/**`; among routes of one pattern a named method before ANY. HEAD follows GET.
/// A request that no route takes is refused: route_method if another method would have been taken,
/// else route_unknown.
class Routes {
  public:
    /// Of a configuration that config::load accepted (no ties, known scopes).
    Routes(const config::Settings& settings, const keys::Catalog& catalog);
    ~Routes();
    Routes(Routes&&) noexcept;
    Routes& operator=(Routes&&) noexcept;

    /// @param host    the request's Host, possibly with a port, any case; may be empty.
    /// @param method  as sent, case-sensitive.
    /// @param path    canonical, as judged by http/target.hpp: begins with `/`, no query.
    /// @returns the route; Refusal::detail of route_method is the `Allow` value.
    ///
    /// A segment with parameters (`admin;x=1`) whose part before the first `;` is a literal of the
    /// map at that place matches nothing (route_unknown): some upstreams would read it as that
    /// literal.
    [[nodiscard]] Decision<const Route*> find(std::string_view host, std::string_view method,
                                              std::string_view path) const;

    /// The API whose profile words a refusal before a route is known: the only API of that host, or
    /// none.
    [[nodiscard]] const std::uint16_t* api_of_host(std::string_view host) const;

    [[nodiscard]] const std::vector<Route>& all() const;

  private:
    struct Tree;
    std::unique_ptr<Tree> tree_;
};

} // namespace keygate::policy
