#include "http/refusal_pages.hpp"

#include "http/request_id.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace keygate::http {

namespace {

std::string json_text(std::string_view text) {
    return boost::json::serialize(boost::json::value(boost::json::string_view(text)));
}

/// RFC 6750 3.1: which error a Bearer challenge names; empty where the client sent no credential.
std::string_view bearer_error(Reason reason) {
    switch (reason) {
    case Reason::auth_missing:
        return "";
    case Reason::auth_malformed:
    case Reason::auth_duplicate:
        return "invalid_request";
    case Reason::scope_missing:
        return "insufficient_scope";
    default:
        return "invalid_token";
    }
}

/// RFC 9110 15.5.2: every 401 carries a challenge. A missing scope carries one with any status.
std::string challenge_for(const config::Profile& profile, Reason reason, unsigned status) {
    if (status != 401 && reason != Reason::scope_missing) return {};
    std::string challenge = "WWW-Authenticate: Bearer realm=\"" + profile.realm + '"';
    const std::string_view error = bearer_error(reason);
    if (!error.empty()) challenge.append(", error=\"").append(error).append("\"");
    return challenge;
}

} // namespace

std::string_view status_phrase(unsigned status) {
    const auto known = boost::beast::http::int_to_status(status);
    if (known != boost::beast::http::status::unknown) {
        const auto phrase = boost::beast::http::obsolete_reason(known);
        return {phrase.data(), phrase.size()};
    }
    return status < 500 ? "Bad Request" : "Internal Server Error";
}

RefusalPages::RefusalPages(const config::Profile& profile) {
    for (const Reason reason : all_reasons())
        pages_[index(reason)] = render(profile, reason);
}

RefusalPages::Page RefusalPages::render(const config::Profile& profile, Reason reason) {
    const config::Answer& answer = profile.answers[index(reason)];
    Page page;
    page.status = answer.status;
    page.body_before = R"({"error":{"code":)" + json_text(answer.code);
    if (profile.show_reason)
        page.body_before.append(R"(,"reason":)").append(json_text(name(reason)));
    page.body_before.append(R"(,"message":)").append(json_text(answer.message));
    page.body_before.append(R"(,"request_id":")");
    page.body_after = "\"}}\n";
    const std::size_t length = page.body_before.size() + RequestId::size + page.body_after.size();
    page.head = "HTTP/1.1 " + std::to_string(answer.status) + ' ' +
                std::string{status_phrase(answer.status)} +
                "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(length) +
                "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
    page.challenge = challenge_for(profile, reason, answer.status);
    return page;
}

void RefusalPages::write(std::string& out, const Refusal& refusal, const Request& request) const {
    const Page& page = pages_[index(refusal.reason)];
    out.append(page.head);
    if (!page.challenge.empty()) {
        out.append(page.challenge);
        if (refusal.reason == Reason::scope_missing && !refusal.detail.empty())
            out.append(", scope=\"").append(refusal.detail).append("\"");
        out.append("\r\n");
    }
    if (page.status == 405) // RFC 9110 10.2.1: present even if no method is allowed
        out.append("Allow: ").append(refusal.detail).append("\r\n");
    auto retry_after = refusal.retry_after.count();
    // A client that is told to come back should be told when; our own trouble may be over soon.
    if (retry_after == 0 && page.status == 503) retry_after = 1;
    if (retry_after > 0)
        out.append("Retry-After: ").append(std::to_string(retry_after)).append("\r\n");
    out.append(request.limit_fields);
    out.append("Date: ")
        .append(request.date)
        .append("\r\nX-Request-Id: ")
        .append(request.request_id);
    if (request.after == AfterAnswer::close)
        out.append("\r\nConnection: close");
    else if (request.minor_version == 0)
        out.append("\r\nConnection: keep-alive");
    out.append("\r\n\r\n");
    if (request.is_head) return;
    out.append(page.body_before).append(request.request_id).append(page.body_after);
}

} // namespace keygate::http
