#include "redis/error.hpp"
#include "redis/session.hpp"
#include "support/closed_port.hpp"
#include "support/redis_server.hpp"
#include "support/scripted_redis.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace keygate::redis {
namespace {

namespace asio = boost::asio;

using namespace std::chrono_literals;
using support::RedisServer;
using support::Socket;
using test::ScriptedServer;
using test::settings_for;

ScriptedServer::Script answer_ping_with(std::string bytes) {
    return [bytes = std::move(bytes)](Socket& socket) {
        test::greet(socket);
        test::read_until(socket, "PING\r\n");
        socket.send(bytes);
        test::say_nothing(socket);
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(redis_session)

BOOST_AUTO_TEST_CASE(it_is_dialled_when_it_is_needed) {
    const RedisServer server;
    const auto settings = settings_for(server.port());
    Session session(settings);
    BOOST_TEST(session.connection() == 0U);
    const auto reply = session.ask(Command{"PING"});
    BOOST_TEST_REQUIRE(reply.has_value());
    BOOST_TEST(reply->is_status("PONG"));
    BOOST_TEST(session.connection() == 1U);
    const auto hello = session.open();
    BOOST_TEST_REQUIRE(hello.has_value());
    BOOST_TEST(hello->major >= 5U);
    BOOST_TEST(session.connection() == 1U);
}

BOOST_AUTO_TEST_CASE(many_commands_get_their_replies_in_order) {
    const RedisServer server;
    const auto settings = settings_for(server.port());
    Session session(settings);
    std::vector<Command> commands;
    for (int i = 0; i < 500; ++i)
        commands.push_back({"ECHO", std::to_string(i) + std::string(2000, 'x')});
    commands.push_back({"NOSUCH"});
    const auto replies = session.ask(commands);
    BOOST_TEST_REQUIRE(replies.has_value());
    BOOST_TEST_REQUIRE(replies->size() == 501U);
    for (std::size_t i = 0; i < 500; ++i)
        BOOST_TEST((*replies)[i].text == commands[i][1]);
    BOOST_TEST(replies->back().is(Reply::Kind::error));
    BOOST_TEST(session.ask(std::span<const Command>{})->empty());
}

BOOST_AUTO_TEST_CASE(an_error_reply_to_one_command_is_its_fault) {
    const RedisServer server;
    const auto settings = settings_for(server.port());
    Session session(settings);
    BOOST_TEST(session.ask(Command{"SET", "a", "hunter2"})->is_status("OK"));
    const auto reply = session.ask(Command{"LPUSH", "a", "hunter2"});
    BOOST_TEST_REQUIRE(reply.has_error());
    BOOST_TEST(reply.error().error == Error::wrong_type);
    BOOST_TEST(reply.error().step == "LPUSH");
    BOOST_TEST(session.connection() == 1U);
}

BOOST_AUTO_TEST_CASE(a_server_that_was_restarted_between_two_calls_is_not_noticed) {
    RedisServer server;
    const auto settings = settings_for(server.port());
    Session session(settings);
    BOOST_TEST(session.ask(Command{"PING"}).has_value());
    server.restart();
    BOOST_TEST(session.ask(Command{"PING"}).has_value());
    BOOST_TEST(session.connection() == 2U);
}

BOOST_AUTO_TEST_CASE(nobody_there_is_a_fault_each_time) {
    const support::ClosedPort port;
    const auto settings = settings_for(port.number());
    Session session(settings);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(session.ask(Command{"PING"}).error().error == asio::error::connection_refused);
    BOOST_TEST(session.connection() == 0U);
}

BOOST_AUTO_TEST_CASE(a_late_reply_is_nobodys) {
    RedisServer server;
    auto settings = settings_for(server.port());
    Session session(settings);
    BOOST_TEST(session.open().has_value());
    server.pause();
    settings.command_timeout = 100ms;
    const auto late = session.ask(Command{"ECHO", "late"});
    BOOST_TEST_REQUIRE(late.has_error());
    BOOST_TEST(late.error().error == asio::error::timed_out);
    BOOST_TEST(session.connection() == 0U);
    server.resume();
    settings.command_timeout = 5s;
    BOOST_TEST(session.ask(Command{"ECHO", "next"})->text == "next");
    BOOST_TEST(session.connection() == 2U);
}

BOOST_AUTO_TEST_CASE(a_surplus_reply_ends_the_connection) {
    ScriptedServer server({answer_ping_with("+PONG\r\n+PONG\r\n"), answer_ping_with("+PONG\r\n")});
    const auto settings = settings_for(server.port());
    Session session(settings);
    const auto reply = session.ask(Command{"PING"});
    BOOST_TEST_REQUIRE(reply.has_error());
    BOOST_TEST(reply.error().error == Error::unexpected);
    BOOST_TEST(session.connection() == 0U);
    BOOST_TEST(session.ask(Command{"PING"})->is_status("PONG"));
    BOOST_TEST(session.connection() == 2U);
}

BOOST_AUTO_TEST_CASE(a_connection_that_ends_in_the_middle_of_a_reply_is_a_fault) {
    ScriptedServer server({[](Socket& socket) {
        test::greet(socket);
        test::read_until(socket, "PING\r\n");
        socket.send("$5\r\nab");
    }});
    const auto settings = settings_for(server.port());
    Session session(settings);
    BOOST_TEST(session.ask(Command{"PING"}).error().error == asio::error::eof);
}

BOOST_AUTO_TEST_CASE(what_depends_on_a_connection_is_not_sent_on_another) {
    RedisServer server;
    const auto settings = settings_for(server.port());
    Session session(settings);
    BOOST_TEST(session.ask(Command{"WATCH", "a"}).has_value());
    const auto watched = session.connection();
    const std::vector<Command> transaction{{"MULTI"}, {"SET", "a", "1"}, {"EXEC"}};
    const auto done = session.ask_on(watched, transaction);
    BOOST_TEST_REQUIRE(done.has_value());
    BOOST_TEST(done->back().is(Reply::Kind::list));

    BOOST_TEST(session.ask(Command{"WATCH", "a"}).has_value());
    server.restart();
    const auto lost = session.ask_on(watched, transaction);
    BOOST_TEST_REQUIRE(lost.has_error());
    BOOST_TEST(lost.error().error == asio::error::not_connected);
    BOOST_TEST(session.ask(Command{"GET", "a"})->is(Reply::Kind::nil));
    BOOST_TEST(session.ask_on(watched, transaction).has_error());
    BOOST_TEST(session.ask_on(0, transaction).has_error());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::redis
