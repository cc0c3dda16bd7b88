#pragma once

#include "base/clock.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

// Fields that tell a client where it stands. RateLimit and RateLimit-Policy are those of
// draft-ietf-httpapi-ratelimit-headers-10; the others are what clients of other gateways read.
namespace keygate::http {

/// One limit and where the client stands.
struct LimitStanding {
    const config::Limit* limit = nullptr;
    std::uint64_t left = 0;
    std::chrono::seconds more_in{}; // until it will be more, rounded up
    bool is_exceeded = false;       // it has refused this request
};

/// Appends whole lines. A request that was refused is told of the limits that refused it alone: its
/// `Retry-After` is never earlier than what any of them says. The older families have room for one
/// limit: the one that was exceeded and holds longest, else the one with the least left.
void write_limit_fields(std::string& out, std::span<const LimitStanding> standings,
                        std::span<const config::LimitFields> families, WallTime now);

} // namespace keygate::http
