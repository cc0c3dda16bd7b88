"""A real redis-server for a test."""

import contextlib
import pathlib
import signal
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "clients"))

from resp import Redis, RedisError  # noqa: E402
from stage import Program, environment, free_port  # noqa: E402

REDIS = "/usr/bin/redis-server"
DURABLE = {"appendonly": "yes", "appendfsync": "always"}  # what is acknowledged is on the disk


class RedisServer:
    """redis-server on a port of its own; config: more of its settings, NAME=VALUE."""

    def __init__(self, folder, **config):
        self.folder = pathlib.Path(folder)
        self.environment = environment(self.folder)
        self.port = free_port(set())
        self.config = {
            "port": self.port,
            "bind": "127.0.0.1",
            "save": "",
            "dir": str(self.folder),
            "repl_diskless_sync_delay": 0,  # who asks for a copy gets it at once
        } | config
        self.program = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        words = [REDIS]
        for name, value in self.config.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        self.program = Program(self, "redis", words)
        self.program.wait_for(self.answers)

    def answers(self):
        with contextlib.suppress(OSError, RedisError), self.client() as client:
            return client.command("PING") == "PONG"
        return False

    def client(self):
        return Redis(self.port, password=self.config.get("requirepass"))

    def signal(self, number):
        self.program.process.send_signal(number)

    def stand_still(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.program.process.wait()

    def stop(self):
        if self.program.process.poll() is None:
            self.go_on()
            self.program.stop()

    def restart(self):
        self.stop()
        self.start()

    # ---- what it holds

    def files(self):
        """{name: bytes} of what lies on the disk, and of the copy that a backup would be."""
        copy = self.folder / "copy.rdb"
        command = ["redis-cli", "-p", str(self.port), "--rdb", copy]
        known = {"REDISCLI_AUTH": password} if (password := self.config.get("requirepass")) else {}
        subprocess.run(command, env=self.environment | known, capture_output=True, check=True)
        found = {file.name: file.read_bytes() for file in (self.folder / "appendonlydir").glob("*")}
        return found | {copy.name: copy.read_bytes()}

    def values(self):
        """Every name and every value, of every key."""
        with self.client() as client:
            for name in names_in(client):
                yield name
                kind = client.command("TYPE", name)
                reads = {"hash": ("HGETALL", name), "string": ("GET", name), "set": ("SMEMBERS", name)}
                value = client.command(*reads.get(kind, ("ZRANGE", name, 0, -1)))
                yield from value if isinstance(value, list) else [value]


def names_in(client, pattern="*"):
    names, cursor = set(), b"0"
    while True:
        cursor, some = client.command("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
        names.update(some)
        if cursor == b"0":
            return names


# ---- what keygate keeps beside the records


def unlike_records(client):
    """Where the lists that keygate keeps differ from what the records say; nothing while nobody writes."""
    records = {name[len("kg:key:") :].decode(): fields_of(client, name) for name in names_in(client, "kg:key:*")}
    wanted = {"kg:index:ids": {record["id"]: digest for digest, record in records.items()}}
    for digest, record in records.items():
        for index in indexes_of(record):
            wanted.setdefault(index, {})[digest] = None
    wanted["kg:index:owners"] = {name[len("kg:owner:") :].decode(): None for name in names_in(client, "kg:owner:*")}
    found = {"kg:index:ids": fields_of(client, "kg:index:ids")}
    for name in map(bytes.decode, names_in(client, "kg:index:*")):
        if name not in ("kg:index:ids", "kg:index:next") and not name.startswith(("kg:index:gone:", "kg:index:guard:")):
            found[name] = dict.fromkeys(map(bytes.decode, client.command("ZRANGE", name, 0, -1)))
    wrong = []
    for name in sorted(wanted.keys() | found.keys()):
        for entry in sorted(set(wanted.get(name, {}).items()) ^ set(found.get(name, {}).items()), key=str):
            is_missing = entry in wanted.get(name, {}).items()
            wrong.append(f"{name} {'lacks' if is_missing else 'has'} {entry[0]}")
    return wrong


def indexes_of(record):
    yield "kg:index:keys"
    yield f"kg:index:status:{record['status']}"
    yield f"kg:index:owner:{record['api']}:{record['owner']}"
    if record.get("prefix"):
        yield f"kg:index:prefix:{record['prefix']}"
    if record.get("pepper"):
        yield f"kg:index:pepper:{record['pepper']}"
    if record["status"] == "active" and record.get("created_at"):
        yield "kg:index:active"


def fields_of(client, name):
    words = [word.decode() for word in client.command("HGETALL", name)]
    return dict(zip(words[::2], words[1::2]))
