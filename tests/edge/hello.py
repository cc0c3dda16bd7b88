"""The first message of a TLS handshake, with whatever is asked for in it, and what is answered to it.

Programs that offer what nobody should accept are hard to find today; bytes can still be written.
"""

import os
import socket
import struct

SECONDS = 15
VERSIONS = {"SSL 3.0": 0x0300, "TLS 1.0": 0x0301, "TLS 1.1": 0x0302, "TLS 1.2": 0x0303, "TLS 1.3": 0x0304}
GROUPS = {
    "sect163k1": 1, "secp192r1": 19, "secp224r1": 21, "secp256k1": 22, "secp256r1": 23, "secp384r1": 24,
    "secp521r1": 25, "x25519": 29, "x448": 30, "ffdhe2048": 256,
}  # fmt: skip
SIGNATURES = {
    "rsa": (0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601),
    "ecdsa": (0x0403, 0x0503, 0x0603),
    "sha1": (0x0201, 0x0203),
}
ALERTS = {
    0: "close notify", 10: "unexpected message", 22: "record overflow", 40: "handshake failure",
    47: "illegal parameter", 50: "decode error", 70: "protocol version", 71: "insufficient security",
    80: "internal error", 86: "inappropriate fallback", 109: "missing extension", 112: "unrecognized name",
    120: "no application protocol",
}  # fmt: skip
# Every code that was ever given to a suite before TLS 1.3, but for those that are signals.
SUITES = [*range(0x0001, 0x00C8), *range(0xC001, 0xC0B6), *range(0xCCA8, 0xCCAF), *range(0xD001, 0xD006)]
EMPTY_RENEGOTIATION_INFO = 0x00FF
FALLBACK = 0x5600
AGAIN = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446 4.1.3

# Those with forward secrecy and authenticated encryption: (EC)DHE with GCM, CCM, ChaCha20-Poly1305, and ARIA's GCM.
SOUND = {
    *(0x009E, 0x009F, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0xCCAA),
    *(0xC052, 0xC053, 0xC05C, 0xC05D, 0xC060, 0xC061, 0xC09E, 0xC09F, 0xC0AC, 0xC0AD),
}
USUAL = {0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9}


def vector(size, data):
    """With its length before it, in so many bytes."""
    return len(data).to_bytes(size, "big") + data


def numbers(values):
    return b"".join(struct.pack(">H", value) for value in values)


def hello(version="TLS 1.2", suites=SUITES, name="shop.example.test", groups=("x25519", "secp256r1"),
          signatures=("rsa", "ecdsa"), compressions=b"\0", protocols=()):  # fmt: skip
    """Of TLS 1.3 it shares no key: what is chosen is told by a wish for another hello."""
    extensions = []
    if name:
        extensions.append((0, vector(2, b"\0" + vector(2, name.encode()))))
    if groups:
        extensions += [(10, vector(2, numbers(GROUPS[group] for group in groups))), (11, b"\1\0")]
    if signatures and VERSIONS[version] >= 0x0303:
        known = [number for kind in signatures for number in SIGNATURES[kind]]
        extensions.append((13, vector(2, numbers(known))))
    if protocols:
        extensions.append((16, vector(2, b"".join(vector(1, one.encode()) for one in protocols))))
    if version == "TLS 1.3":
        extensions += [(43, vector(1, numbers([0x0304]))), (51, vector(2, b""))]
    extensions.append((35, b""))  # a ticket would be welcome
    listed = b"".join(struct.pack(">H", kind) + vector(2, data) for kind, data in extensions)
    legacy = min(VERSIONS[version], 0x0303)
    body = struct.pack(">H", legacy) + os.urandom(32) + vector(1, os.urandom(32))
    body += vector(2, numbers([*suites, EMPTY_RENEGOTIATION_INFO])) + vector(1, compressions) + vector(2, listed)
    return record(22, b"\1" + vector(3, body), min(legacy, 0x0301))


def record(kind, data, version=0x0303):
    return struct.pack(">BH", kind, version) + vector(2, data)


class Told:
    """What a server said. One of them is set: `alert`, or `suite` and what belongs to it; or neither: it closed."""

    def __init__(self):
        self.alert = self.version = self.suite = self.group = self.compression = self.certificate = None
        self.extensions = {}
        self.is_over = False

    def __str__(self):
        if self.alert:
            return self.alert
        return "closed" if self.suite is None else f"{self.version:04x} {self.suite:04x}"


def say(port, data, source="127.0.0.1"):
    """Sends a hello; @returns what was told."""
    told, rest, messages = Told(), b"", b""
    with socket.create_connection(("127.0.0.1", port), SECONDS, source_address=(source, 0)) as link:
        link.sendall(data)
        try:
            while not told.is_over and (piece := link.recv(65536)):
                rest += piece
                while len(rest) >= 5 and len(rest) >= 5 + (size := int.from_bytes(rest[3:5], "big")):
                    kind, data, rest = rest[0], rest[5 : 5 + size], rest[5 + size :]
                    if kind == 21:
                        told.alert, told.is_over = ALERTS.get(data[1], f"alert {data[1]}"), True
                    elif kind == 22:
                        messages = read(told, messages + data)
        except ConnectionResetError:
            pass
    return told


def read(told, data):
    while len(data) >= 4 and len(data) >= 4 + (size := int.from_bytes(data[1:4], "big")):
        kind, body, data = data[0], data[4 : 4 + size], data[4 + size :]
        if kind == 2:
            read_hello(told, body)
        elif kind == 11:
            told.certificate = body[6 : 6 + int.from_bytes(body[3:6], "big")]
        elif kind == 12:
            if body[0] == 3:
                told.group = int.from_bytes(body[1:3], "big")
        elif kind == 14:
            told.is_over = True
    return data


def read_hello(told, body):
    told.version = int.from_bytes(body[:2], "big")
    place = 35 + body[34]
    told.suite, told.compression = int.from_bytes(body[place : place + 2], "big"), body[place + 2]
    place += 5
    while place < len(body):
        kind, size = struct.unpack(">HH", body[place : place + 4])
        told.extensions[kind] = body[place + 4 : place + 4 + size]
        place += 4 + size
    if 43 in told.extensions:
        told.version = int.from_bytes(told.extensions[43], "big")
    if 51 in told.extensions:
        told.group = int.from_bytes(told.extensions[51][:2], "big")
    if body[2:34] == AGAIN or told.version == 0x0304:
        told.is_over = True


def accepted(port):
    """All suites that a server would take, in its order."""
    left, taken = list(SUITES), []
    while True:
        told = say(port, hello(suites=left))
        if told.suite is None:
            return taken
        taken.append(told.suite)
        left.remove(told.suite)
    return taken
