#!/usr/bin/python3
"""What it costs to refuse those who go on and on: far beyond a limit, on one gateway with one thread.

    tests/limits/flood.py [--requests N] [--turns N] [--long]

With each truth, in turns on the same connections: requests of one key that all pass, and of one that nearly all are
refused. A refusal must cost the gateway less than a request that passes, and Redis nearly nothing: what is spent is
remembered until it may be otherwise. CPU is what the kernel says.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import itertools
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True

from shop import Gateway, Key, Stage, api, write_owner  # noqa: E402
from rig import Counted, ask_many, check_programs  # noqa: E402
from wire_rig import scheduled  # noqa: E402

CONNECTIONS = 32
TRUTHS = ("local", "shared", "leased")
PLANS = {
    "wide": {"rate": "1000000000/1h"},
    "rate": {"rate": "100/1s"},
    "bucket": {"rate": {"rate": "6000/1m", "burst": 100}},
    "quota": {"quota": {"requests": {"limit": "100/day", "by": "key"}}},
}
REFUSED = {"rate": "rate_limited", "bucket": "rate_limited", "quota": "quota_exceeded"}


def commands(redis):
    """Of scripts, so far; not of what they call."""
    calls = redis.calls()
    return calls.get("evalsha", 0) + calls.get("eval", 0)


class Cost:
    """Of one turn."""

    def __init__(self, stage, gateway, key, count):
        before = scheduled(gateway.pid)[0], commands(stage.redis)
        start = time.monotonic()
        self.counts = ask_many(gateway.port, itertools.repeat(key.request(), count), CONNECTIONS)
        self.seconds = time.monotonic() - start
        self.cpu = (scheduled(gateway.pid)[0] - before[0]) / count / 1000  # microseconds
        self.commands = commands(stage.redis) - before[1]


def flood(case, stage, gateway, truth, kind, requests, turns):
    wide, narrow = Key(truth, "wide").write(stage.redis), Key(truth, kind).write(stage.redis)
    passing, refusing = [], []
    Cost(stage, gateway, wide, 100)
    for _ in range(turns):
        passing.append(Cost(stage, gateway, wide, requests))
        refusing.append(Cost(stage, gateway, narrow, requests))
    for one in passing:
        case.equal("answers with what is allowed", set(one.counts), {(200, "")})
    refused = sum(one.counts[429, REFUSED[kind]] for one in refusing)
    others = {told for one in refusing for told in one.counts} - {(429, REFUSED[kind]), (200, "")}
    case.equal("other answers", others, set())
    passed = sum(one.counts[200, ""] for one in refusing)
    seconds = sum(one.seconds for one in refusing)
    case.true(f"nearly all are refused: {refused}, and {passed} pass", refused > 10 * passed)
    costs = [statistics.median(one.cpu for one in some) for some in (passing, refusing)]
    case.true(f"a refusal costs less: {costs[1]:.1f} us, not {costs[0]:.1f} us", costs[1] < costs[0])
    asked = sum(one.commands for one in refusing)
    # Each time that one may pass again, all that wait may ask; usage is written once in a second, too.
    moments = seconds + turns + (passed if kind == "bucket" else 0)
    most = 1.3 * passed + 1.3 * CONNECTIONS * moments + 5 * seconds
    case.true(f"Redis is asked no more than {most:.0f} times: {asked}", asked <= most)
    case.note(f"{refused / seconds:.0f} refused a second, {passed / seconds:.0f} passed")
    case.note(f"CPU {costs[1]:.1f} us for a refusal, {costs[0]:.1f} us for what passes")
    if truth != "local":
        case.note(f"Redis asked {asked} times, {asked / refused:.5f} for each refusal")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--requests", type=int, help="in each turn")
    arguments.add_argument("--turns", type=int)
    arguments.add_argument("--long", action="store_true", help="5 turns of 40,000 instead of 3 of 6,000")
    options = arguments.parse_args()
    check_programs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    requests = options.requests or (40_000 if options.long else 6_000)
    turns = options.turns or (5 if options.long else 3)
    counted = Counted("flood")
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage())
        apis = {truth: api(PLANS, stage.origin, {"truth": truth}, hosts=[truth]) for truth in TRUTHS}
        for truth in TRUTHS:
            for plan in PLANS:
                write_owner(stage.redis, plan, truth, plan)
        gateway = Gateway(stage.folder, apis, redis=stage.server, threads=1)
        stack.enter_context(gateway)
        for truth in TRUTHS:
            for kind in REFUSED:
                with counted.case(f"{truth}, {kind}") as case:
                    flood(case, stage, gateway, truth, kind, requests, turns)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
