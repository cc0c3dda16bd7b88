#include "redis/codec.hpp"
#include "redis/error.hpp"
#include "support/scripted_redis.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>

namespace keygate::redis {
namespace {

namespace bdata = boost::unit_test::data;
using Kind = Reply::Kind;

/// All replies in the bytes, and the Fault that ended them if one did.
struct Decoded {
    std::vector<Reply> replies;
    std::optional<Fault> fault;
};

Decoded decode(std::string_view bytes, std::size_t piece, Decoder::Bounds bounds = {}) {
    Decoder decoder(bounds);
    Decoded decoded;
    while (!bytes.empty()) {
        const std::string_view next = bytes.substr(0, piece);
        bytes.remove_prefix(next.size());
        decoder.feed({next.data(), next.size()});
        for (;;) {
            auto reply = decoder.next();
            if (!reply) {
                decoded.fault = reply.error();
                return decoded;
            }
            if (!*reply) break;
            decoded.replies.push_back(std::move(**reply));
        }
    }
    return decoded;
}

Reply text(std::string content, Kind kind = Kind::text) {
    Reply reply;
    reply.kind = kind;
    reply.text = std::move(content);
    return reply;
}

Reply number(std::int64_t value) {
    Reply reply;
    reply.kind = Kind::number;
    reply.number = value;
    return reply;
}

Reply list(std::vector<Reply> elements) {
    Reply reply;
    reply.kind = Kind::list;
    reply.list = std::move(elements);
    return reply;
}

std::string nested(int depth) {
    std::string bytes;
    for (int i = 0; i < depth; ++i)
        bytes += "*1\r\n";
    return bytes + ":1\r\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(redis_codec)

BOOST_DATA_TEST_CASE(replies_are_the_same_in_any_pieces, bdata::make({1U, 2U, 7U, 1000U}), piece) {
    using namespace std::string_literals;
    const std::string bytes =
        "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\n\0b\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
        "*3\r\n:1\r\n*2\r\n+a\r\n*1\r\n$1\r\nb\r\n$-1\r\n"
        ":9223372036854775807\r\n+\r\n"s;
    const auto decoded = decode(bytes, piece);
    BOOST_TEST(!decoded.fault);
    const std::vector<Reply> expected{
        text("OK", Kind::status),
        text("ERR no", Kind::error),
        number(-42),
        text("a\r\n\0b"s),
        text(""),
        Reply{},
        Reply{},
        list({}),
        list({number(1), list({text("a", Kind::status), list({text("b")})}), Reply{}}),
        number(INT64_MAX),
        text("", Kind::status),
    };
    BOOST_TEST((decoded.replies == expected));
}

BOOST_DATA_TEST_CASE(
    what_is_no_reply_is_a_fault,
    bdata::make({"HTTP/1.1 400 Bad Request\r\n", "\r\n", "?1\r\n", ":12x\r\n", ":\r\n", "$x\r\n",
                 "$-2\r\n", "*-2\r\n", "*x\r\n", "*3000000000\r\n", "*99999999999999999999\r\n",
                 "$99999999999999999999\r\n", "$3\r\nabcde\r\n", "*2\r\n:1\r\n$1\r\nabc",
                 ":11111111111111111111111111111111111111"}) ^
        bdata::xrange(15),
    bytes, index) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
        const auto decoded = decode(bytes, piece);
        BOOST_TEST_REQUIRE(decoded.fault.has_value(), "number " << index);
        BOOST_TEST(decoded.fault->error == Error::protocol);
        BOOST_TEST(decoded.replies.empty());
    }
}

BOOST_DATA_TEST_CASE(resp3_is_not_spoken,
                     bdata::make({"%1\r\n+a\r\n:1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(123\r\n",
                                  "=5\r\ntxt:a\r\n", "~1\r\n:1\r\n", ">1\r\n:1\r\n",
                                  "!3\r\nERR\r\n", "|1\r\n+a\r\n:1\r\n"}),
                     bytes) {
    const auto decoded = decode(bytes, 1000);
    BOOST_TEST_REQUIRE(decoded.fault.has_value());
    BOOST_TEST(decoded.fault->error == Error::protocol);
}

BOOST_DATA_TEST_CASE(an_announced_size_is_judged_before_it_is_believed,
                     bdata::make({"*1000000000\r\n", "*1000001\r\n", "*2\r\n*1000000\r\n",
                                  "$1000000000\r\n", "$9000000000000000000\r\n",
                                  "*2\r\n:1\r\n$16777217\r\n"}),
                     bytes) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
        const auto decoded = decode(bytes, piece);
        BOOST_TEST_REQUIRE(decoded.fault.has_value());
        BOOST_TEST(decoded.fault->error == Error::too_large);
    }
}

BOOST_AUTO_TEST_CASE(a_reply_of_many_small_parts_is_bounded) {
    const Decoder::Bounds bounds{.bytes = 100, .elements = 50};
    std::string bytes = "*40\r\n";
    for (int i = 0; i < 40; ++i)
        bytes += ":1\r\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
        const auto decoded = decode(bytes, piece, bounds);
        BOOST_TEST_REQUIRE(decoded.fault.has_value());
        BOOST_TEST(decoded.fault->error == Error::too_large);
    }
}

BOOST_DATA_TEST_CASE(many_small_replies_are_not_one_large_one, bdata::make({1U, 64U, 100'000U}),
                     piece) {
    std::string bytes;
    for (int i = 0; i < 1000; ++i)
        bytes += "*2\r\n:1\r\n$3\r\nabc\r\n";
    const auto decoded = decode(bytes, piece, {.bytes = 100, .elements = 2});
    BOOST_TEST(!decoded.fault);
    BOOST_TEST(decoded.replies.size() == 1000U);
}

BOOST_DATA_TEST_CASE(a_line_that_does_not_end_is_refused, bdata::make({"+", "-"}), type) {
    const std::string bytes = type + std::string(70'000, 'a');
    const auto open = decode(bytes, 4096);
    BOOST_TEST_REQUIRE(open.fault.has_value());
    BOOST_TEST(open.fault->error == Error::too_large);
    const auto whole = decode(bytes + "\r\n", 100'000);
    BOOST_TEST_REQUIRE(whole.fault.has_value());
    BOOST_TEST(whole.fault->error == Error::too_large);
    const auto longest = decode(type + std::string(65'536, 'a') + "\r\n", 1000);
    BOOST_TEST(longest.replies.size() == 1U);
}

BOOST_AUTO_TEST_CASE(lists_nest_seven_deep_and_no_deeper) {
    BOOST_TEST(decode(nested(7), 1000).replies.size() == 1U);
    const auto deeper = decode(nested(12), 1000);
    BOOST_TEST_REQUIRE(deeper.fault.has_value());
    BOOST_TEST(deeper.fault->error == Error::protocol);
}

BOOST_AUTO_TEST_CASE(replies_before_the_fault_are_told_and_none_after_it) {
    Decoder decoder;
    const std::string_view bytes = "+a\r\n*2\r\n$3\r\nabc\r\n!";
    decoder.feed({bytes.data(), bytes.size()});
    const auto first = decoder.next();
    BOOST_TEST_REQUIRE(first.has_value());
    BOOST_TEST_REQUIRE(first->has_value());
    BOOST_TEST((*first)->is_status("a"));
    for (int i = 0; i < 3; ++i) {
        const auto next = decoder.next();
        BOOST_TEST_REQUIRE(next.has_error());
        BOOST_TEST(next.error().error == Error::protocol);
        decoder.feed({"+b\r\n", 4});
    }
}

BOOST_AUTO_TEST_CASE(a_decoder_moves_in_the_middle_of_a_reply) {
    Decoder decoder;
    decoder.feed({"*2\r\n+a\r\n+", 9});
    BOOST_TEST(!decoder.next()->has_value());
    Decoder moved = std::move(decoder);
    moved.feed({"b\r\n", 3});
    const auto reply = moved.next();
    BOOST_TEST_REQUIRE(reply->has_value());
    BOOST_TEST(((*reply)->list == std::vector{text("a", Kind::status), text("b", Kind::status)}));
}

BOOST_AUTO_TEST_CASE(commands_are_lists_of_binary_words) {
    using namespace std::string_literals;
    std::string out = "x";
    append(out, {"SET", "a\r\nb", ""});
    append(out, Command{"GET", "\0"s});
    BOOST_TEST(out ==
               "x*3\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\n\0\r\n"s);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::redis
