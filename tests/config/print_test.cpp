#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <set>
#include <string>

#include "printed.hpp"

namespace {

using namespace keygate;
using test::printed_twice;

const std::string odd = R"~(version: 1
listeners: [{address: "[::1]:8080"}, {address: "127.0.0.1:0"}]
client: {max_body: 10MB, write_timeout: 1500ms, max_target: 65, expect: answer, max_connections_per_address: 7}
store: {file: "data/$$ys \"x\".db"}
admin:
  address: "[::1]:9900"
  token_file: /run/token
  tokens:
    - {name: ci, role: operator, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
    - {digest: "sha256:f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", role: viewer, name: "board.2"}
  hosts: [keygate.internal, "::2"]
log: {level: error, access: ./stdout}
identity: {prefix: "X_$$'"}
apis:
  null-ish: &api
    hosts: ["::1", "10.0.0.1"]
    trailing_slash: ignore
    refusals: {key_unknown: {message: "No: \"what\"?"}, key_revoked: {code: X.1, status: 401}}
    plans:
      "null": {}
      "true": {rate: {rate: 5/1h, burst: 3}}
      "1": {rate: [1/s, 2/m, {rate: 3/h, burst: 1}]}
    upstreams: {live: {servers: ["http://[::1]:1"], keep_alive: 0s, max_idle: 0, tunnel_timeout: 1d}}
    trailers: [Server-Timing, x-Sum]
    routes:
      "GET /a:b": "null"
      GET /{id}/x: {any_scope: [a:b, c.d]}
      "PUT  /'": {all_scopes: [a:b, c.d]}
      GET /: {access: public, authorization: pass}
      M#X /y: {any_scope: [z]}
)~";

} // namespace

BOOST_AUTO_TEST_SUITE(config_print)

BOOST_AUTO_TEST_CASE(what_is_printed_loads_again_as_the_same) {
    printed_twice(test::good_text, "keygate.yaml");
    printed_twice(test::good_text, "/etc/gate/keygate.yaml");
    const std::string text = printed_twice(odd, "conf/odd.yml");
    BOOST_TEST(text.find("access: \"./stdout\"") != std::string::npos);
    BOOST_TEST(text.find("max_body: 10000000") != std::string::npos);
    // One scope is one scope, whether all or any of the list is asked for.
    BOOST_TEST(text.find("\"M#X /y\": z") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_keys_may_do_is_printed_as_it_was_written) {
    std::string text = test::edited("    scopes: [orders:read, orders:write]\n",
                                    "    scopes: [orders:read, orders:write, \"null\"]\n"
                                    "    implies: {\"orders:write\": [orders:read, \"null\"]}\n"
                                    "    bind: {store_id: key.store, org: owner}\n");
    text =
        test::edited("free: {api_access: false}",
                     "free: {scopes: [\"orders:*\", \"*\"], routes: [\"GET|PUT  /v1/{a}/**\", ANY "
                     "/v1/me], gauges: {domains: 10, \"true\": 0}}",
                     text);
    text += R"~(      GET /a/{store_id}: "{store_id}:read"
      GET /b/{org}/{kind}: {all_scopes: ["null", "{kind}:read"]}
      GET /c: {access: key, auth: optional}
      GET /d: {scope: orders:read, auth: optional, weight: 2}
      GET /e: {answer: whoami}
      POST /e: {answer: create_key, require_scope: orders:write}
      DELETE /e/{id}: {answer: revoke_key, require_scope: [orders:write, "null"], weight: 3}
)~";
    const std::string printed = printed_twice(text, "keygate.yaml");
    for (const char* const line :
         {"implies:\n", "\"orders:write\": [\"orders:read\", \"null\"]", "store_id: key.store",
          "org: owner", "scopes: [\"orders:*\", \"*\"]", "domains: 10",
          "GET /c: {access: key, auth: optional}", "{answer: whoami}",
          "{answer: create_key, require_scope: [\"orders:write\"]}",
          "{answer: revoke_key, require_scope: [\"orders:write\", \"null\"], weight: 3}"})
        BOOST_TEST(printed.find(line) != std::string::npos, line << " in\n" << printed);
}

BOOST_AUTO_TEST_CASE(limits_are_printed_with_what_they_would_not_be_without) {
    const std::string metered_routes =
        "      GET /a: {access: key, meter: \"null\"}\n      GET /b: {access: key, meter: t.1}\n";
    const auto printed = [&](const std::string& from, const std::string& to) {
        std::string text = test::edited(from, to);
        if (to.find("null") != std::string::npos) text += metered_routes;
        const std::string once = printed_twice(text, "keygate.yaml");
        const auto first = test::load(text);
        const auto second = test::load(once);
        const config::Api& api = first.settings->apis[0];
        const config::Api& again = second.settings->apis[0];
        for (std::size_t i = 0; i < api.plans.size(); ++i)
            BOOST_TEST((api.plans[i].limits == again.plans[i].limits), once);
        for (std::size_t i = 0; i < api.routes.size(); ++i) {
            BOOST_TEST((api.routes[i].limits == again.routes[i].limits), once);
            BOOST_TEST(api.routes[i].weight == again.routes[i].weight);
            BOOST_TEST(api.routes[i].meter == again.routes[i].meter);
        }
        return once;
    };
    const auto plan = [&](const std::string& yaml) {
        const std::string text = printed("free: {api_access: false}", "free: " + yaml);
        const std::size_t begin = text.find("api_access: true\n") + 17;
        return text.substr(begin, text.find("      pro:") - begin);
    };
    BOOST_TEST(plan("{rate: {rate: 5/1h}, quota: {requests: {limit: 1/day}}, concurrency: {limit: "
                    "5, dry_run: false}}") ==
               "        rate: 5/1h\n        quota:\n          requests: 1/day\n"
               "        concurrency: 5\n");
    BOOST_TEST(plan("{rate: [{rate: 5/1h, by: key, burst: 1}, {rate: 1/s, dry_run: true}]}") ==
               "        rate: [{rate: 5/1h, burst: 1}, {rate: 1/s, dry_run: true}]\n");
    BOOST_TEST(plan("{rate: [1/s, {rate: 1/s, by: owner, name: \"a:b\"}]}") ==
               "        rate: [1/s, {rate: 1/s, by: owner, name: \"a:b\"}]\n");
    BOOST_TEST(plan("{quota: {requests: {limit: 5/year, by: key, time_zone: Etc/GMT+1, name: "
                    "\"-x\"}}}") ==
               "        quota:\n          requests: {limit: 5/year, by: key, time_zone: "
               "\"Etc/GMT+1\", name: \"-x\"}\n");
    const std::string metered =
        printed("    plans:\n      free: {api_access: false}",
                "    plans:\n      free: {quota: {requests: 9/day, \"null\": [1/day, 2/month]}}\n"
                "      x: {quota: {t.1: 7/week}}");
    BOOST_TEST(metered.find("        quota:\n          requests: 9/day\n"
                            "          \"null\": [1/day, 2/month]\n") != std::string::npos,
               metered);
    BOOST_TEST(plan("{quota: {requests: [{limit: 1/day, name: requests-month}, {limit: 2/month, "
                    "name: requests}]}}") ==
               "        quota:\n          requests: [{limit: 1/day, name: requests-month}, "
               "{limit: 2/month, name: requests}]\n");
    const auto route = [&](const std::string& yaml) {
        const std::string text = printed("GET /health: public", "GET /health: " + yaml);
        const std::size_t begin = text.find("GET /health: ") + 13;
        return text.substr(begin, text.find('\n', begin) - begin);
    };
    BOOST_TEST(route("{access: public, weight: 1, authorization: remove}") == "public");
    BOOST_TEST(route("{access: public, authorization: pass, weight: 2}") ==
               "{access: public, authorization: pass, weight: 2}");
    BOOST_TEST(route("{access: public, rate: {rate: 1/s, by: address}, concurrency: [{limit: 3, "
                     "by: route}]}") ==
               "{access: public, rate: 1/s, concurrency: {limit: 3, by: route}}");
    BOOST_TEST(route("{scope: orders:read, rate: {rate: 1/s, by: address}}") ==
               "{scope: \"orders:read\", rate: {rate: 1/s, by: address}}");
    BOOST_TEST(route("{all_scopes: [orders:read, orders:write], rate: [{rate: 9/s, burst: 9}, "
                     "8/2s], weight: 7}") ==
               "{all_scopes: [\"orders:read\", \"orders:write\"], weight: 7, rate: [{rate: 9/s, "
               "burst: 9}, 8/2s]}");
    BOOST_TEST(route("{any_scope: [orders:read, orders:write], concurrency: 4}") ==
               "{any_scope: [\"orders:read\", \"orders:write\"], concurrency: 4}");
}

BOOST_AUTO_TEST_CASE(how_limits_are_counted_is_printed) {
    const auto printed = [](const std::string& yaml, const std::string& store = "file: keys.db") {
        const std::string text = printed_twice(
            test::edited("trailing_slash: strict", yaml, test::edited("file: keys.db", store)),
            "keygate.yaml");
        const std::size_t begin = text.find("    limits:\n") + 12;
        return text.substr(begin, text.find("    plans:\n") - begin);
    };
    const std::string redis = "redis: \"redis://a\"";
    const std::string rest = "      time_zone: UTC\n      fields: draft10\n"
                             "      test:\n        quota: exempt\n";
    BOOST_TEST(printed("trailing_slash: strict") == "      truth: local\n" + rest);
    BOOST_TEST(printed("limits: {}", redis) ==
               "      truth: leased\n      when_away: local\n" + rest);
    BOOST_TEST(printed("limits: {truth: local}", redis) == "      truth: local\n" + rest);
    BOOST_TEST(
        printed("limits: {truth: shared, when_away: refuse}\n    failed_auth: 20/1m", redis) ==
        "      truth: shared\n      when_away: refuse\n" + rest + "    failed_auth: 20/1m\n");
    BOOST_TEST(printed("limits: {when_away: {quota: allow}, time_zone: Etc/GMT-1, fields: "
                       "[x-epoch, legacy-ietf], test: {quota: count, rate: [1/s, 2/m]}}",
                       redis) ==
               "      truth: leased\n"
               "      when_away: {rate: local, quota: allow, concurrency: local}\n"
               "      time_zone: Etc/GMT-1\n      fields: [x-epoch, legacy-ietf]\n"
               "      test:\n        quota: count\n        rate: [1/s, 2/m]\n");
    BOOST_TEST(printed("limits: {fields: none, test: {rate: []}}") ==
               "      truth: local\n      time_zone: UTC\n      fields: none\n"
               "      test:\n        quota: exempt\n        rate: []\n");
}

BOOST_AUTO_TEST_CASE(who_may_speak_to_the_admin_api_is_printed) {
    const std::string text = printed_twice(odd, "conf/odd.yml");
    for (const char* line :
         {"    - name: ci\n      role: operator\n      digest: \"sha256:0123",
          "    - name: board.2\n      role: viewer\n", "  hosts: [keygate.internal, \"[::2]\"]\n"})
        BOOST_TEST(text.find(line) != std::string::npos, text);
    const std::string socket = printed_twice(
        test::edited("\"127.0.0.1:9900\", token_file: admin.token", "\"unix:run/admin.sock\""),
        "conf/odd.yml");
    BOOST_TEST(socket.find("admin:\n  address: \"unix:run/admin.sock\"\nstatus") !=
                   std::string::npos,
               socket);
}

BOOST_AUTO_TEST_CASE(what_an_api_changes_of_its_profile_is_printed_and_nothing_else_of_it) {
    const std::string text = printed_twice(odd, "conf/odd.yml");
    BOOST_TEST(text.find("    refusals:\n"
                         "      key_unknown:\n        message: \"No: \\\"what\\\"?\"\n"
                         "      key_revoked:\n        status: 401\n        code: X.1\n"
                         "    max_age: none\n") != std::string::npos,
               text);
}

BOOST_AUTO_TEST_CASE(defaults_are_filled_in) {
    const std::string text = printed_twice(odd, "conf/odd.yml");
    for (const char* line : {"  head_timeout: 10s\n", "  timeout: 30s\n", "via: keygate\n",
                             "    profile: default\n", "        connect_timeout: 2s\n"})
        BOOST_TEST(text.find(line) != std::string::npos, line);
}

BOOST_AUTO_TEST_CASE(values_from_variables_are_masked_wherever_they_stand) {
    struct Row {
        const char* from;
        const char* to;
        const char* value;
    };

    const Row rows[] = {
        {"\"127.0.0.1:8080\"", "\"${X}\"", "127.0.0.9:8899"},
        {"keys.db", "\"${X}\"", "hidden.db"},
        {"token_file: admin.token", "token_file: \"${X}\"", "hidden.token"},
        {"\"127.0.0.1:9901\"", "\"${X}\"", "127.0.0.9:8899"},
        {"prefix: X-Key-", "prefix: \"X-${X}-\"", "Hidden"},
        {"via: keygate", "via: ${X}", "hidden"},
        {"[api.shop.example]", "[a.example, \"${X}\"]", "hidden.example"},
        {"{rate: [10/s, {rate: 100/1m, burst: 20}]}", "{rate: \"${X}\"}", "98765/1m"},
        {"{rate: [10/s, {rate: 100/1m, burst: 20}]}", "{rate: [\"${X}\"]}", "98765/1m"},
        {"{rate: [10/s, {rate: 100/1m, burst: 20}]}", "{rate: {rate: \"${X}\", burst: 1}}",
         "98765/1m"},
        {"100/1m", "\"${X}\"", "98765/1m"},
        {"{rate: 100/1m, burst: 20}", "{rate: \"${X}\"}", "98765/1m"},
        {"{rate: 100/1m, burst: 20}", "{rate: \"${X}\", by: owner}", "98765/1m"},
        {"burst: 20", "by: \"${X}\"", "address"},
        {"burst: 20", "name: \"${X}\"", "hidden"},
        {"burst: 20", "dry_run: \"${X}\"", "true"},
        {"{api_access: false}", "{quota: {requests: \"${X}\"}}", "98765/year"},
        {"{api_access: false}", "{quota: {requests: [\"${X}\"]}}", "98765/year"},
        {"{api_access: false}", "{quota: {requests: {limit: \"${X}\"}}}", "98765/year"},
        {"{api_access: false}", "{quota: {requests: [1/day, \"${X}\"]}}", "98765/year"},
        {"{api_access: false}", "{quota: {requests: [1/day, {limit: \"${X}\", by: key}]}}",
         "98765/year"},
        {"{api_access: false}", "{quota: {requests: {limit: 1/day, time_zone: \"${X}\"}}}",
         "Europe/Berlin"},
        {"{api_access: false}", "{concurrency: \"${X}\"}", "98765"},
        {"{api_access: false}", "{concurrency: {limit: \"${X}\", by: owner}}", "98765"},
        {"{api_access: false}", "{concurrency: [{limit: \"${X}\"}]}", "98765"},
        {"burst: 20", "burst: \"${X}\"", "98765"},
        {"\"http://127.0.0.1:3000\"", "\"http://${X}:1\"", "hidden"},
        {"connect_timeout: 1s", "connect_timeout: \"${X}\"", "98765ms"},
        {"GET /health: public", "GET  /health: ${X}", "orders:write"},
        {"GET /health: public", "GET /health: [\"${X}\"]", "orders:write"},
        {"GET /health: public", "GET /health: {scope: \"${X}\"}", "orders:write"},
        {"GET /health: public", "GET /health: {any_scope: [orders:read, \"${X}\"]}",
         "orders:write"},
        {"GET /health: public", "GET /health: {all_scopes: [orders:read, \"${X}\"]}",
         "orders:write"},
        {"GET /health: public", "GET /health: {access: \"${X}\"}", "key"},
        {"GET /health: public", "GET /health: {access: \"${X}\", weight: 2}", "key"},
        {"GET /health: public", "GET /health: {access: key, weight: \"${X}\"}", "7"},
        {"GET /health: public", "GET /health: {access: key, rate: \"${X}\"}", "98765/1m"},
        {"GET /health: public",
         "GET /health: {access: key, concurrency: [1, {limit: 2, by: \"${X}\", name: a}]}",
         "route"},
        {"trailing_slash: strict", "failed_auth: \"${X}\"", "98765/1m"},
        {"trailing_slash: strict", "limits: {truth: \"${X}\"}", "local"},
        {"trailing_slash: strict", "limits: {time_zone: \"${X}\"}", "Europe/Berlin"},
        {"trailing_slash: strict", "limits: {fields: \"${X}\"}", "x-epoch"},
        {"trailing_slash: strict", "limits: {fields: \"${X}\"}", "none"},
        {"trailing_slash: strict", "limits: {fields: [\"${X}\"]}", "x-epoch"},
        {"trailing_slash: strict", "limits: {fields: [draft10, \"${X}\"]}", "x-epoch"},
        {"trailing_slash: strict", "limits: {test: {quota: \"${X}\"}}", "count"},
        {"trailing_slash: strict", "limits: {test: {rate: \"${X}\"}}", "98765/1m"},
        {"default_plan: free", "default_plan: ${X}", "pro"},
        {"profile: default", "profile: ${X}", "reelplus"},
        {"threads: 2", "threads: ${X}", "77"},
        {"profile: default", "refusals: {key_revoked: {message: \"${X}\"}}", "hidden"},
        {"profile: default", "refusals: {key_revoked: {status: \"${X}\"}}", "477"},
        {"profile: default", "max_age: ${X}", "none"},
        {"profile: default", "max_age: {refuse: \"${X}\"}", "98765s"},
        {"profile: default", "max_keys_per_owner: ${X}", "98765"},
        {"profile: default", "self_service: {cap_expiry: \"${X}\"}", "true"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.to) {
            const std::string text =
                printed_twice(test::edited(row.from, row.to), "keygate.yaml", {{"X", row.value}});
            BOOST_TEST(text.find("${X}") != std::string::npos);
            // Words also stand elsewhere, where they were written out.
            static const std::set<std::string> words{"orders:write", "key",   "pro", "true", "7",
                                                     "address",      "route", "none"};
            const std::string value = row.value;
            if (!words.contains(value)) BOOST_TEST(text.find(value) == std::string::npos, text);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_an_api_asks_of_keys_is_printed_whoever_says_it) {
    const auto printed = [](const std::string& yaml) {
        const std::string text =
            printed_twice(test::edited("profile: default", "profile: default\n" + yaml), "k.yaml");
        const std::size_t begin = text.find("    max_age:");
        return text.substr(begin, text.find("    hosts:") - begin);
    };
    BOOST_TEST(printed("    max_age: {refuse: 120d, warn: 36h}\n    max_keys_per_owner: 3\n"
                       "    self_service: {cap_expiry: true}\n") ==
               "    max_age:\n      warn: 36h\n      refuse: 120d\n    max_keys_per_owner: 3\n"
               "    self_service:\n      cap_expiry: true\n");
    BOOST_TEST(printed("") == "    max_age: none\n    max_keys_per_owner: none\n"
                              "    self_service:\n      cap_expiry: false\n");
}

BOOST_AUTO_TEST_CASE(key_files_are_printed_as_they_were_written) {
    const std::string text =
        printed_twice(test::edited("profile: default",
                                   "profile: default\n    recoverable: {key_file: reveal.key, "
                                   "old_key_files: [/run/old.key, \"sub/a b.key\"]}"),
                      "etc/keygate.yaml");
    BOOST_TEST(text.find("    recoverable:\n      key_file: reveal.key\n"
                         "      old_key_files: [\"/run/old.key\", \"sub/a b.key\"]\n") !=
                   std::string::npos,
               text);
    const auto loaded = config::load(text, "etc/keygate.yaml", test::world({}));
    const auto& recoverable = loaded.settings->apis[0].recoverable;
    BOOST_TEST_REQUIRE(recoverable.has_value());
    BOOST_TEST(recoverable->key_file == "etc/reveal.key");
    BOOST_TEST(recoverable->old_key_files ==
                   (std::vector<std::string>{"/run/old.key", "etc/sub/a b.key"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_redis_is_printed_without_what_is_secret) {
    const test::Table variables{{"URL", "redis://hidden:hunter2@hidden.example:1/2"},
                                {"PASSWORD", "hunter2"},
                                {"HOST", "hidden.example"},
                                {"BOUND", "77ms"}};
    const auto printed = [&](const std::string& redis, const std::string& more = "") {
        const std::string text =
            printed_twice(test::edited("{file: keys.db}", "{redis: " + redis + more + "}"),
                          "etc/keygate.yaml", variables);
        BOOST_TEST(text.find("hunter2") == std::string::npos, text);
        BOOST_TEST(text.find("hidden") == std::string::npos, text);
        BOOST_TEST(text.find("  file:") == std::string::npos, text);
        const std::size_t begin = text.find("store:");
        return text.substr(begin, text.find("admin:") - begin);
    };
    const std::string rest = "    client_name: keygate\n    timeout: 40ms\n"
                             "    command_timeout: 2s\n    max_keys: 200000\n"
                             "    max_unknown: 20000\n";
    const std::string defaults =
        rest + "  revocation_bound: 250ms\n  stale_while_down: 0s\n  external_writers: true\n";
    const std::string head = "store:\n  redis:\n";
    BOOST_TEST(printed("\"REDIS://redis\"") ==
               head + "    url: \"redis://redis:6379/0\"\n" + defaults);
    BOOST_TEST(printed("\"unix://run/a%40$$b?db=1\"") ==
               head + "    url: \"unix://run/a%40$$b?db=1\"\n" + defaults);
    // With a user or without: it is no one's business either.
    BOOST_TEST(printed("\"${URL}\"") == head + "    url: \"${URL}\"\n" + defaults);
    BOOST_TEST(printed("{url: \"redis://u:${PASSWORD}@a\"}") ==
               head + "    url: \"redis://u:${PASSWORD}@a\"\n" + defaults);
    BOOST_TEST(printed("{url: \"redis://u@a\", password: \"${PASSWORD}\"}") ==
               head +
                   "    url: \"redis://a:6379/0\"\n    user: u\n    password: "
                   "\"${PASSWORD}\"\n" +
                   defaults);
    BOOST_TEST(printed("{url: \"redis://${HOST}\", user: a-b, password_file: etc/p}") ==
               head + "    url: \"redis://${HOST}\"\n    user: a-b\n    password_file: etc/p\n" +
                   defaults);
    BOOST_TEST(printed("{url: \"rediss://a\", tls: {ca: ca.pem, server_name: \"::1\"}, max_keys: "
                       "1000}",
                       ", revocation_bound: \"${BOUND}\", external_writers: false") ==
               head +
                   "    url: \"rediss://a:6379/0\"\n    tls:\n      ca: ca.pem\n      "
                   "server_name: \"::1\"\n" +
                   test::edited("200000", "1000", rest) +
                   "  revocation_bound: \"${BOUND}\"\n  stale_while_down: 0s\n"
                   "  external_writers: false\n");
}

BOOST_AUTO_TEST_CASE(shipped_configurations_print_and_load_again) {
    for (const auto& entry : std::filesystem::directory_iterator(KEYGATE_SOURCE_DIR "/config")) {
        if (entry.path().extension() != ".yaml") continue;
        BOOST_TEST_CONTEXT(entry.path()) {
            const std::string file = entry.path().string();
            const auto text = config::process_surroundings().read_file(file);
            BOOST_TEST_REQUIRE(text.has_value());
            printed_twice(*text, file);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
