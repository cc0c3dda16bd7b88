#!/usr/bin/env python3
"""A small API to stand behind keygate: it answers every request with what it received, as JSON.

    scripts/sample_api.py [--port 3000] [--next-free]

Listens on 127.0.0.1 only, so that nobody reaches it but through the gateway. The first line on standard
output is `listening on 127.0.0.1:PORT`. `served` in an answer counts the requests that came this far.
"""

import argparse
import http.server
import itertools
import json
import signal
import sys
import threading
import urllib.parse

MAX_BODY = 1 << 20
served = itertools.count(1)


class BadBody(Exception):
    pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one piece

    def version_string(self):
        return "sample-api"

    def read_exactly(self, count):
        data = self.rfile.read(count)
        if len(data) != count:
            raise BadBody("cut off")
        return data

    def read_chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline(1024).split(b";")[0].strip() or b"x", 16)
            if size < 0 or len(body) + size > MAX_BODY:
                raise BadBody("too large")
            if size == 0:
                while self.rfile.readline(8192).strip():
                    pass
                return body
            body += self.read_exactly(size)
            self.rfile.readline(8)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.read_chunks()
        length = int(self.headers.get("Content-Length", 0))
        if not 0 <= length <= MAX_BODY:
            raise BadBody("too large")
        return self.read_exactly(length)

    def answer(self):
        try:
            body = self.read_body()
        except (BadBody, ValueError) as error:
            self.close_connection = True
            self.reply(400, {"error": f"body: {error}"})
            return
        target = urllib.parse.urlsplit(self.path)
        headers = {}
        for name, value in self.headers.items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        received = {"method": self.command, "path": target.path, "headers": headers}
        if target.query:
            received["query"] = target.query
        if body:
            received["body"] = body.decode("utf-8", "replace")
        self.reply(200, {"served": next(served), "received": received})

    def reply(self, status, value):
        text = (json.dumps(value, indent=2) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
        self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # A gateway closes connections that it no longer needs; only the rest is worth a line.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def listen(port, tries):
    for candidate in range(port, port + tries):
        try:
            return Server(("127.0.0.1", candidate), Handler)
        except OSError as error:
            last = error
    sys.exit(f"sample_api.py: 127.0.0.1:{port}: {last.strerror}")


def main():
    parser = argparse.ArgumentParser(description="answers every request with what it received")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--next-free", action="store_true", help="take the next port if this is in use")
    arguments = parser.parse_args()
    server = listen(arguments.port, 100 if arguments.next_free else 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that this handler interrupts.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on 127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
