#include "http/head_writer.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace keygate;

namespace {

std::string written_request(const std::string& bytes, http::UpstreamHead upstream,
                            http::Scheme scheme = http::Scheme::http) {
    http::RequestReader reader{{}, "keygate"};
    const auto head = reader.read(bytes);
    BOOST_TEST_REQUIRE(head.has_value());
    const http::ForwardedRules rules{config::Forwarded{}};
    const http::Told told = rules.tell(**head, "192.0.2.1", scheme);
    upstream.forwarded = &rules;
    upstream.told = &told;
    std::string out = "before|";
    http::write_request(out, **head, upstream, http::ReservedNames{"X-Key-"});
    return out;
}

/// What goes up of a plain request.
std::string written_plainly(const http::UpstreamHead& upstream, const std::string& lines = {},
                            http::Scheme scheme = http::Scheme::http) {
    const std::string out =
        written_request("GET /raw HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n", upstream, scheme);
    const std::string begin = "before|";
    const std::string end = "\r\nX-Request-Id: id\r\nVia: 1.1 keygate\r\n\r\n";
    BOOST_TEST_REQUIRE(out.ends_with(end));
    return out.substr(begin.size(), out.size() - begin.size() - end.size());
}

http::UpstreamHead plain(std::string_view before_path = {}, std::string_view path = "/p",
                         std::string_view query = {}) {
    return {.before_path = before_path,
            .path = path,
            .query = query,
            .identity = {},
            .request_id = "id",
            .via = "keygate"};
}

std::string written_answer(const std::string& bytes, const http::ClientHead& client,
                           bool is_head = false) {
    http::ResponseReader reader;
    const auto head = reader.read(bytes, is_head);
    BOOST_TEST_REQUIRE(head.has_value());
    std::string out;
    http::write_response(out, **head, client);
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_head_writer)

BOOST_AUTO_TEST_CASE(a_request_is_written_anew) {
    http::UpstreamHead upstream{.path = "/p",
                                .query = "?q",
                                .default_host = "up:80",
                                .identity = "X-Key-Id: k\r\n",
                                .request_id = "id",
                                .via = "keygate"};
    const std::string ours =
        "X-Key-Id: k\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n";
    BOOST_TEST(
        written_request(
            "PUT /raw HTTP/1.1\r\nHost: a\r\nX-Key-Id: spoof\r\nA: b\r\nContent-Length: 7\r\n"
            "Connection: a2, close\r\nA2: c\r\nAuthorization: x\r\n\r\n",
            upstream) == "before|PUT /p?q HTTP/1.1\r\nHost: a\r\nA: b\r\nContent-Length: 7\r\n" +
                             ours +
                             "X-Forwarded-Host: a\r\nX-Request-Id: id\r\nVia: 1.1 keygate\r\n\r\n");
    BOOST_TEST(written_request("GET /raw HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", upstream) ==
               "before|GET /p?q HTTP/1.1\r\nHost: up:80\r\n" + ours +
                   "X-Request-Id: id\r\nVia: 1.0 keygate\r\n\r\n");
    upstream.pass_authorization = true;
    upstream.identity = {};
    BOOST_TEST(
        written_request("GET /raw HTTP/1.1\r\nHost: a\r\nauthorization: Basic x\r\n\r\n", upstream)
            .find("\r\nauthorization: Basic x\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_path_has_what_a_rewrite_puts_before_it) {
    struct Row {
        std::string_view before;
        std::string_view path;
        std::string_view query;
        std::string target;
    };

    for (const Row& row : std::vector<Row>{{"", "/p", "", "/p"},
                                           {"/api", "/p", "?q", "/api/p?q"},
                                           {"/api", "", "", "/api"},
                                           {"/api", "/", "", "/api/"},
                                           {"", "", "", "/"},
                                           {"", "", "?q", "/?q"}})
        BOOST_TEST(written_plainly(plain(row.before, row.path, row.query))
                       .starts_with("GET " + row.target + " HTTP/1.1\r\nHost: a\r\n"));
    http::UpstreamHead upstream = plain("/api");
    upstream.prefix = "/v1";
    BOOST_TEST(written_plainly(upstream, "X-Forwarded-Prefix: /evil\r\n") ==
               "GET /api/p HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n"
               "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\nX-Forwarded-Prefix: /v1");
}

BOOST_AUTO_TEST_CASE(the_host_is_the_client_s_unless_another_is_given) {
    http::UpstreamHead upstream = plain();
    upstream.default_host = "up:80";
    BOOST_TEST(written_plainly(upstream).starts_with("GET /p HTTP/1.1\r\nHost: a\r\n"));
    upstream.host = "api.internal:8080";
    const std::string other = written_plainly(upstream);
    BOOST_TEST(other.starts_with("GET /p HTTP/1.1\r\nHost: api.internal:8080\r\n"));
    // What the client asked for is told all the same.
    BOOST_TEST(other.ends_with("\r\nX-Forwarded-Host: a"));
    BOOST_TEST(written_request("GET / HTTP/1.0\r\n\r\n", upstream)
                   .starts_with("before|GET /p HTTP/1.1\r\nHost: api.internal:8080\r\n"));

    std::string again = other;
    http::replace_host(again, "b");
    upstream.host = "b";
    BOOST_TEST(again == written_plainly(upstream));
    http::replace_host(again, "api.internal:8080");
    BOOST_TEST(again == other);
}

BOOST_AUTO_TEST_CASE(tls_and_the_client_s_certificate_are_told) {
    http::UpstreamHead upstream = plain();
    upstream.client_cert = ":TUlJ:";
    const std::string lines = "Client-Cert: :Zm9v:\r\nClient_Cert: :Zm9v:\r\n"
                              "Client-Cert-Chain: :Zm9v:\r\nX-Forwarded-Proto: http\r\n";
    const std::string told = "GET /p HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n"
                             "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a";
    BOOST_TEST(written_plainly(upstream, lines, http::Scheme::https) ==
               told + "\r\nClient-Cert: :TUlJ:");
    upstream.client_cert = {};
    BOOST_TEST(written_plainly(upstream, lines, http::Scheme::https) == told);
}

BOOST_AUTO_TEST_CASE(protocols_of_a_websocket_may_be_others_than_the_client_s) {
    const std::string lines = "Sec-WebSocket-Protocol: a, b\r\nA: b\r\n"
                              "sec-websocket-protocol: c\r\nSec_WebSocket.Protocol: d\r\n";
    const std::string begin = "GET /p HTTP/1.1\r\nHost: a\r\n";
    const std::string end = "X-Forwarded-For: 192.0.2.1\r\n"
                            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a";
    http::UpstreamHead upstream = plain();
    BOOST_TEST(written_plainly(upstream, lines) == begin + lines + end);
    upstream.websocket_protocols = "a, c";
    BOOST_TEST(written_plainly(upstream, lines) ==
               begin + "A: b\r\nSec-WebSocket-Protocol: a, c\r\n" + end);
    upstream.websocket_protocols = "";
    BOOST_TEST(written_plainly(upstream, lines) == begin + "A: b\r\n" + end);
}

BOOST_AUTO_TEST_CASE(an_answer_is_written_for_its_client) {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n";
    const http::ClientHead open{.date = "D", .request_id = "id"};
    const http::ClientHead closing{
        .after = http::AfterAnswer::close, .date = "D", .request_id = "id"};
    const http::ClientHead old{.minor_version = 0, .date = "D", .request_id = "id"};
    BOOST_TEST(written_answer(chunked, open) ==
               "HTTP/1.1 200 OK\r\nA: b\r\nDate: D\r\nTransfer-Encoding: chunked\r\nX-Request-Id: "
               "id\r\n\r\n");
    BOOST_TEST(
        written_answer(chunked, closing) ==
        "HTTP/1.1 200 OK\r\nA: b\r\nDate: D\r\nTransfer-Encoding: chunked\r\nX-Request-Id: id\r\n"
        "Connection: close\r\n\r\n");
    BOOST_TEST(
        written_answer(chunked, old) ==
        "HTTP/1.1 200 OK\r\nA: b\r\nDate: D\r\nX-Request-Id: id\r\nConnection: keep-alive\r\n\r\n");
    BOOST_TEST(written_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", open, true) ==
               "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 5\r\nX-Request-Id: id\r\n\r\n");
    BOOST_TEST(written_answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", {}) ==
               "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(one_of_two_says_which_pages_may_read_an_answer) {
    const std::string fields = "Access-Control-Allow-Origin: *\r\nA: b\r\n"
                               "access-control-expose-headers: x\r\nVary: Accept\r\n"
                               "Access-Control-: y\r\n";
    const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + "\r\n";
    const std::string end = "Date: D\r\nContent-Length: 0\r\nX-Request-Id: id\r\n";
    http::ClientHead client{.date = "D", .request_id = "id"};
    BOOST_TEST(written_answer(bytes, client) == "HTTP/1.1 200 OK\r\n" + fields + end + "\r\n");
    client.owns_cors = true;
    const std::string ours = "HTTP/1.1 200 OK\r\nA: b\r\nVary: Accept\r\nAccess-Control-: y\r\n";
    BOOST_TEST(written_answer(bytes, client) == ours + end + "\r\n");
    client.cors = "Access-Control-Allow-Origin: https://a\r\nVary: Origin\r\n";
    BOOST_TEST(written_answer(bytes, client) == ours + end + std::string{client.cors} + "\r\n");
}

BOOST_AUTO_TEST_CASE(a_websocket_has_a_protocol_that_its_client_knows) {
    const std::string begin = "HTTP/1.1 101 Switching Protocols\r\n";
    const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    const std::string chosen = "Sec-WebSocket-Protocol: chat\r\n";
    http::ClientHead client{.request_id = "id"};
    BOOST_TEST(written_answer(begin + upgrade + "\r\n", client) ==
               begin + upgrade + "X-Request-Id: id\r\n\r\n");
    client.websocket_protocol = "bearer";
    BOOST_TEST(written_answer(begin + upgrade + "\r\n", client) ==
               begin + upgrade + "X-Request-Id: id\r\nSec-WebSocket-Protocol: bearer\r\n\r\n");
    BOOST_TEST(written_answer(begin + upgrade + chosen + "\r\n", client) ==
               begin + chosen + upgrade + "X-Request-Id: id\r\n\r\n");
    // Of no other answer.
    client.date = "D";
    BOOST_TEST(written_answer("HTTP/1.1 204 No Content\r\n\r\n", client) ==
               "HTTP/1.1 204 No Content\r\nDate: D\r\nX-Request-Id: id\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_body_of_unknown_length_is_chunked_or_ended_by_the_close) {
    http::ResponseHead head;
    using http::Framing;
    for (const auto framing : {Framing::chunked, Framing::until_close}) {
        head.framing = framing;
        BOOST_TEST((http::framing_for_client(head, 1) == Framing::chunked));
        BOOST_TEST((http::framing_for_client(head, 0) == Framing::until_close));
    }
    head.framing = Framing::length;
    BOOST_TEST((http::framing_for_client(head, 0) == Framing::length));
    head.has_body = false;
    BOOST_TEST((http::framing_for_client(head, 1) == Framing::none));
}

BOOST_AUTO_TEST_SUITE_END()
