// Trailers (RFC 9110 6.5): dropped, but for those that an API names, in both directions. Never part
// of the head, wherever they stand.
#include <boost/test/unit_test.hpp>

#include <atomic>

#include "wire/between.hpp"

using namespace keygate;
using support::Socket;

namespace {

const std::string routes = "      ANY /open/**: public\n";
const std::string passing = "    trailers: [Server-Timing, X-Sum]\n";

/// Trailers as they are sent, and what remains of them.
struct Row {
    std::string name;
    std::string sent;
    std::string passed;
};

const std::vector<Row> rows{
    {"none", "", ""},
    {"one that may pass", "X-Sum: abc\r\n", "X-Sum: abc\r\n"},
    {"written anew", "x-sum:  abc \t\r\n", "x-sum: abc\r\n"},
    {"two that may", "X-Sum: abc\r\nServer-Timing: db;dur=5\r\n",
     "X-Sum: abc\r\nServer-Timing: db;dur=5\r\n"},
    {"among others", "X-Other: 1\r\nX-Sum: abc\r\nX-Sums: 2\r\n", "X-Sum: abc\r\n"},
    {"spoofed identity", "X-Key-Id: boss\r\nX_Key_Id: boss\r\nAuthorization: Bearer x\r\n", ""},
    {"a cookie", "Set-Cookie: a=b\r\nX-Sum: 1\r\n", "X-Sum: 1\r\n"},
};

const std::string lengthless = "Transfer-Encoding: chunked\r\n";

std::string chunked(const std::string& trailers) {
    return "5\r\nhello\r\n0\r\n" + trailers + "\r\n";
}

support::RunningGateway::Start start(const support::OriginServer& origin, bool passes) {
    auto made = wire::start_before(origin, routes);
    if (passes) made.configuration += passing;
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_trailers)

BOOST_AUTO_TEST_CASE(of_requests_only_those_that_may_reach_the_upstream) {
    support::OriginServer origin{
        [](const std::string&) { return support::OriginServer::plain_answer("ok"); }};
    for (const bool passes : {false, true}) {
        support::RunningGateway gateway{start(origin, passes)};
        for (const Row& row : rows)
            for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise})
                BOOST_TEST_CONTEXT(row.name << (passes ? ", passing" : ", dropping")) {
                    origin.clear();
                    Socket client = gateway.connect();
                    client.send("POST /open/x HTTP/1.1\r\nHost: a\r\n" + lengthless +
                                    "Trailer: X-Other, x-sum\r\n\r\n" + chunked(row.sent),
                                pieces);
                    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
                    const std::string all = wire::all_received(origin);
                    const std::string last = passes ? row.passed : "";
                    BOOST_TEST(all.ends_with("\r\n0\r\n" + last + "\r\n"));
                    BOOST_TEST(support::field_of(all, "Trailer").value_or("none") ==
                               (passes ? "x-sum" : "none"));
                    const std::string head = all.substr(0, all.find("\r\n\r\n"));
                    for (const char* const name : {"X-Sum", "X-Key-Id", "X_Key_Id", "X-Other"})
                        BOOST_TEST(!support::field_of(head, name).has_value());
                    // The connection goes on behind it.
                    client.send("GET /open/y HTTP/1.1\r\nHost: a\r\n\r\n");
                    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
                }
    }
}

BOOST_AUTO_TEST_CASE(of_answers_only_those_that_may_reach_the_client) {
    support::OriginServer origin;
    for (const bool passes : {false, true}) {
        support::RunningGateway gateway{start(origin, passes)};
        for (const Row& row : rows)
            BOOST_TEST_CONTEXT(row.name << (passes ? ", passing" : ", dropping")) {
                origin.set_answer([&](const std::string&) {
                    return "HTTP/1.1 200 OK\r\nTrailer: X-Sum, X-Other\r\n" + lengthless + "\r\n" +
                           chunked(row.sent);
                });
                const std::string request = "GET /open/x HTTP/1.1\r\nHost: a\r\n"
                                            "Connection: close\r\n\r\n";
                Socket client = gateway.connect();
                client.send(request);
                const std::string all = client.receive_all();
                BOOST_TEST(all.ends_with("\r\n0\r\n" + (passes ? row.passed : "") + "\r\n"));
                BOOST_TEST(support::field_of(all, "Trailer").value_or("none") ==
                           (passes ? "X-Sum" : "none"));
                const std::string head = all.substr(0, all.find("\r\n\r\n"));
                for (const char* const name : {"X-Sum", "X-Key-Id", "Set-Cookie", "X-Other"})
                    BOOST_TEST(!support::field_of(head, name).has_value());
                // Who knows no chunks gets no trailers.
                const std::string old = gateway.exchange("GET /open/x HTTP/1.0\r\nHost: a\r\n\r\n");
                BOOST_TEST(old.ends_with("\r\n\r\nhello"));
            }
    }
}

BOOST_AUTO_TEST_CASE(that_the_client_takes_trailers_is_told_where_some_may_come) {
    support::OriginServer origin;
    for (const bool passes : {false, true}) {
        support::RunningGateway gateway{start(origin, passes)};
        for (const std::string te : {"trailers", "deflate;q=0.5, Trailers", "TRAILERS"}) {
            const std::string seen = support::body_of(gateway.exchange(
                "GET /open/x HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: " + te + "\r\n\r\n"));
            BOOST_TEST(support::field_of(seen, "TE").value_or("none") ==
                       (passes ? "trailers" : "none"));
            BOOST_TEST(support::field_of(seen, "Connection").value_or("none") ==
                       (passes ? "TE" : "none"));
        }
        for (const std::string te : {"deflate", "", "trailer", "xtrailers"}) {
            const std::string seen = support::body_of(
                gateway.exchange("GET /open/x HTTP/1.1\r\nHost: a\r\nTE: " + te + "\r\n\r\n"));
            BOOST_TEST(support::field_of(seen, "TE").value_or("none") == "none");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
