// What a connection holds when nothing is asked of it: whatever came over it before, next to
// nothing.
#include <boost/test/unit_test.hpp>
#include <malloc.h>

#include <functional>

#include "wire/between.hpp"

using namespace keygate;
using support::Socket;
using wire::repeated;

namespace {

// The sanitizers have allocators of their own, of which the C library knows nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_memory = false;
#else
constexpr bool counts_memory = true;
#endif

constexpr std::size_t connections = 40;
/// What the connection itself is made of is a tenth of it; the rest is slack of the allocator.
constexpr std::size_t most_per_connection = 16 * 1024;

std::string get(const std::string& path, const std::string& fields = {}) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

/// Bytes that the process has taken and not given back, in all its threads.
std::size_t bytes_in_use() {
    const auto all = ::mallinfo2();
    return all.uordblks + all.hblkhd;
}

void read_answers(Socket& client, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        BOOST_TEST_REQUIRE(support::status_of(client.receive_answer()) != 0);
}

struct Row {
    std::string name;
    std::function<void(Socket&)> talk; // until nothing is asked any more
};

const std::vector<Row> rows{
    {"a plain request",
     [](Socket& client) {
         client.send(get("/open/x"));
         read_answers(client, 1);
     }},
    {"a long head in many pieces",
     [](Socket& client) {
         const std::string request = get("/open/x", "X: " + repeated("y", 30'000) + "\r\n");
         client.send(request.substr(0, 20'000));
         client.send(request.substr(20'000));
         read_answers(client, 1);
     }},
    {"much that was asked at once",
     [](Socket& client) {
         client.send(repeated(get("/open/x", "X: " + repeated("y", 2'000) + "\r\n"), 50));
         read_answers(client, 50);
     }},
    {"long words for the log",
     [](Socket& client) {
         client.send(repeated("A", 30'000) + " /open/x HTTP/1.1\r\nHost: a\r\n\r\n");
         read_answers(client, 1);
         client.send("GET /none HTTP/1.1\r\nHost: " + repeated("a", 30'000) + "\r\n\r\n");
         read_answers(client, 1);
         client.send(get("/" + repeated("n", 8'000)));
         read_answers(client, 1);
     }},
    {"trailers both ways",
     [](Socket& client) {
         client.send("POST /open/trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "0\r\nX-Sum: " +
                     repeated("s", 16'000) + "\r\n\r\n");
         read_answers(client, 1);
     }},
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << row.name;
}

/// An upstream that keeps nothing of what it is sent.
void answer(Socket& upstream) {
    for (;;) {
        std::string request;
        const auto is_whole = [&] {
            // With a body: a last chunk and its trailers.
            return request.ends_with("\r\n\r\n") &&
                   (!request.starts_with("POST ") || request.find("\r\n0\r\n") != request.npos);
        };
        while (!is_whole()) {
            const auto piece = upstream.receive();
            if (!piece || piece->empty()) return;
            request += *piece;
        }
        const bool has_trailers = request.starts_with("POST ");
        std::string{}.swap(request); // before anybody is told that all is over
        // The test's client takes an answer in chunks to end at `0`, CR LF, CR LF.
        upstream.send(has_trailers
                          ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: " +
                                repeated("t", 16'000) + "0\r\n\r\n"
                          : support::OriginServer::plain_answer("ok"));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_memory)

BOOST_AUTO_TEST_CASE(an_idle_connection_keeps_no_buffer,
                     *boost::unit_test::enable_if<counts_memory>()) {
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row) {
            support::OriginServer origin;
            origin.set_raw(answer);
            auto start = wire::start_before(origin, "      ANY /open/**: public\n");
            start.configuration += "    trailers: [X-Sum]\n";
            support::RunningGateway gateway{std::move(start)};
            std::vector<Socket> clients;
            for (std::size_t i = 0; i < connections; ++i)
                clients.push_back(gateway.connect());
            // What the first of all takes is not for each: pools, tables, the log.
            row.talk(clients[0]);
            const std::size_t before = bytes_in_use();
            for (std::size_t i = 1; i < connections; ++i)
                row.talk(clients[i]);
            const std::size_t after = bytes_in_use();
            BOOST_TEST((after < before ? 0 : after - before) / (connections - 1) <=
                       most_per_connection);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
