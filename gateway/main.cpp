// Arguments in, exit status out. What the commands do is in app/.

#include "app/check.hpp"
#include "app/command.hpp"
#include "app/config_option.hpp"
#include "app/keys_commands.hpp"
#include "app/owners_commands.hpp"
#include "app/reload_command.hpp"
#include "app/run.hpp"
#include "app/store_commands.hpp"
#include "app/usage_commands.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

namespace {

using namespace keygate;

constexpr const char* version_text = "keygate " KEYGATE_VERSION;

constexpr const char* footer = "Exit status: 0 done; 1 refused, not found, or (check) mistakes; 2 "
                               "wrong usage or configuration;\n"
                               "3 the gateway or its store is unreachable or in use.";

void add_commands(CLI::App& app, std::function<int()>& chosen) {
    auto* const run = app.add_subcommand("run", "Run the gateway");
    const auto run_file = std::make_shared<std::string>();
    app::add_config_option(*run, *run_file);
    run->callback([&chosen, run_file] { chosen = [run_file] { return app::run(*run_file); }; });

    auto* const check = app.add_subcommand("check", "Say what is wrong with a configuration");
    const auto checked = std::make_shared<app::CheckOptions>();
    app::add_config_option(*check, checked->file);
    check->add_flag("--json", checked->json, "Answer for programs");
    check->add_flag("--print", checked->print, "Print the configuration as understood");
    check->callback([&chosen, checked] {
        chosen = [checked] { return app::check(*checked, std::cout, std::cerr); };
    });

    app::add_reload_command(app, chosen);
    app::add_keys_commands(app, chosen);
    app::add_owners_commands(app, chosen);
    app::add_usage_commands(app, chosen);
    app::add_store_commands(app, chosen);

    app.add_subcommand("version", "Print the version")->callback([&chosen] {
        chosen = [] {
            std::cout << version_text << '\n';
            return app::exit_done;
        };
    });
    app.add_subcommand("help", "Print this help")->callback([&chosen, &app] {
        chosen = [&app] {
            // App::help() would speak of the chosen command, which is this one.
            std::cout << app.get_formatter()->make_help(&app, "keygate",
                                                        CLI::AppFormatMode::Normal);
            return app::exit_done;
        };
    });
}

} // namespace

int main(int argc, char** argv) {
    try {
        CLI::App app{"An authentication gateway in front of an HTTP API", "keygate"};
        app.set_version_flag("--version", version_text);
        app.require_subcommand(1);
        app.footer(footer);
        std::function<int()> chosen;
        add_commands(app, chosen);
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& e) {
            // CLI11 has a status of its own for each kind of mistake; ours is one.
            return app.exit(e) == 0 ? keygate::app::exit_done : keygate::app::exit_usage;
        }
        const int status = chosen();
        std::cout.flush();
        if (!std::cout) {
            // A key that was made and could not be shown must not look like success.
            std::cerr << "keygate: standard output cannot be written\n";
            return keygate::app::exit_unreachable;
        }
        return status;
    } catch (const std::exception& e) {
        std::cerr << "keygate: " << e.what() << '\n';
        return keygate::app::exit_unreachable;
    }
}
