"""The two ends between which wire.py measures: an upstream that does what the request's path says, and clients
that are good or bad. Each runs in a process of its own."""

import asyncio
import collections
import contextlib
import gc
import json
import random
import select
import selectors
import socket
import struct
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
    bytes    ?size=&framing= answers with that many bytes   deaf     reads nothing behind the head
    events   ?count=&gap_us=&framing= server-sent events    stats    bytes that `bytes` sent and `deaf` read
    """

    SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self, pipe, receive_buffer=None):
        self.pipe = pipe
        self.receive_buffer = receive_buffer
        self.sent = 0
        self.received = 0
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
            self.received += len(head) + 4 + len(rest)
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
        await self.answer_json(connection, {"sent": self.sent, "received": self.received})
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


def ask(port, head):
    """One small request; returns its status and the text of its answer."""
    with connect(port) as client:
        client.sendall(head)
        status, _, text = read_answer(client)
        return status, text


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def push(pipe, port, head, count, quiet):
    """Uploads on many connections until none of them has taken a byte for `quiet` seconds. Tells how many
    bytes that were, and breaks the connections when it is told to."""
    clients = [connect(port, number) for number in range(count)]
    selector = selectors.EpollSelector()
    for client in clients:
        client.sendall(head)
        client.setblocking(False)
        selector.register(client, selectors.EVENT_WRITE)
    sent = len(head) * count
    while ready := selector.select(quiet):
        for key, _ in ready:
            with contextlib.suppress(BlockingIOError):
                sent += key.fileobj.send(BLOCK)
    pipe.send(sent)
    pipe.recv()
    for client in clients:
        reset(client)
    pipe.send("broken")
    pipe.recv()


def ignore(pipe, port, head, count):
    """Asks on many connections and reads nothing."""
    clients = [connect(port, number) for number in range(count)]
    for client in clients:
        client.sendall(head)
    pipe.send(len(head) * count)
    pipe.recv()
    for client in clients:
        reset(client)
    pipe.send("broken")
    pipe.recv()


def hear_events(pipe, port, head, count):
    """Tells how late each event was, in nanoseconds: its own send instant stands in it."""
    client = connect(port)
    gc.disable()
    client.sendall(head)
    delays, data = [], b""
    while len(delays) < count:
        more = client.recv(PIECE)
        now = time.monotonic_ns()
        if not more:
            raise OSError(f"closed after {len(delays)} events")
        data += more
        while (at := data.find(b"data: ")) >= 0 and len(data) >= at + 28:
            delays.append(now - int(data[at + 6 : at + 26]))
            data = data[at + 28 :]
    pipe.send(delays)
    pipe.recv()


class Innocent:
    """Ordinary requests at a steady rate that waits for nobody: a request is late from the instant at which it
    was due, also when it had to wait for one of the connections."""

    def __init__(self, port, head, rate, connections):
        self.port, self.head = port, head
        self.gap = 10**9 // rate
        self.idle = collections.deque(connect(port, number) for number in range(connections))
        self.busy = {}  # connection: [due, answer so far]
        self.due = collections.deque()
        self.done = []  # (due, lateness, was right)

    def run(self, pipe):
        """Until told to stop; then tells what was seen."""
        gc.disable()
        next_due = time.monotonic_ns()
        while True:
            now = time.monotonic_ns()
            while next_due <= now:
                self.due.append(next_due)
                next_due += self.gap
            while self.due and self.idle:
                self.send(self.idle.popleft(), self.due.popleft())
            ready = select.select([pipe, *self.busy], [], [], max(0, next_due - time.monotonic_ns()) / 1e9)[0]
            if pipe in ready:
                return self.finish(pipe)
            for client in ready:
                self.read(client)

    def send(self, client, due):
        self.busy[client] = [due, b""]
        with contextlib.suppress(OSError):  # the read finds out
            client.send(self.head)

    def read(self, client):
        try:
            data = client.recv(PIECE)
        except OSError:
            data = b""
        state = self.busy[client]
        state[1] += data
        is_right = state[1].startswith(b"HTTP/1.1 200 ") and state[1].endswith(b"\r\n\r\nok")
        if not is_right and data and len(state[1]) < 4096:
            return
        del self.busy[client]
        self.done.append((state[0], time.monotonic_ns() - state[0], is_right))
        if not is_right:
            client.close()
            client = connect(self.port)
        self.idle.append(client)

    def finish(self, pipe):
        end = time.monotonic() + 5
        while self.busy and time.monotonic() < end:
            for client in select.select([*self.busy], [], [], 0.1)[0]:
                self.read(client)
        self.done += [(due, time.monotonic_ns() - due, False) for due, _ in self.busy.values()]
        pipe.recv()
        pipe.send(self.done)
        pipe.recv()


def run_innocent(pipe, port, head, rate, connections):
    innocent = Innocent(port, head, rate, connections)
    pipe.send("begins")
    innocent.run(pipe)


def idle(pipe, port, head, count):
    """Connects; asks once on each connection; closes. Each when it is told to, and tells when it is done."""
    clients = [connect(port, number) for number in range(count)]
    pipe.send("connected")
    pipe.recv()
    right = 0
    for start in range(0, count, 50):
        for client in clients[start : start + 50]:
            client.sendall(head)
        right += sum(read_answer(client)[0] == 200 for client in clients[start : start + 50])
    pipe.send(right)
    pipe.recv()
    for client in clients:
        client.close()
    pipe.send("closed")
    pipe.recv()


class Attacker:
    def __init__(self, port, number, opening, receive_buffer):
        self.connection = connect(port, number, receive_buffer)
        self.born = time.monotonic()
        self.lived = None  # seconds, once it has been cut
        self.answer = b""
        self.send(opening)
        self.connection.setblocking(False)

    def send(self, data):
        with contextlib.suppress(OSError):  # cut: its event says so
            self.connection.send(data)

    def read(self):
        """False when the connection has ended."""
        try:
            data = self.connection.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not self.answer:
            self.answer = data[:12]
        return bool(data)

    def end(self):
        self.lived = time.monotonic() - self.born
        self.connection.close()

    def status(self):
        return self.answer[9:12].decode("latin-1") or "none"


def attack(pipe, port, opening, drip, gap, count, receive_buffer=None):
    """Many clients that begin with `opening` and then send `drip` every `gap` seconds, until told to stop. With
    a `receive_buffer` they read nothing; they notice only that they were cut."""
    poller = select.epoll()
    attackers = {}
    turns = collections.deque()  # (when its next byte is due, attacker)
    for number in range(count):
        attacker = Attacker(port, number, opening, receive_buffer)
        attackers[attacker.connection.fileno()] = attacker
        poller.register(attacker.connection, select.EPOLLRDHUP | (0 if receive_buffer else select.EPOLLIN))
        turns.append((attacker.born + gap, attacker))
    pipe.send("all are there")
    cut = []
    broken = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP
    while not pipe.poll():
        for descriptor, events in poller.poll(0.02):
            attacker = attackers[descriptor]
            if not (receive_buffer or attacker.read()) or (receive_buffer and events & broken):
                attacker.end()
                cut.append(attackers.pop(descriptor))
        while turns and turns[0][0] <= time.monotonic():
            attacker = turns.popleft()[1]
            if attacker.lived is None and drip:
                attacker.send(drip)
                turns.append((time.monotonic() + gap, attacker))
    pipe.recv()
    statuses = collections.Counter(attacker.status() for attacker in cut)
    pipe.send({"left": len(attackers), "statuses": dict(statuses), "lived": sorted(a.lived for a in cut)})
    pipe.recv()
    for attacker in attackers.values():
        reset(attacker.connection)
    pipe.send("gone")
    pipe.recv()
