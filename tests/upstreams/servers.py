"""Upstream servers that do what they are told: live, die, hang, lie, and come back. All of them in one process.

A path with `/do/KIND` or `/do/KIND/NUMBER` decides for one request, behave() for all others. What came is kept, so
that a test can say of each request who has seen it, and how often.
"""

import asyncio
import base64
import contextlib
import hashlib
import multiprocessing
import os
import re
import socket
import ssl
import struct
import threading
import zlib

FORK = multiprocessing.get_context("fork")
MOST = 64  # servers of a Fleet
DO = re.compile(r"/do/([a-z_]+)(?:/(\d+))?")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)
RESET = struct.pack("ii", 1, 0)
GARBAGE = b"\x16\x03\x01 this is no HTTP \x00\xff\r\n\r\n" * 3
TICK = 0.02  # seconds between two pieces of an endless answer
COUNT, RUNNING, PEAK, CHECKS, OPEN, OPENED = range(6)


class Request:
    """What a server saw of one."""

    def __init__(self, server, connection, method, target, fields):
        self.server = server
        self.connection = connection  # its number at this server
        self.method = method
        self.target = target
        self.fields = fields  # pairs
        self.length = None  # of the body; None: it did not come whole
        self.is_answered = False
        self.came = None  # time.monotonic(), of the whole machine

    def field(self, name):
        """The values of a field, all of them."""
        return [value for one, value in self.fields if one.lower() == name.lower()]

    @property
    def unique(self):
        return (self.field("X-Unique") or [""])[0]


class Server:
    """The handle of one. Labels and URLs as keygate has them."""

    def __init__(self, fleet, number, name, address, port, path, is_tls):
        self.fleet = fleet
        self.number = number
        self.name = name
        self.port = port
        shown = f"[{address}]" if ":" in address else address
        self.label = f"unix:{path}" if path else f"{shown}:{port}"
        self.url = self.label if path else f"http{'s' if is_tls else ''}://{self.label}"

    def _tell(self, what, *words):
        return self.fleet.call(self.number, what, *words)

    def _shared(self, which):
        return self.fleet.shared[self.number * 8 + which]

    @property
    def count(self):
        """Requests so far, checks apart."""
        return self._shared(COUNT)

    @property
    def running(self):
        """Requests that are not answered yet."""
        return self._shared(RUNNING)

    @property
    def peak(self):
        """The most of those."""
        return self._shared(PEAK)

    @property
    def checks(self):
        """Requests for /health so far."""
        return self._shared(CHECKS)

    @property
    def open(self):
        """Connections."""
        return self._shared(OPEN)

    @property
    def opened(self):
        """Connections so far; with TLS only those that got through the handshake."""
        return self._shared(OPENED)

    def forget(self):
        """All requests, and the peak."""
        self._tell("forget")

    def seen(self):
        """All requests since then, in their order."""
        return self._tell("seen")

    def checked(self):
        """The same of those for /health."""
        return self._tell("checked")

    def behave(self, kind="well", number=0):
        """well; hang; hold until release(); slow (ms to the first byte); garbage; close or reset before the answer;
        cut_head or cut_body in its middle; status (number)."""
        self._tell("behave", kind, number)

    def release(self):
        """All requests that are held now are answered."""
        self._tell("release")

    def health(self, kind="well"):
        """well, ill or hang: of /health alone."""
        self._tell("set_health", kind)

    def kill(self):
        """As kill -9: nobody listens, and all connections are reset."""
        self._tell("kill")

    def refuse(self):
        """As an orderly stop: nobody listens, unused connections are closed, the others after their answer."""
        self._tell("refuse")

    def fill(self):
        """As a machine that is away: connections are reset, and no new one ever comes to be."""
        self._tell("fill")

    def come_back(self):
        """Listens, and all is well."""
        self._tell("come_back")


class Fleet:
    def __init__(self):
        self.shared = FORK.RawArray("q", 8 * MOST)
        self.here, there = FORK.Pipe()
        self.lock = threading.Lock()
        self.servers = []
        self.process = FORK.Process(target=_serve, args=(there, self.shared), daemon=True)
        self.process.start()
        there.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    def call(self, number, what, *words):
        with self.lock:
            self.here.send((number, what, words))
            if not self.here.poll(20):
                raise TimeoutError(f"the servers do not answer to {what}")
            result = self.here.recv()
        if isinstance(result, Exception):
            raise result
        return result

    def start(self, name, port=0, address="127.0.0.1", path="", tls=None):
        """tls: {certificate, private_key, ca (of clients, which must have one), versions}"""
        number = len(self.servers)
        if number == MOST:
            raise RuntimeError("too many servers")
        self.call(number, "start", name, address, port, path, tls)
        server = Server(self, number, name, address, port, path, tls is not None)
        self.servers.append(server)
        return server


# ---- in the other process


def _serve(pipe, shared):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    servers = {}
    commands = asyncio.Queue()

    def take():
        try:
            commands.put_nowait(pipe.recv())
        except EOFError:
            os._exit(0)

    async def obey():
        while True:
            number, what, words = await commands.get()
            try:
                if what == "start":
                    servers[number] = _Server(number, shared, *words)
                    result = await servers[number].come_back()
                else:
                    result = getattr(servers[number], what)(*words)
                    if asyncio.iscoroutine(result):
                        result = await result
            except Exception as error:
                result = RuntimeError(f"{what}: {type(error).__name__}: {error}")
            pipe.send(result)

    loop.add_reader(pipe.fileno(), take)
    loop.run_until_complete(obey())


class _Server:
    def __init__(self, number, shared, name, address, port, path, tls):
        self.shared = shared
        self.base = 8 * number
        self.name = name
        self.address = address
        self.port = port
        self.path = path
        self.context = _context(tls) if tls else None
        self.connections = set()
        self.requests = []
        self.checks = []
        self.held = set()
        self.listener = None
        self.full = []  # sockets that fill the queue of a listener that takes nobody
        self.is_leaving = False
        self.behaviour = ("well", 0)
        self.health = "well"

    def add(self, which, count):
        self.shared[self.base + which] += count
        if which == RUNNING:
            running = self.shared[self.base + RUNNING]
            self.shared[self.base + PEAK] = max(self.shared[self.base + PEAK], running)

    # ---- what it is told

    def forget(self):
        self.requests.clear()
        self.checks.clear()
        self.shared[self.base + PEAK] = self.shared[self.base + RUNNING]

    def seen(self):
        return list(self.requests)

    def checked(self):
        return list(self.checks)

    def behave(self, kind, number):
        self.behaviour = (kind, number)

    def set_health(self, kind):
        self.health = kind

    def release(self):
        held, self.held = self.held, set()
        for connection in held:
            connection.answer_late()

    def stop_listening(self):
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        for one in self.full:
            one.close()
        self.full = []

    def kill(self):
        self.stop_listening()
        for connection in tuple(self.connections):
            connection.reset()

    def refuse(self):
        self.stop_listening()
        self.is_leaving = True
        for connection in tuple(self.connections):
            connection.close_if_unused()

    def fill(self):
        self.kill()
        listener = _bound(self.address, self.port)
        listener.listen(0)
        self.full.append(listener)
        for _ in range(3):
            trial = socket.socket(listener.family)
            trial.setblocking(False)
            trial.connect_ex((self.address, self.port))
            self.full.append(trial)

    async def come_back(self):
        self.stop_listening()
        self.is_leaving = False
        self.behaviour = ("well", 0)
        self.health = "well"
        loop = asyncio.get_running_loop()
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            self.listener = await loop.create_unix_server(lambda: _Connection(self), self.path, backlog=1024)
        else:
            bound = _bound(self.address, self.port)
            self.listener = await loop.create_server(
                lambda: _Connection(self), sock=bound, ssl=self.context, backlog=1024
            )


def _bound(address, port):
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


def _context(tls):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls["certificate"], tls["private_key"])
    if tls.get("ca"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tls["ca"])
    if tls.get("most"):
        context.maximum_version = getattr(ssl.TLSVersion, tls["most"])
    return context


def chunks_of(data):
    """(body, rest); None while it is not there in whole."""
    body = b""
    while True:
        end = data.find(b"\r\n")
        if end < 0:
            return None
        size = int(data[:end].split(b";")[0], 16)
        if size == 0:
            stop = data.find(b"\r\n", end + 2) if data[end + 2 : end + 4] == b"\r\n" else data.find(b"\r\n\r\n", end)
            if stop < 0:
                return None
            return body, data[stop + (2 if stop == end + 2 else 4) :]
        if len(data) < end + 4 + size:
            return None
        body += data[end + 2 : end + 2 + size]
        data = data[end + 4 + size :]


class _Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.rest = b""
        self.request = None
        self.head = b""
        self.is_acting = False
        self.is_tunnel = False
        self.timer = None

    # ---- of asyncio

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)
        self.server.add(OPEN, 1)
        self.server.add(OPENED, 1)
        self.number = self.server.shared[self.server.base + OPENED]

    def connection_lost(self, _):
        self.stop_timer()
        self.server.connections.discard(self)
        self.server.held.discard(self)
        self.server.add(OPEN, -1)
        if self.request is not None and not self.is_check():
            self.server.add(RUNNING, -1)
        self.request = None

    def data_received(self, data):
        if self.is_tunnel:
            self.transport.write(data)
            return
        self.rest += data
        self.go_on()

    # ---- requests

    def go_on(self):
        if self.is_acting:
            return
        if self.request is None:
            end = self.rest.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head, self.rest = self.rest[:end], self.rest[end + 4 :]
            self.begin()
        found = LENGTH.search(self.head)
        if CHUNKED.search(self.head):
            parts = chunks_of(self.rest)
        else:
            length = int(found[1]) if found else 0
            parts = None if len(self.rest) < length else (self.rest[:length], self.rest[length:])
        if parts is None:
            return
        body, self.rest = parts
        self.request.length = len(body)
        self.checksum = zlib.crc32(body)
        self.is_acting = True
        self.act()

    def begin(self):
        """A request has come, perhaps not all of its body."""
        first, *lines = self.head.decode("latin-1").split("\r\n")
        method, target, self.version = first.split(" ")
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        self.request = Request(self.server.name, self.number, method, target, fields)
        self.request.came = asyncio.get_running_loop().time()
        if self.is_check():
            self.server.checks.append(self.request)
            self.server.add(CHECKS, 1)
        else:
            self.server.requests.append(self.request)
            self.server.add(COUNT, 1)
            self.server.add(RUNNING, 1)

    def is_check(self):
        return self.request.target == "/health"

    def end(self):
        """Just before the end of its answer is written: nobody may see the next one here earlier."""
        if not self.is_check():
            self.server.add(RUNNING, -1)
        self.request.is_answered = True
        self.request = None
        self.is_acting = False

    def act(self):
        if self.is_check():
            kind, number = {"well": ("well", 0), "ill": ("status", 503)}.get(self.server.health, ("hang", 0))
        elif found := DO.search(self.request.target):
            kind, number = found[1], int(found[2] or 0)
        else:
            kind, number = self.server.behaviour
        if any(value.lower() == "websocket" for value in self.request.field("Upgrade")):
            kind = "tunnel"
        getattr(self, f"do_{kind}")(number)

    def answer(self, status=200, more=""):
        request = self.request
        body = f"{self.server.name} {request.unique} {request.length} {self.checksum}\n".encode()
        is_last = self.server.is_leaving or "close" in (value.lower() for value in request.field("Connection"))
        head = (
            f"HTTP/1.1 {status} Said\r\nX-Server: {self.server.name}\r\nX-Unique: {request.unique}\r\n"
            f"Content-Length: {len(body)}\r\n{more}{'Connection: close' if is_last else 'X-Other: 1'}\r\n\r\n"
        ).encode()
        self.end()
        self.transport.write(head + (b"" if request.method == "HEAD" else body))
        if is_last:
            self.transport.close()
        else:
            self.go_on()

    def answer_late(self):
        self.stop_timer()
        if self.request is not None:
            self.answer()

    def later(self, seconds, what):
        self.timer = asyncio.get_running_loop().call_later(seconds, what)

    def stop_timer(self):
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def reset(self):
        made = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()

    def close_if_unused(self):
        if self.request is None:
            self.transport.close()

    # ---- what can be done with a request

    def do_well(self, _):
        self.answer()

    def do_status(self, status):
        self.answer(status)

    def do_hang(self, _):
        pass

    def do_hold(self, _):
        self.server.held.add(self)

    def do_slow(self, milliseconds):
        self.later(milliseconds / 1000, self.answer_late)

    def do_garbage(self, _):
        self.transport.write(GARBAGE)
        self.transport.close()

    def do_close(self, _):
        self.transport.close()

    def do_reset(self, _):
        self.reset()

    def do_cut_head(self, _):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        self.transport.close()

    def do_cut_body(self, _):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        self.transport.close()

    def do_close_long(self, _):
        """The same with chunks: the last one is missing."""
        self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n")
        self.transport.close()

    def do_stall(self, _):
        """A head and a piece, and then nothing more."""
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    def do_events(self, _):
        """Chunks without end."""
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        self.transport.write(b"Transfer-Encoding: chunked\r\n\r\n")
        self.tick(b"c\r\ndata: tick\n\n\r\n")

    def do_download(self, _):
        """The same, with a length that is never reached."""
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        self.tick(b"data: tick\n\n")

    def do_tunnel(self, _):
        nonce = self.request.field("Sec-WebSocket-Key")[0] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(nonce.encode()).digest()).decode()
        self.transport.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self.is_tunnel = True
        self.tick(b"\x81\x04tick")

    def tick(self, piece):
        self.transport.write(piece)
        self.later(TICK, lambda: self.tick(piece))
