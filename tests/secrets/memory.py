#!/usr/bin/python3
"""That nothing secret stays anywhere: not in the gateway's memory, not in what it writes.

    tests/secrets/memory.py [--binary build/keygate] [--store file|redis] [--only STEP]

Sends keys and admin tokens, each used in one way only, through real sockets: valid, refused at each stage, byte by
byte, pipelined, cut, too large; makes keys over TCP, over the unix socket and from the command line. Then it reads
what a core dump would hold (/proc/PID/mem, every writable mapping) and looks for every run of twelve letters that
the random part of any of them has, so that pieces are found as well. It looks into the logs, the metrics, the files
of the store and the answers of lists in the same way. Markers that are no secrets, in requests that are still
incomplete, must be found: a search that finds nothing at all has failed.

All of it is done on both stores. With keys in Redis, what Redis is told (MONITOR), its memory, its log, its append-only
file and a copy as a backup makes it are looked into as well.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
for folder in ("redis_away", "clients"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / folder))

import plain  # noqa: E402
from redis_server import DURABLE, RedisServer  # noqa: E402
from report import Report  # noqa: E402
from search import HEX, LETTERS, SECONDS, Secrets, memory_of, random_text, within  # noqa: E402
from stage import Program, answers_on, environment, free_port  # noqa: E402

import shutil  # noqa: E402
import tempfile  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
STORES = ("file", "redis")
# A machine that others use too is not what is looked at here: there is time to read a record.
REDIS = """store:
  redis: {{url: "redis://127.0.0.1:{port}/0", password_file: redis.password, timeout: 1s}}
"""

CONFIG = """version: 1
threads: 2
listeners: [{{address: "127.0.0.1:{gate}"}}]
client: {{head_timeout: 2s, body_timeout: 1s, max_head: 8KiB, max_target: 2KiB, max_body: 64KiB}}
admin:
  address: "127.0.0.1:{admin}"
  token_file: admin.token
  tokens: [{{name: ci, role: operator, digest: "sha256:{digest}"}}]
status: {{address: "127.0.0.1:{status}"}}
log: {{level: debug, access: access.log}}
drain: {{timeout: 1s}}
apis:
  main:
    profile: default
    scopes: [read, write]
    plans:
      pro: {{rate: 1000000/1m}}
      free: {{api_access: false}}
      once: {{rate: 1/1d}}
    recoverable: {{key_file: reveal.key}}
    upstreams: {{live: {{servers: ["http://127.0.0.1:{origin}"]}}}}
    routes:
      ANY /v1/**: key
      GET /narrow/**: write
      ANY /open/**: public
      ANY /pass/**: {{access: public, authorization: pass}}
      POST /own/keys: {{answer: create_key}}
      POST /own/keys/{{id}}/rotate: {{answer: rotate_key}}
  dead:
    hosts: [dead.test]
    profile: default
    upstreams: {{live: {{servers: ["http://127.0.0.1:{nobody}"]}}}}
    routes:
      ANY /v1/**: key
      ANY /pass/**: {{access: public, authorization: pass}}
  hexed:
    hosts: [hexed.test]
    profile: reelplus
    upstreams: {{live: {{servers: ["http://127.0.0.1:{origin}"]}}}}
    routes: {{ANY /v1/**: key}}
  placed:
    hosts: [placed.test]
    profile: ./placed.yaml
    upstreams: {{live: {{servers: ["http://127.0.0.1:{origin}"]}}}}
    routes: {{ANY /v1/**: key, ANY /open/**: public, "GET /some/**": {{access: key, auth: optional}}}}
"""
PLACED = """extends: default
sources: [bearer, {header: X-Api-Key}, {scheme: Token}, {query: api_key}]
"""


class OriginHandler(socketserver.StreamRequestHandler):
    """Answers every request with the same two letters: what it was sent comes back nowhere."""

    def handle(self):
        with contextlib.suppress(OSError, ValueError):  # what was cut
            while self.one():
                pass

    def one(self):
        line = self.rfile.readline()
        fields = {}
        while (field := self.rfile.readline().strip()) != b"":
            name, _, value = field.partition(b":")
            fields[name.lower()] = value.strip()
        if not line:
            return False
        if fields.get(b"transfer-encoding") == b"chunked":
            while (size := int(self.rfile.readline().split(b";")[0], 16)) != 0:
                self.rfile.read(size + 2)
            while self.rfile.readline().strip() != b"":
                pass
        self.rfile.read(int(fields.get(b"content-length", b"0")))
        if b"/slow" in line:
            self.server.slow.wait(SECONDS)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True


class Origin(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), OriginHandler)
        self.slow = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Line:
    """A connection that bytes are written to as they are."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(SECONDS)
        self.socket.connect(address)
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text):
        with contextlib.suppress(OSError):  # it may have been refused already
            self.socket.sendall(text.encode("latin-1"))

    def send_slowly(self, text, step):
        data = text.encode("latin-1")
        with contextlib.suppress(OSError):
            for i in range(0, len(data), step):
                self.socket.sendall(data[i : i + step])

    def status(self):
        """Of one answer, which is read whole; 0 when there is none."""
        self.rest = getattr(self, "rest", b"")
        head, body = self.answer()
        self.body = body
        return int(head.split(b" ")[1]) if head else 0

    def answer(self):
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                return b"", b""
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            return self.answer()
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        while len(self.rest) < size and self.more():
            pass
        body, self.rest = self.rest[:size], self.rest[size:]
        return head, body

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.rest += piece
        return bool(piece)

    def until_closed(self):
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(65536):
                pass

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Told(threading.Thread):
    """All that Redis is told, by MONITOR."""

    def __init__(self, redis):
        super().__init__(daemon=True)
        self.pieces = []
        self.client = redis.client()
        self.client.command("MONITOR")
        self.client.socket.settimeout(None)
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while piece := self.client.socket.recv(1 << 16):
                self.pieces.append(piece)

    def data(self, mark):
        """Until that word was told, which the caller has sent."""
        def is_there():
            return mark in (data := b"".join(self.pieces)) and data

        return within(SECONDS, is_there) or b""


def get(path, value=None, fields="", method="GET", host="main.test", version="1.1"):
    authorization = "" if value is None else f"Authorization: {value}\r\n"
    return f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n{authorization}{fields}\r\n"


class Stage:
    def __init__(self, binary, store):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-secrets-"))
        self.environment = environment(self.folder)
        self.redis = None
        if store == "redis":
            self.password = random_text(LETTERS, 48)
            self.redis = RedisServer(self.folder, requirepass=self.password, rdbcompression="no", **DURABLE)
        self.secrets = Secrets()
        self.origin = Origin()
        self.lists = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if hasattr(self, "keygate"):
            self.keygate.stop()
        if self.redis:
            self.redis.stop()
        self.origin.shutdown()
        shutil.rmtree(self.folder)

    def start(self):
        ports = {"origin": self.origin.server_address[1]}
        for name in ("gate", "admin", "status", "nobody"):
            ports[name] = free_port(ports.values())
        self.ports = ports
        self.operator_token = self.secrets.token("token of the list")
        self.admin_token = self.secrets.token("token of the file")
        token_file = self.folder / "admin.token"
        token_file.touch(0o600)
        token_file.write_text(self.admin_token + "\n")
        digest = hashlib.sha256(self.operator_token.encode()).hexdigest()
        config = self.folder / "keygate.yaml"
        text = CONFIG.format(digest=digest, **ports)
        if self.redis:
            text += REDIS.format(port=self.redis.port)
            self.start_redis()
        config.write_text(text)
        (self.folder / "placed.yaml").write_text(PLACED)
        self.keygate = Program(self, "keygate", [self.binary, "run", "-c", config])
        self.keygate.wait_for(answers_on(ports["status"]))
        self.keygate.wait_for(self.is_ready)
        self.socket = str(self.folder / ("keygate.sock" if self.redis else "keygate.db.sock"))

    def start_redis(self):
        file = self.folder / "redis.password"
        file.touch(0o600)
        file.write_text(self.password + "\n")
        self.redis.start()
        self.told = Told(self.redis)

    def is_ready(self):
        with contextlib.suppress(OSError):  # 503 is one
            plain.get(f"http://127.0.0.1:{self.ports['status']}/readyz")
            return True
        return False

    # ---- the operator

    def admin(self, method, path, body=None, address=None, value=None, step=None):
        """One call on a connection of its own: status and JSON."""
        text = json.dumps(body) if body is not None else ""
        request = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + (f"Authorization: {value}\r\n" if value is not None else "")
            + (f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n" if text else "")
            + "\r\n"
            + text
        )
        with Line(address or ("127.0.0.1", self.ports["admin"])) as line:
            if step:
                line.send_slowly(request, step)
            else:
                line.send(request)
            status = line.status()
            return status, json.loads(line.body) if line.body else None

    def local(self, method, path, body=None, **options):
        return self.admin(method, path, body, address=self.socket, **options)

    def make_key(self, name, owner="acme", api="main", **options):
        members = {"api": api, "owner": owner, **options.pop("members", {})}
        call = self.local if options.pop("local", False) else self.admin
        if call == self.admin:
            options.setdefault("value", f"Bearer {self.admin_token}")
        status, reply = call("POST", "/admin/v1/keys", members, **options)
        if status != 201:
            raise RuntimeError(f"{name}: {status} {reply}")
        self.kept_key = self.secrets.add(name, reply["key"])
        return reply["key"], reply["id"]

    def prepare(self):
        self.secrets.add("key file", (self.folder / "reveal.key").read_text().strip())
        for owner, plan in (("acme", "pro"), ("poor", "free"), ("once", "once")):
            status, reply = self.local("PUT", f"/admin/v1/owners/{owner}", {"api": "main", "plan": plan})
            if status != 201:
                raise RuntimeError(f"{status} {reply}")
        for api in ("dead", "hexed", "placed"):
            self.local("PUT", "/admin/v1/owners/acme-" + api, {"api": api})

    # ---- clients

    def exchange(self, text, step=None):
        with Line(("127.0.0.1", self.ports["gate"])) as line:
            if step:
                line.send_slowly(text, step)
            else:
                line.send(text)
            return line.status()

    def line(self):
        return Line(("127.0.0.1", self.ports["gate"]))

    # ---- the search

    def left_in_memory(self, markers=()):
        found = {}
        seen = set()
        for place, data in memory_of(self.keygate.process.pid):
            for name, length in self.secrets.found_in(data).items():
                found.setdefault(name, f"{length} letters in {place}")
            seen.update(marker for marker in markers if marker.encode() in data)
        return found, seen

    def open_connections(self):
        return plain.metric(self.ports["status"], "keygate_client_connections")


# ---- each way in which keys come in -------------------------------------------------------------------------


def valid_keys(stage, case):
    for step in (None, 1, 7, 100):
        key, _ = stage.make_key(f"valid, in pieces of {step}")
        case.equal("status", stage.exchange(get("/v1/x", f"Bearer {key}"), step), 200)
    key, _ = stage.make_key("valid, with a body")
    body = "Content-Length: 5\r\n"
    case.equal("status", stage.exchange(get("/v1/x", f"Bearer {key}", body, "POST") + "hello"), 200)
    key, _ = stage.make_key("valid, unusual spelling")
    case.equal("status", stage.exchange(get("/v1/x", f"bEARER   {key}  ")), 200)
    with stage.line() as line:
        for i in range(3):
            key, _ = stage.make_key(f"valid, kept alive {i}")
            line.send(get("/v1/x", f"Bearer {key}"))
            case.equal("status", line.status(), 200)
    keys = [stage.make_key(f"valid, pipelined {i}")[0] for i in range(6)]
    with stage.line() as line:
        line.send("".join(get("/v1/x", f"Bearer {key}") for key in keys))
        case.equal("statuses", [line.status() for _ in keys], [200] * len(keys))
    keys = [stage.make_key(f"valid, pipelined in pieces {i}")[0] for i in range(6)]
    with stage.line() as line:
        line.send_slowly("".join(get("/v1/x", f"Bearer {key}") for key in keys), 150)
        case.equal("statuses", [line.status() for _ in keys], [200] * len(keys))
    case.note(f"{case.checks} requests passed")


def refused_keys(stage, case):
    """By what is known of the key."""
    for step in (None, 1, 50):
        kind = f", in pieces of {step}"
        revoked, number = stage.make_key("revoked" + kind)
        stage.local("POST", f"/admin/v1/keys/{number}:revoke")
        poor, _ = stage.make_key("without a plan" + kind, "poor", members={"plan": "pro"}, local=True)
        stage.local("PUT", "/admin/v1/owners/poor", {"api": "main", "plan": "free"})
        narrow, _ = stage.make_key("without the scope" + kind, members={"scopes": ["read"]})
        spent, _ = stage.make_key("spent" + kind, members={"plan": "once"})
        stage.exchange(get("/v1/x", f"Bearer {spent}"))
        other, _ = stage.make_key("of another API" + kind, "acme-hexed", "hexed")
        unknown = stage.secrets.key("unknown" + kind)
        for path, key, status in (
            ("/v1/x", revoked, 403),
            ("/narrow/x", narrow, 403),
            ("/v1/x", spent, 429),
            ("/v1/x", other, 403),
            ("/v1/x", unknown, 403),
        ):
            case.equal(f"status of {path} with a key{kind}", stage.exchange(get(path, f"Bearer {key}"), step), status)
        case.true("poor is answered", stage.exchange(get("/v1/x", f"Bearer {poor}"), step) in (200, 403))
    case.note(f"{case.checks} answers")


def malformed_credentials(stage, case):
    k = stage.secrets.key
    for step in (None, 1, 50):
        kind = f", in pieces of {step}"
        rows = {
            "basic": (f"Basic {k('basic' + kind)}", "", 401),
            "no scheme": (k("no scheme" + kind), "", 401),
            "two words": (f"Bearer {k('first word' + kind)} {k('second word' + kind)}", "", 401),
            "tab": (f"Bearer\t{k('tab' + kind)}", "", 401),
            "list": (f"Bearer {k('list' + kind)}, Bearer {k('list 2' + kind)}", "", 401),
            "odd letter": (f"Bearer {k('odd letter' + kind)}!", "", 403),
            "too long": (f"Bearer {k('too long' + kind) * 7}", "", 403),
            "twice": (f"Bearer {k('twice' + kind)}", f"Authorization: Bearer {k('twice 2' + kind)}\r\n", 401),
            "three times": (
                f"Bearer {k('three' + kind)}",
                f"AUTHORIZATION: {k('three 2' + kind)}\r\nX: y\r\nauthorization: {k('three 3' + kind)}\r\n",
                401,
            ),
            "elsewhere": ("", f"X-Api-Key: {k('x-api-key' + kind)}\r\nCookie: k={k('cookie' + kind)}\r\n", 401),
        }
        for name, (value, fields, status) in rows.items():
            case.equal(f"status of {name}{kind}", stage.exchange(get("/v1/x", value, fields), step), status)
    shape = f"Bearer {stage.secrets.hexed('wrong shape')}0"
    case.equal("status", stage.exchange(get("/v1/x", shape, host="hexed.test")), 403)
    case.note(f"{case.checks} answers")


def keys_in_other_places(stage, case):
    """In a field of their own, behind another scheme, in the query; also with escapes, and where nobody looks."""
    k = stage.secrets.key

    def escaped(text):
        return "".join(f"%{ord(letter):02x}" for letter in text)

    def places(key):
        return {
            "field": ("/v1/x", None, f"X-Api-Key: {key}\r\n"),
            "scheme": ("/v1/x", f"Token {key}", ""),
            "query": (f"/v1/x?a=1&api_key={key}&b=2", None, ""),
            "escaped": (f"/v1/x?api_key={escaped(key)}", None, ""),
        }

    for step in (None, 1, 50):
        kind = f", in pieces of {step}"
        for place in places(""):
            for is_known in (True, False):
                name = f"{place} of {'a' if is_known else 'no'} key{kind}"
                key = stage.make_key(name, "acme-placed", "placed")[0] if is_known else k(name)
                path, value, fields = places(key)[place]
                seen = stage.exchange(get(path, value, fields, host="placed.test"), step)
                case.equal(f"status of {name}", seen, 200 if is_known else 403)
        rows = {
            "two places": (f"/v1/x?api_key={k('query of two' + kind)}", f"X-Api-Key: {k('field of two' + kind)}\r\n", 401),
            "two fields": ("/v1/x", f"X-Api-Key: {k('one' + kind)}\r\nX-Api-Key: {k('other' + kind)}\r\n", 401),
            "a list": ("/v1/x", f"X-Api-Key: {k('a list' + kind)}, {k('a list 2' + kind)}\r\n", 401),
            "too long": (f"/v1/x?api_key={k('too long a value' + kind) * 7}", "", 403),
            "escaped and odd": (f"/v1/x?api_key={escaped(k('escaped and odd' + kind))}%00", "", 403),
            "public": (f"/open/x?api_key={k('public query' + kind)}", f"X-Api-Key: {k('public field' + kind)}\r\n", 200),
            "public, misspelt": ("/open/x", f"X_API.key: {k('misspelt' + kind)}\r\n", 200),
            "optional": (f"/some/x?api_key={k('optional' + kind)}", "", 403),
            "no route": (f"/nowhere?api_key={k('nowhere' + kind)}", "", 404),
        }
        for name, (path, fields, status) in rows.items():
            seen = stage.exchange(get(path, None, fields, host="placed.test"), step)
            case.equal(f"status of {name}{kind}", seen, status)
    case.note(f"{case.checks} answers")


def refused_before_the_key(stage, case):
    k = stage.secrets.key
    for step in (None, 1, 50):
        kind = f", in pieces of {step}"

        def bearer(name):
            return f"Bearer {k(name + kind)}"

        def field(name):
            return f"Authorization: {bearer(name)}\r\n"

        many = "".join(f"X-{i}: y\r\n" for i in range(120))
        long = "X: " + "y" * 9000 + "\r\n"
        rows = (
            (get("/nowhere", bearer("no route")), 404),
            (get("/narrow/x", bearer("no method"), method="DELETE"), 405),
            (get("/v1/%zz", bearer("bad escape")), 400),
            (get("/v1/../x", bearer("dot segment")), 400),
            (get("/v1/x\\y", bearer("backslash")), 400),
            (get("/v1/x#y", bearer("fragment")), 400),
            (get("/v1/" + "x" * 3000, bearer("long target")), 414),
            (get("*", bearer("options"), method="OPTIONS"), 405),
            (get("/v1/x", bearer("trace"), method="TRACE"), 405),
            (get("main.test:443", bearer("connect"), method="CONNECT"), 405),
            (get("/v1/x", bearer("version"), version="1.2"), 400),
            (get("/v1/x", bearer("http2"), version="2.0"), 400),
            (f"GET /v1/x HTTP/1.1\r\n{field('no host')}\r\n", 400),
            (get("/v1/x", bearer("two hosts"), "Host: main.test\r\n"), 400),
            (get("/v1/x", bearer("blank before colon"), "X : y\r\n"), 400),
            (get("/v1/x", bearer("control byte"), "X: a\x01b\r\n"), 400),
            (get("/v1/x", bearer("bare line feed"), "X: y\nZ: y\r\n"), 400),
            (get("/v1/x", bearer("bare return"), "X: a\rb\r\n"), 400),
            (get("/v1/x", bearer("two lengths"), "Content-Length: 1\r\nContent-Length: 2\r\n", "POST"), 400),
            (get("/v1/x", bearer("both framings"), "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "POST"), 400),
            (get("/v1/x", bearer("coding"), "Transfer-Encoding: gzip\r\n", "POST"), 400),
            (get("/v1/x", f"Bearer\r\n {k('folded' + kind)}"), 400),
            (get("/v1/x", bearer("folded twice") + f"\r\n\t{k('folded 2' + kind)}"), 400),
            (get("/v1/x", bearer("expectation"), "Expect: 200-ok\r\nContent-Length: 1\r\n", "POST"), 417),
            (get("/v1/x", bearer("loop"), "Via: 1.1 keygate, 1.1 keygate\r\n"), 508),
            (get("/v1/x", bearer("large body"), "Content-Length: 999999\r\n", "POST"), 413),
            (get("/v1/x", bearer("many fields first"), many), 431),
            (get("/v1/x", None, many + field("many fields last")), 431),
            (get("/v1/x", bearer("large head first"), long), 431),
            (get("/v1/x", None, long + field("large head last")), 431),
            (f"hello {k('no request' + kind)}\r\n\r\n", 400),
        )
        for request, status in rows:
            seen = stage.exchange(request, step)
            # An end that comes while it still sends may take the answer away; a head in pieces may be bounded by
            # another rule first.
            name = request.partition("Authorization")[0][:60]
            wanted = {status, 0} if step else {status}
            case.true(f"{seen} for {name!r}{kind}, not {sorted(wanted)}", seen in wanted)
    case.note(f"{case.checks} answers")


def public_routes(stage, case):
    k = stage.secrets.key
    for step in (None, 1, 50):
        kind = f", in pieces of {step}"
        for path in ("/open/x", "/pass/x"):
            for name, value in (
                ("key", f"Bearer {k(f'{path} key{kind}')}"),
                ("basic", f"Basic {stage.secrets.token(f'{path} basic{kind}')}"),
                ("bearer", f"Bearer {stage.secrets.token(f'{path} other bearer{kind}') * 10}"),
                ("long", f"Digest x=\"{stage.secrets.token(f'{path} long{kind}')}\", y={'z' * 5000}"),
            ):
                case.equal(f"{path} with {name}", stage.exchange(get(path, value), step), 200)
                with stage.line() as line:  # the upstream still works on it
                    value = re.sub("[A-Za-z0-9]{40,}", lambda _: stage.secrets.token("cut"), value, count=1)
                    line.send(get(f"{path}/slow", value))
        body = "Content-Length: 4\r\n"
        value = f"Basic {stage.secrets.token(f'pass, with a body{kind}')}"
        case.equal("a body", stage.exchange(get("/pass/x", value, body, "POST") + "body", step), 200)
        value = f"Basic {stage.secrets.token(f'pass, to nobody{kind}')}"
        case.equal("nobody", stage.exchange(get("/pass/x", value, host="dead.test"), step), 503)
    stage.origin.slow.set()
    key, _ = stage.make_key("valid, to nobody", "acme-dead", "dead")
    case.equal("nobody", stage.exchange(get("/v1/x", f"Bearer {key}", host="dead.test")), 503)
    case.note(f"{case.checks} answers")


def never_looked_at(stage, case):
    """Bytes behind a request that ends its connection, or in front of nothing."""
    k = stage.secrets.key
    stage.origin.slow.clear()
    for step in (None, 1, 50):
        kind = f", in pieces of {step}"
        key, _ = stage.make_key("valid, before the rest" + kind)
        closing = "Connection: close\r\n"
        with stage.line() as line:
            line.send_slowly(get("/v1/x", f"Bearer {key}", closing) + get("/v1/y", f"Bearer {k('rest' + kind)}"), step or 9999)
            case.equal("status", line.status(), 200)
            line.send(get("/v1/z", f"Bearer {k('rest of the rest' + kind)}"))
            line.until_closed()
        with stage.line() as line:
            rest = get("/v1/y", f"Bearer {k('rest of refused' + kind)}") * 20
            line.send_slowly(get("/v1/%zz", f"Bearer {k('refused, with rest' + kind)}") + rest, step or 9999)
            line.socket.shutdown(socket.SHUT_WR)
            line.until_closed()
        with stage.line() as line:
            line.send_slowly(
                get("/v1/x", f"Bearer {k('unknown, large' + kind)}", "Content-Length: 60000\r\n", "POST")
                + k("in its body" + kind) * 100,
                step or 9999,
            )
            line.status()
            line.send(get("/v1/y", f"Bearer {k('in its body 2' + kind)}") * 100)
        with stage.line() as line:
            line.send(get("/open/slow"))
            line.send_slowly(get("/v1/x", f"Bearer {k('behind a slow one' + kind)}"), step or 9999)
        with stage.line() as line:
            line.send(get("/open/slow"))
            line.send(get("/v1/x", f"Bearer {k('behind a slow one, reset' + kind)}") * 50)
            line.reset()
        with stage.line() as line:
            line.send_slowly(get("/v1/x", f"Bearer {k('half, then closed' + kind)}")[:-2], step or 9999)
        with stage.line() as line:
            line.send_slowly(get("/v1/x", f"Bearer {k('half, then reset' + kind)}")[:-2], step or 9999)
            line.reset()
        with stage.line() as line:
            line.send_slowly(get("/v1/x", f"Bearer {k('half, ended' + kind)}")[:-2], step or 9999)
            line.socket.shutdown(socket.SHUT_WR)
            line.until_closed()
    stage.origin.slow.set()
    lines = [(stage.line(), get("/v1/x", f"Bearer {k(f'half, too slow {i}')}")[:-2], step)
             for i, step in enumerate((None, 1, 50))]
    for line, text, step in lines:
        line.send_slowly(text, step or 9999)
    for line, _, _ in lines:
        case.equal("too slow", line.status(), 408)
        line.socket.close()
    case.note(f"{case.checks} answers")


def chunked_bodies(stage, case):
    k = stage.secrets.key
    chunked = "Transfer-Encoding: chunked\r\n"
    for step in (None, 1, 50):
        kind = f", in pieces of {step}"
        for path in ("/v1/x", "/open/x"):
            key, _ = stage.make_key(f"valid, chunked, {path}{kind}")
            body = (
                f"5;x={k(f'extension {path}{kind}')}\r\nhello\r\n3\r\nyou\r\n0\r\n"
                f"Authorization: Bearer {k(f'trailer {path}{kind}')}\r\nX: {k(f'trailer 2 {path}{kind}')}\r\n\r\n"
            )
            case.equal("status", stage.exchange(get(path, f"Bearer {key}", chunked, "POST") + body, step), 200)
        key, _ = stage.make_key(f"valid, chunked badly{kind}")
        body = f"5\r\nhello\r\n0\r\nAuthorization: Bearer {k(f'bad trailer{kind}')}\r\nX\r\n\r\n"
        case.equal("bad", stage.exchange(get("/v1/x", f"Bearer {key}", chunked, "POST") + body, step), 400)
        key, _ = stage.make_key(f"valid, chunked, cut{kind}")
        with stage.line() as line:
            line.send_slowly(get("/v1/x", f"Bearer {key}", chunked, "POST") + body[:-8], step or 9999)
    case.note(f"{case.checks} answers")


# ---- the operator's calls -----------------------------------------------------------------------------------


def admin_tokens(stage, case):
    t = stage.secrets.token
    good = f"Bearer {stage.admin_token}"
    for address in (None, stage.socket):
        for step in (None, 1, 50):
            kind = f" {'unix' if address else 'tcp'}, in pieces of {step}"
            for value in (good, f"bearer {stage.operator_token}"):
                case.equal("let in" + kind, stage.admin("GET", "/admin/v1/keys", None, address, value, step)[0], 200)
            for name, value in {
                "wrong": f"Bearer {t('wrong' + kind)}",
                "basic": f"Basic {t('basic' + kind)}",
                "bare": t("bare" + kind),
                "longer": f"Bearer {stage.admin_token}x",
                "long": f"Bearer {t('long' + kind) * 20}",
                "two words": f"Bearer {t('word' + kind)} {t('word 2' + kind)}",
                "folded": f"Bearer\r\n {t('folded' + kind)}",
                "folded, right": f"Bearer\r\n\t{t('folded 2' + kind)}\r\n  {stage.admin_token}",
                "twice": f"Bearer {t('twice' + kind)}\r\nAuthorization: Bearer {t('twice 2' + kind)}",
                "with Host": f"{good}\r\nHost: {t('host' + kind)}",
                "bad field": f"Bearer {t('bad field' + kind)}\r\nX : y",
                "large head": f"Bearer {t('large head' + kind)}\r\nX: {'y' * 20000}",
                "large head, last": f"x\r\nX: {'y' * 15000}\r\nAuthorization: {t('large head 2' + kind)}\r\nY: {'y' * 5000}",
            }.items():
                status = stage.admin("GET", "/admin/v1/keys", None, address, value, step)[0]
                case.true(f"{name}{kind} is refused, not {status}", status in (400, 401, 431) or (step and status == 0))
            host = address or ("127.0.0.1", stage.ports["admin"])
            for end in ("close", "reset"):
                with Line(host) as line:
                    text = get("/admin/v1/keys", f"Bearer {t(f'half, {end}{kind}')}", host="localhost")
                    line.send_slowly(text[:-2], step or 9999)
                    if end == "reset":
                        line.reset()
            with Line(host) as line:
                text = "".join(
                    get("/admin/v1/keys", value, host="localhost")
                    for value in (good, f"Bearer {t('pipelined' + kind)}", good)
                )
                line.send_slowly(text, step or 9999)
                case.equal("pipelined", [line.status() for _ in range(3)], [200, 401, 200])
    case.note(f"{case.checks} answers")


def admin_bodies(stage, case):
    """Keys where no key belongs."""
    good = f"Bearer {stage.admin_token}"
    for address in (None, stage.socket):
        for step in (None, 1, 50):
            kind = f" {'unix' if address else 'tcp'}, in pieces of {step}"

            def key(name):
                return stage.secrets.key(name + kind)

            def call(body):
                return stage.admin("POST", "/admin/v1/keys", body, address, good, step)[0]

            base = {"api": "main", "owner": "acme"}
            digest = hashlib.sha256(key("imported").encode()).hexdigest()
            case.equal("import" + kind, call({**base, "digest": f"sha256:{digest}"}), 201)
            case.equal("key" + kind, call({**base, "key": key("as a member")}), 422)
            case.equal("digest" + kind, call({**base, "digest": key("as a digest")}), 422)
            case.equal("list" + kind, call([key("in a list")]), 422)
            host = address or ("127.0.0.1", stage.ports["admin"])
            for name, text, status in (
                ("bad JSON", '{"api": "main", "key": "' + key("bad JSON") + '"', 400),
                ("large", '{"key": "' + key("large") + '", "x": "' + "y" * (1 << 20 if not step else 10) + '"}', 413),
            ):
                head = f"POST /admin/v1/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: {good}\r\nConnection: close\r\n"
                with Line(host) as line:
                    line.send_slowly(f"{head}Content-Length: {len(text)}\r\n\r\n{text}", step or 99999)
                    case.true(name + kind, line.status() in (status, 422, 0))
                chunk = f"{len(text):x}\r\n{text}\r\n0\r\nX: {key('trailer of ' + name)}\r\n\r\n"
                with Line(host) as line:
                    line.send_slowly(f"{head}Transfer-Encoding: chunked\r\n\r\n{chunk}", step or 99999)
                    case.true(name + kind, line.status() in (status, 400, 422, 0))
                with Line(host) as line:
                    cut = key("cut body of " + name)
                    line.send_slowly(f"{head}Content-Length: 999\r\n\r\n{{\"key\": \"{cut}\"", step or 99999)
            request = f"{head}Content-Type: text/plain\r\nContent-Length: 48\r\n\r\n{key('text')}"
            with Line(host) as line:
                line.send_slowly(request, step or 9999)
                case.equal("text", line.status(), 415)
    # Each is looked for at once: what comes after it would overwrite what it left.
    for more in (0, 3000):
        for member in ("key", "digest", "expires_at", "plan", "scopes", "addresses"):
            name = f"as {member} with {more} letters more"
            body = {**base, member: stage.secrets.key(name) + " " * more}
            case.equal(name, stage.admin("POST", "/admin/v1/keys", body, None, good)[0], 422)
            case.equal(f"{name}, left in memory", left_at_once(stage), {})
    for name, body in (
        ("among others", {**base, "scopes": ["x" * 100, stage.secrets.key("among others")]}),
        ("escaped", {**base, "digest": "\n" + stage.secrets.key("escaped")}),
        ("name of a member", {**base, stage.secrets.key("name of a member"): 1}),
    ):
        case.equal(name, stage.admin("POST", "/admin/v1/keys", body, None, good)[0], 422)
        case.equal(f"{name}, left in memory", left_at_once(stage), {})
    case.note(f"{case.checks} answers")


def left_at_once(stage):
    """As soon as the request is over, which is when its token is gone: the answer comes earlier."""
    found = {}

    def is_over():
        found.clear()
        found.update(stage.left_in_memory()[0])
        return "token of the file" not in found

    within(SECONDS, is_over)
    return found


def shown_again(stage, case):
    """Keys that are kept encrypted: what an operator is shown is nowhere afterwards."""
    for i in range(5):
        for step in (None, 1):
            for local in (True, False):
                name = f"sealed {i} {step} {local}"
                key, number = stage.make_key(name, step=step, local=local)
                options = {"step": step} if local else {"step": step, "value": f"Bearer {stage.admin_token}"}
                call = stage.local if local else stage.admin
                status, reply = call("POST", f"/admin/v1/keys/{number}:reveal", **options)
                case.equal(f"{name} is shown again", (status, reply["key"] == key), (200, True))
    fresh = stage.local("POST", f"/admin/v1/keys/{number}:rotate", {"grace_seconds": 60})[1]
    stage.secrets.add("sealed, in the place of another", fresh["key"])
    shown = subprocess.run(
        [stage.binary, "keys", "reveal", "-c", stage.folder / "keygate.yaml", fresh["id"]],
        env=stage.environment, capture_output=True, text=True, check=True, timeout=30,
    )
    case.equal("the command shows it", shown.stdout.strip() == fresh["key"], True)
    stage.local("POST", f"/admin/v1/keys/{fresh['id']}:revoke")
    case.equal("not when it is revoked", stage.local("POST", f"/admin/v1/keys/{fresh['id']}:reveal")[0], 409)
    case.true("the log tells who has asked", f"path=/admin/v1/keys/{number}:reveal about=main/acme" in stage.keygate.text())
    case.note(f"{case.checks} checks")


def keys_of_keys(stage, case):
    """Keys that keys have made for themselves."""
    for step in (None, 1, 100):
        kind = f", in pieces of {step}"
        key, _ = stage.make_key("makes others" + kind)
        body = json.dumps({"name": "made" + kind})
        length = f"Content-Length: {len(body)}\r\n"
        with stage.line() as line:
            line.send_slowly(get("/own/keys", f"Bearer {key}", length, "POST") + body, step or 9999)
            case.equal("status" + kind, line.status(), 201)
            made = json.loads(line.body)
            stage.secrets.add("made by a key" + kind, made["key"])
            line.send_slowly(get(f"/own/keys/{made['id']}/rotate", f"Bearer {key}", "", "POST"), step or 9999)
            case.equal("status of a rotation" + kind, line.status(), 201)
            stage.secrets.add("rotated by a key" + kind, json.loads(line.body)["key"])
    case.note("6 keys made by keys")


def new_keys(stage, case):
    for i in range(5):
        for step in (None, 1):
            stage.make_key(f"new over tcp {i} {step}", step=step)
            stage.make_key(f"new over the socket {i} {step}", step=step, local=True)
            stage.make_key(f"new, of another shape {i} {step}", "acme-hexed", "hexed", step=step)
    options = ["--api", "main", "--owner", "acme", "--json"]
    for i in range(3):
        done = subprocess.run(
            [stage.binary, "keys", "create", "-c", stage.folder / "keygate.yaml", *options],
            env=stage.environment, capture_output=True, check=True, timeout=30,
        )
        stage.secrets.add(f"new from the command line {i}", json.loads(done.stdout)["key"])
    case.equal("the gateway has them", len({value for value in stage.secrets.values}), len(stage.secrets.values))
    case.note("33 keys made")


def store_away(stage, case):
    """Keys that wait for a Redis which is silent, and are then told so; or whose clients do not wait."""
    k = stage.secrets.key
    stage.redis.stand_still()
    try:
        within(SECONDS, lambda: not stage.is_ready())
        for step in (None, 1, 50):
            kind = f", in pieces of {step}"
            for name in ("waits", "waits too"):
                status = stage.exchange(get("/v1/x", f"Bearer {k(f'{name}{kind}')}"), step)
                case.equal(f"status{kind}", status, 503)
            with stage.line() as line:
                line.send("".join(get("/v1/x", f"Bearer {k(f'waits, pipelined {i}{kind}')}") for i in range(3)))
                case.equal(f"statuses{kind}", [line.status() for _ in range(3)], [503] * 3)
            body = get("/v1/x", f"Bearer {k('waits with a body' + kind)}", "Content-Length: 5\r\n", "POST")
            case.equal(f"status{kind}", stage.exchange(body + "hello", step), 503)
            for end in ("close", "reset"):
                with stage.line() as line:
                    line.send_slowly(get("/v1/x", f"Bearer {k(f'does not wait, {end}{kind}')}"), step or 9999)
                    if end == "reset":
                        line.reset()
    finally:
        stage.redis.go_on()
    case.true("it is back", within(SECONDS, stage.is_ready))
    key, _ = stage.make_key("valid, afterwards")
    case.equal("status", stage.exchange(get("/v1/x", f"Bearer {key}")), 200)
    case.note(f"{case.checks} answers")


def list_pages(stage, case):
    cursor = ""
    pages = 0
    while cursor is not None:
        _, reply = stage.local("GET", f"/admin/v1/keys?limit=100{'&cursor=' + cursor if cursor else ''}")
        stage.lists.append(json.dumps(reply).encode())
        cursor = reply["next_cursor"]
        pages += 1
    case.equal("secrets in them", stage.secrets.found_in(b"\n".join(stage.lists)), {})
    case.note(f"{pages} pages")


# ---- what is left -------------------------------------------------------------------------------------------


def memory_is_clean(stage, case):
    """All connections have ended."""
    case.true("all connections have ended", within(SECONDS, lambda: stage.open_connections() == 0))
    found = {}

    def is_clean():
        found.clear()
        found.update(stage.left_in_memory()[0])
        return not found

    within(2, is_clean)
    for name, place in found.items():
        print(f"     left: {name}: {place}")
    case.equal("left in memory", len(found), 0)
    case.note(f"{len(stage.secrets.names)} secrets, none in memory")


def search_can_fail(stage, case):
    """What is still incomplete is there, and gone when it has ended."""
    hosts = {"gateway": ("127.0.0.1", stage.ports["gate"]), "admin": ("127.0.0.1", stage.ports["admin"]), "unix": stage.socket}
    markers = {}
    lines = []
    for name, host in hosts.items():
        line = Line(host)
        markers[name] = stage.secrets.token(f"marker {name}")
        line.send(f"GET /waits HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {markers[name]}\r\n")
        lines.append(line)
    wanted = set(markers.values())
    found = {}

    def are_found():
        names, seen = stage.left_in_memory(wanted)
        found.clear()
        found.update(names)
        return seen == wanted

    case.true("what waits is found", within(SECONDS, are_found))
    case.equal("and nothing else", sorted(found), sorted(f"marker {name}" for name in hosts))
    for line in lines:
        line.socket.close()
    gone = within(SECONDS, lambda: not stage.left_in_memory()[0])
    case.true("what has ended is gone", gone)
    case.note("requests that wait are found, and gone when they end")


def files_are_clean(stage, case):
    metrics = plain.get(f"http://127.0.0.1:{stage.ports['status']}/metrics")
    case.equal("secrets in the metrics", stage.secrets.found_in(metrics), {})
    seen = []
    for file in sorted(stage.folder.iterdir()):
        if file.name in ("admin.token", "reveal.key") or not file.is_file():
            continue
        seen.append(file.name)
        case.equal(f"secrets in {file.name}", stage.secrets.found_in(file.read_bytes()), {})
    for name in ("access.log", "keygate.log", "redis.log" if stage.redis else "keygate.db"):
        case.true(f"{name} is there", name in seen)
    token = (stage.folder / "admin.token").read_bytes()
    case.equal("the search finds what is there", set(stage.secrets.found_in(token)), {"token of the file"})
    case.true("the log tells of changes", "admin: actor=token_file role=admin" in stage.keygate.text())
    case.note(f"metrics, {', '.join(seen)}")


def redis_is_clean(stage, case):
    places = dict(memory_of(stage.redis.program.process.pid)) | stage.redis.files()
    mark = random_text(LETTERS, 20)
    with stage.redis.client() as redis:
        redis.command("ECHO", mark)
    places["MONITOR"] = stage.told.data(mark.encode())
    for place, data in places.items():
        case.equal(f"secrets in {place}", stage.secrets.found_in(data), {})
    digest = hashlib.sha256(stage.kept_key.encode()).hexdigest().encode()
    for place in ("MONITOR", "copy.rdb", "appendonly.aof.1.incr.aof"):
        case.true(f"the digest of a key is in {place}", digest in places[place])
    texts = [stage.keygate.text(), (stage.folder / "access.log").read_text(), (stage.folder / "redis.log").read_text()]
    case.true("Redis' password is in no log", not any(stage.password in text for text in texts))
    case.true("nor is it told", stage.password.encode() not in places["MONITOR"])
    commands = places["MONITOR"].count(b"\n")
    case.note(f"its memory, {commands} commands that it was told, {', '.join(stage.redis.files())}")


STEPS = {
    "valid keys": valid_keys,
    "refused keys": refused_keys,
    "malformed credentials": malformed_credentials,
    "keys in other places": keys_in_other_places,
    "refused before the key": refused_before_the_key,
    "public routes": public_routes,
    "never looked at": never_looked_at,
    "chunked bodies": chunked_bodies,
    "admin tokens": admin_tokens,
    "admin bodies": admin_bodies,
    "new keys": new_keys,
    "keys that keys make": keys_of_keys,
    "keys that are shown again": shown_again,
    "the store is away": store_away,
    "lists": list_pages,
}


def run(binary, store, only, show):
    report = Report(f"secrets, {store}", show)
    with Stage(binary, store) as stage:
        stage.start()
        stage.prepare()
        for name, step in STEPS.items():
            if (only and name not in only) or (step == store_away and not stage.redis):
                continue
            with report.case(name) as case:
                step(stage, case)
            with report.case(f"memory after {name}") as case:
                memory_is_clean(stage, case)
        with report.case("the search") as case:
            search_can_fail(stage, case)
        with report.case("files") as case:
            files_are_clean(stage, case)
        if stage.redis:
            with report.case("Redis") as case:
                redis_is_clean(stage, case)
        with report.case("SIGTERM") as case:
            case.equal("exit status", stage.keygate.stop(), 0)
            case.equal("secrets in the log", stage.secrets.found_in(stage.keygate.text().encode()), {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=HERE.parent.parent / "build" / "keygate", type=pathlib.Path)
    parser.add_argument("--store", choices=STORES, action="append", help="this one alone")
    parser.add_argument("--only", choices=STEPS, action="append", help="this step; may be given more than once")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not arguments.binary.exists():
        sys.exit(f"memory.py: {arguments.binary} is not there; scripts/build makes it")

    counted = {"ok   ": 0, "FAIL ": 0}

    def show(line):
        print(line, flush=True)
        counted[line[:5]] += 1

    for store in arguments.store or STORES:
        run(arguments.binary.resolve(), store, arguments.only, show)
    print(f"{counted['ok   ']} passed, {counted['FAIL ']} failed")
    return counted["FAIL "] != 0


if __name__ == "__main__":
    sys.exit(main())
