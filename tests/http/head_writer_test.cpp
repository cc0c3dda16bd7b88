#include "http/head_writer.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace keygate;

namespace {

std::string written_request(const std::string& bytes, const http::UpstreamHead& upstream) {
    http::RequestReader reader{{}, "keygate"};
    const auto head = reader.read(bytes);
    BOOST_TEST_REQUIRE(head.has_value());
    std::string out = "before|";
    http::write_request(out, **head, upstream, http::ReservedNames{"X-Key-"});
    return out;
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
                                .host = "up:80",
                                .identity = "X-Key-Id: k\r\n",
                                .client_address = "192.0.2.1",
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
