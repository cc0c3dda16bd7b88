#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/test/unit_test.hpp>

using namespace keygate;

BOOST_AUTO_TEST_SUITE(wire_smoke)

BOOST_AUTO_TEST_CASE(an_allowed_request_arrives_with_its_identity_and_without_its_key) {
    support::OriginServer origin;
    const std::string key = "kg_live_0123456789012345678901234567890123456789";
    support::RunningGateway gateway{
        {.configuration = "apis:\n  shop:\n    upstreams: {live: {servers: [\"http://127.0.0.1:" +
                          std::to_string(origin.port()) +
                          "\"]}}\n    routes:\n      GET /things/**: things:read\n",
         .keys = {support::record_of(key, "key_1", "shop", "acme")}}};
    const std::string answer = gateway.exchange(
        "GET /things/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + "\r\n\r\n");
    BOOST_TEST(support::status_of(answer) == 200);
    BOOST_TEST_REQUIRE(origin.requests().size() == 1U);
    const std::string seen = origin.requests().front();
    BOOST_TEST(support::field_of(seen, "X-Key-Id").value_or("") == "key_1");
    BOOST_TEST(!support::field_of(seen, "Authorization"));
    const std::string log = gateway.end_and_read_log();
    BOOST_TEST(log.find("\"key_id\":\"key_1\"") != std::string::npos);
    BOOST_TEST(log.find(key) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
