#include "config/shipped_profiles.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>

#include "config_text.hpp"

namespace {

using namespace keygate;
using config::Profile;

std::string shipped(std::string_view name) {
    for (const config::ShippedProfile& profile : config::shipped_profiles())
        if (profile.name == name) return std::string{profile.yaml};
    return {};
}

/// The good configuration with a profile of its own.
config::Loaded load_with(const std::string& profile) {
    return test::load(test::edited("profile: default", "profile: own"), {{"SET", "x"}},
                      {{"profiles/own.yaml", profile}});
}

Profile loaded_profile(const std::string& name) {
    const auto loaded = test::load(test::edited("profile: default", "profile: " + name));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    return loaded.settings->apis[0].profile;
}

struct Expected {
    Reason reason;
    std::uint16_t status;
    const char* code;
};

// Written by hand, not made from the profiles: clients rely on these.
const std::vector<Expected> answers{
    {Reason::auth_missing, 401, "UNAUTHORIZED"},
    {Reason::auth_malformed, 401, "UNAUTHORIZED"},
    {Reason::auth_duplicate, 401, "UNAUTHORIZED"},
    {Reason::key_bad_format, 403, "INVALID_API_KEY"},
    {Reason::key_unknown, 403, "INVALID_API_KEY"},
    {Reason::key_revoked, 403, "INVALID_API_KEY"},
    {Reason::key_disabled, 403, "INVALID_API_KEY"},
    {Reason::key_expired, 403, "INVALID_API_KEY"},
    {Reason::key_mode_mismatch, 403, "INVALID_API_KEY"},
    {Reason::tenant_mismatch, 403, "INVALID_API_KEY"},
    {Reason::plan_no_api, 403, "PLAN_LIMIT"},
    {Reason::plan_route, 403, "PLAN_LIMIT"},
    {Reason::owner_suspended, 403, "PLAN_LIMIT"},
    {Reason::scope_missing, 403, "PLAN_LIMIT"},
    {Reason::restriction_address, 403, "PLAN_LIMIT"},
    {Reason::restriction_referrer, 403, "PLAN_LIMIT"},
    {Reason::restriction_endpoint, 403, "PLAN_LIMIT"},
    {Reason::rate_limited, 429, "RATE_LIMITED"},
    {Reason::concurrency_exceeded, 429, "RATE_LIMITED"},
    {Reason::lockout, 429, "RATE_LIMITED"},
    {Reason::quota_exceeded, 429, "QUOTA_EXCEEDED"},
    {Reason::route_unknown, 404, "NOT_FOUND"},
    {Reason::route_method, 405, "METHOD_NOT_ALLOWED"},
    {Reason::head_invalid, 400, "BAD_REQUEST"},
    {Reason::target_invalid, 400, "BAD_REQUEST"},
    {Reason::body_invalid, 400, "BAD_REQUEST"},
    {Reason::head_expectation, 417, "BAD_REQUEST"},
    {Reason::target_too_long, 414, "TOO_LARGE"},
    {Reason::head_too_large, 431, "TOO_LARGE"},
    {Reason::body_too_large, 413, "TOO_LARGE"},
    {Reason::client_timeout, 408, "TIMEOUT"},
    {Reason::head_loop, 508, "LOOP"},
    {Reason::store_unavailable, 503, "UNAVAILABLE"},
    {Reason::store_invalid, 503, "UNAVAILABLE"},
    {Reason::overloaded, 503, "UNAVAILABLE"},
    {Reason::upstream_unavailable, 503, "UPSTREAM_ERROR"},
    {Reason::upstream_timeout, 504, "UPSTREAM_ERROR"},
    {Reason::upstream_invalid, 502, "UPSTREAM_ERROR"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(config_profiles)

BOOST_AUTO_TEST_CASE(the_shipped_profiles_answer_every_reason_as_documented) {
    BOOST_TEST_REQUIRE(answers.size() == reason_count);
    for (const char* name : {"default", "reelplus"}) {
        const Profile profile = loaded_profile(name);
        for (const Expected& expected : answers) {
            BOOST_TEST_CONTEXT(name << " " << keygate::name(expected.reason)) {
                const config::Answer& answer = profile.answers[index(expected.reason)];
                BOOST_TEST(answer.status == expected.status);
                BOOST_TEST(answer.code == expected.code);
                BOOST_TEST(answer.message.ends_with("."));
            }
        }
        // Whether a key exists for another tenant is nobody's business.
        BOOST_TEST(profile.answers[index(Reason::tenant_mismatch)].message ==
                   profile.answers[index(Reason::key_unknown)].message);
    }
}

BOOST_AUTO_TEST_CASE(the_default_profile_accepts_any_token_and_mints_by_mode) {
    const Profile profile = loaded_profile("default");
    BOOST_TEST(profile.key.prefix.empty());
    BOOST_TEST(profile.key.live_prefix.empty());
    BOOST_TEST((profile.key.body.alphabet == config::Alphabet::token));
    BOOST_TEST(profile.key.body.min == 16U);
    BOOST_TEST(profile.key.body.max == 256U);
    BOOST_TEST(profile.key.mint_live_prefix == "kg_live_");
    BOOST_TEST(profile.key.mint_test_prefix == "kg_test_");
    BOOST_TEST((profile.key.mint.alphabet == config::Alphabet::base62));
    BOOST_TEST(profile.key.mint.min == 40U);
    BOOST_TEST(profile.key.mint.max == 40U);
    BOOST_TEST((profile.default_scopes == config::DefaultScopes::all));
    BOOST_TEST((profile.trailing_slash == config::TrailingSlash::strict));
    BOOST_TEST(profile.show_reason);
}

BOOST_AUTO_TEST_CASE(the_reelplus_profile_has_the_keys_of_its_product) {
    const Profile profile = loaded_profile("reelplus");
    BOOST_TEST(profile.key.prefix == "rp_");
    BOOST_TEST((profile.key.body.alphabet == config::Alphabet::hex));
    BOOST_TEST(profile.key.body.min == 64U);
    BOOST_TEST(profile.key.body.max == 64U);
    BOOST_TEST(profile.key.mint_live_prefix == "rp_");
    BOOST_TEST(profile.key.mint_test_prefix.empty());
    BOOST_TEST((profile.key.mint.alphabet == config::Alphabet::hex));
    BOOST_TEST(profile.key.mint.min == 64U);
    BOOST_TEST(profile.key.shown_first == 10U);
    BOOST_TEST(profile.key.shown_last == 0U);
}

BOOST_AUTO_TEST_CASE(the_binary_holds_the_files_as_they_are) {
    for (const config::ShippedProfile& profile : config::shipped_profiles()) {
        std::ifstream file{std::string{KEYGATE_SOURCE_DIR "/config/profiles/"} +
                           std::string{profile.name} + ".yaml"};
        std::ostringstream text;
        text << file.rdbuf();
        BOOST_TEST(text.str() == profile.yaml, profile.name);
    }
}

BOOST_AUTO_TEST_CASE(one_line_switches_revoked_keys_to_401) {
    const auto loaded = load_with(test::edited("key_revoked: {status: 403, code: INVALID_API_KEY}",
                                               "key_revoked: {status: 401, code: UNAUTHORIZED}",
                                               shipped("reelplus")));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const auto& answer = loaded.settings->apis[0].profile.answers[index(Reason::key_revoked)];
    BOOST_TEST(answer.status == 401);
    BOOST_TEST(answer.code == "UNAUTHORIZED");
    BOOST_TEST(answer.message == "This API key has been revoked; use another one.");
}

BOOST_AUTO_TEST_CASE(a_file_beside_the_configuration_wins_over_a_shipped_profile) {
    const std::string other = test::edited("realm: api", "realm: ours", shipped("default"));
    const auto realm = [&](const std::string& value, const std::string& file) {
        const auto loaded =
            test::load(test::edited("profile: default", "profile: " + value), {}, {{file, other}});
        BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
        return loaded.settings->apis[0].profile.realm;
    };
    BOOST_TEST(realm("default", "profiles/default.yaml") == "ours");
    BOOST_TEST(realm("default", "profiles/other.yaml") == "api");
    BOOST_TEST(realm("mine", "profiles/mine.yaml") == "ours");
    BOOST_TEST(realm("mine.yaml", "mine.yaml") == "ours");
    BOOST_TEST(realm("../other/mine.yaml", "../other/mine.yaml") == "ours");
    BOOST_TEST(realm("/etc/mine", "/etc/mine") == "ours");
}

BOOST_AUTO_TEST_CASE(mistakes_of_a_profile_are_told_once_with_its_own_places) {
    std::string text = test::edited("profile: default", "profile: own");
    text += text.substr(text.find("  shop:")).replace(2, 4, "next");
    text = test::edited("hosts: [api.shop.example]", "hosts: [b.example]", text);
    const auto loaded = test::load(
        text, {},
        {{"profiles/own.yaml", test::edited("realm: api", "relam: api", shipped("default"))}});
    BOOST_TEST(
        test::mistakes_in(loaded) ==
        "profiles/own.yaml:20:1: relam: unknown name `relam`; allowed: extends, key, sources, "
        "challenge, default_scopes, trailing_slash, realm, max_age, max_keys_per_owner, "
        "limit_fields, self_service, show_reason, body, refusals, answers; did you mean "
        "`realm`?\n");
}

BOOST_AUTO_TEST_CASE(a_profile_answers_every_reason_or_does_not_load) {
    for (const Reason reason : all_reasons()) {
        std::string profile = shipped("default");
        const std::size_t at = profile.find("\n  " + std::string{name(reason)} + ":");
        BOOST_TEST_REQUIRE(at != std::string::npos);
        profile.erase(at, profile.find('\n', at + 1) - at);
        const auto loaded = load_with(profile);
        BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U);
        BOOST_TEST(loaded.mistakes[0].message ==
                   "every reason needs an answer; missing: " + std::string{name(reason)});
        BOOST_TEST(loaded.mistakes[0].path == "refusals");
        BOOST_TEST(loaded.mistakes[0].file == "profiles/own.yaml");
    }
}

BOOST_AUTO_TEST_CASE(mistakes_in_a_profile_say_what_is_allowed) {
    struct Row {
        const char* from;
        const char* to;
        const char* message;
    };

    const Row rows[] = {
        {"auth_missing:  ", "auth_mising:  ",
         "unknown reason `auth_mising`; did you mean `auth_missing`?"},
        {"status: 401", "status: 200", "found `200`; expected a whole number from 400 to 599"},
        {"status: 401", "status: 600", "found `600`; expected a whole number from 400 to 599"},
        {"code: UNAUTHORIZED", "code: \"NOT OK\"",
         "found `NOT OK`; expected a code: 1 to 64 letters, digits, `.`, `_` or `-`"},
        {"{status: 401, code: UNAUTHORIZED, message", "{status: 401, message", "`code` is missing"},
        {"{status: 401, code: UNAUTHORIZED, message", "{status: 401, code: A, body: x, message",
         "found `x`; expected one of: code, envelope, problem, plain; or a mapping such as {type: "
         "application/json, template: …}"},
        {"message: \"Send your API", "message: \"\\tSend your API",
         "found `\\x09Send your API key in the header `Authorization: Bearer <key>`.`; expected a "
         "sentence "
         "for the client's developer without control characters"},
        {"realm: api", "realm: \"a\\\\b\"",
         "found `a\\b`; expected 1 to 64 visible ASCII letters and spaces, without quotes and \\"},
        {"realm: api", "storage: sealed", "`storage` is not available yet"},
        {"default_scopes: all", "default_scopes: every",
         "found `every`; expected one of: all, none"},
        {"show_reason: true", "show_reason: on", "found `on`; expected true or false"},
        {"alphabet: token", "alphabet: hexadecimal",
         "found `hexadecimal`; expected one of: hex, base36, base62, token"},
        {"alphabet: token", "alphabet: hex",
         "new keys as described by `mint` would not be accepted: their prefix, alphabet or length "
         "does not fit"},
        {"length: 16-256", "length: 256-16",
         "found `256-16`; expected a length such as 64, or a range such as 16-256; at most 256"},
        {"length: 16-256", "length: 0",
         "found `0`; expected a length such as 64, or a range such as 16-256; at most 256"},
        {"length: 16-256", "length: 16-257",
         "found `16-257`; expected a length such as 64, or a range such as 16-256; at most 256"},
        {"length: 16-256", "length: 16-40",
         "new keys as described by `mint` would not be accepted: their prefix, alphabet or length "
         "does not fit"},
        {"length: 16-256", "length: 16-256\n  prefix: kg_l",
         "new keys as described by `mint` would not be accepted: their prefix, alphabet or length "
         "does not fit"},
        {"length: 16-256", "length: 16-256\n  lookup: {alphabet: hex, length: 7}",
         "`separator` is missing"},
        {"length: 16-256",
         "length: 16-256\n  lookup: {alphabet: hex, length: 3, separator: \":\", find_by: part}",
         "found `3`; expected a whole number from 4 to 32"},
        {"length: 16-256",
         "length: 16-256\n  lookup: {alphabet: hex, length: 7, separator: \":\", find_by: part}",
         "found `:`; expected 1 to 4 of `.`, `_` and `-`"},
        {"length: 16-256",
         "length: 16-256\n  lookup: {alphabet: hex, length: 7, separator: \".\", find_by: part}",
         "found `part`; expected one of: key, lookup"},
        {"length: 16-256", "length: 16-256\n  lookup: {alphabet: hex, length: 7, separator: \".\"}",
         "new keys as described by `mint` would not be accepted: their prefix, alphabet or length "
         "does not fit"},
        {"length: 16-256", "length: 16-256\n  checksum: crc16", "found `crc16`; expected crc32"},
        {"length: 16-256", "length: 6-256\n  checksum: crc32",
         "the checksum is the last 6 of the `length` letters, and must leave some before it"},
        // What can be computed of the others is not random.
        {"length: 40", "length: 21\n  checksum: crc32",
         "new keys would have about 89 random bits and could be guessed; at least 96 are needed"},
        {"length: 40", "length: 30-40", "new keys need one length; write `mint: {length: 40}`"},
        {"length: 40", "length: 16",
         "new keys would have about 95 random bits and could be guessed; at least 96 are needed"},
        {"{live: kg_live_, test: kg_test_}", "{live: kg_, test: kg_test_}",
         "one prefix begins with the other; a key must show its mode"},
        {"{live: kg_live_, test: kg_test_}", "{live: kg_live_}", "`test` is missing"},
        {"{live: kg_live_, test: kg_test_}", "\"kg live\"",
         "found `kg live`; expected 1 to 32 letters, digits, `.`, `_` or `-`"},
        {"first: 12, last: 0", "first: 20, last: 13",
         "at least 16 letters behind the prefix of a new key must stay hidden"},
        {"key:\n", "kei:\n", "`key` is missing"},
        {"realm: api", "realm: ${NOT_SET}",
         "variable `NOT_SET` is not set; ${NOT_SET:-default} would give it a default"},
    };
    const std::string good = shipped("default");
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.to) {
            const auto loaded = load_with(test::edited(row.from, row.to, good));
            bool is_told = false;
            for (const config::Mistake& mistake : loaded.mistakes) {
                is_told = is_told || mistake.message == row.message;
                BOOST_TEST(mistake.file == "profiles/own.yaml");
            }
            BOOST_TEST(is_told, test::mistakes_in(loaded));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_format_may_have_a_public_part_and_a_checksum) {
    std::string profile = shipped("default");
    const std::size_t end = profile.find("default_scopes:");
    profile.replace(0, end,
                    "key:\n  lookup: {alphabet: base36, length: 7, separator: \".\"}\n"
                    "  alphabet: hex\n  length: 35\n  checksum: crc32\n"
                    "  shown: {first: 7, last: 0}\n");
    auto loaded = load_with(profile);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::KeyFormat key = loaded.settings->apis[0].profile.key;
    BOOST_TEST((key.lookup.alphabet == config::Alphabet::base36));
    BOOST_TEST(key.lookup.min == 7U);
    BOOST_TEST(key.lookup.max == 7U);
    BOOST_TEST(key.separator == ".");
    BOOST_TEST(!key.is_found_by_lookup);
    BOOST_TEST(key.has_checksum);
    BOOST_TEST(key.shown_first == 7U);

    for (const char* const by : {"key", "lookup"}) {
        loaded =
            load_with(test::edited("\".\"}", std::string{"\".\", find_by: "} + by + "}", profile));
        BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
        BOOST_TEST(loaded.settings->apis[0].profile.key.is_found_by_lookup ==
                   (by == std::string_view{"lookup"}));
    }
    // The public part may be shown whole, and of the secret no more than elsewhere.
    loaded = load_with(test::edited("first: 7, last: 0", "first: 16, last: 3", profile));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    loaded = load_with(test::edited("first: 7, last: 0", "first: 16, last: 4", profile));
    BOOST_TEST(test::mistakes_in(loaded) ==
               "profiles/own.yaml:6:10: key.shown: at least 16 letters behind the prefix of a new "
               "key must stay hidden\n");
    loaded = load_with(test::edited("length: 35", "length: 31", profile));
    BOOST_TEST(test::mistakes_in(loaded) ==
               "profiles/own.yaml:2:3: key: new keys would have about 92 random bits and could be "
               "guessed; at least 96 are needed\n");
}

BOOST_AUTO_TEST_CASE(formats_with_modes_mint_by_mode) {
    std::string profile = shipped("default");
    const std::size_t end = profile.find("default_scopes:");
    profile.replace(0, end,
                    "key:\n  prefix: {live: sk_live_, test: sk_test_}\n  alphabet: base62\n"
                    "  length: 12-128\n  mint: {length: 32}\n");
    auto loaded = load_with(profile);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::KeyFormat& key = loaded.settings->apis[0].profile.key;
    BOOST_TEST(key.live_prefix == "sk_live_");
    BOOST_TEST(key.mint_test_prefix == "sk_test_");
    BOOST_TEST(key.mint.min == 32U);
    BOOST_TEST((key.mint.alphabet == config::Alphabet::base62));

    loaded = load_with(test::edited("{length: 32}", "{length: 32, prefix: sk_live_}", profile));
    BOOST_TEST(test::mistakes_in(loaded) ==
               "profiles/own.yaml:5:9: key.mint: the format has modes, so "
               "`mint.prefix` needs `live` and `test`\n");
}

BOOST_AUTO_TEST_CASE(an_api_changes_single_answers_and_nobody_elses) {
    std::string text =
        test::edited("profile: default", "profile: reelplus\n"
                                         "    refusals:\n"
                                         "      key_revoked: {status: 401, code: UNAUTHORIZED}\n"
                                         "      key_unknown: {message: No such key.}");
    text += "  deals:\n    profile: reelplus\n"
            "    upstreams: {live: {servers: [\"http://127.0.0.1:3000\"]}}\n"
            "    routes: {ANY /**: key}\n";
    const auto loaded = test::load(text);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const auto& changed = loaded.settings->apis[0].profile.answers;
    const auto& kept = loaded.settings->apis[1].profile.answers;
    for (const Reason reason : all_reasons()) {
        const auto& now = changed[index(reason)];
        const auto& before = kept[index(reason)];
        const bool is_revoked = reason == Reason::key_revoked;
        BOOST_TEST_CONTEXT(name(reason)) {
            BOOST_TEST(now.status == (is_revoked ? 401 : before.status));
            BOOST_TEST(now.code == (is_revoked ? "UNAUTHORIZED" : before.code));
            BOOST_TEST(now.message ==
                       (reason == Reason::key_unknown ? "No such key." : before.message));
        }
    }
    BOOST_TEST(kept[index(Reason::key_revoked)].status == 403);
}

BOOST_AUTO_TEST_SUITE_END()
