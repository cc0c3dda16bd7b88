#include "config/pattern.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace keygate::config;

} // namespace

// What is refused, and in which words, is in mistakes_test.cpp.
BOOST_AUTO_TEST_SUITE(config_pattern)

BOOST_AUTO_TEST_CASE(patterns_become_what_requests_are_compared_with) {
    const char* const rows[][2] = {
        {"/", "/"},
        {"/**", "/**"},
        {"/v1/tests", "/v1/tests"},
        {"/v1/tests/", "/v1/tests/"},
        {"/v1/{id}/x/**", "/v1/{id}/x/**"},
        {"/%61%2Db/%7e", "/a-b/~"},
        {"/caf%c3%a9", "/caf%C3%A9"},
        {"/a%20b", "/a%20b"},
        {"/%40%3a%21", "/%40%3A%21"}, // reserved characters keep the form they were sent in
        {"/@:!$&'()+,=", "/@:!$&'()+,="},
        {"/a.b/...", "/a.b/..."},
        {"/{a_1}/{B}", "/{a_1}/{B}"},
    };
    for (const auto& [written, canonical] : rows) {
        BOOST_TEST_CONTEXT(written) {
            const auto pattern = parse_pattern(written);
            BOOST_TEST_REQUIRE(pattern.value.has_value(), pattern.wrong);
            BOOST_TEST(*pattern.value == canonical);
            // What is canonical stays what it is.
            BOOST_TEST(parse_pattern(*pattern.value).value.value() == canonical);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_no_request_can_contain_is_no_pattern) {
    for (const char* text :
         {"",        "a",          "//",    "/a//b", "/a//",   "/.",    "/..",      "/a/.",
          "/a/../",  "/%2E",       "/.%2e", "/%2f",  "/%5C",   "/%00",  "/%1f",     "/%7F",
          "/%25",    "/%3b",       "/%3F",  "/%23",  "/%",     "/%4",   "/%4g",     "/%ff",
          "/%c0%af", "/%ed%a0%80", "/a b",  "/a\"",  "/a<b",   "/\\",   "/a^",      "/`",
          "/a|",     "/\x80",      "/a;b",  "/a*",   "/***",   "/**/",  "/**/a",    "/{",
          "/{}",     "/{a",        "/a}",   "/{a}b", "/{a b}", "/{1a}", "/{a}/{a}", "/{a}{b}"})
        BOOST_TEST(!parse_pattern(text).value.has_value(), text);
    BOOST_TEST(!parse_pattern("/" + std::string(2048, 'a')).value.has_value());
    BOOST_TEST(parse_pattern("/" + std::string(2047, 'a')).value.has_value());
}

BOOST_AUTO_TEST_CASE(methods_are_upper_case_tokens) {
    BOOST_TEST(parse_methods("ANY").value.value().empty());
    BOOST_TEST(parse_methods("GET").value.value() == std::vector<std::string>{"GET"},
               boost::test_tools::per_element());
    BOOST_TEST(parse_methods("GET|PATCH|M-SEARCH").value.value() ==
                   (std::vector<std::string>{"GET", "PATCH", "M-SEARCH"}),
               boost::test_tools::per_element());
    for (const char* text : {"", "|", "GET|", "|GET", "GET||PUT", "Get", "get", "G/T", "CONNECT",
                             "TRACE", "GET|TRACE", "GET|GET", "ANY|GET", "*", "GÉT"})
        BOOST_TEST(!parse_methods(text).value.has_value(), text);
}

BOOST_AUTO_TEST_CASE(shapes_forget_the_names_of_parameters) {
    BOOST_TEST(shape_of("/a/{x}/b/{yy}") == "/a/{}/b/{}");
    BOOST_TEST(shape_of("/a/**") == "/a/**");
}

BOOST_AUTO_TEST_SUITE_END()
