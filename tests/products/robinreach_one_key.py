"""RobinReach: one key for each company, and another one in its place."""

import functools
import http.client
import json
import threading
import time

from product import SECONDS
from robinreach_company import CLIENTS, OFTEN, POSTS, answer_to, company, digest_of, random_key
from steps import (
    act,
    at_once,
    busy,
    change,
    create,
    delete,
    field_of,
    keys_where,
    look_at,
    new_owner,
    refusal_of,
    send,
    switched_on,
    within,
)


def regenerate(stage, case, words):
    owner = company(stage)
    old = create(stage, owner)
    case.equal("before", answer_to(stage, old["key"]), 200)
    fresh = create(stage, owner, regenerate=True)
    case.true("another key", fresh["key"] != old["key"] and fresh["id"] != old["id"])
    case.equal("old and new", [answer_to(stage, key["key"]) for key in (old, fresh)], [403, 200])
    case.equal("status", [look_at(stage, key)["status"] for key in (old, fresh)], ["revoked", "active"])
    said = json.loads(stage.command("keys", "create", "--owner", owner, "--regenerate", "--json"))
    case.equal("by the command", [answer_to(stage, key["key"]) for key in (fresh, said)], [403, 200])
    fresh = company(stage)
    case.equal("where there was none", answer_to(stage, create(stage, fresh, regenerate=True)["key"]), 200)
    case.note("old 403, new 200, from the next request on")


def judge(case, stage, lines, old, new, acknowledged):
    """What all clients saw of a change from one key to another."""
    seen = sorted(one for line in lines for one in line.seen)
    outcome = {
        (key, status): [one for one in seen if one[2:] == (key, status)] for key in (old, new) for status in (200, 403)
    }
    case.equal("other answers", {one[2:] for one in seen} - outcome.keys(), set())
    case.true("the old one was in use", len(outcome[old, 200]) > 100)
    case.true("the new one is", len(outcome[new, 200]) > 100)
    late = [sent for sent, *_ in outcome[old, 200] if sent > acknowledged + stage.bound]
    case.equal("requests with the old one let in later than they may", len(late), 0)
    # Of any two requests the one that was answered before the other was sent was judged before it.
    first_new = min(answered for _, answered, *_ in outcome[new, 200])
    case.equal("let in with both", len([sent for sent, *_ in outcome[old, 200] if sent > first_new]), 0)
    first_end = min(answered for _, answered, *_ in outcome[old, 403])
    case.equal("the old one back", len([sent for sent, *_ in outcome[old, 200] if sent > first_end]), 0)
    case.equal("let in with none", len([sent for sent, *_ in outcome[new, 403] if sent > first_end]), 0)
    return len(seen)


def switch_in_use(stage, case, old, new, switch, probes_new):
    """Clients use the old key and, once it is refused, the new one, which must then work.

    @param new         the key, or None where only the answer to the change tells it
    @param probes_new  half of them try the new one all the time, as well before it exists
    """
    known = threading.Event()
    keys = {"new": new}
    if new:
        known.set()

    def eager(line):
        line.ask(old)
        line.ask(keys["new"])

    def patient(line):
        if line.ask(old) == 403:
            known.wait(SECONDS)
            line.ask(keys["new"])

    clients = [eager if probes_new and number % 2 else patient for number in range(CLIENTS)]
    with busy(stage, POSTS, clients) as lines:
        within(SECONDS, lambda: all(len(line.seen) > 30 for line in lines))
        keys["new"] = switch()
        acknowledged = time.monotonic()
        known.set()
        within(SECONDS, lambda: time.monotonic() > acknowledged + stage.bound)
        counts = [len(line.seen) for line in lines]
        within(SECONDS, lambda: all(len(line.seen) > count + 40 for line, count in zip(lines, counts)))
    return judge(case, stage, lines, old, keys["new"], acknowledged)


def regenerate_in_use(stage, case, words):
    count = 0
    for probes_new in (stage.redis is None, False):
        owner = company(stage)
        old = create(stage, owner, rate=OFTEN)["key"]
        new = random_key()
        stage.settle()

        def switch():
            create(stage, owner, regenerate=True, rate=OFTEN, digest=digest_of(new))
            return new

        count += switch_in_use(stage, case, old, new, switch, probes_new)
    owner = company(stage)
    old = create(stage, owner, rate=OFTEN)["key"]
    stage.settle()
    fresh = functools.partial(create, stage, owner, regenerate=True, rate=OFTEN)
    count += switch_in_use(stage, case, old, None, lambda: fresh()["key"], False)
    case.note(f"{count} requests on {CLIENTS} connections, each let in with one of the two, never with both or none")


def rotate_in_use(stage, case, words):
    count = 0
    for _ in range(2):
        key = create(stage, company(stage), rate=OFTEN)
        stage.settle()
        count += switch_in_use(
            stage, case, key["key"], None, lambda: act(stage, key, "rotate", {"grace_seconds": 0}, 201)["key"], False
        )
    case.note(f"{count} requests on {CLIENTS} connections, each let in with one of the two, never with both or none")


def rotation(stage, case, words):
    old = create(stage, company(stage), name="to be rotated")
    fresh = act(stage, old, "rotate", {"grace_seconds": 60}, 201)
    case.equal("both in the grace", [answer_to(stage, key["key"]) for key in (old, fresh)], [200, 200])
    told = stage.call("POST", "/keys", {"api": "robinreach", "owner": old["owner"]})
    case.equal("a third", refusal_of(told), (409, "key_limit"))
    case.equal("names", (fresh["name"], look_at(stage, old)["rotated_to"]), ("to be rotated", fresh["id"]))
    notice = field_of(send(stage, POSTS, old["key"]), "X-Key-Notice") or ""
    case.true(f"who still sends the old one is told: {notice}", notice.startswith(f'rotated;successor="{fresh["id"]}"'))
    case.equal("who sends the new one is not", field_of(send(stage, POSTS, fresh["key"]), "X-Key-Notice"), None)
    act(stage, old, "revoke")
    case.equal("ended before its time", [answer_to(stage, key["key"]) for key in (old, fresh)], [403, 200])
    case.note("two in the grace, which the rule of one key allows, and no third")


def compromised(stage, case, words):
    lost = create(stage, company(stage))
    fresh = create(stage, lost["owner"], regenerate=True)
    case.equal("lost and new", [answer_to(stage, key["key"]) for key in (lost, fresh)], [403, 200])
    case.equal("no way back", stage.call("POST", f"/keys/{lost['id']}:enable")[0], 409)
    stage.call("PATCH", f"/keys/{lost['id']}", {"expires_at": None})
    case.equal("still refused", answer_to(stage, lost["key"]), 403)
    case.note("403, then 200 with the new one")


def one_for_a_company(stage, case, words):
    owner = company(stage)
    key = create(stage, owner)
    asked = {"api": "robinreach", "owner": owner}
    limit = (409, "key_limit")
    case.equal("a second", refusal_of(stage.call("POST", "/keys", asked)), limit)
    told = stage.call("POST", "/keys", asked | {"digest": digest_of(random_key())})
    case.equal("one that is brought in", refusal_of(told), limit)
    case.equal("keys", [one["id"] for one in keys_where(stage, owner=owner)], [key["id"]])
    case.equal("the first", answer_to(stage, key["key"]), 200)
    act(stage, key, "disable")
    second = create(stage, owner)
    case.equal("switched off, and another", [answer_to(stage, one["key"]) for one in (key, second)], [403, 200])
    case.equal("switched on again", refusal_of(stage.call("POST", f"/keys/{key['id']}:enable")), limit)
    act(stage, second, "revoke")
    act(stage, key, "enable")
    case.equal("when the other is revoked", answer_to(stage, key["key"]), 200)
    delete(stage, key)
    third = create(stage, owner)
    case.equal("after deletion", answer_to(stage, third["key"]), 200)
    others = new_owner(stage, plan="bloom")
    case.equal("another company", answer_to(stage, create(stage, others)["key"]), 200)
    case.note("409 key_limit; another one when it is switched off, revoked or deleted, and no way back beside that")


def one_at_once(stage, case, words):
    """Many who ask at the same moment, wherever they ask."""
    for regenerate_too in (False, True):
        owner = company(stage)
        asked = {"api": "robinreach", "owner": owner} | ({"regenerate": True} if regenerate_too else {})
        stages = [stage, stage.operator or stage]
        told = at_once([
            lambda number=number: stages[number % 2].call_here("POST", "/keys", asked) for number in range(CLIENTS)
        ])
        made = [reply["key"] for status, reply in told if status == 201]
        if regenerate_too:
            case.equal("answers", {status for status, _ in told} <= {201, 409}, True)
        else:
            case.equal("made", len(made), 1)
            case.equal("others", {refusal_of(one) for one in told if one[0] != 201}, {(409, "key_limit")})
        stage.changed = time.monotonic()
        case.equal("keys that work", [answer_to(stage, key) for key in made].count(200), 1)
        case.equal("active", len(keys_where(stage, owner=owner, status="active")), 1)
    case.note(f"{CLIENTS} at the same moment: one key that works, also when all of them regenerate")


def ended_stays_ended(stage, case, words):
    """A key that has ended cannot be woken beside the one that came after it."""
    owner = company(stage)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    first = create(stage, owner, expires_at=soon)
    case.true("it ends", within(5, lambda: look_at(stage, first)["status"] == "expired"))
    second = create(stage, owner)
    told = stage.call("PATCH", f"/keys/{first['id']}", {"expires_at": None})
    case.equal("woken", refusal_of(told), (409, "key_limit"))
    case.equal("old and new", [answer_to(stage, key["key"]) for key in (first, second)], [403, 200])
    delete(stage, second)
    change(stage, first, expires_at=None)
    case.equal("woken when it is the only one", answer_to(stage, first["key"]), 200)
    case.note("409 key_limit")


def several_keys(stage, case, words):
    """The page also advises a key for each application: one line of the configuration."""
    with stage.another(lambda text: switched_on(text, "max_keys_per_owner: 5")) as other:
        owner = company(other)
        keys = [create(other, owner, name=f"application {number}") for number in range(5)]
        case.equal("all of them work", {answer_to(other, key["key"]) for key in keys}, {200})
        told = other.call("POST", "/keys", {"api": "robinreach", "owner": owner})
        case.equal("a sixth", refusal_of(told), (409, "key_limit"))
        fields = {name.lower(): value for name, value in other.api.seen[-1][2]}
        case.equal("told apart at the API", fields["x-key-name"], "application%204")
        fresh = create(other, owner, regenerate=True)
        answers = [answer_to(other, key["key"]) for key in (*keys, fresh)]
        case.equal("regenerated", answers, [403] * 5 + [200])
    case.note("five, and no sixth; regenerating ends them all")


def two_gateways(checks, first, second, report):
    gateways = (first, second)
    for name, show in (
        ("regenerated at either, whole at both within the bound", both_regenerate),
        ("one key for a company, wherever it is asked for", both_make),
    ):
        with report.case(f"two gateways: {name}") as case:
            show(gateways, case)


def asked_here(stage, key):
    connection = http.client.HTTPConnection("127.0.0.1", stage.ports["gate"], timeout=SECONDS)
    sent = time.monotonic()
    connection.request("GET", POSTS, headers={"Authorization": f"Bearer {key}"})
    status = connection.getresponse().status
    connection.close()
    return sent, status


def both_regenerate(gateways, case):
    lags = []
    for number in range(10):
        at, other = gateways if number % 2 else gateways[::-1]
        owner = company(gateways[0])
        old = at.call_here("POST", "/keys", {"api": "robinreach", "owner": owner})[1]["key"]
        for stage in gateways:
            case.equal("before", asked_here(stage, old)[1], 200)
        new = at.call_here("POST", "/keys", {"api": "robinreach", "owner": owner, "regenerate": True})[1]["key"]
        acknowledged = time.monotonic()
        case.equal("where it was done", [asked_here(at, key)[1] for key in (old, new)], [403, 200])
        case.equal("the new one at the other", asked_here(other, new)[1], 200)
        last = acknowledged
        while (asked := asked_here(other, old))[1] == 200:
            case.true("within the bound", asked[0] <= acknowledged + gateways[1].bound)
            last = asked[0]
        lags.append(last - acknowledged)
    case.note(f"{len(lags)} times, the old one at the other gateway for at most {1000 * max(lags):.1f} ms")


def both_make(gateways, case):
    for _ in range(5):
        owner = company(gateways[0])
        asked = {"api": "robinreach", "owner": owner}
        told = at_once([
            lambda number=number: gateways[number % 2].call_here("POST", "/keys", asked) for number in range(CLIENTS)
        ])
        case.equal("made", [status for status, _ in told].count(201), 1)
        case.equal("others", {refusal_of(one) for one in told if one[0] != 201}, {(409, "key_limit")})
    case.note(f"{CLIENTS} at the same moment at both, five times: one of them gets it")
