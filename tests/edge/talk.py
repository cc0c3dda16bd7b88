"""A client that sees everything: bytes as they are, from any address of the loopback network, plain or over TLS."""

import contextlib
import json
import re
import socket
import ssl

SECONDS = 15


def context(authority=None, certificate=None, **settings):
    """Of a client that trusts this authority, and has this certificate to show."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority is None:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made.load_verify_locations(authority.file)
    if certificate is not None:
        made.load_cert_chain(certificate.file, certificate.key)
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def request(target="/v1/echo", key=None, fields=(), method="GET", host="shop.example.test", body=None, version="1.1"):
    """The bytes of one. fields: pairs, or whole lines."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    if key is not None:
        lines.append(f"Authorization: Bearer {getattr(key, 'text', key)}")
    lines += [field if isinstance(field, str) else f"{field[0]}: {field[1]}" for field in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


class Nothing(Exception):
    """The connection ended before an answer began."""


class Answer:
    """is_whole: its body came to the end that its framing promised; over TLS an end of the connection is one only
    with TLS' own last word."""

    def __init__(self, head, body, is_whole):
        line, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(line.split(" ")[1])
        self.fields = [(name, value.strip(" \t")) for name, _, value in (field.partition(":") for field in lines)]
        self.body = body
        self.is_whole = is_whole

    def all(self, name):
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def field(self, name):
        values = self.all(name)
        return ", ".join(values) if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def reason(self):
        """Of a refusal; else None."""
        found = re.search(rb'"reason":"([a-z_]+)"', self.body) if self.status >= 400 else None
        return found[1].decode() if found else None

    @property
    def saw(self):
        """{name of a field in lower case: its lines} as the API told what it got."""
        told = {}
        for name, value in self.json()["fields"]:
            told.setdefault(name.lower(), []).append(value)
        return told

    def __str__(self):
        return f"{self.status} {self.reason or ''}".strip()


class Line:
    """One connection. before: bytes that go before everything else."""

    def __init__(self, port, tls=None, name="shop.example.test", source="127.0.0.1", before=b"", session=None):
        host = "::1" if ":" in source else "127.0.0.1"
        self.socket = socket.create_connection((host, port), SECONDS, source_address=(source, 0))
        self.rest = b""
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if before:
                self.socket.sendall(before)
            if tls is not None:
                self.socket = tls.wrap_socket(
                    self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False
                )
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        """Our own end."""
        return self.socket.getsockname()

    def close(self):
        """TCP alone: over TLS this is a cut."""
        self.socket.close()

    def end(self):
        """Nothing more comes from us; as TLS says it, too."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket = self.socket.unwrap()
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, data=None, **members):
        """Sends a request, or the bytes of one, and reads the answer."""
        data = request(**members) if data is None else data
        # Who refuses at once may be gone before all of it was sent; its answer tells.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send(data)
        return self.read(data.startswith(b"HEAD "))

    def read(self, is_head=False):
        """The next final answer."""
        while True:
            while (end := self.rest.find(b"\r\n\r\n")) < 0:
                if not self._more():
                    raise Nothing(f"after {self.rest[:100]!r}")
            head, self.rest = self.rest[:end], self.rest[end + 4 :]
            if not re.match(rb"HTTP/1\.[01] 1(?!01)", head):
                return Answer(head, *self._body(head, is_head))

    def _body(self, head, is_head):
        status = int(head[9:12])
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if is_head or status in (101, 204, 304):
            return b"", True
        if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
            return self._chunks()
        if length:
            return self._exactly(int(length[1]))
        while (more := self._more()) is True:
            pass
        body, self.rest = self.rest, b""
        return body, more is False

    def _chunks(self):
        pieces = []
        while True:
            while (end := self.rest.find(b"\r\n")) < 0:
                if not self._more():
                    return b"".join(pieces), False
            size, self.rest = int(self.rest[:end].split(b";")[0], 16), self.rest[end + 2 :]
            piece, is_whole = self._exactly(size + 2)
            if size == 0:
                return b"".join(pieces), is_whole
            pieces.append(piece[:size])
            if not is_whole:
                return b"".join(pieces), False

    def _exactly(self, size):
        pieces, left = [self.rest[:size]], size - len(self.rest)
        self.rest = self.rest[size:]
        while left > 0:
            if not self._more():
                return b"".join(pieces), False
            pieces.append(self.rest[:left])
            left, self.rest = left - len(self.rest), self.rest[left:]
        return b"".join(pieces), True

    def _more(self):
        """True, or False at the end, or None at an end that is a cut."""
        try:
            piece = self.socket.recv(1 << 18)
        except (ConnectionResetError, ssl.SSLEOFError):
            return None
        self.rest += piece
        return bool(piece)

    def ends(self):
        """Everything until the other side closes, which it must do in time."""
        with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
            while piece := self.socket.recv(65536):
                self.rest += piece
        return self.rest


def ask(port, tls=None, name="shop.example.test", source="127.0.0.1", before=b"", session=None, data=None, **members):
    """One request on a connection of its own."""
    with Line(port, tls, name, source, before, session) as line:
        return line.ask(data, **members)


def alert_of(error):
    """What the other side said when it ended the handshake: `protocol version`; or how it ended."""
    found = re.search(r"\] (?:ssl|tls)v\d+(?: alert)? ([a-z ]+) \(", str(error))
    if isinstance(error, ssl.SSLError) and found:
        return found[1]
    if isinstance(error, (ssl.SSLEOFError, ConnectionError, Nothing)):
        return "closed"
    return f"{type(error).__name__}: {error}"


def refusal_of(ask):
    """Of a handshake, or of what came after it: what alert_of() says; "" where there was none."""
    try:
        answer = ask()
    except (OSError, Nothing) as error:
        return alert_of(error)
    return f"answered {answer}" if isinstance(answer, Answer) else ""
