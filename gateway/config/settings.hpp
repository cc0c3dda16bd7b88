#pragma once

#include "base/calendar.hpp"
#include "base/reason.hpp"
#include "base/secret.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// Every knob, its unit and its default, on one page. Plain values: config/load.hpp makes them from
// YAML, checks them against each other, and nobody changes them afterwards.
namespace keygate::config {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Where in a file something was written, both counted from 1; 0 = nowhere (a default).
struct Place {
    int line = 0;
    int column = 0;
};

/// `127.0.0.1:8080`, `[::1]:8080`, `0.0.0.0:8080`. Port 0 asks the system for a free one (tests).
struct Endpoint {
    std::string host; // an IP address without brackets
    std::uint16_t port = 0;
};

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

/// A certificate and its key, both PEM files.
struct TlsCertificate {
    std::string certificate; // its own first, then those that lead to a root
    std::string private_key;
    Place place;
};

/// `client_certificates:` of a listener.
struct ClientCertificates {
    std::string ca;       // PEM file: who may have signed them
    bool required = true; // else: a client may send none, but no bad one
    bool forward = false; // the upstream gets it in `Client-Cert` (RFC 9440)
};

/// `tls:` of a listener.
struct ListenerTls {
    /// At least one. A client gets the first one that is made for the name that it asks for; one
    /// that asks for none, or for one that nobody has, gets the very first.
    std::vector<TlsCertificate> certificates;
    bool strict_names = false; // or is refused
    TlsVersion min_version = TlsVersion::tls_1_2;
    std::string ciphers; // of TLS 1.2, as in openssl-ciphers(1); empty: those with forward secrecy
                         // and authenticated encryption
    std::optional<ClientCertificates> client_certificates;
};

struct Listener {
    Endpoint address;
    std::optional<ListenerTls> tls;
    /// `proxy_protocol: {from: […]}`: networks whose connections begin with a PROXY header, version
    /// 1 or 2, and with nothing else. Empty: nobody's do.
    std::vector<std::string> proxy_protocol;
    Place place;
};

/// `forwarded:` what is believed and told of the way that a request has come.
struct Forwarded {
    /// `trusted_proxies:` networks whose word on their client counts. Empty: nobody's.
    std::vector<std::string> trusted;
    /// Where they say it.
    enum class From : std::uint8_t { x_forwarded_for, forwarded, x_real_ip };
    From from = From::x_forwarded_for;
    /// What the upstream gets of what they say: all of theirs with themselves behind it, or the
    /// client alone. Of what peers say that are not trusted nothing passes.
    enum class Chain : std::uint8_t { append, replace };
    Chain chain = Chain::append;
    /// The fields that tell the upstream.
    enum class Fields : std::uint8_t { x_forwarded, forwarded, both, none };
    Fields fields = Fields::x_forwarded;
};

/// On which answers `Proxy-Status` (RFC 9209) says that they are the gateway's.
enum class ProxyStatus : std::uint8_t {
    errors, // those of its own trouble, and of the upstream's: 5xx
    all,    // all refusals
    off
};

/// `dns:` how names of upstreams are looked up, again and again, off the way of requests.
struct Dns {
    std::vector<Endpoint> servers;    // empty: those of the system
    milliseconds timeout{2'000};      // for one question to one server
    milliseconds min_refresh{1'000};  // however short an answer may be kept
    milliseconds max_refresh{60'000}; // however long
};

/// Who tells a client with `Expect: 100-continue` to send its body, once it is allowed to (RFC 9110
/// 10.1.1).
enum class Expect : std::uint8_t {
    forward, // the upstream: it sees the expectation, and can refuse before the body is sent
    answer   // we: the upstream never sees it
};

/// `client:` what one client may take. Each bound is answered by its own reason.
struct ClientLimits {
    std::uint32_t max_connections = 10'000; // whole process; more: overloaded
    /// Of one IPv4 address or one IPv6 /64; absent = no bound, as behind a proxy that all come
    /// from: overloaded
    std::optional<std::uint32_t> max_connections_per_address;
    std::uint32_t max_head = 32 * 1024;  // bytes of a request head, 1 KiB..64 KiB: head_too_large
    std::uint32_t max_fields = 100;      // header fields, 1..100: head_too_large
    std::uint32_t max_target = 8 * 1024; // bytes of a request target: target_too_long
    std::optional<std::uint64_t>
        max_body;                      // bytes of a request body; absent = no bound: body_too_large
    milliseconds head_timeout{10'000}; // first byte to end of the head: client_timeout
    milliseconds idle_timeout{75'000}; // between requests of one connection: closed silently
    milliseconds body_timeout{30'000}; // between two pieces of a request body: client_timeout
    milliseconds write_timeout{30'000}; // between two pieces that a slow reader takes: cut off
    Expect expect = Expect::forward;
};

/// One server of an upstream: `http://host:port`, `https://host:port`, `unix:PATH`.
struct Server {
    enum class Scheme : std::uint8_t { http, https, unix_socket };
    Scheme scheme = Scheme::http;
    std::string host; // IP address or DNS name; a name with several addresses is as many servers
    std::uint16_t port = 80;
    std::string path;         // of the unix socket
    std::uint32_t weight = 1; // its share of the requests, 1..1'000
    Place place;
};

enum class Balance : std::uint8_t {
    least_connections, // the fewest requests in flight for its weight
    round_robin        // in turn, by weight
};

/// `tls:` of an upstream with `https://` servers. Their certificates are always checked.
struct UpstreamTls {
    std::string ca;          // PEM file; empty: the authorities of the system
    std::string certificate; // PEM files of our own certificate and its key; both or none
    std::string private_key;
    std::string server_name; // in the server's certificate, and SNI; empty: the host of its URL
    TlsVersion min_version = TlsVersion::tls_1_2;
};

/// `host:` of an upstream: what it gets as Host.
struct HostPolicy {
    enum class Kind : std::uint8_t {
        pass,   // the client's
        server, // the server's own, as configured; `localhost` where it is a unix socket
        fixed   // `name`
    };
    Kind kind = Kind::pass;
    std::string name;
};

/// `queue:` requests that wait for a connection where `max_connections` are in use.
struct Queue {
    std::uint32_t max = 0; // of the whole process; 0: nobody waits
    milliseconds timeout{1'000};
};

/// `retries:` what is tried again, with another server where there is one. Of servers that refuse
/// connections all are asked anyway. What may have been begun is only tried again if doing it twice
/// is doing it once (RFC 9110 9.2.2), it has no body, and nothing of an answer was passed on.
struct Retries {
    std::uint32_t attempts = 1;            // beside the first, 0..10
    bool on_closed = false;                // the server closed before its answer was whole in head
    bool on_timeout = false;               // no first byte in time
    bool on_invalid = false;               // no HTTP
    std::vector<std::uint16_t> statuses{}; // 500..599
    std::uint32_t budget = 20; // of a hundred requests may be tried again; beside 10 in each second
};

/// `ejection:` a server that fails so often in a row is left out for a while, as long as there are
/// others; longer each time. Then it gets one request, and by that it is judged.
struct Ejection {
    std::uint32_t failures = 5; // 0: never
    milliseconds time{5'000};
    milliseconds max_time{300'000};
    std::vector<std::uint16_t> statuses{}; // answers that count as failures, 500..599
};

/// `check:` asks each server whether it is well.
struct HealthCheck {
    std::string path;
    std::string host; // of the question; empty: the server's
    milliseconds interval{5'000};
    milliseconds timeout{2'000};
    std::vector<std::uint16_t> statuses{}; // that say yes; empty: 200..399
    std::uint32_t passes = 2;              // in a row, until a server that was not is well
    std::uint32_t failures = 3;            // and the other way round
};

/// `breaker:` where too many requests fail, the upstream is left alone for a while: answers are 503
/// at once. Then `trials` requests find out.
struct Breaker {
    std::uint32_t failures = 50; // of a hundred requests within the window
    std::uint32_t requests = 20; // that there are at least within it
    milliseconds window{10'000};
    milliseconds open{5'000};
    std::uint32_t trials = 1;
};

/// `upstreams: {live: …, test: …, NAME: …}`
struct Upstream {
    std::vector<Server> servers;
    Balance balance = Balance::least_connections;
    UpstreamTls tls;
    HostPolicy host;
    /// Requests at once, of the whole process for each server; absent: no bound.
    std::optional<std::uint32_t> max_connections;
    Queue queue;
    Retries retries;
    Ejection ejection;
    std::optional<HealthCheck> check;
    std::optional<Breaker> breaker;
    std::optional<milliseconds> total_timeout; // from the first byte that is sent to the end of the
                                               // answer, retries and all; not of a tunnel
    milliseconds connect_timeout{2'000};       // upstream_timeout
    milliseconds first_byte_timeout{
        60'000};                       // request sent to first byte of the answer: upstream_timeout
    milliseconds idle_timeout{60'000}; // between two pieces of an answer: cut off
    milliseconds tunnel_timeout{
        3'600'000};                  // a WebSocket without a byte in either direction: closed
    milliseconds keep_alive{30'000}; // how long an unused connection is kept
    std::uint32_t max_idle = 256;    // unused connections kept, per server and thread
};

/// `100/1m`: at most `limit` in each window aligned to UTC. With a burst: GCRA, at most
/// burst + limit/window * t in any t.
struct Rate {
    std::uint64_t limit = 0; // 1..1'000'000'000
    nanoseconds window{};    // 1 s..366 days, whole seconds
    std::optional<std::uint64_t> burst;
    std::string text; // as written, for messages and logs

    bool operator==(const Rate&) const = default;
};

inline constexpr std::uint64_t highest_quota = 1'000'000'000'000;

/// `1000/month`: at most `limit` in each calendar period of a time zone.
struct Quota {
    std::uint64_t limit = 0; // 1..highest_quota
    Period period = Period::month;
    std::string zone = "UTC"; // base/calendar.hpp knows it
    /// What counts: `requests`, every allowed one, or the name that routes say in `meter`.
    std::string meter = "requests";
    const TimeZone* time_zone = nullptr; // of `zone`; set where this was read

    bool operator==(const Quota&) const = default;
};

/// `concurrency: 10`: at most so many requests at once, streams until they end.
struct Concurrency {
    std::uint64_t limit = 0; // 1..1'000'000

    bool operator==(const Concurrency&) const = default;
};

/// Whose requests a limit counts together.
enum class LimitBy : std::uint8_t {
    key,
    owner,  // all keys of an owner
    route,  // of a route's limits: everybody
    address // of the client; IPv6 by /64
};

/// One limit of a plan, a key or a route.
struct Limit {
    std::string name; // of the policy in RateLimit fields, logs and metrics; unique in its list
    LimitBy by = LimitBy::key;
    std::variant<Rate, Quota, Concurrency> rule;
    bool dry_run = false;       // counted and logged, refuses nobody
    bool is_count_only = false; // nobody's limit: config/meter_counts.hpp has made it
    std::string text;           // the numbers as written: `100/1m`, `1000/month`, `10`
    Place place;
    // Made of the above (config/limit_names.hpp):
    std::string state;     // what is counted, among all that is counted for one subject
    std::uint64_t tag = 0; // the same as a number, not 0
    std::string policy;    // its item of `RateLimit-Policy`: `"100/1m";q=100;w=60`

    // Where it was written says nothing of what it is.
    bool operator==(const Limit& other) const {
        return name == other.name && by == other.by && rule == other.rule &&
               dry_run == other.dry_run;
    }
};

/// `rate` and `quota` of a key's record: in place of what its plan says.
struct KeyLimits {
    std::optional<std::vector<Limit>> rates; // absent: the plan's
    std::vector<Limit> quotas;               // each in place of the plan's of the same meter

    bool operator==(const KeyLimits&) const = default;
};

/// Where limits are counted.
enum class Truth : std::uint8_t {
    local,  // in this process
    shared, // in Redis, for each request
    leased  // in Redis, taken in advance
};

/// What becomes of a limit while Redis is away.
enum class WhenAway : std::uint8_t {
    local, // this process counts by itself
    allow, // not counted
    refuse // store_unavailable
};

/// Families of fields that tell a client where it stands.
enum class LimitFields : std::uint8_t {
    draft10, // RateLimit, RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)
    ietf,    // RateLimit-Limit, -Remaining, -Reset (drafts up to 06)
    delta,   // X-RateLimit-*, reset in seconds from now
    epoch    // X-RateLimit-*, reset as Unix time
};

/// `limits:` of an API.
struct Limits {
    /// Absent: `leased` where keys are in Redis, else `local`.
    std::optional<Truth> truth;
    WhenAway rates_away = WhenAway::local; // `when_away`: one word, or one for each kind
    WhenAway quotas_away = WhenAway::local;
    WhenAway concurrency_away = WhenAway::local;
    std::string zone = "UTC"; // of quotas that name none
    std::vector<LimitFields> fields{LimitFields::draft10};
    bool test_spends_quota = false; // test keys spend the quotas of live ones
    /// What test keys are limited by instead of their plan's rates; absent: by those.
    std::optional<std::vector<Limit>> test_rates;
};

/// How many of something a plan sells that the gateway does not count itself: how many there are
/// stands in the owner's `attributes`. Shown, not enforced.
struct Gauge {
    std::string name;
    std::uint64_t limit = 0;
};

struct Plan {
    std::string name;
    bool api_access = true;
    /// What keys under this plan may do at most; absent: whatever they may by themselves. As in
    /// keys: names of the vocabulary, and `tests:*`.
    std::optional<std::vector<std::string>> scopes;
    /// What of the API it includes: `GET /v1/tests/**`; absent: all of it.
    std::optional<std::vector<std::string>> routes;
    std::vector<Gauge> gauges;
    std::vector<Limit> limits; // 0..16: rates, then quotas, then concurrency
    Place place;
};

/// What a route asks of a request. There is no default.
enum class Access : std::uint8_t {
    open, // `public`: no key is looked at
    key,  // any valid key
    scope // a valid key with scopes
};
enum class Need : std::uint8_t { all, any };

/// `answer:` what the gateway answers by itself, to the caller and about its own owner's keys.
enum class Reply : std::uint8_t {
    none, // the request is forwarded
    whoami,
    create_key,
    list_keys,
    show_key,
    update_key,
    revoke_key,
    delete_key,
    rotate_key
};
inline constexpr std::size_t reply_count = 9;

/// `cors:` pages of other origins that may call the API from a browser.
struct Cors {
    bool any_origin = false;          // `origins: "*"`
    std::vector<std::string> origins; // `https://app.example.com`, `https://*.example.com`
    /// Fields that a page may send; absent: those that it asks for.
    std::optional<std::vector<std::string>> headers;
    std::vector<std::string> expose; // fields that a page may read beside the usual ones and ours
    seconds max_age{600};            // how long a browser may remember a preflight
    bool credentials = false;        // cookies; keys need it not
    /// We answer preflights, and say on every answer what pages may read it; else the upstream
    /// does, and gets preflights without a key, and we say it on our own refusals alone.
    bool answers_preflight = true;

    bool operator==(const Cors&) const = default;
};

/// `rewrite:` the path that the upstream gets: `{prefix: /v1, with: /api}`. Where nothing is left
/// of it, it is `/`.
struct Rewrite {
    std::string prefix; // literal segments that the route's pattern begins with
    std::string with;   // in its place, `/api` or empty

    bool operator==(const Rewrite&) const = default;
};

/// `timeouts:` of a route, in place of its upstream's.
struct RouteTimeouts {
    std::optional<milliseconds> first_byte;
    std::optional<milliseconds> idle;
    std::optional<milliseconds> total;
};

/// One line of the route-to-scope map.
struct Route {
    std::vector<std::string> methods; // upper case; empty = ANY
    std::string pattern;              // as written: `/v1/tests/{id}`, `/v1/tests/**`
    Access access = Access::key;
    Need need = Need::all;
    /// Non-empty exactly if access is `scope`. With `{resource}` in it the scope depends on that
    /// segment of the path: `{resource}:read`.
    std::vector<std::string> scopes;
    bool is_optional = false; // `auth: optional`: without a credential it is public
    Reply reply = Reply::none;
    bool pass_authorization = false; // `authorization: pass`, public routes only
    std::vector<Limit> limits;       // 0..8, beside those of plans; by route or address if public
    std::uint32_t weight = 1;        // 1..10'000: what one request costs rates and `requests`
    std::string meter;               // quota that an answer with 2xx costs one of; empty: none
    /// Where it leads: `live`, `test` or a name in Api::others; empty: `live` and `test` of the
    /// API.
    std::string live_upstream;
    std::string test_upstream; // with `live_upstream` only; then empty: test keys are refused
    std::optional<Rewrite> rewrite;
    RouteTimeouts timeouts;
    std::optional<std::uint64_t> max_body; // in place of the client's
    std::optional<Cors> cors;              // what holds here: its own, or the API's
    std::string text;                      // `GET /v1/tests/{id}`: its name in logs and metrics
    Place place;
};

/// A JSON value in whose texts `{variables}` may stand (config/template.hpp knows them). A text
/// that is nothing but one variable becomes what the variable is: a number, a list, null.
struct Template {
    enum class Kind : std::uint8_t {
        text,
        literal, // `true`, `17`, `null`: `text` as it is
        list,
        object
    };

    Kind kind = Kind::text;
    std::string text;
    std::vector<Template> items;                             // of a list
    std::vector<std::pair<std::string, Template>> members{}; // of an object, in order

    bool operator==(const Template&) const = default;
};

/// `body:` of refusals.
struct Body {
    enum class Kind : std::uint8_t {
        code,     // {"error": {"code", "reason", "message", "request_id"}}
        envelope, // {"success": false, "error": {…}}
        problem,  // RFC 9457
        plain,    // the message and the request id as text
        custom    // `shape`
    };

    Kind kind = Kind::code;
    Template shape;
    std::string type; // of `custom`: its media type

    bool operator==(const Body&) const = default;
};

/// A field that a profile adds to an answer.
struct AnswerField {
    std::string name;
    std::string value; // may hold variables

    bool operator==(const AnswerField&) const = default;
};

/// How one API answers one reason.
struct Answer {
    std::uint16_t status = 0; // 400..599
    std::string code;         // `INVALID_API_KEY`
    std::string message;      // one sentence for the client's developer
    std::vector<AnswerField> fields{};
    std::optional<Body> body{}; // absent: the profile's

    bool operator==(const Answer&) const = default;
};

/// `refusals:` of one API: what it says in another way than its profile.
struct AnswerChange {
    Reason reason = Reason::auth_missing;
    // At least one of them is there.
    std::optional<std::uint16_t> status;
    std::optional<std::string> code;
    std::optional<std::string> message;
    std::optional<std::vector<AnswerField>> fields{};
    std::optional<Body> body{};
};

/// `answers:` how the gateway answers by itself.
struct ReplyShape {
    std::uint16_t status = 200;   // 200..299
    std::optional<Template> body; // absent exactly if the status is 204
    /// Of `list_keys`, and there always: what each of `{keys}` is.
    std::optional<Template> key;

    bool operator==(const ReplyShape&) const = default;
};

/// `sources:` where a request carries its key.
struct KeySource {
    enum class Kind : std::uint8_t {
        bearer,   // `Authorization: Bearer <key>`
        scheme,   // `Authorization: <name> <key>`
        field,    // `<name>: <key>`
        query,    // `?<name>=<key>`; it is taken out of what is forwarded
        websocket // `Sec-WebSocket-Protocol: <name>, <key>` of an upgrade, where browsers have no
                  // other place; both are taken out, and the answer names `name`
    };

    Kind kind = Kind::bearer;
    std::string name;

    bool operator==(const KeySource&) const = default;
};

/// `max_age:` keys should be replaced from time to time. A key whose record does not say when it
/// was made is older than any.
struct MaxAge {
    std::optional<seconds> warn;   // answers say so from then on
    std::optional<seconds> refuse; // key_expired from then on

    bool operator==(const MaxAge&) const = default;
};

/// `self_service:` what keys may do through `answer:` routes.
struct SelfService {
    /// A key that is made or changed there ends no later than the key that makes it.
    bool caps_expiry = false;

    bool operator==(const SelfService&) const = default;
};

enum class Alphabet : std::uint8_t {
    hex,    // 0-9 a-f
    base36, // 0-9 a-z
    base62, // 0-9 A-Z a-z
    token   // A-Z a-z 0-9 . _ -
};

/// One part of a key's shape: a run of letters.
struct Run {
    Alphabet alphabet = Alphabet::token;
    std::uint32_t min = 0; // letters
    std::uint32_t max = 0;

    bool operator==(const Run&) const = default;
};

/// What keys of an API look like: which are accepted at all, and what a new one is made of.
struct KeyFormat {
    std::string prefix;      // accepted keys begin with it; for formats without modes
    std::string live_prefix; // formats with modes: both are set and differ
    std::string test_prefix;
    /// A public part that follows the prefix, and the text that ends it; min == max, 0: none.
    Run lookup;
    std::string separator;
    /// Keys are found by prefix and public part, and the rest is compared in constant time; else by
    /// all of it.
    bool is_found_by_lookup = false;
    Run body; // what follows all that
    /// The last letters of the body are a checksum of all before them.
    bool has_checksum = false;
    // New keys: mint prefix by mode (the same as above unless the profile says otherwise) and body.
    std::string mint_live_prefix;
    std::string mint_test_prefix;  // empty: the format mints live keys only
    Run mint;                      // min == max
    std::uint32_t shown_first = 0; // letters of a key kept in clear for people, from its start …
    std::uint32_t shown_last = 0;  // … and from its end

    bool operator==(const KeyFormat&) const = default;
};

enum class DefaultScopes : std::uint8_t { all, none };
enum class TrailingSlash : std::uint8_t { strict, ignore };

/// config/profiles/NAME.yaml: how one product's keys look and how its refusals read.
struct Profile {
    std::string name;
    KeyFormat key;
    DefaultScopes default_scopes = DefaultScopes::all;
    TrailingSlash trailing_slash = TrailingSlash::strict;
    bool show_reason = true;
    std::string realm = "api";        // of the challenge
    std::string challenge = "Bearer"; // its scheme
    std::vector<KeySource> sources{KeySource{}};
    MaxAge max_age;
    /// Keys that one owner can have at once, those in their grace and ended ones not counted.
    std::optional<std::uint32_t> max_keys_per_owner;
    std::vector<LimitFields> fields{LimitFields::draft10}; // unless the API says otherwise
    SelfService self_service;
    Body body;
    std::array<Answer, reason_count> answers;
    std::array<ReplyShape, reply_count> replies; // by Reply; nothing for `none`

    bool operator==(const Profile&) const = default;
};

/// `bind: {store_id: key.store}`: a request's path must name the tenant that its key is of.
struct Binding {
    std::string parameter; // of path patterns
    bool is_owner = false; // it must be the owner's id …
    std::string name;      // … or this member of the key's `bind`
};

/// `implies: {"webhooks:manage": ["webhooks:read"]}`
struct Implication {
    std::string scope;
    std::vector<std::string> implied;
};

/// `recoverable:` keys that operators can see again.
struct Recoverable {
    std::string key_file; // made when absent, mode 0600
    std::vector<std::string> old_key_files;
};

/// One of `upstreams` beside `live` and `test`.
struct NamedUpstream {
    std::string name;
    Upstream upstream;
};

struct Api {
    std::string name;
    Profile profile;                    // with the changes of `refusals` and others below
    std::vector<AnswerChange> refusals; // as written, in their order
    std::vector<std::string> hosts;     // lower case, without port; empty = every other host
    std::optional<std::vector<std::string>> scopes; // the closed vocabulary, if written
    std::vector<Plan> plans;                        // empty: the API has no plans
    std::optional<std::string> default_plan;
    Limits limits;
    /// How many unknown keys one address may send before they are not looked up any more: lockout
    std::optional<Rate> failed_auth;
    Upstream live;
    std::optional<Upstream> test;
    std::vector<NamedUpstream> others; // that routes name
    std::optional<Cors> cors;          // of routes that do not say it, and of unknown ones
    /// Tunnels and answers under way end when their key does.
    bool terminate_streams = false;
    std::vector<Route> routes;
    std::vector<Limit> counts; // config/meter_counts.hpp
    std::vector<Implication> implies;
    std::vector<Binding> bind;
    std::optional<Recoverable> recoverable;
    std::vector<std::string> trailers; // that are passed on, in both directions; others are dropped
    TrailingSlash trailing_slash = TrailingSlash::strict; // of the profile unless written here
    Place place;

    /// What scopes a key of this API can have: `scopes` as written, or what the routes name;
    /// sorted.
    [[nodiscard]] std::vector<std::string> vocabulary() const;
};

/// How a Redis is reached: `redis://`, `rediss://`, `unix://`.
enum class RedisTransport : std::uint8_t { tcp, tls, unix_socket };

/// `store: {redis: {tls: …}}`, with `rediss://` only. The server's certificate is always checked.
struct RedisTls {
    std::string ca;          // PEM file; empty: the authorities of the system
    std::string certificate; // PEM files of our own certificate and its key; both or none
    std::string private_key;
    std::string server_name; // in the server's certificate; empty: the host of the URL
};

/// `store: {redis: …}`
struct Redis {
    std::string url; // without user and password, for people
    RedisTransport transport = RedisTransport::tcp;
    std::string host; // IP address or DNS name
    std::uint16_t port = 6379;
    std::string path;            // of the unix socket
    std::uint32_t database = 0;  // 0..65535
    std::string user;            // empty: Redis' default user
    bool is_user_hidden = false; // it came with a URL from the environment, and is not shown
    /// One of them at most: the password itself (the URL's, or from the environment), or its file.
    std::shared_ptr<const Secret> password;
    std::string password_file;
    RedisTls tls;
    std::string client_name = "keygate"; // in CLIENT LIST; 1..64 letters, digits, `.`, `_`, `-`
    milliseconds timeout{40};            // for what a request waits for: store_unavailable
    milliseconds command_timeout{2'000}; // for dialling, and for an operator's call
    std::uint32_t max_keys = 200'000;    // kept in memory; 616 bytes each and its text
    std::uint32_t max_unknown = 20'000;  // digests known to be nobody's
};

/// `store:` where keys are kept.
struct Store {
    std::string file; // default: `<name of the configuration>.db` beside it; empty with Redis
    std::optional<Redis> redis; // instead of the file
    // With Redis:
    /// A change that was acknowledged decides every request that is sent this much later. 0: Redis
    /// is asked for each request.
    milliseconds revocation_bound{250}; // 0 or 20 ms..60 s
    /// How much longer known keys go on while Redis is away. 0: not at all.
    milliseconds stale_while_down{0}; // up to 24 h
    /// False: nobody but keygate writes to it (where Redis offers no tracking).
    bool external_writers = true;
};

/// `peppers:` secrets beside the store that digests of new keys are made with.
struct Pepper {
    std::string name; // in records, so that each key finds its own
    std::string file;
    Place place;
};

inline constexpr std::size_t most_peppers = 4; // each costs a request a digest

/// What a token of the admin API may do; each may what those before it may.
enum class Role : std::uint8_t {
    viewer,       // read
    key_operator, // `operator`: change keys and owners
    admin         // also: reload the configuration, back up the store
};

/// `viewer`, `operator`, `admin`: as they are written.
[[nodiscard]] std::string_view to_string(Role role);

/// A token of the admin API: its text is nowhere, its digest is enough to know it.
struct AdminToken {
    std::string name; // who it is in the log; unique
    Role role = Role::viewer;
    std::string digest; // `sha256:<64 lower-case hex>`, unique
};

/// `admin:` without it the command line uses a 0600 unix socket beside the embedded file, or beside
/// the configuration where there is none.
struct Admin {
    std::optional<Endpoint> address; // loopback only; absent: nothing but the unix socket
    std::string socket;              // of `address: "unix:PATH"`; empty: the same
    /// One plain token with the role admin, made when absent. Over TCP it or `tokens` is there.
    std::optional<std::string> token_file;
    std::vector<AdminToken> tokens;
    std::vector<std::string> hosts; // names beside the loopback's that `Host` may say; lower case
};

/// `log:`
struct Log {
    std::string level = "info";    // debug, info, warning, error
    std::string access = "stdout"; // stdout, off, or a file's path
};

/// `drain:` what happens between SIGTERM and the end.
struct Drain {
    milliseconds delay{0};        // readiness is off, requests are still taken
    milliseconds timeout{30'000}; // for requests in flight
};

/// `identity:` the headers that tell the upstream who calls.
struct Identity {
    std::string prefix = "X-Key-";
};

struct Settings {
    std::string file;          // of the configuration, as given
    std::uint32_t threads = 0; // 0 = one per core
    std::vector<Listener> listeners;
    ClientLimits client;
    Store store;
    std::vector<Pepper> peppers; // the first one is for new keys
    std::optional<Admin> admin;
    std::optional<Endpoint> status;
    Log log;
    Drain drain;
    Identity identity;
    std::string via = "keygate"; // our name in `Via` and `Proxy-Status`, RFC 9110 7.6.3
    Forwarded forwarded;
    ProxyStatus proxy_status = ProxyStatus::errors;
    Dns dns;
    std::vector<Api> apis;
    /// Values that came from the environment: dotted path to what was written, `${TOKEN_FILE}`.
    /// They are shown so and not as what they are.
    std::map<std::string, std::string> from_variables;
};

} // namespace keygate::config
