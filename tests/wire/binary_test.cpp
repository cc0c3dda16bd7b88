// The program as people run it: arguments, exit statuses, signals.
#include "keys/sqlite_store.hpp"
#include "support/child_process.hpp"
#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"
#include "support/store_calls.hpp"
#include "support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>

using namespace keygate;

namespace {

const std::string binary = KEYGATE_BINARY;
const std::string key = "kg_live_0123456789012345678901234567890123456789";

struct Ended {
    int status;
    std::string out;
    std::string err;
};

Ended run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), binary);
    support::ChildProcess child{arguments};
    const int status = child.wait();
    return {status, child.out(), child.err()};
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string configuration(std::uint16_t upstream) {
    return "version: 1\nthreads: 2\nlisteners: [{address: \"127.0.0.1:0\"}]\napis:\n  shop:\n    "
           "upstreams:\n"
           "      live: {servers: [\"http://127.0.0.1:" +
           std::to_string(upstream) +
           "\"]}\n    routes:\n      GET /any/**: key\n      GET /open: public\n";
}

/// The number behind `text` in what a gateway has said at its start.
std::uint16_t port_after(support::ChildProcess& child, const std::string& text) {
    BOOST_TEST_REQUIRE(child.wait_for(text), child.err());
    BOOST_TEST_REQUIRE(child.wait_for("\n"));
    const std::size_t at = child.err().find(text);
    BOOST_TEST_REQUIRE((at != std::string::npos), child.err());
    while (child.err().find('\n', at) == std::string::npos)
        BOOST_TEST_REQUIRE(child.wait_for("\n"));
    return static_cast<std::uint16_t>(std::stoi(child.err().substr(at + text.size())));
}

constexpr const char* listens = "listens on 127.0.0.1 port ";

} // namespace

BOOST_AUTO_TEST_SUITE(wire_binary)

BOOST_AUTO_TEST_CASE(it_says_what_it_is) {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"--version"}, {"version"}}) {
        const Ended said = run(arguments);
        BOOST_TEST(said.status == 0);
        BOOST_TEST(said.out == "keygate " KEYGATE_VERSION "\n");
        BOOST_TEST(said.err == "");
    }
    const Ended help = run({"--help"});
    BOOST_TEST(help.status == 0);
    for (const char* const command : {"run", "check", "reload", "keys", "owners"})
        BOOST_TEST(contains(help.out, command));
}

BOOST_AUTO_TEST_CASE(wrong_usage_has_a_status_of_its_own) {
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {}, {"fly"}, {"run", "-c"}, {"check", "-c"}, {"check", "-c", "a", "--loud"}}) {
        const Ended said = run(arguments);
        BOOST_TEST(said.status == 2);
        BOOST_TEST(said.out == "");
        BOOST_TEST(said.err != "");
    }
}

BOOST_AUTO_TEST_CASE(whoever_asked_before_the_end_was_asked_for_is_answered) {
    support::OriginServer origin;
    const support::TempFolder folder;
    const std::string file = folder.write("keygate.yaml", configuration(origin.port()));
    const std::string request = "GET /open HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const bool is_kept_alive : {false, true})
        for (int round = 0; round < 3; ++round) {
            support::ChildProcess gateway{{binary, "run", "-c", file}};
            const std::uint16_t port = port_after(gateway, listens);
            std::vector<support::Socket> clients(10);
            // While it stands still it sees nothing: neither connections, nor requests, nor the
            // signal.
            if (!is_kept_alive) gateway.signal(SIGSTOP);
            for (support::Socket& client : clients)
                client = support::Socket::connect(port);
            if (is_kept_alive) {
                for (support::Socket& client : clients) {
                    client.send(request);
                    BOOST_TEST_REQUIRE(support::status_of(client.receive_answer()) == 200);
                }
                gateway.signal(SIGSTOP);
            }
            for (support::Socket& client : clients)
                client.send(request);
            gateway.signal(SIGTERM);
            gateway.signal(SIGCONT);
            for (support::Socket& client : clients)
                BOOST_TEST(support::status_of(client.receive_answer()) == 200);
            clients.clear();
            BOOST_TEST(gateway.wait() == 0);
        }
}

BOOST_AUTO_TEST_CASE(check_judges_a_configuration) {
    const support::TempFolder folder;
    const std::string good = folder.write("good.yaml", configuration(1));
    Ended said = run({"check", "-c", good});
    BOOST_TEST(said.status == 0);
    BOOST_TEST(contains(said.out, "1 listener, 1 API, 0 plans, 2 routes"), said.out);
    BOOST_TEST(said.err == "");

    const std::string bad =
        folder.write("bad.yaml", configuration(1) + "      GET /more: publik\ncolour: red\n");
    said = run({"check", "-c", bad});
    BOOST_TEST(said.status == 1);
    BOOST_TEST(said.out == "");
    BOOST_TEST(contains(said.err, bad + ":12:"), said.err);
    BOOST_TEST(contains(said.err, "colour"), said.err);

    said = run({"check", "--json", "-c", bad});
    BOOST_TEST(said.status == 1);
    BOOST_TEST(said.out.starts_with("{\"ok\":false,"));

    said = run({"check", "-c", folder.file("none.yaml")});
    BOOST_TEST(said.status == 1);
    BOOST_TEST(contains(said.err, "none.yaml"), said.err);
    // Nothing is made by looking.
    BOOST_TEST(!std::filesystem::exists(folder.file("good.db")));
}

BOOST_AUTO_TEST_CASE(what_check_accepts_is_what_it_prints) {
    const support::TempFolder folder;
    const Ended first = run({"check", "--print", "-c", folder.write("a.yaml", configuration(1))});
    BOOST_TEST(first.status == 0);
    const Ended second = run({"check", "--print", "-c", folder.write("a.yaml", first.out)});
    BOOST_TEST(second.status == 0);
    BOOST_TEST(second.out == first.out);
}

BOOST_AUTO_TEST_CASE(the_shipped_configuration_is_in_order) {
    for (const auto& file : std::filesystem::directory_iterator{KEYGATE_SOURCE_DIR "/config"}) {
        if (file.path().extension() != ".yaml") continue;
        const Ended said = run({"check", "-c", file.path().string()});
        BOOST_TEST(said.status == 0, file.path() << ": " << said.err);
    }
}

BOOST_AUTO_TEST_CASE(run_serves_until_a_signal_and_ends_well) {
    support::OriginServer origin;
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
        BOOST_TEST_CONTEXT("signal " << signal) {
            const support::TempFolder folder;
            const std::string file = folder.write("k.yaml", configuration(origin.port()));
            {
                auto store = keys::open_sqlite_store(folder.file("k.db"));
                BOOST_TEST_REQUIRE(store.has_value());
                keygate::test::insert(**store, {support::record_of(key, "key_1", "shop", "acme")})
                    .value();
            }
            support::ChildProcess gateway{{binary, "run", "-c", file}};
            const std::uint16_t port = port_after(gateway, listens);
            gateway.signal(SIGHUP);
            BOOST_TEST(gateway.wait_for("nothing has changed in it; 1 keys"));
            support::Socket client = support::Socket::connect(port);
            client.send("GET /any/1?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key +
                        "\r\n\r\n");
            BOOST_TEST(support::status_of(client.receive_answer()) == 200);
            gateway.signal(signal);
            BOOST_TEST(client.is_at_end());
            BOOST_TEST(gateway.wait() == 0);
            // The access log is standard output, the process' own words are standard error.
            BOOST_TEST(contains(gateway.out(), "\"key_id\":\"key_1\""), gateway.out());
            BOOST_TEST(gateway.out().starts_with("{"));
            BOOST_TEST(!contains(gateway.out() + gateway.err(), key));
            BOOST_TEST(contains(gateway.err(), "ended"), gateway.err());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_configuration_is_read_again_when_asked_for) {
    support::OriginServer origin;
    const support::TempFolder folder;
    const std::string old = configuration(origin.port());
    const std::string file = folder.write("k.yaml", old);
    const auto reload = [&](std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{"reload", "-c", file};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    };
    Ended said = reload();
    BOOST_TEST(said.status == 3);
    BOOST_TEST(contains(said.err, "no gateway answers on "), said.err);
    BOOST_TEST(!std::filesystem::exists(folder.file("k.db"))); // nothing is made by asking

    support::ChildProcess gateway{{binary, "run", "-c", file}};
    const std::uint16_t port = port_after(gateway, listens);
    support::Socket client = support::Socket::connect(port);
    const auto status_of = [&](const std::string& path) {
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        return support::status_of(client.receive_answer());
    };
    BOOST_TEST(status_of("/new") == 404);
    folder.write("k.yaml", old + "      GET /new: public\n");
    gateway.signal(SIGHUP);
    BOOST_TEST(gateway.wait_for("k.yaml: reloaded, changed; 0 keys"));
    BOOST_TEST(status_of("/new") == 200);

    folder.write("k.yaml", old + "      GET /newer: publik{\ncolour: red\n");
    gateway.signal(SIGHUP);
    BOOST_TEST(gateway.wait_for("k.yaml: not reloaded; everything stays as it was"));
    BOOST_TEST(contains(gateway.err(), "k.yaml:11:"), gateway.err());
    BOOST_TEST(status_of("/new") == 200);
    BOOST_TEST(status_of("/newer") == 404);
    said = reload();
    BOOST_TEST(said.status == 2);
    BOOST_TEST(contains(said.err, "k.yaml:11:"), said.err);

    folder.write("k.yaml", "drain: {timeout: 2s}\n" + old);
    said = reload();
    BOOST_TEST(said.status == 0);
    BOOST_TEST(said.out == "reloaded\n");
    BOOST_TEST(status_of("/new") == 404);
    said = reload({"--json"});
    BOOST_TEST(said.status == 0);
    BOOST_TEST(contains(said.out, "\"changed\":false"), said.out);

    folder.write("k.yaml", "log: {access: \"off\"}\n" + old);
    said = reload();
    BOOST_TEST(said.status == 1);
    BOOST_TEST(contains(said.err, "log.access: is `stdout`, would be `off`; this takes a restart"),
               said.err);
    BOOST_TEST(contains(said.err, "nothing has changed"), said.err);
    BOOST_TEST(status_of("/open") == 200);
    gateway.signal(SIGTERM);
    BOOST_TEST(gateway.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_second_signal_ends_the_drain) {
    std::promise<void> came;
    support::OriginServer origin;
    origin.set_raw([&](support::Socket& socket) {
        (void)socket.receive();
        came.set_value();
        (void)socket.receive_all(); // for ever
    });
    const support::TempFolder folder;
    const std::string file = folder.write(
        "k.yaml", "drain: {timeout: 1h}\nlog: {access: \"off\"}\n" + configuration(origin.port()));
    support::ChildProcess gateway{{binary, "run", "-c", file}};
    const std::uint16_t port = port_after(gateway, listens);
    support::Socket client = support::Socket::connect(port);
    client.send("GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
    came.get_future().wait();
    gateway.signal(SIGTERM);
    BOOST_TEST(gateway.wait_for("draining"));
    gateway.signal(SIGTERM);
    BOOST_TEST(gateway.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_store_belongs_to_one_process) {
    support::OriginServer origin;
    const support::TempFolder folder;
    const std::string file = folder.write("k.yaml", configuration(origin.port()));
    support::ChildProcess gateway{{binary, "run", "-c", file}};
    (void)port_after(gateway, listens);
    const Ended second = run({"run", "-c", file});
    BOOST_TEST(second.status == 3);
    BOOST_TEST(contains(second.err, "k.db"), second.err);
    gateway.signal(SIGTERM);
    BOOST_TEST(gateway.wait() == 0);
    // And is free again behind it.
    support::ChildProcess third{{binary, "run", "-c", file}};
    (void)port_after(third, listens);
    third.signal(SIGTERM);
    BOOST_TEST(third.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_grow_ends_nobody) {
    const support::TempFolder folder;
    const std::string file = folder.write("k.yaml", configuration(1));
    // The signal that a write beyond the limit raises ends a process, unless it is ignored; a shell
    // hands its limit on, and no signal that it ignores.
    support::ChildProcess gateway{
        {"/bin/sh", "-c", "ulimit -f 200; exec \"$0\" run -c \"$1\"", binary, file}};
    (void)port_after(gateway, listens);
    BOOST_TEST(run({"owners", "set", "-c", file, "--id", "acme"}).status == 0);
    Ended made{};
    for (int i = 0; i < 100 && made.status == 0; ++i)
        made = run({"keys", "create", "-c", file, "--owner", "acme"});
    BOOST_TEST(made.status > 0, made.err); // refused, and not ended by a signal either
    BOOST_TEST(contains(made.err, "SQLite"), made.err);
    BOOST_TEST(run({"keys", "list", "-c", file}).status == 0);
    gateway.signal(SIGTERM);
    BOOST_TEST(gateway.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_start_that_fails_says_why) {
    const support::TempFolder folder;
    support::OriginServer origin;
    Ended said = run({"run", "-c", folder.file("none.yaml")});
    BOOST_TEST(said.status == 2);
    BOOST_TEST(contains(said.err, "none.yaml"), said.err);

    std::string taken = configuration(origin.port());
    const std::string any = "127.0.0.1:0";
    taken.replace(taken.find(any), any.size(), "127.0.0.1:" + std::to_string(origin.port()));
    said = run({"run", "-c", folder.write("taken.yaml", taken)});
    BOOST_TEST(said.status == 3);
    BOOST_TEST(contains(said.err, "port " + std::to_string(origin.port())), said.err);

    folder.write("broken.db",
                 "this is no database, whatever it is called; it is long enough to be one\n");
    said = run({"run", "-c", folder.write("broken.yaml", configuration(origin.port()))});
    BOOST_TEST(said.status == 3);
    BOOST_TEST(contains(said.err, "broken.db"), said.err);
}

bool has_curl() {
    return std::system("curl --version >/dev/null 2>&1") == 0;
} // NOLINT(concurrency-mt-unsafe,cert-env33-c)

BOOST_AUTO_TEST_CASE(curl_is_served,
                     *boost::unit_test::precondition([](boost::unit_test::test_unit_id) {
                         boost::test_tools::assertion_result there{has_curl()};
                         there.message() << "curl is not installed";
                         return there;
                     })) {
    support::OriginServer origin{[](const std::string& request) {
        const std::string body = support::body_of(request);
        return support::OriginServer::plain_answer(body.empty() ? "hello"
                                                                : std::to_string(body.size()));
    }};
    const support::TempFolder folder;
    const std::string file =
        folder.write("k.yaml", configuration(origin.port()) + "      POST /open: public\n");
    {
        auto store = keys::open_sqlite_store(folder.file("k.db"));
        keygate::test::insert(**store, {support::record_of(key, "key_1", "shop", "acme")}).value();
    }
    support::ChildProcess gateway{{binary, "run", "-c", file}};
    const std::string url = "http://127.0.0.1:" + std::to_string(port_after(gateway, listens));
    const auto curl = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"curl", "-sS", "--noproxy", "*", "--max-time", "20",
                                             "-w", "|%{http_code}"});
        support::ChildProcess child{arguments};
        BOOST_TEST(child.wait() == 0, child.err());
        return child.out();
    };
    BOOST_TEST(curl({url + "/open"}) == "hello|200");
    BOOST_TEST(curl({"-I", url + "/open"}).ends_with("|200"));
    BOOST_TEST(curl({"-H", "Authorization: Bearer " + key, url + "/any/1"}) == "hello|200");
    BOOST_TEST(contains(curl({url + "/any/1"}), "\"reason\":\"auth_missing\""));
    BOOST_TEST(curl({url + "/any/1"}).ends_with("|401"));
    BOOST_TEST(curl({"--http1.0", url + "/open"}) == "hello|200");
    // With a body of its size and, when it is large, with `Expect: 100-continue`.
    BOOST_TEST(curl({"-d", "abc", url + "/open"}) == "3|200");
    const std::string large = folder.write("large", std::string(2'000'000, 'x'));
    BOOST_TEST(curl({"--data-binary", "@" + large, url + "/open"}) == "2000000|200");
    BOOST_TEST(
        curl({"-H", "Transfer-Encoding: chunked", "-d", "abc", url + "/open"}).ends_with("|200"));
    // Two requests on one connection.
    BOOST_TEST(curl({url + "/open", url + "/open"}) == "hello|200hello|200");
    gateway.signal(SIGTERM);
    BOOST_TEST(gateway.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
