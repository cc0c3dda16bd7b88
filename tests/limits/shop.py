"""Gateways with limits: on a Redis of their own, or on a file."""

import contextlib
import hashlib
import json
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("clients", "bench", "redis_away"):
    sys.path.insert(0, str(HERE.parent / folder))

import rig  # noqa: E402
from holding import HoldingOrigin  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from stage import environment, free_port  # noqa: E402

# Of the whole machine: ports that were given away and are not listened on yet.
taken = set()
# A machine that others use too is not what is looked at, where nobody says how soon Redis must answer.
PATIENT = {"timeout": "1s"}


def new_port():
    port = free_port(taken)
    taken.add(port)
    return port


def api(plans, origin, limits=None, routes=None, **more):
    """One API of a configuration."""
    upstream = {"servers": [f"http://127.0.0.1:{origin.port}"]}
    return {
        "profile": "default",
        "limits": limits or {},
        "plans": plans,
        "upstreams": {"live": upstream, "test": upstream},
        "routes": routes or {"GET /v1/**": "key"},
    } | more


class Gateway(rig.Gateway):
    """redis: a RedisServer, or a port; None: the embedded file. Configurations are JSON, which is YAML, too."""

    def __init__(self, folder, apis, name="gate", redis=None, redis_settings=None, threads=2, access="off", **store):
        self.folder = pathlib.Path(folder)
        self.environment = environment(self.folder)
        self.name = name
        self.port, self.admin_port, self.status_port = new_port(), new_port(), new_port()
        self.config = self.folder / f"{name}.yaml"
        if redis is not None:
            port = redis if isinstance(redis, int) else redis.port
            store = {"redis": {"url": f"redis://127.0.0.1:{port}/0"} | (redis_settings or PATIENT)} | store
        self.settings = {
            "version": 1,
            "threads": threads,
            "listeners": [{"address": f"127.0.0.1:{self.port}"}],
            "client": {"max_connections": 30000},
            "admin": {"address": f"127.0.0.1:{self.admin_port}", "token_file": f"{name}.token"},
            "status": {"address": f"127.0.0.1:{self.status_port}"},
            "log": {"level": "info", "access": access},
            "drain": {"timeout": "2s"},
            "apis": apis,
        }
        if store:
            self.settings["store"] = store
        self.write()
        self.program = None

    def write(self):
        self.config.write_text(json.dumps(self.settings, indent=1))

    def reload(self):
        self.write()
        self.admin().ask("POST", "/config:reload")

    def away(self, policy):
        """Decisions while Redis was away, of one policy."""
        for line in self.page("/metrics")[1].splitlines():
            if line.startswith(f'keygate_limit_decisions_away_total{{when_away="{policy}"}}'):
                return int(float(line.split()[-1]))
        return None


class Key(rig.Key):
    """Of an API; write() makes its record in Redis."""

    def __init__(self, api="shop", owner="acme", mode="live"):
        super().__init__()
        self.text = self.text.replace("live", mode, 1)
        self.record = f"kg:key:{hashlib.sha256(self.text.encode()).hexdigest()}"
        self.api = api
        self.owner = owner
        self.mode = mode

    def write(self, redis, **fields):
        return super().write(redis, api=self.api, owner=self.owner, mode=self.mode, **fields)

    def request(self, path="/v1/x", method="GET", more=""):
        field = f"Host: {self.api}\r\nAuthorization: Bearer {self.text}\r\n{more}"
        return f"{method} {path} HTTP/1.1\r\n{field}\r\n".encode()

    def count(self, by="k", kind=""):
        """The name of what it is counted under in Redis."""
        return f"kg:rl:{{{self.api}:{self.owner}}}:{kind}" + (f"k:{self.id}" if by == "k" else "o")


def write_owner(redis, plan, api="shop", name="acme"):
    fields = ("v", 1, "name", "Acme", "plan", plan, "status", "active", "attributes", "{}")
    redis.command("HSET", f"kg:owner:{api}:{name}", *fields)


def redis_time(redis):
    """Seconds."""
    whole, part = redis.command("TIME")
    return int(whole) + int(part) / 1e6


def fields_of(redis, name):
    words = [word.decode() for word in redis.command("HGETALL", name)]
    return dict(zip(words[::2], words[1::2]))


class Stage:
    """A folder, an origin, a Redis."""

    def __init__(self, **redis):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-limits-"))
        self.server = RedisServer(self.folder, **redis)
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.origin = self.stack.enter_context(HoldingOrigin())
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.stack.enter_context(self.server)
        self.redis = self.server.client()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def gateways(self, count, apis, **store):
        """Started."""
        made = [Gateway(self.folder, apis, f"gate{n}", self.server, **store) for n in range(count)]
        for gateway in made:
            self.stack.enter_context(gateway)
        return made

    def reconnect(self):
        """After Redis was restarted."""
        self.redis.close()
        self.redis = self.server.client()
