"""What products' documents say of last use, revocation and plans, over two gateways on one Redis.

A change at one counts there for the next request, and at the other for every request that is sent when the bound is
over. `checks` is the product's module; a stage's own admin API is that of its own gateway. What the module says:

    SUMMARY, OWNER   a path that any key may GET, and whose keys the table's are
    PLAN, POOR       plans with and without the API; None where the product's document has no plans
    REVOKED          what a revoked key is told: status and reason
    within, hammer   as in reelplus.py
"""

import calendar
import json
import signal
import threading
import time

from product import BOUND, SECONDS

ROUNDS = 10


def run(checks, first, second, report, more=()):
    """@param more  the product's own: (what is shown, function of checks, gateways and case)"""
    gateways = (first, second)
    for name, show in (
        ("revocation: at either gateway, whole at both within the bound", revocation),
        ("revocation: of a key that both use all the time", revocation_in_use),
        ("revocation: by a command, where no gateway runs", revocation_by_command),
        *([("plans: a change at either gateway counts at both within the bound", plans)] if checks.POOR else []),
        ("last use: moved by either gateway, never back, shown alike by both", last_use),
        ("last use: a gateway that was late does not turn it back", late_writer),
        ("last use: many requests, one write in a second", few_writes),
        *more,
    ):
        with report.case(f"two gateways: {name}") as case:
            show(checks, gateways, case)


def here(stage, method, path, body=None, wanted=(200, 201)):
    """A call at this gateway, whoever the operator of others is."""
    status, reply = stage.call_here(method, path, body)
    if status not in wanted:
        raise RuntimeError(f"{method} {path}: {status} {reply}")
    return reply


def make(checks, stage, owner):
    plan = {"plan": checks.PLAN} if checks.PLAN else {}
    here(stage, "PUT", f"/owners/{owner}", {"api": stage.product, **plan})
    return here(stage, "POST", "/keys", {"api": stage.product, "owner": owner})


def ask(checks, stage, key):
    """When it was sent, and what was answered."""
    return time.monotonic(), stage.get(checks.SUMMARY, key["key"])


def until_bound(checks, case, stage, key, acknowledged, before, after):
    """Asks until the bound is over: first may come the old answer, then the new one alone. @returns the last instant
    at which the old one was still right there."""
    last, is_new = acknowledged, False
    while True:
        sent, answer = ask(checks, stage, key)
        if sent > acknowledged + BOUND:
            case.equal("the answer when the bound is over", answer, after)
            return last - acknowledged
        case.true(f"{answer} within the bound", answer in (before, after))
        case.true("never back", answer == after or not is_new)
        is_new = answer == after
        if not is_new:
            last = sent


def both_ways(gateways, rounds=ROUNDS):
    for number in range(rounds):
        yield gateways if number % 2 == 0 else gateways[::-1]


def revocation(checks, gateways, case):
    lags = []
    for at, other in both_ways(gateways):
        key = make(checks, at, "shop-two")
        for stage in gateways:
            case.equal("before", ask(checks, stage, key)[1], (200, None))
        here(at, "POST", f"/keys/{key['id']}:revoke")
        acknowledged = time.monotonic()
        case.equal("the next request where it was revoked", ask(checks, at, key)[1], checks.REVOKED)
        case.equal("shown by the other", here(other, "GET", f"/keys/{key['id']}")["status"], "revoked")
        lags.append(until_bound(checks, case, other, key, acknowledged, (200, None), checks.REVOKED))
    case.note(f"{ROUNDS} keys, let in at the other one for at most {1000 * max(lags):.1f} ms")


def revocation_in_use(checks, gateways, case):
    key = make(checks, gateways[0], "shop-two")
    seen = {stage: [] for stage in gateways}
    stop = threading.Event()
    threads = [
        threading.Thread(target=checks.hammer, args=(stage, key["key"], seen[stage], stop))
        for stage in gateways
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    checks.within(SECONDS, lambda: all(len(answers) > 100 for answers in seen.values()))
    before = {status for answers in seen.values() for _, status in answers}
    here(gateways[1], "POST", f"/keys/{key['id']}:revoke")
    acknowledged = time.monotonic()
    checks.within(SECONDS, lambda: time.monotonic() > acknowledged + BOUND)
    later = {stage: len(answers) for stage, answers in seen.items()}
    checks.within(SECONDS, lambda: all(len(answers) > later[stage] + 50 for stage, answers in seen.items()))
    stop.set()
    for thread in threads:
        thread.join()
    case.equal("before the call", before, {200})
    for stage, since in ((gateways[1], acknowledged), (gateways[0], acknowledged + BOUND)):
        after = [status for sent, status in seen[stage] if sent > since]
        case.true(f"{len(after)} requests that must know", len(after) > 50)
        case.equal("their answers", set(after), {checks.REVOKED[0]})
    case.note(f"{sum(map(len, seen.values()))} requests at both, none let in that was sent later than it may")


def revocation_by_command(checks, gateways, case):
    """A machine with the configuration alone: the command speaks to Redis itself."""
    with gateways[0].another_configuration() as third:
        key = json.loads(third.command("keys", "create", "--api", third.product, "--owner", checks.OWNER, "--json"))
        for stage in gateways:
            case.equal("before", ask(checks, stage, key)[1], (200, None))
        third.command("keys", "revoke", key["id"])
        acknowledged = time.monotonic()
        for stage in gateways:
            until_bound(checks, case, stage, key, acknowledged, (200, None), checks.REVOKED)
    case.note("made and revoked, and known to both gateways within the bound")


def plans(checks, gateways, case):
    owner = "shop-two-plans"
    key = make(checks, gateways[0], owner)
    answers = {checks.PLAN: (200, None), checks.POOR: (403, "plan_no_api")}
    lags = []
    for at, other in both_ways(gateways):
        for plan, before in ((checks.POOR, checks.PLAN), (checks.PLAN, checks.POOR)):
            case.equal("before", ask(checks, other, key)[1], answers[before])
            here(at, "PUT", f"/owners/{owner}", {"api": at.product, "plan": plan})
            acknowledged = time.monotonic()
            case.equal("the next request where it was changed", ask(checks, at, key)[1], answers[plan])
            lags.append(until_bound(checks, case, other, key, acknowledged, answers[before], answers[plan]))
    case.note(f"{len(lags)} changes, the old plan at the other one for at most {1000 * max(lags):.1f} ms")


# ---- last use


def shown(stage, key):
    return here(stage, "GET", f"/keys/{key['id']}")["last_used_at"]


def total(stage, key):
    return here(stage, "GET", f"/usage?key={key['id']}")["counters"]["requests"]["total"]


def as_seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def last_use(checks, gateways, case):
    key = make(checks, gateways[0], "shop-two-used")
    case.equal("never used", [shown(stage, key) for stage in gateways], [None, None])
    seen = {stage: [] for stage in gateways}
    stop = threading.Event()

    def watch(stage):
        while not stop.is_set():
            seen[stage].append(shown(stage, key) or "")

    watchers = [threading.Thread(target=watch, args=(stage,)) for stage in gateways]
    for watcher in watchers:
        watcher.start()
    count = 0
    for turn in range(6):
        used = gateways[turn % 2]
        begun = int(time.time())
        case.equal("status", ask(checks, used, key)[1], (200, None))
        count += 1
        for stage in gateways:
            moved = checks.within(SECONDS, lambda: (shown(stage, key) or "") and as_seconds(shown(stage, key)) >= begun)
            case.true("it moved at both", moved)
            case.true("not into the future", as_seconds(shown(stage, key)) <= time.time())
        checks.within(SECONDS, lambda: int(time.time()) > begun)  # another second, so that a move would show
    stop.set()
    for watcher in watchers:
        watcher.join()
    for stage in gateways:
        case.equal("in order", seen[stage], sorted(seen[stage]))
        case.true("all are counted, none twice", checks.within(SECONDS, lambda: total(stage, key) == count))
    case.equal("the same at both", shown(gateways[0], key), shown(gateways[1], key))
    case.note(f"{count} requests in turn, {sum(map(len, seen.values()))} views, each as late as the one before or later")


def late_writer(checks, gateways, case):
    """One is stopped before it has written what it knows; the other is used later, and writes earlier."""
    first, second = gateways
    key = make(checks, first, "shop-two-late")
    try:
        case.equal("status", ask(checks, second, key)[1], (200, None))
        second.gateway.process.send_signal(signal.SIGSTOP)
        begun = int(time.time())
        checks.within(SECONDS, lambda: int(time.time()) > begun + 1)
        used = int(time.time())
        case.equal("status", ask(checks, first, key)[1], (200, None))
        is_later = checks.within(SECONDS, lambda: (shown(first, key) or "") and as_seconds(shown(first, key)) >= used)
        case.true("the later one is shown", is_later)
        later = shown(first, key)
    finally:
        second.gateway.process.send_signal(signal.SIGCONT)
    case.true("both are counted", checks.within(SECONDS, lambda: total(first, key) == 2))
    for stage in gateways:
        case.true("the same at both", checks.within(SECONDS, lambda: shown(stage, key) == later))
    case.note("the later one stays, both are counted")


def few_writes(checks, gateways, case):
    keys = [make(checks, gateways[0], "shop-two-many") for _ in range(5)]
    requests = 200
    with gateways[0].redis.client() as redis:
        before = writes_of(redis)
        begun = time.monotonic()
        for number in range(requests):
            stage = gateways[number % 2]
            case.equal("status", ask(checks, stage, keys[number % len(keys)])[1], (200, None))
        for stage in gateways:
            is_whole = checks.within(SECONDS, lambda: sum(total(stage, key) for key in keys) == requests)
            case.true("all are counted", is_whole)
        written = writes_of(redis) - before
        seconds = time.monotonic() - begun
    most = len(gateways) * (int(seconds) + 2)
    case.true(f"{written} writes in {seconds:.1f} s, at most {most}", 0 < written <= most)
    case.note(f"{requests} requests at two gateways, {written} writes in {seconds:.1f} s")


def writes_of(redis):
    """Scripts alone add up what keys did."""
    calls = redis.calls()
    return sum(calls.get(name, 0) for name in ("eval", "evalsha"))
