#include "redis/codec.hpp"
#include "redis/error.hpp"
#include "redis/pipeline.hpp"
#include "support/closed_port.hpp"
#include "support/redis_server.hpp"
#include "support/scripted_redis.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace keygate::redis {
namespace {

namespace asio = boost::asio;
namespace bdata = boost::unit_test::data;

using namespace std::chrono_literals;
using support::RedisServer;
using support::Socket;
using test::run_until;
using test::ScriptedServer;
using test::settings_for;

std::string command(std::initializer_list<std::string_view> words) {
    std::string bytes;
    append(bytes, words);
    return bytes;
}

/// A pipeline with what it told.
struct Piped {
    explicit Piped(config::Redis wanted)
        : settings(std::move(wanted)) {
        pipeline.emplace(loop, settings,
                         Pipeline::Events{.on_up =
                                              [this](const Hello&) {
                                                  ++ups;
                                                  if (at_up) at_up();
                                              },
                                          .on_down =
                                              [this](const Fault& fault) {
                                                  downs.push_back(fault);
                                                  if (at_down) at_down();
                                              }},
                         7);
        pipeline->start();
    }

    ~Piped() {
        pipeline.reset();
        loop.restart();
        loop.run();
    }

    Piped(const Piped&) = delete;
    Piped& operator=(const Piped&) = delete;

    void wait_until_up() {
        run_until(loop, [this] { return pipeline->is_up(); });
    }

    void ask(std::initializer_list<std::string_view> words) {
        pipeline->send(command(words),
                       [this](Result<Reply> reply) { answers.push_back(std::move(reply)); });
    }

    void wait_for_answers(std::size_t count) {
        run_until(loop, [&] { return answers.size() >= count; });
    }

    config::Redis settings;
    asio::io_context loop{1};
    int ups = 0;
    std::vector<Fault> downs;
    std::vector<Result<Reply>> answers;
    std::function<void()> at_up;
    std::function<void()> at_down;
    std::optional<Pipeline> pipeline;
};

} // namespace

BOOST_AUTO_TEST_SUITE(redis_pipeline)

BOOST_AUTO_TEST_CASE(replies_come_in_the_order_of_their_commands) {
    const RedisServer server;
    Piped piped(settings_for(server.port()));
    piped.wait_until_up();
    for (int i = 0; i < 1000; ++i)
        piped.ask({"ECHO", std::to_string(i)});
    BOOST_TEST(piped.pipeline->waiting() == 1000U);
    piped.wait_for_answers(1000);
    for (int i = 0; i < 1000; ++i)
        BOOST_TEST(piped.answers[static_cast<std::size_t>(i)]->text == std::to_string(i));
    BOOST_TEST(piped.pipeline->waiting() == 0U);
    BOOST_TEST(piped.ups == 1);
    BOOST_TEST(piped.downs.empty());
}

BOOST_AUTO_TEST_CASE(an_error_reply_is_a_reply) {
    const RedisServer server;
    Piped piped(settings_for(server.port()));
    piped.wait_until_up();
    piped.ask({"NOSUCH"});
    piped.wait_for_answers(1);
    BOOST_TEST_REQUIRE(piped.answers[0].has_value());
    BOOST_TEST(piped.answers[0]->is(Reply::Kind::error));
}

BOOST_AUTO_TEST_CASE(whoever_got_a_reply_may_send) {
    const RedisServer server;
    Piped piped(settings_for(server.port()));
    piped.wait_until_up();
    int left = 50;
    std::function<void(Result<Reply>)> again = [&](const Result<Reply>& reply) {
        BOOST_TEST(reply.has_value());
        if (--left > 0) piped.pipeline->send(command({"PING"}), again);
    };
    piped.pipeline->send(command({"PING"}), again);
    run_until(piped.loop, [&] { return left == 0; });
}

BOOST_AUTO_TEST_CASE(who_waits_when_a_connection_ends_is_told_and_it_is_dialled_again) {
    RedisServer server;
    Piped piped(settings_for(server.port()));
    piped.wait_until_up();
    server.pause();
    piped.ask({"PING"});
    piped.ask({"PING"});
    std::size_t answers_at_down = 0;
    bool was_up_at_down = true;
    piped.at_down = [&] {
        answers_at_down = piped.answers.size();
        was_up_at_down = piped.pipeline->is_up();
        piped.at_down = nullptr;
    };
    piped.loop.poll();
    server.kill();
    piped.wait_for_answers(2);
    run_until(piped.loop, [&] { return !piped.downs.empty(); });
    BOOST_TEST(piped.answers[0].has_error());
    BOOST_TEST(piped.answers[1].has_error());
    BOOST_TEST(answers_at_down == 2U);
    BOOST_TEST(!was_up_at_down);
    // It is tried again and again meanwhile.
    run_until(piped.loop, [&] { return piped.downs.size() >= 3; });
    BOOST_TEST(piped.downs.back().error == asio::error::connection_refused);

    server.restart();
    piped.wait_until_up();
    BOOST_TEST(piped.ups == 2);
    piped.ask({"PING"});
    piped.wait_for_answers(3);
    BOOST_TEST(piped.answers[2].has_value());
}

BOOST_AUTO_TEST_CASE(a_command_that_waits_too_long_ends_the_connection) {
    ScriptedServer server({test::greet_and_say(""), [](Socket& socket) {
                               test::greet(socket);
                               test::read_until(socket, "PING\r\n");
                               socket.send("+PONG\r\n");
                               test::say_nothing(socket);
                           }});
    Piped piped(settings_for(server.port()));
    piped.wait_until_up();
    piped.settings.command_timeout = 100ms;
    piped.ask({"PING"});
    piped.wait_for_answers(1);
    piped.settings.command_timeout = 5s;
    BOOST_TEST_REQUIRE(piped.answers[0].has_error());
    BOOST_TEST(piped.answers[0].error().error == asio::error::timed_out);
    run_until(piped.loop, [&] { return piped.ups == 2; });
    piped.ask({"PING"});
    piped.wait_for_answers(2);
    BOOST_TEST(piped.answers[1]->is_status("PONG"));
}

BOOST_AUTO_TEST_CASE(a_reply_that_nobody_waits_for_ends_the_connection) {
    ScriptedServer server({test::greet_and_say("+surplus\r\n"), test::greet_and_say("")});
    Piped piped(settings_for(server.port()));
    run_until(piped.loop, [&] { return piped.ups == 2; });
    BOOST_TEST_REQUIRE(piped.downs.size() == 1U);
    BOOST_TEST(piped.downs[0].error == Error::unexpected);
}

BOOST_AUTO_TEST_CASE(a_reply_that_cannot_be_taken_is_the_first_ones) {
    ScriptedServer server({[](Socket& socket) {
        test::greet(socket);
        test::read_until(socket, "LAST\r\n");
        socket.send("+first\r\n*1000000000\r\n");
        test::say_nothing(socket);
    }});
    Piped piped(settings_for(server.port()));
    piped.wait_until_up();
    piped.ask({"A"});
    piped.ask({"B"});
    piped.ask({"LAST"});
    piped.wait_for_answers(3);
    BOOST_TEST(piped.answers[0]->is_status("first"));
    BOOST_TEST(piped.answers[1].error().error == Error::too_large);
    // Not of its own: it only went down with the other.
    BOOST_TEST(piped.answers[2].error().error == boost::asio::error::connection_aborted);
}

BOOST_AUTO_TEST_CASE(what_is_sent_while_it_is_down_is_answered_a_turn_later) {
    const support::ClosedPort port;
    Piped piped(settings_for(port.number()));
    piped.ask({"PING"});
    BOOST_TEST(piped.answers.empty());
    piped.wait_for_answers(1);
    BOOST_TEST(piped.answers[0].error().error == asio::error::not_connected);
}

BOOST_AUTO_TEST_CASE(nothing_is_told_after_it_died) {
    const RedisServer server;
    Piped piped(settings_for(server.port()));
    piped.wait_until_up();
    for (int i = 0; i < 10; ++i)
        piped.ask({"PING"});
    piped.loop.restart();
    piped.loop.poll_one();
    piped.pipeline.reset();
    const std::size_t answers = piped.answers.size();
    piped.loop.restart();
    piped.loop.run();
    BOOST_TEST(piped.answers.size() == answers);
    BOOST_TEST(piped.downs.empty());
}

BOOST_AUTO_TEST_CASE(whoever_is_told_may_destroy_the_pipeline) {
    const RedisServer server;
    const support::ClosedPort port;
    {
        Piped piped(settings_for(server.port()));
        piped.at_up = [&] { piped.pipeline.reset(); };
        piped.loop.run();
        BOOST_TEST(piped.ups == 1);
    }
    Piped piped(settings_for(port.number()));
    piped.at_down = [&] { piped.pipeline.reset(); };
    piped.loop.run();
    BOOST_TEST(piped.downs.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::redis
