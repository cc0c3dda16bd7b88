#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "mistake_rows.hpp"
#include "printed.hpp"

namespace {

using namespace keygate;
using namespace std::chrono_literals;

/// The good configuration with these members in its listener.
std::string with_listener(const std::string& members) {
    return test::edited("  - address: \"127.0.0.1:8080\"",
                        "  - {address: \"127.0.0.1:8080\", " + members + "}");
}

/// … and with these lines beside it.
std::string with(const std::string& lines) {
    return test::edited("via: keygate", lines);
}

config::Settings read(const std::string& text, const std::string& file = "etc/keygate.yaml") {
    const auto loaded = config::load(text, file, test::world());
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    return *loaded.settings;
}

/// What is printed, from one name of the first level to another, of what must load as the same.
std::string printed(const std::string& text, const std::string& from, const std::string& to,
                    const test::Table& variables = {}) {
    const std::string all = test::printed_twice(text, "etc/keygate.yaml", variables);
    const std::size_t begin = all.find("\n" + from + ":") + 1;
    return all.substr(begin, all.find("\n" + to + ":") + 1 - begin);
}

// clang-format off
const std::vector<test::MistakeRow> rows{
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {}})~",
     "4:33: listeners[0].tls: `certificate` and `private_key`, or `certificates`, are missing"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: yes})~",
     "4:38: listeners[0].tls: found `yes`; expected a mapping"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: a.crt}})~",
     "4:39: listeners[0].tls.certificate: `private_key` is missing: a certificate needs its key"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {private_key: a.key}})~",
     "4:39: listeners[0].tls.private_key: `certificate` is missing: a key needs its certificate"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: [], private_key: }})~",
     R"~(4:52: listeners[0].tls.certificate: found a list; expected a path (quote a text that begins with `[` or `{`)
4:56: listeners[0].tls.private_key: found nothing; expected a path)~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificates: []}})~",
     "4:53: listeners[0].tls.certificates: at least one certificate is needed"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificates: a.crt}})~",
     "4:53: listeners[0].tls.certificates: found `a.crt`; expected a list such as [{certificate: a.crt, private_key: a.key}]"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificates: [{certificate: a.crt}, {private_key: a.key}, {certificate: a.crt, private_key: b.key, chain: c}, a.crt]}})~",
     R"~(4:54: listeners[0].tls.certificates[0]: `private_key` is missing
4:76: listeners[0].tls.certificates[1]: `certificate` is missing
4:112: listeners[0].tls.certificates[2].certificate: `a.crt` is listed twice
4:139: listeners[0].tls.certificates[2].chain: unknown name `chain`; allowed: certificate, private_key
4:150: listeners[0].tls.certificates[3]: found `a.crt`; expected a mapping)~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: a.crt, private_key: a.key, certificates: [{certificate: b.crt, private_key: b.key}]}})~",
     "4:79: listeners[0].tls.certificates: one certificate is written as `certificate` and `private_key`, several are in this list; expected one of them"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {private_key: a.key, certificates: []}})~",
     R"~(4:39: listeners[0].tls.private_key: `certificate` is missing: a key needs its certificate
4:59: listeners[0].tls.certificates: one certificate is written as `certificate` and `private_key`, several are in this list; expected one of them)~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: a.crt, private_key: a.key, min_version: "1.1", ciphers: "a b", strict_names: 1, client_certificates: {}, alpn: h2}})~",
     R"~(4:92: listeners[0].tls.min_version: found `1.1`; expected one of: 1.2, 1.3; did you mean `1.2`?
4:108: listeners[0].tls.ciphers: found `a b`; expected a list of ciphers as openssl-ciphers(1) knows it, such as ECDHE+AESGCM
4:129: listeners[0].tls.strict_names: found `1`; expected true or false
4:132: listeners[0].tls.client_certificates: `ca` is missing
4:157: listeners[0].tls.alpn: unknown name `alpn`; allowed: certificate, private_key, certificates, min_version, ciphers, strict_names, client_certificates)~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: a.crt, private_key: a.key, min_version: TLSv1.3, ciphers: []}})~",
     R"~(4:92: listeners[0].tls.min_version: found `TLSv1.3`; expected one of: 1.2, 1.3
4:110: listeners[0].tls.ciphers: found a list; expected a list of ciphers as openssl-ciphers(1) knows it, such as ECDHE+AESGCM (quote a text that begins with `[` or `{`))~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: a.crt, private_key: a.key, min_version: "1.3", ciphers: "ECDHE+AESGCM"}})~",
     "4:99: listeners[0].tls.ciphers: is about TLS 1.2, which `min_version` does not allow"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: a.crt, private_key: a.key, client_certificates: {ca: , required: maybe, forward: no, depth: 2}}})~",
     R"~(4:101: listeners[0].tls.client_certificates.ca: found nothing; expected a path
4:117: listeners[0].tls.client_certificates.required: found `maybe`; expected true or false
4:133: listeners[0].tls.client_certificates.forward: found `no`; expected true or false
4:137: listeners[0].tls.client_certificates.depth: unknown name `depth`; allowed: ca, required, forward)~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", tls: {certificate: a.crt, private_key: a.key, client_certificates: ca.pem}})~",
     "4:100: listeners[0].tls.client_certificates: found `ca.pem`; expected a mapping"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", proxy_protocol: true})~",
     "4:49: listeners[0].proxy_protocol: found `true`; expected a mapping"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", proxy_protocol: {}})~",
     "4:33: listeners[0].proxy_protocol: `from` is missing"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", proxy_protocol: {from: [], version: 2}})~",
     R"~(4:56: listeners[0].proxy_protocol.from: lists no network; leave `proxy_protocol` out
4:60: listeners[0].proxy_protocol.version: unknown name `version`; allowed: from)~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", proxy_protocol: {from: 10.0.0.0/8}})~",
     R"~(4:56: listeners[0].proxy_protocol.from: found `10.0.0.0/8`; expected a list of networks such as [10.0.0.0/8, "fd00::/8"])~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", proxy_protocol: {from: [10.0.0.1/8, 10.0.0.0/33, localhost, "fd00::/129", 10.0.0.0/8, 10.0.0.0/8, "::ffff:10.0.0.0/104"]}})~",
     R"~(4:57: listeners[0].proxy_protocol.from[0]: found `10.0.0.1/8`; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24 with nothing behind the mask
4:69: listeners[0].proxy_protocol.from[1]: found `10.0.0.0/33`; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24 with nothing behind the mask
4:82: listeners[0].proxy_protocol.from[2]: found `localhost`; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24 with nothing behind the mask
4:93: listeners[0].proxy_protocol.from[3]: found `fd00::/129`; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24 with nothing behind the mask
4:119: listeners[0].proxy_protocol.from[5]: `10.0.0.0/8` is listed twice
4:131: listeners[0].proxy_protocol.from[6]: `::ffff:10.0.0.0/104` is listed twice)~"},
    {R"~(  - address: "127.0.0.1:8080")~",
     R"~(  - {address: "127.0.0.1:8080", proxy-protocol: {}})~",
     "4:33: listeners[0].proxy-protocol: unknown name `proxy-protocol`; allowed: address, tls, proxy_protocol; did you mean `proxy_protocol`?"},
    {"via: keygate",
     "trusted_proxies: []",
     "12:18: trusted_proxies: lists no network; leave `trusted_proxies` out"},
    {"via: keygate",
     R"~(trusted_proxies: "*")~",
     R"~(12:18: trusted_proxies: found `*`; expected a list of networks such as [10.0.0.0/8, "fd00::/8"])~"},
    {"via: keygate",
     R"~(trusted_proxies: [10.0.0.1, 10.0.0.1/32, "fd00::1/64", 10.0.0, {}])~",
     R"~(12:29: trusted_proxies[1]: `10.0.0.1/32` is listed twice
12:42: trusted_proxies[2]: found `fd00::1/64`; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24 with nothing behind the mask
12:56: trusted_proxies[3]: found `10.0.0`; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24 with nothing behind the mask
12:64: trusted_proxies[4]: found a mapping; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24 with nothing behind the mask)~"},
    {"via: keygate",
     "trusted_proxy: [10.0.0.1]",
     "12:1: trusted_proxy: unknown name `trusted_proxy`; allowed: version, threads, listeners, trusted_proxies, forwarded, proxy_status, dns, client, store, peppers, admin, status, log, drain, identity, via, apis; did you mean `trusted_proxies`?"},
    {"via: keygate",
     "forwarded: {from: x-forwarded-for, chain: apend, fields: x-forwardd, trust: []}",
     R"~(12:19: forwarded.from: found `x-forwarded-for`; expected one of: X-Forwarded-For, Forwarded, X-Real-IP; did you mean `X-Forwarded-For`?
12:43: forwarded.chain: found `apend`; expected one of: append, replace; did you mean `append`?
12:58: forwarded.fields: found `x-forwardd`; expected one of: x-forwarded, forwarded, both, none; did you mean `x-forwarded`?
12:70: forwarded.trust: unknown name `trust`; allowed: from, chain, fields)~"},
    {"via: keygate",
     "forwarded: [from]",
     "12:12: forwarded: found a list; expected a mapping"},
    {"via: keygate",
     "proxy_status: error",
     "12:15: proxy_status: found `error`; expected one of: errors, all, off; did you mean `errors`?"},
    {"via: keygate",
     "proxy_status: []",
     "12:15: proxy_status: found a list; expected one of: errors, all, off"},
    {"via: keygate",
     "dns: {servers: [], timeout: 61s, min_refresh: 0s, max_refresh: 2d, cache: 1}",
     R"~(12:16: dns.servers: lists no server; leave `servers` out to ask those of the system
12:29: dns.timeout: found `61s`; expected a duration from 1ms to 1m with its unit (ms, s, m, h, d)
12:47: dns.min_refresh: found `0s`; expected a duration from 10ms to 1h with its unit (ms, s, m, h, d)
12:64: dns.max_refresh: found `2d`; expected a duration from 10ms to 1d with its unit (ms, s, m, h, d)
12:68: dns.cache: unknown name `cache`; allowed: servers, timeout, min_refresh, max_refresh)~"},
    {"via: keygate",
     R"~(dns: {servers: [10.0.0.2, "10.0.0.2:0", "ns.example:53", "[::1]:53", "[::1]:53"], min_refresh: 2m, max_refresh: 1m})~",
     R"~(12:17: dns.servers[0]: found `10.0.0.2`; expected an IP address and a port, such as 10.0.0.2:53 or [fd00::2]:53
12:27: dns.servers[1]: found `10.0.0.2:0`; expected an IP address and a port, such as 10.0.0.2:53 or [fd00::2]:53
12:41: dns.servers[2]: found `ns.example:53`; expected an IP address and a port, such as 10.0.0.2:53 or [fd00::2]:53
12:70: dns.servers[4]: `[::1]:53` is listed twice
12:113: dns.max_refresh: `1m` is less than `min_refresh`, which is 2m)~"},
    {"via: keygate",
     R"~(dns: {servers: "10.0.0.2:53"})~",
     R"~(12:16: dns.servers: found `10.0.0.2:53`; expected a list of name servers such as ["10.0.0.2:53"])~"},
    {"via: keygate",
     "dns: 10.0.0.2",
     "12:6: dns: found `10.0.0.2`; expected a mapping"},
};

// clang-format on

} // namespace

BOOST_AUTO_TEST_SUITE(config_network)

BOOST_AUTO_TEST_CASE(each_setting_of_a_listener_is_set) {
    const config::Settings settings = read(test::edited("  - address: \"127.0.0.1:8080\"", R"~(
  - address: "127.0.0.1:8080"
    tls:
      certificates: [{certificate: a.crt, private_key: tls/a.key}, {private_key: /b.key, certificate: /b.crt}]
      min_version: 1.2
      ciphers: "ECDHE+AESGCM:!aNULL"
      strict_names: true
      client_certificates: {ca: clients.pem, required: false, forward: true}
    proxy_protocol: {from: [10.0.0.0/8, "::1"]}
  - {address: "127.0.0.1:8081", tls: {certificate: a.crt, private_key: a.key, min_version: "1.3"}}
  - address: "127.0.0.1:8082")~"));
    BOOST_TEST_REQUIRE(settings.listeners.size() == 3U);
    const config::Listener& first = settings.listeners[0];
    BOOST_TEST(first.place.line == 5);
    BOOST_TEST_REQUIRE(first.tls.has_value());
    BOOST_TEST_REQUIRE(first.tls->certificates.size() == 2U);
    BOOST_TEST(first.tls->certificates[0].certificate == "etc/a.crt");
    BOOST_TEST(first.tls->certificates[0].private_key == "etc/tls/a.key");
    BOOST_TEST(first.tls->certificates[1].certificate == "/b.crt");
    BOOST_TEST(first.tls->certificates[1].private_key == "/b.key");
    BOOST_TEST(first.tls->certificates[1].place.line == 7);
    BOOST_TEST((first.tls->min_version == config::TlsVersion::tls_1_2));
    BOOST_TEST(first.tls->ciphers == "ECDHE+AESGCM:!aNULL");
    BOOST_TEST(first.tls->strict_names);
    BOOST_TEST_REQUIRE(first.tls->client_certificates.has_value());
    BOOST_TEST(first.tls->client_certificates->ca == "etc/clients.pem");
    BOOST_TEST(!first.tls->client_certificates->required);
    BOOST_TEST(first.tls->client_certificates->forward);
    BOOST_TEST(first.proxy_protocol == (std::vector<std::string>{"10.0.0.0/8", "::1"}),
               boost::test_tools::per_element());

    const config::Listener& second = settings.listeners[1];
    BOOST_TEST_REQUIRE(second.tls.has_value());
    BOOST_TEST_REQUIRE(second.tls->certificates.size() == 1U);
    BOOST_TEST(second.tls->certificates[0].certificate == "etc/a.crt");
    BOOST_TEST(second.tls->certificates[0].private_key == "etc/a.key");
    BOOST_TEST((second.tls->min_version == config::TlsVersion::tls_1_3));
    BOOST_TEST(second.tls->ciphers == "");
    BOOST_TEST(!second.tls->strict_names);
    BOOST_TEST(!second.tls->client_certificates.has_value());
    BOOST_TEST(second.proxy_protocol.empty());
    BOOST_TEST(!settings.listeners[2].tls.has_value());
    const config::Settings asking =
        read(with_listener("tls: {certificate: a, private_key: b, client_certificates: {ca: c}}"));
    BOOST_TEST(asking.listeners[0].tls->client_certificates->required);
    BOOST_TEST(!asking.listeners[0].tls->client_certificates->forward);
}

BOOST_AUTO_TEST_CASE(who_is_trusted_and_what_is_told_is_set) {
    using Forwarded = config::Forwarded;
    const config::Settings settings =
        read(with("trusted_proxies: [10.0.0.0/8, \"fd00::/8\", 192.0.2.7, 0.0.0.0/0]\n"
                  "forwarded: {from: X-Real-IP, chain: replace, fields: both}\n"
                  "proxy_status: all\n"));
    BOOST_TEST(settings.forwarded.trusted ==
                   (std::vector<std::string>{"10.0.0.0/8", "fd00::/8", "192.0.2.7", "0.0.0.0/0"}),
               boost::test_tools::per_element());
    BOOST_TEST((settings.forwarded.from == Forwarded::From::x_real_ip));
    BOOST_TEST((settings.forwarded.chain == Forwarded::Chain::replace));
    BOOST_TEST((settings.forwarded.fields == Forwarded::Fields::both));
    BOOST_TEST((settings.proxy_status == config::ProxyStatus::all));

    const config::Settings plain = read(std::string{test::good_text});
    BOOST_TEST(plain.forwarded.trusted.empty());
    BOOST_TEST((plain.forwarded.from == Forwarded::From::x_forwarded_for));
    BOOST_TEST((plain.forwarded.chain == Forwarded::Chain::append));
    BOOST_TEST((plain.forwarded.fields == Forwarded::Fields::x_forwarded));
    BOOST_TEST((plain.proxy_status == config::ProxyStatus::errors));
}

BOOST_AUTO_TEST_CASE(how_names_are_looked_up_is_set) {
    const config::Dns dns = read(with("dns: {servers: [\"127.0.0.1:5353\", \"[fd00::2]:53\"], "
                                      "timeout: 500ms, min_refresh: 10ms, max_refresh: 1h}"))
                                .dns;
    BOOST_TEST_REQUIRE(dns.servers.size() == 2U);
    BOOST_TEST(dns.servers[0].port == 5353);
    BOOST_TEST(dns.servers[1].host == "fd00::2");
    BOOST_TEST((dns.timeout == 500ms));
    BOOST_TEST((dns.min_refresh == 10ms));
    BOOST_TEST((dns.max_refresh == 1h));
    // One that is written takes along the default that it would be at odds with.
    BOOST_TEST((read(with("dns: {min_refresh: 5m}")).dns.max_refresh == 5min));
    BOOST_TEST((read(with("dns: {max_refresh: 20ms}")).dns.min_refresh == 20ms));
}

BOOST_AUTO_TEST_CASE(each_mistake_is_told_with_its_place_and_what_is_allowed) {
    test::check_mistakes(rows);
}

BOOST_AUTO_TEST_CASE(bounds_of_lists_are_told) {
    const auto repeated = [](int count, const std::string& before, const std::string& behind) {
        std::string out;
        for (int i = 0; i < count; ++i)
            out += before + std::to_string(i) + behind;
        return out;
    };
    const auto networks = [&](int count) {
        return test::mistakes_in(test::load(
            with("trusted_proxies: [" + repeated(count, "\"fd00::", "\", ") + "\"::1\"]")));
    };
    BOOST_TEST(networks(255) == "");
    BOOST_TEST(networks(256) ==
               "keygate.yaml:12:18: trusted_proxies: at most 256 networks are possible\n");
    const auto certificates = [&](int count) {
        return test::mistakes_in(test::load(
            with_listener("tls: {certificates: [" +
                          repeated(count, "{private_key: k, certificate: c", "}, ") + "]}")));
    };
    BOOST_TEST(certificates(64) == "");
    BOOST_TEST(certificates(65) ==
               "keygate.yaml:4:53: listeners[0].tls.certificates: a listener has at most 64 "
               "certificates\n");
    const auto servers = [&](int count) {
        return test::mistakes_in(
            test::load(with("dns: {servers: [" + repeated(count, "\"10.0.0.", ":53\", ") + "]}")));
    };
    BOOST_TEST(servers(8) == "");
    BOOST_TEST(servers(9) ==
               "keygate.yaml:12:16: dns.servers: at most 8 name servers are possible\n");
}

BOOST_AUTO_TEST_CASE(listeners_are_printed) {
    const auto of = [](const std::string& members) {
        return printed(with_listener(members), "listeners", "forwarded");
    };
    const std::string head = "listeners:\n  - address: \"127.0.0.1:8080\"\n";
    BOOST_TEST(of("") == head);
    BOOST_TEST(of("tls: {certificates: [{certificate: a.crt, private_key: /k}]}") ==
               head + "    tls:\n      certificate: a.crt\n      private_key: \"/k\"\n"
                      "      min_version: 1.2\n      strict_names: false\n");
    BOOST_TEST(
        of("tls: {certificates: [{certificate: a.crt, private_key: a.key}, {certificate: b, "
           "private_key: c}], min_version: \"1.3\", strict_names: true, client_certificates: {ca: "
           "sub/ca.pem}}, proxy_protocol: {from: [10.0.0.0/8, \"::1\"]}") ==
        head + "    tls:\n      certificates:\n"
               "        - certificate: a.crt\n          private_key: a.key\n"
               "        - certificate: b\n          private_key: c\n"
               "      min_version: 1.3\n      strict_names: true\n"
               "      client_certificates:\n        ca: sub/ca.pem\n        required: true\n"
               "        forward: false\n"
               "    proxy_protocol:\n      from: [10.0.0.0/8, \"::1\"]\n");
    BOOST_TEST(of("tls: {certificate: a, private_key: b, ciphers: \"ECDHE+AESGCM\"}") ==
               head + "    tls:\n      certificate: a\n      private_key: b\n"
                      "      min_version: 1.2\n      ciphers: \"ECDHE+AESGCM\"\n"
                      "      strict_names: false\n");
}

BOOST_AUTO_TEST_CASE(the_network_around_is_printed_with_its_defaults) {
    BOOST_TEST(printed(std::string{test::good_text}, "forwarded", "client") ==
               "forwarded:\n  from: X-Forwarded-For\n  chain: append\n  fields: x-forwarded\n"
               "proxy_status: errors\n"
               "dns:\n  timeout: 2s\n  min_refresh: 1s\n  max_refresh: 1m\n");
    BOOST_TEST(printed(with("trusted_proxies: [\"fd00::/8\", 10.0.0.1]\n"
                            "forwarded: {from: Forwarded, chain: replace, fields: none}\n"
                            "proxy_status: off\n"
                            "dns: {servers: [\"10.0.0.2:53\"], timeout: 1s}"),
                       "trusted_proxies", "client") ==
               "trusted_proxies: [\"fd00::/8\", 10.0.0.1]\n"
               "forwarded:\n  from: Forwarded\n  chain: replace\n  fields: none\n"
               "proxy_status: off\n"
               "dns:\n  servers: [\"10.0.0.2:53\"]\n  timeout: 1s\n  min_refresh: 1s\n"
               "  max_refresh: 1m\n");
}

BOOST_AUTO_TEST_CASE(values_from_variables_are_masked) {
    struct Masked {
        std::string text;
        const char* value;
    };

    const Masked all[] = {
        {with_listener("tls: {certificate: \"${X}\", private_key: k}"), "hidden"},
        {with_listener("tls: {certificate: c, private_key: \"${X}\"}"), "/hidden"},
        {with_listener("tls: {certificates: [{certificate: \"${X}\", private_key: k}]}"), "hidden"},
        {with_listener("tls: {certificates: [{certificate: a, private_key: b}, {certificate: c, "
                       "private_key: \"${X}\"}]}"),
         "hidden"},
        {with_listener("tls: {certificate: c, private_key: k, ciphers: \"${X}\"}"), "hidden"},
        {with_listener("tls: {certificate: c, private_key: k, client_certificates: {ca: "
                       "\"${X}\"}}"),
         "hidden"},
        {with_listener("proxy_protocol: {from: [10.0.0.0/8, \"${X}\"]}"), "192.0.2.9"},
        {with("trusted_proxies: [\"${X}\"]"), "192.0.2.9"},
        {with("forwarded: {from: \"${X}\"}"), "X-Real-IP"},
        {with("forwarded: {chain: \"${X}\"}"), "replace"},
        {with("forwarded: {fields: \"${X}\"}"), "both"},
        {with("proxy_status: \"${X}\""), "all"},
        {with("dns: {servers: [\"${X}\"]}"), "192.0.2.9:53"},
        {with("dns: {timeout: \"${X}\"}"), "987ms"},
    };
    for (const Masked& one : all) {
        BOOST_TEST_CONTEXT(one.text) {
            const std::string text = printed(one.text, "listeners", "client", {{"X", one.value}});
            BOOST_TEST(text.find("${X}") != std::string::npos, text);
            BOOST_TEST(text.find(one.value) == std::string::npos, text);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
