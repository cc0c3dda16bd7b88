#pragma once

#include "config/settings.hpp"
#include "keys/endpoint_list.hpp"
#include "keys/scope_set.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// What keys under a plan may do at most.
struct PlanRights {
    std::optional<ScopeSet> scopes;     // with what they imply; absent: all that they have
    std::optional<EndpointList> routes; // absent: all of the API
};

/// The names that records of one API may use, numbered. Numbers are positions in the configuration
/// and mean nothing beyond one catalog.
struct ApiNames {
    std::string name;
    std::vector<std::string> plans; // in the order of the configuration
    std::vector<PlanRights> rights; // of each of them
    std::optional<std::uint16_t> default_plan;
    std::vector<std::string> scopes; // sorted: position = bit in a ScopeSet
    std::vector<ScopeSet> implied;   // of each of them, with itself; empty: each but itself
    config::DefaultScopes default_scopes = config::DefaultScopes::all;
    config::KeyFormat format;
    config::MaxAge max_age;
    config::TrailingSlash trailing_slash = config::TrailingSlash::strict;
    bool has_test_upstream = false;        // some route leads test keys somewhere
    std::vector<std::string> bind_members; // of keys' `bind` that paths are compared with
    std::string zone = "UTC";              // of quotas that name none
    std::vector<std::string> meters;       // that quotas can count: `requests`, and those of routes
    bool counts_in_redis = false;          // its limits
    std::uint32_t heaviest = 1;            // the largest weight of a request with a key

    [[nodiscard]] std::optional<std::uint16_t> plan_number(std::string_view plan) const;
    [[nodiscard]] std::optional<std::uint16_t> scope_number(std::string_view scope) const;

    // Scopes as keys, plans and calls name them: one of the vocabulary, `tests:*` for all that
    // begin with `tests:`, now and later, or `*` for all.

    [[nodiscard]] bool is_scope_pattern_known(std::string_view pattern) const;
    /// What a pattern stands for now; nothing if it is not known.
    [[nodiscard]] std::optional<ScopeSet> expand(std::string_view pattern) const;
    /// What a key with these may do, without what its plan cuts off: all that they stand for and
    /// all that this implies; nothing if one of them is not known.
    [[nodiscard]] std::optional<ScopeSet> rights_of(std::span<const std::string> patterns) const;
    /// With all that they imply.
    [[nodiscard]] ScopeSet closed(const ScopeSet& set) const;
    /// The scopes of a set by name, sorted.
    [[nodiscard]] std::vector<std::string> names_of(const ScopeSet& set) const;

    [[nodiscard]] ScopeSet every_scope() const { return ScopeSet::first(scopes.size()); }
};

/// What the key table needs to know of a configuration: immutable, built at load.
struct Catalog {
    std::vector<ApiNames> apis; // same order as Settings::apis
    std::string identity_prefix = "X-Key-";

    explicit Catalog(const config::Settings& settings);
    [[nodiscard]] std::optional<std::uint16_t> api_number(std::string_view api) const;
};

} // namespace keygate::keys
