"""An origin that does what the path says, and knows how many requests it has at once."""

import asyncio
import multiprocessing
import random
import re
import socket

FORK = multiprocessing.get_context("fork")
STATUS = re.compile(rb"/status/(\d{3})")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOOK = 0.002  # seconds between two looks at whether held requests may go


class HoldingOrigin:
    """In a process of its own. A path with `/hold` is answered once it is released, with `/nap` after some
    milliseconds, with `/status/NNN` by that status, any other with 200; always at once but for the first two."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.socket.getsockname()[1]
        # How many came, how many are there that take their time, the most of those; which one holds.
        self.shared = FORK.RawArray("q", 4)
        self.process = FORK.Process(target=self._serve, daemon=True)
        self.process.start()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        self.process.join()

    @property
    def count(self):
        """Requests so far."""
        return self.shared[0]

    @property
    def running(self):
        """Requests that are held, or nap."""
        return self.shared[1]

    @property
    def peak(self):
        return self.shared[2]

    def forget_peak(self):
        self.shared[2] = self.shared[1]

    def release(self):
        """All that are held now."""
        self.shared[3] += 1

    def _serve(self):
        loop = asyncio.new_event_loop()
        held = {}  # connection: when it came, in releases
        loop.create_task(self._let_go(held))
        loop.run_until_complete(loop.create_server(lambda: _Connection(self.shared, held), sock=self.socket))
        loop.run_forever()

    async def _let_go(self, held):
        while True:
            await asyncio.sleep(LOOK)
            for connection in [one for one, release in held.items() if release != self.shared[3]]:
                del held[connection]
                connection.answer_late()


class _Connection(asyncio.Protocol):
    def __init__(self, shared, held):
        self.shared = shared
        self.held = held
        self.rest = b""
        self.is_late = False
        self.nap = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head, self.rest = self.rest[:end], self.rest[end + 4 :]
            self.shared[0] += 1
            self.answer(head.split(b"\r\n", 1)[0])

    def answer(self, line):
        if b"/hold" in line or b"/nap" in line:
            self.is_late = True
            self.shared[1] += 1
            self.shared[2] = max(self.shared[2], self.shared[1])
            if b"/hold" in line:
                self.held[self] = self.shared[3]
            else:
                self.nap = asyncio.get_running_loop().call_later(random.uniform(0.001, 0.01), self.answer_late)
        elif found := STATUS.search(line):
            self.transport.write(b"HTTP/1.1 %s Said\r\nContent-Length: 2\r\n\r\nok" % found[1])
        else:
            self.transport.write(OK)

    def answer_late(self):
        self.is_late = False
        self.shared[1] -= 1  # before the answer: nobody may see the next one here earlier
        self.transport.write(OK)

    def connection_lost(self, _):
        if self.is_late:
            self.is_late = False
            self.shared[1] -= 1
            self.held.pop(self, None)
            if self.nap:
                self.nap.cancel()
