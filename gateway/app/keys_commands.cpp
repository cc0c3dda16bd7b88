#include "app/keys_commands.hpp"

#include "admin/json.hpp"
#include "admin/message.hpp"
#include "app/command_line.hpp"
#include "app/import_command.hpp"
#include "app/limit_words.hpp"
#include "base/secret.hpp"
#include "config/scalars.hpp"
#include "keys/digest.hpp"
#include "keys/format.hpp"
#include "keys/gateways.hpp"
#include "redis/session.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

namespace json = boost::json;

namespace keygate::app {

namespace {

std::string path_of(const std::string& id) {
    return "/admin/v1/keys/" + admin::percent_encoded(id);
}

json::object object_in(const admin::Response& response) {
    return json::parse(response.body).as_object();
}

std::string scopes_of(const json::object& key) {
    const auto* scopes = key.if_contains("scopes");
    if (scopes == nullptr || !scopes->is_array()) return {};
    std::string list;
    for (const auto& scope : scopes->get_array()) {
        if (!list.empty()) list += ' ';
        list += scope.as_string().c_str();
    }
    return list.empty() ? "(none)" : list;
}

/// The key itself where an answer has it, else what is shown of it: `sk_live_…9f3a`.
std::string shown_key(const json::object& key) {
    if (auto whole = text(key, "key"); !whole.empty()) return whole;
    const auto prefix = text(key, "prefix");
    const auto hint = text(key, "hint");
    return prefix.empty() && hint.empty() ? "" : prefix + "…" + hint;
}

std::string metadata_of(const json::object& key) {
    const auto* metadata = key.if_contains("metadata");
    if (metadata == nullptr || !metadata->is_object() || metadata->get_object().empty()) return {};
    return json::serialize(*metadata);
}

/// `rate` or `quota` as it would be written.
std::string limit_of(const json::object& key, json::string_view name) {
    const auto* limit = key.if_contains(name);
    if (limit == nullptr || limit->is_null()) return {};
    return limit->is_string() ? std::string{limit->as_string()} : json::serialize(*limit);
}

/// A list of texts as it reads in one line.
std::string list_of(const json::object& key, json::string_view name) {
    const auto* list = key.if_contains(name);
    if (list == nullptr || !list->is_array()) return {};
    std::string out;
    for (const auto& one : list->get_array())
        (out += out.empty() ? "" : ", ") += one.as_string().c_str();
    return out;
}

std::string bind_of(const json::object& key) {
    const auto* bind = key.if_contains("bind");
    if (bind == nullptr || !bind->is_object()) return {};
    std::string out;
    for (const auto& [name, value] : bind->get_object())
        (out += out.empty() ? "" : ", ")
            .append(name.data(), name.size())
            .append("=")
            .append(value.as_string().c_str());
    return out;
}

void print_key(const admin::Response& response, Console& console) {
    const auto key = object_in(response);
    Filters pairs{{"id", text(key, "id")},
                  {"key", shown_key(key)},
                  {"api", text(key, "api")},
                  {"owner", text(key, "owner")},
                  {"name", text(key, "name")},
                  {"mode", text(key, "mode")},
                  {"status", text(key, "status")},
                  {"plan", text(key, "plan")},
                  {"scopes", scopes_of(key)},
                  {"created", text(key, "created_at")},
                  {"expires", text(key, "expires_at")},
                  {"last used", text(key, "last_used_at")}};
    const auto add = [&](const char* name, std::string value) {
        if (!value.empty()) pairs.emplace_back(name, std::move(value));
    };
    add("replaces", text(key, "rotated_from"));
    add("replaced by", text(key, "rotated_to"));
    add("pepper", text(key, "pepper"));
    add("rate", limit_of(key, "rate"));
    add("quota", limit_of(key, "quota"));
    add("addresses", list_of(key, "addresses"));
    add("referrers", list_of(key, "referrers"));
    add("endpoints", list_of(key, "endpoints"));
    add("bind", bind_of(key));
    add("metadata", metadata_of(key));
    pairs.emplace_back("etag", shown_etag(response));
    print_pairs(console.out, pairs);
}

/// The answer to what makes a key.
void print_new_key(const admin::Response& response, Console& console) {
    print_key(response, console);
    if (!text(object_in(response), "key").empty())
        console.err << "The key is shown this once; only its digest is kept.\n";
    else if (!header(response, "Idempotent-Replayed").empty())
        console.err << "An earlier call has made it; the key was shown then.\n";
}

void print_status(const admin::Response& response, Console& console) {
    const auto key = object_in(response);
    console.out << text(key, "id") << " is " << text(key, "status") << '\n';
}

json::object json_object(const char* flag, const std::string& text) {
    auto object = admin::parse_object(text);
    if (!object) throw CommandError(exit_usage, std::string{flag} + ": " + object.error().message);
    return std::move(*object);
}

/// Adds `scopes` if a flag speaks of them.
void put_scopes(json::object& body, const ScopeOptions& options) {
    if (!options.scopes.empty()) body["scopes"] = json::value_from(options.scopes);
    if (options.no_scopes) body["scopes"] = json::array{};
    if (options.default_scopes) body["scopes"] = nullptr;
}

/// Adds a member if its flag was given: null if `is_none`.
void put(json::object& body, std::string_view name, const std::optional<std::string>& value,
         bool is_none = false) {
    const json::string_view member{name.data(), name.size()};
    if (value) body[member] = *value;
    if (is_none) body[member] = nullptr;
}

/// Adds `rate` and `quota` if flags speak of them.
void put_limits(json::object& body, const LimitOptions& options) {
    std::string wrong;
    if (!options.rates.empty()) body["rate"] = rate_from(options.rates, wrong);
    if (!wrong.empty()) throw CommandError(exit_usage, "--rate: " + wrong);
    if (!options.quotas.empty()) body["quota"] = quota_from(options.quotas, wrong);
    if (!wrong.empty()) throw CommandError(exit_usage, "--quota: " + wrong);
}

/// Adds restrictions if flags speak of them.
void put_restrictions(json::object& body, const RestrictionOptions& options) {
    std::string wrong;
    if (!options.addresses.empty()) body["addresses"] = json::value_from(options.addresses);
    if (!options.referrers.empty()) body["referrers"] = json::value_from(options.referrers);
    if (!options.endpoints.empty()) body["endpoints"] = json::value_from(options.endpoints);
    if (!options.bind.empty()) body["bind"] = bind_from(options.bind, wrong);
    if (!wrong.empty()) throw CommandError(exit_usage, "--bind: " + wrong);
}

std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional{text};
}

/// The key in a file or on standard input: one line. It is never an argument, where every process
/// of the machine could read it.
Secret read_key(const std::string& file, Console& console) {
    constexpr std::size_t longest = 1024;
    std::string text(longest, '\0');
    std::ifstream opened;
    if (file != "-") opened.open(file, std::ios::binary);
    std::istream& in = file == "-" ? console.in : opened;
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (file != "-" && !opened.is_open()))
        throw CommandError(exit_usage, file + ": cannot be read");
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return Secret{std::move(text)};
}

/// What is kept of a key that exists already, by the rules of its API.
void put_known_key(json::object& body, const Secret& key, const config::Api& api) {
    const auto& format = api.profile.key;
    if (!keys::has_shape(key.reveal(), format))
        throw CommandError(exit_usage,
                           "the text in --key-file is no key of the API `" + api.name + "`");
    const auto shown = keys::shown_parts(key.reveal(), format);
    body["digest"] = "sha256:" + keys::to_hex(keys::digest_of(key.reveal()));
    body["prefix"] = format.is_found_by_lookup
                         ? std::string{keys::lookup_part(key.reveal(), format).value()}
                         : shown.prefix;
    body["hint"] = shown.hint;
    const auto mode = keys::stated_mode(key.reveal(), format);
    if (mode && !body.contains("mode")) body["mode"] = keys::to_string(*mode);
    if (mode && body["mode"] != json::value(keys::to_string(*mode)))
        throw CommandError(exit_usage, "--mode: the key itself says otherwise");
}

const config::Api& named_api(const config::Settings& settings, const std::string& name) {
    for (const auto& api : settings.apis)
        if (api.name == name) return api;
    throw CommandError(exit_usage, "--api: there is no `" + name + "`");
}

std::string create_body(const CreateKey& options, const config::Settings& settings,
                        Console& console) {
    const auto api = api_of(settings, options.api);
    json::object body;
    body["api"] = api;
    body["owner"] = options.owner;
    put(body, "name", unless_empty(options.name));
    put(body, "plan", unless_empty(options.plan));
    put(body, "mode", unless_empty(options.mode));
    put(body, "expires_at", unless_empty(options.expires_at));
    put(body, "digest", unless_empty(options.digest));
    put(body, "id", unless_empty(options.id));
    put_scopes(body, options.scopes);
    if (!options.metadata.empty()) body["metadata"] = json_object("--metadata", options.metadata);
    put_limits(body, options.limits);
    put_restrictions(body, options.restrictions);
    if (options.force) body["force"] = true;
    if (options.regenerate) body["regenerate"] = true;
    if (!options.key_file.empty())
        put_known_key(body, read_key(options.key_file, console), named_api(settings, api));
    return json::serialize(body);
}

std::string update_body(const UpdateKey& options) {
    json::object body;
    put(body, "name", options.name);
    put(body, "plan", options.plan, options.no_plan);
    put(body, "expires_at", options.expires_at, options.no_expiry);
    put_scopes(body, options.scopes);
    if (options.metadata) body["metadata"] = json_object("--metadata", *options.metadata);
    put_limits(body, options.limits);
    if (options.plan_limits) {
        body["rate"] = nullptr;
        body["quota"] = nullptr;
    }
    put_restrictions(body, options.restrictions);
    put(body, "addresses", std::nullopt, options.no_addresses);
    put(body, "referrers", std::nullopt, options.no_referrers);
    put(body, "endpoints", std::nullopt, options.no_endpoints);
    put(body, "bind", std::nullopt, options.no_bind);
    if (body.empty()) throw CommandError(exit_usage, "name what is to be changed; see --help");
    return json::serialize(body);
}

std::uint64_t seconds_of(const std::string& grace) {
    if (const auto seconds = config::parse_number(grace)) return *seconds;
    const auto duration = config::parse_duration(grace);
    const auto seconds =
        duration ? std::chrono::floor<std::chrono::seconds>(*duration) : std::chrono::seconds{};
    if (!duration || seconds != *duration)
        throw CommandError(exit_usage, "--grace: seconds, or a duration such as 90s, 24h, 7d");
    return static_cast<std::uint64_t>(seconds.count());
}

std::string rotate_body(const RotateKey& options) {
    json::object body;
    body["grace_seconds"] = seconds_of(options.grace);
    put(body, "name", options.name);
    put(body, "expires_at", options.expires_at, options.no_expiry);
    return json::serialize(body);
}

int set_status(const OneKey& options, Console& console, const char* action) {
    const auto ask = [&](const config::Settings&) {
        return Call{"POST", path_of(options.id) + action, {}, headers_of(options)};
    };
    return one_call(options, console, ask, print_status);
}

/// Until each gateway has applied what was just done, or cannot decide by what was before.
std::vector<keys::Waited> waited_for(const std::string& id, const config::Settings& settings) {
    // With the embedded file the one gateway had applied it when it answered.
    if (!settings.store.redis) return {};
    redis::Session session{*settings.store.redis};
    auto waited = keys::wait_for_gateways(
        session, [] { std::this_thread::sleep_for(std::chrono::milliseconds{5}); });
    if (waited) return std::move(*waited);
    throw CommandError(exit_unreachable, id + " is revoked, but the gateways cannot be asked: " +
                                             to_string(waited.error()));
}

json::array to_json(const std::vector<keys::Waited>& waited) {
    json::array all;
    for (const keys::Waited& one : waited)
        all.push_back(json::object{{"gateway", one.gateway},
                                   {"applied", one.has_applied},
                                   {"silent_ms", one.silent_for.count()}});
    return all;
}

void print_waited(const std::vector<keys::Waited>& waited, Console& console) {
    for (const keys::Waited& one : waited) {
        console.out << one.gateway;
        if (one.has_applied)
            console.out << " has applied it\n";
        else
            console.out << " is silent for " << one.silent_for.count()
                        << " ms, longer than its bound: nothing that it kept decides any more\n";
    }
}

Row row_of(const json::object& key) {
    return {text(key, "id"),         text(key, "api"),         text(key, "owner"),
            text(key, "name"),       shown_key(key),           text(key, "mode"),
            text(key, "status"),     text(key, "plan"),        text(key, "created_at"),
            text(key, "expires_at"), text(key, "last_used_at")};
}

} // namespace

int create_key(const CreateKey& options, Console& console) {
    const auto ask = [&](const config::Settings& settings) {
        return Call{"POST", "/admin/v1/keys", create_body(options, settings, console),
                    headers_of(options)};
    };
    return one_call(options, console, ask, print_new_key);
}

int list_keys(const ListKeys& options, Console& console) {
    return print_list(options, console,
                      {"/admin/v1/keys",
                       {{"api", options.api},
                        {"owner", options.owner},
                        {"prefix", options.prefix},
                        {"status", options.status},
                        {"unused_since", options.unused_since}},
                       {"ID", "API", "OWNER", "NAME", "KEY", "MODE", "STATUS", "PLAN", "CREATED",
                        "EXPIRES", "LAST USED"},
                       row_of});
}

int show_key(const OneKey& options, Console& console) {
    const auto ask = [&](const config::Settings&) { return Call{"GET", path_of(options.id)}; };
    return one_call(options, console, ask, print_key);
}

int update_key(const UpdateKey& options, Console& console) {
    const auto ask = [&](const config::Settings&) {
        return Call{"PATCH", path_of(options.id), update_body(options), headers_of(options)};
    };
    return one_call(options, console, ask, print_key);
}

int disable_key(const OneKey& options, Console& console) {
    return set_status(options, console, ":disable");
}

int enable_key(const OneKey& options, Console& console) {
    return set_status(options, console, ":enable");
}

int revoke_key(const RevokeKey& options, Console& console) {
    if (!options.wait) return set_status(options, console, ":revoke");
    return reported(console.err, [&] {
        const auto settings = load_settings(options.config);
        const auto link = open_link(settings);
        const auto response =
            send(*link, {"POST", path_of(options.id) + ":revoke", {}, headers_of(options)});
        const auto waited = waited_for(options.id, settings);
        if (!options.json) {
            print_status(response, console);
            print_waited(waited, console);
            return exit_done;
        }
        auto answer = json::parse(response.body).as_object();
        answer["gateways"] = to_json(waited);
        console.out << json::serialize(answer) << '\n';
        return exit_done;
    });
}

int rotate_key(const RotateKey& options, Console& console) {
    const auto ask = [&](const config::Settings&) {
        return Call{"POST", path_of(options.id) + ":rotate", rotate_body(options),
                    headers_of(options)};
    };
    return one_call(options, console, ask, print_new_key);
}

int reveal_key(const OneKey& options, Console& console) {
    const auto ask = [&](const config::Settings&) {
        return Call{"POST", path_of(options.id) + ":reveal"};
    };
    return one_call(options, console, ask, [](const admin::Response& response, Console& to) {
        to.out << text(object_in(response), "key") << '\n';
    });
}

int delete_key(const DeleteKey& options, Console& console) {
    const auto ask = [&](const config::Settings&) {
        confirm(console, "Delete " + options.id + " for good?", options.yes);
        return Call{"DELETE", path_of(options.id), {}, headers_of(options)};
    };
    return one_call(options, console, ask, [&](const admin::Response&, Console& to) {
        to.out << options.id << " is deleted\n";
    });
}

namespace {

void add_scope_flags(CLI::App& command, ScopeOptions& options) {
    auto* const some = command.add_option("--scope", options.scopes, "A scope; again for more")
                           ->expected(1)
                           ->take_all();
    auto* const none = command.add_flag("--no-scopes", options.no_scopes, "No scopes at all");
    auto* const usual =
        command.add_flag("--default-scopes", options.default_scopes, "What the profile says");
    none->excludes(some);
    usual->excludes(some)->excludes(none);
}

/// @returns  both flags, for those that exclude them.
std::vector<CLI::Option*> add_limit_flags(CLI::App& command, LimitOptions& options) {
    auto* const rate = command
                           .add_option("--rate", options.rates,
                                       "A rate instead of the plan's: 100/1m; again for more")
                           ->expected(1)
                           ->take_all();
    auto* const quota = command
                            .add_option("--quota", options.quotas,
                                        "A quota instead of the plan's of the same meter: "
                                        "requests=1000/month; again for more")
                            ->expected(1)
                            ->take_all();
    return {rate, quota};
}

/// A flag that may be given again.
CLI::Option* add_list(CLI::App& command, const char* flag, std::vector<std::string>& values,
                      const char* about) {
    return command.add_option(flag, values, about)->expected(1)->take_all();
}

/// @returns  the flags in the order of the members.
std::array<CLI::Option*, 4> add_restriction_flags(CLI::App& command, RestrictionOptions& options) {
    return {add_list(command, "--address", options.addresses,
                     "Only from there: 192.0.2.0/24; again for more"),
            add_list(command, "--referrer", options.referrers,
                     "Only from pages of there: https://app.example.com; again for more"),
            add_list(command, "--endpoint", options.endpoints,
                     "Only for that: 'GET /v1/orders/**'; again for more"),
            add_list(command, "--bind", options.bind,
                     "What of the path it belongs to: store=267418190; again for more")};
}

template <class Options> void add_expiry_flags(CLI::App& command, Options& options) {
    auto* const some =
        command.add_option("--expires-at", options.expires_at, "RFC 3339: 2027-01-31T00:00:00Z");
    command.add_flag("--no-expiry", options.no_expiry, "Never expires")->excludes(some);
}

/// Adds a command on one key.
template <class Options>
Command<Options> add_key_command(CLI::App& keys, Chosen& chosen, const std::string& name,
                                 const std::string& about, int (*run)(const Options&, Console&)) {
    auto added = add_command(keys, chosen, name, about, run);
    added.flags.add_option("ID", added.options.id, "The key's id: key_…")->required();
    return added;
}

void add_create(CLI::App& keys, Chosen& chosen) {
    auto [flags, made] =
        add_command(keys, chosen, "create", "Make a key, shown once; or bring one in", create_key);
    flags.add_option("--api", made.api, "API (may be left out if there is one)");
    flags.add_option("--owner", made.owner, "Whose key it is")->required();
    flags.add_option("--name", made.name, "A label for people");
    flags.add_option("--plan", made.plan, "Plan of this key, instead of the owner's");
    add_scope_flags(flags, made.scopes);
    flags.add_option("--mode", made.mode, "live (default) or test");
    flags.add_option("--expires-at", made.expires_at, "RFC 3339: 2027-01-31T00:00:00Z");
    flags.add_option("--metadata", made.metadata, "A JSON object");
    add_limit_flags(flags, made.limits);
    add_restriction_flags(flags, made.restrictions);
    flags.add_flag("--regenerate", made.regenerate,
                   "All other active keys of the owner are revoked in the same moment");
    flags.add_flag("--force", made.force, "Even if the plan has no API access");
    auto* const file = flags.add_option("--key-file", made.key_file,
                                        "A key that exists already, in a file or - for standard "
                                        "input; only its digest is sent and kept");
    flags.add_option("--digest", made.digest, "The digest of such a key: sha256:<hex>")
        ->excludes(file);
    flags.add_option("--id", made.id, "The id of such a key");
    add_idempotency_key(flags, made);
}

void add_key_list(CLI::App& keys, Chosen& chosen) {
    auto [flags, filters] =
        add_command(keys, chosen, "list", "List keys in the order of creation", list_keys);
    flags.add_option("--api", filters.api, "Only of this API");
    flags.add_option("--owner", filters.owner, "Only of this owner");
    flags.add_option("--prefix", filters.prefix, "Only those whose shown letters are these");
    flags.add_option("--status", filters.status, "active, disabled, revoked or expired");
    flags.add_option("--unused-since", filters.unused_since, "Not used since: RFC 3339");
    add_list_flags(flags, filters);
}

void add_update(CLI::App& keys, Chosen& chosen) {
    auto [flags, changes] =
        add_key_command(keys, chosen, "update", "Change what is named; the rest stays", update_key);
    flags.add_option("--name", changes.name, "A label for people; '' for none");
    auto* const plan = flags.add_option("--plan", changes.plan, "Plan of this key");
    flags.add_flag("--no-plan", changes.no_plan, "The owner's plan counts")->excludes(plan);
    add_scope_flags(flags, changes.scopes);
    add_expiry_flags(flags, changes);
    flags.add_option("--metadata", changes.metadata, "A JSON object; replaces the old one");
    auto* const none = flags.add_flag("--plan-limits", changes.plan_limits,
                                      "The plan's rates and quotas count: none of its own");
    for (auto* const limit : add_limit_flags(flags, changes.limits))
        none->excludes(limit);
    const auto [address, referrer, endpoint, bind] =
        add_restriction_flags(flags, changes.restrictions);
    flags.add_flag("--no-addresses", changes.no_addresses, "From anywhere")->excludes(address);
    flags.add_flag("--no-referrers", changes.no_referrers, "From any page")->excludes(referrer);
    flags.add_flag("--no-endpoints", changes.no_endpoints, "For anything")->excludes(endpoint);
    flags.add_flag("--no-bind", changes.no_bind, "Belongs to nothing of the path")->excludes(bind);
    add_if_match(flags, changes);
}

void add_status_commands(CLI::App& keys, Chosen& chosen) {
    const auto add = [&](const char* name, const char* about, int (*run)(const OneKey&, Console&)) {
        auto [flags, key] = add_key_command(keys, chosen, name, about, run);
        add_if_match(flags, key);
    };
    add("disable", "Refuse a key until it is enabled", disable_key);
    add("enable", "Let a disabled key in again", enable_key);
    auto [flags, key] = add_key_command(keys, chosen, "revoke",
                                        "End a key for good, from the next request", revoke_key);
    flags.add_flag("--wait", key.wait,
                   "With Redis: until every gateway has applied it, or is silent for longer than "
                   "its bound");
    add_if_match(flags, key);
}

void add_rotate(CLI::App& keys, Chosen& chosen) {
    auto [flags, rotation] = add_key_command(
        keys, chosen, "rotate", "Make a new key in the place of this one, shown once", rotate_key);
    flags
        .add_option("--grace", rotation.grace,
                    "How long the old key goes on: seconds, or 90s, 24h, 7d; 0 is not at all")
        ->capture_default_str();
    flags.add_option("--name", rotation.name, "A label for the new key, instead of the old one's");
    add_expiry_flags(flags, rotation);
    add_if_match(flags, rotation);
    add_idempotency_key(flags, rotation);
}

void add_delete(CLI::App& keys, Chosen& chosen) {
    auto [flags, key] = add_key_command(
        keys, chosen, "delete", "Remove a key; what it used stays with its owner", delete_key);
    flags.add_flag("-y,--yes", key.yes, "Do not ask");
    add_if_match(flags, key);
}

} // namespace

void add_keys_commands(CLI::App& app, std::function<int()>& chosen) {
    auto* const keys = app.add_subcommand("keys", "API keys");
    keys->require_subcommand(1);
    add_create(*keys, chosen);
    add_key_list(*keys, chosen);
    add_key_command(*keys, chosen, "show", "All about one key", show_key);
    add_update(*keys, chosen);
    add_status_commands(*keys, chosen);
    add_rotate(*keys, chosen);
    add_key_command(*keys, chosen, "reveal", "Show a key again, where its API has `recoverable`",
                    reveal_key);
    add_delete(*keys, chosen);
    add_import_command(*keys, chosen);
}

} // namespace keygate::app
