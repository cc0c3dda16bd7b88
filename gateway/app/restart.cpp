#include "app/restart.hpp"

#include "config/addresses.hpp"
#include "config/load.hpp"

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

/// The settings that are fixed for the life of a process, by their dotted path.
std::map<std::string, Value> fixed_settings(const config::Settings& settings) {
    std::map<std::string, Value> all;
    const auto add = [&](const std::string& path, std::string text) {
        const auto written = settings.from_variables.find(path);
        std::string shown = written != settings.from_variables.end() ? written->second : text;
        all[path] = {std::move(text), std::move(shown)};
    };
    add("threads", settings.threads == 0 ? "one per core" : std::to_string(settings.threads));
    for (std::size_t i = 0; i < settings.listeners.size(); ++i)
        add("listeners[" + std::to_string(i) + "].address",
            config::endpoint_text(settings.listeners[i].address));
    add("store.file", settings.store.file);
    if (settings.admin) add_admin(*settings.admin, add);
    if (settings.status) add("status.address", config::endpoint_text(*settings.status));
    add("log.access", settings.log.access);
    return all;
}

} // namespace

std::vector<std::string> needs_restart(const config::Settings& running,
                                       const config::Settings& wanted) {
    const auto before = fixed_settings(running);
    const auto after = fixed_settings(wanted);
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
    return lines;
}

bool are_same(const config::Settings& running, const config::Settings& wanted) {
    const auto same_profile = [](const config::Api& one, const config::Api& other) {
        return one.profile == other.profile;
    };
    // What is printed loads as the same settings, but it names profiles and does not show them.
    return config::print(running) == config::print(wanted) &&
           std::equal(running.apis.begin(), running.apis.end(), wanted.apis.begin(),
                      wanted.apis.end(), same_profile);
}

} // namespace keygate::app
