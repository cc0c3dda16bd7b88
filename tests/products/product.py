"""The gateway on a product's shipped configuration, and the API behind it."""

import http.server
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "clients"))

from stage import Program, answers_on, environment, free_port  # noqa: E402

PYTHON = "/usr/bin/python3"
SECONDS = 30
PORTS = {"gate": 8080, "admin": 9900, "status": 9901, "api": 3000}


class Api(http.server.ThreadingHTTPServer):
    """The product's API: one JSON text for everything, and a record of what came in."""

    daemon_threads = True
    BODY = json.dumps({"object": "summary", "views": 1200, "currency": "€"}, ensure_ascii=False).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self):
            self.server.seen.append((self.command, self.path, self.headers.items()))
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(Api.BODY)))
            self.end_headers()
            self.wfile.write(Api.BODY)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.seen = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Stage:
    """The gateway on a product's shipped configuration, and the API behind it."""

    def __init__(self, binary, product, profile=None, edit=None):
        self.binary = binary
        self.product = product
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"keygate-{product}-"))
        self.environment = environment(self.folder)
        self.api = Api()
        self.ports = {"api": self.api.server_address[1]}
        for name in ("gate", "admin", "status"):
            self.ports[name] = free_port(self.ports.values())
        self.host = f"http://127.0.0.1:{self.ports['gate']}"
        self.config = self.folder / f"{product}.yaml"
        text = (HERE.parent.parent / "config" / self.config.name).read_text()
        for name, port in PORTS.items():
            text, count = re.subn(rf"(127\.0\.0\.1):{port}\b(?=\"\]?)", rf"\1:{self.ports[name]}", text)
            if count != 1:
                raise RuntimeError(f"{self.config.name} names port {port} {count} times")
        self.config.write_text(edit(text) if edit else text)
        if profile:
            (self.folder / "profiles").mkdir()
            shutil.copy(profile, self.folder / "profiles" / f"{product}.yaml")

    def __enter__(self):
        self.gateway = Program(self, "keygate", [self.binary, "run", "-c", self.config])
        self.gateway.wait_for(answers_on(self.ports["gate"]))  # the last one that it opens
        self.token = (self.folder / f"{self.product}.token").read_text().strip()
        return self

    def __exit__(self, *_):
        self.gateway.stop()
        self.api.shutdown()
        shutil.rmtree(self.folder)

    # ---- the operator

    def call(self, method, path, body=None):
        """One call of the admin API: status and JSON."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['admin']}/admin/v1{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None

    def must(self, status, method, path, body=None):
        seen, reply = self.call(method, path, body)
        if seen != status:
            raise RuntimeError(f"{method} {path}: {seen} {reply}, not {status}")
        return reply

    def command(self, *words):
        """The command line, as the document of the configuration shows it: what it printed."""
        noun, verb, *options = words
        done = subprocess.run(
            [self.binary, noun, verb, "-c", self.config, *options],
            env=self.environment, capture_output=True, check=False, timeout=SECONDS, encoding="utf-8",
        )
        if done.returncode != 0:
            raise RuntimeError(f"keygate {' '.join(words)}: {done.stderr}{done.stdout}")
        return done.stdout

    # ---- clients

    def raw(self, text):
        """The whole answer to bytes as they are, on a connection that then ends."""
        with socket.create_connection(("127.0.0.1", self.ports["gate"]), SECONDS) as line:
            line.sendall(text.encode("latin-1"))
            answer = b""
            while piece := line.recv(65536):
                answer += piece
        return answer.decode("latin-1")

    def get(self, path, key):
        """Status and reason, by a plain request of our own."""
        head = f"GET {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        answer = self.raw(head)
        reason = re.search(r'"reason":"([a-z_]+)"', answer)
        return int(answer.split()[1]), reason[1] if reason else None
