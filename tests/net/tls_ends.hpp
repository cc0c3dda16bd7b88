#pragma once

#include "net/channels.hpp"
#include "net/tls_context.hpp"
#include "net/tls_tickets.hpp"
#include "support/certificates.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <vector>

// Both ends of TLS connections: ours, and one that does by hand what ours never would.
namespace keygate::net::test {

using support::Certificates;

using ServerRef = std::shared_ptr<const TlsServer>;
using ClientRef = std::shared_ptr<const TlsClient>;

inline constexpr std::string_view no_close_notify = "ended without close_notify";

inline config::ListenerTls tls_of(const std::vector<Certificates::Pair>& pairs) {
    config::ListenerTls settings;
    for (const Certificates::Pair& pair : pairs)
        settings.certificates.push_back(
            {.certificate = pair.certificate, .private_key = pair.key, .place = {}});
    return settings;
}

inline const config::Endpoint somewhere{.host = "127.0.0.1", .port = 8443};

inline Result<ServerRef>
try_server(const config::ListenerTls& settings,
           std::shared_ptr<TlsTickets> tickets = std::make_shared<TlsTickets>(),
           const config::Endpoint& address = somewhere) {
    return TlsServer::make(settings, address, std::move(tickets));
}

inline ServerRef server_of(const config::ListenerTls& settings,
                           std::shared_ptr<TlsTickets> tickets = std::make_shared<TlsTickets>(),
                           const config::Endpoint& address = somewhere) {
    auto made = try_server(settings, std::move(tickets), address);
    BOOST_TEST_REQUIRE(made.has_value(), to_string(made.error()));
    return *made;
}

inline ClientRef client_of(const config::UpstreamTls& settings) {
    auto made = TlsClient::make(settings);
    BOOST_TEST_REQUIRE(made.has_value(), to_string(made.error()));
    return *made;
}

inline config::UpstreamTls trusting(const Certificates& certificates) {
    config::UpstreamTls settings;
    settings.ca = certificates.ca();
    return settings;
}

/// Certificates are slow to make; these are for everybody.
struct Made {
    Certificates authority;
    Certificates::Pair api = authority.make("api", "DNS:api.test,IP:127.0.0.1");
};

inline const Made& made() {
    static const Made once;
    return once;
}

inline ServerRef plain_server() {
    static const ServerRef once = server_of(tls_of({made().api}));
    return once;
}

/// A server's channel and a client's.
struct Pair {
    Pair(Loop& of, const ServerRef& server, const ClientRef& client,
         const std::string& name = "api.test", bool small = false)
        : Pair(of, server, client, name, connected_pair(small)) {}

    Pair(Loop& of, const ServerRef& server, const ClientRef& client, const std::string& name,
         std::pair<int, int> ends)
        : loop(of)
        , theirs(of, ends.second, server->session())
        , ours(of, ends.first, client->session(name), true) {}

    bool shake_hands() {
        const bool is_over = loop.run([this] {
            return (ours.is_open && theirs.channel.tls()->is_established()) || ours.failure ||
                   theirs.failure;
        });
        return is_over && !ours.failure && !theirs.failure;
    }

    Loop& loop;
    End theirs; // the server's
    End ours;
};

/// A client that does by hand what ours never would.
class RawClient {
  public:
    explicit RawClient(int descriptor, int version = 0)
        : descriptor_(descriptor)
        , context_(SSL_CTX_new(TLS_client_method())) {
        std::signal(SIGPIPE, SIG_IGN);
        if (version != 0) SSL_CTX_set_max_proto_version(context_, version);
        ssl_ = SSL_new(context_);
        SSL_set_fd(ssl_, descriptor);
        SSL_set_connect_state(ssl_);
    }

    ~RawClient() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
        close();
    }

    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    [[nodiscard]] SSL* get() const { return ssl_; }

    /// One attempt. True when there is nothing to be waited for: done, or failed.
    bool shake_hands() {
        return is_over([this] { return SSL_do_handshake(ssl_); });
    }

    bool write(std::string_view text) {
        return is_over([&] { return SSL_write(ssl_, text.data(), static_cast<int>(text.size())); });
    }

    /// One record, at most.
    bool read() {
        char space[16 * 1024];
        int count = 0;
        const bool over = is_over([&] { return count = SSL_read(ssl_, space, sizeof space); });
        last.assign(space, static_cast<std::size_t>(std::max(count, 0)));
        received += last;
        return over;
    }

    void shut_down() { BOOST_TEST(SSL_shutdown(ssl_) == 0); } // said, and not answered yet

    void close() {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }

    [[nodiscard]] int descriptor() const { return descriptor_; }

    std::string last;
    std::string received;
    bool has_failed = false;
    std::string reason; // why, in OpenSSL's words

  private:
    template <class Act> bool is_over(Act act) {
        ERR_clear_error();
        const int result = act();
        if (result > 0) return true;
        const int error = SSL_get_error(ssl_, result);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
        has_failed = true;
        if (const char* const text = ERR_reason_error_string(ERR_peek_error())) reason = text;
        return true;
    }

    int descriptor_;
    SSL_CTX* context_;
    SSL* ssl_ = nullptr;
};

/// A raw client in front of a server's channel.
struct RawPair {
    RawPair(Loop& of, const ServerRef& server, int version = 0, bool small = false)
        : RawPair(of, server, version, connected_pair(small)) {}

    RawPair(Loop& of, const ServerRef& server, int version, std::pair<int, int> ends)
        : loop(of)
        , theirs(of, ends.second, server->session())
        , ours(ends.first, version) {}

    /// Until both know how it ended.
    bool shake_hands() {
        bool is_over = false;
        const bool ended = loop.run([&] { return is_over && theirs.calls > 0; },
                                    [&] { is_over = is_over || ours.shake_hands(); });
        return ended && !ours.has_failed;
    }

    bool wait(const std::function<bool()>& holds) { return loop.run(holds); }

    bool read_until(std::size_t size) {
        return loop.run([&] { return ours.received.size() >= size || ours.has_failed; },
                        [&] { ours.read(); });
    }

    Loop& loop;
    End theirs;
    RawClient ours;
};

inline std::string subject_of(RawClient& client) {
    X509* const certificate = SSL_get0_peer_certificate(client.get());
    if (certificate == nullptr) return {};
    char name[64]{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    return name;
}

inline std::string contents_of(const std::string& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

inline std::string text_of(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
    return text;
}

} // namespace keygate::net::test
