#pragma once

#include <iosfwd>
#include <string>

namespace keygate::app {

struct CheckOptions {
    std::string file;
    bool json = false;
    bool print = false; // the configuration as understood
};

/// `keygate check`: reads a configuration with all that belongs to it and says what is wrong.
///
/// Text: mistakes go to `err`, one a line as `file:line:column: path: message`, then their number;
/// what was found goes to `out`, or, with `print`, the configuration as understood. JSON, always to
/// `out`:
/// `{"ok":false,"mistakes":[{"file","line","column","path","message"}]}`, with `print` and without
/// mistakes also `"configuration"`, a YAML text.
/// @returns the exit status: 0 if there is no mistake, else 1.
[[nodiscard]] int check(const CheckOptions& options, std::ostream& out, std::ostream& err);

} // namespace keygate::app
