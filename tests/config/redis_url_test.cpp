#include "config/redis_url.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace {

using namespace keygate;
using config::parse_redis_url;

/// All that a URL says on one line, or what is wrong with it.
std::string told(std::string_view text) {
    const auto judged = parse_redis_url(text);
    if (!judged.value) return judged.wrong;
    const config::RedisUrl& url = *judged.value;
    config::Redis redis;
    redis.transport = url.transport;
    redis.host = url.host;
    redis.port = url.port;
    redis.path = url.path;
    redis.database = url.database;
    std::string out = config::redis_url_text(redis);
    if (!url.user.empty()) out += " user " + url.user;
    if (!url.password.empty()) out += " password " + std::string{url.password.reveal()};
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_redis_url)

BOOST_AUTO_TEST_CASE(each_part_of_a_url_is_read) {
    const char* const urls[][2] = {
        {"redis://127.0.0.1", "redis://127.0.0.1:6379/0"},
        {"redis://127.0.0.1/", "redis://127.0.0.1:6379/0"},
        {"REDIS://Redis.Internal:6380/15", "redis://redis.internal:6380/15"},
        {"rediss://redis/65535", "rediss://redis:6379/65535"},
        {"redis://[::1]", "redis://[::1]:6379/0"},
        {"redis://[2001:DB8::7]:1/2", "redis://[2001:db8::7]:1/2"},
        {"redis://u:p@[::1]:7", "redis://[::1]:7/0 user u password p"},
        {"redis://:p@a", "redis://a:6379/0 password p"},
        {"redis://u@a", "redis://a:6379/0 user u"},
        {"redis://u:@a", "redis://a:6379/0 user u"},
        {"redis://@a", "redis://a:6379/0"},
        {"redis://u:a:b@a", "redis://a:6379/0 user u password a:b"},
        {"redis://u%40x:%2f%3A%25%20%C3%A9@a", "redis://a:6379/0 user u@x password /:% é"},
        {"unix:///run/redis.sock", "unix:///run/redis.sock?db=0"},
        {"unix:///run/redis@1.sock?db=7", "unix:///run/redis%401.sock?db=7"},
        {"unix://run/redis.sock", "unix://run/redis.sock?db=0"},
        {"unix://./a%3Ab%3fc%20d", "unix://./a%3Ab%3Fc d?db=0"},
        {"unix://u:p%2Fw@/run/x", "unix:///run/x?db=0 user u password p/w"},
        {"unix://:p@run/x?db=1", "unix://run/x?db=1 password p"},
    };
    for (const auto& [text, expected] : urls)
        BOOST_TEST(told(text) == expected);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
    const std::string host = "expected a host: an IP address or a DNS name, IPv6 in brackets";
    const std::string port = "expected a port from 1 to 65535";
    const std::string database = "expected a database from 0 to 65535";
    const std::string url = "expected a URL such as redis://127.0.0.1:6379/0";
    const std::string scheme = "expected redis://, rediss:// or unix://";
    const std::string percent = "expected special characters of a user or password as %XX: `@` as "
                                "%40, `/` as %2F, `:` as %3A, `%` as %25";
    const std::string tail = "expected nothing after the database: no query and no fragment";
    const std::string path = "expected a socket's path such as unix:///run/redis.sock";
    const std::string relative = "expected a path such as unix:///run/redis.sock; a `:` in the "
                                 "first part of a relative one is written as %3A";
    const std::string query =
        "expected nothing after the path but `?db=` and a database from 0 to 65535";
    const std::pair<std::string, std::string> rows[] = {
        {"", url},
        {"127.0.0.1:6379", url},
        {"redis:127.0.0.1", url},
        {"://a", url},
        {"1redis://a", url},
        {"redsi://a", scheme + "; did you mean `redis`?"},
        {"redis+sentinal://a", scheme + "; did you mean `redis+sentinel`?"},
        {"http://a", scheme},
        {"redis+sentinel://a:1,b:2/m", "`redis+sentinel://` is not available yet"},
        {"Redis+Cluster://a", "`redis+cluster://` is not available yet"},
        {"redis://", host},
        {"redis:///0", host},
        {"redis://:1", host},
        {"redis://a b", host},
        {"redis://10.1", host},
        {"redis://::1", host},
        {"redis://::1:6379", host},
        {"redis://[::1", host},
        {"redis://[a]", host},
        {"redis://[::1]x", host},
        {"redis://a:1,b:2", host},
        {"redis://a:", port},
        {"redis://a:0", port},
        {"redis://a:65536", port},
        {"redis://a:06379", port},
        {"redis://a:x", port},
        {"redis://a/x", database},
        {"redis://a/65536", database},
        {"redis://a/00", database},
        {"redis://a/0/", database},
        {"redis://a/-1", database},
        {"redis://a?db=1", tail},
        {"redis://a/0#x", tail},
        {"redis://u:p/w@a", percent},
        {"redis://u:p?w@a", percent},
        {"redis://u:p#w@a", percent},
        {"redis://u:p@w@a", percent},
        {"redis://u:p%w@a", percent},
        {"redis://u:p%4@a", percent},
        {"redis://a%20b:p@a", "expected a user of at most 128 visible characters"},
        {"redis://u:%0a@a", "expected a password in UTF-8 without control characters"},
        {"redis://u:%ff@a", "expected a password in UTF-8 without control characters"},
        {"unix://", path},
        {"unix:///", path},
        {"unix:///run/", path},
        {"unix:///a%00b", path},
        {"unix:///a%0", path},
        {"unix://:p/w@/run/x", relative},
        {"unix://a:1/x", relative},
        {"unix:///x?db=", database},
        {"unix:///x?db=1&password=p", database},
        {"unix:///x?password=p", query},
        {"unix:///x#y", "expected no fragment"},
    };
    for (const auto& [text, wrong] : rows)
        BOOST_TEST(told(text) == wrong, text << " -> " << told(text));
}

BOOST_AUTO_TEST_CASE(what_may_be_shown_of_a_url_has_no_password) {
    const char* const rows[][2] = {
        {"redis://redis.internal:6380/15", "redis://redis.internal:6380/15"},
        {"redis://[::1]:6380/x", "redis://[::1]:6380/x"},
        {"redis://u:hunter2@a:0", "redis://…@a:0"},
        {"redsi://:hunter2@a", "redsi://…@a"},
        {"redis://u:hun@ter2@a", "redis://…@a"},
        {"redis://u:hun/ter2@a/0", "redis://…@a/0"},
        {"redis://u:hun://ter2@a", "redis://…@a"},
        {"re dis://u:hunter2@a", "…@a"},
        {"redis:/u:hunter2@a", "…@a"},
        {"u:hunter2@a", "…@a"},
        // The host was forgotten.
        {"redis://:hunter2", "redis://…"},
        {"redis://u:hunter2/0", "redis://…"},
        {"u:hunter2", "…"},
        {"127.0.0.1:6379", "127.0.0.1:6379"},
        // Other programs take passwords there.
        {"redis://a/0?password=hunter2", "redis://a/0?…"},
        {"unix:///x?db=0&password=hunter2", "unix:///x?…"},
        {"unix:///x?db=y", "unix:///x?db=y"},
        {"unix:///run/x", "unix:///run/x"},
        {"", ""},
    };
    for (const auto& [text, shown] : rows)
        BOOST_TEST(config::without_credentials(text) == shown);
}

BOOST_AUTO_TEST_CASE(what_is_read_is_written_and_read_as_the_same) {
    const std::string_view pieces[] = {"redis", "rediss", "unix", "://", "/",  "@",   ":",  "[::1]",
                                       "a.b",   "1",      "?db=", "#",   "%4", "%40", "%2", "%2F",
                                       "%3A",   "é",      "\n",   "p w", "$",  "..",  "\"", "\\"};
    std::mt19937 random{1};
    int good = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text{pieces[random() % 3]};
        text += "://";
        for (auto left = random() % 7; left > 0; --left)
            text += pieces[random() % std::size(pieces)];
        auto judged = parse_redis_url(text);
        BOOST_TEST_REQUIRE(judged.value.has_value() == judged.wrong.empty());
        if (!judged.value) continue;
        ++good;
        config::Redis redis;
        redis.transport = judged.value->transport;
        redis.host = judged.value->host;
        redis.port = judged.value->port;
        redis.path = judged.value->path;
        redis.database = judged.value->database;
        const std::string once = config::redis_url_text(redis);
        const auto again = parse_redis_url(once);
        BOOST_TEST_REQUIRE(again.value.has_value(), text << " -> " << once);
        BOOST_TEST((again.value->transport == redis.transport));
        BOOST_TEST(again.value->host == redis.host);
        BOOST_TEST(again.value->port == redis.port);
        BOOST_TEST(again.value->path == redis.path);
        BOOST_TEST(again.value->database == redis.database);
        BOOST_TEST(again.value->user.empty());
        BOOST_TEST(again.value->password.empty());
    }
    BOOST_TEST(good > 1'000);
}

BOOST_AUTO_TEST_SUITE_END()
