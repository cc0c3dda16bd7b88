#include "keys/tracker.hpp"
#include "redis/codec.hpp"
#include "support/scripted_redis.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <future>
#include <vector>

// The connection on which Redis tells of changes, against servers that say what tests want: what it
// sends, what it takes for an answer, and what ends it.

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using redis::test::greet;
using redis::test::read_until;
using redis::test::run_until;
using redis::test::ScriptedServer;
using support::Socket;

const std::string ok = "+OK\r\n";
const std::string pong = "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
const std::string ping = "*1\r\n$4\r\nPING\r\n";
const std::string last_setup = "kg:wait\r\n";
const std::string info = "$34\r\n# Server\r\nrun_id:abc\r\ntcp_port:1\r\n\r\n";

std::string list(std::initializer_list<std::string_view> words) {
    std::string bytes;
    redis::append(bytes, words);
    return bytes;
}

std::string confirm(std::initializer_list<std::string_view> channels) {
    std::string bytes;
    int count = 0;
    for (const std::string_view channel : channels)
        bytes += "*3\r\n$9\r\nsubscribe\r\n$" + std::to_string(channel.size()) + "\r\n" +
                 std::string{channel} + "\r\n:" + std::to_string(++count) + "\r\n";
    return bytes;
}

const std::string confirmed = confirm({"__redis__:invalidate", "kg:changes", "kg:wait"});

/// An invalidation of names; of none: everything (nil).
std::string invalidation(std::initializer_list<std::string_view> names) {
    return "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n" +
           (names.size() == 0 ? std::string{"*-1\r\n"} : list(names));
}

void wait_for_end(Socket& client) {
    while (const auto bytes = client.receive())
        if (bytes->empty()) return;
}

/// Answers what the server is asked of itself.
void tell_info(Socket& client) {
    read_until(client, "server\r\n");
    client.send(info);
}

/// Up to the last set-up reply. @returns what the client sent.
std::string set_up(Socket& client) {
    greet(client);
    tell_info(client);
    std::string sent = read_until(client, "kg:owner:\r\n");
    client.send(ok);
    sent += read_until(client, last_setup);
    client.send(confirmed);
    return sent;
}

} // namespace

/// A tracker and what it told.
struct TrackedWorld {
    explicit TrackedWorld(std::vector<ScriptedServer::Script> scripts)
        : server(std::move(scripts)) {
        settings.redis = redis::test::settings_for(server.port());
        settings.revocation_bound = std::chrono::milliseconds{40};
    }

    void start() {
        tracker.emplace(
            loop, settings, lease,
            Tracker::Events{
                .on_change = [this](std::string_view name) { changed.emplace_back(name); },
                .on_flush = [this] { ++flushes; },
                .on_set_up = [this] { ++set_ups; },
                .on_lost = [this](const std::string& why) { lost.push_back(why); },
                .on_renewed = [this] { ++renewals; },
                .on_wait = [this](const std::string& text) { waits.push_back(text); },
            },
            1);
        tracker->start();
    }

    template <class Condition> void until(const Condition& condition) {
        run_until(loop, condition);
    }

    ~TrackedWorld() {
        tracker.reset();
        loop.restart();
        loop.poll();
    }

    TrackedWorld(const TrackedWorld&) = delete;
    TrackedWorld& operator=(const TrackedWorld&) = delete;

    ScriptedServer server;
    config::Store settings;
    Renewed renewed;
    Lease lease{renewed};
    boost::asio::io_context loop{1};
    std::optional<Tracker> tracker;
    std::vector<std::string> changed;
    std::vector<std::string> lost;
    std::vector<std::string> waits;
    int flushes = 0;
    int set_ups = 0;
    int renewals = 0;
};

BOOST_AUTO_TEST_SUITE(keys_tracker)

BOOST_AUTO_TEST_CASE(it_is_set_up_and_pings_only_then) {
    std::promise<std::string> told;
    TrackedWorld world{{[&](Socket& client) {
        std::string sent = set_up(client);
        told.set_value(sent + read_until(client, ping));
        client.send(pong);
        wait_for_end(client);
    }}};
    world.start();
    world.until([&] { return world.renewals > 0; });
    BOOST_TEST(told.get_future().get() ==
               list({"CLIENT", "TRACKING", "ON", "REDIRECT", "7", "BCAST", "PREFIX",
                     "kg:key:", "PREFIX", "kg:owner:"}) +
                   list({"SUBSCRIBE", "__redis__:invalidate", "kg:changes", "kg:wait"}) + ping);
    BOOST_TEST(world.set_ups == 1);
    BOOST_TEST(world.lease.generation() == 1U);
    BOOST_TEST(world.tracker->offers_tracking());
    BOOST_TEST(world.tracker->run_id() == "abc");
}

BOOST_AUTO_TEST_CASE(a_set_up_that_does_not_end_is_begun_anew) {
    TrackedWorld world{{[](Socket& client) {
                            greet(client);
                            tell_info(client);
                            wait_for_end(client); // says nothing to CLIENT TRACKING
                        },
                        [](Socket& client) {
                            set_up(client);
                            wait_for_end(client);
                        }}};
    world.settings.redis->command_timeout = std::chrono::milliseconds{100};
    world.start();
    world.until([&] { return world.set_ups == 1; });
    BOOST_TEST(world.lost == std::vector<std::string>{"it was not set up in time"});
}

BOOST_AUTO_TEST_CASE(who_does_not_say_hello_is_asked_for_its_number_and_threads) {
    TrackedWorld world{{[&](Socket& client) {
        read_until(client, "HELLO\r\n");
        client.send("+OK\r\n-ERR unknown command 'HELLO'\r\n");
        tell_info(client);
        read_until(client, "ID\r\n");
        client.send(":9\r\n");
        read_until(client, "io-threads\r\n");
        client.send(list({"io-threads", "1"}));
        read_until(client, "$1\r\n9\r\n$5\r\nBCAST");
        client.send(ok);
        read_until(client, last_setup);
        client.send(confirmed);
        wait_for_end(client);
    }}};
    world.start();
    world.until([&] { return world.set_ups == 1; });
    BOOST_TEST(world.lease.is_set_up());
}

BOOST_AUTO_TEST_CASE(one_ping_at_a_time_and_nothing_else) {
    std::promise<std::string> told;
    TrackedWorld world{{[&](Socket& client) {
        set_up(client);
        std::string sent;
        // Ten pongs, each after its ping; then none, and nothing more comes but the end.
        for (int i = 0; i < 10; ++i) {
            sent += read_until(client, ping);
            client.send(pong);
        }
        while (const auto bytes = client.receive()) {
            if (bytes->empty()) break;
            sent += *bytes;
        }
        told.set_value(sent);
    }}};
    world.start();
    world.until([&] { return !world.lost.empty(); });
    BOOST_TEST(world.renewals == 10);
    BOOST_TEST(world.lost.front() == "no answer to a ping");
    std::string eleven;
    for (int i = 0; i < 11; ++i)
        eleven += ping;
    BOOST_TEST(told.get_future().get() == eleven);
}

BOOST_AUTO_TEST_CASE(errors_renew_nothing_and_pongs_only_when_there_is_no_doubt) {
    TrackedWorld world{{[&](Socket& client) {
        set_up(client);
        for (int i = 0; i < 3; ++i) {
            read_until(client, ping);
            client.send("-BUSY Redis is busy running a script.\r\n");
        }
        // Four of them may be of the turn in which the script ran, before the change.
        for (int i = 0; i < 4; ++i) {
            read_until(client, ping);
            client.send(pong);
        }
        read_until(client, ping);
        client.send(invalidation({"kg:key:a"}) + pong);
        wait_for_end(client);
    }}};
    world.start();
    world.until([&] { return world.renewals > 0; });
    // What was told before the pong that counts came before it.
    BOOST_TEST(world.changed == std::vector<std::string>{"kg:key:a"});
}

BOOST_AUTO_TEST_CASE(changes_flushes_and_waits_are_told) {
    TrackedWorld world{{[&](Socket& client) {
        set_up(client);
        client.send(invalidation({"kg:key:a", "kg:owner:shop:b"}) + invalidation({}) +
                    list({"message", "kg:changes", "kg:key:c"}) +
                    list({"message", "kg:wait", "token"}));
        wait_for_end(client);
    }}};
    world.start();
    world.until([&] { return !world.waits.empty(); });
    const std::vector<std::string> names{"kg:key:a", "kg:owner:shop:b", "kg:key:c"};
    BOOST_TEST(world.changed == names, boost::test_tools::per_element());
    BOOST_TEST(world.flushes == 1);
    BOOST_TEST(world.waits.front() == "token");
}

const std::array<std::string, 9> nonsense{
    pong,                                      // nobody has asked: the first answers the ping
    "+PONG\r\n",                               // not what a subscriber is told
    ":1\r\n",                                  //
    "$3\r\nabc\r\n",                           //
    list({"message", "__redis__:invalidate"}), // without names
    list({"message", "__redis__:invalidate", "kg:key:a"}),
    "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n:7\r\n",
    list({"unsubscribe", "kg:changes", "0"}),
    "%1\r\n", // RESP3
};

BOOST_DATA_TEST_CASE(what_cannot_be_understood_ends_it, bdata::make(nonsense), bytes) {
    TrackedWorld world{{[bytes](Socket& client) {
                            set_up(client);
                            read_until(client, ping);
                            client.send(pong + bytes);
                            wait_for_end(client);
                        },
                        [](Socket& client) {
                            set_up(client);
                            wait_for_end(client);
                        }}};
    world.start();
    world.until([&] { return world.set_ups == 2; });
    BOOST_TEST(world.lost.size() == 1U);
    // Dialled again at once, and another generation.
    BOOST_TEST(world.lease.generation() == 2U);
}

BOOST_AUTO_TEST_CASE(a_name_of_the_generation_before_is_not_renewed_by_the_next) {
    TrackedWorld world{{[](Socket& client) {
                            set_up(client);
                            read_until(client, ping);
                            client.send(pong);
                        },
                        [](Socket& client) {
                            set_up(client);
                            read_until(client, ping);
                            client.send(pong);
                            wait_for_end(client);
                        }}};
    world.start();
    world.until([&] { return world.renewals == 2; });
    BOOST_TEST(world.renewed.load().generation == 2U);
}

BOOST_AUTO_TEST_CASE(without_tracking_nothing_is_renewed) {
    TrackedWorld world{{[&](Socket& client) {
        greet(client);
        tell_info(client);
        read_until(client, "kg:owner:\r\n");
        client.send("-NOPERM this user has no permissions\r\n");
        read_until(client, last_setup);
        client.send(confirm({"kg:changes", "kg:wait"}));
        wait_for_end(client);
    }}};
    world.start();
    world.until([&] { return world.set_ups == 1; });
    BOOST_TEST(!world.tracker->offers_tracking());
    BOOST_TEST(!world.lease.is_set_up());
}

BOOST_AUTO_TEST_CASE(without_tracking_our_own_messages_do_where_nobody_else_writes) {
    std::promise<std::string> told;
    TrackedWorld world{{[&](Socket& client) {
        greet(client);
        tell_info(client);
        read_until(client, "kg:owner:\r\n");
        client.send("-ERR unknown subcommand\r\n");
        told.set_value(read_until(client, last_setup));
        client.send(confirm({"kg:changes", "kg:wait"}));
        read_until(client, ping);
        client.send(list({"message", "kg:changes", "kg:key:a"}) + pong);
        wait_for_end(client);
    }}};
    world.settings.external_writers = false;
    world.start();
    world.until([&] { return world.renewals == 1; });
    BOOST_TEST(told.get_future().get() == list({"SUBSCRIBE", "kg:changes", "kg:wait"}));
    BOOST_TEST(world.changed == std::vector<std::string>{"kg:key:a"});
}

struct Threads { // what a server says of them
    std::string answer;
    bool is_tracked;
};

std::ostream& operator<<(std::ostream& out, const Threads& row) {
    return out << row.answer;
}

const std::array<Threads, 3> threads{{{list({"io-threads", "1"}), true},
                                      {list({"io-threads", "4"}), false},
                                      {"-NOPERM no\r\n", false}}};

BOOST_DATA_TEST_CASE(a_newer_server_is_trusted_with_one_thread_only, bdata::make(threads), row) {
    TrackedWorld world{{[row](Socket& client) {
        // As greet(), but for the version.
        std::string hello{redis::test::hello_of_master};
        hello.replace(hello.find("7.0.15"), 6, "8.0.15");
        read_until(client, "HELLO\r\n");
        client.send("+OK\r\n" + hello);
        tell_info(client);
        read_until(client, "io-threads\r\n");
        client.send(row.answer);
        if (row.is_tracked) {
            read_until(client, "kg:owner:\r\n");
            client.send(ok);
        }
        read_until(client, last_setup);
        client.send(row.is_tracked ? confirmed : confirm({"kg:changes", "kg:wait"}));
        wait_for_end(client);
    }}};
    world.start();
    world.until([&] { return world.set_ups == 1; });
    BOOST_TEST(world.tracker->offers_tracking() == row.is_tracked);
    BOOST_TEST(world.lease.is_set_up() == row.is_tracked);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::keys
