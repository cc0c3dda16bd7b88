"""Gateways on the embedded store, with listeners of many kinds."""

import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("clients", "bench", "redis_away"):
    sys.path.insert(0, str(HERE.parent / folder))

import rig  # noqa: E402
from rig import Counted, becomes, binary  # noqa: E402, F401
from stage import environment, free_port  # noqa: E402

SECONDS = 15
# Of the whole machine: ports that were given away and are not listened on yet.
taken = set()
numbers = itertools.count(1)


def new_port():
    port = free_port(taken)
    taken.add(port)
    return port


def check(*programs):
    """Whether what a part needs is there."""
    for program in (binary(), *programs):
        if shutil.which(program) is None:
            sys.exit(f"no program {program}")


class Folder:
    """A temporary one."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"keygate-{self.name}-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def api(behind, routes=None, upstream=None, **more):
    """One API of a configuration. behind: where it leads."""
    return {
        "profile": "default",
        "plans": {"pro": {}, "one": {"rate": "1/1d"}},
        "upstreams": {"live": {"servers": [behind.url]} | (upstream or {})},
        "routes": routes or {"ANY /v1/**": "key", "ANY /open/**": "public"},
    } | more


class Key:
    def __init__(self, told):
        self.text = told["key"]
        self.id = told["id"]


class Gateway(rig.Gateway):
    """listeners: {name: settings}, each gets a port of its own: `ports`; an `address` in them is without it. The
    configuration is JSON, which is YAML, too."""

    def __init__(self, folder, apis, listeners=None, name=None, client=None, **settings):
        self.folder = pathlib.Path(folder)
        self.environment = environment(self.folder)
        self.name = name or f"gate{next(numbers)}"
        self.admin_port, self.status_port = new_port(), new_port()
        self.ports = {}
        self.listeners = listeners or {"plain": {}}
        self.config = self.folder / f"{self.name}.yaml"
        self.access = self.folder / f"{self.name}.access"
        for one in self.listeners:
            self.ports[one] = new_port()
        self.settings = {
            "version": 1,
            "threads": 2,
            "client": client or {},
            "admin": {"address": f"127.0.0.1:{self.admin_port}", "token_file": f"{self.name}.token"},
            "status": {"address": f"127.0.0.1:{self.status_port}"},
            "log": {"level": "info", "access": str(self.access)},
            "drain": {"timeout": "2s"},
            "apis": apis,
        } | settings
        self.write()
        self.program = None

    @property
    def port(self):
        """The first one."""
        return next(iter(self.ports.values()))

    def write(self):
        told = [
            more | {"address": f"{more.get('address', '127.0.0.1')}:{self.ports[name]}"}
            for name, more in self.listeners.items()
        ]
        self.config.write_text(json.dumps({"listeners": told} | self.settings, indent=1))

    def start(self, is_ready=True):
        super().start(is_ready)
        for name in self.settings["apis"]:
            self.operator("owners", "set", "--api", name, "--id", "acme", "--plan", "pro")

    # ---- the operator

    def command(self, *words):
        """A command line on this configuration, whatever becomes of it."""
        return subprocess.run(
            [binary(), *words, "-c", self.config],
            env=self.environment, capture_output=True, check=False, timeout=SECONDS, text=True,
        )  # fmt: skip

    def operator(self, *words):
        done = self.command(*words, "--json")
        if done.returncode != 0:
            raise RuntimeError(f"keygate {' '.join(words)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout)

    def key(self, *options, api=None, owner="acme"):
        name = api or next(iter(self.settings["apis"]))
        return Key(self.operator("keys", "create", "--api", name, "--owner", owner, *options))

    def reload(self):
        """By its own command, which returns when the new configuration counts."""
        return self.command("reload")

    # ---- what was logged

    def lines(self):
        """Of the access log."""
        text = self.access.read_text() if self.access.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def line_of(self, answer):
        """What the access log says of a request; None if nothing."""
        number = answer.field("X-Request-Id")
        found = []

        def is_there():
            found[:] = [line for line in self.lines() if line["request_id"] == number]
            return found

        return found[0] if becomes(is_there, SECONDS) else None
