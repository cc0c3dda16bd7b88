// Answers of an upstream as bytes, and what exactly the client sees of them. One row is sent whole
// and again one byte at a time. An upstream that is not understood is never believed: 502 while the
// client has nothing yet, afterwards an answer whose end is visibly missing, and its connection is
// never used again.
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "wire/between.hpp"

using namespace keygate;
using namespace std::string_literals;
using support::Socket;
using wire::repeated;

namespace {

const std::string routes = "      ANY /open/**: public\n";
const std::string get = "GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string head = "HEAD /open/x HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string old_get = "GET /open/x HTTP/1.0\r\nHost: a\r\n\r\n";
const std::string old_get_open =
    "GET /open/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";

/// What the upstream does behind its bytes.
enum class Then : std::uint8_t { waits, closes, resets };

/// What the client sees.
enum class Fate : std::uint8_t {
    whole,        // exactly `seen`, and the connection goes on
    whole_closed, // exactly `seen`, then the end
    refused,      // 502 upstream_invalid, and the connection goes on
    cut           // a begin that cannot be taken for the whole
};

struct Row {
    std::string name;
    std::string source; // RFC 9112 where nothing else is said
    std::string bytes;
    Fate fate = Fate::refused;
    std::string seen = {};
    bool is_kept = false; // the upstream's connection serves the next request
    Then then = Then::waits;
    std::string request = get;
    bool is_long = false; // not byte by byte
};

std::string ok(const std::string& fields, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

/// As the client sees it: the upstream's fields that remain, then what is ours.
std::string seen(const std::string& fields, const std::string& framing, const std::string& body,
                 const std::string& line = "HTTP/1.1 200 OK", const std::string& last = "") {
    return line + "\r\n" + fields + "Date: NOW\r\n" + framing + "X-Request-Id: ID\r\n" + last +
           "\r\n" + body;
}

std::string seen_of_length(const std::string& body) {
    return seen("", "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

std::string seen_chunked(const std::string& body) {
    return seen("", "Transfer-Encoding: chunked\r\n", body);
}

std::string normal(std::string answer) {
    answer = wire::plain(std::move(answer));
    // Not the dates that an upstream of these tests brings, which are in 1999.
    const auto date = support::field_of(answer, "Date");
    if (date && date->find(" 1999 ") == std::string::npos)
        answer.replace(answer.find(*date), date->size(), "NOW");
    return answer;
}

/// An upstream that answers every request with the bytes of the row, and knows its connections.
struct Between {
    struct Script {
        std::string bytes;
        Then then = Then::waits;
        Socket::Pieces pieces = Socket::Pieces::whole;
        /// A reset may overtake bytes: it waits until the client has seen the answer's begin.
        std::shared_ptr<std::promise<void>> is_begun = std::make_shared<std::promise<void>>();
    };

    Between() {
        origin.set_raw([this](Socket& upstream) { serve(upstream); });
    }

    void serve(Socket& upstream) {
        std::string bytes;
        std::size_t number = 0;
        {
            const std::lock_guard lock{mutex};
            number = connections++;
        }
        for (;;) {
            std::size_t end = 0;
            while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
                const auto piece = upstream.receive();
                if (!piece || piece->empty()) {
                    const std::lock_guard lock{mutex};
                    ended.push_back(number);
                    return;
                }
                bytes += *piece;
            }
            bytes.erase(0, end + 4);
            Script now;
            {
                const std::lock_guard lock{mutex};
                used.push_back(number);
                now = script;
            }
            upstream.send(now.bytes, now.pieces);
            {
                const std::lock_guard lock{mutex};
                ++finished;
            }
            one_finished.notify_all();
            if (now.then == Then::resets) {
                if (!now.bytes.empty()) now.is_begun->get_future().wait_for(Socket::patience);
                upstream.reset();
            }
            if (now.then != Then::waits) return;
        }
    }

    void play(Script next) {
        const std::lock_guard lock{mutex};
        script = std::move(next);
    }

    /// The connection of the last request, once all that belongs to its answer was sent.
    std::size_t last_used() {
        std::unique_lock lock{mutex};
        one_finished.wait(lock, [this] { return finished == used.size(); });
        return used.empty() ? 0 : used.back();
    }

    void check_innocent() {
        play({.bytes = ok("Content-Length: 8\r\n", "innocent")});
        BOOST_TEST(gateway->exchange("GET /open/innocent HTTP/1.1\r\nHost: a\r\n\r\n")
                       .ends_with("\r\n\r\ninnocent"));
    }

    static void check_refused(Socket& client) {
        const std::string answer = client.receive_answer();
        BOOST_TEST(support::status_of(answer) == 502);
        BOOST_TEST(support::reason_of(answer) == "upstream_invalid");
        BOOST_TEST(support::field_of(answer, "Connection").value_or("") == "");
        client.end_writing();
        BOOST_TEST(client.receive_all() == "");
    }

    static void check_cut(Socket& client, std::promise<void>& is_begun) {
        std::string all = client.receive().value_or("");
        is_begun.set_value();
        bool is_reset = false;
        for (;;) {
            const auto piece = client.receive();
            is_reset = !piece;
            if (!piece || piece->empty()) break;
            all += *piece;
        }
        if (support::field_of(all, "Transfer-Encoding")) {
            BOOST_TEST(wire::without_chunks(support::body_of(all)) == "(broken)");
        } else if (const auto length = support::field_of(all, "Content-Length")) {
            BOOST_TEST(support::body_of(all).size() < std::stoul(*length));
        } else {
            BOOST_TEST(is_reset);
        }
    }

    void check(const Row& row, Socket::Pieces pieces) {
        const Script now{.bytes = row.bytes, .then = row.then, .pieces = pieces};
        play(now);
        Socket client = gateway->connect();
        client.send(row.request);
        if (row.fate == Fate::whole) {
            std::string answer = client.receive_answer(row.request == head);
            while (support::status_of(answer) < 200 && support::status_of(answer) > 0 &&
                   answer.size() < row.seen.size())
                answer += client.receive_answer();
            const std::size_t last = answer.rfind("HTTP/1.1 ");
            BOOST_TEST(answer.substr(0, last) + normal(answer.substr(last)) == row.seen);
            client.end_writing();
            BOOST_TEST(client.receive_all() == "");
        } else if (row.fate == Fate::whole_closed) {
            BOOST_TEST(normal(client.receive_all()) == row.seen);
        } else if (row.fate == Fate::refused) {
            check_refused(client);
        } else {
            check_cut(client, *now.is_begun);
        }
        client.close();
        const std::size_t number = last_used();
        check_innocent();
        BOOST_TEST((last_used() == number) == row.is_kept);
    }

    void check_all(const std::vector<Row>& rows) {
        for (const Row& row : rows)
            for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise}) {
                if (row.is_long && pieces == Socket::Pieces::bytewise) continue;
                BOOST_TEST_CONTEXT(row.name
                                   << " (" << row.source << ") "
                                   << (pieces == Socket::Pieces::whole ? "whole: " : "bytewise: ")
                                   << wire::in_a_line(row.bytes)) {
                    // Caught here, where the row is still known.
                    try {
                        check(row, pieces);
                    } catch (const std::exception& error) {
                        BOOST_ERROR(error.what());
                    }
                }
            }
    }

    std::mutex mutex;
    Script script;
    std::condition_variable one_finished;
    std::size_t finished = 0; // requests whose answer was sent
    std::size_t connections = 0;
    std::vector<std::size_t> used;  // connections, in the order of the requests
    std::vector<std::size_t> ended; // connections that the gateway ended
    support::OriginServer origin;
    std::unique_ptr<support::RunningGateway> gateway =
        std::make_unique<support::RunningGateway>(wire::start_before(origin, routes));

    ~Between() { gateway.reset(); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_answers, Between)

BOOST_AUTO_TEST_CASE(an_answer_arrives_as_it_was_meant) {
    const std::string chunks = "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    const std::string coded = "Transfer-Encoding: chunked\r\n";
    check_all({
        {"by length", "6.2", ok("Content-Length: 5\r\n", "hello"), Fate::whole,
         seen_of_length("hello"), true},
        {"empty", "6.2", ok("Content-Length: 0\r\n", ""), Fate::whole, seen_of_length(""), true},
        {"chunked", "7.1", ok(coded, chunks), Fate::whole, seen_chunked("hello"), true},
        {"chunked and empty", "7.1", ok(coded, "0\r\n\r\n"), Fate::whole, seen_chunked(""), true},
        {"chunked in other letters", "7.1", ok("transfer-encoding: Chunked\r\n", chunks),
         Fate::whole, seen_chunked("hello"), true},
        {"extensions are dropped", "7.1.1", ok(coded, "5;a=\"b\";c\r\nhello\r\n0;d\r\n\r\n"),
         Fate::whole, seen_chunked("hello"), true},
        {"trailers are dropped", "7.1.2",
         ok("Trailer: X\r\n" + coded, "5\r\nhello\r\n0\r\nX: y\r\n\r\n"), Fate::whole,
         seen_chunked("hello"), true},
        {"to the end of the connection", "6.3", ok("", "hello"), Fate::whole, seen_chunked("hello"),
         false, Then::closes},
        {"to the end of the connection and empty", "6.3", ok("", ""), Fate::whole, seen_chunked(""),
         false, Then::closes},
        {"HTTP/1.0 to the end of the connection", "6.3", "HTTP/1.0 200 OK\r\n\r\nhello",
         Fate::whole, seen_chunked("hello"), false, Then::closes},
        {"HTTP/1.0 by length", "9.3", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
         Fate::whole, seen_of_length("hello")},
        {"HTTP/1.0 that stays open", "9.3",
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", Fate::whole,
         seen_of_length("hello"), true},
        {"told to close", "9.6", ok("Connection: close\r\nContent-Length: 5\r\n", "hello"),
         Fate::whole, seen_of_length("hello")},
        {"closed without a word", "9.3", ok("Content-Length: 5\r\n", "hello"), Fate::whole,
         seen_of_length("hello"), false, Then::closes},
        {"a date of its own", "9110 6.6.1",
         ok("Date: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n", ""), Fate::whole,
         "HTTP/1.1 200 OK\r\nDate: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n"
         "X-Request-Id: ID\r\n\r\n",
         true},
        {"hop-by-hop fields stay here", "9110 7.6.1",
         ok("Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
            "Proxy-Connection: x\r\nProxy-Authenticate: Basic\r\nX-Request-Id: theirs\r\nX: y\r\n"
            "Content-Length: 0\r\n",
            ""),
         Fate::whole, seen("X: y\r\n", "Content-Length: 0\r\n", ""), true},
        {"fields as they were", "9110 5.5",
         ok("Set-Cookie: a=b\r\nset-cookie: c=\xff\t\"d\"\r\nX:\r\nContent-Length: 0\r\n", ""),
         Fate::whole,
         seen("Set-Cookie: a=b\r\nset-cookie: c=\xff\t\"d\"\r\nX: \r\n", "Content-Length: 0\r\n",
              ""),
         true},
        {"a phrase of its own", "4",
         "HTTP/1.1 418 I'm a t\xc3\xa9"
         "apot\r\nContent-Length: 0\r\n\r\n",
         Fate::whole,
         seen("", "Content-Length: 0\r\n", "",
              "HTTP/1.1 418 I'm a t\xc3\xa9"
              "apot"),
         true},
        {"no phrase", "4", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Fate::whole,
         seen("", "Content-Length: 0\r\n", "", "HTTP/1.1 200 "), true},
        {"a status without a name", "9110 15", "HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n",
         Fate::whole, seen("", "Content-Length: 0\r\n", "", "HTTP/1.1 599 X"), true},
        {"204", "6.3", "HTTP/1.1 204 No Content\r\n\r\n", Fate::whole,
         seen("", "", "", "HTTP/1.1 204 No Content"), true},
        {"204 with length 0", "9110 8.6", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
         Fate::whole, seen("", "", "", "HTTP/1.1 204 No Content"), true},
        {"304", "6.3", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", Fate::whole,
         seen("ETag: \"x\"\r\n", "", "", "HTTP/1.1 304 Not Modified"), true},
        {"304 with a length", "6.3", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
         Fate::whole, seen("", "Content-Length: 5\r\n", "", "HTTP/1.1 304 Not Modified"), true},
        {"HEAD with a length", "6.3", ok("Content-Length: 5\r\n", ""), Fate::whole,
         seen("", "Content-Length: 5\r\n", ""), true, Then::waits, head},
        {"HEAD with a coding", "6.3", ok(coded, ""), Fate::whole, seen("", "", ""), true,
         Then::waits, head},
        {"HEAD without either", "6.3", ok("", ""), Fate::whole, seen("", "", ""), true, Then::waits,
         head},
        {"100 before the answer", "9110 15.2.1",
         "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 2\r\n", "hi"), Fate::whole,
         "HTTP/1.1 100 Continue\r\n\r\n" + seen_of_length("hi"), true},
        {"103 before the answer", "8297",
         "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok("Content-Length: 2\r\n", "hi"),
         Fate::whole, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + seen_of_length("hi"),
         true},
        {"several before the answer", "9110 15.2",
         "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" +
             ok("Content-Length: 2\r\n", "hi"),
         Fate::whole,
         "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + seen_of_length("hi"),
         true},
        {"103 before an answer to HTTP/1.0", "9110 15.2",
         "HTTP/1.1 103 Early Hints\r\n\r\n" + ok("Content-Length: 2\r\n", "hi"), Fate::whole_closed,
         seen("", "Content-Length: 2\r\n", "hi", "HTTP/1.1 200 OK", "Connection: close\r\n"), true,
         Then::waits, old_get},
        {"chunked for HTTP/1.0", "6.1", ok(coded, chunks), Fate::whole_closed,
         seen("", "", "hello", "HTTP/1.1 200 OK", "Connection: close\r\n"), true, Then::waits,
         old_get},
        {"chunked for HTTP/1.0 that would stay", "6.1", ok(coded, chunks), Fate::whole_closed,
         seen("", "", "hello", "HTTP/1.1 200 OK", "Connection: close\r\n"), true, Then::waits,
         old_get_open},
        {"to the end, for HTTP/1.0", "6.3", ok("", "hello"), Fate::whole_closed,
         seen("", "", "hello", "HTTP/1.1 200 OK", "Connection: close\r\n"), false, Then::closes,
         old_get},
        {"by length for HTTP/1.0 that stays", "9.3", ok("Content-Length: 2\r\n", "hi"), Fate::whole,
         seen("", "Content-Length: 2\r\n", "hi", "HTTP/1.1 200 OK", "Connection: keep-alive\r\n"),
         true, Then::waits, old_get_open},
        {"head of many bytes", "9110 5.4",
         ok("X: " + std::string(60000, 'x') + "\r\nContent-Length: 0\r\n", ""), Fate::whole,
         seen("X: " + std::string(60000, 'x') + "\r\n", "Content-Length: 0\r\n", ""), true,
         Then::waits, get, true},
    });
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_none_is_502) {
    const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
    const std::string coded = "Transfer-Encoding: chunked\r\n";
    check_all({
        {"length and coding", "6.3", ok("Content-Length: 5\r\n" + coded, chunks)},
        {"coding and length", "6.3", ok(coded + "Content-Length: 5\r\n", chunks)},
        {"two lengths", "6.3", ok("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")},
        {"two equal lengths", "6.3", ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
        {"lengths in a list", "6.3", ok("Content-Length: 5, 5\r\n", "hello")},
        {"length with plus", "6.3", ok("Content-Length: +5\r\n", "hello")},
        {"negative length", "6.3", ok("Content-Length: -1\r\n", "hello")},
        {"length of 2^64", "6.3", ok("Content-Length: 18446744073709551616\r\n", "hello")},
        {"empty length", "6.3", ok("Content-Length:\r\n", "hello")},
        {"gzip", "6.1", ok("Transfer-Encoding: gzip\r\n", "hello"), Fate::refused, "", false,
         Then::closes},
        {"gzip, chunked", "6.1", ok("Transfer-Encoding: gzip, chunked\r\n", chunks)},
        {"two codings", "6.1", ok(coded + coded, chunks)},
        {"coding in HTTP/1.0", "6.1", "HTTP/1.0 200 OK\r\n" + coded + "\r\n" + chunks},
        {"LF only", "2.2", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"},
        {"one LF", "2.2", "HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello"},
        {"folded line", "5.2", ok("X: y\r\n z\r\nContent-Length: 0\r\n", "")},
        {"white space before a colon", "5.1", ok("Content-Length : 0\r\n", "")},
        {"no colon", "5.1", ok("X\r\nContent-Length: 0\r\n", "")},
        {"NUL in a value", "9110 5.5", ok("X: \0\r\nContent-Length: 0\r\n"s, "")},
        {"CR in a value", "9110 5.5", ok("X: y\rSet-Cookie: z\r\nContent-Length: 0\r\n", "")},
        {"control byte in a value", "9110 5.5", ok("X: \x01\r\nContent-Length: 0\r\n", "")},
        {"101 fields", "9110 5.4", ok(repeated("X: y\r\n", 101), "")},
        {"garbage", "4", "garbage\r\n\r\n"},
        {"bytes of another protocol", "4", "\x15\x03\x01\x00\x02\x02\x0a"s, Fate::refused, "",
         false, Then::closes},
        {"body without a head", "4", "<html>hello</html>", Fate::refused, "", false, Then::closes},
        {"HTTP/2.0", "2.3", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"HTTP/1.2", "2.3", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"another name", "4", "ICY 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"status of two digits", "4", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
        {"status of four digits", "4", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
        {"status 099", "9110 15", "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n"},
        {"status 600", "9110 15", "HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n"},
        {"status 999", "9110 15", "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"},
        {"status of letters", "4", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"},
        {"a request", "4", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an empty line first", "2.2", "\r\n" + ok("Content-Length: 0\r\n", "")},
        {"101 that nobody asked for", "9110 15.2.2",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw"},
        {"204 with a coding", "6.1", "HTTP/1.1 204 No Content\r\n" + coded + "\r\n" + chunks},
        {"204 with a length", "9110 8.6",
         "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"},
        {"head of too many bytes", "9110 5.4", ok("X: " + std::string(70000, 'x') + "\r\n", ""),
         Fate::refused, "", false, Then::waits, get, true},
        {"head without an end", "9110 5.4", "HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x'),
         Fate::refused, "", false, Then::waits, get, true},
        {"nothing", "8", "", Fate::refused, "", false, Then::closes},
        {"nothing but a reset", "8", "", Fate::refused, "", false, Then::resets},
        {"end in the status line", "8", "HTTP/1.1 2", Fate::refused, "", false, Then::closes},
        {"end in a field", "8", "HTTP/1.1 200 OK\r\nX", Fate::refused, "", false, Then::closes},
        {"end before the empty line", "8", "HTTP/1.1 200 OK\r\nX: y\r\n", Fate::refused, "", false,
         Then::closes},
    });
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_never_looks_whole) {
    const auto chunked = [](const std::string& body) {
        return ok("Transfer-Encoding: chunked\r\n", body);
    };
    check_all({
        {"short of its length", "8", ok("Content-Length: 6\r\n", "hello"), Fate::cut, "", false,
         Then::closes},
        {"short of its length by all", "8", ok("Content-Length: 6\r\n", ""), Fate::cut, "", false,
         Then::closes},
        {"short of its length by a reset", "8", ok("Content-Length: 6\r\n", "hello"), Fate::cut, "",
         false, Then::resets},
        {"end in a chunk", "8", chunked("5\r\nhel"), Fate::cut, "", false, Then::closes},
        {"end between chunks", "8", chunked("5\r\nhello\r\n"), Fate::cut, "", false, Then::closes},
        {"end before the last line", "8", chunked("5\r\nhello\r\n0\r\n"), Fate::cut, "", false,
         Then::closes},
        {"end in the trailers", "8", chunked("5\r\nhello\r\n0\r\nX: y\r\n"), Fate::cut, "", false,
         Then::closes},
        {"bad chunk size", "7.1", chunked("5\r\nhello\r\nx\r\n"), Fate::cut},
        {"bad first chunk size", "7.1", chunked("x\r\n"), Fate::cut},
        {"bad end of a chunk", "7.1", chunked("5\r\nhelloX\r\n0\r\n\r\n"), Fate::cut},
        {"chunk ends with LF", "7.1", chunked("5\nhello\n0\n\n"), Fate::cut},
        {"bad extension", "7.1.1", chunked("5;\x01\r\nhello\r\n0\r\n\r\n"), Fate::cut},
        {"bad trailer", "7.1.2", chunked("5\r\nhello\r\n0\r\nX\r\n\r\n"), Fate::cut},
        {"reset where only the end ends it", "8", ok("", "hello"), Fate::cut, "", false,
         Then::resets},
        {"the same for HTTP/1.0", "8", ok("", "hello"), Fate::cut, "", false, Then::resets,
         old_get},
        {"end in a chunk, for HTTP/1.0", "8", chunked("5\r\nhel"), Fate::cut, "", false,
         Then::closes, old_get},
        {"bad chunk, for HTTP/1.0", "7.1", chunked("5\r\nhello\r\nx\r\n"), Fate::cut, "", false,
         Then::waits, old_get},
    });
}

BOOST_AUTO_TEST_CASE(bytes_behind_an_answer_are_nobodys) {
    const std::string poison = ok("Content-Length: 6\r\n", "poison");
    check_all({
        {"behind a length", "6.3", ok("Content-Length: 5\r\n", "hello") + poison, Fate::whole,
         seen_of_length("hello")},
        {"one byte behind a length", "6.3", ok("Content-Length: 5\r\n", "hello!"), Fate::whole,
         seen_of_length("hello")},
        {"behind a last chunk", "6.3", ok("Transfer-Encoding: chunked\r\n", "0\r\n\r\n") + poison,
         Fate::whole, seen_chunked("")},
        {"behind 204", "6.3", "HTTP/1.1 204 No Content\r\n\r\n" + poison, Fate::whole,
         seen("", "", "", "HTTP/1.1 204 No Content")},
        {"behind 304", "6.3", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
         Fate::whole, seen("", "Content-Length: 5\r\n", "", "HTTP/1.1 304 Not Modified")},
        {"a body behind HEAD", "6.3", ok("Content-Length: 5\r\n", "hello"), Fate::whole,
         seen("", "Content-Length: 5\r\n", ""), false, Then::waits, head},
    });
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

/// A gateway before an upstream that is told, step by step, what to do on its next connection.
struct Stepwise {
    using Raw = std::function<void(Socket&)>;

    explicit Stepwise(Raw raw) { origin.set_raw(std::move(raw)); }

    ~Stepwise() { gateway.reset(); }

    support::OriginServer origin;
    std::unique_ptr<support::RunningGateway> gateway =
        std::make_unique<support::RunningGateway>(wire::start_before(origin, routes));
};

std::string read_head(Socket& socket) {
    std::string bytes;
    while (bytes.find("\r\n\r\n") == std::string::npos) {
        const auto piece = socket.receive();
        if (!piece || piece->empty()) return {};
        bytes += *piece;
    }
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_answers_in_steps)

BOOST_AUTO_TEST_CASE(events_arrive_one_by_one) {
    std::array<std::promise<void>, 5> wanted;
    Stepwise between{[&](Socket& upstream) {
        (void)read_head(upstream);
        upstream.send(ok("Content-Type: text/event-stream\r\n", ""));
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            wanted[i].get_future().wait();
            upstream.send("data: " + std::to_string(i) + "\n\n");
        }
    }};
    Socket client = between.gateway->connect();
    client.send(get);
    std::string all;
    while (all.find("\r\n\r\n") == std::string::npos)
        all += client.receive().value_or("");
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
    BOOST_TEST(support::status_of(answer) == 401);
    BOOST_TEST(support::field_of(answer, "Connection").value_or("") == "close");
    BOOST_TEST(support::body_of(answer) == "no");
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
        std::thread writer{[&] {
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
        is_idle.get_future().wait();
        upstream.send(ok("Content-Length: 6\r\n", "poison"));
        (void)upstream.receive_all(); // until the gateway ends it
        is_ended.set_value();
    }};
    Socket client = between.gateway->connect();
    client.send(get);
    BOOST_TEST(support::body_of(client.receive_answer()) == "good");
    is_idle.set_value();
    is_ended.get_future().wait();
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
    const std::string answer = gateway.exchange(get);
    BOOST_TEST(support::status_of(answer) == 503);
    BOOST_TEST(support::reason_of(answer) == "upstream_unavailable");
}

BOOST_AUTO_TEST_CASE(an_upstream_that_says_nothing_is_504) {
    support::OriginServer origin;
    origin.set_raw([](Socket& upstream) { (void)upstream.receive_all(); });
    const support::RunningGateway gateway{
        wire::start_before(origin, routes, "", ", first_byte_timeout: 50ms, idle_timeout: 50ms")};
    const std::string answer = gateway.exchange(get);
    BOOST_TEST(support::status_of(answer) == 504);
    BOOST_TEST(support::reason_of(answer) == "upstream_timeout");
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
    BOOST_TEST(support::body_of(client.receive_all()) == "hel");
}

BOOST_AUTO_TEST_SUITE_END()
