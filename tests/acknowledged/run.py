#!/usr/bin/python3
"""That what the admin API has acknowledged holds: after kill -9, and for every request that is sent after it.

    tests/acknowledged/run.py [--binary build/keygate] [--store file|redis] [--kills N] [--changes N] [--rate N] [--seed N]

All of it is done on both stores: on the embedded file, and with two gateways on a Redis that writes before it answers.

Kills: clients make, bring in, change, rotate, revoke and delete keys as fast as they are answered; the gateway is
killed in the middle (with Redis: one gateway, Redis, or both; or Redis stands still for longer than calls wait),
started again on the same store, and asked for all of it. Each acknowledged change must be there in whole, of the one
that was in flight on each connection all or nothing, and nothing else. A call that made a key and was not answered is
repeated by its name: then there is one. The keys themselves are tried too. What Redis holds beside the records must
agree with them.

Changes: while keys are used all the time (--rate requests a second over several connections), others are disabled,
enabled, rotated, revoked, deleted, moved to a plan without access, taken a scope from. No request that is sent after
an acknowledgement may be judged by what was before it; at the gateway that did not make the change, none that is sent
later than the bound after it. The second half of it goes on while the configuration is loaded again and again.

Full store: a file that may not grow, or a Redis without memory, refuses changes clearly, loses nothing, and keys go on
working.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
for folder in ("redis_away", "clients", "secrets"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / folder))

from admin_calls import AdminCalls, Gone, Refused  # noqa: E402
from quick_origin import QuickOrigin  # noqa: E402
from redis_server import DURABLE, RedisServer, unlike_records  # noqa: E402
from report import Report  # noqa: E402
from search import Secrets, files_with, memory_of, within  # noqa: E402
from stage import Program, answers_on, environment, free_port  # noqa: E402

SECONDS = 20
STORES = ("file", "redis")
BOUND = 0.25  # seconds after which a change at one gateway counts at the other
# A machine that others use too is not what is looked at here: there is time to read a record.
REDIS = """store:
  redis: {{url: "redis://127.0.0.1:{port}/0", timeout: 1s}}
  revocation_bound: {bound:.0f}ms
"""
CONFIG = """version: 1
threads: 2
listeners: [{{address: "127.0.0.1:{gate}"}}]
admin: {{address: "127.0.0.1:{admin}", token_file: {name}.token}}
status: {{address: "127.0.0.1:{status}"}}
log: {{level: warning, access: off}}
apis:
  main:
    profile: default
    scopes: [read, write]
    plans: {{pro: {{}}, free: {{api_access: false}}}}
    upstreams: {{live: {{servers: ["http://127.0.0.1:{origin}"]}}}}
    routes:
      GET /v1/**: read
"""


class Gate:
    """A gateway that may be killed and started again."""

    def __init__(self, stage, name, store):
        self.stage = stage
        self.name = name
        self.port, self.admin, self.status = (stage.new_port() for _ in range(3))
        self.config = stage.folder / f"{name}.yaml"
        origin = stage.origin.port
        text = CONFIG.format(name=name, gate=self.port, admin=self.admin, status=self.status, origin=origin)
        self.config.write_text(text + store)
        self.program = None

    def start(self):
        self.program = Program(self.stage, self.name, [self.stage.binary, "run", "-c", str(self.config)])
        self.wait()

    def wait(self):
        """Until it can judge keys."""
        for port in (self.admin, self.port):
            self.program.wait_for(answers_on(port))
        self.program.wait_for(self.is_ready)

    def is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.status, timeout=SECONDS)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    def kill(self):
        self.program.process.send_signal(signal.SIGKILL)
        self.program.process.wait()

    def stop(self):
        if self.program is not None:
            self.program.stop()

    def token(self):
        return (self.stage.folder / f"{self.name}.token").read_text().strip()


class Stage:
    """A folder, an origin, and a gateway on its own file; or a Redis and two of them."""

    def __init__(self, binary, store, file=None):
        self.binary = binary
        self.store = store
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-acknowledged-"))
        self.environment = environment(self.folder)
        self.origin = QuickOrigin()
        self.redis = RedisServer(self.folder, rdbcompression="no", **DURABLE) if store == "redis" else None
        self.ports = {self.redis.port} if self.redis else set()
        if self.redis:
            text = REDIS.format(port=self.redis.port, bound=1000 * BOUND)
        else:
            text = f"store: {{file: {file}}}\n" if file else ""
        self.gates = [Gate(self, name, text) for name in (("gate", "other") if self.redis else ("gate",))]
        self.first = self.gates[0]
        self.secrets = Secrets()

    def __enter__(self):
        try:
            if self.redis:
                self.redis.start()
            for gate in self.gates:
                gate.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for gate in self.gates:
            gate.stop()
        if self.redis:
            self.redis.stop()
        shutil.rmtree(self.folder)

    def new_port(self):
        """None of them is in use before all are chosen."""
        port = free_port(self.ports)
        self.ports.add(port)
        return port

    def kill(self, what):
        """what: `gateway`, `redis`, or both words; `standstill of redis`."""
        if "standstill" in what:
            self.redis.stand_still()
        elif "redis" in what:
            self.redis.kill()
        if "gateway" in what:
            self.first.kill()

    def start(self, what):
        if "standstill" in what:
            self.redis.go_on()
        elif "redis" in what:
            self.redis.start()
        if "gateway" in what:
            self.first.start()
        for gate in self.gates:
            gate.wait()

    def secrets_in(self, gate):
        found = {place: self.secrets.found_in(data) for place, data in memory_of(gate.program.process.pid)}
        return {place: seen for place, seen in found.items() if seen}

    def no_secret_stays(self, case):
        """Not one of all keys and tokens of this run, in memory, log and store."""
        tokens = [f"{gate.name}.token" for gate in self.gates]
        for gate in self.gates:
            self.secrets.add("token", gate.token())
            # What was answered a moment ago is wiped a moment later.
            within(2, lambda: not self.secrets_in(gate))
            case.equal(f"secrets in the memory of {gate.name}", self.secrets_in(gate), {})
        case.equal("secrets in files", files_with(self.secrets, self.folder, but=tokens), {})
        case.true("the search can find", files_with(self.secrets, self.folder))
        case.note(f"{len(self.secrets.names)} keys and tokens found nowhere")


class Operator(AdminCalls):
    """One connection to the admin API."""

    def __init__(self, gate):
        super().__init__(gate.admin, gate.token())
        self.gate = gate
        self.stage = gate.stage
        self.tries = 0  # that were refused and repeated

    def ask(self, method, path, body=None, name=None):
        """name: of the call, by which it is known when it is repeated."""
        known = self.fields
        while True:
            try:
                self.fields = known | ({"Idempotency-Key": name} if name else {})
                reply = super().ask(method, path, body)
                break
            except Refused as refusal:
                # Nothing was changed: asked again.
                if not (is_replaced(refusal) or is_raced(refusal)):
                    raise
                self.tries += 1
            finally:
                self.fields = known
        if reply and "key" in reply:
            self.stage.secrets.add(reply["id"], reply["key"])
        return reply

    def all_keys(self, query=""):
        keys, cursor = {}, ""
        while True:
            page = self.ask("GET", f"/keys?limit=100&cursor={cursor}{query}")
            for key in page["data"]:
                del key["last_used_at"]  # stored every second, and never acknowledged
                keys[key["id"]] = key
            cursor = page["next_cursor"]
            if cursor is None:
                return keys


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def is_replaced(refusal):
    return json.loads(refusal.body)["error"]["reason"] == "config_replaced"


def is_raced(refusal):
    """Another gateway has changed something beside it, again and again."""
    return refusal.status == 503 and b"by somebody else at the same moment" in refusal.body


class Caller:
    """One connection of a client."""

    def __init__(self, gate):
        self.gate = gate
        self.socket = None

    def status(self, key):
        """When it was sent, and the status that came."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.gate.port), timeout=SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = time.monotonic()
        self.socket.sendall(f"GET /v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(65536)
            if not piece:
                raise RuntimeError("the gateway closed the connection")
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += self.socket.recv(65536)
        return sent, int(head.split(b" ")[1])


# ---- kills


SHOWN = ("name", "status", "rotated_to", "expires_at", "plan")


class Writer(threading.Thread):
    """Changes keys of its own until the gateway is gone, and remembers what was acknowledged."""

    def __init__(self, gate, number, round_number, seed):
        super().__init__(daemon=True)
        self.operator = Operator(gate)
        self.random = random.Random(f"{seed} {round_number} {number}")
        self.owner = f"owner-{number}"
        self.mark = f"{round_number}.{number}"
        self.known = {}  # id: what it must be; None: deleted
        self.secrets = {}  # id: the key
        self.pending = None  # what was asked and not acknowledged
        self.was_done = False  # all the same, as it turned out
        self.count = 0
        self.is_ending = False
        self.is_away = threading.Event()  # the store may be, from here on
        self.error = None

    def run(self):
        try:
            while not self.is_ending:
                self.step()
        except Gone:
            pass
        except Refused as refusal:
            # Said by a gateway that has lost Redis: done or not, nobody knows.
            if not (refusal.status == 503 and self.is_away.is_set()):
                self.error = refusal
        except Exception as error:  # shown by the round
            self.error = error

    def living(self):
        return [key for key, state in self.known.items() if state and state["status"] != "revoked" and not state["rotated_to"]]

    def step(self):
        living = self.living()
        actions = ["create", "import", "name", "disable", "enable", "revoke", "rotate", "grace", "delete"]
        action = self.random.choice(actions)
        if action == "import":
            return self.bring_in()
        if action == "create" or not living:
            return self.create()
        key = self.random.choice(living)
        if action in ("rotate", "grace"):
            if self.known[key]["status"] == "active":
                self.rotate(key, 0 if action == "rotate" else 3600)
            return None
        if action == "delete":
            self.pending = (key, None)
            self.operator.ask("DELETE", f"/keys/{key}")
            return self.acknowledge(key, None)
        if action == "name":
            name = f"{self.mark} {self.count}"
            self.pending = (key, {**self.known[key], "name": name})
            shown = self.operator.ask("PATCH", f"/keys/{key}", {"name": name})
        else:
            status = {"disable": "disabled", "enable": "active", "revoke": "revoked"}[action]
            self.pending = (key, {**self.known[key], "status": status})
            shown = self.operator.ask("POST", f"/keys/{key}:{action}")
        return self.acknowledge(key, shown)

    def bring_in(self):
        ids = [f"{self.mark}-{self.count}-{number}" for number in range(20)]
        rows = [
            {"api": "main", "owner": self.owner, "name": self.mark, "id": id, "digest": f"sha256:{sha256(id.encode())}"}
            for id in ids
        ]
        self.pending = ("import", ids)
        self.operator.ask("POST", "/keys:import", {"keys": rows})
        for id in ids:
            self.known[id] = dict.fromkeys(SHOWN) | {"name": self.mark, "status": "active"}
        self.pending = None
        self.count += 1

    def create(self):
        self.pending = (None, None)
        made = self.ask_for_key(self.operator)
        self.secrets[made["id"]] = made["key"]
        self.acknowledge(made["id"], made)

    def ask_for_key(self, operator):
        body = {"api": "main", "owner": self.owner, "name": self.mark}
        return operator.ask("POST", "/keys", body, name=f"{self.mark}-{self.count}")

    def rotate(self, key, grace):
        self.pending = (key, "rotated")
        made = self.operator.ask("POST", f"/keys/{key}:rotate", {"grace_seconds": grace})
        self.secrets[made["id"]] = made["key"]
        self.known[made["id"]] = {name: made[name] for name in SHOWN}
        old = self.operator_state(key, made["id"], grace)
        self.pending = None
        self.known[key] = old
        self.count += 1

    def operator_state(self, key, fresh, grace):
        state = {**self.known[key], "rotated_to": fresh}
        if grace == 0:
            state["status"] = "revoked"
        else:
            state["expires_at"] = "set"
        return state

    def acknowledge(self, key, shown):
        self.known[key] = None if shown is None else {name: shown[name] for name in SHOWN}
        self.pending = None
        self.count += 1

    def check(self, stage, case, stored):
        """Compares with what the restarted gateway shows. Takes its own keys out of `stored`."""
        if self.error is not None:
            raise self.error
        pending_key, pending_state = self.pending or ("", None)
        fresh = None
        for key, state in self.known.items():
            shown = stored.pop(key, None)
            if shown is not None:
                shown = {name: shown[name] for name in SHOWN}
                if state and state["expires_at"] == "set" and shown["expires_at"]:
                    shown["expires_at"] = "set"
            if key != pending_key:
                case.equal(f"{key} after the kill", shown, state)
            elif pending_state == "rotated":
                if shown["rotated_to"] is not None:
                    self.was_done = True
                    fresh = shown["rotated_to"]
                    case.true(f"{key} was replaced in whole", fresh in stored)
                    del stored[fresh]
                else:
                    case.equal(f"{key}, whose rotation was in flight", shown, state)
            else:
                case.true(f"{key} is as before or after: {shown}", shown in (state, pending_state))
                self.was_done = shown == pending_state
        if pending_key is None:  # a creation in flight: one key more, or none
            extra = [key for key, shown in stored.items() if shown["name"] == self.mark and shown["owner"] == self.owner]
            case.true("at most one key of a creation in flight", len(extra) <= 1)
            for key in extra:
                del stored[key]
            self.was_done = bool(extra)
            again = self.ask_for_key(Operator(stage.first))
            case.true("repeated, it is the same key", again["id"] == extra[0] if extra else "key" in again)
        if pending_key == "import":
            shown = [stored.pop(id, None) is not None for id in pending_state]
            case.true(f"all keys of an import in flight, or none: {shown}", all(shown) or not any(shown))
            self.was_done = all(shown)


def kill_rounds(binary, store, rounds, seed, report):
    acknowledged = 0
    kinds = ("gateway",) if store == "file" else ("gateway", "redis", "redis and gateway", "standstill of redis")
    with Stage(binary, store) as stage:
        chance = random.Random(seed)
        operator = Operator(stage.first)
        for number in range(4):
            operator.ask("PUT", f"/owners/owner-{number}", {"api": "main", "plan": "pro"})
        earlier = {}
        for number in range(rounds):
            what = kinds[number % len(kinds)]
            writers = [Writer(stage.gates[index % len(stage.gates)], index, number, seed) for index in range(4)]
            for writer in writers:
                writer.start()
            goal = chance.randrange(1, 60)
            while sum(writer.count for writer in writers) < goal and any(w.is_alive() for w in writers):
                time.sleep(chance.random() / 500)
            for writer in writers:
                if "redis" in what:
                    writer.is_away.set()
            stage.kill(what)
            for writer in writers:
                writer.is_ending = True  # at a gateway that lives
            for writer in writers:
                writer.join()
            acknowledged += sum(writer.count for writer in writers)
            stage.start(what)
            with report.case(f"kill {number + 1} of {rounds}: {what}") as case:
                stored = Operator(stage.first).all_keys()
                alike_everywhere(stage, case, stored)
                for key in earlier:
                    case.equal(f"{key} of an earlier round", stored.pop(key, None), earlier[key])
                for writer in writers:
                    writer.check(stage, case, stored)
                in_flight = [writer for writer in writers if writer.pending]
                done = sum(writer.was_done for writer in in_flight)
                case.note(f"{len(in_flight)} changes were in flight, {done} of them done")
                if tries := sum(writer.operator.tries for writer in writers):
                    case.note(f"{tries} calls were too late and repeated")
                case.equal("keys that nobody asked for", stored, {})
                try_keys(stage, case, writers)
            if number + 1 == rounds:
                with report.case("keys and tokens of all rounds") as case:
                    stage.no_secret_stays(case)
            operator = Operator(stage.first)
            earlier = operator.all_keys()
            if len(earlier) > 400:  # lists would become the longest part of a round
                for key in earlier:
                    operator.ask("DELETE", f"/keys/{key}")
                earlier = {}
    return acknowledged


def try_keys(stage, case, writers):
    """More than the bound has passed since the last change: a gateway was started meanwhile, or at least waited for."""
    time.sleep(BOUND if stage.redis else 0)
    for gate in stage.gates:
        caller = Caller(gate)
        for writer in writers:
            for key, state in list(writer.known.items())[-8:]:
                if key not in writer.secrets or (writer.pending and writer.pending[0] == key):
                    continue
                wanted = 200 if state and state["status"] == "active" else 403
                case.equal(f"status with {key} at {gate.name}", caller.status(writer.secrets[key])[1], wanted)


def alike_everywhere(stage, case, stored):
    """What Redis' lists, its records and both gateways tell is one and the same."""
    if not stage.redis:
        return
    with stage.redis.client() as redis:
        case.equal("lists that differ from the records", unlike_records(redis)[:5], [])
    for gate in stage.gates:
        operator = Operator(gate)
        case.equal(f"all keys at {gate.name}", operator.all_keys(), stored)
        for query, member in (("status", "status"), ("api=main&owner", "owner")):
            for value in {key[member] for key in stored.values()} - {"expired"}:
                shown = operator.all_keys(f"&{query}={value}")
                case.equal(f"keys with {query}={value}", shown, {i: k for i, k in stored.items() if k[member] == value})
    for key in list(stored)[-100:]:
        shown = operator.ask("GET", f"/keys/{key}")
        del shown["last_used_at"]
        case.equal(f"{key} by its id", shown, stored[key])


# ---- changes under load


class Key:
    """A key, and what is known of it."""

    def __init__(self, identity, secret, gate):
        self.id = identity
        self.secret = secret
        # Read and replaced as one: at which gateway the last change was made; since when it must be refused, and
        # since when it must work. None: not so.
        self.state = (gate, None, time.monotonic())

    def has_ended(self):
        return self.state[1] is not None


class Load(threading.Thread):
    """Uses keys all the time and judges each answer by when the request was sent."""

    def __init__(self, gate, keys, rate, seed):
        super().__init__(daemon=True)
        self.gate = gate
        self.caller = Caller(gate)
        self.keys = keys
        self.pause = 1 / rate
        self.random = random.Random(seed)
        self.is_ending = False
        self.requests = 0
        self.wrong = []
        self.error = None

    def run(self):
        next_time = time.monotonic()
        try:
            while not self.is_ending:
                self.use(self.random.choice(tuple(self.keys)))  # the list changes
                next_time += self.pause
                time.sleep(max(0.0, next_time - time.monotonic()))
        except Exception as error:
            self.error = error

    def use(self, key):
        # Read before sending: an end that is acknowledged while the request is under way may be seen or not.
        state = key.state
        gate, ended, begun = state
        late = 0.0 if gate is self.gate else BOUND
        sent, status = self.caller.status(key.secret)
        self.requests += 1
        if status not in (200, 403):
            self.wrong.append(f"{key.id} was answered {status} at {self.gate.name}")
        elif status == 200 and ended is not None and sent > ended + late:
            self.wrong.append(f"{key.id} was let in at {self.gate.name} {sent - ended:.6f} s after its end")
        elif status != 200 and begun is not None and sent > begun + late and key.state is state:
            self.wrong.append(f"{key.id} was answered {status} at {self.gate.name} though it is active")


class Reloads(threading.Thread):
    """Loads the configuration again and again, each time another one."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.operators = [Operator(gate) for gate in stage.gates]
        self.is_ending = threading.Event()
        self.count = 0
        self.error = None

    def run(self):
        scopes = ("[read, write]", "[read, write, more]")
        try:
            while not self.is_ending.wait(0.05):
                for operator in self.operators:
                    config = operator.gate.config
                    config.write_text(config.read_text().replace(*(scopes if self.count % 2 == 0 else scopes[::-1])))
                    if operator.ask("POST", "/config:reload")["changed"] is not True:
                        raise RuntimeError("a reload that changed nothing")
                self.count += 1
        except Exception as error:
            self.error = error


class Changes:
    """Changes of keys that are in use. The one that asks next, at the same gateway, must see each of them."""

    def __init__(self, stage, seed):
        self.random = random.Random(seed)
        self.gates = [(gate, Operator(gate), Caller(gate)) for gate in stage.gates]
        self.gates[0][1].ask("PUT", "/owners/acme", {"api": "main", "plan": "pro"})
        self.wrong = []
        self.keys = [self.make() for _ in range(20)]

    def make(self):
        gate, operator, _ = self.random.choice(self.gates)
        made = operator.ask("POST", "/keys", {"api": "main", "owner": "acme"})
        return Key(made["id"], made["key"], gate)

    def expect(self, key, caller, wanted):
        status = caller.status(key.secret)[1]
        if status != wanted:
            self.wrong.append(f"{key.id}: the next request was answered {status}, not {wanted}")

    def end(self, key, method, path, body=None):
        gate, operator, caller = self.random.choice(self.gates)
        key.state = (gate, None, None)  # from here on it may be refused
        answer = operator.ask(method, path, body)
        key.state = (gate, time.monotonic(), None)
        self.expect(key, caller, 403)
        return answer, gate, caller

    def begin(self, key, method, path, body=None):
        gate, operator, caller = self.random.choice(self.gates)
        key.state = (gate, None, None)
        operator.ask(method, path, body)
        key.state = (gate, None, time.monotonic())
        self.expect(key, caller, 200)

    def step(self):
        key = self.random.choice([one for one in self.keys if not one.has_ended()])
        action = self.random.choice(["revoke", "delete", "rotate", "disable", "plan", "scopes"])
        if action == "revoke":
            self.end(key, "POST", f"/keys/{key.id}:revoke")
        elif action == "delete":
            self.end(key, "DELETE", f"/keys/{key.id}")
        elif action == "rotate":
            made, gate, caller = self.end(key, "POST", f"/keys/{key.id}:rotate", {"grace_seconds": 0})
            fresh = Key(made["id"], made["key"], gate)
            self.expect(fresh, caller, 200)
            self.keys.append(fresh)
        elif action == "disable":
            self.end(key, "POST", f"/keys/{key.id}:disable")
            self.begin(key, "POST", f"/keys/{key.id}:enable")
        elif action == "plan":
            self.end(key, "PATCH", f"/keys/{key.id}", {"plan": "free"})
            self.begin(key, "PATCH", f"/keys/{key.id}", {"plan": None})
        else:
            self.end(key, "PATCH", f"/keys/{key.id}", {"scopes": ["write"]})
            self.begin(key, "PATCH", f"/keys/{key.id}", {"scopes": None})
        if action in ("revoke", "delete"):
            self.keys.append(self.make())
        # Those that ended are tried on for a while.
        ended = [at for at, one in enumerate(self.keys) if one.has_ended()]
        if len(ended) > 12:
            del self.keys[self.random.choice(ended)]


def changes_under_load(binary, store, changes, rate, seed, report):
    with Stage(binary, store) as stage:
        work = Changes(stage, seed)
        loads = [
            Load(stage.gates[index % len(stage.gates)], work.keys, rate / 8, seed + index) for index in range(8)
        ]
        for load in loads:
            load.start()
        reloads = Reloads(stage)
        started = time.monotonic()
        for number in range(changes):
            if number == changes // 2:
                reloads.start()
            time.sleep(work.random.random() / 25)  # so that requests come in between
            work.step()
        seconds = time.monotonic() - started
        reloads.is_ending.set()
        reloads.join()
        for load in loads:
            load.is_ending = True
        for load in loads:
            load.join()
        requests = sum(load.requests for load in loads)
        with report.case(f"{changes} changes beside {requests / seconds:.0f} requests a second") as case:
            for thread in (*loads, reloads):
                if thread.error is not None:
                    raise thread.error
            for load in loads:
                case.true("requests were sent", load.requests > 0)
                work.wrong.extend(load.wrong)
            case.true("reloads", reloads.count > 0)
            case.equal("requests that were judged by what was before", work.wrong[:5], [])
            case.note(f"{requests} requests in {seconds:.1f} s, none judged by what was before, {reloads.count} reloads")
        with report.case("keys and tokens of all that") as case:
            stage.no_secret_stays(case)
            alike_everywhere(stage, case, Operator(stage.first).all_keys())


# ---- a full disk


@contextlib.contextmanager
def small_disk():
    """A folder with little room, and a way to make more; no way where the system does not let us mount."""
    with tempfile.TemporaryDirectory(prefix="keygate-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=400k,mode=700", "tmpfs", folder]
        if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            yield folder, None
            return
        try:
            yield folder, lambda: subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
        finally:
            subprocess.run(["umount", folder], check=True)


def full_disk(binary, report):
    with small_disk() as (disk, make_room), report.case("a disk that is full") as case:
        with Stage(binary, "file", f"{disk}/keys.db") as stage:
            pid = stage.first.program.process.pid
            if make_room is None:  # a bound on the size of files is nearly the same
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
                unbounded = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                use_up(stage, case, "store_", lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, unbounded))
            else:
                use_up(stage, case, "store_full", make_room)


def full_redis(binary, report):
    with report.case("a Redis without memory") as case, Stage(binary, "redis") as stage:
        with stage.redis.client() as redis:
            redis.command("CONFIG", "SET", "maxmemory", int(redis.info("memory")["used_memory"]) + 500_000)
            use_up(stage, case, "store_full", lambda: redis.command("CONFIG", "SET", "maxmemory", 0))


def use_up(stage, case, reason, make_room):
    operator = Operator(stage.first)
    operator.ask("PUT", "/owners/acme", {"api": "main", "plan": "pro"})
    first = operator.ask("POST", "/keys", {"api": "main", "owner": "acme"})
    caller = Caller(stage.first)
    acknowledged, refusal = {first["id"]}, None
    while refusal is None and len(acknowledged) < 5000:
        try:
            acknowledged.add(operator.ask("POST", "/keys", {"api": "main", "owner": "acme", "name": "x" * 200})["id"])
        except RuntimeError as error:
            refusal = str(error)
    case.true(f"a clear refusal: {refusal}", refusal and ": 503 " in refusal and f'"reason":"{reason}' in refusal)
    for _ in range(20):
        case.equal("status with a key meanwhile", caller.status(first["key"])[1], 200)
    try:
        operator.ask("POST", f"/keys/{first['id']}:revoke")
        wanted = 403
    except RuntimeError:
        wanted = 200
    case.equal("status after a change that was tried", caller.status(first["key"])[1], wanted)
    make_room()
    operator.ask("POST", f"/keys/{first['id']}:revoke")
    case.equal("status once there is room", caller.status(first["key"])[1], 403)
    stage.kill(stage.store + " gateway")
    stage.start(stage.store + " gateway")
    stored = Operator(stage.first).all_keys()
    alike_everywhere(stage, case, stored)
    case.equal("keys after a kill", set(stored), acknowledged)
    case.equal("status in the store", stored[first["id"]]["status"], "revoked")
    case.note(f"after {len(acknowledged)} keys 503 {reason}; requests went on; nothing lost")


def run(binary, store, options, show):
    report = Report(f"acknowledged, {store}", show)
    if options.changes:
        changes_under_load(binary, store, options.changes, options.rate, options.seed, report)
    if store == "file":
        full_disk(binary, report)
    else:
        full_redis(binary, report)
    if options.kills:
        count = kill_rounds(binary, store, options.kills, options.seed, report)
        print(f"{count} changes were acknowledged before the kills")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--binary", default="build/keygate")
    arguments.add_argument("--store", choices=STORES, action="append", help="this one alone")
    arguments.add_argument("--kills", type=int, default=5)
    arguments.add_argument("--changes", type=int, default=100)
    arguments.add_argument("--rate", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lines = []

    def show(line):
        lines.append(line)
        print(line, flush=True)

    for store in options.store or STORES:
        run(os.path.abspath(options.binary), store, options, show)
    failed = sum(line.startswith("FAIL") for line in lines)
    print(f"{len(lines) - failed} passed, {failed} failed")
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
