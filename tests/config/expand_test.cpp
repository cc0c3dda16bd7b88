#include <boost/test/unit_test.hpp>

#include "config_text.hpp"

namespace {

using namespace keygate;

/// What `via:` becomes, or the message of the first mistake.
std::string via(const std::string& yaml, test::Table variables) {
    const auto loaded =
        test::load(test::edited("via: keygate", "via: " + yaml), std::move(variables));
    return loaded.settings ? loaded.settings->via : loaded.mistakes.front().message;
}

} // namespace

// What is refused, and in which words, is in mistakes_test.cpp.
BOOST_AUTO_TEST_SUITE(config_expand)

BOOST_AUTO_TEST_CASE(variables_are_put_into_values) {
    const test::Table set{{"A", "edge"}, {"B", "1"}, {"EMPTY", ""}};
    const char* const rows[][2] = {
        {"${A}", "edge"},
        {"\"${A}\"", "edge"},
        {"'${A}'", "edge"},
        {"gate-${A}-${B}", "gate-edge-1"},
        {"${A:-other}", "edge"},
        {"${NONE:-other}", "other"},
        {"${EMPTY:-other}", "other"},
        {"x${NONE:-}", "x"},
        {"x${EMPTY}", "x"},
        {"${A:?needed}", "edge"},
        {"$$", "$"},
        {"a$$b$${A}",
         "found `a$b${A}`; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~"},
        {"${EMPTY:?needed}", "variable `EMPTY` is not set: needed"},
        {"${NONE:?}", "variable `NONE` is not set"},
        {"${NONE}", "variable `NONE` is not set; ${NONE:-default} would give it a default"},
    };
    for (const auto& [yaml, expected] : rows)
        BOOST_TEST(via(yaml, set) == expected);
}

BOOST_AUTO_TEST_CASE(what_a_variable_holds_cannot_become_structure) {
    for (const char* value : {"x, y: z}", "x\nthreads: 3", "${A}", "&a b", "[a]", "x # y"})
        BOOST_TEST(via("${A}", {{"A", value}}).starts_with("found what `${A}` holds; expected"),
                   value);
    const std::string binary{"a\0\xff", 3};
    BOOST_TEST(via("${A}", {{"A", binary}}).starts_with("found what `${A}` holds"));
}

BOOST_AUTO_TEST_CASE(a_value_is_expanded_once) {
    BOOST_TEST(via("${A}", {{"A", "$B"}, {"B", "never"}}) == "$B");
}

BOOST_AUTO_TEST_CASE(names_are_left_alone) {
    const auto loaded = test::load(test::edited("GET /health", "GET /$$/${A}"), {{"A", "x"}});
    BOOST_TEST_REQUIRE(!loaded.mistakes.empty());
    BOOST_TEST(loaded.mistakes.front().path == "apis.shop.routes.GET /$$/${A}");
}

BOOST_AUTO_TEST_CASE(numbers_and_lists_take_variables_too) {
    std::string text = test::edited("threads: 2", "threads: ${THREADS}");
    text = test::edited("\"http://127.0.0.1:3000\"", "\"http://${HOST}:3000\"", text);
    const auto loaded = test::load(text, {{"THREADS", "7"}, {"HOST", "backend"}});
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    BOOST_TEST(loaded.settings->threads == 7U);
    BOOST_TEST(loaded.settings->apis[0].live.servers[0].host == "backend");
    BOOST_TEST(loaded.settings->from_variables.at("threads") == "${THREADS}");
    BOOST_TEST(loaded.settings->from_variables.at("apis.shop.upstreams.live.servers[0]") ==
               "http://${HOST}:3000");
    BOOST_TEST(loaded.settings->from_variables.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
