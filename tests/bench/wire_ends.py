"""The two ends between which wire.py measures: an upstream that does what the request's path says, and clients
that are good or bad. Each runs in a process of its own."""

import asyncio
import gc
import json
import random
import selectors
import socket
import time
import urllib.parse
import zlib

from wire_rig import HOST

# Not a power of two long, so that a lost or doubled buffer shifts what follows.
BLOCK = random.Random(9112).randbytes(262_139)
PIECE = 256 * 1024


def checksum_of(size):
    """CRC-32 of the first `size` bytes of the endless repetition of BLOCK."""
    value = 0
    whole, rest = divmod(size, len(BLOCK))
    for _ in range(whole):
        value = zlib.crc32(BLOCK, value)
    return zlib.crc32(BLOCK[:rest], value)


def blocks(size):
    while size > 0:
        piece = BLOCK if size >= len(BLOCK) else BLOCK[:size]
        size -= len(piece)
        yield piece


def as_chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


class Body:
    """Counts and checks the bytes of a message's body as they arrive, in either framing."""

    def __init__(self, framing, length=0):
        self.framing = framing  # length, chunked, close
        self.left = length  # of the body, or of the chunk
        self.size = 0
        self.checksum = 0
        self.is_over = framing == "length" and length == 0
        self._line = b""  # of the chunked coding, as far as it has come
        self._in_data = False

    def take(self, data):
        """Returns what is behind the body's end."""
        data = memoryview(data)
        while data and not self.is_over:
            data = self._take_chunked(data) if self.framing == "chunked" else self._take_data(data)
        return bytes(data)

    def _take_data(self, data):
        taken = data if self.framing == "close" else data[: self.left]
        self.checksum = zlib.crc32(taken, self.checksum)
        self.size += len(taken)
        if self.framing != "close":
            self.left -= len(taken)
            self.is_over = self.framing == "length" and self.left == 0
        return data[len(taken) :]

    def _take_chunked(self, data):
        if self._in_data and self.left:
            return self._take_data(data)
        end = bytes(data[:64]).find(b"\n") + 1
        self._line += bytes(data[: end or 64])
        assert len(self._line) <= 64, "no chunked coding"
        if not self._line.endswith(b"\r\n"):
            return data[end or 64 :]
        line, self._line = self._line[:-2], b""
        if self._in_data:
            assert line == b"", "data longer than its chunk"
            self.is_over = self._is_last
            self._in_data = False
        else:
            self.left = int(line, 16)
            self._is_last = self.left == 0
            self._in_data = True  # also behind the last one: the empty line that ends it
        return data[end:]


def split_head(text):
    lines = text.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(":", 1) for line in lines[1:] if ":" in line)
    return lines[0], {name: value.strip() for name, value in fields.items()}


def body_of(fields, otherwise):
    if "chunked" in fields.get("transfer-encoding", ""):
        return Body("chunked")
    if "content-length" in fields:
        return Body("length", int(fields["content-length"]))
    return otherwise


# --- the upstream -------------------------------------------------------------------------------------


class Upstream:
    """Serves HTTP/1.1 until it is killed. What it does is said by the last part of the path:

    small    reads the body, answers with two bytes         count    answers with the body's size and checksum
    bytes    ?size=&framing= answers with that many bytes   deaf     reads no byte of the body
    events   ?count=&gap_us=&framing= server-sent events    stats    bytes that `bytes` could send so far
    """

    SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self, pipe, receive_buffer=None):
        self.pipe = pipe
        self.receive_buffer = receive_buffer
        self.sent = 0
        self.parked = []  # connections that are neither read nor closed

    async def run(self):
        self.loop = asyncio.get_running_loop()
        listener = socket.socket()
        if self.receive_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        listener.setblocking(False)
        listener.bind((HOST, 0))
        listener.listen(4096)
        self.pipe.send(listener.getsockname()[1])
        tasks = set()
        while True:
            connection, _ = await self.loop.sock_accept(listener)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self.loop.create_task(self.serve(connection))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def serve(self, connection):
        try:
            rest = b""
            while rest is not None:
                rest = await self.serve_one(connection, rest)
        except OSError:
            pass  # the other side is gone
        if connection not in self.parked:
            connection.close()

    async def serve_one(self, connection, rest):
        """One request; returns what came behind it, or None when the connection is to be closed."""
        while b"\r\n\r\n" not in rest:
            more = await self.loop.sock_recv(connection, PIECE)
            if not more:
                return None
            rest += more
        head, rest = rest.split(b"\r\n\r\n", 1)
        first, fields = split_head(head)
        target = urllib.parse.urlsplit(first.split(" ")[1])
        query = dict(urllib.parse.parse_qsl(target.query))
        what = target.path.rsplit("/", 1)[1]
        if what == "deaf":
            self.parked.append(connection)
            return None
        body = body_of(fields, Body("length", 0))
        rest = await self.read_body(connection, body, rest)
        if rest is None:
            return None
        if what == "small":
            await self.loop.sock_sendall(connection, self.SMALL)
            return rest
        answer = getattr(self, "answer_" + what)
        return rest if await answer(connection, body, **query) else None

    async def read_body(self, connection, body, rest):
        rest = body.take(rest)
        buffer = None if body.is_over else bytearray(PIECE)
        while not body.is_over:
            size = await self.loop.sock_recv_into(connection, buffer)
            if size == 0:
                return None
            rest = body.take(memoryview(buffer)[:size])
        return rest

    async def answer_count(self, connection, body):
        await self.answer_json(connection, {"size": body.size, "checksum": body.checksum})
        return True

    async def answer_stats(self, connection, _):
        await self.answer_json(connection, {"sent": self.sent})
        return True

    async def answer_json(self, connection, value):
        text = json.dumps(value).encode()
        await self.loop.sock_sendall(connection, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))

    async def answer_bytes(self, connection, _, size, framing):
        field = {"length": f"Content-Length: {size}\r\n", "chunked": "Transfer-Encoding: chunked\r\n", "close": ""}
        await self.send(connection, f"HTTP/1.1 200 OK\r\n{field[framing]}\r\n".encode())
        chunk = as_chunk(BLOCK)
        for block in blocks(int(size)):
            if framing == "chunked":
                block = chunk if block is BLOCK else as_chunk(block)
            await self.send(connection, block)
        if framing == "chunked":
            await self.send(connection, b"0\r\n\r\n")
        return framing != "close"

    async def send(self, connection, data):
        """Like sock_sendall, but what the kernel took is counted as it takes it."""
        data = memoryview(data)
        while data:
            try:
                size = connection.send(data)
            except BlockingIOError:
                await self.writable(connection)
                continue
            self.sent += size
            data = data[size:]

    async def writable(self, connection):
        future = self.loop.create_future()
        self.loop.add_writer(connection, lambda: future.done() or future.set_result(None))
        try:
            await future
        finally:
            self.loop.remove_writer(connection)

    async def answer_events(self, connection, _, count, gap_us, framing):
        field = "Transfer-Encoding: chunked\r\n" if framing == "chunked" else ""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{field}\r\n"
        await self.loop.sock_sendall(connection, head.encode())
        due = self.loop.time()
        for _ in range(int(count)):
            due += int(gap_us) / 1e6
            await asyncio.sleep(due - self.loop.time())
            event = b"data: %020d\n\n" % time.monotonic_ns()
            await self.loop.sock_sendall(connection, as_chunk(event) if framing == "chunked" else event)
        if framing == "chunked":
            await self.loop.sock_sendall(connection, b"0\r\n\r\n")
        return framing == "chunked"


def run_upstream(pipe, receive_buffer=None):
    asyncio.run(Upstream(pipe, receive_buffer).run())


# --- clients ------------------------------------------------------------------------------------------


def connect(port, number=0, receive_buffer=None):
    """Several source addresses, so that many connections do not use up the ports of one."""
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.bind((f"127.0.0.{2 + number % 8}", 0))
    client.settimeout(120)
    client.connect((HOST, port))
    return client


def read_answer(client):
    """Returns the status and the body of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(PIECE)
        if not more:
            raise OSError("closed before the end of the head")
        data += more
    head, rest = data.split(b"\r\n\r\n", 1)
    first, fields = split_head(head)
    status = int(first.split(" ")[1])
    body = body_of(fields, Body("close"))
    text = rest if len(rest) < 4096 else b""
    body.take(rest)
    buffer = bytearray(PIECE)
    while not body.is_over:
        size = client.recv_into(buffer)
        if size == 0:
            break
        if len(text) < 4096:
            text += buffer[:size]
        body.take(memoryview(buffer)[:size])
    return status, body, text


def upload(pipe, port, head, size, framing):
    """Sends `size` bytes, and hands back what the upstream counted."""
    client = connect(port)
    client.sendall(head)
    chunk = as_chunk(BLOCK)
    for block in blocks(size):
        if framing == "chunked":
            block = chunk if block is BLOCK else as_chunk(block)
        client.sendall(block)
    if framing == "chunked":
        client.sendall(b"0\r\n\r\n")
    status, _, text = read_answer(client)
    pipe.send({"status": status} | json.loads(text))
    pipe.recv()


def download(pipe, port, head):
    client = connect(port)
    client.sendall(head)
    status, body, _ = read_answer(client)
    pipe.send({"status": status, "size": body.size, "checksum": body.checksum})
    pipe.recv()
