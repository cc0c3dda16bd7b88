#include "http/cors.hpp"
#include "http/head_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace keygate;

namespace {

using Lines = std::vector<std::string>;

config::Cors settings_of(const std::vector<std::string>& origins) {
    config::Cors settings;
    settings.origins = origins;
    return settings;
}

config::Cors settings_of_any() {
    config::Cors settings;
    settings.any_origin = true;
    return settings;
}

std::string preflight_text(const Lines& lines, const std::string& method = "OPTIONS") {
    std::string bytes = method + " /a HTTP/1.1\r\nHost: a\r\n";
    for (const std::string& line : lines)
        bytes += line + "\r\n";
    return bytes + "\r\n";
}

/// What is asked of the head of these bytes.
template <class Question> auto ask(const std::string& bytes, const Question& question) {
    http::RequestReader reader{{}, "keygate"};
    const auto head = reader.read(bytes);
    BOOST_TEST_REQUIRE(head.has_value(), bytes);
    return question(**head);
}

/// The lines of a whole answer that are not on every 204 of ours.
std::string preflight(const config::Cors& settings, const Lines& lines) {
    const http::Asked asked{.date = "D", .request_id = "id"};
    std::string out = "before|";
    ask(preflight_text(lines), [&](const http::RequestHead& head) {
        http::CorsRules{settings}.write_preflight(out, head, asked);
        return 0;
    });
    const std::string begin = "before|HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n";
    const std::string end =
        "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
        "Date: D\r\nX-Request-Id: id\r\n\r\n";
    BOOST_TEST_REQUIRE(out.starts_with(begin), out);
    BOOST_TEST_REQUIRE(out.ends_with(end), out);
    return out.substr(begin.size(), out.size() - begin.size() - end.size());
}

std::string fields(const http::CorsRules& rules, std::string_view origin) {
    std::string out;
    rules.write_fields(out, origin);
    return out;
}

const Lines a_preflight{"Origin: https://app.example.com", "Access-Control-Request-Method: PUT"};

} // namespace

BOOST_AUTO_TEST_SUITE(http_cors)

BOOST_AUTO_TEST_CASE(an_origin_is_allowed_or_it_is_not) {
    const std::string app = "https://app.example.com";
    const std::string below = "https://*.example.com";

    struct Row {
        std::string allowed;
        std::string origin;
        bool is_allowed;
    };

    for (const Row& row : std::vector<Row>{
             {app, "https://app.example.com", true},
             {app, "https://APP.Example.COM", true},
             {app, "HTTPS://app.example.com", true},
             {app, "https://app.example.com:443", true},
             {"https://App.Example.com:443", "https://app.example.com", true},
             {"http://app.example.com:80", "http://app.example.com", true},
             {"http://app.example.com", "http://app.example.com:80", true},
             {"http://localhost:5173", "http://localhost:5173", true},
             {"http://127.0.0.1:3000", "http://127.0.0.1:3000", true},
             {"http://[::1]:3000", "http://[::1]:3000", true},
             {"http://[::1]", "http://[::1]:80", true},
             {"https://app.example.com:8443", "https://app.example.com:8443", true},
             {"https://app.example.com:8443", "https://app.example.com", false},
             {"https://app.example.com:8443", "https://app.example.com:443", false},
             {app, "https://app.example.com:8443", false},
             {app, "https://app.example.com:80", false},
             {app, "https://app.example.com:0443", false},
             {app, "https://app.example.com:443:443", false},
             {app, "https://app.example.com:", false},
             {app, "http://app.example.com", false},
             {app, "http://app.example.com:443", false},
             {app, "wss://app.example.com", false},
             {app, "app.example.com", false},
             {app, "//app.example.com", false},
             // Whoever looks alike is somebody else.
             {app, "https://example.com", false},
             {app, "https://a.app.example.com", false},
             {app, "https://app.example.co", false},
             {app, "https://app.example.com.evil.example", false},
             {app, "https://evil-app.example.com", false},
             {app, "https://evil.example/https://app.example.com", false},
             {app, "https://app.example.com@evil.example", false},
             {app, "https://evil.example@app.example.com", false},
             {app, "https://app.example.com.", false},
             {app, "https://app.example.com/", false},
             {app, "https://app.example.com/a", false},
             {app, "https://app.example.com?", false},
             {app, "https://app.example.com#", false},
             {app, "https://app.example.com https://evil.example", false},
             {app, "https://app.example.com, https://evil.example", false},
             {app, "https://app.example.com\t", false},
             {app, " https://app.example.com", false},
             {app, "https://app.exa\xc2\xadmple.com", false},
             {app, "https://\xd0\xb0pp.example.com", false},
             {app, "", false},
             {app, "*", false},
             {app, "null", false},
             {app, "undefined", false},
             // One or more labels, but not none.
             {below, "https://a.example.com", true},
             {below, "https://A.B-c.d_e.EXAMPLE.com", true},
             {below, "https://a.example.com:443", true},
             {below, "https://example.com", false},
             {below, "https://.example.com", false},
             {below, "https://..example.com", false},
             {below, "https://a..example.com", false},
             {below, "https://.a.example.com", false},
             {below, "https://*.example.com", false},
             {below, "https://evilexample.com", false},
             {below, "https://a.example.com.evil.example", false},
             {below, "https://evil.example/.example.com", false},
             {below, "https://evil.example?.example.com", false},
             {below, "https://evil.example#.example.com", false},
             {below, "https://evil.example:443.example.com", false},
             {below, "https://user@a.example.com", false},
             {below, "https://a%2e.example.com", false},
             {below, "https://\xc3\xa9.example.com", false},
             {below, "https://a b.example.com", false},
             {below, "https://a\\.example.com", false},
             {below, "https://a.example.com:8443", false},
             {below, "http://a.example.com", false},
             {below, "https://", false},
             {below, "null", false},
             {"https://*.example.com:8443", "https://a.example.com:8443", true},
             {"https://*.example.com:8443", "https://a.example.com", false},
             {"http://*.localhost", "http://a.localhost:80", true},
         })
        BOOST_TEST_CONTEXT(row.allowed << " and " << row.origin) {
            const http::CorsRules rules{settings_of({"https://other.example", row.allowed})};
            BOOST_TEST(rules.allows(row.origin) == row.is_allowed);
            BOOST_TEST(!http::CorsRules{settings_of({})}.allows(row.origin));
            BOOST_TEST(http::CorsRules{settings_of_any()}.allows(row.origin));
            BOOST_TEST(fields(rules, row.origin) ==
                       (row.is_allowed ? "Access-Control-Allow-Origin: " + row.origin + "\r\n"
                                       : std::string{}) +
                           "Vary: Origin\r\n");
        }
    BOOST_TEST(!http::CorsRules{settings_of({app})}.allows("https://" + std::string(30'000, 'a') +
                                                           ".example.com"));
}

BOOST_AUTO_TEST_CASE(an_answer_says_who_may_read_what_of_it) {
    const std::vector<std::string> ours{"X-Request-Id", "Retry-After"};
    config::Cors settings = settings_of({"https://app.example.com"});
    settings.expose = {"ETag", "x-request-id", "Link"};
    const std::string origin = "Access-Control-Allow-Origin: https://app.example.com\r\n";
    const std::string exposed =
        "Access-Control-Expose-Headers: X-Request-Id, Retry-After, ETag, Link\r\n";
    BOOST_TEST(fields(http::CorsRules(settings, ours), "https://app.example.com") ==
               origin + exposed + "Vary: Origin\r\n");
    for (const std::string_view other : {"https://evil.example", "null", ""})
        BOOST_TEST(fields(http::CorsRules(settings, ours), other) == "Vary: Origin\r\n");
    settings.credentials = true;
    BOOST_TEST(fields(http::CorsRules(settings, ours), "https://app.example.com") ==
               origin + "Access-Control-Allow-Credentials: true\r\n" + exposed +
                   "Vary: Origin\r\n");
    BOOST_TEST(fields(http::CorsRules(settings, ours), "https://evil.example") ==
               "Vary: Origin\r\n");
    // For all it is the same, whoever asks and whoever does not; and never with cookies.
    settings.any_origin = true;
    for (const std::string_view any : {"https://app.example.com", "null", "", "a\xff"})
        BOOST_TEST(fields(http::CorsRules(settings, ours), any) ==
                   "Access-Control-Allow-Origin: *\r\n" + exposed);
}

BOOST_AUTO_TEST_CASE(a_preflight_is_known_by_its_fields) {
    struct Row {
        std::string method;
        Lines lines;
        bool is_one;
    };

    const std::string origin = "Origin: https://app.example.com";
    const std::string asks = "Access-Control-Request-Method: PUT";
    for (const Row& row : std::vector<Row>{
             {"OPTIONS", {origin, asks}, true},
             {"OPTIONS", {"origin: null", "access-control-request-method: X~Y"}, true},
             {"OPTIONS", {origin, asks, "Authorization: Bearer x", "Content-Length: 2"}, true},
             {"GET", {origin, asks}, false},
             {"options", {origin, asks}, false},
             {"OPTIONS", {}, false},
             {"OPTIONS", {origin}, false},
             {"OPTIONS", {asks}, false},
             {"OPTIONS", {origin, origin, asks}, false},
             {"OPTIONS", {origin, asks, asks}, false},
             {"OPTIONS", {"Origin: ", asks}, false},
             {"OPTIONS", {origin, "Access-Control-Request-Method: "}, false},
             {"OPTIONS", {origin, "Access-Control-Request-Method: PUT, GET"}, false},
             {"OPTIONS", {origin, "Access-Control-Request-Method: P UT"}, false},
             {"OPTIONS", {origin, "Access-Control-Request-Method: \"PUT\""}, false},
             {"OPTIONS", {origin, "Access-Control-Request-Method: P\xc3\x9cT"}, false},
             {"OPTIONS", {origin, "Access_Control_Request_Method: PUT"}, false},
             {"OPTIONS", {origin, "Access-Control-Request-Headers: a"}, false},
         })
        BOOST_TEST_CONTEXT(preflight_text(row.lines, row.method)) {
            BOOST_TEST(ask(preflight_text(row.lines, row.method), http::CorsRules::is_preflight) ==
                       row.is_one);
        }
    BOOST_TEST(ask(preflight_text({origin}), http::CorsRules::origin_of) ==
               "https://app.example.com");
    BOOST_TEST(ask(preflight_text({origin, origin}), http::CorsRules::origin_of).empty());
    BOOST_TEST(ask(preflight_text({}), http::CorsRules::origin_of).empty());
}

BOOST_AUTO_TEST_CASE(a_preflight_is_told_what_it_asked_for) {
    config::Cors settings = settings_of({"https://app.example.com"});
    const std::string allowed = "Access-Control-Allow-Origin: https://app.example.com\r\n";
    const std::string rest = "Access-Control-Allow-Methods: PUT\r\n";
    const std::string age = "Access-Control-Max-Age: 600\r\n";
    BOOST_TEST(preflight(settings, a_preflight) == allowed + rest + age);
    settings.max_age = std::chrono::seconds{0};
    BOOST_TEST(preflight(settings, a_preflight) ==
               allowed + rest + "Access-Control-Max-Age: 0\r\n");
    settings.max_age = std::chrono::seconds{600};
    settings.credentials = true;
    BOOST_TEST(preflight(settings, a_preflight) ==
               allowed + "Access-Control-Allow-Credentials: true\r\n" + rest + age);
    BOOST_TEST(preflight(settings_of_any(), a_preflight) ==
               "Access-Control-Allow-Origin: *\r\n" + rest + age);
    BOOST_TEST(
        preflight(settings_of_any(), {"Origin: null", "Access-Control-Request-Method: DELETE"}) ==
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: DELETE\r\n" + age);
    // To others nothing, and to what is none.
    for (const Lines& lines :
         {Lines{"Origin: https://evil.example", a_preflight[1]},
          Lines{"Origin: null", a_preflight[1]}, Lines{a_preflight[0]}, Lines{a_preflight[1]},
          Lines{a_preflight[0], a_preflight[0], a_preflight[1]}})
        BOOST_TEST(preflight(settings, lines).empty());
}

BOOST_AUTO_TEST_CASE(fields_that_a_page_may_send_are_those_it_asks_for_or_a_list) {
    struct Row {
        Lines asked; // values of Access-Control-Request-Headers
        std::string any;
        std::string listed;
    };

    const std::string list = "Authorization, X-Api-Key";
    std::string many = "x-0";
    for (int i = 1; i < 64; ++i)
        many += ", x-" + std::to_string(i);
    for (const Row& row : std::vector<Row>{
             {{}, "", ""},
             {{""}, "", ""},
             {{","}, "", ""},
             {{"authorization"}, "authorization", "authorization"},
             {{"X-API-KEY,authorization"}, "X-API-KEY, authorization", "X-API-KEY, authorization"},
             {{"authorization", " x-api-key ,,"},
              "authorization, x-api-key",
              "authorization, x-api-key"},
             {{"authorization,content-type"}, "authorization, content-type", list},
             {{many}, many, list},
             {{many + ",y"}, "", list},
             {{"*"}, "*", list}, // a name like any other here
             {{"authorization;q=1"}, "", list},
             {{"authorization, a b"}, "", list},
             {{"\"authorization\""}, "", list},
             {{"authorization, x\xc3\xa9"}, "", list},
             {{"authorization, <b>"}, "", list},
             {{std::string(20'000, ',')}, "", ""},
             {{std::string(20'000, 'a')}, std::string(20'000, 'a'), list},
         })
        BOOST_TEST_CONTEXT((row.asked.empty() ? "nothing" : row.asked.front().substr(0, 100))) {
            Lines lines = a_preflight;
            for (const std::string& value : row.asked)
                lines.push_back("Access-Control-Request-Headers: " + value);
            const auto line = [&](const config::Cors& settings) {
                std::string told = preflight(settings, lines);
                const std::string begin = "Access-Control-Allow-Origin: https://app.example.com\r\n"
                                          "Access-Control-Allow-Methods: PUT\r\n";
                const std::string end = "Access-Control-Max-Age: 600\r\n";
                BOOST_TEST_REQUIRE(told.starts_with(begin));
                BOOST_TEST_REQUIRE(told.ends_with(end));
                return told.substr(begin.size(), told.size() - begin.size() - end.size());
            };
            const auto expected = [](const std::string& names) {
                return names.empty() ? names : "Access-Control-Allow-Headers: " + names + "\r\n";
            };
            config::Cors settings = settings_of({"https://app.example.com"});
            BOOST_TEST(line(settings) == expected(row.any));
            settings.headers = {"Authorization", "X-Api-Key"};
            BOOST_TEST(line(settings) == expected(row.listed));
            settings.headers = std::vector<std::string>{};
            BOOST_TEST(line(settings).empty());
        }
}

BOOST_AUTO_TEST_CASE(an_answer_of_our_own_says_it_too) {
    std::string out;
    http::write_empty_answer(out, {}, {.date = "D", .request_id = "id", .cors = "A: b\r\n"});
    BOOST_TEST(out == "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\nA: b\r\n"
                      "Date: D\r\nX-Request-Id: id\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(fields_for_clients_are_those_that_an_api_sends) {
    using Family = config::LimitFields;
    const auto names = [](const std::vector<Family>& families) {
        return http::fields_for_clients("X-Key-", families);
    };
    const std::vector<std::string> plain{"X-Request-Id", "Retry-After", "WWW-Authenticate",
                                         "X-Key-Notice"};
    const auto with = [&](const std::vector<std::string>& more) {
        std::vector<std::string> all = plain;
        all.insert(all.end(), more.begin(), more.end());
        return all;
    };
    BOOST_TEST((names({}) == plain));
    BOOST_TEST((names({Family::draft10}) == with({"RateLimit", "RateLimit-Policy"})));
    BOOST_TEST((names({Family::ietf}) ==
                with({"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"})));
    BOOST_TEST((names({Family::delta, Family::epoch}) ==
                with({"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"})));
}

BOOST_AUTO_TEST_SUITE_END()
