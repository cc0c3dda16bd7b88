#include "keys/texts.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using Words = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(keys_texts)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back) {
    for (const Words& words :
         {Words{"192.0.2.0/24"}, Words{"b", "a", "b"},
          Words{R"(a "quoted\ one)", "two\nlines", "Zoë", std::string(1, '\0')}})
        BOOST_TEST((texts_from(json_of(words)) == words));
    for (const TextMap& map :
         {TextMap{{"store", "267418190"}}, TextMap{{R"(a"b\")", R"(\"\)"}, {"é", "\t"}}})
        BOOST_TEST((text_map_from(json_of(map)) == map));
    BOOST_TEST(json_of(Words{"a", "b/c"}) == R"(["a","b/c"])");
    BOOST_TEST(json_of(TextMap{{"b", "2"}, {"a", "1"}}) == R"({"a":"1","b":"2"})");
}

BOOST_AUTO_TEST_CASE(what_products_write_may_have_spaces_and_escapes) {
    BOOST_TEST((texts_from(" [ \"a\" ,\n\"\\u0062\\/c\" ] ") == Words{"a", "b/c"}));
    BOOST_TEST((text_map_from(R"({ "store" : "2\"6" })") == TextMap{{"store", "2\"6"}}));
}

BOOST_DATA_TEST_CASE(what_is_no_list_of_texts_is_nothing,
                     bdata::make({"", "a", "[]", "{}", "null", R"("a")", R"([""])", "[1]", "[null]",
                                  R"(["a",["b"]])", R"(["a",])", R"(["a"] x)", R"(["a")",
                                  "[\"\xff\"]"}),
                     text) {
    BOOST_TEST(!texts_from(text).has_value());
}

BOOST_DATA_TEST_CASE(what_is_no_map_of_texts_is_nothing,
                     bdata::make({"", "{}", "[]", "null", R"({"a":1})", R"({"a":null})",
                                  R"({"a":""})", R"({"":"a"})", R"({"a":["b"]})", R"({"a":"b"} x)",
                                  // The last of two would win, and nobody would know.
                                  R"({"a":"b","a":"c"})", R"({"a":"b","\u0061":"b"})"}),
                     text) {
    BOOST_TEST(!text_map_from(text).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
