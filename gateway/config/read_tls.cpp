#include "config/read_tls.hpp"

#include "config/addresses.hpp"
#include "config/paths.hpp"

namespace keygate::config {

void read_path(const std::optional<View>& view, std::string_view folder, std::string& out) {
    std::string file;
    read_text(view, file, "a path");
    if (!file.empty()) out = below(folder, file);
}

void read_certificate(Fields& fields, std::string_view folder, std::string& certificate,
                      std::string& private_key) {
    const auto first = fields.take("certificate");
    const auto second = fields.take("private_key");
    read_path(first, folder, certificate);
    read_path(second, folder, private_key);
    if (first && !second)
        first->complain_of_name("`private_key` is missing: a certificate needs its key");
    if (second && !first)
        second->complain_of_name("`certificate` is missing: a key needs its certificate");
}

void read_server_name(const std::optional<View>& view, std::string& out) {
    static constexpr std::string_view expected = "a DNS name or an IP address";
    std::string written;
    read_text(view, written, expected);
    if (written.empty()) return;
    const Judged<std::string> host = parse_host(written);
    if (!host.value) return view->refuse(expected);
    out = host.value->front() == '[' ? host.value->substr(1, host.value->size() - 2) : *host.value;
}

} // namespace keygate::config
