#include "admin/replies.hpp"

#include "admin/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

namespace json = boost::json;

namespace keygate::admin {

namespace {

constexpr std::size_t default_limit = 20;
constexpr std::size_t max_limit = 100;

json::value or_null(const std::optional<std::string>& text) {
    if (!text) return nullptr;
    return json::value(*text);
}

std::string_view shown_status(const keys::KeyRecord& key, keys::Time now) {
    const bool is_expired = key.expires_at && *key.expires_at <= now;
    if (key.status == keys::KeyStatus::active && is_expired) return "expired";
    return keys::to_string(key.status);
}

json::value shown_scopes(const keys::KeyRecord& key, const keys::Catalog& catalog) {
    if (key.scopes) return json::value_from(*key.scopes);
    const auto api = catalog.api_number(key.api);
    if (!api) return nullptr;
    const auto& names = catalog.apis[*api];
    if (names.default_scopes == config::DefaultScopes::none) return json::array{};
    return json::value_from(names.scopes);
}

} // namespace

json::object to_json(const keys::OwnerRecord& owner) {
    json::error_code error;
    json::value attributes = json::parse(owner.attributes, error);
    if (error || !attributes.is_object()) attributes = nullptr;
    json::object out;
    out["object"] = "owner";
    out["id"] = owner.id;
    out["api"] = owner.api;
    out["name"] = owner.name;
    out["plan"] = or_null(owner.plan);
    out["status"] = keys::to_string(owner.status);
    out["attributes"] = std::move(attributes);
    return out;
}

json::object to_json(const keys::KeyRecord& key, const keys::Catalog& catalog, keys::Time now) {
    json::object out;
    out["object"] = "api_key";
    out["id"] = key.id;
    out["api"] = key.api;
    out["owner"] = key.owner;
    out["name"] = key.name;
    out["prefix"] = key.prefix;
    out["hint"] = key.hint;
    out["scopes"] = shown_scopes(key, catalog);
    out["mode"] = keys::to_string(key.mode);
    out["status"] = shown_status(key, now);
    out["plan"] = or_null(key.plan);
    out["created_at"] = keys::to_text(key.created_at);
    out["expires_at"] = nullptr;
    if (key.expires_at) out["expires_at"] = keys::to_text(*key.expires_at);
    return out;
}

Response reply(unsigned status, const json::object& body) {
    Response response;
    response.status = status;
    response.body = json::serialize(body);
    return response;
}

Response list_reply(json::array&& data, std::optional<std::string> next) {
    json::object body;
    body["object"] = "list";
    body["data"] = std::move(data);
    body["has_more"] = next.has_value();
    body["next_cursor"] = or_null(next);
    return reply(200, body);
}

Checked<void> only_parameters(const Request& request,
                              std::initializer_list<std::string_view> allowed) {
    for (auto it = request.query.begin(); it != request.query.end(); ++it) {
        const auto& name = it->first;
        if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
            const std::vector<std::string> known(allowed.begin(), allowed.end());
            return bad_request("parameter_unknown",
                               "`" + name + "`: unknown parameter; " + known_names(name, known));
        }
        const auto is_same = [&](const NameValue& other) { return other.first == name; };
        if (std::any_of(request.query.begin(), it, is_same))
            return bad_request("parameter_duplicate", "`" + name + "`: written twice");
    }
    return {};
}

Checked<std::size_t> read_limit(const Request& request) {
    const auto text = request.parameter("limit");
    if (!text) return default_limit;
    std::size_t limit = 0;
    const char* const end = text->data() + text->size();
    const auto [last, error] = std::from_chars(text->data(), end, limit);
    if (error != std::errc{} || last != end || limit < 1 || limit > max_limit)
        return bad_request("parameter_invalid", "`limit`: must be a number from 1 to 100");
    return limit;
}

Checked<std::optional<std::string>> read_api(const Request& request, const keys::Catalog& catalog) {
    auto api = request.parameter("api");
    if (!api || catalog.api_number(*api)) return api;
    std::vector<std::string> names;
    for (const auto& known : catalog.apis)
        names.push_back(known.name);
    return bad_request("parameter_invalid",
                       "`api`: unknown `" + *api + "`; " + known_names(*api, names));
}

} // namespace keygate::admin
