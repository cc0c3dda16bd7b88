"""An origin that answers every request at once: 200, `ok`."""

import asyncio
import multiprocessing
import socket
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FORK = multiprocessing.get_context("fork")


class QuickOrigin:
    """In a thread; or, where the test's own threads have much to do, in a process of its own."""

    def __init__(self, is_process=False):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.socket.getsockname()[1]
        self.counter = FORK.Value("Q", 0)
        if is_process:
            self.process = FORK.Process(target=self._serve, daemon=True)
            self.process.start()
            self.socket.close()
        else:
            threading.Thread(target=self._serve, daemon=True).start()

    @property
    def count(self):
        """Requests so far."""
        return self.counter.value

    def _serve(self):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(loop.create_server(lambda: _Connection(self.counter), sock=self.socket))
        loop.run_forever()


class _Connection(asyncio.Protocol):
    def __init__(self, counter):
        self.counter = counter
        self.rest = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.rest += data
        heads = self.rest.split(b"\r\n\r\n")
        self.rest = heads.pop()
        self.counter.value += len(heads)
        self.transport.write(ANSWER * len(heads))
