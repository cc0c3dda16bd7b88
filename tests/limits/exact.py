#!/usr/bin/python3
"""How exactly limits hold over four gateways.

    tests/limits/exact.py [--rounds N] [--kills N] [--only PART] [--seed N] [--long]

Four gateways on one Redis, 64 connections that are always busy. Each round has an owner, keys and a plan of its own,
and goes on until every gateway refuses. With `truth: shared` exactly what was sold passes, and Redis counts what
passed; with `leased` it is never more. Buckets pass their burst and what has dripped in meanwhile. Of requests at
once there are never more than allowed, and as many. In the parts with kills a gateway, or Redis, ends by SIGKILL in
the middle.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import itertools
import math
import random
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True

from crowd import Crowd, Job  # noqa: E402
from shop import Key, Stage, api, fields_of, redis_time, write_owner  # noqa: E402
from redis_server import DURABLE  # noqa: E402
from rig import SECONDS, Counted, becomes, check_programs  # noqa: E402
from wire_rig import raise_descriptors  # noqa: E402

GATEWAYS = 4
CONNECTIONS = 16  # to each gateway
SPAN = {"minute": 60, "hour": 3600, "day": 86400}
WINDOWS = {"1m": 60, "1h": 3600, "1d": 86400}
HEAVIEST = 5
ALWAYS = (1, 2, 3, 10)
FINE = {(200, ""), (429, "rate_limited"), (429, "quota_exceeded")}
AWAY = (503, "store_unavailable")
SOON = 3  # seconds
HOLDER = 10.0  # seconds for which a gateway that says nothing is believed


class Window:
    """A rate without a burst, or a quota of all requests."""

    def __init__(self, limit, span, by, is_quota=False):
        self.limit, self.span, self.by, self.is_quota = limit, span, by, is_quota
        period = {seconds: name for name, seconds in SPAN.items()}[span]
        self.text = f"{limit}/{period}" if is_quota else f"{limit}/{ {60: '1m', 3600: '1h', 86400: '1d'}[span] }"
        self.field = f"q:requests:{period}:UTC" if is_quota else f"w{span}"

    def setting(self):
        return {"limit" if self.is_quota else "rate": self.text, "by": self.by}

    def __str__(self):
        return f"{'quota ' if self.is_quota else ''}{self.text} by {self.by}"


class Bucket:
    def __init__(self, limit, span, burst, by):
        self.limit, self.span, self.burst, self.by = limit, span, burst, by
        self.text = f"{limit}/{ {1: '1s', 60: '1m', 3600: '1h'}[span] }"
        self.speed = limit / span

    def setting(self):
        return {"rate": self.text, "burst": self.burst, "by": self.by}

    def __str__(self):
        return f"{self.text} burst {self.burst} by {self.by}"


class Rolling:
    """A short window: many of them begin and end in a round."""

    def __init__(self, limit, span, by):
        self.limit, self.span, self.by = limit, span, by
        self.text = f"{limit}/{span}s"

    def setting(self):
        return {"rate": self.text, "by": self.by}

    def __str__(self):
        return f"{self.text} by {self.by}"


class Round:
    """What one round has: a plan, keys, weights."""

    def __init__(self, number, source, kind, truth, limit=None):
        self.name = f"p{number}"
        self.kind = kind
        self.truth = truth
        self.is_weighted = source.random() < 0.4
        self.least = HEAVIEST if self.is_weighted else 1
        self.keys = 1
        self.limits = getattr(self, f"draw_{kind}")(source, limit)

    def size(self, source, limit, most=10_000):
        """Of even sizes in the logarithm; weights must fit in."""
        drawn = limit or round(math.exp(source.uniform(0, math.log(most))))
        return max(drawn, self.least)

    def draw_key(self, source, limit):
        return [Window(self.size(source, limit), source.choice(list(WINDOWS.values())), "key")]

    def draw_owner(self, source, limit):
        self.keys = 3
        return [Window(self.size(source, limit), source.choice(list(WINDOWS.values())), "owner")]

    def draw_quota(self, source, limit):
        self.keys = source.choice((1, 3))
        by = source.choice(("key", "owner"))
        return [Window(self.size(source, limit), source.choice(list(SPAN.values())), by, True)]

    def draw_bucket(self, source, limit):
        span = source.choice((1, 60, 3600))
        most = 200 * span if span < 60 else 10_000
        burst = self.size(source, limit, 2000)
        return [Bucket(max(1, round(math.exp(source.uniform(0, math.log(most))))), span, burst, "key")]

    def draw_rolling(self, source, limit):
        span = source.choice((1, 1, 2))
        return [Rolling(self.size(source, limit, 100 * span), span, source.choice(("key", "owner")))]

    def draw_several(self, source, limit):
        self.keys = 3
        size = self.size(source, limit, 3000)
        return [
            Window(size, 3600, "key"),
            Window(max(round(size * source.uniform(1, 4)), self.least), 86400, "owner"),
            Window(max(round(size * source.uniform(0.5, 4)), self.least), 86400, "owner", True),
            Window(max(round(size * source.uniform(0.5, 2)), self.least), 3600, "key", True),
        ]

    @property
    def api(self):
        return self.truth + ("-weighted" if self.is_weighted else "")

    @property
    def room(self):
        """Seconds of its shortest window in which it must lie."""
        return 2 + sum(limit.limit for limit in self.limits if isinstance(limit, Window)) / 1000

    def fits(self, now):
        return all(
            limit.span - now % limit.span > self.room for limit in self.limits if isinstance(limit, Window)
        )

    def plan(self):
        windows = [limit for limit in self.limits if isinstance(limit, Window)]
        quotas = [limit.setting() for limit in windows if limit.is_quota]
        rates = [limit.setting() for limit in self.limits if not getattr(limit, "is_quota", False)]
        for number, setting in enumerate(rates + quotas):
            setting["name"] = f"n{number}"
        plan = {}
        if rates:
            plan["rate"] = rates
        if quotas:
            plan["quota"] = {"requests": quotas}
        return plan

    def __str__(self):
        weights = ", weights 1 to 5" if self.is_weighted else ""
        return f"{self.truth} {' and '.join(map(str, self.limits))}{weights}"


KINDS = ("key", "owner", "quota", "bucket", "rolling", "several")


def draw_rounds(source, truths, count, kinds=KINDS, first=0, limits=None):
    """Each kind with each truth, in turn; some of them with the limits that are always tried."""
    turns = itertools.cycle(itertools.product(kinds, truths))
    always = [limit for limit in (limits or ALWAYS) for _ in range(len(truths) * len(kinds))]
    rounds = []
    for number in range(count):
        kind, truth = next(turns)
        limit = always.pop(0) if always and (limits or source.random() < 0.4) else None
        rounds.append(Round(first + number, source, kind, truth, limit))
    return rounds


def apis_of(rounds, origin, more=None):
    """Two of each truth, as no plan may have less room than the heaviest route weighs."""
    plans = {}
    for one in rounds:
        plans.setdefault(one.api, {})[one.name] = one.plan()
    apis = {}
    for name, these in plans.items():
        truth = name.removesuffix("-weighted")
        limits = {"truth": "leased" if truth == "leased" else "shared"}
        if truth in ("refuse", "local"):
            limits["when_away"] = truth
        routes = {"GET /v1/**": "key"}
        if name != truth:
            routes = {f"GET /w{cost}/**": {"access": "key", "weight": cost} for cost in range(1, HEAVIEST + 1)}
        apis[name] = api(these, origin, limits, routes, hosts=[name])
    return apis | (more or {})


class Seen:
    """What a round showed, beside the tally."""

    def __init__(self, stage, one, keys, job):
        self.stage, self.one, self.keys, self.job = stage, one, keys, job
        self.tally = None
        self.each = len(job.requests) // len(keys)

    def passed(self, key=None):
        """What passed costs: of one key, or of all."""
        numbers = range(len(self.job.requests))
        if key is not None:
            numbers = range(key * self.each, (key + 1) * self.each)
        return sum(self.tally.of(200, request=number) * self.job.requests[number][1] for number in numbers)

    def lost(self):
        """What those cost that got no answer."""
        return sum(count * self.job.requests[number][1] for (_, number), count in self.tally.broken.items())

    def counted(self, limit, key=0):
        """In Redis: what is used, and the window's beginning in seconds."""
        name = self.keys[key].count("k" if limit.by == "key" else "o")
        begin, used = fields_of(self.stage.redis, name).get(limit.field, "0 0").split()
        return int(used), int(begin) // 1_000_000

    def groups(self, limit):
        """(what passed, what Redis has) of each that it counts."""
        if limit.by == "owner":
            return [(self.passed(), self.counted(limit)[0])]
        return [(self.passed(key), self.counted(limit, key)[0]) for key in range(len(self.keys))]


def prepare(stage, one):
    write_owner(stage.redis, one.name, one.api, one.name)
    keys = [Key(one.api, one.name).write(stage.redis) for _ in range(one.keys)]
    requests = []
    for key in keys:
        if one.is_weighted:
            requests += [(key.request(f"/w{cost}/x"), cost) for cost in range(1, HEAVIEST + 1)]
        else:
            requests.append((key.request(), 1))
    # The same refusal to all keys and at every gateway, some times: nothing is left. Or for some time, where something
    # comes all the time.
    job = Job(requests, "dry", 6)
    if isinstance(one.limits[0], (Bucket, Rolling)):
        job = Job(requests, "refused", 10, least=0.3 if isinstance(one.limits[0], Bucket) else 2.5)
    return Seen(stage, one, keys, job)


def check_round(case, seen):
    one, tally = seen.one, seen.tally
    case.equal(f"other answers, {one}", {told: n for told, n in tally.answers().items() if told not in FINE}, {})
    case.equal(f"broken connections, {one}", dict(tally.broken), {})
    case.true(f"it came to its end, {one}", tally.is_dry)
    for limit in one.limits:
        if isinstance(limit, Bucket):
            check_bucket(case, seen, limit)
            continue
        if isinstance(limit, Rolling):
            check_rolling(case, seen, limit)
            continue
        for passed, counted in seen.groups(limit):
            case.true(f"no more than was sold, {one}: {passed}", passed <= limit.limit)
            if one.truth == "shared":
                case.equal(f"Redis' count of {limit}, {one}", counted, passed)
            else:
                case.true(f"Redis counts what passed, {one}: {counted}, {passed}", passed <= counted <= limit.limit)
    if one.truth == "shared" and isinstance(one.limits[0], Window):
        for key in range(len(seen.keys)):
            spent = [limit for limit in one.limits if is_spent(seen, limit, key)]
            left = {str(limit): (seen.passed(key), seen.passed()) for limit in one.limits}
            case.true(f"all that was sold passed, {one}: {left}", spent)


def is_spent(seen, limit, key):
    return (seen.passed() if limit.by == "owner" else seen.passed(key)) == limit.limit


def check_bucket(case, seen, limit):
    tally, passed = seen.tally, seen.passed()
    most = limit.burst + math.floor(limit.speed * (tally.last_told - tally.first_sent) + 1e-3)
    case.true(f"at most burst and what dripped in, {seen.one}: {passed}, not {most}", passed <= most)
    if seen.one.truth == "leased":
        return
    # A bucket that runs full loses what comes then: only of one that is slow, or large, it is known what must pass.
    seconds = max(tally.last_refused - tally.first_told, 0)
    least = limit.burst if limit.burst < limit.speed * 0.3 + 2 else limit.burst + math.floor(limit.speed * seconds)
    case.true(f"at least burst and what dripped in, {seen.one}: {passed}, not {least}", passed >= least)


def check_rolling(case, seen, limit):
    """All of each window that lies in the round as a whole, and no more than that of each that it touches."""
    tally, passed, span = seen.tally, seen.passed(), limit.span
    most = limit.limit * (math.floor(tally.last_told / span) - math.floor(tally.first_sent / span) + 1)
    case.true(f"no more than was sold, {seen.one}: {passed}, not {most}", passed <= most)
    if seen.one.truth == "shared":
        whole = math.floor(tally.last_refused / span) - math.ceil(tally.first_told / span)
        case.true(f"all of {whole} windows, {seen.one}: {passed}", passed >= limit.limit * max(whole, 0))


def run_all(case, stage, crowd, rounds):
    """Those first whose windows have room for them now."""
    rounds = list(rounds)
    shares, requests = [], 0
    while rounds:
        now = redis_time(stage.redis)
        one = next((one for one in rounds if one.fits(now)), None)
        if one is None:
            time.sleep(0.1)  # until the next minute has begun
            continue
        rounds.remove(one)
        seen = prepare(stage, one)
        seen.tally = crowd.run(seen.job)
        check_round(case, seen)
        requests += seen.tally.counts.total()
        if one.truth == "leased" and one.kind in ("key", "owner", "quota"):
            shares.append(seen.passed() / sum(one.limits[0].limit for _ in seen.groups(one.limits[0])))
    case.note(f"{requests} requests")
    return shares


def rounds_part(counted, stage, crowd, gateways, rounds):
    for kind in KINDS:
        for truth in ("shared", "leased"):
            these = [one for one in rounds if (one.kind, one.truth) == (kind, truth)]
            if not these:
                continue
            sizes = [one.limits[0].limit for one in these]
            what = f"{truth}, {kind}: {len(these)} rounds, limits {min(sizes)} to {max(sizes)}"
            with counted.case(what) as case:
                shares = run_all(case, stage, crowd, these)
                if shares:
                    least, middle = min(shares), statistics.median(shares)
                    case.note(f"passed of what was sold: min {least:.4f}, median {middle:.4f}")
                away = sum(gateway.metric("keygate_limit_decisions_away_total") for gateway in gateways)
                case.equal("decisions while Redis was away", away, 0)


# ---- a gateway ends in the middle


def middle_of(crowd, one, share):
    """Is so much of it spent? Or has it come to its end?"""
    first = one.limits[0]
    whole = first.burst if isinstance(first, Bucket) else first.limit
    return becomes(lambda: crowd.passed >= share * whole, SECONDS)


def kill_a_gateway(case, stage, crowd, gateways, one, source):
    wait_until_it_fits(stage, one)
    seen = prepare(stage, one)
    victim = source.choice(gateways)
    crowd.begin(seen.job)
    middle_of(crowd, one, source.uniform(0.1, 0.9))
    victim.kill()
    seen.tally = tally = crowd.result()
    try:
        case.equal(f"other answers, {one}", {told: n for told, n in tally.answers().items() if told not in FINE}, {})
        case.true(f"it came to its end, {one}", tally.is_dry)
        limit, lost = one.limits[0], seen.lost()
        if isinstance(limit, Bucket):
            check_bucket_of_the_living(case, seen, limit)
            return lost, 1.0
        groups = seen.groups(limit)
        for passed, counted in groups:
            case.true(f"no more than was sold, {one}: {passed}", passed <= limit.limit)
            case.true(f"Redis has no more, {one}: {counted}", passed <= counted <= limit.limit)
            if one.truth == "shared":
                case.equal(f"Redis' count, {one}", counted, limit.limit)
        sold = limit.limit * len(groups)
        missing = sold - seen.passed()
        if one.truth == "shared":
            case.true(f"what is missing was on its way, {one}: {missing}, {lost}", missing <= lost)
        return lost, 1 - missing / sold
    finally:
        victim.start()


def check_bucket_of_the_living(case, seen, limit):
    tally, passed = seen.tally, seen.passed()
    most = limit.burst + math.floor(limit.speed * (tally.last_told - tally.first_sent) + 1e-3)
    case.true(f"at most burst and what dripped in, {seen.one}: {passed}, not {most}", passed <= most)
    if seen.one.truth == "shared" and limit.burst >= limit.speed * 0.3 + 2:
        least = limit.burst + math.floor(limit.speed * max(tally.last_refused - tally.first_told, 0)) - seen.lost()
        case.true(f"at least burst and what dripped in, {seen.one}: {passed}, not {least}", passed >= least)


def wait_until_it_fits(stage, one):
    while not one.fits(redis_time(stage.redis)):
        time.sleep(0.1)


def gateway_kills(counted, stage, crowd, gateways, rounds, source):
    for truth in ("shared", "leased"):
        these = [one for one in rounds if one.truth == truth]
        with counted.case(f"{truth}, kill -9 of a gateway in the middle: {len(these)} times") as case:
            seen = [kill_a_gateway(case, stage, crowd, gateways, one, source) for one in these]
            shares = [share for _, share in seen]
            case.note(f"up to {max(lost for lost, _ in seen)} on their way")
            case.note(f"passed of what was sold: min {min(shares):.4f}, median {statistics.median(shares):.4f}")


# ---- Redis ends in the middle


def kill_redis(case, stage, crowd, one, source):
    """Once the gateways have noticed, it comes back."""
    wait_until_it_fits(stage, one)
    seen = prepare(stage, one)
    crowd.begin(seen.job)
    middle_of(crowd, one, source.uniform(0.1, 0.9))
    stage.server.kill()
    before = crowd.others + crowd.passed
    becomes(lambda: crowd.others + crowd.passed > before + 100 or all(map(crowd.refused, range(GATEWAYS))), 1.0)
    stage.server.start()
    stage.reconnect()
    seen.tally = tally = crowd.result()
    # Also where limits are counted here meanwhile: keys themselves are not known for a moment.
    told = {told: n for told, n in tally.answers().items() if told not in FINE | {AWAY}}
    case.equal(f"other answers, {one}", told, {})
    case.equal(f"broken connections, {one}", dict(tally.broken), {})
    case.true(f"it came to its end, {one}", tally.is_dry)
    limit, passed = one.limits[0], seen.passed()
    most = limit.limit * (1 if one.truth == "refuse" else 1 + GATEWAYS)
    case.true(f"at most {most}, {one}: {passed}", passed <= most)
    counted = sum(counted for _, counted in seen.groups(limit))
    case.equal(f"Redis' count, {one}", counted, limit.limit)
    return passed / limit.limit, tally.of(503)


def redis_kills(counted, stage, crowd, rounds, source):
    for policy in ("refuse", "local"):
        these = [one for one in rounds if one.truth == policy]
        with counted.case(f"when_away {policy}, kill -9 of Redis in the middle: {len(these)} times") as case:
            seen = [kill_redis(case, stage, crowd, one, source) for one in these]
            shares = [share for share, _ in seen]
            case.note(f"passed of what was sold: {min(shares):.4f} to {max(shares):.4f}")
            case.note(f"{sum(refused for _, refused in seen)} were told 503")


# ---- requests at once


class AtOnce:
    def __init__(self, stage, crowd, plan, by="key"):
        self.stage, self.crowd, self.plan, self.by = stage, crowd, plan, by
        owner = f"{plan}-{random.getrandbits(60)}"
        write_owner(stage.redis, plan, "at-once", owner)
        self.keys = [Key("at-once", owner).write(stage.redis) for _ in range(3 if by == "owner" else 1)]

    def job(self, path):
        return Job([(key.request(path), 1) for key in self.keys], "told", most=120)

    def are_all_refused(self, gateways):
        """Those gateways refuse some more: all that still ask, as each holds as many as it happened to let in."""

        def refused():
            return sum(map(self.crowd.refused, gateways))

        before = refused()
        return becomes(lambda: refused() > before + 10 * CONNECTIONS, SECONDS)

    def running(self):
        """What Redis believes."""
        fields = fields_of(self.stage.redis, self.keys[0].count("k" if self.by == "key" else "o", "c:"))
        now = redis_time(self.stage.redis) * 1e6
        holders = [field[2:] for field in fields if field.startswith("e:") and int(fields[field]) > now]
        return sum(int(fields.get(f"n:{holder}", 0)) for holder in holders)

    def over(self, case):
        """All are answered."""
        self.crowd.end()
        end = time.monotonic() + SECONDS
        while not self.crowd.is_done() and time.monotonic() < end:
            self.stage.origin.release()
            time.sleep(0.005)
        tally = self.crowd.result()
        case.true(f"none is held: {self.stage.origin.running}", self.stage.origin.running == 0)
        case.true(f"none is counted: {self.running()}", becomes(lambda: self.running() == 0, SOON))
        return tally


def at_once(case, stage, crowd, size, by, long_hold):
    """As many as are sold, again after they have ended, and while they come and go."""
    origin = stage.origin
    place = AtOnce(stage, crowd, f"n{size}-{by}", by)
    everywhere = range(GATEWAYS)
    for turn in ("first", "again"):
        origin.forget_peak()
        before = origin.count
        crowd.begin(place.job("/v1/hold"))
        case.true(f"{size} are soon running, {turn}: {origin.running}", becomes(lambda: origin.running >= size, SOON))
        case.true("the others are refused", place.are_all_refused(everywhere))
        case.equal(f"running, {turn}", (origin.running, origin.peak), (size, size))
        case.true(f"Redis knows of all: {place.running()}", place.running() >= size)
        if turn == "first":
            # What is held for long is told again and again, whatever is refused meanwhile.
            time.sleep(long_hold)
            case.equal(f"running after {long_hold} s", (origin.running, origin.peak), (size, size))
            origin.release()
            others = becomes(lambda: origin.count >= before + 2 * size, SOON)
            left = f"{origin.count - before - size} of {size}, of which Redis believes {place.running()}"
            case.true(f"after them others are running within {SOON} s: {left}", others)
        tally = place.over(case)
        told = {(200, ""), (429, "concurrency_exceeded")}
        case.equal("other answers", {told_: n for told_, n in tally.answers().items() if told_ not in told}, {})
    origin.forget_peak()
    crowd.begin(place.job("/v1/nap"))
    before = origin.count
    case.true("some come and go", becomes(lambda: origin.count > before + 4 * size + 100, SECONDS))
    place.over(case)
    case.true(f"never more than {size} at once: {origin.peak}", origin.peak <= size)
    return origin.peak == size


def at_once_kill(case, stage, crowd, gateways, size, source):
    """What a dead gateway has running is believed for some seconds, what living ones have for ever."""
    origin = stage.origin
    place = AtOnce(stage, crowd, f"n{size}-key")
    victim = source.randrange(GATEWAYS)
    living = [number for number in range(GATEWAYS) if number != victim]
    origin.forget_peak()
    crowd.begin(place.job("/v1/hold"))
    case.true(f"{size} are running: {origin.running}", becomes(lambda: origin.running >= size, SECONDS))
    case.true("the others are refused", place.are_all_refused(range(GATEWAYS)))
    gateways[victim].kill()
    killed = time.monotonic()
    try:
        becomes(lambda: origin.running < size, 2)  # unless it had none
        left = origin.running
        freed = becomes(lambda: origin.running >= size, HOLDER + 5)
        seconds = time.monotonic() - killed
        case.true(f"its share is free after {seconds:.1f} s: {origin.running} of {size}, {left} were left", freed)
        case.true(f"not much later than {HOLDER} s: {seconds:.1f} s", left == size or seconds < HOLDER + 2)
        case.true("the others are refused again", place.are_all_refused(living))
        # Twice as long as anybody is believed who says nothing, or some seconds in all.
        case.true(f"never more than {size}: {origin.peak}", origin.peak <= size)
        place.over(case)
    finally:
        gateways[victim].start()
    return size - left, seconds


SIZES = (1, 2, 3, 10, 20, 40)


def at_once_api(origin):
    plans = {}
    for size, by in itertools.product(SIZES, ("key", "owner")):
        plans[f"n{size}-{by}"] = {"concurrency": {"limit": size, "by": by}}
    return {"at-once": api(plans, origin, {"truth": "shared"}, {"GET /v1/**": "key"}, hosts=["at-once"])}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, help="of each truth")
    arguments.add_argument("--kills", type=int, help="of each kind")
    arguments.add_argument("--seed", type=int, help="for the same rounds again")
    arguments.add_argument("--only", choices=("rounds", "at-once", "gateway-kills", "redis-kills"))
    arguments.add_argument("--long", action="store_true", help="500 rounds, 60 kills of each kind")
    options = arguments.parse_args()
    check_programs()
    raise_descriptors()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    source = random.Random(seed)
    count = options.rounds or (500 if options.long else 12)
    kills = options.kills or (60 if options.long else 2)
    counted = Counted(f"exact (--seed {seed})")
    rounds = draw_rounds(source, ("shared", "leased"), 2 * count)
    kinds = ("key", "owner", "quota", "bucket")
    middles = [source.randrange(200, 5000) for _ in range(4 * kills + 8)]
    dying = draw_rounds(source, ("shared", "leased"), 2 * kills, kinds, len(rounds), middles)
    without = draw_rounds(source, ("refuse", "local"), 2 * kills, ("key", "owner"), len(rounds) + len(dying), middles)

    def wants(part):
        return options.only in (None, part)

    if wants("rounds") or wants("at-once"):
        with contextlib.ExitStack() as stack:
            stage = stack.enter_context(Stage())
            gateways = stage.gateways(GATEWAYS, apis_of(rounds, stage.origin, at_once_api(stage.origin)))
            crowd = stack.enter_context(Crowd([gateway.port for gateway in gateways], CONNECTIONS))
            if wants("rounds"):
                rounds_part(counted, stage, crowd, gateways, rounds)
            if wants("at-once"):
                some = list(itertools.product(SIZES, ("key", "owner"))) if options.long else [(3, "key"), (20, "owner")]
                hold = 12 if options.long else 4
                with counted.case(f"requests at once: {', '.join(f'{size} by {by}' for size, by in some)}") as case:
                    full = [at_once(case, stage, crowd, size, by, hold) for size, by in some]
                    case.note(f"as many as are allowed while they come and go: {sum(full)} of {len(full)} times")
    if wants("gateway-kills") or wants("redis-kills"):
        with contextlib.ExitStack() as stack:
            stage = stack.enter_context(Stage(**DURABLE))
            apis = apis_of(dying + without, stage.origin, at_once_api(stage.origin))
            gateways = stage.gateways(GATEWAYS, apis, revocation_bound="250ms", stale_while_down="60s")
            crowd = stack.enter_context(Crowd([gateway.port for gateway in gateways], CONNECTIONS))
            if wants("gateway-kills"):
                gateway_kills(counted, stage, crowd, gateways, dying, source)
                times = max(1, kills // 5)
                with counted.case(f"requests at once, kill -9 of a gateway: {times} times") as case:
                    seen = [
                        at_once_kill(case, stage, crowd, gateways, source.choice(SIZES[3:]), source)
                        for _ in range(times)
                    ]
                    freed = [seconds for held, seconds in seen if held] or [0.0]
                    case.note(f"its share was free after {min(freed):.1f} to {max(freed):.1f} s")
            if wants("redis-kills"):
                redis_kills(counted, stage, crowd, without, source)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
