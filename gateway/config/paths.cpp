#include "config/paths.hpp"

namespace keygate::config {

namespace {

/// A configuration's path without `.yaml`.
std::string without_ending(std::string_view file) {
    std::string_view name = file.substr(folder_of(file).size());
    for (const std::string_view ending : {".yaml", ".yml"})
        if (name.size() > ending.size() && name.ends_with(ending)) {
            name.remove_suffix(ending.size());
            break;
        }
    return folder_of(file) + std::string{name.empty() ? "keygate" : name};
}

} // namespace

std::string folder_of(std::string_view file) {
    const std::size_t slash = file.rfind('/');
    return std::string{slash == std::string_view::npos ? std::string_view{}
                                                       : file.substr(0, slash + 1)};
}

std::string below(std::string_view folder, std::string_view path) {
    if (path.starts_with('/')) return std::string{path};
    return std::string{folder} + std::string{path};
}

std::string as_written_in(std::string_view folder, std::string_view path) {
    // What would begin with a `/` without its folder would be another path.
    if (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] != '/')
        path.remove_prefix(folder.size());
    return std::string{path};
}

std::string default_store(std::string_view file) {
    return without_ending(file) + ".db";
}

std::string default_socket(std::string_view file) {
    return without_ending(file) + ".sock";
}

} // namespace keygate::config
