"""What stands in the middle while wire.py measures: the gateway, or a peer in its place, and what the kernel
says about it. Everything listens on loopback, on free ports, with its files in one temporary folder."""

import contextlib
import json
import multiprocessing
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

HOST = "127.0.0.1"
# keygate's own defaults, for the peers too.
TIMEOUTS = {"head_timeout": "10s", "body_timeout": "30s", "write_timeout": "30s"}
FORK = multiprocessing.get_context("fork")
MIB = 1 << 20


class Trouble(Exception):
    """The measurement cannot be made; the text says why."""


def free_port():
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        return trial.getsockname()[1]


def raise_descriptors():
    """As many descriptors as the system allows, for this process and all that it starts."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):  # only root may raise the hard one
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 65536), max(hard, 65536)))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def becomes_true(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# --- what the kernel says -----------------------------------------------------------------------------


def read_text(path):
    return pathlib.Path(path).read_text(encoding="ascii", errors="replace")


def status_bytes(pid, field):
    """VmRSS, VmHWM: kB in /proc, bytes here."""
    return int(re.search(rf"^{field}:\s+(\d+) kB", read_text(f"/proc/{pid}/status"), re.M)[1]) * 1024


def scheduled(pid):
    """Nanoseconds for which its threads ran, and for which they could have run but had no CPU."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    times = [(task / "schedstat").read_text(encoding="ascii").split() for task in tasks.iterdir()]
    return sum(int(words[0]) for words in times), sum(int(words[1]) for words in times)


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockstat():
    """Of the whole machine: TCP sockets, and the bytes that the kernel holds for them."""
    text = read_text("/proc/net/sockstat")
    found = re.search(r"TCP: inuse (\d+) orphan \d+ tw \d+ alloc \d+ mem (\d+)", text)
    return int(found[1]), int(found[2]) * os.sysconf("SC_PAGE_SIZE")


def slab_bytes():
    return int(re.search(r"^Slab:\s+(\d+) kB", read_text("/proc/meminfo"), re.M)[1]) * 1024


def queued_bytes(ports):
    """Bytes that wait in the kernel on connections from or to these ports: sent and not yet acknowledged, or
    arrived and not yet read."""
    waiting = 0
    for line in read_text("/proc/net/tcp").splitlines()[1:]:
        words = line.split()
        ends = {int(words[1].rsplit(":", 1)[1], 16), int(words[2].rsplit(":", 1)[1], 16)}
        if words[3] == "0A" or not ends & ports:  # a listening socket's queue counts connections
            continue
        sent, arrived = words[4].split(":")
        waiting += int(sent, 16) + int(arrived, 16)
    return waiting


# --- processes ----------------------------------------------------------------------------------------


class Remote:
    """A Python function in a process of its own, so that it disturbs nobody; it is given a pipe to talk."""

    def __init__(self, function, *arguments):
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=self._run, args=(theirs, function, arguments), daemon=True)
        self.process.start()
        theirs.close()

    @staticmethod
    def _run(pipe, function, arguments):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children
        try:
            function(pipe, *arguments)
        except (OSError, EOFError, ValueError, AssertionError) as error:
            with contextlib.suppress(OSError):
                pipe.send(Trouble(f"{function.__name__}: {type(error).__name__}: {error}"))

    def tell(self, message=None):
        self.pipe.send(message)

    def hear(self, seconds=60):
        if not self.pipe.poll(seconds):
            raise Trouble(f"no word from process {self.process.pid} within {seconds} s")
        message = self.pipe.recv()
        if isinstance(message, Trouble):
            raise message
        return message

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Memory:
    """Watches the resident memory of processes: before, the peak, now."""

    def __init__(self, pids):
        self.pids = pids
        self.before = self.now()
        self.peak = self.before
        for pid in pids:
            with contextlib.suppress(OSError):  # sets VmHWM to VmRSS
                pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._over.wait(0.05):
            with contextlib.suppress(OSError):
                self.peak = max(self.peak, self.now())

    def now(self):
        return sum(status_bytes(pid, "VmRSS") for pid in self.pids)

    def high_water(self):
        return sum(status_bytes(pid, "VmHWM") for pid in self.pids)

    def proportional(self):
        """PSS: pages that several processes share are counted once among them."""
        total = 0
        for pid in self.pids:
            text = read_text(f"/proc/{pid}/smaps_rollup")
            total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) * 1024
        return total

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


class Middle:
    """A program between clients and two upstreams, which the Host chooses: what an attack asks of the other one
    does not slow down the one that innocent requests are measured with. `path` is what requests begin with,
    `fields` what they carry for each host."""

    path = ""
    HOSTS = ("bench.example", "other.example")

    def __init__(self, folder, upstream_port, other_port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.upstream_port = upstream_port
        self.other_port = other_port or upstream_port
        self.fields = dict.fromkeys(self.HOSTS, "")
        self.port = free_port()
        self.process = None

    def command(self):
        """Writes the configuration; says how the program is started."""
        raise NotImplementedError

    def start(self):
        with open(self.folder / "output.log", "wb") as output:
            self.process = subprocess.Popen(self.command(), stdout=output, stderr=output, cwd=self.folder)
        if not becomes_true(self._answers, 10):
            raise Trouble(f"{self.name} does not answer on port {self.port}")

    def _answers(self):
        if self.process.poll() is not None:
            raise Trouble(f"{self.name} ended: {read_text(self.folder / 'output.log').strip()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def pids(self):
        return [self.process.pid]

    def cpu(self):
        """Seconds."""
        return self.scheduled()[0] / 1e9

    def scheduled(self):
        return tuple(map(sum, zip(*map(scheduled, self.pids()))))

    def descriptors(self):
        return sum(open_descriptors(pid) for pid in self.pids())

    def head(self, method, target, more="", host=HOSTS[0]):
        """A request's head; `more` are whole header lines."""
        return f"{method} {self.path}{target} HTTP/1.1\r\nHost: {host}\r\n{self.fields[host]}{more}\r\n".encode()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Nothing(Middle):
    """No program at all: the client speaks to the upstream."""

    name = "direct"

    def __init__(self, *ports):
        super().__init__(*ports)
        self.port = self.upstream_port

    def start(self):
        pass

    def pids(self):
        return []


class Gateway(Middle):
    """keygate with one thread and a key for each host; no access log, as with the peers."""

    name = "keygate"
    path = "/v1"
    binary = None
    CONFIG = """\
version: 1
threads: 1
listeners: [{{address: "{host}:{port}"}}]
log: {{level: warning, access: off}}
client: {{max_connections: 60000{client}}}
drain: {{timeout: 1s}}
apis:
"""
    API = """\
  {name}:
    profile: default
    hosts: [{name}.example]
    plans: {{bench: {{}}}}
    upstreams: {{live: {{servers: ["http://{host}:{upstream}"]}}}}
    routes:
      ANY /v1/**: key
"""

    def __init__(self, *ports, client=None):
        super().__init__(*ports)
        self.client = "".join(f", {name}: {value}" for name, value in (client or {}).items())

    def command(self):
        self.config = self.folder / "keygate.yaml"
        text = self.CONFIG.format(host=HOST, port=self.port, client=self.client)
        text += self.API.format(name="bench", host=HOST, upstream=self.upstream_port)
        text += self.API.format(name="other", host=HOST, upstream=self.other_port)
        self.config.write_text(text, encoding="utf-8")
        return [self.binary, "run", "-c", self.config]

    def start(self):
        super().start()
        for host in self.HOSTS:
            api = ("--api", host.removesuffix(".example"))
            self._operator("owners", "set", "--id", "someone", "--plan", "bench", *api)
            key = self._operator("keys", "create", "--owner", "someone", *api)["key"]
            self.fields[host] = f"Authorization: Bearer {key}\r\n"

    def _operator(self, room, verb, *arguments):
        done = subprocess.run(
            [self.binary, room, verb, "-c", self.config, "--json", *arguments],
            capture_output=True,
            check=False,
            timeout=20,
        )
        if done.returncode != 0:
            raise Trouble(f"keygate {room} {verb}: {done.stderr.decode()}")
        return json.loads(done.stdout)


class Nginx(Middle):
    """nginx with one worker, forwarding without buffering and without any policy."""

    name = "nginx"
    CONFIG = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 0;
    client_header_timeout {head_timeout};
    client_body_timeout {body_timeout};
    send_timeout {write_timeout};
    keepalive_timeout 75s;
    keepalive_requests 1000000;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_request_buffering off;
    proxy_buffering off;
    upstream bench {{ server {host}:{upstream}; keepalive 256; }}
    upstream other {{ server {host}:{other}; keepalive 256; }}
    server {{
        listen {host}:{port} backlog=4096 default_server;
        server_name bench.example;
        location / {{ proxy_pass http://bench; }}
    }}
    server {{
        listen {host}:{port};
        server_name other.example;
        location / {{ proxy_pass http://other; }}
    }}
}}
"""

    def __init__(self, *ports, client=None):
        super().__init__(*ports)
        self.timeouts = TIMEOUTS | (client or {})

    def command(self):
        config = self.folder / "nginx.conf"
        config.write_text(
            self.CONFIG.format(
                host=HOST, port=self.port, upstream=self.upstream_port, other=self.other_port, **self.timeouts
            ),
            encoding="utf-8",
        )
        return ["nginx", "-p", self.folder, "-c", config]

    def pids(self):
        children = read_text(f"/proc/{self.process.pid}/task/{self.process.pid}/children").split()
        return [self.process.pid, *map(int, children)]


class HAProxy(Middle):
    """HAProxy with one thread, forwarding without any policy."""

    name = "haproxy"
    # maxconn is more than the descriptors may allow: then HAProxy says so and goes on.
    CONFIG = """\
global
    nbthread 1
    maxconn 15000
    no strict-limits
defaults
    mode http
    option http-no-delay
    timeout connect 2s
    timeout client {body_timeout}
    timeout server 60s
    timeout http-request {head_timeout}
    timeout http-keep-alive 75s
    http-reuse always
frontend clients
    bind {host}:{port} backlog 4096
    use_backend other if {{ req.hdr(host) other.example }}
    default_backend bench
backend bench
    server upstream {host}:{upstream}
backend other
    server upstream {host}:{other}
"""

    def __init__(self, *ports, client=None):
        super().__init__(*ports)
        self.timeouts = TIMEOUTS | (client or {})

    def command(self):
        config = self.folder / "haproxy.cfg"
        config.write_text(
            self.CONFIG.format(
                host=HOST, port=self.port, upstream=self.upstream_port, other=self.other_port, **self.timeouts
            ),
            encoding="utf-8",
        )
        return ["haproxy", "-db", "-f", config]


PEERS = {"nginx": Nginx, "haproxy": HAProxy}


def check_programs(binary, beside):
    if not os.access(binary, os.X_OK):
        raise Trouble(f"no program {binary}; build it with scripts/build, or name one with --binary")
    for name in beside:
        if shutil.which(name) is None:
            raise Trouble(f"{name} is not installed")
