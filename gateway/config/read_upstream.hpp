#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::config {

/// `upstreams: {live: {…}, test: {…}, NAME: {…}}`
/// @param folder  of the configuration: paths of files and sockets begin there.
void read_upstreams(const std::optional<View>& view, std::string_view folder, Api& api);

/// Those that routes may name.
[[nodiscard]] std::vector<std::string> upstream_names(const Api& api);

/// Reports upstreams that nothing leads to. Call it once all routes are read.
void report_unused_upstreams(const std::optional<View>& view, const Api& api);

inline constexpr std::array<Word<Balance>, 2> balance_words{
    {{"least_connections", Balance::least_connections}, {"round_robin", Balance::round_robin}}};

} // namespace keygate::config
