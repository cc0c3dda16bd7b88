"""Redis' protocol (RESP2), as much of it as these rigs need."""

import socket

SECONDS = 10


class RedisError(Exception):
    """An error reply."""


class Closed(ConnectionError):
    """The server closed the connection."""


def encode(*words):
    pieces = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        pieces += [b"$%d\r\n" % len(data), data, b"\r\n"]
    return b"".join(pieces)


class Parser:
    """Replies, and for a server in disguise commands, out of bytes as they come."""

    def __init__(self):
        self.data = b""
        self.at = 0

    def feed(self, data):
        self.data = self.data[self.at :] + data
        self.at = 0

    def next(self):
        """(True, reply), or (False, None) while it is not there in whole."""
        start = self.at
        try:
            return True, self._one()
        except IndexError:
            self.at = start
            return False, None

    def _line(self):
        end = self.data.find(b"\r\n", self.at)
        if end < 0:
            raise IndexError
        line = self.data[self.at : end]
        self.at = end + 2
        return line

    def _one(self):
        line = self._line()
        kind, text = line[:1], line[1:]
        if kind == b"+":
            return text.decode()
        if kind == b"-":
            return RedisError(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"$":
            size = int(text)
            if size < 0:
                return None
            if len(self.data) < self.at + size + 2:
                raise IndexError
            self.at += size + 2
            return self.data[self.at - size - 2 : self.at - 2]
        if kind == b"*":
            count = int(text)
            return None if count < 0 else [self._one() for _ in range(count)]
        raise ValueError(f"no RESP: {line[:80]!r}")


class Redis:
    """One blocking connection."""

    def __init__(self, port, seconds=SECONDS, password=None):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.parser = Parser()
        if password:
            self.command("AUTH", password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *commands):
        """Each of them is a tuple of words; all go out in one write."""
        self.socket.sendall(b"".join(encode(*command) for command in commands))

    def reply(self):
        """The next one; an error reply is returned, not raised."""
        while True:
            is_whole, reply = self.parser.next()
            if is_whole:
                return reply
            data = self.socket.recv(1 << 16)
            if not data:
                raise Closed("redis closed the connection")
            self.parser.feed(data)

    def command(self, *words):
        self.send(words)
        reply = self.reply()
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def pipeline(self, *commands):
        """All replies; error replies among them."""
        self.send(*commands)
        return [self.reply() for _ in commands]

    def info(self, section="default"):
        """{name: text}"""
        lines = self.command("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def calls(self):
        """{command in lower case: how often it was called}"""
        stats = self.info("commandstats")
        calls = {name: text.split(",")[0].removeprefix("calls=") for name, text in stats.items()}
        return {name.removeprefix("cmdstat_"): int(count) for name, count in calls.items()}

    def clients(self):
        """CLIENT LIST, a dictionary for each."""
        lines = self.command("CLIENT", "LIST").decode().splitlines()
        return [dict(word.split("=", 1) for word in line.split(" ") if "=" in word) for line in lines]
