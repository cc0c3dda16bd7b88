"""PROXY headers, version 1 and 2, as haproxy.org's proxy-protocol.txt has them; good ones and bad ones."""

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
OURS = {4: "192.0.2.80", 6: "2001:db8::80"}
TCP4, TCP6, UNIX, UDP4, NONE = 0x11, 0x21, 0x31, 0x12, 0x00
ALPN, AUTHORITY, CRC32C, NOOP, UNIQUE_ID, SSL, NETNS, OWN = 0x01, 0x02, 0x03, 0x04, 0x05, 0x20, 0x30, 0xE0


def crc32c(data):
    """Castagnoli's."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def v1(source, port=4711, to=None):
    version = ipaddress.ip_address(source).version
    to = to or OURS[version]
    return f"PROXY TCP{version} {source} {to} {port} 443\r\n".encode()


def addresses(source, to=None, port=4711):
    version = ipaddress.ip_address(source).version
    to = to or OURS[version]
    return b"".join(ipaddress.ip_address(one).packed for one in (source, to)) + struct.pack(">HH", port, 443)


def tlv(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def v2(source=None, tlvs=b"", command=0x21, family=None, block=None, length=None, sum=False):
    """block: in place of the addresses. sum: a checksum is added, as it must be, or what is given."""
    if block is None:
        block = addresses(source) if source else b""
    if family is None:
        family = NONE if source is None else TCP4 if ipaddress.ip_address(source).version == 4 else TCP6
    rest = block + tlvs + (tlv(CRC32C, bytes(4)) if sum is not False else b"")
    told = struct.pack(">BBH", command, family, len(rest) if length is None else length)
    whole = SIGNATURE + told + rest
    if sum is not False:
        whole = whole[:-4] + struct.pack(">I", crc32c(whole) if sum is True else sum)
    return whole


SOURCE4, SOURCE6 = "198.51.100.7", "2001:db8::7"
SEVERAL = tlv(ALPN, b"http/1.1") + tlv(AUTHORITY, b"shop.example.test") + tlv(NOOP, b"") + tlv(UNIQUE_ID, b"x" * 128)
SECURE = tlv(SSL, b"\1\0\0\0\0" + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"client")) + tlv(NETNS, b"blue")

# {what: (bytes, the address that they tell; None: that of the connection)}
GOOD = {
    "v1, TCP4": (v1(SOURCE4), SOURCE4),
    "v1, TCP6": (v1(SOURCE6), SOURCE6),
    "v1, TCP6 in full": (v1("2001:0db8:0000:0000:0000:0000:0000:0007"), SOURCE6),
    "v1, TCP6 with IPv4 in it": (v1("::ffff:198.51.100.7"), SOURCE4),
    "v1, TCP4, port 0": (v1(SOURCE4, 0), SOURCE4),
    "v1, UNKNOWN": (b"PROXY UNKNOWN\r\n", None),
    "v1, UNKNOWN with addresses": (b"PROXY UNKNOWN 6.6.6.6 192.0.2.80 1 2\r\n", None),
    "v1, the longest line": (b"PROXY UNKNOWN" + 2 * (b" " + b"ffff:" * 7 + b"ffff") + b" 65535 65535\r\n", None),
    "v2, TCP4": (v2(SOURCE4), SOURCE4),
    "v2, TCP6": (v2(SOURCE6), SOURCE6),
    "v2, TCP6 with IPv4 in it": (v2("::ffff:198.51.100.7"), SOURCE4),
    "v2, LOCAL": (v2(command=0x20), None),
    "v2, LOCAL with addresses": (v2("6.6.6.6", command=0x20), None),
    "v2, LOCAL with what is no address": (v2(command=0x20, block=b"x" * 37), None),
    "v2, unspecified": (v2(), None),
    "v2, unspecified with addresses": (v2("6.6.6.6", family=NONE), None),
    "v2, UNIX": (v2(family=UNIX, block=b"/run/a.sock".ljust(108, b"\0") + b"/run/b.sock".ljust(108, b"\0")), None),
    "v2, TCP4 with TLVs": (v2(SOURCE4, SEVERAL), SOURCE4),
    "v2, TCP6 with TLVs of a TLS client": (v2(SOURCE6, SECURE), SOURCE6),
    "v2, TCP4 with TLVs of one's own": (v2(SOURCE4, tlv(OWN, b"x" * 1000) + tlv(0xEF, b"")), SOURCE4),
    "v2, TCP4 with a checksum": (v2(SOURCE4, sum=True), SOURCE4),
    "v2, TCP6 with TLVs and a checksum": (v2(SOURCE6, SEVERAL, sum=True), SOURCE6),
}

# What nobody must believe; the connection is closed.
BAD = {
    "none at all": b"",
    "v1, in small letters": b"proxy TCP4 198.51.100.7 192.0.2.80 1 2\r\n",
    "v1, a family that there is not": b"PROXY TCP5 198.51.100.7 192.0.2.80 1 2\r\n",
    "v1, UDP4": b"PROXY UDP4 198.51.100.7 192.0.2.80 1 2\r\n",
    "v1, no address": b"PROXY TCP4 nobody 192.0.2.80 1 2\r\n",
    "v1, IPv6 as TCP4": b"PROXY TCP4 2001:db8::7 2001:db8::80 1 2\r\n",
    "v1, IPv4 as TCP6": b"PROXY TCP6 198.51.100.7 192.0.2.80 1 2\r\n",
    "v1, an address that is too large": b"PROXY TCP4 198.51.100.256 192.0.2.80 1 2\r\n",
    "v1, an address with zeroes before": b"PROXY TCP4 198.051.100.007 192.0.2.80 1 2\r\n",
    "v1, a wrong destination": b"PROXY TCP4 198.51.100.7 x 1 2\r\n",
    "v1, no ports": b"PROXY TCP4 198.51.100.7 192.0.2.80\r\n",
    "v1, one port": b"PROXY TCP4 198.51.100.7 192.0.2.80 1\r\n",
    "v1, three ports": b"PROXY TCP4 198.51.100.7 192.0.2.80 1 2 3\r\n",
    "v1, a port that is too large": b"PROXY TCP4 198.51.100.7 192.0.2.80 65536 2\r\n",
    "v1, a port with a sign": b"PROXY TCP4 198.51.100.7 192.0.2.80 +1 2\r\n",
    "v1, two spaces": b"PROXY TCP4  198.51.100.7 192.0.2.80 1 2\r\n",
    "v1, a tab": b"PROXY TCP4\t198.51.100.7 192.0.2.80 1 2\r\n",
    "v1, LF alone": b"PROXY TCP4 198.51.100.7 192.0.2.80 1 2\n",
    "v1, no family": b"PROXY\r\n",
    "v1, longer than any": b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    "v1, without an end": b"PROXY TCP4 " + b"1" * 5000,
    "v2, a signature that is wrong at its end": SIGNATURE[:-1] + b"\r" + v2(SOURCE4)[12:],
    "v2, version 1": v2(SOURCE4, command=0x11),
    "v2, version 3": v2(SOURCE4, command=0x31),
    "v2, a command that there is not": v2(SOURCE4, command=0x22),
    "v2, a family that there is not": v2(SOURCE4, family=0x51),
    "v2, a transport that there is not": v2(SOURCE4, family=0x13),
    "v2, TCP4 too short for it": v2(family=TCP4, block=b"x" * 11),
    "v2, TCP6 too short for it": v2(family=TCP6, block=b"x" * 35),
    "v2, UNIX too short for it": v2(family=UNIX, block=b"x" * 215),
    "v2, a TLV that is longer than there is": v2(SOURCE4, b"\xe0\0\x10abc"),
    "v2, half a TLV": v2(SOURCE4, b"\xe0\0"),
    "v2, a wrong checksum": v2(SOURCE4, sum=0x12345678),
    "v2, a checksum of another length": v2(SOURCE4, tlv(CRC32C, b"\0\0\0")),
    "v2, two checksums": v2(SOURCE4, tlv(CRC32C, bytes(4)), sum=True),
    "v2, longer than what comes": v2(SOURCE4, length=65535),
}
