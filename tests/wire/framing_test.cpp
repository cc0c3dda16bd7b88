// Requests as bytes: which are refused, and what exactly of the others the upstream gets. One row
// is sent whole and again one byte at a time, and after each row an innocent request must be
// answered right.
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <ostream>
#include <sstream>
#include <thread>

#include "wire/between.hpp"

using namespace keygate;
using namespace std::string_literals;
using support::Socket;
using wire::identity;
using wire::repeated;

namespace {

const std::string routes = "      ANY /open/**: public\n"
                           "      ANY /things/**: things:read\n"
                           "      GET /pass: {access: public, authorization: pass}\n"
                           "      GET /: public\n";
const std::string limits = "client: {max_head: 4KiB, max_target: 1KiB, max_body: 1MiB}\n";

/// What happens to a request.
enum class Fate : std::uint8_t {
    refused,      // answered, closed; the upstream sees not one byte of it
    refused_open, // answered, and the connection goes on
    broken_off,   // answered, closed; the upstream may have seen its begin, but no whole request
    passed,       // the upstream sees exactly `seen`
    passed_closed // the same, and the gateway closes after the answer
};

struct Row {
    std::string name;
    std::string source; // RFC 9112 where nothing else is said
    std::string bytes;
    Fate fate = Fate::refused;
    int status = 400;
    std::string reason = "head_invalid";
    std::string seen = {};
    bool is_long = false;  // not byte by byte
    bool ends = false;     // the client ends its direction
    int second_status = 0; // of another answer on the same connection
};

const std::string host = "Host: a\r\n";
const std::string ours_without_host = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n";
const std::string ours_1_1 =
    ours_without_host + "X-Forwarded-Host: a\r\nX-Request-Id: ID\r\nVia: 1.1 keygate\r\n\r\n";
const std::string ours_1_0 =
    ours_without_host + "X-Forwarded-Host: a\r\nX-Request-Id: ID\r\nVia: 1.0 keygate\r\n\r\n";
/// What a server that believes in it would take for a second request.
const std::string hidden = "GET /open/hidden HTTP/1.1\r\nHost: a\r\n\r\n";

std::string get(const std::string& fields, const std::string& target = "/open/x") {
    return "GET " + target + " HTTP/1.1\r\n" + host + fields + "\r\n";
}

std::string post(const std::string& fields, const std::string& body) {
    return "POST /open/x HTTP/1.1\r\n" + host + fields + "\r\n" + body;
}

/// As the upstream sees it: `fields` are the client's that remain and the framing.
std::string seen(const std::string& line, const std::string& fields, const std::string& body = {},
                 const std::string& own = ours_1_1) {
    return line + " HTTP/1.1\r\n" + host + fields + own + body;
}

std::string seen_get(const std::string& fields) {
    return seen("GET /open/x", fields);
}

std::string seen_post(const std::string& fields, const std::string& body) {
    return seen("POST /open/x", fields, body);
}

std::string chunked(const std::string& body) {
    return post("Transfer-Encoding: chunked\r\n", body);
}

std::string seen_chunked(const std::string& data) {
    return seen_post("Transfer-Encoding: chunked\r\n", data);
}

std::string counted_fields(std::size_t count) {
    std::string fields;
    for (std::size_t i = 0; i < count; ++i)
        fields += "F" + std::to_string(i) + ": x\r\n";
    return fields;
}

/// A GET whose head has exactly that many bytes.
std::string get_of_size(std::size_t size) {
    const std::string rest = get("Fill: \r\n");
    return get("Fill: " + std::string(size - rest.size(), 'f') + "\r\n");
}

Row passes(std::string name, std::string source, std::string bytes, std::string expected) {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = std::move(bytes),
            .fate = Fate::passed,
            .status = 200,
            .reason = "",
            .seen = std::move(expected)};
}

Row passes_and_closes(std::string name, std::string source, std::string bytes,
                      std::string expected) {
    Row row = passes(std::move(name), std::move(source), std::move(bytes), std::move(expected));
    row.fate = Fate::passed_closed;
    return row;
}

Row bad_body(std::string name, std::string source, std::string bytes) {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = std::move(bytes),
            .fate = Fate::broken_off,
            .status = 400,
            .reason = "body_invalid"};
}

/// A gateway and its upstream for one table.
struct Between {
    support::OriginServer origin{[](const std::string& request) {
        const std::string answer = support::OriginServer::plain_answer("seen");
        return request.starts_with("HEAD ") ? answer.substr(0, answer.size() - 4) : answer;
    }};
    support::RunningGateway gateway{wire::start_before(origin, routes, limits)};

    void check_answer_is_whole(const std::string& answer) {
        BOOST_TEST(support::field_of(answer, "Content-Length").value_or("none") ==
                   std::to_string(support::body_of(answer).size()));
    }

    void check_innocent() {
        BOOST_TEST(gateway.exchange(get("", "/open/innocent")).ends_with("\r\n\r\nseen"));
    }

    void check_refused(const Row& row, Socket& client) {
        const std::string answer = client.receive_answer();
        BOOST_TEST(support::status_of(answer) == row.status);
        BOOST_TEST(support::reason_of(answer) == row.reason);
        check_answer_is_whole(answer);
        if (row.fate == Fate::refused_open) {
            BOOST_TEST(support::field_of(answer, "Connection").value_or("") == "");
            client.send(get("", "/open/innocent"));
            BOOST_TEST(support::status_of(client.receive_answer()) == 200);
            origin.clear();
        } else {
            BOOST_TEST(support::field_of(answer, "Connection").value_or("") == "close");
            BOOST_TEST(client.receive_all() == "");
        }
        BOOST_TEST(origin.requests().empty());
        if (row.fate == Fate::refused) BOOST_TEST(wire::all_received(origin) == "");
    }

    void check_passed(const Row& row, Socket& client) {
        const std::string answer = client.receive_answer(row.bytes.starts_with("HEAD "));
        BOOST_TEST(support::status_of(answer) == row.status);
        const auto requests = origin.requests();
        BOOST_TEST(requests.size() == 1U);
        if (!requests.empty()) BOOST_TEST(wire::plain(requests.front()) == row.seen);
        const bool closes = row.fate == Fate::passed_closed;
        if (row.second_status != 0) {
            BOOST_TEST(support::status_of(client.receive_answer()) == row.second_status);
        } else if (!closes) {
            BOOST_TEST(support::field_of(answer, "Connection").value_or("") != "close");
            client.end_writing();
        }
        // Nothing of the request was taken for another one.
        BOOST_TEST(client.receive_all() == "");
        if (!requests.empty()) BOOST_TEST(wire::all_received(origin) == requests.front());
    }

    void check(const Row& row, Socket::Pieces pieces) {
        origin.clear();
        Socket client = gateway.connect();
        client.send(row.bytes, pieces);
        if (row.ends) client.end_writing();
        if (row.fate == Fate::passed || row.fate == Fate::passed_closed)
            check_passed(row, client);
        else
            check_refused(row, client);
        client.close();
        check_innocent();
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
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_framing, Between)

BOOST_AUTO_TEST_CASE(a_body_with_two_ends_is_no_request) {
    const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
    const auto with_coding = [&](const std::string& value) {
        return post("Transfer-Encoding: " + value + "\r\n", "0\r\n\r\n" + hidden);
    };
    const auto with_length = [&](const std::string& value) {
        return post("Content-Length: " + value + "\r\n", "hello" + hidden);
    };
    check_all({
        {"length, then chunked", "6.1",
         post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks)},
        {"chunked, then length", "6.1",
         post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks)},
        {"chunked, then length 0", "6.1",
         post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", chunks)},
        {"length, then gzip", "6.1",
         post("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", "hello")},
        {"gzip, then length", "6.1",
         post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello")},
        {"xchunked, then length", "6.1",
         post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", "hello")},
        {"identity, then length", "6.1",
         post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello")},
        {"empty coding, then length", "6.1",
         post("Transfer-Encoding: \r\nContent-Length: 5\r\n", "hello")},
        {"gzip alone", "6.3", with_coding("gzip")},
        {"identity alone", "6.3", with_coding("identity")},
        {"unknown coding alone", "6.3", with_coding("xchunked")},
        {"chunked twice in a list", "6.1", with_coding("chunked, chunked")},
        {"chunked, identity", "6.1", with_coding("chunked, identity")},
        {"gzip, chunked", "6.1", with_coding("gzip, chunked")},
        {"identity, chunked", "6.1", with_coding("identity, chunked")},
        {"chunked in quotes", "6.1", with_coding("\"chunked\"")},
        {"chunked with a parameter", "7", with_coding("chunked;x=1")},
        {"empty coding", "6.1", with_coding("")},
        {"list that begins empty", "6.1", with_coding(",chunked")},
        {"list that ends empty", "6.1", with_coding("chunked,")},
        {"chunked after a vertical tab", "6.1",
         with_coding("\x0b"
                     "chunked")},
        {"chunked before a NUL", "6.1", with_coding("chunked\0"s)},
        {"chunked beyond ASCII", "6.1",
         with_coding("chun\xe2\x84\xaa"
                     "ed")},
        {"two fields chunked", "6.1",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks)},
        {"two fields gzip and chunked", "6.1",
         post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunks)},
        {"two fields chunked and identity", "6.1",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunks)},
        {"coding in HTTP/1.0", "6.1",
         "POST /open/x HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + chunks},
        {"coding in HTTP/1.0 that stays open", "6.1",
         "POST /open/x HTTP/1.0\r\n" + host +
             "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks},
        {"white space before the coding's colon", "5.1",
         post("Transfer-Encoding : chunked\r\n", chunks)},
        {"coding folded", "5.2", post("Transfer-Encoding:\r\n chunked\r\n", chunks)},
        {"lengths that differ", "6.3",
         post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")},
        {"lengths that are equal", "6.3",
         post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
        {"lengths in a list", "6.3", with_length("5, 5")},
        {"lengths in a list that differ", "6.3", with_length("5, 6")},
        {"length with plus", "9110 8.6", with_length("+5")},
        {"length with minus", "9110 8.6", with_length("-5")},
        {"hexadecimal length", "9110 8.6", with_length("0x5")},
        {"length with a blank inside", "9110 8.6", with_length("5 5")},
        {"length and letters", "9110 8.6", with_length("5abc")},
        {"empty length", "9110 8.6", with_length("")},
        {"length with leading zeros", "9110 8.6", with_length("005")},
        {"length 00", "9110 8.6", with_length("00")},
        {"length with a point", "9110 8.6", with_length("5.0")},
        {"length with an exponent", "9110 8.6", with_length("5e0")},
        {"length in quotes", "9110 8.6", with_length("\"5\"")},
        {"length with a comma behind", "9110 8.6", with_length("5,")},
        {"length in other digits", "9110 8.6", with_length("\xef\xbc\x95")},
        {"length 2^63", "9110 8.6", with_length("9223372036854775808")},
        {"length 2^64 + 5", "9110 8.6", with_length("18446744073709551621")},
        {"length of forty digits", "9110 8.6", with_length(std::string(40, '1'))},
        {"white space before the length's colon", "5.1", post("Content-Length : 5\r\n", "hello")},
        {"length folded", "5.2", post("Content-Length:\r\n 5\r\n", "hello")},
    });
}

BOOST_AUTO_TEST_CASE(a_head_is_read_in_one_way_or_not_at_all) {
    check_all({
        {"white space before the colon", "5.1", get("X : y\r\n")},
        {"tab before the colon", "5.1", get("X\t: y\r\n")},
        {"folded line", "5.2", get("X: y\r\n z\r\n")},
        {"line folded with a tab", "5.2", get("X: y\r\n\tz\r\n")},
        {"folded credential", "5.2", get("Authorization:\r\n Bearer x\r\n", "/things/1")},
        {"blank before the first field", "2.2", "GET /open/x HTTP/1.1\r\n " + host + "\r\n"},
        {"tab before the first field", "2.2", "GET /open/x HTTP/1.1\r\n\tX: y\r\n" + host + "\r\n"},
        {"line of blanks", "2.2", get("X: y\r\n \r\n")},
        {"LF ends the request line", "2.2", "GET /open/x HTTP/1.1\n" + host + "\r\n"},
        {"LF ends a field", "2.2", get("X: y\nZ: 1\r\n")},
        {"LF ends the head", "2.2", "GET /open/x HTTP/1.1\r\n" + host + "\n"},
        {"only LF", "2.2", "GET /open/x HTTP/1.1\nHost: a\n\n"},
        {"CR inside a value", "2.2", get("X: y\rZ: 1\r\n")},
        {"CR inside a name", "2.2", get("X\rZ: 1\r\n")},
        {"CR CR LF", "2.2", get("X: y\r\r\n")},
        {"CR inside the target", "2.2", get("", "/open/\rx")},
        {"NUL in a value", "9110 5.5", get("X: y\0z\r\n"s)},
        {"NUL in a name", "9110 5.1", get("X\0Y: z\r\n"s)},
        {"control byte in a value", "9110 5.5", get("X: y\x01z\r\n")},
        {"vertical tab in a value", "9110 5.5", get("X: y\x0bz\r\n")},
        {"escape in a value", "9110 5.5", get("X: \x1b[31m\r\n")},
        {"DEL in a value", "9110 5.5", get("X: y\x7fz\r\n")},
        {"empty name", "9110 5.1", get(": y\r\n")},
        {"no colon", "9110 5.1", get("X\r\n")},
        {"blank in a name", "9110 5.1", get("X Y: z\r\n")},
        {"parenthesis in a name", "9110 5.1", get("(X): z\r\n")},
        {"slash in a name", "9110 5.1", get("X/Y: z\r\n")},
        {"quotes in a name", "9110 5.1", get("\"X\": z\r\n")},
        {"8-bit byte in a name", "9110 5.1", get("X\xe9: z\r\n")},
        {"HTTP/0.9", "2.3", "GET /open/x\r\n\r\n"},
        {"HTTP/0.9, named", "2.3", "GET /open/x HTTP/0.9\r\n" + host + "\r\n"},
        {"HTTP/1.2", "2.3", "GET /open/x HTTP/1.2\r\n" + host + "\r\n"},
        {"HTTP/2.0", "2.3", "GET /open/x HTTP/2.0\r\n" + host + "\r\n"},
        {"HTTP/2 preface", "2.3", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {"HTTP/1.10", "2.3", "GET /open/x HTTP/1.10\r\n" + host + "\r\n"},
        {"HTTP/1", "2.3", "GET /open/x HTTP/1\r\n" + host + "\r\n"},
        {"http in small letters", "2.3", "GET /open/x http/1.1\r\n" + host + "\r\n"},
        {"another protocol", "2.3", "GET /open/x ICY/1.1\r\n" + host + "\r\n"},
        {"blank after the version", "3", "GET /open/x HTTP/1.1 \r\n" + host + "\r\n"},
        {"two blanks", "3", "GET  /open/x HTTP/1.1\r\n" + host + "\r\n"},
        {"two blanks before the version", "3", "GET /open/x  HTTP/1.1\r\n" + host + "\r\n"},
        {"tab for a blank", "3", "GET\t/open/x HTTP/1.1\r\n" + host + "\r\n"},
        {"blank first", "3", " GET /open/x HTTP/1.1\r\n" + host + "\r\n"},
        {"NUL first", "3", "\0GET /open/x HTTP/1.1\r\n"s + host + "\r\n"},
        {"no target", "3", "GET HTTP/1.1\r\n" + host + "\r\n"},
        {"only a method", "3", "GET\r\n" + host + "\r\n"},
        {"method with a slash", "3.1", "G/T /open/x HTTP/1.1\r\n" + host + "\r\n"},
        {"blank inside the target", "3.2", get("", "/open/x y")},
        {"two empty lines first", "2.2", "\r\n\r\n" + get("")},
        {"LF first", "2.2", "\n" + get("")},
        {"CR first", "2.2", "\r" + get("")},
        {"TLS on the plain port", "-", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s},
        {"no Host", "3.2", "GET /open/x HTTP/1.1\r\n\r\n"},
        {"two Hosts", "3.2", get("Host: b\r\n")},
        {"two Hosts that are equal", "3.2", get(host)},
        {"two Hosts in HTTP/1.0", "3.2", "GET /open/x HTTP/1.0\r\n" + host + host + "\r\n"},
        {"empty Host", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: \r\n\r\n"},
        {"Host with a list", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: a, b\r\n\r\n"},
        {"Host with a user", "9110 4.2.4", "GET /open/x HTTP/1.1\r\nHost: u@a\r\n\r\n"},
        {"Host with a path", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: a/b\r\n\r\n"},
        {"Host with letters for a port", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: a:x\r\n\r\n"},
        {"Host with too high a port", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: a:65536\r\n\r\n"},
        {"Host with two ports", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: a:1:2\r\n\r\n"},
        {"Host with a blank inside", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {"Host beyond ASCII", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n"},
        {"Host with an open bracket", "9110 7.2", "GET /open/x HTTP/1.1\r\nHost: [::1\r\n\r\n"},
        {"Host folded", "5.2", "GET /open/x HTTP/1.1\r\nHost:\r\n a\r\n\r\n"},
        {"white space before Host's colon", "5.1", "GET /open/x HTTP/1.1\r\nHost : a\r\n\r\n"},
        {"absolute-form of another host", "3.2.2", get("", "http://b/open/x"), Fate::refused_open,
         400, "target_invalid"},
        {"absolute-form with a user", "3.2.2", get("", "http://u@a/open/x"), Fate::refused_open,
         400, "target_invalid"},
        {"absolute-form of another scheme", "3.2.2", get("", "ftp://a/open/x"), Fate::refused_open,
         400, "target_invalid"},
        {"asterisk with GET", "3.2.4", get("", "*"), Fate::refused_open, 400, "target_invalid"},
        {"authority with GET", "3.2.3", get("", "a:80"), Fate::refused_open, 400, "target_invalid"},
        {"fragment", "3.2", get("", "/open/x#y"), Fate::refused_open, 400, "target_invalid"},
        {"8-bit byte in the target", "3.2", get("", "/open/\xc3\xa9"), Fate::refused_open, 400,
         "target_invalid"},
        {"backslash in the target", "3.2", get("", "/open\\x"), Fate::refused_open, 400,
         "target_invalid"},
        {"CONNECT", "9110 9.3.6", "CONNECT a:80 HTTP/1.1\r\n" + host + "\r\n", Fate::refused_open,
         405, "route_method"},
        {"CONNECT of a path", "9110 9.3.6", "CONNECT /open/x HTTP/1.1\r\n" + host + "\r\n",
         Fate::refused_open, 405, "route_method"},
        {"TRACE", "9110 9.3.8", "TRACE /open/x HTTP/1.1\r\n" + host + "\r\n", Fate::refused_open,
         405, "route_method"},
        {"OPTIONS *", "9110 9.3.7", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", Fate::refused_open,
         405, "route_method"},
        {"OPTIONS without a key", "9110 9.3.7", "OPTIONS /things/1 HTTP/1.1\r\n" + host + "\r\n",
         Fate::refused_open, 401, "auth_missing"},
        {"two credentials", "9110 11.6.2",
         get("Authorization: Bearer " + wire::key + "\r\nAuthorization: Bearer " + wire::key +
                 "\r\n",
             "/things/1"),
         Fate::refused_open, 401, "auth_duplicate"},
        {"two credentials in a list", "9110 11.6.2",
         get("Authorization: Bearer " + wire::key + ", Bearer " + wire::key + "\r\n", "/things/1"),
         Fate::refused_open, 401, "auth_malformed"},
        {"unknown expectation", "9110 10.1.1", get("Expect: 200-maybe\r\n"), Fate::refused, 417,
         "head_expectation"},
        {"expectation refused before the body", "9110 10.1.1",
         "POST /things/1 HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
         Fate::refused, 401, "auth_missing"},
        {"refused with a body that looks like a request", "9.3",
         "POST /things/1 HTTP/1.1\r\n" + host + "Content-Length: " + std::to_string(hidden.size()) +
             "\r\n\r\n" + hidden,
         Fate::refused, 401, "auth_missing"},
        {"refused with a chunked body", "9.3",
         "POST /things/1 HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
             hidden,
         Fate::refused, 401, "auth_missing"},
        {"refused, with Connection: close", "9.6",
         get("Connection: close\r\n", "/things/1") + hidden, Fate::refused, 401, "auth_missing"},
        {"refused with length 0", "9.3",
         "POST /things/1 HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", Fate::refused_open,
         401, "auth_missing"},
        {"circle of gateways", "9110 7.6.3", get("Via: 1.1 keygate, 1.1 other, 1.1 keygate\r\n"),
         Fate::refused, 508, "head_loop"},
        {"circle of gateways, two fields", "9110 7.6.3",
         get("Via: 1.1 keygate\r\nVia: HTTP/1.1 keygate (again)\r\n"), Fate::refused, 508,
         "head_loop"},
        {"circle of gateways, many times", "9110 7.6.3",
         get("Via: " + repeated("1 keygate,", 255) + "\r\nVia: 1 keygate\r\n"), Fate::refused, 508,
         "head_loop"},
    });
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_refused_at_a_fixed_bound) {
    check_all({
        passes("head of the largest size", "9110 5.4", get_of_size(4096),
               [] {
                   std::string sent = get_of_size(4096);
                   sent.erase(sent.size() - 2);
                   return sent + ours_1_1;
               }()),
        {"head of one byte more", "9110 5.4", get_of_size(4097), Fate::refused, 431,
         "head_too_large"},
        {"head without an end", "9110 5.4", get("X: ").substr(0, 40) + std::string(5000, 'x'),
         Fate::refused, 431, "head_too_large"},
        {"request line without an end", "9110 5.4", "GET /" + std::string(5000, 'x'), Fate::refused,
         431, "head_too_large"},
        {"method without an end", "9110 5.4", std::string(5000, 'G'), Fate::refused, 431,
         "head_too_large"},
        {"bad line behind the bound", "9110 5.4",
         get("X: " + std::string(5000, 'x') + "\nY: z\r\n"), Fate::refused, 431, "head_too_large"},
        passes("100 fields", "9110 5.4", get(counted_fields(99)), seen_get(counted_fields(99))),
        {"101 fields", "9110 5.4", get(counted_fields(100)), Fate::refused, 431, "head_too_large"},
        passes("target of the largest size", "9110 15.5.15",
               get("", "/open/" + std::string(1018, 'x')),
               seen("GET /open/" + std::string(1018, 'x'), "")),
        {"target of one byte more", "9110 15.5.15", get("", "/open/" + std::string(1019, 'x')),
         Fate::refused, 414, "target_too_long"},
        {"announced body of one byte too many", "9110 15.5.14",
         post("Content-Length: 1048577\r\n", "begin"), Fate::refused, 413, "body_too_large"},
        {.name = "chunked body of one byte too many",
         .source = "9110 15.5.14",
         .bytes = chunked("100001\r\n" + std::string(1048577, 'x') + "\r\n0\r\n\r\n"),
         .fate = Fate::broken_off,
         .status = 413,
         .reason = "body_too_large",
         .is_long = true},
    });
}

BOOST_AUTO_TEST_CASE(a_broken_body_never_looks_whole_to_the_upstream) {
    const auto cut = [](std::string name, std::string bytes) {
        Row row = bad_body(std::move(name), "8", std::move(bytes));
        row.ends = true;
        return row;
    };
    check_all({
        bad_body("blank after the size", "7.1", chunked("5 \r\nhello\r\n0\r\n\r\n")),
        bad_body("blank before the size", "7.1", chunked(" 5\r\nhello\r\n0\r\n\r\n")),
        bad_body("size with plus", "7.1", chunked("+5\r\nhello\r\n0\r\n\r\n")),
        bad_body("size with minus", "7.1", chunked("-5\r\nhello\r\n0\r\n\r\n")),
        bad_body("size with 0x", "7.1", chunked("0x5\r\nhello\r\n0\r\n\r\n")),
        bad_body("no size", "7.1", chunked("\r\nhello\r\n0\r\n\r\n")),
        bad_body("size that is no number", "7.1", chunked("g\r\nhello\r\n0\r\n\r\n")),
        bad_body("size of 17 digits", "7.1", chunked("00000000000000005\r\nhello\r\n0\r\n\r\n")),
        bad_body("size of 2^64 - 1", "7.1", chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n")),
        bad_body("size of 2^63", "7.1", chunked("8000000000000000\r\nhello\r\n0\r\n\r\n")),
        bad_body("LF after the size", "7.1", chunked("5\nhello\r\n0\r\n\r\n")),
        bad_body("CR alone after the size", "7.1", chunked("5\rhello\r\n0\r\n\r\n")),
        bad_body("LF after the data", "7.1", chunked("5\r\nhello\n0\r\n\r\n")),
        bad_body("nothing after the data", "7.1", chunked("5\r\nhello0\r\n\r\n")),
        bad_body("data longer than its size", "7.1", chunked("4\r\nhello\r\n0\r\n\r\n")),
        bad_body("data shorter than its size", "7.1", chunked("7\r\nhello\r\n0\r\n\r\n")),
        bad_body("LF after the last size", "7.1", chunked("0\n\r\n")),
        bad_body("LF for the last line", "7.1", chunked("0\r\n\n")),
        bad_body("extension without a name", "7.1.1", chunked("5;\r\nhello\r\n0\r\n\r\n")),
        bad_body("extension with a control byte", "7.1.1",
                 chunked("5;a\x01\r\nhello\r\n0\r\n\r\n")),
        bad_body("extension with a LF", "7.1.1", chunked("5;a\nhello\r\n0\r\n\r\n")),
        bad_body("extension with a LF in quotes", "7.1.1",
                 chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")),
        bad_body("extension with a CR in quotes", "7.1.1",
                 chunked("5;a=\"\r\"\r\nhello\r\n0\r\n\r\n")),
        bad_body("extension with open quotes", "7.1.1", chunked("5;a=\"x\r\nhello\r\n0\r\n\r\n")),
        bad_body("extension with a NUL", "7.1.1", chunked("5;a=\0\r\nhello\r\n0\r\n\r\n"s)),
        bad_body("extension beyond its bound", "7.1.1",
                 chunked("5;a=" + std::string(5000, 'x') + "\r\nhello\r\n0\r\n\r\n")),
        {.name = "extensions beyond their bound",
         .source = "7.1.1",
         .bytes =
             chunked(repeated("1;a=" + std::string(2000, 'x') + "\r\nh\r\n", 10) + "0\r\n\r\n"),
         .fate = Fate::broken_off,
         .reason = "body_invalid",
         .is_long = true},
        bad_body("trailer without a colon", "7.1.2", chunked("0\r\nX\r\n\r\n")),
        bad_body("trailer without a name", "7.1.2", chunked("0\r\n: x\r\n\r\n")),
        bad_body("trailer with a blank before its colon", "7.1.2", chunked("0\r\nX : y\r\n\r\n")),
        bad_body("folded trailer", "7.1.2", chunked("0\r\nX: y\r\n z\r\n\r\n")),
        bad_body("trailer that ends with LF", "7.1.2", chunked("0\r\nX: y\n\r\n")),
        bad_body("trailer with a control byte", "7.1.2", chunked("0\r\nX: \x01\r\n\r\n")),
        bad_body("length in a trailer", "9110 6.5.1", chunked("0\r\nContent-Length: 5\r\n\r\n")),
        bad_body("coding in a trailer", "9110 6.5.1",
                 chunked("0\r\ntransfer-encoding: chunked\r\n\r\n")),
        {.name = "trailers beyond their bound",
         .source = "7.1.2",
         .bytes = chunked("0\r\n" + repeated("X: " + std::string(1000, 'x') + "\r\n", 17) + "\r\n"),
         .fate = Fate::broken_off,
         .reason = "body_invalid",
         .is_long = true},
        cut("body by length cut", post("Content-Length: 6\r\n", "hello")),
        cut("body by length cut at its begin", post("Content-Length: 6\r\n", "")),
        cut("chunked body cut in its data", chunked("5\r\nhel")),
        cut("chunked body cut between chunks", chunked("5\r\nhello\r\n")),
        cut("chunked body cut before its last line", chunked("5\r\nhello\r\n0\r\n")),
        cut("chunked body cut in its trailers", chunked("5\r\nhello\r\n0\r\nX: y\r\n")),
    });
}

BOOST_AUTO_TEST_CASE(what_has_one_reading_arrives_written_anew) {
    const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
    Row double_name = passes("double of the coding's name", "9112 6.1",
                             get("Transfer_Encoding: chunked\r\n") + "0\r\n\r\n", seen_get(""));
    double_name.second_status = 400;
    check_all({
        passes("GET", "3", get(""), seen_get("")),
        passes("HEAD", "9110 9.3.2", "HEAD /open/x HTTP/1.1\r\n" + host + "\r\n",
               seen("HEAD /open/x", "")),
        passes("OPTIONS", "9110 9.3.7", "OPTIONS /open/x HTTP/1.1\r\n" + host + "\r\n",
               seen("OPTIONS /open/x", "")),
        passes("a method nobody knows", "9110 9.1", "PURGE /open/x HTTP/1.1\r\n" + host + "\r\n",
               seen("PURGE /open/x", "")),
        passes("a method in small letters", "9110 9.1", "get /open/x HTTP/1.1\r\n" + host + "\r\n",
               seen("get /open/x", "")),
        passes("an empty line first", "2.2", "\r\n" + get(""), seen_get("")),
        passes("a query", "3.2.1", get("", "/open/x?a=%20b&c"), seen("GET /open/x?a=%20b&c", "")),
        passes("absolute-form", "3.2.2", get("", "http://a/open/x?y"), seen("GET /open/x?y", "")),
        passes("absolute-form without a path", "3.2.2", get("", "http://a?y"), seen("GET /?y", "")),
        passes("absolute-form in other letters", "3.2.2", get("", "HTTP://A/open/x"), seen_get("")),
        passes("white space round a value", "5.1", get("X: \t y z \t\r\n"), seen_get("X: y z\r\n")),
        passes("empty value", "5.1", get("X:\r\n"), seen_get("X: \r\n")),
        passes("tab inside a value", "9110 5.5", get("X: y\tz\r\n"), seen_get("X: y\tz\r\n")),
        passes("8-bit bytes in a value", "9110 5.5", get("X: \xc3\xa9\xff\r\n"),
               seen_get("X: \xc3\xa9\xff\r\n")),
        passes("every letter of a token", "9110 5.1", get("!#$%&'*+-.^_`|~09azAZ: y\r\n"),
               seen_get("!#$%&'*+-.^_`|~09azAZ: y\r\n")),
        passes("fields of one name keep their order", "9110 5.3", get("X: 1\r\nY: 2\r\nx: 3\r\n"),
               seen_get("X: 1\r\nY: 2\r\nx: 3\r\n")),
        passes("length 0", "6.2", post("Content-Length: 0\r\n", ""),
               seen_post("Content-Length: 0\r\n", "")),
        passes("body by length", "6.2", post("Content-Length: 5\r\n", "hello"),
               seen_post("Content-Length: 5\r\n", "hello")),
        passes("GET with a body", "9110 9.3.1", get("Content-Length: 5\r\n") + "hello",
               seen("GET /open/x", "Content-Length: 5\r\n", "hello")),
        passes("a request inside a body", "6.3",
               post("Content-Length: " + std::to_string(hidden.size()) + "\r\n", hidden),
               seen_post("Content-Length: " + std::to_string(hidden.size()) + "\r\n", hidden)),
        passes("a request inside a chunk", "7.1", chunked("26\r\n" + hidden + "\r\n0\r\n\r\n"),
               seen_chunked(hidden)),
        passes("chunked", "7.1", chunked(chunks), seen_chunked("hello")),
        passes("chunked in other letters", "7.1", post("Transfer-encoding: \tCHUNKED \r\n", chunks),
               seen_chunked("hello")),
        passes("chunked and empty", "7.1", chunked("0\r\n\r\n"), seen_chunked("")),
        passes("several chunks", "7.1", chunked("1\r\nh\r\n4\r\nello\r\n000\r\n\r\n"),
               seen_chunked("hello")),
        passes("size of 16 digits", "7.1", chunked("0000000000000005\r\nhello\r\n0\r\n\r\n"),
               seen_chunked("hello")),
        passes("size in both letters", "7.1",
               chunked("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
               seen_chunked("01234567890123456789")),
        passes("extensions are dropped", "7.1.1",
               chunked("5;a;b=c; d = \"e\\\"\xc3\xa9\"\r\nhello\r\n0;last\r\n\r\n"),
               seen_chunked("hello")),
        passes(
            "trailers are dropped", "7.1.2",
            chunked(
                "5\r\nhello\r\n0\r\nX-Key-Id: boss\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n"),
            seen_chunked("hello")),
        passes("an expectation", "9110 10.1.1",
               post("Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"),
               seen_post("Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello")),
        passes_and_closes("HTTP/1.0", "9.3", "GET /open/x HTTP/1.0\r\n" + host + "\r\n",
                          seen("GET /open/x", "", "", ours_1_0)),
        passes("HTTP/1.0 that stays open", "9.3",
               "GET /open/x HTTP/1.0\r\n" + host + "Connection: Keep-Alive\r\n\r\n",
               seen("GET /open/x", "", "", ours_1_0)),
        passes_and_closes("HTTP/1.0 expects nothing", "9110 10.1.1",
                          "POST /open/x HTTP/1.0\r\n" + host +
                              "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
                          seen("POST /open/x", "Content-Length: 2\r\n", "hi", ours_1_0)),
        passes_and_closes(
            "HTTP/1.0 without Host", "3.2", "GET /open/x HTTP/1.0\r\n\r\n",
            "GET /open/x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(origin.port()) + "\r\n" +
                ours_without_host + "X-Request-Id: ID\r\nVia: 1.0 keygate\r\n\r\n"),
        passes_and_closes("nothing after close is a request", "9.6",
                          get("Connection: close\r\n") + hidden, seen_get("")),
        double_name,
    });
}

BOOST_AUTO_TEST_CASE(nobody_can_speak_for_the_gateway) {
    const auto removed = [](std::string name, std::string source, const std::string& fields) {
        return passes(std::move(name), std::move(source), get(fields), seen_get(""));
    };
    std::vector<Row> rows{
        removed("the credential on a public route", "9110 11.6.2",
                "Authorization: Bearer " + wire::key + "\r\n"),
        removed("a proxy's credential", "9110 11.7.2", "Proxy-Authorization: Basic eDp5\r\n"),
        removed("hop-by-hop fields", "9110 7.6.1",
                "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n"
                "Trailer: X\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nProxy-Authenticate: "
                "x\r\n"),
        removed("an upgrade to h2c", "9110 7.8",
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                "HTTP2-Settings: AAMAAABkAAQ\r\n"),
        removed("fields that Connection names", "9110 7.6.1",
                "Connection: x-one, X-Two\r\nConnection: X-Three\r\nX-One: 1\r\nx-two: "
                "2\r\nX-THREE: 3\r\n"),
        removed("Connection names what frames and routes", "9110 7.6.1",
                "Connection: Host, Content-Length, X-Forwarded-For, Via, X-Request-Id\r\n"),
        removed("the client's address", "9110 7.6.1",
                "X-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\n"
                "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nX-Forwarded-Port: 1\r\n"),
        removed("another request", "9110 9.1",
                "X-Original-URL: /things/1\r\nX-Rewrite-URL: /things/1\r\nX-HTTP-Method-Override: "
                "DELETE\r\n"
                "X-HTTP-Method: PUT\r\nX-Method-Override: PUT\r\nX-Forwarded-Uri: /b\r\n"
                "X-Forwarded-Prefix: /b\r\nX-Forwarded-Path: /b\r\nX-Original-Method: PUT\r\n"),
        removed("another request's id", "-", "X-Request-Id: 0\r\nx_request_id: 0\r\n"),
        removed("doubles of framing", "6.1", "Content_Length: 5\r\nTransfer_Encoding: x\r\n"),
        removed("misspelt doubles", "5.1", "Content.Length: 5\r\nTransfer~Encoding: chunked\r\n"),
        passes("the chain of proxies", "9110 7.6.3", get("Via: 1.0 fred, 1.1 keygate\r\n"),
               seen_get("Via: 1.0 fred, 1.1 keygate\r\n")),
        passes("a credential that may pass", "9110 11.6.2",
               "GET /pass HTTP/1.1\r\n" + host + "Authorization: Basic eDp5\r\n\r\n",
               seen("GET /pass", "Authorization: Basic eDp5\r\n")),
        passes("a key never passes", "9110 11.6.2",
               "GET /pass HTTP/1.1\r\n" + host + "Authorization: Bearer " + wire::key + "\r\n\r\n",
               seen("GET /pass", "")),
    };
    for (const std::string word : {"Id", "Owner", "Plan", "Scopes", "Mode", "Name"}) {
        rows.push_back(removed("spoofed " + word, "-", "X-Key-" + word + ": boss\r\n"));
        rows.push_back(removed("Connection names " + word, "9110 7.6.1",
                               "Connection: X-Key-" + word + "\r\nX-Key-" + word + ": boss\r\n"));
    }
    for (const std::string name : {"x-key-id", "X_Key_Id", "x_key_id", "X.Key.Id", "X-Key_Id",
                                   "x~key~id", "X|KEY|ID", "X!Key!Id", "X'Key`Id", "X+Key+Id"})
        rows.push_back(removed("spoofed " + name, "-", name + ": boss\r\n"));
    const std::string spoof =
        "X-Key-Id: boss\r\nX_Key_Owner: boss\r\nx-key-plan: gold\r\nX-Key-Name: boss\r\n"
        "X-Key-Mode: test\r\nX-Key-Scopes: admin\r\n";
    for (const std::string word : {"Bearer ", "bearer ", "BEARER   "})
        rows.push_back(
            passes("the caller's identity, " + word, "6750 2.1",
                   get(spoof + "Authorization: \t" + word + wire::key + " \t\r\n", "/things/1"),
                   seen("GET /things/1", identity)));
    rows.push_back(passes("Connection cannot take the identity away", "9110 7.6.1",
                          get("Connection: X-Key-Id, X-Key-Owner, Authorization, Host\r\n" +
                                  ("Authorization: Bearer " + wire::key + "\r\n"),
                              "/things/1"),
                          seen("GET /things/1", identity)));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_their_order) {
    origin.set_answer([](const std::string& request) {
        return support::OriginServer::plain_answer(request.substr(0, request.find(" HTTP")));
    });
    for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise}) {
        std::string requests;
        std::vector<std::string> answers;
        for (int i = 0; i < 20; ++i) {
            const std::string number = std::to_string(i);
            requests += get("", "/open/" + number);
            answers.push_back("GET /open/" + number);
            requests += "POST /open/" + number + " HTTP/1.1\r\n" + host +
                        "Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n";
            answers.push_back("POST /open/" + number);
            requests += get("", "/things/" + number); // no key: nothing is left of the one before
            answers.push_back("auth_missing");
            requests += get("Authorization: Bearer " + wire::key + "\r\n", "/things/" + number);
            answers.push_back("GET /things/" + number);
        }
        Socket client = gateway.connect();
        std::thread writer{[&] {
            client.send(requests, pieces);
            client.end_writing();
        }};
        for (const std::string& expected : answers) {
            const std::string answer = client.receive_answer();
            const std::string reason = support::reason_of(answer);
            BOOST_TEST((reason.empty() ? support::body_of(answer) : reason) == expected);
        }
        writer.join();
        BOOST_TEST(client.receive_all() == "");
    }
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_late_gets_all_its_answers) {
    constexpr int count = 20'000;
    Socket client = gateway.connect();
    std::thread writer{[&] {
        client.send(repeated(get("", "/things/1"), count));
        client.end_writing();
    }};
    int answers = 0;
    while (support::reason_of(client.receive_answer()) == "auth_missing")
        ++answers;
    writer.join();
    BOOST_TEST(answers == count);
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_nothing_is_not_served_on) {
    constexpr std::size_t mebibyte = 1024 * 1024;
    const std::string requests = repeated(get("", "/things/1"), 1000);
    std::atomic<std::size_t> sent{0};
    Socket client = gateway.connect();
    std::thread writer{[&] {
        while (sent < 24 * mebibyte && client.send(requests))
            sent += requests.size();
    }};
    // The gateway has one thread: when others were answered often and nothing went on for this
    // one, then it waits.
    std::size_t taken = 0;
    for (int unchanged = 0; unchanged < 20; ++unchanged) {
        check_innocent();
        const std::size_t now = sent;
        if (now != taken || now == 0) unchanged = 0;
        taken = now;
    }
    BOOST_TEST(taken < 16 * mebibyte); // what the kernel's buffers hold
    client.end_writing();              // ends the writer, too
    writer.join();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(wire_bodies)

BOOST_AUTO_TEST_CASE(large_bodies_arrive_as_they_were_sent) {
    std::string data(3 * 1024 * 1024 + 17, '\0');
    std::uint32_t state = 1;
    for (char& c : data)
        c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    const auto sum_of = [](std::string_view bytes) {
        std::uint64_t sum = 14695981039346656037U; // FNV-1a
        for (const char c : bytes)
            sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211U;
        return std::to_string(bytes.size()) + ':' + std::to_string(sum);
    };
    std::string chunks;
    for (std::size_t at = 0, size = 1; at < data.size(); at += size, size = size * 3 % 70001 + 1) {
        const std::string piece = data.substr(at, size);
        std::ostringstream line;
        line << std::hex << piece.size();
        chunks += line.str() + "\r\n" + piece + "\r\n";
    }
    chunks += "0\r\n\r\n";
    const std::string with_length =
        "Content-Length: " + std::to_string(data.size()) + "\r\n\r\n" + data;
    const std::string with_chunks = "Transfer-Encoding: chunked\r\n\r\n" + chunks;

    // Reads to the end of the body in linear time, and answers with it.
    support::OriginServer origin;
    std::string seen_sum;
    std::string answer_framing;
    origin.set_raw([&](Socket& upstream) {
        std::string bytes;
        const auto is_whole = [&] {
            const std::size_t head = bytes.find("\r\n\r\n");
            if (head == std::string::npos) return false;
            if (support::field_of(bytes, "Content-Length"))
                return bytes.size() >= head + 4 + data.size();
            return bytes.ends_with("\r\n0\r\n\r\n");
        };
        while (!is_whole()) {
            const auto piece = upstream.receive();
            if (!piece || piece->empty()) return;
            bytes += *piece;
        }
        seen_sum = sum_of(support::body_of(wire::plain(bytes)));
        upstream.send("HTTP/1.1 200 OK\r\n" + answer_framing);
    });
    const support::RunningGateway gateway{wire::start_before(origin, routes)};
    for (const std::string& request_body : {with_length, with_chunks})
        for (const std::string& answer_body : {with_length, with_chunks}) {
            answer_framing = answer_body;
            seen_sum.clear();
            Socket client = gateway.connect();
            client.send("POST /open/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
                        request_body);
            const std::string answer = wire::plain(client.receive_all());
            BOOST_TEST(sum_of(support::body_of(answer)) == sum_of(data));
            BOOST_TEST(seen_sum == sum_of(data));
        }
}

BOOST_AUTO_TEST_CASE(a_client_that_stops_in_its_body_is_told_so) {
    support::OriginServer origin;
    const support::RunningGateway gateway{
        wire::start_before(origin, routes, "client: {body_timeout: 100ms, head_timeout: 100ms}\n")};
    Socket in_body = gateway.connect();
    in_body.send("POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    BOOST_TEST(support::reason_of(in_body.receive_all()) == "client_timeout");
    Socket in_head = gateway.connect();
    in_head.send("POST /open/x HTTP/1.1\r\nHo");
    BOOST_TEST(support::reason_of(in_head.receive_all()) == "client_timeout");
    Socket silent = gateway.connect();
    BOOST_TEST(silent.receive_all() == "");
    BOOST_TEST(origin.requests().empty());
}

BOOST_AUTO_TEST_CASE(what_the_upstream_says_before_the_body_reaches_the_client_at_once) {
    support::OriginServer origin;
    origin.set_raw([](Socket& upstream) {
        std::string head;
        while (head.find("\r\n\r\n") == std::string::npos)
            head += upstream.receive().value_or("");
        upstream.send("HTTP/1.1 100 Continue\r\n\r\n");
        std::string body = head.substr(head.find("\r\n\r\n") + 4);
        while (body.size() < 5)
            body += upstream.receive().value_or("");
        upstream.send(support::OriginServer::plain_answer(body));
    });
    const support::RunningGateway gateway{wire::start_before(origin, routes)};
    Socket client = gateway.connect();
    client.send(
        "POST /open/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    // The body is only sent when this has come: without the 100 the test would end here.
    BOOST_TEST(client.receive_answer() == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    BOOST_TEST(support::body_of(client.receive_answer()) == "hello");
}

BOOST_AUTO_TEST_SUITE_END()
