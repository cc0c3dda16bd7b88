#include "admin/status_pages.hpp"
#include "support/operator.hpp"

#include <boost/test/unit_test.hpp>

namespace keygate::admin {
namespace {

namespace asio = boost::asio;

struct Pages {
    bool store_works = true;
    StatusHooks hooks{[this] {
                          return std::vector<ReadyCheck>{
                              {"configuration", true, ""},
                              {"store", store_works, store_works ? "" : "disk is full"}};
                      },
                      [] { return std::string{"up 1\n"}; }};

    Response call(const std::string& method, const std::string& target) {
        asio::io_context loop{1};
        Request request;
        request.method = method;
        BOOST_TEST_REQUIRE(read_target(target, request));
        Response answer;
        asio::co_spawn(loop, status_pages(hooks)(std::move(request)),
                       [&](std::exception_ptr, Response response) { answer = response; });
        loop.run();
        return answer;
    }
};

BOOST_FIXTURE_TEST_SUITE(admin_status_pages, Pages)

BOOST_AUTO_TEST_CASE(a_gateway_that_works_is_live_and_ready) {
    BOOST_TEST(call("GET", "/livez").status == 200u);
    BOOST_TEST(call("GET", "/readyz").body == "ready\n");
    BOOST_TEST(call("GET", "/healthz").body == "ready\n");
    BOOST_TEST(call("HEAD", "/readyz").status == 200u);
    BOOST_TEST(call("GET", "/readyz?verbose").body == "configuration: ok\nstore: ok\nready\n");
}

BOOST_AUTO_TEST_CASE(what_fails_is_named_and_alone_unless_all_is_asked_for) {
    store_works = false;
    BOOST_TEST(call("GET", "/livez").status == 200u);
    const auto refused = call("GET", "/readyz");
    BOOST_TEST(refused.status == 503u);
    BOOST_TEST(refused.body == "store: failing: disk is full\n");
    BOOST_TEST(call("GET", "/healthz").status == 503u);
    BOOST_TEST(call("GET", "/readyz?verbose=1").body ==
               "configuration: ok\nstore: failing: disk is full\n");
}

BOOST_AUTO_TEST_CASE(metrics_are_prometheus_text) {
    const auto metrics = call("GET", "/metrics");
    BOOST_TEST(metrics.status == 200u);
    BOOST_TEST(metrics.body == "up 1\n");
    BOOST_TEST(metrics.content_type == "text/plain; version=0.0.4; charset=utf-8");
}

BOOST_AUTO_TEST_CASE(nothing_else_is_there) {
    for (const auto* target : {"/", "/livez/", "/livez/x", "/Livez", "/admin/v1/keys", "/%6civez"})
        BOOST_TEST(call("GET", target).status == 404u);
    for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"})
        BOOST_TEST(call(method, "/livez").status == 405u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
