// How often, seen from outside: rates are exact to the request, whatever the number of connections
// and threads, and follow the calendar.
#include "support/fake_clock.hpp"
#include "support/origin_server.hpp"
#include "support/running_gateway.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <thread>

using namespace keygate;

namespace {

using std::chrono::hours;
using std::chrono::seconds;

const std::string key = "kg_live_0123456789012345678901234567890123456789";
const std::string one_request =
    "GET /any HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + "\r\n\r\n";

/// The first second of a day and so of an hour. No test here takes a minute, so none crosses a
/// window.
constexpr std::chrono::sys_seconds midnight{
    std::chrono::sys_days{std::chrono::year{2026} / 3 / 11}};

/// One API with these plans, of which `plan` is the owner's.
support::RunningGateway::Start shop(const support::OriginServer& origin, const std::string& plans,
                                    const std::string& plan, const Clock& clock) {
    return {
        .configuration =
            "admin: {address: \"127.0.0.1:0\", token_file: token}\napis:\n  shop:\n    plans: " +
            plans + "\n    upstreams: {live: {servers: [\"http://127.0.0.1:" +
            std::to_string(origin.port()) + "\"]}}\n    routes: {GET /any: key}\n",
        .owners = {{.api = "shop", .id = "acme", .name = "", .plan = plan}},
        .keys = {support::record_of(key, "key_1", "shop", "acme")},
        .clock = &clock};
}

/// How many of so many requests pass; the others must be told to wait.
int admitted(const support::RunningGateway& gateway, int requests) {
    int count = 0;
    for (int i = 0; i < requests; ++i) {
        const std::string answer = gateway.exchange(one_request);
        if (support::status_of(answer) == 200) {
            ++count;
        } else {
            BOOST_TEST(support::status_of(answer) == 429);
            BOOST_TEST(support::reason_of(answer) == "rate_limited");
        }
    }
    return count;
}

/// What a refused request is told to wait.
seconds retry_after(const support::RunningGateway& gateway) {
    const std::string answer = gateway.exchange(one_request);
    BOOST_TEST(support::status_of(answer) == 429);
    return seconds{std::stoi(support::field_of(answer, "Retry-After").value_or("0"))};
}

/// PUTs the owner's record anew.
void put_owner(support::RunningGateway& gateway, const std::string& name, const std::string& plan) {
    std::ifstream file{gateway.folder().file("token")};
    std::string token;
    std::getline(file, token);
    const std::string body = R"({"api":"shop","name":")" + name + R"(","plan":")" + plan + "\"}";
    support::Socket admin = support::Socket::connect(gateway.gateway().admin_port());
    admin.send("PUT /admin/v1/owners/acme HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " +
               token + "\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
    const std::string answer = admin.receive_answer();
    BOOST_TEST_REQUIRE(support::status_of(answer) == 200, answer);
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_limits)

BOOST_AUTO_TEST_CASE(a_window_admits_exactly_its_limit) {
    support::OriginServer origin;
    support::FakeClock clock{midnight};
    support::RunningGateway gateway{shop(origin, "{pro: {rate: 5/1h}}", "pro", clock)};
    BOOST_TEST(admitted(gateway, 9) == 5);
    const seconds wait = retry_after(gateway);
    BOOST_TEST(wait.count() > 3600 - 60);
    BOOST_TEST(wait.count() <= 3600);
    clock.pass(wait - seconds{120});
    BOOST_TEST(admitted(gateway, 1) == 0); // not a moment early
    clock.pass(seconds{120});
    BOOST_TEST(admitted(gateway, 9) == 5);
    clock.pass(hours{2});
    BOOST_TEST(admitted(gateway, 9) == 5); // what was not used is not saved up
    BOOST_TEST(origin.requests().size() == 15U);
}

BOOST_AUTO_TEST_CASE(a_step_of_the_wall_clock_opens_no_window) {
    support::OriginServer origin;
    support::FakeClock clock{midnight};
    support::RunningGateway gateway{shop(origin, "{pro: {rate: 5/1h}}", "pro", clock)};
    BOOST_TEST(admitted(gateway, 6) == 5);
    clock.advance(hours{1});
    BOOST_TEST(admitted(gateway, 3) == 0);
    clock.advance(-hours{3});
    BOOST_TEST(admitted(gateway, 3) == 0);
}

BOOST_AUTO_TEST_CASE(of_several_rates_all_are_charged_or_none) {
    support::OriginServer origin;
    support::FakeClock clock{midnight};
    support::RunningGateway gateway{shop(origin, "{pro: {rate: [3/1h, 5/1d]}}", "pro", clock)};
    // The hour refuses five: had they counted for the day, nothing would be left of it.
    BOOST_TEST(admitted(gateway, 8) == 3);
    clock.pass(hours{1});
    BOOST_TEST(admitted(gateway, 8) == 2);
    // Now it is the day that refuses, and it says so.
    BOOST_TEST(retry_after(gateway).count() > 22 * 3600);
    clock.pass(hours{1});
    BOOST_TEST(admitted(gateway, 3) == 0);
    clock.pass(hours{22});
    BOOST_TEST(admitted(gateway, 8) == 3);
}

BOOST_AUTO_TEST_CASE(a_burst_comes_back_drop_by_drop) {
    support::OriginServer origin;
    support::FakeClock clock{midnight};
    support::RunningGateway gateway{
        shop(origin, "{pro: {rate: {rate: 60/1h, burst: 4}}}", "pro", clock)};
    BOOST_TEST(admitted(gateway, 6) == 4);
    const seconds wait = retry_after(gateway);
    BOOST_TEST(wait.count() >= 1);
    BOOST_TEST(wait.count() <= 60);
    clock.pass(wait);
    BOOST_TEST(admitted(gateway, 3) == 1);
    clock.pass(seconds{120});
    BOOST_TEST(admitted(gateway, 4) == 2);
    clock.pass(hours{5});
    BOOST_TEST(admitted(gateway, 6) == 4);
}

BOOST_AUTO_TEST_CASE(many_clients_together_get_exactly_the_limit) {
    support::OriginServer origin;
    support::FakeClock clock{midnight};
    auto start = shop(origin, "{pro: {rate: 100/1h}}", "pro", clock);
    start.threads = 4;
    support::RunningGateway gateway{std::move(start)};
    std::atomic<int> passed{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i)
        clients.emplace_back([&] {
            support::Socket client = gateway.connect();
            for (int request = 0; request < 30; ++request) {
                client.send(one_request);
                const int status = support::status_of(client.receive_answer());
                if (status == 200) ++passed;
                if (status == 429) ++refused;
            }
        });
    for (std::thread& client : clients)
        client.join();
    BOOST_TEST(passed == 100);
    BOOST_TEST(refused == 140);
    BOOST_TEST(origin.requests().size() == 100U);
}

BOOST_AUTO_TEST_CASE(a_change_of_the_owner_gives_nothing_back) {
    support::OriginServer origin;
    support::FakeClock clock{midnight};
    support::RunningGateway gateway{
        shop(origin, "{pro: {rate: 4/1h}, big: {rate: 6/1h}, small: {rate: 2/1h}}", "pro", clock)};
    BOOST_TEST(admitted(gateway, 3) == 3);
    put_owner(gateway, "Acme", "pro");
    BOOST_TEST(admitted(gateway, 3) == 1);
    put_owner(gateway, "Acme", "big"); // counts from the next request, with usage kept
    BOOST_TEST(admitted(gateway, 4) == 2);
    put_owner(gateway, "Acme", "small");
    BOOST_TEST(admitted(gateway, 1) == 0);
    clock.pass(hours{1});
    BOOST_TEST(admitted(gateway, 4) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
