"""The API behind the gateway: it answers with what it saw, so that a client can judge for itself.

    ANY  /v1/echo/...           the request as it came in: target, fields, framing, size and SHA-256 of the body
    GET  /v1/bytes/N            N bytes, their SHA-256 in X-Sha256
    GET  /v1/chunked/N          the same without a length
    GET  /v1/gzip               a text, gzip-encoded whether that was asked for or not
    GET  /v1/status/N           that status, no body
    GET  /v1/tagged             a text with ETag; 304 to a matching If-None-Match
    ANY  /v1/redirect/N?to=URL  that status, Location as given
    GET  /v1/cookies            two fields of one name
    GET  /v1/events/NAME        one event, and the second one only after /control/release/NAME
    ANY  /v1/early/N            that status before the body is read

/control/ is asked directly, no route of the gateway leads there: `seen/TAG` counts the requests whose query
holds `tag=TAG`, and the bytes of their bodies.
"""

import gzip
import hashlib
import http.server
import json
import random
import sys
import threading
import urllib.parse

RELEASE_SECONDS = 20
TEXT = ("keygate " * 500).encode()


def content(size):
    return random.Random(size).randbytes(size)


class Cut(Exception):
    """The body ended before its framing did."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        super().setup()
        self.connection_number = self.server.count_connection()
        self.request_number = 0

    def log_message(self, format, *args):
        pass

    def version_string(self):
        return "origin"

    def handle_expect_100(self):
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    # --- the request ------------------------------------------------------------------------------

    def body_pieces(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline(1024).split(b";")[0], 16):
                yield self.exactly(size)
                self.rfile.readline(8)
            while self.rfile.readline(8192).strip():
                pass
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            piece = self.exactly(min(left, 65536))
            left -= len(piece)
            yield piece

    def exactly(self, size):
        piece = self.rfile.read(size)
        if len(piece) != size:
            raise Cut
        return piece

    def read_body(self):
        digest, size, start = hashlib.sha256(), 0, b""
        for piece in self.body_pieces():
            digest.update(piece)
            size += len(piece)
            start += piece[: 200 - len(start)]
            self.server.count_bytes(self.tag, len(piece))
        return {"sha256": digest.hexdigest(), "size": size, "start": start.decode("latin-1")}

    def any_method(self):
        self.request_number += 1
        self.target = self.requestline.split(" ")[1]
        path, _, query = self.target.partition("?")
        self.query = urllib.parse.parse_qs(query)
        self.tag = self.query.get("tag", [None])[0]
        self.server.count_request(self.tag)
        words = path.split("/")
        # What a route asks for is keygate's business.
        place = "v1" if words[1] in ("open", "narrow") else words[1]
        action = getattr(self, f"{place}_{words[2]}", None) if len(words) > 2 else None
        if action is None:
            return self.send_json(404, {"error": "no such page of the origin"})
        try:
            action("/".join(words[3:]))
        except (Cut, ConnectionError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = any_method

    # --- answers ------------------------------------------------------------------------------------

    def send(self, status, fields, body=b""):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)
        self.wfile.flush()

    def send_json(self, status, value):
        self.send(status, [("Content-Type", "application/json")], json.dumps(value).encode())

    def v1_echo(self, _):
        framing = "chunked" if "Transfer-Encoding" in self.headers else self.headers.get("Content-Length")
        body = self.read_body()
        self.send_json(
            200,
            {
                "method": self.command,
                "target": self.target,
                "fields": [list(field) for field in self.headers.items()],
                "framing": framing,
                "body": body,
                "connection": self.connection_number,
                "request": self.request_number,
            },
        )

    def v1_bytes(self, size):
        data = content(int(size))
        self.send(200, [("X-Sha256", hashlib.sha256(data).hexdigest())], data)

    def v1_chunked(self, size):
        data = content(int(size))
        self.send_response(200)
        self.send_header("X-Sha256", hashlib.sha256(data).hexdigest())
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        pieces = random.Random(1)
        while data:
            piece, data = data[: pieces.randint(1, 100_000)], data
            data = data[len(piece) :]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def v1_gzip(self, _):
        packed = gzip.compress(TEXT, mtime=0)
        self.send(
            200,
            [
                ("Content-Type", "text/plain"),
                ("Content-Encoding", "gzip"),
                ("Vary", "Accept-Encoding"),
                ("X-Sha256", hashlib.sha256(packed).hexdigest()),
            ],
            packed,
        )

    def v1_status(self, status):
        self.read_body()
        self.send(int(status), [])

    def v1_tagged(self, _):
        fields = [("ETag", '"one"'), ("Cache-Control", "max-age=60")]
        if self.headers.get("If-None-Match") == '"one"':
            self.send(304, fields)
        else:
            self.send(200, fields, TEXT)

    def v1_redirect(self, status):
        self.read_body()
        self.send(int(status), [("Location", self.query["to"][0])], b"elsewhere")

    def v1_cookies(self, _):
        self.send(200, [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; HttpOnly")], b"two")

    def v1_events(self, name):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.send_event(b"id: 1\ndata: first\n\n")
        if self.server.release(name).wait(RELEASE_SECONDS):
            self.send_event(b"id: 2\ndata: second\n\n")
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        else:
            self.close_connection = True  # and the client sees the answer cut

    def send_event(self, text):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()

    def v1_early(self, status):
        self.close_connection = True
        self.send(int(status), [("Connection", "close"), ("Content-Type", "text/plain")], b"too much")
        # The rest is read, or the answer would be lost in a reset of this connection.
        try:
            while self.rfile.read(65536):
                pass
        except OSError:
            pass

    # --- for the tests alone ------------------------------------------------------------------------

    def control_seen(self, tag):
        self.send_json(200, self.server.seen(tag))

    def control_release(self, name):
        self.server.release(name).set()
        self.send(204, [])


class Origin(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.connections = 0
        self.tags = {}
        self.releases = {}
        self.errors = []

    @property
    def port(self):
        return self.server_address[1]

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        # A gateway closes connections that it no longer needs.
        if not isinstance(error, ConnectionError):
            self.errors.append(repr(error))

    def count_connection(self):
        with self.lock:
            self.connections += 1
            return self.connections

    def count_request(self, tag):
        with self.lock:
            entry = self.tags.setdefault(tag, {"requests": 0, "body_bytes": 0})
            entry["requests"] += 1

    def count_bytes(self, tag, size):
        with self.lock:
            self.tags[tag]["body_bytes"] += size

    def seen(self, tag):
        with self.lock:
            return dict(self.tags.get(tag, {"requests": 0, "body_bytes": 0}))

    def release(self, name):
        with self.lock:
            return self.releases.setdefault(name, threading.Event())
