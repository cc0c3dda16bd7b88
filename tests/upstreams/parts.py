#!/usr/bin/python3
"""The parts of this rig alone, without a gateway: servers that do what they are told, names, clients.

    tests/upstreams/parts.py

The last line is `N passed, N failed`.
"""

import contextlib
import signal
import socket
import ssl
import sys
import time

sys.dont_write_bytecode = True

from front import Counted, Stage, becomes  # noqa: E402
from callers import Caller, Load, Stream, Waiting, ask_once, told  # noqa: E402
from certificates import Authority  # noqa: E402
from names import NameServer, ask  # noqa: E402

SECONDS = 10


def kinds(case, stage):
    server = stage.server("kinds")
    for kind, wanted in {
        "well": "200 kinds",
        "status/503": "503 kinds",
        "slow/20": "200 kinds",
        "garbage": "ValueError",
        "close": "ConnectionError",
        "reset": "ConnectionError",
        "cut_head": "ConnectionError",
        "cut_body": "200 cut",
        "close_long": "200 cut",
    }.items():
        answer = ask_once(server.port, path=f"/do/{kind}", method="POST", body=b"body")
        case.true(f"{kind} is {answer}", str(answer).startswith(wanted))
        server.behave(*kind.split("/")[:1], *map(int, kind.split("/")[1:]))
        again = ask_once(server.port)
        case.true(f"as a behaviour {kind} is {again}", str(again).startswith(wanted))
        server.behave()
    seen = server.seen()
    case.equal("requests that were seen", (len(seen), server.count), (18, 18))
    case.equal("running", server.running, 0)
    case.equal("bodies", [one.length for one in seen[:2]], [4, 0])
    chunked = ask_once(
        server.port, method="POST", fields=[("Transfer-Encoding", "chunked")], body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    case.equal("a chunked body", (chunked.status, chunked.body.split()[2]), (200, b"5"))


def life(case, stage):
    server = stage.server("life")
    with Caller(server.port) as caller:
        case.equal("at first", str(caller.ask()), "200 life")
        server.kill()
        answer = caller.ask()
        case.true(f"killed, a connection is reset: {answer}", "Connection" in answer.error)
        case.true("and nobody listens", is_refused(server))
        server.come_back()
        case.equal("back", str(caller.ask()), "200 life")
    with Waiting(server.port, None, 1, "/do/hold") as held:
        case.true("one is held", becomes(lambda: server.running == 1, SECONDS))
        server.refuse()
        case.true("nobody listens", is_refused(server))
        server.release()
        case.equal("what was under way is answered", told(held.read()), {"200 life": 1})
        case.equal("and is the last", held.answers[0].fields.get("connection"), "close")
    server.fill()
    with socket.socket() as trial:
        trial.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            trial.connect(("127.0.0.1", server.port))
            case.true("a connection comes to be", False)
    server.come_back()
    case.equal("back again", ask_once(server.port).status, 200)
    server.health("ill")
    case.equal("ill", ask_once(server.port, path="/health").status, 503)
    case.equal("checks are no requests", (server.checks, len(server.checked())), (1, 1))


def is_refused(server):
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", server.port)) != 0


def ways(case, stage):
    """A unix socket, TLS, IPv6."""
    path = stage.folder / "app.sock"
    server = stage.server("unix", path=str(path))
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))
        link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        case.true("by a unix socket", link.recv(1000).startswith(b"HTTP/1.1 200"))
    server.kill()
    server.come_back()
    case.equal("seen", server.count, 1)
    authority = Authority(stage.folder)
    pair = authority.make("good", "IP:127.0.0.1")
    for name, more, client in (("tls", {}, None), ("tls-client", {"ca": str(authority.ca)}, pair)):
        server = stage.server(name, tls=pair | more)
        context = ssl.create_default_context(cafile=str(authority.ca))
        if client:
            context.load_cert_chain(client["certificate"], client["private_key"])
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as link:
                link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                case.true(name, link.recv(1000).startswith(b"HTTP/1.1 200"))
    bare = ssl.create_default_context(cafile=str(authority.ca))
    with socket.create_connection(("127.0.0.1", server.port)) as plain, contextlib.suppress(OSError):
        with bare.wrap_socket(plain, server_hostname="127.0.0.1") as link:
            link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            case.equal("without a certificate", link.recv(1000), b"")
    case.equal("and nothing was seen", server.count, 1)
    other = stage.server("six", address="::1")
    with socket.create_connection(("::1", other.port)) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        case.true("IPv6", link.recv(1000).startswith(b"HTTP/1.1 200"))


def names(case, _):
    with NameServer() as server:
        case.equal("nobody's", ask(server.port, "app.test"), (3, [], None))
        server.set("app.test", "127.0.0.2", "127.0.0.3", "::1", ttl=7)
        case.equal("A", ask(server.port, "app.test"), (0, ["127.0.0.2", "127.0.0.3"], 7))
        case.equal("AAAA", ask(server.port, "app.test", "AAAA"), (0, ["::1"], 7))
        server.set("app.test", "127.0.0.4")
        case.equal("another", ask(server.port, "APP.test")[1], ["127.0.0.4"])
        server.mode("app.test", "servfail")
        case.equal("SERVFAIL", ask(server.port, "app.test"), (2, [], None))
        server.mode("app.test", "nxdomain")
        case.equal("NXDOMAIN", ask(server.port, "app.test"), (3, [], None))
        server.mode("app.test", "silent")
        case.equal("silence", ask(server.port, "app.test", seconds=0.2), None)
        for mode in ("garbage", "other"):
            server.mode("app.test", mode)
            try:
                case.true(f"{mode} is understood", ask(server.port, "app.test") is None)
            except Exception as error:
                case.note(f"{mode}: {type(error).__name__}")
        server.mode("app.test", None)
        case.equal("and back", ask(server.port, "app.test")[1], ["127.0.0.4"])
        case.equal("questions", server.questions("app.test"), 10)


def loads(case, stage):
    server = stage.server("loaded")
    with Load(server.port, None, clients=8, pause=0) as load:
        load.goes_on(1000)
        start = time.monotonic()
        load.goes_on(2000)
        seconds = time.monotonic() - start
    case.equal("all is well", set(told(load.answers)), {"200 loaded"})
    seen = {one.unique: one for one in server.seen()}
    case.equal("each was seen once", (len(seen), server.count), (load.count, load.count))
    wrong = [one for one in load.answers if one.fields["x-unique"] != one.unique]
    case.equal("answers to other requests", wrong, [])
    case.true("POST among them", {one.method for one in seen.values()} == {"GET", "POST"})
    case.note(f"{2000 / seconds:.0f} requests a second")
    with Load(server.port, None, clients=4) as load:
        load.goes_on(50)
        server.kill()
        load.goes_on(50)
        server.come_back()
        becomes(lambda: str(load.answers[-1]) == "200 loaded", SECONDS)
        load.goes_on(50)
    case.true(f"errors are seen: {told(load.answers)}", len(told(load.answers)) > 1)
    case.equal("and it goes on", str(load.answers[-1]), "200 loaded")


def streams(case, stage):
    server = stage.server("streams")
    for more in ({"path": "/do/events"}, {"path": "/do/download"}, {"is_tunnel": True}):
        with Stream(server.port, None, **more) as stream:
            case.equal("status", stream.answer.status, 101 if "is_tunnel" in more else 200)
            case.true("it flows", becomes(lambda: stream.received > 200, SECONDS))
            server.kill()
            case.true("it ends", becomes(lambda: stream.ended, SECONDS))
            case.true("without a last chunk", not stream.has_last_chunk)
        server.come_back()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counted = Counted("parts")
    with Stage() as stage:
        for name, what in {
            "what servers do": kinds,
            "how they die": life,
            "ways to them": ways,
            "names": names,
            "loads": loads,
            "streams": streams,
        }.items():
            with counted.case(name) as case:
                what(case, stage)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
