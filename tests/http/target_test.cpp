#include "http/target.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace keygate;

namespace {

constexpr std::size_t max_length = 8 * 1024;

http::RequestHead head_of(std::string_view target, std::string_view method = "GET",
                          std::string_view host = "api.example") {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    head.host = host;
    return head;
}

/// What a test compares: `path|query`, or the name of the reason.
std::string judged(const http::RequestHead& head, std::size_t limit = max_length) {
    std::string scratch;
    const auto target = http::judge_target(head, limit, scratch);
    if (!target) return std::string{name(target.error().reason)};
    return std::string{target->path} + '|' + std::string{target->query};
}

struct Spelling {
    std::string_view target;
    std::string_view judged;
};

constexpr std::string_view invalid = "target_invalid";

void check_all(const std::vector<Spelling>& spellings) {
    for (const auto& spelling : spellings)
        BOOST_TEST_CONTEXT("target " << spelling.target) {
            BOOST_TEST(judged(head_of(spelling.target)) == spelling.judged);
        }
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_target)

BOOST_AUTO_TEST_CASE(a_canonical_path_is_taken_as_it_is) {
    check_all({
        {"/", "/|"},
        {"/v1/tests", "/v1/tests|"},
        {"/v1/tests/", "/v1/tests/|"},
        {"/v1/tests/42", "/v1/tests/42|"},
        {"/V1/Tests", "/V1/Tests|"},
        {"/.well-known/x", "/.well-known/x|"},
        {"/...", "/...|"},
        {"/..a", "/..a|"},
        {"/a..", "/a..|"},
        {"/a.b/.c", "/a.b/.c|"},
        {"/.a;x", "/.a;x|"},
        {"/...;x", "/...;x|"},
        {"/~user", "/~user|"},
        {"/a;v=1", "/a;v=1|"},
        {"/a;v=1;w=2/b", "/a;v=1;w=2/b|"},
        {"/a;", "/a;|"},
        {"/!$&'()*+,;=:@", "/!$&'()*+,;=:@|"},
        {"/a:b@c", "/a:b@c|"},
        {"/*", "/*|"},
        {"/a/-._~0", "/a/-._~0|"},
        {"/http://x", invalid}, // an empty segment
        {"/http:/x", "/http:/x|"},
    });
}

BOOST_AUTO_TEST_CASE(an_escape_of_an_unreserved_character_is_decoded_once) {
    check_all({
        {"/%41", "/A|"},
        {"/%7e", "/~|"},
        {"/%7E", "/~|"},
        {"/a%2Eb", "/a.b|"},
        {"/%2d%5f%30", "/-_0|"},
        {"/v1/%74ests", "/v1/tests|"},
        {"/%2E%2E%2E", "/...|"},
        {"/%61%20%62", "/a%20b|"},
        {"/%2541", invalid}, // an escaped escape
    });
}

BOOST_AUTO_TEST_CASE(another_escape_is_kept_with_upper_case_digits) {
    check_all({
        {"/%20", "/%20|"},
        {"/a%2bb", "/a%2Bb|"},
        {"/a%3ab", "/a%3Ab|"},
        {"/a%40b", "/a%40b|"},
        {"/%22%3c%3e%5e%60%7b%7c%7d", "/%22%3C%3E%5E%60%7B%7C%7D|"},
        {"/%5b%5d", "/%5B%5D|"},
        {"/%21%24%26%27%28%29%2a%2b%2c%3d", "/%21%24%26%27%28%29%2A%2B%2C%3D|"},
        {"/caf%C3%A9", "/caf%C3%A9|"},
        {"/caf%c3%a9", "/caf%C3%A9|"},
        {"/%e2%82%ac", "/%E2%82%AC|"},
        {"/%f0%9f%98%80", "/%F0%9F%98%80|"},
        {"/%e2%80%a6", "/%E2%80%A6|"}, // an ellipsis
        {"/%e3%80%82", "/%E3%80%82|"}, // an ideographic full stop
        {"/%ed%9f%bf", "/%ED%9F%BF|"}, // the last one before the surrogates
        {"/%ee%80%80", "/%EE%80%80|"}, // the first one after them
        {"/%f4%8f%bf%bf", "/%F4%8F%BF%BF|"},
        {"/%c2%80", "/%C2%80|"},
    });
}

BOOST_AUTO_TEST_CASE(an_escaped_separator_control_byte_or_escape_sign_is_refused) {
    check_all({
        {"/%00", invalid},   {"/a%00b", invalid},      {"/%01", invalid},
        {"/%09", invalid},   {"/%0a", invalid},        {"/%0D%0A", invalid},
        {"/%1f", invalid},   {"/%7f", invalid},        {"/%2f", invalid},
        {"/%2F", invalid},   {"/v1%2Ftests", invalid}, {"/a%2f..%2fb", invalid},
        {"/%5c", invalid},   {"/%5C", invalid},        {"/..%5cadmin", invalid},
        {"/%25", invalid},   {"/%252e%252e", invalid}, {"/%252f", invalid},
        {"/%3b", invalid},   {"/a%3Bv=1", invalid},    {"/%3f", invalid},
        {"/a%3Fb", invalid}, {"/%23", invalid},        {"/a%23b", invalid},
    });
}

BOOST_AUTO_TEST_CASE(a_broken_escape_is_refused) {
    check_all({
        {"/%", invalid},
        {"/%4", invalid},
        {"/a%", invalid},
        {"/%zz", invalid},
        {"/%4g", invalid},
        {"/%g4", invalid},
        {"/%u002e", invalid},
        {"/% 41", invalid},
        {"/%%41", invalid},
        {"/%-1", invalid},
        {"/%4%31", invalid},
        {"/%?41", invalid},
        {"/%c3%", invalid},
        {"/%c3%a", invalid},
        {"/%E2%82/%AC", invalid},
    });
}

BOOST_AUTO_TEST_CASE(escapes_that_are_not_utf_8_are_refused) {
    check_all({
        {"/%80", invalid},          // a continuation alone
        {"/%bf", invalid},          //
        {"/%c3", invalid},          // cut off
        {"/%c3x", invalid},         //
        {"/%c3%28", invalid},       // not a continuation
        {"/%c3%c3", invalid},       //
        {"/%c0%ae", invalid},       // overlong dot
        {"/%c0%af", invalid},       // overlong slash
        {"/%c1%9c", invalid},       // overlong backslash
        {"/%e0%80%ae", invalid},    //
        {"/%e0%9f%bf", invalid},    //
        {"/%f0%80%80%ae", invalid}, //
        {"/%f0%8f%bf%bf", invalid}, //
        {"/%ed%a0%80", invalid},    // surrogates
        {"/%ed%bf%bf", invalid},    //
        {"/%f4%90%80%80", invalid}, // beyond Unicode
        {"/%f5%80%80%80", invalid}, //
        {"/%fe", invalid},          //
        {"/%ff", invalid},          //
        {"/%e2%82", invalid},       //
        {"/caf%e9", invalid},       // Latin-1
    });
}

BOOST_AUTO_TEST_CASE(what_some_readers_fold_to_a_dot_or_a_slash_is_refused) {
    check_all({
        {"/%ef%bc%8e", invalid},           // U+FF0E fullwidth full stop
        {"/%ef%bc%8e%ef%bc%8e/", invalid}, //
        {"/%ef%bc%8f", invalid},           // U+FF0F fullwidth solidus
        {"/%ef%bc%bc", invalid},           // U+FF3C fullwidth reverse solidus
        {"/%e2%80%a4", invalid},           // U+2024 one dot leader
        {"/%e2%80%a5", invalid},           // U+2025 two dot leader
        {"/%e2%81%84", invalid},           // U+2044 fraction slash
        {"/%e2%88%95", invalid},           // U+2215 division slash
        {"/%e2%88%96", invalid},           // U+2216 set minus
        {"/%e2%a7%b5", invalid},           // U+29F5 reverse solidus operator
        {"/%e2%a7%b8", invalid},           // U+29F8 big solidus
        {"/%e2%a7%b9", invalid},           // U+29F9 big reverse solidus
        {"/%ef%b8%b0", invalid},           // U+FE30 vertical two dot leader
        {"/%ef%b9%92", invalid},           // U+FE52 small full stop
        {"/%ef%b9%a8", invalid},           // U+FE68 small reverse solidus
    });
}

BOOST_AUTO_TEST_CASE(a_dot_segment_is_refused) {
    check_all({
        {"/.", invalid},        {"/..", invalid},         {"/./", invalid},
        {"/../", invalid},      {"/a/.", invalid},        {"/a/..", invalid},
        {"/a/./b", invalid},    {"/a/../b", invalid},     {"/public/../admin", invalid},
        {"/%2e", invalid},      {"/%2E%2E", invalid},     {"/.%2e/a", invalid},
        {"/%2e./a", invalid},   {"/a/%2e%2e/b", invalid}, {"/..;/a", invalid},
        {"/..;x=1/a", invalid}, {"/.;/a", invalid},       {"/a/..;", invalid},
        {"/a/.;v", invalid},    {"/%2e%2e;/a", invalid},  {"/../?q", invalid},
        {"/a/..?q", invalid},
    });
}

BOOST_AUTO_TEST_CASE(an_empty_segment_or_one_of_parameters_alone_is_refused) {
    check_all({
        {"//", invalid},
        {"//a", invalid},
        {"/a//b", invalid},
        {"/a//", invalid},
        {"///", invalid},
        {"//evil.example/a", invalid},
        {"/;", invalid},
        {"/;/a", invalid},
        {"/;x=1", invalid},
        {"/a/;x", invalid},
        {"/a/;/b", invalid},
    });
}

BOOST_AUTO_TEST_CASE(a_byte_that_is_no_path_character_is_refused) {
    check_all({
        {"/a b", invalid},       {"/a\tb", invalid},        {"/a\\b", invalid},
        {"/\\..\\a", invalid},   {"/a#b", invalid},         {"/#", invalid},
        {"/a\"b", invalid},      {"/<a>", invalid},         {"/{id}", invalid},
        {"/a|b", invalid},       {"/a^b", invalid},         {"/a`b", invalid},
        {"/[a]", invalid},       {"/caf\xC3\xA9", invalid}, {"/\x80", invalid},
        {"/a\x7F", invalid},     {"/a\x01", invalid},       {{"/a\0b", 4}, invalid},
        {"/a\r\nX: y", invalid},
    });
}

BOOST_AUTO_TEST_CASE(a_query_goes_on_as_it_was_sent) {
    check_all({
        {"/a?", "/a|?"},
        {"/a?x=1&y=2", "/a|?x=1&y=2"},
        {"/?", "/|?"},
        {"/a??", "/a|??"},
        {"/a?/../b", "/a|?/../b"},
        {"/a?//;..", "/a|?//;.."},
        {"/a?u=http://x/", "/a|?u=http://x/"},
        {"/a?x=%2f%2e%00%25", "/a|?x=%2f%2e%00%25"},
        {"/a?x=%c3", "/a|?x=%c3"},
        {"/a?x[]=1&y={z}|^`", "/a|?x[]=1&y={z}|^`"},
        {"/a?!$&'()*+,;=:@-._~", "/a|?!$&'()*+,;=:@-._~"},
        {"/%41?%41", "/A|?%41"},
    });
}

BOOST_AUTO_TEST_CASE(a_query_that_could_break_a_line_or_an_escape_is_refused) {
    check_all({
        {"/a?%", invalid},
        {"/a?%4", invalid},
        {"/a?%zz", invalid},
        {"/a?x=%u0041", invalid},
        {"/a?a b", invalid},
        {"/a?\\", invalid},
        {"/a?\"", invalid},
        {"/a?<", invalid},
        {"/a?>", invalid},
        {"/a?#", invalid},
        {"/a?x#y", invalid},
        {"/a?\xC3\xA9", invalid},
        {"/a?\x7F", invalid},
        {"/a?\t", invalid},
        {{"/a?\0", 4}, invalid},
        {"/a?x=1\r\nY: z", invalid},
    });
}

BOOST_AUTO_TEST_CASE(an_absolute_form_is_taken_where_its_authority_is_the_host) {
    check_all({
        {"http://api.example/a?x", "/a|?x"},
        {"https://api.example/a", "/a|"},
        {"HTTP://API.EXAMPLE/A", "/A|"},
        {"hTTpS://api.example/%41", "/A|"},
        {"http://api.example", "/|"},
        {"http://api.example?x=1", "/|?x=1"},
        {"http://api.example/", "/|"},
        {"http://api.example#f", invalid},
        {"http://api.example/#f", invalid},
        {"http://api.example?x#f", invalid},
        {"http://api.example?%", invalid},
        {"http://api.example/../a", invalid},
        {"http://api.example//a", invalid},
        {"http://other.example/a", invalid},
        {"http://api.example:80/a", invalid},
        {"http://api.example./a", invalid},
        {"http://user@api.example/a", invalid},
        {"http://api.example@evil.example/a", invalid},
        {"http://api.example\\@evil.example/a", invalid},
        {"http:///a", invalid},
        {"http://", invalid},
        {"http:/api.example/a", invalid},
        {"http:api.example/a", invalid},
        {"http//api.example/a", invalid},
        {"ftp://api.example/a", invalid},
        {"ws://api.example/a", invalid},
        {"httpx://api.example/a", invalid},
        {" http://api.example/a", invalid},
    });
    BOOST_TEST(judged(head_of("http://[::1]:80/a", "GET", "[::1]:80")) == "/a|");
    BOOST_TEST(judged(head_of("http://a:8080/a", "GET", "A:8080")) == "/a|");
    // HTTP/1.0 without a Host: there is nothing that the authority could be equal to.
    BOOST_TEST(judged(head_of("http://a/a", "GET", "")) == invalid);
    BOOST_TEST(judged(head_of("http:///a", "GET", "")) == invalid);
}

BOOST_AUTO_TEST_CASE(another_form_is_refused) {
    check_all({
        {"", invalid},
        {"*", invalid},
        {"**", invalid},
        {"a", invalid},
        {"v1/tests", invalid},
        {"?x", invalid},
        {"?", invalid},
        {".", invalid},
        {"../a", invalid},
        {"%2Fa", invalid},
        {"\\a", invalid},
        {"api.example:443", invalid},
        {"api.example/a", invalid},
        {"mailto:a@b", invalid},
    });
}

BOOST_AUTO_TEST_CASE(tunnels_echoes_and_questions_to_the_whole_server_are_never_forwarded) {
    for (const auto* method : {"CONNECT", "TRACE", "connect", "Trace"})
        for (const auto* target : {"/", "/a", "api.example:443", "*", "", "/../a"})
            BOOST_TEST_CONTEXT(method << ' ' << target) {
                BOOST_TEST(judged(head_of(target, method)) == "route_method");
            }

    BOOST_TEST(judged(head_of("*", "OPTIONS")) == "route_method");
    // RFC 9112 3.2.4: the same question, asked through a proxy.
    BOOST_TEST(judged(head_of("http://api.example", "OPTIONS")) == "route_method");
    BOOST_TEST(judged(head_of("http://api.example/", "OPTIONS")) == "/|");
    BOOST_TEST(judged(head_of("/a", "OPTIONS")) == "/a|");
    BOOST_TEST(judged(head_of("*", "GET")) == invalid);
}

BOOST_AUTO_TEST_CASE(a_target_may_be_as_long_as_the_limit_and_not_a_byte_longer) {
    std::string target = "/" + std::string(99, 'a');
    BOOST_TEST(judged(head_of(target), 100) == target + '|');
    target += 'a';
    BOOST_TEST(judged(head_of(target), 100) == "target_too_long");
    // It is the bytes as sent that count, and they are counted before they are read.
    BOOST_TEST(judged(head_of("/%41%41"), 5) == "target_too_long");
    BOOST_TEST(judged(head_of("/a b cde"), 5) == "target_too_long");
}

BOOST_AUTO_TEST_CASE(a_path_without_escapes_is_not_copied) {
    const std::string raw = "/v1/tests/42?x=1";
    std::string scratch;
    const auto target = http::judge_target(head_of(raw), max_length, scratch);
    BOOST_TEST_REQUIRE(target.has_value());
    BOOST_TEST(static_cast<const void*>(target->path.data()) ==
               static_cast<const void*>(raw.data()));
    BOOST_TEST(scratch.empty());
}

BOOST_AUTO_TEST_CASE(each_byte_is_judged_the_same_raw_in_a_path_and_in_a_query) {
    // The sets of RFC 3986, written out a second time.
    const std::string_view path = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~!$&'()*+,;=:@/";
    const std::string_view query_only = "?[]{}|^`";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool in_path = path.find(c) != path.npos;
        const bool in_query = in_path || query_only.find(c) != query_only.npos;
        BOOST_TEST_CONTEXT("byte " << byte) {
            const std::string in_a_path = std::string{"/a"} + c + "b";
            if (c != '?') BOOST_TEST((judged(head_of(in_a_path)) != invalid) == in_path);
            const std::string in_a_query = std::string{"/a?"} + c + "b";
            BOOST_TEST((judged(head_of(in_a_query)) != invalid) == in_query);
        }
    }
}

namespace {

/// Targets of pieces that matter, so that random ones meet the interesting edges.
std::string random_target(std::mt19937_64& random) {
    static constexpr std::array<std::string_view, 40> pieces{
        "/",   "/",      "/a",        "/v1",       "tests", ".",
        "..",  ";",      ";v=1",      "%2e",       "%2E",   "%2f",
        "%5c", "%00",    "%25",       "%41",       "%7e",   "%c3",
        "%a9", "%C3%A9", "%e2%80%a4", "%ef%bc%8f", "%",     "%4",
        "?",   "#",      "\\",        "x=1",       "//",    "http://api.example",
        "@",   ":",      " ",         "é",         "*",     "+",
        "%20", "%3a",    "&",         "~"};
    std::string target = random() % 8 == 0 ? "" : "/";
    for (auto count = random() % 10; count > 0; --count) {
        if (random() % 12 == 0) {
            target += static_cast<char>(random() % 256);
        } else {
            target += pieces[random() % pieces.size()];
        }
    }
    return target;
}

bool has_forbidden_part(std::string_view path) {
    for (const std::string_view part :
         {"//",  "/./", "/../", "/;",  "/.;", "/..;", "%2F", "%5C", "%25", "%3B",
          "%3F", "%23", "%00",  "%7F", "%2E", "%41",  "?",   "#",   "\\",  " "})
        if (path.find(part) != path.npos) return true;
    if (path.ends_with("/.") || path.ends_with("/..")) return true;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] < 0x21 || path[i] > 0x7E) return true;
        if (path[i] != '%') continue;
        for (const char digit : path.substr(i + 1, 2))
            if (std::string_view{"0123456789ABCDEF"}.find(digit) == std::string_view::npos)
                return true;
    }
    return false;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_taken_is_canonical_and_judged_the_same_again) {
    std::mt19937_64 random{20240611};
    http::RequestHead head = head_of({});
    std::string scratch;
    std::string scratch_again;
    std::size_t taken = 0;
    std::size_t wrong = 0;
    for (int i = 0; i < 200'000; ++i) {
        const std::string raw = random_target(random);
        head.target = raw;
        const auto target = http::judge_target(head, max_length, scratch);
        if (!target) continue;
        ++taken;
        const std::string sent = std::string{target->path} + std::string{target->query};
        const std::string path{target->path};
        head.target = sent;
        const auto again = http::judge_target(head, max_length, scratch_again);
        const bool same = again.has_value() && again->path == path && again->query == target->query;
        if (same && path.starts_with('/') && !has_forbidden_part(path)) continue;
        if (++wrong < 10) BOOST_TEST_ERROR("raw " << raw << " was sent as " << sent);
    }
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(taken > 20'000U); // the inputs reach what they are for
}

BOOST_AUTO_TEST_CASE(random_bytes_are_judged_without_harm) {
    std::mt19937_64 random{7};
    http::RequestHead head = head_of({});
    std::string scratch;
    std::size_t beyond_ascii = 0;
    for (int i = 0; i < 200'000; ++i) {
        // On the heap and of exact size, so that a sanitizer sees a byte read too many.
        std::vector<char> bytes(random() % 24);
        for (char& byte : bytes)
            byte = static_cast<char>(random() % 256);
        if (!bytes.empty() && random() % 2 == 0) bytes.front() = '/';
        head.target = {bytes.data(), bytes.size()};
        const auto target = http::judge_target(head, 16, scratch);
        if (!target) continue;
        for (const char c : target->path)
            beyond_ascii += c < 0x21 || c > 0x7E;
        for (const char c : target->query)
            beyond_ascii += c < 0x21 || c > 0x7E;
    }
    BOOST_TEST(beyond_ascii == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
