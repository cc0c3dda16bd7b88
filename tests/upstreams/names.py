"""A small DNS server, whose answers change while it runs, and a client to look at it."""

import collections
import ipaddress
import random
import socket
import struct
import threading

KINDS = {1: "A", 28: "AAAA"}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


def encode_name(name):
    parts = name.rstrip(".").split(".")
    return b"".join(bytes([len(part)]) + part.encode() for part in parts) + b"\0"


def decode_name(data, at):
    """(name, where it ends)"""
    parts, end = [], None
    while True:
        size = data[at]
        if size >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from(">H", data, at)[0] & 0x3FFF
        elif size == 0:
            return ".".join(parts), end or at + 1
        else:
            parts.append(data[at + 1 : at + 1 + size].decode())
            at += 1 + size


class NameServer:
    """In a thread, UDP on 127.0.0.1. Names that nobody has set do not exist."""

    def __init__(self, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()
        self.records = {}
        self.modes = {}
        self.asked = collections.Counter()  # by name
        self.is_ending = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_ending = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()

    def set(self, name, *addresses, ttl=0):
        """Of both families. None: the name is there, its addresses are not."""
        with self.lock:
            self.records[name] = (addresses, ttl)
            self.modes.pop(name, None)

    def mode(self, name, mode):
        """nxdomain, servfail, silent, garbage (cut in its middle), other (the answer to another question),
        or None: as set."""
        with self.lock:
            self.modes[name] = mode

    def questions(self, name):
        """So far, of both families."""
        with self.lock:
            return self.asked[name]

    def _serve(self):
        while True:
            data, peer = self.socket.recvfrom(4096)
            if self.is_ending:
                return
            try:
                answer = self._answer(data)
            except (IndexError, struct.error, UnicodeDecodeError):
                continue
            if answer is not None:
                self.socket.sendto(answer, peer)

    def _answer(self, data):
        identity, flags = struct.unpack_from(">HH", data)
        name, end = decode_name(data, 12)
        name = name.lower()
        kind = KINDS.get(struct.unpack_from(">H", data, end)[0])
        question = data[12 : end + 4]
        with self.lock:
            self.asked[name] += 1
            mode = self.modes.get(name)
            addresses, ttl = self.records.get(name, ((), 0))
            is_known = name in self.records
        if mode == "silent":
            return None
        if mode == "other":
            identity ^= 0x5555
        code = {"nxdomain": NXDOMAIN, "servfail": SERVFAIL}.get(mode, NOERROR if is_known else NXDOMAIN)
        found = []
        if code == NOERROR:
            texts = [ipaddress.ip_address(one) for one in addresses]
            found = [one.packed for one in texts if {4: "A", 6: "AAAA"}[one.version] == kind]
        said = 0x8180 | (flags & 0x0100) | code  # an answer, recursion available
        answer = struct.pack(">HHHHHH", identity, said, 1, len(found), 0, 0) + question
        for packed in found:
            number = 1 if kind == "A" else 28
            answer += struct.pack(">HHHIH", 0xC00C, number, 1, ttl, len(packed)) + packed
        return answer[: len(answer) - 3] if mode == "garbage" and found else answer[:9] if mode == "garbage" else answer


def ask(port, name, kind="A", seconds=1.0):
    """(code, addresses, the lowest TTL); None if nothing comes."""
    number = {text: one for one, text in KINDS.items()}[kind]
    identity = random.randrange(1 << 16)
    question = encode_name(name) + struct.pack(">HH", number, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(seconds)
        link.sendto(struct.pack(">HHHHHH", identity, 0x0100, 1, 0, 0, 0) + question, ("127.0.0.1", port))
        try:
            data = link.recv(4096)
        except TimeoutError:
            return None
    told, flags, _, count, _, _ = struct.unpack_from(">HHHHHH", data)
    if told != identity:
        raise ValueError("an answer to another question")
    _, at = decode_name(data, 12)
    at += 4
    addresses, ttls = [], []
    for _ in range(count):
        _, at = decode_name(data, at)
        _, _, ttl, size = struct.unpack_from(">HHIH", data, at)
        packed = data[at + 10 : at + 10 + size]
        addresses.append(str(ipaddress.ip_address(packed)))
        ttls.append(ttl)
        at += 10 + size
    return flags & 0xF, addresses, min(ttls, default=None)
