"""What stands between the gateway and Redis and can be told to fail: a TCP relay, and servers in disguise.

Both live in processes of their own, so that what the test's threads do delays nothing there."""

import asyncio
import collections
import os
import pathlib
import random
import sys

for folder in ("bench", "clients"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / folder))

from resp import Parser  # noqa: E402
from stage import free_port  # noqa: E402
from wire_rig import Remote  # noqa: E402

HOST = "127.0.0.1"
# What only one kind of connections says: that on which changes are told, those on which limits are charged.
KINDS = {"tracking": (b"TRACKING", b"SUBSCRIBE"), "limits": (b"SCRIPT",)}
UP, DOWN = "up", "down"  # to Redis, to the gateway
BOTH = (UP, DOWN)


class Relay:
    """
    pass_all()                  new connections work; those that lost bytes stay silent, what was held goes on
    swallow(only, directions)   bytes vanish and nothing is closed, as when a router forgets a connection
    hold(only, directions)      bytes wait until pass_all(), as when a cable is pulled and put back
    delay(ms, directions)       each byte comes so much later
    cut(only)                   closes connections; new ones work
    refuse()                    closes all and takes no new ones
    garbage()                   answers what is no Redis
    target(port)                where new connections go

    only: `all`, or one of KINDS for those that said something of it.
    """

    def __init__(self, target_port):
        self.port = free_port({target_port})
        self.remote = Remote(_serve_relay, self.port, target_port)
        self.remote.hear()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()

    def stop(self):
        self.remote.__exit__()

    def _tell(self, name, *arguments):
        self.remote.tell((name, arguments))
        return self.remote.hear()

    def pass_all(self):
        self._tell("pass_all")

    def swallow(self, only="all", directions=BOTH):
        self._tell("swallow", only, directions)

    def hold(self, only="all", directions=BOTH):
        self._tell("hold", only, directions)

    def delay(self, milliseconds, directions=BOTH):
        self._tell("delay", milliseconds / 1000, directions)

    def cut(self, only="all"):
        self._tell("cut", only)

    def refuse(self):
        self._tell("refuse")

    def garbage(self):
        self._tell("garbage")

    def target(self, port):
        self._tell("target", port)

    def connections(self):
        """[{"tracking": …, "up": bytes, "down": bytes, "lost": bytes}] of those that are open."""
        return self._tell("connections")


class _Pair:
    """One connection of the gateway and ours to Redis."""

    def __init__(self, relay):
        self.relay = relay
        self.ends = {}  # by the direction of what is written there
        self.early = []  # what came before Redis' side was open
        self.kind = None
        self.counts = dict.fromkeys((UP, DOWN, "lost"), 0)
        self.due = dict.fromkeys(BOTH, 0.0)  # when the last byte will have gone on
        self.queues = {UP: collections.deque(), DOWN: collections.deque()}  # (when, bytes)
        self.held = {UP: [], DOWN: []}
        self.lost = set()  # directions: nothing can go on there any more
        self.closing = set()  # ends whose peer has closed, which nobody may know yet

    def fate(self, direction):
        if direction in self.lost:
            return "swallow"
        name, only, directions = self.relay.mode
        if direction in directions and only in ("all", self.kind):
            return name
        return "pass"

    def came(self, direction, data):
        self.counts[direction] += len(data)
        if direction == UP and self.kind is None:
            said = data.upper()
            self.kind = next((kind for kind, words in KINDS.items() if any(word in said for word in words)), None)
        fate = self.fate(direction)
        if fate == "garbage":
            if direction == UP:
                self.ends[DOWN].write(random.randbytes(64) + b"\r\n")
        elif fate == "swallow":
            self.counts["lost"] += len(data)
            self.lost.add(direction)
        elif fate == "hold" or self.held[direction]:
            self.held[direction].append(data)
        else:
            self.write_later(direction, data)

    def write_later(self, direction, data):
        # One after the other: timers of one instant come in any order.
        loop = asyncio.get_running_loop()
        due = max(loop.time() + self.relay.delays[direction], self.due[direction])
        self.due[direction] = due
        self.queues[direction].append((due, data))
        if len(self.queues[direction]) == 1:
            self.pump(direction)

    def pump(self, direction):
        loop, queue = asyncio.get_running_loop(), self.queues[direction]
        while queue and queue[0][0] <= loop.time():
            self.write(direction, queue.popleft()[1])
        if queue:
            loop.call_at(queue[0][0], self.pump, direction)

    def write(self, direction, data):
        if direction not in self.ends:
            self.early.append(data)
        elif not self.ends[direction].is_closing():
            self.ends[direction].write(data)

    def opened(self, transport):
        self.ends[UP] = transport
        for data in self.early:
            transport.write(data)
        self.early.clear()

    def closed(self, direction):
        """The side is gone that this direction comes from."""
        if self.fate(direction) in ("swallow", "hold") or self.held[direction]:
            self.closing.add(direction)  # not even that is seen
            if direction == DOWN:
                return
        self.close_later()

    def close_later(self):
        if any(self.queues.values()):
            asyncio.get_running_loop().call_later(0.001, self.close_later)
        else:
            self.close()

    def close(self):
        self.relay.pairs.discard(self)
        for queue in self.queues.values():
            queue.clear()
        for end in self.ends.values():
            end.close()

    def go_on(self):
        for direction in BOTH:
            waiting, self.held[direction] = self.held[direction], []
            for data in waiting:
                self.write_later(direction, data)
        if self.closing and not self.lost:
            self.close_later()


class _End(asyncio.Protocol):
    def __init__(self, pair, direction):
        self.pair = pair
        self.direction = direction  # of what comes here

    def connection_made(self, transport):
        if self.direction == DOWN:
            self.pair.opened(transport)

    def data_received(self, data):
        self.pair.came(self.direction, data)

    def connection_lost(self, _):
        self.pair.closed(self.direction)


class _Front(_End):
    """The gateway's end."""

    def __init__(self, relay):
        super().__init__(_Pair(relay), UP)

    def connection_made(self, transport):
        relay = self.pair.relay
        self.pair.ends[DOWN] = transport
        relay.pairs.add(self.pair)
        relay.tasks.add(task := asyncio.ensure_future(self.dial(relay.target_port)))
        task.add_done_callback(relay.tasks.discard)

    async def dial(self, port):
        try:
            await asyncio.get_running_loop().create_connection(lambda: _End(self.pair, DOWN), HOST, port)
        except OSError:
            self.pair.closed(DOWN)


class _Relay:
    def __init__(self, port, target_port):
        self.port = port
        self.target_port = target_port
        self.server = None
        self.pairs = set()
        self.tasks = set()
        self.mode = ("pass", "all", BOTH)
        self.delays = dict.fromkeys(BOTH, 0.0)

    async def listen(self):
        if self.server is None:
            loop = asyncio.get_running_loop()
            self.server = await loop.create_server(lambda: _Front(self), HOST, self.port, backlog=256)

    async def pass_all(self):
        self.mode = ("pass", "all", BOTH)
        self.delays = dict.fromkeys(BOTH, 0.0)
        for pair in tuple(self.pairs):
            pair.go_on()
        await self.listen()

    async def swallow(self, only, directions):
        self.mode = ("swallow", only, directions)

    async def hold(self, only, directions):
        self.mode = ("hold", only, directions)

    async def delay(self, seconds, directions):
        self.delays.update(dict.fromkeys(directions, seconds))

    async def cut(self, only):
        for pair in tuple(self.pairs):
            if only in ("all", pair.kind):
                pair.close()

    async def refuse(self):
        if self.server is not None:
            self.server.close()
            self.server = None
        await self.cut("all")

    async def garbage(self):
        self.mode = ("garbage", "all", BOTH)
        for pair in self.pairs:
            pair.ends[DOWN].write(random.randbytes(64) + b"\r\n")

    async def target(self, port):
        self.target_port = port

    async def connections(self):
        return [{"kind": pair.kind, **pair.counts} for pair in self.pairs]


async def _obey(pipe, obeyer):
    """Does what the pipe says, one after the other, and answers when it is done."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(pipe.fileno(), ready.set)
    pipe.send("ready")
    while True:
        await ready.wait()
        ready.clear()
        while pipe.poll():
            name, arguments = pipe.recv()
            pipe.send(await getattr(obeyer, name)(*arguments))


def _serve_relay(pipe, port, target_port):
    async def serve():
        relay = _Relay(port, target_port)
        await relay.listen()
        await _obey(pipe, relay)

    _run(serve())


def _run(work):
    # A gateway that is gone leaves nothing to be told about.
    sys.stderr = open(os.devnull, "w", encoding="ascii")  # noqa: SIM115
    asyncio.run(work)


class Disguise:
    """A server that speaks Redis' protocol and answers every command with the same bytes, but for some."""

    def __init__(self, answer, but=None):
        """but: {first word in upper case: bytes}"""
        self.port = free_port(set())
        self.remote = Remote(_serve_disguise, self.port, answer, but or {})
        self.remote.hear()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.remote.__exit__()


class _Disguised(asyncio.Protocol):
    def __init__(self, answer, but):
        self.answer = answer
        self.but = but
        self.parser = Parser()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.parser.feed(data)
        while True:
            is_whole, command = self.parser.next()
            if not is_whole:
                return
            self.transport.write(self.but.get(command[0].decode().upper(), self.answer))


def _serve_disguise(pipe, port, answer, but):
    async def serve():
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: _Disguised(answer, but), HOST, port)
        await _obey(pipe, None)

    _run(serve())
