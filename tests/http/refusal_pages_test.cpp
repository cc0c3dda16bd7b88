#include "config/load.hpp"
#include "config/shipped_profiles.hpp"
#include "http/refusal_pages.hpp"
#include "support/socket.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

using namespace keygate;
using support::field_of;

namespace {

constexpr std::string_view id = "01234567-89ab-7cde-8f01-23456789abcd";

config::Profile shipped(std::string_view name) {
    const std::string text =
        "version: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\napis:\n  a:\n    profile: " +
        std::string{name} +
        "\n    upstreams: {live: {servers: [\"http://127.0.0.1:1\"]}}\n"
        "    routes:\n      GET /: public\n";
    const config::Loaded loaded =
        config::load(text, "keygate.yaml",
                     {.variable = [](const std::string&) { return std::nullopt; },
                      .read_file = [](const std::string&) { return std::nullopt; }});
    for (const auto& mistake : loaded.mistakes)
        BOOST_TEST_MESSAGE(to_string(mistake));
    BOOST_TEST_REQUIRE(loaded.settings.has_value());
    return loaded.settings->apis.front().profile;
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

BOOST_AUTO_TEST_CASE(every_status_has_a_phrase) {
    BOOST_TEST(http::status_phrase(403) == "Forbidden");
    BOOST_TEST(http::status_phrase(477) == "Bad Request");
    BOOST_TEST(http::status_phrase(577) == "Internal Server Error");
    for (unsigned status = 400; status < 600; ++status)
        BOOST_TEST(!http::status_phrase(status).empty());
}

BOOST_AUTO_TEST_SUITE_END()
