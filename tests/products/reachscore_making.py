"""ReachScore: keys that customers make."""

import json
import re
import secrets
import subprocess
import time

import acts
from acts import all_keys, ask
from product import HERE, SECONDS
from reachscore_words import (
    KEYS, ME, MEMBERS, OWNER, SUMMARY, TIME, digest_of, fresh_owner, made, make, me,
)  # fmt: skip
from steps import change, create, look_at, usage

NO_OBJECTS = (
    ("{", 400), ("", 400), ("null", 422), ("[]", 422), ('"x"', 422), ('{"name": "x"', 400), ('{"name": "x"} y', 400),
    ("{'name': 'x'}", 400), (b'{"name": "\xff"}', 400), ('{"name": "x", "name": "y"}', 400),
    ('{"name": "' + "x" * 70_000 + '"}', 413),
)  # fmt: skip


def run_curl(stage, name, key):
    file = stage.folder / name
    changes = {"https://api.reachscore.co": stage.host, "rk_live_xxx": key}
    file.write_text(acts.filled((HERE / "reachscore" / name).read_text(), changes))
    done = subprocess.run(
        ["bash", file], env=stage.environment, capture_output=True, timeout=SECONDS, encoding="utf-8", check=False
    )
    return done.returncode, done.stdout


def curl_creates(stage, case, words):
    before = stage.arrived()
    status, text = run_curl(stage, "create.sh", words["good"])
    case.equal("exit status", status, 0)
    reply = json.loads(text)
    case.equal("members", sorted(reply), MEMBERS)
    case.equal("name", reply["name"], "CI/CD Pipeline")
    case.equal("scopes", sorted(reply["scopes"]), ["tests:read", "tests:write"])
    case.equal("what was not", (reply["expires_at"], reply["livemode"], reply["object"]), (None, True, "api_key"))
    case.equal("the API saw nothing of it", stage.arrived(), before)
    case.equal("it works", ask(stage, "POST", "/v1/tests", reply["key"]).status, 200)
    status, text = run_curl(stage, "create.sh", words["unknown"])
    case.equal("refused", (status, json.loads(text)["error"]["code"]), (0, "INVALID_API_KEY"))
    case.note("the new key, and the code of a refusal")


def creates(stage, case, words):
    before = stage.arrived()
    answer = make(stage, words["good"], name="made")
    case.equal("status", answer.status, 201)
    case.true("type", answer.fields["content-type"].startswith("application/json"))
    case.equal("not to be kept by caches", answer.fields.get("cache-control"), "no-store")
    key = answer.json()
    case.equal("the API saw nothing of it", stage.arrived(), before)
    case.equal("it works", ask(stage, "GET", SUMMARY, key["key"]).status, 200)
    seen = look_at(stage, key)
    case.equal("the operator sees it", (seen["name"], seen["owner"], seen["status"]), ("made", OWNER, "active"))
    for wrong, status in (("unknown", 403), ("revoked", 403), ("poor", 403), ("expired", 403), ("other_product", 403)):
        case.equal(wrong, make(stage, words[wrong], name="x").status, status)
    case.equal("nobody", ask(stage, "POST", KEYS, None, {"name": "x"}).refusal(), (401, "auth_missing"))
    for method in ("GET", "PUT", "DELETE"):
        case.equal(method, ask(stage, method, KEYS, words["good"]).refusal(), (405, "route_method"))
    case.note("201, and the key works from the next request on")


def shown_once(stage, case, words):
    key = made(stage, words["good"], name="once")
    secret = key["key"]
    for _ in range(3):
        ask(stage, "GET", SUMMARY, secret)
    who_asks = ask(stage, "GET", ME, secret).body
    acts.is_nowhere(stage, case, key, secret, OWNER, **{"who asks": who_asks})


def repeated(stage, case, words):
    """Sent again with the same Idempotency-Key there is one key, and it is not shown again."""
    owner = fresh_owner(stage)
    key = create(stage, owner)["key"]
    fields = {"Idempotency-Key": secrets.token_hex(8)}
    answers = [ask(stage, "POST", KEYS, key, {"name": "once"}, fields) for _ in range(2)]
    case.equal("first", (answers[0].status, sorted(answers[0].json())), (201, MEMBERS))
    case.equal("again", answers[1].status, 201)
    case.equal("the same", answers[1].json()["id"], answers[0].json()["id"])
    case.true("no key", answers[0].json()["key"] not in answers[1].body)
    case.equal("keys", len(all_keys(stage, owner)), 2)
    case.equal("another body", ask(stage, "POST", KEYS, key, {"name": "twice"}, fields).status, 422)
    case.note("one key, shown once")


def named_errors(stage, case, words):
    """A body that is no good is refused with the member that is wrong, and nothing is made."""
    owner = fresh_owner(stage)
    key = create(stage, owner)["key"]
    bad = (
        ({}, 422, "name"),
        ({"scopes": ["tests:read"]}, 422, "name"),
        ({"name": None}, 422, "name"),
        ({"name": 7}, 422, "name"),
        ({"name": ["x"]}, 422, "name"),
        ({"name": "a\r\nb"}, 422, "name"),
        ({"name": "x" * 201}, 422, "name"),
        ({"name": "x", "scopes": "tests:read"}, 422, "scopes"),
        ({"name": "x", "scopes": {}}, 422, "scopes"),
        ({"name": "x", "scopes": [7]}, 422, "scopes"),
        ({"name": "x", "scopes": ["tests:reed"]}, 422, "scopes"),
        ({"name": "x", "scopes": ["Tests:read"]}, 422, "scopes"),
        ({"name": "x", "scopes": ["tests"]}, 422, "scopes"),
        ({"name": "x", "scopes": ["nope:*"]}, 422, "scopes"),
        ({"name": "x", "scopes": ["tests:read", "tests:read"]}, 422, "scopes"),
        ({"name": "x", "scopes": [""]}, 422, "scopes"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_at"),
        ({"name": "x", "expires_at": acts.as_text(time.time() - 1)}, 422, "expires_at"),
        ({"name": "x", "expires_at": "tomorrow"}, 422, "expires_at"),
        ({"name": "x", "expires_at": "2030-13-01T00:00:00Z"}, 422, "expires_at"),
        ({"name": "x", "expires_at": "2030-01-01"}, 422, "expires_at"),
        ({"name": "x", "expires_at": 1900000000}, 422, "expires_at"),
        ({"name": "x", "mode": "live"}, 422, "mode"),
        ({"name": "x", "livemode": False}, 422, "livemode"),
        ({"name": "x", "owner": "org_free"}, 422, "owner"),
        ({"name": "x", "plan": "business"}, 422, "plan"),
        ({"name": "x", "quota": {"tests": "9/month"}}, 422, "quota"),
        ({"name": "x", "addresses": ["0.0.0.0/0"]}, 422, "addresses"),
        ({"name": "x", "digest": digest_of("x")}, 422, "digest"),
        ({"name": "x", "scope": ["tests:read"]}, 422, "scope"),
        ({"name": ""}, 422, "name"),
    )
    for body, status, member in bad:
        answer = ask(stage, "POST", KEYS, key, body)
        case.equal(f"{str(body)[:80]}", answer.status, status)
        error = answer.json()["error"]
        case.equal("members", sorted(error), ["code", "message", "reason", "request_id"])
        case.true(f"{member} is named: {error['message']}", f"`{member}`" in error["message"])
    for text, status in NO_OBJECTS:
        answer = ask(stage, "POST", KEYS, key, text)
        case.equal(f"{text[:30]!r}", answer.status, status)
        case.true("as refusals look", {"code", "message"} <= answer.json()["error"].keys())
    case.equal("keys that were made", len(all_keys(stage, owner)), 1)
    case.note(f"{len(bad)} bodies with the member that is wrong, {len(NO_OBJECTS)} others; none of them made a key")


def label(stage, case, words):
    for text in ("CI/CD Pipeline", "Grüße ✓ 株式会社", '"quoted" \\ {name} {{x}}', "<b>%41</b>", "x" * 200):
        key = made(stage, words["good"], name=text)
        case.equal("in the answer", key["name"], text)
        case.equal("who asks", me(stage, key["key"])["key_name"], text)
        case.equal("for the operator", look_at(stage, key)["name"], text)
    case.note("five names, whole in every answer")


def expiry(stage, case, words):
    owner = fresh_owner(stage)
    caller = create(stage, owner)["key"]
    for text in ("2099-12-31T23:59:59Z", "2099-12-31T23:59:59+00:00", "2100-01-01T01:59:59+02:00"):
        key = made(stage, caller, name="x", expires_at=text)
        case.equal("in UTC", key["expires_at"], "2099-12-31T23:59:59Z")
    case.equal("null is never", made(stage, caller, name="x", expires_at=None)["expires_at"], None)
    end = int(time.time()) + 3
    key = made(stage, caller, name="short", expires_at=acts.as_text(end))
    count = acts.around_deadline(stage, case, key["key"], SUMMARY, end, (403, "key_expired"))
    case.equal("its status", look_at(stage, key)["status"], "expired")
    case.equal("nor does it answer", ask(stage, "GET", ME, key["key"]).refusal(), (403, "key_expired"))
    case.equal("nor make keys", make(stage, key["key"], name="x").refusal(), (403, "key_expired"))
    change(stage, key, expires_at=None)
    case.equal("woken by the operator", ask(stage, "GET", SUMMARY, key["key"]).status, 200)
    case.note(f"{count} requests around the deadline, none on the wrong side of it")


# ---- the members of the answer, one sentence each


def reply_of(stage, case, words):
    answer = make(stage, words["good"], name="members", scopes=["tests:read"])
    case.equal("status and members", (answer.status, sorted(answer.json())), (201, MEMBERS))
    return answer.json()


def reply_id(stage, case, words):
    key = reply_of(stage, case, words)
    case.true(f"id {key['id']}", re.fullmatch("key_[A-Za-z0-9]{12,22}", key["id"]))
    case.equal("the operator's", look_at(stage, key)["id"], key["id"])
    case.equal("its own", me(stage, key["key"])["key_id"], key["id"])
    case.note("one id in every answer")


def reply_object(stage, case, words):
    case.equal("object", reply_of(stage, case, words)["object"], "api_key")
    case.note("api_key")


def reply_name(stage, case, words):
    case.equal("name", reply_of(stage, case, words)["name"], "members")
    case.note("as it was given")


def reply_key(stage, case, words):
    key = reply_of(stage, case, words)
    case.equal("it is the key", ask(stage, "GET", SUMMARY, key["key"]).status, 200)
    again = {"api": "reachscore", "owner": OWNER, "digest": digest_of(key["key"])}
    case.equal("what is kept is its SHA-256", stage.call("POST", "/keys", again)[0], 409)
    case.note("it opens what it is for")


def reply_hint(stage, case, words):
    for number in range(5):
        key = reply_of(stage, case, words)
        case.equal("hint", key["key_hint"], "..." + key["key"][-4:])
        seen = look_at(stage, key)
        case.equal("for the operator", (seen["hint"], seen["prefix"]), (key["key"][-4:], "rk_live_"))
    case.note("three dots and four letters")


def reply_scopes(stage, case, words):
    case.equal("scopes", reply_of(stage, case, words)["scopes"], ["tests:read"])
    key = made(stage, words["good"], name="two", scopes=["tests:write", "tests:read"])
    case.equal("scopes", sorted(key["scopes"]), ["tests:read", "tests:write"])
    case.note("a list, as asked for")


def reply_created(stage, case, words):
    created = reply_of(stage, case, words)["created_at"]
    case.true(created, re.fullmatch(TIME, created))
    case.true("now", abs(acts.as_seconds(created) - time.time()) < SECONDS)
    case.note("now, with Z")


def reply_expires(stage, case, words):
    case.equal("never", reply_of(stage, case, words)["expires_at"], None)
    key = made(stage, words["good"], name="x", expires_at="2031-03-04T05:06:07Z")
    case.equal("then", key["expires_at"], "2031-03-04T05:06:07Z")
    case.note("null, or a time with Z")


def reply_livemode(stage, case, words):
    case.true("live", reply_of(stage, case, words)["livemode"] is True)
    case.true("test", made(stage, words["test"], name="x")["livemode"] is False)
    case.note("true and false")
