// A gateway's life, seen from outside: start, slow and vanishing peers on both sides, drain, end,
// restart.
#include "support/closed_port.hpp"
#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <future>
#include <sstream>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace keygate;

namespace {

namespace json = boost::json;

const std::string key = "kg_live_0123456789012345678901234567890123456789";
const std::string credential = "Authorization: Bearer " + key + "\r\n";

std::string server_on(std::uint16_t port) {
    return "\"http://127.0.0.1:" + std::to_string(port) + '"';
}

/// One API in front of `servers`, with further settings of its upstream and of the gateway.
support::RunningGateway::Start shop(const std::string& servers, const std::string& upstream = "",
                                    const std::string& settings = "") {
    return {.configuration = settings + "apis:\n  shop:\n    upstreams: {live: {servers: [" +
                             servers + "]" + upstream +
                             "}}\n    routes:\n      ANY /any/**: key\n      ANY /open: public\n",
            .keys = {support::record_of(key, "key_1", "shop", "acme")}};
}

support::RunningGateway::Start shop(const support::OriginServer& origin,
                                    const std::string& upstream = "",
                                    const std::string& settings = "") {
    return shop(server_on(origin.port()), upstream, settings);
}

std::string get(const std::string& path = "/open", const std::string& fields = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

/// A connection that has done one request and waits for nothing.
support::Socket idle_client(const support::RunningGateway& gateway) {
    support::Socket client = gateway.connect();
    client.send(get());
    BOOST_TEST_REQUIRE(support::status_of(client.receive_answer()) == 200);
    return client;
}

std::string field(const std::string& answer, const char* name) {
    return support::field_of(answer, name).value_or("(none)");
}

/// An upstream that holds requests for `/any/held` until they are let go.
class HoldingOrigin {
  public:
    HoldingOrigin()
        : origin_([this](const std::string& request) {
            if (request.find(" /any/held ") != std::string::npos) {
                if (!has_come_.exchange(true)) came_.set_value();
                let_go_.get_future().wait();
            }
            return support::OriginServer::plain_answer("ok");
        }) {}

    ~HoldingOrigin() { let_go(); }

    HoldingOrigin(const HoldingOrigin&) = delete;
    HoldingOrigin& operator=(const HoldingOrigin&) = delete;

    void wait_for_request() { came_.get_future().wait(); }

    void let_go() {
        if (!is_let_go_.exchange(true)) let_go_.set_value();
    }

    [[nodiscard]] const support::OriginServer& server() const { return origin_; }

  private:
    std::promise<void> came_;
    std::promise<void> let_go_;
    std::atomic<bool> has_come_{false};
    std::atomic<bool> is_let_go_{false};
    support::OriginServer origin_;
};

/// What the status listener says.
std::string status_page(support::RunningGateway& gateway, const std::string& path) {
    support::Socket client = support::Socket::connect(gateway.gateway().status_port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    return client.receive_all();
}

const std::string status_block = "status: {address: \"127.0.0.1:0\"}\n";

std::vector<json::object> lines_of(const std::string& log) {
    std::vector<json::object> lines;
    std::istringstream text{log};
    for (std::string line; std::getline(text, line);) {
        boost::system::error_code wrong;
        const json::value value = json::parse(line, wrong);
        BOOST_TEST_REQUIRE(!wrong, line);
        lines.push_back(value.as_object());
    }
    return lines;
}

std::string member(const json::object& line, const char* name) {
    const auto* const found = line.if_contains(name);
    if (found == nullptr) return "(none)";
    return found->is_string() ? std::string{found->as_string().c_str()} : json::serialize(*found);
}

} // namespace

// ---- the end
// --------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(wire_drain)

BOOST_AUTO_TEST_CASE(what_is_in_flight_is_answered_and_nothing_new_is_taken) {
    HoldingOrigin origin;
    support::RunningGateway gateway{shop(origin.server(), "", "drain: {timeout: 1h}\n")};
    support::Socket idle = idle_client(gateway);
    support::Socket busy = gateway.connect();
    busy.send(get("/any/held", credential));
    origin.wait_for_request();

    auto drained = std::async(std::launch::async, [&] { gateway.gateway().drain(); });
    BOOST_TEST(idle.is_at_end());
    BOOST_CHECK_THROW((void)gateway.connect(), std::runtime_error);
    BOOST_TEST((drained.wait_for(std::chrono::seconds{0}) == std::future_status::timeout));
    origin.let_go();
    const std::string answer = busy.receive_answer();
    BOOST_TEST(support::status_of(answer) == 200);
    BOOST_TEST(field(answer, "Connection") == "close");
    BOOST_TEST(busy.is_at_end());
    busy.close();
    drained.get();
    const auto lines = lines_of(gateway.end_and_read_log());
    BOOST_TEST(lines.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_request_that_has_begun_is_still_answered) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin, "", "drain: {timeout: 1h}\n")};
    support::Socket idle = idle_client(gateway);
    support::Socket late = gateway.connect();
    const std::string request = get();
    late.send(request.substr(0, 9));
    // Its first bytes must be there before the drain is: another request on the same thread shows
    // it.
    (void)idle_client(gateway);
    auto drained = std::async(std::launch::async, [&] { gateway.gateway().drain(); });
    BOOST_TEST(idle.is_at_end());
    late.send(request.substr(9));
    const std::string answer = late.receive_answer();
    BOOST_TEST(support::status_of(answer) == 200);
    BOOST_TEST(field(answer, "Connection") == "close");
    late.close();
    drained.get();
}

BOOST_AUTO_TEST_CASE(what_was_asked_behind_a_long_answer_takes_nothing_from_it) {
    const std::string body(3'000'000, 'b');
    std::promise<void> go_on;
    std::atomic<int> turn{0};
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin, "", "drain: {timeout: 1h}\n")};
    support::Socket idle = idle_client(gateway);
    origin.set_raw([&](support::Socket& upstream) {
        const bool is_first = turn++ == 0;
        for (std::string head; !head.ends_with("\r\n\r\n");)
            head += upstream.receive().value_or("\r\n\r\n");
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\nb");
        if (is_first) go_on.get_future().wait();
        upstream.send(std::string_view{body}.substr(1));
    });
    origin.hang_up(); // the connection of the idle client
    support::Socket client = gateway.connect();
    client.send(get());
    // Its answer has begun, and says that the connection stays.
    std::string all = client.receive().value_or("");
    client.send(get());
    auto drained = std::async(std::launch::async, [&] { gateway.gateway().drain(); });
    BOOST_TEST(idle.is_at_end());
    idle.close();
    go_on.set_value();
    all += client.receive_all();
    const std::size_t second = all.find("HTTP/1.1 200", 1);
    BOOST_TEST_REQUIRE((second != std::string::npos));
    BOOST_TEST((support::body_of(all.substr(0, second)) == body));
    BOOST_TEST(field(all.substr(second), "Connection") == "close");
    BOOST_TEST((support::body_of(all.substr(second)) == body));
    client.close();
    drained.get();
}

BOOST_AUTO_TEST_CASE(an_answer_that_the_end_cuts_does_not_look_whole) {
    std::promise<void> over;
    std::shared_future<void> is_over = over.get_future().share();
    support::OriginServer origin;
    origin.set_raw([is_over](support::Socket& upstream) {
        (void)upstream.receive();
        upstream.send("HTTP/1.1 200 OK\r\n\r\nhalf of it");
        is_over.wait();
    });
    support::RunningGateway gateway{shop(origin, "", "drain: {timeout: 100ms}\n")};
    // HTTP/1.0 knows no other end of such an answer than the connection's.
    support::Socket client = gateway.connect();
    client.send("GET /open HTTP/1.0\r\n\r\n");
    std::string all;
    while (!all.ends_with("half of it"))
        all += client.receive().value_or("half of it");
    gateway.gateway().drain();
    (void)gateway.end_and_read_log();
    BOOST_TEST(!client.receive().has_value()); // a reset
    over.set_value();
}

BOOST_AUTO_TEST_CASE(whoever_is_in_a_hurry_ends_the_drain) {
    HoldingOrigin origin;
    support::RunningGateway gateway{shop(origin.server(), "", "drain: {timeout: 1h}\n")};
    support::Socket idle = idle_client(gateway);
    support::Socket busy = gateway.connect();
    busy.send(get("/any/held", credential));
    origin.wait_for_request();
    auto drained = std::async(std::launch::async, [&] { gateway.gateway().drain(); });
    BOOST_TEST(idle.is_at_end());
    gateway.gateway().hurry();
    drained.get();
    const auto lines = lines_of(gateway.end_and_read_log());
    BOOST_TEST(busy.is_at_end());
    BOOST_TEST_REQUIRE(lines.size() == 2U); // what was cut is told
    BOOST_TEST(member(lines[1], "outcome") == "canceled");
}

BOOST_AUTO_TEST_CASE(a_drain_ends_in_time_whatever_is_in_flight) {
    HoldingOrigin origin;
    support::RunningGateway gateway{shop(origin.server(), "", "drain: {timeout: 100ms}\n")};
    support::Socket busy = gateway.connect();
    busy.send(get("/any/held", credential));
    origin.wait_for_request();
    gateway.gateway().drain();
    BOOST_TEST(!gateway.end_and_read_log().empty());
    BOOST_TEST(busy.is_at_end());
}

BOOST_AUTO_TEST_CASE(readiness_goes_first) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin, "", status_block + "drain: {delay: 1h}\n")};
    BOOST_TEST(support::status_of(status_page(gateway, "/livez")) == 200);
    BOOST_TEST(support::status_of(status_page(gateway, "/readyz")) == 200);
    support::Socket client = idle_client(gateway);
    auto drained = std::async(std::launch::async, [&] { gateway.gateway().drain(); });
    int ready = 200;
    for (int i = 0; i < 10'000 && ready == 200; ++i)
        ready = support::status_of(status_page(gateway, "/readyz"));
    BOOST_TEST(ready == 503);
    BOOST_TEST(support::status_of(status_page(gateway, "/livez")) == 200);
    // Whoever has not noticed yet is served.
    client.send(get());
    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
    BOOST_TEST(support::status_of(gateway.exchange(get())) == 200);
    gateway.gateway().hurry();
    drained.get();
}

BOOST_AUTO_TEST_CASE(keys_outlive_the_process) {
    support::OriginServer origin;
    support::RunningGateway gateway{
        shop(origin, "", "admin: {address: \"127.0.0.1:0\", token_file: token}\n")};
    const auto admin = [&](const std::string& method, const std::string& path,
                           const std::string& body) {
        std::ifstream file{gateway.folder().file("token")};
        std::string token;
        std::getline(file, token);
        support::Socket client = support::Socket::connect(gateway.gateway().admin_port());
        client.send(method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                    token + "\r\nContent-Type: application/json\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
        return client.receive_answer();
    };
    (void)admin("PUT", "/admin/v1/owners/acme", R"({"api":"shop","name":"Acme"})");
    const std::string made = admin("POST", "/admin/v1/keys", R"({"api":"shop","owner":"acme"})");
    BOOST_TEST_REQUIRE(support::status_of(made) == 201, made);
    const json::object record = json::parse(support::body_of(made)).as_object();
    const std::string request =
        get("/any/1", "Authorization: Bearer " + member(record, "key") + "\r\n");

    BOOST_TEST(support::status_of(gateway.exchange(request)) == 200);
    gateway.restart();
    BOOST_TEST(support::status_of(gateway.exchange(request)) == 200);
    BOOST_TEST(support::status_of(
                   admin("POST", "/admin/v1/keys/" + member(record, "id") + ":revoke", "")) == 200);
    // Acknowledged is in force, here and after a restart.
    BOOST_TEST(support::reason_of(gateway.exchange(request)) == "key_revoked");
    gateway.restart();
    BOOST_TEST(support::reason_of(gateway.exchange(request)) == "key_revoked");
    BOOST_TEST(support::status_of(gateway.exchange(get("/any/1", credential))) == 200);
    BOOST_TEST(gateway.end_and_read_log().find(member(record, "key")) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

// ---- clients
// --------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(wire_clients)

BOOST_AUTO_TEST_CASE(who_finds_no_place_is_told_so) {
    support::OriginServer origin;
    support::RunningGateway gateway{
        shop(origin, "", status_block + "client: {max_connections: 2}\n")};
    support::Socket first = idle_client(gateway);
    const support::Socket second = idle_client(gateway);
    const std::string refused = gateway.exchange(get());
    BOOST_TEST(support::status_of(refused) == 503);
    BOOST_TEST(support::reason_of(refused) == "overloaded");
    BOOST_TEST(field(refused, "Connection") == "close");
    BOOST_TEST(field(refused, "Retry-After") == "1");
    BOOST_TEST(field(refused, "X-Request-Id").size() == 36U);
    first.close();
    int status = 503;
    for (int i = 0; i < 10'000 && status == 503; ++i)
        status = support::status_of(gateway.exchange(get()));
    BOOST_TEST(status == 200);
    BOOST_TEST(gateway.end_and_read_log().find(
                   "\"request_id\":\"" + field(refused, "X-Request-Id") +
                   "\",\"outcome\":\"overloaded\",\"status\":503") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_address_has_its_own_bound) {
    support::OriginServer origin;
    const support::RunningGateway gateway{
        shop(origin, "", "client: {max_connections_per_address: 2}\n")};
    support::Socket first = idle_client(gateway);
    support::Socket second = idle_client(gateway);
    const std::string refused = gateway.exchange(get());
    BOOST_TEST(support::status_of(refused) == 503);
    BOOST_TEST(support::reason_of(refused) == "overloaded");
    // Another address of the loopback has places of its own.
    support::Socket other = support::Socket::connect(gateway.port(), "127.0.0.2");
    other.send(get());
    BOOST_TEST(support::status_of(other.receive_answer()) == 200);
    first.close();
    second.close();
    int status = 503;
    for (int i = 0; i < 10'000 && status == 503; ++i)
        status = support::status_of(gateway.exchange(get()));
    BOOST_TEST(status == 200);
}

// The bounds are short, not the waits: a stall of this machine between two lines must not look like
// a slow client.
constexpr const char* short_bounds =
    "client: {head_timeout: 500ms, idle_timeout: 500ms, body_timeout: 500ms, "
    "write_timeout: 500ms}\n";

BOOST_AUTO_TEST_CASE(a_slow_head_is_given_up) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin, "", short_bounds)};
    support::Socket client = gateway.connect();
    client.send("GET /open HT");
    const std::string answer = client.receive_all();
    BOOST_TEST(support::status_of(answer) == 408);
    BOOST_TEST(support::reason_of(answer) == "client_timeout");
    BOOST_TEST(field(answer, "Connection") == "close");
    BOOST_TEST(origin.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_connection_that_says_nothing_is_closed_silently) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin, "", short_bounds)};
    support::Socket fresh = gateway.connect();
    support::Socket used = idle_client(gateway);
    BOOST_TEST(fresh.receive_all() == "");
    BOOST_TEST(used.receive_all() == "");
}

BOOST_AUTO_TEST_CASE(a_slow_body_is_given_up) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin, "", short_bounds)};
    for (const std::string begun : {"", "abc"}) {
        BOOST_TEST_CONTEXT("with " << begun.size() << " of 10 bytes") {
            support::Socket client = gateway.connect();
            client.send("POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n" + begun);
            const std::string answer = client.receive_all();
            BOOST_TEST(support::status_of(answer) == 408);
            BOOST_TEST(support::reason_of(answer) == "client_timeout");
        }
    }
    BOOST_TEST(origin.requests().empty()); // never a body that looks complete
}

BOOST_AUTO_TEST_CASE(a_slow_body_is_not_blamed_on_the_upstream) {
    support::OriginServer origin;
    support::RunningGateway gateway{
        shop(origin, ", idle_timeout: 50ms, first_byte_timeout: 50ms", short_bounds)};
    support::Socket client = gateway.connect();
    client.send("POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    BOOST_TEST(support::reason_of(client.receive_all()) == "client_timeout");
}

BOOST_AUTO_TEST_CASE(a_refused_client_may_send_all_before_it_looks) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin)};
    const std::string body(16 * 1024 * 1024, 'x'); // more than the buffers on the way hold
    support::Socket client = gateway.connect();
    BOOST_TEST(client.send("POST /any/x HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body));
    const std::string answer = client.receive_answer();
    BOOST_TEST(support::status_of(answer) == 401);
    BOOST_TEST(support::reason_of(answer) == "auth_missing");
    BOOST_TEST(client.is_at_end());
    BOOST_TEST(origin.requests().empty());
}

BOOST_AUTO_TEST_CASE(who_said_that_nothing_follows_is_not_waited_for) {
    support::OriginServer origin;
    const support::RunningGateway gateway{shop(origin, "", "client: {max_connections: 1}\n")};
    for (const auto& [path, status] : {std::pair{"/open", 200}, std::pair{"/any/refused", 401}}) {
        support::Socket client = gateway.connect();
        client.send(get(path, "Connection: close\r\n"));
        BOOST_TEST(support::status_of(client.receive_all()) == status);
        // It has not ended its own direction, but its place is free.
        BOOST_TEST(support::status_of(gateway.exchange(get("/open", "Connection: close\r\n"))) ==
                   200);
    }
}

BOOST_AUTO_TEST_CASE(what_follows_nevertheless_takes_nothing_from_the_answer) {
    const std::string body(4 * 1024 * 1024, 'x');
    support::OriginServer origin{
        [&](const std::string&) { return support::OriginServer::plain_answer(body); }};
    support::RunningGateway gateway{shop(origin)};
    support::Socket client = gateway.connect();
    client.send(get("/open", "Connection: close\r\n"));
    BOOST_TEST(client.send("\r\n" + get() + get()));
    const std::string answer = client.receive_answer();
    BOOST_TEST((support::body_of(answer) == body));
    BOOST_TEST(client.is_at_end());
    BOOST_TEST(origin.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_refused_client_that_never_ends_is_cut_off) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin)};
    support::Socket client = gateway.connect();
    client.send("POST /any/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string piece(1024 * 1024, 'x');
    int pieces = 0;
    while (pieces < 1024 && client.send(piece))
        ++pieces;
    BOOST_TEST(pieces < 1024);
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_cut_off) {
    constexpr std::size_t size = 64 * 1024 * 1024; // more than all buffers on the way hold
    std::promise<void> cut;
    support::OriginServer origin;
    origin.set_raw([&](support::Socket& socket) {
        (void)socket.receive();
        const std::string head =
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
        if (!socket.send(head + std::string(size, 'x'))) cut.set_value();
    });
    support::RunningGateway gateway{shop(origin, "", short_bounds)};
    support::Socket client = gateway.connect();
    client.send(get());
    cut.get_future().wait();
    BOOST_TEST(client.receive_all().size() < size);
    const auto lines = lines_of(gateway.end_and_read_log());
    BOOST_TEST_REQUIRE(lines.size() == 1U);
    BOOST_TEST(member(lines[0], "outcome") == "canceled");
}

BOOST_AUTO_TEST_CASE(a_client_that_hangs_up_ends_its_upstream_call) {
    std::promise<void> came;
    std::promise<std::string> rest;
    support::OriginServer origin;
    origin.set_raw([&](support::Socket& socket) {
        (void)socket.receive();
        came.set_value();
        rest.set_value(socket.receive_all());
    });
    support::RunningGateway gateway{shop(origin)};
    support::Socket client = gateway.connect();
    client.send(get());
    came.get_future().wait();
    client.reset();
    BOOST_TEST(rest.get_future().get() == "");
    const auto lines = lines_of(gateway.end_and_read_log());
    BOOST_TEST_REQUIRE(lines.size() == 1U);
    BOOST_TEST(member(lines[0], "outcome") == "canceled");
}

BOOST_AUTO_TEST_CASE(a_client_that_ends_its_direction_still_gets_its_answer) {
    HoldingOrigin origin;
    support::RunningGateway gateway{shop(origin.server())};
    support::Socket client = gateway.connect();
    client.send(get("/any/held", credential));
    client.end_writing();
    origin.wait_for_request();
    origin.let_go();
    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
    BOOST_TEST(client.is_at_end());
}

BOOST_AUTO_TEST_SUITE_END()

// ---- upstreams
// ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(wire_upstreams)

/// A port that listens, and whose queue is full: connections to it wait.
class FullPort {
  public:
    FullPort() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        BOOST_TEST_REQUIRE(::bind(sockets_[0], any, size) == 0);
        BOOST_TEST_REQUIRE(::listen(sockets_[0], 0) == 0);
        ::getsockname(sockets_[0], any, &size);
        number_ = ntohs(address.sin_port);
        for (int i = 0; i < 4; ++i) {
            sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            (void)::connect(sockets_.back(), any, size);
        }
    }

    ~FullPort() {
        for (const int socket : sockets_)
            ::close(socket);
    }

    FullPort(const FullPort&) = delete;
    FullPort& operator=(const FullPort&) = delete;

    [[nodiscard]] std::uint16_t number() const { return number_; }

  private:
    std::vector<int> sockets_;
    std::uint16_t number_ = 0;
};

BOOST_AUTO_TEST_CASE(an_upstream_that_does_not_take_connections_is_given_up) {
    const FullPort full;
    support::RunningGateway gateway{shop(server_on(full.number()), ", connect_timeout: 100ms")};
    const std::string answer = gateway.exchange(get());
    BOOST_TEST(support::status_of(answer) == 504);
    BOOST_TEST(support::reason_of(answer) == "upstream_timeout");
}

BOOST_AUTO_TEST_CASE(an_upstream_that_is_away_is_said_to_be) {
    const support::ClosedPort closed;
    support::RunningGateway gateway{shop(server_on(closed.number()))};
    const std::string answer = gateway.exchange(get());
    BOOST_TEST(support::status_of(answer) == 503);
    BOOST_TEST(support::reason_of(answer) == "upstream_unavailable");
    BOOST_TEST(field(answer, "Retry-After") == "1");
}

BOOST_AUTO_TEST_CASE(an_upstream_that_is_silent_is_given_up) {
    HoldingOrigin origin;
    support::RunningGateway gateway{shop(origin.server(), ", first_byte_timeout: 200ms")};
    support::Socket client = gateway.connect();
    client.send(get("/any/held", credential));
    const std::string answer = client.receive_answer();
    BOOST_TEST(support::status_of(answer) == 504);
    BOOST_TEST(support::reason_of(answer) == "upstream_timeout");
    // It is the upstream's fault, not the client's: the connection stays good.
    client.send(get());
    BOOST_TEST(support::status_of(client.receive_answer()) == 200);
}

BOOST_AUTO_TEST_CASE(an_upstream_that_falls_silent_cuts_its_answer) {
    support::OriginServer origin;
    origin.set_raw([](support::Socket& socket) {
        (void)socket.receive();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        (void)socket.receive_all();
    });
    support::RunningGateway gateway{shop(origin, ", idle_timeout: 200ms")};
    support::Socket client = gateway.connect();
    client.send(get());
    BOOST_TEST(support::body_of(client.receive_all()) == "abc");
    const auto lines = lines_of(gateway.end_and_read_log());
    BOOST_TEST_REQUIRE(lines.size() == 1U);
    BOOST_TEST(member(lines[0], "outcome") == "upstream_timeout");
}

BOOST_AUTO_TEST_CASE(of_two_servers_one_that_is_dead_is_not_noticed) {
    const support::ClosedPort closed;
    const FullPort full;
    support::OriginServer origin;
    const std::string good = server_on(origin.port());
    // Refused later, refused at once by our own system, and not answered at all.
    for (const std::string& dead :
         {server_on(closed.number()), std::string{"\"http://224.0.0.1:80\""},
          server_on(full.number())}) {
        BOOST_TEST_CONTEXT(dead)
        for (const std::string& servers : {dead + ", " + good, good + ", " + dead}) {
            origin.clear();
            support::RunningGateway gateway{shop(servers, ", connect_timeout: 100ms")};
            for (int i = 0; i < 5; ++i) {
                BOOST_TEST(support::status_of(gateway.exchange(get())) == 200);
                BOOST_TEST(support::status_of(gateway.exchange(
                               "POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")) ==
                           200);
            }
            BOOST_TEST(origin.requests().size() == 10U);
        }
    }
}

BOOST_AUTO_TEST_CASE(of_two_servers_both_dead_both_are_asked_once) {
    const support::ClosedPort first;
    const support::ClosedPort second;
    support::RunningGateway gateway{
        shop(server_on(first.number()) + ", " + server_on(second.number()))};
    BOOST_TEST(support::reason_of(gateway.exchange(get())) == "upstream_unavailable");
    BOOST_TEST(support::reason_of(gateway.exchange(get())) == "upstream_unavailable");
}

/// Serves one request on each connection and closes it at the second one: to the gateway as if it
/// had closed an unused connection just when the request was on its way.
class ForgetfulOrigin {
  public:
    ForgetfulOrigin() {
        origin.set_raw([this](support::Socket& socket) {
            (void)read_request(socket);
            socket.send(support::OriginServer::plain_answer("ok"));
            const std::string second = read_request(socket);
            if (!second.empty()) ++dropped;
        });
    }

    static std::string read_request(support::Socket& socket) {
        std::string bytes;
        while (bytes.find("\r\n\r\n") == std::string::npos) {
            const auto piece = socket.receive();
            if (!piece || piece->empty()) return {};
            bytes += *piece;
        }
        return bytes;
    }

    std::atomic<int> dropped{0};
    support::OriginServer origin;
};

BOOST_AUTO_TEST_CASE(a_stale_connection_is_replaced_once_and_unseen) {
    ForgetfulOrigin upstream;
    support::RunningGateway gateway{shop(upstream.origin, "", status_block)};
    for (int i = 0; i < 4; ++i)
        BOOST_TEST(support::status_of(gateway.exchange(get())) == 200);
    BOOST_TEST(upstream.dropped > 0);
    const std::string metrics = status_page(gateway, "/metrics");
    BOOST_TEST(metrics.find("\nkeygate_upstream_retries_total " +
                            std::to_string(upstream.dropped.load())) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_could_be_done_twice_is_not_sent_again) {
    for (const std::string request :
         {"POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
          "POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
          "PATCH /open HTTP/1.1\r\nHost: a\r\n\r\n",
          "PUT /open HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"}) {
        BOOST_TEST_CONTEXT(request) {
            ForgetfulOrigin upstream;
            support::RunningGateway gateway{shop(upstream.origin)};
            BOOST_TEST(support::status_of(gateway.exchange(get())) == 200);
            const std::string answer = gateway.exchange(request);
            BOOST_TEST(support::status_of(answer) == 502);
            BOOST_TEST(support::reason_of(answer) == "upstream_invalid");
            BOOST_TEST(upstream.dropped == 1);
            BOOST_TEST(upstream.origin.connections() == 1U);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_fresh_connection_that_is_closed_is_not_tried_again) {
    support::OriginServer origin{[](const std::string&) { return std::string{}; }};
    support::RunningGateway gateway{shop(origin)};
    BOOST_TEST(support::reason_of(gateway.exchange(get())) == "upstream_invalid");
    BOOST_TEST(origin.connections() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

// ---- what is told
// ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(wire_told)

BOOST_AUTO_TEST_CASE(the_access_log_tells_who_and_why_and_no_secret) {
    support::OriginServer origin;
    const std::string foreign = "kg_live_9999999999999999999999999999999999999999";
    auto start = shop(origin);
    start.configuration +=
        "  pages:\n    hosts: [pages.example]\n    plans: {gold: {api_access: true}}\n"
        "    default_plan: gold\n    upstreams: {live: {servers: [" +
        server_on(origin.port()) + "]}}\n    routes: {GET /: key}\n";
    start.keys.push_back(support::record_of(foreign, "key_2", "pages", "zoe"));
    support::RunningGateway gateway{std::move(start)};
    (void)gateway.exchange(get("/any/1?token=hidden", credential));
    (void)gateway.exchange(get("/any/caf%C3%A9?token=hidden"));
    (void)gateway.exchange(get("/any/2?key=" + key, "Authorization: Bearer " + foreign + "\r\n"));
    (void)gateway.exchange(get("/", "Authorization: Bearer " + foreign + "\r\n"));
    (void)gateway.exchange("GET / HTTP/1.1\r\nHost: pages.example\r\nAuthorization: Bearer " +
                           foreign + "\r\n\r\n");
    (void)gateway.exchange("GET /\"\x01 HTTP/1.1\r\nHost: a\r\n" + credential + "\r\n");
    const std::string log = gateway.end_and_read_log();
    for (const std::string& secret : {key, foreign, std::string{"hidden"}, std::string{"Bearer"}})
        BOOST_TEST(log.find(secret) == std::string::npos, secret);
    const auto lines = lines_of(log);
    BOOST_TEST_REQUIRE(lines.size() == 6U);

    BOOST_TEST(member(lines[0], "outcome") == "allowed");
    BOOST_TEST(member(lines[0], "status") == "200");
    BOOST_TEST(member(lines[0], "client") == "127.0.0.1");
    BOOST_TEST(member(lines[0], "method") == "GET");
    BOOST_TEST(member(lines[0], "host") == "a");
    BOOST_TEST(member(lines[0], "path") == "/any/1");
    BOOST_TEST(member(lines[0], "api") == "shop");
    BOOST_TEST(member(lines[0], "route") == "ANY /any/**");
    BOOST_TEST(member(lines[0], "key_id") == "key_1");
    BOOST_TEST(member(lines[0], "owner") == "acme");
    BOOST_TEST(member(lines[0], "plan") == "(none)");
    BOOST_TEST(member(lines[0], "mode") == "live");
    BOOST_TEST(member(lines[0], "upstream") == "127.0.0.1:" + std::to_string(origin.port()));

    BOOST_TEST(member(lines[1], "outcome") == "auth_missing");
    BOOST_TEST(member(lines[1], "status") == "401");
    BOOST_TEST(member(lines[1], "path") == "/any/caf%C3%A9");
    BOOST_TEST(member(lines[1], "key_id") == "(none)");
    BOOST_TEST(member(lines[1], "upstream") == "(none)");

    // A key of another API: the client is told that it does not exist, the operator whose it is.
    BOOST_TEST(member(lines[2], "outcome") == "key_unknown");
    BOOST_TEST(member(lines[2], "key_id") == "key_2");
    BOOST_TEST(member(lines[2], "plan") == "gold");

    BOOST_TEST(member(lines[3], "outcome") == "route_unknown");
    BOOST_TEST(member(lines[3], "route") == "(none)");
    BOOST_TEST(member(lines[4], "plan") == "gold");
    BOOST_TEST(member(lines[5], "outcome") == "head_invalid");
}

BOOST_AUTO_TEST_CASE(metrics_count_what_happened) {
    support::OriginServer origin;
    support::RunningGateway gateway{shop(origin, "", status_block)};
    for (int i = 0; i < 3; ++i)
        (void)gateway.exchange(get("/any/1", credential));
    for (int i = 0; i < 2; ++i)
        (void)gateway.exchange(get("/any/1"));
    (void)gateway.exchange(get("/nothing"));
    // A request is counted when its answer is on its way, perhaps after the client has read it.
    std::string answer;
    for (int i = 0; i < 10'000 && answer.find("seconds_count 6\n") == std::string::npos; ++i)
        answer = status_page(gateway, "/metrics");
    BOOST_TEST(support::status_of(answer) == 200);
    BOOST_TEST(field(answer, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    for (const char* const line :
         {R"(keygate_requests_total{api="shop",route="ANY /any/**",outcome="allowed"} 3)",
          R"(keygate_requests_total{api="shop",route="ANY /any/**",outcome="auth_missing"} 2)",
          R"(keygate_requests_total{api="",route="",outcome="route_unknown"} 1)",
          R"(keygate_responses_total{code="2xx"} 3)", R"(keygate_responses_total{code="4xx"} 3)",
          "keygate_request_duration_seconds_count 6", "keygate_client_connections_total 6",
          "keygate_upstream_connections_total 1", "keygate_upstream_retries_total 0",
          "keygate_keys 1", "keygate_keys_unreadable 0", "keygate_access_log_dropped_total 0"})
        BOOST_TEST(answer.find(std::string{"\n"} + line + "\n") != std::string::npos, line);
    BOOST_TEST(answer.find(key) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
