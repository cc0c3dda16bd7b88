"""Keys sk_live_… and sk_test_… over two gateways: rows of their own."""

import time

import acts
import two_gateways as both
from product import SECONDS
from sk_words import REVOKED
from steps import within


def two_gateways(checks, first, second, report):
    both.run(checks, first, second, report, (
        ("restrictions: an edit at either gateway counts at both within the bound", edits_at_both),
        ("a key that is revoked by a key at one gateway is refused at both within the bound", self_service_at_both),
        ("the list is the same at both", list_at_both),
    ))  # fmt: skip


def edits_at_both(checks, gateways, case):
    key = both.make(checks, gateways[0], "acct-two-edits")
    lags = []
    for at, other in both.both_ways(gateways, 4):
        for addresses, before, after in ((["192.0.2.1"], (200, None), (403, "restriction_address")),
                                         (None, (403, "restriction_address"), (200, None))):
            case.equal("before", both.ask(checks, other, key)[1], before)
            both.here(at, "PATCH", f"/keys/{key['id']}", {"addresses": addresses})
            acknowledged = time.monotonic()
            case.equal("the next request where it was changed", both.ask(checks, at, key)[1], after)
            lags.append(both.until_bound(checks, case, other, key, acknowledged, before, after))
    case.note(f"{len(lags)} edits, the old one at the other gateway for at most {1000 * max(lags):.1f} ms")


def self_service_at_both(checks, gateways, case):
    caller = both.make(checks, gateways[0], "acct-two-own")
    lags = []
    for at, other in both.both_ways(gateways, 4):
        key = both.make(checks, gateways[0], "acct-two-own")
        for stage in gateways:
            case.equal("before", both.ask(checks, stage, key)[1], (200, None))
        with acts.Line(at, caller["key"]) as line:
            answer = line.ask("DELETE", f"/v1/api-keys/{key['id']}")
            acknowledged = time.monotonic()
        case.equal("status", answer.status, 200)
        case.equal("the next request there", both.ask(checks, at, key)[1], REVOKED)
        lags.append(both.until_bound(checks, case, other, key, acknowledged, (200, None), REVOKED))
    case.note(f"{len(lags)} keys, let in at the other one for at most {1000 * max(lags):.1f} ms")


def list_at_both(checks, gateways, case):
    keys = [both.make(checks, gateways[0], "acct-two-list") for _ in range(3)]
    for stage, key in zip(gateways, keys):
        case.equal("status", both.ask(checks, stage, key)[1], (200, None))

    def lists():
        answers = []
        for stage in gateways:
            with acts.Line(stage, keys[0]["key"]) as line:
                answers.append({one["id"]: one for one in line.ask("GET", "/v1/api-keys").json()["data"]})
        used = [answer[keys[1]["id"]]["last_used"] for answer in answers]
        return answers if used[0] == used[1] and used[0] else None

    answers = within(SECONDS, lists)
    case.true("what was used at one is shown at both", answers)
    case.equal("keys", [set(answer) for answer in answers], [{key["id"] for key in keys}] * 2)
    case.equal("never used", [answer[keys[2]["id"]]["last_used"] for answer in answers], [None, None])
    case.note("the same keys with the same times")
