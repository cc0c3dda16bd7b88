#!/usr/bin/python3
"""What of a request a server gets, which server it is, how it is reached, and for how long.

    tests/upstreams/routes.py [--only NAME]

Paths that are rewritten, upstreams by route and by mode, Host, unix sockets, TLS with good and bad certificates,
timeouts and bounds of single routes.

The last line is `N passed, N failed`.
"""

import argparse
import signal
import sys
import time

sys.dont_write_bytecode = True

from front import SECONDS, Counted, Stage, api, becomes, check_program, milliseconds, upstream  # noqa: E402
from callers import told  # noqa: E402
from certificates import Authority  # noqa: E402

PREFIX = "X-Forwarded-Prefix"

# prefix and with, what is asked for, what the server gets, X-Forwarded-Prefix
REWRITES = (
    ("/v1", "/api", "/v1/orders/7", "/api/orders/7", "/v1"),
    ("/v1", "/api", "/v1/orders/7?a=1&b=%2F..%3F#", None, None),
    ("/v1", "/api", "/v1/orders/7?a=1&b=%2F..%3F", "/api/orders/7?a=1&b=%2F..%3F", "/v1"),
    ("/v1", "/api", "/v1/orders/", "/api/orders/", "/v1"),
    ("/v1", "/api", "/v1", "/api", "/v1"),
    ("/v1", "/api", "/v1/", "/api/", "/v1"),
    ("/v1", "/api", "/v1?x", "/api?x", "/v1"),
    ("/v1", "/api", "/v1/v1/x", "/api/v1/x", "/v1"),
    ("/v1", "/api", "/v1/%c3%a4", "/api/%C3%A4", "/v1"),
    ("/v2/deep", "", "/v2/deep/orders?x=1", "/orders?x=1", "/v2/deep"),
    ("/v2/deep", "", "/v2/deep", "/", "/v2/deep"),
    ("/v2/deep", "", "/v2/deep?x=1", "/?x=1", "/v2/deep"),
    ("/v2/deep", "", "/v2/deep/", "/", "/v2/deep"),
    (None, None, "/v3/plain?x", "/v3/plain?x", None),
)


def last(server):
    return server.seen()[-1]


def rewrites(case, stage):
    server = stage.server("rewrites")
    routes = {
        "ANY /v1/**": {"access": "key", "rewrite": {"prefix": "/v1", "with": "/api"}},
        "ANY /v2/deep/**": {"access": "key", "rewrite": {"prefix": "/v2/deep", "with": ""}},
        "ANY /v3/**": "key",
        "ANY /v4/{id}/x": {"access": "key", "rewrite": {"prefix": "/v4", "with": "/a/b"}},
        "ANY /open/**": {"access": "public", "rewrite": {"prefix": "/open", "with": ""}},
    }
    with stage.gateway({"shop": api(upstream([server]), routes)}, "rewrites") as gateway:
        key = gateway.key()
        for _, _, asked, wanted, prefix in REWRITES:
            for fields in ([], [(PREFIX, "/evil")]):
                count = server.count
                answer = gateway.ask(key, path=asked, fields=fields)
                if wanted is None:
                    case.equal(f"{asked}", (answer.status, server.count - count), (400, 0))
                    continue
                case.equal(f"{asked}", answer.status, 200)
                case.equal(f"{asked} becomes", last(server).target, wanted)
                if prefix is not None:
                    case.equal(f"{PREFIX} of {asked}", last(server).field(PREFIX), [prefix])
                elif not fields:
                    case.equal(f"{PREFIX} of {asked}", last(server).field(PREFIX), [])
        case.note(f"{PREFIX} of a client where nothing is rewritten: {last(server).field(PREFIX)}")
        gateway.ask(key, path="/v4/7/x", method="POST", body=b"abc")
        case.equal("with a parameter", (last(server).target, last(server).length), ("/a/b/7/x", 3))
        gateway.ask(None, path="/open/who?x=1")
        case.equal("of everybody", last(server).target, "/who?x=1")
        for path in ("/v1/../admin", "/v1//x", "/open//evil.example/", "/v2/deep//evil.example/x", "/v1/%2e%2e/x"):
            count = server.count
            case.equal(f"{path} is refused", gateway.ask(key, path=path).status, 400)
            case.equal("and not seen", server.count, count)


def modes(case, stage):
    """A live key never comes to a test server, and the other way round."""
    live, test, v2, v2_test, v3, v4 = stage.servers(["live", "test", "v2", "v2_test", "v3", "v4"])
    upstreams = {
        "live": upstream([live]),
        "test": upstream([test]),
        "v2": upstream([v2]),
        "v2_test": upstream([v2_test]),
        "v3": upstream([v3]),
        "v4": upstream([v4]),
    }
    routes = {
        "GET /v1/**": "key",
        "GET /v2/**": {"access": "key", "upstream": {"live": "v2", "test": "v2_test"}},
        "GET /v3/**": {"access": "key", "upstream": "v3"},
        "GET /v4/**": {"access": "public", "upstream": "v4"},
        "GET /open/**": "public",
    }
    shop = api(None, routes)
    shop["upstreams"] = upstreams
    only = api(upstream([live]), {"GET /v1/**": "key"})
    with stage.gateway({"shop": shop, "only": only}, "modes") as gateway:
        keys = {"live": gateway.key(), "test": gateway.key("shop", "acme", "--mode", "test"), "none": None}
        for path, mode, wanted in (
            ("/v1/x", "live", "200 live"),
            ("/v1/x", "test", "200 test"),
            ("/v2/x", "live", "200 v2"),
            ("/v2/x", "test", "200 v2_test"),
            ("/v3/x", "live", "200 v3"),
            ("/v3/x", "test", "403 key_mode_mismatch"),
            ("/v4/x", "none", "200 v4"),
            ("/open/x", "none", "200 live"),
            # Who is not looked at has no mode.
            ("/open/x", "test", "200 live"),
        ):
            for _ in range(3):
                case.equal(f"{path} with a key of {mode}", str(gateway.ask(keys[mode], path=path)), wanted)
        case.equal("one without a test upstream", str(gateway.ask(gateway.key("only"), host="only")), "200 live")
        for server, mode in ((live, "live"), (test, "test"), (v2, "live"), (v2_test, "test"), (v3, "live")):
            seen = {value for one in server.seen() for value in one.field("X-Key-Mode")}
            case.equal(f"X-Key-Mode at {server.name}", seen, {mode})

        def lines():
            return [one for one in gateway.access_lines() if one.get("upstream") == v2_test.label]

        case.true("the access log tells whom", becomes(lambda: len(lines()) == 3, SECONDS))
        case.equal("and with which keys", {one["mode"] for one in lines()}, {"test"})


def hosts(case, stage):
    server = stage.server("hosts")
    apis = {
        "default": api(upstream([server])),
        "pass": api(upstream([server], host="pass")),
        "server": api(upstream([server], host="server")),
        "fixed": api(upstream([server], host="api.internal")),
        "port": api(upstream([server], host="api.internal:8443")),
    }
    with stage.gateway(apis, "hosts") as gateway:
        for name, wanted in {
            "default": "default",
            "pass": "pass",
            "server": server.label,
            "fixed": "api.internal",
            "port": "api.internal:8443",
        }.items():
            case.equal(f"{name}: status", gateway.ask(gateway.key(name), host=name).status, 200)
            case.equal(f"{name}: Host", last(server).field("Host"), [wanted])
            case.equal(f"{name}: X-Forwarded-Host", last(server).field("X-Forwarded-Host"), [name])


def unix(case, stage):
    folder = stage.folder / "sockets"
    folder.mkdir()
    first, second = (stage.server(name, path=str(folder / f"{name}.sock")) for name in ("first", "second"))
    settings = {"balance": "round_robin", "ejection": {"failures": 2, "time": "300ms"}}
    apis = {
        "shop": api(upstream([first, second], **settings)),
        "relative": api({"servers": ["unix:sockets/first.sock"]}),
        "named": api(upstream([first], host="server")),
    }
    with stage.gateway(apis, "unix") as gateway:
        key = gateway.key()
        with gateway.caller(key) as caller:
            case.equal("in turn", told(caller.ask() for _ in range(10)), {"200 first": 5, "200 second": 5})
            case.equal("a body", caller.ask(method="POST", body=b"x" * 100_000).body.split()[2], b"100000")
        with gateway.stream(key, is_tunnel=True) as tunnel:
            case.true("a tunnel", becomes(lambda: tunnel.received > 50, SECONDS))
        second.kill()
        with gateway.load(key, make=lambda _: ("GET", None)) as load:
            load.goes_on(200)
            case.equal("one is away", {str(one) for one in load.answers[-20:]}, {"200 first"})
            second.come_back()
            case.true("and back", becomes(lambda: str(load.answers[-1]) == "200 second", SECONDS))
        relative = gateway.ask(gateway.key("relative"), host="relative")
        case.note(f"a path from the configuration's folder: {relative}")
        case.equal("of the access log", gateway.access_lines()[0].get("upstream"), first.label)
        named = gateway.ask(gateway.key("named"), host="named")
        case.note(f"with host: server it gets Host: {last(first).field('Host')[0]} ({named})")


def secured(case, stage):
    authority, stranger = Authority(stage.folder, "authority"), Authority(stage.folder, "stranger")
    by_name = {"server_name": "api.internal"}
    ca = {"ca": str(authority.ca)}
    good = authority.make("good", "DNS:api.internal,IP:127.0.0.1")
    client = authority.make("client", "DNS:gateway")
    wanting = good | {"ca": str(authority.ca)}
    rows = {
        # what the server has, what the gateway has, whether that is good
        "by address": (good, ca, True),
        "by name": (good, ca | by_name, True),
        "by a wildcard": (authority.make("wild", "DNS:*.svc.internal"), ca | {"server_name": "a.svc.internal"}, True),
        "wrong-name": (authority.make("wrong", "DNS:other.internal,IP:127.0.0.9"), ca, False),
        "wrong-server-name": (good, ca | {"server_name": "other.internal"}, False),
        "self-signed": (authority.make("self", "DNS:api.internal,IP:127.0.0.1", is_self_signed=True), ca, False),
        "another authority": (stranger.make("foreign", "DNS:api.internal,IP:127.0.0.1"), ca, False),
        "the system's authorities": (good, {}, False),
        "expired": (authority.make("old", "DNS:api.internal,IP:127.0.0.1", days=-1), ca, False),
        "with a certificate": (wanting, ca | client, True),
        "without a certificate": (wanting, ca, False),
        "with a stranger's": (wanting, ca | stranger.make("client", "DNS:gateway"), False),
        "TLS 1.2": (good | {"most": "TLSv1_2"}, ca, True),
        "TLS 1.2 where 1.3 is wanted": (good | {"most": "TLSv1_2"}, ca | {"min_version": "1.3"}, False),
    }
    names = {name: f"row{number}" for number, name in enumerate(rows)}
    servers = {name: stage.server(name, tls=row[0]) for name, row in rows.items()}
    plain = stage.server("plain")
    once = {"retries": {"attempts": 0}, "ejection": "off", "connect_timeout": "1s"}
    apis = {
        names[name]: api(upstream([servers[name]], **once, **({"tls": row[1]} if row[1] else {})))
        for name, row in rows.items()
    }
    apis["no-tls"] = api({"servers": [f"https://{plain.label}"], "tls": ca} | once)
    apis["to-tls"] = api({"servers": [f"http://{servers['by address'].label}"]} | once)
    with stage.gateway(apis, "secured") as gateway:
        bad = []
        for name, (_, _, is_good) in rows.items():
            key, server = gateway.key(names[name]), servers[name]
            with gateway.caller(key, names[name]) as caller:
                answers = [caller.ask(), caller.ask(method="POST", body=b"x" * 50_000), caller.ask()]
            if is_good:
                case.equal(f"{name}: answers", {one.status for one in answers}, {200})
                case.equal(f"{name}: a body", answers[1].body.split()[-2], b"50000")
                case.equal(f"{name}: connections", server.opened, 1)
                with gateway.stream(key, host=names[name], is_tunnel=True) as tunnel:
                    case.true(f"{name}: a tunnel", becomes(lambda: tunnel.received > 50, SECONDS))
            else:
                bad += answers
                case.note(f"{name}: {answers[0]}")
                case.equal(f"{name}: requests that were seen", server.count, 0)
        case.equal("answers where it is not good", {one.status for one in bad} - {502, 503}, set())
        answer = gateway.ask(gateway.key("no-tls"), host="no-tls")
        case.true(f"a server that knows no TLS: {answer}", answer.status in (502, 503, 504) and plain.count == 0)
        answer = gateway.ask(gateway.key("to-tls"), host="to-tls")
        case.true(f"a server that wants TLS: {answer}", answer.status in (502, 503, 504))


def bounds(case, stage):
    """timeouts and max_body of a route, total_timeout of an upstream."""
    server = stage.server("bounds")
    routes = {
        "ANY /v1/**": "key",
        "ANY /first/**": {"access": "key", "timeouts": {"first_byte": "300ms"}},
        "ANY /idle/**": {"access": "key", "timeouts": {"idle": "300ms"}},
        "ANY /total/**": {"access": "key", "timeouts": {"total": "600ms"}},
        "ANY /long/**": {"access": "key", "timeouts": {"first_byte": "20s", "idle": "20s", "total": "20s"}},
        "POST /small/**": {"access": "key", "max_body": "10B"},
        "POST /large/**": {"access": "key", "max_body": "1MiB"},
    }
    once = {"retries": {"attempts": 0}, "ejection": "off"}
    patient = {"first_byte_timeout": "20s", "idle_timeout": "20s"} | once
    hasty = {"total_timeout": "600ms"} | patient
    apis = {"shop": api(upstream([server], **patient), routes), "hasty": api(upstream([server], **hasty), routes)}
    with stage.gateway(apis, "bounds", client={"max_body": "1000B", "max_connections": 1000}) as gateway:
        key, other = gateway.key(), gateway.key("hasty")
        for name, path, host, wanted, least in (
            ("no first byte", "/first/do/hang", "shop", "504 upstream_timeout", 0.3),
            ("a first byte in time", "/first/do/slow/100", "shop", "200 bounds", 0.1),
            ("another route", "/v1/do/slow/600", "shop", "200 bounds", 0.6),
            ("stalled", "/idle/do/stall", "shop", "200 cut", 0.3),
            ("total, nothing came", "/total/do/hang", "shop", "504 upstream_timeout", 0.6),
            ("total, in the middle", "/total/do/download", "shop", "200 cut", 0.6),
            ("total, of chunks", "/total/do/events", "shop", "200 cut", 0.6),
            ("total, in time", "/total/do/slow/100", "shop", "200 bounds", 0.1),
            ("total of the upstream, nothing came", "/v1/do/hang", "hasty", "504 upstream_timeout", 0.6),
            ("total of the upstream, in the middle", "/v1/do/download", "hasty", "200 cut", 0.6),
            ("total of the upstream, of chunks", "/v1/do/events", "hasty", "200 cut", 0.6),
            ("a longer one of the route", "/long/do/slow/900", "hasty", "200 bounds", 0.9),
        ):
            answer = gateway.ask(key if host == "shop" else other, path=path, host=host)
            case.equal(name, str(answer), wanted)
            case.true(f"{name}: {milliseconds(answer.seconds)}", 0.95 * least <= answer.seconds < least + 3)
            case.true(f"{name}: no end that looks right", not answer.body.endswith(b"0\r\n\r\n"))
        with gateway.stream(other, path="/v1/x", host="hasty", is_tunnel=True) as tunnel:
            start = time.monotonic()
            becomes(lambda: tunnel.ended or time.monotonic() > start + 1.2, SECONDS)
            case.equal("a tunnel is older than total_timeout and ended", tunnel.ended, None)
        for name, path, size, status in (
            ("a small one", "/small/x", 10, 200),
            ("larger than the route allows", "/small/x", 11, 413),
            ("as the client's", "/v1/x", 1000, 200),
            ("larger than that", "/v1/x", 1001, 413),
            ("larger than the client's where the route allows it", "/large/x", 1 << 20, 200),
            ("larger than that", "/large/x", (1 << 20) + 1, 413),
        ):
            answer = gateway.ask(key, path=path, method="POST", body=b"x" * size)
            case.equal(f"{name}, {size} bytes", answer.status, status)
            if status == 413:
                case.equal(f"{name}: reason", answer.reason, "body_too_large")
        chunked = b"b\r\nxxxxxxxxxxx\r\n0\r\n\r\n"
        fields = [("Transfer-Encoding", "chunked")]
        answer = gateway.ask(key, path="/small/x", method="POST", fields=fields, body=chunked)
        case.equal("chunks that are more than the route allows", str(answer), "413 body_too_large")


def main():
    parts = {
        "rewrites": rewrites,
        "modes": modes,
        "hosts": hosts,
        "unix sockets": unix,
        "TLS": secured,
        "bounds": bounds,
    }
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", choices=parts)
    options = arguments.parse_args()
    check_program()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counted = Counted("routes")
    with Stage() as stage:
        for name, part in parts.items():
            if options.only in (None, name):
                with counted.case(name) as case:
                    part(case, stage)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
