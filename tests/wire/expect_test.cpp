// Expect: 100-continue (RFC 9110 10.1.1): decided first, then forwarded, or answered by the
// gateway.
#include <boost/test/unit_test.hpp>

#include <future>

#include "wire/between.hpp"

using namespace keygate;
using support::Socket;

namespace {

const std::string routes = "      ANY /open/**: public\n"
                           "      ANY /things/**: things:read\n";
const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";

std::string post(const std::string& fields, const std::string& version = "1.1",
                 const std::string& path = "/open/x") {
    return "POST " + path + " HTTP/" + version + "\r\nHost: a\r\nExpect: 100-continue\r\n" +
           fields + "\r\n";
}

std::string read_until(Socket& socket, const std::string& end) {
    std::string bytes;
    while (!bytes.ends_with(end)) {
        const auto piece = socket.receive();
        if (!piece || piece->empty()) break;
        bytes += *piece;
    }
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_expect)

BOOST_AUTO_TEST_CASE(the_gateway_answers_where_it_is_told_to) {
    support::OriginServer origin{
        [](const std::string&) { return support::OriginServer::plain_answer("done"); }};
    support::RunningGateway gateway{
        wire::start_before(origin, routes, "client: {expect: answer}\n")};
    for (const std::string framing : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"})
        for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise}) {
            origin.clear();
            Socket client = gateway.connect();
            client.send(post(framing), pieces);
            BOOST_TEST(client.receive_answer() == go_on); // before a byte of the body is there
            const std::string body = framing[0] == 'C' ? "hello" : "5\r\nhello\r\n0\r\n\r\n";
            client.send(body, pieces);
            BOOST_TEST(client.receive_answer().ends_with("\r\n\r\ndone"));
            const auto requests = origin.requests();
            BOOST_TEST_REQUIRE(requests.size() == 1U);
            BOOST_TEST(!support::field_of(requests[0], "Expect").has_value());
            BOOST_TEST(support::body_of(wire::plain(requests[0])) == "hello");
        }
}

BOOST_AUTO_TEST_CASE(nobody_is_invited_who_does_not_wait) {
    support::OriginServer origin{
        [](const std::string&) { return support::OriginServer::plain_answer("done"); }};
    support::RunningGateway gateway{
        wire::start_before(origin, routes, "client: {expect: answer}\n")};
    // The body is already there; there is none; the client is too old to know of it.
    for (const std::string& request :
         {post("Content-Length: 2\r\n") + "hi", post("Content-Length: 0\r\n"), post(""),
          post("Content-Length: 2\r\nConnection: keep-alive\r\n", "1.0") + "hi"})
        BOOST_TEST_CONTEXT(wire::in_a_line(request)) {
            // The first of a connection is dialled for, the second may find a link.
            for (int i = 0; i < 2; ++i)
                BOOST_TEST(support::status_of(gateway.exchange(request)) == 200);
        }
    for (const std::string& request : origin.requests())
        BOOST_TEST(!support::field_of(request, "Expect").has_value());
}

BOOST_AUTO_TEST_CASE(who_is_refused_is_never_told_to_go_on) {
    support::OriginServer origin;
    for (const std::string setting : {"forward", "answer"}) {
        support::RunningGateway gateway{wire::start_before(
            origin, routes, "client: {max_body: 4B, expect: " + setting + "}\n")};
        BOOST_TEST(support::reason_of(gateway.exchange(
                       post("Content-Length: 3\r\n", "1.1", "/things/1"))) == "auth_missing");
        BOOST_TEST(support::reason_of(gateway.exchange(post("Content-Length: 5\r\n"))) ==
                   "body_too_large");
        BOOST_TEST(support::reason_of(gateway.exchange(
                       post("Content-Length: 3\r\n", "1.1", "/none"))) == "route_unknown");
    }
    BOOST_TEST(origin.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(an_upstream_can_refuse_before_the_body) {
    support::OriginServer origin;
    std::promise<std::string> head;
    std::promise<std::string> body;
    origin.set_raw([&](Socket& upstream) {
        head.set_value(read_until(upstream, "\r\n\r\n"));
        upstream.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
        body.set_value(upstream.receive_all());
    });
    support::RunningGateway gateway{wire::start_before(origin, routes)};
    Socket client = gateway.connect();
    client.send(post("Content-Length: 1000000\r\n"));
    const std::string answer = client.receive_answer();
    BOOST_TEST(support::status_of(answer) == 413);
    BOOST_TEST(support::field_of(answer, "Connection").value_or("") == "close");
    BOOST_TEST(client.receive_all() == "");
    BOOST_TEST(support::field_of(head.get_future().get(), "Expect").value_or("") == "100-continue");
    BOOST_TEST(body.get_future().get() == ""); // nothing of it
}

BOOST_AUTO_TEST_CASE(a_client_that_waits_for_the_upstream_is_not_the_slow_one) {
    support::OriginServer origin;
    std::promise<void> end;
    origin.set_raw([&](Socket& upstream) {
        (void)read_until(upstream, "\r\n\r\n");
        end.get_future().wait(); // and says nothing
    });
    support::RunningGateway gateway{wire::start_before(
        origin, routes, "client: {body_timeout: 50ms}\n", ", first_byte_timeout: 300ms")};
    const std::string answer = gateway.exchange(post("Content-Length: 5\r\n"));
    BOOST_TEST(support::reason_of(answer) == "upstream_timeout");
    end.set_value();
}

BOOST_AUTO_TEST_CASE(an_expectation_that_connection_names_is_nobodys) {
    support::OriginServer origin{
        [](const std::string&) { return support::OriginServer::plain_answer("done"); }};
    support::RunningGateway gateway{
        wire::start_before(origin, routes, "client: {body_timeout: 100ms}\n")};
    // Nobody will say 100: the client is the one that is waited for.
    BOOST_TEST(support::reason_of(gateway.exchange(
                   post("Connection: Expect\r\nContent-Length: 5\r\n"))) == "client_timeout");
    const std::string answer =
        gateway.exchange(post("Connection: x, expect\r\nContent-Length: 2\r\n") + "hi");
    BOOST_TEST(support::status_of(answer) == 200);
    BOOST_TEST_REQUIRE(origin.requests().size() == 1U);
    BOOST_TEST(!support::field_of(origin.requests()[0], "Expect").has_value());
}

BOOST_AUTO_TEST_CASE(a_client_that_was_told_to_go_on_is) {
    support::OriginServer origin;
    std::promise<void> end;
    origin.set_raw([&](Socket& upstream) {
        (void)read_until(upstream, "\r\n\r\n");
        upstream.send(go_on);
        end.get_future().wait();
    });
    support::RunningGateway gateway{
        wire::start_before(origin, routes, "client: {body_timeout: 300ms}\n",
                           ", first_byte_timeout: 50ms, idle_timeout: 50ms")};
    Socket client = gateway.connect();
    client.send(post("Content-Length: 5\r\n"));
    BOOST_TEST(client.receive_answer() == go_on);
    BOOST_TEST(support::reason_of(client.receive_answer()) == "client_timeout");
    end.set_value();
}

BOOST_AUTO_TEST_SUITE_END()
