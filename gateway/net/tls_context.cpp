#include "net/tls_context.hpp"

#include "base/ascii.hpp"
#include "net/certificate.hpp"
#include "net/tls_tickets.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>

namespace keygate::net {

namespace {

constexpr const char* default_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
/// As ALPN has it (RFC 7301 3.1): a length and the name.
constexpr std::string_view http_1_1 = "\x08http/1.1";
/// Certificates between a client's own and a root: more than anybody has.
constexpr int most_authorities = 8;

SSL_CTX& made(SSL_CTX* context) {
    if (context == nullptr) throw std::bad_alloc{};
    return *context;
}

SSL* made(SSL* ssl) {
    if (ssl == nullptr) throw std::bad_alloc{};
    return ssl;
}

int number_of(config::TlsVersion version) {
    return version == config::TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

/// What both sides have in common.
void set_common(SSL_CTX& context, config::TlsVersion min_version) {
    SSL_CTX_set_min_proto_version(&context, number_of(min_version));
    SSL_CTX_set_options(&context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    // Idle connections keep no buffers; what was not taken waits in another place of memory until
    // it is tried again (net/outgoing.hpp).
    SSL_CTX_set_mode(&context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    // One call for a record instead of two.
    SSL_CTX_set_read_ahead(&context, 1);
}

/// The authorities in a file, or those of the system.
Result<void> trust(SSL_CTX& context, const std::string& file) {
    const int trusted = file.empty() ? SSL_CTX_set_default_verify_paths(&context)
                                     : SSL_CTX_load_verify_file(&context, file.c_str());
    if (trusted == 1) return {};
    return Fault{take_openssl_error(), "read CA file " + file};
}

Result<void> use(SSL_CTX& context, const Certificate& certificate, const std::string& file) {
    if (certificate.use(&context)) return {};
    return Fault{take_openssl_error(), "use certificate " + file};
}

std::string contents_of(const std::string& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

using Sha256 = std::array<unsigned char, 32>;

/// Where a session may be gone on with: it says which certificates were asked for, and checked.
Result<Sha256> purpose_of(const config::ListenerTls& settings, const config::Endpoint& address) {
    std::string text = address.host + ' ' + std::to_string(address.port) + '\n' + settings.ciphers +
                       '\n' + std::to_string(number_of(settings.min_version)) + '\n';
    if (settings.client_certificates) {
        text += settings.client_certificates->required ? "required\n" : "optional\n";
        text += contents_of(settings.client_certificates->ca);
    }
    Sha256 digest{};
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
        return Fault{take_openssl_error(), "SHA-256"};
    return digest;
}

/// The client's certificate was good when the session began; it may have expired since.
bool is_peer_still_good(const SSL_SESSION* session) {
    const X509* const peer = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session)); // only read
    return peer == nullptr || X509_cmp_current_time(X509_get0_notAfter(peer)) > 0;
}

} // namespace

void FreeTlsContext::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

// --- server ---

struct TlsServer::Callbacks {
    static const TlsServer& server_of(SSL* ssl) {
        return *static_cast<const TlsServer*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    }

    static int choose_certificate(SSL* ssl, int* alert, void* /*argument*/) {
        const TlsServer& server = server_of(ssl);
        const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        SSL_CTX* const found = name == nullptr ? nullptr : server.find(name);
        if (found != nullptr) {
            SSL_set_SSL_CTX(ssl, found);
            return SSL_TLSEXT_ERR_OK;
        }
        if (!server.is_strict_) return SSL_TLSEXT_ERR_NOACK;
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }

    /// RFC 7301 3.2: who offers protocols and not ours is told so.
    static int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                               const unsigned char* offered, unsigned int offered_size,
                               void* /*argument*/) {
        std::string_view rest{reinterpret_cast<const char*>(offered), offered_size};
        while (!rest.empty()) {
            const std::string_view entry =
                rest.substr(0, std::size_t{static_cast<unsigned char>(rest.front())} + 1);
            rest.remove_prefix(entry.size());
            if (entry != http_1_1) continue;
            *chosen = reinterpret_cast<const unsigned char*>(entry.data()) + 1;
            *size = static_cast<unsigned char>(entry.size() - 1);
            return SSL_TLSEXT_ERR_OK;
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }

    /// SSL_CTX_set_tlsext_ticket_key_evp_cb(3)
    static int seal_or_open(SSL* ssl, unsigned char* name, unsigned char* iv,
                            EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int is_sealing) {
        TlsTickets& tickets = *server_of(ssl).tickets_;
        const SteadyTime now = std::chrono::steady_clock::now();
        TlsTickets::Name key{};
        if (is_sealing != 0) {
            if (!tickets.seal(key, iv, cipher, mac, now)) return -1;
            std::copy(key.begin(), key.end(), name);
            return 1;
        }
        std::copy_n(name, key.size(), key.begin());
        switch (tickets.open(key, iv, cipher, mac, now)) {
        case TlsTickets::Opened::yes:
            // RFC 8446 C.4: a ticket is for one use, so the client gets another one.
            return SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
        case TlsTickets::Opened::is_old:
            return 2;
        case TlsTickets::Opened::unknown:
            return 0;
        case TlsTickets::Opened::failed:
            break;
        }
        return -1;
    }

    /// SSL_CTX_set_session_ticket_cb(3)
    static SSL_TICKET_RETURN judge_session(SSL* /*ssl*/, SSL_SESSION* session,
                                           const unsigned char* /*name*/, std::size_t /*size*/,
                                           SSL_TICKET_STATUS status, void* /*argument*/) {
        switch (status) {
        case SSL_TICKET_SUCCESS:
        case SSL_TICKET_SUCCESS_RENEW:
            if (!is_peer_still_good(session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
            return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                                : SSL_TICKET_RETURN_USE_RENEW;
        default:
            return SSL_TICKET_RETURN_IGNORE_RENEW;
        }
    }

    static Result<void> ask_for_certificates(SSL_CTX& context,
                                             const config::ClientCertificates& settings) {
        if (auto trusted = trust(context, settings.ca); !trusted) return trusted;
        STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(settings.ca.c_str());
        if (names == nullptr) return Fault{take_openssl_error(), "read CA file " + settings.ca};
        SSL_CTX_set_client_CA_list(&context, names);
        SSL_CTX_set_verify_depth(&context, most_authorities);
        SSL_CTX_set_verify(
            &context, SSL_VERIFY_PEER | (settings.required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
            nullptr);
        return {};
    }

    static Result<TlsContextRef>
    make_context(TlsServer& server, const config::ListenerTls& settings, const Sha256& purpose) {
        TlsContextRef owner{SSL_CTX_new(TLS_server_method())};
        SSL_CTX& context = made(owner.get());
        set_common(context, settings.min_version);
        SSL_CTX_set_options(&context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
        const char* const ciphers =
            settings.ciphers.empty() ? default_ciphers : settings.ciphers.c_str();
        if (SSL_CTX_set_cipher_list(&context, ciphers) != 1)
            return Fault{take_openssl_error(), "use ciphers " + settings.ciphers};
        SSL_CTX_set_dh_auto(&context, 1); // where ciphers with it were asked for
        SSL_CTX_set_app_data(&context, &server);
        SSL_CTX_set_tlsext_servername_callback(&context, choose_certificate);
        SSL_CTX_set_alpn_select_cb(&context, choose_protocol, nullptr);
        SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF); // the clients keep theirs
        SSL_CTX_set_timeout(&context, std::chrono::seconds{TlsTickets::life}.count());
        SSL_CTX_set_session_id_context(&context, purpose.data(),
                                       static_cast<unsigned int>(purpose.size()));
        SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, seal_or_open);
        SSL_CTX_set_session_ticket_cb(&context, nullptr, judge_session, nullptr);
        if (settings.client_certificates)
            if (auto asked = ask_for_certificates(context, *settings.client_certificates); !asked)
                return asked.error();
        return owner;
    }

    /// A context, and what it holds so far.
    struct Group {
        std::vector<std::string> names;
        std::vector<int> key_types;
        SSL_CTX* context = nullptr;
    };

    /// One for the same names without a key of this type, as clients are who know but one of them.
    static Group* group_of(std::vector<Group>& groups, const Certificate& certificate) {
        const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
            const auto& types = group.key_types;
            return group.names == certificate.names() &&
                   std::find(types.begin(), types.end(), certificate.key_type()) == types.end();
        });
        return found == groups.end() ? nullptr : &*found;
    }

    static void add_names(TlsServer& server, const Group& group) {
        for (const std::string& name : group.names)
            if (name.starts_with("*."))
                server.wildcards_.try_emplace(name.substr(1), group.context);
            else
                server.exact_.try_emplace(name, group.context);
    }

    static Result<void> add(TlsServer& server, std::vector<Group>& groups,
                            const config::ListenerTls& settings, const Sha256& purpose,
                            const config::TlsCertificate& files) {
        const auto certificate = Certificate::load(files.certificate, files.private_key);
        if (!certificate) return certificate.error();
        if (certificate->warning()) server.warnings_.push_back(*certificate->warning());
        Group* group = group_of(groups, *certificate);
        if (group == nullptr) {
            auto context = make_context(server, settings, purpose);
            if (!context) return context.error();
            group = &groups.emplace_back(Group{certificate->names(), {}, context->get()});
            add_names(server, *group);
            server.contexts_.push_back(std::move(*context));
        }
        group->key_types.push_back(certificate->key_type());
        return use(*group->context, *certificate, files.certificate);
    }
};

Result<std::shared_ptr<const TlsServer>> TlsServer::make(const config::ListenerTls& settings,
                                                         const config::Endpoint& address,
                                                         std::shared_ptr<TlsTickets> tickets) {
    ERR_clear_error();
    std::shared_ptr<TlsServer> server{new TlsServer};
    server->tickets_ = std::move(tickets);
    server->is_strict_ = settings.strict_names;
    const auto purpose = purpose_of(settings, address);
    if (!purpose) return purpose.error();
    std::vector<Callbacks::Group> groups;
    for (const config::TlsCertificate& files : settings.certificates)
        if (auto added = Callbacks::add(*server, groups, settings, *purpose, files); !added)
            return added.error();
    return std::shared_ptr<const TlsServer>{std::move(server)};
}

TlsServer::~TlsServer() = default;

SSL_CTX* TlsServer::find(std::string_view asked) const {
    const std::string name = ascii::lowered(asked);
    if (const auto exact = exact_.find(name); exact != exact_.end()) return exact->second;
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot == std::string::npos) return nullptr;
    const auto wildcard = wildcards_.find(std::string_view{name}.substr(dot));
    return wildcard == wildcards_.end() ? nullptr : wildcard->second;
}

std::unique_ptr<TlsSession> TlsServer::session() const {
    SSL* const ssl = made(SSL_new(contexts_.front().get()));
    SSL_set_accept_state(ssl);
    return std::make_unique<TlsSession>(ssl, shared_from_this());
}

// --- client ---

void TlsClient::FreeSession::operator()(SSL_SESSION* session) const {
    SSL_SESSION_free(session);
}

struct TlsClient::Callbacks {
    /// A copy: OpenSSL marks those of connections that break, in whatever thread, and the marks of
    /// one connection are nothing to the others.
    static int keep(SSL* ssl, SSL_SESSION* session) {
        const auto& client =
            *static_cast<const TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
        SessionRef copy{SSL_SESSION_dup(session)};
        const std::lock_guard lock{client.mutex_};
        static_cast<SessionRef*>(SSL_get_app_data(ssl))->swap(copy);
        return 0;
    }
};

Result<std::shared_ptr<const TlsClient>> TlsClient::make(const config::UpstreamTls& settings) {
    ERR_clear_error();
    std::shared_ptr<TlsClient> client{new TlsClient};
    client->context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX& context = made(client->context_.get());
    set_common(context, settings.min_version);
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
    if (auto trusted = trust(context, settings.ca); !trusted) return trusted.error();
    SSL_CTX_set_alpn_protos(&context, reinterpret_cast<const unsigned char*>(http_1_1.data()),
                            static_cast<unsigned int>(http_1_1.size()));
    SSL_CTX_set_app_data(&context, client.get());
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(&context, Callbacks::keep);
    if (!settings.certificate.empty()) {
        const auto certificate = Certificate::load(settings.certificate, settings.private_key);
        if (!certificate) return certificate.error();
        if (auto used = use(context, *certificate, settings.certificate); !used)
            return used.error();
    }
    return std::shared_ptr<const TlsClient>{std::move(client)};
}

TlsClient::~TlsClient() = default;

std::unique_ptr<TlsSession> TlsClient::session(const std::string& name) const {
    SSL* const ssl = made(SSL_new(context_.get()));
    auto session = std::make_unique<TlsSession>(ssl, shared_from_this());
    SSL_set_connect_state(ssl);
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name, no_address);
    bool is_set = false;
    if (no_address) {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        is_set = SSL_set1_host(ssl, name.c_str()) == 1 &&
                 SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
    } else {
        is_set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    }
    // A connection whose peer is not checked must not come about.
    if (!is_set) throw std::invalid_argument("no name of a TLS server: " + name);
    const std::lock_guard lock{mutex_};
    SessionRef& last = sessions_[name];
    SSL_set_app_data(ssl, &last);
    if (!last) return session;
    const SessionRef copy{SSL_SESSION_dup(last.get())};
    if (copy) SSL_set_session(ssl, copy.get());
    return session;
}

} // namespace keygate::net
