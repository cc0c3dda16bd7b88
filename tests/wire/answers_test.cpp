// Answers of an upstream, row by row.
#include "wire/answers.hpp"

using namespace keygate;
using namespace std::string_literals;
using namespace keygate::wire;

namespace {

const std::string chunks = "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
const std::string coded = "Transfer-Encoding: chunked\r\n";
const std::string five = "Content-Length: 5\r\n";
const std::string none = "Content-Length: 0\r\n";
const std::string poison = ok("Content-Length: 6\r\n", "poison");

std::string chunked(const std::string& body) {
    return ok(coded, body);
}

/// The whole answer, and the upstream's connection serves on.
AnswerRow whole(std::string name, std::string source, std::string bytes, std::string seen,
                std::string request = get_x) {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = std::move(bytes),
            .fate = Fate::whole,
            .seen = std::move(seen),
            .is_kept = true,
            .request = std::move(request)};
}

/// The whole answer, and the upstream's connection is over, because the upstream closes it or
/// because it cannot be trusted.
AnswerRow whole_and_over(std::string name, std::string source, std::string bytes, std::string seen,
                         Then then = Then::waits, std::string request = get_x) {
    AnswerRow row = whole(std::move(name), std::move(source), std::move(bytes), std::move(seen),
                          std::move(request));
    row.is_kept = false;
    row.then = then;
    return row;
}

AnswerRow and_closed(AnswerRow row) {
    row.fate = Fate::whole_closed;
    return row;
}

AnswerRow in_one_piece(AnswerRow row) {
    row.is_long = true;
    return row;
}

/// 502; `before` are interim answers that the client has seen.
AnswerRow bad(std::string name, std::string source, std::string bytes, Then then = Then::waits,
              std::string before = {}) {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = std::move(bytes),
            .fate = Fate::refused,
            .seen = std::move(before),
            .then = then};
}

/// Broken off within what would be `seen`.
AnswerRow cut(std::string name, std::string source, std::string bytes, std::string seen,
              Then then = Then::closes, std::string request = get_x) {
    return {.name = std::move(name),
            .source = std::move(source),
            .bytes = std::move(bytes),
            .fate = Fate::cut,
            .seen = std::move(seen),
            .then = then,
            .request = std::move(request)};
}

/// A status line and fields, as the client sees them when nothing frames a body.
std::string answered_bare(const std::string& line, const std::string& fields = {},
                          const std::string& framing = {}) {
    return answered(fields, framing, "", After::open, line);
}

/// An answer whose head has exactly that many bytes, and its only field.
std::string fill_of(std::size_t size) {
    return "X: " + std::string(size - ok("X: \r\n" + none, "").size(), 'x') + "\r\n";
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_answers, BetweenAnswers)

BOOST_AUTO_TEST_CASE(a_body_arrives_as_it_was_meant) {
    const std::string no_length = answered("", "", "hello", After::closes);
    check_all({
        whole("by length", "9112 6.2", ok(five, "hello"), answered_by_length("hello")),
        whole("empty", "9112 6.2", ok(none, ""), answered_by_length("")),
        whole("a length in other letters", "9110 5.1", ok("content-LENGTH:5\r\n", "hello"),
              answered_by_length("hello")),
        whole("bytes of every kind", "9112 6.2",
              ok("Content-Length: 8\r\n", "\0\r\n\r\n\xff\x01 "s),
              answered_by_length("\0\r\n\r\n\xff\x01 "s)),
        whole("an answer inside", "9112 6.3",
              ok("Content-Length: " + std::to_string(poison.size()) + "\r\n", poison),
              answered_by_length(poison)),
        whole("chunked", "9112 7.1", chunked(chunks), answered_in_chunks("hello")),
        whole("chunked and empty", "9112 7.1", chunked("0\r\n\r\n"), answered_in_chunks("")),
        whole("chunked in other letters", "9112 7", ok("transfer-encoding: Chunked\r\n", chunks),
              answered_in_chunks("hello")),
        whole("sizes with zeros and in both letters", "9112 7.1",
              chunked("000000000000000A\r\n0123456789\r\na\r\n0123456789\r\n0000\r\n\r\n"),
              answered_in_chunks("01234567890123456789")),
        whole("extensions are dropped", "9112 7.1.1",
              chunked("5;a=\"b\";c\r\nhello\r\n0;d\r\n\r\n"), answered_in_chunks("hello")),
        whole("trailers are dropped", "9112 7.1.2",
              ok("Trailer: X\r\n" + coded, "5\r\nhello\r\n0\r\nX: y\r\nSet-Cookie: a=b\r\n\r\n"),
              answered_in_chunks("hello")),
        whole_and_over("to the end of the connection", "9112 6.3", ok("", "hello"),
                       answered_in_chunks("hello"), Then::closes),
        whole_and_over("to the end of the connection and empty", "9112 6.3", ok("", ""),
                       answered_in_chunks(""), Then::closes),
        whole_and_over("told to close, to the end", "9112 6.3",
                       ok("Connection: close\r\n", "hello"), answered_in_chunks("hello"),
                       Then::closes),
        whole_and_over("keep-alive, to the end", "9112 6.3",
                       ok("Connection: keep-alive\r\n", "hello"), answered_in_chunks("hello"),
                       Then::closes),
        whole_and_over("HTTP/1.0 to the end of the connection", "9112 6.3",
                       "HTTP/1.0 200 OK\r\n\r\nhello", answered_in_chunks("hello"), Then::closes),
        whole_and_over("HTTP/1.0 by length", "9112 9.3", "HTTP/1.0 200 OK\r\n" + five + "\r\nhello",
                       answered_by_length("hello")),
        whole("HTTP/1.0 that stays open", "9112 9.3",
              "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + five + "\r\nhello",
              answered_by_length("hello")),
        whole_and_over("told to close", "9112 9.6", ok("Connection: close\r\n" + five, "hello"),
                       answered_by_length("hello")),
        whole_and_over("told to close in a list", "9112 9.6",
                       ok("Connection: x, CLOSE\r\n" + coded, chunks), answered_in_chunks("hello")),
        whole_and_over("closed without a word", "9112 9.3", ok(five, "hello"),
                       answered_by_length("hello"), Then::closes),
        whole_and_over("chunked, and closed without a word", "9112 9.3", chunked(chunks),
                       answered_in_chunks("hello"), Then::closes),
        and_closed(whole("for a client that closes", "9112 9.6", ok(five, "hello"),
                         answered_by_length("hello", After::closes), get_and_close)),
        and_closed(whole("chunked for a client that closes", "9112 9.6", chunked(chunks),
                         answered("", coded, "hello", After::closes), get_and_close)),
        and_closed(whole_and_over(
            "both close", "9112 9.6", ok("Connection: close\r\n" + five, "hello"),
            answered_by_length("hello", After::closes), Then::closes, get_and_close)),
        and_closed(whole_and_over("to the end, for a client that closes", "9112 6.3",
                                  ok("", "hello"), answered("", coded, "hello", After::closes),
                                  Then::closes, get_and_close)),
        and_closed(whole("chunked for HTTP/1.0", "9112 6.1", chunked(chunks), no_length, old_get)),
        and_closed(whole("chunked for HTTP/1.0 that would stay", "9112 6.1", chunked(chunks),
                         no_length, old_get_open)),
        and_closed(whole("chunked and empty for HTTP/1.0", "9112 6.1", chunked("0\r\n\r\n"),
                         answered("", "", "", After::closes), old_get)),
        and_closed(whole_and_over("to the end, for HTTP/1.0", "9112 6.3", ok("", "hello"),
                                  no_length, Then::closes, old_get)),
        and_closed(whole_and_over("to the end, for HTTP/1.0 that would stay", "9112 6.3",
                                  ok("", "hello"), no_length, Then::closes, old_get_open)),
        and_closed(whole("by length for HTTP/1.0", "9112 9.3", ok(five, "hello"),
                         answered_by_length("hello", After::closes), old_get)),
        whole("by length for HTTP/1.0 that stays", "9112 9.3", ok(five, "hello"),
              answered_by_length("hello", After::open_1_0), old_get_open),
        and_closed(whole_and_over("HTTP/1.0 to HTTP/1.0", "9112 9.3",
                                  "HTTP/1.0 200 OK\r\n\r\nhello", no_length, Then::closes,
                                  old_get)),
    });
}

BOOST_AUTO_TEST_CASE(some_answers_have_no_body) {
    const auto bare = [](const std::string& line, const std::string& fields = {},
                         const std::string& body = {}) {
        return "HTTP/1.1 " + line + "\r\n" + fields + "\r\n" + body;
    };
    const std::string ok_line = "HTTP/1.1 200 OK";
    check_all({
        whole("204", "9110 15.3.5", bare("204 No Content"),
              answered_bare("HTTP/1.1 204 No Content")),
        whole("204 with length 0", "9110 8.6", bare("204 No Content", none),
              answered_bare("HTTP/1.1 204 No Content")),
        whole_and_over("204 that closes", "9112 9.6",
                       bare("204 No Content", "Connection: close\r\n"),
                       answered_bare("HTTP/1.1 204 No Content")),
        bad("204 with a length", "9110 8.6", bare("204 No Content", five, "hello")),
        bad("204 with a coding", "9112 6.1", bare("204 No Content", coded, chunks)),
        bad("204 with both", "9112 6.3", bare("204 No Content", five + coded, chunks)),
        whole_and_over("204 and a body", "9112 6.3", bare("204 No Content", "", "hello"),
                       answered_bare("HTTP/1.1 204 No Content")),
        whole_and_over("204 and another answer", "9112 9.2", bare("204 No Content", "", poison),
                       answered_bare("HTTP/1.1 204 No Content")),
        whole("205 with length 0", "9110 15.3.6", bare("205 Reset Content", none),
              answered_bare("HTTP/1.1 205 Reset Content", "", none)),
        whole("205 in chunks", "9110 15.3.6", bare("205 Reset Content", coded, "0\r\n\r\n"),
              answered("", coded, "", After::open, "HTTP/1.1 205 Reset Content")),
        whole_and_over("205 to the end", "9110 15.3.6", bare("205 Reset Content"),
                       answered("", coded, "", After::open, "HTTP/1.1 205 Reset Content"),
                       Then::closes),
        whole("205 with a body, which is framed", "9112 6.3",
              bare("205 Reset Content", five, "hello"),
              answered("", five, "hello", After::open, "HTTP/1.1 205 Reset Content")),
        whole("304", "9110 15.4.5", bare("304 Not Modified", "ETag: \"x\"\r\n"),
              answered_bare("HTTP/1.1 304 Not Modified", "ETag: \"x\"\r\n")),
        whole("304 with a length", "9110 8.6", bare("304 Not Modified", five),
              answered_bare("HTTP/1.1 304 Not Modified", "", five)),
        whole("304 with a coding", "9112 6.1", bare("304 Not Modified", coded),
              answered_bare("HTTP/1.1 304 Not Modified")),
        bad("304 with both", "9112 6.3", bare("304 Not Modified", five + coded)),
        whole_and_over("304 and the body of its length", "9112 6.3",
                       bare("304 Not Modified", five, "hello"),
                       answered_bare("HTTP/1.1 304 Not Modified", "", five)),
        whole_and_over("304 and the chunks of its coding", "9112 6.3",
                       bare("304 Not Modified", coded, chunks),
                       answered_bare("HTTP/1.1 304 Not Modified")),
        whole("HEAD with a length", "9110 9.3.2", ok(five, ""), answered_bare(ok_line, "", five),
              head_x),
        whole("HEAD with length 0", "9110 9.3.2", ok(none, ""), answered_bare(ok_line, "", none),
              head_x),
        whole("HEAD with a coding", "9110 9.3.2", ok(coded, ""), answered_bare(ok_line), head_x),
        whole("HEAD without either", "9110 9.3.2", ok("", ""), answered_bare(ok_line), head_x),
        whole("HEAD with a length beyond all bodies", "9110 9.3.2",
              ok("Content-Length: 999999999999999999\r\n", ""),
              answered_bare(ok_line, "", "Content-Length: 999999999999999999\r\n"), head_x),
        whole("HEAD and 204", "9110 15.3.5", bare("204 No Content"),
              answered_bare("HTTP/1.1 204 No Content"), head_x),
        whole("HEAD and 304", "9110 15.4.5", bare("304 Not Modified", five),
              answered_bare("HTTP/1.1 304 Not Modified", "", five), head_x),
        whole("HEAD and 404", "9110 9.3.2", bare("404 Not Found", five),
              answered_bare("HTTP/1.1 404 Not Found", "", five), head_x),
        whole_and_over("HEAD that closes", "9112 9.6", ok("Connection: close\r\n" + five, ""),
                       answered_bare(ok_line, "", five), Then::closes, head_x),
        whole_and_over("HEAD by HTTP/1.0", "9112 9.3", "HTTP/1.0 200 OK\r\n" + five + "\r\n",
                       answered_bare(ok_line, "", five), Then::closes, head_x),
        whole("HEAD for HTTP/1.0 that stays", "9112 9.3", ok(coded, ""),
              answered("", "", "", After::open_1_0), old_head_open),
        whole_and_over("HEAD and the body of its length", "9112 6.3", ok(five, "hello"),
                       answered_bare(ok_line, "", five), Then::waits, head_x),
        whole_and_over("HEAD and the chunks of its coding", "9112 6.3", ok(coded, chunks),
                       answered_bare(ok_line), Then::waits, head_x),
        whole_and_over("HEAD and a body to the end", "9112 6.3", ok("", "hello"),
                       answered_bare(ok_line), Then::closes, head_x),
        whole_and_over("HEAD and another answer", "9112 9.2", ok(none, poison),
                       answered_bare(ok_line, "", none), Then::waits, head_x),
        [] {
            AnswerRow row = bad("HEAD with both", "9112 6.3", ok(five + coded, ""));
            row.request = head_x;
            return row;
        }(),
        [] {
            AnswerRow row =
                bad("HEAD with a bad length", "9110 8.6", ok("Content-Length: x\r\n", ""));
            row.request = head_x;
            return row;
        }(),
    });
}

BOOST_AUTO_TEST_CASE(interim_answers_go_before_the_one_that_counts) {
    const std::string hi = ok("Content-Length: 2\r\n", "hi");
    const std::string seen_hi = answered_by_length("hi");
    const std::string proceed = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    const std::string processing = "HTTP/1.1 102 Processing\r\n\r\n";
    const std::string switching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    check_all({
        whole("100", "9110 15.2.1", proceed + hi, proceed + seen_hi),
        whole("102", "9110 15.2", processing + hi, processing + seen_hi),
        whole("103", "8297 2", early + hi, early + seen_hi),
        whole("one that nobody knows", "9110 15.2", "HTTP/1.1 199 X\r\n\r\n" + hi,
              "HTTP/1.1 199 X\r\n\r\n" + seen_hi),
        whole("several", "9110 15.2", proceed + processing + early + hi,
              proceed + processing + early + seen_hi),
        whole("before a chunked answer", "9110 15.2", early + chunked(chunks),
              early + answered_in_chunks("hello")),
        whole("before 204", "9110 15.2", proceed + "HTTP/1.1 204 No Content\r\n\r\n",
              proceed + answered_bare("HTTP/1.1 204 No Content")),
        whole("before an answer to HEAD", "9110 15.2", early + ok(five, ""),
              early + answered_bare("HTTP/1.1 200 OK", "", five), head_x),
        whole_and_over("before an answer to the end", "9110 15.2", early + ok("", "hello"),
                       early + answered_in_chunks("hello"), Then::closes),
        whole("sixteen", "9110 15.2", repeated(early, 16) + hi, repeated(early, 16) + seen_hi),
        bad("seventeen", "9110 15.2", repeated(early, 17) + hi, Then::waits, repeated(early, 16)),
        whole("with hop-by-hop fields", "9110 7.6.1",
              "HTTP/1.1 103 Early Hints\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: x\r\n"
              "Upgrade: h2c\r\nX-Request-Id: theirs\r\nLink: </x>\r\n\r\n" +
                  hi,
              early + seen_hi),
        whole("with length 0", "9110 8.6", "HTTP/1.1 100 Continue\r\n" + none + "\r\n" + hi,
              proceed + seen_hi),
        bad("with a length", "9110 8.6", "HTTP/1.1 100 Continue\r\n" + five + "\r\nhello" + hi),
        bad("with a coding", "9112 6.1",
            "HTTP/1.1 103 Early Hints\r\n" + coded + "\r\n" + chunks + hi),
        bad("with a bad line", "9112 5.1", "HTTP/1.1 103 Early Hints\r\nX y\r\n\r\n" + hi),
        bad("with a body", "9112 6.3", proceed + "hello" + hi, Then::waits, proceed),
        bad("and then nothing", "9112 8", proceed, Then::closes, proceed),
        bad("and then a part of an answer", "9112 8", proceed + "HTTP/1.1 200 O", Then::closes,
            proceed),
        bad("and then garbage", "9112 4", early + "garbage\r\n\r\n", Then::waits, early),
        bad("and then an answer with two ends", "9112 6.3", early + ok(five + coded, chunks),
            Then::waits, early),
        bad("cut", "9112 8", "HTTP/1.1 100 Continue\r\n", Then::closes),
        bad("101 that nobody asked for", "9110 15.2.2", switching + "raw"),
        bad("101 of h2c", "9110 15.2.2",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
        bad("101 without an upgrade", "9110 15.2.2",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n" + hi),
        bad("101 behind 100", "9110 15.2.2", proceed + switching, Then::waits, proceed),
        bad("by HTTP/1.2", "9112 2.3", "HTTP/1.2 100 Continue\r\n\r\n" + hi),
        and_closed(whole("not for HTTP/1.0", "9110 15.2", early + proceed + hi,
                         answered_by_length("hi", After::closes), old_get)),
        whole("not for HTTP/1.0 that stays", "9110 15.2", early + early + hi,
              answered_by_length("hi", After::open_1_0), old_get_open),
    });
}

BOOST_AUTO_TEST_CASE(fields_arrive_but_those_of_this_hop) {
    const auto fields = [](std::string name, std::string source, const std::string& sent,
                           const std::string& seen) {
        return whole(std::move(name), std::move(source), ok(sent + none, ""),
                     answered(seen, none, ""));
    };
    std::vector<AnswerRow> rows{
        fields("as they were", "9110 5.5",
               "Set-Cookie: a=b\r\nset-cookie: c=\xff\t\"d\"\r\nX:\r\nX:  y \t\r\n",
               "Set-Cookie: a=b\r\nset-cookie: c=\xff\t\"d\"\r\nX: \r\nX: y\r\n"),
        fields("every byte of a name", "9110 5.6.2", "!#$%&'*+-.^_`|~09azAZ: y\r\n",
               "!#$%&'*+-.^_`|~09azAZ: y\r\n"),
        fields("a challenge", "9110 11.6.1", "WWW-Authenticate: Basic realm=\"x\"\r\n",
               "WWW-Authenticate: Basic realm=\"x\"\r\n"),
        fields("names that identify callers on the way up", "7239 8.1",
               "X-Key-Id: x\r\nX-Forwarded-For: 10.0.0.1\r\nX-Original-URL: /x\r\n",
               "X-Key-Id: x\r\nX-Forwarded-For: 10.0.0.1\r\nX-Original-URL: /x\r\n"),
        fields("doubles of framing", "3875 4.1.18", "Content_Length: 5\r\nTransfer_Encoding: x\r\n",
               "Content_Length: 5\r\nTransfer_Encoding: x\r\n"),
        fields("the chain of proxies", "9110 7.6.3", "Via: 1.1 other\r\n", "Via: 1.1 other\r\n"),
        fields("Keep-Alive", "9110 7.6.1", "Keep-Alive: timeout=5\r\n", ""),
        fields("Upgrade", "9110 7.8", "Upgrade: h2c\r\n", ""),
        fields("Upgrade that Connection names", "9110 7.8",
               "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n", ""),
        fields("Proxy-Connection", "9110 7.6.1", "Proxy-Connection: close\r\n", ""),
        fields("Proxy-Authenticate", "9110 11.7.1", "Proxy-Authenticate: Basic\r\n", ""),
        fields("TE and Trailer", "9110 7.6.1", "TE: trailers\r\nTrailer: X\r\n", ""),
        fields("fields that Connection names", "9110 7.6.1",
               "Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nconnection: x-more\r\nX-More: 2\r\n"
               "X: y\r\n",
               "X: y\r\n"),
        fields("Connection names what frames and dates", "9110 7.6.1",
               "Connection: Content-Length, Date, X-Request-Id\r\n", ""),
        fields("a request id of its own", "7239 8.1", "X-Request-Id: theirs\r\nx-request-id: t\r\n",
               ""),
        whole("a date of its own", "9110 6.6.1",
              ok("Date: Fri, 31 Dec 1999 23:59:59 GMT\r\n" + none, ""),
              "HTTP/1.1 200 OK\r\nDate: Fri, 31 Dec 1999 23:59:59 GMT\r\n" + none +
                  "X-Request-Id: ID\r\n\r\n"),
        whole("a phrase of its own", "9112 4",
              "HTTP/1.1 418 I'm a t\xc3\xa9"
              "apot\r\n" +
                  none + "\r\n",
              answered_bare("HTTP/1.1 418 I'm a t\xc3\xa9"
                            "apot",
                            "", none)),
        whole("no phrase", "9112 4", "HTTP/1.1 200 \r\n" + none + "\r\n",
              answered_bare("HTTP/1.1 200 ", "", none)),
        whole("a phrase with tabs", "9112 4", "HTTP/1.1 200 a\tb\r\n" + none + "\r\n",
              answered_bare("HTTP/1.1 200 a\tb", "", none)),
    };
    for (const std::string status : {"200", "299", "300", "399", "400", "418", "499", "500", "599"})
        rows.push_back(whole("status " + status, "9110 15",
                             "HTTP/1.1 " + status + " X\r\n" + none + "\r\n",
                             answered_bare("HTTP/1.1 " + status + " X", "", none)));
    rows.push_back(whole("99 fields and a length", "9110 5.4",
                         ok(repeated("X: y\r\n", 99) + none, ""),
                         answered(repeated("X: y\r\n", 99), none, "")));
    rows.push_back(
        in_one_piece(whole("a head of the largest size", "9110 5.4", ok(fill_of(65536) + none, ""),
                           answered(fill_of(65536), none, ""))));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(a_head_that_has_two_readings_is_502) {
    std::vector<AnswerRow> rows;
    for (const char c : control_bytes()) {
        rows.push_back(
            bad(named(c) + " in a value", "9110 5.5", ok("X: y"s + c + "z\r\n" + none, "")));
        rows.push_back(
            bad(named(c) + " in a name", "9110 5.1", ok("X"s + c + "Y: z\r\n" + none, "")));
        rows.push_back(bad(named(c) + " in the phrase", "9112 4",
                           "HTTP/1.1 200 O"s + c + "K\r\n" + none + "\r\n"));
    }
    for (const char c : "(),/;<=>?@[\\]{}\" \t\x80\xff"s)
        rows.push_back(
            bad(named(c) + " in a name", "9110 5.6.2", ok("X"s + c + "Y: z\r\n" + none, "")));
    for (const AnswerRow& row : std::vector<AnswerRow>{
             bad("LF only", "9112 2.2", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
             bad("LF ends the status line", "9112 2.2", "HTTP/1.1 200 OK\n" + five + "\r\nhello"),
             bad("LF ends a field", "9112 2.2", "HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello"),
             bad("LF ends the head", "9112 2.2", "HTTP/1.1 200 OK\r\n" + five + "\nhello"),
             bad("CR CR LF ends the head", "9112 2.2",
                 "HTTP/1.1 200 OK\r\n" + five + "\r\r\nhello"),
             bad("CR CR LF ends a field", "9112 2.2", ok("X: y\r\r\n" + none, "")),
             bad("CR that splits off a cookie", "9112 11.1",
                 ok("X: y\rSet-Cookie: z\r\n" + none, "")),
             bad("LF that splits off a cookie", "9112 11.1",
                 ok("X: y\nSet-Cookie: z\r\n" + none, "")),
             bad("a folded line", "9112 5.2", ok("X: y\r\n z\r\n" + none, "")),
             bad("a line folded with a tab", "9112 5.2", ok("X: y\r\n\tz\r\n" + none, "")),
             bad("a folded first line", "9112 2.2", ok(" X: y\r\n" + none, "")),
             bad("a line folded with nothing", "9112 5.2", ok("X: y\r\n \r\n" + none, "")),
             bad("a folded length", "9112 5.2", ok("Content-Length:\r\n 5\r\n", "hello")),
             bad("a folded coding", "9112 5.2", ok("Transfer-Encoding:\r\n chunked\r\n", chunks)),
             bad("a blank before a colon", "9112 5.1", ok("X : y\r\n" + none, "")),
             bad("a blank before the length's colon", "9112 5.1", ok("Content-Length : 0\r\n", "")),
             bad("a tab before the coding's colon", "9112 5.1",
                 ok("Transfer-Encoding\t: chunked\r\n", chunks)),
             bad("no colon", "9112 5.1", ok("X\r\n" + none, "")),
             bad("an empty name", "9110 5.1", ok(": y\r\n" + none, "")),
             bad("a list of options without a comma", "9110 7.6.1",
                 ok("Connection: keep-alive close\r\n" + none, "")),
             bad("101 fields", "9110 5.4", ok(repeated("X: y\r\n", 100) + none, "")),
             in_one_piece(
                 bad("a head of one byte more", "9110 5.4", ok(fill_of(65537) + none, ""))),
             in_one_piece(bad("a head without an end", "9110 5.4",
                              "HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x'))),
             in_one_piece(bad("a status line without an end", "9110 5.4",
                              "HTTP/1.1 200 " + std::string(70000, 'x'))),
             in_one_piece(bad("a bad line behind the bound", "9110 5.4",
                              ok("X: " + std::string(70000, 'x') + "\nY: z\r\n", ""))),
         })
        rows.push_back(row);
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_is_502) {
    std::vector<AnswerRow> rows;
    const std::vector<std::pair<std::string, std::string>> lines{
        {"a bad status of two digits", "HTTP/1.1 20 OK"},
        {"a bad status of four digits", "HTTP/1.1 2000 OK"},
        {"a bad status of letters", "HTTP/1.1 abc OK"},
        {"a bad status with plus", "HTTP/1.1 +20 OK"},
        {"a bad status with minus", "HTTP/1.1 -20 OK"},
        {"a bad status with a blank", "HTTP/1.1 2 0 OK"},
        {"a bad status in hexadecimal", "HTTP/1.1 0xC OK"},
        {"no status", "HTTP/1.1 OK"},
        {"only a version", "HTTP/1.1"},
        {"no blank behind the status", "HTTP/1.1 200"},
        {"no blank before the phrase", "HTTP/1.1 200OK"},
        {"two blanks before the status", "HTTP/1.1  200 OK"},
        {"a tab before the status", "HTTP/1.1\t200 OK"},
        {"a tab behind the status", "HTTP/1.1 200\tOK"},
        {"a blank first", " HTTP/1.1 200 OK"},
        {"http in small letters", "http/1.1 200 OK"},
        {"another name", "ICY 200 OK"},
        {"a longer name", "XHTTP/1.1 200 OK"},
        {"a byte order mark first", "\xef\xbb\xbfHTTP/1.1 200 OK"},
    };
    for (const auto& [name, line] : lines)
        rows.push_back(bad(name, "9112 4", line + "\r\n" + none + "\r\n"));
    for (const std::string version :
         {"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/1.10", "HTTP/01.1",
          "HTTP/1", "HTTP/2", "HTTP/1.", "HTTP/.1", "HTTP/1.1.1", "HTTP 1.1"})
        rows.push_back(bad(version, "9112 2.3", version + " 200 OK\r\n" + none + "\r\n"));
    for (const std::string status : {"000", "001", "099", "600", "999"})
        rows.push_back(
            bad("status " + status, "9110 15", "HTTP/1.1 " + status + " X\r\n" + none + "\r\n"));
    for (const AnswerRow& row : std::vector<AnswerRow>{
             bad("garbage", "9112 4", "garbage\r\n\r\n"),
             bad("an alert of TLS", "8446 5.1", "\x15\x03\x01\x00\x02\x02\x0a"s, Then::closes),
             bad("an alert of TLS that waits", "8446 5.1", "\x15\x03\x01\x00\x02\x02\x0a"s),
             bad("frames of HTTP/2", "9113 3.4", "\0\0\x12\x04\0\0\0\0\0"s),
             bad("HTTP/0.9", "1945 4.1", "<html>hello</html>", Then::closes),
             bad("HTTP/0.9 of lines", "1945 4.1", "hello\r\n\r\nhello\r\n", Then::closes),
             bad("a request", "9112 2.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
             bad("an empty line first", "9112 2.2", "\r\n" + ok(none, "")),
             bad("LF first", "9112 2.2", "\n" + ok(none, "")),
             bad("NUL first", "9112 4", "\0"s + ok(none, "")),
             bad("an empty head", "9112 4", "\r\n\r\n"),
             bad("nothing", "9112 8", "", Then::closes),
             bad("nothing but a reset", "9112 9.3.1", "", Then::resets),
             bad("one byte", "9112 8", "H", Then::closes),
             bad("an end in the status line", "9112 8", "HTTP/1.1 2", Then::closes),
             bad("an end behind the status line", "9112 8", "HTTP/1.1 200 OK\r\n", Then::closes),
             bad("an end in a name", "9112 8", "HTTP/1.1 200 OK\r\nX", Then::closes),
             bad("an end in a value", "9112 8", "HTTP/1.1 200 OK\r\nX: y", Then::closes),
             bad("an end before the empty line", "9112 8", "HTTP/1.1 200 OK\r\nX: y\r\n",
                 Then::closes),
             bad("an end in the empty line", "9112 8", "HTTP/1.1 200 OK\r\nX: y\r\n\r",
                 Then::closes),
         })
        rows.push_back(row);
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(an_answer_with_two_ends_is_502) {
    std::vector<AnswerRow> rows;
    for (const std::string value :
         {"gzip", "identity", "xchunked", "deflate", "gzip, chunked", "identity, chunked",
          "chunked, gzip", "chunked, chunked", "chunked chunked", ",chunked", "chunked,", "",
          "chunked;x=1", "chunked;", "\"chunked\"",
          "chun\xe2\x84\xaa"
          "ed",
          "chunked\x0b", "chunked\xc2\xa0"}) {
        const std::string coding = "Transfer-Encoding: " + value + "\r\n";
        rows.push_back(bad("coding " + in_a_line(value), "9112 6.1", ok(coding, chunks)));
        rows.push_back(bad("coding " + in_a_line(value) + ", and the end", "9112 6.3",
                           ok(coding, "hello"), Then::closes));
        rows.push_back(bad("coding " + in_a_line(value) + " and a length", "9112 6.3",
                           ok(coding + five, chunks)));
        rows.push_back(
            bad("a length and coding " + in_a_line(value), "9112 6.3", ok(five + coding, chunks)));
    }
    for (const std::string value : {"5, 5",
                                    "5, 6",
                                    "5,",
                                    "+5",
                                    "-1",
                                    "0x5",
                                    "a",
                                    "5 5",
                                    "5abc",
                                    "",
                                    "005",
                                    "5.0",
                                    "5e0",
                                    "\"5\"",
                                    "5;",
                                    "\xef\xbc\x95",
                                    "1000000000000000000",
                                    "9223372036854775808",
                                    "18446744073709551616",
                                    "18446744073709551621"})
        rows.push_back(bad("length " + in_a_line(value), "9110 8.6",
                           ok("Content-Length: " + value + "\r\n", "hello")));
    for (const AnswerRow& row : std::vector<AnswerRow>{
             bad("length and coding", "9112 6.3", ok(five + coded, chunks)),
             bad("coding and length", "9112 6.3", ok(coded + five, chunks)),
             bad("coding and length 0", "9112 6.3", ok(coded + none, chunks)),
             bad("two lengths", "9112 6.3", ok("Content-Length: 6\r\n" + five, "hello!")),
             bad("two lengths that are equal", "9112 6.3", ok(five + five, "hello")),
             bad("two codings", "9112 6.1", ok(coded + coded, chunks)),
             bad("two codings, one empty", "9112 6.1",
                 ok("Transfer-Encoding:\r\n" + coded, chunks)),
             bad("a coding in HTTP/1.0", "9112 6.1",
                 "HTTP/1.0 200 OK\r\n" + coded + "\r\n" + chunks),
             bad("a coding in HTTP/1.0 that stays open", "9112 6.1",
                 "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + coded + "\r\n" + chunks),
         })
        rows.push_back(row);
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_never_looks_whole) {
    const std::string six = "Content-Length: 6\r\n";
    const auto seen_of_six = [&](const std::string& body, After after = After::open) {
        return answered("", six, body, after);
    };
    const auto seen_old = [](const std::string& body) {
        return answered("", "", body, After::closes);
    };
    std::vector<AnswerRow> rows{
        cut("short of its length", "9112 8", ok(six, "hello"), seen_of_six("hello")),
        cut("short of its length by all", "9112 8", ok(six, ""), seen_of_six("")),
        cut("short of its length by a reset", "9112 8", ok(six, "hello"), seen_of_six("hello"),
            Then::resets),
        cut("short of its length for HTTP/1.0", "9112 8", ok(six, "hello"),
            seen_of_six("hello", After::closes), Then::closes, old_get),
        cut("short of its length for HTTP/1.0 that stays", "9112 8", ok(six, "hello"),
            seen_of_six("hello", After::open_1_0), Then::closes, old_get_open),
        cut("a reset where only the end ends it", "9112 8", ok("", "hello"),
            answered_in_chunks("hello"), Then::resets),
        cut("a reset where only the end ends it, for HTTP/1.0", "9112 8", ok("", "hello"),
            seen_old("hello"), Then::resets, old_get),
        cut("an end in a chunk, for HTTP/1.0", "9112 8", chunked("5\r\nhel"), seen_old("hel"),
            Then::closes, old_get),
        cut("an end between chunks, for HTTP/1.0", "9112 8", chunked("5\r\nhello\r\n"),
            seen_old("hello"), Then::closes, old_get),
        cut("a bad chunk, for HTTP/1.0", "9112 7.1", chunked("5\r\nhello\r\nx\r\n"),
            seen_old("hello"), Then::waits, old_get),
    };
    for (const std::string end :
         {"", "5", "5;a", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r",
          "5\r\nhello\r\n", "5\r\nhello\r\n0", "5\r\nhello\r\n0\r", "5\r\nhello\r\n0\r\n",
          "5\r\nhello\r\n0\r\nX: y", "5\r\nhello\r\n0\r\nX: y\r\n", "5\r\nhello\r\n0\r\n\r"})
        rows.push_back(cut("an end in chunks, " + in_a_line(end), "9112 8", chunked(end),
                           answered_in_chunks("hello")));
    rows.push_back(cut("a reset in a chunk", "9112 8", chunked("5\r\nhello\r\n"),
                       answered_in_chunks("hello"), Then::resets));
    const std::vector<std::pair<std::string, std::string>> bad_chunks{
        {"a size that is no number", "x\r\nhello\r\n0\r\n\r\n"},
        {"a second size that is none", "5\r\nhello\r\nx\r\n"},
        {"no size", "\r\nhello\r\n0\r\n\r\n"},
        {"a size with plus", "+5\r\nhello\r\n0\r\n\r\n"},
        {"a size with minus", "-5\r\nhello\r\n0\r\n\r\n"},
        {"a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"},
        {"a blank behind a size", "5 \r\nhello\r\n0\r\n\r\n"},
        {"a blank before a size", " 5\r\nhello\r\n0\r\n\r\n"},
        {"a size of 17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n"},
        {"a size of 2^63", "8000000000000000\r\nhello\r\n0\r\n\r\n"},
        {"a size of 2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n"},
        {"LF behind a size", "5\nhello\r\n0\r\n\r\n"},
        {"only LF", "5\nhello\n0\n\n"},
        {"CR alone behind a size", "5\rhello\r\n0\r\n\r\n"},
        {"data longer than its size", "4\r\nhello\r\n0\r\n\r\n"},
        {"data shorter than its size", "7\r\nhello\r\n0\r\n\r\n"},
        {"LF behind the data", "5\r\nhello\n0\r\n\r\n"},
        {"LF for the last line", "5\r\nhello\r\n0\r\n\n"},
        {"an answer for the last line", "5\r\nhello\r\n0\r\n" + poison},
    };
    for (const auto& [name, body] : bad_chunks)
        rows.push_back(
            cut(name, "9112 7.1", chunked(body), answered_in_chunks("hello\r\n"), Then::waits));
    for (const BrokenChunks& broken : chunks_with_control_bytes())
        rows.push_back(cut(broken.name, broken.source, chunked(broken.body),
                           answered_in_chunks(broken.data), Then::waits));
    const std::vector<std::pair<std::string, std::string>> bad_extensions{
        {"with a control byte", ";\x01"},
        {"without a name", ";"},
        {"with a bare LF in quotes", ";a=\"\n\""},
        {"with open quotes", ";a=\"b"},
        {"with bytes behind its quotes", ";a=\"b\"c"},
        {"beyond its bound", ";" + std::string(4096, 'x')},
    };
    for (const auto& [name, extension] : bad_extensions)
        rows.push_back(cut("an extension " + name, "9112 7.1.1",
                           chunked("5" + extension + "\r\nhello\r\n0\r\n\r\n"),
                           answered_in_chunks(""), Then::waits));
    const std::vector<std::pair<std::string, std::string>> bad_trailers{
        {"without a colon", "X\r\n"},
        {"with a blank before its colon", "X : y\r\n"},
        {"folded", "X: y\r\n z\r\n"},
        {"with a control byte", "X: \x01\r\n"},
        {"that ends with LF", "X: y\n"},
        {"of framing", "Content-Length: 5\r\n"},
        {"of coding", "Transfer-Encoding: chunked\r\n"},
        {"beyond its bound", repeated("X: " + std::string(1020, 'x') + "\r\n", 17)},
    };
    for (const auto& [name, trailer] : bad_trailers) {
        rows.push_back(cut("a trailer " + name, "9112 7.1.2",
                           chunked("5\r\nhello\r\n0\r\n" + trailer + "\r\n"),
                           answered_in_chunks("hello"), Then::waits));
        rows.back().is_long = trailer.size() > 10'000;
    }
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(bytes_behind_an_answer_are_nobodys) {
    const std::string hello = ok(five, "hello");
    check_all({
        whole_and_over("an answer behind a length", "9112 9.2", hello + poison,
                       answered_by_length("hello")),
        whole_and_over("one byte behind a length", "9112 6.3", hello + "!",
                       answered_by_length("hello")),
        whole_and_over("a line end behind a length", "9112 6.3", hello + "\r\n",
                       answered_by_length("hello")),
        whole_and_over("an answer behind length 0", "9112 9.2", ok(none, poison),
                       answered_by_length("")),
        whole_and_over("an answer behind a last chunk", "9112 9.2", chunked("0\r\n\r\n") + poison,
                       answered_in_chunks("")),
        whole_and_over("one byte behind a last chunk", "9112 7.1", chunked(chunks) + "!",
                       answered_in_chunks("hello")),
        whole_and_over("a line end behind a last chunk", "9112 7.1", chunked(chunks) + "\r\n",
                       answered_in_chunks("hello")),
        whole_and_over("100 behind an answer", "9112 9.2", hello + "HTTP/1.1 100 Continue\r\n\r\n",
                       answered_by_length("hello")),
        whole_and_over("408 behind an answer", "9112 9.2",
                       hello + "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
                       answered_by_length("hello"), Then::closes),
        whole_and_over("an answer behind 304", "9112 9.2",
                       "HTTP/1.1 304 Not Modified\r\n\r\n" + poison,
                       answered_bare("HTTP/1.1 304 Not Modified")),
        and_closed(whole_and_over("an answer behind one for HTTP/1.0", "9112 9.2", hello + poison,
                                  answered_by_length("hello", After::closes), Then::waits,
                                  old_get)),
        whole_and_over("a body to the end that looks like an answer", "9112 6.3",
                       ok("", "hello" + poison), answered_in_chunks("hello" + poison),
                       Then::closes),
    });
}

BOOST_AUTO_TEST_SUITE_END()
