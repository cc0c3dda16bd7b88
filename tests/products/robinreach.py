"""RobinReach: what its rows of the kind `check` mean, and the keys that its table speaks of.

Those about one key for each company, about rates, and about keys that are seen again are in files of their own.
"""

import json
import re
import secrets
import socket
import time

from product import SECONDS, Api
from robinreach_company import CLIENTS, OFTEN, POSTS, answer_to, company, digest_of, random_key
from robinreach_one_key import (  # noqa: F401
    compromised,
    ended_stays_ended,
    one_at_once,
    one_for_a_company,
    regenerate,
    regenerate_in_use,
    rotate_in_use,
    rotation,
    several_keys,
    two_gateways,
)
from robinreach_rates import rates, renewed, retry, richer, told_rates  # noqa: F401
from robinreach_reveal import breach, no_reveal, reveal  # noqa: F401
from steps import (
    act,
    busy,
    create,
    delete,
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
    within,
)

HIDES_REASON = True
ALONE = {"sources", "roles", "reveal", "several_keys", "other_host", "versions", "two_hosts"}  # with their own gateway
COMPANY = "company-1"
PLANS = {"seed": False, "sprout": False, "bloom": True, "thrive": True}
UPGRADE = "Upgrade required: Access to the API is only available on Bloom or Thrive plans"


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


# ---- sentences 31 to 55: a key is deleted, or does not work


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
        begun = time.monotonic()
        delete(stage, key)
        acknowledged = time.monotonic()
        within(SECONDS, lambda: time.monotonic() > acknowledged + stage.bound)
        counts = [len(line.seen) for line in lines]
        within(SECONDS, lambda: all(len(line.seen) > count + 10 for line, count in zip(lines, counts)))
    for line in lines:
        case.equal("before", {status for _, answered, _, status in line.seen if answered < begun}, {200})
        after = [status for sent, _, _, status in line.seen if sent > acknowledged + stage.bound]
        case.equal("after", (len(after) > 5, set(after)), (True, {403}))
    held.sendall(b"cd")
    with held, held.makefile("rb") as answer:
        case.equal("the one that had begun", answer.readline().split()[1], b"200")
    case.note(f"{CLIENTS} connections, all refused; an upload that had begun came to its end")


# ---- sentences 37 to 44: care


def monitoring(stage, case, words):
    key = create(stage, company(stage))
    case.equal("never used", look_at(stage, key)["last_used_at"], None)
    for _ in range(7):
        case.equal("status", answer_to(stage, key["key"]), 200)
    case.true("7 are counted", within(5, lambda: requests_of(stage, key) == 7))
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
        theirs = create(other, new_owner(other, api="neighbour", plan="bloom"), api="neighbour")["key"]
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
        new = create(other, new_owner(other, api="v2", plan="bloom"), api="v2")["key"]
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
