#pragma once

#include "app/command.hpp"
#include "app/config_option.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>

// How commands are told to CLI11. Included by the command files only.
namespace keygate::app {

/// What the arguments chose; returns the exit status.
using Chosen = std::function<int()>;

/// A command that was added, and where its flags go. Both live as long as the App.
template <class Options> struct Command {
    CLI::App& flags;
    Options& options;
};

/// Adds a command with `-c` and `--json`. When the arguments choose it, `run` becomes `chosen`.
template <class Options>
Command<Options> add_command(CLI::App& parent, Chosen& chosen, const std::string& name,
                             const std::string& about, int (*run)(const Options&, Console&)) {
    auto* const command = parent.add_subcommand(name, about);
    const auto options = std::make_shared<Options>();
    add_config_option(*command, options->config);
    command->add_flag("--json", options->json, "Answer for programs");
    command->callback([&chosen, options, run] {
        chosen = [options, run] {
            auto console = standard_console();
            return run(*options, console);
        };
    });
    return {*command, *options};
}

/// `--if-match ETAG`
inline void add_if_match(CLI::App& command, WriteOptions& options) {
    command.add_option("--if-match", options.if_match,
                       "Only if the record still has this ETag (`show` prints it)");
}

/// `--idempotency-key KEY`
inline void add_idempotency_key(CLI::App& command, WriteOptions& options) {
    command.add_option("--idempotency-key", options.idempotency_key,
                       "Done once, however often it is sent within 24 hours");
}

/// `--limit N`, `--cursor CURSOR`
inline void add_list_flags(CLI::App& command, ListOptions& options) {
    command.add_option("--limit", options.limit, "At most so many rows")
        ->check(CLI::PositiveNumber);
    command.add_option("--cursor", options.cursor, "Go on where a list ended: its next_cursor");
}

} // namespace keygate::app
