#include "net/tls_ends.hpp"
#include "support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

using namespace keygate;
using namespace net::test;
using net::TlsClient;
using net::TlsServer;
using net::TlsTickets;
using net::Transfer;

BOOST_AUTO_TEST_SUITE(net_tls_context)

// --- which certificate ---

BOOST_AUTO_TEST_CASE(a_name_has_its_certificate) {
    const Certificates& authority = made().authority;
    const config::ListenerTls settings = tls_of({
        authority.make("first", "DNS:first.test"),
        authority.make("wild", "DNS:*.example.test,DNS:Upper.Test"),
        authority.make("exact", "DNS:a.example.test"),
        authority.make("common.test", ""),
        authority.make("later", "DNS:first.test,DNS:later.test"),
    });
    config::ListenerTls strict = settings;
    strict.strict_names = true;
    const ServerRef lenient_server = server_of(settings);
    const ServerRef strict_server = server_of(strict);

    struct Row {
        const char* name; // null: none
        const char* certificate;
        bool is_known = true;
    };

    for (const Row& row : {
             Row{"first.test", "first"},
             Row{"FIRST.test", "first"},
             Row{"later.test", "later"},
             Row{"a.example.test", "exact"},
             Row{"b.example.test", "wild"},
             Row{"B.EXAMPLE.TEST", "wild"},
             Row{"upper.test", "wild"},
             Row{"common.test", "common.test"},
             Row{"example.test", "first", false},
             Row{"a.b.example.test", "first", false},
             Row{"*.example.test", "wild"},
             Row{".example.test", "first", false},
             Row{"wild", "first", false}, // a common name beside others counts for nothing
             Row{"unknown", "first", false},
             Row{nullptr, "first", false},
         })
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            BOOST_TEST_CONTEXT((row.name == nullptr ? "no name" : row.name)) {
                Loop loop;
                RawPair pair{loop, lenient_server, version};
                RawPair strictly{loop, strict_server, version};
                for (RawPair* const one : {&pair, &strictly})
                    if (row.name != nullptr) SSL_set_tlsext_host_name(one->ours.get(), row.name);
                BOOST_TEST(pair.shake_hands());
                BOOST_TEST(subject_of(pair.ours) == row.certificate);
                BOOST_TEST(strictly.shake_hands() == row.is_known);
                if (!row.is_known) BOOST_TEST(strictly.ours.reason == "tlsv1 unrecognized name");
            }
        }
}

BOOST_AUTO_TEST_CASE(a_client_gets_the_kind_of_key_that_it_knows) {
    const Certificates& authority = made().authority;
    const ServerRef server = server_of(
        tls_of({authority.make("both-ec", "DNS:both.test"),
                authority.make("both-rsa", "DNS:both.test", 30, Certificates::Key::rsa)}));
    for (const bool is_rsa : {false, true}) {
        Loop loop;
        RawPair pair{loop, server, TLS1_2_VERSION};
        SSL_set_cipher_list(pair.ours.get(), is_rsa ? "ECDHE-RSA-AES128-GCM-SHA256"
                                                    : "ECDHE-ECDSA-AES128-GCM-SHA256");
        BOOST_TEST(pair.shake_hands());
        BOOST_TEST(subject_of(pair.ours) == (is_rsa ? "both-rsa" : "both-ec"));
    }
}

// --- the servers of an upstream ---

BOOST_AUTO_TEST_CASE(a_server_is_who_it_should_be) {
    const Certificates others;
    const Certificates& authority = made().authority;
    const auto by_ip = authority.make("by-ip", "IP:127.0.0.1,IP:::1");
    const auto expired = authority.make("expired", "DNS:api.test", -1);
    const auto foreign = others.make("foreign", "DNS:api.test");
    const auto wild = authority.make("wildcard", "DNS:*.api.test,DNS:p*.other.test");

    struct Row {
        Certificates::Pair pair;
        std::string name;
        std::string problem; // empty: none
    };

    const std::string failed = "certificate verify failed: ";
    for (const Row& row : {
             Row{made().api, "api.test", ""},
             Row{made().api, "API.test", ""},
             Row{made().api, "127.0.0.1", ""},
             Row{by_ip, "127.0.0.1", ""},
             Row{by_ip, "::1", ""},
             Row{by_ip, "127.0.0.2", failed + "IP address mismatch"},
             Row{made().api, "other.test", failed + "hostname mismatch"},
             Row{made().api, "api", failed + "hostname mismatch"},
             Row{wild, "a.api.test", ""},
             Row{wild, "api.test", failed + "hostname mismatch"},
             Row{wild, "a.b.api.test", failed + "hostname mismatch"},
             Row{wild, "part.other.test", failed + "hostname mismatch"},
             Row{expired, "api.test", failed + "certificate has expired"},
             Row{foreign, "api.test", failed + "unable to get local issuer certificate"},
         }) {
        BOOST_TEST_CONTEXT(row.name << " " << row.pair.certificate) {
            Loop loop;
            Pair pair{loop, server_of(tls_of({row.pair})), client_of(trusting(authority)),
                      row.name};
            BOOST_TEST(pair.shake_hands() == row.problem.empty());
            BOOST_TEST(pair.ours.problem == row.problem);
            if (row.problem.empty())
                BOOST_TEST(pair.theirs.channel.tls()->server_name() ==
                           (row.name.find_first_of("1:") == row.name.npos ? row.name : ""));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_server_that_speaks_no_tls_is_told_apart) {
    Loop loop;
    const auto ends = connected_pair();
    const ClientRef client = client_of(trusting(made().authority));
    End ours{loop, ends.first, client->session("api.test"), true};
    BOOST_TEST(::send(ends.second, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, 0) == 28);
    BOOST_TEST(loop.run([&] { return ours.failure.has_value(); }));
    BOOST_TEST(ours.problem == "wrong version number");
    ::close(ends.second);

    const auto others = connected_pair();
    End cut{loop, others.first, client->session("api.test"), true};
    BOOST_TEST_REQUIRE(loop.run([&] { return cut.calls > 0; }));
    ::close(others.second);
    BOOST_TEST(loop.run([&] { return cut.failure.has_value(); }));
    BOOST_TEST(!cut.problem.empty());
}

BOOST_AUTO_TEST_CASE(authorities_of_the_system_count_where_none_are_given) {
    Loop loop;
    Pair pair{loop, plain_server(), client_of({})};
    BOOST_TEST(!pair.shake_hands());
    BOOST_TEST(pair.ours.problem ==
               "certificate verify failed: unable to get local issuer certificate");
}

// --- the clients of a listener ---

BOOST_AUTO_TEST_CASE(clients_show_their_certificates) {
    const Certificates others;
    const Certificates& authority = made().authority;
    const auto good = authority.make("client", "DNS:client.test");
    const auto foreign = others.make("stranger", "DNS:client.test");
    const auto expired = authority.make("old-client", "DNS:client.test", -1);
    const std::string failed = "certificate verify failed: ";

    struct Row {
        const Certificates::Pair* pair; // null: none
        bool required;
        std::string problem; // of the server
    };

    for (const Row& row : {Row{&good, true, ""}, Row{&good, false, ""}, Row{nullptr, false, ""},
                           Row{nullptr, true, "peer did not return a certificate"},
                           Row{&foreign, true, failed + "unable to get local issuer certificate"},
                           Row{&foreign, false, failed + "unable to get local issuer certificate"},
                           Row{&expired, true, failed + "certificate has expired"},
                           Row{&expired, false, failed + "certificate has expired"}})
        for (const auto version : {config::TlsVersion::tls_1_2, config::TlsVersion::tls_1_3}) {
            config::ListenerTls settings = tls_of({made().api});
            settings.min_version = version;
            settings.client_certificates.emplace();
            settings.client_certificates->ca = authority.ca();
            settings.client_certificates->required = row.required;
            config::UpstreamTls client = trusting(authority);
            if (row.pair != nullptr) {
                client.certificate = row.pair->certificate;
                client.private_key = row.pair->key;
            }
            Loop loop;
            Pair pair{loop, server_of(settings), client_of(client)};
            const bool is_over = loop.run(
                [&] { return pair.theirs.failure || pair.theirs.channel.tls()->is_established(); });
            BOOST_TEST(is_over);
            BOOST_TEST(pair.theirs.problem == row.problem);
            if (row.problem.empty()) {
                const std::string der = pair.theirs.channel.tls()->peer_certificate();
                BOOST_TEST(der.empty() == (row.pair == nullptr));
                if (row.pair == nullptr) continue;
                const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
                X509* const read = d2i_X509(nullptr, &bytes, static_cast<long>(der.size()));
                BOOST_TEST_REQUIRE(read != nullptr);
                char name[64]{};
                X509_NAME_get_text_by_NID(X509_get_subject_name(read), NID_commonName, name,
                                          sizeof name);
                BOOST_TEST(std::string{name} == "client");
                X509_free(read);
                continue;
            }
            BOOST_TEST(pair.theirs.channel.tls()->peer_certificate().empty());
            // It is told why, and nothing that it sends is read.
            pair.theirs.channel.close();
            BOOST_TEST(loop.run([&] { return pair.ours.failure.has_value(); }));
            BOOST_TEST(pair.ours.problem.find("alert") != std::string::npos);
        }
}

// --- going on with a session ---

namespace {

/// Whether a second connection of one client goes on with the session of the first.
bool goes_on(const ServerRef& first, const ServerRef& second, const ClientRef& client,
             const std::string& second_name = "api.test") {
    Loop loop;
    {
        Pair pair{loop, first, client};
        BOOST_TEST_REQUIRE(pair.shake_hands(), pair.ours.problem + pair.theirs.problem);
        BOOST_TEST(pair.theirs.out.send({"data"}));
        BOOST_TEST_REQUIRE(loop.run([&] { return pair.ours.received == "data"; }));
        pair.ours.channel.reset(); // breaks: others go on all the same
    }
    Pair pair{loop, second, client, second_name};
    BOOST_TEST_REQUIRE(pair.shake_hands(), pair.ours.problem + pair.theirs.problem);
    BOOST_TEST(pair.theirs.channel.tls()->is_resumed() == pair.ours.channel.tls()->is_resumed());
    return pair.theirs.channel.tls()->is_resumed();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_session_goes_on_where_it_was_begun) {
    const Certificates& authority = made().authority;
    const auto tickets = std::make_shared<TlsTickets>();
    const auto client = authority.make("going-on", "DNS:client.test");
    const auto two = authority.make("two", "DNS:api.test,DNS:two.test");
    for (const auto version : {config::TlsVersion::tls_1_2, config::TlsVersion::tls_1_3}) {
        config::ListenerTls open = tls_of({two});
        open.min_version = version;
        config::ListenerTls asking = open;
        asking.client_certificates.emplace();
        asking.client_certificates->ca = authority.ca();
        asking.client_certificates->required = false;
        config::ListenerTls demanding = asking;
        demanding.client_certificates->required = true;
        config::ListenerTls picky = open;
        picky.ciphers = "ECDHE+AESGCM";
        config::UpstreamTls settings = trusting(authority);
        const auto fresh = [&settings] { return client_of(settings); };
        // The same one, and another one made alike: as after a reload.
        BOOST_TEST(goes_on(server_of(open, tickets), server_of(open, tickets), fresh()));
        BOOST_TEST(!goes_on(server_of(open, tickets), server_of(open), fresh()));
        BOOST_TEST(!goes_on(server_of(open, tickets),
                            server_of(open, tickets, {.host = "127.0.0.1", .port = 9443}),
                            fresh()));
        BOOST_TEST(!goes_on(server_of(open, tickets), server_of(asking, tickets), fresh()));
        BOOST_TEST(!goes_on(server_of(open, tickets), server_of(picky, tickets), fresh()));
        // By names the client keeps them apart.
        BOOST_TEST(
            !goes_on(server_of(open, tickets), server_of(open, tickets), fresh(), "two.test"));
        settings.certificate = client.certificate;
        settings.private_key = client.key;
        BOOST_TEST(goes_on(server_of(demanding, tickets), server_of(demanding, tickets), fresh()));
        BOOST_TEST(!goes_on(server_of(open, tickets), server_of(demanding, tickets), fresh()));
        BOOST_TEST(!goes_on(server_of(asking, tickets), server_of(demanding, tickets), fresh()));
    }
}

BOOST_AUTO_TEST_CASE(who_has_shown_a_certificate_has_it_when_the_session_goes_on) {
    const Certificates& authority = made().authority;
    const auto client = authority.make("again", "DNS:client.test");
    config::ListenerTls settings = tls_of({made().api});
    settings.client_certificates.emplace();
    settings.client_certificates->ca = authority.ca();
    config::UpstreamTls ours = trusting(authority);
    ours.certificate = client.certificate;
    ours.private_key = client.key;
    const ServerRef server = server_of(settings);
    const ClientRef one = client_of(ours);
    std::string first;
    for (const bool is_second : {false, true}) {
        Loop loop;
        Pair pair{loop, server, one};
        BOOST_TEST_REQUIRE(pair.shake_hands());
        BOOST_TEST(pair.theirs.channel.tls()->is_resumed() == is_second);
        const std::string der = pair.theirs.channel.tls()->peer_certificate();
        BOOST_TEST(!der.empty());
        if (is_second) BOOST_TEST((der == first));
        first = der;
        BOOST_TEST(pair.theirs.out.send({"data"}));
        BOOST_TEST(loop.run([&] { return pair.ours.received == "data"; }));
    }
}

BOOST_AUTO_TEST_CASE(keys_of_tickets_change) {
    TlsTickets tickets;
    const auto start = std::chrono::steady_clock::now();
    std::array<unsigned char, 16> iv{};
    const auto seal = [&](SteadyTime now) {
        TlsTickets::Name name{};
        EVP_CIPHER_CTX* const cipher = EVP_CIPHER_CTX_new();
        EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
        EVP_MAC_CTX* const mac = EVP_MAC_CTX_new(hmac);
        BOOST_TEST(tickets.seal(name, iv.data(), cipher, mac, now));
        EVP_MAC_CTX_free(mac);
        EVP_MAC_free(hmac);
        EVP_CIPHER_CTX_free(cipher);
        return name;
    };
    const auto open = [&](const TlsTickets::Name& name, SteadyTime now) {
        EVP_CIPHER_CTX* const cipher = EVP_CIPHER_CTX_new();
        EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
        EVP_MAC_CTX* const mac = EVP_MAC_CTX_new(hmac);
        const auto opened = tickets.open(name, iv.data(), cipher, mac, now);
        EVP_MAC_CTX_free(mac);
        EVP_MAC_free(hmac);
        EVP_CIPHER_CTX_free(cipher);
        return opened;
    };
    using Opened = TlsTickets::Opened;
    using std::chrono::minutes;
    const auto first = seal(start);
    BOOST_TEST((seal(start + minutes{59}) == first));
    BOOST_TEST((open(first, start + minutes{59}) == Opened::yes));
    const auto second = seal(start + minutes{61});
    BOOST_TEST((second != first));
    BOOST_TEST((open(first, start + minutes{61}) == Opened::is_old));
    BOOST_TEST((open(second, start + minutes{61}) == Opened::yes));
    const auto third = seal(start + minutes{122});
    BOOST_TEST((open(second, start + minutes{122}) == Opened::is_old));
    BOOST_TEST((open(first, start + minutes{122}) == Opened::unknown));
    // After a long silence none of them opens anything.
    BOOST_TEST((open(third, start + minutes{1'000}) == Opened::unknown));
    BOOST_TEST((open({}, start + minutes{1'000}) == Opened::unknown));
}

// --- files ---

BOOST_AUTO_TEST_CASE(what_cannot_be_used_says_which_file_it_is) {
    const Certificates& authority = made().authority;
    const support::TempFolder folder;
    const auto other = authority.make("other", "DNS:other.test");
    const auto rsa = authority.make("an-rsa", "DNS:other.test", 30, Certificates::Key::rsa);
    const std::string open_key = folder.write("open.key", contents_of(made().api.key));
    ::chmod(open_key.c_str(), 0644);
    const auto closed = [&](const std::string& name, const std::string& text) {
        std::string file = folder.write(name, text);
        ::chmod(file.c_str(), 0600);
        return file;
    };
    const std::string text_file = closed("text.pem", "no certificate\n");
    const std::string cut =
        closed("cut.pem", contents_of(made().api.certificate) +
                              contents_of(authority.ca()).substr(0, 200) + "\n");
    const std::string locked =
        closed("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                             "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgwfPLRGbvNQAICCAAw\n"
                             "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAlG5t9wSdIRDaaRBVwKHdkEgZA=\n"
                             "-----END ENCRYPTED PRIVATE KEY-----\n");

    struct Row {
        Certificates::Pair pair;
        std::string step;
    };

    for (const Row& row : {
             Row{{"/nowhere/a.crt", made().api.key}, "read certificate /nowhere/a.crt"},
             Row{{text_file, made().api.key}, "read certificate " + text_file},
             Row{{cut, made().api.key}, "read certificate " + cut},
             Row{{made().api.certificate, "/nowhere/a.key"},
                 "read private key file /nowhere/a.key"},
             Row{{made().api.certificate, text_file}, "read private key file " + text_file},
             Row{{made().api.certificate, locked}, "read private key file " + locked},
             Row{{made().api.certificate, open_key},
                 "read private key file " + open_key +
                     " (others can read or change it; chmod 600 it)"},
             Row{{made().api.certificate, other.key},
                 "read private key file " + other.key + " (of certificate " +
                     made().api.certificate + ")"},
             Row{{made().api.certificate, rsa.key},
                 "read private key file " + rsa.key + " (of certificate " + made().api.certificate +
                     ")"},
         }) {
        const auto server = try_server(tls_of({other, row.pair}));
        BOOST_TEST_REQUIRE(server.has_error());
        BOOST_TEST(server.error().step == row.step);
        BOOST_TEST(!server.error().error.message().empty());
        config::UpstreamTls upstream = trusting(authority);
        upstream.certificate = row.pair.certificate;
        upstream.private_key = row.pair.key;
        const auto client = TlsClient::make(upstream);
        BOOST_TEST_REQUIRE(client.has_error());
        BOOST_TEST(client.error().step == row.step);
    }

    config::ListenerTls settings = tls_of({other});
    settings.client_certificates.emplace();
    settings.client_certificates->ca = text_file;
    BOOST_TEST(try_server(settings).error().step == "read CA file " + text_file);
    settings.client_certificates->ca = "/nowhere/ca.pem";
    BOOST_TEST(try_server(settings).error().step == "read CA file /nowhere/ca.pem");
    settings = tls_of({other});
    settings.ciphers = "NONSENSE";
    BOOST_TEST(try_server(settings).error().step == "use ciphers NONSENSE");
    config::UpstreamTls upstream;
    upstream.ca = text_file;
    BOOST_TEST(TlsClient::make(upstream).error().step == "read CA file " + text_file);
}

BOOST_AUTO_TEST_CASE(an_expired_certificate_is_served_with_a_warning) {
    const auto expired = made().authority.make("gone", "DNS:gone.test", -1);
    const ServerRef server = server_of(tls_of({made().api, expired}));
    BOOST_TEST_REQUIRE(server->warnings().size() == 1U);
    BOOST_TEST(server->warnings().front().starts_with("certificate " + expired.certificate +
                                                      " has expired at 2"));
    BOOST_TEST(plain_server()->warnings().empty());
}

BOOST_AUTO_TEST_CASE(those_that_lead_to_a_root_are_sent_too) {
    const support::TempFolder folder;
    const auto leaf = made().authority.make("chained", "DNS:api.test");
    const std::string both = folder.write("chain.pem", contents_of(leaf.certificate) +
                                                           contents_of(made().authority.ca()));
    Loop loop;
    RawPair pair{loop, server_of(tls_of({{both, leaf.key}}))};
    BOOST_TEST_REQUIRE(pair.shake_hands());
    BOOST_TEST(sk_X509_num(SSL_get_peer_cert_chain(pair.ours.get())) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
