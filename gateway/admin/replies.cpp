#include "admin/replies.hpp"

#include "admin/json.hpp"
#include "admin/own_limits.hpp"
#include "keys/texts.hpp"

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

json::value or_null(const std::optional<keys::Time>& time) {
    if (!time) return nullptr;
    return json::value(keys::to_text(*time));
}

/// Lists and maps of texts; null where there is none.
template <class Texts> json::value or_null(const Texts& texts) {
    if (texts.empty()) return nullptr;
    return json::value_from(texts);
}

json::value object_or_null(const std::string& text) {
    json::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object()) return nullptr;
    return value;
}

constexpr std::string_view unreadable = "unreadable";

std::string_view shown_status(const keys::KeyRecord& key, keys::Time now) {
    if (!key.readable) return unreadable;
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

/// Parts in their order, so that no two lists of parts look the same.
class Fingerprint {
  public:
    Fingerprint& add(std::string_view part) {
        text_ += std::to_string(part.size());
        text_ += ':';
        text_ += part;
        return *this;
    }

    Fingerprint& add_optional(const std::optional<std::string>& part) {
        return part ? add(*part) : add("\n");
    }

    [[nodiscard]] std::string etag() const {
        constexpr std::size_t digits = 32;
        return '"' + keys::to_hex(keys::digest_of(text_)).substr(0, digits) + '"';
    }

  private:
    std::string text_;
};

} // namespace

json::object to_json(const keys::OwnerRecord& owner) {
    json::object out;
    out["object"] = "owner";
    out["id"] = owner.id;
    out["api"] = owner.api;
    out["name"] = owner.name;
    out["plan"] = or_null(owner.plan);
    out["status"] = owner.readable ? keys::to_string(owner.status) : unreadable;
    out["attributes"] = object_or_null(owner.attributes);
    return out;
}

json::object to_json(const keys::KeyRow& row, const keys::Catalog& catalog, keys::Time now) {
    const keys::KeyRecord& key = row.record;
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
    out["expires_at"] = or_null(key.expires_at);
    out["last_used_at"] = or_null(row.usage.last_used_at);
    out["rotated_to"] = or_null(key.rotated_to);
    out["pepper"] = nullptr;
    if (!key.pepper.empty()) out["pepper"] = key.pepper;
    out["metadata"] = object_or_null(key.metadata);
    out["rate"] = shown_limit(key.rate);
    out["quota"] = shown_limit(key.quota);
    out["addresses"] = or_null(key.addresses);
    out["referrers"] = or_null(key.referrers);
    out["endpoints"] = or_null(key.endpoints);
    out["bind"] = or_null(key.bind);
    return out;
}

std::string etag_of(const keys::KeyRecord& key) {
    Fingerprint print;
    print.add(key.id).add(key.api).add(key.owner).add(keys::to_string(key.status));
    print.add(keys::to_string(key.mode))
        .add_optional(key.plan)
        .add(key.name)
        .add(key.prefix)
        .add(key.hint);
    print.add(keys::to_text(key.created_at))
        .add_optional(key.rotated_to)
        .add(key.pepper)
        .add(key.metadata)
        .add(key.rate)
        .add(key.quota);
    print.add(key.expires_at ? keys::to_text(*key.expires_at) : "");
    print.add(keys::to_hex(key.digest)).add(key.scopes ? "some" : "default");
    if (key.scopes)
        for (const std::string& scope : *key.scopes)
            print.add(scope);
    print.add(keys::json_of(key.addresses))
        .add(keys::json_of(key.referrers))
        .add(keys::json_of(key.endpoints))
        .add(keys::json_of(key.bind))
        .add(key.secret_digest ? keys::to_hex(*key.secret_digest) : "")
        .add(key.sealed);
    return print.etag();
}

std::string etag_of(const keys::OwnerRecord& owner) {
    Fingerprint print;
    print.add(owner.id).add(owner.api).add(owner.name).add_optional(owner.plan);
    print.add(keys::to_string(owner.status)).add(owner.attributes);
    return print.etag();
}

Response reply(unsigned status, const json::object& body, const std::string& etag) {
    Response response;
    response.status = status;
    response.body = json::serialize(body);
    if (!etag.empty()) response.headers.emplace_back("ETag", etag);
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
    return only_parameters(request, std::span{allowed.begin(), allowed.size()});
}

Checked<void> only_parameters(const Request& request, std::span<const std::string_view> allowed) {
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

Checked<std::optional<keys::Time>> read_time(const Request& request, std::string_view name) {
    const auto text = request.parameter(name);
    if (!text) return std::optional<keys::Time>{};
    const auto time = keys::time_from(*text);
    if (!time)
        return bad_request("parameter_invalid",
                           "`" + std::string{name} +
                               "`: must be RFC 3339, such as 2027-01-31T00:00:00Z");
    return std::optional{*time};
}

Checked<void> read_status(const Request& request, keys::KeyFilter& filter) {
    const auto text = request.parameter("status");
    if (!text) return {};
    filter.status = *text == "expired" ? keys::KeyStatus::active : keys::key_status_from(*text);
    if (!filter.status)
        return bad_request("parameter_invalid",
                           "`status`: must be active, disabled, revoked or expired");
    if (*filter.status == keys::KeyStatus::active) filter.expired = *text == "expired";
    return {};
}

Checked<bool> read_flag(const Request& request, std::string_view name) {
    const auto text = request.parameter(name);
    if (text && *text != "true" && *text != "false")
        return bad_request("parameter_invalid",
                           "`" + std::string{name} + "`: must be true or false");
    return text == "true";
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

Checked<std::string> the_api(const Request& request, const keys::Catalog& catalog) {
    const auto named = read_api(request, catalog);
    if (!named) return named.error();
    if (*named) return **named;
    if (catalog.apis.size() == 1) return catalog.apis.front().name;
    return bad_request("parameter_missing", "`api`: missing; there are several APIs");
}

} // namespace keygate::admin
