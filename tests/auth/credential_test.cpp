#include "auth/credential.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace keygate;

namespace {

config::KeyFormat without_modes() {
    config::KeyFormat format;
    format.prefix = "rp_";
    format.body = {.alphabet = config::Alphabet::hex, .min = 8, .max = 8};
    return format;
}

config::KeyFormat with_modes() {
    config::KeyFormat format;
    format.live_prefix = "sk_live_";
    format.test_prefix = "sk_test_";
    format.body = {.alphabet = config::Alphabet::base62, .min = 12, .max = 128};
    return format;
}

http::RequestHead head_with(std::string_view authorization, std::uint8_t count = 1) {
    http::RequestHead head;
    head.authorizations = count;
    head.authorization = authorization;
    return head;
}

std::string answer(const http::RequestHead& head, const config::KeyFormat& format) {
    const auto credential = auth::read_credential(head, format, {});
    return credential ? "ok" : std::string{name(credential.error().reason)};
}

struct Case {
    std::string_view authorization;
    std::string_view answer;
};

} // namespace

BOOST_AUTO_TEST_SUITE(auth_credential)

BOOST_AUTO_TEST_CASE(one_bearer_key_of_the_right_shape_is_read) {
    for (const std::string_view value :
         {"Bearer rp_0123abcd", "bearer rp_0123abcd", "BEARER rp_0123abcd", "bEaReR rp_0123abcd",
          "Bearer  rp_0123abcd", "Bearer      rp_0123abcd", "Bearer rp_0123abcd ",
          "\tBearer rp_0123abcd \t"})
        BOOST_TEST_CONTEXT(value) {
            const auto credential = auth::read_credential(head_with(value), without_modes(), {});
            BOOST_TEST_REQUIRE(credential.has_value());
            BOOST_TEST((credential->digests[0] == keys::digest_of("rp_0123abcd")));
            BOOST_TEST(!credential->stated_mode.has_value());
        }
}

BOOST_AUTO_TEST_CASE(what_is_not_exactly_one_bearer_key_is_refused_by_its_reason) {
    const std::vector<Case> cases{
        {"", "auth_malformed"},
        {" ", "auth_malformed"},
        {"Bearer", "auth_malformed"},
        {"Bearer ", "auth_malformed"},
        {"Bearer   ", "auth_malformed"},
        {"bearer\t", "auth_malformed"},
        {"Bearer\trp_0123abcd", "auth_malformed"},
        {"Bearer \trp_0123abcd", "auth_malformed"},
        {"Bearer rp_0123abcd rp_0123abcd", "auth_malformed"},
        {"Bearer rp_0123abcd\tx", "auth_malformed"},
        {"Bearer rp_0123abcd,", "auth_malformed"},
        {"Bearer rp_0123abcd,rp_0123abcd", "auth_malformed"},
        {"Bearer rp_0123abcd, Bearer rp_0123abcd", "auth_malformed"},
        {"Bearer Bearer rp_0123abcd", "auth_malformed"},
        {"Bearer,rp_0123abcd", "auth_malformed"},
        {"Bearer:rp_0123abcd", "auth_malformed"},
        {"Bearer=rp_0123abcd x", "auth_malformed"},
        {"\"Bearer\" rp_0123abcd", "auth_malformed"},
        {"Basic dXNlcjpwYXNz", "auth_missing"},
        {"Basic", "auth_missing"},
        {"Token rp_0123abcd", "auth_missing"},
        {"rp_0123abcd", "auth_missing"}, // a scheme of that name, for all we know
        {"Bearerrp_0123abcd", "auth_missing"},
        {"Bearer2 rp_0123abcd", "auth_missing"},
        {"Digest a=b, c=d", "auth_missing"},
        {"Bearer x", "key_bad_format"},
        {"Bearer rp_", "key_bad_format"},
        {"Bearer rp_0123abc", "key_bad_format"},
        {"Bearer rp_0123abcde", "key_bad_format"},
        {"Bearer rp_0123abcg", "key_bad_format"},
        {"Bearer rp_0123ABCD", "key_bad_format"},
        {"Bearer RP_0123abcd", "key_bad_format"},
        {"Bearer =", "key_bad_format"},
        {"Bearer rp_0123abcd=", "key_bad_format"},
        {"Bearer rp_=0123abc", "key_bad_format"},
        {"Bearer \"rp_0123abcd\"", "key_bad_format"},
        {"Bearer rp_0123abc\xC3", "key_bad_format"},
        {{"Bearer rp_0123ab\0d", 18}, "key_bad_format"},
    };
    for (const auto& one : cases)
        BOOST_TEST_CONTEXT(one.authorization) {
            BOOST_TEST(answer(head_with(one.authorization), without_modes()) == one.answer);
        }
}

BOOST_AUTO_TEST_CASE(no_field_is_missing_and_two_are_not_chosen_from) {
    BOOST_TEST(answer(head_with({}, 0), without_modes()) == "auth_missing");
    for (const auto count : std::initializer_list<std::uint8_t>{2, 3, 100})
        BOOST_TEST(answer(head_with("Bearer rp_0123abcd", count), without_modes()) ==
                   "auth_duplicate");
}

BOOST_AUTO_TEST_CASE(a_key_states_its_mode_by_its_prefix) {
    const auto live =
        auth::read_credential(head_with("Bearer sk_live_0123456789ab"), with_modes(), {});
    const auto test =
        auth::read_credential(head_with("Bearer sk_test_0123456789ab"), with_modes(), {});
    BOOST_TEST_REQUIRE((live && test));
    BOOST_TEST((live->stated_mode == keys::Mode::live));
    BOOST_TEST((test->stated_mode == keys::Mode::test));
}

BOOST_AUTO_TEST_CASE(nothing_that_holds_a_key_passes_through_a_public_route) {
    for (const std::string_view value :
         {"Bearer rp_0123abcd", "rp_0123abcd", "Basic rp_0123abcd", "Bearer  rp_0123abcd x",
          "x,rp_0123abcd", "Token token=\"rp_0123abcd\", x=y", "Bearer:rp_0123abcd",
          "Digest a=rp_0123abcd", "user:rp_0123abcd", "\trp_0123abcd", "(rp_0123abcd)",
          "rp_0123abcd/rp_", "a+rp_0123abcd"})
        BOOST_TEST_CONTEXT(value) {
            BOOST_TEST(!auth::may_pass(head_with(value), without_modes()));
        }
}

BOOST_AUTO_TEST_CASE(what_holds_no_key_passes_through_a_public_route) {
    for (const std::string_view value :
         {"", "Basic dXNlcjpwYXNz", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "Bearer rp_0123abc",
          "Digest username=\"x\", realm=\"y\"", ",,, ", "Bearer"})
        BOOST_TEST_CONTEXT(value) {
            BOOST_TEST(auth::may_pass(head_with(value), without_modes()));
        }

    BOOST_TEST(auth::may_pass(head_with({}, 0), without_modes()));
    // Only the first of several is known, so none is let through.
    BOOST_TEST(!auth::may_pass(head_with("Basic dXNlcjpwYXNz", 2), without_modes()));
}

BOOST_AUTO_TEST_SUITE_END()
