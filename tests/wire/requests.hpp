// Requests as bytes, and what exactly the upstream and the client see of them.
#pragma once

#include "wire/exchanges.hpp"

namespace keygate::wire {

/// What a server that believes in it would take for a second request.
inline const std::string hidden = "GET /open/hidden HTTP/1.1\r\nHost: a\r\n\r\n";

struct RequestRow {
    std::string name;
    std::string source; // one of `sections`
    std::string bytes;
    std::vector<std::string> answers;       // what the client sees, in order, and nothing else
    std::vector<std::string> requests = {}; // what the upstream sees, in order, and nothing else
    After after = After::closes;
    /// Of a request that is broken off: the most that the upstream sees of it, its body without
    /// chunks. How much of that it is depends on how the bytes fall into pieces.
    std::string begin = {};
    bool is_long = false; // not byte by byte
    bool ends = false;    // the client ends its direction

    [[nodiscard]] std::string identity() const { return bytes + (ends ? "(end)" : ""); }
};

[[nodiscard]] inline std::string get(const std::string& fields,
                                     const std::string& target = "/open/x") {
    return "GET " + target + " HTTP/1.1\r\n" + host + fields + "\r\n";
}

[[nodiscard]] inline std::string post(const std::string& fields, const std::string& body) {
    return "POST /open/x HTTP/1.1\r\n" + host + fields + "\r\n" + body;
}

[[nodiscard]] inline std::string chunked(const std::string& body) {
    return post("Transfer-Encoding: chunked\r\n", body);
}

[[nodiscard]] inline std::string seen_get(const std::string& fields,
                                          const std::string& target = "/open/x") {
    return seen("GET " + target, fields);
}

[[nodiscard]] inline std::string seen_post(const std::string& fields, const std::string& body) {
    return seen("POST /open/x", fields, body);
}

[[nodiscard]] inline std::string seen_chunked(const std::string& data) {
    return seen_post("Transfer-Encoding: chunked\r\n", data);
}

/// What the upstream of these tests says to every request, as the client sees it.
[[nodiscard]] inline std::string answer_to(const std::string& bytes, After after) {
    const std::string answer = answered_by_length("seen", after);
    return bytes.starts_with("HEAD ") ? only_head(answer) : answer;
}

/// Answered, closed; the upstream sees not one byte of it.
[[nodiscard]] inline RequestRow refuses(std::string name, std::string source, std::string bytes,
                                        std::string_view reason = "head_invalid") {
    const std::string answer = refused(reason, After::closes);
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = bytes,
            .answers = {bytes.starts_with("HEAD ") ? only_head(answer) : answer}};
}

/// Answered, and the connection goes on; the upstream sees not one byte of it.
[[nodiscard]] inline RequestRow refuses_and_stays(std::string name, std::string source,
                                                  std::string bytes, std::string_view reason,
                                                  const std::string& field = {}) {
    const std::string answer = refused(reason, After::open, field);
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = bytes,
            .answers = {bytes.starts_with("HEAD ") ? only_head(answer) : answer},
            .after = After::open};
}

/// Answered, closed; the upstream may see its begin, but never a whole request.
[[nodiscard]] inline RequestRow breaks_off(std::string name, std::string source, std::string bytes,
                                           std::string begin,
                                           std::string_view reason = "body_invalid") {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = std::move(bytes),
            .answers = {refused(reason)},
            .begin = std::move(begin)};
}

/// The upstream sees exactly `expected`.
[[nodiscard]] inline RequestRow passes(std::string name, std::string source, std::string bytes,
                                       std::string expected, After after = After::open) {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = bytes,
            .answers = {answer_to(bytes, after)},
            .requests = {std::move(expected)},
            .after = after};
}

/// The same, and the gateway closes after the answer.
[[nodiscard]] inline RequestRow passes_and_closes(std::string name, std::string source,
                                                  std::string bytes, std::string expected) {
    return passes(std::move(name), std::move(source), std::move(bytes), std::move(expected),
                  After::closes);
}

/// A gateway and its upstream for one table of requests.
class BetweenRequests {
  public:
    BetweenRequests() {
        // A pool with a connection in it is what the first row finds, too.
        support::Socket client = gateway.connect();
        check_innocent(client);
    }

    void check_all(const std::vector<RequestRow>& rows) {
        play(rows,
             [this](const RequestRow& row, support::Socket::Pieces pieces) { check(row, pieces); });
    }

    support::OriginServer origin{[](const std::string& request) {
        const std::string answer = support::OriginServer::plain_answer("seen");
        return request.starts_with("HEAD ") ? only_head(answer) : answer;
    }};
    support::RunningGateway gateway{
        start_before(origin,
                     "      ANY /open/**: public\n"
                     "      ANY /things/**: things:read\n"
                     "      GET /pass: {access: public, authorization: pass}\n"
                     "      GET /: public\n",
                     "client: {max_head: 4KiB, max_target: 1KiB, max_body: 1MiB}\n")};

  protected:
    static void check_innocent(support::Socket& client) {
        client.send(innocent);
        check_answer(client, answered_by_length("seen"));
    }

  private:
    void check(const RequestRow& row, support::Socket::Pieces pieces) {
        origin.clear();
        auto expected = row.requests;
        support::Socket client = gateway.connect();
        client.send(row.bytes, pieces);
        if (row.ends) client.end_writing();
        std::set<std::string> ids;
        for (const std::string& expected_answer : row.answers) {
            const std::string answer = client.receive_answer(expected_answer.ends_with("\r\n\r\n"));
            BOOST_TEST(normal(answer) == expected_answer);
            ids.insert(support::field_of(answer, "X-Request-Id").value_or("none"));
        }
        for (const std::string& request : origin.requests())
            BOOST_TEST(ids.count(support::field_of(request, "X-Request-Id").value_or("")) == 1U);
        const std::size_t connections = origin.connections();
        if (row.after != After::closes && !row.ends) {
            check_innocent(client);
            expected.push_back(seen_innocent);
            client.end_writing();
        }
        // Nothing of the row was taken for a further request.
        BOOST_TEST(client.receive_all() == "");
        client.close();
        support::Socket fresh = gateway.connect();
        check_innocent(fresh);
        expected.push_back(seen_innocent);
        check_upstream(row, expected, connections);
    }

    void check_upstream(const RequestRow& row, const std::vector<std::string>& expected,
                        std::size_t connections) {
        std::vector<std::string> got = origin.requests();
        for (std::string& request : got)
            request = plain(std::move(request));
        BOOST_TEST(got == expected, boost::test_tools::per_element());
        const auto unfinished = origin.unfinished();
        for (std::size_t i = 0; i < unfinished.size(); ++i) {
            if (unfinished[i].empty()) continue;
            BOOST_TEST(row.begin.starts_with(begun(unfinished[i])));
            BOOST_TEST(origin.wait_for_end(i));
        }
        // Unless one was broken off, there was a connection in the pool for the innocent.
        if (row.begin.empty()) BOOST_TEST(origin.connections() == connections);
    }

    /// A request that is not whole, without its chunks.
    static std::string begun(const std::string& bytes) {
        const std::string head = normal(bytes, false);
        const std::size_t end = head.find("\r\n\r\n");
        if (end == std::string::npos || !support::field_of(head, "Transfer-Encoding")) return head;
        const Chunks chunks = read_chunks(std::string_view{head}.substr(end + 4));
        if (chunks.end != Chunks::End::cut) return "(not cut)";
        return head.substr(0, end + 4) + chunks.data;
    }
};

} // namespace keygate::wire
