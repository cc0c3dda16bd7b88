#include "admin/api.hpp"

#include "admin/errors.hpp"
#include "admin/keys_api.hpp"
#include "admin/owners_api.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;

namespace keygate::admin {

namespace {

enum class Call { put_owner, get_owner, list_owners, create, import, list, get, revoke };

struct Routed {
    Call call{};
    std::string id;
};

/// The last segment of a path below `prefix`, decoded; nothing if there is none, or more than one.
std::optional<std::string> id_below(std::string_view path, std::string_view prefix) {
    if (path.substr(0, prefix.size()) != prefix) return std::nullopt;
    path.remove_prefix(prefix.size());
    if (path.empty() || path.find('/') != std::string_view::npos) return std::nullopt;
    return percent_decoded(path);
}

Checked<Routed> by_method(const Request& request, Call get,
                          std::optional<std::pair<std::string_view, Call>> other, std::string id) {
    if (request.method == "GET" || request.method == "HEAD") return Routed{get, std::move(id)};
    if (other && request.method == other->first) return Routed{other->second, std::move(id)};
    std::string allow = "GET";
    if (other) allow.append(", ").append(other->first);
    return method_not_allowed(std::move(allow));
}

Checked<Routed> only_post(const Request& request, Call call, std::string id) {
    if (request.method == "POST") return Routed{call, std::move(id)};
    return method_not_allowed("POST");
}

Checked<Routed> route(const Request& request) {
    using Other = std::pair<std::string_view, Call>;
    constexpr std::string_view owners = "/admin/v1/owners";
    constexpr std::string_view keys = "/admin/v1/keys";
    constexpr std::string_view revoke = ":revoke";
    const std::string_view path = request.path;
    if (path == owners) return by_method(request, Call::list_owners, std::nullopt, {});
    if (path == keys) return by_method(request, Call::list, Other{"POST", Call::create}, {});
    if (path == std::string{keys} + ":import") return only_post(request, Call::import, {});
    if (auto id = id_below(path, std::string{owners} + "/"))
        return by_method(request, Call::get_owner, Other{"PUT", Call::put_owner}, std::move(*id));
    if (path.size() > revoke.size() && path.substr(path.size() - revoke.size()) == revoke) {
        const auto key = path.substr(0, path.size() - revoke.size());
        if (auto id = id_below(key, std::string{keys} + "/"))
            return only_post(request, Call::revoke, std::move(*id));
    }
    // Actions and members that do not exist yet are no keys.
    const bool is_action = path.find(':') != std::string_view::npos;
    if (auto id = id_below(path, std::string{keys} + "/"); id && !is_action)
        return by_method(request, Call::get, std::nullopt, std::move(*id));
    return not_found("the admin API has no such path");
}

asio::awaitable<Checked<Response>> carry_out(const Context& context, Routed routed,
                                             Request request) {
    switch (routed.call) {
    case Call::put_owner:
        return put_owner(context, std::move(routed.id), std::move(request));
    case Call::get_owner:
        return get_owner(context, std::move(routed.id), std::move(request));
    case Call::list_owners:
        return list_owners(context, std::move(request));
    case Call::create:
        return create_key(context, std::move(request));
    case Call::import:
        return import_keys(context, std::move(request));
    case Call::list:
        return list_keys(context, std::move(request));
    case Call::get:
        return get_key(context, std::move(routed.id), std::move(request));
    case Call::revoke:
        return revoke_key(context, std::move(routed.id), std::move(request));
    }
    return {};
}

} // namespace

asio::awaitable<Response> Api::handle(Request request) const {
    const auto request_id = new_request_id();
    auto routed = route(request);
    if (!routed) co_return to_response(routed.error(), request_id);
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (reads && !request.body.empty()) {
        const auto problem = bad_request("body_unexpected", "a GET has no body");
        co_return to_response(problem, request_id);
    }
    auto waiting = carry_out(context_, std::move(*routed), std::move(request));
    auto outcome = co_await std::move(waiting);
    if (!outcome) co_return to_response(outcome.error(), request_id);
    outcome->headers.emplace_back("X-Request-Id", request_id);
    co_return std::move(*outcome);
}

} // namespace keygate::admin
