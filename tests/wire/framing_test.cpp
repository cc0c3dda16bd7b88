// Where a request's body ends: what has two ends is refused, what is broken never looks whole to
// the upstream, and what is whole arrives as its data.
#include <sstream>

#include "wire/requests.hpp"

using namespace keygate;
using namespace std::string_literals;
using support::Socket;
using namespace keygate::wire;

namespace {

const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";

/// All that is not exactly `chunked`, alone, in one field.
struct Coding {
    std::string name;
    std::string fields;
};

std::vector<Coding> wrong_codings() {
    std::vector<Coding> codings;
    const auto value = [&](std::string name, const std::string& text) {
        codings.push_back({std::move(name), "Transfer-Encoding: " + text + "\r\n"});
    };
    value("gzip", "gzip");
    value("deflate", "deflate");
    value("identity", "identity");
    value("a coding nobody knows", "xchunked");
    value("chunked cut short", "chunke");
    value("gzip, chunked", "gzip, chunked");
    value("identity, chunked", "identity, chunked");
    value("chunked, gzip", "chunked, gzip");
    value("chunked, identity", "chunked, identity");
    value("chunked twice in a list", "chunked, chunked");
    value("chunked twice without a comma", "chunked chunked");
    value("a list that begins empty", ",chunked");
    value("a list that ends empty", "chunked,");
    value("an empty coding", "");
    value("chunked in quotes", "\"chunked\"");
    value("chunked in single quotes", "'chunked'");
    value("chunked with a parameter", "chunked;x=1");
    value("chunked with a semicolon", "chunked;");
    value("chunked after a vertical tab", "\x0b"
                                          "chunked");
    value("chunked before a form feed", "chunked\x0c");
    value("chunked before a NUL", "chunked\0"s);
    value("chunked before an escape", "chunked\x1b");
    value("chunked before a no-break space", "chunked\xc2\xa0");
    value("chunked with the Kelvin sign", "chun\xe2\x84\xaa"
                                          "ed");
    value("chunked after a bare CR", "x\rchunked");
    value("chunked behind a folded line", "\r\n chunked");
    value("chunked before a folded line", "chunked\r\n ,gzip");
    codings.push_back({"two fields chunked", "Transfer-Encoding: chunked\r\n"
                                             "Transfer-Encoding: chunked\r\n"});
    codings.push_back({"two fields in two cases", "Transfer-Encoding: chunked\r\n"
                                                  "transfer-encoding: CHUNKED\r\n"});
    codings.push_back({"two fields gzip and chunked", "Transfer-Encoding: gzip\r\n"
                                                      "Transfer-Encoding: chunked\r\n"});
    codings.push_back({"two fields chunked and identity", "Transfer-Encoding: chunked\r\n"
                                                          "Transfer-Encoding: identity\r\n"});
    codings.push_back({"two fields empty and chunked", "Transfer-Encoding:\r\n"
                                                       "Transfer-Encoding: chunked\r\n"});
    codings.push_back({"a blank before the colon", "Transfer-Encoding : chunked\r\n"});
    codings.push_back({"a tab before the colon", "Transfer-Encoding\t: chunked\r\n"});
    codings.push_back({"a vertical tab before the colon", "Transfer-Encoding\x0b: chunked\r\n"});
    codings.push_back({"a NUL before the colon", "Transfer-Encoding\0: chunked\r\n"s});
    codings.push_back({"a NUL before the name", "\0Transfer-Encoding: chunked\r\n"s});
    codings.push_back({"a blank before the name", " Transfer-Encoding: chunked\r\n"});
    codings.push_back({"a blank in the name", "Transfer Encoding: chunked\r\n"});
    codings.push_back({"a line end before the colon", "Transfer-Encoding\r\n: chunked\r\n"});
    codings.push_back({"behind a bare CR", "X: y\rTransfer-Encoding: chunked\r\n"});
    codings.push_back({"behind a bare LF", "X: y\nTransfer-Encoding: chunked\r\n"});
    codings.push_back({"with a bare LF behind", "Transfer-Encoding: chunked\nX: y\r\n"});
    return codings;
}

/// A request that is broken off in its chunks, after `data`.
RequestRow bad_chunks(std::string name, std::string source, const std::string& body,
                      const std::string& data = "") {
    return breaks_off(std::move(name), std::move(source), chunked(body), seen_chunked(data));
}

RequestRow cut(std::string name, const std::string& bytes, const std::string& begin) {
    RequestRow row = breaks_off(std::move(name), "9112 8", bytes, begin);
    row.ends = true;
    return row;
}

RequestRow in_one_piece(RequestRow row) {
    row.is_long = true;
    return row;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_framing, BetweenRequests)

BOOST_AUTO_TEST_CASE(a_coding_other_than_chunked_is_no_framing) {
    std::vector<RequestRow> rows;
    const std::string length = "Content-Length: 5\r\n";
    for (const auto& [name, fields] : wrong_codings()) {
        const std::string old = "POST /open/x HTTP/1.0\r\n" + host;
        rows.push_back(refuses(name + ", alone", "9112 6.1", post(fields, "0\r\n\r\n" + hidden)));
        rows.push_back(refuses(name + ", then a length", "9112 6.3",
                               post(fields + length, "0\r\n\r\n" + hidden)));
        rows.push_back(refuses("a length, then " + name, "9112 6.3",
                               post(length + fields, "0\r\n\r\n" + hidden)));
        rows.push_back(
            refuses(name + ", in HTTP/1.0", "9112 6.1", old + fields + "\r\n0\r\n\r\n" + hidden));
    }
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(chunked_has_its_place) {
    const std::string coded = "Transfer-Encoding: chunked\r\n";
    const std::string old = "POST /open/x HTTP/1.0\r\n" + host;
    check_all({
        refuses("length, then chunked", "9112 6.3", post("Content-Length: 5\r\n" + coded, chunks)),
        refuses("chunked, then length", "9112 6.3", post(coded + "Content-Length: 5\r\n", chunks)),
        refuses("chunked, then length 0", "9112 6.3",
                post(coded + "Content-Length: 0\r\n", chunks)),
        refuses("chunked between two lengths", "9112 6.3",
                post("Content-Length: 5\r\n" + coded + "Content-Length: 5\r\n", chunks)),
        refuses("a length that Connection names, then chunked", "9112 6.3",
                post("Connection: Content-Length\r\nContent-Length: 5\r\n" + coded, chunks)),
        refuses("in HTTP/1.0", "9112 6.1", old + coded + "\r\n" + chunks),
        refuses("in HTTP/1.0 that stays open", "9112 6.1",
                old + "Connection: keep-alive\r\n" + coded + "\r\n" + chunks),
        refuses("in HTTP/1.0 with a length", "9112 6.1",
                old + "Content-Length: 5\r\n" + coded + "\r\n" + chunks),
        refuses("in HTTP/1.0 with HEAD", "9112 6.1",
                "HEAD /open/x HTTP/1.0\r\n" + host + coded + "\r\n" + chunks),
        passes("in other letters", "9112 7", post("Transfer-encoding: \tCHUNKED \r\n", chunks),
               seen_chunked("hello")),
        passes("without a blank", "9112 5.1", post("TRANSFER-ENCODING:chunked\r\n", chunks),
               seen_chunked("hello")),
        passes("that Connection names", "9110 7.6.1",
               post("Connection: Transfer-Encoding\r\n" + coded, chunks), seen_chunked("hello")),
    });
}

BOOST_AUTO_TEST_CASE(a_length_is_one_plain_number) {
    std::vector<RequestRow> rows;
    const auto with_length = [](const std::string& value) {
        return post("Content-Length: " + value + "\r\n", "hello" + hidden);
    };
    const std::vector<std::pair<std::string, std::string>> values{
        {"in a list", "5, 5"},
        {"in a list that differs", "5, 6"},
        {"in a list without a blank", "5,5"},
        {"with a comma behind", "5,"},
        {"with a comma before", ",5"},
        {"with plus", "+5"},
        {"with minus", "-5"},
        {"minus zero", "-0"},
        {"plus zero", "+0"},
        {"hexadecimal", "0x5"},
        {"hexadecimal without 0x", "a"},
        {"with a blank inside", "5 5"},
        {"with a tab inside", "5\t5"},
        {"with letters behind", "5abc"},
        {"with a suffix", "5L"},
        {"empty", ""},
        {"of blanks", " \t "},
        {"with leading zeros", "005"},
        {"00", "00"},
        {"with a point", "5.0"},
        {"with an exponent", "5e0"},
        {"with an underscore", "1_0"},
        {"in quotes", "\"5\""},
        {"with a semicolon", "5;"},
        {"with a comment", "5 (five)"},
        {"before a NUL", "5\0"s},
        {"before a vertical tab", "5\x0b"},
        {"before a no-break space", "5\xc2\xa0"},
        {"in fullwidth digits", "\xef\xbc\x95"},
        {"in Arabic digits", "\xd9\xa5"},
        {"in a superscript digit", "\xc2\xb2"},
        {"of nineteen digits", "1000000000000000000"},
        {"2^63 - 1", "9223372036854775807"},
        {"2^63", "9223372036854775808"},
        {"2^64", "18446744073709551616"},
        {"2^64 + 5", "18446744073709551621"},
        {"of forty digits", std::string(40, '1')},
        {"of many zeros", std::string(40, '0') + "5"},
        {"behind a folded line", "\r\n 5"},
        {"with a folded line behind", "5\r\n 5"},
        {"with a bare CR", "5\r5"},
        {"with a bare LF", "5\nX: y"},
    };
    for (const auto& [name, value] : values)
        rows.push_back(refuses("length " + name, "9110 8.6", with_length(value)));
    const std::vector<std::pair<std::string, std::string>> fields{
        {"lengths that differ", "Content-Length: 5\r\nContent-Length: 6\r\n"},
        {"lengths that are equal", "Content-Length: 5\r\nContent-Length: 5\r\n"},
        {"lengths in two cases", "Content-Length: 5\r\ncontent-length: 5\r\n"},
        {"lengths with a field between", "Content-Length: 5\r\nX: y\r\nContent-Length: 0\r\n"},
        {"length, then none", "Content-Length: 5\r\nContent-Length:\r\n"},
    };
    for (const auto& [name, lines] : fields)
        rows.push_back(refuses(name, "9112 6.3", post(lines, "hello!" + hidden)));
    const std::vector<std::pair<std::string, std::string>> names{
        {"a blank before the length's colon", "Content-Length : 5\r\n"},
        {"a tab before the length's colon", "Content-Length\t: 5\r\n"},
        {"a NUL before the length's colon", "Content-Length\0: 5\r\n"s},
        {"a blank before the length's name", " Content-Length: 5\r\n"},
        {"a blank in the length's name", "Content Length: 5\r\n"},
        {"a length behind a bare CR", "X: y\rContent-Length: 5\r\n"},
        {"a length behind a bare LF", "X: y\nContent-Length: 5\r\n"},
        {"a length without a colon", "Content-Length 5\r\n"},
    };
    for (const auto& [name, line] : names)
        rows.push_back(refuses(name, "9112 5.1", post(line, "hello" + hidden)));
    rows.push_back(refuses("two lengths in HTTP/1.0", "9112 6.3",
                           "POST /open/x HTTP/1.0\r\n" + host +
                               "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!" + hidden));
    rows.push_back(refuses("a length of eighteen digits", "9110 15.5.14",
                           post("Content-Length: 999999999999999999\r\n", "hello"),
                           "body_too_large"));
    rows.push_back(refuses("a length of one byte too many", "9110 15.5.14",
                           post("Content-Length: 1048577\r\n", "begin"), "body_too_large"));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(a_chunk_is_framed_in_one_way) {
    std::vector<RequestRow> rows;
    const std::vector<std::pair<std::string, std::string>> sizes{
        {"a blank after the size", "5 "},
        {"a tab after the size", "5\t"},
        {"a blank before the size", " 5"},
        {"a size with plus", "+5"},
        {"a size with minus", "-5"},
        {"a size with 0x", "0x5"},
        {"a size with h", "5h"},
        {"a size with an underscore", "0_5"},
        {"a size with a point", "5.0"},
        {"a size with a comma", "5,"},
        {"a size in quotes", "\"5\""},
        {"no size", ""},
        {"a size that is no number", "g"},
        {"a size in fullwidth digits", "\xef\xbc\x95"},
        {"a size with a bare CR", "5\r5"},
        {"a size of 17 digits", "00000000000000005"},
        {"a size of 2^63", "8000000000000000"},
        {"a size of 2^64 - 1", "ffffffffffffffff"},
        {"a size of 2^64 + 5", "10000000000000005"},
        {"a size with a field", "5: x"},
    };
    for (const auto& [name, size] : sizes)
        rows.push_back(bad_chunks(name, "9112 7.1", size + "\r\nhello\r\n0\r\n\r\n"));
    for (RequestRow& row : std::vector<RequestRow>{
             bad_chunks("LF after the size", "9112 7.1", "5\nhello\r\n0\r\n\r\n"),
             bad_chunks("CR alone after the size", "9112 7.1", "5\rhello\r\n0\r\n\r\n"),
             bad_chunks("LF CR after the size", "9112 7.1", "5\n\rhello\r\n0\r\n\r\n"),
             bad_chunks("LF after the data", "9112 7.1", "5\r\nhello\n0\r\n\r\n", "hello"),
             bad_chunks("CR alone after the data", "9112 7.1", "5\r\nhello\r0\r\n\r\n", "hello"),
             bad_chunks("nothing after the data", "9112 7.1", "5\r\nhello0\r\n\r\n", "hello"),
             bad_chunks("data longer than its size", "9112 7.1", "4\r\nhello\r\n0\r\n\r\n", "hell"),
             bad_chunks("data shorter than its size", "9112 7.1", "7\r\nhello\r\n0\r\n\r\n",
                        "hello\r\n"),
             bad_chunks("an empty line between chunks", "9112 7.1", "5\r\nhello\r\n\r\n0\r\n\r\n",
                        "hello"),
             bad_chunks("a bad second size", "9112 7.1", "5\r\nhello\r\n-1\r\n", "hello"),
             bad_chunks("LF after the last size", "9112 7.1", "0\n\r\n"),
             bad_chunks("LF for the last line", "9112 7.1", "0\r\n\n"),
             bad_chunks("CR alone for the last line", "9112 7.1", "0\r\n\rX"),
             bad_chunks("a last size of 17 zeros", "9112 7.1", std::string(17, '0') + "\r\n\r\n"),
             bad_chunks("a request for the last line", "9112 7.1.2", "0\r\n" + hidden),
             bad_chunks("no chunk but data", "9112 7.1", "hello"),
         })
        rows.push_back(std::move(row));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(control_bytes_have_no_place_in_chunks) {
    std::vector<RequestRow> rows;
    for (const BrokenChunks& broken : chunks_with_control_bytes())
        rows.push_back(bad_chunks(broken.name, broken.source, broken.body, broken.data));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(extensions_are_read_strictly_and_bounded) {
    std::vector<RequestRow> rows;
    const std::vector<std::pair<std::string, std::string>> extensions{
        {"without a name", ";"},
        {"without a name before another", ";;a"},
        {"without a name before its value", ";=a"},
        {"with two equals signs", ";a=b=c"},
        {"without a value", ";a="},
        {"with a blank in its name", ";a b"},
        {"with a separator in its name", ";a(b"},
        {"with a control byte", ";a\x01"},
        {"with a NUL", ";a=\0"s},
        {"with DEL", ";a=\x7f"},
        {"with an 8-bit name", ";\xc3\xa9"},
        {"with a bare CR in quotes", ";a=\"\r\""},
        {"with a bare LF in quotes", ";a=\"\n\""},
        {"with a line end in quotes", ";a=\"\r\n\""},
        {"with an escaped LF in quotes", ";a=\"\\\n\""},
        {"with a NUL in quotes", ";a=\"\0\""s},
        {"with open quotes", ";a=\"x"},
        {"with bytes behind its quotes", ";a=\"x\"y"},
        {"with an equals sign behind its quotes", ";a=\"x\"=y"},
    };
    for (const auto& [name, extension] : extensions)
        rows.push_back(bad_chunks("extension " + name, "9112 7.1.1",
                                  "5" + extension + "\r\nhello\r\n0\r\n\r\n"));
    rows.push_back(bad_chunks("last chunk's extension without a name", "9112 7.1.1", "0;\r\n\r\n"));
    // 4096 bytes of one line behind its semicolon, with the CR that ends it.
    const auto extended = [](std::size_t size) {
        return chunked("5;" + std::string(size, 'x') + "\r\nhello\r\n0\r\n\r\n");
    };
    rows.push_back(passes("an extension of the largest size", "9112 7.1.1", extended(4095),
                          seen_chunked("hello")));
    rows.push_back(breaks_off("an extension of one byte more", "9112 7.1.1", extended(4096),
                              seen_chunked("")));
    rows.push_back(breaks_off("an extension without an end", "9112 7.1.1",
                              chunked("5;" + std::string(8192, 'x')), seen_chunked("")));
    // All extensions of a body: 16 KiB and a quarter of the data, each with its CR.
    const auto extended_often = [](std::size_t last) {
        return chunked(repeated("1;" + std::string(2047, 'x') + "\r\nh\r\n", 7) + "1;" +
                       std::string(last, 'x') + "\r\nh\r\n0\r\n\r\n");
    };
    rows.push_back(in_one_piece(passes("extensions of the largest size", "9112 7.1.1",
                                       extended_often(2048), seen_chunked("hhhhhhhh"))));
    rows.push_back(in_one_piece(breaks_off("extensions of one byte more", "9112 7.1.1",
                                           extended_often(2049), seen_chunked("hhhhhhh"))));
    rows.push_back(passes("extensions are dropped", "9112 7.1.1",
                          chunked("5;a;b=c; d = \"e\\\"\xc3\xa9\" ;f\r\nhello\r\n0;last=1\r\n\r\n"),
                          seen_chunked("hello")));
    rows.push_back(passes("blanks round an extension", "9112 7.1.1",
                          chunked("5; \ta\t=\t b \r\nhello\r\n0\r\n\r\n"), seen_chunked("hello")));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(trailers_are_read_strictly_bounded_and_dropped) {
    std::vector<RequestRow> rows;
    const std::vector<std::pair<std::string, std::string>> trailers{
        {"without a colon", "X\r\n"},
        {"without a name", ": x\r\n"},
        {"with a blank before its colon", "X : y\r\n"},
        {"with a blank before its name", " X: y\r\n"},
        {"with a separator in its name", "X(y): z\r\n"},
        {"with an 8-bit name", "\xc3\xa9: y\r\n"},
        {"with a NUL in its name", "X\0: y\r\n"s},
        {"with a NUL", "X: \0\r\n"s},
        {"with a control byte", "X: \x01\r\n"},
        {"with DEL", "X: \x7f\r\n"},
        {"with a bare CR", "X: y\rZ: 1\r\n"},
        {"with CR CR LF", "X: y\r\r\n"},
        {"that ends with LF", "X: y\n"},
        {"folded", "X: y\r\n z\r\n"},
        {"folded with a tab", "X: y\r\n\tz\r\n"},
    };
    for (const auto& [name, trailer] : trailers)
        rows.push_back(bad_chunks("a trailer " + name, "9112 7.1.2", "0\r\n" + trailer + "\r\n"));
    for (const std::string trailer : {"Content-Length: 5", "content-length: 0",
                                      "transfer-encoding: chunked", "Transfer-Encoding: gzip"})
        rows.push_back(bad_chunks("framing in a trailer: " + trailer, "9110 6.5.1",
                                  "5\r\nhello\r\n0\r\nX: y\r\n" + trailer + "\r\n\r\n", "hello"));
    // 16 KiB of trailer lines, counted with the CR that ends each.
    const auto of_size = [](std::size_t size) {
        return chunked("0\r\n" + repeated("X: " + std::string(1020, 'x') + "\r\n", 15) +
                       "X: " + std::string(size - 15 * 1024 - 4, 'x') + "\r\n\r\n");
    };
    rows.push_back(in_one_piece(
        passes("trailers of the largest size", "9112 7.1.2", of_size(16384), seen_chunked(""))));
    rows.push_back(in_one_piece(
        breaks_off("trailers of one byte more", "9112 7.1.2", of_size(16385), seen_chunked(""))));
    rows.push_back(
        in_one_piece(breaks_off("trailers without an end", "9112 7.1.2",
                                chunked("0\r\n" + repeated("X: y\r\n", 5000)), seen_chunked(""))));
    rows.push_back(passes("trailers are dropped", "9110 6.5.1",
                          chunked("5\r\nhello\r\n0\r\nX-Key-Id: boss\r\nAuthorization: Bearer x\r\n"
                                  "Host: b\r\nConnection: close\r\n\r\n"),
                          seen_chunked("hello")));
    rows.push_back(passes("a trailer that was announced", "9110 6.5.1",
                          post("Trailer: X\r\nTransfer-Encoding: chunked\r\n",
                               "5\r\nhello\r\n0\r\nX:\r\nY: \t z \xc3\xa9\r\n\r\n"),
                          seen_chunked("hello")));
    rows.push_back(passes("a key in a trailer is nobody's", "9110 6.5.1",
                          chunked("0\r\nAuthorization: Bearer " + wire::key + "\r\n\r\n"),
                          seen_chunked("")));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(a_body_that_is_cut_never_looks_whole) {
    const auto by_length = [](const std::string& body) {
        return post("Content-Length: 6\r\n", body);
    };
    const auto seen_by_length = [](const std::string& body) {
        return seen_post("Content-Length: 6\r\n", body);
    };
    check_all({
        cut("by length, in its middle", by_length("hello"), seen_by_length("hello")),
        cut("by length, at its begin", by_length(""), seen_by_length("")),
        cut("chunked, at its begin", chunked(""), seen_chunked("")),
        cut("chunked, in a size", chunked("5"), seen_chunked("")),
        cut("chunked, in an extension", chunked("5;a"), seen_chunked("")),
        cut("chunked, behind a size's CR", chunked("5\r"), seen_chunked("")),
        cut("chunked, in its data", chunked("5\r\nhel"), seen_chunked("hel")),
        cut("chunked, behind its data", chunked("5\r\nhello"), seen_chunked("hello")),
        cut("chunked, behind the data's CR", chunked("5\r\nhello\r"), seen_chunked("hello")),
        cut("chunked, between chunks", chunked("5\r\nhello\r\n"), seen_chunked("hello")),
        cut("chunked, in the last size", chunked("5\r\nhello\r\n0"), seen_chunked("hello")),
        cut("chunked, before its last line", chunked("5\r\nhello\r\n0\r\n"), seen_chunked("hello")),
        cut("chunked, in its last line", chunked("5\r\nhello\r\n0\r\n\r"), seen_chunked("hello")),
        cut("chunked, in a trailer", chunked("5\r\nhello\r\n0\r\nX: y"), seen_chunked("hello")),
        cut("chunked, behind its trailers", chunked("5\r\nhello\r\n0\r\nX: y\r\n"),
            seen_chunked("hello")),
        in_one_piece(breaks_off("chunked, with one byte too many", "9110 15.5.14",
                                chunked("100001\r\n" + std::string(1048577, 'x') + "\r\n0\r\n\r\n"),
                                seen_chunked(std::string(1048577, 'x')), "body_too_large")),
    });
}

BOOST_AUTO_TEST_CASE(a_whole_body_arrives_as_its_data) {
    const std::string size = "Content-Length: " + std::to_string(hidden.size()) + "\r\n";
    std::ostringstream line;
    line << std::hex << hidden.size() << "\r\n";
    check_all({
        passes("length 0", "9112 6.2", post("Content-Length: 0\r\n", ""),
               seen_post("Content-Length: 0\r\n", "")),
        passes("by length", "9112 6.2", post("Content-Length: 5\r\n", "hello"),
               seen_post("Content-Length: 5\r\n", "hello")),
        passes("white space round a length", "9112 5.1",
               post("CONTENT-length:\t 5 \t\r\n", "hello"),
               seen_post("Content-Length: 5\r\n", "hello")),
        passes("a length that Connection names", "9110 7.6.1",
               post("Connection: Content-Length\r\nContent-Length: 5\r\n", "hello"),
               seen_post("Content-Length: 5\r\n", "hello")),
        passes("POST without a body", "9112 6.3", post("", ""), seen_post("", "")),
        passes("GET with a body", "9110 9.3.1", get("Content-Length: 5\r\n") + "hello",
               seen("GET /open/x", "Content-Length: 5\r\n", "hello")),
        passes("GET with chunks", "9110 9.3.1", get("Transfer-Encoding: chunked\r\n") + chunks,
               seen("GET /open/x", "Transfer-Encoding: chunked\r\n", "hello")),
        passes("HEAD with a body", "9110 9.3.2",
               "HEAD /open/x HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello",
               seen("HEAD /open/x", "Content-Length: 5\r\n", "hello")),
        passes("DELETE with a body", "9110 9.3.5",
               "DELETE /open/x HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello",
               seen("DELETE /open/x", "Content-Length: 5\r\n", "hello")),
        passes("OPTIONS with a body", "9110 9.3.7",
               "OPTIONS /open/x HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello",
               seen("OPTIONS /open/x", "Content-Length: 5\r\n", "hello")),
        passes("bytes of every kind", "9112 6.2",
               post("Content-Length: 8\r\n", "\0\r\n\xff\x01 \r\n"s),
               seen_post("Content-Length: 8\r\n", "\0\r\n\xff\x01 \r\n"s)),
        passes("a request inside", "9112 6.3", post(size, hidden), seen_post(size, hidden)),
        passes("a request inside a chunk", "9112 7.1",
               chunked(line.str() + hidden + "\r\n0\r\n\r\n"), seen_chunked(hidden)),
        passes("chunks inside a length", "9112 6.3", post("Content-Length: 15\r\n", chunks),
               seen_post("Content-Length: 15\r\n", chunks)),
        passes("chunked", "9112 7.1", chunked(chunks), seen_chunked("hello")),
        passes("chunked and empty", "9112 7.1", chunked("0\r\n\r\n"), seen_chunked("")),
        passes("a last size of 16 zeros", "9112 7.1",
               chunked("5\r\nhello\r\n" + std::string(16, '0') + "\r\n\r\n"),
               seen_chunked("hello")),
        passes("several chunks", "9112 7.1", chunked("1\r\nh\r\n4\r\nello\r\n000\r\n\r\n"),
               seen_chunked("hello")),
        passes("a chunk of line ends", "9112 7.1", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"),
               seen_chunked("\r\n\r\n")),
        passes("a size of 16 digits", "9112 7.1", chunked("0000000000000005\r\nhello\r\n0\r\n\r\n"),
               seen_chunked("hello")),
        passes("sizes in both letters", "9112 7.1",
               chunked("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
               seen_chunked("01234567890123456789")),
        in_one_piece(passes("a body of the largest size", "9110 15.5.14",
                            post("Content-Length: 1048576\r\n", std::string(1048576, 'x')),
                            seen_post("Content-Length: 1048576\r\n", std::string(1048576, 'x')))),
        passes("an expectation", "9110 10.1.1",
               post("Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"),
               seen_post("Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello")),
        passes_and_closes("HTTP/1.0 by length", "9112 6.2",
                          "POST /open/x HTTP/1.0\r\n" + host + "Content-Length: 5\r\n\r\nhello",
                          seen("POST /open/x", "Content-Length: 5\r\n", "hello", ours_1_0)),
        passes_and_closes("HTTP/1.0 expects nothing", "9110 10.1.1",
                          "POST /open/x HTTP/1.0\r\n" + host +
                              "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
                          seen("POST /open/x", "Content-Length: 2\r\n", "hi", ours_1_0)),
    });
}

BOOST_AUTO_TEST_SUITE_END()
