#include "http/date.hpp"

#include <boost/test/unit_test.hpp>

using namespace keygate;

BOOST_AUTO_TEST_SUITE(http_date)

BOOST_AUTO_TEST_CASE(a_date_is_written_as_the_protocol_wants_it) {
    struct Row {
        std::int64_t second;
        std::string_view text;
    };

    http::DateText date;
    for (const Row& row :
         {Row{0, "Thu, 01 Jan 1970 00:00:00 GMT"}, Row{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
          Row{951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
          Row{1795194000, "Fri, 20 Nov 2026 17:00:00 GMT"},
          Row{1795194000, "Fri, 20 Nov 2026 17:00:00 GMT"},
          Row{1798761599, "Thu, 31 Dec 2026 23:59:59 GMT"}}) {
        const WallTime time{std::chrono::seconds{row.second}};
        BOOST_TEST(date.at(time) == row.text);
        BOOST_TEST(date.at(time + std::chrono::milliseconds{999}) == row.text);
        BOOST_TEST(date.at(time).size() == http::DateText::size);
    }
}

BOOST_AUTO_TEST_SUITE_END()
