#pragma once

#include "config/reader.hpp"

#include <cstdint>
#include <optional>

// What a profile, or one API in its place, asks of keys beside their shape.
namespace keygate::config {

/// `max_age: {warn: 90d, refuse: 120d}`, one of them or both; or `none`.
void read_max_age(const std::optional<View>& view, MaxAge& out);

/// `max_keys_per_owner: 1`, or `none`.
void read_max_keys(const std::optional<View>& view, std::optional<std::uint32_t>& out);

/// `self_service: {cap_expiry: true}`
void read_self_service(const std::optional<View>& view, SelfService& out);

} // namespace keygate::config
