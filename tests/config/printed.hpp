#pragma once

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

#include "config_text.hpp"

namespace keygate::test {

/// Loads, prints, loads what was printed and prints that: both texts must be one.
inline std::string printed_twice(std::string_view text, const std::string& file,
                                 const Table& variables = {}) {
    const auto first = config::load(text, file, world(variables));
    BOOST_TEST_REQUIRE(first.settings.has_value(), mistakes_in(first));
    std::string once = config::print(*first.settings);
    const auto second = config::load(once, file, world(variables));
    BOOST_TEST_REQUIRE(second.settings.has_value(), mistakes_in(second) + once);
    BOOST_TEST(config::print(*second.settings) == once);
    BOOST_TEST(second.settings->store.file == first.settings->store.file);
    BOOST_TEST(second.settings->log.access == first.settings->log.access);
    BOOST_TEST((second.settings->from_variables.size() <= first.settings->from_variables.size()));
    return once;
}

} // namespace keygate::test
