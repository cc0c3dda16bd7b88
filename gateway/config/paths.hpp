#pragma once

#include <string>
#include <string_view>

// Relative paths in a configuration begin at its own folder, wherever the process was started.
namespace keygate::config {

/// Up to and including the last `/`; empty for a bare file name.
[[nodiscard]] std::string folder_of(std::string_view file);
/// `path` as seen from the process: below `folder` unless it is absolute.
[[nodiscard]] std::string below(std::string_view folder, std::string_view path);
/// The inverse: `path` as a file in `folder` would write it.
[[nodiscard]] std::string as_written_in(std::string_view folder, std::string_view path);
/// Where keys are kept unless `store.file` says otherwise: `shop.db` beside `shop.yaml`.
[[nodiscard]] std::string default_store(std::string_view file);
/// Where the command line finds a gateway that keeps no keys in a file: `shop.sock` beside
/// `shop.yaml`.
[[nodiscard]] std::string default_socket(std::string_view file);

} // namespace keygate::config
