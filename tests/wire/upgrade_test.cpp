// WebSocket (RFC 6455) as bytes: an upgrade is asked for by one kind of request, comes about by the
// upstream's 101 and by nothing else, and is a tunnel from then on.
#include <boost/test/unit_test.hpp>

#include <array>
#include <future>
#include <thread>

#include "wire/between.hpp"

using namespace keygate;
using namespace std::string_literals;
using support::Socket;
using wire::repeated;

namespace {

const std::string routes = "      ANY /open/**: public\n"
                           "      ANY /things/**: things:read\n";

std::string upgrade(const std::string& fields,
                    const std::string& line = "GET /open/chat HTTP/1.1") {
    return line + "\r\nHost: a\r\n" + fields + "\r\n";
}

const std::string handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\n";
const std::string switching = "HTTP/1.1 101 Switching Protocols\r\n"
                              "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// As the client sees it.
const std::string switched =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: ID\r\n\r\n";
const std::string ours = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                         "X-Forwarded-Host: a\r\nX-Request-Id: ID\r\nVia: 1.1 keygate\r\n\r\n";
const std::string upgrade_lines = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const std::string plain_request = upgrade("");

std::string read_head(Socket& socket) {
    std::string bytes;
    while (bytes.find("\r\n\r\n") == std::string::npos) {
        const auto piece = socket.receive();
        if (!piece || piece->empty()) break;
        bytes += *piece;
    }
    return bytes;
}

/// Exactly as many bytes as expected; fewer at the end.
std::string read_bytes(Socket& socket, std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
        const auto piece = socket.receive();
        if (!piece || piece->empty()) break;
        bytes += *piece;
    }
    return bytes;
}

/// A gateway before an upstream whose connections the test plays.
struct Between {
    explicit Between(std::function<void(Socket&)> upstream, const std::string& settings = {},
                     const std::string& more = {}) {
        origin.set_raw(std::move(upstream));
        gateway = std::make_unique<support::RunningGateway>(
            wire::start_before(origin, routes, more, settings));
    }

    ~Between() { gateway.reset(); }

    Between(const Between&) = delete;
    Between& operator=(const Between&) = delete;

    support::OriginServer origin;
    std::unique_ptr<support::RunningGateway> gateway;
};

/// An upstream that agrees to every upgrade and then says everything back, until the client ends.
void echo(Socket& upstream) {
    const std::string request = read_head(upstream);
    upstream.send(switching + request.substr(request.find("\r\n\r\n") + 4));
    for (;;) {
        const auto piece = upstream.receive();
        if (!piece || piece->empty()) break;
        upstream.send(*piece);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_upgrade)

BOOST_AUTO_TEST_CASE(only_one_kind_of_request_asks_for_it) {
    struct Row {
        std::string name;
        std::string source;
        std::string request;
        std::string line;   // as the upstream sees it
        std::string fields; // the client's, that it sees
        bool is_upgrade = false;
    };

    const std::string rest = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                             "Sec-WebSocket-Version: 13\r\n";
    const std::string get_line = "GET /open/chat HTTP/1.1";
    const std::vector<Row> rows{
        {"a handshake", "6455 4.1", upgrade(handshake), get_line, rest, true},
        {"any case, other options beside it", "9110 7.6.1",
         upgrade("connection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n" + rest), get_line,
         rest, true},
        {"two Connection fields", "9110 7.6.1",
         upgrade("Connection: x-one\r\nX-One: 1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"),
         get_line, "", true},
        {"a length of nothing", "9112 6.2", upgrade("Content-Length: 0\r\n" + upgrade_lines),
         get_line, "Content-Length: 0\r\n", true},
        {"h2c", "9110 7.8",
         upgrade("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"),
         get_line, ""},
        {"a list", "9110 7.8", upgrade("Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
         get_line, ""},
        {"h2c first", "9110 7.8", upgrade("Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n"),
         get_line, ""},
        {"two fields", "9110 7.8",
         upgrade("Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"), get_line, ""},
        {"the same twice", "9110 7.8",
         upgrade("Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n"), get_line,
         ""},
        {"a version", "9110 7.8", upgrade("Connection: Upgrade\r\nUpgrade: websocket/13\r\n"),
         get_line, ""},
        {"almost", "9110 7.8", upgrade("Connection: Upgrade\r\nUpgrade: websockets\r\n"), get_line,
         ""},
        {"empty", "9110 7.8", upgrade("Connection: Upgrade\r\nUpgrade: \r\n"), get_line, ""},
        {"TLS", "2817 3.1", upgrade("Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"), get_line, ""},
        {"not named by Connection", "9110 7.8", upgrade("Upgrade: websocket\r\n"), get_line, ""},
        {"Connection without Upgrade", "9110 7.8", upgrade("Connection: Upgrade\r\n"), get_line,
         ""},
        {"and to close", "9112 9.6",
         upgrade("Connection: Upgrade, close\r\nUpgrade: websocket\r\n"), get_line, ""},
        {"POST", "6455 4.1",
         upgrade(upgrade_lines + "Content-Length: 0\r\n", "POST /open/chat HTTP/1.1"),
         "POST /open/chat HTTP/1.1", "Content-Length: 0\r\n"},
        {"HTTP/1.0", "9110 7.8",
         upgrade("Connection: Upgrade\r\nUpgrade: websocket\r\n", "GET /open/chat HTTP/1.0"),
         "(1.0)", ""},
        {"folded names", "9110 7.8", upgrade("Connection: Upgrade\r\nUpgrade_: websocket\r\n"),
         get_line, "Upgrade_: websocket\r\n"},
    };
    for (const Row& row : rows)
        for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise})
            BOOST_TEST_CONTEXT(row.name << " (" << row.source
                                        << "): " << wire::in_a_line(row.request)) {
                std::promise<std::string> seen;
                std::promise<void> answered;
                Between between{[&](Socket& upstream) {
                    seen.set_value(read_head(upstream));
                    upstream.send(row.is_upgrade ? switching
                                                 : support::OriginServer::plain_answer("plain"));
                    answered.get_future().wait();
                }};
                Socket client = between.gateway->connect();
                client.send(row.request, pieces);
                const std::string expected = row.line == "(1.0)"
                                                 ? "GET /open/chat HTTP/1.1\r\nHost: a\r\n" +
                                                       ours.substr(0, ours.find("Via")) +
                                                       "Via: 1.0 keygate\r\n\r\n"
                                                 : row.line + "\r\nHost: a\r\n" + row.fields +
                                                       (row.is_upgrade ? upgrade_lines : "") + ours;
                BOOST_TEST(wire::plain(seen.get_future().get()) == expected);
                if (row.is_upgrade)
                    BOOST_TEST(wire::plain(read_head(client)) == switched);
                else
                    BOOST_TEST(client.receive_answer().ends_with("\r\n\r\nplain"));
                answered.set_value();
            }
}

BOOST_AUTO_TEST_CASE(it_passes_the_same_checks_as_every_request) {
    Between between{echo};
    const std::string line = "GET /things/chat HTTP/1.1";
    const std::string refused = between.gateway->exchange(upgrade(handshake, line));
    BOOST_TEST(support::status_of(refused) == 401);
    BOOST_TEST(support::reason_of(refused) == "auth_missing");
    BOOST_TEST(between.origin.connections() == 0U);
    Socket client = between.gateway->connect();
    client.send(
        upgrade(handshake + "X-Key-Id: boss\r\nAuthorization: Bearer " + wire::key + "\r\n", line));
    BOOST_TEST(support::status_of(read_head(client)) == 101);
    client.send("hello");
    BOOST_TEST(read_bytes(client, 5) == "hello");
}

BOOST_AUTO_TEST_CASE(what_is_glued_on_waits_for_the_101) {
    std::promise<void> may_answer;
    std::promise<std::string> before;
    Between between{[&](Socket& upstream) {
        before.set_value(read_head(upstream));
        may_answer.get_future().wait();
        // And what the upstream glues on comes behind its 101.
        upstream.send(switching + "welcome");
        upstream.send(read_bytes(upstream, 5));
    }};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake) + "early");
    BOOST_TEST(before.get_future().get().ends_with("\r\n\r\n")); // and nothing behind it
    may_answer.set_value();
    BOOST_TEST(wire::plain(read_bytes(client, switched.size() + 34 + 12)) ==
               switched + "welcomeearly");
}

BOOST_AUTO_TEST_CASE(without_a_101_what_is_glued_on_is_the_next_request) {
    for (const std::string status : {"200 OK", "400 Bad Request", "403 Forbidden", "404 Not Found",
                                     "426 Upgrade Required", "503 Busy"})
        BOOST_TEST_CONTEXT(status) {
            support::OriginServer origin{[&](const std::string&) {
                return "HTTP/1.1 " + status +
                       "\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno";
            }};
            const support::RunningGateway gateway{wire::start_before(origin, routes)};
            Socket client = gateway.connect();
            // A gateway that believed in the upgrade would pass this on unread.
            client.send(upgrade(handshake) +
                        "GET /open/second HTTP/1.1\r\nHost: a\r\nX-Key-Id: boss\r\n\r\n");
            BOOST_TEST(client.receive_answer().starts_with("HTTP/1.1 " + status));
            BOOST_TEST(client.receive_answer().starts_with("HTTP/1.1 " + status));
            const auto seen = origin.requests();
            BOOST_TEST_REQUIRE(seen.size() == 2U);
            BOOST_TEST(wire::plain(seen[1]) == "GET /open/second HTTP/1.1\r\nHost: a\r\n" + ours);
        }
}

BOOST_AUTO_TEST_CASE(a_101_that_is_none_is_502) {
    struct Row {
        std::string name;
        std::string request;
        std::string answer;
    };

    const std::string status = "HTTP/1.1 101 Switching Protocols\r\n";
    const std::vector<Row> rows{
        {"nobody asked", plain_request, switching},
        {"h2c was asked for", upgrade("Connection: Upgrade\r\nUpgrade: h2c\r\n"),
         status + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"},
        {"another protocol", upgrade(handshake),
         status + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"},
        {"no protocol", upgrade(handshake), status + "\r\n"},
        {"not named by Connection", upgrade(handshake), status + "Upgrade: websocket\r\n\r\n"},
        {"two protocols", upgrade(handshake),
         status + "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n"},
        {"a length", upgrade(handshake), status + upgrade_lines + "Content-Length: 5\r\n\r\nhello"},
        {"chunked", upgrade(handshake),
         status + upgrade_lines + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"HTTP/1.0", upgrade(handshake),
         "HTTP/1.0 101 Switching Protocols\r\n" + upgrade_lines + "\r\n"},
        {"a broken field", upgrade(handshake), status + upgrade_lines + "X : y\r\n\r\n"},
    };
    for (const Row& row : rows)
        for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise})
            BOOST_TEST_CONTEXT(row.name) {
                Between between{[&](Socket& upstream) {
                    (void)read_head(upstream);
                    upstream.send(row.answer, pieces);
                    (void)upstream.receive_all(); // the gateway ends it
                }};
                Socket client = between.gateway->connect();
                client.send(row.request + "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
                const std::string answer = client.receive_answer();
                BOOST_TEST(support::status_of(answer) == 502);
                BOOST_TEST(support::reason_of(answer) == "upstream_invalid");
                // The client's next request is one, and is judged as one.
                BOOST_TEST(support::reason_of(client.receive_answer()) == "route_unknown");
            }
}

BOOST_AUTO_TEST_CASE(interim_answers_may_come_before_it) {
    Between between{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + switching);
        upstream.send(read_bytes(upstream, 2));
    }};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    std::string all;
    while (all.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == std::string::npos)
        all += client.receive().value_or("(reset)");
    BOOST_TEST(all.starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 101 "));
    client.send("hi");
    BOOST_TEST(client.receive_all().ends_with("hi"));
}

BOOST_AUTO_TEST_CASE(much_passes_both_ways_at_once) {
    constexpr std::size_t size = 8 * 1024 * 1024;
    Between between{echo};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(client)) == 101);
    std::string sent;
    for (std::size_t i = 0; sent.size() < size; ++i)
        sent += std::to_string(i) + "\r\n\r\n\0GET / HTTP/1.1"s;
    std::thread writer{[&] {
        client.send(sent);
        client.end_writing();
    }};
    const std::string came = client.receive_all();
    writer.join();
    BOOST_TEST((came == sent));
}

BOOST_AUTO_TEST_CASE(each_direction_ends_by_itself) {
    std::promise<std::string> after_our_end;
    Between between{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send(switching + "bye");
        upstream.end_writing();
        after_our_end.set_value(upstream.receive_all());
    }};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    BOOST_TEST(client.receive_all().ends_with("\r\n\r\nbye")); // the upstream's end
    client.send("still here", Socket::Pieces::bytewise);
    client.end_writing();
    BOOST_TEST(after_our_end.get_future().get() == "still here");
    // The other way round.
    Between other{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send(switching);
        const std::string all = upstream.receive_all();
        upstream.send("you said " + all);
    }};
    Socket second = other.gateway->connect();
    second.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(second)) == 101);
    second.send("enough");
    second.end_writing();
    BOOST_TEST(second.receive_all() == "you said enough");
}

BOOST_AUTO_TEST_CASE(who_breaks_one_end_breaks_the_other) {
    std::promise<bool> upstream_saw_reset;
    Between between{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send(switching);
        // No end that looks meant.
        upstream_saw_reset.set_value(!upstream.receive().has_value());
    }};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(client)) == 101);
    client.reset();
    BOOST_TEST(upstream_saw_reset.get_future().get());

    std::promise<void> is_open;
    Between other{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send(switching);
        is_open.get_future().wait();
        upstream.reset();
    }};
    Socket second = other.gateway->connect();
    second.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(second)) == 101);
    is_open.set_value();
    std::optional<std::string> end = second.receive();
    BOOST_TEST(!end.has_value()); // a reset, and no end that looks meant
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_nobody_uses_ends) {
    Between between{[&](Socket& upstream) {
                        (void)read_head(upstream);
                        upstream.send(switching);
                        (void)upstream.receive_all();
                    },
                    ", tunnel_timeout: 100ms, idle_timeout: 50ms",
                    "client: {body_timeout: 50ms, idle_timeout: 50ms}\n"};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(client)) == 101);
    BOOST_TEST(client.receive_all() == "");
    const std::string log = between.gateway->end_and_read_log();
    BOOST_TEST(log.find("\"outcome\":\"allowed\",\"status\":101") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_tunnel_of_which_one_end_is_gone_does_not_stay) {
    const std::string settings = ", tunnel_timeout: 1h, idle_timeout: 100ms";
    std::promise<std::string> after_our_end;
    Between between{[&](Socket& upstream) {
                        (void)read_head(upstream);
                        upstream.send(switching + "bye");
                        upstream.end_writing();
                        after_our_end.set_value(upstream.receive_all());
                    },
                    settings};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    BOOST_TEST(client.receive_all().ends_with("\r\n\r\nbye"));
    // The client stays, and still the upstream is let go.
    auto end = after_our_end.get_future();
    BOOST_TEST_REQUIRE((end.wait_for(Socket::patience) == std::future_status::ready));
    BOOST_TEST(end.get() == "");
    std::string log = between.gateway->end_and_read_log();
    BOOST_TEST(log.find("\"outcome\":\"allowed\",\"status\":101") != std::string::npos);

    std::promise<void> over;
    Between other{[&](Socket& upstream) {
                      (void)read_head(upstream);
                      upstream.send(switching);
                      over.get_future().wait();
                  },
                  settings};
    const std::shared_ptr<void> let_go{nullptr, [&](void*) { over.set_value(); }};
    Socket second = other.gateway->connect();
    second.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(second)) == 101);
    second.end_writing();
    BOOST_TEST(second.receive_all() == "");
    log = other.gateway->end_and_read_log();
    BOOST_TEST(log.find("\"outcome\":\"allowed\",\"status\":101") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_slowly_is_not_blamed_on_the_upstream) {
    constexpr std::size_t size = 16 * 1024 * 1024;
    Between between{[&](Socket& upstream) {
                        const std::string request = read_head(upstream);
                        upstream.send(switching);
                        if (request.starts_with("GET /open/chat"))
                            upstream.send(repeated("x", size));
                        (void)upstream.receive_all();
                    },
                    ", tunnel_timeout: 100ms, idle_timeout: 100ms"};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    std::string all = read_head(client);
    for (int i = 0; i < 3; ++i) {
        client.send("?");
        // Another tunnel, opened after this and unused, has come to its end meanwhile.
        Socket quiet = between.gateway->connect();
        quiet.send(upgrade(handshake, "GET /open/quiet HTTP/1.1"));
        BOOST_TEST(support::status_of(quiet.receive_all()) == 101);
    }
    all += client.receive_all();
    BOOST_TEST(support::body_of(all).size() == size);
}

BOOST_AUTO_TEST_CASE(a_reader_that_stands_still_stops_the_writer_and_is_cut_off) {
    // Nobody reads what the upstream says: it is the client that is given up.
    std::promise<std::size_t> said;
    Between between{[&](Socket& upstream) {
                        (void)read_head(upstream);
                        upstream.send(switching);
                        const std::string piece = repeated("x", 65'536);
                        std::size_t size = 0;
                        while (upstream.send(piece))
                            size += piece.size();
                        said.set_value(size);
                    },
                    "", "client: {write_timeout: 300ms}\n"};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    auto end = said.get_future();
    BOOST_TEST_REQUIRE((end.wait_for(Socket::patience) == std::future_status::ready));
    BOOST_TEST(end.get() < 64U * 1024 * 1024); // what the kernel holds of it
    BOOST_TEST(support::status_of(client.receive_all()) == 101);
    const std::string log = between.gateway->end_and_read_log();
    BOOST_TEST(log.find("\"outcome\":\"canceled\",\"status\":101") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(body_bounds_do_not_count_what_passes_a_tunnel) {
    Between between{echo, "", "client: {max_body: 10B}\n"};
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(client)) == 101);
    client.send(repeated("0123456789", 10));
    BOOST_TEST(read_bytes(client, 100) == repeated("0123456789", 10));
}

BOOST_AUTO_TEST_CASE(open_tunnels_are_counted) {
    Between between{echo, "", "status: {address: \"127.0.0.1:0\"}\n"};
    const auto metric = [&](const std::string& name) {
        Socket scraper = Socket::connect(between.gateway->gateway().status_port());
        scraper.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        const std::string page = scraper.receive_all();
        const std::size_t at = page.find("\n" + name + " ");
        return at == std::string::npos ? "(none)" : page.substr(at + name.size() + 2, 1);
    };
    Socket client = between.gateway->connect();
    client.send(upgrade(handshake));
    BOOST_TEST(support::status_of(read_head(client)) == 101);
    BOOST_TEST(metric("keygate_tunnels") == "1");
    client.end_writing();
    BOOST_TEST(client.receive_all() == "");
    BOOST_TEST(metric("keygate_tunnels") == "0");
    BOOST_TEST(metric("keygate_tunnels_total") == "1");
}

BOOST_AUTO_TEST_SUITE_END()
