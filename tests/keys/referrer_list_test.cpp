#include "keys/referrer_list.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {
namespace {

ReferrerList list_of(const std::vector<std::string>& texts) {
    auto list = ReferrerList::parse(texts);
    BOOST_TEST_REQUIRE(list.value.has_value(), list.wrong);
    return std::move(*list.value);
}

/// `-`: no such field.
bool admits(const ReferrerList& list, std::string_view origin, std::string_view referer) {
    Referral referral;
    if (origin != "-") referral = {.origins = 1, .origin = origin};
    if (referer != "-") {
        referral.referers = 1;
        referral.referer = referer;
    }
    return list.admits(referral);
}

struct Case {
    std::string pattern;
    std::string origin;
    std::string referer;
    bool is_admitted;
};

BOOST_AUTO_TEST_SUITE(keys_referrer_list)

BOOST_AUTO_TEST_CASE(a_page_is_of_a_pattern_or_it_is_not) {
    const std::string app = "https://app.example.com";
    const std::string below = "https://*.example.com";
    const std::string shop = "https://app.example.com/shop/*";
    const std::vector<Case> cases{
        {app, "https://app.example.com", "-", true},
        {app, "-", "https://app.example.com/", true},
        {app, "-", "https://app.example.com", true},
        {app, "-", "https://app.example.com/a/b?c=d", true},
        {app, "-", "https://app.example.com?c=https://evil.example", true},
        // Host names and schemes have no case, and a scheme's own port is nothing else than none.
        {app, "https://APP.Example.COM", "-", true},
        {app, "HTTPS://app.example.com", "-", true},
        {app, "https://app.example.com:443", "-", true},
        {"https://app.example.com:443", "https://app.example.com", "-", true},
        {"http://app.example.com:80", "http://app.example.com", "-", true},
        {app, "https://app.example.com:8443", "-", false},
        {app, "https://app.example.com:80", "-", false},
        {"https://app.example.com:8443", "https://app.example.com:8443", "-", true},
        {"https://app.example.com:8443", "https://app.example.com", "-", false},
        {app, "http://app.example.com", "-", false},
        {"http://127.0.0.1:3000", "http://127.0.0.1:3000", "-", true},
        {"http://[::1]:3000", "http://[::1]:3000", "-", true},
        {"http://[::1]:3000", "http://[::2]:3000", "-", false},
        // Whoever looks alike is somebody else.
        {app, "https://app.example.com.evil.example", "-", false},
        {app, "https://evil-app.example.com", "-", false},
        {app, "https://evilapp.example.com", "-", false},
        {app, "https://app.example.co", "-", false},
        {app, "https://example.com", "-", false},
        {app, "https://a.app.example.com", "-", false},
        {app, "https://evil.example/https://app.example.com", "-", false},
        {app, "-", "https://evil.example/https://app.example.com", false},
        {app, "-", "https://evil.example/?https://app.example.com", false},
        {app, "https://app.example.com@evil.example", "-", false},
        {app, "-", "https://app.example.com@evil.example/", false},
        {app, "-", "https://evil.example@app.example.com/", false},
        {app, "-", "https://app.example.com:443@evil.example/", false},
        {app, "-", "https://evil.example\\@app.example.com/", false},
        {app, "-", "https://app.example.com\\.evil.example/", false},
        {app, "-", "https:\\\\app.example.com/", false},
        {app, "https://app.example.com.", "-", false},
        {app, "https://app.example.com%2eevil.example", "-", false},
        {app, "https://app.exa\xC2\xADmple.com", "-", false},
        {app, "-", "https://app.example.com/\xC3\xA9", false},
        {app, "-", "https://app.example.com/a b", false},
        // Nothing, and what is no page.
        {app, "-", "-", false},
        {app, "", "-", false},
        {app, "-", "", false},
        {app, "null", "-", false},
        {app, "-", "null", false},
        {app, "null", "https://app.example.com/", false},
        {app, "*", "-", false},
        {app, "app.example.com", "-", false},
        {app, "//app.example.com", "-", false},
        {app, "https:app.example.com", "-", false},
        {app, "https:/app.example.com", "-", false},
        {app, "https:///app.example.com", "-", false},
        {app, "ftp://app.example.com", "-", false},
        {app, "chrome-extension://app.example.com", "-", false},
        {app, "-", "javascript:https://app.example.com/", false},
        {app, "-", "about:blank", false},
        {app, "https://app.example.com https://evil.example", "-", false},
        {app, "https://app.example.com, https://evil.example", "-", false},
        {app, "https://app.example.com/", "-", false}, // an origin has no path
        {app, "https://app.example.com?", "-", false},
        {app, "https://app.example.com:", "-", false},
        {app, "https://app.example.com:0443", "-", false},
        {app, "https://app.example.com:65979", "-", false}, // 443 of 16 bits
        {app, "-", "https://app.example.com/#a", false},
        // An Origin decides, whatever the Referer says.
        {app, "https://evil.example", "https://app.example.com/", false},
        {app, "https://app.example.com", "https://evil.example/", true},
        {app, "https://app.example.com", "not a page", true},
        // One or more labels, but not none.
        {below, "https://a.example.com", "-", true},
        {below, "https://a.b.example.com", "-", true},
        {below, "https://A.EXAMPLE.com", "-", true},
        {below, "https://example.com", "-", false},
        {below, "https://.example.com", "-", false},
        {below, "https://a..example.com", "-", false},
        {below, "https://.a.example.com", "-", false},
        {below, "https://evilexample.com", "-", false},
        {below, "https://evil-example.com", "-", false},
        {below, "https://a.example.com.evil.example", "-", false},
        {below, "https://a%2e.example.com", "-", false},
        {below, "https://evil.example#.example.com", "-", false},
        {below, "https://evil.example/.example.com", "-", false},
        {below, "https://a.example.com:8443", "-", false},
        {"https://*.example.com:8443", "https://a.example.com:8443", "-", true},
        {below, "http://a.example.com", "-", false},
        // With a path the Referer must be there, of that path, and of the Origin's origin.
        {shop, "-", "https://app.example.com/shop/", true},
        {shop, "-", "https://app.example.com/shop/cart?x=/../", true},
        {shop, "-", "https://app.example.com/shop", false},
        {shop, "-", "https://app.example.com/shopping/", false},
        {shop, "-", "https://app.example.com/Shop/", false},
        {shop, "-", "https://app.example.com/", false},
        {shop, "-", "https://app.example.com?/shop/", false},
        {shop, "-", "https://app.example.com/a/shop/", false},
        {shop, "-", "https://app.example.com/shop/../admin", false},
        {shop, "-", "https://app.example.com/shop/./", false},
        {shop, "-", "https://app.example.com/shop/..", false},
        {shop, "-", "https://app.example.com/shop/%2e%2e/admin", false},
        {shop, "-", "https://app.example.com/shop/.%2E/admin", false},
        {shop, "-", "https://app.example.com/shop/..%2fadmin", false},
        {shop, "-", "https://app.example.com/shop/%5c..", false},
        {shop, "-", "https://app.example.com/shop/%252e", false},
        {shop, "-", "https://app.example.com/shop/%zz", false},
        {shop, "-", "https://app.example.com/shop/...", true},
        {shop, "-", "https://app.example.com/shop/%41", true},
        {shop, "https://app.example.com", "-", false},
        {shop, "https://app.example.com", "https://app.example.com/shop/", true},
        {shop, "https://app.example.com", "https://app.example.com/admin", false},
        {shop, "https://evil.example", "https://app.example.com/shop/", false},
        {shop, "null", "https://app.example.com/shop/", false},
        {"https://app.example.com/*", "https://app.example.com", "-", true},
        {"https://app.example.com/*", "-", "https://app.example.com/", true},
        {"https://*.example.com/shop/*", "https://b.example.com", "https://a.example.com/shop/",
         true},
        {"https://*.example.com/shop/*", "https://example.com", "https://a.example.com/shop/",
         false},
    };
    for (const Case& one : cases)
        BOOST_TEST_CONTEXT(one.pattern << " and " << one.origin << " and " << one.referer) {
            BOOST_TEST(admits(list_of({one.pattern}), one.origin, one.referer) == one.is_admitted);
        }
}

BOOST_AUTO_TEST_CASE(two_of_a_field_are_not_chosen_from) {
    const ReferrerList list = list_of({"https://app.example.com"});
    const std::string_view app = "https://app.example.com";
    BOOST_TEST(!list.admits({.origins = 2, .origin = app}));
    BOOST_TEST(!list.admits({.referers = 2, .referer = app}));
    BOOST_TEST(!list.admits({.origins = 1, .origin = app, .referers = 2, .referer = app}));
}

BOOST_AUTO_TEST_CASE(one_pattern_of_several_is_enough) {
    const ReferrerList list =
        list_of({"https://a.example.com/x/*", "https://*.example.org", "http://localhost:5173"});
    BOOST_TEST(admits(list, "http://localhost:5173", "-"));
    BOOST_TEST(admits(list, "https://b.example.org", "-"));
    BOOST_TEST(!admits(list, "https://b.example.net", "-"));
}

BOOST_AUTO_TEST_CASE(a_pattern_says_one_thing_or_is_refused) {
    for (const std::string& text : std::vector<std::string>{
             "",
             "*",
             "null",
             "app.example.com",
             "//app.example.com",
             "https://",
             "https:///x/*",
             "ftp://app.example.com",
             "https://*",
             "https://*.com",
             "https://*.",
             "https://*example.com",
             "https://a.*.example.com",
             "https://*.*.example.com",
             "https://app.*",
             "https://*.127.0.0.1",
             "https://*.[::1]",
             "*://app.example.com",
             "https://app.example.com/",
             "https://app.example.com/shop",
             "https://app.example.com/shop/",
             "https://app.example.com/shop*",
             "https://app.example.com/*/shop/*",
             "https://app.example.com//*",
             "https://app.example.com/../*",
             "https://app.example.com/%2e%2e/*",
             "https://app.example.com/x/*?y",
             "https://app.example.com?x",
             "https://app.example.com#x",
             "https://app.example.com:",
             "https://app.example.com:0",
             "https://app.example.com:08443",
             "https://app.example.com:65536",
             "https://app.example.com:*",
             "https://user@app.example.com",
             "https://app.example.com.",
             "https://-app.example.com",
             "https://app..example.com",
             "https://1.2.3",
             "https://app.ex\xC3\xA4mple.com",
             "https://app.example.com\\x",
             "https://app.example.com ",
             " https://app.example.com",
             std::string{"https://app.example.com\0", 24},
             "https://" + std::string(3000, 'a') + ".example.com",
         })
        BOOST_TEST_CONTEXT(text) {
            const std::vector<std::string> texts{text};
            BOOST_TEST(!ReferrerList::parse(texts).value.has_value());
        }
    BOOST_TEST(
        !ReferrerList::parse(std::vector<std::string>(257, "https://a.example")).value.has_value());
}

BOOST_AUTO_TEST_CASE(a_list_covers_what_its_patterns_take) {
    const ReferrerList wide = list_of({"https://*.example.com", "https://a.example.org/x/*"});
    BOOST_TEST(wide.covers(list_of({"https://a.example.com", "https://*.b.example.com",
                                    "https://*.example.com", "https://a.example.com/y/*",
                                    "https://a.example.org/x/*", "https://a.example.org/x/y/*"})));
    for (const char* const more :
         {"https://example.com", "http://a.example.com", "https://a.example.com:8443",
          "https://a.example.org", "https://a.example.org/xy/*", "https://evilexample.com"})
        BOOST_TEST(!wide.covers(list_of({more})), more);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
