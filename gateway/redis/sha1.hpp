#pragma once

#include <string>
#include <string_view>

namespace keygate::redis {

/// 40 lower-case hexadecimal digits: by what Redis knows a script, and `redis.sha1hex` of one.
/// Empty where it cannot be made, which equals nothing.
[[nodiscard]] std::string sha1_of(std::string_view text);

} // namespace keygate::redis
