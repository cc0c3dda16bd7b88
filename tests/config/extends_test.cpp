#include <boost/test/unit_test.hpp>

#include <string>

#include "config_text.hpp"

namespace {

using namespace keygate;
using config::Profile;

/// The good configuration with `profile: own`, and these files beside it.
config::Loaded load_with(const test::Table& files) {
    return test::load(test::edited("profile: default", "profile: own"), {}, files);
}

Profile profile_of(const test::Table& files) {
    const auto loaded = load_with(files);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    return loaded.settings->apis[0].profile;
}

std::string mistakes_of(const test::Table& files) {
    return test::mistakes_in(load_with(files));
}

/// One that changes nothing has the name alone that is its own.
Profile as_default() {
    return profile_of({{"profiles/own.yaml", "extends: default\n"}});
}

const config::Answer& answer(const Profile& profile, Reason reason) {
    return profile.answers[index(reason)];
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_extends)

BOOST_AUTO_TEST_CASE(a_profile_that_only_extends_is_what_it_extends) {
    Profile own = as_default();
    BOOST_TEST(own.name == "own");
    own.name = "default";
    BOOST_TEST((own == config::default_profile()));
}

BOOST_AUTO_TEST_CASE(blocks_are_replaced_as_a_whole_and_refusals_by_member) {
    const Profile own = profile_of({{"profiles/own.yaml", "extends: default\n"
                                                          "key: {alphabet: hex, length: 32}\n"
                                                          "refusals:\n"
                                                          "  key_revoked: {status: 401}\n"
                                                          "  key_unknown: {code: NO_KEY}\n"
                                                          "realm: ours\n"}});
    const Profile base = config::default_profile();
    BOOST_TEST((own.key.body.alphabet == config::Alphabet::hex));
    BOOST_TEST(own.key.mint_live_prefix.empty());
    BOOST_TEST(own.key.shown_first == 0U);
    BOOST_TEST(own.realm == "ours");
    for (const Reason reason : all_reasons()) {
        config::Answer expected = answer(base, reason);
        if (reason == Reason::key_revoked) expected.status = 401;
        if (reason == Reason::key_unknown) expected.code = "NO_KEY";
        BOOST_TEST((answer(own, reason) == expected), name(reason));
    }
}

BOOST_AUTO_TEST_CASE(profiles_stand_on_each_other_and_paths_are_seen_from_their_file) {
    const Profile own = profile_of(
        {{"profiles/own.yaml", "extends: ../common/a.yaml\nrealm: own\n"},
         {"profiles/../common/a.yaml", "extends: b.yaml\nrealm: a\nmax_age: {warn: 2d}\n"},
         {"profiles/../common/b.yaml",
          "extends: reelplus\nmax_age: {warn: 1d, refuse: 3d}\ntrailing_slash: ignore\n"}});
    BOOST_TEST(own.realm == "own");
    BOOST_TEST(own.key.prefix == "rp_");
    BOOST_TEST((own.trailing_slash == config::TrailingSlash::ignore));
    BOOST_TEST((own.max_age == config::MaxAge{.warn = std::chrono::hours{48}, .refuse = {}}));
}

BOOST_AUTO_TEST_CASE(a_profile_cannot_stand_on_itself) {
    BOOST_TEST(mistakes_of({{"profiles/own.yaml", "realm: x\nextends: own\n"}}) ==
               "profiles/own.yaml:2:10: extends: a profile cannot stand on itself: own extends "
               "own\n");
    BOOST_TEST(mistakes_of({{"profiles/own.yaml", "extends: b\n"},
                            {"profiles/b.yaml", "extends: c\n"},
                            {"profiles/c.yaml", "\nextends: own\n"}}) ==
               "profiles/c.yaml:2:10: extends: a profile cannot stand on itself: own extends b "
               "extends c extends own\n");
}

BOOST_AUTO_TEST_CASE(a_profile_stands_on_eight_others_at_most) {
    test::Table files{{"profiles/own.yaml", "extends: p1\n"}};
    for (int i = 1; i < 8; ++i)
        files["profiles/p" + std::to_string(i) + ".yaml"] =
            "extends: " + (i < 7 ? "p" + std::to_string(i + 1) : std::string{"default"}) + "\n";
    BOOST_TEST(mistakes_of(files).empty());
    files["profiles/p7.yaml"] = "extends: p8\n";
    files["profiles/p8.yaml"] = "extends: default\n";
    BOOST_TEST(mistakes_of(files) ==
               "profiles/p8.yaml:1:10: extends: stands on more than 8 others: own extends p1 "
               "extends p2 extends p3 extends p4 extends p5 extends p6 extends p7 extends p8\n");
    // The same where the others have been read before.
    std::string text = test::edited("profile: default", "profile: p1");
    text += text.substr(text.find("  shop:")).replace(2, 4, "next");
    text = test::edited("hosts: [api.shop.example]", "hosts: [b.example]", text);
    text.replace(text.rfind("profile: p1"), 11, "profile: own");
    BOOST_TEST(test::mistakes_in(test::load(text, {}, files)) ==
               "profiles/own.yaml:1:10: extends: stands on more than 8 others\n");
}

BOOST_AUTO_TEST_CASE(what_is_extended_must_be_there) {
    BOOST_TEST(mistakes_of({{"profiles/own.yaml", "extends: defualt\n"}}) ==
               "profiles/own.yaml:1:10: extends: found `defualt`, which is no profile; shipped: "
               "default, reachscore, reelplus, reflow, robinreach, sk; others are files such as "
               "`profiles/NAME.yaml`; did you mean `default`?\n");
    BOOST_TEST(mistakes_of({{"profiles/own.yaml", "extends: ./x.yaml\n"}}) ==
               "profiles/own.yaml:1:10: extends: found `./x.yaml`, a file that cannot be read\n");
    BOOST_TEST(mistakes_of({{"profiles/own.yaml", "extends: [a]\n"}}) ==
               "profiles/own.yaml:1:10: extends: found a list; expected the name of a profile, or "
               "a path to its file\n");
}

BOOST_AUTO_TEST_CASE(mistakes_have_the_place_of_their_own_file) {
    BOOST_TEST(mistakes_of({{"profiles/own.yaml", "extends: b\nrefusals: {key_x: {status: 401}}\n"},
                            {"profiles/b.yaml", "extends: default\nreelm: a\n"}}) ==
               "profiles/b.yaml:2:1: reelm: unknown name `reelm`; allowed: extends, key, sources, "
               "challenge, default_scopes, trailing_slash, realm, max_age, max_keys_per_owner, "
               "limit_fields, self_service, show_reason, body, refusals, answers; did you mean "
               "`realm`?\n"
               "profiles/own.yaml:2:12: refusals.key_x: unknown reason `key_x`\n");
}

BOOST_AUTO_TEST_CASE(sources_say_where_a_key_may_be) {
    using Source = config::KeySource;
    using Kind = Source::Kind;
    const auto sources = [](const std::string& yaml) {
        return profile_of({{"profiles/own.yaml", "extends: default\nsources: " + yaml + "\n"}});
    };
    BOOST_TEST((as_default().sources == std::vector<Source>{Source{}}));
    const Profile all = sources(
        "[{query: api_key}, {header: X-Api-Key}, {scheme: Token}, bearer, {query: API_KEY}, "
        "{websocket: bearer}, {websocket: Bearer}]");
    BOOST_TEST((all.sources == std::vector<Source>{{Kind::query, "api_key"},
                                                   {Kind::field, "X-Api-Key"},
                                                   {Kind::scheme, "Token"},
                                                   {Kind::bearer, ""},
                                                   {Kind::query, "API_KEY"},
                                                   {Kind::websocket, "bearer"},
                                                   {Kind::websocket, "Bearer"}}));
    BOOST_TEST(all.challenge == "Bearer");
    BOOST_TEST(sources("[{header: X-Api-Key}, {scheme: Token}]").challenge == "Token");
    BOOST_TEST(sources("[{header: X-Api-Key}]").challenge == "ApiKey");
    BOOST_TEST(sources("[{websocket: bearer}]").challenge == "ApiKey");
    BOOST_TEST(sources("[{websocket: a}, {scheme: Token}]").challenge == "Token");
    BOOST_TEST(sources("[{header: X-Api-Key}]\nchallenge: Shop").challenge == "Shop");
}

BOOST_AUTO_TEST_CASE(what_a_profile_asks_of_keys_is_read) {
    const Profile own = profile_of(
        {{"profiles/own.yaml", "extends: default\nmax_age: {refuse: 120d, warn: 90d}\n"
                               "max_keys_per_owner: 1\nself_service: {cap_expiry: true}\n"
                               "limit_fields: [draft10, x-epoch]\n"}});
    BOOST_TEST(
        (own.max_age == config::MaxAge{std::chrono::hours{24 * 90}, std::chrono::hours{24 * 120}}));
    BOOST_TEST((own.max_keys_per_owner == 1U));
    BOOST_TEST(own.self_service.caps_expiry);
    BOOST_TEST(
        (own.fields == std::vector{config::LimitFields::draft10, config::LimitFields::epoch}));
    const Profile base = config::default_profile();
    BOOST_TEST((base.max_age == config::MaxAge{}));
    BOOST_TEST(!base.max_keys_per_owner.has_value());
    BOOST_TEST(!base.self_service.caps_expiry);
}

BOOST_AUTO_TEST_CASE(an_api_has_its_own_rules_for_keys) {
    const test::Table files{{"profiles/own.yaml",
                             "extends: default\nmax_age: {refuse: 120d}\nmax_keys_per_owner: 1\n"
                             "self_service: {cap_expiry: true}\nlimit_fields: none\n"}};
    const auto api = [&](const std::string& yaml) {
        const auto loaded =
            test::load(test::edited("profile: default", "profile: own\n" + yaml), {}, files);
        BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
        return loaded.settings->apis[0];
    };
    const config::Api inherited = api("");
    BOOST_TEST((inherited.profile.max_keys_per_owner == 1U));
    BOOST_TEST(inherited.limits.fields.empty());
    const config::Api changed =
        api("    max_age: {warn: 7d}\n    max_keys_per_owner: none\n"
            "    self_service: {cap_expiry: false}\n    limits: {fields: x-delta}\n");
    BOOST_TEST((changed.profile.max_age ==
                config::MaxAge{.warn = std::chrono::hours{24 * 7}, .refuse = {}}));
    BOOST_TEST(!changed.profile.max_keys_per_owner.has_value());
    BOOST_TEST(!changed.profile.self_service.caps_expiry);
    BOOST_TEST((changed.limits.fields == std::vector{config::LimitFields::delta}));
    BOOST_TEST((api("    max_age: none\n").profile.max_age == config::MaxAge{}));
    BOOST_TEST(api("    limits: {truth: local}\n").limits.fields.empty());
}

BOOST_AUTO_TEST_CASE(mistakes_say_what_is_allowed) {
    struct Row {
        const char* yaml;
        const char* message; // with its place
    };

    const Row rows[] = {
        {"sources: bearer",
         "2:10: sources: found `bearer`; expected a list such as [bearer, {header: X-Api-Key}, "
         "{scheme: Token}, {query: api_key}, {websocket: bearer}]"},
        {"sources: []", "2:10: sources: lists no source; expected a list such as [bearer, {header: "
                        "X-Api-Key}, {scheme: Token}, {query: api_key}, {websocket: bearer}]"},
        {"sources: [baerer]",
         "2:11: sources[0]: found `baerer`; expected bearer; did you mean `bearer`?"},
        {"sources: [{header: X-Api-Key, query: key}]",
         "2:11: sources[0]: a source is `bearer`, `{header: NAME}`, `{scheme: NAME}`, `{query: "
         "NAME}` or `{websocket: NAME}`"},
        {"sources: [{websocket: a, query: key}]",
         "2:11: sources[0]: a source is `bearer`, `{header: NAME}`, `{scheme: NAME}`, `{query: "
         "NAME}` or `{websocket: NAME}`"},
        {"sources: [{websocket: \"a b\"}]",
         "2:23: sources[0].websocket: found `a b`; expected 1 to 64 letters, digits or any of "
         "!#$%&'*+-.^_`|~"},
        {"sources: [{websocket: a}, {websocket: a}]",
         "2:27: sources[1]: this source is listed twice"},
        {"sources: [{header: Sec-WebSocket-Protocol}]",
         "2:20: sources[0].header: of `Sec-WebSocket-Protocol` write `{websocket: NAME}`"},
        {"sources: [{header: Client-Cert}]",
         "2:20: sources[0].header: `Client-Cert` says something else in a request; expected a "
         "field of its own such as X-Api-Key"},
        {"sources: [{heder: X-Api-Key}]", "2:12: sources[0].heder: unknown name `heder`; allowed: "
                                          "header, scheme, query, websocket; did you "
                                          "mean `header`?"},
        {"sources: [{header: Authorization}]",
         "2:20: sources[0].header: of `Authorization` write `bearer`, or `{scheme: NAME}`"},
        {"sources: [{header: X_Api_Key}]",
         "2:20: sources[0].header: found `X_Api_Key`; expected a field name of letters, digits and "
         "`-`"},
        {"sources: [{header: HOST}]",
         "2:20: sources[0].header: `HOST` says something else in a request; expected a field of "
         "its own such as X-Api-Key"},
        {"sources: [{header: X-Forwarded-User}]",
         "2:20: sources[0].header: `X-Forwarded-User` says something else in a request; expected a "
         "field of its own such as X-Api-Key"},
        {"sources: [{scheme: bearer}]", "2:20: sources[0].scheme: of this scheme write `bearer`"},
        {"sources: [{scheme: Basic}]", "2:20: sources[0].scheme: `Basic` carries a user and a "
                                       "password in base64, not a key"},
        {"sources: [{query: \"a b\"}]",
         "2:19: sources[0].query: found `a b`; expected a parameter's name: 1 to 64 letters, "
         "digits, `.`, `_`, `~` or `-`"},
        {"sources: [{header: X-Key}, {header: x-key}]",
         "2:28: sources[1]: this source is listed twice"},
        {"challenge: \"a b\"", "2:12: challenge: found `a b`; expected 1 to 64 letters, digits or "
                               "any of !#$%&'*+-.^_`|~"},
        {"max_age: 90d",
         "2:10: max_age: found `90d`; expected a mapping such as {warn: 90d, refuse: 120d}, or "
         "none"},
        {"max_age: {}", "2:10: max_age: says no age; expected `warn`, `refuse` or both, or none"},
        {"max_age: {warn: 90d, refuse: 90d}",
         "2:17: max_age.warn: nobody would be warned before keys are refused; expected an age "
         "below that of `refuse`"},
        {"max_age: {warn: 1500ms}",
         "2:17: max_age.warn: found `1500ms`; expected an age in whole seconds, such as 90d"},
        {"max_keys_per_owner: 0", "2:21: max_keys_per_owner: found `0`; expected a whole number "
                                  "from 1 to 1000000"},
        {"limit_fields: [draft11]",
         "2:16: limit_fields[0]: found `draft11`; expected one of: draft10, legacy-ietf, x-delta, "
         "x-epoch; did you mean `draft10`?"},
        {"self_service: {cap_expiry: 30d}",
         "2:28: self_service.cap_expiry: found `30d`; expected true or false"},
    };
    for (const Row& row : rows)
        BOOST_TEST(mistakes_of({{"profiles/own.yaml",
                                 "extends: default\n" + std::string{row.yaml} + "\n"}}) ==
                   "profiles/own.yaml:" + std::string{row.message} + "\n");
}

BOOST_AUTO_TEST_CASE(a_source_cannot_be_a_field_that_tells_who_calls) {
    const test::Table files{
        {"profiles/own.yaml", "extends: default\nsources: [{header: X-Key-Id}]\n"}};
    BOOST_TEST(mistakes_of(files) ==
               "keygate.yaml:15:14: apis.shop.profile: one of its sources is a field that tells "
               "the API who calls (`identity.prefix`)\n");
    const std::string text = test::edited("identity: {prefix: X-Key-}", "identity: {prefix: X-Me-}",
                                          test::edited("profile: default", "profile: own"));
    BOOST_TEST(test::load(text, {}, files).settings.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
