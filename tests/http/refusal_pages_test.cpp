#include "config/load.hpp"
#include "config/shipped_profiles.hpp"
#include "http/refusal_pages.hpp"
#include "support/socket.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace keygate;
using support::field_of;

namespace {

constexpr std::string_view id = "01234567-89ab-7cde-8f01-23456789abcd";

/// An API `a` under a profile: a shipped one, or with this text.
config::Api api_with(std::string_view profile, const std::optional<std::string>& own) {
    const std::string text =
        "version: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\napis:\n  a:\n    profile: " +
        std::string{profile} +
        "\n    upstreams: {live: {servers: [\"http://127.0.0.1:1\"]}}\n"
        "    plans: {Seed: {api_access: false}, Bloom: {}, Thrive: {}, Zen: {}}\n"
        "    routes:\n      GET /: public\n";
    const config::Loaded loaded =
        config::load(text, "keygate.yaml",
                     {.variable = [](const std::string&) { return std::nullopt; },
                      .read_file =
                          [&](const std::string& file) {
                              return file == "profiles/own.yaml" ? own : std::nullopt;
                          }});
    for (const auto& mistake : loaded.mistakes)
        BOOST_TEST_MESSAGE(to_string(mistake));
    BOOST_TEST_REQUIRE(loaded.settings.has_value());
    return loaded.settings->apis.front();
}

config::Profile shipped(std::string_view name) {
    return api_with(name, std::nullopt).profile;
}

config::Api loaded_api(const std::string& profile) {
    return api_with("own", profile);
}

http::Asked request() {
    return {.date = "Fri, 20 Nov 2026 17:00:00 GMT", .request_id = id};
}

std::string page(const config::Profile& profile, const Refusal& refusal,
                 http::RefusalPages::Request request = {}) {
    request.date = "Fri, 20 Nov 2026 17:00:00 GMT";
    request.request_id = id;
    std::string out = "before";
    http::RefusalPages{profile}.write(out, refusal, request);
    BOOST_TEST(out.starts_with("beforeHTTP/1.1 "));
    return out.substr(6);
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_refusal_pages)

BOOST_AUTO_TEST_CASE(each_reason_of_each_shipped_profile_is_a_whole_answer) {
    BOOST_TEST(!config::shipped_profiles().empty());
    for (const config::ShippedProfile& file : config::shipped_profiles()) {
        const config::Profile profile = shipped(file.name);
        for (const Reason reason : all_reasons())
            BOOST_TEST_CONTEXT(file.name << ": " << name(reason)) {
                const config::Answer& expected = profile.answers[index(reason)];
                const std::string answer = page(profile, {.reason = reason, .detail = "a b"});
                BOOST_TEST(support::status_of(answer) == expected.status);
                BOOST_TEST((http::RefusalPages{profile}.status(reason) == expected.status));
                const std::string body = support::body_of(answer);
                BOOST_TEST(field_of(answer, "Content-Length").value_or("") ==
                           std::to_string(body.size()));
                BOOST_TEST(field_of(answer, "Content-Type").value_or("") == "application/json");
                BOOST_TEST(field_of(answer, "Cache-Control").value_or("") == "no-store");
                BOOST_TEST(field_of(answer, "X-Content-Type-Options").value_or("") == "nosniff");
                BOOST_TEST(field_of(answer, "Date").value_or("") ==
                           "Fri, 20 Nov 2026 17:00:00 GMT");
                BOOST_TEST(field_of(answer, "X-Request-Id").value_or("") == id);
                BOOST_TEST(!field_of(answer, "Connection"));

                const auto error = boost::json::parse(body).at("error").as_object();
                BOOST_TEST((error.at("code").as_string() == expected.code));
                BOOST_TEST((error.at("message").as_string() == expected.message));
                BOOST_TEST((error.at("request_id").as_string() == id));
                BOOST_TEST(error.contains("reason") == profile.show_reason);
                if (profile.show_reason)
                    BOOST_TEST((error.at("reason").as_string() == name(reason)));

                const auto challenge = field_of(answer, "WWW-Authenticate");
                // RFC 9110 15.5.2, RFC 6750 3.
                BOOST_TEST(challenge.has_value() ==
                           (expected.status == 401 || reason == Reason::scope_missing));
                if (challenge)
                    BOOST_TEST(challenge->starts_with("Bearer realm=\"" + profile.realm + "\""));
                BOOST_TEST(field_of(answer, "Allow").value_or("") ==
                           (expected.status == 405 ? "a b" : ""));
                BOOST_TEST(field_of(answer, "Retry-After").value_or("") ==
                           (expected.status == 503 ? "1" : ""));
                BOOST_TEST(field_of(answer, "Proxy-Status").has_value() ==
                           (expected.status >= 500));
            }
    }
}

BOOST_AUTO_TEST_CASE(a_challenge_says_what_was_wrong_with_the_credential) {
    config::Profile profile = config::default_profile();
    const auto challenge = [&](Reason reason, std::string_view detail = {}) {
        return field_of(page(profile, {.reason = reason, .detail = detail}), "WWW-Authenticate")
            .value_or("none");
    };
    BOOST_TEST(challenge(Reason::auth_missing) == "Bearer realm=\"api\"");
    BOOST_TEST(challenge(Reason::auth_malformed) ==
               "Bearer realm=\"api\", error=\"invalid_request\"");
    BOOST_TEST(challenge(Reason::auth_duplicate) ==
               "Bearer realm=\"api\", error=\"invalid_request\"");
    BOOST_TEST(challenge(Reason::scope_missing, "a:b c:d") ==
               "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"a:b c:d\"");
    BOOST_TEST(challenge(Reason::key_unknown) == "none");
    profile.answers[index(Reason::key_unknown)].status = 401;
    BOOST_TEST(challenge(Reason::key_unknown) == "Bearer realm=\"api\", error=\"invalid_token\"");
}

BOOST_AUTO_TEST_CASE(an_answer_says_that_it_is_a_proxy_s_own) {
    using config::ProxyStatus;

    struct Row {
        Reason reason;
        std::string_view status;
    };

    const std::vector<Row> rows{
        {Reason::auth_missing, "http_request_denied; details=\"auth_missing\""},
        {Reason::key_unknown, "http_request_denied; details=\"key_unknown\""},
        {Reason::scope_missing, "http_request_denied; details=\"scope_missing\""},
        {Reason::rate_limited, "http_request_denied; details=\"rate_limited\""},
        {Reason::route_unknown, "http_request_denied; details=\"route_unknown\""},
        {Reason::head_invalid, "http_request_error"},
        {Reason::target_too_long, "http_request_error"},
        {Reason::body_too_large, "http_request_error"},
        {Reason::client_timeout, "http_request_error"},
        {Reason::head_loop, "proxy_loop_detected"},
        {Reason::store_unavailable, "proxy_internal_error"},
        {Reason::store_invalid, "proxy_internal_error"},
        {Reason::overloaded, "proxy_internal_response"},
        {Reason::upstream_unavailable, "destination_unavailable"},
        {Reason::upstream_timeout, "http_response_timeout"},
        {Reason::upstream_invalid, "http_protocol_error"},
    };
    config::Profile profile = config::default_profile();
    const auto told = [&](Reason reason, ProxyStatus tells, std::string_view via = "keygate") {
        std::string out;
        http::RefusalPages{profile, via, tells}.write(out, {.reason = reason}, request());
        return field_of(out, "Proxy-Status").value_or("nothing");
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(name(row.reason)) {
            const std::string whole = "keygate; error=" + std::string{row.status};
            const bool is_ours = profile.answers[index(row.reason)].status >= 500;
            BOOST_TEST(told(row.reason, ProxyStatus::all) == whole);
            BOOST_TEST(told(row.reason, ProxyStatus::errors) == (is_ours ? whole : "nothing"));
            BOOST_TEST(told(row.reason, ProxyStatus::off) == "nothing");
        }
    for (const Reason reason : all_reasons())
        BOOST_TEST(told(reason, ProxyStatus::all).starts_with("keygate; error="));
    // The status decides which it is, as the profile has it.
    profile.answers[index(Reason::key_unknown)].status = 500;
    profile.answers[index(Reason::upstream_invalid)].status = 404;
    BOOST_TEST(told(Reason::key_unknown, ProxyStatus::errors) ==
               "keygate; error=http_request_denied; details=\"key_unknown\"");
    BOOST_TEST(told(Reason::upstream_invalid, ProxyStatus::errors) == "nothing");
    // A name is a token where it can be one (RFC 8941 3.3.4).
    for (const auto& [via, written] :
         std::vector<std::pair<std::string_view, std::string>>{{"Gate-1.example", "Gate-1.example"},
                                                               {"*a", "*a"},
                                                               {"1gate", "\"1gate\""},
                                                               {"-", "\"-\""},
                                                               {"~x'y", "\"~x'y\""}})
        BOOST_TEST(told(Reason::overloaded, ProxyStatus::all, via) ==
                   written + "; error=proxy_internal_response");
    profile.show_reason = false;
    BOOST_TEST(told(Reason::key_unknown, ProxyStatus::all) == "keygate; error=http_request_denied");
}

BOOST_AUTO_TEST_CASE(an_answer_fits_its_request) {
    const config::Profile profile = config::default_profile();
    const Refusal limited{
        .reason = Reason::rate_limited, .retry_after = std::chrono::seconds{7}, .detail = {}};
    const std::string whole = page(profile, limited);
    BOOST_TEST(field_of(whole, "Retry-After").value_or("") == "7");
    const std::string head =
        page(profile, limited, {.is_head = true, .date = {}, .request_id = {}});
    BOOST_TEST(head == whole.substr(0, whole.find("\r\n\r\n") + 4));
    BOOST_TEST(field_of(page(profile, limited,
                             {.after = http::AfterAnswer::close, .date = {}, .request_id = {}}),
                        "Connection")
                   .value_or("") == "close");
    BOOST_TEST(field_of(page(profile, limited, {.minor_version = 0, .date = {}, .request_id = {}}),
                        "Connection")
                   .value_or("") == "keep-alive");
    BOOST_TEST(field_of(page(profile, {.reason = Reason::route_method}), "Allow").has_value());
    // Of another reason the detail is none of the methods, whatever status it has.
    config::Profile odd = profile;
    odd.answers[index(Reason::scope_missing)].status = 405;
    BOOST_TEST(field_of(page(odd, {.reason = Reason::scope_missing, .detail = "a:b"}), "Allow")
                   .value_or("none") == "");
}

BOOST_AUTO_TEST_CASE(words_of_a_profile_are_text_and_never_markup) {
    config::Profile profile = config::default_profile();
    config::Answer& answer = profile.answers[index(Reason::key_unknown)];
    answer.code = "A\"B";
    answer.message = "say \"\xc3\xa9\\\n\"";
    const std::string body = support::body_of(page(profile, {.reason = Reason::key_unknown}));
    const auto error = boost::json::parse(body).at("error").as_object();
    BOOST_TEST((error.at("code").as_string() == "A\"B"));
    BOOST_TEST((error.at("message").as_string() == answer.message));
}

BOOST_AUTO_TEST_CASE(each_body_is_what_its_word_says) {
    config::Profile profile = config::default_profile();
    const auto whole = [&](config::Body::Kind kind) {
        profile.body.kind = kind;
        return page(profile, {.reason = Reason::key_revoked});
    };
    const std::string head = "HTTP/1.1 403 Forbidden\r\nContent-Type: ";
    const std::string rest = "\r\nDate: Fri, 20 Nov 2026 17:00:00 GMT\r\nX-Request-Id: "
                             "01234567-89ab-7cde-8f01-23456789abcd\r\n\r\n";
    const auto expected = [&](const std::string& type, const std::string& body) {
        return head + type + "\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff" + rest + body;
    };
    const std::string message = "This API key has been revoked; use another one.";
    const std::string error = R"({"code":"INVALID_API_KEY","reason":"key_revoked","message":")" +
                              message + R"(","request_id":"01234567-89ab-7cde-8f01-23456789abcd"})";
    using Kind = config::Body::Kind;
    BOOST_TEST(whole(Kind::code) == expected("application/json", "{\"error\":" + error + "}\n"));
    BOOST_TEST(whole(Kind::envelope) ==
               expected("application/json", "{\"success\":false,\"error\":" + error + "}\n"));
    // RFC 9457 3.1: `status` is that of the answer, `about:blank` has its phrase as a title.
    BOOST_TEST(whole(Kind::problem) ==
               expected("application/problem+json",
                        R"({"type":"about:blank","title":"Forbidden","status":403,"detail":")" +
                            message +
                            R"(","code":"INVALID_API_KEY","reason":"key_revoked",)"
                            R"("request_id":"01234567-89ab-7cde-8f01-23456789abcd"})"
                            "\n"));
    BOOST_TEST(whole(Kind::plain) ==
               expected("text/plain; charset=utf-8",
                        message + "\nRequest id: 01234567-89ab-7cde-8f01-23456789abcd\n"));
}

BOOST_AUTO_TEST_CASE(a_hidden_reason_is_in_no_body) {
    for (const auto kind : {config::Body::Kind::code, config::Body::Kind::envelope,
                            config::Body::Kind::problem, config::Body::Kind::plain}) {
        config::Profile profile = config::default_profile();
        profile.body.kind = kind;
        profile.show_reason = false;
        const std::string answer = page(profile, {.reason = Reason::key_revoked});
        BOOST_TEST(answer.find("key_revoked") == std::string::npos, answer);
        BOOST_TEST(answer.find("reason") == std::string::npos, answer);
        BOOST_TEST(field_of(answer, "Content-Length").value_or("") ==
                   std::to_string(support::body_of(answer).size()));
    }
}

BOOST_AUTO_TEST_CASE(variables_are_filled_in) {
    const config::Api api = loaded_api(
        "extends: default\nrealm: shop\n"
        "body:\n  type: application/vnd.shop+json\n  template:\n"
        "    - [\"{status}\", \"{code}\", \"{reason}\", \"{message}\", \"{request_id}\", "
        "\"{retry_after}\", \"{scope}\", \"{realm}\", \"{api}\", \"{plans_with_access}\"]\n"
        "    - \"{status} {code} {reason} {message} {request_id} {retry_after} {scope} {realm} "
        "{api} {plans_with_access}\"\n"
        "refusals:\n"
        "  scope_missing: {message: \"Of {realm}/{api}: {status} {code}.\", headers: {X-Docs: "
        "\"https://d/{code}/{status}\", X-Scope: \"{scope}\"}}\n"
        "  rate_limited: {body: {template: {wait: \"{retry_after}\"}}}\n"
        "  plan_no_api: {message: \"Only on {plans_with_access} plans\"}\n");
    const http::RefusalPages pages{api};
    const auto written = [&](const Refusal& refusal) {
        std::string out;
        pages.write(out, refusal, request());
        BOOST_TEST(field_of(out, "Content-Length").value_or("") ==
                   std::to_string(support::body_of(out).size()));
        return out;
    };
    const std::string missing = written({.reason = Reason::scope_missing, .detail = "a:b c:d"});
    const std::string message = "Of shop/a: 403 PLAN_LIMIT.";
    BOOST_TEST(support::body_of(missing) ==
               R"([[403,"PLAN_LIMIT","scope_missing",")" + message + R"(",")" + std::string{id} +
                   R"(",null,"a:b c:d","shop","a","Bloom, Thrive or Zen"],"403 PLAN_LIMIT )"
                   "scope_missing " +
                   message + " " + std::string{id} + "  a:b c:d shop a Bloom, Thrive or Zen\"]\n");
    BOOST_TEST(field_of(missing, "Content-Type").value_or("") == "application/vnd.shop+json");
    BOOST_TEST(field_of(missing, "X-Docs").value_or("") == "https://d/PLAN_LIMIT/403");
    BOOST_TEST(field_of(missing, "X-Scope").value_or("") == "a:b%20c:d");
    BOOST_TEST(field_of(missing, "WWW-Authenticate").value_or("") ==
               "Bearer realm=\"shop\", error=\"insufficient_scope\", scope=\"a:b c:d\"");
    const std::string limited = written(
        {.reason = Reason::rate_limited, .retry_after = std::chrono::seconds{7}, .detail = {}});
    BOOST_TEST(support::body_of(limited) == "{\"wait\":7}\n");
    BOOST_TEST(field_of(limited, "Content-Type").value_or("") == "application/json");
    BOOST_TEST(support::body_of(written({.reason = Reason::rate_limited})) == "{\"wait\":null}\n");
    BOOST_TEST(support::body_of(written({.reason = Reason::plan_no_api}))
                   .find("\"Only on Bloom, Thrive or Zen plans\"") != std::string::npos);
    // Nothing of a HEAD but its head, and that the same.
    http::Asked head = request();
    head.is_head = true;
    std::string out;
    pages.write(out, {.reason = Reason::scope_missing, .detail = "a:b c:d"}, head);
    BOOST_TEST(out == missing.substr(0, missing.find("\r\n\r\n") + 4));
}

BOOST_AUTO_TEST_CASE(what_a_path_puts_into_a_scope_stays_in_its_place) {
    const config::Api api =
        loaded_api("extends: default\nbody: {template: {scope: \"{scope}\", text: \"<{scope}>\"}}\n"
                   "refusals: {scope_missing: {headers: {X-Scope: \"{scope}\"}}}\n");
    const std::string odd = "a\"b\\c\r\nX: y\xff\x01:read";
    std::string out;
    http::RefusalPages{api}.write(out, {.reason = Reason::scope_missing, .detail = odd}, request());
    BOOST_TEST(field_of(out, "WWW-Authenticate").value_or("") ==
               "Bearer realm=\"api\", error=\"insufficient_scope\", "
               "scope=\"a%22b%5Cc%0D%0AX: y%FF%01:read\"");
    BOOST_TEST(field_of(out, "X-Scope").value_or("") == "a\"b\\c%0D%0AX:%20y%FF%01:read");
    BOOST_TEST(!field_of(out, "X"));
    const auto body = boost::json::parse(support::body_of(out)).as_object();
    BOOST_TEST((body.at("scope").as_string() == "a\"b\\c\r\nX: y\xef\xbf\xbd\x01:read"));
    BOOST_TEST(field_of(out, "Content-Length").value_or("") ==
               std::to_string(support::body_of(out).size()));
}

BOOST_AUTO_TEST_CASE(another_scheme_has_a_challenge_of_its_own) {
    config::Profile profile = config::default_profile();
    profile.challenge = "ApiKey";
    for (const Reason reason : {Reason::key_unknown, Reason::scope_missing})
        profile.answers[index(reason)].status = 401;
    const auto challenge = [&](Reason reason) {
        return field_of(page(profile, {.reason = reason, .detail = "a:b"}), "WWW-Authenticate")
            .value_or("none");
    };
    BOOST_TEST(challenge(Reason::auth_missing) == "ApiKey realm=\"api\"");
    BOOST_TEST(challenge(Reason::key_unknown) == "ApiKey realm=\"api\", error=\"invalid_token\"");
    BOOST_TEST(challenge(Reason::scope_missing) ==
               "ApiKey realm=\"api\", error=\"insufficient_scope\"");
    // A 403 carries a challenge only where the scheme can say which scope is missing.
    profile.answers[index(Reason::scope_missing)].status = 403;
    BOOST_TEST(challenge(Reason::scope_missing) == "none");
    profile.challenge = "bearer";
    BOOST_TEST(challenge(Reason::scope_missing) ==
               "bearer realm=\"api\", error=\"insufficient_scope\", scope=\"a:b\"");
}

BOOST_AUTO_TEST_CASE(a_problem_has_the_body_of_refusals) {
    config::Profile profile = config::default_profile();
    const http::Problem problem{.status = 422,
                                .code = "UNPROCESSABLE",
                                .reason = "member_invalid",
                                .message = "`sc\"op\nes`: \xff"};
    const auto written = [&](http::Asked asked = request()) {
        std::string out = "before";
        http::RefusalPages{profile}.write_problem(out, problem, asked);
        BOOST_TEST(out.starts_with("beforeHTTP/1.1 422 Unprocessable Entity\r\n"));
        BOOST_TEST(field_of(out, "Cache-Control").value_or("") == "no-store");
        return out.substr(6);
    };
    const std::string shown = written();
    BOOST_TEST(support::body_of(shown) ==
               R"({"error":{"code":"UNPROCESSABLE","reason":"member_invalid",)"
               R"("message":"`sc\"op\nes`: �","request_id":")" +
                   std::string{id} + "\"}}\n");
    BOOST_TEST(field_of(shown, "Content-Length").value_or("") ==
               std::to_string(support::body_of(shown).size()));
    http::Asked head = request();
    head.is_head = true;
    BOOST_TEST(written(head) == shown.substr(0, shown.find("\r\n\r\n") + 4));

    profile.show_reason = false;
    profile.body.kind = config::Body::Kind::problem;
    const std::string hidden = written();
    const auto body = boost::json::parse(support::body_of(hidden)).as_object();
    BOOST_TEST((body.at("status").as_int64() == 422));
    BOOST_TEST((body.at("title").as_string() == "Unprocessable Entity"));
    BOOST_TEST(!body.contains("reason"));
    BOOST_TEST(field_of(hidden, "Content-Type").value_or("") == "application/problem+json");
    profile.body.kind = config::Body::Kind::plain;
    BOOST_TEST(support::body_of(written()) ==
               "`sc\"op?es`: \xff\nRequest id: " + std::string{id} + "\n");
}

BOOST_AUTO_TEST_CASE(the_length_is_that_of_the_body_whatever_stands_in_it) {
    std::mt19937 random{11}; // NOLINT(cert-msc32-c,cert-msc51-cpp): the same tests each time
    const std::vector<std::string> words{"{status}",  "{code}",        "{reason}",
                                         "{message}", "{request_id}",  "{scope}",
                                         "{realm}",   "{retry_after}", "{plans_with_access}",
                                         "{{",        "é\"\n",         "a"};
    for (int round = 0; round < 300; ++round) {
        config::Profile profile = config::default_profile();
        profile.body.kind = config::Body::Kind::custom;
        profile.body.type = "application/json";
        profile.body.shape.kind = config::Template::Kind::list;
        for (auto i = random() % 6; i > 0; --i) {
            config::Template item;
            for (auto j = random() % 4; j > 0; --j)
                item.text += words[random() % words.size()];
            profile.body.shape.items.push_back(item);
        }
        profile.answers[index(Reason::scope_missing)].fields = {
            {"X-A", words[random() % words.size()] + words[random() % words.size()]}};
        const Refusal refusal{.reason = random() % 2 == 0 ? Reason::scope_missing
                                                          : Reason::store_unavailable,
                              .retry_after = std::chrono::seconds{random() % 1'000},
                              .detail = random() % 2 == 0 ? "a:\"b\"\xc3" : ""};
        const std::string answer = page(profile, refusal);
        const std::string body = support::body_of(answer);
        BOOST_TEST_REQUIRE(field_of(answer, "Content-Length").value_or("") ==
                           std::to_string(body.size()));
        boost::json::error_code error;
        static_cast<void>(boost::json::parse(body, error));
        BOOST_TEST_REQUIRE(!error.failed(), body);
        std::string head;
        http::Asked asked = request();
        asked.is_head = true;
        http::RefusalPages{profile}.write(head, refusal, asked);
        BOOST_TEST_REQUIRE(head == answer.substr(0, answer.find("\r\n\r\n") + 4));
    }
}

BOOST_AUTO_TEST_CASE(an_answer_of_our_own_is_framed_by_its_body) {
    std::string out;
    http::write_own_answer(out, 201, "application/json", "Location: /v1/keys/key_1\r\n", request(),
                           [](std::string& to) { to += "{}\n"; });
    BOOST_TEST(out == "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                      "Location: /v1/keys/key_1\r\nDate: Fri, 20 Nov 2026 17:00:00 GMT\r\n"
                      "X-Request-Id: 01234567-89ab-7cde-8f01-23456789abcd\r\n"
                      "Content-Length: 3\r\n\r\n{}\n");
    out.clear();
    http::write_empty_answer(out, {}, request());
    BOOST_TEST(out == "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n"
                      "Date: Fri, 20 Nov 2026 17:00:00 GMT\r\n"
                      "X-Request-Id: 01234567-89ab-7cde-8f01-23456789abcd\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(every_status_has_a_phrase) {
    BOOST_TEST(http::status_phrase(403) == "Forbidden");
    BOOST_TEST(http::status_phrase(477) == "Bad Request");
    BOOST_TEST(http::status_phrase(577) == "Internal Server Error");
    for (unsigned status = 400; status < 600; ++status)
        BOOST_TEST(!http::status_phrase(status).empty());
}

BOOST_AUTO_TEST_SUITE_END()
