#include "admin/message.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <random>

namespace keygate::admin {
namespace {

BOOST_AUTO_TEST_SUITE(admin_message)

BOOST_AUTO_TEST_CASE(a_target_is_split_into_path_and_decoded_parameters) {
    Request request;
    BOOST_TEST_REQUIRE(read_target("/a/b%20c?x=1&y=a%26b&z&=q&&w=a+b", request));
    BOOST_TEST(request.path == "/a/b%20c");
    BOOST_TEST_REQUIRE(request.query.size() == 5u);
    BOOST_TEST(request.parameter("x").value() == "1");
    BOOST_TEST(request.parameter("y").value() == "a&b");
    BOOST_TEST(request.parameter("z").value() == "");
    BOOST_TEST(request.parameter("").value() == "q");
    BOOST_TEST(request.parameter("w").value() == "a+b");
    BOOST_TEST(!request.parameter("v"));
}

BOOST_AUTO_TEST_CASE(what_is_no_target_in_origin_form_is_refused) {
    for (const std::string_view target :
         {"", "*", "a", "http://x/", "/a b", "/a#b", "/\x7f", "/\xc3\xa4", "/a?x=%", "/a?x=%1",
          "/a?x=%zz", "/a?%f=1", "/a\t"}) {
        BOOST_TEST_CONTEXT(target) {
            Request request;
            BOOST_TEST(!read_target(target, request));
        }
    }
}

BOOST_AUTO_TEST_CASE(any_bytes_survive_encoding_and_decoding) {
    std::mt19937 random(7);
    for (int round = 0; round < 1000; ++round) {
        std::string text(random() % 40, '\0');
        for (char& c : text)
            c = static_cast<char>(random());
        const auto encoded = percent_encoded(text);
        BOOST_TEST(encoded.find_first_not_of("%ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789-._~") == std::string::npos);
        BOOST_TEST(percent_decoded(encoded).value() == text);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
