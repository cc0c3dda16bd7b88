#pragma once

#include "config/settings.hpp"
#include "keys/scope_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// The names that records of one API may use, numbered. Numbers are positions in the configuration
/// and mean nothing beyond one catalog.
struct ApiNames {
    std::string name;
    std::vector<std::string> plans; // in the order of the configuration
    std::optional<std::uint16_t> default_plan;
    std::vector<std::string> scopes; // sorted: position = bit in a ScopeSet
    config::DefaultScopes default_scopes = config::DefaultScopes::all;
    config::KeyFormat format;
    bool has_test_upstream = false;
    std::vector<std::string> bind_members; // of keys' `bind` that paths are compared with
    std::string zone = "UTC";              // of quotas that name none
    std::vector<std::string> meters;       // that quotas can count: `requests`, and those of routes
    bool counts_in_redis = false;          // its limits
    std::uint32_t heaviest = 1;            // the largest weight of a request with a key

    [[nodiscard]] std::optional<std::uint16_t> plan_number(std::string_view plan) const;
    [[nodiscard]] std::optional<std::uint16_t> scope_number(std::string_view scope) const;
};

/// What the key table needs to know of a configuration: immutable, built at load.
struct Catalog {
    std::vector<ApiNames> apis; // same order as Settings::apis
    std::string identity_prefix = "X-Key-";

    explicit Catalog(const config::Settings& settings);
    [[nodiscard]] std::optional<std::uint16_t> api_number(std::string_view api) const;
};

} // namespace keygate::keys
