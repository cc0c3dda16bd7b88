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
"""

import argparse
import contextlib
import datetime
import os
import pathlib
import sys
import tempfile

import wire_ends as ends
from wire_rig import MIB, PEERS, Gateway, Memory, Nothing, Remote, Trouble, check_programs, raise_descriptors


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
    def between(self, middle, receive_buffer=None, **options):
        """A fresh upstream and a fresh program in front of it."""
        self._runs += 1
        if middle is not Gateway:
            options.pop("client", None)
        with Remote(ends.run_upstream, receive_buffer) as upstream:
            with middle(self.folder / f"{self._runs}-{middle.name}", upstream.hear(10), **options) as program:
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


# --- the command line ---------------------------------------------------------------------------------

SCENARIOS = {"streams": streams}


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
