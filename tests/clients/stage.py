"""Everything that runs while the clients look: the origin, keygate, and other people's servers."""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import plain
from origin import Origin, content

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 20
STOP_SECONDS = 20

# Each API has an address of its own on the loopback network, so that every client can name it.
NAMES = ("origin", "nginx", "hasty", "caddy", "ws", "websockets")
ADDRESSES = {name: f"127.0.0.{number}" for number, name in enumerate(NAMES, start=1)}

API = """
  {name}:
    hosts: ["{host}"]
    profile: default
    scopes: [items:read, items:write]
    plans:
      pro: {{rate: 1000000/1m}}
      once: {{rate: {{rate: 1/1d, burst: 1}}}}
    upstreams: {{live: {{servers: ["http://127.0.0.1:{port}"]}}}}
    routes:
      ANY /v1/**: key
      ANY /narrow/**: items:write
      ANY /open/**: public
"""


def environment(folder):
    """No proxy, and no habits of the user."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    kept.update(
        HOME=str(folder),
        CURL_HOME=str(folder),
        XDG_CONFIG_HOME=str(folder),
        XDG_DATA_HOME=str(folder),
        LC_ALL="C.UTF-8",
        NODE_PATH="/usr/share/nodejs",
        PATH=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/sbin",  # nginx is where only root looks
        PYTHONDONTWRITEBYTECODE="1",
    )
    kept.pop("WGETRC", None)
    return kept


def free_port(taken):
    """Below the range from which the system takes ports for clients: nobody gets it before it is used."""
    while True:
        port = random.randrange(20000, 32000)
        if port in taken:
            continue
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("0.0.0.0", port))
                return port
            except OSError:
                pass


class Program:
    """A server in the background, its output in a file."""

    def __init__(self, stage, name, command):
        self.log = stage.folder / f"{name}.log"
        self.name = name
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=stage.environment, cwd=stage.folder
            )

    def wait_for(self, is_ready):
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self.text()[-2000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not answer: {self.text()[-2000:]}")
            time.sleep(0.02)

    def text(self):
        return self.log.read_text("utf-8", "replace")

    def stop(self):
        """Its exit status; one that was stopped before keeps it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def answers_on(port, address="127.0.0.1"):
    def is_ready():
        with socket.socket() as trial:
            return trial.connect_ex((address, port)) == 0

    return is_ready


class Stage:
    def __init__(self, binary):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keygate-clients-"))
        self.environment = environment(self.folder)
        self.programs = []
        self.keys = {}
        self.urls = {}
        self.origin = Origin()

    def __enter__(self):
        self.origin.start()
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.stop()
        self.origin.shutdown()
        shutil.rmtree(self.folder)

    def start(self, name, command):
        program = Program(self, name, command)
        self.programs.append(program)
        return program

    def start_all(self):
        """Everybody's port first: they have to know each other."""
        self.ports = {"origin": self.origin.port}
        for name in (*NAMES[1:], "keygate", "status", "front", "plain_front", "caddy_front"):
            self.ports[name] = free_port(self.ports.values())
        self.write_files()
        self.start("nginx", ["nginx", "-p", self.folder, "-c", self.fill("nginx.conf")])
        self.start("caddy", ["caddy", "run", "--adapter", "caddyfile", "--config", self.fill("Caddyfile")])
        self.start("ws", ["node", HERE / "ws_server.cjs", str(self.ports["ws"])])
        self.start("websockets", ["/usr/bin/python3", HERE / "websockets_server.py", str(self.ports["websockets"])])
        for program, port in zip(self.programs, ("front", "caddy_front", "ws", "websockets")):
            program.wait_for(answers_on(self.ports[port]))
        self.start_keygate()

    def write_files(self):
        """What nginx and caddy have to give."""
        files = self.folder / "files"
        files.mkdir()
        (files / "data.bin").write_bytes(content(3_000_000))
        (files / "text.txt").write_text("one line after another\n" * 5000)

    def fill(self, template):
        text = (HERE / template).read_text()
        words = {name.upper(): str(port) for name, port in self.ports.items()}
        words["FOLDER"] = str(self.folder)
        words["ADDRESSES"] = " ".join(ADDRESSES.values())
        words["FRONT_LISTENS"] = "\n        ".join(
            f"listen {address}:{self.ports['front']};" for address in ADDRESSES.values()
        )
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        filled = self.folder / template
        filled.write_text(text)
        return filled

    def start_keygate(self):
        apis = "".join(
            API.format(name=name, host=host, port=self.ports[name]) for name, host in ADDRESSES.items()
        )
        listeners = ", ".join(f'{{address: "{host}:{self.ports["keygate"]}"}}' for host in ADDRESSES.values())
        config = self.folder / "keygate.yaml"
        config.write_text(
            f"version: 1\nthreads: 2\nlisteners: [{listeners}]\n"
            f'status: {{address: "127.0.0.1:{self.ports["status"]}"}}\ndrain: {{timeout: 5s}}\napis:{apis}'
        )
        self.keygate = self.start("keygate", [self.binary, "run", "-c", config])
        self.keygate.wait_for(answers_on(self.ports["status"]))
        for name, host in ADDRESSES.items():
            self.urls[name] = f"http://{host}:{self.ports['keygate']}"
            self.operator("owners", "set", "--api", name, "--id", "acme", "--plan", "pro")
            self.keys[name] = self.create_key(name, "--scope", "items:read")
        self.keys["spent"] = self.create_key("origin", "--plan", "once")
        once = {"Authorization": f"Bearer {self.keys['spent']['key']}"}
        plain.get(f"{self.urls['origin']}/v1/status/204", once)

    def create_key(self, api, *options):
        return self.operator("keys", "create", "--api", api, "--owner", "acme", *options)

    def operator(self, noun, verb, *options):
        done = subprocess.run(
            [self.binary, noun, verb, "-c", self.folder / "keygate.yaml", *options, "--json"],
            env=self.environment,
            capture_output=True,
            check=False,
            timeout=30,
        )
        if done.returncode != 0:
            raise RuntimeError(f"keygate {noun} {verb}: {done.stderr.decode()}{done.stdout.decode()}")
        return json.loads(done.stdout)

    def version(self):
        said = subprocess.run([self.binary, "--version"], capture_output=True, text=True, check=True)
        return said.stdout.strip()

    def describe(self):
        """What a client program is told, as JSON."""
        return {
            "urls": self.urls,
            "keys": self.keys,
            "control": f"http://127.0.0.1:{self.origin.port}/control",
            "ports": self.ports,
            "folder": str(self.folder),
            "ways": [
                self.way("→ keygate → ws", "ws", "keygate"),
                self.way("→ keygate → websockets", "websockets", "keygate"),
                self.way("→ nginx → keygate → ws", "ws", "front"),
                self.way("→ caddy → keygate → websockets", "websockets", "caddy_front"),
                self.way("→ keygate → nginx → websockets", "nginx", "keygate"),
                self.way("→ keygate → caddy → ws", "caddy", "keygate"),
            ],
        }

    def way(self, name, api, port):
        """To a WebSocket server, with or without a proxy in front or behind."""
        return {"name": name, "url": f"http://{ADDRESSES[api]}:{self.ports[port]}", "key": self.keys[api]}
