#include "keys/endpoint_list.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace keygate::keys {
namespace {

using config::TrailingSlash;

EndpointList list_of(const std::vector<std::string>& texts) {
    auto list = EndpointList::parse(texts);
    BOOST_TEST_REQUIRE(list.value.has_value(), list.wrong);
    return std::move(*list.value);
}

struct Case {
    std::string endpoint;
    std::string method;
    std::string path;
    bool is_admitted;
    bool with_slash; // the same where a trailing slash is ignored
};

BOOST_AUTO_TEST_SUITE(keys_endpoint_list)

BOOST_AUTO_TEST_CASE(a_request_is_of_an_endpoint_or_it_is_not) {
    const std::vector<Case> cases{
        {"GET /v1/orders", "GET", "/v1/orders", true, true},
        {"GET /v1/orders", "GET", "/v1/orders/", false, true},
        {"GET /v1/orders/", "GET", "/v1/orders", false, true},
        {"GET /v1/orders/", "GET", "/v1/orders/", true, true},
        {"GET /v1/orders", "GET", "/v1/orders/7", false, false},
        {"GET /v1/orders", "GET", "/v1/order", false, false},
        {"GET /v1/orders", "GET", "/v1/orders2", false, false},
        {"GET /v1/orders", "GET", "/v1", false, false},
        {"GET /v1/orders", "GET", "/", false, false},
        {"GET /v1/orders", "GET", "/v1/Orders", false, false},
        {"GET /", "GET", "/", true, true},
        {"GET /", "GET", "/x", false, false},
        // Methods: HEAD follows GET, and nothing follows anything else.
        {"GET /v1/orders", "HEAD", "/v1/orders", true, true},
        {"HEAD /v1/orders", "GET", "/v1/orders", false, false},
        {"GET /v1/orders", "POST", "/v1/orders", false, false},
        {"GET /v1/orders", "get", "/v1/orders", false, false},
        {"GET|POST /v1/orders", "POST", "/v1/orders", true, true},
        {"GET|POST /v1/orders", "PUT", "/v1/orders", false, false},
        {"ANY /v1/orders", "DELETE", "/v1/orders", true, true},
        {"ANY /v1/orders", "PROPFIND", "/v1/orders", true, true},
        {"GET  /v1/orders", "GET", "/v1/orders", true, true},
        // Parameters stand for one segment that is not empty.
        {"GET /v1/orders/{id}", "GET", "/v1/orders/7", true, true},
        {"GET /v1/orders/{id}", "GET", "/v1/orders/", false, false},
        {"GET /v1/orders/{id}", "GET", "/v1/orders", false, false},
        {"GET /v1/orders/{id}", "GET", "/v1/orders/7/items", false, false},
        {"GET /v1/orders/{id}", "GET", "/v1/orders/7/", false, true},
        {"GET /v1/{a}/items/{b}", "GET", "/v1/x/items/y", true, true},
        {"GET /v1/{a}/items/{b}", "GET", "/v1/x/item/y", false, false},
        // Everything below, at the border of a segment.
        {"GET /v1/orders/**", "GET", "/v1/orders", true, true},
        {"GET /v1/orders/**", "GET", "/v1/orders/", true, true},
        {"GET /v1/orders/**", "GET", "/v1/orders/7/items", true, true},
        {"GET /v1/orders/**", "GET", "/v1/ordersecret", false, false},
        {"GET /v1/orders/**", "GET", "/v1/orders;x=1", false, false},
        {"GET /v1/{a}/**", "GET", "/v1/", false, false},
        {"GET /v1/{a}/**", "GET", "/v1/x", true, true},
        {"ANY /**", "GET", "/", true, true},
        {"ANY /**", "GET", "/a/b", true, true},
        // A literal has one spelling.
        {"GET /v1/orders", "GET", "/v1/orders;x=1", false, false},
        {"GET /v1/orders", "GET", "/v1;x/orders", false, false},
        {"GET /v1/orders/7", "GET", "/v1/orders/7;", false, false},
        {"GET /v1/a:b", "GET", "/v1/a%3Ab", false, false},
        {"GET /v1/a%3ab", "GET", "/v1/a%3Ab", true, true},
        {"GET /v1/%61", "GET", "/v1/a", true, true},
        {"GET /v1/{name}", "GET", "/v1/a%3Ab", true, true},
        {"GET /v1/{name}", "GET", "/v1/7;x=1", true, true},
        {"GET /v1/orders", "GET", "", false, false},
        {"GET /v1/orders", "GET", "v1/orders", false, false},
    };
    for (const Case& one : cases)
        BOOST_TEST_CONTEXT(one.endpoint << " and " << one.method << " " << one.path) {
            const EndpointList list = list_of({one.endpoint});
            BOOST_TEST(list.admits(one.method, one.path, TrailingSlash::strict) == one.is_admitted);
            BOOST_TEST(list.admits(one.method, one.path, TrailingSlash::ignore) == one.with_slash);
        }
}

BOOST_AUTO_TEST_CASE(one_endpoint_of_several_is_enough) {
    const EndpointList list = list_of({"GET /v1/orders/**", "POST /v1/orders"});
    BOOST_TEST(list.admits("POST", "/v1/orders", TrailingSlash::strict));
    BOOST_TEST(list.admits("GET", "/v1/orders/7", TrailingSlash::strict));
    BOOST_TEST(!list.admits("POST", "/v1/orders/7", TrailingSlash::strict));
    BOOST_TEST(!list_of({}).admits("GET", "/v1/orders", TrailingSlash::strict));
}

BOOST_AUTO_TEST_CASE(what_no_line_of_the_map_could_say_is_refused) {
    for (const char* const text : {"",
                                   " ",
                                   "GET",
                                   "/v1/orders",
                                   "GET/v1/orders",
                                   "GET v1/orders",
                                   "GET /v1 /orders",
                                   "GET /v1/orders HTTP/1.1",
                                   "get /v1/orders",
                                   "* /v1/orders",
                                   "GET|GET /x",
                                   "ANY|GET /x",
                                   "TRACE /x",
                                   "CONNECT /x",
                                   "GET *",
                                   "GET /*",
                                   "GET /v1/*",
                                   "GET /**/x",
                                   "GET /v1/**/",
                                   "GET //",
                                   "GET /a//b",
                                   "GET /a/../b",
                                   "GET /.",
                                   "GET /%2e%2e",
                                   "GET /a%2Fb",
                                   "GET /a;b",
                                   "GET /a?b",
                                   "GET /a#b",
                                   "GET /a{b}",
                                   "GET /{}",
                                   "GET /{a}/{a}",
                                   "GET /\xC3\xA9",
                                   "GET /%zz",
                                   "GET https://a.example/x"}) {
        const std::vector<std::string> texts{"GET /v1/orders", text};
        BOOST_TEST(!EndpointList::parse(texts).value.has_value(), text);
    }
    const std::vector<std::string> texts{"GET /v1/*"};
    BOOST_TEST(EndpointList::parse(texts).wrong ==
               "expected endpoints such as GET /v1/orders/**; found `GET /v1/*`: `*` is no "
               "wildcard: `{name}` stands for one segment, a final `/**` for all below");
    BOOST_TEST(!EndpointList::parse(std::vector<std::string>(257, "GET /x")).value.has_value());
}

BOOST_AUTO_TEST_CASE(a_list_covers_what_one_of_its_lines_takes) {
    const EndpointList wide = list_of({"GET|POST /v1/orders/**", "ANY /v1/things/{id}"});
    for (const char* const less :
         {"GET /v1/orders", "HEAD /v1/orders/", "POST /v1/orders/{id}/items",
          "GET|POST /v1/orders/**", "GET /v1/orders/x/**", "DELETE /v1/things/7",
          "ANY /v1/things/{other}"})
        BOOST_TEST(wide.covers(list_of({less})), less);
    for (const char* const more :
         {"ANY /v1/orders", "GET|PUT /v1/orders", "GET /v1/**", "GET /v1/{name}",
          "GET /v1/things/{id}/", "GET /v1/things/{id}/**", "GET /v1/things"})
        BOOST_TEST(!wide.covers(list_of({more})), more);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
