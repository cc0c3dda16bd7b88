// Answers in steps: what comes early, late, or when nobody asked.
#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "wire/exchanges.hpp"

using namespace keygate;
using support::Socket;
using wire::read_head;
using wire::repeated;

namespace {

const std::string routes = "      ANY /open/**: public\n";
const std::string get = "GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n";

std::string ok(const std::string& fields, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

/// Waits with patience: false if it does not come.
bool comes(std::promise<void>& event) {
    return event.get_future().wait_for(Socket::patience) == std::future_status::ready;
}

/// A gateway before an upstream that is told, step by step, what to do on its next connection.
struct Stepwise {
    using Raw = std::function<void(Socket&)>;

    explicit Stepwise(Raw raw) { origin.set_raw(std::move(raw)); }

    ~Stepwise() { gateway.reset(); }

    support::OriginServer origin;
    std::unique_ptr<support::RunningGateway> gateway =
        std::make_unique<support::RunningGateway>(wire::start_before(origin, routes));
};

} // namespace

BOOST_AUTO_TEST_SUITE(wire_answers_in_steps)

BOOST_AUTO_TEST_CASE(events_arrive_one_by_one) {
    std::array<std::promise<void>, 5> wanted;
    Stepwise between{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send(ok("Content-Type: text/event-stream\r\n", ""));
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (!comes(wanted[i])) return;
            upstream.send("data: " + std::to_string(i) + "\n\n");
        }
    }};
    Socket client = between.gateway->connect();
    client.send(get);
    std::string all = read_head(client);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i].set_value(); // the next is not sent before this one is here
        const std::string event = "data: " + std::to_string(i) + "\n\n";
        while (all.find(event) == std::string::npos) {
            const auto piece = client.receive();
            BOOST_TEST_REQUIRE((piece && !piece->empty()));
            all += *piece;
        }
    }
}

BOOST_AUTO_TEST_CASE(an_answer_does_not_wait_for_the_end_of_the_upload) {
    Stepwise between{[](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
        (void)upstream.receive_all();
    }};
    Socket client = between.gateway->connect();
    client.send("POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegin");
    const std::string answer = client.receive_answer();
    BOOST_TEST(wire::normal(answer) == wire::answered("", "Content-Length: 2\r\n", "no",
                                                      wire::After::closes,
                                                      "HTTP/1.1 401 Unauthorized"));
    client.send("GET /open/hidden HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(client.receive_all() == "");
}

BOOST_AUTO_TEST_CASE(an_upstream_that_answers_and_goes_during_an_upload_is_heard) {
    const std::string body(20'000, 'b');
    Stepwise between{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 20000\r\n\r\n" + body);
    }};
    for (int i = 0; i < 10; ++i) {
        Socket client = between.gateway->connect();
        std::jthread writer{[&] {
            client.send("POST /open/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                        repeated("3e8\r\n" + std::string(1000, 'u') + "\r\n", 3000) + "0\r\n\r\n");
        }};
        const std::string answer = client.receive_answer();
        BOOST_TEST(support::status_of(answer) == 413);
        BOOST_TEST((support::body_of(answer) == body));
        client.end_writing();
        writer.join();
    }
}

BOOST_AUTO_TEST_CASE(a_reset_that_the_upload_finds_is_no_end_of_an_answer) {
    Stepwise between{[](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send("HTTP/1.1 200 OK\r\n\r\nhalf of it");
        upstream.reset();
    }};
    for (int i = 0; i < 10; ++i)
        for (const std::string version : {"1.1", "1.0"}) {
            Socket client = between.gateway->connect();
            client.send("POST /open/x HTTP/" + version +
                        "\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
            // Until its own connection is broken: one of these writes of the gateway is told.
            std::thread writer{[&] {
                while (client.send(repeated("u", 65'536))) {
                }
            }};
            BOOST_TEST(!client.receive_all().ends_with("0\r\n\r\n"));
            client.end_writing();
            writer.join();
        }
    // Who writes may be told of the reset before who reads, so it is the log that shows a cut.
    const std::string log = between.gateway->end_and_read_log();
    BOOST_TEST(log.find("\"outcome\":\"upstream_invalid\",\"status\":200") != std::string::npos);
    BOOST_TEST(log.find("\"outcome\":\"allowed\"") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_an_idle_connection_says_is_never_an_answer) {
    std::promise<void> is_idle;
    std::promise<void> is_ended;
    std::atomic<int> connections{0};
    Stepwise between{[&](Socket& upstream) {
        const bool is_first = connections++ == 0;
        (void)read_head(upstream);
        upstream.send(ok("Content-Length: 4\r\n", "good"));
        if (!is_first) {
            (void)upstream.receive_all();
            return;
        }
        if (!comes(is_idle)) return;
        upstream.send(ok("Content-Length: 6\r\n", "poison"));
        (void)upstream.receive_all(); // until the gateway ends it
        is_ended.set_value();
    }};
    Socket client = between.gateway->connect();
    client.send(get);
    BOOST_TEST(support::body_of(client.receive_answer()) == "good");
    is_idle.set_value();
    BOOST_TEST_REQUIRE(comes(is_ended));
    client.send(get);
    BOOST_TEST(support::body_of(client.receive_answer()) == "good");
    BOOST_TEST(connections == 2);
}

BOOST_AUTO_TEST_CASE(an_upstream_that_speaks_first_is_not_waited_for) {
    Stepwise between{[](Socket& upstream) {
        upstream.send("HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy");
        (void)upstream.receive_all();
    }};
    for (int i = 0; i < 20; ++i) {
        const int status = support::status_of(between.gateway->exchange(get));
        BOOST_TEST((status == 503 || status == 502), status);
    }
}

BOOST_AUTO_TEST_CASE(a_stale_connection_is_tried_again_once_and_only_for_what_can_be_repeated) {
    // The first connection answers once and then takes requests without a word and ends.
    std::atomic<int> connections{0};
    std::atomic<int> requests{0};
    Stepwise between{[&](Socket& upstream) {
        ++connections;
        for (int i = 0; i < 2; ++i) {
            if (read_head(upstream).empty()) return;
            ++requests;
            if (i == 0) upstream.send(ok("Content-Length: 4\r\n", "good"));
        }
    }};
    Socket client = between.gateway->connect();
    const auto answer_to = [&](const std::string& request) {
        client.send(request);
        return client.receive_answer();
    };
    BOOST_TEST(support::body_of(answer_to(get)) == "good");
    BOOST_TEST(support::body_of(answer_to(get)) == "good"); // on a second connection
    BOOST_TEST(connections == 2);
    BOOST_TEST(requests == 3);
    const std::string post = "POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    BOOST_TEST(support::reason_of(answer_to(post)) == "upstream_invalid");
    BOOST_TEST(connections == 2);
    BOOST_TEST(requests == 4);
}

BOOST_AUTO_TEST_CASE(an_upstream_that_is_not_there_is_503) {
    auto origin = std::make_unique<support::OriginServer>();
    const auto start = wire::start_before(*origin, routes);
    origin.reset();
    const support::RunningGateway gateway{start};
    BOOST_TEST(wire::normal(gateway.exchange(get)) ==
               wire::refused("upstream_unavailable", wire::After::open));
}

BOOST_AUTO_TEST_CASE(an_upstream_that_says_nothing_is_504) {
    support::OriginServer origin;
    origin.set_raw([](Socket& upstream) { (void)upstream.receive_all(); });
    const support::RunningGateway gateway{
        wire::start_before(origin, routes, "", ", first_byte_timeout: 50ms, idle_timeout: 50ms")};
    BOOST_TEST(wire::normal(gateway.exchange(get)) ==
               wire::refused("upstream_timeout", wire::After::open));
}

BOOST_AUTO_TEST_CASE(an_upstream_that_stops_in_its_answer_is_cut) {
    support::OriginServer origin;
    origin.set_raw([](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send(ok("Content-Length: 5\r\n", "hel"));
        (void)upstream.receive_all();
    });
    const support::RunningGateway gateway{
        wire::start_before(origin, routes, "", ", idle_timeout: 50ms")};
    Socket client = gateway.connect();
    client.send(get);
    BOOST_TEST(wire::normal(client.receive_all()) ==
               wire::answered("", "Content-Length: 5\r\n", "hel"));
}

BOOST_AUTO_TEST_SUITE_END()
