#include "config/printer.hpp"
#include "config/read_replies.hpp"
#include "config/template.hpp"
#include "config/tree.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

#include "config_text.hpp"

namespace {

using namespace keygate;
using config::Profile;
using config::Template;
using Kind = Template::Kind;

/// `a{b}c` as `a|<b>|c`, or what is wrong.
std::string apart(std::string_view text) {
    const auto pieces = config::pieces_of(text);
    if (!pieces.value) return pieces.wrong;
    std::string out;
    for (const config::TextPiece& piece : *pieces.value)
        out += (out.empty() ? "" : "|") + (piece.is_variable ? "<" + piece.text + ">" : piece.text);
    return out;
}

config::Loaded load_with(const std::string& profile, const test::Table& variables = {}) {
    return test::load(test::edited("profile: default", "profile: own"), variables,
                      {{"profiles/own.yaml", "extends: default\n" + profile + "\n"}});
}

Profile profile_with(const std::string& profile, const test::Table& variables = {}) {
    const auto loaded = load_with(profile, variables);
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    return loaded.settings->apis[0].profile;
}

const config::Answer& answer(const Profile& profile, Reason reason) {
    return profile.answers[index(reason)];
}

const config::ReplyShape& reply(const Profile& profile, config::Reply reply) {
    return profile.replies[static_cast<std::size_t>(reply)];
}

/// A template in words: "text", =literal, [items], {"member":…}.
std::string shown(const Template& shape) {
    std::string out;
    switch (shape.kind) {
    case Kind::text:
        return '"' + shape.text + '"';
    case Kind::literal:
        return '=' + shape.text;
    case Kind::list:
        for (const Template& item : shape.items)
            out += (out.empty() ? "" : ",") + shown(item);
        return '[' + out + ']';
    case Kind::object:
        for (const auto& [name, member] : shape.members)
            out += (out.empty() ? "\"" : ",\"") + name + "\":" + shown(member);
        return '{' + out + '}';
    }
    return out;
}

struct Row {
    std::string yaml;
    std::string mistake; // with its place in the second line of the profile and after
};

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows)
        BOOST_TEST(test::mistakes_in(load_with(row.yaml)) ==
                   "profiles/own.yaml:" + row.mistake + "\n");
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_template)

BOOST_AUTO_TEST_CASE(a_text_is_letters_and_variables) {
    BOOST_TEST(apart("") == "");
    BOOST_TEST(apart("plain, \"quoted\" $") == "plain, \"quoted\" $");
    BOOST_TEST(apart("{a}") == "<a>");
    BOOST_TEST(apart("a{b}{c.d-e_1}f") == "a|<b>|<c.d-e_1>|f");
    BOOST_TEST(apart("{{a}}") == "{a}");
    BOOST_TEST(apart("{{{a}}}") == "{|<a>|}");
    BOOST_TEST(apart("a}}{{b") == "a}{b");
    for (const char* open : {"{", "a{", "{a", "{}", "{a b}", "{a{b}", "{é}", "{{{"})
        BOOST_TEST(apart(open) == "a `{` that begins no variable such as {request_id}; write `{{`",
                   open);
    for (const char* close : {"}", "a}b", "{a}}", "}}}"})
        BOOST_TEST(apart(close) == "a `}` that ends no variable; write `}}`", close);
}

BOOST_AUTO_TEST_CASE(a_body_is_any_yaml) {
    const Profile own = profile_with(
        "body:\n  type: application/vnd.shop.v1+json; charset=utf-8\n  template:\n"
        "    ok: false\n    quoted: \"false\"\n    none: null\n    empty: \"\"\n"
        "    numbers: [0, -1, 1.5, 2e9, -0.5E-3, 007, 1_000, .5, +1, 0x1f, \"17\", yes]\n"
        "    \"odd \\\"name\\\"\": {code: \"{code}\", text: \"{code}: {message}\"}\n"
        "    env: ${NUMBER}\n",
        {{"NUMBER", "17"}});
    BOOST_TEST((own.body.kind == config::Body::Kind::custom));
    BOOST_TEST(own.body.type == "application/vnd.shop.v1+json; charset=utf-8");
    BOOST_TEST(shown(own.body.shape) ==
               R"({"ok":=false,"quoted":"false","none":=null,"empty":"",)"
               R"("numbers":[=0,=-1,=1.5,=2e9,=-0.5E-3,"007","1_000",".5","+1","0x1f","17","yes"],)"
               R"("odd "name"":{"code":"{code}","text":"{code}: {message}"},"env":"17"})");
    BOOST_TEST(profile_with("body: {template: \"{code}\"}").body.type == "application/json");
    BOOST_TEST((profile_with("body: problem").body.kind == config::Body::Kind::problem));
    BOOST_TEST((profile_with("").body == config::Body{}));
}

BOOST_AUTO_TEST_CASE(a_refusal_has_headers_and_a_body_of_its_own) {
    const Profile own =
        profile_with("refusals:\n  key_revoked: {headers: {X-Docs: \"https://d/{code}\", X-B: b}, "
                     "body: plain}\n  plan_no_api: {message: \"Only {plans_with_access}.\"}");
    const config::Answer& revoked = answer(own, Reason::key_revoked);
    BOOST_TEST((revoked.fields ==
                std::vector<config::AnswerField>{{"X-Docs", "https://d/{code}"}, {"X-B", "b"}}));
    BOOST_TEST_REQUIRE(revoked.body.has_value());
    BOOST_TEST((revoked.body->kind == config::Body::Kind::plain));
    BOOST_TEST(revoked.code == "INVALID_API_KEY"); // inherited
    BOOST_TEST(answer(own, Reason::plan_no_api).message == "Only {plans_with_access}.");
    BOOST_TEST(!answer(own, Reason::plan_no_api).body.has_value());
}

BOOST_AUTO_TEST_CASE(mistakes_in_refusals_say_what_is_allowed) {
    const std::string all = "api, code, message, plans_with_access, realm, reason, request_id, "
                            "retry_after, scope, status";
    const std::string known = "api, code, plans_with_access, realm, status";
    const std::string at_revoked = "2:25: refusals.key_revoked.";
    check({
        {"body: problm", "2:7: body: found `problm`; expected one of: code, envelope, problem, "
                         "plain; did you mean `problem`?; or a mapping such as {type: "
                         "application/json, template: …}"},
        {"body: {type: text/html, template: x}",
         "2:14: body.type: found `text/html`; expected a media type of JSON such as "
         "application/json or application/vnd.shop.v1+json"},
        {"body: {type: \"application/json\\nX: y\", template: x}",
         "2:14: body.type: found `application/json\\x0aX: y`; expected a media type of JSON such "
         "as application/json or application/vnd.shop.v1+json without control characters"},
        {"body: {type: application/json}", "2:1: body: `template` is missing"},
        {"body: {template: {a: [\"{requestid}\"]}}",
         "2:23: body.template.a[0]: unknown variable `{requestid}`; allowed: " + all +
             "; did you mean `request_id`?"},
        {"body: {template: {a: \"{\"}}", "2:22: body.template.a: holds a `{` that begins no "
                                         "variable such as {request_id}; write `{{`"},
        {"body: {template: {a: \"{key.secret}\"}}",
         "2:22: body.template.a: unknown variable `{key.secret}`; allowed: " + all},
        {"refusals: {key_revoked: {message: \"No {request_id}.\"}}",
         "2:35: refusals.key_revoked.message: unknown variable `{request_id}`; allowed: " + known},
        {"refusals: {key_revoked: {headers: {X-A: \"{cod}\"}}}",
         "2:41: refusals.key_revoked.headers.X-A: unknown variable `{cod}`; allowed: " + all +
             "; did you mean `code`?"},
        {"refusals: {key_revoked: {headers: {\"X A\": b}}}",
         "2:36: refusals.key_revoked.headers.X A: a header's name has 1 to 64 letters, digits or "
         "`-`"},
        {"refusals: {key_revoked: {headers: {X_A: b}}}",
         "2:36: refusals.key_revoked.headers.X_A: a header's name has 1 to 64 letters, digits or "
         "`-`"},
        {"refusals: {key_revoked: {headers: {\"X-A: b\\r\\nX-B\": c}}}",
         "2:36: refusals.key_revoked.headers.X-A: b\\x0d\\x0aX-B: a header's name has 1 to 64 "
         "letters, digits or `-`"},
        {"refusals: {key_revoked: {headers: {X-A: a, x-a: b}}}",
         "2:44: refusals.key_revoked.headers.x-a: `x-a` is listed twice"},
        {"refusals: {key_revoked: {headers: {X-A: \"b\\r\\nX-B: c\"}}}",
         "2:41: refusals.key_revoked.headers.X-A: found `b\\x0d\\x0aX-B: c`; expected a header's "
         "value without control characters"},
        {"refusals: {key_revoked: {headers: {X-A: \" b\"}}}",
         "2:41: refusals.key_revoked.headers.X-A: found ` b`; expected a header's value without "
         "spaces at its ends"},
        {"refusals: {key_revoked: {headers: [X-A]}}",
         "2:35: refusals.key_revoked.headers: found a list; expected a mapping such as {X-Docs: "
         "\"https://docs.example.com/{code}\"}"},
    });
    for (const char* name :
         {"Content-Length", "content-type", "Transfer-Encoding", "Connection", "Date",
          "WWW-Authenticate", "Allow", "Retry-After", "RateLimit", "RateLimit-Policy",
          "X-RateLimit-Limit", "X-Request-Id", "Cache-Control", "Proxy-Authenticate", "Upgrade"})
        check({{"refusals: {key_revoked: {headers: {" + std::string{name} + ": x}}}",
                "2:36: refusals.key_revoked.headers." + std::string{name} + ": `" + name +
                    "` is set by the gateway itself, or says how a message is framed or kept"}});
}

BOOST_AUTO_TEST_CASE(what_the_environment_holds_is_not_repeated) {
    const auto loaded =
        load_with("body: {template: {a: \"${X}\"}}", {{"X", "hidden {hidden} {request_id}"}});
    BOOST_TEST(
        test::mistakes_in(loaded) ==
        "profiles/own.yaml:2:22: body.template.a: what `${X}` holds has an unknown variable; "
        "allowed: api, code, message, plans_with_access, realm, reason, request_id, "
        "retry_after, scope, status\n");
    BOOST_TEST(test::mistakes_in(load_with("body: {template: {a: \"${X}\"}}", {{"X", "\xff"}})) ==
               "profiles/own.yaml:2:22: body.template.a: found what `${X}` holds; expected a text "
               "in UTF-8\n");
}

BOOST_AUTO_TEST_CASE(a_template_is_of_a_sane_size) {
    const std::string names(201, 'n');
    check({{"body: {template: {a: \"" + std::string(16 * 1024, 'a') + "\"}}",
            "2:18: body.template: the texts of a template have at most 16384 bytes together"},
           {"body: {template: {" + names + ": a}}",
            "2:19: body.template." + names + ": a member's name has at most 200 bytes"}});
}

BOOST_AUTO_TEST_CASE(hidden_reasons_are_seen_nowhere) {
    const std::string same = "{status: 403, code: INVALID_API_KEY, message: Invalid API key}";
    const std::string alike = "show_reason: false\nrefusals:\n  key_bad_format: " + same +
                              "\n  key_unknown: " + same + "\n  key_revoked: " + same +
                              "\n  key_disabled: " + same + "\n  key_expired: " + same +
                              "\n  tenant_mismatch: " + same + "\n";
    BOOST_TEST(test::mistakes_in(load_with(alike)) == "");
    BOOST_TEST(test::mistakes_in(load_with(alike + "body: {template: {reason: \"{reason}\"}}")) ==
               "");
    const auto wrong = [&](const std::string& from, const std::string& to) {
        return test::mistakes_in(load_with(test::edited(from, to, alike)));
    };
    BOOST_TEST(
        wrong("key_revoked: {status: 403", "key_revoked: {status: 401") ==
        "profiles/own.yaml:6:16: refusals.key_revoked: with `show_reason: false` the answers "
        "to `key_revoked` and `key_unknown` must be the same; they differ in status\n");
    BOOST_TEST(
        wrong("key_expired: {", "key_expired: {headers: {X-A: b}, body: plain, ") ==
        "profiles/own.yaml:8:16: refusals.key_expired: with `show_reason: false` the answers "
        "to `key_expired` and `key_unknown` must be the same; they differ in headers, "
        "body\n");
    BOOST_TEST(wrong("key_expired: {", "key_expired: {body: code, ") == ""); // as the profile's
    BOOST_TEST(
        wrong("refusals:\n", "refusals:\n  rate_limited: {headers: {X-A: \"a{reason}\"}}\n") ==
        "profiles/own.yaml:4:17: refusals.rate_limited: with `show_reason: false` the answer "
        "to `rate_limited` cannot hold `{reason}`\n");
    BOOST_TEST(wrong("refusals:\n", "body: {template: {a: \"{reason}!\"}}\nrefusals:\n") ==
               "profiles/own.yaml:3:7: body: with `show_reason: false` no body can hold "
               "`{reason}`, but as "
               "a member of its own, which is left out\n");
    BOOST_TEST(
        wrong("refusals:\n", "body: {template: [\"{reason}\"]}\nrefusals:\n") ==
        "profiles/own.yaml:3:7: body: with `show_reason: false` no body can hold `{reason}`, "
        "but as a member of its own, which is left out\n");
    // Told where it is written that they are hidden, if the answers are those of another file.
    const auto inherited = load_with("show_reason: false\nrealm: x");
    BOOST_TEST(inherited.mistakes.size() == 4U);
    for (const config::Mistake& mistake : inherited.mistakes)
        BOOST_TEST(mistake.place.line == 2);
}

BOOST_AUTO_TEST_CASE(an_api_cannot_show_what_its_profile_hides) {
    const std::string same = "{message: Invalid API key.}";
    const std::string profile = "extends: default\nshow_reason: false\nrefusals:\n"
                                "  key_bad_format: " +
                                same + "\n  key_unknown: " + same + "\n  key_revoked: " + same +
                                "\n  key_disabled: " + same + "\n  key_expired: " + same +
                                "\n  tenant_mismatch: " + same + "\n";
    const auto with = [&](const std::string& refusals) {
        return test::mistakes_in(
            test::load(test::edited("profile: default", "profile: own\n    refusals: " + refusals),
                       {}, {{"profiles/own.yaml", profile}}));
    };
    BOOST_TEST(with("{rate_limited: {status: 503}}") == "");
    BOOST_TEST(with("{key_revoked: {status: 401}}") ==
               "keygate.yaml:16:29: apis.shop.refusals.key_revoked: with `show_reason: false` the "
               "answers to `key_revoked` and `key_unknown` must be the same; they differ in "
               "status\n");
    BOOST_TEST(with("{rate_limited: {body: {template: \"{reason}\"}}}") ==
               "keygate.yaml:16:30: apis.shop.refusals.rate_limited: with `show_reason: false` the "
               "answer to `rate_limited` cannot hold `{reason}`\n");
}

BOOST_AUTO_TEST_CASE(answers_are_read_by_name) {
    const Profile own = profile_with(
        "answers:\n  whoami: {status: 203, body: {id: \"{key.id}\", tests: "
        "\"{meters.tests.v2.used}\","
        " org: \"{owner.attributes.org.name}\", domains: \"{gauges.domains.limit}\"}}\n"
        "  revoke_key: {body: {success: true, message: API key revoked successfully}}\n"
        "  list_keys: {body: {data: \"{keys}\"}, key: {id: \"{key.id}\"}}\n");
    const config::ReplyShape& whoami = reply(own, config::Reply::whoami);
    BOOST_TEST(whoami.status == 203);
    BOOST_TEST(shown(*whoami.body).starts_with("{\"id\":\"{key.id}\",\"tests\":"));
    BOOST_TEST(!whoami.key.has_value());
    BOOST_TEST(shown(*reply(own, config::Reply::revoke_key).body) ==
               "{\"success\":=true,\"message\":\"API key revoked successfully\"}");
    BOOST_TEST(shown(*reply(own, config::Reply::list_keys).key) == "{\"id\":\"{key.id}\"}");
    // The others are those below.
    const Profile base = config::default_profile();
    for (const auto& [word, kind] : config::reply_words) {
        const config::ReplyShape& shape = reply(base, kind);
        BOOST_TEST(shape.body.has_value() == (shape.status != 204), word);
        BOOST_TEST(shape.key.has_value() == (kind == config::Reply::list_keys), word);
        const bool is_secret =
            shape.body && shown(*shape.body).find("key.secret") != std::string::npos;
        BOOST_TEST(is_secret ==
                       (kind == config::Reply::create_key || kind == config::Reply::rotate_key),
                   word);
    }
    BOOST_TEST((reply(own, config::Reply::create_key) == reply(base, config::Reply::create_key)));
    BOOST_TEST(reply(base, config::Reply::create_key).status == 201);
    BOOST_TEST(reply(base, config::Reply::delete_key).status == 204);
}

BOOST_AUTO_TEST_CASE(mistakes_in_answers_say_what_is_allowed) {
    const std::string list = "keys, has_more, next_cursor, request_id";
    check({
        {"answers: {whoam: {body: x}}",
         "2:11: answers.whoam: unknown answer `whoam`; allowed: whoami, create_key, list_keys, "
         "show_key, update_key, revoke_key, delete_key, rotate_key; did you mean `whoami`?"},
        {"answers: [whoami]", "2:10: answers: found a list; expected a mapping such as {whoami: "
                              "{body: {id: \"{key.id}\"}}}"},
        {"answers: {whoami: {status: 404, body: x}}",
         "2:28: answers.whoami.status: found `404`; expected a whole number from 200 to 299"},
        {"answers: {whoami: {status: 206, body: x}}",
         "2:28: answers.whoami.status: found `206`; expected another status from 200 to 299"},
        {"answers: {delete_key: {status: 204, body: x}}",
         "2:43: answers.delete_key.body: an answer with the status 204 has no body"},
        {"answers: {show_key: {status: 200}}",
         "2:11: answers.show_key: `body` is missing; without one the status is 204"},
        {"answers: {list_keys: {body: \"{keys}\"}}", "2:11: answers.list_keys: `key` is missing"},
        {"answers: {list_keys: {body: \"{key.id}\", key: x}}",
         "2:29: answers.list_keys.body: unknown variable `{key.id}`; allowed: " + list},
        {"answers: {show_key: {body: x, key: x}}",
         "2:31: answers.show_key.key: unknown name `key`; allowed: status, body"},
    });
    // The whole key is in two answers alone.
    for (const char* name : {"whoami", "show_key", "update_key", "revoke_key", "delete_key"}) {
        const std::string told = test::mistakes_in(
            load_with("answers: {" + std::string{name} + ": {body: \"{key.secret}\"}}"));
        BOOST_TEST(told.find("unknown variable `{key.secret}`; allowed: request_id, key.id") !=
                       std::string::npos,
                   told);
    }
    const std::string told = test::mistakes_in(
        load_with("answers: {list_keys: {body: \"{keys}\", key: \"{key.secret}\"}}"));
    BOOST_TEST(told.find("key: unknown variable `{key.secret}`") != std::string::npos, told);
    for (const char* name : {"create_key", "rotate_key"})
        BOOST_TEST(test::mistakes_in(load_with("answers: {" + std::string{name} +
                                               ": {body: \"{key.secret}\"}}")) == "");
    // Of families some name is needed, and what follows it.
    for (const char* name : {"meters.used", "meters..used", "meters.tests", "meters.tests.left",
                             "owner.attributes.", "gauges.a.remaining"})
        BOOST_TEST(test::mistakes_in(
                       load_with("answers: {whoami: {body: \"{" + std::string{name} + "}\"}}"))
                           .find("unknown variable") != std::string::npos,
                   name);
    const auto whole = test::load(test::edited("profile: default", "profile: own"), {},
                                  {{"profiles/own.yaml", "answers: {whoami: {body: x}}\n"}});
    BOOST_TEST(test::mistakes_in(whole).find(
                   "answers: every answer is needed; missing: create_key, list_keys, show_key, "
                   "update_key, revoke_key, delete_key, rotate_key\n") != std::string::npos,
               test::mistakes_in(whole));
}

BOOST_AUTO_TEST_CASE(a_template_is_printed_as_what_it_is) {
    const auto printed = [](const std::string& yaml, const test::Table& variables = {}) {
        const std::string text = test::edited("profile: default", "refusals:\n" + yaml);
        const auto first = test::load(text, variables);
        BOOST_TEST_REQUIRE(first.settings.has_value(), test::mistakes_in(first));
        const std::string once = config::print(*first.settings);
        const auto second = test::load(once, variables);
        BOOST_TEST_REQUIRE(second.settings.has_value(), test::mistakes_in(second) + once);
        BOOST_TEST(config::print(*second.settings) == once);
        BOOST_TEST((second.settings->apis[0].profile == first.settings->apis[0].profile));
        const std::size_t begin = once.find("    refusals:\n") + 14;
        return once.substr(begin, once.find("    max_age:") - begin);
    };
    BOOST_TEST(printed("      key_revoked: {body: plain, headers: {}}\n") ==
               "      key_revoked:\n        headers: {}\n        body: plain\n");
    BOOST_TEST(
        printed(
            "      key_revoked:\n        headers: {X-A: \"{code} $$\", X-B: \"true\"}\n"
            "        body:\n          type: application/json\n          template:\n"
            "            - {a: true, b: \"true\", c: null, \"null\": \"null\", d: -1.5e3, "
            "\"e  f\": \"17\", g: []}\n            - {}\n            - \"a\\n\\x01\\\"\\\\$$ é\"\n"
            "            - \"\"\n") ==
        "      key_revoked:\n        headers:\n          X-A: \"{code} $$\"\n          X-B: true\n"
        "        body:\n          type: application/json\n          template: "
        "[{\"a\": true, \"b\": \"true\", \"c\": null, \"null\": \"null\", \"d\": -1.5e3, "
        "\"e  f\": \"17\", \"g\": []}, {}, \"a\\x0a\\x01\\\"\\\\$$ é\", \"\"]\n");
    const std::string masked = printed("      key_revoked: {headers: {X-A: \"${X}\"}, body: "
                                       "{template: {a: [\"${X}\", \"${Y}\"]}}}\n",
                                       {{"X", "hidden"}, {"Y", "17"}});
    BOOST_TEST(masked == "      key_revoked:\n        headers:\n          X-A: \"${X}\"\n"
                         "        body:\n          type: application/json\n          template: "
                         "{\"a\": [\"${X}\", \"${Y}\"]}\n");
}

BOOST_AUTO_TEST_SUITE_END()
