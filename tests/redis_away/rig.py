"""A Redis, a relay, gateways and clients, for what happens when Redis is away.

Records are written to Redis directly, as README.md's contract has them; the gateway is the one of $KEYGATE, or
build/keygate.
"""

import collections
import contextlib
import hashlib
import http.client
import os
import pathlib
import random
import re
import selectors
import shutil
import signal
import socket
import string
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("clients", "bench"):
    sys.path.insert(0, str(HERE.parent / folder))

from admin_calls import AdminCalls  # noqa: E402
from quick_origin import QuickOrigin  # noqa: E402
from redis_server import REDIS, RedisServer  # noqa: E402
from relay import Relay  # noqa: E402
from report import Report  # noqa: E402
from stage import Program, environment, free_port  # noqa: E402

SECONDS = 10
CONFIG = """version: 1
threads: 2
listeners: [{{address: "127.0.0.1:{gate}"}}]
client: {{max_connections: 30000}}
admin: {{address: "127.0.0.1:{admin}", token_file: {name}.token}}
status: {{address: "127.0.0.1:{status}"}}
log: {{level: info, access: off}}
drain: {{timeout: 2s}}
store:
  redis: {{{redis}}}
{store}
apis:
  shop:
    profile: default
    plans: {{pro: {{}}, free: {{api_access: false}}}}
    upstreams: {{live: {{servers: ["http://127.0.0.1:{origin}"]}}}}
    routes:
      GET /v1/**: key
"""


def now():
    """The clock that goes on while a process, or the machine, stands still."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def binary():
    return os.path.abspath(os.environ.get("KEYGATE") or HERE.parent.parent / "build" / "keygate")


def becomes(condition, seconds):
    """Does it become true? Asked often."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"


class Key:
    """A key, and its record in Redis."""

    LETTERS = string.ascii_letters + string.digits
    source = random.SystemRandom()

    def __init__(self):
        self.text = "kg_live_" + "".join(self.source.choice(self.LETTERS) for _ in range(40))
        self.id = "key_" + self.text[-12:]
        self.record = f"kg:key:{hashlib.sha256(self.text.encode()).hexdigest()}"

    def write(self, redis, **fields):
        """@returns itself"""
        record = {"v": 1, "id": self.id, "api": "shop", "owner": "acme", "status": "active"} | fields
        redis.command("HSET", self.record, *(word for pair in record.items() for word in pair))
        return self

    def revoke(self, redis):
        redis.command("HSET", self.record, "status", "revoked")


def write_owner(redis, name="acme"):
    fields = ("v", 1, "name", "Acme", "plan", "pro", "status", "active", "attributes", "{}")
    redis.command("HSET", f"kg:owner:shop:{name}", *fields)


def end_script(redis):
    """Of one that would go on for ever; @returns whether it could be ended."""
    redis.pipeline(("SCRIPT", "KILL"))
    # It ends a moment after that was answered, or has not even begun.
    return becomes(lambda: redis.pipeline(("SCRIPT", "KILL"), ("PING",))[1] == "PONG", SECONDS)


class Gateway:
    """keygate on a Redis, by way of the port that is given."""

    def __init__(self, folder, port, origin, name="gate", redis="", **store):
        """redis: more of `store.redis`, as YAML in braces has it. store: the rest of `store`."""
        self.folder = pathlib.Path(folder)
        self.environment = environment(self.folder)
        self.name = name
        self.port = free_port(set())
        self.admin_port = free_port({self.port})
        self.status_port = free_port({self.port, self.admin_port})
        self.config = self.folder / f"{name}.yaml"
        self.config.write_text(
            CONFIG.format(
                name=name,
                gate=self.port,
                admin=self.admin_port,
                status=self.status_port,
                origin=origin.port,
                redis=f'url: "redis://127.0.0.1:{port}/0"' + (f", {redis}" if redis else ""),
                store="\n".join(f"  {name}: {value}" for name, value in store.items()),
            )
        )
        self.program = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("".join(self.log().splitlines(keepends=True)[-10:]), file=sys.stderr)
        self.stop()

    def start(self, is_ready=True):
        """is_ready: wait until it can decide; else only until it answers at all."""
        self.program = Program(self, self.name, [binary(), "run", "-c", str(self.config)])
        self.program.wait_for(lambda: self.ready()[0] == 200 if is_ready else self.ready()[0] is not None)

    def stop(self):
        """Its exit status; None if it never ran."""
        if self.program is None:
            return None
        if self.program.process.poll() is None:
            self.go_on()
        return self.program.stop()

    @property
    def pid(self):
        return self.program.process.pid

    def stand_still(self):
        self.program.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.program.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.program.process.kill()
        self.program.process.wait()

    def log(self):
        return self.program.text()

    def page(self, path):
        """Of the status listener: status and text; (None, "") while it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.status_port, timeout=SECONDS)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        return None, ""

    def ready(self):
        return self.page("/readyz?verbose")

    def metric(self, name):
        """The sum over its labels; None if there is no such metric."""
        rows = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", self.page("/metrics")[1], re.M)
        return sum(map(float, rows)) if rows else None

    def admin(self):
        return AdminCalls(self.admin_port, (self.folder / f"{self.name}.token").read_text().strip())

    def caller(self):
        return Caller(self.port)


class Answer:
    """What one request got. `sent` is taken before its first byte goes out."""

    __slots__ = ("sent", "seconds", "status", "reason", "fields")

    def __init__(self, sent, seconds, status, reason, fields):
        self.sent = sent
        self.seconds = seconds
        self.status = status
        self.reason = reason  # "" where nothing is refused
        self.fields = fields  # bytes

    def __str__(self):
        return f"{self.status} {self.reason}".strip()


def request(key, path="/v1/x"):
    """key: a Key, the whole value of Authorization, or None; bytes are the whole request."""
    if isinstance(key, bytes):
        return key
    value = f"Bearer {key.text}" if isinstance(key, Key) else key
    field = "" if value is None else f"Authorization: {value}\r\n"
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{field}\r\n".encode()


REASON = re.compile(rb'"reason":"([a-z_]+)"')
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


def split_answer(data):
    """(head, body, rest) of the first answer; None while it is not there in whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    found = LENGTH.search(data, 0, end)
    stop = end + 4 + (int(found[1]) if found else 0)
    return None if len(data) < stop else (data[:end], data[end + 4 : stop], data[stop:])


def judged(head, body):
    """(status, reason)"""
    found = REASON.search(body)
    return int(head[9:12]), found[1].decode() if found else ""


class Caller:
    """One connection of a client, kept alive. Opened again after the gateway closed it."""

    def __init__(self, port):
        self.port = port
        self.socket = None
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None
        self.rest = b""

    def ask(self, key, path="/v1/x"):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = request(key, path)
        sent = now()
        try:
            self.socket.sendall(data)
            while (parts := split_answer(self.rest)) is None:
                piece = self.socket.recv(65536)
                if not piece:
                    raise ConnectionError("the gateway closed the connection")
                self.rest += piece
        except BaseException:
            self.close()
            raise
        seconds = now() - sent
        head, body, self.rest = parts
        if b"\r\nConnection: close" in head:
            self.close()
        return Answer(sent, seconds, *judged(head, body), head)


class Load(threading.Thread):
    """Asks all the time with whatever key `choose()` gives, and tells `judge(key, answer)`."""

    def __init__(self, gateway, choose, judge, pause=0.0):
        super().__init__(daemon=True)
        self.caller = gateway.caller()
        self.choose = choose
        self.judge = judge
        self.pause = pause
        self.is_ending = False
        self.requests = 0
        self.error = None

    def run(self):
        try:
            while not self.is_ending:
                key = self.choose()
                if key is not None:
                    self.judge(key, self.caller.ask(key))
                    self.requests += 1
                time.sleep(self.pause)
        except Exception as error:
            self.error = error

    def end(self):
        self.is_ending = True
        self.join()
        self.caller.close()
        if self.error is not None:
            raise self.error


def ask_many(port, requests, connections=64, depth=16):
    """Sends all requests (bytes, from an iterator) over so many connections, so many ahead of their answers on
    each. @returns a Counter of (status, reason)"""
    requests = iter(requests)
    counts = collections.Counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            made = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            state = {"waiting": 0, "rest": b""}
            if _send_more(made, state, requests, depth):
                selector.register(made, selectors.EVENT_READ, state)
            else:
                made.close()
        while selector.get_map():
            events = selector.select(SECONDS)
            if not events:
                raise TimeoutError(f"nothing came for {SECONDS} s; so far {counts}")
            for event, _ in events:
                _take_answers(event.fileobj, event.data, counts)
                if not _send_more(event.fileobj, event.data, requests, depth):
                    selector.unregister(event.fileobj)
                    event.fileobj.close()
    return counts


def _send_more(link, state, requests, depth):
    """Fills up what waits once half of it is answered. @returns whether anything waits"""
    if state["waiting"] <= depth // 2:
        batch = [one for _, one in zip(range(depth - state["waiting"]), requests)]
        state["waiting"] += len(batch)
        if batch:
            link.sendall(b"".join(batch))
    return state["waiting"] > 0


def _take_answers(link, state, counts):
    data = link.recv(1 << 18)
    if not data:
        raise ConnectionError(f"the gateway closed a connection; {state['waiting']} answers are missing")
    rest = state["rest"] + data
    while (parts := split_answer(rest)) is not None:
        head, body, rest = parts
        counts[judged(head, body)] += 1
        state["waiting"] -= 1
    state["rest"] = rest


class Stage:
    """A folder, an origin, a Redis and a relay before it."""

    def __init__(self, **redis):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-redis-away-"))
        self.origin = QuickOrigin(is_process=True)
        self.server = RedisServer(self.folder, **redis)
        self.relay = Relay(self.server.port)
        self.redis = None

    def __enter__(self):
        self.server.start()
        self.redis = self.server.client()
        write_owner(self.redis)
        return self

    def __exit__(self, *_):
        self.relay.stop()
        self.server.stop()
        self.origin.process.terminate()
        shutil.rmtree(self.folder)

    def gateway(self, name="gate", redis="", is_direct=False, **store):
        port = self.server.port if is_direct else self.relay.port
        return Gateway(self.folder, port, self.origin, name, redis, **store)

    def key(self, **fields):
        """A new one, known to Redis."""
        return Key().write(self.redis, **fields)

    def reconnect(self):
        """After Redis was restarted."""
        self.redis.close()
        self.redis = self.server.client()


def make_hot(gateway, *keys):
    """The table has them afterwards."""
    with gateway.caller() as caller:
        for key in keys:
            end = time.monotonic() + SECONDS
            while (answer := caller.ask(key)).status != 200:
                if time.monotonic() > end:
                    raise RuntimeError(f"a valid key is answered {answer}")
                time.sleep(0.005)


class Counted:
    """Prints the lines of a Report, and in the end how many of them there were."""

    def __init__(self, who):
        self.passed = 0
        self.failed = 0
        self.report = Report(who, self.show)

    def show(self, line):
        print(line, flush=True)
        self.failed += line.startswith("FAIL")
        self.passed += not line.startswith("FAIL")

    def case(self, what):
        return self.report.case(what)

    def end(self):
        """The exit status."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def check_programs():
    for program in (REDIS, binary()):
        if not os.access(program, os.X_OK):
            sys.exit(f"no program {program}")
    checked = subprocess.run([binary(), "version"], capture_output=True, check=False)
    if checked.returncode != 0:
        sys.exit(f"{binary()} does not run: {checked.stderr.decode()}")
