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

config::Profile profile_of(const config::KeyFormat& format,
                           std::vector<config::KeySource> sources = {config::KeySource{}}) {
    config::Profile profile;
    profile.key = format;
    profile.sources = std::move(sources);
    return profile;
}

std::string answer(const http::RequestHead& head, const config::KeyFormat& format) {
    const auto credential = auth::read_credential(head, {}, profile_of(format), {});
    return credential ? "ok" : std::string{name(credential.error().reason)};
}

using Kind = config::KeySource::Kind;

/// A head of these fields: `Name: value`.
http::RequestHead head_of(const std::vector<std::string_view>& fields) {
    http::RequestHead head;
    for (const std::string_view line : fields) {
        const std::size_t colon = line.find(": ");
        http::Field& field = head.fields[head.field_count++];
        field.name = line.substr(0, colon);
        field.value = line.substr(colon + 2);
        if (field.name != "Authorization") continue;
        field.id = http::FieldName::authorization;
        if (head.authorizations++ == 0) head.authorization = field.value;
    }
    return head;
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
            const auto credential =
                auth::read_credential(head_with(value), {}, profile_of(without_modes()), {});
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

BOOST_AUTO_TEST_CASE(a_key_is_read_from_where_the_api_s_keys_are_sent) {
    const std::vector<config::KeySource> all{{Kind::bearer, ""},
                                             {Kind::field, "X-Api-Key"},
                                             {Kind::scheme, "Token"},
                                             {Kind::query, "api_key"}};

    struct Row {
        std::vector<std::string_view> fields;
        std::string_view query;
        std::string_view answer;
    };

    for (const Row& one : std::vector<Row>{
             {{"Authorization: Bearer rp_0123abcd"}, "", "ok"},
             {{"Authorization: Token rp_0123abcd"}, "", "ok"},
             {{"Authorization: tOKEN rp_0123abcd"}, "", "ok"},
             {{"X-Api-Key: rp_0123abcd"}, "", "ok"},
             {{"x-api-key: rp_0123abcd"}, "", "ok"},
             {{}, "?api_key=rp_0123abcd", "ok"},
             {{}, "?a=1&api_key=rp_0123abcd&b=2", "ok"},
             {{}, "?a=1;api_key=rp_0123abcd", "ok"},
             {{}, "?api%5Fkey=rp_0123abcd", "ok"},
             {{}, "?api_key=rp%5F0123%61bcd", "ok"},
             // Nothing of that is a key.
             {{}, "", "auth_missing"},
             {{}, "?", "auth_missing"},
             {{}, "?Api_Key=rp_0123abcd", "auth_missing"},
             {{}, "?api_key2=rp_0123abcd", "auth_missing"},
             {{}, "?x=api_key=rp_0123abcd", "auth_missing"},
             {{}, "?api_key[]=rp_0123abcd", "auth_missing"},
             {{}, "?api-key=rp_0123abcd", "auth_missing"},
             {{"X_Api_Key: rp_0123abcd"}, "", "auth_missing"},
             {{"X-Api-Key2: rp_0123abcd"}, "", "auth_missing"},
             {{"Authorization: Basic dXNlcjpwYXNz"}, "", "auth_missing"},
             {{"Authorization: X-Api-Key rp_0123abcd"}, "", "auth_missing"},
             // Another scheme is no credential of ours, and does not stand in the way of one.
             {{"Authorization: Basic dXNlcjpwYXNz", "X-Api-Key: rp_0123abcd"}, "", "ok"},
             {{"Authorization: Basic dXNlcjpwYXNz"}, "?api_key=rp_0123abcd", "ok"},
             // In two places, or twice in one; also the same.
             {{"Authorization: Bearer rp_0123abcd", "X-Api-Key: rp_0123abcd"},
              "",
              "auth_duplicate"},
             {{"Authorization: Token rp_0123abcd", "X-Api-Key: rp_0123abce"}, "", "auth_duplicate"},
             {{"Authorization: Bearer rp_0123abcd"}, "?api_key=rp_0123abcd", "auth_duplicate"},
             {{"X-Api-Key: rp_0123abcd"}, "?api_key=rp_0123abcd", "auth_duplicate"},
             {{"X-Api-Key: rp_0123abcd", "X-Api-Key: rp_0123abcd"}, "", "auth_duplicate"},
             {{"X-Api-Key: rp_0123abcd", "x-api-key: no"}, "", "auth_duplicate"},
             {{}, "?api_key=rp_0123abcd&api_key=rp_0123abcd", "auth_duplicate"},
             {{}, "?api_key=rp_0123abcd&api_key", "auth_duplicate"},
             {{}, "?api_key=rp_0123abcd;api%5fkey=x", "auth_duplicate"},
             {{"Authorization: Bearer a", "Authorization: Basic b"}, "", "auth_duplicate"},
             {{"Authorization: Bearer", "X-Api-Key: rp_0123abcd"}, "", "auth_duplicate"},
             {{"Authorization: Bearer x y", "X-Api-Key: rp_0123abcd"}, "", "auth_duplicate"},
             {{"Authorization: Bearer rp_0123abcd", "X-Api-Key: "}, "", "auth_duplicate"},
             // There, but not one word.
             {{"X-Api-Key: "}, "", "auth_malformed"},
             {{"X-Api-Key: rp_0123abcd rp_0123abcd"}, "", "auth_malformed"},
             {{"X-Api-Key: rp_0123abcd,rp_0123abcd"}, "", "auth_malformed"},
             {{"X-Api-Key: Bearer rp_0123abcd"}, "", "auth_malformed"},
             {{}, "?api_key", "auth_malformed"},
             {{}, "?api_key=", "auth_malformed"},
             {{}, "?api_key=&x=rp_0123abcd", "auth_malformed"},
             {{}, "?api_key=rp_0123abcd,x", "auth_malformed"},
             {{}, "?api_key=rp_0123abcd%2Cx", "auth_malformed"},
             {{}, "?api_key=rp_0123abcd%20x", "auth_malformed"},
             {{"Authorization: Token"}, "", "auth_malformed"},
             // One word that is no key.
             {{"X-Api-Key: rp_0123abc"}, "", "key_bad_format"},
             {{"X-Api-Key: \"rp_0123abcd\""}, "", "key_bad_format"},
             {{}, "?api_key=rp_0123abcd%00", "key_bad_format"},
             {{}, "?api_key=rp_0123abcd=", "key_bad_format"},
             {{}, "?api_key=rp+0123abcd", "key_bad_format"},
             {{}, "?api_key=rp_0123ab%2564", "key_bad_format"},
         })
        BOOST_TEST_CONTEXT((one.fields.empty() ? "" : one.fields.front()) << one.query) {
            const auto credential = auth::read_credential(head_of(one.fields), one.query,
                                                          profile_of(without_modes(), all), {});
            BOOST_TEST((credential ? "ok" : name(credential.error().reason)) == one.answer);
            if (credential) BOOST_TEST((credential->digests[0] == keys::digest_of("rp_0123abcd")));
        }
}

BOOST_AUTO_TEST_CASE(nothing_is_read_from_where_no_keys_are_sent) {
    const auto profile = profile_of(without_modes(), {{Kind::field, "X-Api-Key"}});
    const auto told = [&](const std::vector<std::string_view>& fields, std::string_view query) {
        const auto credential = auth::read_credential(head_of(fields), query, profile, {});
        return credential ? "ok" : name(credential.error().reason);
    };
    BOOST_TEST(told({"Authorization: Bearer rp_0123abcd"}, "") == "auth_missing");
    BOOST_TEST(told({}, "?api_key=rp_0123abcd&X-Api-Key=rp_0123abcd") == "auth_missing");
    BOOST_TEST(
        told({"Authorization: Bearer rp_0123abcd", "Authorization: x", "X-Api-Key: rp_0123abcd"},
             "") == "ok");
    // Bearer alone knows no other scheme, field or parameter.
    BOOST_TEST(answer(head_of({"X-Api-Key: rp_0123abcd"}), without_modes()) == "auth_missing");
}

BOOST_AUTO_TEST_CASE(a_value_of_the_query_that_is_too_long_is_no_key) {
    const auto profile = profile_of(without_modes(), {{Kind::query, "api_key"}});
    std::string escaped = "?api_key=";
    for (int i = 0; i < 2000; ++i)
        escaped += "%41";
    BOOST_TEST(
        (auth::read_credential({}, escaped, profile, {}).error().reason == Reason::key_bad_format));
}

BOOST_AUTO_TEST_CASE(a_key_with_a_public_part_is_found_by_it_and_proved_by_the_whole) {
    config::KeyFormat format;
    format.lookup = {.alphabet = config::Alphabet::base36, .min = 7, .max = 7};
    format.separator = ".";
    format.body = {.alphabet = config::Alphabet::hex, .min = 27, .max = 27};
    const std::string key = "19656ea.4329f04826e125f1ee999b53f78";
    const std::string value = "Bearer " + key;

    const auto whole = auth::read_credential(head_with(value), {}, profile_of(format), {});
    BOOST_TEST_REQUIRE(whole.has_value());
    BOOST_TEST(whole->count == 1);
    BOOST_TEST(whole->proof_count == 0);
    BOOST_TEST((whole->digests[0] == keys::digest_of(key)));

    format.is_found_by_lookup = true;
    const auto part = auth::read_credential(head_with(value), {}, profile_of(format), {});
    BOOST_TEST_REQUIRE(part.has_value());
    BOOST_TEST(part->count == 1);
    BOOST_TEST((part->digests[0] == keys::digest_of("19656ea")));
    BOOST_TEST(part->proof_count == 1);
    BOOST_TEST((part->proofs[0] == keys::digest_of(key)));
    BOOST_TEST(!auth::may_pass(head_with(value), format));
}

BOOST_AUTO_TEST_CASE(whatever_may_hold_a_key_is_found_in_a_head) {
    const std::vector<config::KeySource> sources{{Kind::field, "X-Api-Key"},
                                                 {Kind::query, "api_key"}};
    const std::string text = "?a=1&api_key=one&api%5Fkey=two&api_key=&b=2";
    const auto head =
        head_of({"Authorization: three", "X-Api-Key: four", "X_API.KEY: five", "Authorization: six",
                 "X-Api-Key: ", "X-Api-Keys: seven", "Cookie: eight"});
    const std::vector<std::string_view> expected{"one", "two", "three", "four", "five", "six"};
    BOOST_TEST(auth::credentials_in(head, text, sources) == expected,
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_may_stand_among_the_protocols_of_a_websocket) {
    const std::vector<config::KeySource> all{
        {Kind::bearer, ""}, {Kind::query, "api_key"}, {Kind::websocket, "bearer"}};

    struct Row {
        std::vector<std::string_view> fields;
        std::string_view query;
        std::string_view answer;
    };

    const std::vector<Row> rows{
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abcd"}, "", "ok"},
        {{"sec-websocket-protocol: bearer,rp_0123abcd"}, "", "ok"},
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abcd, chat"}, "", "ok"},
        {{"Sec-WebSocket-Protocol: chat, bearer\t, \trp_0123abcd"}, "", "ok"},
        {{"Sec-WebSocket-Protocol: chat,, bearer,, ,rp_0123abcd,"}, "", "ok"},
        {{"Sec-WebSocket-Protocol: bearer", "Sec-WebSocket-Protocol: rp_0123abcd"}, "", "ok"},
        {{"Sec-WebSocket-Protocol: chat, bearer", "A: b", "Sec_WebSocket_Protocol: x",
          "SEC-WEBSOCKET-PROTOCOL: rp_0123abcd, x"},
         "",
         "ok"},
        // Nothing of that is a key.
        {{}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocol: "}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocol: chat"}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocol: rp_0123abcd"}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocol: Bearer, rp_0123abcd"}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocol: bearer2, rp_0123abcd"}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocol: bearer rp_0123abcd"}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocol: \"bearer\", rp_0123abcd"}, "", "auth_missing"},
        {{"Sec_WebSocket_Protocol: bearer, rp_0123abcd"}, "", "auth_missing"},
        {{"Sec-WebSocket-Protocols: bearer, rp_0123abcd"}, "", "auth_missing"},
        {{"Sec-WebSocket-Extensions: bearer, rp_0123abcd"}, "", "auth_missing"},
        // In two places, or twice in one; also the same.
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abcd, bearer, rp_0123abcd"},
         "",
         "auth_duplicate"},
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abcd", "Sec-WebSocket-Protocol: bearer, x"},
         "",
         "auth_duplicate"},
        {{"Sec-WebSocket-Protocol: bearer, bearer, rp_0123abcd"}, "", "auth_duplicate"},
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abcd, bearer"}, "", "auth_duplicate"},
        {{"Authorization: Bearer rp_0123abcd", "Sec-WebSocket-Protocol: bearer, rp_0123abcd"},
         "",
         "auth_duplicate"},
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abcd"}, "?api_key=x", "auth_duplicate"},
        // Other schemes and lists do not stand in the way.
        {{"Authorization: Basic dXNlcjpwYXNz", "Sec-WebSocket-Protocol: bearer, rp_0123abcd"},
         "",
         "ok"},
        {{"Authorization: Bearer rp_0123abcd", "Sec-WebSocket-Protocol: chat"}, "", "ok"},
        // There, but not one word.
        {{"Sec-WebSocket-Protocol: bearer"}, "", "auth_malformed"},
        {{"Sec-WebSocket-Protocol: chat, bearer,, "}, "", "auth_malformed"},
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abcd rp_0123abcd"}, "", "auth_malformed"},
        // One word that is no key.
        {{"Sec-WebSocket-Protocol: bearer, chat"}, "", "key_bad_format"},
        {{"Sec-WebSocket-Protocol: bearer, \"rp_0123abcd\""}, "", "key_bad_format"},
        {{"Sec-WebSocket-Protocol: bearer, rp_0123abc\xc3"}, "", "key_bad_format"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT((row.fields.empty() ? "" : row.fields.front())) {
            http::RequestHead head = head_of(row.fields);
            const auto told = [&](const std::vector<config::KeySource>& sources) {
                const auto credential = auth::read_credential(
                    head, row.query, profile_of(without_modes(), sources), {});
                if (credential)
                    BOOST_TEST((credential->digests[0] == keys::digest_of("rp_0123abcd")));
                return credential ? "ok" : name(credential.error().reason);
            };
            head.upgrades_to_websocket = true;
            BOOST_TEST(told(all) == row.answer);
            // Of no other request, and of no API that does not say so.
            const bool is_elsewhere = !row.query.empty() || head.authorizations > 0;
            if (is_elsewhere) continue;
            BOOST_TEST(told({{Kind::bearer, ""}}) == "auth_missing");
            head.upgrades_to_websocket = false;
            BOOST_TEST(told(all) == "auth_missing");
        }
}

BOOST_AUTO_TEST_CASE(protocols_go_upstream_without_whatever_may_be_a_key) {
    const std::vector<config::KeySource> sources{
        {Kind::bearer, ""}, {Kind::websocket, "bearer"}, {Kind::websocket, "token"}};
    const std::vector<config::KeySource> bearer{config::KeySource{}};
    using Views = std::vector<std::string_view>;

    struct Row {
        Views fields;
        bool are_changed;
        std::string_view name;
        std::string_view list;
        Views keys;
    };

    const std::vector<Row> rows{
        {{}, false, "", "", {}},
        {{"Sec-WebSocket-Protocol: "}, false, "", "", {}},
        {{"Sec-WebSocket-Protocol: chat, v2"}, false, "", "chat, v2", {}},
        {{"Sec-WebSocket-Protocol: bearer, k"}, true, "bearer", "", {"k"}},
        {{"Sec-WebSocket-Protocol: bearer,k,chat,v2"}, true, "bearer", "chat, v2", {"k"}},
        {{"Sec-WebSocket-Protocol: chat ,bearer,,k ,v2"}, true, "bearer", "chat, v2", {"k"}},
        {{"sec-websocket-protocol: token, k, chat"}, true, "token", "chat", {"k"}},
        {{"Sec-WebSocket-Protocol: chat, bearer"}, true, "bearer", "chat", {}},
        {{"Sec-WebSocket-Protocol: chat, bearer", "Sec-WebSocket-Protocol: k, v2"},
         true,
         "bearer",
         "chat, v2",
         {"k"}},
        {{"Sec-WebSocket-Protocol: bearer, k, chat, bearer, l, v2"},
         true,
         "bearer",
         "chat, v2",
         {"k", "l"}},
        {{"Sec-WebSocket-Protocol: bearer, bearer, k, l"}, true, "bearer", "l", {"bearer", "k"}},
        {{"Sec-WebSocket-Protocol: bearer, token, k, l"}, true, "token", "l", {"token", "k"}},
        {{"Sec-WebSocket-Protocol: bearer, a b, c"}, true, "bearer", "c", {"a b"}},
        {{"Sec-WebSocket-Protocol: Bearer, k"}, false, "", "Bearer, k", {}},
        // What a careless reader takes for the field holds no key either.
        {{"Sec_WebSocket.Protocol: bearer, k, chat"}, true, "", "", {"k"}},
        {{"Sec-WebSocket-Protocol: v2", "Sec_WebSocket_Protocol: chat, bearer, k"},
         true,
         "",
         "v2",
         {"k"}},
        {{"Sec-WebSocket-Protocol: v2, bearer", "Sec_WebSocket_Protocol: k",
          "Sec-WebSocket-Protocol: l, chat"},
         true,
         "bearer",
         "v2, chat",
         {"k", "l"}},
        {{"Sec_WebSocket_Protocol: bearer", "Sec-WebSocket-Protocol: k, chat"},
         true,
         "",
         "chat",
         {"k"}},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT((row.fields.empty() ? "" : row.fields.front())) {
            http::RequestHead head = head_of(row.fields);
            for (const bool upgrades : {false, true}) {
                head.upgrades_to_websocket = upgrades;
                std::string out = "before|";
                const auto protocols = auth::websocket_protocols_without_keys(head, sources, out);
                BOOST_TEST(protocols.are_changed == row.are_changed);
                BOOST_TEST(protocols.name == row.name);
                BOOST_TEST(out == "before|" + std::string{row.list});
                BOOST_TEST(auth::credentials_in(head, "", sources) == row.keys,
                           boost::test_tools::per_element());
                out.clear();
                BOOST_TEST(!auth::websocket_protocols_without_keys(head, bearer, out).are_changed);
                BOOST_TEST(out.empty());
                BOOST_TEST(auth::credentials_in(head, "", bearer).empty());
            }
        }
    // With other places in between they stand in their order.
    BOOST_TEST(auth::credentials_in(head_of({"Sec-WebSocket-Protocol: a, bearer",
                                             "Authorization: b", "Sec-WebSocket-Protocol: c"}),
                                    "", sources) == (Views{"b", "c"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_states_its_mode_by_its_prefix) {
    const auto live = auth::read_credential(head_with("Bearer sk_live_0123456789ab"), {},
                                            profile_of(with_modes()), {});
    const auto test = auth::read_credential(head_with("Bearer sk_test_0123456789ab"), {},
                                            profile_of(with_modes()), {});
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
