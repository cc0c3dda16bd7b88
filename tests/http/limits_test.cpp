#include "http/limits.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace keygate;
using http::HeadEnd;

namespace {

constexpr std::size_t max_size = 64;

std::string text_of(const HeadEnd& end) {
    switch (end.state) {
    case HeadEnd::State::incomplete:
        return "incomplete";
    case HeadEnd::State::complete:
        return std::to_string(end.size);
    case HeadEnd::State::invalid:
        return "invalid";
    case HeadEnd::State::too_large:
        break;
    }
    return "too large";
}

std::string found_whole(std::string_view bytes) {
    return text_of(http::find_head_end(bytes, 0, max_size));
}

std::string found_in_pieces(std::string_view bytes, std::mt19937& random, unsigned largest) {
    std::size_t scanned = 0;
    for (std::size_t size = 0; size < bytes.size();) {
        size = std::min(bytes.size(), size + 1 + random() % largest);
        const auto end = http::find_head_end(bytes.substr(0, size), scanned, max_size);
        if (end.state != HeadEnd::State::incomplete) return text_of(end);
        BOOST_TEST(end.scanned >= scanned);
        BOOST_TEST(end.scanned <= size);
        scanned = end.scanned;
    }
    return "incomplete";
}

struct Row {
    std::string bytes;
    std::string found;
};

const std::vector<Row> rows{
    {"", "incomplete"},
    {"G", "incomplete"},
    {"GET / HTTP/1.1\r\n", "incomplete"},
    {"GET / HTTP/1.1\r\n\r\n", "18"},
    {"GET / HTTP/1.1\r\nA: b\r\n\r\nbody\n", "24"},
    {"GET / HTTP/1.1\r\nA: b\r\n\r", "incomplete"},
    {"\r\n", "2"},
    {"\r", "incomplete"},
    {"\rG", "invalid"},
    {"\nG", "invalid"},
    {" GET", "invalid"},
    {"\x16\x03", "invalid"},
    {"GET / HTTP/1.1\n", "invalid"},
    {"GET / HTTP/1.1\r\n\n", "invalid"},
    {"GET / HTTP/1.1\r\nA: b\n", "invalid"},
    {"GET / HTTP/1.1\r\r\n", "invalid"},
    {"GET / HTTP/1.1\r\nA: b\r\n\r\r\n", "invalid"},
    {"GET / HTTP/1.1\r\n A: b\r\n", "invalid"},
    {"GET / HTTP/1.1\r\nA: b\r\n\tc\r\n", "invalid"},
    {"A: " + std::string(57, 'x') + "\r\n\r\n", "64"},
    {"A: " + std::string(58, 'x') + "\r\n\r\n", "too large"},
    {std::string(63, 'x'), "incomplete"},
    {std::string(64, 'x'), "too large"},
    {std::string(64, 'x') + "\n", "too large"},
    {std::string(70, 'x') + "\nA: b", "too large"},
    {std::string(62, 'x') + "\r\n b", "too large"},
    {std::string(60, 'x') + "\r\n b\r\n", "invalid"},
    {std::string(61, 'x') + "\r\n\r\n", "too large"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_limits)

BOOST_AUTO_TEST_CASE(the_end_of_a_head_is_found_in_any_split) {
    std::mt19937 random{3};
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT("head " << row.bytes) {
            BOOST_TEST(found_whole(row.bytes) == row.found);
            for (int i = 0; i < 30; ++i)
                BOOST_TEST(found_in_pieces(row.bytes, random, 1 + i) == row.found);
        }
}

BOOST_AUTO_TEST_CASE(any_bytes_are_judged_alike_in_any_split) {
    std::mt19937 random{5};
    static constexpr std::string_view letters{"\r\n\r\n\r\n GA:b\t\x01"};
    for (int i = 0; i < 50'000; ++i) {
        std::string bytes;
        for (std::size_t size = random() % 90; size > 0; --size)
            bytes +=
                random() % 3 == 0 ? "\r\n" : std::string(1, letters[random() % letters.size()]);
        const std::string whole = found_whole(bytes);
        const std::string split = found_in_pieces(bytes, random, 1 + random() % 8);
        if (whole != split) BOOST_TEST_CONTEXT("head " << bytes) {
                BOOST_TEST(whole == split);
            }
    }
}

BOOST_AUTO_TEST_CASE(a_host_is_a_name_or_an_address_with_at_most_a_port) {
    for (const std::string_view host :
         {"a", "a.example", "a.example:80", "127.0.0.1:8080", "[::1]", "[::1]:80", "a_b",
          "xn--bcher-kva.example", "a:", "A:65535", "a:0"})
        BOOST_TEST_CONTEXT(host) {
            BOOST_TEST(http::is_valid_host(host));
        }
    for (const std::string_view host :
         {"",        ":80",      "a b",      "a,b",          "a/b",     "u@a",  "a:b",  "a:65536",
          "a:99999", "a:123456", "a:80:80",  "a:-1",         "a:+1",    "a:8 ", "[",    "[]",
          "[]:80",   "[::1",     "::1",      "[::1]x",       "[::1]:x", "[g]",  "a%41", "a\\b",
          "a#b",     "a?b",      "\xc3\xa9", "[::1%25eth0]", "a\t"})
        BOOST_TEST_CONTEXT(host) {
            BOOST_TEST(!http::is_valid_host(host));
        }
}

BOOST_AUTO_TEST_CASE(a_length_is_one_plain_number) {
    std::uint64_t length = 1;
    BOOST_TEST(http::read_content_length("0", length));
    BOOST_TEST(length == 0U);
    BOOST_TEST(http::read_content_length("999999999999999999", length));
    BOOST_TEST(length == 999'999'999'999'999'999U);
    for (const std::string_view value : {"", " ", "00", "01", "+1", "-1", "0x1", "1 ", " 1", "1,1",
                                         "1.0", "1e1", "1000000000000000000", "\xd9\xa1", "a"})
        BOOST_TEST_CONTEXT(value) {
            BOOST_TEST(!http::read_content_length(value, length));
        }
}

BOOST_AUTO_TEST_CASE(framing_is_one_of_length_and_chunked_or_none) {
    using http::FieldName;
    using Fields = std::vector<std::pair<FieldName, std::string_view>>;
    constexpr auto length = FieldName::content_length;
    constexpr auto coding = FieldName::transfer_encoding;
    const auto framing_of = [](const Fields& fields, std::uint8_t minor_version) -> std::string {
        http::Head head;
        head.minor_version = minor_version;
        http::FramingGuard guard;
        for (const auto& [id, value] : fields)
            if (!guard.take(id, value)) return "invalid";
        if (!guard.judge(head)) return "invalid";
        if (head.framing == http::Framing::none) return "none";
        return head.framing == http::Framing::chunked ? "chunked"
                                                      : std::to_string(head.content_length);
    };
    BOOST_TEST(framing_of({}, 1) == "none");
    BOOST_TEST(framing_of({{FieldName::host, "a"}}, 1) == "none");
    BOOST_TEST(framing_of({{length, "5"}}, 1) == "5");
    BOOST_TEST(framing_of({{length, "5"}}, 0) == "5");
    BOOST_TEST(framing_of({{coding, "chunked"}}, 1) == "chunked");
    BOOST_TEST(framing_of({{coding, "ChunkeD"}}, 1) == "chunked");
    BOOST_TEST(framing_of({{coding, "chunked"}}, 0) == "invalid");
    BOOST_TEST(framing_of({{coding, "gzip"}}, 1) == "invalid");
    BOOST_TEST(framing_of({{coding, ""}}, 1) == "invalid");
    BOOST_TEST(framing_of({{coding, "chunked"}, {coding, "chunked"}}, 1) == "invalid");
    BOOST_TEST(framing_of({{coding, "chunked"}, {length, "5"}}, 1) == "invalid");
    BOOST_TEST(framing_of({{length, "5"}, {coding, "chunked"}}, 1) == "invalid");
    BOOST_TEST(framing_of({{length, "5"}, {length, "5"}}, 1) == "invalid");
}

BOOST_AUTO_TEST_CASE(a_body_beyond_its_bound_is_refused) {
    http::Head head;
    head.framing = http::Framing::length;
    head.content_length = 10;
    BOOST_TEST(!http::check_body_length(head, std::nullopt));
    BOOST_TEST(!http::check_body_length(head, 10));
    BOOST_TEST_REQUIRE(http::check_body_length(head, 9).has_value());
    BOOST_TEST((http::check_body_length(head, 9)->reason == Reason::body_too_large));
    BOOST_TEST(!http::check_body_piece(true, 10, 10));
    BOOST_TEST((http::check_body_piece(true, 11, 10)->reason == Reason::body_too_large));
    BOOST_TEST((http::check_body_piece(false, 1, 10)->reason == Reason::body_invalid));
    BOOST_TEST((http::refuse_cut_body().reason == Reason::body_invalid));
    BOOST_TEST((http::refuse_head(HeadEnd::State::invalid).reason == Reason::head_invalid));
    BOOST_TEST((http::refuse_head(HeadEnd::State::too_large).reason == Reason::head_too_large));
}

BOOST_AUTO_TEST_SUITE_END()
