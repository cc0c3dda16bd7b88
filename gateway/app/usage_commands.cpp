#include "app/usage_commands.hpp"

#include "app/command_line.hpp"

#include <boost/json.hpp>

namespace json = boost::json;

namespace keygate::app {

namespace {

/// `total 12, month 3`
std::string numbers_of(const json::value& counter) {
    std::string out;
    for (const auto& [name, value] : counter.as_object()) {
        out += out.empty() ? "" : ", ";
        out.append(name.data(), name.size()).append(" ").append(json::serialize(value));
    }
    return out;
}

/// `7 of 1000/month by owner, until 2026-12-01T00:00:00Z`
std::string standing_of(const json::object& limit) {
    std::string out = json::serialize(limit.at("used")) + " of " + text(limit, "limit") + " by " +
                      text(limit, "by");
    if (const std::string end = text(limit, "resets_at"); !end.empty()) out += ", until " + end;
    return out;
}

void print_usage(const admin::Response& response, Console& console) {
    const auto usage = json::parse(response.body).as_object();
    Filters pairs{{"key", text(usage, "key")},
                  {"api", text(usage, "api")},
                  {"owner", text(usage, "owner")},
                  {"last used", text(usage, "last_used_at")}};
    for (const auto& [name, counter] : usage.at("counters").as_object())
        pairs.emplace_back(std::string{name.data(), name.size()}, numbers_of(counter));
    for (const auto& limit : usage.at("limits").as_array()) {
        const json::object& one = limit.as_object();
        pairs.emplace_back(text(one, "kind") + ' ' + text(one, "name"), standing_of(one));
    }
    print_pairs(console.out, pairs);
}

/// The owner's API; empty for a key. @throws CommandError (usage)
std::string api_of_owner(const ShowUsage& options, const config::Settings& settings) {
    if (options.key.empty() == options.owner.empty())
        throw CommandError(exit_usage, "--key or --owner: one of them is needed");
    return options.owner.empty() ? "" : api_of(settings, options.api);
}

std::string who(const ShowUsage& options) {
    return options.key.empty() ? "the owner " + options.owner : options.key;
}

} // namespace

int show_usage(const ShowUsage& options, Console& console) {
    const auto ask = [&](const config::Settings& settings) {
        const auto api = api_of_owner(options, settings);
        return Call{"GET",
                    "/admin/v1/usage" +
                        query_of({{"key", options.key}, {"owner", options.owner}, {"api", api}})};
    };
    return one_call(options, console, ask, print_usage);
}

int reset_usage(const ResetUsage& options, Console& console) {
    const auto ask = [&](const config::Settings& settings) {
        const auto api = api_of_owner(options, settings);
        json::object body;
        if (options.owner.empty())
            body["key"] = options.key;
        else
            body = {{"api", api}, {"owner", options.owner}};
        confirm(console, "Let the rates and quotas of " + who(options) + " begin anew?",
                options.yes);
        return Call{"POST", "/admin/v1/usage:reset", json::serialize(body), headers_of(options)};
    };
    return one_call(options, console, ask, [&](const admin::Response&, Console& to) {
        to.out << "rates and quotas of " << who(options) << " begin anew\n";
    });
}

namespace {

void add_whose(CLI::App& command, ShowUsage& options) {
    auto* const key = command.add_option("--key", options.key, "Of one key: its id");
    command.add_option("--owner", options.owner, "Of all keys of an owner together")->excludes(key);
    command.add_option("--api", options.api, "The owner's API (may be left out if there is one)");
}

} // namespace

void add_usage_commands(CLI::App& app, std::function<int()>& chosen) {
    auto* const usage = app.add_subcommand("usage", "What keys and owners have used");
    usage->require_subcommand(1);
    auto [show, asked] = add_command(
        *usage, chosen, "show", "Requests so far, and where rates and quotas stand", show_usage);
    add_whose(show, asked);
    auto [reset, whose] = add_command(*usage, chosen, "reset",
                                      "Let rates and quotas begin anew; totals stay", reset_usage);
    add_whose(reset, whose);
    reset.add_flag("-y,--yes", whose.yes, "Do not ask");
    add_idempotency_key(reset, whose);
}

} // namespace keygate::app
