#include "config/print_network.hpp"

#include "config/addresses.hpp"
#include "config/read_network.hpp"
#include "config/read_tls.hpp"
#include "config/tree.hpp"

#include <algorithm>
#include <iterator>

namespace keygate::config {

namespace {

void print_certificates(Printer& out, const std::vector<TlsCertificate>& certificates) {
    if (certificates.size() == 1) {
        // Alone it may have been written in two ways.
        const auto path = [&](std::string_view name, const std::string& file) {
            const std::string& here = out.here();
            out.line(name, out.value({child_path(here, name),
                                      child_path(item_path(here + ".certificates", 0), name)},
                                     out.written(file)));
        };
        path("certificate", certificates.front().certificate);
        path("private_key", certificates.front().private_key);
        return;
    }
    out.open("certificates");
    for (std::size_t i = 0; i < certificates.size(); ++i) {
        out.open_item(i);
        out.path("certificate", certificates[i].certificate);
        out.path("private_key", certificates[i].private_key);
        out.close();
    }
    out.close();
}

void print_tls(Printer& out, const ListenerTls& tls) {
    out.open("tls");
    print_certificates(out, tls.certificates);
    out.field("min_version", word_of(tls.min_version, tls_version_words));
    if (!tls.ciphers.empty()) out.field("ciphers", tls.ciphers);
    out.flag("strict_names", tls.strict_names);
    if (tls.client_certificates) {
        out.open("client_certificates");
        out.path("ca", tls.client_certificates->ca);
        out.flag("required", tls.client_certificates->required);
        out.flag("forward", tls.client_certificates->forward);
        out.close();
    }
    out.close();
}

void print_dns(Printer& out, const Dns& dns) {
    std::vector<std::string> servers;
    std::transform(dns.servers.begin(), dns.servers.end(), std::back_inserter(servers),
                   endpoint_text);
    out.open("dns");
    if (!servers.empty()) out.list("servers", servers);
    out.duration("timeout", dns.timeout);
    out.duration("min_refresh", dns.min_refresh);
    out.duration("max_refresh", dns.max_refresh);
    out.close();
}

} // namespace

void print_listeners(Printer& out, const std::vector<Listener>& listeners) {
    out.open("listeners");
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        const Listener& listener = listeners[i];
        out.open_item(i);
        out.field("address", endpoint_text(listener.address));
        if (listener.tls) print_tls(out, *listener.tls);
        if (!listener.proxy_protocol.empty()) {
            out.open("proxy_protocol");
            out.list("from", listener.proxy_protocol);
            out.close();
        }
        out.close();
    }
    out.close();
}

void print_network(Printer& out, const Settings& settings) {
    const Forwarded& forwarded = settings.forwarded;
    if (!forwarded.trusted.empty()) out.list("trusted_proxies", forwarded.trusted);
    out.open("forwarded");
    out.field("from", word_of(forwarded.from, from_words));
    out.field("chain", word_of(forwarded.chain, chain_words));
    out.field("fields", word_of(forwarded.fields, forwarded_words));
    out.close();
    out.field("proxy_status", word_of(settings.proxy_status, proxy_status_words));
    print_dns(out, settings.dns);
}

} // namespace keygate::config
