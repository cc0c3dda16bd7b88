// How many exchanges the tables hold, so that none is lost on the way.
#include "wire/exchanges.hpp"

using namespace keygate;

BOOST_AUTO_TEST_SUITE(wire_exchanges, *boost::unit_test::depends_on("wire_framing") *
                                          boost::unit_test::depends_on("wire_heads") *
                                          boost::unit_test::depends_on("wire_fields") *
                                          boost::unit_test::depends_on("wire_pipelines") *
                                          boost::unit_test::depends_on("wire_answers"))

BOOST_AUTO_TEST_CASE(no_row_is_lost) {
    BOOST_TEST(wire::exchanges().size() >= 2164U);
}

BOOST_AUTO_TEST_SUITE_END()
