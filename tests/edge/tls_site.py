"""What the checks of TLS share: authorities, certificates, an API, and a gateway with a listener of each kind."""

import contextlib
import subprocess

from authority import Authority, self_signed
from behind import Behind
from gate import Folder, Gateway, api
from talk import Answer, ask, context, request

NAME = "shop.example.test"
OTHER = "other.example.test"
WILD = "*.wild.example.test"
CHOSEN = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384"
HASTE = 1  # seconds that a client of the hasty gateway has for a head
CLIENT = "clientAuth"


class Site:
    def __init__(self):
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(Folder("edge-tls"))
            self.make_certificates()
            self.behind = stack.enter_context(Behind())
            self.gateway = stack.enter_context(Gateway(self.folder, {"shop": api(self.behind)}, self.listeners()))
            usual = {"tls": self.usual.files()}
            hasty = {"head_timeout": f"{HASTE}s", "idle_timeout": f"{HASTE}s"}
            self.hasty = Gateway(self.folder, {"shop": api(self.behind)}, {"usual": usual}, client=hasty)
            stack.enter_context(self.hasty)
            self.ports = self.gateway.ports
            self.key = self.gateway.key()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def make_certificates(self):
        self.authority = Authority(self.folder, "authority")
        self.clients = Authority(self.folder, "clients")
        self.others = Authority(self.folder, "others")
        self.usual = self.authority.sign(NAME, "127.0.0.1")
        self.rsa = self.authority.sign(NAME, "127.0.0.1", kind="rsa")
        self.other = self.authority.sign(OTHER)
        self.wild = self.authority.sign(WILD)
        self.client = self.clients.sign("anna", usage=CLIENT)

    def listeners(self):
        several = [one.files() for one in (self.usual, self.rsa, self.other, self.wild)]
        one = self.usual.files()

        def asked(authority=None, **more):
            return {"tls": one | {"client_certificates": {"ca": str((authority or self.clients).file)} | more}}

        return {
            "several": {"tls": {"certificates": several}},
            "strict": {"tls": {"certificates": several, "strict_names": True}},
            "newest": {"tls": one | {"min_version": "1.3"}},
            "chosen": {"tls": {"certificates": several, "ciphers": CHOSEN}},
            "optional": asked(required=False, forward=True),
            "demanded": asked(required=True, forward=True),
            "silent": asked(),
            "elsewhere": asked(self.others),
            "plain": {},
        }

    def bad_clients(self):
        """{what is wrong: a certificate, and the alert that says so}"""
        past = ("20200101000000Z", "20200201000000Z")
        future = ("20440101000000Z", "20450101000000Z")
        return {
            "of another authority": (self.others.sign("anna", usage=CLIENT), "unknown ca"),
            "signed by itself": (self_signed(self.folder, "anna"), "unknown ca"),
            "expired": (self.clients.sign("anna", usage=CLIENT, dates=past), "certificate expired"),
            "not valid yet": (self.clients.sign("anna", usage=CLIENT, dates=future), "bad certificate"),
            "made for servers": (self.clients.sign("anna", usage="serverAuth"), "unsupported certificate"),
        }

    def trusting(self, certificate=None, **settings):
        return context(self.authority, certificate, **settings)

    def ask(self, listener="several", tls=None, name=NAME, key="", **members):
        """One request on a connection of its own; with the key of the site unless it says another."""
        tls = None if listener == "plain" else tls or self.trusting()
        return ask(self.ports[listener], tls, name, key=self.key if key == "" else key, **members)

    def s_client(self, listener, *words, name=NAME):
        """What `openssl s_client` says, with a request after the handshake."""
        done = subprocess.run(
            *(["openssl", "s_client", "-connect", f"127.0.0.1:{self.ports[listener]}", "-servername", name]
              + ["-CAfile", str(self.authority.file), "-verify_return_error", "-ign_eof", *words],),
            input=request(key=self.key, fields=["Connection: close"]),
            capture_output=True, check=False, timeout=30,
        )  # fmt: skip
        return (done.stdout + done.stderr).decode("latin-1")

    def curl(self, listener, *words, target="/v1/echo"):
        """Its Answer, or None where it got none."""
        port = self.ports[listener]
        done = subprocess.run(
            *(["curl", "-q", "-sSi", "-m", "30", "--cacert", self.authority.file, *words]
              + ["--resolve", f"{NAME}:{port}:127.0.0.1", "-H", f"Authorization: Bearer {self.key.text}"]
              + [f"https://{NAME}:{port}{target}"],),
            env=self.gateway.environment, capture_output=True, check=False, timeout=40,
        )  # fmt: skip
        head, mark, body = done.stdout.rpartition(b"\r\n\r\n")
        return Answer(head.rpartition(b"\r\n\r\n")[2], body, done.returncode == 0) if mark else None

    def is_well(self):
        return self.ask().status == 200
