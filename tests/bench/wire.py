#!/usr/bin/env python3
"""Measures what the gateway does with connections: long streams, ends that stall, events, idle and hostile clients.

    tests/bench/wire.py [streams|stalls|events|idle|attack|all]... [--binary PATH] [--beside nginx,haproxy]
                        [--short] [--repeat N]

Starts an upstream, the gateway (one thread, `build/keygate` unless told otherwise) and the clients, each in a
process of its own, on loopback and free ports, with all files in a temporary folder; prints one table in
Markdown for each scenario. --beside measures nginx and HAProxy in the same run, in turns with the gateway, each
with one thread and forwarding without any policy. Figures of different runs do not compare: the machine is
never the same twice, so the load average stands above each table. --short takes seconds instead of minutes and
shows whether everything works, not how well. None of it is a test: whoever reads the tables judges them.

    streams  2 GiB in each direction and framing: memory, CPU time, every byte checked at the receiver
    stalls   one side reads nothing: how much the other can send, and where it lies
    events   how late server-sent events arrive, alone and among other requests
    idle     what a connection costs that says nothing, or nothing more
    attack   what slow clients do to the others, and how long they are suffered
             (no CPU: how long the program could have run, but others did: not its own lateness)
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import sys
import tempfile
import time

import wire_ends as ends
from wire_rig import (
    MIB,
    PEERS,
    Gateway,
    Memory,
    Nothing,
    Remote,
    Trouble,
    becomes_true,
    check_programs,
    queued_bytes,
    raise_descriptors,
    slab_bytes,
    sockstat,
)


class Bench:
    """What all scenarios share: who is measured, how long, and where files go."""

    def __init__(self, options, folder):
        self.short = options.short
        self.repeat = options.repeat
        self.folder = pathlib.Path(folder)
        self.middles = [Gateway] + [PEERS[name] for name in options.beside]
        self._runs = 0

    def rounds(self, direct=False):
        """Each program in turn, `repeat` times."""
        for _ in range(self.repeat):
            if direct:
                yield Nothing
            yield from self.middles

    @contextlib.contextmanager
    def between(self, middle, **options):
        """Fresh upstreams and a fresh program in front of them."""
        self._runs += 1
        folder = self.folder / f"{self._runs}-{middle.name}"
        with Remote(ends.run_upstream) as upstream, Remote(ends.run_upstream) as other:
            with middle(folder, upstream.hear(10), other.hear(10), **options) as program:
                yield program


def table(title, columns, rows):
    """Prints the rows as they come: a long run shows where it is."""
    load = os.getloadavg()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    print(f"\n### {title}\n\n{now}, load average {load[0]:.2f} {load[1]:.2f} {load[2]:.2f}\n")
    print("| " + " | ".join(columns) + " |")
    print("| " + " | ".join("---" if i < 2 else "--:" for i in range(len(columns))) + " |", flush=True)
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


def mib(size):
    return f"{size / MIB:.2f}"


# --- streams ------------------------------------------------------------------------------------------


def streams(bench):
    size = 64 * MIB if bench.short else 2048 * MIB
    checksum = ends.checksum_of(size)

    def rows():
        for middle in bench.rounds():
            for direction, framing in (("up", "length"), ("up", "chunked"), ("down", "length"), ("down", "chunked")):
                yield stream(bench, middle, direction, framing, size, checksum)

    table(
        f"streams: {size // MIB} MiB through one connection",
        ("program", "body", "RSS before", "peak", "VmHWM", "after", "CPU s/GiB", "bytes"),
        rows(),
    )


def stream(bench, middle, direction, framing, size, checksum):
    with bench.between(middle) as program, Memory(program.pids()) as memory:
        if direction == "up":
            field = f"Content-Length: {size}\r\n" if framing == "length" else "Transfer-Encoding: chunked\r\n"
            work = (ends.upload, program.port, program.head("POST", "/count", field), size, framing)
        else:
            work = (ends.download, program.port, program.head("GET", f"/bytes?size={size}&framing={framing}"))
        cpu = program.cpu()
        with Remote(*work) as client:
            got = client.hear(300)
            cpu = program.cpu() - cpu
            after = memory.now()
        right = got == {"status": 200, "size": size, "checksum": checksum}
        return (
            program.name,
            f"{direction}, {framing}",
            mib(memory.before),
            mib(memory.peak),
            mib(memory.high_water()),
            mib(after),
            f"{cpu / (size / MIB / 1024):.3f}",
            "all right" if right else f"WRONG: {got}",
        )


# --- stalls -------------------------------------------------------------------------------------------


def stalls(bench):
    counts = (1, 16) if bench.short else (1, 64, 1000)

    def rows():
        for count in counts:
            for middle in bench.rounds():
                yield stall(bench, middle, "up", count)
                yield stall(bench, middle, "down", count)

    table(
        "stalls: the receiver reads nothing; all per connection, in KiB",
        (
            *("program", "body", "connections", "taken of the sender", "in the kernel", "in the program"),
            *("RSS growth", "after the clients broke off", "lets go in 10 s"),
        ),
        rows(),
    )


def stall(bench, middle, direction, count):
    quiet = 1 if bench.short else 3
    size = 1 << 40
    with bench.between(middle) as program, Memory(program.pids()) as memory:
        descriptors = program.descriptors()
        if direction == "up":
            head = program.head("POST", "/deaf", f"Content-Length: {size}\r\n")
            work = (ends.push, program.port, head, count, quiet)
        else:
            work = (ends.ignore, program.port, program.head("GET", f"/bytes?size={size}&framing=length"), count)
        with Remote(*work) as client:
            sent = client.hear(240)
            if direction == "down":
                sent = upstream_sent(program, quiet)
            queued = queued_bytes({program.port, program.upstream_port})
            growth = memory.now() - memory.before
            kept = sent - upstream_count(program, "received") - queued
            client.tell()
            client.hear(60)
            lets_go = becomes_true(lambda: program.descriptors() <= descriptors + 2, 10)
            after = memory.now() - memory.before
    kib = [f"{value / count / 1024:.1f}" for value in (sent, queued, kept, growth, after)]
    return (program.name, direction, count, *kib, "yes" if lets_go else "NO")


def upstream_count(program, name):
    _, text = ends.ask(program.upstream_port, b"GET /stats HTTP/1.1\r\n\r\n")
    return json.loads(text)[name]


def upstream_sent(program, quiet):
    """What the upstream could send before nothing moved for `quiet` seconds."""
    sent, since = -1, time.monotonic()
    while time.monotonic() - since < quiet:
        time.sleep(0.1)
        now = upstream_count(program, "sent")
        if now != sent:
            sent, since = now, time.monotonic()
    return sent


# --- events -------------------------------------------------------------------------------------------


def events(bench):
    count = 200 if bench.short else 1000

    def rows():
        for loaded in (False, True):
            for framing in ("chunked", "close"):
                for middle in bench.rounds(direct=True):
                    yield listen(bench, middle, framing, count, loaded)

    table(
        f"events: {count} of them, one every 2 ms; how late they arrive, in ms",
        ("program", "framing", "beside them", "p50", "p99", "max", "beside: p50", "p99", "max", "wrong"),
        rows(),
    )


def listen(bench, middle, framing, count, loaded):
    rate, connections = 2000, 64
    with bench.between(middle) as program, contextlib.ExitStack() as stack:
        if loaded:
            small = program.head("GET", "/small", host=program.HOSTS[1])
            beside = stack.enter_context(Remote(ends.run_innocent, program.port, small, rate, connections))
            beside.hear()
        head = program.head("GET", f"/events?count={count}&gap_us=2000&framing={framing}")
        with Remote(ends.hear_events, program.port, head, count) as client:
            delays = client.hear(60)
        company = f"{rate}/s on {connections} connections" if loaded else "nothing"
        row = (program.name, framing, company, *lateness(delays))
        if not loaded:
            return row + ("",) * 4
        beside.tell()
        return row + judge(beside.hear())


def lateness(nanoseconds):
    """p50, p99 and the maximum, in ms."""
    values = sorted(nanoseconds)
    if not values:
        return ("-",) * 3
    places = (len(values) // 2, len(values) * 99 // 100, len(values) - 1)
    return tuple(f"{values[place] / 1e6:.2f}" for place in places)


def judge(done):
    """The lateness of innocent requests, and how many were answered wrong."""
    return lateness([late for _, late, _ in done]) + (f"{sum(not right for _, _, right in done)} of {len(done)}",)


# --- idle ---------------------------------------------------------------------------------------------


def idle(bench):
    count = 500 if bench.short else min(10_000, raise_descriptors() - 200)

    def rows():
        for middle in bench.rounds():
            yield from stay(bench, middle, count)

    table(
        f"idle: {count} connections; growth for each, in bytes",
        ("program", "state", "RSS", "PSS", "kernel: TCP memory", "kernel: slab, both ends"),
        rows(),
    )


def stay(bench, middle, count):
    with bench.between(middle, client={"head_timeout": "300s"}) as program, Memory(program.pids()) as memory:
        descriptors = program.descriptors()
        before = footprint(memory)
        with Remote(ends.idle, program.port, program.head("GET", "/small"), count) as client:
            states = ("connected, no byte sent", "after an answer, kept alive", "all closed again")
            for state, there in zip(states, (count, count, 0)):
                said = client.hear(120)
                assert said in ("connected", "closed", count), f"only {said} of {count} were answered"
                if not becomes_true(lambda: program.descriptors() >= descriptors + there, 20):
                    raise Trouble(f"{program.name} did not take {count} connections")
                if there == 0:
                    becomes_true(lambda: program.descriptors() < descriptors + count / 2, 20)
                growth = [(now - then) // count for now, then in zip(footprint(memory), before)]
                yield (program.name, state, *growth)
                client.tell()


def footprint(memory):
    return memory.now(), memory.proportional(), sockstat()[1], slab_bytes()


# --- attack -------------------------------------------------------------------------------------------


class Attack:
    """What its clients send first, what then every 3 s, how long they are watched, and whether they read."""

    def __init__(self, what, opening, drip, seconds, receive_buffer=None):
        self.what, self.opening, self.drip = what, opening, drip
        self.seconds, self.receive_buffer = seconds, receive_buffer


def attacks(program, short):
    timeout = 2 if short else 10
    other = {"host": program.HOSTS[1]}
    head = program.head("GET", "/small", "X-A: ", **other)[:-4]
    upload = program.head("POST", "/deaf", "Content-Length: 1000000\r\n", **other) + b"a"
    large = program.head("GET", "/bytes?size=16000000&framing=length", **other)
    return (
        Attack("heads, slowly", head, b"a", 1.5 * timeout),
        Attack("bodies, allowed, slowly", upload, b"a", 1.5 * timeout),
        Attack("bodies, allowed, then silent", upload, b"", 3.6 * timeout),
        Attack("bodies, refused, slowly", REFUSED, b"a", timeout),
        Attack("answers of 16 MB, not read", large, b"", 3.6 * timeout, receive_buffer=4096),
    )


REFUSED = b"POST /v2/nothing HTTP/1.1\r\nHost: other.example\r\nContent-Length: 1000000\r\n\r\na"


def attack(bench):
    count = 300 if bench.short else 5000
    client = {"head_timeout": "2s", "body_timeout": "6s", "write_timeout": "6s"} if bench.short else None

    def rows():
        for number in range(5):
            for middle in bench.rounds():
                yield from suffer(bench, middle, client, number, count)

    table(
        f"attack: {count} attackers ({count // 10} that do not read) beside 500 requests a second; lateness in ms",
        ("program", "attack", "when", "p50", "p99", "max", "wrong", "CPU", "no CPU", "RSS MiB", "attackers"),
        rows(),
    )


def suffer(bench, middle, client, number, count):
    calm = 1 if bench.short else 5
    with bench.between(middle, client=client) as program, Memory(program.pids()) as memory:
        kind = attacks(program, bench.short)[number]
        if kind.receive_buffer:
            count //= 10  # the kernel holds megabytes for each of them
        marks = [mark(program, memory)]
        head = program.head("GET", "/small")
        with Remote(ends.run_innocent, program.port, head, 500, 16) as innocent:
            innocent.hear()
            time.sleep(calm)
            marks.append(mark(program, memory))
            work = (ends.attack, program.port, kind.opening, kind.drip, 3, count, kind.receive_buffer)
            with Remote(*work) as attackers:
                attackers.hear(120)
                marks.append(mark(program, memory))
                time.sleep(kind.seconds)
                marks.append(mark(program, memory))
                attackers.tell()
                fate = attackers.hear(60)
                attackers.tell()
                attackers.hear(60)
                time.sleep(calm)
            marks.append(mark(program, memory))
            innocent.tell()
            done = innocent.hear(60)
        phases = ("before", "while they arrive", "while they stay", "after")
        fates = ("", "", fate_text(fate), "")
        for phase, begin, end, text in zip(phases, marks, marks[1:], fates):
            seen = [request for request in done if begin["at"] <= request[0] < end["at"]]
            time_of = [(end[name] - begin[name]) / (end["at"] - begin["at"]) for name in ("ran", "waited")]
            shares = (f"{share:.0%}" for share in time_of)
            yield (program.name, kind.what, phase, *judge(seen), *shares, mib(end["rss"]), text)


def mark(program, memory):
    ran, waited = program.scheduled()
    return {"at": time.monotonic_ns(), "ran": ran, "waited": waited, "rss": memory.now()}


def fate_text(fate):
    lived = fate["lived"]
    text = f"{fate['left']} still there"
    if lived:
        text += f"; {len(lived)} cut after {lived[0]:.1f} to {lived[-1]:.1f} s, answers: {fate['statuses']}"
    return text


# --- the command line ---------------------------------------------------------------------------------

SCENARIOS = {scenario.__name__: scenario for scenario in (streams, stalls, events, idle, attack)}


def arguments():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", default=["all"], choices=[*SCENARIOS, "all"], metavar="SCENARIO")
    parser.add_argument("--binary", type=pathlib.Path, default=root / "build" / "keygate")
    parser.add_argument("--beside", type=lambda text: text.split(","), default=[], metavar="nginx,haproxy")
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--repeat", type=int, default=1, help="rounds of each scenario, the programs in turn")
    options = parser.parse_args()
    if unknown := set(options.beside) - PEERS.keys():
        parser.error(f"--beside knows {', '.join(PEERS)}, not {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    check_programs(options.binary, options.beside)
    Gateway.binary = options.binary.resolve()
    raise_descriptors()
    chosen = SCENARIOS if "all" in options.scenarios else options.scenarios
    with tempfile.TemporaryDirectory(prefix="keygate-wire-") as folder:
        bench = Bench(options, folder)
        for name in chosen:
            SCENARIOS[name](bench)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"wire.py: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)
