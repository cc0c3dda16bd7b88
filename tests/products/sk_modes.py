"""Keys sk_live_… and sk_test_…: what tells them apart, and what comes of it."""

import json
import re
import secrets

from acts import ask, names_at
from product import SECONDS
from sk_words import OWNER, SUMMARY, digest_of, random_key
from steps import create, look_at, new_owner, within


def shapes(stage, case, words):
    for mode, prefix in (("live", "sk_live_"), ("test", "sk_test_")):
        keys = [create(stage, OWNER, mode=mode) for _ in range(5)]
        for key in keys:
            case.true(f"the shape of a {mode} key", re.fullmatch(prefix + "[A-Za-z0-9]{32}", key["key"]))
            case.equal("mode", look_at(stage, key)["mode"], mode)
            case.equal("shown", (look_at(stage, key)["prefix"], look_at(stage, key)["hint"]), (prefix, ""))
        case.equal("different keys", len({key["key"] for key in keys}), 5)
    case.equal("without a mode", create(stage, OWNER)["key"][:8], "sk_live_")
    status, reply = stage.call("POST", "/keys", {"api": "sk", "owner": OWNER, "mode": "sandbox"})
    case.equal("a third mode", (status, "mode" in reply["error"]["message"]), (422, True))
    case.note("ten keys; prefix and record agree")


def test_apart(stage, case, words):
    """Every request of a test key reaches what stands there for test keys, and nothing of it the API."""
    for key, api, other in (("test", stage.test_api, stage.api), ("good", stage.api, stage.test_api)):
        before, not_there = len(api.seen), len(other.seen)
        methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
        requests = [(method, path) for method in methods for path in ("/v1/charges", SUMMARY)]
        for method, path in requests:
            answer = ask(stage, method, path, words[key])
            case.equal("its body", answer.body.encode(), api.body)
        case.equal("requests that it saw", [one[:2] for one in api.seen[before:]], requests)
        case.equal("requests that the other saw", len(other.seen), not_there)
    case.note("ten requests each, none at the other one")


def not_charged(stage, case, words):
    """What would be charged counts for live keys; a plan's numbers are not touched by test keys."""
    def sold(text):
        plans = "    plans: {basic: {quota: {requests: 3/month}}}\n    default_plan: basic\n"
        return text.replace("    upstreams:\n", plans + "    upstreams:\n")

    with stage.beside(sold) as other:
        owner = new_owner(other)
        live, test = create(other, owner), create(other, owner, mode="test")
        for _ in range(10):
            case.equal("test", ask(other, "GET", SUMMARY, test["key"]).status, 200)
        answers = [ask(other, "GET", SUMMARY, live["key"]).refusal() for _ in range(4)]
        case.equal("live", answers, [(200, None)] * 3 + [(429, "quota_exceeded")])
        case.equal("test, afterwards", ask(other, "GET", SUMMARY, test["key"]).status, 200)
    case.note("11 test requests beside a quota of 3 leave it whole")


def modes_disagree(stage, case, words):
    """A record cannot be promoted by renaming the key, and every attempt is counted."""
    def counted():
        mismatch = r'^keygate_requests_total\{[^}]*outcome="key_mode_mismatch"[^}]*\} (\d+)'
        return sum(map(int, re.findall(mismatch, stage.status_page("/metrics")[1], re.M)))

    before, attempts, reached = counted(), 0, stage.arrived()
    for prefix, mode in (("sk_live_", "test"), ("sk_test_", "live")):
        key = random_key(prefix)
        create(stage, OWNER, digest=digest_of(key), mode=mode)
        for method in ("GET", "POST"):
            answer = ask(stage, method, SUMMARY, key)
            case.equal(f"{prefix} in a {mode} record", answer.refusal(), (401, "key_mode_mismatch"))
            case.true("it says what to look at", "environment" in answer.json()["error"]["message"])
            attempts += 1
    if stage.redis:
        key = random_key()
        with stage.redis.client() as redis:
            name = f"kg:key:{digest_of(key)[7:]}"
            record = f"v 1 id key_{secrets.token_hex(8)} api sk owner {OWNER} status active mode test"
            redis.command("HSET", name, *record.split())
            case.equal("written by the product", ask(stage, "GET", SUMMARY, key).refusal(), (401, "key_mode_mismatch"))
            redis.command("HSET", name, "mode", "live")
            is_right = within(SECONDS, lambda: ask(stage, "GET", SUMMARY, key).status == 200)
            case.true("and put right", is_right)
            redis.command("DEL", name)
        reached = (reached[0] + 1, reached[1])
        case.true("metric", within(SECONDS, lambda: counted() > before + attempts))
    else:
        case.true("metric", within(SECONDS, lambda: counted() == before + attempts))
    case.equal("requests at the APIs", stage.arrived(), reached)
    case.note("both ways 401 key_mode_mismatch, and keygate_requests_total says so")


def spoofed(stage, case, words):
    fields = {
        "X-Key-Mode": "test", "x_key_mode": "test", "X.Key.Mode": "test", "X-KEY-OWNER": "acct-2", "X-Key-Id": "key_2",
        "X-Key-Scopes": "admin", "X-Key-Plan": "gold", "X-Key-Name": "root",
    }  # fmt: skip
    for key, api, mode in (("good", stage.api, "live"), ("test", stage.test_api, "test")):
        before = len(api.seen)
        case.equal("status", ask(stage, "GET", SUMMARY, words[key], fields=fields).status, 200)
        raw = f"GET {SUMMARY} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {words[key]}\r\n"
        stage.raw(f"{raw}X-Key-Mode: {mode}\r\nX-Key-Mode: x\r\nConnection: X-Key-Mode, close\r\n\r\n")
        for head in names_at(api, before):
            case.equal("mode at the API", head["x-key-mode"], [mode])
            case.equal("owner at the API", head["x-key-owner"], [OWNER])
            others = [name for name in head if re.sub("[^a-z]", "-", name).startswith("x-key-")]
            case.equal("fields about the key", sorted(others), sorted(set(others) & {
                "x-key-id", "x-key-owner", "x-key-mode", "x-key-scopes", "x-key-name"}))
    case.note("only the gateway's own words arrive")


def watched(stage, case, words):
    """Each request of a live key is told from those of test keys where operators look."""
    before = len(stage.gateway.text())
    for key in ("good", "test"):
        ask(stage, "GET", "/v1/watched", words[key])

    def lines():
        text = stage.gateway.text()[before:].splitlines()
        found = [json.loads(line) for line in text if line.startswith("{") and '"/v1/watched"' in line]
        return found if len(found) == 2 else None

    found = within(SECONDS, lines) or []
    case.equal("modes in the log", sorted(line.get("mode") for line in found), ["live", "test"])
    case.true("the log names key and owner", all(line["key_id"] and line["owner"] == OWNER for line in found))
    case.note("the log says live or test, whose key, and what came of it")
