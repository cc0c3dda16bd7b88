#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "mistake_rows.hpp"
#include "printed.hpp"

namespace {

using namespace keygate;
using namespace std::chrono_literals;

/// The good configuration with these members in its test upstream, which has one server.
std::string with(const std::string& members) {
    return test::edited("connect_timeout: 1s", members);
}

/// The test upstream of a configuration that loads.
config::Upstream read(const std::string& text, const std::string& file = "keygate.yaml") {
    const auto loaded = config::load(text, file, test::world());
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    return loaded.settings->apis[0].test.value();
}

std::string with_servers(const std::string& servers) {
    return test::edited("[\"http://127.0.0.1:3001\"]", "[" + servers + "]");
}

/// What is printed of the test upstream, which must load as the same.
std::string printed(const std::string& text, const std::string& file = "keygate.yaml",
                    const test::Table& variables = {}) {
    const std::string all = test::printed_twice(text, file, variables);
    const std::size_t begin = all.find("      test:\n", all.find("    upstreams:")) + 12;
    return all.substr(begin, all.find("    trailing_slash", begin) - begin);
}

// clang-format off
const std::vector<test::MistakeRow> rows{
    {R"~("http://127.0.0.1:3000")~",
     "ftp://a",
     "24:24: apis.shop.upstreams.live.servers[0]: found `ftp://a`; expected a server such as http://127.0.0.1:3000, https://api.internal or unix:/run/app.sock"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("unix:")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `unix:`; expected `unix:` and a socket's path, such as unix:/run/app.sock"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("unix:///run/a.sock")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `unix:///run/a.sock`; expected `unix:` and a socket's path, such as unix:/run/app.sock"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("unix:run/")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `unix:run/`; expected `unix:` and a socket's path, such as unix:/run/app.sock"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")~",
     "24:24: apis.shop.upstreams.live.servers[0]: a socket's path has at most 107 bytes; this one has 108, with the folder of the configuration"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("https://a/x", "https://u@a", "https://a:0", "https://")~",
     R"~(24:24: apis.shop.upstreams.live.servers[0]: found `https://a/x`; a server takes no path: requests keep the path they came with
24:39: apis.shop.upstreams.live.servers[1]: found `https://u@a`; a server takes no user name or password
24:54: apis.shop.upstreams.live.servers[2]: found `https://a:0`; expected a port from 1 to 65535
24:69: apis.shop.upstreams.live.servers[3]: found `https://`; expected a server such as http://127.0.0.1:3000, https://api.internal or unix:/run/app.sock)~"},
    {R"~("http://127.0.0.1:3000")~",
     "{}",
     "24:24: apis.shop.upstreams.live.servers[0]: `url` is missing"},
    {R"~("http://127.0.0.1:3000")~",
     R"~({url: "http://a", weight: 0}, {url: "http://b", weight: 1001, wieght: 1})~",
     R"~(24:50: apis.shop.upstreams.live.servers[0].weight: found `0`; expected a whole number from 1 to 1000
24:80: apis.shop.upstreams.live.servers[1].weight: found `1001`; expected a whole number from 1 to 1000
24:86: apis.shop.upstreams.live.servers[1].wieght: unknown name `wieght`; allowed: url, weight; did you mean `weight`?)~"},
    {R"~("http://127.0.0.1:3000")~",
     "{url: [], weight: x}, []",
     R"~(24:30: apis.shop.upstreams.live.servers[0].url: found a list; expected a server such as http://127.0.0.1:3000
24:42: apis.shop.upstreams.live.servers[0].weight: found `x`; expected a whole number from 1 to 1000
24:46: apis.shop.upstreams.live.servers[1]: found a list; expected a server such as http://127.0.0.1:3000)~"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://a", {url: "http://A:80", weight: 2}, "unix:a", "unix:a", "https://b", "https://b:443")~",
     R"~(24:42: apis.shop.upstreams.live.servers[1].url: `http://A:80` is listed twice
24:79: apis.shop.upstreams.live.servers[3]: `unix:a` is listed twice
24:102: apis.shop.upstreams.live.servers[5]: `https://b:443` is listed twice)~"},
    {"connect_timeout: 1s",
     "balance: random",
     "25:59: apis.shop.upstreams.test.balance: found `random`; expected one of: least_connections, round_robin"},
    {"connect_timeout: 1s",
     "balance: least_connection",
     "25:59: apis.shop.upstreams.test.balance: found `least_connection`; expected one of: least_connections, round_robin; did you mean `least_connections`?"},
    {"connect_timeout: 1s",
     "tls: {}",
     "25:50: apis.shop.upstreams.test.tls: belongs to servers with https://"},
    {R"~(["http://127.0.0.1:3000"]})~",
     R"~(["https://a"], tls: {ca: , certificate: c.pem, min_version: "1.1", sever_name: a}})~",
     R"~(24:44: apis.shop.upstreams.live.tls.ca: found nothing; expected a path
24:50: apis.shop.upstreams.live.tls.certificate: `private_key` is missing: a certificate needs its key
24:83: apis.shop.upstreams.live.tls.min_version: found `1.1`; expected one of: 1.2, 1.3; did you mean `1.2`?
24:90: apis.shop.upstreams.live.tls.sever_name: unknown name `sever_name`; allowed: ca, certificate, private_key, server_name, min_version; did you mean `server_name`?)~"},
    {R"~(["http://127.0.0.1:3000"]})~",
     R"~(["https://a"], tls: {private_key: k.pem, server_name: "a b", min_version: 1.3}})~",
     R"~(24:44: apis.shop.upstreams.live.tls.private_key: `certificate` is missing: a key needs its certificate
24:77: apis.shop.upstreams.live.tls.server_name: found `a b`; expected a DNS name or an IP address)~"},
    {R"~(["http://127.0.0.1:3000"]})~",
     R"~(["https://a", "htps://b"], tls: []})~",
     R"~(24:37: apis.shop.upstreams.live.servers[1]: found `htps://b`; expected a server such as http://127.0.0.1:3000, https://api.internal or unix:/run/app.sock
24:55: apis.shop.upstreams.live.tls: found a list; expected a mapping)~"},
    {"connect_timeout: 1s",
     "host: Pass",
     "25:56: apis.shop.upstreams.test.host: found `Pass`; expected pass, server, or a host such as api.internal or api.internal:8080"},
    {"connect_timeout: 1s",
     R"~(host: "api.internal:0")~",
     "25:56: apis.shop.upstreams.test.host: found `api.internal:0`; expected pass, server, or a host such as api.internal or api.internal:8080"},
    {"connect_timeout: 1s",
     R"~(host: "http://a")~",
     "25:56: apis.shop.upstreams.test.host: found `http://a`; expected pass, server, or a host such as api.internal or api.internal:8080"},
    {"connect_timeout: 1s",
     "host: [a]",
     "25:56: apis.shop.upstreams.test.host: found a list; expected pass, server, or a host such as api.internal or api.internal:8080"},
    {"connect_timeout: 1s",
     R"~(host: "*.a")~",
     "25:56: apis.shop.upstreams.test.host: found `*.a`; expected pass, server, or a host such as api.internal or api.internal:8080"},
    {"connect_timeout: 1s",
     "max_connections: 0",
     "25:67: apis.shop.upstreams.test.max_connections: found `0`; expected a whole number from 1 to 1000000"},
    {"connect_timeout: 1s",
     "queue: {max: 5}",
     "25:50: apis.shop.upstreams.test.queue: belongs to `max_connections`: without it nobody has to wait"},
    {"connect_timeout: 1s",
     "queue: {timeout: 0s}, max_connections: 1",
     R"~(25:50: apis.shop.upstreams.test.queue: `max` is missing
25:67: apis.shop.upstreams.test.queue.timeout: found `0s`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d))~"},
    {"connect_timeout: 1s",
     "queue: {max: 0, timeout: 2h, maximum: 1}, max_connections: 1000001",
     R"~(25:63: apis.shop.upstreams.test.queue.max: found `0`; expected a whole number from 1 to 1000000
25:75: apis.shop.upstreams.test.queue.timeout: found `2h`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)
25:79: apis.shop.upstreams.test.queue.maximum: unknown name `maximum`; allowed: max, timeout
25:109: apis.shop.upstreams.test.max_connections: found `1000001`; expected a whole number from 1 to 1000000)~"},
    {"connect_timeout: 1s",
     "total_timeout: 0s",
     "25:65: apis.shop.upstreams.test.total_timeout: found `0s`; expected a duration from 1ms to 1d with its unit (ms, s, m, h, d)"},
    {"connect_timeout: 1s",
     "total_timeout: 2d",
     "25:65: apis.shop.upstreams.test.total_timeout: found `2d`; expected a duration from 1ms to 1d with its unit (ms, s, m, h, d)"},
    {"connect_timeout: 1s",
     "retries: off",
     "25:59: apis.shop.upstreams.test.retries: found `off`; expected a mapping"},
    {"connect_timeout: 1s",
     "retries: {attempts: 11, on: [closed, closd, closed], statuses: [499, 503, 503, 600], budget: 101%}",
     R"~(25:70: apis.shop.upstreams.test.retries.attempts: found `11`; expected a whole number from 0 to 10
25:87: apis.shop.upstreams.test.retries.on[1]: found `closd`; expected one of: closed, timeout, invalid; did you mean `closed`?
25:94: apis.shop.upstreams.test.retries.on[2]: `closed` is listed twice
25:114: apis.shop.upstreams.test.retries.statuses[0]: found `499`; expected a whole number from 500 to 599
25:124: apis.shop.upstreams.test.retries.statuses[2]: `503` is listed twice
25:129: apis.shop.upstreams.test.retries.statuses[3]: found `600`; expected a whole number from 500 to 599
25:143: apis.shop.upstreams.test.retries.budget: found `101%`; expected a percentage from 0% to 100%)~"},
    {"connect_timeout: 1s",
     "retries: {on: closed, statuses: 503, budget: 20}",
     R"~(25:64: apis.shop.upstreams.test.retries.on: found `closed`; expected a list such as [closed, timeout, invalid]
25:82: apis.shop.upstreams.test.retries.statuses: found `503`; expected a list of status codes such as [503]
25:95: apis.shop.upstreams.test.retries.budget: found `20`; expected a percentage from 0% to 100%)~"},
    {"connect_timeout: 1s",
     "retries: {attempts: 0, on: [], statuses: []}",
     R"~(25:73: apis.shop.upstreams.test.retries.on: has no meaning where `attempts` is 0
25:77: apis.shop.upstreams.test.retries.on: lists nothing; leave `on` out
25:81: apis.shop.upstreams.test.retries.statuses: has no meaning where `attempts` is 0
25:91: apis.shop.upstreams.test.retries.statuses: lists no status; leave `statuses` out)~"},
    {"connect_timeout: 1s",
     "retries: {budget: 0.5%, atempts: 1}",
     R"~(25:68: apis.shop.upstreams.test.retries.budget: found `0.5%`; expected a percentage from 0% to 100%
25:74: apis.shop.upstreams.test.retries.atempts: unknown name `atempts`; allowed: attempts, on, statuses, budget; did you mean `attempts`?)~"},
    {"connect_timeout: 1s",
     R"~(retries: {budget: "%"})~",
     "25:68: apis.shop.upstreams.test.retries.budget: found `%`; expected a percentage from 0% to 100%"},
    {"connect_timeout: 1s",
     "ejection: none",
     "25:60: apis.shop.upstreams.test.ejection: found `none`; expected off, or a mapping such as {failures: 5, time: 5s, max_time: 5m}"},
    {"connect_timeout: 1s",
     "ejection: []",
     "25:60: apis.shop.upstreams.test.ejection: found a list; expected off, or a mapping such as {failures: 5, time: 5s, max_time: 5m}"},
    {"connect_timeout: 1s",
     "ejection: {failures: 0, time: 0s, max_time: 2d, statuses: [404]}",
     R"~(25:71: apis.shop.upstreams.test.ejection.failures: found `0`; expected a whole number from 1 to 1000
25:80: apis.shop.upstreams.test.ejection.time: found `0s`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)
25:94: apis.shop.upstreams.test.ejection.max_time: found `2d`; expected a duration from 1ms to 1d with its unit (ms, s, m, h, d)
25:109: apis.shop.upstreams.test.ejection.statuses[0]: found `404`; expected a whole number from 500 to 599)~"},
    {"connect_timeout: 1s",
     "ejection: {time: 10m, max_time: 9m, after: 5}",
     R"~(25:82: apis.shop.upstreams.test.ejection.max_time: `9m` is less than `time`, which is 10m
25:86: apis.shop.upstreams.test.ejection.after: unknown name `after`; allowed: failures, time, max_time, statuses)~"},
    {"connect_timeout: 1s",
     "check: /health",
     "25:57: apis.shop.upstreams.test.check: found `/health`; expected a mapping"},
    {"connect_timeout: 1s",
     "check: {}",
     "25:50: apis.shop.upstreams.test.check: `path` is missing"},
    {"connect_timeout: 1s",
     R"~(check: {path: health, host: "a/b", interval: 1ms, timeout: 0s, statuses: [199], passes: 0, failures: 101})~",
     R"~(25:64: apis.shop.upstreams.test.check.path: found `health`; expected a path of visible ASCII letters that begins with one `/`, such as /health
25:78: apis.shop.upstreams.test.check.host: found `a/b`; expected a host such as api.internal or api.internal:8080
25:95: apis.shop.upstreams.test.check.interval: found `1ms`; expected a duration from 10ms to 1h with its unit (ms, s, m, h, d)
25:109: apis.shop.upstreams.test.check.timeout: found `0s`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)
25:124: apis.shop.upstreams.test.check.statuses[0]: found `199`; expected a whole number from 200 to 599
25:138: apis.shop.upstreams.test.check.passes: found `0`; expected a whole number from 1 to 100
25:151: apis.shop.upstreams.test.check.failures: found `101`; expected a whole number from 1 to 100)~"},
    {"connect_timeout: 1s",
     "check: {path: //a, statuses: []}",
     R"~(25:64: apis.shop.upstreams.test.check.path: found `//a`; expected a path of visible ASCII letters that begins with one `/`, such as /health
25:79: apis.shop.upstreams.test.check.statuses: lists no status; leave `statuses` out)~"},
    {"connect_timeout: 1s",
     R"~(check: {path: "/a b"})~",
     "25:64: apis.shop.upstreams.test.check.path: found `/a b`; expected a path of visible ASCII letters that begins with one `/`, such as /health"},
    {"connect_timeout: 1s",
     R"~(check: {path: "/ä"})~",
     "25:64: apis.shop.upstreams.test.check.path: found `/ä`; expected a path of visible ASCII letters that begins with one `/`, such as /health"},
    {"connect_timeout: 1s",
     R"~(check: {path: "/a#b", statusses: [200]})~",
     R"~(25:64: apis.shop.upstreams.test.check.path: found `/a#b`; expected a path of visible ASCII letters that begins with one `/`, such as /health
25:72: apis.shop.upstreams.test.check.statusses: unknown name `statusses`; allowed: path, host, interval, timeout, statuses, passes, failures; did you mean `statuses`?)~"},
    {"connect_timeout: 1s",
     "breaker: on",
     "25:59: apis.shop.upstreams.test.breaker: found `on`; expected a mapping"},
    {"connect_timeout: 1s",
     "breaker: {failures: 0%, requests: 0, window: 999ms, open: 0s, trials: 101, time: 1s}",
     R"~(25:70: apis.shop.upstreams.test.breaker.failures: found `0%`; expected a percentage from 1% to 100%
25:84: apis.shop.upstreams.test.breaker.requests: found `0`; expected a whole number from 1 to 1000000
25:95: apis.shop.upstreams.test.breaker.window: found `999ms`; expected a duration from 1s to 1h with its unit (ms, s, m, h, d)
25:108: apis.shop.upstreams.test.breaker.open: found `0s`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)
25:120: apis.shop.upstreams.test.breaker.trials: found `101`; expected a whole number from 1 to 100
25:125: apis.shop.upstreams.test.breaker.time: unknown name `time`; allowed: failures, requests, window, open, trials)~"},
    {"connect_timeout: 1s",
     "health: {}",
     "25:50: apis.shop.upstreams.test.health: unknown name `health`; allowed: servers, balance, tls, host, max_connections, queue, retries, ejection, check, breaker, total_timeout, connect_timeout, first_byte_timeout, idle_timeout, tunnel_timeout, keep_alive, max_idle"},
    {"      test:",
     "      tset:",
     "25:7: apis.shop.upstreams.tset: no route leads here; expected live, test, or what a route names as its `upstream`; did you mean `test`?"},
    {"      test:",
     "      v2:",
     "25:7: apis.shop.upstreams.v2: no route leads here; expected live, test, or what a route names as its `upstream`"},
    {"      test:",
     R"~(      "v 2":)~",
     "25:7: apis.shop.upstreams.v 2: an upstream's name has 1 to 64 letters, digits, `.`, `_` or `-`"},
    {R"~({servers: ["http://127.0.0.1:3001"], connect_timeout: 1s})~",
     "[]",
     "25:13: apis.shop.upstreams.test: found a list; expected a mapping"},
    {"      live:",
     "      life:",
     R"~(23:5: apis.shop.upstreams: `live` is missing
24:7: apis.shop.upstreams.life: no route leads here; expected live, test, or what a route names as its `upstream`; did you mean `live`?)~"},
    {"GET /health: public",
     "GET /health: {access: public, upstream: tests}",
     "27:47: apis.shop.routes.GET /health.upstream: found `tests`; expected one of `upstreams`: live, test; did you mean `test`?"},
    {"GET /health: public",
     "GET /health: {access: public, upstream: {}}",
     "27:37: apis.shop.routes.GET /health.upstream: `live` is missing"},
    {"GET /health: public",
     "GET /health: {access: public, upstream: {live: v2, test: lives, both: live}}",
     R"~(27:54: apis.shop.routes.GET /health.upstream.live: found `v2`; expected one of `upstreams`: live, test
27:64: apis.shop.routes.GET /health.upstream.test: found `lives`; expected one of `upstreams`: live, test; did you mean `live`?
27:71: apis.shop.routes.GET /health.upstream.both: unknown name `both`; allowed: live, test)~"},
    {"GET /health: public",
     "GET /health: {access: public, upstream: [live]}",
     "27:47: apis.shop.routes.GET /health.upstream: found a list; expected the name of an upstream, or {live: NAME, test: NAME}"},
    {"GET /health: public",
     "GET /health: {answer: whoami, upstream: live}",
     "27:37: apis.shop.routes.GET /health.upstream: has no meaning with `answer`: the gateway answers by itself"},
};

// clang-format on

} // namespace

BOOST_AUTO_TEST_SUITE(config_upstream)

BOOST_AUTO_TEST_CASE(servers_are_of_three_kinds_and_have_weights) {
    using Scheme = config::Server::Scheme;
    const auto upstream =
        read(with_servers("\"http://A\", {url: \"https://b\", weight: 3}, \"https://[::1]:8443\", "
                          "\"unix:/run/app.sock\", {weight: 1000, url: \"unix:app.sock\"}"),
             "etc/keygate.yaml");
    BOOST_TEST_REQUIRE(upstream.servers.size() == 5U);
    BOOST_TEST((upstream.servers[0].scheme == Scheme::http));
    BOOST_TEST(upstream.servers[0].host == "a");
    BOOST_TEST(upstream.servers[0].port == 80);
    BOOST_TEST(upstream.servers[0].weight == 1U);
    BOOST_TEST((upstream.servers[1].scheme == Scheme::https));
    BOOST_TEST(upstream.servers[1].port == 443);
    BOOST_TEST(upstream.servers[1].weight == 3U);
    BOOST_TEST(upstream.servers[1].place.line == 25);
    BOOST_TEST(upstream.servers[2].host == "::1");
    BOOST_TEST(upstream.servers[2].port == 8443);
    BOOST_TEST((upstream.servers[3].scheme == Scheme::unix_socket));
    BOOST_TEST(upstream.servers[3].path == "/run/app.sock");
    BOOST_TEST(upstream.servers[4].path == "etc/app.sock");
    BOOST_TEST(upstream.servers[4].weight == 1'000U);
}

BOOST_AUTO_TEST_CASE(each_setting_of_an_upstream_is_set) {
    const auto upstream =
        read(test::edited("{servers: [\"http://127.0.0.1:3001\"], connect_timeout: 1s}", R"~(
        servers: ["https://a"]
        balance: round_robin
        tls: {ca: ca.pem, certificate: /etc/c.pem, private_key: tls/k.pem, server_name: A.Example, min_version: "1.3"}
        host: API.internal
        max_connections: 100
        queue: {max: 200, timeout: 2s}
        total_timeout: 30s
        retries: {attempts: 3, on: [invalid, closed], statuses: [503, 500], budget: 7%}
        ejection: {failures: 4, time: 6s, max_time: 7m, statuses: [502]}
        check: {path: "/health?deep=1", host: "Health.internal:81", interval: 10ms, timeout: 3s, statuses: [204], passes: 1, failures: 9}
        breaker: {failures: 60%, requests: 30, window: 1m, open: 7s, trials: 2}
        max_idle: 1)~"),
             "etc/keygate.yaml");
    BOOST_TEST((upstream.balance == config::Balance::round_robin));
    BOOST_TEST(upstream.tls.ca == "etc/ca.pem");
    BOOST_TEST(upstream.tls.certificate == "/etc/c.pem");
    BOOST_TEST(upstream.tls.private_key == "etc/tls/k.pem");
    BOOST_TEST(upstream.tls.server_name == "a.example");
    BOOST_TEST((upstream.tls.min_version == config::TlsVersion::tls_1_3));
    BOOST_TEST((upstream.host.kind == config::HostPolicy::Kind::fixed));
    BOOST_TEST(upstream.host.name == "api.internal");
    BOOST_TEST(upstream.max_connections.value() == 100U);
    BOOST_TEST(upstream.queue.max == 200U);
    BOOST_TEST((upstream.queue.timeout == 2s));
    BOOST_TEST((upstream.total_timeout == std::optional<config::milliseconds>{30s}));
    BOOST_TEST(upstream.retries.attempts == 3U);
    BOOST_TEST(upstream.retries.on_closed);
    BOOST_TEST(!upstream.retries.on_timeout);
    BOOST_TEST(upstream.retries.on_invalid);
    BOOST_TEST(upstream.retries.statuses == (std::vector<std::uint16_t>{503, 500}),
               boost::test_tools::per_element());
    BOOST_TEST(upstream.retries.budget == 7U);
    BOOST_TEST(upstream.ejection.failures == 4U);
    BOOST_TEST((upstream.ejection.time == 6s));
    BOOST_TEST((upstream.ejection.max_time == 7min));
    BOOST_TEST(upstream.ejection.statuses == std::vector<std::uint16_t>{502},
               boost::test_tools::per_element());
    BOOST_TEST_REQUIRE(upstream.check.has_value());
    BOOST_TEST(upstream.check->path == "/health?deep=1");
    BOOST_TEST(upstream.check->host == "health.internal:81");
    BOOST_TEST((upstream.check->interval == 10ms));
    BOOST_TEST((upstream.check->timeout == 3s));
    BOOST_TEST(upstream.check->statuses == std::vector<std::uint16_t>{204},
               boost::test_tools::per_element());
    BOOST_TEST(upstream.check->passes == 1U);
    BOOST_TEST(upstream.check->failures == 9U);
    BOOST_TEST_REQUIRE(upstream.breaker.has_value());
    BOOST_TEST(upstream.breaker->failures == 60U);
    BOOST_TEST(upstream.breaker->requests == 30U);
    BOOST_TEST((upstream.breaker->window == 1min));
    BOOST_TEST((upstream.breaker->open == 7s));
    BOOST_TEST(upstream.breaker->trials == 2U);
    BOOST_TEST(upstream.max_idle == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_not_said_of_an_upstream_has_a_default) {
    const auto upstream = read(with("retries: {}, ejection: {}, breaker: {}, check: {path: /}"));
    BOOST_TEST((upstream.balance == config::Balance::least_connections));
    BOOST_TEST((upstream.host.kind == config::HostPolicy::Kind::pass));
    BOOST_TEST(!upstream.max_connections.has_value());
    BOOST_TEST(upstream.queue.max == 0U);
    BOOST_TEST(!upstream.total_timeout.has_value());
    BOOST_TEST(upstream.retries.attempts == 1U);
    BOOST_TEST(upstream.retries.budget == 20U);
    BOOST_TEST(upstream.ejection.failures == 5U);
    BOOST_TEST(upstream.breaker.value().failures == 50U);
    BOOST_TEST((upstream.check.value().interval == 5s));
    BOOST_TEST(!read(with("max_idle: 1")).breaker.has_value());
    BOOST_TEST(!read(with("max_idle: 1")).check.has_value());
    BOOST_TEST(read(with("ejection: off")).ejection.failures == 0U);
    // What is longer than the longest time takes it along.
    BOOST_TEST((read(with("ejection: {time: 10m}")).ejection.max_time == 10min));
    BOOST_TEST(read(with("retries: {attempts: 0, budget: 0%}")).retries.attempts == 0U);
}

BOOST_AUTO_TEST_CASE(each_form_of_a_host_policy_means_what_it_says) {
    using Kind = config::HostPolicy::Kind;

    struct Form {
        const char* yaml;
        Kind kind;
        const char* name;
    };

    const Form forms[] = {{"pass", Kind::pass, ""},
                          {"server", Kind::server, ""},
                          {"servers", Kind::fixed, "servers"},
                          {"A.b", Kind::fixed, "a.b"},
                          {"\"A.b:08\"", Kind::pass, nullptr},
                          {"\"a.b:8080\"", Kind::fixed, "a.b:8080"},
                          {"10.0.0.1", Kind::fixed, "10.0.0.1"},
                          {"\"::1\"", Kind::fixed, "[::1]"},
                          {"\"[::1]\"", Kind::fixed, "[::1]"},
                          {"\"[::1]:81\"", Kind::fixed, "[::1]:81"},
                          {"\"[a]:81\"", Kind::pass, nullptr},
                          {"\":81\"", Kind::pass, nullptr},
                          {"\"a:\"", Kind::pass, nullptr}};
    for (const Form& form : forms) {
        BOOST_TEST_CONTEXT(form.yaml) {
            const auto loaded = test::load(with("host: " + std::string{form.yaml}));
            BOOST_TEST_REQUIRE(loaded.settings.has_value() == (form.name != nullptr));
            if (!form.name) continue;
            const config::HostPolicy& host = loaded.settings->apis[0].test->host;
            BOOST_TEST((host.kind == form.kind));
            BOOST_TEST(host.name == form.name);
        }
    }
}

BOOST_AUTO_TEST_CASE(routes_lead_to_upstreams_by_name) {
    const std::string text =
        test::edited("      test:", "      v2: {servers: [\"http://a\"]}\n      v2_test: {servers: "
                                    "[\"http://b\"]}\n      test:");
    const auto loaded = test::load(test::edited(
        "GET /health: public",
        "GET /health: public\n      GET /a: {access: key, upstream: v2}\n      GET /b: {access: "
        "key, upstream: {live: v2, test: v2_test}}\n      GET /c: {access: key, upstream: {live: "
        "test, test: live}}\n      GET /d: {access: key, upstream: {live: v2_test}}",
        text));
    BOOST_TEST_REQUIRE(loaded.settings.has_value(), test::mistakes_in(loaded));
    const config::Api& api = loaded.settings->apis[0];
    BOOST_TEST_REQUIRE(api.others.size() == 2U);
    BOOST_TEST(api.others[0].name == "v2");
    BOOST_TEST(api.others[0].upstream.servers.at(0).host == "a");
    BOOST_TEST(api.others[1].name == "v2_test");
    const char* const names[][2] = {
        {"", ""}, {"v2", ""}, {"v2", "v2_test"}, {"test", "live"}, {"v2_test", ""}};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        BOOST_TEST(api.routes[i].live_upstream == names[i][0]);
        BOOST_TEST(api.routes[i].test_upstream == names[i][1]);
    }
}

BOOST_AUTO_TEST_CASE(where_a_route_is_not_understood_no_upstream_is_called_unused) {
    const std::string text =
        test::edited("      test:", "      v2: {servers: [\"http://a\"]}\n      test:");
    const auto loaded = test::load(
        test::edited("GET /health: public", "GET health: {access: public, upstream: v2}", text));
    BOOST_TEST(test::mistakes_in(loaded) ==
               "keygate.yaml:28:7: apis.shop.routes.GET health: a path begins with `/`\n");
}

BOOST_AUTO_TEST_CASE(each_mistake_is_told_with_its_place_and_what_is_allowed) {
    test::check_mistakes(rows);
}

BOOST_AUTO_TEST_CASE(bounds_of_lists_are_told) {
    const auto repeated = [](std::size_t count, const auto& one) {
        std::string out;
        for (std::size_t i = 0; i < count; ++i)
            out += one(std::to_string(i));
        return out;
    };
    const auto server = [](const std::string& i) { return "\"http://a" + i + "\", "; };
    BOOST_TEST(test::mistakes_in(test::load(with_servers(repeated(64, server)))) == "");
    BOOST_TEST(test::mistakes_in(test::load(with_servers(repeated(65, server)))) ==
               "keygate.yaml:25:23: apis.shop.upstreams.test.servers: an upstream has at most 64 "
               "servers\n");
    const auto upstream = [](const std::string& i) {
        return "      u" + i + ": {servers: [\"http://a\"]}\n";
    };
    const auto route = [](const std::string& i) {
        return "      GET /" + i + ": {access: key, upstream: u" + i + "}\n";
    };
    const auto many = [&](std::size_t count) {
        return test::load(
            test::edited("      GET /health: public\n", repeated(count, route),
                         test::edited("      live:", repeated(count, upstream) + "      live:")));
    };
    BOOST_TEST(test::mistakes_in(many(100)) == "");
    BOOST_TEST(test::mistakes_in(many(101)) ==
               "keygate.yaml:24:7: apis.shop.upstreams: an API has at most 100 upstreams beside "
               "`live` and `test`\n");
}

BOOST_AUTO_TEST_CASE(an_upstream_is_printed_with_its_defaults) {
    const std::string rest = "        connect_timeout: 2s\n        first_byte_timeout: 1m\n"
                             "        idle_timeout: 1m\n        tunnel_timeout: 1h\n"
                             "        keep_alive: 30s\n        max_idle: 256\n";
    BOOST_TEST(printed(with("keep_alive: 30s")) ==
               "        servers: [\"http://127.0.0.1:3001\"]\n"
               "        balance: least_connections\n        host: pass\n"
               "        retries:\n          attempts: 1\n          budget: \"20%\"\n"
               "        ejection:\n          failures: 5\n          time: 5s\n"
               "          max_time: 5m\n" +
                   rest);
    BOOST_TEST(
        printed(test::edited("{servers: [\"http://127.0.0.1:3001\"], connect_timeout: 1s}", R"~(
        servers: [{url: "https://a", weight: 2}, "unix:sub/a b.sock", "unix:/run/x", {url: "http://b"}]
        tls: {certificate: c.pem, private_key: /k.pem, min_version: "1.3"}
        host: "[::1]:81"
        queue: {max: 2}
        max_connections: 1
        total_timeout: 90s
        retries: {on: [timeout, closed], statuses: [503], attempts: 2}
        ejection: off
        check: {path: "/h?a=$$b", statuses: [200, 204]}
        breaker: {failures: 1%})~"),
                "etc/keygate.yaml") ==
        "        servers: [{url: \"https://a:443\", weight: 2}, \"unix:sub/a b.sock\", "
        "\"unix:/run/x\", \"http://b:80\"]\n"
        "        balance: least_connections\n"
        "        tls:\n          certificate: c.pem\n          private_key: \"/k.pem\"\n"
        "          min_version: 1.3\n"
        "        host: \"[::1]:81\"\n        max_connections: 1\n"
        "        queue:\n          max: 2\n          timeout: 1s\n"
        "        retries:\n          attempts: 2\n          on: [closed, timeout]\n"
        "          statuses: [503]\n          budget: \"20%\"\n"
        "        ejection: off\n"
        "        check:\n          path: \"/h?a=$$b\"\n          interval: 5s\n"
        "          timeout: 2s\n          statuses: [200, 204]\n          passes: 2\n"
        "          failures: 3\n"
        "        breaker:\n          failures: \"1%\"\n          requests: 20\n"
        "          window: 10s\n          open: 5s\n          trials: 1\n"
        "        total_timeout: 90s\n" +
            rest);
    // Without https:// it belongs to nothing.
    BOOST_TEST(printed(with_servers("\"http://a\"")).find("tls:") == std::string::npos);
    BOOST_TEST(printed(with_servers("\"https://a\""))
                   .find("        tls:\n          min_version: "
                         "1.2\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(upstreams_and_the_routes_that_lead_there_are_printed) {
    const std::string text = test::printed_twice(
        test::edited("GET /health: public",
                     "GET /health: {access: public, upstream: v2}\n      GET /b: {access: key, "
                     "upstream: {live: v2, test: live}}",
                     test::edited("      test:", "      v2: {servers: [\"unix:a\"]}\n      test:")),
        "keygate.yaml");
    for (const char* line : {"      v2:\n        servers: [\"unix:a\"]\n",
                             "      GET /health: {access: public, upstream: v2}\n",
                             "      GET /b: {access: key, upstream: {live: v2, test: live}}\n"})
        BOOST_TEST(text.find(line) != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(values_from_variables_are_masked) {
    struct Masked {
        const char* members;
        const char* value;
    };

    const Masked all[] = {
        {"servers: [{url: \"http://${X}\", weight: 2}]", "hidden"},
        {"servers: [{url: \"https://${X}\"}]", "hidden"},
        {"servers: [\"unix:${X}\"]", "hidden"},
        {"servers: [{url: \"http://a\", weight: \"${X}\"}]", "987"},
        {"servers: [\"https://a\"], tls: {ca: \"${X}\"}", "hidden"},
        {"servers: [\"https://a\"], tls: {certificate: \"${X}\", private_key: k}", "hidden"},
        {"servers: [\"https://a\"], tls: {certificate: c, private_key: \"${X}\"}", "/hidden"},
        {"servers: [\"https://a\"], tls: {server_name: \"${X}\"}", "hidden"},
        {"servers: [\"http://a\"], host: \"${X}\"", "hidden"},
        {"servers: [\"http://a\"], max_connections: \"${X}\"", "98765"},
        {"servers: [\"http://a\"], max_connections: 1, queue: {max: \"${X}\"}", "98765"},
        {"servers: [\"http://a\"], total_timeout: \"${X}\"", "98765ms"},
        {"servers: [\"http://a\"], retries: {statuses: [500, \"${X}\"]}", "599"},
        {"servers: [\"http://a\"], retries: {budget: \"${X}\"}", "98%"},
        {"servers: [\"http://a\"], ejection: {time: \"${X}\"}", "98765ms"},
        {"servers: [\"http://a\"], ejection: {statuses: [\"${X}\"]}", "599"},
        {"servers: [\"http://a\"], check: {path: \"${X}\"}", "/hidden"},
        {"servers: [\"http://a\"], check: {path: /, host: \"${X}\"}", "hidden"},
        {"servers: [\"http://a\"], breaker: {failures: \"${X}\"}", "98%"},
    };
    for (const Masked& one : all) {
        BOOST_TEST_CONTEXT(one.members) {
            const std::string text =
                printed(test::edited("servers: [\"http://127.0.0.1:3001\"]", one.members),
                        "keygate.yaml", {{"X", one.value}});
            BOOST_TEST(text.find("${X}") != std::string::npos, text);
            BOOST_TEST(text.find(one.value) == std::string::npos, text);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
