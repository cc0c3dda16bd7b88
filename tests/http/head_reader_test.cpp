#include "http/head_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

using namespace keygate;
using namespace std::string_literals;

namespace {

http::RequestReader reader_of_requests(http::RequestReader::Limits limits = {}) {
    return {limits, "keygate"};
}

std::string get(const std::string& fields) {
    return "GET /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

/// `ok`, or the name of the reason.
std::string judged(const std::string& bytes, http::RequestReader::Limits limits = {}) {
    auto reader = reader_of_requests(limits);
    const auto head = reader.read(bytes);
    return head ? "ok" : std::string{name(head.error().reason)};
}

std::string judged_answer(const std::string& bytes, bool is_head = false) {
    http::ResponseReader reader;
    const auto head = reader.read(bytes, is_head);
    if (!head) return std::string{name(head.error().reason)};
    const http::ResponseHead& read = **head;
    std::string text = std::to_string(read.status) + ' ' + std::string{read.reason};
    if (!read.has_body)
        text += " bodiless";
    else if (read.framing == http::Framing::length)
        text += " length " + std::to_string(read.content_length);
    else if (read.framing == http::Framing::chunked)
        text += " chunked";
    else if (read.framing == http::Framing::until_close)
        text += " until close";
    return text + (read.keep_alive ? ", stays" : ", closes");
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_head_reader)

BOOST_AUTO_TEST_CASE(a_request_is_told_with_its_parts) {
    auto reader = reader_of_requests();
    const std::string bytes =
        "POST /a?b HTTP/1.1\r\nhost:\ta:80 \r\nContent-length: 12\r\nX-One: \r\n"
        "Authorization:  Bearer  x \r\nEXPECT: 100-Continue\r\nConnection: x-one, close\r\n"
        "Via: 1.1 keygate, 1.0 other\r\n\r\n";
    const auto head = reader.read(bytes);
    BOOST_TEST_REQUIRE(head.has_value());
    const http::RequestHead& read = **head;
    BOOST_TEST(read.method == "POST");
    BOOST_TEST(read.target == "/a?b");
    BOOST_TEST(read.host == "a:80");
    BOOST_TEST((read.framing == http::Framing::length));
    BOOST_TEST(read.content_length == 12U);
    BOOST_TEST(read.authorization == "Bearer  x");
    BOOST_TEST(int{read.authorizations} == 1);
    BOOST_TEST(int{read.own_vias} == 1);
    BOOST_TEST(int{read.minor_version} == 1);
    BOOST_TEST(read.expects_continue);
    BOOST_TEST(read.has_connection_options);
    BOOST_TEST(!read.keep_alive);
    BOOST_TEST(read.field_count == 7U);
    BOOST_TEST(read.all()[0].name == "host");
    BOOST_TEST(read.all()[2].value == "");
}

BOOST_AUTO_TEST_CASE(a_reader_keeps_nothing_of_the_request_before) {
    auto reader = reader_of_requests();
    const std::string first =
        "POST /a HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nAuthorization: x\r\n"
        "Connection: keep-alive, x\r\nVia: 1.1 keygate\r\n\r\n";
    BOOST_TEST_REQUIRE(reader.read(first).has_value());
    const std::string second = "GET /b HTTP/1.0\r\n\r\n";
    const auto head = reader.read(second);
    BOOST_TEST_REQUIRE(head.has_value());
    const http::RequestHead& read = **head;
    BOOST_TEST(read.host == "");
    BOOST_TEST(read.field_count == 0U);
    BOOST_TEST(int{read.authorizations} == 0);
    BOOST_TEST(read.authorization == "");
    BOOST_TEST(int{read.own_vias} == 0);
    BOOST_TEST((read.framing == http::Framing::none));
    BOOST_TEST(!read.has_connection_options);
    BOOST_TEST(!read.keep_alive);
}

BOOST_AUTO_TEST_CASE(each_refusal_has_its_reason) {
    BOOST_TEST(judged(get("")) == "ok");
    BOOST_TEST(judged(get("X\x01: y\r\n")) == "head_invalid");
    BOOST_TEST(judged(get("Transfer-Encoding: gzip\r\n")) == "head_invalid");
    BOOST_TEST(judged(get("Host: a\r\n")) == "head_invalid");
    BOOST_TEST(judged("GET /x HTTP/1.1\r\n\r\n") == "head_invalid");
    BOOST_TEST(judged("GET /x HTTP/1.1\r\n\r\nmore") == "head_invalid");
    BOOST_TEST(judged("GET /x HTTP/1.1\r\nHost: a\r\n") == "head_invalid");
    BOOST_TEST(judged("") == "head_invalid");
    BOOST_TEST(judged("\r\n") == "head_invalid");
    BOOST_TEST(judged(get("Expect: x\r\n")) == "head_expectation");
    BOOST_TEST(judged(get("Expect: 100-continue\r\nExpect: x\r\n")) == "head_expectation");
    BOOST_TEST(judged(get("Via: 1.1 keygate\r\n")) == "ok");
    BOOST_TEST(judged(get("Via: 1.1 keygate, 1.1 keygate\r\n")) == "head_loop");
    BOOST_TEST(judged(get("X: y\r\n"), {.max_fields = 2}) == "ok");
    BOOST_TEST(judged(get("X: y\r\nX: y\r\n"), {.max_fields = 2}) == "head_too_large");
    BOOST_TEST(judged(get(""), {.max_fields = 2, .max_target = 2}) == "ok");
    BOOST_TEST(judged(get(""), {.max_fields = 2, .max_target = 1}) == "target_too_long");
}

BOOST_AUTO_TEST_CASE(an_answer_is_framed_as_its_status_and_fields_say) {
    const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
    BOOST_TEST(judged_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") ==
               "200 OK length 5, stays");
    BOOST_TEST(judged_answer("HTTP/1.1 200 OK\r\n" + chunked) == "200 OK chunked, stays");
    BOOST_TEST(judged_answer("HTTP/1.1 200 OK\r\n\r\n") == "200 OK until close, closes");
    BOOST_TEST(judged_answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") ==
               "200 OK length 0, closes");
    BOOST_TEST(judged_answer("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n") ==
               "200 OK length 5, closes");
    BOOST_TEST(judged_answer("HTTP/1.1 204 X\r\n\r\n") == "204 X bodiless, stays");
    BOOST_TEST(judged_answer("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n") ==
               "304 X bodiless, stays");
    BOOST_TEST(judged_answer("HTTP/1.1 304 X\r\n" + chunked) == "304 X bodiless, stays");
    BOOST_TEST(judged_answer("HTTP/1.1 200 X\r\n" + chunked, true) == "200 X bodiless, stays");
    BOOST_TEST(judged_answer("HTTP/1.1 100 X\r\n\r\n") == "100 X bodiless, stays");
    for (const std::string& bad :
         {"HTTP/1.1 204 X\r\n" + chunked, "HTTP/1.1 100 X\r\n" + chunked,
          "HTTP/1.1 204 X\r\nContent-Length: 1\r\n\r\n"s, "HTTP/1.1 099 X\r\n\r\n"s,
          "HTTP/1.1 600 X\r\n\r\n"s, "HTTP/1.0 200 X\r\n" + chunked,
          "HTTP/1.1 200 X\r\nContent-Length: 1\r\n" + chunked,
          "HTTP/1.1 200 X\r\nTransfer-Encoding: gzip\r\n\r\n"s, "HTTP/1.1 200\r\n\r\n"s, ""s,
          "\r\n"s, "X\r\n\r\n"s})
        BOOST_TEST_CONTEXT(bad) {
            BOOST_TEST(judged_answer(bad) == "upstream_invalid");
        }
}

BOOST_AUTO_TEST_CASE(a_folded_value_is_never_a_view_of_what_is_gone) {
    auto requests = reader_of_requests();
    BOOST_TEST(requests.read("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n").has_error());
    http::ResponseReader answers;
    BOOST_TEST(answers.read("HTTP/1.1 200 OK\r\nX: b\r\n\tc\r\n\r\n", false).has_error());
}

BOOST_AUTO_TEST_CASE(no_bytes_confuse_a_reader) {
    std::mt19937 random{13};
    static const std::string letters = "\r\n\0 :;,\"\\/\x7f\xff\tX15"s;
    const std::vector<std::string> seeds{
        get("Content-Length: 5\r\nConnection: a, b\r\nVia: 1.1 keygate\r\n"),
        get("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"};
    auto requests = reader_of_requests();
    http::ResponseReader answers;
    std::size_t taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = seeds[random() % seeds.size()];
        for (auto change = random() % 5; change > 0; --change) {
            const std::size_t at = random() % bytes.size();
            switch (random() % 3) {
            case 0:
                bytes[at] = letters[random() % letters.size()];
                break;
            case 1:
                bytes.erase(at, 1);
                break;
            default:
                bytes.insert(at, 1, letters[random() % letters.size()]);
                break;
            }
        }
        // What is taken has no byte in it that could end a line of what is written from it.
        if (const auto head = requests.read(bytes)) {
            ++taken;
            for (const http::Field& field : (*head)->all()) {
                BOOST_TEST_REQUIRE(
                    (field.value.find_first_of("\r\n\0"s) == std::string_view::npos));
                BOOST_TEST_REQUIRE(
                    (field.name.find_first_of("\r\n\0: "s) == std::string_view::npos));
            }
            BOOST_TEST_REQUIRE(
                ((*head)->target.find_first_of("\r\n\0 "s) == std::string_view::npos));
        }
        (void)answers.read(bytes, random() % 2 == 0);
    }
    BOOST_TEST(taken > 1'000U);
}

BOOST_AUTO_TEST_SUITE_END()
