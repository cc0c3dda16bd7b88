#include "config/addresses.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace keygate::config;

} // namespace

BOOST_AUTO_TEST_SUITE(config_addresses)

BOOST_AUTO_TEST_CASE(endpoints_are_addresses_with_ports) {
    for (const char* text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "[::]:65535"}) {
        const auto endpoint = parse_endpoint(text);
        BOOST_TEST_REQUIRE(endpoint.value.has_value(), text);
        BOOST_TEST(endpoint_text(*endpoint.value) == text);
    }
    BOOST_TEST(parse_endpoint("[FE80::A]:1").value.value().host == "fe80::a");
    for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                             "127.0.0.1:080", "::1:80", "[127.0.0.1]:80", "[::1]", "localhost:80",
                             "127.1:80", "[fe80::1%eth0]:80", "*:80", "[]:80"})
        BOOST_TEST(!parse_endpoint(text).value.has_value(), text);
}

BOOST_AUTO_TEST_CASE(loopback_is_what_only_this_machine_reaches) {
    for (const char* host : {"127.0.0.1", "127.255.0.9", "::1"})
        BOOST_TEST(is_loopback({host, 1}), host);
    for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "::2", "::ffff:10.0.0.1"})
        BOOST_TEST(!is_loopback({host, 1}), host);
}

BOOST_AUTO_TEST_CASE(two_listeners_on_one_port_collide_unless_their_addresses_differ) {
    BOOST_TEST(collide({"127.0.0.1", 80}, {"127.0.0.1", 80}));
    BOOST_TEST(collide({"0.0.0.0", 80}, {"127.0.0.1", 80}));
    BOOST_TEST(collide({"::1", 80}, {"::", 80}));
    BOOST_TEST(!collide({"127.0.0.1", 80}, {"127.0.0.1", 81}));
    BOOST_TEST(!collide({"127.0.0.1", 80}, {"127.0.0.2", 80}));
    BOOST_TEST(!collide({"0.0.0.0", 80}, {"::", 80}));
    BOOST_TEST(!collide({"127.0.0.1", 0}, {"127.0.0.1", 0}));
}

BOOST_AUTO_TEST_CASE(hosts_are_exact_names_or_addresses) {
    const char* const rows[][2] = {{"API.Example.com", "api.example.com"},
                                   {"localhost", "localhost"},
                                   {"my_service", "my_service"},
                                   {"10.0.0.1", "10.0.0.1"},
                                   {"::1", "[::1]"},
                                   {"[::1]", "[::1]"}};
    for (const auto& [written, host] : rows)
        BOOST_TEST(parse_host(written).value.value() == host);
    for (const std::string& text : {std::string{},
                                    std::string{"."},
                                    std::string{"a."},
                                    std::string{".a"},
                                    std::string{"a..b"},
                                    std::string{"-a"},
                                    std::string{"a-"},
                                    std::string{"a b"},
                                    std::string{"a:80"},
                                    std::string{"*.a"},
                                    std::string{"http://a"},
                                    std::string{"[a]"},
                                    std::string{"[10.0.0.1]"},
                                    std::string{"a/b"},
                                    std::string{"1.2.3"},
                                    std::string{"256.1.1.1"},
                                    std::string{"é"},
                                    std::string(64, 'a'),
                                    std::string(300, 'a'),
                                    std::string("a\0b", 3)})
        BOOST_TEST(!parse_host(text).value.has_value(), text);
}

BOOST_AUTO_TEST_CASE(a_host_may_have_a_port_where_a_field_says_it) {
    const char* const rows[][2] = {{"API.Example.com", "api.example.com"},
                                   {"API.example.com:8080", "api.example.com:8080"},
                                   {"10.0.0.1:1", "10.0.0.1:1"},
                                   {"::1", "[::1]"},
                                   {"[::1]", "[::1]"},
                                   {"[::1]:65535", "[::1]:65535"}};
    for (const auto& [written, host] : rows)
        BOOST_TEST(parse_host_and_port(written).value.value() == host);
    for (const char* text : {"", ":", ":1", "a:", "a:0", "a:01", "a:65536", "a:b", "a:1:2", "[a]:1",
                             "[::1]1", "[::1", "::1:", "a/b:1", "http://a", "a b:1"})
        BOOST_TEST(!parse_host_and_port(text).value.has_value(), text);
}

BOOST_AUTO_TEST_CASE(servers_are_urls_without_a_path_or_unix_sockets) {
    using Scheme = Server::Scheme;

    struct Row {
        const char* written;
        Scheme scheme;
        const char* host;
        std::uint16_t port;
        const char* text;
    };

    const Row rows[] = {
        {"http://127.0.0.1:3000", Scheme::http, "127.0.0.1", 3000, "http://127.0.0.1:3000"},
        {"http://API.internal", Scheme::http, "api.internal", 80, "http://api.internal:80"},
        {"HTTP://a:1", Scheme::http, "a", 1, "http://a:1"},
        {"http://[::1]:3000", Scheme::http, "::1", 3000, "http://[::1]:3000"},
        {"http://[::1]", Scheme::http, "::1", 80, "http://[::1]:80"},
        {"https://A", Scheme::https, "a", 443, "https://a:443"},
        {"httpS://10.0.0.1:80", Scheme::https, "10.0.0.1", 80, "https://10.0.0.1:80"}};
    for (const Row& row : rows) {
        const auto server = parse_server(row.written);
        BOOST_TEST_REQUIRE(server.value.has_value(), row.written);
        BOOST_TEST((server.value->scheme == row.scheme));
        BOOST_TEST(server.value->host == row.host);
        BOOST_TEST(server.value->port == row.port);
        BOOST_TEST(server_text(*server.value) == row.text);
        const auto again = parse_server(row.text);
        BOOST_TEST(server_text(again.value.value()) == row.text);
    }
    for (const char* text : {"unix:/run/a.sock", "unix:a", "unix:../a b:c?d#e.sock"}) {
        const auto server = parse_server(text);
        BOOST_TEST_REQUIRE(server.value.has_value(), text);
        BOOST_TEST((server.value->scheme == Scheme::unix_socket));
        BOOST_TEST(server.value->path == text + 5);
        BOOST_TEST(server_text(*server.value) == text);
    }
    const std::string with_nul("unix:a\0b", 8);
    BOOST_TEST(!parse_server(with_nul).value.has_value());
    for (const char* text : {"",
                             "a",
                             "a:80",
                             "http:",
                             "http:a",
                             "http://",
                             "http://:80",
                             "http://a/",
                             "http://a?x",
                             "http://a#x",
                             "http://u@a",
                             "http://a:",
                             "http://a:0",
                             "http://a:65536",
                             "http://a:x",
                             "http://a b",
                             "http://a..b",
                             "http://%61",
                             "http://[::1",
                             "http://[v1.a]",
                             "http://999.1.1.1",
                             "https://",
                             "https://a/",
                             "https://u@a",
                             "https://a:0",
                             "ftp://a",
                             "unix:",
                             "unix:/",
                             "unix:a/",
                             "unix://a",
                             "h2c://a",
                             "//a",
                             "http://a,b"})
        BOOST_TEST(!parse_server(text).value.has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
