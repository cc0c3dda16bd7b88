"""The API behind the gateway: it does what the path says, and remembers what has arrived.

    /echo           the request as it came in, as JSON
    /bytes/N        N bytes, their SHA-256 in X-Sha256
    /until-close/N  N bytes without a length, until the connection ends as it should
    /cut/N          the same, but the connection breaks off, over TLS without its last word
    /half/N         half of the N bytes that it promises; then the connection breaks off
    /status/N       that status
    /hold           an answer once release() was called
    /garbage        what is no HTTP
    /shut           nothing: the connection ends
    /shared         fields of CORS that the API sets itself
    /socket         a WebSocket that sends back what it is sent; `chat` is chosen if it is offered

Requests are raw sockets' bytes, read by nobody's library: what arrives is what is told.
"""

import base64
import contextlib
import hashlib
import json
import random
import re
import socket
import ssl
import struct
import threading

SECONDS = 30
WORDS = re.compile(r"/(echo|bytes|until-close|cut|half|status|hold|garbage|shut|shared|socket)(?:/(\d+))?$")
OWN_CORS = [("Access-Control-Allow-Origin", "https://own.example.test"), ("Access-Control-Expose-Headers", "X-Own")]


def content(size):
    return random.Random(size).randbytes(size)


class Cut(Exception):
    """The connection ended where more had to come."""


class Seen:
    """A request. `is_whole` once its body has come to the end that its framing promised, `is_cut` once it cannot."""

    def __init__(self, line, fields, connection):
        self.method, self.target, self.version = line.split(" ")
        self.fields = fields
        self.connection = connection
        self.is_whole = self.is_cut = False
        self.size = 0

    def all(self, name):
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def field(self, name):
        """All lines of it as one; None where there is none."""
        values = self.all(name)
        return ", ".join(values) if values else None


class Reader:
    def __init__(self, link):
        self.link = link
        self.rest = b""

    def more(self):
        piece = self.link.recv(65536)
        if not piece:
            raise Cut
        self.rest += piece

    def until(self, mark):
        while (end := self.rest.find(mark)) < 0:
            self.more()
        found, self.rest = self.rest[:end], self.rest[end + len(mark) :]
        return found

    def exactly(self, size):
        """In pieces."""
        while size:
            if not self.rest:
                self.more()
            piece, self.rest = self.rest[:size], self.rest[size:]
            size -= len(piece)
            yield piece


class Behind:
    """certificate: it speaks TLS, with this one. clients: an Authority; who comes must have a certificate of it."""

    def __init__(self, certificate=None, clients=None):
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.file, certificate.key)
        if clients is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(clients.file)
        self.lock = threading.Lock()
        self.seen = []
        self.connections = 0
        self.names = []  # that clients asked for, and versions of TLS
        self.released = threading.Event()
        if self.context:
            self.context.sni_callback = lambda link, name, _: self.names.append(name)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    # ---- what has arrived

    @property
    def count(self):
        """Requests of which at least the head has come."""
        return len(self.seen)

    def with_tag(self, tag):
        """Those that say so in their target."""
        with self.lock:
            return [one for one in self.seen if tag in one.target]

    def release(self):
        self.released.set()

    # ---- connections

    def _listen(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        with self.lock:
            self.connections += 1
            number = self.connections
        with contextlib.suppress(OSError, Cut, ValueError):
            link.settimeout(SECONDS)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                link = self.context.wrap_socket(link, server_side=True, suppress_ragged_eofs=False)
            reader = Reader(link)
            while self._exchange(link, reader, number):
                pass
        link.close()

    def _exchange(self, link, reader, number):
        """Whether the connection goes on."""
        line, *lines = reader.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = [(name, value.strip(" \t")) for name, _, value in (field.partition(":") for field in lines)]
        request = Seen(line, fields, number)
        with self.lock:
            self.seen.append(request)
        self._read_body(reader, request)
        # What stands before it chose the route, and is nothing to the API.
        found = WORDS.search(request.target.partition("?")[0])
        word, size = found.groups() if found else ("echo", "")
        action = getattr(self, f"do_{word.replace('-', '_')}")
        return action(link, reader, request, size) is not False

    def _read_body(self, reader, request):
        digest = hashlib.sha256()
        try:
            for piece in self._body(reader, request):
                digest.update(piece)
                request.size += len(piece)
        except BaseException:
            request.is_cut = True
            raise
        request.sha256 = digest.hexdigest()
        request.is_whole = True

    @staticmethod
    def _body(reader, request):
        if "chunked" in (request.field("Transfer-Encoding") or ""):
            while size := int(reader.until(b"\r\n").split(b";")[0], 16):
                yield from reader.exactly(size)
                reader.until(b"\r\n")
            while reader.until(b"\r\n"):
                pass
        else:
            yield from reader.exactly(int(request.field("Content-Length") or 0))

    @staticmethod
    def say(link, status, fields=(), body=b"", length=None):
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in fields)]
        if length is None and status >= 200 and status not in (204, 304):
            length = len(body)
        if length is not None and length >= 0:
            lines.append(f"Content-Length: {length}")
        link.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    # ---- what paths say

    def do_echo(self, link, _, request, __, more=()):
        told = {
            "method": request.method,
            "target": request.target,
            "fields": request.fields,
            "size": request.size,
            "sha256": request.sha256,
            "connection": request.connection,
        }
        fields = [("Content-Type", "application/json"), ("X-Own", "own"), *more]
        self.say(link, 200, fields, b"" if request.method == "HEAD" else json.dumps(told).encode())

    def do_shared(self, link, reader, request, _):
        if request.method == "OPTIONS":
            allow = [("Access-Control-Allow-Methods", "GET"), ("Access-Control-Allow-Headers", "authorization")]
            self.say(link, 204, [*OWN_CORS, *allow, ("Vary", "Origin")])
        else:
            self.do_echo(link, reader, request, None, [*OWN_CORS, ("Vary", "Accept-Encoding")])

    def do_bytes(self, link, _, __, size):
        data = content(int(size))
        self.say(link, 200, [("X-Sha256", hashlib.sha256(data).hexdigest())], data)

    def do_until_close(self, link, _, __, size):
        self.say(link, 200, [("Connection", "close")], content(int(size)), length=-1)
        if self.context:
            with contextlib.suppress(OSError):
                link.unwrap()
        return False

    def do_cut(self, link, _, __, size):
        self.say(link, 200, [("Connection", "close")], content(int(size)), length=-1)
        return False  # a socket that is closed says nothing of TLS

    def do_half(self, link, _, __, size):
        self.say(link, 200, [], content(int(size))[: int(size) // 2], length=int(size))
        return False

    def do_status(self, link, _, __, status):
        self.say(link, int(status), [("X-Own", "own")])

    def do_hold(self, link, reader, request, _):
        self.released.wait(SECONDS)
        self.do_echo(link, reader, request, None)

    def do_garbage(self, link, *_):
        link.sendall(b"220 mail.example.test ESMTP\r\n")
        return False

    def do_shut(self, *_):
        return False

    def do_socket(self, link, reader, request, _):
        proof = hashlib.sha1(f"{request.field('Sec-WebSocket-Key')}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode())
        offered = re.split(r"[ ,]+", request.field("Sec-WebSocket-Protocol") or "")
        chosen = [("Sec-WebSocket-Protocol", "chat")] if "chat" in offered else []
        accept = ("Sec-WebSocket-Accept", base64.b64encode(proof.digest()).decode())
        self.say(link, 101, [("Upgrade", "websocket"), ("Connection", "Upgrade"), accept, *chosen])
        while True:
            first, second = b"".join(reader.exactly(2))
            size = second & 127
            if size > 125:
                form = ">H" if size == 126 else ">Q"
                size = struct.unpack(form, b"".join(reader.exactly(struct.calcsize(form))))[0]
            mask = b"".join(reader.exactly(4))
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(b"".join(reader.exactly(size))))
            length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
            link.sendall(bytes([first]) + length + data)
            if first & 15 == 8:  # close
                return False
