"""A Chromium without a window, driven through chromedriver's HTTP."""

import contextlib
import http.client
import json
import shutil
import subprocess
import time

SECONDS = 30
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--no-proxy-server",
    "--disable-default-apps", "--disable-extensions", "--no-default-browser-check", "--metrics-recording-only",
)  # fmt: skip
PROGRAMS = ("chromium", "chromedriver")


class Missing(Exception):
    pass


class Chromium:
    """rules: {name: port}, who answers https:// for a name. There is nobody but those and 127.0.0.1."""

    def __init__(self, folder, port, rules):
        self.folder = folder
        self.port = port
        self.rules = rules

    def __enter__(self):
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing:
            raise Missing(f"no program {' and '.join(missing)} (scripts/packages browser)")
        with open(self.folder / "chromedriver.log", "wb") as log:
            self.driver = subprocess.Popen(
                ["chromedriver", f"--port={self.port}", "--allowed-ips=127.0.0.1"], stdout=log, stderr=log
            )
        try:
            self.session = self.open()
        except BaseException:
            self.stop()
            raise
        return self

    def open(self):
        mapped = [f"MAP {name}:443 127.0.0.1:{port}" for name, port in self.rules.items()]
        mapped += ["MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"]
        own = [f"--user-data-dir={self.folder / 'chromium'}", f"--host-resolver-rules={', '.join(mapped)}"]
        options = {"binary": shutil.which("chromium"), "args": [*FLAGS, *own]}
        wanted = {"browserName": "chrome", "acceptInsecureCerts": True, "goog:chromeOptions": options}
        wanted["timeouts"] = {"script": SECONDS * 1000, "pageLoad": SECONDS * 1000}
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
                self.version = made["capabilities"]["browserVersion"]
                return made["sessionId"]
            except ConnectionRefusedError:  # it is only starting
                if self.driver.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=4 * SECONDS)
        with contextlib.closing(connection):
            text = json.dumps(body).encode() if body is not None else None
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            told = json.loads(answer.read())["value"]
        if answer.status != 200:
            raise RuntimeError(f"{told['error']}: {told['message']}"[:600])
        return told

    def go(self, url):
        self.call("POST", f"/session/{self.session}/url", {"url": url})

    def run(self, function, *arguments):
        """What a function of the page gives, once it has it."""
        script = f"const done = arguments[arguments.length - 1]; {function}(...[...arguments].slice(0, -1)).then(done);"
        return self.call("POST", f"/session/{self.session}/execute/async", {"script": script, "args": list(arguments)})

    def __exit__(self, *_):
        with contextlib.suppress(OSError, RuntimeError, http.client.HTTPException):
            self.call("DELETE", f"/session/{self.session}")
        self.stop()

    def stop(self):
        self.driver.terminate()
        try:
            self.driver.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
