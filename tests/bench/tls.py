#!/usr/bin/python3
"""Measures what TLS costs the gateway, and nginx and HAProxy beside it.

    tests/bench/tls.py [requests|handshakes|all]... [--binary PATH] [--beside nginx,haproxy] [--short] [--repeat N]

The programs have one thread each, the same certificates, and take turns in one run; the gateway looks keys up and the
peers forward without any policy. What is counted is CPU time of the program as the kernel says it, for each request,
GiB or connection; ratios are of the gateway to each peer, the median over all turns. Where there are two CPUs the
program has the first and all others share the rest. Figures of different runs do not compare. None of it is a test.

    requests    on connections that stay, plain and over TLS: small ones, 64 KiB and 1 MiB down, 64 KiB up (h2load)
    handshakes  a connection for each request: plain, TLS in full with ECDSA P-256 and with RSA-2048, and taken up
                again, with TLS 1.2 and 1.3

Debian's own h2load (nghttp2-client), nginx and haproxy are what is used.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "edge"))

from authority import Authority  # noqa: E402
from wire import table  # noqa: E402
from wire_rig import (  # noqa: E402
    HOST, MIB, Gateway, HAProxy, Middle, Nginx, Remote, Trouble, check_programs, raise_descriptors,
)  # fmt: skip

NAME = Middle.HOSTS[0]
SIZES = {"small": 180, "medium": 64 * 1024, "large": MIB}
CPUS = sorted(os.sched_getaffinity(0))
CONNECTIONS = 64
FEW = 8  # with large bodies: their handshakes must not show
UPSTREAM = """\
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
    keepalive_requests 100000000;
    client_max_body_size 0;
    sendfile on;
    server {{
        listen {host}:{port} backlog=4096;
        root {folder};
        location = /taken {{ proxy_pass http://{host}:{other}/; }}
        location / {{ rewrite ^/v1/(.*) /$1; }}
    }}
    server {{
        listen {host}:{other} backlog=4096;
        location / {{ return 200 taken; }}
    }}
}}
"""


def on_other_cpus():
    if len(CPUS) > 1:
        os.sched_setaffinity(0, set(CPUS[1:]))


class Upstream(Middle):
    """nginx, which gives files and takes bodies."""

    name = "upstream"

    def command(self):
        for name, size in SIZES.items():
            (self.folder / name).write_bytes(os.urandom(size))
        config = self.folder / "nginx.conf"
        config.write_text(
            UPSTREAM.format(host=HOST, port=self.port, other=self.upstream_port, folder=self.folder), encoding="utf-8"
        )
        self.folder.chmod(0o755)
        return ["nginx", "-p", self.folder, "-c", config]


def over_tls(middle):
    """The same program with TLS on its listener."""

    class Secure(middle):
        def __init__(self, folder, upstream, certificate=None):
            super().__init__(folder, upstream)
            self.certificate = certificate
            if certificate is None:
                return
            both = self.folder / "both.pem"
            both.write_text(certificate.file.read_text() + certificate.key.read_text())
            files = f"certificate: {certificate.file}, private_key: {certificate.key}"
            pair = f"ssl_certificate {certificate.file}; ssl_certificate_key {certificate.key};"
            for plain, secure in (
                ('"{host}:{port}"}}', f'"{{host}}:{{port}}", tls: {{{{{files}}}}}}}}}'),
                ("{port} backlog=4096 default_server;", "{port} ssl backlog=4096 default_server;"),
                ("listen {host}:{port};", "listen {host}:{port} ssl;"),
                ("access_log off;", f"access_log off; {pair} ssl_session_cache shared:all:16m;"
                 " ssl_protocols TLSv1.2 TLSv1.3;"),
                ("bind {host}:{port}", f"bind {{host}}:{{port}} ssl crt {both} ssl-min-ver TLSv1.2"),
            ):  # fmt: skip
                self.CONFIG = self.CONFIG.replace(plain, secure)

        def start(self):
            super().start()
            for pid in self.pids():
                for task in os.listdir(f"/proc/{pid}/task"):
                    os.sched_setaffinity(int(task), {CPUS[0]})

    return Secure


KINDS = {"keygate": over_tls(Gateway), "nginx": over_tls(Nginx), "haproxy": over_tls(HAProxy)}


class Bench:
    def __init__(self, options, folder):
        self.short = options.short
        self.repeat = options.repeat or (2 if options.short else 7)
        self.kinds = ["keygate", *options.beside]
        self.folder = pathlib.Path(folder)
        authority = Authority(folder, "authority")
        self.authority = authority
        self.certificates = {kind: authority.sign(NAME, HOST, kind=kind) for kind in ("ecdsa", "rsa")}

    @contextlib.contextmanager
    def programs(self, upstream, certificate, what):
        """All of them, started."""
        with contextlib.ExitStack() as stack:
            made = {}
            for name in self.kinds:
                folder = self.folder / f"{what}-{name}"
                made[name] = stack.enter_context(KINDS[name](folder, upstream.port, certificate))
            yield made

    def ratios(self, seen):
        """seen: {program: a cost for each turn}"""
        ours = seen["keygate"]
        for name in self.kinds[1:]:
            yield f"{statistics.median(one / other for one, other in zip(ours, seen[name])):.2f}"


def costs(programs, repeat, work):
    """{program: CPU microseconds for each piece of work}; they take turns, first one, then another one first."""
    seen = {name: [] for name in programs}
    for program in programs.values():
        work(program, True)
    for turn in range(repeat):
        names = list(programs)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            before = programs[name].cpu()
            count = work(programs[name], False)
            seen[name].append((programs[name].cpu() - before) * 1e6 / count)
    return seen


def columns(bench, *words):
    return (*words, *(f"/ {name}" for name in bench.kinds[1:]))


# --- requests -----------------------------------------------------------------------------------------


def requests(bench):
    loads = (
        ("small", "180 bytes down", "small", None, 60_000),
        ("medium", "64 KiB down", "medium", None, 6_000),
        ("large", "1 MiB down", "large", None, 600),
        ("up", "64 KiB up", "taken", SIZES["medium"], 6_000),
    )

    def rows():
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(Upstream(bench.folder / "upstream", free()))
            plain = stack.enter_context(bench.programs(upstream, None, "plain"))
            secure = stack.enter_context(bench.programs(upstream, bench.certificates["ecdsa"], "secure"))
            suites = ", ".join(f"{name} {suite(program)}" for name, program in secure.items())
            for name, what, path, size, count in loads:
                count = count // 10 if bench.short else count
                without = costs(plain, bench.repeat, lambda p, warm: h2load(bench, p, path, size, count, warm))
                with_it = costs(secure, bench.repeat, lambda p, warm: h2load(bench, p, path, size, count, warm))
                for kind, seen in (("plain", without), ("TLS", with_it)):
                    cells = [f"{statistics.median(seen[name]):.1f}" for name in bench.kinds]
                    yield (what, kind, *cells, *bench.ratios(seen))
        print(f"\nTLS: {suites}")

    head = columns(bench, "requests", "", *(f"{name}, us" for name in bench.kinds))
    table(f"requests on {CONNECTIONS} connections that stay, {FEW} with large bodies: CPU for each", head, rows())


def h2load(bench, program, path, size, count, is_warming):
    """@returns how many requests were answered with 200"""
    scheme = "https" if program.certificate else "http"
    connections = CONNECTIONS if path == "small" else FEW
    number = max(connections, count // 10 if is_warming else count)
    words = ["h2load", "--h1", "-t1", f"-c{connections}", f"-n{number}"]
    for line in program.fields[NAME].splitlines():
        words += ["-H", line]
    if size:
        body = bench.folder / "body"
        body.write_bytes(bytes(size))
        words += ["-d", body]
    words += [f"--connect-to={HOST}:{program.port}", f"{scheme}://{NAME}{program.path}/{path}"]
    done = subprocess.run(words, capture_output=True, check=False, timeout=300, text=True, preexec_fn=on_other_cpus)
    found = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout)
    if done.returncode != 0 or not found or not int(found[1]):
        raise Trouble(f"{program.name}: h2load: {done.stdout[-600:]}{done.stderr[-600:]}")
    return int(found[1])


def suite(program):
    with one_connection(program, client_context()) as link:
        return link.cipher()[0]


# --- handshakes ---------------------------------------------------------------------------------------


def handshakes(bench):
    count = 200 if bench.short else 1500
    rows = (
        ("plain", None, None, False),
        ("ECDSA P-256, TLS 1.3", "ecdsa", ssl.TLSVersion.TLSv1_3, False),
        ("RSA-2048, TLS 1.3", "rsa", ssl.TLSVersion.TLSv1_3, False),
        ("ECDSA P-256, TLS 1.2", "ecdsa", ssl.TLSVersion.TLSv1_2, False),
        ("taken up again, TLS 1.3", "ecdsa", ssl.TLSVersion.TLSv1_3, True),
        ("taken up again, TLS 1.2", "ecdsa", ssl.TLSVersion.TLSv1_2, True),
    )

    def each():
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(Upstream(bench.folder / "upstream-2", free()))
            programs = {None: stack.enter_context(bench.programs(upstream, None, "plain-2"))}
            for kind, certificate in bench.certificates.items():
                programs[kind] = stack.enter_context(bench.programs(upstream, certificate, kind))
            for what, kind, version, is_reused in rows:
                reused = set()

                def work(program, is_warming):
                    number = count // 10 if is_warming else count
                    with Remote(come_and_go, program, version, is_reused, number) as client:
                        told = client.hear(300)
                    reused.add(told == number - 1 if is_reused else told == 0)
                    return number

                seen = costs(programs[kind], bench.repeat, work)
                cells = []
                for name in bench.kinds:
                    cost = statistics.median(seen[name])
                    cells += [f"{cost:.0f}", f"{1e6 / cost:.0f}"]
                yield (what, "as said" if reused == {True} else "NOT AS SAID", *cells, *bench.ratios(seen))

    names = (cell for name in bench.kinds for cell in (f"{name}, us", "a second"))
    table("a connection for each request: CPU for each, and how many one CPU could make", columns(
        bench, "connections", "sessions", *names), each())  # fmt: skip


def client_context(version=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE  # that costs the client, and only the client
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def one_connection(program, context=None, session=None):
    link = socket.create_connection((HOST, program.port), 20)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(link, server_hostname=NAME, session=session) if context else link


def come_and_go(pipe, program, version, is_reused, count):
    """Tells how many sessions were taken up again."""
    on_other_cpus()
    context = client_context(version) if version else None
    head = program.head("GET", "/small", "Connection: close\r\n")
    session, reused = None, 0
    for _ in range(count):
        with one_connection(program, context, session if is_reused else None) as link:
            link.sendall(head)
            answer = b""
            while piece := link.recv(65536):
                answer += piece
            if b" 200 " not in answer[:20]:
                raise ValueError(f"an answer that is none: {answer[:100]!r}")
            if context:
                reused += link.session_reused
                session = link.session or session
    pipe.send(reused)


# --- the command line ---------------------------------------------------------------------------------


def free():
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        return trial.getsockname()[1]


SCENARIOS = {"requests": requests, "handshakes": handshakes}


def arguments():
    root = HERE.parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", default="all", choices=[*SCENARIOS, "all"], metavar="SCENARIO")
    parser.add_argument("--binary", type=pathlib.Path, default=root / "build" / "keygate")
    parser.add_argument("--beside", type=lambda text: text.split(","), default=["nginx", "haproxy"])
    parser.add_argument("--short", action="store_true", help="whether it works, not how well")
    parser.add_argument("--repeat", type=int, help="turns of each program")
    options = parser.parse_args()
    if unknown := set(options.beside) - KINDS.keys():
        parser.error(f"--beside knows nginx and haproxy, not {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    check_programs(options.binary, [*options.beside, "nginx", "openssl", "h2load"])
    Gateway.binary = options.binary.resolve()
    raise_descriptors()
    folder = tempfile.mkdtemp(prefix="keygate-tls-")
    try:
        pathlib.Path(folder).chmod(0o755)  # nginx' workers are nobody
        bench = Bench(options, folder)
        for name in SCENARIOS if "all" in options.scenarios else options.scenarios:
            SCENARIOS[name](bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"tls.py: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)
