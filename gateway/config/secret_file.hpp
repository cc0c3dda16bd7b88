#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"

#include <string>

namespace keygate::config {

/// The secret in a file: one line of `min_length`..256 visible characters. The file must not be
/// readable or writable by group or world (permission_denied). @errors no_such_file_or_directory
/// when absent. @param what  of the file in messages: `token`.
[[nodiscard]] Result<Secret> read_secret_file(const std::string& file, const std::string& what,
                                              std::size_t min_length);

/// All of a file of several lines, as a private key is, under the same rules, but that the group
/// may read it: so it is given to processes that own none of it, as in Kubernetes. @param max_size
/// bytes.
[[nodiscard]] Result<Secret> read_private_file(const std::string& file, const std::string& what,
                                               std::size_t max_size);

/// Makes a secret's file, mode 0600, and writes the secret durably. A file that is there stays as
/// it is, and counts.
[[nodiscard]] Result<void> make_secret_file(const std::string& file, const std::string& what,
                                            const Secret& secret);

} // namespace keygate::config
