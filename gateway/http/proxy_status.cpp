#include "http/proxy_status.hpp"

#include "base/ascii.hpp"

namespace keygate::http {

namespace {

/// RFC 9209 2.3: which error of a proxy a reason is.
std::string_view proxy_error(Reason reason) {
    switch (reason) {
    case Reason::auth_missing:
    case Reason::auth_malformed:
    case Reason::auth_duplicate:
    case Reason::key_bad_format:
    case Reason::key_unknown:
    case Reason::key_revoked:
    case Reason::key_disabled:
    case Reason::key_expired:
    case Reason::key_mode_mismatch:
    case Reason::tenant_mismatch:
    case Reason::plan_no_api:
    case Reason::plan_route:
    case Reason::owner_suspended:
    case Reason::scope_missing:
    case Reason::restriction_address:
    case Reason::restriction_referrer:
    case Reason::restriction_endpoint:
    case Reason::rate_limited:
    case Reason::concurrency_exceeded:
    case Reason::lockout:
    case Reason::quota_exceeded:
    case Reason::route_unknown:
    case Reason::route_method:
        return "http_request_denied"; // by configuration or policy
    case Reason::head_invalid:
    case Reason::target_invalid:
    case Reason::body_invalid:
    case Reason::head_expectation:
    case Reason::target_too_long:
    case Reason::head_too_large:
    case Reason::body_too_large:
    case Reason::client_timeout:
        return "http_request_error"; // as the upstream would have said
    case Reason::head_loop:
        return "proxy_loop_detected";
    case Reason::store_unavailable:
    case Reason::store_invalid:
        return "proxy_internal_error";
    case Reason::overloaded:
        return "proxy_internal_response"; // nobody else was asked
    case Reason::upstream_unavailable:
        return "destination_unavailable";
    case Reason::upstream_timeout:
        return "http_response_timeout";
    case Reason::upstream_invalid:
        return "http_protocol_error";
    }
    return {};
}

/// RFC 9209 2.1: our name is a token where that has letters for it (RFC 8941 3.3.4), else a string.
std::string proxy_name(std::string_view via) {
    const bool is_token = !via.empty() && (ascii::is_alpha(via.front()) || via.front() == '*');
    return is_token ? std::string{via} : '"' + std::string{via} + '"';
}

} // namespace

std::string proxy_status_line(std::string_view via, Reason reason, bool names_reasons) {
    const std::string_view error = proxy_error(reason);
    std::string line = "Proxy-Status: " + proxy_name(via);
    line.append("; error=").append(error);
    if (names_reasons && error == "http_request_denied")
        line.append("; details=\"").append(name(reason)).append("\"");
    return line + "\r\n";
}

} // namespace keygate::http
