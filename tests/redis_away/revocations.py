#!/usr/bin/python3
"""Two gateways under load: from the acknowledged revoke to the last request that was sent after it and still let in.

    tests/redis_away/revocations.py [--revocations N] [--bound MS] [--threads N] [--every MS] [--long]

The gateways share one Redis. Keys are revoked in turn by the admin API of the first gateway and by writing to Redis
directly, while several clients of each gateway use those that are next, those that were just revoked, and others. The
acknowledgement counts from when its reply was here. What is sent later than the bound after it must be refused as
key_revoked; nothing else may be refused, ever.

The last line is `N passed, N failed`.
"""

import argparse
import collections
import random
import sys
import time

sys.dont_write_bytecode = True

from rig import SECONDS, Counted, Key, Load, Stage, becomes, check_programs, make_hot  # noqa: E402
from rig import milliseconds, now, percentile  # noqa: E402

WAYS = ("by the admin API", "in Redis")


class Known(Key):
    """A key, and when it was revoked."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.begun = None  # before the revoke was sent
        self.acknowledged = None  # when its reply was here
        # By client, so that no two threads change one number:
        self.last_let_in = collections.Counter()  # the latest instant of sending
        self.asked_after = collections.Counter()  # requests that were sent after the acknowledgement

    def is_in_use(self):
        """At both gateways."""
        return len({name for name, _ in tuple(self.last_let_in)}) == 2


class Choice:
    """Which key a client takes: mostly the next one and the last one, so that the instant of the change is met."""

    def __init__(self, others):
        self.others = others
        self.next = None
        self.revoked = collections.deque()
        self.random = random.Random(1)

    def __call__(self):
        chance = self.random.random()
        revoked = tuple(self.revoked)
        if chance < 0.35 or not revoked:
            return self.next
        if chance < 0.7:
            return revoked[-1]
        return self.random.choice(revoked if chance < 0.9 else self.others)


class Judge:
    def __init__(self, bound):
        self.bound = bound
        self.wrong = []

    def of(self, *client):
        def judge(key, answer):
            # When a change begins and ends under way, either answer is right.
            begun, acknowledged = key.begun, key.acknowledged
            if answer.status == 200:
                key.last_let_in[client] = max(key.last_let_in[client], answer.sent)
                if acknowledged is not None and answer.sent > acknowledged + self.bound:
                    self.wrong.append(f"{key.id} ({key.way}) let in {answer.sent - acknowledged:.4f} s after")
            elif (answer.status, answer.reason) != (403, "key_revoked"):
                self.wrong.append(f"{key.id} was answered {answer}")
            elif begun is None:
                self.wrong.append(f"{key.id} is active and was answered {answer}")
            if acknowledged is not None and answer.sent > acknowledged:
                key.asked_after[client] += 1

        return judge


def revoke(key, admin, redis):
    key.begun = now()
    if key.way == WAYS[0]:
        admin.ask("POST", f"/keys/{key.id}:revoke")
    else:
        key.revoke(redis)
    key.acknowledged = now()


def make(way, stage, admin):
    key = Known(way)
    if way == WAYS[1]:
        return key.write(stage.redis)
    made = admin.ask("POST", "/keys", {"api": "shop", "owner": "acme"})
    key.id, key.text = made["id"], made["key"]
    return key


def run(options, counted):
    bound = options.bound / 1000
    judge = Judge(bound)
    keys = []
    # A machine that others use too is not what is looked at here: there is time to read a record.
    way = {"is_direct": True, "redis": "timeout: 1s", "revocation_bound": f"{options.bound}ms"}
    with Stage() as stage, stage.gateway("first", **way) as first, stage.gateway("second", **way) as second:
        admin = first.admin()
        admin.ask("PUT", "/owners/acme", {"api": "shop", "plan": "pro"})
        choice = Choice([make(WAYS[1], stage, admin) for _ in range(20)])
        for gateway in (first, second):
            make_hot(gateway, *choice.others)
        loads = [
            Load(gateway, choice, judge.of(gateway.name, number))
            for gateway in (first, second)
            for number in range(options.threads)
        ]
        choice.next = choice.others[0]
        for load in loads:
            load.start()
        started = time.monotonic()
        for number in range(options.revocations):
            key = make(WAYS[number % 2], stage, admin)
            for gateway in (first, second):
                make_hot(gateway, key)
            choice.next = key
            becomes(key.is_in_use, SECONDS)
            time.sleep(options.every / 1000)
            revoke(key, admin, stage.redis)
            keys.append(key)
            choice.revoked.append(key)
            choice.next = choice.others[0]
            # They are tried on for a while after the bound.
            while choice.revoked and choice.revoked[0].acknowledged < now() - 1.5 * bound - 0.05:
                choice.revoked.popleft()
        time.sleep(1.5 * bound + 0.05)
        seconds = time.monotonic() - started
        for load in loads:
            load.end()
    show(options, counted, judge, keys, sum(load.requests for load in loads) / seconds)


def show(options, counted, judge, keys, rate):
    for way in WAYS:
        of_way = [key for key in keys if key.way == way]
        lags = [max(0.0, max(key.last_let_in.values()) - key.acknowledged) for key in of_way]
        what = f"{len(of_way)} revocations {way}, bound {options.bound} ms, {rate:.0f} requests a second"
        with counted.case(what) as case:
            for what, clients in (("before", "last_let_in"), ("after", "asked_after")):
                few = [key for key in of_way if len({name for name, _ in getattr(key, clients)}) < 2]
                case.equal(f"keys that were not tried at both gateways {what} their end", len(few), 0)
            case.note(", ".join(f"{name} {milliseconds(value)}" for name, value in numbers(lags)))
            late = sum(lag > options.bound / 1000 for lag in lags)
            case.equal("violations", late, 0)
            case.note(f"{late} violations of {sum(key.asked_after.total() for key in of_way)} requests after the end")
    with counted.case("all other answers") as case:
        case.equal("wrong", judge.wrong[:3], [])


def numbers(lags):
    return [("p50", percentile(lags, 0.5)), ("p99", percentile(lags, 0.99)), ("max", max(lags))]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--revocations", type=int)
    arguments.add_argument("--bound", type=int, default=250, help="ms")
    arguments.add_argument("--threads", type=int, default=3, help="clients of each gateway")
    arguments.add_argument("--every", type=int, default=15, help="ms for which a key is in use before it is revoked")
    arguments.add_argument("--long", action="store_true", help="1,000 revocations instead of 100")
    options = arguments.parse_args()
    options.revocations = options.revocations or (1000 if options.long else 100)
    check_programs()
    sys.setswitchinterval(0.0005)  # threads note instants: none may wait long for its turn
    counted = Counted("revocations")
    run(options, counted)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
