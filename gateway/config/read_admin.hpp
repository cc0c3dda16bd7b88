#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

// Who may speak to the admin API, beside its address.
namespace keygate::config {

/// A socket's path, after `unix:`. @param folder  of the configuration: relative paths begin there.
void read_admin_socket(const View& view, std::string_view folder, Admin& out);

/// `token_file`, `tokens` and `hosts` of `admin:`. The address was read before: it decides what is
/// needed.
/// @param section  the whole of `admin:`; what is missing is said of it.
void read_admin_access(const View& section, Fields& fields, std::string_view folder, Admin& out);

} // namespace keygate::config
