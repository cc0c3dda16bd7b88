"""ReachScore: keys, what they are for, and how they are cared for."""

import functools
import re
import time

import acts
from acts import all_keys, ask, names_at
from product import SECONDS
from reachscore_words import (
    KEYS, ME, MEMBERS, OWNER, REVOKED, ROUTES, SHOWN, SUMMARY, TESTS_LIMIT, digest_of, fresh_owner, made, me,
    random_key, usage_of,
)  # fmt: skip
from steps import act, change, create, look_at, requests_of, set_owner, switched_on, within

MORE = (
    "GET /v1/keys: {answer: list_keys}",
    "GET /v1/keys/{id}: {answer: show_key}",
    "PATCH /v1/keys/{id}: {answer: update_key}",
    "POST /v1/keys/{id}/rotate: {answer: rotate_key}",
    "DELETE /v1/keys/{id}: {answer: revoke_key}",
)


def managed(stage, case, words):
    owner = fresh_owner(stage)
    key = create(stage, owner, name="by the operator", scopes=["tests:read"])
    case.equal("shown", look_at(stage, key)["name"], "by the operator")
    case.equal("listed", [one["id"] for one in all_keys(stage, owner)], [key["id"]])
    case.equal("changed", change(stage, key, name="renamed")["name"], "renamed")
    for action, wanted in (("disable", (403, "key_disabled")), ("enable", (200, None)), ("revoke", REVOKED)):
        act(stage, key, action)
        case.equal(action, ask(stage, "GET", SUMMARY, key["key"]).refusal(), wanted)
    stage.must(204, "DELETE", f"/keys/{key['id']}")
    case.equal("deleted", ask(stage, "GET", SUMMARY, key["key"]).refusal(), (403, "key_unknown"))
    case.note("made, shown, listed, renamed, switched off and on, revoked, deleted")


def managed_by_keys(stage, case, words):
    """The lines that the configuration has as comments: a customer's keys about the customer's keys."""
    with stage.beside(lambda text: functools.reduce(switched_on, MORE, text)) as other:
        owner, stranger = fresh_owner(other), fresh_owner(other)
        caller, foreign = create(other, owner), create(other, stranger)
        reader = create(other, owner, scopes=["tests:read"])
        target = made(other, caller["key"], name="target", scopes=["tests:read", "tests:write"])
        at = f"{KEYS}/{target['id']}"

        listed = ask(other, "GET", KEYS, caller["key"])
        case.equal("list", listed.status, 200)
        for key in (caller, reader, target):
            case.true("own keys are in it", key["id"] in listed.body)
        case.true("no other's", foreign["id"] not in listed.body)
        case.true("no key itself", target["key"] not in listed.body)
        case.equal("members of the list", sorted(listed.json()), ["data", "has_more", "next_cursor", "object"])
        for one in listed.json()["data"]:
            case.equal("members of a key", sorted(one), SHOWN)
        shown = ask(other, "GET", at, caller["key"])
        in_list = next(one for one in listed.json()["data"] if one["id"] == target["id"])
        case.equal("the same by itself", shown.json(), in_list)
        case.true("shown", shown.status == 200 and target["id"] in shown.body and target["key"] not in shown.body)

        changed = ask(other, "PATCH", at, caller["key"], {"name": "renamed", "scopes": ["tests:read"]})
        case.equal("changed", changed.status, 200)
        seen = look_at(other, target)
        case.equal("for the operator too", (seen["name"], seen["scopes"]), ("renamed", ["tests:read"]))
        refused = ask(other, "POST", "/v1/tests", target["key"])
        case.equal("from the next request on", refused.refusal(), (403, "scope_missing"))
        case.equal("what is left", ask(other, "GET", SUMMARY, target["key"]).status, 200)
        for body, wanted in (({"scopes": ["nope"]}, 422), ({"name": 7}, 422), ({"mode": "live"}, 422), ("{", 400)):
            case.equal(f"{body}", ask(other, "PATCH", at, caller["key"], body).status, wanted)

        # A key that can read alone gains nothing by changing or replacing one that can do more.
        wide = made(other, caller["key"], name="wide")
        at_wide = f"{KEYS}/{wide['id']}"
        for method, path, body in (("PATCH", at_wide, {"name": "mine"}), ("POST", f"{at_wide}/rotate", {}),
                                   ("PATCH", f"{KEYS}/{reader['id']}", {"scopes": ["tests:read", "billing:manage"]}),
                                   ("PATCH", f"{KEYS}/{reader['id']}", {"scopes": ["*"]})):
            answer = ask(other, method, path, reader["key"], body)
            case.equal(f"{method} {body} by one that can do less", answer.status, 403)
        case.equal("it has not changed", look_at(other, wide)["name"], "wide")
        case.equal("nor has the other", look_at(other, reader)["scopes"], ["tests:read"])

        fresh = ask(other, "POST", f"{at}/rotate", caller["key"], {"grace_seconds": 60})
        case.equal("rotated", fresh.status, 201)
        case.equal("as a new key is shown", sorted(fresh.json()), MEMBERS)
        both_keys = (target["key"], fresh.json()["key"])
        case.equal("both work", [ask(other, "GET", SUMMARY, key).status for key in both_keys], [200, 200])

        gone = ask(other, "DELETE", at, caller["key"])
        case.equal("revoked", (gone.status, gone.json()["status"]), (200, "revoked"))
        case.equal("it ended", ask(other, "GET", SUMMARY, target["key"]).status, 403)
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
            for key in (foreign["id"], "key_nobody"):
                body = {"name": "x"} if method == "PATCH" else None
                answer = ask(other, method, f"{KEYS}/{key}{path}", caller["key"], body)
                case.equal(f"{method} of others, or of nobody", answer.status, 404)
        case.equal("the foreign one goes on", ask(other, "GET", SUMMARY, foreign["key"]).status, 200)
    case.note("list, show, change, rotate, revoke: own keys alone, and nothing gained by it")


def scoped(stage, case, words):
    owner = fresh_owner(stage)
    keys = {scope: create(stage, owner, scopes=[scope]) for scope in ("domains:read", "monitors:write")}
    for scope, key in keys.items():
        before = len(stage.api.seen)
        for other in keys:
            method, path = ROUTES[other][0]
            wanted = (200, None) if other == scope else (403, "scope_missing")
            case.equal(f"{scope} at {method} {path}", ask(stage, method, path, key["key"]).refusal(), wanted)
        case.equal("scopes at the API", names_at(stage.api, before)[0]["x-key-scopes"], [scope])
    case.note("two keys of one organization, each for what it was made for")


def shapes(stage, case, words):
    owner = fresh_owner(stage)
    for mode, prefix in (("live", "rk_live_"), ("test", "rk_test_")):
        keys = [create(stage, owner, mode=mode) for _ in range(3)]
        keys += [made(stage, keys[0]["key"], name="made by it") for _ in range(2)]
        for key in keys:
            case.true(f"the shape of a {mode} key", re.fullmatch(prefix + "[A-Za-z0-9]{32}", key["key"]))
            case.equal("mode", look_at(stage, key)["mode"], mode)
        case.equal("different keys", len({key["key"] for key in keys}), 5)
        case.equal("livemode", {key["livemode"] for key in keys[3:]}, {mode == "live"})
    case.note("ten keys; those that a key makes are of its mode")


def apart(stage, case, words):
    for key, api, other in (("test", stage.test_api, stage.api), ("good", stage.api, stage.test_api)):
        before, not_there = len(api.seen), len(other.seen)
        requests = [(method, path) for method, path in (*ROUTES["tests:read"], ("PATCH", "/v1/tests/tst_1"))]
        for method, path in requests:
            fields = {"X-Key-Mode": "live", "x_key_mode": "test", "X.Key.Mode": "live", "X-Key-Owner": "org_2"}
            answer = ask(stage, method, path, words[key], fields=fields)
            case.equal("its body", answer.body.encode(), b"" if method == "HEAD" else api.body)
        case.equal("requests that it saw", [one[:2] for one in api.seen[before:]], requests)
        case.equal("requests that the other saw", len(other.seen), not_there)
        for head in names_at(api, before):
            case.equal("mode at the API", head["x-key-mode"], ["test" if key == "test" else "live"])
            case.equal("owner at the API", head["x-key-owner"], [OWNER])
            case.true("no other spelling", not {"x_key_mode", "x.key.mode"} & head.keys())
    case.note("five requests each, none at the other one; spoofed modes are removed")


def modes_disagree(stage, case, words):
    reached = stage.arrived()
    for prefix, mode in (("rk_live_", "test"), ("rk_test_", "live")):
        key = random_key(prefix)
        create(stage, OWNER, digest=digest_of(key), mode=mode)
        for method, path in (("GET", SUMMARY), ("POST", "/v1/tests"), ("GET", ME), ("POST", KEYS)):
            answer = ask(stage, method, path, key, {"name": "x"} if path == KEYS else None)
            case.equal(f"{prefix} in a {mode} record", answer.refusal(), (403, "key_mode_mismatch"))
    case.equal("requests at the APIs", stage.arrived(), reached)
    metrics = r'^keygate_requests_total\{[^}]*outcome="key_mode_mismatch"[^}]*\} [1-9]'
    case.true("metric", within(SECONDS, lambda: re.search(metrics, stage.status_page("/metrics")[1], re.M)))
    case.note("both ways 403 key_mode_mismatch, counted, never forwarded")


def edits(stage, case, words):
    """Another choice of scopes, another plan: from the next request on, with what was used kept."""
    owner = fresh_owner(stage)
    key = create(stage, owner, scopes=["tests:read", "tests:write"])
    case.equal("a test", ask(stage, "POST", "/v1/tests", key["key"]).status, 200)
    change(stage, key, scopes=["tests:read"])
    case.equal("less", ask(stage, "POST", "/v1/tests", key["key"]).refusal(), (403, "scope_missing"))
    change(stage, key, scopes=["tests:read", "tests:write", "domains:read"])
    case.equal("more", ask(stage, "GET", "/v1/domains", key["key"]).status, 200)
    for plan, wanted in (("free", (403, "plan_no_api")), ("business", (200, None)), ("team", (200, None))):
        set_owner(stage, owner, plan=plan)
        case.equal(plan, ask(stage, "GET", SUMMARY, key["key"]).refusal(), wanted)
    case.true("what was used is kept", within(SECONDS, lambda: usage_of(stage, key["key"]) == (1, TESTS_LIMIT)))
    case.note("scopes down and up, three plans; one test is still counted")


def rotation(stage, case, words):
    owner = fresh_owner(stage)
    old = create(stage, owner, name="rotated", scopes=["tests:read", "tests:write"])
    case.equal("a test", ask(stage, "POST", "/v1/tests", old["key"]).status, 200)
    fresh = act(stage, old, "rotate", {"grace_seconds": 60}, 201)
    case.equal("both", [ask(stage, "POST", "/v1/tests", key["key"]).status for key in (old, fresh)], [200, 200])
    case.equal("what it may do", sorted(me(stage, fresh["key"])["scopes"]), ["tests:read", "tests:write"])
    case.true("one count", within(SECONDS, lambda: usage_of(stage, fresh["key"])[0] == 3))
    exposed = act(stage, fresh, "rotate", {"grace_seconds": 0}, 201)
    status, reason = ask(stage, "GET", SUMMARY, fresh["key"]).refusal()
    case.true(f"exposed: {status} {reason}", status == 403 and reason in ("key_expired", "key_revoked"))
    case.equal("the next one", ask(stage, "GET", SUMMARY, exposed["key"]).status, 200)
    case.note("with a grace and at once; scopes and usage go along")


def separate(stage, case, words):
    owner = fresh_owner(stage)
    caller = create(stage, owner)["key"]
    names = ("staging", "production", "nightly")
    keys = {name: made(stage, caller, name=name, scopes=["tests:read"]) for name in names}
    before = len(stage.api.seen)
    for key in keys.values():
        ask(stage, "GET", SUMMARY, key["key"])
    heads = names_at(stage.api, before)
    case.equal("told apart by the API", [head["x-key-name"][0] for head in heads], list(keys))
    act(stage, keys["staging"], "revoke")
    answers = [ask(stage, "GET", SUMMARY, key["key"]).status for key in keys.values()]
    case.equal("one ends, the others go on", answers, [403, 200, 200])
    case.note("three keys, each with a life of its own")


def unused(stage, case, words):
    """Which keys nobody uses, and how often the others were."""
    owner = fresh_owner(stage)
    busy = create(stage, owner, name="busy")
    secret = random_key()
    two_hours_ago = acts.as_text(time.time() - 7200)
    idle = acts.bring_in(stage, owner, name="idle", digest=digest_of(secret), created_at=two_hours_ago)
    for _ in range(3):
        ask(stage, "POST", "/v1/tests", busy["key"])
    case.true("counted", within(SECONDS, lambda: requests_of(stage, busy) == 3))
    case.equal("never", (requests_of(stage, idle), look_at(stage, idle)["last_used_at"]), (0, None))
    since = acts.as_text(time.time() - 3600)
    found = [one["id"] for one in all_keys(stage, owner, unused_since=since)]
    case.equal("unused for an hour", found, [idle["id"]])
    said = stage.command("keys", "list", "--owner", owner, "--unused-since", since)
    case.true("by command", idle["id"] in said and busy["id"] not in said)
    act(stage, idle, "revoke")
    case.equal("revoked", ask(stage, "GET", SUMMARY, secret).refusal(), REVOKED)
    case.note("listed by last use, and revoked")
