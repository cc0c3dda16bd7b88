#include "admin/new_key.hpp"

#include "admin/json.hpp"
#include "admin/own_limits.hpp"
#include "admin/restrictions.hpp"
#include "base/ascii.hpp"
#include "keys/format.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace json = boost::json;

namespace keygate::admin {

namespace {

constexpr std::size_t max_owner_id = 128;
constexpr std::size_t max_key_id = 64;
constexpr std::size_t max_label = 200;
constexpr std::size_t max_shown = 32;

bool is_visible(char c) {
    return c > 0x20 && c < 0x7f;
}

std::string unknown(std::string_view text) {
    return "unknown `" + std::string{text} + "`; ";
}

std::vector<std::string> api_names(const keys::Catalog& catalog) {
    std::vector<std::string> names;
    for (const auto& api : catalog.apis)
        names.push_back(api.name);
    return names;
}

void read_mode(Members& in, const keys::ApiNames& api, NewKey& key) {
    const auto text = in.text("mode");
    if (!text) return;
    const auto mode = keys::mode_from(*text);
    if (!mode) return in.wrong("mode", "one of: live, test");
    key.record.mode = *mode;
    if (*mode == keys::Mode::live) return;
    // A key that is brought in was minted elsewhere; what we mint must be ours to mint.
    if (!key.has_digest && api.format.mint_test_prefix.empty())
        return in.wrong("mode", "the key format of this API makes live keys only");
    if (!api.has_test_upstream)
        in.wrong("mode", "the API has no `test` upstream, so test keys would reach nothing");
}

constexpr std::string_view time_form = "must be RFC 3339, such as 2027-01-31T00:00:00Z";

void read_times(Members& in, keys::Time now, NewKey& key) {
    key.record.created_at = now;
    if (const auto text = in.text("created_at")) {
        const auto time = keys::time_from(*text);
        if (!time) return in.wrong("created_at", time_form);
        key.record.created_at = *time;
    }
    // An expired key can be brought in, like a revoked one: it is refused by its own name.
    key.record.expires_at = read_expiry(in, key.has_digest ? keys::Time::min() : now);
}

/// The record of a key that is found by its public part lies under that part's digest.
void read_public_part(Members& in, const keys::ApiNames& api, NewKey& key) {
    const std::string part = in.required_text("prefix");
    if (!in.problem() && !keys::is_lookup_part(part, api.format))
        return in.wrong("prefix", "must be the key's prefix and public part, by which it is found");
    key.record.prefix = part;
    key.record.secret_digest = key.record.digest;
    key.record.digest = keys::digest_of(part);
}

// Members that say what a key is that exists already.
void read_imported(Members& in, const keys::ApiNames& api, NewKey& key) {
    for (const std::string_view name : {"id", "status", "prefix", "hint", "created_at"})
        if (!key.has_digest && in.has(name)) return in.wrong(name, "only together with `digest`");
    if (!key.has_digest) return;

    const auto digest = keys::digest_from_text(in.required_text("digest"));
    if (!digest)
        return in.wrong("digest", "must be `sha256:` and 64 lower-case hexadecimal digits");
    key.record.digest = *digest;
    if (auto id = in.text("id")) {
        if (!is_key_id(*id)) return in.wrong("id", "1 to 64 of A-Z a-z 0-9 . _ -");
        key.record.id = std::move(*id);
    }
    if (const auto text = in.text("status")) {
        const auto status = keys::key_status_from(*text);
        if (!status) return in.wrong("status", "one of: active, disabled, revoked");
        key.record.status = *status;
    }
    const auto is_shown = [](const std::string& text) {
        return text.size() <= max_shown && std::all_of(text.begin(), text.end(), is_visible);
    };
    key.record.prefix = in.text("prefix").value_or("");
    key.record.hint = in.text("hint").value_or("");
    if (!is_shown(key.record.prefix)) in.wrong("prefix", "at most 32 visible ASCII characters");
    if (!is_shown(key.record.hint)) in.wrong("hint", "at most 32 visible ASCII characters");
    if (api.format.is_found_by_lookup) read_public_part(in, api, key);
}

} // namespace

std::optional<std::string> read_metadata(Members& in) {
    const auto* const object = in.object("metadata");
    if (object == nullptr) return std::nullopt;
    std::string text = json::serialize(*object);
    if (text.size() > max_object)
        in.wrong("metadata", "at most " + std::to_string(max_object) + " bytes");
    return text;
}

std::optional<std::vector<std::string>> read_scopes(Members& in, const keys::ApiNames& api) {
    auto scopes = in.texts("scopes");
    if (!scopes) return scopes;
    for (const auto& scope : *scopes)
        if (!api.is_scope_pattern_known(scope))
            in.wrong("scopes", unknown(scope) + known_names(scope, api.scopes));
    std::sort(scopes->begin(), scopes->end());
    return scopes;
}

std::optional<std::string> read_plan(Members& in, const keys::ApiNames& api) {
    auto plan = in.text("plan");
    if (plan && !api.plan_number(*plan))
        in.wrong("plan", unknown(*plan) + known_names(*plan, api.plans));
    return plan;
}

std::optional<keys::Time> read_expiry(Members& in, keys::Time after) {
    const auto text = in.text("expires_at");
    if (!text) return std::nullopt;
    const auto time = keys::time_from(*text);
    if (!time)
        in.wrong("expires_at", time_form);
    else if (*time <= after)
        in.wrong("expires_at", "must lie in the future");
    return time;
}

std::string read_label(Members& in) {
    auto label = in.text("name").value_or("");
    if (!is_label(label)) in.wrong("name", "at most 200 bytes without control characters");
    return label;
}

bool is_owner_id(std::string_view text) {
    return !text.empty() && text.size() <= max_owner_id &&
           std::all_of(text.begin(), text.end(), is_visible);
}

bool is_key_id(std::string_view text) {
    const auto fits = [](char c) { return ascii::is_alnum(c) || c == '.' || c == '_' || c == '-'; };
    return !text.empty() && text.size() <= max_key_id &&
           std::all_of(text.begin(), text.end(), fits);
}

bool is_label(std::string_view text) {
    const auto is_control = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    };
    return text.size() <= max_label && std::none_of(text.begin(), text.end(), is_control);
}

Checked<NewKey> read_new_key(const json::object& body, const keys::Catalog& catalog, keys::Time now,
                             const std::string& prefix) {
    Members in(body, prefix,
               {"api",        "owner",     "name",      "plan",  "scopes",     "mode",
                "expires_at", "force",     "digest",    "id",    "status",     "prefix",
                "hint",       "metadata",  "rate",      "quota", "created_at", "regenerate",
                "addresses",  "referrers", "endpoints", "bind"},
               {"limits", "tenants", "concurrency"});
    NewKey key;
    key.has_digest = in.has("digest");
    key.is_forced = in.flag("force");
    key.replaces_all = in.flag("regenerate");

    key.record.api = in.required_text("api");
    const auto number = catalog.api_number(key.record.api);
    if (!number)
        in.wrong("api", unknown(key.record.api) + known_names(key.record.api, api_names(catalog)));
    key.record.owner = in.required_text("owner");
    if (!is_owner_id(key.record.owner)) in.wrong("owner", "1 to 128 visible ASCII characters");
    key.record.name = read_label(in);
    key.record.metadata = read_metadata(in).value_or("{}");
    if (in.problem()) return *in.problem();

    key.api = *number;
    const auto& api = catalog.apis[key.api];
    key.record.plan = read_plan(in, api);
    read_imported(in, api, key);
    read_mode(in, api, key);
    key.record.scopes = read_scopes(in, api);
    read_times(in, now, key);
    key.record.rate = read_rate(in);
    key.record.quota = read_quota(in);
    key.record.addresses = read_restriction(in, "addresses");
    key.record.referrers = read_restriction(in, "referrers");
    key.record.endpoints = read_restriction(in, "endpoints");
    key.record.bind = read_bind(in, api);
    if (in.problem()) return *in.problem();
    if (const auto judged = judge_limits(key.record, api, prefix); !judged) return judged.error();
    if (const auto judged = judge_restrictions(key.record, prefix); !judged) return judged.error();
    return key;
}

} // namespace keygate::admin
