"""What pages of other origins call: an API for each way that CORS can be set."""

import contextlib
import functools
import http.server
import ssl
import threading

from authority import Authority
from behind import Behind
from gate import Folder, Gateway, HERE, api

APP = "https://app.example.test"
MINE = "https://mine.example.test"
EVIL = "https://evil.example.test"
WILD = "https://*.wild.example.test"
MAX_AGE = 600
EXPOSED = ["X-Own", "ETag"]
ALLOWED = ["Authorization", "Content-Type", "X-Allowed"]
ROUTES = {
    "GET|POST /v1/**": "key",
    "PUT /v1/items/{id}": "key",
    "ANY /open/**": "public",
    "GET /off/**": {"access": "key", "cors": "off"},
    "GET /mine/**": {"access": "key", "cors": {"origins": [MINE]}},
}
# https:// names that a browser is told to find at the gateway, and what each API says of CORS.
NAMES = {
    "shop": "shop.example.test",
    "anyone": "anyone.example.test",
    "cookies": "cookies.example.test",
    "passing": "passing.example.test",
    "closed": "closed.example.test",
}
PROFILE = """\
extends: default
sources: [bearer, {websocket: bearer}]
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Pages(http.server.ThreadingHTTPServer):
    """Serves page.html, over TLS if there is a certificate."""

    daemon_threads = True

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), functools.partial(Quiet, directory=HERE))
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate.file, certificate.key)
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # browsers open connections that they do not use

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Site:
    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(Folder("edge-cors"))
            (self.folder / "profiles").mkdir()
            (self.folder / "profiles" / "pages.yaml").write_text(PROFILE)
            certificate = Authority(self.folder, "authority").sign("*.example.test", "*.wild.example.test")
            self.behind = stack.enter_context(Behind())
            self.plain_pages = stack.enter_context(Pages())
            self.pages = stack.enter_context(Pages(certificate))
            self.page = f"http://127.0.0.1:{self.plain_pages.server_port}"
            listeners = {"plain": {}, "tls": {"tls": certificate.files()}}
            self.gateway = stack.enter_context(Gateway(self.folder, self.apis(), listeners))
            self.port = self.gateway.ports["plain"]
            self.url = f"http://127.0.0.1:{self.port}"
            self.keys = {name: self.gateway.key(api=name) for name in NAMES}
            self.key = self.keys["shop"].text
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def apis(self):
        usual = {"origins": [self.page, APP, WILD], "headers": ALLOWED, "expose": EXPOSED, "max_age": f"{MAX_AGE}s"}
        cors = {
            "shop": usual,
            "anyone": {"origins": "*"},
            "cookies": {"origins": [APP], "credentials": True},
            "passing": {"origins": [self.page, APP, "https://own.example.test"], "preflight": "pass"},
            "closed": None,
        }
        apis = {}
        for name, said in cors.items():
            routes = ROUTES if name == "shop" else {"GET|POST|PUT|DELETE /v1/**": "key", "ANY /open/**": "public"}
            more = {} if said is None else {"cors": said}
            if name != "shop":  # it takes every host that no other names
                more["hosts"] = [NAMES[name]]
            apis[name] = api(self.behind, routes, **more) | {"profile": "pages"}
        return apis

    def names(self):
        """{name: port} for a browser."""
        pages = ("app", "mine", "own", "other", "a.wild", "wild", "evil")
        ports = {f"{name}.example.test": self.pages.server_port for name in pages}
        return ports | {name: self.gateway.ports["tls"] for name in NAMES.values()}

    def revoked(self):
        key = self.gateway.key(api="shop")
        self.gateway.operator("keys", "revoke", key.id)
        return key.text

    def spent(self):
        """Its one request of this day is still to come."""
        return self.gateway.key("--plan", "one", api="shop").text
