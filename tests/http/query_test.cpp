#include "http/query.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace keygate;

namespace {

std::string without(std::string_view query, const std::vector<std::string>& names) {
    std::string out;
    http::append_without(out, query, names);
    return out;
}

struct Case {
    std::string_view query;
    std::string_view left;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_query)

BOOST_AUTO_TEST_CASE(a_parameter_is_taken_out_and_nothing_else) {
    for (const Case& one : std::vector<Case>{
             {"", ""},
             {"?", "?"},
             {"?a", "?a"},
             {"?a=1&b=2", "?a=1&b=2"},
             {"?key=x", ""},
             {"?key", ""},
             {"?key=", ""},
             {"?key=x&a=1", "?a=1"},
             {"?a=1&key=x", "?a=1"},
             {"?a=1&key=x&b=2", "?a=1&b=2"},
             {"?key=x&key=y&key=z", ""},
             {"?key=x&a=1&key=y", "?a=1"},
             {"?a=1;key=x;b=2", "?a=1;b=2"},
             {"?key=x;a=1&b=2", "?a=1&b=2"},
             {"?a=1;key=x&b=2", "?a=1&b=2"},
             {"?%6Bey=x&a=1", "?a=1"},
             {"?k%65%79=x", ""},
             {"?token=x&key=y", ""},
             {"?to%6ben=x&a", "?a"},
             // Others, however much they look like it.
             {"?Key=x", "?Key=x"},
             {"?keys=x", "?keys=x"},
             {"?ke=x", "?ke=x"},
             {"?key%20=x", "?key%20=x"},
             {"?key+=x", "?key+=x"},
             {"?key%00=x", "?key%00=x"},
             {"?a=key=x", "?a=key=x"},
             {"?a=?key=x", "?a=?key=x"},
             {"?=key", "?=key"},
             {"?key%3Dx", "?key%3Dx"},
             // What means nothing stays as it is.
             {"?&&", "?&&"},
             {"?a=1&", "?a=1&"},
             {"?key=x&", "?"},
             {"?&key=x", "?"},
             {"?a=b=c&d", "?a=b=c&d"},
             {"?a=1?b", "?a=1?b"},
         })
        BOOST_TEST_CONTEXT(one.query) {
            BOOST_TEST(without(one.query, {"key", "token"}) == one.left);
            BOOST_TEST(without(one.query, {}) == one.query);
        }
}

BOOST_AUTO_TEST_CASE(what_is_appended_stands_behind_what_was_there) {
    std::string out = "/v1/orders";
    http::append_without(out, "?a=1&key=x", std::vector<std::string>{"key"});
    BOOST_TEST(out == "/v1/orders?a=1");
}

BOOST_AUTO_TEST_CASE(a_name_with_a_space_is_read_in_both_spellings) {
    BOOST_TEST(without("?my+key=x&my%20key=y&my key=z&a", {"my key"}) == "?a");
}

BOOST_AUTO_TEST_SUITE_END()
