"""RobinReach: what its rows of the kind `check` mean, and the keys that its table speaks of."""

import functools
import hashlib
import http.client
import json
import os
import re
import secrets
import socket
import stat
import threading
import time

from product import SECONDS, Api
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
    reason_in_log,
    refusal_of,
    replaced,
    request_id,
    requests_of,
    same_but_request_id,
    send,
    set_owner,
    status_of,
    switched_on,
    within,
)

HIDES_REASON = True
POSTS = "/api/v1/posts"
COMPANY = "company-1"
PLANS = {"seed": False, "sprout": False, "bloom": True, "thrive": True}
RATES = {"bloom": 600, "thrive": 3000}
UPGRADE = "Upgrade required: Access to the API is only available on Bloom or Thrive plans"
OFTEN = "1000000/1m"  # a key's own rate, where a check sends more than a plan has
CLIENTS = 8


def company(stage, plan="bloom"):
    return new_owner(stage, plan=plan)


def random_key():
    return secrets.token_hex(16)


def answer_to(stage, key, target=POSTS):
    return status_of(send(stage, target, key))


def digest_of(key):
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def prepare(stage):
    """Companies and keys; the first ones by the commands that the configuration shows."""
    stage.command("owners", "set", "--id", COMPANY, "--plan", "bloom")
    replaced_key = json.loads(stage.command("keys", "create", "--owner", COMPANY, "--json"))
    made = json.loads(stage.command("keys", "create", "--owner", COMPANY, "--regenerate", "--json"))
    keys = {name: create(stage, company(stage)) for name in ("deleted", "disabled", "sprout", "seed")}
    stage.command("keys", "delete", keys["deleted"]["id"], "--yes")
    act(stage, keys["disabled"], "disable")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    keys["expired"] = create(stage, company(stage), expires_at=soon)
    keys["thrive"] = create(stage, company(stage, "thrive"))
    for plan in ("sprout", "seed"):
        set_owner(stage, keys[plan]["owner"], plan=plan)
    if not within(10, lambda: look_at(stage, keys["expired"])["status"] == "expired"):
        raise RuntimeError("a key does not expire")
    letters = random_key()
    return {name: key["key"] for name, key in keys.items()} | {
        "good": made["key"],
        "regenerated": replaced_key["key"],
        "unknown": letters,
        "typo": made["key"][:-1] + ("0" if made["key"][-1] != "0" else "1"),
        "short": made["key"][:-1],
        "long": made["key"] + "0",
        "upper": "A" + letters[1:].upper(),
        "letter_g": "g" + letters[1:],
        "prefixed": "rr_" + letters,
    }


# ---- sentences 2 to 9: who may call, and what


def sources(stage, case, words):
    """Where a key may stand, which the page does not say: as shipped behind `Bearer`, with one line elsewhere too."""
    def with_field(text):
        return text + "\nsources: [bearer, {header: X-Api-Key}]\n"

    with stage.another(edit_profile=with_field) as other:
        key = create(other, company(other))["key"]
        bearer, field = f"Authorization: Bearer {key}\r\n", f"X-Api-Key: {key}\r\n"
        wrong = f"X-Api-Key: {random_key()}\r\n"
        for fields, status, reason in (
            (bearer, 200, "allowed"),
            (field, 200, "allowed"),
            (bearer + field, 401, "auth_duplicate"),
            (field + bearer, 401, "auth_duplicate"),
            (bearer + wrong, 401, "auth_duplicate"),
            (field + wrong, 401, "auth_duplicate"),
            (wrong, 403, "key_unknown"),
            ("X-Api-Key: \r\n", 401, "auth_malformed"),
            ("", 401, "auth_missing"),
        ):
            before = len(other.api.seen)
            answer = send(other, POSTS, fields=fields)
            case.equal(f"{fields!r}", (status_of(answer), reason_in_log(other, answer)), (status, reason))
            seen = other.api.seen[before:]
            case.equal("requests at the API", len(seen), int(status == 200))
            for _, _, names in seen:
                names = {name.lower() for name, _ in names}
                case.equal("keys at the API", {"authorization", "x-api-key"} & names, set())
        case.true("no key in the log", key not in other.log())
    case.note("behind Bearer, or in X-Api-Key with one line more; never in two places")


def roles(stage, case, words):
    """Of the page's two sorts of people, those who may make keys have an operator's token, others a viewer's."""
    tokens = {role: secrets.token_hex(16) for role in ("viewer", "operator", "admin")}
    lines = ", ".join(
        f'{{name: {role}-page, role: {role}, digest: "{digest_of(token)}"}}' for role, token in tokens.items()
    )

    def with_tokens(text):
        return replaced(text, "apis:\n", f"  tokens: [{lines}]\n\napis:\n")

    with stage.another(with_tokens) as other:
        owner = company(other)
        asked = {"api": "robinreach", "owner": owner}
        status, reply = other.call_here("POST", "/keys", asked, token=tokens["viewer"])
        case.equal("a viewer makes", status, 403)
        case.equal("with a token that nobody has", other.call_here("POST", "/keys", asked, token="x" * 32)[0], 401)
        case.equal("keys", keys_where(other, owner=owner), [])
        status, key = other.call_here("POST", "/keys", asked, token=tokens["operator"])
        case.equal("an operator makes", status, 201)
        for action in ("revoke", "rotate", "disable", "reveal"):
            status = other.call_here("POST", f"/keys/{key['id']}:{action}", {}, tokens["viewer"])[0]
            case.equal(f"a viewer: {action}", status, 403)
        case.equal("a viewer deletes", other.call_here("DELETE", f"/keys/{key['id']}", token=tokens["viewer"])[0], 403)
        status, seen = other.call_here("GET", f"/keys/{key['id']}", token=tokens["viewer"])
        case.equal("a viewer looks", (status, seen["status"]), (200, "active"))
        case.equal("a client", answer_to(other, key["key"]), 200)
        asked["regenerate"] = True
        case.equal("a viewer regenerates", other.call_here("POST", "/keys", asked, token=tokens["viewer"])[0], 403)
        case.equal("an admin regenerates", other.call_here("POST", "/keys", asked, token=tokens["admin"])[0], 201)
        case.true("who it was is in the log", "actor=operator-page" in other.log())
    case.note("viewers look, operators and admins make keys")


def four_plans(stage, case, words):
    owner = company(stage)
    key = create(stage, owner)["key"]
    for plan, has_api in (*PLANS.items(), *reversed(PLANS.items())):
        set_owner(stage, owner, plan=plan)
        before = len(stage.api.seen)
        answer = send(stage, POSTS, key)
        if has_api:
            case.equal(plan, status_of(answer), 200)
            fields = {name.lower(): value for name, value in stage.api.seen[-1][2]}
            case.equal("plan at the API", fields["x-key-plan"], plan)
        else:
            case.equal(plan, (status_of(answer), reason_in_log(stage, answer)), (403, "plan_no_api"))
            case.equal("message", json.loads(answer.partition("\r\n\r\n")[2])["error"]["message"], UPGRADE)
        case.equal("requests at the API", len(stage.api.seen) - before, int(has_api))
    case.note("one key under each plan and back, from the next request on")


def plans_and_keys(stage, case, words):
    for plan, has_api in PLANS.items():
        owner = company(stage, plan)
        status, reply = stage.call("POST", "/keys", {"api": "robinreach", "owner": owner})
        if has_api:
            case.equal(plan, status, 201)
        else:
            case.equal(plan, refusal_of((status, reply)), (403, "plan_no_api"))
            case.equal("keys", keys_where(stage, owner=owner), [])
    owner = company(stage)
    key = create(stage, owner)
    set_owner(stage, owner, plan="seed")
    told = stage.call("POST", "/keys", {"api": "robinreach", "owner": owner, "regenerate": True})
    case.equal("regenerating under seed", refusal_of(told), (403, "plan_no_api"))
    set_owner(stage, owner, plan="bloom")
    case.equal("the key that was there", answer_to(stage, key["key"]), 200)
    case.note("bloom and thrive; no key, and none in the place of another, for seed and sprout")


# ---- sentences 14 to 26: a key is made, and seen


def before_and_after(stage, case, words):
    owner = company(stage)
    case.equal("before", keys_where(stage, owner=owner), [])
    key = create(stage, owner)
    case.equal("after", [one["id"] for one in keys_where(stage, owner=owner)], [key["id"]])
    delete(stage, key)
    case.equal("when it is deleted", keys_where(stage, owner=owner), [])
    case.note("none, one, none")


def generate(stage, case, words):
    key = create(stage, company(stage))
    case.true("its shape", re.fullmatch("[0-9a-f]{32}", key["key"]))
    case.equal("it works", answer_to(stage, key["key"]), 200)
    case.equal("expires", key["expires_at"], None)
    owner = company(stage)
    said = json.loads(stage.command("keys", "create", "--owner", owner, "--json"))
    case.equal("the command's", answer_to(stage, said["key"]), 200)
    case.note("in the answer that makes it, whole; by HTTP and by the command")


def shown_once(stage, case, words):
    key = create(stage, company(stage), name="once")
    secret = key["key"]
    send(stage, POSTS, secret)
    act(stage, key, "disable")
    act(stage, key, "enable")
    texts = {
        "view": json.dumps(look_at(stage, key)),
        "list": json.dumps(keys_where(stage, owner=key["owner"])),
        "usage": json.dumps(stage.must(200, "GET", f"/usage?key={key['id']}")),
        "command line": stage.command("keys", "show", key["id"], "--json"),
        "log": stage.log(),
        "metrics": stage.status_page("/metrics")[1],
    }
    for name, text in texts.items():
        case.true(f"not in {name}", secret not in text and secret[4:-4] not in text and len(text) > 2)
    case.true("no member `key` in views", '"key":' not in texts["view"] + texts["list"])
    case.note(f"not in {', '.join(texts)}")


def masked(stage, case, words):
    key = create(stage, company(stage))
    for seen in (look_at(stage, key), *keys_where(stage, owner=key["owner"])):
        case.equal("first and last", (seen["prefix"], seen["hint"]), (key["key"][:4], key["key"][-4:]))
    found = keys_where(stage, prefix=key["key"][:4], owner=key["owner"])
    case.equal("found by the first letters", [one["id"] for one in found], [key["id"]])
    case.note("four letters at each end")


def no_reveal(stage, case, words):
    key = create(stage, company(stage))
    case.equal("reveal", refusal_of(stage.call("POST", f"/keys/{key['id']}:reveal")), (409, "not_recoverable"))
    for method, path in (("GET", ":reveal"), ("GET", "/key"), ("GET", "?reveal=true")):
        status, reply = stage.call(method, f"/keys/{key['id']}{path}")
        case.true(f"{method} {path}: {status}", status in (400, 404, 405, 409))
        case.true("no key", key["key"] not in json.dumps(reply))
    try:
        case.true(f"not said by the command: {stage.command('keys', 'reveal', key['id'])}", False)
    except RuntimeError as refused:
        case.true("the command is told why", "recoverable" in str(refused) and key["key"] not in str(refused))
    case.true("nothing sealed is kept", not sealed_texts(stage, key))
    case.note("409 not_recoverable")


def store_bytes(stage):
    files = stage.redis.files() if stage.redis else {
        file.name: file.read_bytes() for file in stage.folder.glob("robinreach.db*") if file.is_file()
    }
    return b"".join(files.values())


def sealed_texts(stage, key):
    """What is kept of this key to be opened again: `v1.`, the name of the key file, and the rest."""
    if stage.redis:
        with stage.redis.client() as redis:
            name = f"kg:key:{hashlib.sha256(key['key'].encode()).hexdigest()}"
            sealed = redis.command("HGET", name, "sealed")
        return [sealed] if sealed else []
    return re.findall(rb"v1\.[0-9A-Za-z_-]{1,64}\.[0-9A-Za-z_-]{40,}", store_bytes(stage))


def reveal(stage, case, words):
    """With the one line of the configuration."""
    viewer = secrets.token_hex(16)

    def with_switch(text):
        text = switched_on(text, "recoverable: {key_file: reveal.key}")
        token = f'  tokens: [{{name: reports, role: viewer, digest: "{digest_of(viewer)}"}}]\n'
        return replaced(text, "apis:\n", f"{token}\napis:\n")

    with stage.another(with_switch) as other:
        file = other.folder / "reveal.key"
        case.true("64 hexadecimal letters", re.fullmatch(r"[0-9a-f]{64}\n?", file.read_text()))
        case.equal("the mode of its key file", stat.S_IMODE(os.stat(file).st_mode), 0o600)
        key = create(other, company(other))
        path = f"/keys/{key['id']}:reveal"
        whole = {"object": "api_key", "id": key["id"], "key": key["key"]}
        case.equal("what is revealed", other.call("POST", path), (200, whole))
        case.equal("by the command", key["key"] in other.command("keys", "reveal", key["id"]), True)
        case.equal("a viewer", other.call_here("POST", path, token=viewer)[0], 403)
        case.true("not in views", key["key"] not in json.dumps([look_at(other, key), keys_where(other)]))
        line = [line for line in other.log().splitlines() if path in line]
        case.true("who, and whose key, is in the log", line and "actor=token_file" in line[0])
        fresh = create(other, key["owner"], regenerate=True)
        case.equal("the new one", other.call("POST", f"/keys/{fresh['id']}:reveal")[1]["key"], fresh["key"])
        case.equal("the old one", other.call("POST", path)[0], 409)
        turned = act(other, fresh, "rotate", {"grace_seconds": 0}, 201)
        case.equal("after a rotation", other.call("POST", f"/keys/{turned['id']}:reveal")[1]["key"], turned["key"])
        imported = create(other, company(other), digest=digest_of(random_key()))
        told = other.call("POST", f"/keys/{imported['id']}:reveal")
        case.equal("a key that was never seen here", refusal_of(told), (409, "not_recoverable"))
        case.true("what is kept is sealed", sealed_texts(other, turned))
        everything = store_bytes(other)
        for one in (key, fresh, turned):
            case.true("not in the store", one["key"][4:-4].encode() not in everything)
            case.true("not in the log", one["key"] not in other.log())
        with_another_key_file(case, other, file, turned)
    case.note("200 for operators, with what keys are sealed with in a file of its own; nothing in clear")


def with_another_key_file(case, other, file, key):
    right = file.read_text()
    for text, status in ((secrets.token_hex(32) + "\n", 503), (right, 200)):
        case.equal("it stops", other.gateway.stop(), 0)
        file.write_text(text)
        other.__enter__()
        case.equal("revealed with that file", other.call("POST", f"/keys/{key['id']}:reveal")[0], status)
        case.equal("the key itself works", answer_to(other, key["key"]), 200)


# ---- sentences 27 to 34: a key is replaced, and deleted


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


def deleted_is_unknown(stage, case, words):
    key = create(stage, company(stage))
    case.equal("before", answer_to(stage, key["key"]), 200)
    delete(stage, key)
    case.equal("after", answer_to(stage, key["key"]), 403)
    case.equal("view", stage.call("GET", f"/keys/{key['id']}")[0], 404)
    case.equal("list", keys_where(stage, owner=key["owner"]), [])
    same_but_request_id(case, [lambda: send(stage, POSTS, key["key"]), lambda: send(stage, POSTS, random_key())])
    fresh = create(stage, key["owner"])
    case.equal("another one may be made", answer_to(stage, fresh["key"]), 200)
    case.note("the same bytes as for a key that never was, but for the request id")


def one_answer(stage, case, words):
    """Whatever is wrong with a key."""
    names = ("unknown", "typo", "regenerated", "deleted", "disabled", "expired", "short", "long", "upper", "prefixed")
    same_but_request_id(case, [lambda name=name: send(stage, POSTS, words[name]) for name in names])
    sizes = {len(send(stage, POSTS, words[name], "POST", "Content-Length: 0\r\n")) for name in names}
    case.equal("sizes of answers to a POST", len(sizes), 1)
    case.note(f"{', '.join(names)}: the same bytes but for the request id")


def all_apps(stage, case, words):
    """Every connection that uses a key is without it at once; what has begun before ends as it began."""
    key = create(stage, company(stage), rate=OFTEN)
    stage.settle()
    held = socket.create_connection(("127.0.0.1", stage.ports["gate"]), SECONDS)
    before = len(stage.api.seen)
    held.sendall(
        f"POST {POSTS} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {key['key']}\r\nContent-Length: 4\r\n"
        "Connection: close\r\n\r\nab".encode()
    )
    case.true("one has begun", within(SECONDS, lambda: len(stage.api.seen) > before))
    with busy(stage, POSTS, [lambda line: line.ask(key["key"])] * CLIENTS) as lines:
        within(SECONDS, lambda: all(len(line.seen) > 20 for line in lines))
        delete(stage, key)
        acknowledged = time.monotonic()
        within(SECONDS, lambda: time.monotonic() > acknowledged + stage.bound)
        counts = [len(line.seen) for line in lines]
        within(SECONDS, lambda: all(len(line.seen) > count + 10 for line, count in zip(lines, counts)))
    for line in lines:
        case.equal("before", {status for _, answered, _, status in line.seen if answered < acknowledged - 0.5}, {200})
        after = [status for sent, _, _, status in line.seen if sent > acknowledged + stage.bound]
        case.equal("after", (len(after) > 5, set(after)), (True, {403}))
    held.sendall(b"cd")
    with held, held.makefile("rb") as answer:
        case.equal("the one that had begun", answer.readline().split()[1], b"200")
    case.note(f"{CLIENTS} connections, all refused; an upload that had begun came to its end")


# ---- sentences 37 to 44: care


def compromised(stage, case, words):
    lost = create(stage, company(stage))
    fresh = create(stage, lost["owner"], regenerate=True)
    case.equal("lost and new", [answer_to(stage, key["key"]) for key in (lost, fresh)], [403, 200])
    case.equal("no way back", stage.call("POST", f"/keys/{lost['id']}:enable")[0], 409)
    stage.call("PATCH", f"/keys/{lost['id']}", {"expires_at": None})
    case.equal("still refused", answer_to(stage, lost["key"]), 403)
    case.note("403, then 200 with the new one")


def monitoring(stage, case, words):
    key = create(stage, company(stage))
    case.equal("never used", look_at(stage, key)["last_used_at"], None)
    for count in range(1, 8):
        case.equal("status", answer_to(stage, key["key"]), 200)
        case.true(f"{count} are counted", within(5, lambda: requests_of(stage, key) == count))
    act(stage, key, "disable")
    send(stage, POSTS, key["key"])
    case.equal("a refused one is not", requests_of(stage, key), 7)
    case.true("last use", look_at(stage, key)["last_used_at"])
    fresh = create(stage, key["owner"], regenerate=True)
    answer_to(stage, fresh["key"])
    owner = f"/usage?api=robinreach&owner={key['owner']}"
    case.true("the company's", within(5, lambda: stage.must(200, "GET", owner)["counters"]["requests"]["total"] == 8))
    case.note("7 requests counted as 7, with the new key's as the company's 8")


def unused(stage, case, words):
    """Never used, or not any more: what counts is its last use, or else when it was made."""
    used, idle = create(stage, company(stage)), create(stage, company(stage))
    made = int(time.time())
    within(5, lambda: int(time.time()) > made)
    answer_to(stage, used["key"])
    since = within(5, lambda: look_at(stage, used)["last_used_at"])
    found = {key["id"] for key in keys_where(stage, unused_since=since)}
    case.equal("found", (used["id"] in found, idle["id"] in found), (False, True))
    delete(stage, idle)
    case.equal("deleted", answer_to(stage, idle["key"]), 403)
    case.note("found by `unused_since`, and deleted")


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


# ---- sentences 58 to 60, 71, 82 to 84: how often


def spend(stage, key, most):
    """How many pass until one is refused, all within one minute of the clock; None if it ended in between."""
    stage.settle()
    passed, answer = 0, None
    connection = http.client.HTTPConnection("127.0.0.1", stage.ports["gate"], timeout=SECONDS)
    minute = int(time.time()) // 60
    while passed <= most:
        connection.request("GET", POSTS, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            break
        passed += 1
    connection.close()
    return (passed, answer) if int(time.time()) // 60 == minute else None


def rates(stage, case, words):
    """A minute may end in between, which is no news: then it is done once more."""
    for _ in range(3):
        key = create(stage, company(stage))
        spent = spend(stage, key["key"], RATES["bloom"])
        if not spent:
            continue
        passed, answer = spent
        minute = int(time.time()) // 60
        set_owner(stage, key["owner"], plan="thrive")
        richer = send(stage, POSTS, key["key"])
        set_owner(stage, key["owner"], plan="bloom")
        poorer = send(stage, POSTS, key["key"])
        fresh = create(stage, key["owner"], regenerate=True)
        renewed = send(stage, POSTS, fresh["key"])
        if int(time.time()) // 60 == minute:
            break
    else:
        raise RuntimeError("a minute ends too often")
    # What Redis has lent to another gateway is not given out twice.
    least = RATES["bloom"] if stage.redis is None else RATES["bloom"] - 10
    case.true(f"{passed} pass under bloom", least <= passed <= RATES["bloom"])
    case.equal("the next one", answer.status, 429)
    case.true("Retry-After", 1 <= int(answer.headers["Retry-After"]) <= 60)
    case.equal("thrive", status_of(richer), 200)
    case.true("its number", f"q={RATES['thrive']};w=60" in field_of(richer, "RateLimit-Policy"))
    case.equal("bloom again", (status_of(poorer), reason_in_log(stage, poorer)), (429, "rate_limited"))
    case.equal("a new key is no way round it", status_of(renewed), 429)
    case.note(f"{passed} in a minute under bloom; the same key goes on under thrive, and not when it is back")


def told_rates(stage, case, words):
    for plan in ("bloom", "thrive"):
        answer = send(stage, POSTS, create(stage, company(stage, plan))["key"])
        case.equal(plan, status_of(answer), 200)
        case.true("policy", f"q={RATES[plan]};w=60" in field_of(answer, "RateLimit-Policy"))
        left = re.search(r";r=(\d+);t=(\d+)", field_of(answer, "RateLimit"))
        case.true("what is left", 0 < int(left[1]) < RATES[plan] and 0 < int(left[2]) <= 60)
    case.note("RateLimit-Policy and RateLimit say where a client stands")


def retry(stage, case, words):
    key = create(stage, company(stage), rate="3/2s")
    stage.settle()
    passed = 0
    while status_of(answer := send(stage, POSTS, key["key"])) == 200:
        passed += 1
        case.true("no more than it may", passed <= 6)  # two windows
    case.equal("refused", (status_of(answer), reason_in_log(stage, answer)), (429, "rate_limited"))
    wait = int(field_of(answer, "Retry-After"))
    reset = int(re.search(r";t=(\d+)", field_of(answer, "RateLimit"))[1])
    case.true(f"Retry-After {wait}, t {reset}", 1 <= wait <= 2 and wait >= reset)
    time.sleep(wait)
    case.equal("after that", answer_to(stage, key["key"]), 200)
    case.note(f"429 with Retry-After: {wait}; whoever waits so long is let in")


# ---- sentences 72 to 81: the key


def shape(stage, case, words):
    keys = {create(stage, company(stage))["key"] for _ in range(10)}
    case.equal("different keys", len(keys), 10)
    for key in keys:
        case.true(f"the shape of {key[:4]}", re.fullmatch("[0-9a-f]{32}", key))
    case.equal("letters in use", len(set("".join(keys))), 16)
    case.note("10 keys")


def other_host(stage, case, words):
    """A key without a prefix does not say whose it is: the host that it is sent to does."""
    def with_neighbour(text):
        api = text[text.index("  robinreach:\n    profile") : text.index("\nstore:") if "\nstore:" in text else None]
        neighbour = api.replace("  robinreach:\n", '  neighbour:\n    hosts: ["neighbour.example"]\n', 1)
        return replaced(text, "apis:\n", f"apis:\n{neighbour}\n")

    with stage.another(with_neighbour) as other:
        key = create(other, company(other))["key"]
        other.call("PUT", "/owners/theirs", {"api": "neighbour", "plan": "bloom"})
        theirs = other.must(201, "POST", "/keys", {"api": "neighbour", "owner": "theirs"})["key"]
        for host, own, foreign in (("api", key, theirs), ("neighbour.example", theirs, key)):
            ask = f"GET {POSTS} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer "
            case.equal(f"its own key at {host}", status_of(other.raw(f"{ask}{own}\r\n\r\n")), 200)
            answer = other.raw(f"{ask}{foreign}\r\n\r\n")
            told = (status_of(answer), reason_in_log(other, answer))
            case.equal(f"the other's at {host}", told, (403, "key_unknown"))
            same_but_request_id(case, [
                lambda ask=ask, one=one: other.raw(f"{ask}{one}\r\n\r\n") for one in (foreign, random_key())
            ])
    case.note("unknown at the other's host, to the byte")


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
    case.equal("beside one that is switched off", refusal_of(stage.call("POST", "/keys", asked)), limit)
    act(stage, key, "revoke")
    second = create(stage, owner)
    case.equal("after revocation", answer_to(stage, second["key"]), 200)
    delete(stage, second)
    third = create(stage, owner)
    case.equal("after deletion", answer_to(stage, third["key"]), 200)
    others = new_owner(stage, plan="bloom")
    case.equal("another company", answer_to(stage, create(stage, others)["key"]), 200)
    case.note("409 key_limit; another one when it is revoked or deleted")


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


def breach(stage, case, words):
    key = create(stage, company(stage))
    send(stage, POSTS, key["key"])
    everything = store_bytes(stage)
    case.true("a store", len(everything) > 1000)
    for secret in (key["key"], words["good"], words["regenerated"]):
        case.true("not in the files", secret.encode() not in everything and secret[4:-4].encode() not in everything)
        case.true("nor a part of it", not any(secret[i : i + 12].encode() in everything for i in range(20)))
        case.true("nor as bytes", bytes.fromhex(secret) not in everything)
    digest = hashlib.sha256(key["key"].encode())
    case.true("its SHA-256 is", digest.digest() in everything or digest.hexdigest().encode() in everything)
    case.note("SHA-256 and eight letters, no key")


def owner_at_api(stage, case, words):
    key = create(stage, company(stage), name="CRM")
    before = len(stage.api.seen)
    forged = "X-Key-Owner: somebody\r\nx_key_owner: somebody\r\nX-Key-Plan: thrive\r\n"
    case.equal("status", status_of(send(stage, POSTS, key["key"], fields=forged)), 200)
    fields = [(name.lower(), value) for name, value in stage.api.seen[before][2]]
    for name, value in (
        ("x-key-owner", key["owner"]), ("x-key-plan", "bloom"), ("x-key-id", key["id"]), ("x-key-mode", "live"),
        ("x-key-scopes", "*"), ("x-key-name", "CRM"),
    ):
        case.equal(name, [told for one, told in fields if one == name], [value])
    case.true("nothing forged", "somebody" not in str(fields))
    case.note("the company, its plan and the key's id; what a client forges is not there")


# ---- sentences 85 to 93


def versions(stage, case, words):
    """A version of the API is a line of the map: another one is there when it is written down, beside the first."""
    line = "      ANY /api/v1/**: key\n"
    with stage.another(lambda text: replaced(text, line, f"{line}      ANY /api/v2/posts/**: key\n")) as other:
        key = create(other, company(other))["key"]
        for target, status in ((POSTS, 200), ("/api/v2/posts", 200), ("/api/v2/brands", 404), ("/api/v3/posts", 404)):
            before = len(other.api.seen)
            case.equal(target, answer_to(other, key, target), status)
            case.equal("at the API", [one[1] for one in other.api.seen[before:]], [target] * (status == 200))
    case.equal("as shipped", answer_to(stage, words["good"], "/api/v2/posts"), 404)
    case.note("v1 as shipped; v2 beside it with a line of its own")


def two_hosts(stage, case, words):
    """Versions that are served by different programs: each has its host, and its own servers."""
    second = Api()

    def with_second(text):
        api = text[text.index("  robinreach:\n    profile") : text.index("\nstore:") if "\nstore:" in text else None]
        api = api.replace("  robinreach:\n", '  v2:\n    hosts: ["v2.example"]\n', 1).replace("/api/v1/", "/api/v2/")
        api = re.sub(r"http://127\.0\.0\.1:\d+", f"http://127.0.0.1:{second.server_address[1]}", api)
        return replaced(text, "apis:\n", f"apis:\n{api}\n")

    with stage.another(with_second) as other:
        other.call("PUT", "/owners/both", {"api": "v2", "plan": "bloom"})
        new = other.must(201, "POST", "/keys", {"api": "v2", "owner": "both"})["key"]
        old = create(other, company(other))["key"]
        for host, target, key in (("api", POSTS, old), ("v2.example", "/api/v2/posts", new)):
            answer = other.raw(
                f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
            )
            case.equal(target, status_of(answer), 200)
        arrived = [[one[1] for one in api.seen] for api in (other.api, second)]
        case.equal("at each", arrived, [[POSTS], ["/api/v2/posts"]])
    second.shutdown()
    case.note("each version at its own servers")


def support(stage, case, words):
    """A customer who writes to support names the request; whose key it was is in the log, and no key is."""
    key = create(stage, company(stage))
    set_owner(stage, key["owner"], plan="seed")
    answer = send(stage, POSTS, key["key"])
    error = json.loads(answer.partition("\r\n\r\n")[2])["error"]
    case.equal("in the body and beside it", error["request_id"], request_id(answer))
    line = within(SECONDS, lambda: stage.requests().get(error["request_id"]))
    told = [line[name] for name in ("outcome", "key_id", "owner")]
    case.equal("in the log", told, ["plan_no_api", key["id"], key["owner"]])
    seen = look_at(stage, {"id": line["key_id"]})
    case.equal("the masked key", f"{seen['prefix']}…{seen['hint']}", f"{key['key'][:4]}…{key['key'][-4:]}")
    case.true("no key in the log", key["key"] not in stage.log() and key["key"][4:-4] not in stage.log())
    case.true("nor in the answer", key["key"][4:-4] not in answer)
    case.note("by the request id: outcome, id of the key, company, and the key as the customer sees it")


# ---- two gateways


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
