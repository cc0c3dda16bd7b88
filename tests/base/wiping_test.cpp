#include "base/wiping.hpp"

#include <boost/test/unit_test.hpp>

// That nothing is left where memory was given back is seen from outside: tests/secrets/memory.py.

namespace {

using namespace keygate;

BOOST_AUTO_TEST_SUITE(base_wiping)

BOOST_AUTO_TEST_CASE(what_is_dropped_from_the_front_is_nowhere_behind_the_end) {
    for (const std::size_t count : {0U, 1U, 20U, 39U, 40U}) {
        WipingString text;
        text.reserve(64);
        for (int i = 0; i < 40; ++i)
            text += static_cast<char>('A' + i);
        const std::string rest{std::string_view{text}.substr(count)};
        drop_front(text, count);
        BOOST_TEST(std::string_view{text} == rest);
        // The capacity behind the end belongs to the string, and keeps what was there.
        const std::string_view behind{text.data() + rest.size(), count};
        BOOST_TEST((behind == std::string(count, '\0')));
    }
}

BOOST_AUTO_TEST_CASE(a_wiped_stretch_is_zero_and_its_neighbours_are_not) {
    std::string text = "abcdef";
    wipe(std::span{text}.subspan(2, 3));
    BOOST_TEST((text == std::string{"ab\0\0\0f", 6}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
