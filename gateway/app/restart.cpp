#include "app/restart.hpp"

#include "config/addresses.hpp"
#include "config/load.hpp"
#include "config/scalars.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace keygate::app {

namespace {

/// A value to compare, and how it is shown.
struct Value {
    std::string text;
    std::string shown;
};

template <class Add> void add_admin(const config::Admin& admin, const Add& add) {
    add("admin.address",
        admin.address ? config::endpoint_text(*admin.address) : "unix:" + admin.socket);
    if (admin.token_file) add("admin.token_file", *admin.token_file);
}

using Values = std::map<std::string, Value>;

/// What the file says, where a value came from the environment.
const std::string* written_at(const config::Settings& settings, const std::string& path) {
    const auto written = settings.from_variables.find(path);
    return written == settings.from_variables.end() ? nullptr : &written->second;
}

void add_redis_url(const config::Settings& settings, Values& all) {
    const config::Redis& redis = *settings.store.redis;
    const std::string* written = written_at(settings, "store.redis.url");
    if (!written) written = written_at(settings, "store.redis"); // the short form
    const std::string user = redis.is_user_hidden ? " " + redis.user : "";
    all["store.redis.url"] = {redis.url + user, written ? *written : redis.url};
}

template <class Add> void add_redis(const config::Settings& settings, const Add& add) {
    const config::Redis& redis = *settings.store.redis;
    const auto add_any = [&](const std::string& name, const std::string& text) {
        if (!text.empty()) add("store.redis." + name, text);
    };
    if (!redis.is_user_hidden) add_any("user", redis.user);
    add_any("password_file", redis.password_file);
    add_any("tls.ca", redis.tls.ca);
    add_any("tls.certificate", redis.tls.certificate);
    add_any("tls.private_key", redis.tls.private_key);
    add_any("tls.server_name", redis.tls.server_name);
    add_any("client_name", redis.client_name);
    add_any("timeout", config::duration_text(redis.timeout));
    add_any("command_timeout", config::duration_text(redis.command_timeout));
    add_any("max_keys", std::to_string(redis.max_keys));
    add_any("max_unknown", std::to_string(redis.max_unknown));
    add("store.revocation_bound", config::duration_text(settings.store.revocation_bound));
    add("store.stale_while_down", config::duration_text(settings.store.stale_while_down));
    add("store.external_writers", settings.store.external_writers ? "true" : "false");
}

/// The settings that are fixed for the life of a process, by their dotted path.
/// @param other  what they are compared with: from a file to Redis is one change, not ten.
Values fixed_settings(const config::Settings& settings, const config::Settings& other) {
    Values all;
    const auto add = [&](const std::string& path, std::string text) {
        const std::string* written = written_at(settings, path);
        std::string shown = written ? *written : text;
        all[path] = {std::move(text), std::move(shown)};
    };
    add("threads", settings.threads == 0 ? "one per core" : std::to_string(settings.threads));
    for (std::size_t i = 0; i < settings.listeners.size(); ++i)
        add("listeners[" + std::to_string(i) + "].address",
            config::endpoint_text(settings.listeners[i].address));
    if (settings.store.redis)
        add_redis_url(settings, all);
    else
        add("store.file", settings.store.file);
    if (settings.store.redis && other.store.redis) add_redis(settings, add);
    if (settings.admin) add_admin(*settings.admin, add);
    if (settings.status) add("status.address", config::endpoint_text(*settings.status));
    add("log.access", settings.log.access);
    return all;
}

const Secret* redis_password(const config::Settings& settings) {
    return settings.store.redis ? settings.store.redis->password.get() : nullptr;
}

bool is_same_password(const config::Settings& running, const config::Settings& wanted) {
    const Secret* before = redis_password(running);
    const Secret* after = redis_password(wanted);
    return before && after ? before->matches(after->reveal()) : before == after;
}

} // namespace

std::vector<std::string> needs_restart(const config::Settings& running,
                                       const config::Settings& wanted) {
    const auto before = fixed_settings(running, wanted);
    const auto after = fixed_settings(wanted, running);
    std::vector<std::string> lines;
    const auto add = [&](const std::string& path, const std::string& old, const std::string& now) {
        const std::string what =
            old == now ? "would be another" : "is " + old + ", would be " + now;
        lines.push_back(path + ": " + what + "; this takes a restart");
    };
    const auto quoted = [](const Value& value) { return "`" + value.shown + "`"; };
    for (const auto& [path, value] : before) {
        const auto other = after.find(path);
        if (other == after.end())
            add(path, quoted(value), "gone");
        else if (other->second.text != value.text)
            add(path, quoted(value), quoted(other->second));
    }
    for (const auto& [path, value] : after)
        if (!before.contains(path)) add(path, "not there", quoted(value));
    // It is in no line, neither before nor after.
    if (running.store.redis && wanted.store.redis && !is_same_password(running, wanted))
        lines.emplace_back("store.redis.password: would be another; this takes a restart");
    return lines;
}

bool are_same(const config::Settings& running, const config::Settings& wanted) {
    const auto same_profile = [](const config::Api& one, const config::Api& other) {
        return one.profile == other.profile;
    };
    // What is printed loads as the same settings, but it names profiles and does not show them.
    return config::print(running) == config::print(wanted) && is_same_password(running, wanted) &&
           std::equal(running.apis.begin(), running.apis.end(), wanted.apis.begin(),
                      wanted.apis.end(), same_profile);
}

} // namespace keygate::app
