// What comes before the first request: PROXY headers and TLS, through real sockets.
#include "support/certificates.hpp"
#include "support/fake_clock.hpp"

#include <boost/test/unit_test.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <thread>

#include "wire/between.hpp"

using namespace keygate;
using namespace std::string_literals;
using support::Certificates;
using support::OriginServer;
using support::RunningGateway;
using support::Socket;
using Pieces = Socket::Pieces;

namespace {

const std::string routes = "      ANY /v1/**: key\n      ANY /open/**: public\n";
const std::string status_page = "status: {address: \"127.0.0.1:0\"}\n";
const std::string from_here = "proxy_protocol: {from: [127.0.0.1/32]}";
const std::string request = "GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string header = "PROXY TCP4 192.0.2.7 198.51.100.9 51234 443\r\n";
const std::string header_2 =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\x00\x02\x07\xc6\x33\x64\x09\xc8\x22\x01\xbb"s;

RunningGateway::Start behind(const OriginServer& origin, const std::string& listener,
                             const std::string& rest = {}) {
    auto start = wire::start_before(origin, routes, status_page + rest);
    start.listener = listener;
    return start;
}

/// The value of a metric, as it stands in the text.
std::string metric(RunningGateway& gateway, const std::string& name) {
    Socket client = Socket::connect(gateway.gateway().status_port());
    client.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    const std::string text = support::body_of(client.receive_answer());
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "(none)";
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
}

/// A metric changes when a worker has come to it.
bool becomes(RunningGateway& gateway, const std::string& name, const std::string& value) {
    for (int i = 0; i < 1'000; ++i) {
        if (metric(gateway, name) == value) return true;
        std::this_thread::yield();
    }
    return false;
}

std::string handshakes(const std::string& result) {
    return "keygate_tls_handshakes_total{result=\"" + result + "\"}";
}

const std::string header_failures = "keygate_proxy_protocol_failures_total";

/// A client that speaks TLS, and waits.
class TlsSocket {
  public:
    struct Wish {
        std::string before{};           // what is sent in clear first
        Certificates::Pair own{};       // to show
        SSL_SESSION* session = nullptr; // to go on with
    };

    TlsSocket(std::uint16_t port, const std::string& ca, const Wish& wish)
        : context_(SSL_CTX_new(TLS_client_method())) {
        std::signal(SIGPIPE, SIG_IGN);
        SSL_CTX_load_verify_file(context_, ca.c_str());
        SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
        if (!wish.own.key.empty()) {
            SSL_CTX_use_certificate_file(context_, wish.own.certificate.c_str(), SSL_FILETYPE_PEM);
            SSL_CTX_use_PrivateKey_file(context_, wish.own.key.c_str(), SSL_FILETYPE_PEM);
        }
        bio_ = BIO_new_connect(("127.0.0.1:" + std::to_string(port)).c_str());
        BOOST_REQUIRE(BIO_do_connect(bio_) == 1);
        BIO_write(bio_, wish.before.data(), static_cast<int>(wish.before.size()));
        ssl_ = SSL_new(context_);
        SSL_set_tlsext_host_name(ssl_, "api.test");
        SSL_set_bio(ssl_, bio_, bio_);
        if (wish.session != nullptr) SSL_set_session(ssl_, wish.session);
        is_open = SSL_connect(ssl_) == 1;
    }

    TlsSocket(std::uint16_t port, const std::string& ca)
        : TlsSocket(port, ca, Wish{}) {}

    ~TlsSocket() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }

    TlsSocket(const TlsSocket&) = delete;
    TlsSocket& operator=(const TlsSocket&) = delete;

    void send(const std::string& text) {
        SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
    }

    /// Up to the blank line, and what the body's length says.
    std::string receive_answer() {
        for (;;) {
            const std::size_t end = pending_.find("\r\n\r\n");
            if (end != std::string::npos) {
                const auto length = support::field_of(pending_, "Content-Length").value_or("0");
                const std::size_t size = end + 4 + std::stoul(length);
                if (pending_.size() >= size) {
                    std::string answer = pending_.substr(0, size);
                    pending_.erase(0, size);
                    return answer;
                }
            }
            if (!read()) return std::exchange(pending_, {});
        }
    }

    std::string ask(const std::string& text = request) {
        send(text);
        return receive_answer();
    }

    /// True where the gateway has said that it ends.
    bool has_ended() {
        while (read()) {
        }
        return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
    }

    [[nodiscard]] SSL* get() const { return ssl_; }

    bool is_open = false;

  private:
    bool read() {
        char space[4096];
        ERR_clear_error();
        const int count = SSL_read(ssl_, space, sizeof space);
        if (count <= 0) return false;
        pending_.append(space, static_cast<std::size_t>(count));
        return true;
    }

    SSL_CTX* context_;
    BIO* bio_ = nullptr;
    SSL* ssl_ = nullptr;
    std::string pending_;
};

/// Of this file's tests.
struct Made {
    Certificates authority;
    Certificates::Pair api = authority.make("api", "DNS:api.test");
    Certificates::Pair client = authority.make("client", "DNS:client.test");
};

const Made& made() {
    static const Made once;
    return once;
}

std::string tls_of(const Certificates::Pair& pair, const std::string& more = {}) {
    return "tls: {certificate: " + pair.certificate + ", private_key: " + pair.key + more + "}";
}

std::string forwarded_for(const OriginServer& origin) {
    return support::field_of(origin.requests().back(), "X-Forwarded-For").value_or("(none)");
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_arrival)

// --- PROXY headers ---

BOOST_AUTO_TEST_CASE(a_proxy_says_who_its_client_is) {
    const OriginServer origin;
    const RunningGateway gateway{behind(origin, from_here)};
    for (const Pieces pieces : {Pieces::whole, Pieces::bytewise})
        for (const std::string& first : {header, header_2}) {
            Socket client = gateway.connect();
            client.send(first + request + request, pieces);
            for (int i = 0; i < 2; ++i) {
                BOOST_TEST(support::status_of(client.receive_answer()) == 200);
                BOOST_TEST(forwarded_for(origin) == "192.0.2.7");
            }
            client.send(request, pieces);
            BOOST_TEST(support::status_of(client.receive_answer()) == 200);
            BOOST_TEST(forwarded_for(origin) == "192.0.2.7");
        }
    Socket own = gateway.connect();
    own.send("PROXY UNKNOWN\r\n" + request);
    BOOST_TEST(support::status_of(own.receive_answer()) == 200);
    BOOST_TEST(forwarded_for(origin) == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(nobody_else_says_who_a_client_is) {
    const OriginServer origin;
    RunningGateway gateway{behind(origin, "proxy_protocol: {from: [127.0.0.2/32, \"::/0\"]}")};
    Socket client = gateway.connect();
    client.send(header + request);
    BOOST_TEST(support::status_of(client.receive_answer()) == 400);
    BOOST_TEST(origin.requests().empty());
    Socket plain = gateway.connect();
    plain.send(request);
    BOOST_TEST(support::status_of(plain.receive_answer()) == 200);
    BOOST_TEST(forwarded_for(origin) == "127.0.0.1");
    Socket proxy = Socket::connect(gateway.port(), "127.0.0.2");
    proxy.send(header + request);
    BOOST_TEST(support::status_of(proxy.receive_answer()) == 200);
    BOOST_TEST(forwarded_for(origin) == "192.0.2.7");
    BOOST_TEST(metric(gateway, header_failures) == "0");
}

BOOST_AUTO_TEST_CASE(a_proxy_that_does_not_say_it_is_closed) {
    const OriginServer origin;
    support::FakeClock clock{std::chrono::sys_days{std::chrono::January / 1 / 2026}};
    auto start = behind(origin, from_here);
    start.clock = &clock;
    RunningGateway gateway{start};
    int failures = 0;
    for (const std::string& bytes :
         {request, "PROXY TCP4 x y 1 2\r\n" + request, "\x16\x03\x01"s}) {
        Socket client = gateway.connect();
        client.send(bytes);
        BOOST_TEST(client.receive_all().empty());
        BOOST_TEST(becomes(gateway, header_failures, std::to_string(++failures)));
    }
    {
        Socket client = gateway.connect();
        client.send(header.substr(0, 20));
        client.end_writing();
        BOOST_TEST(client.receive_all().empty());
        BOOST_TEST(becomes(gateway, header_failures, std::to_string(++failures)));
    }
    // Who only looks whether somebody is here is no failure.
    gateway.connect().close();
    Socket late = gateway.connect();
    Socket silent = gateway.connect();
    late.send(header.substr(0, 20));
    BOOST_TEST(becomes(gateway, "keygate_client_connections", "2"));
    clock.pass(std::chrono::seconds{11});
    BOOST_TEST(late.receive_all().empty());
    BOOST_TEST(silent.receive_all().empty());
    BOOST_TEST(metric(gateway, header_failures) == std::to_string(failures + 2));
    BOOST_TEST(origin.requests().empty());
}

BOOST_AUTO_TEST_CASE(bounds_of_an_address_count_those_whom_a_proxy_tells_of) {
    const OriginServer origin;
    const RunningGateway gateway{behind(
        origin, from_here, "client: {max_connections: 4, max_connections_per_address: 1}\n")};
    const std::string other = "PROXY TCP4 192.0.2.8 198.51.100.9 51234 443\r\n";
    Socket one = gateway.connect();
    one.send(header + request);
    BOOST_TEST(support::status_of(one.receive_answer()) == 200);
    Socket two = gateway.connect();
    two.send(other + request);
    BOOST_TEST(support::status_of(two.receive_answer()) == 200);
    Socket same = gateway.connect();
    same.send(header + request);
    BOOST_TEST(support::reason_of(same.receive_all()) == "overloaded");
    // It has left its place.
    Socket third = gateway.connect();
    third.send("PROXY TCP4 192.0.2.9 198.51.100.9 51234 443\r\n" + request);
    BOOST_TEST(support::status_of(third.receive_answer()) == 200);
    // Those who have said nothing yet have a place, too, and there are but four.
    Socket silent = gateway.connect();
    silent.send(header.substr(0, 10));
    Socket more = gateway.connect();
    BOOST_TEST(support::reason_of(more.receive_all()) == "overloaded");
    one.close();
    for (int i = 0;; ++i) {
        Socket again = gateway.connect();
        again.send(header + request);
        const std::string answer = again.receive_answer();
        if (support::status_of(answer) == 200) break;
        BOOST_TEST_REQUIRE(i < 10'000);
    }
}

// --- TLS ---

BOOST_AUTO_TEST_CASE(requests_come_encrypted_and_answers_go_so) {
    const OriginServer origin;
    RunningGateway gateway{behind(origin, tls_of(made().api))};
    TlsSocket client{gateway.port(), made().authority.ca()};
    BOOST_TEST_REQUIRE(client.is_open);
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(support::status_of(client.ask()) == 200);
        const std::string seen = origin.requests().back();
        BOOST_TEST(support::field_of(seen, "X-Forwarded-Proto").value_or("(none)") == "https");
        BOOST_TEST(!support::field_of(seen, "Client-Cert").has_value());
    }
    BOOST_TEST(support::status_of(client.ask("GET /v1/x HTTP/1.1\r\nHost: a\r\n\r\n")) == 401);
    BOOST_TEST(support::status_of(client.ask("GET /v1/x HTTP/1.1\r\nHost: a\r\n"
                                             "Connection: close\r\nAuthorization: Bearer " +
                                             wire::key + "\r\n\r\n")) == 200);
    BOOST_TEST(client.has_ended());
    BOOST_TEST(metric(gateway, handshakes("full")) == "1");
    BOOST_TEST(metric(gateway, handshakes("resumed")) == "0");
    BOOST_TEST(metric(gateway, handshakes("failed")) == "0");
}

BOOST_AUTO_TEST_CASE(what_is_no_tls_gets_no_answer) {
    const OriginServer origin;
    support::FakeClock clock{std::chrono::sys_days{std::chrono::January / 1 / 2026}};
    auto start = behind(origin, tls_of(made().api));
    start.clock = &clock;
    RunningGateway gateway{start};
    Socket client = gateway.connect();
    client.send(request);
    BOOST_TEST(client.receive_all().find("HTTP/1.1") == std::string::npos);
    client.close();
    BOOST_TEST(becomes(gateway, handshakes("failed"), "1"));
    gateway.connect().close(); // has only looked
    Socket slow = gateway.connect();
    slow.send("\x16\x03\x01");
    Socket silent = gateway.connect();
    BOOST_TEST(becomes(gateway, "keygate_client_connections", "2"));
    clock.pass(std::chrono::seconds{11});
    BOOST_TEST(slow.receive_all().empty());
    BOOST_TEST(silent.receive_all().empty());
    BOOST_TEST(metric(gateway, handshakes("failed")) == "2");
    BOOST_TEST(origin.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_proxy_speaks_before_tls_begins) {
    const OriginServer origin;
    RunningGateway gateway{behind(origin, tls_of(made().api) + ", " + from_here,
                                  "client: {max_connections_per_address: 1}\n")};
    TlsSocket client{gateway.port(), made().authority.ca(), {.before = header_2}};
    BOOST_TEST_REQUIRE(client.is_open);
    BOOST_TEST(support::status_of(client.ask()) == 200);
    BOOST_TEST(forwarded_for(origin) == "192.0.2.7");
    // Who is one too many is not worth a handshake.
    const TlsSocket second{gateway.port(), made().authority.ca(), {.before = header}};
    BOOST_TEST(!second.is_open);
    const TlsSocket inside{gateway.port(), made().authority.ca()};
    BOOST_TEST(!inside.is_open);
    BOOST_TEST(becomes(gateway, header_failures, "1"));
}

BOOST_AUTO_TEST_CASE(the_upstream_sees_the_certificate_of_a_client) {
    const OriginServer origin;
    const std::string clients = ", client_certificates: {ca: " + made().authority.ca();
    RunningGateway gateway{
        behind(origin, tls_of(made().api, clients + ", forward: true, required: false}"))};
    std::string first;
    for (const char* const spoofed : {"", "Client-Cert: :AAAA:\r\n"}) {
        TlsSocket client{gateway.port(), made().authority.ca(), {.own = made().client}};
        BOOST_TEST_REQUIRE(client.is_open);
        BOOST_TEST(support::status_of(client.ask("GET /open/x HTTP/1.1\r\nHost: a\r\n"s + spoofed +
                                                 "\r\n")) == 200);
        const auto told = support::field_of(origin.requests().back(), "Client-Cert").value_or("");
        BOOST_TEST(told.starts_with(":MII"));
        BOOST_TEST(told.ends_with(":"));
        BOOST_TEST(told.size() % 4 == 2U);
        if (!first.empty()) BOOST_TEST(told == first);
        first = told;
    }
    TlsSocket without{gateway.port(), made().authority.ca()};
    BOOST_TEST(support::status_of(without.ask()) == 200);
    BOOST_TEST(!support::field_of(origin.requests().back(), "Client-Cert").has_value());
    gateway.set_listener(tls_of(made().api, clients + "}"));
    BOOST_TEST(
        (gateway.reload(wire::start_before(origin, routes, status_page).configuration).kind ==
         admin::ReloadOutcome::Kind::done));
    TlsSocket client{gateway.port(), made().authority.ca(), {.own = made().client}};
    BOOST_TEST(support::status_of(client.ask()) == 200);
    BOOST_TEST(!support::field_of(origin.requests().back(), "Client-Cert").has_value());
    // In TLS 1.3 a client hears it when it asks.
    TlsSocket refused{gateway.port(), made().authority.ca()};
    BOOST_TEST(refused.ask().empty());
    BOOST_TEST(becomes(gateway, handshakes("failed"), "1"));
}

BOOST_AUTO_TEST_CASE(certificates_change_and_connections_stay) {
    const OriginServer origin;
    RunningGateway gateway{behind(origin, tls_of(made().api))};
    const std::string configuration = wire::start_before(origin, routes, status_page).configuration;
    const Certificates others;
    const Certificates::Pair next = others.make("next", "DNS:api.test");
    TlsSocket before{gateway.port(), made().authority.ca()};
    BOOST_TEST(support::status_of(before.ask()) == 200);
    gateway.set_listener(tls_of({.certificate = next.certificate, .key = made().api.key}));
    const auto refused = gateway.reload(configuration);
    BOOST_TEST((refused.kind == admin::ReloadOutcome::Kind::failed));
    BOOST_TEST_REQUIRE(refused.problems.size() == 1U);
    BOOST_TEST(refused.problems.front().find(made().api.key) != std::string::npos);

    SSL_SESSION* const session = SSL_get1_session(before.get());
    gateway.set_listener(tls_of(next));
    BOOST_TEST((gateway.reload(configuration).kind == admin::ReloadOutcome::Kind::done));
    BOOST_TEST(support::status_of(before.ask()) == 200);
    const TlsSocket old{gateway.port(), made().authority.ca()};
    BOOST_TEST(!old.is_open);
    TlsSocket after{gateway.port(), others.ca()};
    BOOST_TEST(after.is_open);
    BOOST_TEST(support::status_of(after.ask()) == 200);
    // A session outlives the reload.
    TlsSocket again{gateway.port(), made().authority.ca(), {.session = session}};
    SSL_SESSION_free(session);
    BOOST_TEST(again.is_open);
    BOOST_TEST(SSL_session_reused(again.get()) == 1);
    BOOST_TEST(support::status_of(again.ask()) == 200);
    BOOST_TEST(metric(gateway, handshakes("resumed")) == "1");
}

BOOST_AUTO_TEST_SUITE_END()
