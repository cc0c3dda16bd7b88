// Bodies that are large, late or half, and what the two sides hear of it meanwhile.
#include <sstream>

#include "wire/exchanges.hpp"

using namespace keygate;
using support::Socket;

namespace {

const std::string routes = "      ANY /open/**: public\n";

} // namespace

BOOST_AUTO_TEST_SUITE(wire_bodies)

BOOST_AUTO_TEST_CASE(large_bodies_arrive_as_they_were_sent) {
    std::string data(3 * 1024 * 1024 + 17, '\0');
    std::uint32_t state = 1;
    for (char& c : data)
        c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    const auto sum_of = [](std::string_view bytes) {
        std::uint64_t sum = 14695981039346656037U; // FNV-1a
        for (const char c : bytes)
            sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211U;
        return std::to_string(bytes.size()) + ':' + std::to_string(sum);
    };
    std::string chunks;
    for (std::size_t at = 0, size = 1; at < data.size(); at += size, size = size * 3 % 70001 + 1) {
        const std::string piece = data.substr(at, size);
        std::ostringstream line;
        line << std::hex << piece.size();
        chunks += line.str() + "\r\n" + piece + "\r\n";
    }
    chunks += "0\r\n\r\n";
    const std::string with_length =
        "Content-Length: " + std::to_string(data.size()) + "\r\n\r\n" + data;
    const std::string with_chunks = "Transfer-Encoding: chunked\r\n\r\n" + chunks;

    // Reads to the end of the body in linear time, and answers with it.
    support::OriginServer origin;
    std::string seen_sum;
    std::string answer_framing;
    origin.set_raw([&](Socket& upstream) {
        std::string bytes;
        const auto is_whole = [&] {
            const std::size_t head = bytes.find("\r\n\r\n");
            if (head == std::string::npos) return false;
            if (support::field_of(bytes, "Content-Length"))
                return bytes.size() >= head + 4 + data.size();
            return bytes.ends_with("\r\n0\r\n\r\n");
        };
        while (!is_whole()) {
            const auto piece = upstream.receive();
            if (!piece || piece->empty()) return;
            bytes += *piece;
        }
        seen_sum = sum_of(support::body_of(wire::plain(bytes)));
        upstream.send("HTTP/1.1 200 OK\r\n" + answer_framing);
    });
    const support::RunningGateway gateway{wire::start_before(origin, routes)};
    for (const std::string& request_body : {with_length, with_chunks})
        for (const std::string& answer_body : {with_length, with_chunks}) {
            answer_framing = answer_body;
            seen_sum.clear();
            Socket client = gateway.connect();
            client.send("POST /open/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
                        request_body);
            const std::string answer = wire::plain(client.receive_all());
            BOOST_TEST(sum_of(support::body_of(answer)) == sum_of(data));
            BOOST_TEST(seen_sum == sum_of(data));
        }
}

BOOST_AUTO_TEST_CASE(a_client_that_stops_in_its_body_is_told_so) {
    support::OriginServer origin;
    const support::RunningGateway gateway{
        wire::start_before(origin, routes, "client: {body_timeout: 100ms, head_timeout: 100ms}\n")};
    Socket in_body = gateway.connect();
    in_body.send("POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    BOOST_TEST(wire::normal(in_body.receive_all()) == wire::refused("client_timeout"));
    Socket in_head = gateway.connect();
    in_head.send("POST /open/x HTTP/1.1\r\nHo");
    BOOST_TEST(wire::normal(in_head.receive_all()) == wire::refused("client_timeout"));
    Socket silent = gateway.connect();
    BOOST_TEST(silent.receive_all() == "");
    BOOST_TEST(origin.requests().empty());
}

BOOST_AUTO_TEST_CASE(what_the_upstream_says_before_the_body_reaches_the_client_at_once) {
    support::OriginServer origin;
    origin.set_raw([](Socket& upstream) {
        std::string body = support::body_of(wire::read_head(upstream));
        upstream.send("HTTP/1.1 100 Continue\r\n\r\n");
        while (body.size() < 5) {
            const auto piece = upstream.receive();
            if (!piece || piece->empty()) return;
            body += *piece;
        }
        upstream.send(support::OriginServer::plain_answer(body));
    });
    const support::RunningGateway gateway{wire::start_before(origin, routes)};
    Socket client = gateway.connect();
    client.send(
        "POST /open/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    // The body is only sent when this has come: without the 100 the test would end here.
    BOOST_TEST(client.receive_answer() == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    BOOST_TEST(support::body_of(client.receive_answer()) == "hello");
}

BOOST_AUTO_TEST_SUITE_END()
