#!/usr/bin/python3
"""What a client sees, one kind of outage after the other.

    tests/redis_away/outages.py [--requests N] [--stale SECONDS] [--only NAME] [--long]

Each row is one way in which Redis is away or one record is not as it must be, with five kinds of requests: with a key
that is in the table, with a valid one that is not, with one that nobody has, without a key, with what cannot be a key.
What cannot be decided is a 503 with Retry-After, soon, and never a 401 or 403; what needs no look-up keeps its answer.
Times are p50 and max. In the end Redis is there again, and valid keys work.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import signal
import sys
import time

sys.dont_write_bytecode = True

from relay import DOWN, Disguise  # noqa: E402
from rig import SECONDS, Caller, Counted, Key, Stage, becomes, check_programs, end_script  # noqa: E402
from rig import make_hot, milliseconds, percentile  # noqa: E402

BOUND = 0.25
AWAY = {"503 store_unavailable"}
INVALID = {"503 store_invalid"}
UNKNOWN = {"403 key_unknown"}
FINE = {"200"}
KINDS = ("in the table", "valid", "unknown", "none", "malformed")
ALWAYS = {"none": {"401 auth_missing"}, "malformed": {"403 key_bad_format"}}
SOON = 0.05  # what is promised; printed exactly and judged loosely, as others use this machine too
LOOSE_P50, LOOSE_MAX = 0.15, 1.0


class Row:
    def __init__(self, name, make, table=AWAY, valid=AWAY, unknown=AWAY, is_ready=False, at_start=False):
        self.name = name
        self.make = make
        self.allowed = {"in the table": table, "valid": valid, "unknown": unknown} | ALWAYS
        self.is_ready = is_ready  # what /readyz must say; None: either
        self.at_start = at_start  # the outage is there before the gateway is


# Each is a context: Redis is away inside of it. `keys` are those that will be used.


@contextlib.contextmanager
def refused(stage, _):
    stage.relay.refuse()
    yield
    stage.relay.pass_all()


@contextlib.contextmanager
def black_hole(stage, _):
    stage.relay.swallow()
    yield
    stage.relay.pass_all()


@contextlib.contextmanager
def garbage(stage, _):
    stage.relay.garbage()
    yield
    stage.relay.pass_all()
    stage.relay.cut()


def slow(delay):
    @contextlib.contextmanager
    def outage(stage, _):
        stage.relay.delay(delay, (DOWN,))
        yield
        stage.relay.pass_all()

    return outage


def disguised(answer):
    @contextlib.contextmanager
    def outage(stage, _):
        with Disguise(answer) as disguise:
            stage.relay.target(disguise.port)
            stage.relay.cut()
            yield
            stage.relay.target(stage.server.port)
        stage.relay.cut()

    return outage


@contextlib.contextmanager
def replica(stage, _):
    stage.redis.command("REPLICAOF", "127.0.0.1", 1)
    stage.relay.cut()
    yield
    stage.redis.command("REPLICAOF", "NO", "ONE")
    stage.relay.cut()


@contextlib.contextmanager
def password(stage, _):
    stage.redis.command("CONFIG", "SET", "requirepass", "another")
    stage.relay.cut()
    yield
    stage.redis.command("CONFIG", "SET", "requirepass", "")


@contextlib.contextmanager
def stopped(stage, _):
    stage.server.stand_still()
    yield
    stage.server.go_on()


@contextlib.contextmanager
def busy(stage, _):
    with stage.server.client() as other:
        other.send(("EVAL", "while true do end", 0))
        time.sleep(0.1)
        yield
        end_script(stage.redis)


@contextlib.contextmanager
def wrong_type(stage, keys):
    for key in keys:
        stage.redis.pipeline(("DEL", key.record), ("SET", key.record, "x"))
    yield
    for key in keys:
        stage.redis.command("DEL", key.record)
        key.write(stage.redis)


@contextlib.contextmanager
def unknown_version(stage, keys):
    for key in keys:
        stage.redis.command("HSET", key.record, "v", 2)
    yield
    for key in keys:
        stage.redis.command("HSET", key.record, "v", 1)


@contextlib.contextmanager
def evicted_owner(stage, keys):
    for key in keys:
        stage.redis.command("HSET", key.record, "owner_record", "required")
    stage.redis.command("DEL", "kg:owner:shop:acme")
    yield
    stage.redis.command("HSET", "kg:owner:shop:acme", "v", 1, "name", "Acme", "plan", "pro", "status", "active")


ROWS = (
    Row("there", lambda *_: contextlib.nullcontext(), FINE, FINE, UNKNOWN, is_ready=True),
    Row("refused at start", refused, at_start=True),
    Row("refused later", refused),
    Row("black hole", black_hole),
    Row("stopped", stopped),
    Row("100 ms away", slow(100), FINE | AWAY, FINE | AWAY, UNKNOWN | AWAY, is_ready=None),
    Row("1 s away", slow(1000)),
    Row("LOADING", disguised(b"-LOADING Redis is loading the dataset in memory\r\n")),
    Row("READONLY", disguised(b"-READONLY You can't write against a read only replica.\r\n")),
    Row("a replica", replica),
    Row("a wrong password", password),
    Row("garbage", garbage),
    Row("BUSY", busy),
    Row("WRONGTYPE record", wrong_type, INVALID, INVALID, UNKNOWN, is_ready=True),
    Row("unknown v", unknown_version, INVALID, INVALID, UNKNOWN, is_ready=True),
    Row("owner evicted", evicted_owner, INVALID, INVALID, UNKNOWN, is_ready=True),
)


def ask_all(gateway, hot, cold, requests):
    """{kind: answers}"""
    choices = {
        "in the table": lambda _: hot,
        "valid": lambda number: cold[number],
        "unknown": lambda _: Key(),
        "none": lambda _: None,
        "malformed": lambda _: "Bearer short",
    }
    with Caller(gateway.port) as caller:
        return {kind: [caller.ask(choices[kind](number)) for number in range(requests)] for kind in KINDS}


def check(case, kind, answers, allowed):
    seen = sorted({str(answer) for answer in answers})
    times = [answer.seconds for answer in answers]
    case.note(f"{kind} {' or '.join(seen)} {milliseconds(percentile(times, 0.5))}/{milliseconds(max(times))}")
    case.equal(f"answers with {kind} that are none of {sorted(allowed)}", sorted(set(seen) - allowed), [])
    refused = [answer for answer in answers if answer.status == 503]
    case.true(f"Retry-After, {kind}", all(b"\r\nretry-after: " in answer.fields.lower() for answer in refused))
    if refused:
        case.true(f"soon, {kind}: {case.notes[-1]}", percentile(times, 0.5) <= LOOSE_P50 and max(times) <= LOOSE_MAX)


@contextlib.contextmanager
def ended(outage):
    """Whatever is found inside of it."""
    outage.__enter__()
    try:
        yield
    finally:
        outage.__exit__(None, None, None)


def observe(case, row, gateway, hot, cold):
    time.sleep(BOUND + 0.02)
    answers = ask_all(gateway, hot, cold, len(cold))
    for kind in KINDS:
        check(case, kind, answers[kind], row.allowed[kind])
    status, text = gateway.ready()
    if row.is_ready is not None:
        case.equal(f"/readyz ({text!r})", status, 200 if row.is_ready else 503)
        case.true(f"/readyz names the store: {text!r}", row.is_ready or "store: failing" in text)


def check_row(case, stage, row, requests):
    hot = stage.key()
    cold = [stage.key() for _ in range(requests)]
    outage = row.make(stage, [hot, *cold])
    gateway = stage.gateway(revocation_bound="250ms")
    try:
        if row.at_start:
            with ended(outage):
                gateway.start(is_ready=False)
                observe(case, row, gateway, hot, cold)
        else:
            gateway.start()
            make_hot(gateway, hot)
            with ended(outage):
                observe(case, row, gateway, hot, cold)
        start = time.monotonic()
        make_hot(gateway, hot, cold[0], stage.key())
        case.true("ready again", becomes(lambda: gateway.ready()[0] == 200, SECONDS))
        case.note(f"and all is well {milliseconds(time.monotonic() - start)} after its end")
    finally:
        gateway.stop()


def stale(case, stage, seconds):
    """With `stale_while_down`: known keys go on for so long, and it is told."""
    hot = stage.key()
    gateway = stage.gateway(revocation_bound="250ms", stale_while_down=f"{seconds}s")
    with gateway, Caller(gateway.port) as caller:
        make_hot(gateway, hot)
        cold = stage.key()
        before = gateway.metric("keygate_stale_decisions_total")
        case.equal("keygate_stale_decisions_total before", before, 0)
        start = time.monotonic()
        with ended(refused(stage, [])):
            time.sleep(2 * BOUND)
            count = 0
            while time.monotonic() < start + 0.8 * seconds:
                case.equal("a key in the table", str(caller.ask(hot)), "200")
                case.equal("a valid one that is not", str(caller.ask(cold)), "503 store_unavailable")
                case.equal("an unknown one", str(caller.ask(Key())), "503 store_unavailable")
                case.equal("no key", str(caller.ask(None)), "401 auth_missing")
                count += 1
                time.sleep(0.02)
            decisions = gateway.metric("keygate_stale_decisions_total")
            case.equal("keygate_stale_decisions_total", decisions, count)
            status, text = gateway.ready()
            case.true(f"/readyz says so: {status} {text!r}", "store: ok\n" not in text and "store: " in text)
            case.note(f"{count} stale decisions in {0.8 * seconds:.1f} s, /readyz {status} {text.splitlines()[0]!r}")
            time.sleep(max(0.0, start + seconds + 2 * BOUND - time.monotonic()))
            case.equal("afterwards", str(caller.ask(hot)), "503 store_unavailable")
            status, text = gateway.ready()
            case.equal(f"/readyz afterwards ({text!r})", status, 503)
        make_hot(gateway, hot, cold)


def stale_revoked(case, stage, seconds):
    """What was known to be revoked when Redis went away stays so."""
    key = stage.key()
    gateway = stage.gateway(revocation_bound="250ms", stale_while_down=f"{seconds}s")
    with gateway, Caller(gateway.port) as caller:
        make_hot(gateway, key)
        key.revoke(stage.redis)
        time.sleep(2 * BOUND)
        case.equal("before", str(caller.ask(key)), "403 key_revoked")
        with ended(black_hole(stage, [])):
            time.sleep(2 * BOUND)
            for _ in range(20):
                case.true("while Redis is away", str(caller.ask(key)) in ("403 key_revoked", "503 store_unavailable"))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--requests", type=int, help="of each kind")
    arguments.add_argument("--stale", type=int, help="seconds of stale_while_down")
    arguments.add_argument("--only", help="a row's name, or stale")
    arguments.add_argument("--long", action="store_true", help="50 requests instead of 6, 5 s instead of 2")
    options = arguments.parse_args()
    requests = options.requests or (50 if options.long else 6)
    seconds = options.stale or (5 if options.long else 2)
    check_programs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counted = Counted("outages")
    with Stage() as stage:
        for row in ROWS:
            if options.only in (None, row.name):
                with counted.case(row.name) as case:
                    check_row(case, stage, row, requests)
        if options.only in (None, "stale"):
            with counted.case(f"stale_while_down: {seconds}s") as case:
                stale(case, stage, seconds)
            with counted.case(f"stale_while_down: {seconds}s, a revoked key") as case:
                stale_revoked(case, stage, seconds)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
