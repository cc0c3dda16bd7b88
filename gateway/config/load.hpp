#pragma once

#include "config/settings.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::config {

/// One mistake: where, what was found, what is allowed, and the nearest known name where there is
/// one.
struct Mistake {
    std::string file;
    Place place;
    std::string path;    // `apis.shop.plans.pro.rate`; empty for YAML's own errors
    std::string message; // "unknown name `upstream`; allowed: …; did you mean `upstreams`?"
};

/// `file:line:column: path: message`
[[nodiscard]] std::string to_string(const Mistake& mistake);

/// The world outside the text: variables and other files. Tests stand in for it.
struct Surroundings {
    std::function<std::optional<std::string>(const std::string& name)> variable;
    std::function<std::optional<std::string>(const std::string& path)> read_file;
};

/// The process' own environment and file system.
[[nodiscard]] Surroundings process_surroundings();

struct Loaded {
    std::optional<Settings> settings; // absent exactly if there are mistakes
    std::vector<Mistake> mistakes;    // all of them, in the order of the text
};

/// Parses, checks and freezes a whole configuration. `file` names it in messages, its folder is
/// where relative paths and `profiles/NAME.yaml` start. Pure but for `surroundings`; throws nothing
/// for bad input.
[[nodiscard]] Loaded load(std::string_view text, const std::string& file,
                          const Surroundings& surroundings);

/// The same for a file on disk. A file that cannot be read is a mistake too.
[[nodiscard]] Loaded load_file(const std::string& file);

/// The shipped profile `default`: it words refusals that come before any API is known.
[[nodiscard]] Profile default_profile();

/// The configuration as understood, as YAML that loads again in the same surroundings: defaults
/// filled in, aliases resolved. A value that came from the environment is masked: it stands there
/// as it was written, `${NAME}`.
[[nodiscard]] std::string print(const Settings& settings);

} // namespace keygate::config
