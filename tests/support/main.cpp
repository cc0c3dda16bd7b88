#define BOOST_TEST_MODULE keygate
#include <boost/test/unit_test.hpp>
