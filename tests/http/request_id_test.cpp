#include "http/request_id.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using namespace keygate;

BOOST_AUTO_TEST_SUITE(http_request_id)

BOOST_AUTO_TEST_CASE(an_id_is_a_uuid_of_its_time) {
    http::RequestIds ids;
    http::RequestId id;
    // RFC 9562 appendix A.6: 2022-02-22T19:22:22.00Z.
    ids.next(WallTime{std::chrono::milliseconds{1645557742000}}, id);
    const std::string text{id.text()};
    BOOST_TEST(text.size() == http::RequestId::size);
    BOOST_TEST(text.substr(0, 15) == "017f22e2-79b0-7");
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        BOOST_TEST((is_dash ? text[i] == '-'
                            : std::string_view{"0123456789abcdef"}.find(text[i]) != text.npos));
    }
    BOOST_TEST((std::string_view{"89ab"}.find(text[19]) != std::string_view::npos));
}

BOOST_AUTO_TEST_CASE(ids_differ_and_sort_by_their_time) {
    http::RequestIds one;
    http::RequestIds other;
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) {
        http::RequestId id;
        (i % 2 == 0 ? one : other)
            .next(WallTime{std::chrono::milliseconds{1'700'000'000'000 + i}}, id);
        BOOST_TEST((seen.empty() || *seen.rbegin() < id.text()));
        seen.emplace(id.text());
    }
    BOOST_TEST(seen.size() == 10'000U);
}

BOOST_AUTO_TEST_SUITE_END()
