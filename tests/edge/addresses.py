#!/usr/bin/python3
"""Who a request comes from: what proxies say is believed if they are trusted, and nobody else is.

    tests/edge/addresses.py

Each row of address_rows.py is asked for twice: with a key that may be used from the address that the row says, and
with one that may not be used from it. What the key's restriction decided, what the API was told, and what the access
log says must all be of that address. The gateway is the one of $KEYGATE, or build/keygate. The last line is
`N passed, N failed`.
"""

import contextlib
import ipaddress
import re
import signal
import sys
import time

sys.dont_write_bytecode = True

from address_rows import (  # noqa: E402
    ANYWHERE, CLIENT, CLIENT6, FIELD, HEADERS, HUNDRED, LIES, PEER, REAL, SENDER, SENDERS, SPOOF, STANDARD, TRUST, Row,
)  # fmt: skip
from authority import Authority  # noqa: E402
from behind import Behind  # noqa: E402
from gate import Counted, Folder, Gateway, api, becomes, check  # noqa: E402
from proxy_headers import BAD, v1, v2  # noqa: E402
from talk import Line, Nothing, ask, context, refusal_of, request  # noqa: E402

SECONDS = 15
HASTE = 1  # seconds for a head
HOST = "shop.example.test"
OUTSIDE = "192.0.2.66"  # no row comes from there
FAMILY = ("forwarded", "x-forwarded", "x-real-ip")
# What a value of `forwarded:` sends.
SENT = {
    "x-forwarded": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
    "forwarded": {"forwarded"},
    "both": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"},
    "none": set(),
}
PLAIN = {"plain": {}, "six": {"address": "[::1]"}}


def setting(rows, listeners=PLAIN, trusted=TRUST, **forwarded):
    """A gateway of its own."""
    return rows, listeners, {"trusted_proxies": trusted, "forwarded": forwarded}


SETTINGS = {
    "from X-Forwarded-For": setting(ANYWHERE + FIELD + HUNDRED),
    "replace": setting(ANYWHERE + FIELD + HUNDRED, chain="replace", fields="both"),
    "both fields": setting(ANYWHERE + FIELD, fields="both"),
    "no field": setting(ANYWHERE + FIELD, fields="none"),
    "from Forwarded": setting(ANYWHERE + STANDARD, **{"from": "Forwarded", "fields": "forwarded"}),
    "from Forwarded, replace": setting(ANYWHERE + STANDARD, **{"from": "Forwarded", "chain": "replace"}),
    "from X-Real-IP": setting(ANYWHERE + REAL, **{"from": "X-Real-IP"}),
    "nobody is trusted": (
        [Row(row.what, row.said, peer=row.peer) for row in FIELD + STANDARD + REAL],
        PLAIN,
        {},
    ),
}


def plain(address):
    """One spelling for each address; what is none as it is."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(address)
        return str(getattr(address, "ipv4_mapped", None) or address)
    return address


def nodes(value):
    """[{parameter: value}] of a Forwarded field (RFC 7239)."""
    pairs = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(;|,|$)')
    found, place = [{}], 0
    while place < len(value):
        pair = pairs.match(value, place)
        if not pair:
            raise ValueError(f"no Forwarded field: {value}")
        text = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        found[-1][pair[1].lower()] = text
        if pair[4] == ",":
            found.append({})
        place = pair.end()
    return found


def node_address(node):
    return plain(re.fullmatch(r"\[?([^\]]*?)\]?(?::\d+)?", node)[1] if node.startswith("[") else node.split(":")[0])


class Asked:
    """A row, and what came of it."""

    def __init__(self, row, good, bad):
        self.row = row
        self.good, self.bad = good, bad


class Gate:
    def __init__(self, stack, folder, behind, listeners, settings, client=None):
        self.gateway = Gateway(folder, {"shop": api(behind)}, listeners, client=client, **settings)
        stack.enter_context(self.gateway)
        self.behind = behind
        self.fields = settings.get("forwarded", {}).get("fields", "x-forwarded")
        self.chain = settings.get("forwarded", {}).get("chain", "append")
        self.admin = self.gateway.admin()
        self.keys = {}

    def key(self, *addresses):
        """One that may be used from there alone; from everywhere if none is given."""
        if addresses not in self.keys:
            restriction = {"addresses": [plain(one) for one in addresses]} if addresses else {}
            made = self.admin.ask("POST", "/keys", {"api": "shop", "owner": "acme", "name": "a key"} | restriction)
            self.keys[addresses] = made["key"]
        return self.keys[addresses]

    def ask(self, row, key, listener=None, tls=None, split=None):
        ports = self.gateway.ports
        port = ports[listener or ("six" if ":" in row.peer else "proxy" if "proxy" in ports else "plain")]
        with Line(port, tls, HOST, row.peer, row.before) as line:
            return line.ask(key=key, fields=row.said, host=HOST)

    def ask_twice(self, row, **members):
        good = self.ask(row, self.key(row.client), **members)
        return Asked(row, good, self.ask(row, self.key(OUTSIDE), **members))

    def judge(self, case, asked, lines, proto="http"):
        row, good, bad = asked.row, asked.good, asked.bad
        case.equal(f"with a key for {row.client}", str(good), "200")
        case.equal(f"with a key for {OUTSIDE}", str(bad), "403 restriction_address")
        for answer in (good, bad):
            case.equal("client in the log", plain(lines[answer.field("X-Request-Id")]["client"]), plain(row.client))
        self.judge_told(case, row, good.saw, row.proto or proto, row.host or HOST)
        case.note(f"{row.client}")

    def judge_told(self, case, row, saw, proto, host):
        told = {name for name in saw if name.replace("_", "-").replace(".", "-").startswith(FAMILY)}
        case.equal("fields", told, SENT[self.fields])
        way = [plain(one) for one in (row.way if self.chain == "append" else [row.client])]
        if "x-forwarded-for" in told:
            addresses = re.split(r"\s*,\s*", ", ".join(saw["x-forwarded-for"]))
            case.equal("X-Forwarded-For", [plain(one) for one in addresses], way)
            case.equal("X-Forwarded-Proto", saw["x-forwarded-proto"], [proto])
            case.equal("X-Forwarded-Host", saw["x-forwarded-host"], [host])
        if "forwarded" in told:
            elements = nodes(", ".join(saw["forwarded"]))
            case.equal("Forwarded: for", [node_address(one["for"]) for one in elements], way)
            case.equal("Forwarded: proto", {one["proto"] for one in elements if "proto" in one}, {proto})
            case.equal("Forwarded: host", {one["host"] for one in elements if "host" in one}, {host})


def lines_of(gate, answers):
    """{request id: line} of the access log, once it has them all."""
    wanted = {answer.field("X-Request-Id") for answer in answers}
    known = {}

    def is_there():
        known.update({line["request_id"]: line for line in gate.gateway.lines()})
        return wanted <= known.keys()

    if not becomes(is_there, SECONDS):
        raise RuntimeError(f"the access log has no line of {len(wanted - known.keys())} requests")
    return known


def table(report, gate, name, rows, proto="http", **members):
    before = gate.behind.count
    asked = []
    for row in rows:
        try:
            asked.append(gate.ask_twice(row, **members))
        except (OSError, Nothing) as error:
            asked.append(Asked(row, error, error))
    known = lines_of(gate, [a for one in asked for a in (one.good, one.bad) if not isinstance(a, Exception)])
    for one in asked:
        with report.case(f"{name}: {one.row.what}") as case:
            if isinstance(one.good, Exception):
                raise one.good
            gate.judge(case, one, known, proto)
    with report.case(f"{name}: what the API got") as case:
        case.equal("requests", gate.behind.count - before, sum(getattr(one.good, "status", 0) == 200 for one in asked))


# ---- PROXY headers


def proxies(report, folder, behind):
    authority = Authority(folder, "authority")
    tls = {"tls": authority.sign(HOST).files()}
    sent = {"proxy_protocol": {"from": SENDERS}}
    listeners = {"proxy": sent, "proxy_tls": sent | tls, "plain": {}, "tls": tls}
    haste = {"head_timeout": f"{HASTE}s", "idle_timeout": f"{HASTE}s"}
    with contextlib.ExitStack() as stack:
        gate = Gate(stack, folder, behind, listeners, {"trusted_proxies": TRUST})
        table(report, gate, "PROXY", HEADERS)
        trusting = context(authority)
        secure = [row for row in HEADERS if row.proto is None]
        table(report, gate, "PROXY before TLS", secure, "https", listener="proxy_tls", tls=trusting)
        spread(report, gate)
        wrong(report, gate, trusting)
        hanging(report, Gate(stack, folder, behind, listeners, {}, haste))


def spread(report, gate):
    """The header in pieces, and what comes after it."""
    port, key = gate.gateway.ports["proxy"], gate.key(CLIENT)
    for name, header in (("v1", v1(CLIENT)), ("v2", v2(CLIENT, sum=True))):
        with report.case(f"PROXY {name}, a byte at a time") as case:
            with Line(port, source=SENDER) as line:
                for byte in header:
                    line.send(bytes([byte]))
                case.equal("answer", str(line.ask(key=key)), "200")
        with report.case(f"PROXY {name} and requests in one piece") as case:
            with Line(port, source=SENDER) as line:
                line.send(header + request(key=key) * 3)
                case.equal("answers", [str(line.read()) for _ in range(3)], ["200"] * 3)
        with report.case(f"PROXY {name}: it counts for the whole connection") as case:
            with Line(port, source=SENDER, before=header) as line:
                case.equal("answers", [str(line.ask(key=key)) for _ in range(3)], ["200"] * 3)
        with report.case(f"PROXY {name}, and once more") as case:
            with Line(port, source=SENDER, before=header + header) as line:
                case.equal("answer", str(line.ask(key=key)), "400 head_invalid")


def wrong(report, gate, trusting):
    ports, key = gate.gateway.ports, gate.key()
    for what, data in BAD.items():
        for listener in ("proxy", "proxy_tls"):
            with report.case(f"PROXY header that must be there{'; TLS' if 'tls' in listener else ''}: {what}") as case:
                before = gate.behind.count
                with Line(ports[listener], source=SENDER, before=data) as line:
                    with contextlib.suppress(OSError):
                        line.send(request(key=key))
                        # What is not long enough says so only at its end.
                        line.socket.shutdown(1)
                    case.equal("what comes before the end", line.ends(), b"")
                case.equal("requests at the API", gate.behind.count, before)
                case.note("closed without a word")
    for listener in ("plain", "proxy"):
        for name, header in (("v1", v1(SPOOF)), ("v2", v2(SPOOF)), ("v2 LOCAL", v2(command=0x20))):
            with report.case(f"PROXY {name} from one who must not send it, at `{listener}`") as case:
                before = gate.behind.count
                with Line(ports[listener], source=PEER, before=header) as line:
                    case.equal("answer", str(line.ask(key=key)), "400 head_invalid")
                    case.equal("then", line.ends(), b"")
                case.equal("requests at the API", gate.behind.count, before)
    for listener in ("tls", "proxy_tls"):
        with report.case(f"PROXY from one who must not send it, at `{listener}`") as case:
            before = gate.behind.count
            told = refusal_of(lambda: ask(ports[listener], trusting, HOST, PEER, v1(SPOOF), key=key))
            case.true(f"no handshake: {told}", told and not told.startswith("answered"))
            case.equal("requests at the API", gate.behind.count, before)
    with report.case("PROXY inside of TLS") as case:
        with Line(ports["proxy_tls"], trusting, HOST, PEER) as line:
            line.send(v1(SPOOF))
            case.equal("answer", str(line.ask(key=key)), "400 head_invalid")
    with report.case("after all that") as case:
        case.equal("answer", str(ask(ports["proxy"], source=SENDER, before=v1(CLIENT), key=key)), "200")


def hanging(report, gate):
    halves = {
        "nothing": b"",
        "half of version 1": b"PROXY TCP4 198",
        "half of version 2": v2(CLIENT)[:20],
        "version 1, and then nothing": v1(CLIENT),
        "version 2, and then nothing": v2(CLIENT),
    }
    for what, data in halves.items():
        for listener in ("proxy", "proxy_tls"):
            with report.case(f"PROXY header and no more at `{listener}`: {what}") as case:
                begun = time.monotonic()
                with Line(gate.gateway.ports[listener], source=SENDER, before=data) as line:
                    case.equal("what comes before the end", line.ends(), b"")
                seconds = time.monotonic() - begun
                case.true(f"closed in time: {seconds:.2f} s", 0.4 * HASTE <= seconds <= HASTE + 5)
                case.note(f"{seconds:.1f} s, head_timeout is {HASTE} s")


def crowds(report, folder, behind):
    """`max_connections_per_address` counts who is told."""
    listeners = {"proxy": {"proxy_protocol": {"from": SENDERS}}}
    with contextlib.ExitStack() as stack:
        client = {"max_connections_per_address": 3}
        gate = Gate(stack, folder, behind, listeners, {"trusted_proxies": TRUST}, client)
        port, key = gate.gateway.port, gate.key()

        def come(header=b"", source=SENDER):
            return stack.enter_context(Line(port, source=source, before=header))

        with report.case("max_connections_per_address: three of one address, by way of a proxy") as case:
            those = [come(v1(CLIENT)) for _ in range(3)]
            case.equal("answers", [str(line.ask(key=key)) for line in those], ["200"] * 3)
        with report.case("max_connections_per_address: a fourth one") as case:
            case.equal("answer", str(come(v2(CLIENT)).ask(key=key)), "503 overloaded")
        with report.case("max_connections_per_address: ten others by way of the same proxy") as case:
            others = [come(v2(f"198.51.100.{20 + number}")) for number in range(10)]
            case.equal("answers", [str(line.ask(key=key)) for line in others], ["200"] * 10)
        with report.case("max_connections_per_address: one address over IPv6 is a /64") as case:
            near = [come(v1(f"2001:db8::{number + 1}")) for number in range(3)]
            case.equal("answers", [str(line.ask(key=key)) for line in near], ["200"] * 3)
            case.equal("a fourth", str(come(v1(CLIENT6)).ask(key=key)), "503 overloaded")
            case.equal("next door", str(come(v1("2001:db8:0:1::1")).ask(key=key)), "200")
        with report.case("max_connections_per_address: what a field says is nothing to it") as case:
            lines = [come(source=PEER) for _ in range(3)]
            answers = [str(line.ask(key=key, fields=LIES)) for line in lines]
            case.equal("answers", answers, ["200"] * 3)
            case.equal("a fourth", str(come(source=PEER).ask(key=key, fields=LIES)), "503 overloaded")
        with report.case("max_connections_per_address: one goes, one may come") as case:
            those.pop().close()
            case.true("served", becomes(lambda: str(come(v1(CLIENT)).ask(key=key)) == "200", SECONDS))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check("openssl")
    counted = Counted("addresses")
    report = counted.report
    with Folder("edge-addresses") as folder, Behind() as behind:
        for name, (rows, listeners, settings) in SETTINGS.items():
            with report.case(f"a gateway, {name}") as case, contextlib.ExitStack() as stack:
                gate = Gate(stack, folder, behind, listeners, settings)
                table(report, gate, name, rows)
                case.equal("exit status", gate.gateway.stop(), 0)
        for part in (proxies, crowds):
            with report.case(f"a gateway with PROXY headers, {part.__name__}") as case:
                part(report, folder, behind)
                case.true("to the end", True)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
