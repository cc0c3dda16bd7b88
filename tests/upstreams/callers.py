"""Clients: one that asks in turn, crowds that ask all the time, and streams that stay open."""

import asyncio
import base64
import collections
import contextlib
import itertools
import json
import os
import re
import select
import socket
import threading
import time

from servers import RESET, chunks_of

SECONDS = 20
numbers = itertools.count(1)
RUN = os.urandom(4).hex()


def new_unique():
    return f"{RUN}-{next(numbers)}"


class Answer:
    """What one request got. status 0: nothing that is HTTP, `error` says what."""

    __slots__ = ("unique", "method", "path", "sent", "seconds", "status", "fields", "body", "is_whole", "error")

    def __init__(self, unique, method, path, sent):
        self.unique = unique
        self.method = method
        self.path = path
        self.sent = sent  # time.monotonic(), before its first byte went out
        self.seconds = 0.0
        self.status = 0
        self.fields = {}  # lower case; of several the last one
        self.body = b""
        self.is_whole = False
        self.error = ""

    @property
    def reason(self):
        """Of a refusal; "" where nothing is refused."""
        if self.status < 400 or not self.fields.get("content-type", "").startswith("application/json"):
            return ""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return json.loads(self.body)["error"]["reason"]
        return ""

    @property
    def server(self):
        """Who has answered; "" if it was the gateway."""
        return self.fields.get("x-server", "")

    @property
    def is_good(self):
        return 200 <= self.status < 300 and self.is_whole

    def __str__(self):
        if not self.status:
            return self.error
        words = (str(self.status), self.reason or self.server, "" if self.is_whole else "cut")
        return " ".join(word for word in words if word)


def request_bytes(unique, key=None, path="/v1/x", method="GET", fields=(), body=None, host="shop"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"X-Unique: {unique}"]
    if key is not None:
        lines.append(f"Authorization: Bearer {getattr(key, 'text', key)}")
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None and not any(name.lower() == "transfer-encoding" for name, _ in fields):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def read_head(answer, head):
    first, *lines = head.decode("latin-1").split("\r\n")
    found = re.fullmatch(r"HTTP/1\.[01] (\d{3})(?: .*)?", first)
    if not found:
        raise ValueError(f"no HTTP: {first[:60]!r}")
    answer.status = int(found[1])
    answer.fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}


def take_answer(answer, data, is_end):
    """What is left of the data behind the answer; None: more must come. is_end: nothing will."""
    while True:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if is_end:
                raise ConnectionError(f"closed in a head, after {len(data)} bytes")
            return None
        read_head(answer, data[:end])
        rest = data[end + 4 :]
        if answer.status >= 200 or answer.status == 101:
            break
        data = rest
    if answer.method == "HEAD" or answer.status in (101, 204, 304):
        answer.is_whole = True
        return rest
    if "chunked" in answer.fields.get("transfer-encoding", ""):
        parts = chunks_of(rest)
        if parts is not None:
            answer.is_whole = True
            answer.body, rest = parts
            return rest
    elif "content-length" in answer.fields:
        length = int(answer.fields["content-length"])
        if len(rest) >= length:
            answer.is_whole = True
            answer.body = rest[:length]
            return rest[length:]
    elif is_end:
        answer.is_whole = True
    if is_end:
        answer.body = rest
        return b""
    return None


class Caller:
    """One connection, kept alive. Opened again after the gateway closed it."""

    def __init__(self, port, host="shop", key=None):
        self.port = port
        self.host = host
        self.key = key
        self.socket = None
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None
        self.rest = b""

    def send(self, path="/v1/x", method="GET", fields=(), body=None, key=None, answer=None):
        """Begins one; read() has its answer."""
        answer = answer or Answer(new_unique(), method, path, time.monotonic())
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request_bytes(answer.unique, key or self.key, path, method, fields, body, self.host))
        return answer

    def read(self, answer):
        is_end = False
        while (rest := take_answer(answer, self.rest, is_end)) is None:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            is_end = not piece
            self.rest += piece
        answer.seconds = time.monotonic() - answer.sent
        self.rest = rest
        if is_end or answer.fields.get("connection") == "close":
            self.close()
        return answer

    def ask(self, path="/v1/x", method="GET", **more):
        """status 0 if the connection ended before an answer had begun."""
        answer = Answer(new_unique(), method, path, time.monotonic())
        try:
            return self.read(self.send(path, method, answer=answer, **more))
        except (OSError, ValueError) as error:
            answer.seconds = time.monotonic() - answer.sent
            answer.error = f"{type(error).__name__}: {error}"
            self.close()
            return answer


def ask_once(port, key=None, path="/v1/x", host="shop", **more):
    with Caller(port, host, key) as caller:
        return caller.ask(path, **more)


class Waiting:
    """So many requests at once, each on a connection of its own; their answers are read when they are asked for."""

    def __init__(self, port, key, count, path="/v1/x", host="shop", **more):
        self.callers = [Caller(port, host, key) for _ in range(count)]
        self.path = path
        self.more = more
        self.answers = []

    def __enter__(self):
        self.answers = [caller.send(self.path, **self.more) for caller in self.callers]
        return self

    def __exit__(self, *_):
        self.give_up()

    def give_up(self):
        """As a client that says no more: its system says so, and may still read."""
        for caller in self.callers:
            caller.close()

    def reset(self):
        """As a client that is gone, and its system says so."""
        for caller in self.callers:
            if caller.socket is not None:
                caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            caller.close()

    def answered(self):
        """How many have something to read."""
        sockets = [caller.socket for caller in self.callers if caller.socket is not None]
        return len(select.select(sockets, [], [], 0)[0])

    def read(self):
        """All of them, once; each has its own time."""
        by_socket = {caller.socket: (caller, answer) for caller, answer in zip(self.callers, self.answers)}
        while by_socket:
            ready = select.select(by_socket, [], [], SECONDS)[0]
            if not ready:
                raise TimeoutError(f"{len(by_socket)} requests have no answer after {SECONDS} s")
            for one in ready:
                caller, answer = by_socket.pop(one)
                try:
                    caller.read(answer)
                except (OSError, ValueError) as error:
                    answer.error = f"{type(error).__name__}: {error}"
        return self.answers


class Stream:
    """An answer without end, or a tunnel: read in a thread of its own until it ends."""

    def __init__(self, port, key, path="/v1/do/events", host="shop", is_tunnel=False):
        fields = []
        if is_tunnel:
            nonce = base64.b64encode(os.urandom(16)).decode()
            fields = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", nonce)]
            fields += [("Sec-WebSocket-Version", "13")]
        self.caller = Caller(port, host, key)
        self.answer = self.caller.send(path, fields=fields)
        self.socket = self.caller.socket
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed before the head")
            head += piece
        head, self.data = head.split(b"\r\n\r\n", 1)
        read_head(self.answer, head)
        self.received = len(self.data)
        self.ended = None  # time.monotonic()
        self.how = ""
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        try:
            while piece := self.socket.recv(65536):
                self.data = (self.data + piece)[-4096:]
                self.received += len(piece)
            self.how = "closed"
        except OSError as error:
            self.how = type(error).__name__
        self.ended = time.monotonic()

    @property
    def has_last_chunk(self):
        return self.data.endswith(b"0\r\n\r\n")

    def close(self):
        if self.ended is None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.caller.close()


def mixed(number):
    """Mostly GET, every fourth with a body."""
    if number % 4 == 3:
        return "POST", b"x" * (10 if number % 8 == 3 else 3000)
    return "GET", None


class Load:
    """Clients that ask all the time, in a thread of their own; all answers are kept."""

    def __init__(self, port, key, clients=8, pause=0.003, make=mixed, path="/v1/x", host="shop", refused_pause=None):
        self.port = port
        self.key = key
        self.clients = clients
        self.pause = pause
        self.refused_pause = pause if refused_pause is None else refused_pause
        self.make = make
        self.path = path
        self.host = host
        self.answers = []
        self.is_ending = False
        self.problem = None
        self.numbers = itertools.count()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.is_ending = True
        self.thread.join()
        if self.problem is not None:
            raise self.problem

    @property
    def count(self):
        return len(self.answers)

    def goes_on(self, more, seconds=60):
        """Waits until there are so many more answers."""
        wanted = self.count + more
        end = time.monotonic() + seconds
        while self.count < wanted:
            if self.problem is not None:
                raise self.problem
            if time.monotonic() > end:
                raise TimeoutError(f"{self.count - wanted + more} answers of {more} in {seconds} s")
            time.sleep(0.005)

    def _run(self):
        try:
            asyncio.run(self._all())
        except Exception as error:
            self.problem = error

    async def _all(self):
        await asyncio.gather(*(self._client() for _ in range(self.clients)))

    async def _client(self):
        link = None
        while not self.is_ending:
            method, body = self.make(next(self.numbers))
            answer = Answer(new_unique(), method, self.path, time.monotonic())
            link = await self._exchange(link, answer, body)
            answer.seconds = time.monotonic() - answer.sent
            self.answers.append(answer)
            await asyncio.sleep(self.pause if answer.is_good else self.refused_pause)
        if link is not None:
            link[1].close()

    async def _exchange(self, link, answer, body):
        """The connection, if it can be used again."""
        if link is not None and link[0].at_eof():
            link[1].close()
            link = None
        try:
            if link is None:
                link = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = link
            writer.write(
                request_bytes(answer.unique, self.key, self.path, answer.method, body=body, host=self.host)
            )
            data = b""
            while (rest := take_answer(answer, data, False)) is None:
                piece = await asyncio.wait_for(reader.read(65536), SECONDS)
                if not piece:
                    take_answer(answer, data, True)
                    raise ConnectionError("cut")
                data += piece
            if rest:
                raise ValueError(f"{len(rest)} bytes behind an answer")
            if answer.fields.get("connection") != "close":
                return link
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            answer.error = f"{type(error).__name__}: {error}"
        if link is not None:
            link[1].close()
        return None


def told(answers):
    """{what: how often}, the most frequent first"""
    return dict(collections.Counter(map(str, answers)).most_common())
