#include "proxy/ejection.hpp"

#include <boost/test/unit_test.hpp>

using keygate::SteadyTime;
using keygate::proxy::Ejection;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

keygate::config::Ejection after(std::uint32_t failures) {
    keygate::config::Ejection settings;
    settings.failures = failures;
    settings.time = seconds{5};
    settings.max_time = seconds{30};
    return settings;
}

const SteadyTime start{seconds{1'000}};

} // namespace

BOOST_AUTO_TEST_SUITE(ejection)

BOOST_AUTO_TEST_CASE(so_many_failures_in_a_row_put_a_server_out) {
    Ejection server{after(3)};
    BOOST_TEST(!server.fail(start, false));
    BOOST_TEST(!server.fail(start, false));
    server.succeed(false); // not in a row
    BOOST_TEST(!server.fail(start, false));
    BOOST_TEST(!server.fail(start, false));
    BOOST_CHECK(server.state(start) == Ejection::State::in);
    BOOST_TEST(server.fail(start, false));
    BOOST_CHECK(server.state(start) == Ejection::State::out);
    BOOST_CHECK(server.state(start + milliseconds{4'999}) == Ejection::State::out);
    BOOST_CHECK(server.state(start + seconds{5}) == Ejection::State::due);
}

BOOST_AUTO_TEST_CASE(one_request_finds_out_and_no_second_one) {
    Ejection server{after(1)};
    BOOST_TEST(server.fail(start, false));
    BOOST_TEST(!server.begin_trial(start + seconds{4}));
    BOOST_TEST(server.begin_trial(start + seconds{5}));
    BOOST_TEST(!server.begin_trial(start + seconds{6}));
    BOOST_CHECK(server.state(start + seconds{60}) == Ejection::State::out);
    server.abandon_trial(); // a client went away
    BOOST_TEST(server.begin_trial(start + seconds{60}));
    server.succeed(true);
    BOOST_CHECK(server.state(start + seconds{60}) == Ejection::State::in);
    BOOST_TEST(server.is_clean());
}

BOOST_AUTO_TEST_CASE(it_is_longer_each_time_up_to_the_most) {
    Ejection server{after(1)};
    SteadyTime now = start;
    BOOST_TEST(server.fail(now, false));
    for (const int lasts : {5, 10, 20, 30, 30, 30}) {
        BOOST_CHECK(server.state(now + seconds{lasts} - milliseconds{1}) == Ejection::State::out);
        now += seconds{lasts};
        BOOST_TEST(server.begin_trial(now));
        BOOST_TEST(server.fail(now, true));
    }
    now += seconds{30};
    BOOST_TEST(server.begin_trial(now));
    server.succeed(true);
    // Well again: what was is forgotten.
    BOOST_TEST(server.fail(now, false));
    BOOST_CHECK(server.state(now + seconds{5}) == Ejection::State::due);
}

BOOST_AUTO_TEST_CASE(requests_from_before_say_nothing_of_a_server_that_is_out) {
    Ejection server{after(1)};
    BOOST_TEST(server.fail(start, false));
    BOOST_TEST(!server.fail(start + seconds{4}, false)); // makes it no longer
    BOOST_CHECK(server.state(start + seconds{5}) == Ejection::State::due);
    server.succeed(false); // answered slowly, perhaps; the trial decides
    BOOST_CHECK(server.state(start + seconds{5}) == Ejection::State::due);
}

BOOST_AUTO_TEST_CASE(without_a_number_nobody_is_put_out) {
    Ejection server{after(0)};
    for (int i = 0; i < 1'000; ++i)
        BOOST_TEST(!server.fail(start, false));
    BOOST_CHECK(server.state(start) == Ejection::State::in);
}

BOOST_AUTO_TEST_SUITE_END()
