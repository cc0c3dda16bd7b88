// Answers of an upstream as bytes, and what exactly the client sees of them. An upstream that is
// not understood is never believed: 502 while the client has no answer yet, afterwards one whose
// end is visibly missing, and its connection is never used again.
#pragma once

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>

#include "wire/exchanges.hpp"

namespace keygate::wire {

/// What the upstream does behind its bytes.
enum class Then : std::uint8_t { waits, closes, resets };

/// What the client sees.
enum class Fate : std::uint8_t {
    whole,        // exactly `seen`, and the connection goes on
    whole_closed, // exactly `seen`, then the end
    refused,      // `seen` (interim answers), then 502, and the connection goes on
    cut           // a begin of `seen`, its whole head at least, and no end
};

inline const std::string get_x = "GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n";
inline const std::string get_and_close =
    "GET /open/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
inline const std::string head_x = "HEAD /open/x HTTP/1.1\r\nHost: a\r\n\r\n";
inline const std::string old_get = "GET /open/x HTTP/1.0\r\nHost: a\r\n\r\n";
inline const std::string old_get_open =
    "GET /open/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
inline const std::string old_head_open =
    "HEAD /open/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";

struct AnswerRow {
    std::string name;
    std::string source; // one of `sections`
    std::string bytes;
    Fate fate = Fate::refused;
    std::string seen = {};
    bool is_kept = false; // the upstream's connection serves the next request
    Then then = Then::waits;
    std::string request = get_x;
    bool is_long = false; // not byte by byte

    [[nodiscard]] std::string identity() const {
        const char* const end = then == Then::waits    ? ""
                                : then == Then::closes ? "(end)"
                                                       : "(reset)";
        return request + "(answered) " + bytes + end;
    }
};

[[nodiscard]] inline std::string ok(const std::string& fields, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

[[nodiscard]] inline std::string answered_in_chunks(const std::string& body) {
    return answered("", "Transfer-Encoding: chunked\r\n", body);
}

/// An upstream that answers every request with the bytes of the row, and knows its connections.
class BetweenAnswers {
  public:
    BetweenAnswers() {
        origin.set_raw([this](support::Socket& upstream) { serve(upstream); });
        gateway = std::make_unique<support::RunningGateway>(
            start_before(origin, "      ANY /open/**: public\n"));
        check_innocent(); // a pool with a connection in it is what the first row finds, too
    }

    ~BetweenAnswers() { gateway.reset(); }

    BetweenAnswers(const BetweenAnswers&) = delete;
    BetweenAnswers& operator=(const BetweenAnswers&) = delete;

    void check_all(const std::vector<AnswerRow>& rows) {
        play(rows,
             [this](const AnswerRow& row, support::Socket::Pieces pieces) { check(row, pieces); });
    }

  private:
    struct Script {
        std::string bytes;
        Then then = Then::waits;
        support::Socket::Pieces pieces = support::Socket::Pieces::whole;
        /// A reset may overtake bytes: it waits until the client has seen the answer's begin.
        std::shared_ptr<std::promise<void>> is_begun = std::make_shared<std::promise<void>>();
    };

    struct Request {
        std::size_t connection = 0;
        std::string bytes;
    };

    void serve(support::Socket& upstream) {
        std::size_t number = 0;
        {
            const std::lock_guard lock{mutex};
            number = has_ended.size();
            has_ended.push_back(false);
        }
        while (answer_one(upstream, number)) {
        }
        // Who closed first does not matter here: the connection is over for both.
        {
            const std::lock_guard lock{mutex};
            has_ended[number] = true;
        }
        changed.notify_all();
    }

    bool answer_one(support::Socket& upstream, std::size_t number) {
        // None of these requests has a body, so what the gateway sends at once is one head.
        const std::string request = read_head(upstream);
        if (request.empty()) return false;
        Script now;
        {
            const std::lock_guard lock{mutex};
            requests.push_back({.connection = number, .bytes = plain(request)});
            now = script;
        }
        upstream.send(now.bytes, now.pieces);
        {
            const std::lock_guard lock{mutex};
            ++finished;
        }
        changed.notify_all();
        if (now.then == Then::resets) {
            if (!now.bytes.empty()) now.is_begun->get_future().wait_for(support::Socket::patience);
            upstream.reset();
        }
        return now.then == Then::waits;
    }

    void play_next(Script next) {
        const std::lock_guard lock{mutex};
        script = std::move(next);
    }

    /// All requests that came since the last call, once all that belongs to their answers was sent.
    std::vector<Request> take_requests() {
        std::unique_lock lock{mutex};
        if (!changed.wait_for(lock, support::Socket::patience,
                              [this] { return finished == requests.size(); }))
            throw std::runtime_error("the upstream could not send its answer in time");
        finished = 0;
        return std::exchange(requests, {});
    }

    bool wait_for_end(std::size_t connection) {
        std::unique_lock lock{mutex};
        return changed.wait_for(lock, support::Socket::patience,
                                [&] { return static_cast<bool>(has_ended[connection]); });
    }

    /// @returns which connection of the upstream it went through.
    std::size_t check_innocent(support::Socket& client) {
        play_next({.bytes = ok("Content-Length: 8\r\n", "innocent")});
        client.send(innocent);
        check_answer(client, answered_by_length("innocent"));
        const auto came = take_requests();
        BOOST_TEST_REQUIRE(came.size() == 1U);
        BOOST_TEST(came.front().bytes == seen_innocent);
        return came.front().connection;
    }

    std::size_t check_innocent() {
        support::Socket client = gateway->connect();
        return check_innocent(client);
    }

    static void check_client(const AnswerRow& row, support::Socket& client) {
        const bool is_head = row.request.starts_with("HEAD ");
        std::string expected = row.seen;
        if (row.fate == Fate::refused) {
            const std::string refusal = wire::refused("upstream_invalid", After::open);
            expected += is_head ? only_head(refusal) : refusal;
        }
        // Interim answers, each as it is, and the one that they announce.
        std::string all;
        for (int status = 100; status / 100 == 1;) {
            const std::string answer = client.receive_answer(is_head);
            status = support::status_of(answer);
            all += normal(answer, !is_head);
        }
        BOOST_TEST(all == expected);
    }

    static void check_cut(const AnswerRow& row, support::Socket& client,
                          std::promise<void>& is_begun) {
        std::string all = client.receive().value_or("");
        is_begun.set_value();
        bool is_reset = false;
        for (;;) {
            const auto piece = client.receive();
            is_reset = !piece;
            if (!piece || piece->empty()) break;
            all += *piece;
        }
        const std::string got = normal(all, false);
        const std::string_view body =
            std::string_view{got}.substr(std::min(got.size(), got.find("\r\n\r\n") + 4));
        BOOST_TEST(got.starts_with(only_head(row.seen)));
        if (support::field_of(got, "Transfer-Encoding")) {
            const Chunks chunks = read_chunks(body);
            BOOST_TEST((chunks.end == Chunks::End::cut));
            BOOST_TEST(support::body_of(row.seen).starts_with(chunks.data));
        } else {
            BOOST_TEST(row.seen.starts_with(got));
            if (const auto length = support::field_of(got, "Content-Length"))
                BOOST_TEST(body.size() < std::stoul(*length));
            else
                BOOST_TEST(is_reset);
        }
    }

    void check(const AnswerRow& row, support::Socket::Pieces pieces) {
        const Script now{.bytes = row.bytes, .then = row.then, .pieces = pieces};
        play_next(now);
        support::Socket client = gateway->connect();
        client.send(row.request);
        if (row.fate == Fate::cut)
            check_cut(row, client, *now.is_begun);
        else
            check_client(row, client);
        const auto came = take_requests();
        // A server that closes an unused connection may do so at any moment: asked once more.
        const bool is_silent = row.bytes.empty();
        BOOST_TEST_REQUIRE(came.size() == (is_silent ? 2U : 1U));
        for (const Request& request : came)
            BOOST_TEST(request.bytes == seen_request(row.request));
        const std::size_t number = came.back().connection;
        std::size_t next = number;
        if (row.fate == Fate::whole || row.fate == Fate::refused) {
            next = check_innocent(client);
            client.end_writing();
            BOOST_TEST(client.receive_all() == "");
            BOOST_TEST(check_innocent() == next);
        } else {
            BOOST_TEST(client.receive_all() == "");
            next = check_innocent();
        }
        BOOST_TEST((next == number) == row.is_kept);
        if (!row.is_kept) BOOST_TEST(wait_for_end(number));
    }

    static std::string seen_request(const std::string& request) {
        const bool is_old = request.find(" HTTP/1.0\r\n") != std::string::npos;
        return seen(request.substr(0, request.find(" HTTP/")), "", "",
                    is_old ? ours_1_0 : ours_1_1);
    }

    std::mutex mutex;
    std::condition_variable changed;
    Script script;
    std::size_t finished = 0; // requests whose answer was sent
    std::vector<Request> requests;
    std::vector<bool> has_ended; // connections, in their order
    support::OriginServer origin;
    std::unique_ptr<support::RunningGateway> gateway;
};

} // namespace keygate::wire
