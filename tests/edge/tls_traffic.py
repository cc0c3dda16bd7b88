"""What goes over TLS: requests of all sizes, ends in the middle, and clients that are not what they should be."""

import asyncio
import contextlib
import hashlib
import itertools
import os
import random
import socket
import ssl
import struct
import time

import hello
import requests
import websockets

from behind import content
from rig import becomes
from talk import Line, Nothing, request
from tls_clients import VERSIONS, only
from tls_site import HASTE, NAME

SECONDS = 15
MIB = 1 << 20
SIZE = 10 * MIB
numbers = itertools.count(1)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def requests_of_all_kinds(report, site):
    for version in VERSIONS:
        with report.case(f"{version}, {SIZE // MIB} MiB up") as case:
            data = os.urandom(SIZE)
            told = site.ask(tls=only(site, version), method="POST", body=data).json()
            case.equal("size and SHA-256", (told["size"], told["sha256"]), (SIZE, sha256(data)))
        with report.case(f"{version}, {SIZE // MIB} MiB down") as case:
            answer = site.ask(tls=only(site, version), target=f"/v1/bytes/{SIZE}")
            case.equal("whole", answer.is_whole, True)
            case.equal("SHA-256", sha256(answer.body), answer.field("X-Sha256"))
        with report.case(f"{version}, chunks up, in pieces that fit nothing") as case:
            data, chance = content(MIB), random.Random(1)
            with Line(site.ports["several"], only(site, version), NAME) as line:
                line.send(request(method="POST", key=site.key, fields=["Transfer-Encoding: chunked"]))
                left = data
                while left:
                    piece, left = left[: (size := chance.randint(1, 40000))], left[size:]
                    line.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                line.send(b"0\r\n\r\n")
                told = line.read().json()
            case.equal("size and SHA-256", (told["size"], told["sha256"]), (MIB, sha256(data)))
        with report.case(f"{version}, 50 requests before the first answer is read") as case:
            with Line(site.ports["several"], only(site, version), NAME) as line:
                line.send(b"".join(request(f"/v1/echo?number={i}", site.key) for i in range(50)))
                targets = [line.read().json()["target"] for _ in range(50)]
            case.equal("answers", targets, [f"/v1/echo?number={i}" for i in range(50)])
        with report.case(f"{version}, one byte at a time, the handshake too") as case:
            answer = one_at_a_time(site.ports["several"], only(site, version), request(key=site.key))
            case.true(f"answered: {answer[:60]!r}", answer.startswith(b"HTTP/1.1 200 "))
        with report.case(f"{version}, a whole request and then close_notify: it is answered") as case:
            answer = one_at_a_time(site.ports["several"], only(site, version), request(key=site.key), is_end=True)
            case.true(f"answered: {answer[:60]!r}", answer.startswith(b"HTTP/1.1 200 "))
    with report.case("what the API is told of the way") as case:
        saw = site.ask().saw
        case.equal("X-Forwarded-Proto", saw.get("x-forwarded-proto"), ["https"])
        case.equal("X-Forwarded-For", saw.get("x-forwarded-for"), ["127.0.0.1"])
        saw = site.ask("plain").saw
        case.equal("X-Forwarded-Proto of plain HTTP", saw.get("x-forwarded-proto"), ["http"])
    with report.case("a refusal with a body on its way: it is the last answer, and whole") as case:
        with Line(site.ports["several"], site.trusting(), NAME) as line:
            case.equal("answer", str(line.ask(method="POST", key=None, body=b"x" * 1000)), "401 auth_missing")
            case.equal("then", line.ends(), b"")


def other_clients(report, site):
    for words, what in (
        (["--http1.1"], "curl --http1.1"),
        ([], "curl, which offers h2"),
        (["--tls-max", "1.2"], "curl --tls-max 1.2"),
        (["--tlsv1.3"], "curl --tlsv1.3"),
        (["-d", "a=1"], "curl -d"),
    ):
        with report.case(what) as case:
            answer = site.curl("several", *words)
            case.equal("status", answer and answer.status, 200)
            case.equal("as it was sent", answer.json()["method"], "POST" if "-d" in words else "GET")
    with report.case("requests, a session") as case:
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(site.authority.file)
            session.headers["Authorization"] = f"Bearer {site.key.text}"
            url = f"https://127.0.0.1:{site.ports['several']}"
            for _ in range(3):
                case.equal("status", session.get(f"{url}/v1/echo", timeout=SECONDS).status_code, 200)
            data = os.urandom(MIB)
            told = session.post(f"{url}/v1/echo", data=data, timeout=SECONDS).json()
            case.equal("SHA-256 of 1 MiB", told["sha256"], sha256(data))
        case.note(f"requests {requests.__version__}")
    with report.case("websockets, wss") as case:
        case.equal("echo", asyncio.run(through_a_socket(site)), [b"one", "zwei", b"x" * 60000])
        case.note(f"websockets {websockets.version.version}")


async def through_a_socket(site):
    url = f"wss://{NAME}:{site.ports['several']}/v1/socket"
    fields = {"Authorization": f"Bearer {site.key.text}"}
    link = websockets.connect(
        url, ssl=site.trusting(), host="127.0.0.1", server_hostname=NAME, extra_headers=fields, open_timeout=SECONDS
    )
    async with link as opened:
        received = []
        for message in (b"one", "zwei", b"x" * 60000):
            await opened.send(message)
            received.append(await asyncio.wait_for(opened.recv(), SECONDS))
        return received


def one_at_a_time(port, tls, data, is_end=False):
    """Everything that is sent goes byte by byte; @returns the first of what comes back. is_end: says so at the end."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = tls.wrap_bio(incoming, outgoing, server_hostname=NAME)
    with socket.create_connection(("127.0.0.1", port), SECONDS) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def step(action):
            while True:
                try:
                    result = action()
                except ssl.SSLWantReadError:
                    result = None
                for byte in outgoing.read():
                    link.send(bytes([byte]))
                if result is not None:
                    return result
                piece = link.recv(65536)
                if not piece:
                    raise Nothing("closed")
                incoming.write(piece)

        step(lambda: session.do_handshake() or True)
        step(lambda: session.write(data))
        if is_end:
            with contextlib.suppress(ssl.SSLWantReadError):  # for the other side's last word
                session.unwrap()
            link.sendall(outgoing.read())
        return step(lambda: session.read(65536))


# ---- ends in the middle


def is_reset(link):
    """When it is closed."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cut_by_close(line):
    line.close()


def cut_by_reset(line):
    is_reset(line.socket)
    line.close()


def cut_by_last_word(line):
    """TLS says in due form that nothing more comes; HTTP had more to say."""
    try:
        line.socket.settimeout(SECONDS)
        line.end()
        line.ends()
    except (OSError, Nothing):
        pass
    line.close()


CUTS = {"TCP alone ends": cut_by_close, "a reset": cut_by_reset, "close_notify": cut_by_last_word}
BODIES = {
    "half of its length": ("Content-Length: 20000", b"x" * 10000),
    "all chunks but the last": ("Transfer-Encoding: chunked", b"2710\r\n" + b"x" * 10000 + b"\r\n"),
    "half a chunk": ("Transfer-Encoding: chunked", b"4e20\r\n" + b"x" * 10000),
    "a last chunk without its end": ("Transfer-Encoding: chunked", b"2710\r\n" + b"x" * 10000 + b"\r\n0\r\n"),
}


def cut_by_clients(report, site):
    for version in VERSIONS:
        for how, cut in CUTS.items():
            for what, (framing, body) in BODIES.items():
                with report.case(f"{version}, {how} after {what}") as case:
                    tag = f"cut-{next(numbers)}-end"
                    line = Line(site.ports["several"], only(site, version), NAME)
                    line.send(request(f"/v1/echo?tag={tag}", site.key, [framing], "POST") + body)
                    case.true("it arrived", becomes(lambda: site.behind.with_tag(tag), SECONDS))
                    cut(line)
                    ended = becomes(lambda: all(one.is_cut for one in site.behind.with_tag(tag)), SECONDS)
                    case.true("the API sees it cut", ended)
                    case.equal("whole requests", [one for one in site.behind.with_tag(tag) if one.is_whole], [])


# ---- clients that are no such thing


def strangers(report, site):
    port = site.ports["several"]
    record = hello.record
    greeting = hello.hello(suites=hello.USUAL)
    for what, data in (
        ("plain HTTP", request(key=site.key)),
        ("plain HTTP with a PROXY line", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request(key=site.key)),
        ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
        ("zeroes", bytes(4096)),
        ("0xff", b"\xff" * 4096),
        ("noise", random.Random(7).randbytes(65536)),
        ("a record longer than there are", b"\x16\3\1\xff\xff" + bytes(70000)),
        ("data before a handshake", record(23, b"GET / HTTP/1.1\r\n\r\n")),
        ("an alert", record(21, b"\2\x28")),
        ("a wrong kind of record", record(99, b"x")),
        ("a hello that says it is longer than it is", greeting[:5] + b"\1\0\0\x10" + greeting[9:]),
        ("a hello in which lengths lie", greeting[:-30] + b"\xff\xff" * 15),
        ("a hello, then plain HTTP", greeting + request(key=site.key)),
        ("two hellos", greeting + greeting),
        ("10,000 empty records", record(22, b"") * 10000),
    ):
        with report.case(f"{what} where TLS is spoken") as case:
            before = site.behind.count
            told = said_to(port, data)
            case.true(f"no HTTP comes back: {told[:60]!r}", b"HTTP/1.1 200" not in told and b"X-Request-Id" not in told)
            case.equal("requests at the API", site.behind.count, before)
            case.note("closed" if not told else f"{len(told)} bytes, then closed")
    with report.case("TLS where plain HTTP is spoken") as case:
        told = said_to(site.ports["plain"], greeting)
        case.true(f"400, or closed: {told[:60]!r}", not told or told.startswith(b"HTTP/1.1 400 "))


def said_to(port, data):
    """Everything that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        try:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            while piece := link.recv(65536):
                received += piece
        except ConnectionError:
            pass
        return received


def stragglers(report, site):
    greeting = hello.hello(suites=hello.USUAL)
    port = site.hasty.port
    for what, data, drip in (
        ("nothing at all", b"", b""),
        ("the first byte of a hello", greeting[:1], b""),
        ("half a hello", greeting[: len(greeting) // 2], b""),
        ("a hello, and no more", greeting, b""),
        ("a hello, a byte now and then", b"", greeting),
        ("a hello, then empty records now and then", greeting, hello.record(21, b"\1\x5a") * 100),
    ):
        with report.case(f"a handshake that hangs: {what}") as case:
            seconds = seconds_until_closed(port, data, drip)
            case.true(f"closed in time: {seconds:.2f} s", 0.4 * HASTE <= seconds <= HASTE + 5)
            case.note(f"{seconds:.1f} s, head_timeout is {HASTE} s")
    with report.case("after the handshake: half a head") as case:
        with Line(port, site.trusting(), NAME) as line:
            line.send(b"GET /v1/echo HTTP/1.1\r\nHost: ")
            case.equal("answer", str(line.read()), "408 client_timeout")
            case.equal("then", line.ends(), b"")
    with report.case("after the handshake: nothing") as case:
        with Line(port, site.trusting(), NAME) as line:
            case.equal("closed without a word", line.ends(), b"")
    with report.case("hundred handshakes that hang, and one client that does not") as case:
        links = [socket.create_connection(("127.0.0.1", port), SECONDS) for _ in range(100)]
        try:
            for link in links:
                link.sendall(greeting)
            key = site.hasty.key()
            with Line(port, site.trusting(), NAME) as line:
                case.equal("status", line.ask(key=key).status, 200)
        finally:
            for link in links:
                link.close()


def seconds_until_closed(port, data, drip):
    """drip: sent a byte at a time, slower than anybody would."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 0.1) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            link.sendall(data)
            left = iter(drip)
            while time.monotonic() < begun + 2 * SECONDS:
                try:
                    if not link.recv(65536):
                        break
                except TimeoutError:
                    if (byte := next(left, None)) is not None:
                        link.send(bytes([byte]))
        except ConnectionError:
            pass
        return time.monotonic() - begun


def all_of_it(report, site):
    for part in (requests_of_all_kinds, other_clients, cut_by_clients, strangers, stragglers):
        part(report, site)
    with report.case("after all that") as case:
        case.true("a request is answered", site.is_well())
        case.true("the process is the same", site.gateway.program.process.poll() is None)
