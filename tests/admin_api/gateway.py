"""One gateway with a folder of its own, three tokens of the three roles, and a raw way to speak to it; and where it
keeps its keys."""

import contextlib
import hashlib
import json
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

for folder in ("secrets", "redis_away"):
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / folder))

from redis_server import DURABLE, RedisServer  # noqa: E402
from search import LETTERS, Secrets, files_with, memory_of, random_text  # noqa: E402

START_SECONDS = 20
ANSWER_SECONDS = 20

CONFIGURATION = """
version: 1
listeners: [{{address: "127.0.0.1:{port}"}}]
admin:
  address: "127.0.0.1:{admin}"
  hosts: [keys.example.com]
  tokens:
    - {{name: reader, role: viewer, digest: "{viewer}"}}
    - {{name: worker, role: operator, digest: "{operator}"}}
    - {{name: boss, role: admin, digest: "{admin_digest}"}}
apis:
  shop:
    profile: default
    default_plan: pro
    plans: {{free: {{api_access: false}}, pro: {{rate: 100/1m}}}}
    upstreams: {{live: {{servers: ["http://127.0.0.1:9"]}}}}
    recoverable: {{key_file: reveal.key}}
    routes:
      GET /v1/orders/**: orders:read
      POST /v1/orders: orders:write
"""

TOKENS = {role: random_text(LETTERS, 48) for role in ("viewer", "operator", "admin")}


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def free_port():
    """Below the range from which the system takes ports for clients."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Answer:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields  # names in lower case; a list of values for each
        self.body = body

    def field(self, name):
        return self.fields.get(name.lower(), [None])[0]

    def json(self):
        return json.loads(self.body)

    def reason(self):
        return self.json()["error"]["reason"]


def read_answers(data, heads_only=False):
    """All answers of one connection. Bytes that are no answer are an error: nothing may be lost or added."""
    answers = []
    while data:
        head, mark, rest = data.partition(b"\r\n\r\n")
        if not mark:
            raise ValueError(f"no whole head: {data[:200]!r}")
        lines = head.decode("latin-1").split("\r\n")
        if not lines[0].startswith("HTTP/1.1 "):
            raise ValueError(f"no status line: {lines[0]!r}")
        status = int(lines[0].split(" ")[1])
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields.setdefault(name.lower(), []).append(value.strip())
        if status == 100:
            data = rest
            continue
        length = 0 if heads_only else int(fields["content-length"][0])
        if len(rest) < length:
            raise ValueError("a body is cut")
        answers.append(Answer(status, fields, rest[:length]))
        data = rest[length:]
    return answers


class FileStore:
    """The embedded file, and what somebody does to it while no gateway runs."""

    name = "file"
    socket = "gate.db.sock"
    has_backup = True

    def __init__(self, gateway):
        self.file = gateway.folder / "gate.db"

    def start(self):
        pass

    def stop(self):
        pass

    def configuration(self):
        return ""

    def change(self, *commands):
        with contextlib.closing(sqlite3.connect(self.file)) as store:
            for command in commands:
                store.execute(command)
            store.commit()

    def damage(self, id):
        self.change("PRAGMA ignore_check_constraints = ON", f"UPDATE keys SET status = 'sleeping' WHERE id = '{id}'")

    def remove_keys_of(self, pepper):
        self.change(f"DELETE FROM keys WHERE pepper = '{pepper}'")

    def fill(self, gateway):
        """A gateway that was started with a bound on its files: until nothing goes in."""
        # Ever smaller portions, until not even one row goes in.
        size, written = 200, 0
        while size:
            rows = [
                {
                    "api": "shop",
                    "owner": "acme",
                    "digest": digest(f"{size} {written} {i}"),
                    "metadata": {"x": "y" * 500},
                }
                for i in range(size)
            ]
            written += 1
            if gateway.call("POST", "/admin/v1/keys:import", {"keys": rows}).status != 200:
                size //= 2
        # And then the smallest change that there is: a page or two.
        filled = 0
        while gateway.call("PUT", "/admin/v1/owners/acme", {"api": "shop", "name": str(filled)}).status == 200:
            filled += 1


def documented_user():
    """Its rights, as deploy/redis.md gives them."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "deploy" / "redis.md").read_text()
    return re.search(r"^user keygate (on >SECRET .*)$", text, re.M)[1].split()


class RedisStore:
    """A Redis of its own, where the gateway is the user that deploy/redis.md describes; and what somebody does to it
    with nothing but Redis' commands."""

    name = "redis"
    socket = "gate.sock"
    has_backup = False  # Redis is copied by its own means

    def __init__(self, gateway, server=None):
        """server: one that is shared, and started and stopped by others."""
        self.folder = gateway.folder
        self.is_own = server is None
        self.server = server or RedisServer(gateway.folder, rdbcompression="no", **DURABLE)

    def start(self):
        if not self.is_own:
            return
        self.server.start()
        with self.server.client() as redis:
            redis.command("ACL", "SETUSER", "keygate", *documented_user())

    def stop(self):
        if self.is_own:
            self.server.stop()

    def configuration(self):
        (self.folder / "redis.password").write_text("SECRET\n")
        (self.folder / "redis.password").chmod(0o600)
        # A machine that others use too is not what is looked at here: there is time to read a record.
        settings = f'url: "redis://127.0.0.1:{self.server.port}/0", user: keygate, password_file: redis.password'
        return f"store: {{redis: {{{settings}, timeout: 1s}}}}\n"

    def damage(self, id):
        with self.server.client() as redis:
            record = b"kg:key:" + redis.command("HGET", "kg:index:ids", id)
            redis.command("HSET", record, "status", "sleeping")

    def remove_keys_of(self, pepper):
        with self.server.client() as redis:
            for digest in redis.command("ZRANGE", f"kg:index:pepper:{pepper}", 0, -1):
                redis.command("DEL", b"kg:key:" + digest)

    def fill(self, _):
        """No command that needs room is carried out any more."""
        with self.server.client() as redis:
            redis.command("CONFIG", "SET", "maxmemory", 1)


STORES = {store.name: store for store in (FileStore, RedisStore)}


class Gateway:
    def __init__(self, binary, store="file", file_bytes=None, beside=None):
        """
        file_bytes: no file of the process may become larger; a disk that is full.
        beside: another Gateway, whose Redis this one shares.
        """
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-admin-"))
        self.store = RedisStore(self, beside.store.server) if beside else STORES[store](self)
        self.file_bytes = file_bytes
        self.admin_port = free_port()
        self.port = free_port()
        self.configuration = self.folder / "gate.yaml"
        self.process = None
        self.secrets = Secrets()
        for role, token in TOKENS.items():
            self.secrets.add(f"token of the {role}", token)

    def __enter__(self):
        try:
            self.write_configuration()
            self.store.start()
            self.start()
        except BaseException:
            self.store.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self.store.stop()
        shutil.rmtree(self.folder)

    def write_configuration(self, old="", new=""):
        text = CONFIGURATION.format(
            port=self.port,
            admin=self.admin_port,
            viewer=digest(TOKENS["viewer"]),
            operator=digest(TOKENS["operator"]),
            admin_digest=digest(TOKENS["admin"]),
        )
        text += self.store.configuration()
        self.configuration.write_text(text.replace(old, new) if old else text)

    def limit_files(self):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes, self.file_bytes))

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "run", "-c", self.configuration],
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=self.limit_files if self.file_bytes else None,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)

    def answers(self):
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.admin_port)) == 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def lives(self):
        return self.process.poll() is None

    def keygate(self, *arguments, text=""):
        """A command on this gateway."""
        return subprocess.run(
            [self.binary, *arguments, "-c", self.configuration],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def connect(self, local=False):
        if local:
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(ANSWER_SECONDS)
            made.connect(str(self.folder / self.store.socket))
        else:
            made = socket.create_connection(("127.0.0.1", self.admin_port), ANSWER_SECONDS)
        return made

    def exchange(self, data, local=False, ends=True):
        """Sends bytes on a connection of their own; everything that comes back until the other side closes.
        ends: say that nothing more will come."""
        with self.connect(local) as link:
            try:
                link.sendall(data)
                if ends:
                    link.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the gateway has had enough; its answer tells
            received = b""
            while True:
                try:
                    piece = link.recv(65536)
                except ConnectionResetError:
                    break
                if not piece:
                    break
                received += piece
        # What was used has the ids of keys under that name.
        for key in re.findall(rb'"key":"(?!key_)([^"]{20,})"', received):
            self.secrets.add("a new key", key.decode())
        return received

    def secrets_left(self):
        """Keys and tokens that are in the memory, the log or the store: there may be none."""
        left = [f"{place}: {seen}" for place, data in memory_of(self.process.pid) if (seen := self.secrets.found_in(data))]
        return left + [f"{name}: {seen}" for name, seen in files_with(self.secrets, self.folder).items()]

    def request(self, method, target, body=None, role="admin", host=None, fields=()):
        """The bytes of one request."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.admin_port}'}"]
        if role:
            lines.append(f"Authorization: Bearer {TOKENS[role]}")
        names = {name.lower() for name, _ in fields}
        if data and "content-type" not in names:
            lines.append("Content-Type: application/json")
        if (data or body is not None) and "content-length" not in names and "transfer-encoding" not in names:
            lines.append(f"Content-Length: {len(data)}")
        lines += [f"{name}: {value}" for name, value in fields]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data

    def call(self, method, target, body=None, local=False, **more):
        data = self.request(method, target, body, **({"role": None} | more if local else more))
        answers = read_answers(self.exchange(data, local), method == "HEAD")
        if len(answers) != 1:
            raise ValueError(f"{len(answers)} answers to {method} {target}")
        return answers[0]

    def state(self):
        """Everything that the store says it holds."""
        everything = {}
        for what in ("owners", "keys"):
            rows, cursor = [], ""
            while cursor is not None:
                page = self.call("GET", f"/admin/v1/{what}?limit=100" + (f"&cursor={cursor}" if cursor else "")).json()
                rows += page["data"]
                cursor = page["next_cursor"]
            everything[what] = rows
        return everything
