#include "http/forwarded.hpp"
#include "http/head_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace keygate;

namespace {

using From = config::Forwarded::From;
using Chain = config::Forwarded::Chain;
using Fields = config::Forwarded::Fields;
using Lines = std::vector<std::string>;

/// What the rules make of a head with these lines.
struct Reading {
    std::string client;
    std::string scheme;
    std::string host;
    bool is_peer_trusted = false;
    std::string lines;
};

Reading read(const config::Forwarded& settings, const std::string& peer, const Lines& lines,
             http::Scheme own = http::Scheme::http) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: shop.example:8443\r\n";
    for (const std::string& line : lines)
        bytes += line + "\r\n";
    bytes += "\r\n";
    http::RequestReader reader{{}, "keygate"};
    const auto head = reader.read(bytes);
    BOOST_TEST_REQUIRE(head.has_value());
    const http::ForwardedRules rules{settings};
    const http::Told told = rules.tell(**head, peer, own);
    Reading reading{.client = std::string{told.client()},
                    .scheme = std::string{to_string(told.scheme())},
                    .host = std::string{rules.host(**head, told)},
                    .is_peer_trusted = told.is_peer_trusted(),
                    .lines = "before|"};
    rules.write_lines(reading.lines, **head, told);
    BOOST_TEST(reading.lines.starts_with("before|"));
    reading.lines.erase(0, 7);
    return reading;
}

config::Forwarded trusting(From from = From::x_forwarded_for) {
    return {.trusted = {"10.0.0.0/8", "fd00::/8", "127.0.0.1"},
            .from = from,
            .chain = Chain::append,
            .fields = Fields::x_forwarded};
}

config::Forwarded telling(Fields fields) {
    config::Forwarded settings;
    settings.fields = fields;
    return settings;
}

std::string for_line(const std::string& hops) {
    return "X-Forwarded-For: " + hops + "\r\nX-Forwarded-Proto: http\r\n" +
           "X-Forwarded-Host: shop.example:8443\r\n";
}

struct Case {
    Lines lines;
    std::string client;
    std::string chain; // as it goes upstream
};

void check(const config::Forwarded& settings, const std::vector<Case>& cases) {
    for (const Case& one : cases)
        BOOST_TEST_CONTEXT((one.lines.empty() ? "nothing" : one.lines.front())) {
            const Reading reading = read(settings, "10.0.0.1", one.lines);
            BOOST_TEST(reading.client == one.client);
            BOOST_TEST(reading.lines == for_line(one.chain));
        }
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_forwarded)

BOOST_AUTO_TEST_CASE(who_is_not_trusted_is_believed_nothing) {
    const Lines claims{"X-Forwarded-For: 192.0.2.66", "X-Forwarded-Proto: https",
                       "X-Forwarded-Host: evil.example", "X-Real-IP: 192.0.2.66",
                       "Forwarded: for=192.0.2.66;proto=https;host=evil.example"};
    for (const From from : {From::x_forwarded_for, From::forwarded, From::x_real_ip})
        for (const Chain chain : {Chain::append, Chain::replace})
            for (const std::string peer :
                 {"203.0.113.9", "11.0.0.0", "9.255.255.255", "127.0.0.2", "fe80::1%eth0"}) {
                config::Forwarded settings = trusting(from);
                settings.chain = chain;
                const Reading reading = read(settings, peer, claims);
                BOOST_TEST(!reading.is_peer_trusted);
                BOOST_TEST(reading.client == peer);
                BOOST_TEST(reading.scheme == "http");
                BOOST_TEST(reading.host == "shop.example:8443");
                BOOST_TEST(reading.lines == for_line(peer.substr(0, peer.find('%'))));
            }
    // By default nobody is.
    for (const std::string peer : {"10.0.0.1", "127.0.0.1", "::1"})
        BOOST_TEST(read({}, peer, claims).client == peer);
    // Not even a place that is no address.
    config::Forwarded all;
    all.trusted = {"0.0.0.0/0", "::/0"};
    for (const std::string peer : {"", "unix:", "10.0.0.1:80"})
        BOOST_TEST(!read(all, peer, claims).is_peer_trusted);
}

BOOST_AUTO_TEST_CASE(the_first_hop_from_the_right_that_is_not_trusted_is_the_client) {
    const std::vector<Case> cases{
        {{}, "10.0.0.1", "10.0.0.1"},
        {{"X-Forwarded-For: "}, "10.0.0.1", "10.0.0.1"},
        {{"X-Forwarded-For: ,, ,"}, "10.0.0.1", "10.0.0.1"},
        {{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"x-forwarded-for:203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"X-Forwarded-For: 203.0.113.9, 10.0.0.2"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.2, 10.0.0.1"},
        {{"X-Forwarded-For: 203.0.113.9,fd00::2 ,\t10.0.0.2"},
         "203.0.113.9",
         "203.0.113.9, fd00::2, 10.0.0.2, 10.0.0.1"},
        // What the client itself has said stays behind it.
        {{"X-Forwarded-For: 192.0.2.66, 203.0.113.9"},
         "203.0.113.9",
         "192.0.2.66, 203.0.113.9, 10.0.0.1"},
        {{"X-Forwarded-For: 10.9.9.9, 203.0.113.9, 10.0.0.2"},
         "203.0.113.9",
         "10.9.9.9, 203.0.113.9, 10.0.0.2, 10.0.0.1"},
        // All of them trusted: the farthest.
        {{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3", "10.0.0.3, 10.0.0.2, 10.0.0.1"},
        // Several lines are one list.
        {{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.0.0.2"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.2, 10.0.0.1"},
        {{"X-Forwarded-For: 10.0.0.2", "A: b", "x-forwarded-for: 203.0.113.9"},
         "203.0.113.9",
         "10.0.0.2, 203.0.113.9, 10.0.0.1"},
        {{"X-Forwarded-For: 203.0.113.9,", "X-Forwarded-For: ", "X-Forwarded-For: ,10.0.0.2"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.2, 10.0.0.1"},
        // Every spelling of an address is that address.
        {{"X-Forwarded-For: 203.0.113.9:4711"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"X-Forwarded-For: 203.0.113.9:0, 10.0.0.2:65535"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.2, 10.0.0.1"},
        {{"X-Forwarded-For: ::ffff:203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"X-Forwarded-For: ::FFFF:cb00:7109, ::ffff:10.0.0.2"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.2, 10.0.0.1"},
        {{"X-Forwarded-For: [::ffff:203.0.113.9]:80"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"X-Forwarded-For: 2001:0DB8:0::0001"}, "2001:db8::1", "2001:db8::1, 10.0.0.1"},
        {{"X-Forwarded-For: [2001:db8::1]"}, "2001:db8::1", "2001:db8::1, 10.0.0.1"},
        {{"X-Forwarded-For: [2001:db8::1]:4711"}, "2001:db8::1", "2001:db8::1, 10.0.0.1"},
        // A double with another spelling is nothing.
        {{"X_Forwarded_For: 203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"X.Forwarded-For: 192.0.2.66", "X-Forwarded-For: 203.0.113.9",
          "X-Forwarded_For: 192.0.2.66"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.1"},
        {{"Forwarded: for=192.0.2.66", "X-Real-IP: 192.0.2.66"}, "10.0.0.1", "10.0.0.1"},
    };
    check(trusting(), cases);
}

BOOST_AUTO_TEST_CASE(a_hop_that_is_no_address_ends_the_way) {
    std::vector<Case> cases{
        {{"X-Forwarded-For: 203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2", "10.0.0.2, 10.0.0.1"},
        // The first one that is not trusted is the client, whatever stands before it.
        {{"X-Forwarded-For: <script>, 203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
    };
    for (const std::string junk : {"unknown",
                                   "_hidden",
                                   "localhost",
                                   "example.com",
                                   "203.0.113",
                                   "203.0.113.256",
                                   "203.0.113.09",
                                   "0xcb007109",
                                   "3405803785",
                                   "203.0.113.9:",
                                   "203.0.113.9:x",
                                   "203.0.113.9:123456",
                                   "203.0.113.9:-1",
                                   "203.0.113.9 10.0.0.2",
                                   "203.0.113.9/32",
                                   "203.0.113.9;",
                                   "\"203.0.113.9\"",
                                   "for=203.0.113.9",
                                   "[203.0.113.9]",
                                   "[::1",
                                   "::1]",
                                   "[]",
                                   "[]:80",
                                   "[::1]80",
                                   "[::1]:",
                                   "[::1]:x",
                                   "2001:db8::1::2",
                                   "fe80::1%eth0",
                                   "[fe80::1%eth0]",
                                   ":",
                                   ":80",
                                   "::1:80000",
                                   "\xff\xfe",
                                   "203.0.113.9\xa0",
                                   "-",
                                   "*",
                                   "'"})
        cases.push_back({{"X-Forwarded-For: 192.0.2.66, " + junk}, "10.0.0.1", "10.0.0.1"});
    cases.push_back({{"X-Forwarded-For: " + std::string(8000, '1')}, "10.0.0.1", "10.0.0.1"});
    check(trusting(), cases);
}

BOOST_AUTO_TEST_CASE(a_list_without_end_has_one_here) {
    std::string hops = "203.0.113.9";
    for (int i = 0; i < 63; ++i)
        hops += ", 10.0.0.2";
    BOOST_TEST(read(trusting(), "10.0.0.1", {"X-Forwarded-For: " + hops}).client == "203.0.113.9");
    hops += ", 10.0.0.2";
    const Reading reading = read(trusting(), "10.0.0.1", {"X-Forwarded-For: " + hops});
    BOOST_TEST(reading.client == "10.0.0.2");
    std::string seen;
    for (int i = 0; i < 64; ++i)
        seen += "10.0.0.2, ";
    BOOST_TEST(reading.lines == for_line(seen + "10.0.0.1"));
    BOOST_TEST(
        read(trusting(), "10.0.0.1", {"X-Forwarded-For: 203.0.113.9" + std::string(7000, ',')})
            .client == "10.0.0.1");
}

BOOST_AUTO_TEST_CASE(forwarded_is_read_by_its_grammar) {
    const std::vector<Case> cases{
        {{"Forwarded: for=203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"forwarded: For=203.0.113.9;by=10.0.0.1"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"Forwarded: FOR=\"203.0.113.9:4711\""}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"Forwarded: for=\"203.0.113.9:_port\""}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"Forwarded: for=\"[2001:db8::1]\""}, "2001:db8::1", "2001:db8::1, 10.0.0.1"},
        {{"Forwarded: for=\"[2001:DB8::1]:80\""}, "2001:db8::1", "2001:db8::1, 10.0.0.1"},
        {{"Forwarded: proto=http;by=_x ; for=203.0.113.9;"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.1"},
        {{"Forwarded: for=203.0.113.9, for=10.0.0.2"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.2, 10.0.0.1"},
        {{"Forwarded: for=203.0.113.9", "Forwarded: for=\"[fd00::2]\""},
         "203.0.113.9",
         "203.0.113.9, fd00::2, 10.0.0.1"},
        {{"Forwarded: by=\"a,b;for=192.0.2.66\";for=203.0.113.9"},
         "203.0.113.9",
         "203.0.113.9, 10.0.0.1"},
        // Hidden, or not there at all.
        {{"Forwarded: for=203.0.113.9, for=_hidden, for=10.0.0.2"},
         "10.0.0.2",
         "10.0.0.2, 10.0.0.1"},
        {{"Forwarded: for=unknown"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=\"_gazonk\""}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: proto=http;by=203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        // No element that could be read in two ways.
        {{"Forwarded: for=203.0.113.9;for=192.0.2.66"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: 203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for="}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: =203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for =203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for= 203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: ;for=203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=203.0.113.9 by=x"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=\"203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=203.0.113.9\""}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=\"203.0.113.9\"x"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=\"203.0.113.9\\\""}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=\"203.0.113\\.9\""}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: x=\"a\\\";for=203.0.113.9;y=\"b\""}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: x\"y=z;for=203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"Forwarded: for=\xff"}, "10.0.0.1", "10.0.0.1"},
        {{"X-Forwarded-For: 203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
    };
    check(trusting(From::forwarded), cases);
}

BOOST_AUTO_TEST_CASE(what_a_client_says_does_not_swallow_what_a_proxy_adds) {
    for (const std::string said :
         {"for=\"", "\"", "for=192.0.2.66;x=\"", "\\", "for=\"192.0.2.66\\", "\"\"\"", ",\",\",\"",
          "for=192.0.2.66;host=\", for=\"", "for=\"\\\"", "\"\\\""})
        for (const std::string added :
             {"for=203.0.113.9", "for=\"203.0.113.9:80\"", "for=\"203.0.113.9\";host=\"a\"",
              "for=203.0.113.9;by=\"[fd00::1]\";proto=https"})
            BOOST_TEST_CONTEXT(said << " and " << added) {
                for (const Lines& lines :
                     {Lines{"Forwarded: " + said + ", " + added},
                      Lines{"Forwarded: " + said + ", " + added + ", for=\"[fd00::2]\""},
                      Lines{"Forwarded: " + said, "Forwarded: " + added}})
                    BOOST_TEST(read(trusting(From::forwarded), "10.0.0.1", lines).client ==
                               "203.0.113.9");
            }
}

BOOST_AUTO_TEST_CASE(x_real_ip_is_one_address) {
    const std::vector<Case> cases{
        {{"X-Real-IP: 203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1"},
        {{"x-real-ip: [2001:db8::1]:80"}, "2001:db8::1", "2001:db8::1, 10.0.0.1"},
        {{"X-Real-IP: 10.0.0.7"}, "10.0.0.7", "10.0.0.7, 10.0.0.1"},
        {{}, "10.0.0.1", "10.0.0.1"},
        {{"X-Real-IP: "}, "10.0.0.1", "10.0.0.1"},
        {{"X-Real-IP: 203.0.113.9, 10.0.0.2"}, "10.0.0.1", "10.0.0.1"},
        {{"X-Real-IP: 203.0.113.9", "X-Real-IP: 203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"X_Real_IP: 203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
        {{"X-Real-IP: unknown"}, "10.0.0.1", "10.0.0.1"},
        {{"X-Forwarded-For: 203.0.113.9"}, "10.0.0.1", "10.0.0.1"},
    };
    check(trusting(From::x_real_ip), cases);
}

BOOST_AUTO_TEST_CASE(a_peer_of_any_spelling_is_in_its_network) {
    const Lines lines{"X-Forwarded-For: 203.0.113.9"};
    for (const std::string peer :
         {"10.255.255.255", "::ffff:10.0.0.1", "fd00::1", "fdff::1%eth0", "127.0.0.1"})
        BOOST_TEST_CONTEXT(peer) {
            const Reading reading = read(trusting(), peer, lines);
            BOOST_TEST(reading.is_peer_trusted);
            BOOST_TEST(reading.client == "203.0.113.9");
            BOOST_TEST(reading.lines == for_line("203.0.113.9, " + peer.substr(0, peer.find('%'))));
        }
}

BOOST_AUTO_TEST_CASE(the_scheme_is_our_own_or_what_a_trusted_peer_says) {
    struct Row {
        From from;
        Lines lines;
        std::string told; // empty: nothing
    };

    const std::vector<Row> rows{
        {From::x_forwarded_for, {}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Proto: https"}, "https"},
        {From::x_forwarded_for, {"X-Forwarded-Proto: http"}, "http"},
        {From::x_real_ip, {"x-forwarded-proto: https"}, "https"},
        {From::x_forwarded_for, {"X-Forwarded-Proto: http, https"}, "https"},
        {From::x_forwarded_for, {"X-Forwarded-Proto: https", "X-Forwarded-Proto: http"}, "http"},
        {From::x_forwarded_for, {"X-Forwarded-Proto: https,"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Proto: "}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Proto: HTTPS"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Proto: wss"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Proto: \"https\""}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Proto: https;q=1"}, ""},
        {From::x_forwarded_for, {"X_Forwarded_Proto: https"}, ""},
        {From::x_forwarded_for, {"Forwarded: for=203.0.113.9;proto=https"}, ""},
        {From::forwarded, {"X-Forwarded-Proto: https"}, ""},
        {From::forwarded, {"Forwarded: for=203.0.113.9;proto=https"}, "https"},
        {From::forwarded, {"Forwarded: for=203.0.113.9;proto=\"http\""}, "http"},
        // That of the client's own hop.
        {From::forwarded,
         {"Forwarded: for=203.0.113.9;proto=https, for=10.0.0.2;proto=http"},
         "https"},
        {From::forwarded,
         {"Forwarded: for=192.0.2.66;proto=http, for=203.0.113.9;proto=https"},
         "https"},
        {From::forwarded, {"Forwarded: for=192.0.2.66;proto=https, for=203.0.113.9"}, ""},
        {From::forwarded, {"Forwarded: for=203.0.113.9;proto=ftp"}, ""},
        {From::forwarded, {"Forwarded: for=unknown;proto=https"}, ""},
    };
    for (const Row& row : rows)
        for (const http::Scheme own : {http::Scheme::http, http::Scheme::https})
            BOOST_TEST_CONTEXT((row.lines.empty() ? "nothing" : row.lines.front())) {
                const std::string expected =
                    row.told.empty() ? std::string{to_string(own)} : row.told;
                const Reading reading = read(trusting(row.from), "10.0.0.1", row.lines, own);
                BOOST_TEST(reading.scheme == expected);
                BOOST_TEST(reading.lines.find("\r\nX-Forwarded-Proto: " + expected + "\r\n") !=
                           std::string::npos);
                BOOST_TEST(read(trusting(row.from), "203.0.113.9", row.lines, own).scheme ==
                           to_string(own));
            }
}

BOOST_AUTO_TEST_CASE(the_host_is_the_request_s_or_what_a_trusted_peer_says) {
    struct Row {
        From from;
        Lines lines;
        std::string host; // empty: that of the request
    };

    const std::vector<Row> rows{
        {From::x_forwarded_for, {}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: www.example"}, "www.example"},
        {From::x_real_ip, {"X-Forwarded-Host: www.example:443"}, "www.example:443"},
        {From::x_forwarded_for, {"X-Forwarded-Host: [2001:db8::1]:443"}, "[2001:db8::1]:443"},
        {From::x_forwarded_for, {"X-Forwarded-Host: "}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: a.example, b.example"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: a.example", "X-Forwarded-Host: a.example"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: a b"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: user@a.example"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: a.example/x"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: a.example:99999"}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: \"a.example\""}, ""},
        {From::x_forwarded_for, {"X-Forwarded-Host: \xc3\xa9.example"}, ""},
        {From::x_forwarded_for, {"X_Forwarded_Host: a.example"}, ""},
        {From::forwarded, {"X-Forwarded-Host: a.example"}, ""},
        {From::forwarded, {"Forwarded: for=203.0.113.9;host=a.example"}, "a.example"},
        {From::forwarded, {"Forwarded: for=203.0.113.9;host=\"a.example:80\""}, "a.example:80"},
        {From::forwarded, {"Forwarded: for=203.0.113.9;host=\"a\\.example\""}, ""},
        {From::forwarded, {"Forwarded: for=203.0.113.9;host=\"\""}, ""},
        {From::forwarded, {"Forwarded: for=203.0.113.9;host=a, for=10.0.0.2;host=b"}, "a"},
        {From::forwarded, {"Forwarded: host=a.example"}, ""},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT((row.lines.empty() ? "nothing" : row.lines.front())) {
            const std::string expected = row.host.empty() ? "shop.example:8443" : row.host;
            const Reading reading = read(trusting(row.from), "10.0.0.1", row.lines);
            BOOST_TEST(reading.host == expected);
            BOOST_TEST(reading.lines.ends_with("\r\nX-Forwarded-Host: " + expected + "\r\n"));
            BOOST_TEST(read(trusting(row.from), "203.0.113.9", row.lines).host ==
                       "shop.example:8443");
        }
}

BOOST_AUTO_TEST_CASE(the_upstream_is_told_as_configured) {
    const std::string ends = "\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: w.example\r\n";
    const std::string client = ";proto=https;host=\"w.example\"";

    struct Row {
        std::string hops;
        Chain chain;
        std::string x_forwarded;
        std::string forwarded;
    };

    const std::vector<Row> rows{
        {"203.0.113.9", Chain::append, "203.0.113.9, 10.0.0.1",
         "for=203.0.113.9" + client + ", for=10.0.0.1"},
        {"203.0.113.9", Chain::replace, "203.0.113.9", "for=203.0.113.9" + client},
        {"192.0.2.66, 2001:db8::1, fd00::2", Chain::append,
         "192.0.2.66, 2001:db8::1, fd00::2, 10.0.0.1",
         "for=192.0.2.66, for=\"[2001:db8::1]\"" + client + ", for=\"[fd00::2]\", for=10.0.0.1"},
        {"192.0.2.66, 2001:db8::1, fd00::2", Chain::replace, "2001:db8::1",
         "for=\"[2001:db8::1]\"" + client},
        // Whoever reads it behind us must not take for the client what we have not.
        {"192.0.2.66, unknown, fd00::2", Chain::append, "fd00::2, 10.0.0.1",
         "for=\"[fd00::2]\"" + client + ", for=10.0.0.1"},
        {"192.0.2.66, unknown, fd00::2", Chain::replace, "fd00::2", "for=\"[fd00::2]\"" + client},
        {"203.0.113.9, unknown", Chain::append, "10.0.0.1", "for=10.0.0.1" + client},
        {"203.0.113.9, unknown", Chain::replace, "10.0.0.1", "for=10.0.0.1" + client},
        {"", Chain::append, "10.0.0.1", "for=10.0.0.1" + client},
        {"", Chain::replace, "10.0.0.1", "for=10.0.0.1" + client},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.hops) {
            const auto lines = [&](Fields fields) {
                config::Forwarded settings = trusting();
                settings.chain = row.chain;
                settings.fields = fields;
                return read(settings, "10.0.0.1",
                            {"X-Forwarded-For: " + row.hops, "X-Forwarded-Host: w.example",
                             "X-Forwarded-Proto: https"})
                    .lines;
            };
            const std::string one = "X-Forwarded-For: " + row.x_forwarded + ends;
            const std::string other = "Forwarded: " + row.forwarded + "\r\n";
            BOOST_TEST(lines(Fields::x_forwarded) == one);
            BOOST_TEST(lines(Fields::forwarded) == other);
            BOOST_TEST(lines(Fields::both) == one + other);
            BOOST_TEST(lines(Fields::none).empty());
        }
    // Of a peer that is not trusted, it alone.
    const config::Forwarded both = telling(Fields::both);
    BOOST_TEST(read(both, "2001:db8::7", {}, http::Scheme::https).lines ==
               "X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\n"
               "X-Forwarded-Host: shop.example:8443\r\n"
               "Forwarded: for=\"[2001:db8::7]\";proto=https;host=\"shop.example:8443\"\r\n");
    BOOST_TEST(http::ForwardedRules{both}.writes_x_forwarded());
    BOOST_TEST(!http::ForwardedRules{telling(Fields::forwarded)}.writes_x_forwarded());
}

BOOST_AUTO_TEST_CASE(a_request_without_a_host_tells_of_none) {
    http::RequestReader reader{{}, "keygate"};
    const auto head = reader.read("GET / HTTP/1.0\r\n\r\n");
    BOOST_TEST_REQUIRE(head.has_value());
    const http::ForwardedRules rules{telling(Fields::both)};
    std::string out;
    rules.write_lines(out, **head, rules.tell(**head, "192.0.2.1", http::Scheme::http));
    BOOST_TEST(out == "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
                      "Forwarded: for=192.0.2.1;proto=http\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
