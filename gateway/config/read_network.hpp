#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

// Who stands between us and clients, what is told of them, and who knows the names of upstreams.
namespace keygate::config {

/// `[10.0.0.0/8, "fd00::/8", 192.0.2.7]`: base/networks.hpp reads each. An empty list is a mistake.
/// @param setting  what is left out where there are none.
void read_networks(const std::optional<View>& view, std::string_view setting,
                   std::vector<std::string>& out);

/// `forwarded:`
void read_forwarded(const std::optional<View>& view, Forwarded& out);

/// `dns:`
void read_dns(const std::optional<View>& view, Dns& out);

inline constexpr std::array<Word<Forwarded::From>, 3> from_words{
    {{"X-Forwarded-For", Forwarded::From::x_forwarded_for},
     {"Forwarded", Forwarded::From::forwarded},
     {"X-Real-IP", Forwarded::From::x_real_ip}}};

inline constexpr std::array<Word<Forwarded::Chain>, 2> chain_words{
    {{"append", Forwarded::Chain::append}, {"replace", Forwarded::Chain::replace}}};

inline constexpr std::array<Word<Forwarded::Fields>, 4> forwarded_words{
    {{"x-forwarded", Forwarded::Fields::x_forwarded},
     {"forwarded", Forwarded::Fields::forwarded},
     {"both", Forwarded::Fields::both},
     {"none", Forwarded::Fields::none}}};

inline constexpr std::array<Word<ProxyStatus>, 3> proxy_status_words{
    {{"errors", ProxyStatus::errors}, {"all", ProxyStatus::all}, {"off", ProxyStatus::off}}};

} // namespace keygate::config
