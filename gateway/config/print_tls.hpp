#pragma once

#include "config/printer.hpp"
#include "config/settings.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace keygate::config {

/// What it takes to speak TLS to somebody: what is written of it.
/// @param tls  of Redis or of an upstream.
template <class Tls> void print_tls_files(Printer& out, const Tls& tls) {
    const std::array<std::pair<std::string_view, const std::string*>, 3> files{
        {{"ca", &tls.ca}, {"certificate", &tls.certificate}, {"private_key", &tls.private_key}}};
    for (const auto& [name, file] : files)
        if (!file->empty()) out.path(name, *file);
    if (!tls.server_name.empty()) out.field("server_name", tls.server_name);
}

} // namespace keygate::config
