"""What clients and proxies say of where a request comes from, and what is believed of it.

127.0.1.0/24 are proxies that are trusted, and so are 203.0.113.0/24 and 2001:db8:aaaa::/48, which stand behind them.
Connections from 127.0.2.0/24 begin with a PROXY header. Nobody else is believed.
"""

import proxy_headers
from proxy_headers import v1, v2

PEER = "127.0.0.9"  # nobody's word
TRUSTED = "127.0.1.1"
SENDER = "127.0.2.1"  # of PROXY headers
CLIENT = "198.51.100.7"
CLIENT6 = "2001:db8::7"
HOP = "203.0.113.5"  # trusted
HOP6 = "2001:db8:aaaa::5"
SPOOF = "6.6.6.6"
MOST = 64  # hops that are looked at, from the nearest on
PROXIES = [f"203.0.113.{number}" for number in range(1, 101)]
TRUST = ["127.0.1.0/24", "203.0.113.0/24", "2001:db8:aaaa::/48"]
SENDERS = ["127.0.2.0/24"]

LIES = [
    f"X-Forwarded-For: {SPOOF}", f"Forwarded: for={SPOOF};proto=https;host=evil.example.test", f"X-Real-IP: {SPOOF}",
    "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example.test", "X-Forwarded-Port: 1", "X-Forwarded-Server: x",
    "X-Forwarded-Scheme: https", "X-Forwarded-Ssl: on", f"X_Forwarded_For: {SPOOF}", f"X.Real.IP: {SPOOF}",
    "x_forwarded_proto: https", "X-Forwarded-Prefix: /evil",
]  # fmt: skip


class Row:
    """
    @param said    lines of the request's head
    @param client  who everything is judged by; None: the peer
    @param hops    the proxies whose word counted, from the client on; the peer is added where it is one
    @param left    what stands before the client: nobody knows whether it is so, and it passes with the rest
    @param proto   what is believed of it; None: what the connection is
    @param before  a PROXY header
    """

    def __init__(
        self, what, said=(), client=None, hops=(), left=(), peer=TRUSTED, proto=None, host=None, before=b"", via=None
    ):  # fmt: skip
        self.what = what
        self.said = [said] if isinstance(said, str) else list(said)
        self.peer = peer
        self.before = before
        self.via = via or peer  # who says it: told by a PROXY header, or the peer
        self.client = client or self.via
        # The one that tells us is part of the way, if it told us anything.
        self.way = [*left, self.client, *hops, *([self.via] if client and client != self.via else [])]
        self.proto = proto
        self.host = host


def forwarded_for(value):
    return f"X-Forwarded-For: {value}"


def way(*addresses):
    return forwarded_for(", ".join(addresses))


def hundred(address):
    return [address] * 100


# ---- wherever the gateway is told to look

ANYWHERE = [
    Row("nothing is said", peer=PEER),
    Row("who is not trusted says all there is", LIES, peer=PEER),
    Row("who is not trusted says it of itself", forwarded_for(PEER), peer=PEER),
    Row("who is trusted says nothing"),
    Row("over IPv6, from one who is not trusted", LIES, peer="::1"),
]

# ---- `from: X-Forwarded-For`

FIELD = [
    Row("a client", forwarded_for(CLIENT), CLIENT),
    Row("a client over IPv6", forwarded_for(CLIENT6), CLIENT6),
    Row("in brackets", forwarded_for(f"[{CLIENT6}]"), CLIENT6),
    Row("in brackets, with a port", forwarded_for(f"[{CLIENT6}]:443"), CLIENT6),
    Row("with a port", forwarded_for(f"{CLIENT}:54321"), CLIENT),
    Row("IPv4 in IPv6", forwarded_for(f"::ffff:{CLIENT}"), CLIENT),
    Row("IPv6 in full, in capitals", forwarded_for("2001:0DB8:0:0:0:0:0:7"), CLIENT6),
    Row("a name in another spelling", f"x-forwarded-FOR: {CLIENT}", CLIENT),
    Row("spaces and tabs", forwarded_for(f" \t {CLIENT} \t"), CLIENT),
    Row("a private address", forwarded_for("10.1.2.3"), "10.1.2.3"),
    Row("an address of the loopback", forwarded_for("127.0.0.77"), "127.0.0.77"),
    Row("a client behind a proxy that is trusted", forwarded_for(f"{CLIENT}, {HOP}"), CLIENT, [HOP]),
    Row("behind two, over IPv4 and IPv6", forwarded_for(f"{CLIENT}, {HOP6}, {HOP}"), CLIENT, [HOP6, HOP]),
    Row("spaces and tabs between them", forwarded_for(f"{CLIENT}\t ,  {HOP}"), CLIENT, [HOP]),
    Row("no spaces", forwarded_for(f"{CLIENT},{HOP}"), CLIENT, [HOP]),
    Row("two lines", [forwarded_for(CLIENT), forwarded_for(HOP)], CLIENT, [HOP]),
    Row("three lines, one of two", [forwarded_for(CLIENT), forwarded_for(f"{HOP}, {HOP6}"), forwarded_for(HOP)],
        CLIENT, [HOP, HOP6, HOP]),
    Row("empty members", forwarded_for(f", {CLIENT}, ,\t,{HOP}, "), CLIENT, [HOP]),
    Row("what a client says of itself comes before it", forwarded_for(f"{SPOOF}, {CLIENT}"), CLIENT, left=[SPOOF]),
    Row("and in a line of its own", [forwarded_for(SPOOF), forwarded_for(CLIENT)], CLIENT, left=[SPOOF]),
    Row("and behind a proxy", forwarded_for(f"{SPOOF}, {CLIENT}, {HOP}"), CLIENT, [HOP], [SPOOF]),
    Row("and it is a proxy that is trusted", forwarded_for(f"{HOP}, {CLIENT}"), CLIENT, left=[HOP]),
    Row("and it is us", forwarded_for(f"{TRUSTED}, {PEER}, {CLIENT}"), CLIENT, left=[TRUSTED, PEER]),
    Row("and it is no address", forwarded_for(f"unknown, <script>, {CLIENT}"), CLIENT),
    Row("and it is a hundred", forwarded_for(", ".join([*hundred(SPOOF), CLIENT])), CLIENT, left=[SPOOF] * (MOST - 1)),
    Row("and it is a thousand", [forwarded_for(", ".join(hundred(SPOOF)))] * 10 + [forwarded_for(CLIENT)], CLIENT,
        left=[SPOOF] * (MOST - 1)),
    Row("all are trusted: the first", forwarded_for(f"203.0.113.4, {HOP}"), "203.0.113.4", [HOP]),
    Row("`unknown`", forwarded_for("unknown")),
    Row("`unknown` to the right of a client", forwarded_for(f"{CLIENT}, unknown")),
    Row("`unknown` behind a proxy", forwarded_for(f"unknown, {HOP}"), HOP),
    Row("obfuscated", forwarded_for("_hidden")),
    Row("obfuscated behind a proxy", forwarded_for(f"{CLIENT}, _SEVKISEK, {HOP}"), HOP),
    Row("empty", forwarded_for("")),
    Row("a name", forwarded_for("client.example.test")),
    Row("an address that is too large", forwarded_for("198.51.100.256")),
    Row("three parts", forwarded_for("198.51.100")),
    Row("a number", forwarded_for("3325256711")),
    Row("octal", forwarded_for("0306.063.0144.07")),
    Row("zeroes before", forwarded_for("198.051.100.007")),
    Row("hexadecimal", forwarded_for("0xc6.0x33.0x64.0x7")),
    Row("a network", forwarded_for(f"{CLIENT}/32")),
    Row("in quotes that are no part of it", forwarded_for(f"'{CLIENT}'")),
    Row("two with a space between", forwarded_for(f"{SPOOF} {CLIENT}")),
    Row("two with a semicolon between", forwarded_for(f"{SPOOF}; {CLIENT}")),
    Row("a port that is none", forwarded_for(f"{CLIENT}:http")),
    Row("IPv6 with one bracket", forwarded_for(f"[{CLIENT6}")),
    Row("IPv4 in brackets", forwarded_for(f"[{CLIENT}]")),
    Row("letters of another alphabet", forwarded_for("１９８.51.100.7".encode().decode("latin-1"))),
    Row("only a field that is not looked at: Forwarded", f"Forwarded: for={SPOOF}"),
    Row("only a field that is not looked at: X-Real-IP", f"X-Real-IP: {SPOOF}"),
    Row("spelled with `_`, beside the right one", [f"X_Forwarded_For: {SPOOF}", forwarded_for(CLIENT)], CLIENT),
    Row("spelled with `_` alone", f"X_Forwarded_For: {SPOOF}"),
    Row("spelled with `.` alone", f"X.Forwarded.For: {SPOOF}"),
    Row("X-Forwarded-Proto of a proxy", [forwarded_for(CLIENT), "X-Forwarded-Proto: https"], CLIENT, proto="https"),
    Row("X-Forwarded-Proto alone", "X-Forwarded-Proto: https", proto="https"),
    Row("X-Forwarded-Proto that is none", [forwarded_for(CLIENT), "X-Forwarded-Proto: javascript"], CLIENT),
    Row("X-Forwarded-Host of a proxy", [forwarded_for(CLIENT), "X-Forwarded-Host: www.example.test"], CLIENT,
        host="www.example.test"),
    Row("X-Forwarded-Host that is none", [forwarded_for(CLIENT), 'X-Forwarded-Host: a"b<c>'], CLIENT),
    Row("others of the family", [forwarded_for(CLIENT), "X-Forwarded-Port: 1", "X-Forwarded-Ssl: on"], CLIENT),
]  # fmt: skip

HUNDRED = [
    Row("a client behind as many proxies as are looked at", way(CLIENT, *PROXIES[1:MOST]), CLIENT, PROXIES[1:MOST]),
    Row("each in a line", [forwarded_for(one) for one in [CLIENT, *PROXIES[1:MOST]]], CLIENT, PROXIES[1:MOST]),
    Row("behind one more", way(CLIENT, *PROXIES[:MOST]), PROXIES[0], PROXIES[1:MOST]),
    Row("behind a hundred", way(CLIENT, *PROXIES), PROXIES[-MOST], PROXIES[1 - MOST :]),
]


# ---- `from: Forwarded`


def forwarded(value):
    return f"Forwarded: {value}"


STANDARD = [
    Row("a client", forwarded(f"for={CLIENT}"), CLIENT),
    Row("in quotes, with a port", forwarded(f'For="{CLIENT}:4711"'), CLIENT),
    Row("IPv6", forwarded(f'for="[{CLIENT6}]"'), CLIENT6),
    Row("IPv6 with a port", forwarded(f'for="[{CLIENT6}]:80"'), CLIENT6),
    Row("a port that is hidden", forwarded(f'for="{CLIENT}:_http"'), CLIENT),
    Row("letters that are escaped, which nobody does", forwarded('for="198.51.100\\.7"')),
    Row("with all there is", forwarded(f"for={CLIENT};by={HOP};proto=https;host=www.example.test"), CLIENT,
        proto="https", host="www.example.test"),
    Row("in another order, and a parameter of one's own", forwarded(f'secret="a,b;c";proto=https;for={CLIENT}'), CLIENT,
        proto="https"),
    Row("what a client says of itself comes before it", forwarded(f"for={SPOOF}, for={CLIENT}"), CLIENT, left=[SPOOF]),
    Row("and in a line of its own", [forwarded(f"for={SPOOF}"), forwarded(f"for={CLIENT}")], CLIENT, left=[SPOOF]),
    Row("and it is all there is", forwarded(f"for={SPOOF};proto=https;host=evil.example.test, for={CLIENT}"), CLIENT,
        left=[SPOOF]),
    Row("and it is in quotes", forwarded(f'for="_a, for={SPOOF}", for={CLIENT}'), CLIENT),
    Row("and it is in quotes that are escaped", forwarded(f'for="_a\\", for={SPOOF}", for={CLIENT}'), CLIENT),
    Row("a client behind a proxy that is trusted", forwarded(f"for={CLIENT}, for={HOP}"), CLIENT, [HOP]),
    Row("`unknown`", forwarded("for=unknown")),
    Row("obfuscated behind a proxy", forwarded(f"for=_hidden, for={HOP}"), HOP),
    Row("without `for`", forwarded("proto=https;by=1.2.3.4")),
    Row("`for` twice", forwarded(f"for={SPOOF};for={CLIENT}")),
    Row("quotes that do not end", forwarded(f'for="{CLIENT}')),
    Row("IPv6 without quotes", forwarded(f"for=[{CLIENT6}]"), CLIENT6),
    Row("no value", forwarded("for=")),
    Row("no name", forwarded(CLIENT)),
    Row("what X-Forwarded-For says", forwarded_for(SPOOF)),
    Row("what X-Forwarded-For says beside it", [forwarded_for(SPOOF), forwarded(f"for={CLIENT}")], CLIENT),
]  # fmt: skip

# ---- `from: X-Real-IP`

REAL = [
    Row("a client", f"X-Real-IP: {CLIENT}", CLIENT),
    Row("a client over IPv6", f"X-Real-IP: {CLIENT6}", CLIENT6),
    Row("IPv4 in IPv6", f"X-Real-IP: ::ffff:{CLIENT}", CLIENT),
    Row("a proxy that is trusted", f"X-Real-IP: {HOP}", HOP),
    Row("two lines", [f"X-Real-IP: {SPOOF}", f"X-Real-IP: {CLIENT}"]),
    Row("a list", f"X-Real-IP: {SPOOF}, {CLIENT}"),
    Row("no address", "X-Real-IP: unknown"),
    Row("empty", "X-Real-IP:"),
    Row("what X-Forwarded-For says", forwarded_for(SPOOF)),
    Row("spelled with `_`, beside the right one", [f"X_Real_IP: {SPOOF}", f"X-Real-IP: {CLIENT}"], CLIENT),
    Row("spelled with `_` alone", f"X_Real_IP: {SPOOF}"),
]

# ---- where connections of some begin with a PROXY header

HEADERS = [
    Row(what, peer=SENDER, before=data, via=told) for what, (data, told) in proxy_headers.GOOD.items()
] + [
    Row("and its client says all there is", LIES, peer=SENDER, before=v1(CLIENT), via=CLIENT),
    Row("v2, and its client says all there is", LIES, peer=SENDER, before=v2(CLIENT6), via=CLIENT6),
    Row("LOCAL, and all there is", LIES, peer=SENDER, before=v2(command=0x20)),
    Row("its client is a proxy that is trusted", forwarded_for(CLIENT), CLIENT, peer=SENDER, before=v1(HOP), via=HOP),
    Row("v2, its client is a proxy that is trusted, over IPv6", forwarded_for(f"{SPOOF}, {CLIENT6}"), CLIENT6,
        left=[SPOOF], peer=SENDER, before=v2(HOP6), via=HOP6),
    Row("its client is one that is trusted, and says nothing", peer=SENDER, before=v1(HOP), via=HOP),
    Row("who sends none, and need not", LIES, peer=PEER),
    Row("who sends none, and is trusted", forwarded_for(CLIENT), CLIENT),
]  # fmt: skip
