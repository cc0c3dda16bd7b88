#include "app/store_commands.hpp"

#include "admin/message.hpp"
#include "app/command_line.hpp"
#include "app/store_care.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <iostream>

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

void print_usage(const admin::Response& response, Console& console) {
    const auto usage = json::parse(response.body).as_object();
    Filters pairs{{"key", text(usage, "key")},
                  {"api", text(usage, "api")},
                  {"owner", text(usage, "owner")},
                  {"last used", text(usage, "last_used_at")}};
    for (const auto& [name, counter] : usage.at("counters").as_object())
        pairs.emplace_back(std::string{name.data(), name.size()}, numbers_of(counter));
    print_pairs(console.out, pairs);
}

} // namespace

int show_usage(const ShowUsage& options, Console& console) {
    const auto ask = [&](const config::Settings& settings) {
        if (options.key.empty() == options.owner.empty())
            throw CommandError(exit_usage, "--key or --owner: one of them is needed");
        const auto api = options.owner.empty() ? "" : api_of(settings, options.api);
        return Call{"GET",
                    "/admin/v1/usage" +
                        query_of({{"key", options.key}, {"owner", options.owner}, {"api", api}})};
    };
    return one_call(options, console, ask, print_usage);
}

int back_up(const BackUp& options, Console& console) {
    const auto ask = [&](const config::Settings&) {
        json::object body;
        // The gateway has a folder of its own.
        body["file"] = std::filesystem::absolute(options.file).lexically_normal().string();
        return Call{"POST", "/admin/v1/store:backup", json::serialize(body)};
    };
    return one_call(options, console, ask, [](const admin::Response& response, Console& to) {
        const auto copy = json::parse(response.body).as_object();
        to.out << text(copy, "file") << " holds " << json::serialize(copy.at("bytes"))
               << " bytes\n";
    });
}

void add_store_commands(CLI::App& app, std::function<int()>& chosen) {
    auto* const usage = app.add_subcommand("usage", "What keys and owners have used");
    usage->require_subcommand(1);
    auto [show, asked] = add_command(*usage, chosen, "show", "Requests so far", show_usage);
    auto* const key = show.add_option("--key", asked.key, "Of one key: its id");
    show.add_option("--owner", asked.owner, "Of all keys of an owner")->excludes(key);
    show.add_option("--api", asked.api, "The owner's API (may be left out if there is one)");

    auto* const store = app.add_subcommand("store", "Where the keys are kept");
    store->require_subcommand(1);
    auto [copy, backup] = add_command(*store, chosen, "backup",
                                      "Copy it to a new file, while the gateway runs", back_up);
    copy.add_option("FILE", backup.file, "Must not exist yet")->required();
    add_store_care(*store, chosen);
}

} // namespace keygate::app
