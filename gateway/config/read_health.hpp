#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <array>
#include <optional>

// What is done about servers that fail. Each of these stands in an upstream.
namespace keygate::config {

/// `retries:`
void read_retries(const std::optional<View>& view, Retries& out);

/// `ejection:` a mapping, or `off`.
void read_ejection(const std::optional<View>& view, Ejection& out);

/// `check:`
void read_check(const std::optional<View>& view, std::optional<HealthCheck>& out);

/// `breaker:`
void read_breaker(const std::optional<View>& view, std::optional<Breaker>& out);

/// What may be tried again, as it stands in `on`.
inline constexpr std::array<Word<bool Retries::*>, 3> retry_words{
    {{"closed", &Retries::on_closed},
     {"timeout", &Retries::on_timeout},
     {"invalid", &Retries::on_invalid}}};

} // namespace keygate::config
