#include "app/store_commands.hpp"

#include "app/command_line.hpp"
#include "app/store_care.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <iostream>

namespace json = boost::json;

namespace keygate::app {

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
    auto* const store = app.add_subcommand("store", "Where the keys are kept");
    store->require_subcommand(1);
    auto [copy, backup] = add_command(*store, chosen, "backup",
                                      "Copy it to a new file, while the gateway runs", back_up);
    copy.add_option("FILE", backup.file, "Must not exist yet")->required();
    add_store_care(*store, chosen);
}

} // namespace keygate::app
