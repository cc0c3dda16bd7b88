#pragma once

#include "redis/session.hpp"

#include <functional>
#include <string>
#include <vector>

namespace keygate::keys {

enum class Verdict { ok, warning, problem, unchecked };
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// One thing that was looked at.
struct Check {
    std::string name;
    Verdict verdict = Verdict::ok;
    std::string said; // what was found, and what to do about it; never a secret
};

/// Looks at what keygate relies on in a Redis: its version and role, whether it keeps what it
/// acknowledges, what our user may do, its clock, the records and the index. Changes nothing.
/// @param progress  how many records and entries were looked at so far
[[nodiscard]] std::vector<Check> examine(redis::Session& session,
                                         const std::function<void(std::size_t)>& progress);

} // namespace keygate::keys
