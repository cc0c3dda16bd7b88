#include "admin/api.hpp"

#include "admin/access.hpp"
#include "admin/errors.hpp"
#include "admin/import_api.hpp"
#include "admin/keys_api.hpp"
#include "admin/overview_api.hpp"
#include "admin/owners_api.hpp"
#include "admin/reload_api.hpp"
#include "admin/reveal.hpp"
#include "admin/usage_api.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;

namespace keygate::admin {

namespace {

using Carry = asio::awaitable<Checked<Response>> (*)(const Context&, std::string, Request);

struct Call {
    CallName name;
    Carry carry;
};

constexpr std::array calls{
    Call{{"GET", "/admin/v1/apis", Role::viewer}, list_apis},
    Call{{"GET", "/admin/v1/owners", Role::viewer}, list_owners},
    Call{{"GET", "/admin/v1/owners/{id}", Role::viewer}, get_owner},
    Call{{"PUT", "/admin/v1/owners/{id}", Role::key_operator}, put_owner},
    Call{{"DELETE", "/admin/v1/owners/{id}", Role::key_operator}, delete_owner},
    Call{{"GET", "/admin/v1/keys", Role::viewer}, list_keys},
    Call{{"POST", "/admin/v1/keys", Role::key_operator}, create_key},
    Call{{"POST", "/admin/v1/keys:import", Role::key_operator}, import_keys},
    Call{{"GET", "/admin/v1/keys/{id}", Role::viewer}, get_key},
    Call{{"PATCH", "/admin/v1/keys/{id}", Role::key_operator}, update_key},
    Call{{"DELETE", "/admin/v1/keys/{id}", Role::key_operator}, delete_key},
    Call{{"POST", "/admin/v1/keys/{id}:disable", Role::key_operator}, disable_key},
    Call{{"POST", "/admin/v1/keys/{id}:enable", Role::key_operator}, enable_key},
    Call{{"POST", "/admin/v1/keys/{id}:revoke", Role::key_operator}, revoke_key},
    Call{{"POST", "/admin/v1/keys/{id}:rotate", Role::key_operator}, rotate_key},
    Call{{"POST", "/admin/v1/keys/{id}:reveal", Role::key_operator}, reveal_key},
    Call{{"GET", "/admin/v1/usage", Role::viewer}, get_usage},
    Call{{"POST", "/admin/v1/usage:reset", Role::key_operator}, reset_usage},
    Call{{"POST", "/admin/v1/config:reload", Role::admin}, reload_config},
    Call{{"POST", "/admin/v1/store:backup", Role::admin}, back_up},
    Call{{"GET", "/admin/v1/openapi.json", Role::viewer}, get_openapi},
};

/// The id in a path of that form, decoded; empty for a form without one; nothing if the path has
/// another form.
std::optional<std::string> match(std::string_view path, std::string_view form) {
    constexpr std::string_view hole = "{id}";
    const std::size_t at = form.find(hole);
    if (at == std::string_view::npos)
        return path == form ? std::optional{std::string{}} : std::nullopt;
    const std::string_view before = form.substr(0, at);
    const std::string_view after = form.substr(at + hole.size());
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
        !path.ends_with(after))
        return std::nullopt;
    path.remove_prefix(before.size());
    path.remove_suffix(after.size());
    // Behind the colon of a key stands an action; one that does not exist is no part of an id.
    const std::string_view ends = before.ends_with("/keys/") ? "/:" : "/";
    const bool is_segment = path.find_first_of(ends) == std::string_view::npos;
    return is_segment ? percent_decoded(path) : std::nullopt;
}

struct Routed {
    const Call* call = nullptr;
    std::string id;
};

Checked<Routed> route(const Request& request) {
    const std::string_view asked =
        request.method; // a `?:` of a text would be a copy that dies here
    const std::string_view method = asked == "HEAD" ? "GET" : asked;
    std::string allow;
    for (const Call& call : calls) {
        auto id = match(request.path, call.name.path);
        if (!id) continue;
        if (call.name.method == method) return Routed{&call, std::move(*id)};
        allow += allow.empty() ? "" : ", ";
        allow += call.name.method;
        if (call.name.method == "GET") allow += ", HEAD";
    }
    if (!allow.empty()) return method_not_allowed(std::move(allow));
    return not_found("the admin API has no such path");
}

Checked<Routed> permitted(const Request& request) {
    auto routed = route(request);
    if (!routed) return routed;
    if (!may(request.role, routed->call->name.role)) return role_too_low(routed->call->name.role);
    if (request.method == "GET" && !request.body.empty())
        return bad_request("body_unexpected", "a GET has no body");
    return routed;
}

constexpr int most_turns = 10; // reloads may follow one another, each within a millisecond

bool is_outdated(const Checked<Response>& outcome) {
    return outcome.has_error() && is_config_replaced(outcome.error());
}

} // namespace

asio::awaitable<Response> Api::handle(Request request) const {
    const auto request_id = new_request_id();
    auto routed = permitted(request);
    if (!routed) co_return to_response(routed.error(), request_id);
    // Who judges by a configuration that a reload has just taken away begins again.
    Checked<Response> outcome = config_replaced();
    for (int turn = 0; turn < most_turns && is_outdated(outcome); ++turn) {
        const auto context = contexts_();
        std::string id = routed->id;
        Request asked = request;
        auto waiting = routed->call->carry(*context, std::move(id), std::move(asked));
        auto answer = co_await std::move(waiting);
        outcome = std::move(answer);
    }
    if (!outcome) co_return to_response(outcome.error(), request_id);
    outcome->headers.emplace_back("X-Request-Id", request_id);
    co_return std::move(*outcome);
}

std::vector<CallName> Api::calls() {
    std::vector<CallName> names;
    for (const Call& call : admin::calls)
        names.push_back(call.name);
    return names;
}

} // namespace keygate::admin
