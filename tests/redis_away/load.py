#!/usr/bin/python3
"""How much Redis is asked.

    tests/redis_away/load.py [--hits N] [--concurrent N] [--unknown N] [--malformed N] [--long]

A key that is in the table costs no command; many requests at once for one that is not cost one read of its record;
an unknown key costs one read at most, however many there are, and a bounded amount of memory; what cannot be a key
costs nothing.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import hashlib
import itertools
import random
import selectors
import signal
import socket
import string
import sys
import threading
import time

sys.dont_write_bytecode = True

from resp import Closed  # noqa: E402
from rig import SECONDS, Counted, Stage, ask_many, check_programs, make_hot, request  # noqa: E402
from rig import judged, split_answer  # noqa: E402
from wire_rig import MIB, Memory, raise_descriptors  # noqa: E402

# What a record is read with. That nothing else touches records is seen by MONITOR, where there are few commands.
READS = ("hgetall", "hmget")
RECORDS = ("kg:key:", "kg:owner:")
# A machine that others use too is not what is looked at here.
REDIS = "max_unknown: 20000, timeout: 1s"
ROOM = 64 * MIB  # for 20,000 unknown digests, connections and what allocators keep


class Reads:
    """How many reads Redis carries out in the meantime."""

    def __init__(self, redis):
        self.redis = redis
        self.before = redis.calls()

    def __call__(self):
        after = self.redis.calls()
        names = set(after) & set(READS)
        return sum(after[name] - self.before.get(name, 0) for name in names)

    def all(self):
        """{command: count}, but for our own."""
        after = self.redis.calls()
        more = {name: count - self.before.get(name, 0) for name, count in after.items() if name != "info"}
        return {name: count for name, count in more.items() if count > 0}


class Monitor(threading.Thread):
    """Every command that Redis carries out, as it says itself."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.redis = server.client()
        self.redis.command("MONITOR")
        self.lines = []
        self.start()

    def run(self):
        with contextlib.suppress(Closed, OSError):
            while True:
                self.lines.append(self.redis.reply())

    def of(self, *names):
        """What was done to them, whichever way, but for scripts: usage is written with one, once in a second."""
        plain = [line for line in self.lines if " lua]" not in line and '"EVAL' not in line]
        return [line for line in plain if any(name in line for name in names)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.redis.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.redis.close()


def hits(case, stage, gateway, count):
    keys = [stage.key() for _ in range(1000)]
    make_hot(gateway, *keys)
    texts = [request(key) for key in keys]
    with Monitor(stage.server) as monitor:
        reads = Reads(stage.redis)
        started = time.monotonic()
        counts = ask_many(gateway.port, (random.choice(texts) for _ in range(count)))
        seconds = time.monotonic() - started
        case.equal("answers", dict(counts), {(200, ""): count})
        case.equal("reads", reads(), 0)
        more = reads.all()
    case.equal("commands about records", monitor.of(*RECORDS)[:3], [])
    scripts = sum(more.get(name, 0) for name in ("eval", "evalsha", "fcall"))
    case.true(f"scripts only for usage, now and then: {scripts}", scripts <= 5 * (seconds + 1))
    others = ", ".join(f"{number} {name}" for name, number in sorted(more.items())) or "nothing"
    case.note(f"{count} requests at {count / seconds:.0f} a second, no read; Redis did {others}")


def one_cold_key(case, stage, count):
    """All of them are sent while the answer of Redis is held back. A request that comes later than the bound after
    the read was sent would need a read of its own: the bound is a long one."""
    key = stage.key(plan="free")  # refused once it is known, so that no origin must take them all at once
    with (
        stage.gateway("cold", redis="timeout: 1s", revocation_bound="10s") as gateway,
        Monitor(stage.server) as monitor,
        contextlib.ExitStack() as stack,
        selectors.DefaultSelector() as selector,
    ):
        make_hot(gateway, stage.key())
        for _ in range(count):
            link = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS))
            selector.register(link, selectors.EVENT_READ, b"")
        links = [event.fileobj for event in selector.get_map().values()]
        data = request(key)
        started = time.monotonic()
        stage.relay.hold(directions=("down",))
        for link in links:
            link.sendall(data)
        sent = time.monotonic() - started
        time.sleep(0.1)  # the last ones are read
        stage.relay.pass_all()
        answers = dict(read_each(selector))
        case.equal("answers", (len(answers), set(answers.values())), (count, {(403, "plan_no_api")}))
        case.true(f"all were sent within 0.7 s: {sent:.3f} s", sent < 0.7)
        time.sleep(0.1)
        case.equal("commands about the record", len(monitor.of(key.record)), 1)
        case.note(f"{count} connections sent within {sent:.3f} s; one read of the record")


def read_each(selector):
    """(link, (status, reason)) for one answer on each."""
    while selector.get_map():
        events = selector.select(SECONDS)
        if not events:
            raise TimeoutError(f"{len(selector.get_map())} connections are without an answer")
        for event, _ in events:
            data = event.data + event.fileobj.recv(65536)
            parts = split_answer(data)
            if parts is None:
                selector.modify(event.fileobj, selectors.EVENT_READ, data)
                continue
            selector.unregister(event.fileobj)
            yield event.fileobj, judged(*parts[:2])


def unknown_keys():
    """Well-formed, and each another one."""
    for number in itertools.count():
        yield request(f"Bearer kg_live_{hashlib.sha256(f'{SALT} {number}'.encode()).hexdigest()[:40]}")


SALT = "".join(random.choice(string.ascii_letters) for _ in range(10))


def unknown(case, stage, gateway, count):
    reads = Reads(stage.redis)
    started = time.monotonic()
    with Memory([gateway.pid]) as memory:
        counts = ask_many(gateway.port, itertools.islice(unknown_keys(), count))
        seconds = time.monotonic() - started
        after, peak = memory.now(), max(memory.peak, memory.high_water())
    case.equal("answers", dict(counts), {(403, "key_unknown"): count})
    asked = reads()
    case.true(f"one read each at most: {asked / count:.3f}", asked <= count)
    sizes = {"before": memory.before, "peak": peak, "after": after}
    sizes = ", ".join(f"{name} {size / MIB:.1f} MiB" for name, size in sizes.items())
    case.true(f"memory is bounded: {sizes}", peak - memory.before < ROOM)
    case.note(f"{count} unknown keys at {count / seconds:.0f} a second, {asked / count:.3f} reads each; {sizes}")


def malformed(case, stage, gateway, count):
    shapes = ("short", "kg_live_" + "a" * 300, "with space", "", "a/b" + "c" * 40)
    values = itertools.cycle([request(f"Bearer {shape}") for shape in shapes])
    reads = Reads(stage.redis)
    counts = ask_many(gateway.port, itertools.islice(values, count))
    allowed = {(403, "key_bad_format"), (401, "auth_malformed")}
    case.equal("other answers", [told for told in counts if told not in allowed], [])
    case.equal("requests", counts.total(), count)
    case.equal("reads", reads(), 0)
    case.note(f"{count} requests, no read")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--hits", type=int)
    arguments.add_argument("--concurrent", type=int)
    arguments.add_argument("--unknown", type=int)
    arguments.add_argument("--malformed", type=int)
    arguments.add_argument("--long", action="store_true", help="as many as anybody would believe")
    options = arguments.parse_args()
    check_programs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise_descriptors()
    counts = (100_000, 10_000, 1_000_000, 100_000) if options.long else (20_000, 1_000, 30_000, 5_000)
    counted = Counted("load")
    with Stage() as stage:
        with stage.gateway(is_direct=True, revocation_bound="250ms", redis=REDIS) as gateway:
            with counted.case("keys that are in the table") as case:
                hits(case, stage, gateway, options.hits or counts[0])
            with counted.case("unknown keys") as case:
                unknown(case, stage, gateway, options.unknown or counts[2])
            with counted.case("what cannot be a key") as case:
                malformed(case, stage, gateway, options.malformed or counts[3])
        with counted.case("many requests for one key that is not in the table") as case:
            one_cold_key(case, stage, options.concurrent or counts[1])
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
