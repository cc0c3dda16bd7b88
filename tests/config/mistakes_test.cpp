#include <boost/test/unit_test.hpp>

#include <vector>

#include "mistake_rows.hpp"

namespace {

using namespace keygate;

// clang-format off
const std::vector<test::MistakeRow> rows{
    {"threads: 2",
     "thread: 2",
     "2:1: thread: unknown name `thread`; allowed: version, threads, listeners, trusted_proxies, forwarded, proxy_status, dns, client, store, peppers, admin, status, log, drain, identity, via, apis; did you mean `threads`?"},
    {R"~(version: 1
)~",
     "",
     "1:1: `version` is missing"},
    {"version: 1",
     R"~(version: "2")~",
     "1:10: version: found `2`; expected 1, the only version there is"},
    {"version: 1",
     "version:",
     "1:1: version: found nothing; expected 1, the only version there is"},
    {"via: keygate",
     "via: key gate",
     "12:6: via: found `key gate`; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~"},
    {"via: keygate",
     "include: [conf.d/*.yaml]",
     "12:1: include: `include` is not available yet"},
    {"via: keygate",
     "failed_auth: 20/1m",
     "12:1: failed_auth: `failed_auth` is not available yet"},
    {"via: keygate",
     "limits: {}",
     "12:1: limits: `limits` is not available yet"},
    {"via: keygate",
     "threads: 3",
     "12:1: threads: `threads` is written twice; the first is in line 2"},
    {"threads: 2",
     "threads: 0x10",
     "2:10: threads: found `0x10`; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: 010",
     "2:10: threads: found `010`; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: 1_0",
     "2:10: threads: found `1_0`; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: -1",
     "2:10: threads: found `-1`; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: 1e1",
     "2:10: threads: found `1e1`; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: 257",
     "2:10: threads: found `257`; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: 99999999999999999999999",
     "2:10: threads: found `99999999999999999999999`; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: [2]",
     "2:10: threads: found a list; expected a whole number from 0 to 256"},
    {"threads: 2",
     "threads: {}",
     "2:10: threads: found a mapping; expected a whole number from 0 to 256"},
    {"max_head: 16KiB",
     "max_head: 16kb",
     "5:20: client.max_head: found `16kb`; expected a size from 1KiB to 64KiB (bytes, or with KiB, MiB, GiB, KB, MB, GB)"},
    {"max_head: 16KiB",
     "max_head: 128KiB",
     "5:20: client.max_head: found `128KiB`; expected a size from 1KiB to 64KiB (bytes, or with KiB, MiB, GiB, KB, MB, GB)"},
    {"max_head: 16KiB",
     "max_fields: 101",
     "5:22: client.max_fields: found `101`; expected a whole number from 1 to 100"},
    {"max_head: 16KiB",
     "max_body: 9999999999GiB",
     "5:20: client.max_body: found `9999999999GiB`; expected a size from 0 to 1024GiB (bytes, or with KiB, MiB, GiB, KB, MB, GB)"},
    {"max_head: 16KiB",
     "max_head: 1KiB, max_target: 2KiB",
     "5:38: client.max_target: `2KiB` is more than `max_head`, which is 1KiB"},
    {"max_head: 16KiB",
     "max_connections_per_address: 0",
     "5:39: client.max_connections_per_address: found `0`; expected a whole number from 1 to 1000000"},
    {"max_head: 16KiB",
     "expect: answers",
     "5:18: client.expect: found `answers`; expected one of: forward, answer; did you mean `answer`?"},
    {"max_head: 16KiB",
     "max_conections: 1",
     "5:10: client.max_conections: unknown name `max_conections`; allowed: max_connections, max_connections_per_address, max_head, max_fields, max_target, max_body, head_timeout, idle_timeout, body_timeout, write_timeout, expect; did you mean `max_connections`?"},
    {"idle_timeout: 30s",
     "idle_timeout: 30",
     "5:41: client.idle_timeout: found `30`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)"},
    {"idle_timeout: 30s",
     "idle_timeout: 1m30s",
     "5:41: client.idle_timeout: found `1m30s`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)"},
    {"idle_timeout: 30s",
     "idle_timeout: 0s",
     "5:41: client.idle_timeout: found `0s`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)"},
    {"idle_timeout: 30s",
     "idle_timeout: 2d",
     "5:41: client.idle_timeout: found `2d`; expected a duration from 1ms to 1h with its unit (ms, s, m, h, d)"},
    {"delay: 1s",
     "delay: -1s",
     "10:16: drain.delay: found `-1s`; expected a duration from 0s to 1h with its unit (ms, s, m, h, d)"},
    {"api_access: false",
     "api_access: no",
     "19:26: apis.shop.plans.free.api_access: found `no`; expected true or false"},
    {"api_access: false",
     "api_access: False",
     "19:26: apis.shop.plans.free.api_access: found `False`; expected true or false"},
    {R"~("127.0.0.1:8080")~",
     R"~("localhost:8080")~",
     "4:14: listeners[0].address: found `localhost:8080`; expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"},
    {R"~("127.0.0.1:8080")~",
     R"~(":8080")~",
     "4:14: listeners[0].address: found `:8080`; expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"},
    {R"~("127.0.0.1:8080")~",
     R"~("127.0.0.1:65536")~",
     "4:14: listeners[0].address: found `127.0.0.1:65536`; expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"},
    {R"~("127.0.0.1:8080")~",
     R"~("127.0.0.01:8080")~",
     "4:14: listeners[0].address: found `127.0.0.01:8080`; expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"},
    {R"~("127.0.0.1:8080")~",
     R"~("0.0.0.0:9900")~",
     "7:18: admin.address: `127.0.0.1:9900` is taken by `listeners[0].address` (line 4)"},
    {R"~("127.0.0.1:8080")~",
     R"~("127.0.0.1:8080", tls: {})~",
     "4:30: not YAML (end of map not found): something follows the closing quote; quote the whole text, and write '' for a ' inside '…'"},
    {R"~(
  - address: "127.0.0.1:8080")~",
     " []",
     "3:12: listeners: at least one listener is needed"},
    {R"~(
  - address: "127.0.0.1:8080")~",
     R"~( "127.0.0.1:8080")~",
     R"~(3:12: listeners: found `127.0.0.1:8080`; expected a list such as [{address: "127.0.0.1:8080"}])~"},
    {R"~("127.0.0.1:9900")~",
     R"~("0.0.0.0:9900")~",
     "7:18: admin.address: found `0.0.0.0:9900`; expected a loopback address (127.0.0.1 or [::1]), or unix:PATH: the admin API speaks no TLS"},
    {R"~("127.0.0.1:9900")~",
     R"~("unix:")~",
     "7:18: admin.address: found `unix:`; expected `unix:` and a file's path"},
    {R"~("127.0.0.1:9900")~",
     R"~("unix:run/")~",
     "7:18: admin.address: found `unix:run/`; expected `unix:` and a file's path"},
    {R"~("127.0.0.1:9900")~",
     R"~("unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")~",
     "7:18: admin.address: a socket's path has at most 107 bytes; this one has 108, with the folder of the configuration"},
    {R"~("127.0.0.1:9900", token_file: admin.token)~",
     R"~("unix:admin.sock", hosts: [a.example])~",
     "7:44: admin.hosts: has no meaning on a unix socket: `Host` is not looked at there"},
    {", token_file: admin.token",
     "",
     "7:1: admin: `token_file` or `tokens` is missing: over TCP nobody is let in without a token"},
    {", token_file: admin.token",
     ", tokens: [], tls: {}",
     R"~(7:44: admin.tokens: lists no token; leave `tokens` out
7:48: admin.tls: `tls` is not available yet)~"},
    {"token_file: admin.token",
     "tokens: ci",
     "7:44: admin.tokens: found `ci`; expected a list such as [{name: ci, role: operator, digest: \"sha256:…\"}]"},
    {"token_file: admin.token",
     "tokens: [{}]",
     R"~(7:45: admin.tokens[0]: `name` is missing
7:45: admin.tokens[0]: `role` is missing
7:45: admin.tokens[0]: `digest` is missing)~"},
    {"token_file: admin.token",
     R"~(tokens: [{name: "a b", role: root, digest: "the token itself", secret: x}])~",
     R"~(7:52: admin.tokens[0].name: found `a b`; expected 1 to 64 letters, digits, `.`, `_` or `-`
7:65: admin.tokens[0].role: found `root`; expected one of: viewer, operator, admin
7:79: admin.tokens[0].digest: expected `sha256:` and the 64 lower-case hexadecimal digits of the token's SHA-256
7:99: admin.tokens[0].secret: unknown name `secret`; allowed: name, role, digest)~"},
    {"token_file: admin.token",
     "tokens: [{name: local, role: operatr, digest: sha256:DDDDDDDDDDDDDDDD0123456789abcdef0123456789abcdef0123456789abcdef}]",
     R"~(7:52: admin.tokens[0].name: `local` is how the log names whoever uses no token of this list
7:65: admin.tokens[0].role: found `operatr`; expected one of: viewer, operator, admin; did you mean `operator`?
7:82: admin.tokens[0].digest: expected `sha256:` and the 64 lower-case hexadecimal digits of the token's SHA-256)~"},
    {"token_file: admin.token",
     "tokens: [{name: ci, role: viewer, digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}, {name: ci, role: admin, digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}]",
     R"~(7:159: admin.tokens[1].name: `ci` is the name of another token
7:184: admin.tokens[1].digest: is the digest of another token: nobody could tell who of them calls)~"},
    {"token_file: admin.token",
     "token_file: admin.token, hosts: []",
     "7:68: admin.hosts: lists no host; leave `hosts` out"},
    {"token_file: admin.token",
     R"~(token_file: admin.token, hosts: ["a.example:1", A.example, b.example, b.example, "*.c"])~",
     R"~(7:69: admin.hosts[0]: found `a.example:1`; expected a host without a port; requests to any port of it are meant
7:84: admin.hosts[1]: found `A.example`; expected lower case
7:106: admin.hosts[3]: `b.example` is listed twice
7:117: admin.hosts[4]: found `*.c`; wildcards in `hosts` are not available yet)~"},
    {R"~("127.0.0.1:9901")~",
     R"~("127.0.0.1:9900")~",
     "8:19: status.address: `127.0.0.1:9900` is taken by `admin.address` (line 7)"},
    {"file: keys.db",
     R"~(file: keys.db, redis: "redis://a")~",
     "6:9: store.file: keys are kept in a file or in `redis`, not in both"},
    {"file: keys.db",
     "file: keys.db, revocation_bound: 1s, stale_while_down: 1m, external_writers: false",
     R"~(6:24: store.revocation_bound: belongs to `store.redis`: the embedded file has one writer, whose changes count at once
6:46: store.stale_while_down: belongs to `store.redis`: the embedded file has one writer, whose changes count at once
6:68: store.external_writers: belongs to `store.redis`: the embedded file has one writer, whose changes count at once)~"},
    {"file: keys.db",
     "revocation_bund: 1s",
     "6:9: store.revocation_bund: unknown name `revocation_bund`; allowed: file, redis, revocation_bound, stale_while_down, external_writers; did you mean `revocation_bound`?"},
    {"file: keys.db",
     "redis:",
     "6:9: store.redis: found nothing; expected a URL such as redis://127.0.0.1:6379/0"},
    {"file: keys.db",
     "redis: []",
     "6:16: store.redis: found a list; expected a URL such as redis://127.0.0.1:6379/0"},
    {"file: keys.db",
     "redis: {}",
     "6:9: store.redis: `url` is missing"},
    {"file: keys.db",
     "redis: {url: }",
     "6:17: store.redis.url: found nothing; expected a URL such as redis://127.0.0.1:6379/0"},
    {"file: keys.db",
     "redis: {url: [a]}",
     "6:22: store.redis.url: found a list; expected a URL such as redis://127.0.0.1:6379/0"},
    {"file: keys.db",
     R"~(redis: "127.0.0.1:6379")~",
     "6:16: store.redis: found `127.0.0.1:6379`; expected a URL such as redis://127.0.0.1:6379/0"},
    {"file: keys.db",
     R"~(redis: "redsi://127.0.0.1")~",
     "6:16: store.redis: found `redsi://127.0.0.1`; expected redis://, rediss:// or unix://; did you mean `redis`?"},
    {"file: keys.db",
     R"~(redis: "redis+sentinel://a:26379/m")~",
     "6:16: store.redis: found `redis+sentinel://a:26379/m`; `redis+sentinel://` is not available yet"},
    {"file: keys.db",
     R"~(redis: {url: "redis+cluster://a"})~",
     "6:22: store.redis.url: found `redis+cluster://a`; `redis+cluster://` is not available yet"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a:70000"})~",
     "6:22: store.redis.url: found `redis://a:70000`; expected a port from 1 to 65535"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a/x"})~",
     "6:22: store.redis.url: found `redis://a/x`; expected a database from 0 to 65535"},
    {"file: keys.db",
     R"~(redis: {url: "redis://::1"})~",
     "6:22: store.redis.url: found `redis://…`; expected a host: an IP address or a DNS name, IPv6 in brackets"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a/0?timeout=1"})~",
     "6:22: store.redis.url: found `redis://a/0?…`; expected nothing after the database: no query and no fragment"},
    {"file: keys.db",
     R"~(redis: {url: "unix:///run/"})~",
     "6:22: store.redis.url: found `unix:///run/`; expected a socket's path such as unix:///run/redis.sock"},
    {"file: keys.db",
     R"~(redis: {url: "unix:///aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})~",
     "6:22: store.redis.url: a socket's path has at most 107 bytes; this one has 108, with the folder of the configuration"},
    {"file: keys.db",
     R"~(redis: "redis://:hunter2@a")~",
     R"~(6:16: store.redis: found `redis://…@a`; a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`, or with the whole URL from a variable)~"},
    {"file: keys.db",
     R"~(redis: "redis://gateway@a")~",
     "6:9: store.redis: the URL names a user without a password"},
    {"file: keys.db",
     R"~(redis: {url: "redis://gateway:hunter2@a/0", password_file: p})~",
     R"~(6:22: store.redis.url: found `redis://…@a/0`; a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`, or with the whole URL from a variable)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://gateway@a/0"})~",
     "6:17: store.redis.url: the URL names a user without a password: expected `password`, `password_file`, or both in the URL"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", user: gateway})~",
     "6:35: store.redis.user: a user without a password: expected `password`, `password_file`, or both in the URL"},
    {"file: keys.db",
     R"~(redis: {url: "redis://b:hunter2@a:x"})~",
     "6:22: store.redis.url: found `redis://…@a:x`; expected a port from 1 to 65535"},
    {"file: keys.db",
     R"~(redis: {url: "redis://:hunter2"})~",
     "6:22: store.redis.url: found `redis://…`; expected a host: an IP address or a DNS name, IPv6 in brackets"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: hunter2})~",
     R"~(6:45: store.redis.password: a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: "hunter$2"})~",
     "6:45: store.redis.password: a `$` is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar sign"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: "${NONE:-hunter2}"})~",
     R"~(6:45: store.redis.password: a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: "hunter${WORD}"})~",
     R"~(6:45: store.redis.password: a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: "${NONE}"})~",
     "6:45: store.redis.password: variable `NONE` is not set; ${NONE:-default} would give it a default"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: "${EMPTY}"})~",
     "6:45: store.redis.password: found what `${EMPTY}` holds; expected a password"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: })~",
     "6:35: store.redis.password: found nothing; expected a password"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password: [x]})~",
     "6:45: store.redis.password: found a list; expected a password"},
    {"file: keys.db",
     R"~(redis: {url: "redis://:${WORD}2@a"})~",
     R"~(6:22: store.redis.url: found what `redis://…@a` holds; a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`, or with the whole URL from a variable)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://${USERINFO}2@a"})~",
     R"~(6:22: store.redis.url: found what `redis://…@a` holds; a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`, or with the whole URL from a variable)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://:secret${HOST}"})~",
     R"~(6:22: store.redis.url: found what `redis://…` holds; a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`, or with the whole URL from a variable)~"},
    {"file: keys.db",
     R"~(redis: {url: "${NONE:-redis://:hunter2@a}"})~",
     R"~(6:22: store.redis.url: found `redis://…@a`; a password does not stand in the configuration: it comes from a variable, `password: "${REDIS_PASSWORD}"`, or from a file, `password_file`, or with the whole URL from a variable)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://:${WORD}@a:x"})~",
     "6:22: store.redis.url: found what `redis://…@a:x` holds; expected a port from 1 to 65535"},
    {"file: keys.db",
     R"~(redis: {url: "redis://:hunter2@${WORD}:x"})~",
     "6:22: store.redis.url: found what `redis://…@${WORD}:x` holds; expected a port from 1 to 65535"},
    {"file: keys.db",
     R"~(redis: "${WORD}")~",
     "6:16: store.redis: found what `${WORD}` holds; expected a URL such as redis://127.0.0.1:6379/0"},
    {"file: keys.db",
     R"~(redis: "redis://${NONE}@a")~",
     "6:16: store.redis: variable `NONE` is not set; ${NONE:-default} would give it a default"},
    {"file: keys.db",
     R"~(redis: "redis://u:$x@a")~",
     "6:16: store.redis: a `$` is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar sign"},
    {"file: keys.db",
     R"~(redis: {url: "redis://:${WORD}@a", password: "${WORD}", password_file: p})~",
     R"~(6:44: store.redis.password: the URL has a password as well
6:65: store.redis.password_file: `password` is there already; expected one of them)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://:${WORD}@a", password_file: p})~",
     "6:44: store.redis.password_file: there is a password already; expected one of: `password`, `password_file`, a URL with a password"},
    {"file: keys.db",
     R"~(redis: {url: "redis://${WORD}:${WORD}@a", user: b})~",
     "6:51: store.redis.user: the URL names a user as well"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", user: "a b", password_file: p})~",
     "6:41: store.redis.user: found `a b`; expected a user of 1 to 128 visible characters"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", user: u, password: "${WORD}", password_file: p})~",
     "6:65: store.redis.password_file: `password` is there already; expected one of them"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", password_file: ""})~",
     "6:50: store.redis.password_file: found ``; expected a path"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", tls: {}})~",
     "6:35: store.redis.tls: belongs to a URL with rediss://"},
    {"file: keys.db",
     R"~(redis: {url: "unix:///a", tls: {ca: x}})~",
     "6:35: store.redis.tls: belongs to a URL with rediss://"},
    {"file: keys.db",
     R"~(redis: {url: "rediss://a", tls: {certificate: c.pem}})~",
     "6:42: store.redis.tls.certificate: `private_key` is missing: a certificate needs its key"},
    {"file: keys.db",
     R"~(redis: {url: "rediss://a", tls: {private_key: k.pem}})~",
     "6:42: store.redis.tls.private_key: `certificate` is missing: a key needs its certificate"},
    {"file: keys.db",
     R"~(redis: {url: "rediss://a", tls: {server_name: "a:1", verify: false}})~",
     R"~(6:55: store.redis.tls.server_name: found `a:1`; expected a DNS name or an IP address
6:62: store.redis.tls.verify: unknown name `verify`; allowed: ca, certificate, private_key, server_name)~"},
    {"file: keys.db",
     R"~(redis: {url: "rediss://a", tls: yes})~",
     "6:41: store.redis.tls: found `yes`; expected a mapping"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", client_name: "a b", timeout: 4ms, command_timeout: 61s, max_keys: 999, max_unknown: 10000001})~",
     R"~(6:48: store.redis.client_name: found `a b`; expected 1 to 64 letters, digits, `.`, `_` or `-`
6:64: store.redis.timeout: found `4ms`; expected a duration from 5ms to 1s with its unit (ms, s, m, h, d)
6:86: store.redis.command_timeout: found `61s`; expected a duration from 100ms to 1m with its unit (ms, s, m, h, d)
6:101: store.redis.max_keys: found `999`; expected a whole number from 1000 to 100000000
6:119: store.redis.max_unknown: found `10000001`; expected a whole number from 100 to 10000000)~"},
    {"file: keys.db",
     R"~(redis: {url: "redis://a", timeout: 2s, command_timeout: 99ms, max_keys: 100000001, max_unknown: 99})~",
     R"~(6:44: store.redis.timeout: found `2s`; expected a duration from 5ms to 1s with its unit (ms, s, m, h, d)
6:65: store.redis.command_timeout: found `99ms`; expected a duration from 100ms to 1m with its unit (ms, s, m, h, d)
6:81: store.redis.max_keys: found `100000001`; expected a whole number from 1000 to 100000000
6:105: store.redis.max_unknown: found `99`; expected a whole number from 100 to 10000000)~"},
    {"file: keys.db",
     R"~(redis: {ulr: "redis://a"})~",
     R"~(6:9: store.redis: `url` is missing
6:17: store.redis.ulr: unknown name `ulr`; allowed: url, user, password, password_file, tls, client_name, timeout, command_timeout, max_keys, max_unknown; did you mean `url`?)~"},
    {"file: keys.db",
     R"~(redis: "redis://a", revocation_bound: 19ms, stale_while_down: 25h, external_writers: no)~",
     R"~(6:47: store.revocation_bound: found `19ms`; expected 0, or a duration from 20ms to 1m with its unit (ms, s, m, h, d)
6:71: store.stale_while_down: found `25h`; expected a duration from 0s to 1d with its unit (ms, s, m, h, d)
6:94: store.external_writers: found `no`; expected true or false)~"},
    {"file: keys.db",
     R"~(redis: "redis://a", revocation_bound: 61s)~",
     "6:47: store.revocation_bound: found `61s`; expected 0, or a duration from 20ms to 1m with its unit (ms, s, m, h, d)"},
    {"file: keys.db",
     R"~(redis: "redis://a", revocation_bound: 250)~",
     "6:47: store.revocation_bound: found `250`; expected 0, or a duration from 20ms to 1m with its unit (ms, s, m, h, d)"},
    {"file: keys.db",
     "redis: {password: @hunter2}",
     "6:27: not YAML (unknown token): `{` begins a mapping; if it belongs to a text, quote this"},
    {"file: keys.db",
     R"~(redis: {password: "a" hunter2})~",
     "6:31: not YAML (end of map flow not found): the `[` or `{` in line 6, column 16 is not closed; if it belongs to a text, quote this text"},
    {"file: keys.db",
     R"~(file: "")~",
     "6:15: store.file: found ``; expected a path"},
    {"file: keys.db",
     R"~(file: "a\nb")~",
     R"~(6:15: store.file: found `a\x0ab`; expected a path without control characters)~"},
    {"level: info",
     "level: inof",
     "9:14: log.level: found `inof`; expected one of: debug, info, warning, error; did you mean `info`?"},
    {"access: stdout",
     "format: json",
     "9:20: log.format: `format` is not available yet"},
    {"prefix: X-Key-",
     R"~(prefix: "")~",
     "11:20: identity.prefix: found ``; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~"},
    {"prefix: X-Key-",
     R"~(prefix: "X Key")~",
     "11:20: identity.prefix: found `X Key`; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~"},
    {R"~(  shop:
)~",
     R"~(  "my shop":
)~",
     "14:3: apis.my shop: an API's name has 1 to 64 letters, digits, `.`, `_` or `-`"},
    {"profile: default",
     "profile: reelpls",
     "15:14: apis.shop.profile: found `reelpls`, which is no profile; shipped: default, reachscore, reelplus, reflow, robinreach, sk; others are files such as `profiles/NAME.yaml`; did you mean `reelplus`?"},
    {"profile: default",
     "refusals: [key_revoked]",
     R"~(15:15: apis.shop.refusals: found a list; expected a mapping such as {key_revoked: {status: 401, code: UNAUTHORIZED}})~"},
    {"profile: default",
     "refusals: {}",
     "15:15: apis.shop.refusals: names no reason; leave `refusals` out"},
    {"profile: default",
     "refusals: {key_revokd: {status: 401}}",
     "15:16: apis.shop.refusals.key_revokd: unknown reason `key_revokd`; did you mean `key_revoked`?"},
    {"profile: default",
     "refusals: {key_revoked: 401}",
     "15:29: apis.shop.refusals.key_revoked: found `401`; expected a mapping"},
    {"profile: default",
     "refusals: {key_revoked: {}}",
     "15:29: apis.shop.refusals.key_revoked: changes nothing; it may have `status`, `code`, `message`, `headers` and `body`"},
    {"profile: default",
     R"~(refusals: {key_revoked: {status: 399, code: "a b", message: "", body: x, text: y}})~",
     R"~(15:38: apis.shop.refusals.key_revoked.status: found `399`; expected a whole number from 400 to 599
15:49: apis.shop.refusals.key_revoked.code: found `a b`; expected a code: 1 to 64 letters, digits, `.`, `_` or `-`
15:65: apis.shop.refusals.key_revoked.message: found ``; expected a sentence for the client's developer
15:75: apis.shop.refusals.key_revoked.body: found `x`; expected one of: code, envelope, problem, plain; or a mapping such as {type: application/json, template: …}
15:78: apis.shop.refusals.key_revoked.text: unknown name `text`; allowed: status, code, message, headers, body)~"},
    {"profile: default",
     "profile: ./own.yaml",
     "15:14: apis.shop.profile: found `./own.yaml`, a file that cannot be read"},
    {"profile: default",
     "profile: ../x y",
     "15:14: apis.shop.profile: found `../x y`, a file that cannot be read"},
    {"profile: default",
     "proflie: default",
     "15:5: apis.shop.proflie: unknown name `proflie`; allowed: profile, refusals, max_age, max_keys_per_owner, self_service, hosts, scopes, implies, bind, limits, failed_auth, plans, default_plan, cors, upstreams, routes, trailers, recoverable, trailing_slash, terminate_streams; did you mean `profile`?"},
    {"[api.shop.example]",
     "[]",
     "16:12: apis.shop.hosts: lists no host; leave `hosts` out to take every other host"},
    {"[api.shop.example]",
     "api.shop.example",
     "16:12: apis.shop.hosts: found `api.shop.example`; expected a list of hosts such as [api.example.com]"},
    {"[api.shop.example]",
     R"~(["*.example.com"])~",
     "16:13: apis.shop.hosts[0]: found `*.example.com`; wildcards in `hosts` are not available yet"},
    {"[api.shop.example]",
     R"~(["api.shop.example:8080", "https://a.example", "a..b", "10.1", A.example, a.example])~",
     R"~(16:13: apis.shop.hosts[0]: found `api.shop.example:8080`; expected a host without a port; requests to any port of it are meant
16:38: apis.shop.hosts[1]: found `https://a.example`; expected a host without scheme and path, such as api.example.com
16:59: apis.shop.hosts[2]: found `a..b`; expected an exact DNS name or an IP address
16:67: apis.shop.hosts[3]: found `10.1`; expected an exact DNS name or an IP address
16:86: apis.shop.hosts[5]: `a.example` is listed twice)~"},
    {"scopes: [orders:read, orders:write]",
     "scopes: [orders:read, orders:wirte]",
     R"~(29:24: apis.shop.routes.POST /v1/orders: found `orders:write`, which is not in `scopes`; did you mean `orders:wirte`?
30:54: apis.shop.routes.GET /v1/orders/{id}.any_scope[1]: found `orders:write`, which is not in `scopes`; did you mean `orders:wirte`?)~"},
    {"scopes: [orders:read, orders:write]",
     R"~(scopes: [orders:read, orders:write, public, KEY, "*", "a b", orders:read])~",
     R"~(17:41: apis.shop.scopes[2]: `public` is no scope: `public` and `key` are reserved words of routes, written alone and in lower case
17:49: apis.shop.scopes[3]: `KEY` is no scope: `public` and `key` are reserved words of routes, written alone and in lower case
17:54: apis.shop.scopes[4]: `*` is no scope: it stands for all scopes in what the upstream reads
17:59: apis.shop.scopes[5]: found `a b`; expected a scope: 1 to 128 letters, digits, `.`, `_`, `:` or `-`
17:66: apis.shop.scopes[6]: `orders:read` is listed twice)~"},
    {"default_plan: free",
     "default_plan: fre",
     "21:19: apis.shop.default_plan: found `fre`; expected one of the plans: free, pro; did you mean `free`?"},
    {"trailing_slash: strict",
     "trailing_slash: ignored",
     "22:21: apis.shop.trailing_slash: found `ignored`; expected one of: strict, ignore; did you mean `ignore`?"},
    {"trailing_slash: strict",
     "trailers: Server-Timing",
     "22:15: apis.shop.trailers: found `Server-Timing`; expected a list of field names such as [Server-Timing]"},
    {"trailing_slash: strict",
     "trailers: [Server-Timing, server-timing, X_Sum, Content-Length, Transfer-Encoding, Authorization, x-key-id, Set-Cookie, \"a b\"]",
     R"~(22:31: apis.shop.trailers[1]: `server-timing` is listed twice
22:46: apis.shop.trailers[2]: found `X_Sum`; expected a field name of letters, digits and `-`
22:53: apis.shop.trailers[3]: `Content-Length` cannot come behind a body: it frames, routes, authenticates or describes the message (RFC 9110 6.5.1)
22:69: apis.shop.trailers[4]: `Transfer-Encoding` cannot come behind a body: it frames, routes, authenticates or describes the message (RFC 9110 6.5.1)
22:88: apis.shop.trailers[5]: `Authorization` cannot come behind a body: it frames, routes, authenticates or describes the message (RFC 9110 6.5.1)
22:103: apis.shop.trailers[6]: `x-key-id` cannot come behind a body: it frames, routes, authenticates or describes the message (RFC 9110 6.5.1)
22:113: apis.shop.trailers[7]: `Set-Cookie` cannot come behind a body: it frames, routes, authenticates or describes the message (RFC 9110 6.5.1)
22:125: apis.shop.trailers[8]: found `a b`; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~)~"},
    {"trailing_slash: strict",
     "recoverable: true",
     "22:18: apis.shop.recoverable: found `true`; expected a mapping"},
    {"trailing_slash: strict",
     "recoverable: {old_key_files: a.key, keyfile: b.key}",
     R"~(22:5: apis.shop.recoverable: `key_file` is missing
22:34: apis.shop.recoverable.old_key_files: found `a.key`; expected a list of paths such as [reveal-2025.key]
22:41: apis.shop.recoverable.keyfile: unknown name `keyfile`; allowed: key_file, old_key_files; did you mean `key_file`?)~"},
    {"trailing_slash: strict",
     "recoverable: {key_file: a.key, old_key_files: [b.key, a.key, b.key, {}]}",
     R"~(22:59: apis.shop.recoverable.old_key_files[1]: `a.key` is listed twice
22:66: apis.shop.recoverable.old_key_files[2]: `b.key` is listed twice
22:73: apis.shop.recoverable.old_key_files[3]: found a mapping; expected a path)~"},
    {"trailing_slash: strict",
     "limits: shared",
     "22:13: apis.shop.limits: found `shared`; expected a mapping"},
    {"trailing_slash: strict",
     "limits: {truth: remote, when_away: open, time_zone: Berlin, fields: rfc, test: exempt, quota: {}}",
     R"~(22:21: apis.shop.limits.truth: found `remote`; expected one of: local, shared, leased
22:40: apis.shop.limits.when_away: found `open`; expected one of: local, allow, refuse
22:57: apis.shop.limits.time_zone: found `Berlin`; expected a time zone of the IANA database that this machine knows, such as Europe/Berlin
22:73: apis.shop.limits.fields: found `rfc`; expected one of: draft10, legacy-ietf, x-delta, x-epoch, none
22:84: apis.shop.limits.test: found `exempt`; expected a mapping
22:92: apis.shop.limits.quota: unknown name `quota`; allowed: truth, when_away, time_zone, fields, test)~"},
    {"trailing_slash: strict",
     R"~(limits: {when_away: {rate: ignore, quota: refused, keys: local}, time_zone: "", fields: [], test: {quota: exempted, rate: {rate: 10/s, by: route}, concurrency: 3}})~",
     R"~(22:14: apis.shop.limits.when_away: belongs to limits that are counted in Redis: these are counted in each gateway by itself
22:32: apis.shop.limits.when_away.rate: found `ignore`; expected one of: local, allow, refuse
22:47: apis.shop.limits.when_away.quota: found `refused`; expected one of: local, allow, refuse; did you mean `refuse`?
22:56: apis.shop.limits.when_away.keys: unknown name `keys`; allowed: rate, quota, concurrency
22:81: apis.shop.limits.time_zone: found ``; expected a time zone of the IANA database that this machine knows, such as Europe/Berlin
22:93: apis.shop.limits.fields: lists nothing; expected `none`
22:111: apis.shop.limits.test.quota: found `exempted`; expected one of: exempt, count; did you mean `exempt`?
22:144: apis.shop.limits.test.rate.by: found `route`; expected one of: key, owner, address; what counts all requests of one route stands at the route
22:152: apis.shop.limits.test.concurrency: `concurrency` is not available yet)~"},
    {"trailing_slash: strict",
     "limits: {fields: [draft10, none, x-detla, draft10, x-delta, x-epoch]}",
     R"~(22:32: apis.shop.limits.fields[1]: found `none`; expected one of: draft10, legacy-ietf, x-delta, x-epoch
22:38: apis.shop.limits.fields[2]: found `x-detla`; expected one of: draft10, legacy-ietf, x-delta, x-epoch; did you mean `x-delta`?
22:47: apis.shop.limits.fields[3]: `draft10` is listed twice
22:65: apis.shop.limits.fields[5]: `x-delta` and `x-epoch` are fields of the same names, one with seconds from now and one with a point in time; expected one of them)~"},
    {"trailing_slash: strict",
     "limits: {test: {rate: [1/s, 2/s]}}",
     "22:33: apis.shop.limits.test.rate[1]: counts the same as the limit in line 22, column 28: kind, window and `by` are equal; expected one of them"},
    {"trailing_slash: strict",
     "failed_auth: {rate: 20/1m, burst: 5}",
     "22:18: apis.shop.failed_auth: found a mapping; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"trailing_slash: strict",
     "failed_auth: 20/month",
     "22:18: apis.shop.failed_auth: found `20/month`; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"trailing_slash: strict",
     "failed_auth: [20/1m]",
     "22:18: apis.shop.failed_auth: found a list; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"trailing_slash: strict",
     R"~(quota: {}
    meters: {})~",
     R"~(22:5: apis.shop.quota: `quota` is not available yet
23:5: apis.shop.meters: `meters` is not available yet)~"},
    {"free: {api_access: false}",
     "free: {api_acess: false}",
     "19:14: apis.shop.plans.free.api_acess: unknown name `api_acess`; allowed: api_access, rate, quota, concurrency, scopes, routes, gauges; did you mean `api_access`?"},
    {"free: {api_access: false}",
     "free:",
     "19:7: apis.shop.plans.free: found nothing; expected a mapping"},
    {"free: {api_access: false}",
     "free: {gauges: {}, routes: [], scopes: [], limits: {}}",
     R"~(19:34: apis.shop.plans.free.routes: lists no route; `api_access: false` takes the whole API away
19:46: apis.shop.plans.free.scopes: lists no scope; `routes` and `api_access` say what a plan leaves out
19:50: apis.shop.plans.free.limits: `limits` is not available yet)~"},
    {"free: {api_access: false}",
     R"~(free: {scopes: [orders:read, order:read, "order:*", "orders:*", "*", ":*", "a*", orders:read, [x]]})~",
     R"~(19:36: apis.shop.plans.free.scopes[1]: found `order:read`, which is no scope of this API; did you mean `orders:read`?
19:48: apis.shop.plans.free.scopes[2]: found `order:*`, and no scope of this API begins with `order:`
19:76: apis.shop.plans.free.scopes[5]: found `:*`, which is no scope of this API
19:82: apis.shop.plans.free.scopes[6]: found `a*`, which is no scope of this API
19:88: apis.shop.plans.free.scopes[7]: `orders:read` is listed twice
19:101: apis.shop.plans.free.scopes[8]: found a list; expected a scope, `FAMILY:*` or `*`)~"},
    {"free: {api_access: false}",
     R"~(free: {routes: [GET /v1/orders, "/v1/orders", "get /x", "GET /v1/*", GET /v1/orders]})~",
     R"~(19:39: apis.shop.plans.free.routes[1]: found `/v1/orders`; expected METHOD and PATH with a space between them, such as GET /v1/orders/{id}
19:53: apis.shop.plans.free.routes[2]: found `get /x`; methods are in upper case: `GET`
19:63: apis.shop.plans.free.routes[3]: found `GET /v1/*`; `*` is no wildcard: `{name}` stands for one segment, a final `/**` for all below
19:76: apis.shop.plans.free.routes[4]: `GET /v1/orders` is listed twice)~"},
    {"free: {api_access: false}",
     "free: {scopes: orders:read, routes: GET /v1/orders, gauges: 10}",
     R"~(19:22: apis.shop.plans.free.scopes: found `orders:read`; expected a list of scopes such as ["tests:*", domains:read]
19:43: apis.shop.plans.free.routes: found `GET /v1/orders`; expected a list of methods and paths such as [ANY /v1/tests/**]
19:67: apis.shop.plans.free.gauges: found `10`; expected a mapping such as {domains: 10})~"},
    {"free: {api_access: false}",
     "free: {gauges: {domains: -1, a b: 1}}",
     R"~(19:32: apis.shop.plans.free.gauges.domains: found `-1`; expected a whole number from 0 to 1000000000000
19:36: apis.shop.plans.free.gauges.a b: a gauge's name has 1 to 64 letters, digits, `.`, `_` or `-`)~"},
    {"    plans:\n",
     "    implies: {\"orders:write\": [orders:raed, orders:write, orders:read, orders:read], \"order:x\": [orders:read], \"orders:read\": []}\n    plans:\n",
     R"~(18:32: apis.shop.implies.orders:write[0]: found `orders:raed`, which is no scope of this API; did you mean `orders:read`?
18:45: apis.shop.implies.orders:write[1]: `orders:write` is the scope itself
18:72: apis.shop.implies.orders:write[3]: `orders:read` is listed twice
18:86: apis.shop.implies.order:x: `order:x` is no scope of this API
18:127: apis.shop.implies.orders:read: implies nothing; leave it out)~"},
    {"    plans:\n",
     "    bind: {store: owner, id: key, ids: key.a b, x: [owner]}\n    plans:\n",
     R"~(18:12: apis.shop.bind.store: no route that looks at keys has `{store}` in its path
18:30: apis.shop.bind.id: found `key`; expected `owner`, or `key.NAME` for a member of the key's `bind`
18:35: apis.shop.bind.ids: no route that looks at keys has `{ids}` in its path
18:40: apis.shop.bind.ids: found `key.a b`; expected `owner`, or `key.NAME` for a member of the key's `bind`
18:49: apis.shop.bind.x: no route that looks at keys has `{x}` in its path
18:52: apis.shop.bind.x: found a list; expected `owner`, or `key.NAME` for a member of the key's `bind`)~"},
    {"10/s",
     "10/0s",
     "20:20: apis.shop.plans.pro.rate[0]: found `10/0s`; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"10/s",
     "0/s",
     "20:20: apis.shop.plans.pro.rate[0]: found `0/s`; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"10/s",
     "10",
     "20:20: apis.shop.plans.pro.rate[0]: found `10`; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"10/s",
     "10/367d",
     "20:20: apis.shop.plans.pro.rate[0]: found `10/367d`; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"10/s",
     "1000/month",
     "20:20: apis.shop.plans.pro.rate[0]: found `1000/month`; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"10/s",
     "10/500ms",
     "20:20: apis.shop.plans.pro.rate[0]: found `10/500ms`; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {"burst: 20",
     "burst: 0",
     "20:48: apis.shop.plans.pro.rate[1].burst: found `0`; expected a whole number from 1 to 1000000000"},
    {"10/s",
     "{rate: 10/s, burst: 5, per: ip}",
     "20:43: apis.shop.plans.pro.rate[0].per: unknown name `per`; allowed: rate, burst, by, name, dry_run"},
    {"10/s",
     "1/1s, 1/2s, 1/3s, 1/4s, 1/5s, 1/6s, 1/7s, 1/8s",
     "20:19: apis.shop.plans.pro.rate: at most 8 rates are possible here"},
    {"free: {api_access: false}",
     "free: {quota: {requests: 100}}",
     "19:32: apis.shop.plans.free.quota.requests: found `100`; expected a quota such as 1000/month: 1 to 1000000000000 in each minute, hour, day, week, month or year"},
    {"free: {api_access: false}",
     "free: {quota: {requests: 100/mounth}}",
     "19:32: apis.shop.plans.free.quota.requests: found `100/mounth`; expected a quota such as 1000/month: 1 to 1000000000000 in each minute, hour, day, week, month or year; did you mean `month`?"},
    {"free: {api_access: false}",
     "free: {quota: {requests: 100/months}}",
     "19:32: apis.shop.plans.free.quota.requests: found `100/months`; expected a quota such as 1000/month: 1 to 1000000000000 in each minute, hour, day, week, month or year; did you mean `month`?"},
    {"free: {api_access: false}",
     "free: {quota: {requests: 0/month}}",
     "19:32: apis.shop.plans.free.quota.requests: found `0/month`; expected a quota such as 1000/month: 1 to 1000000000000 in each minute, hour, day, week, month or year"},
    {"free: {api_access: false}",
     "free: {quota: {requests: 1000000000001/month}}",
     "19:32: apis.shop.plans.free.quota.requests: found `1000000000001/month`; expected a quota such as 1000/month: 1 to 1000000000000 in each minute, hour, day, week, month or year"},
    {"free: {api_access: false}",
     "free: {quota: {requests: 100/1m}}",
     "19:32: apis.shop.plans.free.quota.requests: found `100/1m`; expected a quota such as 1000/month: 1 to 1000000000000 in each minute, hour, day, week, month or year"},
    {"free: {api_access: false}",
     "free: {quota: 100/month}",
     "19:21: apis.shop.plans.free.quota: found `100/month`; expected a mapping from meters to quotas such as {requests: 1000/month}"},
    {"free: {api_access: false}",
     R"~(free: {quota: {"a b": 100/month, requests: []}})~",
     R"~(19:22: apis.shop.plans.free.quota.a b: a meter's name has 1 to 64 letters, digits, `.`, `_` or `-`
19:50: apis.shop.plans.free.quota.requests: lists no quota; leave the meter out)~"},
    {"free: {api_access: false}",
     R"~(free: {quota: {requests: 1/day, " requests": 1/month}})~",
     "19:39: apis.shop.plans.free.quota.requests: `requests` is written twice"},
    {"free: {api_access: false}",
     R"~(free: {quota: {requests: {by: address, time_zone: Europe/Berln, name: "a b", dry_run: yes, per: day}}})~",
     R"~(19:22: apis.shop.plans.free.quota.requests: `limit` is missing
19:37: apis.shop.plans.free.quota.requests.by: found `address`; expected one of: key, owner; quotas by address or route are not available
19:57: apis.shop.plans.free.quota.requests.time_zone: found `Europe/Berln`; expected a time zone of the IANA database that this machine knows, such as Europe/Berlin
19:77: apis.shop.plans.free.quota.requests.name: found `a b`; expected 1 to 64 letters, digits, `.`, `_`, `-`, `/` or `:`
19:93: apis.shop.plans.free.quota.requests.dry_run: found `yes`; expected true or false
19:98: apis.shop.plans.free.quota.requests.per: unknown name `per`; allowed: limit, time_zone, by, name, dry_run)~"},
    {"free: {api_access: false}",
     "free: {quota: {requests: {limit: 1/day, by: route}}}",
     "19:51: apis.shop.plans.free.quota.requests.by: found `route`; expected one of: key, owner; quotas by address or route are not available"},
    {"free: {api_access: false}",
     R"~(free: {quota: {requests: {limit: 1/day, by: "${WORD}"}}})~",
     "19:51: apis.shop.plans.free.quota.requests.by: found what `${WORD}` holds; expected one of: key, owner"},
    {"free: {api_access: false}",
     "free: {quota: {requests: {limit: 1/day, by: onwer}}}",
     "19:51: apis.shop.plans.free.quota.requests.by: found `onwer`; expected one of: key, owner; did you mean `owner`?"},
    {"free: {api_access: false}",
     "free: {quota: {requests: [1/day, {limit: 2/day, by: key}, 3/day]}}",
     "19:65: apis.shop.plans.free.quota.requests[2]: counts the same as the limit in line 19, column 33: meter, period, time zone and `by` are equal; expected one of them"},
    {"free: {api_access: false}",
     "free: {quota: {requests: [1/month, 2/day, {limit: 3/day, by: key}]}}",
     "19:49: apis.shop.plans.free.quota.requests[2]: is called like the limit in line 19, column 42; give one of them another `name`"},
    {"free: {api_access: false}",
     "free: {quota: {requests: [1/month, {limit: 2/day, name: requests}]}}",
     "19:63: apis.shop.plans.free.quota.requests[1].name: is called like the limit in line 19, column 33; give one of them another `name`"},
    {"free: {api_access: false}",
     "free: {quota: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: [1/month, 2/day]}}",
     R"~(19:22: apis.shop.plans.free.quota.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: no route has `meter: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`, so that nothing would ever count
19:98: apis.shop.plans.free.quota.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[1]: give it a `name` of 1 to 64 letters, digits, `.`, `_`, `-`, `/` or `:`)~"},
    {"free: {api_access: false}",
     "free: {quota: {requests: [1/minute, 1/hour, 1/day, 1/week, 1/month, 1/year], a: [1/day, 1/month, 1/year]}}",
     R"~(19:21: apis.shop.plans.free.quota: at most 8 quotas are possible here
19:84: apis.shop.plans.free.quota.a: no route has `meter: a`, so that nothing would ever count)~"},
    {"free: {api_access: false}",
     "free: {quota: {requests: [1/minute, 1/hour, 1/day, 1/week, 1/month, 1/year, {limit: 1/day, by: key, name: a}, {limit: 1/week, by: key, name: b}, {limit: 0/day}]}}",
     "19:32: apis.shop.plans.free.quota.requests: at most 8 quotas are possible here"},
    {"free: {api_access: false}",
     "free: {concurrency: 0}",
     "19:27: apis.shop.plans.free.concurrency: found `0`; expected a whole number from 1 to 1000000"},
    {"free: {api_access: false}",
     "free: {concurrency: [1, {limit: 1000001, by: owner}, {limit: 5, by: route}, {by: address}, {limit: 3}]}",
     R"~(19:39: apis.shop.plans.free.concurrency[1].limit: found `1000001`; expected a whole number from 1 to 1000000
19:75: apis.shop.plans.free.concurrency[2].by: found `route`; expected one of: key, owner, address; what counts all requests of one route stands at the route
19:83: apis.shop.plans.free.concurrency[3]: `limit` is missing
19:98: apis.shop.plans.free.concurrency[4]: counts the same as the limit in line 19, column 28: `by` is equal; expected one of them)~"},
    {"free: {api_access: false}",
     "free: {concurrency: [1, {limit: 2, by: owner}, {limit: 3, by: address, name: concurrency}]}",
     R"~(19:31: apis.shop.plans.free.concurrency[1]: is called like the limit in line 19, column 28; give one of them another `name`
19:84: apis.shop.plans.free.concurrency[2].name: is called like the limit in line 19, column 28; give one of them another `name`)~"},
    {"free: {api_access: false}",
     "free: {rate: [1/s, 1/60s, 2/1m, {rate: 1/s, by: owner}, {rate: 1/s, burst: 2}, {rate: 1/s, by: address, name: per-address}]}",
     R"~(19:33: apis.shop.plans.free.rate[2]: counts the same as the limit in line 19, column 26: kind, window and `by` are equal; expected one of them
19:39: apis.shop.plans.free.rate[3]: is called like the limit in line 19, column 21; give one of them another `name`
19:63: apis.shop.plans.free.rate[4]: is called like the limit in line 19, column 21; give one of them another `name`)~"},
    {"free: {api_access: false}",
     R"~(free: {rate: {rate: 1/s, by: route, name: "", weight: 2}})~",
     R"~(19:36: apis.shop.plans.free.rate.by: found `route`; expected one of: key, owner, address; what counts all requests of one route stands at the route
19:49: apis.shop.plans.free.rate.name: found ``; expected 1 to 64 letters, digits, `.`, `_`, `-`, `/` or `:`
19:53: apis.shop.plans.free.rate.weight: `weight` is not available yet)~"},
    {"free: {api_access: false}",
     "free: {rate: {rate: 1/s, by: adress, name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}",
     R"~(19:36: apis.shop.plans.free.rate.by: found `adress`; expected one of: key, owner, address; did you mean `address`?
19:50: apis.shop.plans.free.rate.name: found `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`; expected 1 to 64 letters, digits, `.`, `_`, `-`, `/` or `:`)~"},
    {"free: {api_access: false}",
     "free: {rate: [1/1s, 1/2s, 1/3s, 1/4s, 1/5s, 1/6s, 1/7s, 1/8s], quota: {requests: [1/minute, 1/hour, 1/day, 1/week, 1/month, 1/year]}, concurrency: [1, {limit: 2, by: owner, name: o}, {limit: 3, by: address, name: a}]}",
     "19:13: apis.shop.plans.free: a plan has at most 16 limits"},
    {"free: {api_access: false}",
     "free: {quota: {requests: 1/day}, concurrency: {limit: 3, name: requests}}",
     "19:70: apis.shop.plans.free.concurrency.name: is called like the limit in line 19, column 32; give one of them another `name`"},
    {"10/s",
     "[10/s]",
     "20:20: apis.shop.plans.pro.rate[0]: found a list; expected a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 requests in a window of 1s to 366d"},
    {R"~(      live: {servers: ["http://127.0.0.1:3000"]}
)~",
     "",
     "23:5: apis.shop.upstreams: `live` is missing"},
    {R"~("http://127.0.0.1:3000")~",
     "",
     "24:23: apis.shop.upstreams.live.servers: at least one server is needed"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("127.0.0.1:3000")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `127.0.0.1:3000`; expected a server such as http://127.0.0.1:3000, https://api.internal or unix:/run/app.sock"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://a:3000/")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `http://a:3000/`; a server takes no path: requests keep the path they came with"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://u:p@a")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `http://u:p@a`; a server takes no user name or password"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://a:0")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `http://a:0`; expected a port from 1 to 65535"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://a:70000")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `http://a:70000`; expected a port from 1 to 65535"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://a:")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `http://a:`; expected a port from 1 to 65535"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://a%62")~",
     "24:24: apis.shop.upstreams.live.servers[0]: found `http://a%62`; expected an IP address or a DNS name as the server's host"},
    {R"~("http://127.0.0.1:3000")~",
     R"~("http://a", "http://A:80")~",
     "24:36: apis.shop.upstreams.live.servers[1]: `http://A:80` is listed twice"},
    {"connect_timeout: 1s",
     "connect_timout: 1s",
     "25:50: apis.shop.upstreams.test.connect_timout: unknown name `connect_timout`; allowed: servers, balance, tls, host, max_connections, queue, retries, ejection, check, breaker, total_timeout, connect_timeout, first_byte_timeout, idle_timeout, tunnel_timeout, keep_alive, max_idle; did you mean `connect_timeout`?"},
    {"GET /health: public",
     "get /health: public",
     "27:7: apis.shop.routes.get /health: methods are in upper case: `GET`"},
    {"GET /health: public",
     "CONNECT /health: public",
     "27:7: apis.shop.routes.CONNECT /health: CONNECT is never forwarded"},
    {"GET /health: public",
     "GET|GET /health: public",
     "27:7: apis.shop.routes.GET|GET /health: GET is named twice"},
    {"GET /health: public",
     "ANY|GET /health: public",
     "27:7: apis.shop.routes.ANY|GET /health: `ANY` stands alone: it already takes every method"},
    {"GET /health: public",
     R"~("* /health": public)~",
     "27:7: apis.shop.routes.* /health: for every method write `ANY`"},
    {"GET /health: public",
     "G(T /health: public",
     "27:7: apis.shop.routes.G(T /health: `G(T` is no method; allowed: one such as GET, several such as GET|POST, or ANY"},
    {"GET /health: public",
     "/health: public",
     "27:7: apis.shop.routes./health: expected METHOD and PATH with a space between them, such as GET /v1/orders/{id}"},
    {"GET /health: public",
     "GET | POST /health: public",
     "27:7: apis.shop.routes.GET | POST /health: expected METHOD and PATH with a space between them, such as GET /v1/orders/{id}"},
    {"GET /health: public",
     "GET health: public",
     "27:7: apis.shop.routes.GET health: a path begins with `/`"},
    {"GET /health",
     "GET /a//b",
     "27:7: apis.shop.routes.GET /a//b: an empty segment (`//`) is refused in every request"},
    {"GET /health",
     "GET /a/../b",
     "27:7: apis.shop.routes.GET /a/../b: segments `.` and `..` are refused in every request"},
    {"GET /health",
     "GET /a/%2e%2E/b",
     "27:7: apis.shop.routes.GET /a/%2e%2E/b: segments `.` and `..` are refused in every request"},
    {"GET /health",
     "GET /a%2fb",
     "27:7: apis.shop.routes.GET /a%2fb: `%2f` is refused in every request, so no route can match it"},
    {"GET /health",
     "GET /a%zz",
     "27:7: apis.shop.routes.GET /a%zz: `%` must be followed by two hexadecimal digits"},
    {"GET /health",
     "GET /a%FF",
     "27:7: apis.shop.routes.GET /a%FF: its encoded bytes are not UTF-8"},
    {"GET /health",
     "GET /a/*",
     "27:7: apis.shop.routes.GET /a/*: `*` is no wildcard: `{name}` stands for one segment, a final `/**` for all below"},
    {"GET /health",
     "GET /**/a",
     "27:7: apis.shop.routes.GET /**/a: `/**` can only be at the end"},
    {"GET /health",
     "GET /a/x{id}",
     "27:7: apis.shop.routes.GET /a/x{id}: `{name}` must be a whole segment"},
    {"GET /health",
     "GET /{a}/{a}",
     "27:7: apis.shop.routes.GET /{a}/{a}: `{a}` is there twice"},
    {"GET /health",
     "GET /{1}",
     "27:7: apis.shop.routes.GET /{1}: `{1}` needs a name of letters, digits and `_` inside its braces"},
    {"GET /health",
     "GET /a?b=c",
     "27:7: apis.shop.routes.GET /a?b=c: a pattern has no query; queries are not looked at"},
    {"GET /health",
     R"~("GET /a#b")~",
     "27:7: apis.shop.routes.GET /a#b: a pattern has no fragment"},
    {"GET /health",
     "GET /a;b",
     "27:7: apis.shop.routes.GET /a;b: `;` cannot be in a pattern"},
    {"GET /health",
     "GET /café",
     "27:7: apis.shop.routes.GET /café: `é` must be written `%C3%A9`"},
    {"GET /health",
     "GET /a|b",
     "27:7: apis.shop.routes.GET /a|b: `|` must be written `%7C`"},
    {"GET /health: public",
     "GET /health: Public",
     "27:20: apis.shop.routes.GET /health: `Public` is no scope: `public` and `key` are reserved words of routes, written alone and in lower case"},
    {"GET /health: public",
     "GET /health:",
     "27:7: apis.shop.routes.GET /health: found nothing; expected `public`, `key`, a scope, a list of scopes, or a mapping with scope, all_scopes, any_scope, access or answer"},
    {"GET /health: public",
     "GET /health: []",
     "27:20: apis.shop.routes.GET /health: names no scope; `key` lets any valid key in"},
    {"GET /health: public",
     "GET /health: {}",
     "27:20: apis.shop.routes.GET /health: found 0 of scope, all_scopes, any_scope, access and answer; expected exactly one"},
    {"GET /health: public",
     "GET /health: {scope: orders:read, access: key}",
     "27:20: apis.shop.routes.GET /health: found 2 of scope, all_scopes, any_scope, access and answer; expected exactly one"},
    {"GET /health: public",
     "GET /health: {access: open}",
     "27:29: apis.shop.routes.GET /health.access: found `open`; expected one of: public, key"},
    {"GET /health: public",
     "GET /health: {access: key, authorization: pass}",
     "27:49: apis.shop.routes.GET /health.authorization: only a public route can pass `Authorization` on: elsewhere it holds the key, which the upstream must not see"},
    {"GET /health: public",
     "GET /health: {access: public, authorization: keep}",
     "27:52: apis.shop.routes.GET /health.authorization: found `keep`; expected one of: pass, remove"},
    {"GET /health: public",
     "GET /health: order:read",
     "27:20: apis.shop.routes.GET /health: found `order:read`, which is not in `scopes`; did you mean `orders:read`?"},
    {"GET /health: public",
     "GET /health: [orders:read, orders:read]",
     "27:34: apis.shop.routes.GET /health[1]: `orders:read` is listed twice"},
    {"GET /health: public",
     "GET /health: {any_scopes: [orders:read]}",
     R"~(27:20: apis.shop.routes.GET /health: found 0 of scope, all_scopes, any_scope, access and answer; expected exactly one
27:21: apis.shop.routes.GET /health.any_scopes: unknown name `any_scopes`; allowed: scope, all_scopes, any_scope, access, answer, require_scope, auth, authorization, weight, meter, rate, concurrency, upstream, rewrite, timeouts, max_body, cors; did you mean `any_scope`?)~"},
    {"GET /health: public",
     "GET /health: {scope: orders:read, bind: {}, allow_encoded: []}",
     R"~(27:41: apis.shop.routes.GET /health.bind: `bind` is not available yet
27:51: apis.shop.routes.GET /health.allow_encoded: `allow_encoded` is not available yet)~"},
    {"GET /health: public",
     "GET /health: {answer: whoami, access: key}",
     "27:20: apis.shop.routes.GET /health: found 2 of scope, all_scopes, any_scope, access and answer; expected exactly one"},
    {"GET /health: public",
     "GET /health: {answer: who_am_i}",
     "27:29: apis.shop.routes.GET /health.answer: found `who_am_i`; expected one of: whoami, create_key, list_keys, show_key, update_key, revoke_key, delete_key, rotate_key; did you mean `whoami`?"},
    {"GET /health: public",
     "DELETE /keys/{key}: {answer: revoke_key}",
     "27:36: apis.shop.routes.DELETE /keys/{key}.answer: `revoke_key` needs `{id}` in the path, which says what key is meant"},
    {"GET /health: public",
     "DELETE /keys/id/{idx}/{id}x: {answer: delete_key}",
     R"~(27:7: apis.shop.routes.DELETE /keys/id/{idx}/{id}x: `{name}` must be a whole segment
27:45: apis.shop.routes.DELETE /keys/id/{idx}/{id}x.answer: `delete_key` needs `{id}` in the path, which says what key is meant)~"},
    {"GET /health: public",
     "GET /health: {answer: list_keys, require_scope: [orders:read, orders:raed], auth: optional}",
     R"~(27:69: apis.shop.routes.GET /health.require_scope[1]: found `orders:raed`, which is not in `scopes`; did you mean `orders:read`?
27:89: apis.shop.routes.GET /health.auth: what the gateway answers by itself is about the caller's key)~"},
    {"GET /health: public",
     "GET /health: {scope: orders:read, require_scope: orders:write}",
     "27:41: apis.shop.routes.GET /health.require_scope: belongs to `answer`; other routes say `scope`"},
    {"GET /health: public",
     "GET /health: {access: public, auth: optional}",
     "27:43: apis.shop.routes.GET /health.auth: a public route looks at no key: `key` or a scope says what one must be"},
    {"GET /health: public",
     "GET /health: {access: key, auth: maybe}",
     "27:40: apis.shop.routes.GET /health.auth: found `maybe`; expected one of: required, optional"},
    {"GET /health: public",
     "GET /health: {access: key, auth: optional, rate: {rate: 1/s, by: key}}",
     "27:72: apis.shop.routes.GET /health.rate.by: found `key`; expected one of: route, address; where no key is needed there may be nobody to count by"},
    {"GET /health: public",
     R"~(GET /s/{resource}: "{resource}:raed")~",
     "27:26: apis.shop.routes.GET /s/{resource}: found `{resource}:raed`, which none of `scopes` can be"},
    {"GET /health: public",
     R"~(GET /s/{resource}: ["{kind}:read", "{resource}:{resource}", "{resource", "re}{so", "{resource}*"])~",
     R"~(27:27: apis.shop.routes.GET /s/{resource}[0]: the path has no `{kind}`
27:42: apis.shop.routes.GET /s/{resource}[1]: found `{resource}:{resource}`; expected a scope with one parameter of the path, such as {resource}:read
27:67: apis.shop.routes.GET /s/{resource}[2]: found `{resource`; expected a scope with one parameter of the path, such as {resource}:read
27:80: apis.shop.routes.GET /s/{resource}[3]: found `re}{so`; expected a scope with one parameter of the path, such as {resource}:read
27:90: apis.shop.routes.GET /s/{resource}[4]: found `{resource}*`; expected a scope with one parameter of the path, such as {resource}:read)~"},
    {"GET /health: public",
     R"~(GET /health: ["orders:*", "orders*"])~",
     R"~(27:21: apis.shop.routes.GET /health[0]: `orders:*` is no scope: it stands for some of them in keys and plans; here they are named one by one
27:33: apis.shop.routes.GET /health[1]: found `orders*`; expected a scope: 1 to 128 letters, digits, `.`, `_`, `:` or `-`)~"},
    {"GET /health: public",
     R"~(GET /health: {access: key, weight: 0, meter: "a b"})~",
     R"~(27:42: apis.shop.routes.GET /health.weight: found `0`; expected a whole number from 1 to 10000
27:52: apis.shop.routes.GET /health.meter: found `a b`; expected a meter's name: 1 to 64 letters, digits, `.`, `_` or `-`)~"},
    {"GET /health: public",
     "GET /health: {access: key, weight: 10001, meter: requests}",
     R"~(27:42: apis.shop.routes.GET /health.weight: found `10001`; expected a whole number from 1 to 10000
27:56: apis.shop.routes.GET /health.meter: `requests` counts every request anyway; `weight` says for how many one of this route counts)~"},
    {"GET /health: public",
     "GET /health: {access: public, weight: 2, meter: tests}",
     "27:48: apis.shop.routes.GET /health.meter: a public route looks at no key: nobody's quota is spent"},
    {"GET /health: public",
     "GET /health: {access: public, rate: [1/s, {rate: 2/s, by: key}, {rate: 3/s, by: owner}, {rate: 4/s, by: address}], concurrency: {limit: 1, by: keys}}",
     R"~(27:65: apis.shop.routes.GET /health.rate[1].by: found `key`; expected one of: route, address; where no key is needed there may be nobody to count by
27:87: apis.shop.routes.GET /health.rate[2].by: found `owner`; expected one of: route, address; where no key is needed there may be nobody to count by
27:95: apis.shop.routes.GET /health.rate[3]: counts the same as the limit in line 27, column 44: kind, window and `by` are equal; expected one of them
27:150: apis.shop.routes.GET /health.concurrency.by: found `keys`; expected one of: route, address)~"},
    {"GET /health: public",
     "GET /health: {access: key, rate: [1/s, {rate: 1/s, by: route}, {rate: 2/s, by: key}, {rate: 3/s, by: everybody}]}",
     R"~(27:46: apis.shop.routes.GET /health.rate[1]: is called like the limit in line 27, column 41; give one of them another `name`
27:70: apis.shop.routes.GET /health.rate[2]: counts the same as the limit in line 27, column 41: kind, window and `by` are equal; expected one of them
27:108: apis.shop.routes.GET /health.rate[3].by: found `everybody`; expected one of: key, owner, route, address)~"},
    {"GET /health: public",
     "GET /health: {access: key, rate: [1/1s, 1/2s, 1/3s, 1/4s, 1/5s, 1/6s, 1/7s, 1/8s], concurrency: 1}",
     "27:20: apis.shop.routes.GET /health: a route has at most 8 limits"},
    {"GET /health: public",
     "GET /health: {access: key, quota: {requests: 1/day}, limits: {}}",
     R"~(27:34: apis.shop.routes.GET /health.quota: unknown name `quota`; allowed: scope, all_scopes, any_scope, access, answer, require_scope, auth, authorization, weight, meter, rate, concurrency, upstream, rewrite, timeouts, max_body, cors
27:60: apis.shop.routes.GET /health.limits: `limits` is not available yet)~"},
    {"GET /health: public",
     "GET  /v1/orders/**: public",
     "28:7: apis.shop.routes.GET /v1/orders/**: ties with `GET /v1/orders/**` (line 27): both take GET at the same paths"},
    {"GET /health: public",
     "GET|PUT /v1/orders/{number}: public",
     "30:7: apis.shop.routes.GET /v1/orders/{id}: ties with `GET|PUT /v1/orders/{number}` (line 27): both take GET at the same paths"},
    {"GET /health: public",
     "ANY /v1/%6De: public",
     "31:7: apis.shop.routes.ANY /v1/me: ties with `ANY /v1/%6De` (line 27): both take every method at the same paths"},
    {"GET /health: public",
     "POST /v1/orders: public",
     "29:7: apis.shop.routes.POST /v1/orders: `POST /v1/orders` is written twice; the first is in line 27"},
    {"via: keygate",
     R"~(via: keygate
---
via: x)~",
     "13:1: a second document begins here; a file holds one configuration"},
    {"via: keygate",
     "	via: keygate",
     "12:2: not YAML (end of map not found): indent with spaces, never with tabs"},
    {R"~("127.0.0.1:8080")~",
     "[::1]:8080",
     "4:19: not YAML (end of map not found): `[` begins a list; if it belongs to a text, quote this: `[::1]:8080`"},
    {"ANY /v1/me",
     "* /v1/me",
     "31:8: not YAML (alias not found after *): `*` begins an alias (for every method write ANY); if it belongs to a text, quote this: `* /v1/me`"},
    {"via: keygate",
     "via: key: gate",
     "12:9: not YAML (illegal map value): quote a text that holds `: `: `key: gate`"},
    {"via: keygate",
     R"~(via: "keygate)~",
     R"~(12:6: via: the closing quote is missing: a quoted text ends on its line
24:25: not YAML (end of map not found): `{` begins a mapping; if it belongs to a text, quote this: `{servers: ["http://127.0.0.1:3000"]}`)~"},
    {"via: keygate",
     "via: {keygate",
     "12:7: not YAML (end of map flow not found): quote a text that holds `{` or `[` inside `{…}` or `[…]`"},
    {"via: keygate",
     "via: *keygate",
     "12:6: not YAML (the referenced anchor is not defined): `*` begins an alias (for every method write ANY); if it belongs to a text, quote this: `*keygate`"},
    {"via: keygate",
     "via: @keygate",
     "12:6: not YAML (unknown token): a text cannot begin with this letter; if it belongs to a text, quote this: `@keygate`"},
    {"via: keygate",
     "via: !name keygate",
     "12:6: via: tags (`!…`) have no meaning here; quote a text that begins with `!`"},
    {"via: keygate",
     "<<: {via: x}",
     "12:1: <<: merge keys (`<<`) are not available; write the names out"},
    {"via: keygate",
     "{via}: keygate",
     "12:1: a name must be a text; quote one that begins with `[` or `{`, and `null` or `~`"},
    {"via: keygate",
     "~: keygate",
     "12:1: a name must be a text; quote one that begins with `[` or `{`, and `null` or `~`"},
    {"via: keygate",
     " via: keygate",
     "12:2: not YAML (end of map not found): check the indentation against the lines above, and quote texts with special letters"},
    {"via: keygate",
     "via: 'it's'",
     "12:10: not YAML (end of map not found): something follows the closing quote; quote the whole text, and write '' for a ' inside '…'"},
    {"live: {servers",
     "live: {GET /x/{id}: a, servers",
     "24:21: not YAML (end of map flow not found): quote a text that holds `{` or `[` inside `{…}` or `[…]`"},
    {"via: keygate",
     "via: &x [*x]",
     "12:10: this alias contains itself"},
    {"via: keygate",
     "via: - keygate",
     "12:6: not YAML (illegal block entry): a list begins on a line of its own, or is written as [a, b]"},
    {"threads: 2",
     R"~(threads: "\q")~",
     R"~(2:13: not YAML (unknown escape character: q): in "…" a backslash begins an escape; use '…' for a text with backslashes)~"},
    {"via: keygate",
     "via: ${UNSET}",
     "12:6: via: variable `UNSET` is not set; ${UNSET:-default} would give it a default"},
    {"via: keygate",
     "via: ${UNSET:?set it to our name}",
     "12:6: via: variable `UNSET` is not set: set it to our name"},
    {"via: keygate",
     "via: ${SPACED}",
     "12:6: via: found what `${SPACED}` holds; expected 1 to 64 letters, digits or any of !#$%&'*+-.^_`|~"},
    {"via: keygate",
     "via: $HOME",
     "12:6: via: `$HOME` is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar sign"},
    {"via: keygate",
     R"~(via: "${1X}")~",
     "12:6: via: `${1X}` is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar sign"},
    {"via: keygate",
     R"~(via: "${SPACED-x}")~",
     "12:6: via: `${SPACED-x}` is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar sign"},
    {"via: keygate",
     R"~(via: "${A:-${B}}")~",
     "12:6: via: `${A:-${B}` is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar sign"},
    {"via: keygate",
     R"~(via: "${UNSET")~",
     "12:6: via: `${UNSET` is not understood; allowed: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a dollar sign"},
    {"threads: 2",
     "threads: ${SPACED}",
     "2:10: threads: found what `${SPACED}` holds; expected a whole number from 0 to 256"},
    {"default_plan: free",
     "default_plan: ${SPACED}",
     "21:19: apis.shop.default_plan: found what `${SPACED}` holds; expected one of the plans: free, pro"},
    {R"~(trailing_slash: strict
)~",
     R"~(trailing_slash: ignore
    upstreams: {live: {servers: ["http://a"]}}
    routes: {GET /a: public, GET /a/: public, "GET /b/{x}": key, "GET|PUT /b/{y}/": key}
  other:
)~",
     R"~(24:30: apis.shop.routes.GET /a/: ties with `GET /a` (line 24): both take GET at the same paths
24:66: apis.shop.routes.GET|PUT /b/{y}/: ties with `GET /b/{x}` (line 24): both take GET at the same paths)~"},
    {R"~(trailing_slash: strict
)~",
     R"~(upstreams: {live: {servers: ["http://a"]}}
    routes: {GET /a: public}
  other:
    hosts: [b.example, API.shop.example]
    scopes: [a]
    upstreams: {live: {servers: ["http://a"]}}
    routes: {GET /a: key, GET /b: b}
  third:
    hosts: [c.example]
)~",
     R"~(28:14: apis.other.routes.GET /a: ties with `GET /a` (line 23) of API `shop`, which also takes `api.shop.example`: both take GET at the same paths
28:35: apis.other.routes.GET /b: found `b`, which is not in `scopes`)~"},
};

// Parts of one API that do not fit together.
struct Unfit {
    bool has_redis;
    std::string_view api;
    std::string_view mistakes; // none: it loads
};

const std::vector<Unfit> unfit{
    {false,
     R"~(    plans: {p: {rate: [100/1m, {rate: 50/s, burst: 7}]}, q: {quota: {requests: 6/day}}}
    routes:
      GET /a: {access: key, weight: 6}
      GET /b: {access: key, weight: 7}
      GET /c: {access: public, weight: 8}
      GET /d: {access: public, weight: 9, rate: 8/s}
      GET /e: {access: key, weight: 3, rate: [2/s, {rate: 9/1m, by: route}]}
      GET /f: {access: key, weight: "${SPACED}"}
)~",
     R"~(9:37: apis.a.routes.GET /b.weight: `7` is more than a limit of plan `q` (line 6) has room for: such a request could never pass
11:40: apis.a.routes.GET /d.weight: `9` is more than a limit of this route (line 11) has room for: such a request could never pass
12:37: apis.a.routes.GET /e.weight: `3` is more than a limit of this route (line 12) has room for: such a request could never pass
13:37: apis.a.routes.GET /f.weight: found what `${SPACED}` holds; expected a whole number from 1 to 10000)~"},
    {false,
     R"~(    limits: {test: {rate: 5/s}}
    plans: {p: {quota: {requests: [900/day, {limit: 9/hour, dry_run: true}], tests: 1/day}}}
    routes:
      GET /a: {access: key, weight: 6, meter: tests}
)~",
     "9:37: apis.a.routes.GET /a.weight: `6` is more than a limit of `limits.test` (line 6) has room for: such a request could never pass"},
    {false,
     R"~(    plans: {p: {quota: {tests: 5/day, exprots: 5/day}}, q: {quota: {tests: 6/day, requests: 7/day, x: 7/day}}}
    routes:
      GET /a: {access: key, meter: tests}
      GET /b: {access: key, meter: exports}
      GET /c: {access: key, meter: "${WORD}"}
      GET: {access: key, meter: x}
)~",
     R"~(6:39: apis.a.plans.p.quota.exprots: no route has `meter: exprots`, so that nothing would ever count; did you mean `exports`?
9:36: apis.a.routes.GET /b.meter: found `exports`; expected a meter that a plan has a quota of: exprots, tests, x; did you mean `exprots`?
10:36: apis.a.routes.GET /c.meter: found what `${WORD}` holds; expected a meter that a plan has a quota of: exprots, tests, x
11:7: apis.a.routes.GET: expected METHOD and PATH with a space between them, such as GET /v1/orders/{id})~"},
    {false,
     R"~(    plans: {p: {quota: {requests: 7/day}}}
    routes: {GET /a: {access: key, meter: tests}}
)~",
     "7:43: apis.a.routes.GET /a.meter: found `tests`, but no plan has a quota of it"},
    {false,
     R"~(    limits: {truth: shared}
    routes: {GET /a: key}
)~",
     "6:21: apis.a.limits.truth: `shared` counts in Redis, and there is no `store.redis`; expected local, which counts in each gateway by itself"},
    {false,
     R"~(    limits: {truth: leased, when_away: refuse}
    routes: {GET /a: key}
)~",
     "6:21: apis.a.limits.truth: `leased` counts in Redis, and there is no `store.redis`; expected local, which counts in each gateway by itself"},
    {false,
     R"~(    limits: {when_away: refuse}
    routes: {GET /a: key}
)~",
     "6:14: apis.a.limits.when_away: belongs to limits that are counted in Redis: these are counted in each gateway by itself"},
    {false,
     R"~(    limits: {truth: share, when_away: refuse}
    routes: {GET /a: key}
)~",
     "6:21: apis.a.limits.truth: found `share`; expected one of: local, shared, leased; did you mean `shared`?"},
    {true,
     R"~(    limits: {truth: local, when_away: refuse}
    routes: {GET /a: key}
)~",
     "7:28: apis.a.limits.when_away: belongs to limits that are counted in Redis: these are counted in each gateway by itself"},
    {true,
     R"~(    limits: {test: {rate: {rate: 1/366d, burst: 285}}}
    plans:
      p: {rate: [{rate: 1/366d, burst: 284}, {rate: 1/s, burst: 1000000000}, {rate: 9/365d, burst: 1000000, by: owner}]}
    routes:
      GET /a: {access: key, weight: 1}
      GET /b: {access: key, rate: {rate: 1/1d, burst: 104250}}
      GET /c: {access: public, rate: {rate: 1/1d, burst: 104249}}
)~",
     R"~(7:27: apis.a.limits.test.rate: cannot be counted exactly in Redis: `burst` times the window in microseconds must be less than 2^53; lower one of them, leave `burst` out, or count with `truth: local`
9:78: apis.a.plans.p.rate[2]: cannot be counted exactly in Redis: `burst` times the window in microseconds must be less than 2^53; lower one of them, leave `burst` out, or count with `truth: local`
12:35: apis.a.routes.GET /b.rate: cannot be counted exactly in Redis: `burst` times the window in microseconds must be less than 2^53; lower one of them, leave `burst` out, or count with `truth: local`)~"},
    {true,
     R"~(    limits: {truth: shared, test: {rate: {rate: 1/365d, burst: 250}}}
    plans:
      p: {rate: [{rate: 1/365d, burst: 201, name: p}, 200/366d, {rate: 10000/6d, burst: 10000}]}
    routes:
      GET /a: {access: key, weight: 142}
      GET /b: {access: key, weight: 143}
      GET /c: {access: public, weight: 10000, rate: [{rate: 1/5d, burst: 20000}, {rate: 1/6d, burst: 17000}]}
)~",
     R"~(7:42: apis.a.limits.test.rate: cannot be counted exactly in Redis: the weight of `GET /b` (line 12) times the window in microseconds must be less than 2^52; lower one of them, leave `burst` out, or count with `truth: local`
9:18: apis.a.plans.p.rate[0]: cannot be counted exactly in Redis: the weight of `GET /b` (line 12) times the window in microseconds must be less than 2^52; lower one of them, leave `burst` out, or count with `truth: local`
13:82: apis.a.routes.GET /c.rate[1]: cannot be counted exactly in Redis: the weight of `GET /c` (line 13) times the window in microseconds must be less than 2^52; lower one of them, leave `burst` out, or count with `truth: local`)~"},
    {true,
     R"~(    limits: {truth: local}
    plans: {p: {rate: {rate: 1/366d, burst: 1000000000}}}
    routes: {GET /a: {access: key, weight: 10000}}
)~",
     ""},
};

// clang-format on

const test::Table variables{{"SPACED", "a secret value"},
                            {"WORD", "hunter2"},
                            {"EMPTY", ""},
                            {"USERINFO", "u:"},
                            {"HOST", "@b"}};

} // namespace

BOOST_AUTO_TEST_SUITE(config_mistakes)

BOOST_AUTO_TEST_CASE(the_text_that_the_rows_edit_loads) {
    BOOST_TEST(test::mistakes_in(test::load(test::good_text)) == "");
}

BOOST_AUTO_TEST_CASE(each_mistake_is_told_with_its_place_and_what_is_allowed) {
    test::check_mistakes(rows, variables);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_together_is_told_where_it_is_written) {
    for (const Unfit& row : unfit) {
        BOOST_TEST_CONTEXT(row.api) {
            const std::string head =
                "version: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\n" +
                std::string{row.has_redis ? "store: {redis: \"redis://a\"}\n" : ""} +
                "apis:\n  a:\n    upstreams: {live: {servers: [\"http://a\"]}}\n";
            const auto loaded = test::load(head + std::string{row.api}, variables);
            BOOST_TEST(test::mistakes_in(loaded) == test::in_file(row.mistakes));
            BOOST_TEST(loaded.settings.has_value() == row.mistakes.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(all_mistakes_come_at_once_in_the_order_of_the_text) {
    std::string text = test::edited("threads: 2", "threads: two");
    text = test::edited("ANY /v1/me: key", "ANY v1/me: kye", text);
    text = test::edited("level: info", "level: loud", text);
    text = test::edited("max_head: 16KiB", "max_heed: 16KiB", text);
    text = test::edited("10/s", "10/fortnight", text);
    text = test::edited("file: keys.db", "file: \"${KEYS}\"", text);
    text = test::edited("profile: default", "profile: own", text);
    const auto loaded = test::load(text, {}, {{"profiles/own.yaml", "realm: \"a\\\"b\"\n"}});
    std::vector<std::string> places;
    for (const config::Mistake& mistake : loaded.mistakes)
        places.push_back(mistake.file + ":" + std::to_string(mistake.place.line) + ":" +
                         mistake.path);
    const std::vector<std::string> expected{
        "keygate.yaml:2:threads",
        "keygate.yaml:5:client.max_heed",
        "keygate.yaml:6:store.file",
        "keygate.yaml:9:log.level",
        "keygate.yaml:20:apis.shop.plans.pro.rate[0]",
        "keygate.yaml:31:apis.shop.routes.ANY v1/me",
        "keygate.yaml:31:apis.shop.routes.ANY v1/me",
        // Those of other files follow.
        "profiles/own.yaml:1:", // `key` is missing, `refusals` and `answers`
        "profiles/own.yaml:1:",
        "profiles/own.yaml:1:",
        "profiles/own.yaml:1:realm",
    };
    BOOST_TEST(places == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_reserved_in_a_head_is_no_trailer) {
    const auto judged = [](const std::string& prefix, const std::string& trailer) {
        const std::string named = test::edited("prefix: X-Key-", "prefix: \"" + prefix + "\"");
        return test::load(test::edited(
                              "    trailing_slash: strict",
                              "    trailing_slash: strict\n    trailers: [" + trailer + "]", named))
            .mistakes.size();
    };
    for (const char* name :
         {"X-Original-URL", "x-original-method", "X-Rewrite-URL", "X-HTTP-Method",
          "X-HTTP-Method-Override", "X-Method-Override", "Access-Control-Allow-Origin",
          "access-control-x", "Proxy-Status", "Client-Cert", "client-cert-chain", "Origin"})
        BOOST_TEST(judged("X-Key-", name) == 1U, name);
    // The prefix reads alike to servers that take `_` and `.` for `-`.
    BOOST_TEST(judged("X_Key.", "x-key-Id") == 1U);
    BOOST_TEST(judged("X_Key.", "X-Keys") == 0U);
    BOOST_TEST(judged("X-Key-", "X-Ke") == 0U);
}

BOOST_AUTO_TEST_CASE(a_mistake_prints_no_control_characters) {
    for (const char* text :
         {R"("\x1b[2J": 1)", R"(log: {"\x1b": {"a\n": !x b}})", R"(via: "${NONE:?\e[0m}")"}) {
        BOOST_TEST_CONTEXT(text) {
            const auto loaded = test::load(std::string{text} + "\n");
            BOOST_TEST_REQUIRE(!loaded.mistakes.empty());
            for (const config::Mistake& mistake : loaded.mistakes)
                for (const char c : to_string(mistake))
                    BOOST_TEST((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        }
    }
    BOOST_TEST(
        test::mistakes_in(test::load("\"\\a\": 1\n")).find(": \\x07: unknown name `\\x07`") !=
        std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_password_in_clear_is_in_no_mistake) {
    // Neither where it is refused, nor where it only stands beside what is wrong.
    const char* const places[] = {
        "redis: \"redis://u:hunter2@a\"",
        "redis: \"redis://u:hunter2@a:x\"",
        "redis: \"redis://u:hunter2@a\\x07\"",
        "redis: \"redis://u:hun\\x07hunter2@a\"",
        "redis: \"redis://u:%x/hunter2@a\"",
        "redis: \"redis://u:hunter2@a/0?x\"",
        "redis: \"redis://a?password=hunter2\"",
        "redis: \"unix://u:hunter2@/\"",
        "redis: \"unix://u:p/hunter2@/a\"",
        "redis: \"hunter2@a\"",
        "redis: \"redis://u:$hunter2@a\"",
        "redis: \"redis://u:${hunter2 }@a\"",
        "redis: \"redis://u:hunter2@${NONE}\"",
        "redis: \"redis://u:hunter2@a${EMPTY}:x\"",
        "redis: \"redis://u:hunter2\"",
        "redis: {url: \"${EMPTY:-redis://u:hunter2@a}\"}",
        "redis: {url: \"redis://a\", password: hunter2}",
        "redis: {url: \"redis://a\", password: \"hunter2\\x07\"}",
        "redis: {url: \"redis://a\", password: \"$hunter2\"}",
        "redis: {url: \"redis://a\", password: \"${hunter2 }\"}",
        "redis: {url: \"redis://a\", password: \"hunter2${EMPTY}\"}",
        "redis: {url: \"redis://a\", password: \"${EMPTY:-hunter2}\"}",
        "redis: {url: \"redis://a\", password: @hunter2}",
        "redis: {url: \"redis://a\", password: \"x\" hunter2}",
        "redis: {url: \"redis://a\", pasword: hunter2}",
    };
    for (const char* redis : places) {
        BOOST_TEST_CONTEXT(redis) {
            const auto loaded = test::load(test::edited("file: keys.db", redis), variables);
            BOOST_TEST(!loaded.mistakes.empty());
            BOOST_TEST(test::mistakes_in(loaded).find("hunter2") == std::string::npos,
                       test::mistakes_in(loaded));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_value_from_the_environment_is_in_no_mistake) {
    const char* const places[][2] = {
        {"threads: 2", "threads: ${X}"},
        {"16KiB", "\"${X}\""},
        {"30s", "\"${X}\""},
        {"\"127.0.0.1:8080\"", "\"${X}\""},
        {"[api.shop.example]", "[\"${X}\"]"},
        {"default_plan: free", "default_plan: ${X}"},
        {"profile: default", "profile: ${X}"},
        {"\"http://127.0.0.1:3000\"", "\"${X}\""},
        {"GET /health: public", "GET /health: ${X}"},
        {"10/s", "\"${X}\""},
        {"api_access: false", "api_access: \"${X}\""},
        {"level: info", "level: \"${X}\""},
        {"via: keygate", "via: ${X}"},
        {"burst: 20", "burst: \"${X}\""},
        {"burst: 20", "by: \"${X}\""},
        {"burst: 20", "name: \"${X}\""},
        {"{api_access: false}", "{quota: {requests: \"${X}\"}}"},
        {"{api_access: false}", "{quota: {requests: {limit: 1/day, time_zone: \"${X}\"}}}"},
        {"{api_access: false}", "{concurrency: \"${X}\"}"},
        {"GET /health: public", "GET /health: {access: key, meter: \"${X}\"}"},
        {"trailing_slash: strict", "limits: {truth: \"${X}\"}"},
        {"trailing_slash: strict", "limits: {when_away: \"${X}\"}"},
        {"trailing_slash: strict", "limits: {time_zone: \"${X}\"}"},
        {"trailing_slash: strict", "limits: {fields: [\"${X}\"]}"},
        {"trailing_slash: strict", "failed_auth: \"${X}\""},
        {"\"http://127.0.0.1:3000\"", "\"http://${X}\""},
        {"\"http://127.0.0.1:3000\"", "\"unix:${X}/\""},
        {"\"http://127.0.0.1:3000\"", "{url: \"unix:${X}\"}, {url: \"unix:${X}\"}"},
        {"connect_timeout: 1s", "tls: {ca: \"${X}\"}"},
        {"connect_timeout: 1s", "host: \"${X}\""},
        {"connect_timeout: 1s", "balance: \"${X}\""},
        {"connect_timeout: 1s", "retries: {on: [\"${X}\"], budget: \"${X}\"}"},
        {"connect_timeout: 1s", "ejection: \"${X}\""},
        {"connect_timeout: 1s", "check: {path: \"${X}\", host: \"${X}\", statuses: [\"${X}\"]}"},
        {"GET /health: public", "GET /health: {access: key, upstream: \"${X}\"}"},
        {"GET /health: public",
         "GET /health: {access: key, rewrite: {prefix: \"/{${X}}\", with: \"/{${X}}\"}}"},
        {"GET /health: public", "GET /health: {access: key, cors: {origins: [\"${X}\"]}}"},
        {"trailing_slash: strict", "cors: {origins: \"${X}\", headers: [\"${X}\"]}"},
        {"via: keygate", "trusted_proxies: [\"${X}\"]"},
        {"via: keygate", "forwarded: {from: \"${X}\"}"},
        {"via: keygate", "dns: {servers: [\"${X}\"]}"},
        {"file: keys.db", "redis: \"${X}\""},
        {"file: keys.db", "redis: {url: \"redis://:${X}@a:x\"}"},
        {"file: keys.db", "redis: {url: \"redis://${X}\"}"},
        {"file: keys.db", "redis: {url: \"redis://a\", user: \"${X}\"}"},
        {"file: keys.db", "redis: {url: \"redis://u:${X}@a\", password: \"${X}\"}"},
        {"file: keys.db", "redis: \"redis://a\", revocation_bound: \"${X}\""},
    };
    for (const auto& [from, to] : places) {
        BOOST_TEST_CONTEXT(to) {
            const auto loaded = test::load(test::edited(from, to), {{"X", "hunter2 hunter2"}});
            BOOST_TEST(!loaded.mistakes.empty());
            BOOST_TEST(test::mistakes_in(loaded).find("hunter2") == std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
