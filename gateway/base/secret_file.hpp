#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"

#include <string>

namespace keygate {

/// The secret in a file: one line of `min_length`..256 visible characters. The file must not be
/// readable or writable by group or world (permission_denied). @errors no_such_file_or_directory
/// when absent. @param what  of the file in messages: `token`.
[[nodiscard]] Result<Secret> read_secret_file(const std::string& file, const std::string& what,
                                              std::size_t min_length);

} // namespace keygate
