#include "app/reload_command.hpp"

#include "app/command.hpp"
#include "app/config_option.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <iostream>
#include <memory>

namespace json = boost::json;

namespace keygate::app {

namespace {

/// Every mistake on a line of its own, as the gateway found them: its file and its environment may
/// be others than ours.
void print_mistakes(const std::string& body, std::ostream& err) {
    json::error_code error;
    const auto answer = json::parse(body, error);
    if (error || !answer.is_object()) return;
    const auto* const mistakes = answer.get_object().if_contains("mistakes");
    if (mistakes == nullptr || !mistakes->is_array()) return;
    for (const auto& mistake : mistakes->get_array())
        if (mistake.is_string()) err << mistake.get_string().c_str() << '\n';
}

} // namespace

int reload(const ReloadOptions& options, std::ostream& out, std::ostream& err) {
    return reported(err, [&] {
        const auto settings = load_settings(options.config);
        const auto link = open_running_link(settings);
        const auto response = link->call("POST", "/admin/v1/config:reload", "");
        if (!response) throw CommandError(exit_unreachable, to_string(response.error()));
        if (response->status >= 300) print_mistakes(response->body, err);
        const auto body = succeeded(*response);
        if (options.json) {
            out << body << '\n';
            return exit_done;
        }
        const auto answer = json::parse(body);
        out << (answer.at("changed").as_bool() ? "reloaded\n"
                                               : "reloaded; nothing has changed in it\n");
        if (const auto unreadable = answer.at("keys_unreadable").to_number<std::uint64_t>())
            out << unreadable << " keys name what the configuration does not know\n";
        return exit_done;
    });
}

void add_reload_command(CLI::App& app, std::function<int()>& chosen) {
    auto* const command =
        app.add_subcommand("reload", "Have the running gateway read its configuration again");
    const auto options = std::make_shared<ReloadOptions>();
    add_config_option(*command, options->config);
    command->add_flag("--json", options->json, "Answer for programs");
    command->callback([&chosen, options] {
        chosen = [options] { return reload(*options, std::cout, std::cerr); };
    });
}

} // namespace keygate::app
