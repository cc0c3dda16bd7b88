#include "config/read_listeners.hpp"

#include "base/ascii.hpp"
#include "config/read_network.hpp"
#include "config/read_tls.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::size_t most_certificates = 64; // per listener

void read_certificates(const View& view, std::string_view folder, ListenerTls& out) {
    for (const View& item :
         view.items("a list such as [{certificate: a.crt, private_key: a.key}]")) {
        TlsCertificate one;
        one.place = item.place();
        Fields fields{item};
        const auto certificate = fields.need("certificate");
        read_path(certificate, folder, one.certificate);
        read_path(fields.need("private_key"), folder, one.private_key);
        fields.done();
        const auto is_same = [&](const TlsCertificate& other) {
            return !one.certificate.empty() && other.certificate == one.certificate;
        };
        if (std::any_of(out.certificates.begin(), out.certificates.end(), is_same))
            certificate->complain(certificate->seen() + " is listed twice");
        out.certificates.push_back(std::move(one));
    }
    if (view.is_list() && view.node().items.empty())
        view.complain("at least one certificate is needed");
    if (out.certificates.size() > most_certificates)
        view.complain("a listener has at most " + std::to_string(most_certificates) +
                      " certificates");
}

/// One certificate beside the other settings, or a list of them.
void read_any_certificates(const View& section, Fields& fields, std::string_view folder,
                           ListenerTls& out) {
    TlsCertificate one;
    one.place = section.place();
    const bool is_short = section.find("certificate") || section.find("private_key");
    read_certificate(fields, folder, one.certificate, one.private_key);
    const auto list = fields.take("certificates");
    if (is_short) out.certificates.push_back(std::move(one));
    if (list && is_short)
        return list->complain_of_name(
            "one certificate is written as `certificate` and `private_key`, several are in this "
            "list; expected one of them");
    if (list) return read_certificates(*list, folder, out);
    if (!is_short && section.is_map())
        section.complain_of_name("`certificate` and `private_key`, or `certificates`, are missing");
}

void read_ciphers(const std::optional<View>& view, ListenerTls& out) {
    static constexpr std::string_view expected =
        "a list of ciphers as openssl-ciphers(1) knows it, such as ECDHE+AESGCM";
    if (!view) return;
    std::string text;
    read_text(view, text, expected);
    if (text.empty()) return;
    const bool is_good = text.size() <= 1'024 && std::all_of(text.begin(), text.end(), [](char c) {
                             return ascii::is_alnum(c) ||
                                    std::string_view{"+-_!@:=."}.find(c) != std::string_view::npos;
                         });
    if (!is_good) return view->refuse(expected);
    if (out.min_version == TlsVersion::tls_1_3)
        view->complain_of_name("is about TLS 1.2, which `min_version` does not allow");
    out.ciphers = std::move(text);
}

void read_client_certificates(const std::optional<View>& view, std::string_view folder,
                              ListenerTls& out) {
    if (!view) return;
    ClientCertificates clients;
    Fields fields{*view};
    read_path(fields.need("ca"), folder, clients.ca);
    read_flag(fields.take("required"), clients.required);
    read_flag(fields.take("forward"), clients.forward);
    fields.done();
    out.client_certificates = std::move(clients);
}

void read_tls(const std::optional<View>& view, std::string_view folder, Listener& listener) {
    if (!view) return;
    ListenerTls& out = listener.tls.emplace();
    Fields fields{*view};
    read_any_certificates(*view, fields, folder, out);
    read_word(fields.take("min_version"), out.min_version, tls_version_words);
    read_ciphers(fields.take("ciphers"), out);
    read_flag(fields.take("strict_names"), out.strict_names);
    read_client_certificates(fields.take("client_certificates"), folder, out);
    fields.done();
}

void read_proxy_protocol(const std::optional<View>& view, Listener& listener) {
    if (!view) return;
    Fields fields{*view};
    read_networks(fields.need("from"), "proxy_protocol", listener.proxy_protocol);
    fields.done();
}

} // namespace

void read_listeners(const std::optional<View>& view, std::string_view folder,
                    std::vector<Listener>& out, std::vector<Taken>& taken) {
    if (!view) return;
    const auto items = view->items("a list such as [{address: \"127.0.0.1:8080\"}]");
    if (view->is_list() && items.empty()) view->complain("at least one listener is needed");
    for (const View& item : items) {
        Listener listener;
        listener.place = item.place();
        Fields fields{item};
        const auto address = read_endpoint(fields.need("address"), taken);
        read_tls(fields.take("tls"), folder, listener);
        read_proxy_protocol(fields.take("proxy_protocol"), listener);
        fields.done();
        if (!address) continue;
        listener.address = *address;
        out.push_back(std::move(listener));
    }
}

} // namespace keygate::config
