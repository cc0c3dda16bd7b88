"""Gateways before servers of an upstream, with keys in a file; or in a Redis, where that is asked for."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("clients", "bench", "redis_away", "limits"):
    sys.path.append(str(HERE.parent / folder))

import shop  # noqa: E402
from rig import Counted, becomes, binary, milliseconds, percentile  # noqa: E402, F401
from callers import Caller, Load, Stream, Waiting, ask_once  # noqa: E402
from servers import Fleet  # noqa: E402

SECONDS = 20
LINE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
ROUTES = {"GET /v1/**": "key", "POST /v1/**": "key", "GET /open/**": "public"}


def api(live, routes=None, **more):
    """live, and what else is an upstream of `upstreams`: the settings of it, or a list of servers."""
    return {"profile": "default", "plans": {"pro": {}}, "upstreams": {"live": live}, "routes": routes or ROUTES} | more


def upstream(servers, **settings):
    return {"servers": [one if isinstance(one, (str, dict)) else one.url for one in servers]} | settings


class Key:
    def __init__(self, made):
        self.id = made["id"]
        self.text = made["key"]


class Gateway(shop.Gateway):
    """apis: {name: api(…)}; each has its own name as its host. more: other blocks of the configuration."""

    def __init__(self, folder, apis, name="gate", threads=2, redis=None, store=None, **more):
        apis = {one: {"hosts": [one]} | settings for one, settings in apis.items()}
        super().__init__(folder, apis, name, redis, threads=threads, access=f"{name}.access", **(store or {}))
        self.settings |= more
        self.write()

    def start(self, is_ready=True):
        super().start(is_ready)
        for one in self.settings["apis"]:
            self.keygate("owners", "set", "--api", one, "--id", "acme", "--plan", "pro")

    def keygate(self, *words):
        """A command of the program, and its answer."""
        words = [binary(), *words[:2], "-c", str(self.config), *words[2:], "--json"]
        done = subprocess.run(words, env=self.environment, capture_output=True, check=False, timeout=30)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words[1:])}: {done.stderr.decode()}{done.stdout.decode()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def key(self, api="shop", owner="acme", *words):
        return Key(self.keygate("keys", "create", "--api", api, "--owner", owner, *words))

    def metric(self, name, **labels):
        """The sum over all rows with these labels; None if there is none."""
        found = None
        for line in self.page("/metrics")[1].splitlines():
            parts = LINE.match(line)
            if parts and parts[1] == name and labels.items() <= dict(LABEL.findall(parts[2] or "")).items():
                found = (found or 0) + float(parts[3])
        return found

    def is_available(self, server, api="shop", upstream="live"):
        """By its gauge: 1, 0, or None."""
        label = server if isinstance(server, str) else server.label
        return self.metric("keygate_upstream_server_available", api=api, upstream=upstream, server=label)

    def access_lines(self):
        """Those that are whole: they come a moment after their answers."""
        lines = (self.folder / f"{self.name}.access").read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def caller(self, key=None, host="shop"):
        return Caller(self.port, host, key)

    def ask(self, key=None, path="/v1/x", host="shop", **more):
        return ask_once(self.port, key, path, host, **more)

    def waiting(self, key, count, path="/v1/x", host="shop", **more):
        return Waiting(self.port, key, count, path, host, **more)

    def load(self, key, *words, **more):
        return Load(self.port, key, *words, **more)

    def stream(self, key, **more):
        return Stream(self.port, key, **more)


class Stage:
    """A folder, and servers in a process of their own."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.fleet = Fleet()  # first: it is a fork, and shall be one without threads

    def __enter__(self):
        self.stack.enter_context(self.fleet)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-upstreams-"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def server(self, name, **more):
        """Listening, on a port of its own unless one is given."""
        if "path" not in more:
            more.setdefault("port", shop.new_port())
        return self.fleet.start(name, **more)

    def servers(self, names="abc"):
        return [self.server(name) for name in names]

    def gateway(self, apis, name="gate", **more):
        """Not started: that is what `with` does."""
        return Gateway(self.folder, apis, name, **more)


def check_program():
    if not os.access(binary(), os.X_OK):
        sys.exit(f"no program {binary()}")


def retried(gateway, act, is_right, seconds=SECONDS):
    """Acts until what it gives is right; @returns the last that it gave"""
    given = []

    def is_so():
        given[:] = [act()]
        return is_right(given[0])

    becomes(is_so, seconds)
    return given[0]
