#include "redis/codec.hpp"
#include "redis/error.hpp"
#include "redis/link.hpp"
#include "support/certificates.hpp"
#include "support/closed_port.hpp"
#include "support/redis_server.hpp"
#include "support/scripted_redis.hpp"
#include "support/temp_folder.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <future>

namespace keygate::redis {
namespace {

namespace asio = boost::asio;
namespace bdata = boost::unit_test::data;

using namespace std::chrono_literals;
using support::Certificates;
using support::RedisServer;
using support::Socket;
using support::TempFolder;
using test::Dialled;
using test::ScriptedServer;
using test::settings_for;
using test::Told;

std::shared_ptr<const Secret> secret(std::string text) {
    return std::make_shared<const Secret>(std::move(text));
}

config::Redis over_socket(const RedisServer& server) {
    auto settings = settings_for(0);
    settings.transport = config::RedisTransport::unix_socket;
    settings.path = server.socket();
    settings.url = "unix://" + server.socket();
    return settings;
}

bool is_there(const Reply& list, std::string_view text) {
    return list.text.find(text) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(redis_link)

// --- a real server ---

BOOST_AUTO_TEST_CASE(a_server_says_what_it_is) {
    const RedisServer server;
    Dialled dialled(settings_for(server.port()));
    BOOST_TEST_REQUIRE(dialled.told.hello.has_value());
    const Hello& hello = *dialled.told.hello;
    BOOST_TEST(hello.major >= 5U);
    BOOST_TEST(hello.version.starts_with(std::to_string(hello.major) + "."));
    BOOST_TEST(hello.client > 0);
    BOOST_TEST(hello.role == "master");
    BOOST_TEST(hello.mode == "standalone");
    BOOST_TEST(dialled.ask({"CLIENT", "ID"}).number == hello.client);
    BOOST_TEST(is_there(dialled.ask({"CLIENT", "LIST"}), " name=keygate "));
}

BOOST_AUTO_TEST_CASE(names_are_resolved) {
    const RedisServer server;
    auto settings = settings_for(server.port());
    settings.host = "localhost";
    Dialled dialled(settings);
    BOOST_TEST(dialled.ask({"PING"}).is_status("PONG"));
}

BOOST_AUTO_TEST_CASE(a_database_is_selected_and_a_name_given) {
    const RedisServer server;
    auto settings = over_socket(server);
    settings.database = 3;
    settings.client_name = "gate-7";
    Dialled dialled(settings);
    const Reply clients = dialled.ask({"CLIENT", "LIST"});
    BOOST_TEST(is_there(clients, " name=gate-7 "));
    BOOST_TEST(is_there(clients, " db=3 "));
}

BOOST_AUTO_TEST_CASE(a_database_that_is_not_there_is_a_fault) {
    const RedisServer server;
    auto settings = settings_for(server.port());
    settings.database = 99;
    Dialled dialled(settings);
    const Fault fault = dialled.wait_for_end();
    BOOST_TEST(fault.error == Error::other);
    BOOST_TEST(fault.step == "SELECT");
}

BOOST_AUTO_TEST_CASE(passwords_are_sent_from_settings_or_a_file) {
    const TempFolder folder;
    const RedisServer server({.password = "hunter2", .users = {"user app on >letmein ~* +@all"}});
    auto settings = settings_for(server.port());
    settings.password = secret("hunter2");
    BOOST_TEST(Dialled(settings).ask({"ACL", "WHOAMI"}).text == "default");

    settings.password = nullptr;
    settings.password_file = folder.write("password", "letmein\n");
    settings.user = "app";
    std::filesystem::permissions(settings.password_file, std::filesystem::perms::owner_read);
    BOOST_TEST(Dialled(settings).ask({"ACL", "WHOAMI"}).text == "app");

    std::filesystem::permissions(settings.password_file, std::filesystem::perms::all);
    Dialled open_to_all(settings);
    BOOST_TEST(open_to_all.wait_for_end().error == boost::system::errc::permission_denied);
}

BOOST_DATA_TEST_CASE(a_wrong_password_is_a_fault_that_does_not_tell_it,
                     bdata::make({"", "hunter3"}), password) {
    const RedisServer server({.password = "hunter2"});
    auto settings = settings_for(server.port());
    if (*password != '\0') settings.password = secret(password);
    Dialled dialled(settings);
    const Fault fault = dialled.wait_for_end();
    BOOST_TEST(fault.error == Error::no_auth);
    BOOST_TEST(to_string(fault).find("hunter") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_password_that_the_server_does_not_have_is_a_fault) {
    const RedisServer server;
    auto settings = settings_for(server.port());
    settings.password = secret("hunter2");
    Dialled dialled(settings);
    const Fault fault = dialled.wait_for_end();
    BOOST_TEST(fault.error == Error::no_auth);
    BOOST_TEST(fault.step == "AUTH");
}

BOOST_AUTO_TEST_CASE(a_user_without_the_permission_for_a_name_is_taken) {
    const RedisServer server({.users = {"user app on >letmein ~* +@all -client"}});
    auto settings = settings_for(server.port());
    settings.user = "app";
    settings.password = secret("letmein");
    Dialled dialled(settings);
    BOOST_TEST_REQUIRE(dialled.told.hello.has_value());
    BOOST_TEST(dialled.told.hello->role == "master");
    BOOST_TEST(dialled.ask({"PING"}).is_status("PONG"));
}

BOOST_AUTO_TEST_CASE(a_replica_is_not_taken) {
    const RedisServer master;
    const RedisServer replica(
        {.arguments = {"--replicaof", "127.0.0.1 " + std::to_string(master.port())}});
    Dialled dialled(settings_for(replica.port()));
    BOOST_TEST(dialled.wait_for_end().error == Error::not_master);
}

BOOST_AUTO_TEST_CASE(a_node_of_a_cluster_is_not_taken) {
    const RedisServer server({.arguments = {"--cluster-enabled", "yes"}});
    auto settings = settings_for(server.port());
    BOOST_TEST(Dialled(settings).wait_for_end().error == Error::is_cluster);
    settings.database = 1;
    BOOST_TEST(Dialled(settings).wait_for_end().error == Error::is_cluster);
}

BOOST_AUTO_TEST_CASE(binary_values_of_a_megabyte_come_back_as_they_were) {
    const RedisServer server;
    Dialled dialled(settings_for(server.port()));
    std::string value(1 << 20, '\r');
    for (std::size_t i = 0; i < value.size(); i += 3)
        value[i] = static_cast<char>(i);
    BOOST_TEST(dialled.ask({"SET", "a", value}).is_status("OK"));
    BOOST_TEST((dialled.ask({"GET", "a"}).text == value));
}

BOOST_AUTO_TEST_CASE(the_end_of_the_server_is_told_once) {
    RedisServer server;
    Dialled dialled(settings_for(server.port()));
    server.kill();
    BOOST_TEST(dialled.wait_for_end().error == asio::error::eof);
    BOOST_TEST(!dialled.link->is_open());
    dialled.link->send("*1\r\n$4\r\nPING\r\n");
    dialled.loop.restart();
    dialled.loop.run();
    BOOST_TEST(dialled.told.ends == 1);
}

// --- TLS ---

namespace {

struct TlsServer {
    explicit TlsServer(int days = 30, bool asks_for_certificate = false)
        : pair(certificates.make("server", "DNS:redis.test,DNS:localhost,IP:127.0.0.1", days))
        , server({.tls = RedisServer::Tls{certificates.ca(), pair.certificate, pair.key,
                                          asks_for_certificate}}) {}

    [[nodiscard]] config::Redis settings() const {
        auto made = settings_for(server.port());
        made.transport = config::RedisTransport::tls;
        made.url = "rediss://127.0.0.1:" + std::to_string(server.port());
        made.tls.ca = certificates.ca();
        return made;
    }

    Certificates certificates;
    Certificates::Pair pair;
    RedisServer server;
};

} // namespace

BOOST_DATA_TEST_CASE(a_certificate_of_the_authority_for_the_name_is_accepted,
                     bdata::make({"", "redis.test"}), name) {
    const TlsServer tls;
    auto settings = tls.settings();
    settings.tls.server_name = name;
    Dialled dialled(settings);
    BOOST_TEST_REQUIRE(dialled.told.hello.has_value());
    BOOST_TEST(dialled.ask({"PING"}).is_status("PONG"));
    const std::string value(300'000, 'x');
    BOOST_TEST(dialled.ask({"SET", "a", value}).is_status("OK"));
    BOOST_TEST((dialled.ask({"GET", "a"}).text == value));
}

BOOST_AUTO_TEST_CASE(the_host_of_the_url_is_the_name_unless_another_is_given) {
    const TlsServer tls;
    auto settings = tls.settings();
    settings.host = "localhost";
    BOOST_TEST(Dialled(settings).ask({"PING"}).is_status("PONG"));
}

BOOST_AUTO_TEST_CASE(a_certificate_of_another_authority_is_refused) {
    const TlsServer tls;
    const Certificates others;
    auto settings = tls.settings();
    settings.tls.ca = others.ca();
    Dialled other_ca(settings);
    BOOST_TEST(other_ca.wait_for_end().step.starts_with("TLS handshake with rediss://"));
    settings.tls.ca.clear();
    Dialled system(settings);
    BOOST_TEST(system.wait_for_end().step.starts_with("TLS handshake with rediss://"));
    BOOST_TEST(!system.told.hello.has_value());
}

BOOST_DATA_TEST_CASE(a_certificate_for_another_name_is_refused,
                     bdata::make({"redis.example", "127.0.0.2", "est", "sub.redis.test"}), name) {
    const TlsServer tls;
    auto settings = tls.settings();
    settings.tls.server_name = name;
    Dialled dialled(settings);
    const std::string step = dialled.wait_for_end().step;
    BOOST_TEST(step.find("mismatch") != std::string::npos, step);
}

BOOST_AUTO_TEST_CASE(an_expired_certificate_is_refused) {
    const TlsServer tls(-1);
    Dialled dialled(tls.settings());
    const std::string step = dialled.wait_for_end().step;
    BOOST_TEST(step.find("certificate has expired") != std::string::npos, step);
}

BOOST_AUTO_TEST_CASE(a_server_may_ask_for_our_certificate) {
    TlsServer tls(30, true);
    auto settings = tls.settings();
    Dialled without(settings);
    without.wait_for_end();
    BOOST_TEST(!without.told.hello.has_value());

    const auto ours = tls.certificates.make("client", "DNS:client.test");
    settings.tls.certificate = ours.certificate;
    settings.tls.private_key = ours.key;
    BOOST_TEST(Dialled(settings).ask({"PING"}).is_status("PONG"));

    settings.tls.private_key = tls.pair.key;
    Dialled wrong_key(settings);
    BOOST_TEST(wrong_key.wait_for_end().step.starts_with("read private key file "));
}

BOOST_AUTO_TEST_CASE(files_of_tls_that_are_not_there_are_faults) {
    auto settings = settings_for(1);
    settings.transport = config::RedisTransport::tls;
    settings.tls.ca = "/nowhere/ca.pem";
    BOOST_TEST(Dialled(settings).wait_for_end().step == "read CA file /nowhere/ca.pem");
}

BOOST_AUTO_TEST_CASE(a_server_without_tls_is_refused) {
    const RedisServer server;
    auto settings = settings_for(server.port());
    settings.transport = config::RedisTransport::tls;
    settings.command_timeout = 300ms; // both wait for the other
    Dialled dialled(settings);
    BOOST_TEST(dialled.wait_for_end().step.starts_with("TLS handshake with "));
}

// --- the dial ---

BOOST_AUTO_TEST_CASE(nobody_there_is_a_fault) {
    const support::ClosedPort port;
    Dialled dialled(settings_for(port.number()));
    const Fault fault = dialled.wait_for_end();
    BOOST_TEST(fault.error == asio::error::connection_refused);
    BOOST_TEST(fault.step == "connect to " + dialled.settings.url);
}

BOOST_AUTO_TEST_CASE(a_path_that_no_socket_can_have_is_a_fault) {
    auto settings = settings_for(0);
    settings.transport = config::RedisTransport::unix_socket;
    settings.path = std::string(108, 'a');
    BOOST_TEST(Dialled(settings).wait_for_end().error == boost::system::errc::filename_too_long);
    settings.path = "/nowhere/redis.sock";
    BOOST_TEST(Dialled(settings).wait_for_end().error ==
               boost::system::errc::no_such_file_or_directory);
}

BOOST_AUTO_TEST_CASE(a_name_that_nobody_has_is_a_fault) {
    auto settings = settings_for(1);
    settings.host = "no-such-host.invalid";
    Dialled dialled(settings);
    BOOST_TEST(!dialled.told.hello.has_value());
    BOOST_TEST(dialled.told.ends == 1);
}

// --- the greeting, by scripted servers ---

BOOST_AUTO_TEST_CASE(the_greeting_goes_out_at_once_and_in_its_order) {
    std::string seen;
    {
        ScriptedServer server({[&](Socket& socket) {
            seen = test::read_until(socket, "HELLO\r\n");
            socket.send("+OK\r\n+OK\r\n+OK\r\n" + std::string{test::hello_of_master});
            test::say_nothing(socket);
        }});
        auto settings = settings_for(server.port());
        settings.user = "app";
        settings.password = secret("p w");
        settings.database = 12;
        const Dialled dialled(settings);
        BOOST_TEST(dialled.told.hello.has_value());
    }
    BOOST_TEST(seen ==
               "*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$3\r\np w\r\n*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n"
               "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$7\r\nkeygate\r\n*1\r\n$5\r\nHELLO\r\n");
}

namespace {

struct Greeted {
    const char* answers; // to AUTH, SELECT, CLIENT SETNAME, HELLO
    boost::system::error_code error;
    const char* step;
};

std::ostream& operator<<(std::ostream& out, const Greeted& one) {
    return out << one.answers;
}

const auto refused = std::to_array<Greeted>({
    {"-WRONGPASS no\r\n", Error::no_auth, "AUTH"},
    {"-ERR max number of clients reached\r\n", Error::other, "AUTH"},
    {":1\r\n", Error::unexpected, "AUTH"},
    {"+QUEUED\r\n", Error::unexpected, "AUTH"},
    {"+OK\r\n-NOPERM no\r\n", Error::no_permission, "SELECT"},
    {"+OK\r\n-ERR DB index is out of range\r\n", Error::other, "SELECT"},
    {"+OK\r\n-ERR SELECT is not allowed in cluster mode\r\n", Error::is_cluster, "SELECT"},
    {"+OK\r\n+OK\r\n-LOADING no\r\n", Error::loading, "CLIENT SETNAME"},
    {"+OK\r\n+OK\r\n-NOAUTH no\r\n", Error::no_auth, "CLIENT SETNAME"},
    {"+OK\r\n+OK\r\n$2\r\nOK\r\n", Error::unexpected, "CLIENT SETNAME"},
    {"+OK\r\n+OK\r\n+OK\r\n-LOADING no\r\n", Error::loading, "HELLO"},
    {"+OK\r\n+OK\r\n+OK\r\n+OK\r\n", Error::unexpected, "HELLO"},
    {"+OK\r\n+OK\r\n+OK\r\n*1\r\n+mode\r\n", Error::unexpected, "HELLO"},
    {"+OK\r\n+OK\r\n+OK\r\n*2\r\n$4\r\nrole\r\n$7\r\nreplica\r\n", Error::not_master, "HELLO"},
    {"+OK\r\n+OK\r\n+OK\r\n*2\r\n$4\r\nrole\r\n$5\r\nslave\r\n", Error::not_master, "HELLO"},
    {"+OK\r\n+OK\r\n+OK\r\n*2\r\n$4\r\nmode\r\n$7\r\ncluster\r\n", Error::is_cluster, "HELLO"},
    {"+OK\r\n+OK\r\n+OK\r\n*2\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n", Error::unexpected, "HELLO"},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", Error::protocol, "read Redis' reply"},
    {"*1000000000\r\n", Error::too_large, "read Redis' reply"},
    {"$1000000000\r\n", Error::too_large, "read Redis' reply"},
    {"+OK\r\n%1\r\n", Error::protocol, "read Redis' reply"},
});

const auto taken = std::to_array<const char*>({
    "+OK\r\n+OK\r\n-ERR unknown command 'CLIENT'\r\n-ERR unknown command 'HELLO'\r\n",
    "+OK\r\n+OK\r\n-NOPERM no\r\n-NOPERM no\r\n",
    "+OK\r\n+OK\r\n+OK\r\n-ERR something else\r\n",
    "+OK\r\n+OK\r\n+OK\r\n*0\r\n",
    "+OK\r\n+OK\r\n+OK\r\n*4\r\n:1\r\n*1\r\n:2\r\n$4\r\nrole\r\n:5\r\n",
    "+OK\r\n+OK\r\n+OK\r\n*2\r\n$7\r\nversion\r\n$1\r\nx\r\n",
});

ScriptedServer::Script answer(std::string answers, Socket::Pieces pieces) {
    return [answers = std::move(answers), pieces](Socket& socket) {
        test::read_until(socket, "HELLO\r\n");
        socket.send(answers, pieces);
        test::say_nothing(socket);
    };
}

config::Redis with_all_steps(std::uint16_t port) {
    auto settings = settings_for(port);
    settings.password = secret("hunter2");
    settings.database = 1;
    return settings;
}

} // namespace

BOOST_DATA_TEST_CASE(an_answer_that_is_none_ends_the_dial_and_names_the_command,
                     bdata::make(refused), one) {
    for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise}) {
        ScriptedServer server({answer(one.answers, pieces)});
        Dialled dialled(with_all_steps(server.port()));
        const Fault fault = dialled.wait_for_end();
        BOOST_TEST(fault.error == one.error);
        BOOST_TEST(fault.step == one.step);
        BOOST_TEST(!dialled.told.hello.has_value());
    }
}

BOOST_DATA_TEST_CASE(a_server_may_know_less_or_say_little, bdata::make(taken), answers) {
    for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise}) {
        ScriptedServer server({answer(answers, pieces)});
        const Dialled dialled(with_all_steps(server.port()));
        BOOST_TEST_REQUIRE(dialled.told.hello.has_value());
        BOOST_TEST(dialled.told.hello->major == 0U);
        BOOST_TEST(dialled.told.hello->role.empty());
    }
}

BOOST_AUTO_TEST_CASE(silence_ends_the_dial_and_names_the_command) {
    ScriptedServer server({test::say_nothing, answer("+OK\r\n+OK\r\n", Socket::Pieces::whole)});
    auto settings = with_all_steps(server.port());
    settings.command_timeout = 500ms; // a busy machine's time to get that far
    {
        Dialled mute(settings);
        const Fault fault = mute.wait_for_end();
        BOOST_TEST(fault.error == asio::error::timed_out);
        BOOST_TEST(fault.step == "AUTH");
    }
    Dialled halfway(settings);
    BOOST_TEST(halfway.wait_for_end().step == "CLIENT SETNAME");
}

BOOST_DATA_TEST_CASE(a_connection_that_ends_in_the_middle_is_a_fault,
                     bdata::make({"", "+O", "+OK\r\n", "+OK\r\n+OK\r\n+OK\r\n*14\r\n$6\r\nser"}),
                     answers) {
    ScriptedServer server({[&](Socket& socket) {
        test::read_until(socket, "HELLO\r\n");
        socket.send(answers);
    }});
    Dialled dialled(with_all_steps(server.port()));
    BOOST_TEST(dialled.wait_for_end().error == asio::error::eof);
}

// --- an open link ---

BOOST_AUTO_TEST_CASE(replies_that_nobody_asked_for_are_told_like_others) {
    ScriptedServer server({test::greet_and_say("+a\r\n:2\r\n")});
    Dialled dialled(settings_for(server.port()));
    test::run_until(dialled.loop, [&] { return dialled.told.replies.size() == 2; });
    BOOST_TEST(dialled.told.replies[0].is_status("a"));
    BOOST_TEST(dialled.told.replies[1].number == 2);
}

BOOST_DATA_TEST_CASE(bytes_that_are_no_reply_end_an_open_link,
                     bdata::make({"!\r\n", "*1000000000\r\n",
                                  "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
                                  "*1\r\n*1\r\n*1\r\n*1\r\n"}),
                     bytes) {
    ScriptedServer server({test::greet_and_say(std::string{"+a\r\n"} + bytes)});
    Dialled dialled(settings_for(server.port()));
    const Fault fault = dialled.wait_for_end();
    BOOST_TEST(fault.step == "read Redis' reply");
    BOOST_TEST(dialled.told.replies.size() == 1U);
    BOOST_TEST(dialled.told.ends == 1);
}

BOOST_AUTO_TEST_CASE(what_is_sent_in_one_turn_leaves_together) {
    std::string first;
    {
        ScriptedServer server({[&](Socket& socket) {
            test::greet(socket);
            first = socket.receive().value_or("");
            test::say_nothing(socket);
        }});
        Dialled dialled(settings_for(server.port()));
        for (int i = 0; i < 100; ++i)
            dialled.link->send("*1\r\n$4\r\nPING\r\n");
        dialled.loop.restart();
        dialled.loop.poll();
    }
    BOOST_TEST(first.size() == 1400U);
}

BOOST_AUTO_TEST_CASE(a_server_that_takes_nothing_ends_the_link_before_memory_does) {
    std::promise<void> over;
    ScriptedServer server({[&](Socket& socket) {
        test::greet(socket);
        over.get_future().wait_for(Socket::patience);
    }});
    Dialled dialled(settings_for(server.port()));
    const std::string piece(1 << 20, 'x');
    int sent = 0;
    for (; sent < 100 && dialled.link->is_open(); ++sent)
        dialled.link->send(piece);
    BOOST_TEST(sent == 65);
    BOOST_TEST(!dialled.told.closed.has_value()); // not inside send()
    const Fault fault = dialled.wait_for_end();
    BOOST_TEST(fault.error == asio::error::no_buffer_space);
    over.set_value();
}

// --- whoever is told may destroy the link ---

BOOST_AUTO_TEST_CASE(a_link_dies_while_it_is_dialled) {
    // For each dial one: a server that closes would be an end of its own.
    ScriptedServer server(std::vector<ScriptedServer::Script>(5, test::say_nothing));
    const auto settings = settings_for(server.port());
    asio::io_context loop;
    Told told;
    for (int turns = 0; turns < 5; ++turns) {
        std::optional<Link> link;
        link.emplace(loop, settings, told);
        loop.restart();
        for (int i = 0; i < turns; ++i)
            loop.poll_one();
        link.reset();
        loop.restart();
        loop.run();
    }
    BOOST_TEST(told.ends == 0);
    BOOST_TEST(!told.hello.has_value());
}

BOOST_DATA_TEST_CASE(whoever_is_told_may_destroy_the_link, bdata::make({0, 1, 2}), when) {
    ScriptedServer server({[](Socket& socket) {
        test::greet(socket);
        socket.send("+a\r\n+b\r\n");
    }});
    const auto settings = settings_for(server.port());
    asio::io_context loop;
    Told told;
    std::optional<Link> link;
    bool is_gone = false;
    const auto destroy = [&] {
        link->send("*1\r\n$4\r\nPING\r\n");
        link.reset();
        is_gone = true;
    };
    if (when == 0) told.at_open = destroy;
    if (when == 1) told.at_reply = destroy;
    if (when == 2) told.at_closed = destroy;
    link.emplace(loop, settings, told);
    test::run_until(loop, [&] { return is_gone; });
    loop.restart();
    loop.run(); // nothing of it is left that waits
    BOOST_TEST(told.replies.size() == (when == 0 ? 0U : when == 1 ? 1U : 2U));
    BOOST_TEST(told.ends == (when == 2 ? 1 : 0));
}

BOOST_AUTO_TEST_CASE(a_link_that_was_sent_too_much_may_die_with_its_settings) {
    ScriptedServer server({test::greet_and_say("")});
    asio::io_context loop;
    Told told;
    {
        const auto settings = settings_for(server.port());
        Link link(loop, settings, told);
        test::run_until(loop, [&] { return told.hello.has_value(); });
        link.send(std::string((64 << 20) + 1, 'x'));
        BOOST_TEST(!link.is_open());
    }
    loop.restart();
    loop.run();
    BOOST_TEST(told.ends == 0);
}

BOOST_AUTO_TEST_CASE(a_loop_may_end_before_its_links_have) {
    ScriptedServer server({test::greet_and_say("")});
    const auto settings = settings_for(server.port());
    Told told;
    {
        asio::io_context loop;
        const Link link(loop, settings, told);
        test::run_until(loop, [&] { return told.hello.has_value(); });
    }
    BOOST_TEST(told.ends == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::redis
