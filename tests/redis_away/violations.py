#!/usr/bin/python3
"""Random faults between the gateway and Redis, and never an old answer: a key that was revoked is not let in later
than the bound after the acknowledgement, and a key that is valid is never refused as if it were not.

    tests/redis_away/violations.py [--rounds N] [--first N] [--seed N] [--bound MS] [--kind NAME] [--long]

In each round a key is in the gateway's table and in use; something fails; the key is revoked in Redis itself, whose
reply is the acknowledgement; clients go on with this key, with valid ones that the table has or has not, and with
unknown ones. Then the fault is healed, and all must be as it should. What a round does follows from the seed and the
round's number alone: `--seed S --first N --rounds 1` is round N again.

The last line is `N passed, N failed`.
"""

import argparse
import collections
import random
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True

from rig import SECONDS, Caller, Counted, Key, Load, Stage, check_programs, end_script, make_hot  # noqa: E402
from rig import milliseconds, now  # noqa: E402

THREADS = 4


class Victim(Key):
    """The key that a round is about."""

    def __init__(self, number, kind):
        super().__init__()
        self.number = number
        self.kind = kind
        self.begun = None  # before the revoke was sent
        self.acknowledged = None  # when Redis' reply was here


class Round:
    def __init__(self, number, kind, options, stage, gateway):
        self.number = number
        self.kind = kind
        self.chance = random.Random(f"{options.seed} {number}")
        self.bound = options.bound / 1000
        self.stage = stage
        self.gateway = gateway
        self.victim = Victim(number, kind).write(stage.redis)
        self.cold = [stage.key() for _ in range(400)]
        self.extra = []  # threads with one request each

    def a_while(self, most):
        time.sleep(self.chance.random() * most)

    def revoke(self, before=(), after=()):
        """The acknowledgement is Redis' reply. before, after: commands in the same write."""
        change = ("HSET", self.victim.record, "status", "revoked")
        self.victim.begun = now()
        self.stage.redis.send(*before, change, *after)
        for _ in before:
            self.stage.redis.reply()
        self.stage.redis.reply()
        self.victim.acknowledged = now()
        for _ in after:
            self.stage.redis.reply()

    def past_the_bound(self):
        """Until requests are sent that the old record may not decide any more."""
        time.sleep(self.bound)
        self.a_while(0.2)

    def trackers(self):
        """CLIENT KILL for each connection that hears of changes."""
        heard = [one for one in self.stage.redis.clients() if set(one["flags"]) & set("tP") or int(one["sub"]) > 0]
        return [("CLIENT", "KILL", "ID", one["id"]) for one in heard]


# Each makes a fault, revokes, and leaves the healing to the caller, unless the fault is its own end.


def gateway_stands_still(here):
    here.gateway.stand_still()
    try:
        here.a_while(here.bound)
        here.revoke()
        for _ in range(4):  # sent while nobody reads, some before the bound and some after
            here.a_while(here.bound)
            here.extra.append(threading.Thread(target=here.ask_once, daemon=True))
            here.extra[-1].start()
        here.a_while(2 * here.bound)
    finally:
        here.gateway.go_on()


def swallowing(only):
    def fault(here):
        here.stage.relay.swallow(only, here.chance.choice([("up", "down"), ("down",), ("up",)]))
        here.a_while(here.chance.choice([0.0, here.bound]))
        here.revoke()
        here.past_the_bound()

    return fault


def holding(only):
    def fault(here):
        here.stage.relay.hold(only, here.chance.choice([("up", "down"), ("down",), ("up",)]))
        here.a_while(here.chance.choice([0.0, here.bound]))
        here.revoke()
        here.a_while(2 * here.bound)

    return fault


def delaying(here):
    times = here.chance.choice([5, 30, 60, 130, 300, 700])
    here.stage.relay.delay(times, here.chance.choice([("up", "down"), ("down",)]))
    here.a_while(0.2)
    here.revoke()
    here.past_the_bound()
    here.a_while(0.5)


def cutting(here):
    order = here.chance.random() < 0.5
    if order:
        here.stage.relay.refuse()
    here.revoke()
    if not order:
        here.stage.relay.cut(here.chance.choice(["all", "tracking"]))
    here.past_the_bound()


def redis_is_killed(here):
    if here.chance.random() < 0.7:
        here.revoke()
        here.stage.server.kill()
        here.a_while(2 * here.bound)
        here.stage.server.start()
        here.stage.reconnect()
    else:
        here.stage.server.kill()
        here.a_while(here.bound)
        here.stage.server.start()
        here.stage.reconnect()
        here.revoke()
    here.past_the_bound()


def tracking_is_killed(here):
    kills = here.trackers()
    if here.chance.random() < 0.5:
        here.revoke(before=kills)
    else:
        here.revoke(after=kills)
    here.past_the_bound()


def redis_stands_still(here):
    here.revoke()
    here.stage.server.stand_still()
    try:
        here.a_while(4 * here.bound)
    finally:
        here.stage.server.go_on()
    here.a_while(here.bound)


def busy_script(here):
    """A script that does not end: pings are answered -BUSY, and what was written before it must count all the same."""
    with here.stage.server.client() as other:
        here.revoke()
        other.send(("EVAL", "while true do end", 0))
        here.a_while(4 * here.bound)
        end_script(here.stage.redis)
    here.a_while(here.bound)


def nothing(here):
    here.revoke()
    here.past_the_bound()


FAULTS = {
    "none": nothing,
    "gateway stopped": gateway_stands_still,
    "tracking swallowed": swallowing("tracking"),
    "all swallowed": swallowing("all"),
    "tracking held": holding("tracking"),
    "all held": holding("all"),
    "delayed": delaying,
    "cut": cutting,
    "redis killed": redis_is_killed,
    "tracking killed": tracking_is_killed,
    "redis stopped": redis_stands_still,
    "busy script": busy_script,
}


class Judge:
    """What answers may be, and how many there were of which kind."""

    def __init__(self, bound):
        self.bound = bound
        self.here = None  # the round
        self.hot = []
        self.counts = collections.Counter()  # (kind, what)
        self.wrong = collections.defaultdict(list)  # by kind

    def complain(self, kind, what):
        self.wrong[kind].append(what)

    def count(self, what, more=1):
        self.counts[self.here.kind, what] += more

    def choose(self):
        chance, here = random.random(), self.here
        if here is None:  # not even the first round
            return None
        if chance < 0.6:
            return here.victim
        if chance < 0.8:
            return random.choice(self.hot)
        if chance < 0.9 and here.cold:
            try:
                return here.cold.pop()
            except IndexError:
                return here.victim
        return UNKNOWN if chance < 0.92 else here.victim

    def judge(self, key, answer):
        here = self.here
        told = (answer.status, answer.reason)
        self.count("requests")
        if told == (503, "store_unavailable"):
            return self.count("unavailable")
        if key is UNKNOWN:
            if told != (403, "key_unknown"):
                self.complain(here.kind, f"round {here.number}: an unknown key was answered {answer}")
        elif isinstance(key, Victim):
            self.judge_victim(key, answer, told)
        elif answer.status != 200:
            self.complain(here.kind, f"round {here.number}: a valid key was answered {answer}")

    def judge_victim(self, key, answer, told):
        # Of a change that is under way while this is asked, either answer is right.
        begun, acknowledged = key.begun, key.acknowledged
        is_late = acknowledged is not None and answer.sent > acknowledged + self.bound
        if is_late:
            self.count("late")
        if answer.status == 200:
            if is_late:
                after = milliseconds(answer.sent - acknowledged)
                self.complain(key.kind, f"round {key.number}: let in {after} after the acknowledgement")
        elif told != (403, "key_revoked") or begun is None:
            state = "active" if begun is None else "revoked"
            self.complain(key.kind, f"round {key.number}: the {state} key was answered {answer}")


UNKNOWN = Key()


def heal(here, judge):
    """@returns seconds until all was as it should be"""
    start = time.monotonic()
    here.stage.relay.pass_all()
    for thread in here.extra:
        thread.join()
    fresh = here.stage.key()
    with Caller(here.gateway.port) as caller:
        for what, key, wanted in (
            ("one that the table had", judge.hot[0], "200"),
            ("a new one", fresh, "200"),
            ("the revoked one", here.victim, "403 key_revoked"),
        ):
            last = ""
            end = time.monotonic() + SECONDS
            while last != wanted and time.monotonic() < end:
                answer = caller.ask(key)
                judge.judge(key, answer)
                last = str(answer)
                time.sleep(0.005)
            if last != wanted:
                judge.complain(here.kind, f"round {here.number}: {SECONDS} s after the end {what} is answered {last}")
    return time.monotonic() - start


def play(number, kind, options, stage, gateway, judge):
    here = Round(number, kind, options, stage, gateway)

    def ask_once():
        with Caller(gateway.port) as caller:
            judge.judge(here.victim, caller.ask(here.victim))

    here.ask_once = ask_once
    make_hot(gateway, here.victim)
    judge.here = here
    here.a_while(0.05)
    FAULTS[kind](here)
    seconds = heal(here, judge)
    time.sleep(max(0.0, here.victim.acknowledged + here.bound + 0.05 - now()))  # and some that are late
    return seconds


def kinds_of(options):
    """The kind of each round: all of them in turn, in an order that follows from the seed."""
    number = 0
    while True:
        names = [options.kind] if options.kind else list(FAULTS)
        random.Random(f"{options.seed} order {number}").shuffle(names)
        for name in names:
            yield number, name
            number += 1


def run(options, counted):
    judge = Judge(options.bound / 1000)
    recovery = collections.defaultdict(list)
    with (
        Stage(appendonly="yes", appendfsync="always", lua_time_limit=20) as stage,
        stage.gateway(revocation_bound=f"{options.bound}ms") as gateway,
    ):
        judge.hot = [stage.key() for _ in range(20)]
        make_hot(gateway, *judge.hot)
        loads = [Load(gateway, judge.choose, judge.judge, pause=0.0005) for _ in range(THREADS)]
        for load in loads:
            load.start()
        for number, kind in kinds_of(options):
            if number >= options.first + options.rounds:
                break
            if number < options.first:
                continue
            if options.verbose:
                print(f"     round {number}: {kind}", flush=True)
            recovery[kind].append(play(number, kind, options, stage, gateway, judge))
        for load in loads:
            load.choose = lambda: None  # what is under way is still judged
        for load in loads:
            load.end()
        with counted.case("the gateway") as case:
            case.equal("goes on", gateway.program.process.poll(), None)
            case.equal("exit status", gateway.stop(), 0)
    for kind, times in recovery.items():
        show(counted, judge, kind, times)


def show(counted, judge, kind, times):
    def count(what):
        return judge.counts[kind, what]

    with counted.case(f"{kind}, {len(times)} rounds") as case:
        case.equal(f"violations ({len(judge.wrong[kind])})", judge.wrong[kind][:3], [])
        case.true("requests were sent after the bound", count("late") > 0)
        case.note(f"{count('requests')} requests, {count('late')} with the revoked key after the bound")
        case.note(f"{count('unavailable')} were answered 503")
        case.note(f"healed within {milliseconds(max(times))}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int)
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--bound", type=int, default=250, help="ms")
    arguments.add_argument("--kind", choices=FAULTS)
    arguments.add_argument("--verbose", action="store_true", help="a line for each round")
    arguments.add_argument("--long", action="store_true", help="300 rounds instead of one of each kind")
    options = arguments.parse_args()
    options.rounds = options.rounds or (300 if options.long else len(FAULTS))
    check_programs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counted = Counted("violations")
    run(options, counted)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
