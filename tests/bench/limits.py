#!/usr/bin/python3
"""What limits cost beside the same traffic without them.

    tests/bench/limits.py [--requests N] [--turns N] [--keys N] [--threads N]

CPU of the gateway for each request, as the kernel says, in turns: without limits, counted in the process, leased from
Redis, and shared through Redis; with one hot key, and with many keys in turn. Ratios are to the turns without limits.
Redis' own CPU says how many decisions one core of it could make. The gateway is the one of $KEYGATE, or
build/keygate.
"""

import argparse
import contextlib
import itertools
import pathlib
import signal
import statistics
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "limits"))

from shop import Gateway, Key, Stage, api, write_owner  # noqa: E402
from rig import ask_many, check_programs  # noqa: E402
from wire_rig import scheduled  # noqa: E402

CONNECTIONS = 64
PLANS = {
    "none": {},
    "rate": {"rate": "1000000000/1h"},
    "three": {
        "rate": ["1000000/1s", {"rate": "100000000/1h", "by": "owner"}],
        "quota": {"requests": "1000000000/month"},
    },
}
TRUTHS = ("local", "leased", "shared")
COLUMNS = "{:22} {:>10} {:>10} {:>7} {:>14} {:>16} {:>14}"


class Turn:
    """Microseconds of CPU for each request, and what Redis did."""

    def __init__(self, stage, gateway, requests, count):
        redis = stage.server.program.process.pid
        before = scheduled(gateway.pid)[0], scheduled(redis)[0], charges(stage.redis)
        counts = ask_many(gateway.port, itertools.islice(itertools.cycle(requests), count), CONNECTIONS)
        self.count = count
        if set(counts) != {(200, "")}:
            raise SystemExit(f"other answers: {counts}")
        self.gateway = (scheduled(gateway.pid)[0] - before[0]) / count / 1000
        self.redis = (scheduled(redis)[0] - before[1]) / 1000
        self.charges = charges(stage.redis) - before[2]


def charges(redis):
    return redis.calls().get("evalsha", 0)


def measure(stage, gateway, plan, keys, requests, turns):
    """{truth: turns}, the ones without limits as `none`; they take turns, so that what else runs here disturbs all."""
    texts = {}
    for truth, name in [("none", "none")] + [(truth, plan) for truth in TRUTHS]:
        where = "local" if truth == "none" else truth
        texts[truth] = [key.request() for key in keys[where, name]]
        ask_many(gateway.port, texts[truth], CONNECTIONS)  # known from then on
    seen = {truth: [] for truth in texts}
    for _ in range(turns):
        for truth, these in texts.items():
            seen[truth].append(Turn(stage, gateway, these, requests))
    return seen


def row(truth, turns, plain):
    cost = statistics.median(turn.gateway for turn in turns)
    number = sum(turn.charges for turn in turns)
    cells = [f"    {truth}", f"{cost:.1f} us", f"{cost - plain:+.1f} us", f"{cost / plain:.2f}"]
    if truth in ("leased", "shared") and number:
        redis = sum(turn.redis for turn in turns) / number
        requests = sum(turn.count for turn in turns) / number
        cells.append(f"{requests:.1f}")
        # With few calls it is what Redis does anyway.
        cells += [f"{redis:.1f} us", f"{1e6 / redis:.0f}"] if requests < 2 else ["", ""]
    else:
        cells += ["", "", ""]
    return COLUMNS.format(*cells)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--requests", type=int, default=30_000, help="in each turn")
    arguments.add_argument("--turns", type=int, default=7)
    arguments.add_argument("--keys", type=int, default=10_000, help="that take turns")
    arguments.add_argument("--threads", type=int, default=1, help="of the gateway")
    options = arguments.parse_args()
    check_programs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage())
        apis = {truth: api(PLANS, stage.origin, {"truth": truth}, hosts=[truth]) for truth in TRUTHS}
        keys = {}
        for truth, plan in itertools.product(TRUTHS, PLANS):
            write_owner(stage.redis, plan, truth, plan)
            if plan == "none" and truth != "local":
                continue
            keys[truth, plan] = [Key(truth, plan).write(stage.redis) for _ in range(options.keys)]
        gateway = Gateway(stage.folder, apis, redis=stage.server, threads=options.threads)
        stack.enter_context(gateway)
        print(COLUMNS.format("", "CPU", "beside", "ratio", "for each call", "Redis' CPU each", "a second, core"))
        for plan, what in (("rate", "a rate"), ("three", "three limits")):
            for count, whose in ((1, "one key"), (options.keys, f"{options.keys} keys")):
                some = {name: these[:count] for name, these in keys.items()}
                seen = measure(stage, gateway, plan, some, options.requests, options.turns)
                plain = statistics.median(turn.gateway for turn in seen["none"])
                print(f"{what}, {whose}: {plain:.1f} us without limits", flush=True)
                for truth in TRUTHS:
                    print(row(truth, seen[truth], plain), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
