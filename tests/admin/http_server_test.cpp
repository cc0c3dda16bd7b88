#include "admin/http_server.hpp"
#include "support/operator.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <future>

#include <sys/stat.h>
#include <sys/un.h>

namespace keygate::admin {
namespace {

namespace asio = boost::asio;

using namespace std::chrono_literals;
using test::Folder;
using test::RawClient;
using test::Running;

asio::awaitable<Response> echo(Request request) {
    if (request.path == "/bug") throw std::logic_error("a secret detail");
    Response response;
    response.body = request.method + " " + request.path + " [" + request.body + "]";
    response.content_type = "text/plain";
    co_return response;
}

asio::awaitable<Response> never_answered(std::promise<void>& begun) {
    const auto loop = co_await asio::this_coro::executor;
    asio::steady_timer never(loop, asio::steady_timer::time_point::max());
    begun.set_value();
    co_await never.async_wait(asio::use_awaitable);
    co_return Response{};
}

ServerOptions small() {
    ServerOptions options;
    options.max_body = 1000;
    options.max_head = 2048;
    return options;
}

ServerOptions impatient() {
    auto options = small();
    options.head_timeout = 50ms;
    options.body_timeout = 50ms;
    return options;
}

std::string status_line(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n"));
}

std::string exchange(std::uint16_t port, std::string_view request) {
    const RawClient client(port);
    client.send(request);
    return client.read_all();
}

BOOST_AUTO_TEST_SUITE(admin_http_server)

BOOST_AUTO_TEST_CASE(a_request_is_answered_whole_and_byte_by_byte) {
    Running running(echo, small());
    running.on_tcp();
    const std::string request = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                                "Connection: close\r\n\r\nhello";
    const auto whole = exchange(running.port(), request);
    BOOST_TEST(status_line(whole) == "HTTP/1.1 200 OK");
    BOOST_TEST(whole.find("\r\nContent-Length: 15\r\n") != std::string::npos);
    BOOST_TEST(whole.find("\r\nCache-Control: no-store\r\n") != std::string::npos);
    BOOST_TEST(whole.find("\r\nConnection: close\r\n") != std::string::npos);
    BOOST_TEST(whole.substr(whole.find("\r\n\r\n")) == "\r\n\r\nPOST /x [hello]");

    const RawClient client(running.port());
    for (const char c : request)
        client.send({&c, 1});
    BOOST_TEST(client.read_all() == whole);
}

BOOST_AUTO_TEST_CASE(many_small_fields_are_a_large_head) {
    Running running(echo, small());
    running.on_tcp();
    std::string fields;
    while (fields.size() < 10'000)
        fields += "X: y\r\n";
    const auto answer =
        exchange(running.port(), "GET /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    BOOST_TEST(status_line(answer) == "HTTP/1.1 431 Request Header Fields Too Large");
    BOOST_TEST(answer.find("200 OK") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(many_small_trailers_are_a_large_body) {
    Running running(echo, small());
    running.on_tcp();
    std::string fields;
    while (fields.size() < 20'000)
        fields += "X: y\r\n";
    const auto answer = exchange(
        running.port(),
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + fields + "\r\n");
    BOOST_TEST(status_line(answer) == "HTTP/1.1 413 Payload Too Large");
}

BOOST_AUTO_TEST_CASE(one_connection_carries_many_requests_also_pipelined) {
    Running running(echo, small());
    running.on_tcp();
    const RawClient client(running.port());
    for (int i = 0; i < 50; ++i) {
        client.send("GET /n HTTP/1.1\r\nHost: a\r\n\r\n");
        BOOST_TEST(client.read_until("GET /n []").find("200 OK") != std::string::npos);
    }
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n"
                "Connection: close\r\n\r\n");
    const auto both = client.read_all();
    BOOST_TEST(both.find("GET /1 []") != std::string::npos);
    BOOST_TEST(both.find("GET /2 []") > both.find("GET /1 []"));
}

BOOST_AUTO_TEST_CASE(fields_that_decide_are_kept_as_often_as_they_were_sent) {
    Running running(
        [](Request request) -> asio::awaitable<Response> {
            Response response;
            for (const auto* values :
                 {&request.authorizations, &request.if_match, &request.if_none_match,
                  &request.idempotency_keys, &request.content_types}) {
                for (const std::string& value : *values)
                    response.body += value + ",";
                response.body += ";";
            }
            co_return response;
        },
        small());
    running.on_tcp();
    const auto answer = exchange(
        running.port(), "GET / HTTP/1.1\r\nHost: a\r\nIf-Match: \"1\"\r\nX: y\r\n"
                        "idempotency-key: k\r\nif-match: \"2\", \"3\"\r\nIf-None-Match: *\r\n"
                        "Idempotency-Key:\r\nAuthorization: a b\r\nContent-Type: t\r\n"
                        "Content-Type: u\r\nConnection: close\r\n\r\n");
    BOOST_TEST(answer.substr(answer.find("\r\n\r\n") + 4) ==
               "a b,;\"1\",\"2\", \"3\",;*,;k,,;t,u,;");
}

BOOST_AUTO_TEST_CASE(an_answer_to_head_has_no_body) {
    Running running(echo, small());
    running.on_tcp();
    const auto answer =
        exchange(running.port(), "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    BOOST_TEST(answer.find("Content-Length: 10") != std::string::npos);
    BOOST_TEST(answer.substr(answer.find("\r\n\r\n")) == "\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_client_that_asks_before_it_sends_is_told_to_go_on) {
    Running running(echo, small());
    running.on_tcp();
    const RawClient client(running.port());
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
                "Connection: close\r\n\r\n");
    BOOST_TEST(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    BOOST_TEST(client.read_all().find("POST /x [ok]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_not_plain_http_is_refused_and_the_connection_ends) {
    Running running(echo, small());
    running.on_tcp();
    const std::string long_field(4000, 'a');
    const std::pair<std::string, std::string_view> rows[] = {
        {"hello\r\n\r\n", "400"},
        {"GET /\r\n\r\n", "400"},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
        {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET /?x=%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0"
         "\r\n\r\n",
         "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "413"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n" + std::string(99999, 'b'),
         "413"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" +
             std::string(1024, 'b') + "\r\n0\r\n\r\n",
         "413"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: " + long_field + "\r\n\r\n", "431"},
        {"GET /" + long_field + " HTTP/1.1\r\nHost: a\r\n\r\n", "431"},
    };
    for (const auto& [request, status] : rows) {
        BOOST_TEST_CONTEXT(request.substr(0, 80)) {
            const RawClient client(running.port());
            client.send(request);
            client.finish_sending();
            const auto answer = client.read_all();
            BOOST_TEST(answer.substr(0, 12) == "HTTP/1.1 " + std::string{status});
            BOOST_TEST(answer.find(R"({"error":{"code":)") != std::string::npos);
            BOOST_TEST(answer.find("\r\nConnection: close\r\n") != std::string::npos);
        }
    }
    BOOST_TEST(exchange(running.port(), "GET /ok HTTP/1.0\r\n\r\n").find("GET /ok") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_client_that_hangs_is_cut_by_the_deadline) {
    Running running(echo, impatient());
    running.on_tcp();
    for (const std::string_view begun :
         {"", "GET", "GET / HTTP/1.1\r\nHost: a\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"}) {
        BOOST_TEST_CONTEXT(begun) {
            const RawClient client(running.port());
            client.send(begun);
            BOOST_TEST(client.read_all() == "");
        }
    }
    // Between two requests as well.
    const RawClient client(running.port());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(client.read_all().find("200 OK") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(connections_that_ask_nothing_keep_nobody_out) {
    auto options = small();
    options.max_connections = 2;
    Running running(echo, options);
    running.on_tcp();
    const std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const RawClient first(running.port());
    first.send(request);
    BOOST_TEST(first.read_until("[]").find("200") != std::string::npos);
    const RawClient second(running.port());
    second.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    BOOST_TEST(second.read_until("\r\n\r\n").find("100") != std::string::npos);
    // Whoever has been waited for longest makes way.
    const RawClient third(running.port());
    BOOST_TEST(first.read_all() == "");
    third.send(request);
    BOOST_TEST(third.read_until("[]").find("200") != std::string::npos);
    const RawClient fourth(running.port());
    BOOST_TEST(second.read_all() == "");
    fourth.send(request);
    BOOST_TEST(fourth.read_until("[]").find("200") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_request_in_hand_makes_way_for_nobody) {
    auto options = small();
    options.max_connections = 1;
    std::promise<void> in_hand;
    const Handler slow = [&](const Request&) { return never_answered(in_hand); };
    Running running(slow, options);
    running.on_tcp();
    const RawClient first(running.port());
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    in_hand.get_future().wait();
    const RawClient second(running.port());
    BOOST_TEST(second.read_all() == "");
}

BOOST_AUTO_TEST_CASE(a_bug_in_a_handler_is_a_500_without_details) {
    auto options = small();
    std::string told;
    options.on_bug = [&](std::string_view what) { told = what; };
    {
        Running running(echo, options);
        running.on_tcp();
        const auto answer =
            exchange(running.port(), "GET /bug HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        BOOST_TEST(status_line(answer) == "HTTP/1.1 500 Internal Server Error");
        BOOST_TEST(answer.find("secret detail") == std::string::npos);
    }
    BOOST_TEST(told == "a secret detail");
}

BOOST_AUTO_TEST_CASE(stopping_closes_idle_connections_and_cancelling_all) {
    Running running(echo, small());
    running.on_tcp();
    const RawClient idle(running.port());
    idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(idle.read_until("[]").find("200") != std::string::npos);
    running.stop(); // returns when nothing is left on the loop
    BOOST_TEST(idle.read_all() == "");
}

BOOST_AUTO_TEST_CASE(a_unix_socket_is_for_its_owner_alone_and_is_removed) {
    const Folder folder;
    const auto path = folder.file("x.sock");
    {
        Running running(echo);
        BOOST_TEST_REQUIRE(running.on_socket(path).has_value());

        struct stat found {};

        BOOST_TEST_REQUIRE(::stat(path.c_str(), &found) == 0);
        BOOST_TEST(S_ISSOCK(found.st_mode));
        BOOST_TEST((found.st_mode & 07777) == 0600u);
        auto client = Client::connect_local(path, 10s);
        BOOST_TEST_REQUIRE(client.has_value());
        BOOST_TEST(client->call("GET", "/a", "")->body == "GET /a []");
        BOOST_TEST(client->call("POST", "/b", "x")->body == "POST /b [x]");
    }
    BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_AUTO_TEST_CASE(a_socket_file_is_replaced_only_if_nobody_answers_on_it) {
    const Folder folder;
    const auto path = folder.file("x.sock");
    {
        Running first(echo);
        BOOST_TEST_REQUIRE(first.on_socket(path).has_value());
        Running second(echo);
        BOOST_TEST(second.on_socket(path).error().error == boost::system::errc::address_in_use);
        BOOST_TEST(Client::connect_local(path, 10s).has_value()); // the first goes on
    }
    // A crash leaves the file behind.
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    BOOST_TEST_REQUIRE(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                       0);
    ::close(dead);
    BOOST_TEST_REQUIRE(std::filesystem::exists(path));
    Running third(echo);
    BOOST_TEST(third.on_socket(path).has_value());
    BOOST_TEST(Client::connect_local(path, 10s)->call("GET", "/", "").has_value());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_stays) {
    const Folder folder;
    const auto path = folder.file("precious");
    std::ofstream(path) << "data";
    Running running(echo);
    BOOST_TEST(running.on_socket(path).error().error == boost::system::errc::file_exists);
    BOOST_TEST(std::filesystem::file_size(path) == 4u);
}

BOOST_AUTO_TEST_CASE(a_path_that_does_not_fit_the_system_is_named) {
    const Folder folder;
    const auto path = folder.file(std::string(108, 'x'));
    Running running(echo);
    const auto listening = running.on_socket(path);
    BOOST_TEST(listening.error().error == boost::system::errc::filename_too_long);
    BOOST_TEST(to_string(listening.error()).find("107") != std::string::npos);
    BOOST_TEST(Client::connect_local(path, 1s).error().error ==
               boost::system::errc::filename_too_long);
}

BOOST_AUTO_TEST_CASE(the_client_gives_up_on_a_server_that_hangs) {
    const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
    test::listen_on_any_port(silent);
    auto client = Client::connect({"127.0.0.1", test::port_of(silent)}, Secret{}, 50ms);
    BOOST_TEST_REQUIRE(client.has_value()); // the system's queue took it
    BOOST_TEST(client->call("GET", "/", "").error().error == boost::system::errc::timed_out);
    ::close(silent);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
