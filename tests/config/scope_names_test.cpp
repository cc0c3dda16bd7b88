#include "config/scope_names.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

using namespace keygate;

BOOST_AUTO_TEST_SUITE(config_scope_names)

BOOST_AUTO_TEST_CASE(a_scope_is_a_word) {
    for (const std::string_view good : {"a", "orders:read", "a.b_c-d:E9", ":", "a:b:c"})
        BOOST_TEST(config::is_scope_name(good), good);
    for (const std::string_view bad :
         {"", "*", "a:*", "a*", "a b", "a,b", "{a}", "a\"", "caf\xC3\xA9"})
        BOOST_TEST(!config::is_scope_name(bad), bad);
    BOOST_TEST(config::is_scope_name(std::string(128, 'x')));
    BOOST_TEST(!config::is_scope_name(std::string(129, 'x')));
}

BOOST_AUTO_TEST_CASE(a_wildcard_is_all_or_a_family) {
    for (const std::string_view good : {"*", "a:*", "a:b:*"})
        BOOST_TEST(config::is_scope_wildcard(good), good);
    for (const std::string_view bad : {"", ":*", "a*", "a:", "**", "a:**", "*:a", "*:*", "a b:*"})
        BOOST_TEST(!config::is_scope_wildcard(bad), bad);
}

BOOST_AUTO_TEST_CASE(a_pattern_stands_for_a_scope_or_does_not) {
    struct Case {
        std::string_view pattern;
        std::string_view scope;
        bool does;
    };

    for (const Case& one : std::initializer_list<Case>{{"*", "a:read", true},
                                                       {"a:*", "a:read", true},
                                                       {"a:*", "a:b:read", true},
                                                       {"a:b:*", "a:b:read", true},
                                                       {"a:b:*", "a:read", false},
                                                       {"a:*", "ab:read", false},
                                                       {"a:*", "a", false},
                                                       {"a:*", "a:", false},
                                                       {"a:read", "a:read", true},
                                                       {"a:read", "a:reader", false},
                                                       {"a:rea*", "a:read", false}})
        BOOST_TEST(config::stands_for(one.pattern, one.scope) == one.does,
                   one.pattern << " and " << one.scope);
}

BOOST_AUTO_TEST_SUITE_END()
