#!/usr/bin/python3
"""That what the admin API has acknowledged holds: after kill -9, and for every request that is sent after it.

    tests/acknowledged/run.py [--binary build/keygate] [--kills N] [--changes N] [--rate N] [--seed N]

Kills: clients make, change, rotate, revoke and delete keys as fast as they are answered; the gateway is killed in the
middle, started again on the same file, and asked for all of it. Each acknowledged change must be there in whole, of
the one that was in flight on each connection all or nothing, and nothing else. The keys themselves are tried too.

Changes: while keys are used all the time (--rate requests a second over several connections), others are disabled,
enabled, rotated, revoked, deleted, moved to a plan without access, taken a scope from. No request that is sent after
an acknowledgement may be judged by what was before it.

Full disk: a file that may not grow refuses changes clearly, loses nothing, and keys go on working.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
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
for folder in ("clients", "secrets"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / folder))

from admin_calls import AdminCalls, Gone  # noqa: E402
from quick_origin import QuickOrigin  # noqa: E402
from report import Report  # noqa: E402
from search import Secrets, files_with, memory_of  # noqa: E402
from stage import Program, answers_on, environment, free_port  # noqa: E402

SECONDS = 20
CONFIG = """version: 1
threads: 2
listeners: [{{address: "127.0.0.1:{gate}"}}]
admin: {{address: "127.0.0.1:{admin}", token_file: admin.token}}
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


class Stage:
    """A folder, an origin, and a gateway that may be killed and started again."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-acknowledged-"))
        self.environment = environment(self.folder)
        self.origin = QuickOrigin()
        self.gate = free_port(set())
        self.admin = free_port({self.gate})
        self.config = self.folder / "gate.yaml"
        self.config.write_text(CONFIG.format(gate=self.gate, admin=self.admin, origin=self.origin.port))
        self.program = None
        self.secrets = Secrets()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.program.stop()
        shutil.rmtree(self.folder)

    def start(self):
        self.program = Program(self, "gate", [self.binary, "run", "-c", str(self.config)])
        self.program.wait_for(answers_on(self.admin))
        self.program.wait_for(answers_on(self.gate))

    def kill(self):
        self.program.process.send_signal(signal.SIGKILL)
        self.program.process.wait()

    def token(self):
        return (self.folder / "admin.token").read_text().strip()

    def no_secret_stays(self, case):
        """Not one of all keys and tokens of this run, in memory, log and store."""
        self.secrets.add("token", self.token())
        for place, data in memory_of(self.program.process.pid):
            case.equal(f"secrets in {place}", self.secrets.found_in(data), {})
        case.equal("secrets in files", files_with(self.secrets, self.folder, but=("admin.token",)), {})
        case.true("the search can find", files_with(self.secrets, self.folder))
        case.note(f"{len(self.secrets.names)} keys and tokens found nowhere")


class Operator(AdminCalls):
    """One connection to the admin API."""

    def __init__(self, stage):
        super().__init__(stage.admin, stage.token())
        self.stage = stage

    def ask(self, method, path, body=None):
        reply = super().ask(method, path, body)
        if reply and "key" in reply:
            self.stage.secrets.add(reply["id"], reply["key"])
        return reply

    def all_keys(self):
        keys, cursor = {}, ""
        while True:
            page = self.ask("GET", f"/keys?limit=100&cursor={cursor}")
            for key in page["data"]:
                del key["last_used_at"]  # stored every second, and never acknowledged
                keys[key["id"]] = key
            cursor = page["next_cursor"]
            if cursor is None:
                return keys


class Caller:
    """One connection of a client."""

    def __init__(self, stage):
        self.stage = stage
        self.socket = None

    def status(self, key):
        """When it was sent, and the status that came."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.stage.gate), timeout=SECONDS)
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

    def __init__(self, stage, number, round_number, seed):
        super().__init__(daemon=True)
        self.operator = Operator(stage)
        self.random = random.Random(f"{seed} {round_number} {number}")
        self.owner = f"owner-{number}"
        self.mark = f"{round_number}.{number}"
        self.known = {}  # id: what it must be; None: deleted
        self.secrets = {}  # id: the key
        self.pending = None  # what was asked and not acknowledged
        self.count = 0
        self.error = None

    def run(self):
        try:
            while True:
                self.step()
        except Gone:
            pass
        except Exception as error:  # shown by the round
            self.error = error

    def living(self):
        return [key for key, state in self.known.items() if state and state["status"] != "revoked" and not state["rotated_to"]]

    def step(self):
        living = self.living()
        action = self.random.choice(["create", "name", "disable", "enable", "revoke", "rotate", "grace", "delete"])
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

    def create(self):
        self.pending = (None, None)
        made = self.operator.ask("POST", "/keys", {"api": "main", "owner": self.owner, "name": self.mark})
        self.secrets[made["id"]] = made["key"]
        self.acknowledge(made["id"], made)

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

    def check(self, case, stored):
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
                    fresh = shown["rotated_to"]
                    case.true(f"{key} was replaced in whole", fresh in stored)
                    del stored[fresh]
                else:
                    case.equal(f"{key}, whose rotation was in flight", shown, state)
            else:
                case.true(f"{key} is as before or after: {shown}", shown in (state, pending_state))
        if pending_key is None:  # a creation in flight: one key more, or none
            extra = [key for key, shown in stored.items() if shown["name"] == self.mark and shown["owner"] == self.owner]
            case.true("at most one key of a creation in flight", len(extra) <= 1)
            for key in extra:
                del stored[key]


def kill_rounds(binary, rounds, seed, report):
    acknowledged = 0
    with Stage(binary) as stage:
        chance = random.Random(seed)
        operator = Operator(stage)
        for number in range(4):
            operator.ask("PUT", f"/owners/owner-{number}", {"api": "main", "plan": "pro"})
        earlier = {}
        for number in range(rounds):
            writers = [Writer(stage, index, number, seed) for index in range(4)]
            for writer in writers:
                writer.start()
            goal = chance.randrange(1, 60)
            while sum(writer.count for writer in writers) < goal and any(w.is_alive() for w in writers):
                time.sleep(chance.random() / 500)
            stage.kill()
            for writer in writers:
                writer.join()
            acknowledged += sum(writer.count for writer in writers)
            stage.start()
            with report.case(f"kill {number + 1} of {rounds}") as case:
                stored = Operator(stage).all_keys()
                for key in earlier:
                    case.equal(f"{key} of an earlier round", stored.pop(key, None), earlier[key])
                for writer in writers:
                    writer.check(case, stored)
                case.equal("keys that nobody asked for", stored, {})
                caller = Caller(stage)
                for writer in writers:
                    for key, state in list(writer.known.items())[-8:]:
                        if key not in writer.secrets or (writer.pending and writer.pending[0] == key):
                            continue
                        wanted = 200 if state and state["status"] == "active" else 403
                        case.equal(f"status with {key}", caller.status(writer.secrets[key])[1], wanted)
            if number + 1 == rounds:
                with report.case("keys and tokens of all rounds") as case:
                    stage.no_secret_stays(case)
            operator = Operator(stage)
            earlier = operator.all_keys()
            if len(earlier) > 400:  # lists would become the longest part of a round
                for key in earlier:
                    operator.ask("DELETE", f"/keys/{key}")
                earlier = {}
    return acknowledged


# ---- changes under load


class Key:
    """A key and what is known of it: which statuses may be seen, and since when."""

    def __init__(self, identity, secret):
        self.id = identity
        self.secret = secret
        self.allowed_until = None  # a time: the end was acknowledged then
        self.allowed_since = 0.0  # a time: from then on it must work


class Load(threading.Thread):
    """Uses keys all the time and judges each answer by when the request was sent."""

    def __init__(self, stage, keys, rate, seed):
        super().__init__(daemon=True)
        self.caller = Caller(stage)
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
        ended, begun = key.allowed_until, key.allowed_since
        sent, status = self.caller.status(key.secret)
        self.requests += 1
        if status == 200 and ended is not None and sent > ended:
            self.wrong.append(f"{key.id} was let in {sent - ended:.6f} s after its end was acknowledged")
        if status != 200 and begun is not None and sent > begun and key.allowed_since == begun:
            self.wrong.append(f"{key.id} was answered {status} though it is active")


def changes_under_load(binary, changes, rate, seed, report):
    with Stage(binary) as stage:
        operator = Operator(stage)
        operator.ask("PUT", "/owners/acme", {"api": "main", "plan": "pro"})

        def make():
            made = operator.ask("POST", "/keys", {"api": "main", "owner": "acme"})
            key = Key(made["id"], made["key"])
            key.allowed_since = time.monotonic()
            return key

        keys = [make() for _ in range(20)]
        loads = [Load(stage, keys, rate / 8, seed + index) for index in range(8)]
        for load in loads:
            load.start()
        chance = random.Random(seed)
        caller = Caller(stage)
        wrong = []
        started = time.monotonic()

        def expect(key, wanted):
            status = caller.status(key.secret)[1]
            if status != wanted:
                wrong.append(f"{key.id}: the next request was answered {status}, not {wanted}")

        def end(key, method, path, body=None):
            key.allowed_since = None  # from here on it may be refused
            answer = operator.ask(method, path, body)
            key.allowed_until = time.monotonic()
            expect(key, 403)
            return answer

        def begin(key, method, path, body=None):
            key.allowed_until = None
            operator.ask(method, path, body)
            key.allowed_since = time.monotonic()
            expect(key, 200)

        for _ in range(changes):
            time.sleep(chance.random() / 25)  # so that requests come in between
            place = chance.choice([at for at, one in enumerate(keys) if one.allowed_until is None])
            key = keys[place]
            action = chance.choice(["revoke", "delete", "rotate", "disable", "plan", "scopes"])
            if action == "revoke":
                end(key, "POST", f"/keys/{key.id}:revoke")
            elif action == "delete":
                end(key, "DELETE", f"/keys/{key.id}")
            elif action == "rotate":
                made = end(key, "POST", f"/keys/{key.id}:rotate", {"grace_seconds": 0})
                fresh = Key(made["id"], made["key"])
                fresh.allowed_since = key.allowed_until
                expect(fresh, 200)
                keys.append(fresh)
            elif action == "disable":
                end(key, "POST", f"/keys/{key.id}:disable")
                begin(key, "POST", f"/keys/{key.id}:enable")
            elif action == "plan":
                end(key, "PATCH", f"/keys/{key.id}", {"plan": "free"})
                begin(key, "PATCH", f"/keys/{key.id}", {"plan": None})
            else:
                end(key, "PATCH", f"/keys/{key.id}", {"scopes": ["write"]})
                begin(key, "PATCH", f"/keys/{key.id}", {"scopes": None})
            if action in ("revoke", "delete"):
                keys.append(make())
            # Those that ended are tried on for a while.
            ended = [at for at, one in enumerate(keys) if one.allowed_until is not None]
            if len(ended) > 12:
                del keys[chance.choice(ended)]
        seconds = time.monotonic() - started
        for load in loads:
            load.is_ending = True
        for load in loads:
            load.join()
        requests = sum(load.requests for load in loads)
        with report.case(f"{changes} changes beside {requests / seconds:.0f} requests a second") as case:
            for load in loads:
                if load.error is not None:
                    raise load.error
                wrong.extend(load.wrong)
            case.true("requests were sent", requests > 0)
            case.equal("requests that were judged by what was before", wrong[:5], [])
            case.note(f"{requests} requests in {seconds:.1f} s, none judged by what was before")
        with report.case("keys and tokens of all that") as case:
            stage.no_secret_stays(case)


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
    stage = Stage(binary)
    with small_disk() as (disk, make_room), report.case("a disk that is full") as case:
        stage.config.write_text(stage.config.read_text() + f"store: {{file: {disk}/keys.db}}\n")
        with stage:
            pid = stage.program.process.pid
            if make_room is None:  # a bound on the size of files is nearly the same
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
                unbounded = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                use_up(stage, case, "store_", lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, unbounded))
            else:
                use_up(stage, case, "store_full", make_room)


def use_up(stage, case, reason, make_room):
    operator = Operator(stage)
    operator.ask("PUT", "/owners/acme", {"api": "main", "plan": "pro"})
    first = operator.ask("POST", "/keys", {"api": "main", "owner": "acme"})
    caller = Caller(stage)
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
    stage.kill()
    stage.start()
    stored = Operator(stage).all_keys()
    case.equal("keys after a kill", set(stored), acknowledged)
    case.equal("status in the store", stored[first["id"]]["status"], "revoked")
    case.note(f"after {len(acknowledged)} keys 503 {reason}; requests went on; nothing lost")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--binary", default="build/keygate")
    arguments.add_argument("--kills", type=int, default=5)
    arguments.add_argument("--changes", type=int, default=100)
    arguments.add_argument("--rate", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    binary = os.path.abspath(options.binary)
    lines = []

    def show(line):
        lines.append(line)
        print(line, flush=True)

    report = Report("acknowledged", show)
    if options.changes:
        changes_under_load(binary, options.changes, options.rate, options.seed, report)
    full_disk(binary, report)
    if options.kills:
        count = kill_rounds(binary, options.kills, options.seed, report)
        print(f"{count} changes were acknowledged before the kills")
    failed = sum(line.startswith("FAIL") for line in lines)
    print(f"{len(lines) - failed} passed, {failed} failed")
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
