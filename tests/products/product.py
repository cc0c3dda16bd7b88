"""The gateway on a product's shipped configuration, and the API behind it."""

import contextlib
import http.client
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
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("clients", "redis_away"):
    sys.path.append(str(HERE.parent / folder))

from stage import Program, answers_on, environment, free_port  # noqa: E402

PYTHON = "/usr/bin/python3"
SECONDS = 30
PORTS = {"gate": 8080, "admin": 9900, "status": 9901, "api": 3000}
TEST_PORT = 3001  # of products that have test keys
BOUND = 0.25  # seconds after which a change at one gateway counts at all
# A machine that others use too is not what is looked at here: there is time to read a record.
STORE = """
store:
  redis: {{url: "redis://127.0.0.1:{port}/0", timeout: 1s}}
  revocation_bound: {bound:.0f}ms
"""


class Api(http.server.ThreadingHTTPServer):
    """The product's API: one JSON text for everything, and a record of what came in. Where the query says so it
    answers with another status: `?answer=404`."""

    daemon_threads = True
    request_queue_size = 128
    BODY = json.dumps({"object": "summary", "views": 1200, "currency": "€"}, ensure_ascii=False).encode()
    SIMULATED = json.dumps({"object": "summary", "views": 0, "simulated": True}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a head and a body are two writes

        def log_message(self, *_):
            pass

        def answer(self):
            self.server.seen.append((self.command, self.path, self.headers.items()))
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked = re.search(r"[?&]answer=(\d{3})\b", self.path)
            status = int(asked[1]) if asked else 200
            body = b"" if status in (204, 304) else self.server.body
            self.send_response(status)
            if body:
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def __init__(self, body=BODY):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.body = body
        self.seen = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Stage:
    """The gateway on a product's shipped configuration, and the API behind it."""

    def __init__(self, binary, product, profile=None, edit=None, redis=None, operator=None, edit_profile=None):
        """
        @param profile       a file in the place of the shipped one
        @param edit          makes another configuration of the shipped one, as text
        @param edit_profile  another profile, likewise
        @param redis         a server; keys are kept there, and not beside the configuration
        @param operator      another Stage on the same Redis: the operator makes all changes there, clients come here
        """
        self.binary = binary
        self.product = product
        self.profile = profile
        self.redis = redis
        self.operator = operator
        self.bound = BOUND if operator else 0
        self.changed = 0  # when the last change was acknowledged
        self.hidden = {}  # request id: reason that the answer does not show, and the log must
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"keygate-{product}-"))
        self.environment = environment(self.folder)
        self.api = operator.api if operator else Api()
        self.test_api = operator.test_api if operator else Api(Api.SIMULATED)
        self.ports = {"api": self.api.server_address[1], "test": self.test_api.server_address[1]}
        for name in ("gate", "admin", "status"):
            self.ports[name] = free_port(self.ports.values())
        self.host = f"http://127.0.0.1:{self.ports['gate']}"
        self.config = self.folder / f"{product}.yaml"
        shipped = HERE.parent.parent / "config"
        text = (shipped / self.config.name).read_text()
        for name, port in (PORTS | ({"test": TEST_PORT} if f":{TEST_PORT}" in text else {})).items():
            text, count = re.subn(rf"(127\.0\.0\.1):{port}\b(?=\"\]?)", rf"\1:{self.ports[name]}", text)
            if count != 1:
                raise RuntimeError(f"{self.config.name} names port {port} {count} times")
        if redis:
            text += STORE.format(port=redis.port, bound=1000 * BOUND)
        self.config.write_text(edit(text) if edit else text)
        if edit_profile:
            profile = self.folder / "edited.yaml"
            profile.write_text(edit_profile((shipped / "profiles" / self.config.name).read_text()))
        if profile:
            (self.folder / "profiles").mkdir()
            shutil.copy(profile, self.folder / "profiles" / self.config.name)

    def __enter__(self):
        self.gateway = Program(self, "keygate", [self.binary, "run", "-c", self.config])
        self.gateway.wait_for(answers_on(self.ports["gate"]))  # the last one that it opens
        self.gateway.wait_for(self.is_ready)
        self.token = (self.folder / f"{self.product}.token").read_text().strip()
        return self

    def __exit__(self, *_):
        self.gateway.stop()
        if not self.operator:
            self.stop_apis()
        shutil.rmtree(self.folder)

    def stop_apis(self):
        for api in (self.api, self.test_api):
            api.shutdown()

    def arrived(self):
        """How many requests have reached the API, and how many what stands there for test keys."""
        return len(self.api.seen), len(self.test_api.seen)

    def another(self, edit=None, edit_profile=None, redis=None):
        """With a configuration of its own, on the same store where that can be shared; or on another Redis."""
        return self.like(edit=edit, edit_profile=edit_profile, redis=redis or self.redis)

    def beside(self, edit):
        """The same where nothing is shared but the store; who makes changes here is who makes them there."""
        return self.like(edit=edit, redis=self.redis, operator=self.operator)

    def like(self, **members):
        return Stage(self.binary, self.product, self.profile, **members)

    @contextlib.contextmanager
    def another_configuration(self):
        """Of a gateway that does not run."""
        stage = self.like(redis=self.redis)
        try:
            yield stage
        finally:
            stage.stop_apis()
            shutil.rmtree(stage.folder)

    def is_ready(self):
        with contextlib.suppress(OSError):
            return self.status_page("/readyz")[0] == 200
        return False

    def status_page(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["status"], timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def log(self):
        return self.gateway.text() + (self.operator.log() if self.operator else "")

    def requests(self):
        """{request id: its line} of the access log of this gateway."""
        lines = [line for line in self.gateway.text().splitlines() if line.startswith("{") and line.endswith("}")]
        return {line["request_id"]: line for line in map(json.loads, lines)}

    # ---- the operator

    def call(self, method, path, body=None):
        """One call of the admin API: status and JSON."""
        if not self.operator:
            return self.call_here(method, path, body)
        answer = self.operator.call_here(method, path, body)
        if method != "GET":
            self.changed = time.monotonic()
        return answer

    def settle(self):
        """What is sent from here on is judged by all that was acknowledged before."""
        time.sleep(max(0.0, self.changed + self.bound - time.monotonic()))

    def call_here(self, method, path, body=None, token=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['admin']}/admin/v1{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"},
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
        if self.operator:
            said = self.operator.command(*words)
            self.changed = time.monotonic()
            return said
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
        self.settle()
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
