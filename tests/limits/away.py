#!/usr/bin/python3
"""What becomes of limits while Redis is away, for each policy and one outage after the other.

    tests/limits/away.py [--requests N] [--only NAME] [--long]

`local` counts in the gateway meanwhile, `allow` lets all pass, `refuse` answers 503; each of them soon, and counted in
keygate_limit_decisions_away_total. Afterwards Redis decides again, by what it had counted before. Times are p50 and
max.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import signal
import sys
import time

sys.dont_write_bytecode = True

from crowd import Crowd, Job  # noqa: E402
from shop import Gateway, Key, Stage, api, fields_of, write_owner  # noqa: E402
from redis_server import DURABLE  # noqa: E402
from outages import ended  # noqa: E402
from relay import DOWN, Relay  # noqa: E402
from rig import SECONDS, Caller, Counted, check_programs, end_script, milliseconds, percentile  # noqa: E402

SIZE = 20
POLICIES = ("local", "allow", "refuse")
LOOSE_P50, LOOSE_MAX = 0.15, 1.0  # 60 ms are promised; others use this machine, too


# ---- outages: contexts, inside of which Redis cannot count


@contextlib.contextmanager
def stopped(stage, relay, keys):
    stage.server.stand_still()
    yield
    stage.server.go_on()


@contextlib.contextmanager
def killed(stage, relay, keys):
    stage.server.kill()
    yield
    stage.server.start()
    stage.reconnect()


@contextlib.contextmanager
def slow(stage, relay, keys):
    relay.delay(100, (DOWN,))
    yield
    relay.pass_all()


@contextlib.contextmanager
def black_hole(stage, relay, keys):
    relay.swallow()
    yield
    relay.pass_all()


@contextlib.contextmanager
def readonly(stage, relay, keys):
    stage.redis.command("REPLICAOF", "127.0.0.1", 1)
    yield
    stage.redis.command("REPLICAOF", "NO", "ONE")


@contextlib.contextmanager
def full(stage, relay, keys):
    stage.redis.command("CONFIG", "SET", "maxmemory", 1)
    yield
    stage.redis.command("CONFIG", "SET", "maxmemory", 0)


@contextlib.contextmanager
def busy(stage, relay, keys):
    stage.redis.command("CONFIG", "SET", "busy-reply-threshold", 50)
    with stage.server.client() as other:
        other.send(("EVAL", "while true do end", 0))
        time.sleep(0.1)
        yield
        end_script(stage.redis)


@contextlib.contextmanager
def wrong_type(stage, relay, keys):
    names = {key.count(): stage.redis.command("DUMP", key.count()) for key in keys}
    for name in names:
        stage.redis.command("SET", name, "x")
    yield
    for name, value in names.items():
        stage.redis.command("RESTORE", name, 0, value, "REPLACE")


OUTAGES = (stopped, killed, slow, black_hole, readonly, full, busy, wrong_type)


def plan():
    return {"pro": {"rate": f"{SIZE}/1h"}}


def apis(origin):
    made = {
        policy: api(plan(), origin, {"truth": "shared", "when_away": policy}, hosts=[policy]) for policy in POLICIES
    }
    made["leased"] = api(plan(), origin, {"truth": "leased", "when_away": "local"}, hosts=["leased"])
    made["crowd"] = api({"pro": {"rate": "3000/1h"}}, origin, {"truth": "shared"}, hosts=["crowd"])
    return made


def new_key(stage, name):
    return Key(name).write(stage.redis)


def judge(case, policy, answers, requests):
    """By what is promised; @returns what Redis or a lease may have let pass before it was away."""
    told = [str(answer) for answer in answers]
    seen = {text: told.count(text) for text in sorted(set(told))}
    times = [answer.seconds for answer in answers]
    case.note(f"{policy}: {milliseconds(percentile(times, 0.5))}/{milliseconds(max(times))}")
    if policy in ("local", "leased"):
        wanted = {"200": SIZE, "429 rate_limited": requests - SIZE}
    elif policy == "allow":
        wanted = {"200": requests}
    else:
        wanted = {"503 store_unavailable": requests}
        is_told = all(b"\r\nretry-after: " in answer.fields.lower() for answer in answers)
        case.true("Retry-After", is_told)
    case.equal(f"answers, {policy}", seen, wanted)
    case.true(f"soon, {case.notes[-1]}", percentile(times, 0.5) <= LOOSE_P50 and max(times) <= LOOSE_MAX)


def outage(case, stage, relay, gateway, make, requests):
    while 3600 - time.time() % 3600 < 30:  # what is counted by the hour must not begin anew in the middle
        time.sleep(1)
    with contextlib.ExitStack() as stack:
        caller = stack.enter_context(Caller(gateway.port))
        keys = {policy: counted_key(stage, caller, policy) for policy in (*POLICIES, "leased")}
        case.true("they are counted before", all(keys.values()))
        time.sleep(0.1)  # Redis has told of the records that are new: once more, and they are known for good
        for key in keys.values():
            case.equal("before", str(caller.ask(key.request())), "200")
        used = {policy: count_of(stage, key) for policy, key in keys.items()}
        before = {policy: gateway.away(policy) for policy in POLICIES}
        with ended(make(stage, relay, keys.values())):
            time.sleep(0.55)  # leases end
            for policy, key in keys.items():
                judge(case, policy, [caller.ask(key.request()) for _ in range(requests)], requests)
            after = {policy: gateway.away(policy) for policy in POLICIES}
        counts = {policy: after[policy] - before[policy] for policy in POLICIES}
        wanted = {"local": 2 * requests, "allow": requests, "refuse": requests}
        case.equal("keygate_limit_decisions_away_total", counts, wanted)
        start = time.monotonic()
        for policy in keys:
            case.true(f"Redis counts again, {policy}", counted_key(stage, caller, policy) is not None)
        case.note(f"and all is well {milliseconds(time.monotonic() - start)} after its end")
        after = gateway.metric("keygate_limit_decisions_away_total")
        rest = {}
        for policy in POLICIES:
            rest[policy] = [str(caller.ask(keys[policy].request())) for _ in range(SIZE + 3)]
        if gateway.metric("keygate_limit_decisions_away_total") != after:
            # Within 40 ms, on a machine that others use, too.
            case.note("Redis did not always answer in time afterwards")
            return
        for policy, told in rest.items():
            left = SIZE - used[policy]
            passed = told.count("200")
            # A charge may have come late, when nobody waited for it any more.
            case.true(f"what Redis had left, {policy}: {passed} of {left}", left - 2 <= passed <= left)
            case.equal(f"then, {policy}", told[passed:], ["429 rate_limited"] * (SIZE + 3 - passed))


def count_of(stage, key):
    return int(fields_of(stage.redis, key.count()).get("w3600", "0 0").split()[1])


def counted_key(stage, caller, policy):
    """A new one, one request of which Redis has counted; None if that does not come to be."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        key = new_key(stage, policy)
        if caller.ask(key.request()).status == 200 and count_of(stage, key) > 0:
            return key
        time.sleep(0.01)
    return None


def forgotten_scripts(case, stage, gateway, seconds):
    """SCRIPT FLUSH, again and again: nobody sees anything of it."""
    before = gateway.metric("keygate_limit_decisions_away_total")
    flushes = 0
    with Crowd([gateway.port], 16) as crowd:
        key = new_key(stage, "crowd")
        crowd.begin(Job([(key.request(), 1)], "dry", 20, least=seconds))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stage.redis.command("SCRIPT", "FLUSH")
            flushes += 1
            time.sleep(0.005)
        tally = crowd.result()
    told = tally.answers()
    case.equal("what passed", told.pop((200, ""), 0), 3000)
    case.equal("what else was told", set(told), {(429, "rate_limited")})
    case.equal("Redis' count", count_of(stage, key), 3000)
    case.equal("decisions while Redis was away", gateway.metric("keygate_limit_decisions_away_total"), before)
    case.note(f"{flushes} times, {tally.counts.total()} requests")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--requests", type=int, help="with each policy, more than 20")
    arguments.add_argument("--only", choices=[make.__name__ for make in OUTAGES] + ["scripts"])
    arguments.add_argument("--long", action="store_true", help="200 requests instead of 30, each outage 10 times")
    options = arguments.parse_args()
    check_programs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    requests = options.requests or (200 if options.long else 30)
    counted = Counted("away")
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage(**DURABLE))
        relay = stack.enter_context(Relay(stage.server.port))
        for name in (*POLICIES, "leased", "crowd"):
            write_owner(stage.redis, "pro", name)
        # Keys are another matter: they are known all the time.
        known = {"revocation_bound": "10s", "stale_while_down": "1h"}
        gateway = Gateway(stage.folder, apis(stage.origin), "gate", relay.port, {"timeout": "40ms"}, **known)
        patient = Gateway(stage.folder, apis(stage.origin), "patient", relay.port, **known)
        stack.enter_context(gateway)
        stack.enter_context(patient)
        for make in OUTAGES:
            for _ in range(10 if options.long else 1):
                if options.only in (None, make.__name__):
                    with counted.case(make.__name__.replace("_", " ")) as case:
                        outage(case, stage, relay, gateway, make, requests)
        if options.only in (None, "scripts"):
            with counted.case("scripts that are forgotten") as case:
                forgotten_scripts(case, stage, patient, 10 if options.long else 1)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
