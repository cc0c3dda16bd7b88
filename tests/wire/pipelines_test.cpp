// Several requests on one connection: answered in their order, nothing of one is left for the next,
// and nothing behind a refusal that closes is a request.
#include <atomic>
#include <thread>

#include "wire/requests.hpp"

using namespace keygate;
using support::Socket;
using namespace keygate::wire;

namespace {

const std::string no_key = "GET /things/1 HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string with_key =
    "GET /things/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + wire::key + "\r\n\r\n";
const std::string seen_with_key = seen("GET /things/1", identity);
const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";

/// Requests in one segment, what of them reaches the upstream, and the answers.
RequestRow pipelined(std::string name, std::string source, std::string bytes,
                     std::vector<std::string> requests, std::vector<std::string> answers,
                     After after) {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = std::move(bytes),
            .answers = std::move(answers),
            .requests = std::move(requests),
            .after = after};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_pipelines, BetweenRequests)

BOOST_AUTO_TEST_CASE(a_hostile_request_ends_what_was_pipelined) {
    const std::string yes = answer_to("GET ", After::open);
    const std::string no = refused("head_invalid");
    std::vector<RequestRow> rows;
    const std::vector<std::pair<std::string, std::string>> hostile{
        {"two framings",
         post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + hidden)},
        {"an unknown coding", post("Transfer-Encoding: gzip\r\n", hidden)},
        {"two lengths", post("Content-Length: 0\r\nContent-Length: 37\r\n", hidden)},
        {"a bad line", get("X y\r\n")},
        {"a folded line", get("X: y\r\n z\r\n")},
        {"no Host", "GET /open/x HTTP/1.1\r\n\r\n"},
        {"another version", "GET /open/x HTTP/2.0\r\n" + host + "\r\n"},
        {"garbage", "\x01\x02\x03"},
        {"two empty lines", "\r\n\r\n"},
    };
    for (const auto& [name, bytes] : hostile) {
        rows.push_back(pipelined("valid, then " + name, "9112 9.3.2",
                                 get("") + bytes + get("", "/open/third"), {seen_get("")},
                                 {yes, no}, After::closes));
        rows.push_back(pipelined(name + ", then valid", "9112 9.3.2", bytes + hidden, {}, {no},
                                 After::closes));
        rows.push_back(pipelined("with a body, then " + name, "9112 9.3.2",
                                 chunked(chunks) + bytes + get(""), {seen_chunked("hello")},
                                 {yes, no}, After::closes));
        rows.push_back(pipelined("with a key, then " + name, "9112 9.3.2",
                                 with_key + bytes + no_key, {seen_with_key}, {yes, no},
                                 After::closes));
    }
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(bytes_behind_a_body_are_the_next_request) {
    const std::string yes = answer_to("GET ", After::open);
    const std::string no = refused("head_invalid");
    const std::string missing = refused("auth_missing", After::open);
    const std::string hello = post("Content-Length: 5\r\n", "hello");
    const std::string seen_hello = seen_post("Content-Length: 5\r\n", "hello");
    const std::string seen_hidden = seen_get("", "/open/hidden");
    check_all({
        pipelined("two", "9112 9.3.2", get("") + hidden, {seen_get(""), seen_hidden}, {yes, yes},
                  After::open),
        pipelined("three", "9112 9.3.2", get("") + hidden + get(""),
                  {seen_get(""), seen_hidden, seen_get("")}, {yes, yes, yes}, After::open),
        pipelined("an empty line between", "9112 2.2", get("") + "\r\n" + hidden,
                  {seen_get(""), seen_hidden}, {yes, yes}, After::open),
        pipelined("an empty line behind a body", "9112 2.2", hello + "\r\n" + hidden,
                  {seen_hello, seen_hidden}, {yes, yes}, After::open),
        pipelined("behind a length", "9112 6.3", hello + hidden, {seen_hello, seen_hidden},
                  {yes, yes}, After::open),
        pipelined("behind length 0", "9112 6.3", post("Content-Length: 0\r\n", hidden),
                  {seen_post("Content-Length: 0\r\n", ""), seen_hidden}, {yes, yes}, After::open),
        pipelined("behind a POST without a body", "9112 6.3", post("", hidden),
                  {seen_post("", ""), seen_hidden}, {yes, yes}, After::open),
        pipelined("behind a last chunk", "9112 7.1", chunked(chunks + hidden),
                  {seen_chunked("hello"), seen_hidden}, {yes, yes}, After::open),
        pipelined("behind trailers", "9112 7.1.2", chunked("0\r\nX: y\r\n\r\n" + hidden),
                  {seen_chunked(""), seen_hidden}, {yes, yes}, After::open),
        pipelined("behind HEAD", "9110 9.3.2", "HEAD /open/x HTTP/1.1\r\n" + host + "\r\n" + hidden,
                  {seen("HEAD /open/x", ""), seen_hidden}, {only_head(yes), yes}, After::open),
        pipelined("behind HTTP/1.0 that stays open", "9112 9.3",
                  "GET /open/x HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n" + hidden,
                  {seen("GET /open/x", "", "", ours_1_0), seen_hidden},
                  {answer_to("GET ", After::open_1_0), yes}, After::open),
        pipelined("bytes too many behind a length", "9112 6.3",
                  post("Content-Length: 4\r\n", "hello") + "\r\n" + hidden,
                  {seen_post("Content-Length: 4\r\n", "hell")}, {yes, no}, After::closes),
        pipelined("bytes behind GET", "9112 6.3", get("") + "hello\r\n\r\n" + hidden,
                  {seen_get("")}, {yes, no}, After::closes),
        pipelined("a key is nobody else's", "9112 9.3.2", with_key + no_key + with_key,
                  {seen_with_key, seen_with_key}, {yes, missing, yes}, After::open),
        pipelined("no key, then a key", "9112 9.3.2", no_key + with_key, {seen_with_key},
                  {missing, yes}, After::open),
        pipelined("nothing there, then valid", "9112 9.3.2", get("", "/nothing") + get(""),
                  {seen_get("")}, {refused("route_unknown", After::open), yes}, After::open),
        pipelined("a bad target, then valid", "9112 9.3.2", get("", "/open/../x") + get(""),
                  {seen_get("")}, {refused("target_invalid", After::open), yes}, After::open),
        pipelined("TRACE, then valid", "9112 9.3.2",
                  "TRACE / HTTP/1.1\r\n" + host + "\r\n" + get(""), {seen_get("")},
                  {refused("route_method", After::open, "Allow: \r\n"), yes}, After::open),
    });
}

BOOST_AUTO_TEST_CASE(a_refused_body_is_never_a_request) {
    const std::string yes = answer_to("GET ", After::open);
    const std::string size = std::to_string(hidden.size());
    const auto to_things = [](const std::string& fields, const std::string& body) {
        return "POST /things/1 HTTP/1.1\r\n" + host + fields + "\r\n" + body;
    };
    check_all({
        refuses("by length", "9112 9.3", to_things("Content-Length: " + size + "\r\n", hidden),
                "auth_missing"),
        refuses("by a length that is too short", "9112 9.3",
                to_things("Content-Length: 5\r\n", "hello" + hidden), "auth_missing"),
        refuses("chunked", "9112 9.3", to_things("Transfer-Encoding: chunked\r\n", chunks + hidden),
                "auth_missing"),
        refuses("chunked and empty", "9112 9.3",
                to_things("Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + hidden), "auth_missing"),
        refuses("chunked and broken", "9112 9.3",
                to_things("Transfer-Encoding: chunked\r\n", "x\r\n" + hidden), "auth_missing"),
        refuses("of a key that nobody has", "9112 9.3",
                to_things("Authorization: Bearer kg_live_" + std::string(40, '9') +
                              "\r\nContent-Length: " + size + "\r\n",
                          hidden),
                "key_unknown"),
        refuses("of a path that nobody has", "9112 9.3",
                "POST /nothing HTTP/1.1\r\n" + host + "Content-Length: " + size + "\r\n\r\n" +
                    hidden,
                "route_unknown"),
        refuses("of a bad target", "9112 9.3",
                "POST /open/../x HTTP/1.1\r\n" + host + "Content-Length: " + size + "\r\n\r\n" +
                    hidden,
                "target_invalid"),
        refuses("of GET", "9112 9.3",
                "GET /things/1 HTTP/1.1\r\n" + host + "Content-Length: " + size + "\r\n\r\n" +
                    hidden,
                "auth_missing"),
        refuses("of HEAD", "9112 9.3",
                "HEAD /things/1 HTTP/1.1\r\n" + host + "Content-Length: " + size + "\r\n\r\n" +
                    hidden,
                "auth_missing"),
        refuses("too large", "9110 15.5.14", post("Content-Length: 1048577\r\n", hidden),
                "body_too_large"),
        refuses("nothing behind Connection: close", "9112 9.6",
                "GET /things/1 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n" + hidden,
                "auth_missing"),
        refuses("nothing behind HTTP/1.0", "9112 9.3",
                "GET /things/1 HTTP/1.0\r\n" + host + "\r\n" + hidden, "auth_missing"),
        refuses_and_stays("length 0", "9112 9.3", to_things("Content-Length: 0\r\n", ""),
                          "auth_missing"),
        pipelined("valid, then refused with a body", "9112 9.3.2",
                  get("") + to_things("Content-Length: " + size + "\r\n", hidden) + get(""),
                  {seen_get("")}, {yes, refused("auth_missing")}, After::closes),
        pipelined("valid, then Connection: close, then more", "9112 9.6",
                  get("") + get("Connection: close\r\n") + hidden, {seen_get(""), seen_get("")},
                  {yes, answer_to("GET ", After::closes)}, After::closes),
        pipelined("a broken body, then valid", "9112 9.3.2",
                  get("") + "GET /things/1 HTTP/1.1\r\n" + host +
                      "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n" + hidden,
                  {seen_get("")}, {yes, refused("auth_missing")}, After::closes),
    });
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_in_a_head_is_not_answered) {
    const std::string yes = answer_to("GET ", After::open);
    std::vector<RequestRow> rows;
    for (const std::string begin :
         {"G", "GET /open/x HTTP/1.1", "GET /open/x HTTP/1.1\r\nHost: a\r\n",
          "GET /open/x HTTP/1.1\r\nHost: a\r\n\r"}) {
        rows.push_back(pipelined("cut behind " + std::to_string(begin.size()) + " bytes", "9112 8",
                                 begin, {}, {}, After::closes));
        rows.back().ends = true;
        rows.push_back(
            pipelined("valid, then cut behind " + std::to_string(begin.size()) + " bytes", "9112 8",
                      get("") + begin, {seen_get("")}, {yes}, After::open));
        rows.back().ends = true;
    }
    rows.push_back(pipelined("nothing at all", "9112 8", "", {}, {}, After::closes));
    rows.back().ends = true;
    rows.push_back(pipelined("only an empty line", "9112 2.2", "\r\n", {}, {}, After::closes));
    rows.back().ends = true;
    rows.push_back(pipelined("two requests, and the end", "9112 9.6", get("") + hidden,
                             {seen_get(""), seen_get("", "/open/hidden")}, {yes, yes},
                             After::open));
    rows.back().ends = true;
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_their_order) {
    origin.set_answer([](const std::string& request) {
        return support::OriginServer::plain_answer(request.substr(0, request.find(" HTTP")));
    });
    for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise}) {
        std::string requests;
        std::vector<std::string> answers;
        for (int i = 0; i < 20; ++i) {
            const std::string number = std::to_string(i);
            requests += get("", "/open/" + number);
            answers.push_back("GET /open/" + number);
            requests += "POST /open/" + number + " HTTP/1.1\r\n" + host +
                        "Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n";
            answers.push_back("POST /open/" + number);
            requests += get("", "/things/" + number); // no key: nothing is left of the one before
            answers.push_back("auth_missing");
            requests += get("Authorization: Bearer " + wire::key + "\r\n", "/things/" + number);
            answers.push_back("GET /things/" + number);
        }
        Socket client = gateway.connect();
        std::jthread writer{[&] {
            client.send(requests, pieces);
            client.end_writing();
        }};
        for (const std::string& expected : answers) {
            const std::string answer = client.receive_answer();
            const std::string reason = support::reason_of(answer);
            BOOST_TEST((reason.empty() ? support::body_of(answer) : reason) == expected);
        }
        writer.join();
        BOOST_TEST(client.receive_all() == "");
    }
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_late_gets_all_its_answers) {
    constexpr int count = 20'000;
    Socket client = gateway.connect();
    std::jthread writer{[&] {
        client.send(repeated(get("", "/things/1"), count));
        client.end_writing();
    }};
    int answers = 0;
    while (support::reason_of(client.receive_answer()) == "auth_missing")
        ++answers;
    writer.join();
    BOOST_TEST(answers == count);
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_nothing_is_not_served_on) {
    constexpr std::size_t mebibyte = 1024 * 1024;
    const std::string requests = repeated(get("", "/things/1"), 1000);
    std::atomic<std::size_t> sent{0};
    Socket client = gateway.connect();
    std::jthread writer{[&] {
        while (sent < 24 * mebibyte && client.send(requests))
            sent += requests.size();
    }};
    // The gateway has one thread: when others were answered often and nothing went on for this
    // one, then it waits.
    std::size_t taken = 0;
    for (int unchanged = 0; unchanged < 20; ++unchanged) {
        Socket other = gateway.connect();
        check_innocent(other);
        const std::size_t now = sent;
        if (now != taken || now == 0) unchanged = 0;
        taken = now;
    }
    BOOST_TEST(taken < 16 * mebibyte); // what the kernel's buffers hold
    client.end_writing();              // ends the writer, too
    writer.join();
}

BOOST_AUTO_TEST_SUITE_END()
