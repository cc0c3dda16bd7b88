#include "http/chunk_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace keygate;
using namespace std::string_literals;
using http::ChunkReader;

namespace {

/// What becomes of a body: `data|rest`, `data|more` or `invalid`. Whatever is valid may be followed
/// by `rest`, which is left alone.
std::string read_in_pieces(const std::string& body, const std::vector<std::size_t>& sizes,
                           const http::TrailerNames* kept = nullptr) {
    ChunkReader reader;
    if (kept != nullptr) reader.keep_trailers(*kept);
    std::string data;
    std::size_t at = 0;
    for (std::size_t i = 0; at < body.size(); ++i) {
        const std::size_t size = std::min(sizes[i % sizes.size()], body.size() - at);
        std::string piece = body.substr(at, size);
        const auto step = reader.read({piece.data(), piece.size()});
        BOOST_TEST(step.consumed <= size);
        BOOST_TEST(step.data <= step.consumed);
        if (step.state == ChunkReader::State::invalid) return "invalid";
        data += piece.substr(0, step.data);
        at += step.consumed;
        if (step.state == ChunkReader::State::done)
            return data + std::string{reader.trailers()} + '|' + body.substr(at);
        BOOST_TEST(step.consumed == size);
    }
    return data + "|more";
}

std::string read_whole(const std::string& body) {
    return read_in_pieces(body, {body.size() + 1});
}

std::string many(std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i)
        all += text;
    return all;
}

struct Row {
    std::string body;
    std::string result;
};

const std::vector<Row> rows{
    {"0\r\n\r\n", "|"},
    {"0\r\n\r\nGET /", "|GET /"},
    {"5\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"1\r\nh\r\n4\r\nello\r\n0\r\n\r\nx", "hello|x"},
    {"0000000000000005\r\nhello\r\n0000\r\n\r\n", "hello|"},
    {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789|"},
    {"5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n|"},
    {"5;a\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"5;a=b\r\nhello\r\n0;c=d\r\n\r\n", "hello|"},
    {"5; \ta \t= \tb \t;c\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"5;a=\"b;\\\"c\r\nhello\r\n0\r\n\r\n", "invalid"},
    {"5;a=\"b;\\\"c\xff \"\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"0\r\nX: y\r\n\r\n", "|"},
    {"0\r\nX:\r\nY: \t\xff\r\n\r\nrest", "|rest"},
    {"0\r\nAuthorization: Bearer x\r\nX-Key-Id: y\r\n\r\n", "|"},
    {"", "|more"},
    {"5", "|more"},
    {"5\r\nhel", "hel|more"},
    {"5\r\nhello\r\n", "hello|more"},
    {"5\r\nhello\r\n0\r\n", "hello|more"},
    {"5\r\nhello\r\n0\r\nX: y\r\n", "hello|more"},
    {"0\r\nContent-Length-X: 5\r\n\r\n", "|"},
    {"0\r\nX-Content-Length: 5\r\n\r\n", "|"},
    {"0\r\nContent-Length: 5\r\n\r\n", "invalid"},
    {"0\r\ncontent-LENGTH:\r\n\r\n", "invalid"},
    {"0\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n", "invalid"},
    {"\r\n", "invalid"},
    {";a\r\n", "invalid"},
    {" 5\r\n", "invalid"},
    {"5 \r\n", "invalid"},
    {"5\t;a\r\n", "invalid"},
    {"+5\r\n", "invalid"},
    {"-5\r\n", "invalid"},
    {"0x5\r\n", "invalid"},
    {"5h\r\n", "invalid"},
    {"00000000000000005\r\n", "invalid"},
    {"7fffffffffffffff\r\nx", "x|more"},
    {"8000000000000000\r\n", "invalid"},
    {"ffffffffffffffff\r\n", "invalid"},
    {"5\nhello", "invalid"},
    {"5\rhello", "invalid"},
    {"5\r\r\n", "invalid"},
    {"5\r\nhello0", "invalid"},
    {"5\r\nhello\n", "invalid"},
    {"5\r\nhello\r0", "invalid"},
    {"5;\r\n", "invalid"},
    {"5;=b\r\n", "invalid"},
    {"5;a=\r\n", "invalid"},
    {"5;a=b=c\r\n", "invalid"},
    {"5;a b\r\n", "invalid"},
    {"5;a=b c\r\n", "invalid"},
    {"5;a\x01\r\n", "invalid"},
    {"5;a\0\r\n"s, "invalid"},
    {"5;a\n", "invalid"},
    {"5;a\rb", "invalid"},
    {"5;a=\"\n\"\r\n", "invalid"},
    {"5;a=\"\r\n", "invalid"},
    {"5;a=\"\\\n\"\r\n", "invalid"},
    {"5;a=\"b\"c\r\n", "invalid"},
    {"5;a=\"\x7f\"\r\n", "invalid"},
    {"0\n\r\n", "invalid"},
    {"0\r\n\n", "invalid"},
    {"0\r\n\rx", "invalid"},
    {"0\r\nX\r\n", "invalid"},
    {"0\r\n: y\r\n", "invalid"},
    {"0\r\nX : y\r\n", "invalid"},
    {"0\r\n X: y\r\n", "invalid"},
    {"0\r\nX: y\r\n z\r\n", "invalid"},
    {"0\r\nX: y\n", "invalid"},
    {"0\r\nX: y\rz", "invalid"},
    {"0\r\nX: \0\r\n"s, "invalid"},
    {"0\r\nX\xe9: y\r\n", "invalid"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_chunk_reader)

BOOST_AUTO_TEST_CASE(a_body_has_one_reading) {
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT("body " << row.body) {
            BOOST_TEST(read_whole(row.body) == row.result);
        }
}

BOOST_AUTO_TEST_CASE(any_split_of_a_body_reads_alike) {
    std::mt19937 random{7};
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT("body " << row.body) {
            BOOST_TEST(read_in_pieces(row.body, {1}) == row.result);
            for (int i = 0; i < 30; ++i) {
                std::vector<std::size_t> sizes(5);
                for (auto& size : sizes)
                    size = random() % 7 + 1;
                BOOST_TEST(read_in_pieces(row.body, sizes) == row.result);
            }
        }
}

BOOST_AUTO_TEST_CASE(mutated_bodies_read_alike_in_any_split) {
    std::mt19937 random{11};
    static const std::string bytes = "\r\n\0 ;=\"\\:0123afx\xff"s;
    for (int i = 0; i < 20'000; ++i) {
        std::string body = rows[random() % rows.size()].body + rows[random() % rows.size()].body;
        for (auto change = random() % 4; change > 0 && !body.empty(); --change) {
            const std::size_t at = random() % body.size();
            switch (random() % 3) {
            case 0:
                body[at] = bytes[random() % bytes.size()];
                break;
            case 1:
                body.erase(at, 1);
                break;
            default:
                body.insert(at, 1, bytes[random() % bytes.size()]);
                break;
            }
        }
        const std::string whole = read_whole(body);
        const std::string split = read_in_pieces(body, {1, 1 + random() % 5, 1 + random() % 9});
        if (whole != split) BOOST_TEST_CONTEXT("body " << body) {
                BOOST_TEST(whole == split);
            }
    }
}

BOOST_AUTO_TEST_CASE(only_the_trailers_that_may_pass_are_kept) {
    const http::TrailerNames kept{{"Server-Timing", "X-Sum"}};
    const std::vector<Row> with_trailers{
        {"0\r\n\r\n", "|"},
        {"0\r\nX-Sum: 1\r\n\r\nrest", "X-Sum: 1\r\n|rest"},
        {"0\r\nx-sum:1\r\n\r\n", "x-sum: 1\r\n|"},
        {"0\r\nX-Sum: \t a \tb\t \r\n\r\n", "X-Sum: a \tb\r\n|"},
        {"0\r\nX-Sum:\r\n\r\n", "X-Sum: \r\n|"},
        {"0\r\nX-Sum: \t\r\n\r\n", "X-Sum: \r\n|"},
        {"0\r\nX-Su: 1\r\nX-Summ: 2\r\nX-Sum: 3\r\nAuthorization: x\r\nServer-Timing: "
         "db;dur=5\r\n\r\n",
         "X-Sum: 3\r\nServer-Timing: db;dur=5\r\n|"},
        {"0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n", "X-Sum: 1\r\nX-Sum: 2\r\n|"},
        {"2\r\nhi\r\n0\r\nX-Sum: \xff\r\n\r\n", "hiX-Sum: \xff\r\n|"},
        {"0\r\nX-Sum: 1\r\nContent-Length: 1\r\n\r\n", "invalid"},
        {"0\r\nX-Sum: \0\r\n\r\n"s, "invalid"},
        {"0\r\nX-Sum : 1\r\n\r\n", "invalid"},
        {"0\r\nX-Sum: 1\r\n 2\r\n\r\n", "invalid"},
    };
    for (const Row& row : with_trailers)
        BOOST_TEST_CONTEXT("body " << row.body) {
            for (std::size_t size = 1; size <= row.body.size(); ++size)
                BOOST_TEST(read_in_pieces(row.body, {size}, &kept) == row.result);
        }
}

BOOST_AUTO_TEST_CASE(extensions_and_trailers_are_bounded) {
    const auto line = [](std::size_t size) {
        return "1;" + std::string(size - 2, 'x') + "\r\nh\r\n";
    };
    // The `;` is not counted, the CR is.
    BOOST_TEST(read_whole(line(ChunkReader::max_extension + 1) + "0\r\n\r\n") == "h|");
    BOOST_TEST(read_whole(line(ChunkReader::max_extension + 2) + "0\r\n\r\n") == "invalid");
    BOOST_TEST(read_whole(many(line(1000), 16) + "0\r\n\r\n") == std::string(16, 'h') + '|');
    BOOST_TEST(read_whole(many(line(1000), 17) + "0\r\n\r\n") == "invalid");
    // Much data may have many extensions.
    const std::string large = "400;0123456789abcdef\r\n" + std::string(1024, 'd') + "\r\n";
    BOOST_TEST(
        (read_whole(many(large, 2000) + "0\r\n\r\n") == std::string(1024 * 2000, 'd') + '|'));
    const std::string trailer = "X: " + std::string(1021, 'y') + "\r\n"; // 1025 counted
    BOOST_TEST(read_whole("0\r\n" + many(trailer, 15) + "\r\n") == "|");
    BOOST_TEST(read_whole("0\r\n" + many(trailer, 16) + "\r\n") == "invalid");
    BOOST_TEST(read_whole("0\r\n" + std::string(ChunkReader::max_trailer + 1, 'x')) == "invalid");
}

BOOST_AUTO_TEST_SUITE_END()
