#include "base/reason.hpp"

namespace keygate {

// One switch without default: the compiler names a forgotten reason.
std::string_view name(Reason reason) {
    switch (reason) {
    case Reason::auth_missing:
        return "auth_missing";
    case Reason::auth_malformed:
        return "auth_malformed";
    case Reason::auth_duplicate:
        return "auth_duplicate";
    case Reason::key_bad_format:
        return "key_bad_format";
    case Reason::key_unknown:
        return "key_unknown";
    case Reason::key_revoked:
        return "key_revoked";
    case Reason::key_disabled:
        return "key_disabled";
    case Reason::key_expired:
        return "key_expired";
    case Reason::key_mode_mismatch:
        return "key_mode_mismatch";
    case Reason::tenant_mismatch:
        return "tenant_mismatch";
    case Reason::plan_no_api:
        return "plan_no_api";
    case Reason::plan_route:
        return "plan_route";
    case Reason::owner_suspended:
        return "owner_suspended";
    case Reason::scope_missing:
        return "scope_missing";
    case Reason::restriction_address:
        return "restriction_address";
    case Reason::restriction_referrer:
        return "restriction_referrer";
    case Reason::restriction_endpoint:
        return "restriction_endpoint";
    case Reason::rate_limited:
        return "rate_limited";
    case Reason::concurrency_exceeded:
        return "concurrency_exceeded";
    case Reason::lockout:
        return "lockout";
    case Reason::quota_exceeded:
        return "quota_exceeded";
    case Reason::route_unknown:
        return "route_unknown";
    case Reason::route_method:
        return "route_method";
    case Reason::head_invalid:
        return "head_invalid";
    case Reason::target_invalid:
        return "target_invalid";
    case Reason::body_invalid:
        return "body_invalid";
    case Reason::head_expectation:
        return "head_expectation";
    case Reason::target_too_long:
        return "target_too_long";
    case Reason::head_too_large:
        return "head_too_large";
    case Reason::body_too_large:
        return "body_too_large";
    case Reason::client_timeout:
        return "client_timeout";
    case Reason::head_loop:
        return "head_loop";
    case Reason::store_unavailable:
        return "store_unavailable";
    case Reason::store_invalid:
        return "store_invalid";
    case Reason::overloaded:
        return "overloaded";
    case Reason::upstream_unavailable:
        return "upstream_unavailable";
    case Reason::upstream_timeout:
        return "upstream_timeout";
    case Reason::upstream_invalid:
        return "upstream_invalid";
    }
    return {};
}

std::optional<Reason> reason_named(std::string_view text) {
    for (const Reason reason : all_reasons())
        if (name(reason) == text) return reason;
    return std::nullopt;
}

} // namespace keygate
