#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace keygate {

/// Why a request was not forwarded, or not answered by the upstream. The list is closed: each
/// profile maps every reason to its answer, logs and metrics carry the reason's name. The first
/// word of a reason names the file that decides it (`plan_no_api`: policy/plan.cpp).
enum class Reason : std::uint8_t {
    auth_missing,   // no credential, or one of another scheme
    auth_malformed, // empty, two words, a list
    auth_duplicate, // more than one credential
    key_bad_format,
    key_unknown, // also a key of another API
    key_revoked,
    key_disabled,
    key_expired,
    key_mode_mismatch,
    tenant_mismatch,
    plan_no_api,
    plan_route,
    owner_suspended,
    scope_missing,
    restriction_address,
    restriction_referrer,
    restriction_endpoint,
    rate_limited,
    concurrency_exceeded,
    lockout,
    quota_exceeded,
    route_unknown, // also an unknown host
    route_method,  // also CONNECT, TRACE, OPTIONS *
    head_invalid,
    target_invalid,
    body_invalid,
    head_expectation,
    target_too_long,
    head_too_large,
    body_too_large,
    client_timeout,
    head_loop,
    store_unavailable,
    store_invalid, // a record that cannot be read
    overloaded,
    upstream_unavailable, // refused, none healthy
    upstream_timeout,     // connect or first byte
    upstream_invalid,     // closed early, or not HTTP
};

inline constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::upstream_invalid) + 1;

/// The name that users read in profiles, bodies, logs and metrics: `key_unknown`.
[[nodiscard]] std::string_view name(Reason reason);

/// The reason of that exact name.
[[nodiscard]] std::optional<Reason> reason_named(std::string_view name);

/// All reasons in their order.
[[nodiscard]] constexpr std::array<Reason, reason_count> all_reasons() {
    std::array<Reason, reason_count> all{};
    for (std::size_t i = 0; i < reason_count; ++i)
        all[i] = static_cast<Reason>(i);
    return all;
}

/// Position of a reason in tables that hold one element for each.
[[nodiscard]] constexpr std::size_t index(Reason reason) {
    return static_cast<std::size_t>(reason);
}

} // namespace keygate
