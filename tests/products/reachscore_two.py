"""ReachScore over two gateways: rows of its own."""

import threading
import time

import acts
import two_gateways as both
from product import SECONDS
from reachscore_words import KEYS, ME, TESTS_LIMIT, fresh_owner
from steps import within


def two_gateways(checks, first, second, report):
    both.run(checks, first, second, report, (
        ("the 1000 tests of a month over both: not one more, not one less", quota_at_both),
        ("a key that a key makes at one works at both at once", made_at_both),
        ("who asks is told the same at both", told_at_both),
        ("scopes: an edit at either gateway counts at both within the bound", scopes_at_both),
    ))  # fmt: skip


def quota_at_both(checks, gateways, case):
    owner = fresh_owner(gateways[0])
    keys = [both.here(gateways[0], "POST", "/keys", {"api": "reachscore", "owner": owner})["key"] for _ in gateways]
    before = len(gateways[0].api.seen)
    answers, lock = [], threading.Lock()

    def spend(stage, key):
        with acts.Line(stage, key) as line:
            while True:
                status = line.ask("POST", "/v1/tests").status
                with lock:
                    answers.append(status)
                if status != 200:
                    return

    threads = [threading.Thread(target=spend, args=(stage, key)) for stage in gateways for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.equal("let in", answers.count(200), TESTS_LIMIT)
    case.equal("the others", set(answers), {200, 429})
    case.equal("tests at the API", len(gateways[0].api.seen) - before, TESTS_LIMIT)
    case.note(f"{len(threads)} connections at two gateways, two keys: {answers.count(200)} let in")


def made_at_both(checks, gateways, case):
    caller = both.make(checks, gateways[0], "org_two_makes")
    for at, other in both.both_ways(gateways, 4):
        with acts.Line(at, caller["key"]) as line:
            answer = line.ask("POST", KEYS, {"name": "made"})
            case.equal("status", answer.status, 201)
        for stage in (other, at):
            case.equal("it works", both.ask(checks, stage, answer.json())[1], (200, None))
        case.equal("shown", both.here(other, "GET", f"/keys/{answer.json()['id']}")["name"], "made")
    case.note(f"four keys, each from the next request on, at either gateway")


def told_at_both(checks, gateways, case):
    owner = fresh_owner(gateways[0], name="Both", attributes={"domains": 3})
    key = both.here(gateways[0], "POST", "/keys", {"api": "reachscore", "owner": owner})["key"]
    for stage in gateways:
        with acts.Line(stage, key) as line:
            case.equal("a test", line.ask("POST", "/v1/tests").status, 200)

    def told():
        answers = []
        for stage in gateways:
            with acts.Line(stage, key) as line:
                answers.append(line.ask("GET", ME).json())
        return answers if answers[0] == answers[1] and answers[0]["usage"]["tests_this_month"] == 2 else None

    answers = within(SECONDS, told)
    case.true("the same, with the tests of both", answers)
    usage = {"tests_this_month": 2, "tests_limit": 1000, "domains": 3, "domains_limit": 10}
    case.equal("usage", answers[0]["usage"], usage)
    case.note("one test at each, two told by both")


def scopes_at_both(checks, gateways, case):
    key = both.make(checks, gateways[0], "org_two_scopes")
    lags = []
    for at, other in both.both_ways(gateways, 4):
        fine, refused = (200, None), (403, "scope_missing")
        for scopes, before, after in ((["domains:read"], fine, refused), (["tests:read"], refused, fine)):
            case.equal("before", both.ask(checks, other, key)[1], before)
            both.here(at, "PATCH", f"/keys/{key['id']}", {"scopes": scopes})
            acknowledged = time.monotonic()
            case.equal("the next request where it was changed", both.ask(checks, at, key)[1], after)
            lags.append(both.until_bound(checks, case, other, key, acknowledged, before, after))
    case.note(f"{len(lags)} edits, the old one at the other gateway for at most {1000 * max(lags):.1f} ms")
