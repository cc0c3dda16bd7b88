#pragma once

#include "config/printer.hpp"
#include "config/reader.hpp"
#include "config/settings.hpp"

#include <optional>
#include <string_view>

namespace keygate::config {

/// `recoverable: {key_file: reveal.key, old_key_files: []}` of an API; paths are as written.
void read_recoverable(const std::optional<View>& view, Api& api);

/// Makes the paths those that the process sees. @param folder  of the configuration.
void place_key_files(std::string_view folder, std::vector<Api>& apis);

void print_recoverable(Printer& out, const Recoverable& recoverable);

} // namespace keygate::config
