"""ReachScore: what its rows of the kind `check` mean, and the keys that its table speaks of."""

import calendar
import hashlib
import json
import re
import secrets
import string
import subprocess
import threading
import time

import acts
import two_gateways as both
from acts import act, all_keys, ask, change, create, look_at, names_at, set_owner, within
from product import HERE, SECONDS

SUMMARY = "/v1/tests/tst_1"
ME = "/v1/auth/me"
KEYS = "/v1/keys"
OWNER = "org_abc123"
PLAN, POOR = "team", "free"
REVOKED = (403, "key_revoked")
LETTERS = string.ascii_letters + string.digits
TESTS_LIMIT = 1000
TEST_RATE = 60
SCOPES = (
    "tests:read", "tests:write", "domains:read", "domains:write", "monitors:read", "monitors:write", "webhooks:manage",
    "billing:manage",
)  # fmt: skip
ROUTES = {
    "tests:read": (("GET", "/v1/tests"), ("GET", "/v1/tests/tst_1"), ("HEAD", "/v1/tests/tst_1"), ("GET", "/v1/tests/tst_1/report")),
    "tests:write": (("POST", "/v1/tests"), ("PATCH", "/v1/tests/tst_1"), ("DELETE", "/v1/tests/tst_1"), ("POST", "/v1/tests/tst_1/cancel")),
    "domains:read": (("GET", "/v1/domains"), ("GET", "/v1/domains/dom_1")),
    "domains:write": (("POST", "/v1/domains"), ("DELETE", "/v1/domains/dom_1")),
    "monitors:read": (("GET", "/v1/monitors"), ("GET", "/v1/monitors/mon_1/runs")),
    "monitors:write": (("POST", "/v1/monitors"), ("PUT", "/v1/monitors/mon_1")),
    "webhooks:manage": (("GET", "/v1/webhooks"), ("POST", "/v1/webhooks"), ("DELETE", "/v1/webhooks/wh_1")),
    "billing:manage": (("GET", "/v1/billing/invoices"), ("POST", "/v1/billing/plan")),
}  # fmt: skip
MEMBERS = ["created_at", "expires_at", "id", "key", "key_hint", "livemode", "name", "object", "scopes"]
SHOWN = sorted({*MEMBERS, "status", "last_used_at"} - {"key"})
TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def hammer(stage, key, seen, stop):
    acts.hammer(stage, SUMMARY, key, seen, stop)


def random_key(prefix="rk_live_", letters=32):
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(letters))


def digest_of(key):
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def fresh_owner(stage, plan="team", **members):
    """An organization that no other check uses, not even at another gateway."""
    owner = f"org_{secrets.token_hex(5)}"
    set_owner(stage, owner, plan=plan, **members)
    return owner


def make(stage, key, **members):
    """What a customer does."""
    return ask(stage, "POST", KEYS, key, members)


def made(stage, key, **members):
    answer = make(stage, key, **members)
    if answer.status != 201:
        raise RuntimeError(f"{members}: {answer.status} {answer.body}")
    return answer.json()


def me(stage, key):
    answer = ask(stage, "GET", ME, key)
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {answer.body}")
    return answer.json()


def prepare(stage):
    """Owners and keys; the first ones by the commands that the configuration shows."""
    stage.command("owners", "set", "--api", "reachscore", "--id", OWNER, "--name", "Your Company", "--plan", "team",
                  "--attributes", '{"domains": 3}')  # fmt: skip
    options = ("keys", "create", "--api", "reachscore", "--owner", OWNER, "--json", "--name")
    good = json.loads(stage.command(*options, "First key"))
    test = json.loads(stage.command(*options, "CI", "--mode", "test", "--scope", "tests:read", "--scope", "tests:write"))
    revoked, disabled, deleted = (create(stage, OWNER) for _ in range(3))
    act(stage, revoked, "revoke")
    act(stage, disabled, "disable")
    stage.must(204, "DELETE", f"/keys/{deleted['id']}")
    expired = create(stage, OWNER, expires_at=acts.as_text(time.time() + 2))
    set_owner(stage, "org_free", plan="team")
    poor = create(stage, "org_free")
    set_owner(stage, "org_free", plan="free")
    renamed = random_key()
    create(stage, OWNER, digest=digest_of(renamed), mode="test")
    if not within(10, lambda: look_at(stage, expired)["status"] == "expired"):
        raise RuntimeError("a key does not expire")
    letters = good["key"].removeprefix("rk_live_")
    return {
        "good": good["key"],
        "test": test["key"],
        "unknown": random_key(),
        "revoked": revoked["key"],
        "disabled": disabled["key"],
        "deleted": deleted["key"],
        "expired": expired["key"],
        "poor": poor["key"],
        "renamed": renamed,
        "reader": create(stage, OWNER, scopes=["tests:read"])["key"],
        "none": create(stage, OWNER, scopes=[])["key"],
        "eleven": "rk_live_" + letters[:11],
        "many": random_key(letters=129),
        "other_product": "sk_live_" + letters,
        "no_prefix": letters,
    }


# ---- sentences 1 to 8: keys, their scopes, live and test


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


MORE = (
    "GET /v1/keys: {answer: list_keys}",
    "GET /v1/keys/{id}: {answer: show_key}",
    "PATCH /v1/keys/{id}: {answer: update_key}",
    "POST /v1/keys/{id}/rotate: {answer: rotate_key}",
    "DELETE /v1/keys/{id}: {answer: revoke_key}",
)


def managed_by_keys(stage, case, words):
    """The lines that the configuration has as comments: a customer's keys about the customer's keys."""
    with acts.beside(stage, lambda text: acts.switched_on(text, *MORE)) as other:
        owner, stranger = fresh_owner(other), fresh_owner(other)
        caller, reader, foreign = create(other, owner), create(other, owner, scopes=["tests:read"]), create(other, stranger)
        target = made(other, caller["key"], name="target", scopes=["tests:read", "tests:write"])
        at = f"{KEYS}/{target['id']}"

        listed = ask(other, "GET", KEYS, caller["key"])
        case.equal("list", listed.status, 200)
        for key in (caller, reader, target):
            case.true("own keys are in it", key["id"] in listed.body)
        case.true("no other's, and no key itself", foreign["id"] not in listed.body and target["key"] not in listed.body)
        case.equal("members of the list", sorted(listed.json()), ["data", "has_more", "next_cursor", "object"])
        for one in listed.json()["data"]:
            case.equal("members of a key", sorted(one), SHOWN)
        shown = ask(other, "GET", at, caller["key"])
        case.equal("the same by itself", shown.json(), next(one for one in listed.json()["data"] if one["id"] == target["id"]))
        case.true("shown", shown.status == 200 and target["id"] in shown.body and target["key"] not in shown.body)

        changed = ask(other, "PATCH", at, caller["key"], {"name": "renamed", "scopes": ["tests:read"]})
        case.equal("changed", changed.status, 200)
        case.equal("for the operator too", (look_at(other, target)["name"], look_at(other, target)["scopes"]), ("renamed", ["tests:read"]))
        case.equal("from the next request on", ask(other, "POST", "/v1/tests", target["key"]).refusal(), (403, "scope_missing"))
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


def usage_of(stage, key):
    usage = me(stage, key)["usage"]
    return usage["tests_this_month"], usage["tests_limit"]


def metered(stage, case, words):
    """Live keys spend the organization's tests: tests that were run, and nothing else."""
    owner = fresh_owner(stage)
    key = create(stage, owner)["key"]
    case.equal("before", usage_of(stage, key), (0, TESTS_LIMIT))
    for number in range(1, 4):
        case.equal("a test", ask(stage, "POST", "/v1/tests", key).status, 200)
        case.equal("counted at once", usage_of(stage, key), (number, TESTS_LIMIT))
    for status in (201, 202, 204):
        case.equal("also made", ask(stage, "POST", f"/v1/tests?answer={status}", key).status, status)
    for status in (301, 400, 404, 409, 422, 429, 500, 503):
        case.equal("not made", ask(stage, "POST", f"/v1/tests?answer={status}", key).status, status)
    for method, path in (*ROUTES["tests:read"], ("PATCH", "/v1/tests/tst_1"), *ROUTES["domains:write"], ("GET", ME)):
        case.equal("something else", ask(stage, method, path, key).status, 200)
    for refused in (words["reader"], words["unknown"], words["revoked"]):
        case.true("refused", ask(stage, "POST", "/v1/tests", refused).status == 403)
    case.true("6 are counted", within(SECONDS, lambda: usage_of(stage, key) == (6, TESTS_LIMIT)))
    case.note("6 answers with 2xx counted, 8 others and all else not")


def months_end():
    year, month = time.gmtime()[:2]
    return calendar.timegm((year + month // 12, month % 12 + 1, 1, 0, 0, 0))


def quota(stage, case, words):
    """Two keys share the 1000 tests of their organization; the last one passes, the next one does not."""
    owner = fresh_owner(stage)
    keys = [create(stage, owner)["key"] for _ in range(2)]
    stage.settle()
    with acts.Line(stage, keys[0]) as first, acts.Line(stage, keys[1]) as second:
        before = len(stage.api.seen)
        for number in range(TESTS_LIMIT - 1):
            answer = (first, second)[number % 2].ask("POST", "/v1/tests")
            case.equal(f"test {number + 1}", answer.status, 200)
        case.equal("an answer with 5xx takes none", first.ask("POST", "/v1/tests?answer=500").status, 500)
        last = first.ask("POST", "/v1/tests")
        case.equal("the last one", last.status, 200)
        fields = last.fields
        case.true(f"its policy: {fields.get('ratelimit-policy')}", f"q={TESTS_LIMIT}" in fields.get("ratelimit-policy", ""))
        case.true(f"nothing is left: {fields.get('ratelimit')}", re.search(r"\br=0\b", fields.get("ratelimit", "")))
        for line in (second, first):
            refused = line.ask("POST", "/v1/tests")
            case.equal("one more", refused.refusal(), (429, "quota_exceeded"))
            case.equal("code", refused.json()["error"]["code"], "QUOTA_EXCEEDED")
            wait = int(refused.fields["retry-after"])
            case.true(f"Retry-After {wait} is the month's end", abs(time.time() + wait - months_end()) < SECONDS)
        case.equal("tests at the API", len(stage.api.seen) - before, TESTS_LIMIT + 1)
        case.equal("what is no test goes on", first.ask("GET", SUMMARY).status, 200)
        case.equal("who asks sees it", first.ask("GET", ME).json()["usage"]["tests_this_month"], TESTS_LIMIT)

        # Another plan counts from the next request on, with what was used kept.
        set_owner(stage, owner, plan="business")
        stage.settle()
        case.equal("a larger plan", second.ask("POST", "/v1/tests").status, 200)
        case.true("kept", within(SECONDS, lambda: usage_of(stage, keys[0]) == (TESTS_LIMIT + 1, 10000)))
        set_owner(stage, owner, plan="team")
        stage.settle()
        case.equal("the old one again", second.ask("POST", "/v1/tests").refusal(), (429, "quota_exceeded"))
        set_owner(stage, owner, plan="free")
        stage.settle()
        case.equal("the one without the API", first.ask("GET", ME).refusal(), (403, "plan_no_api"))
    case.note(f"{TESTS_LIMIT} over two keys, then 429 until the month's end; plans change with usage kept")


def test_is_free(stage, case, words):
    """Test keys take nothing of what was bought, and are bounded all the same."""
    owner = fresh_owner(stage)
    live, test = create(stage, owner)["key"], create(stage, owner, mode="test")["key"]
    case.equal("a live test", ask(stage, "POST", "/v1/tests", live).status, 200)
    for _ in range(10):
        case.equal("a test test", ask(stage, "POST", "/v1/tests", test).status, 200)
    case.true("one is counted", within(SECONDS, lambda: usage_of(stage, live) == (1, TESTS_LIMIT)))

    # The rate of test keys is one of the clock's minutes: over two of them at most twice as many pass.
    before = len(stage.test_api.seen)
    with acts.Line(stage, test) as line:
        answers = []
        while len(answers) < 2 * TEST_RATE + 1 and (not answers or answers[-1].status == 200):
            answers.append(line.ask("POST", "/v1/tests"))
        case.equal("too many", answers[-1].refusal(), (429, "rate_limited"))
        case.true("Retry-After", 1 <= int(answers[-1].fields["retry-after"]) <= 60)
    case.equal("at the test API", len(stage.test_api.seen) - before, len(answers) - 1)
    case.equal("the live one goes on", ask(stage, "POST", "/v1/tests", live).status, 200)
    case.true("two are counted", within(SECONDS, lambda: usage_of(stage, live) == (2, TESTS_LIMIT)))
    case.note(f"429 after {len(answers) - 1 + 10} test calls, of which none is counted")


def test_beside_spent(stage, case, words):
    """A quota that is spent is nothing to a test key."""
    owner = fresh_owner(stage)
    live = create(stage, owner, quota={"tests": "2/month"})["key"]
    test = create(stage, owner, mode="test", quota={"tests": "2/month"})["key"]
    answers = [ask(stage, "POST", "/v1/tests", live).refusal() for _ in range(3)]
    case.equal("live", answers, [(200, None), (200, None), (429, "quota_exceeded")])
    case.equal("test", [ask(stage, "POST", "/v1/tests", test).status for _ in range(4)], [200] * 4)
    case.note("the live one is refused, the test one goes on")


# ---- sentences 9 to 24: keys that customers make


def run_curl(stage, name, key):
    file = stage.folder / name
    changes = {"https://api.reachscore.co": stage.host, "rk_live_xxx": key}
    file.write_text(acts.filled((HERE / "reachscore" / name).read_text(), changes))
    done = subprocess.run(["bash", file], env=stage.environment, capture_output=True, timeout=SECONDS, encoding="utf-8", check=False)
    return done.returncode, done.stdout


def curl_creates(stage, case, words):
    before = stage.arrived()
    status, text = run_curl(stage, "create.sh", words["good"])
    case.equal("exit status", status, 0)
    reply = json.loads(text)
    case.equal("members", sorted(reply), MEMBERS)
    case.equal("what was asked for", (reply["name"], sorted(reply["scopes"])), ("CI/CD Pipeline", ["tests:read", "tests:write"]))
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
    texts = {
        "who asks": ask(stage, "GET", ME, secret).body,
        "view": json.dumps(look_at(stage, key)),
        "list": json.dumps(all_keys(stage, OWNER)),
        "usage": json.dumps(acts.used(stage, key)),
        "command line": stage.command("keys", "list", "--json"),
        "log": stage.log(),
        "metrics": stage.status_page("/metrics")[1],
    }
    for name, text in texts.items():
        case.true(f"not in {name}", secret not in text and secret[8:20] not in text and len(text) > 2)
    case.note(f"not in {', '.join(texts)}")


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
    )
    for body, status, member in bad:
        answer = ask(stage, "POST", KEYS, key, body)
        case.equal(f"{str(body)[:80]}", answer.status, status)
        error = answer.json()["error"]
        case.equal("members", sorted(error), ["code", "message", "reason", "request_id"])
        case.true(f"{member} is named: {error['message']}", f"`{member}`" in error["message"])
    for text, status in (("{", 400), ("", 400), ("null", 400), ("[]", 400), ('"x"', 400), ('{"name": "x"', 400), ('{"name": "x"} y', 400),
                         ("{'name': 'x'}", 400), (b'{"name": "\xff"}', 400), ('{"name": "x", "name": "y"}', 400),
                         ('{"name": "' + "x" * 70_000 + '"}', 413)):
        answer = ask(stage, "POST", KEYS, key, text)
        case.true(f"{text[:30]!r}: {answer.status}", answer.status == status or (status == 400 and answer.status == 422))
        case.true("as refusals look", {"code", "message"} <= answer.json()["error"].keys())
    case.equal("keys that were made", len(all_keys(stage, owner)), 1)
    case.note(f"{len(bad)} bodies with the member that is wrong, 11 that are no JSON object or too large; none made a key")


def label(stage, case, words):
    for text in ("CI/CD Pipeline", "Grüße ✓ 株式会社", '"quoted" \\ {name} {{x}}', "<b>%41</b>", "x" * 200):
        key = made(stage, words["good"], name=text)
        case.equal("in the answer", key["name"], text)
        case.equal("who asks", me(stage, key["key"])["key_name"], text)
        case.equal("for the operator", look_at(stage, key)["name"], text)
    case.note("five names, whole in every answer")


def default_scopes(stage, case, words):
    """Without scopes a key gets what the one has that makes it, all of it at most."""
    owner = fresh_owner(stage)
    caller = create(stage, owner)["key"]
    key = made(stage, caller, name="all")
    case.equal("all scopes", sorted(key["scopes"]), sorted(SCOPES))
    for scope in SCOPES:
        method, path = ROUTES[scope][0]
        case.equal(f"{method} {path}", ask(stage, method, path, key["key"]).status, 200)
    for scopes in (["tests:read"], ["tests:read", "billing:manage"], []):
        narrow = create(stage, owner, scopes=scopes)["key"]
        case.equal("cut to the caller's", made(stage, narrow, name="cut")["scopes"], sorted(scopes))
    case.equal("an empty list is none", made(stage, caller, name="none", scopes=[])["scopes"], [])
    case.equal("null is as if absent", sorted(made(stage, caller, name="null", scopes=None)["scopes"]), sorted(SCOPES))
    case.note("eight scopes where the caller has all, else the caller's")


def all_ever(stage, case, words):
    """`all` is every scope now and later; a list is what it says."""
    owner = fresh_owner(stage)
    keys = {"all": create(stage, owner), "star": create(stage, owner, scopes=["*"]), "listed": create(stage, owner, scopes=list(SCOPES)),
            "family": create(stage, owner, scopes=["tests:*"])}  # fmt: skip
    keys["made"] = made(stage, keys["all"]["key"], name="made")

    def grown(text):
        text = text.replace("      - billing:manage\n", "      - billing:manage\n      - reports:read\n      - tests:archive\n")
        return text.replace("      GET /v1/auth/me:", "      GET /v1/reports: reports:read\n      GET /v1/archive: tests:archive\n      GET /v1/auth/me:")

    paths = ("/v1/reports", "/v1/archive", SUMMARY)
    wanted = {"all": [200, 200, 200], "star": [200, 200, 200], "made": [200, 200, 200], "listed": [403, 403, 200], "family": [403, 200, 200]}
    with acts.reloaded(stage, grown):
        for name, key in keys.items():
            stage.settle()
            case.equal(name, [ask(stage, "GET", path, key["key"]).status for path in paths], wanted[name])
        case.equal("in replies", len(me(stage, keys["all"]["key"])["scopes"]), len(SCOPES) + 2)
        case.equal("in replies", len(me(stage, keys["listed"]["key"])["scopes"]), len(SCOPES))
    case.equal("gone again", ask(stage, "GET", "/v1/reports", keys["all"]["key"]).refusal(), (404, "route_unknown"))
    case.note("a scope that came later is in `all`, `*` and its family, not in a list of the eight")


def vocabulary(stage, case, words):
    """Each of the eight against each route."""
    owner = fresh_owner(stage)
    keys = {scope: create(stage, owner, scopes=[scope])["key"] for scope in SCOPES}
    stage.settle()
    requests = 0
    for scope, key in keys.items():
        with acts.Line(stage, key) as line:
            for needed, routes in ROUTES.items():
                for method, path in routes:
                    answer = line.ask(method, path)
                    wanted = 200 if needed == scope else 403
                    case.equal(f"{scope}: {method} {path}", answer.status, wanted)
                    if wanted == 403 and method != "HEAD":
                        case.equal("reason", answer.refusal(), (403, "scope_missing"))
                        case.true("the scope is named", f'scope="{needed}"' in answer.fields.get("www-authenticate", f'scope="{needed}"'))
                    requests += 1
    for scopes, fine in ((["tests:*"], {"tests:read", "tests:write"}), (["*"], set(SCOPES)), (["monitors:*", "billing:manage"], {"monitors:read", "monitors:write", "billing:manage"}), ([], set())):
        key = create(stage, owner, scopes=scopes)["key"]
        for needed, routes in ROUTES.items():
            method, path = routes[0]
            case.equal(f"{scopes}: {method} {path}", ask(stage, method, path, key).status, 200 if needed in fine else 403)
            requests += 1
    with acts.Line(stage, words["good"]) as line:
        for method, path in (("POST", "/v1/tests/"), ("PUT", "/v1/tests"), ("GET", "/v1"), ("GET", "/v1/testsx"), ("GET", "/v1/reports"), ("GET", "/")):
            case.true(f"{method} {path} is nowhere", line.ask(method, path).status in (404, 405))
    case.note(f"{requests} requests")


def closed(stage, case, words):
    """A scope that is not one of the eight is a mistake in the configuration, told with its place."""
    for old, new, nearest in (
        ("GET /v1/tests/**: tests:read", "GET /v1/tests/**: tests:reed", "tests:read"),
        ("{scope: tests:write, meter: tests}", "{scope: test:write, meter: tests}", "tests:write"),
        ("ANY /v1/billing/**: billing:manage", "ANY /v1/billing/**: billing:*", None),
        ("# POST /v1/keys: {answer: create_key, require_scope: billing:manage}", "PUT /v1/keys: {answer: create_key, require_scope: billing:manag}", "billing:manage"),
    ):
        text = stage.config.read_text()
        if text.count(old) != 1:
            raise RuntimeError(f"{old} is there {text.count(old)} times")
        file = stage.folder / "wrong.yaml"
        file.write_text(text.replace(old, new))
        done = subprocess.run([stage.binary, "check", "-c", file], env=stage.environment, capture_output=True, check=False, encoding="utf-8")
        said = done.stdout + done.stderr
        line = text.replace(old, new)[: text.replace(old, new).index(new)].count("\n") + 1
        case.equal(f"check: {said[:200]}", done.returncode, 1)
        case.true(f"the line {line} is named: {said[:300]}", f"wrong.yaml:{line}:" in said)
        if nearest:
            case.true(f"the nearest name: {said[:300]}", nearest in said)
    status, reply = stage.call("POST", "/keys", {"api": "reachscore", "owner": OWNER, "scopes": ["tests:reed"]})
    case.equal("nor in a key", (status, "scopes" in reply["error"]["message"]), (422, True))
    case.note("four mistakes, each with file, line and column")


def guard(stage, case, words):
    """No key makes one that can do more than itself."""
    owner = fresh_owner(stage)
    before = len(all_keys(stage, owner))
    callers = {
        "one": create(stage, owner, scopes=["tests:read"]),
        "family": create(stage, owner, scopes=["tests:*"]),
        "listed": create(stage, owner, scopes=list(SCOPES)),
        "none": create(stage, owner, scopes=[]),
    }
    tries = (
        ("one", ["billing:manage"], 403), ("one", ["tests:read", "tests:write"], 403), ("one", ["tests:*"], 403), ("one", ["*"], 403),
        ("one", ["tests:read"], 201), ("one", [], 201),
        ("family", ["tests:read"], 201), ("family", ["tests:*"], 201), ("family", ["tests:read", "tests:write"], 201),
        ("family", ["*"], 403), ("family", ["domains:read"], 403), ("family", ["domains:*"], 403),
        ("listed", list(SCOPES), 201), ("listed", ["*"], 403), ("listed", ["tests:*"], 403),
        ("none", ["tests:read"], 403), ("none", ["*"], 403), ("none", [], 201),
    )  # fmt: skip
    count = 0
    for name, scopes, wanted in tries:
        answer = make(stage, callers[name]["key"], name="guarded", scopes=scopes)
        case.equal(f"{name} makes {scopes}", answer.status, wanted)
        if wanted == 403:
            error = answer.json()["error"]
            case.true(f"scopes are named: {error['message']}", "scopes" in error["message"])
        else:
            count += 1
    case.equal("keys", len(all_keys(stage, owner)), before + len(callers) + count)
    case.note(f"{len(tries)} tries, {len(tries) - count} of them refused")


def inherited(stage, case, words):
    """What the caller may not do, and whose it is, its keys inherit: mode, owner, plan, restrictions, limits."""
    owner = fresh_owner(stage)
    caller = create(stage, owner, plan="business", addresses=["127.0.0.0/8"], endpoints=["POST /v1/keys", "GET /v1/tests/**"], referrers=["https://app.example.com"],
                    quota={"tests": "5/month"})  # fmt: skip
    fields = {"Origin": "https://app.example.com"}
    answer = ask(stage, "POST", KEYS, caller["key"], {"name": "heir"}, fields)
    case.equal("status", answer.status, 201)
    heir = answer.json()
    seen, of_caller = look_at(stage, heir), look_at(stage, caller)
    for member in ("owner", "plan", "mode", "addresses", "endpoints", "referrers", "quota", "rate", "bind"):
        case.equal(member, seen.get(member), of_caller.get(member))
    case.equal("site", ask(stage, "GET", SUMMARY, heir["key"]).refusal(), (403, "restriction_referrer"))
    case.equal("endpoint", ask(stage, "GET", "/v1/domains", heir["key"], fields=fields).refusal(), (403, "restriction_endpoint"))
    case.equal("inside them", ask(stage, "GET", SUMMARY, heir["key"], fields=fields).status, 200)
    test = create(stage, owner, mode="test")
    child = made(stage, test["key"], name="child")
    case.equal("mode", (child["key"][:8], child["livemode"], look_at(stage, child)["mode"]), ("rk_test_", False, "test"))
    case.note("nothing is gained by a key of one's own making")


def capped(stage, case, words):
    with acts.beside(stage, lambda text: acts.switched_on(text, "self_service: {cap_expiry: true}")) as other:
        owner = fresh_owner(other)
        end = int(time.time()) + 3600
        caller = create(other, owner, expires_at=acts.as_text(end))
        free = create(other, owner)
        for given, wanted in ((None, end), (end, end), (end - 60, end - 60)):
            body = {"name": "x"} | ({"expires_at": acts.as_text(given)} if given else {})
            answer = ask(other, "POST", KEYS, caller["key"], body)
            case.equal(f"{given}", (answer.status, answer.json().get("expires_at")), (201, acts.as_text(wanted)))
        for late in (end + 1, end + 86400):
            answer = make(other, caller["key"], name="x", expires_at=acts.as_text(late))
            case.equal("later", answer.status, 422)
            case.true("named", "`expires_at`" in answer.json()["error"]["message"])
        case.equal("by one without end", make(other, free["key"], name="x").json()["expires_at"], None)
    answer = make(stage, create(stage, OWNER, expires_at=acts.as_text(end))["key"], name="x")
    case.equal("as shipped", (answer.status, answer.json()["expires_at"]), (201, None))
    case.note("with the one line a key ends no later than the one that made it")


def who_may_make(stage, case, words):
    """With the one line only keys with that scope make keys."""
    def narrowed(text):
        text = text.replace("      POST /v1/keys: {answer: create_key}\n", "")
        return acts.switched_on(text, "POST /v1/keys: {answer: create_key, require_scope: billing:manage}")

    with acts.beside(stage, narrowed) as other:
        owner = fresh_owner(other)
        for scopes, wanted in ((["billing:manage"], (201, None)), (None, (201, None)), (["tests:read", "tests:write"], (403, "scope_missing")), ([], (403, "scope_missing"))):
            key = create(other, owner, **({} if scopes is None else {"scopes": scopes}))
            case.equal(f"{scopes}", make(other, key["key"], name="x").refusal(), wanted)
    case.note("billing:manage makes keys, others do not")


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


# The members of the answer, one sentence each.


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
    case.equal("kept is its SHA-256", stage.call("POST", "/keys", {"api": "reachscore", "owner": OWNER, "digest": digest_of(key["key"])})[0], 409)
    case.note("it opens what it is for")


def reply_hint(stage, case, words):
    for number in range(5):
        key = reply_of(stage, case, words)
        case.equal("hint", key["key_hint"], "..." + key["key"][-4:])
        case.equal("for the operator", (look_at(stage, key)["hint"], look_at(stage, key)["prefix"]), (key["key"][-4:], "rk_live_"))
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


# ---- sentences 25 to 33: who am I?


def whoami(stage, case, words):
    owner = fresh_owner(stage, name="Your Company", attributes={"domains": 3})
    key = create(stage, owner, name="CI/CD Pipeline", scopes=["tests:read", "tests:write"])
    for _ in range(2):
        case.equal("a test", ask(stage, "POST", "/v1/tests", key["key"]).status, 200)
    before = stage.arrived()
    wanted = {
        "key_id": key["id"],
        "key_name": "CI/CD Pipeline",
        "scopes": ["tests:read", "tests:write"],
        "organization": {"id": owner, "name": "Your Company", "plan": "team"},
        "usage": {"tests_this_month": 2, "tests_limit": 1000, "domains": 3, "domains_limit": 10},
        "livemode": True,
    }
    case.true("counted", within(SECONDS, lambda: usage_of(stage, key["key"])[0] == 2))
    case.equal("all of it", me(stage, key["key"]), wanted)
    case.equal("types", {name: type(value) for name, value in me(stage, key["key"])["usage"].items()}, dict.fromkeys(wanted["usage"], int))
    case.equal("the API saw nothing of it", stage.arrived(), before)
    for wrong, refusal in (("unknown", (403, "key_unknown")), ("revoked", REVOKED), ("poor", (403, "plan_no_api")), ("expired", (403, "key_expired"))):
        case.equal(wrong, ask(stage, "GET", ME, words[wrong]).refusal(), refusal)
    case.equal("nobody", ask(stage, "GET", ME).refusal(), (401, "auth_missing"))
    case.equal("none of the scopes is needed", ask(stage, "GET", ME, words["none"]).status, 200)
    case.note("member by member")


def who_key(stage, case, words):
    key = create(stage, OWNER, name="asks")
    case.equal("id", me(stage, key["key"])["key_id"], key["id"])
    fresh = act(stage, key, "rotate", {"grace_seconds": 60}, 201)
    case.equal("each its own", [me(stage, one["key"])["key_id"] for one in (key, fresh)], [key["id"], fresh["id"]])
    case.note("each key its own")


def who_name(stage, case, words):
    key = create(stage, OWNER, name="Grüße ✓")
    case.equal("name", me(stage, key["key"])["key_name"], "Grüße ✓")
    change(stage, key, name="later")
    case.equal("changed", me(stage, key["key"])["key_name"], "later")
    case.note("as it is now")


def who_scopes(stage, case, words):
    key = create(stage, OWNER)
    case.equal("all", sorted(me(stage, key["key"])["scopes"]), sorted(SCOPES))
    for scopes, wanted in ((["tests:*"], ["tests:read", "tests:write"]), (["domains:read"], ["domains:read"]), ([], [])):
        change(stage, key, scopes=scopes)
        told = me(stage, key["key"])["scopes"]
        case.true(f"{scopes}: {told}", sorted(told) in (wanted, scopes))
    case.note("those that it has now")


def who_organization(stage, case, words):
    owner = fresh_owner(stage, name="Before")
    keys = [create(stage, owner)["key"] for _ in range(2)]
    case.equal("both are its", [me(stage, key)["organization"] for key in keys], [{"id": owner, "name": "Before", "plan": "team"}] * 2)
    set_owner(stage, owner, name="After ✓", plan="business")
    case.equal("changed", me(stage, keys[0])["organization"], {"id": owner, "name": "After ✓", "plan": "business"})
    case.note("id, name and plan as they are now")


def who_usage(stage, case, words):
    owner = fresh_owner(stage, attributes={"domains": 9})
    key = create(stage, owner)["key"]
    case.equal("domains", me(stage, key)["usage"], {"tests_this_month": 0, "tests_limit": 1000, "domains": 9, "domains_limit": 10})
    set_owner(stage, owner, plan="team", attributes={"domains": 12, "seats": 4})
    case.equal("as the product says", me(stage, key)["usage"]["domains"], 12)
    set_owner(stage, owner, plan="business", attributes={"domains": 12})
    usage = me(stage, key)["usage"]
    case.equal("limits of the plan", (usage["tests_limit"], usage["domains_limit"]), (10000, 100))
    case.equal("POST /v1/domains is not bounded by it", ask(stage, "POST", "/v1/domains", key).status, 200)
    case.note("what the gateway counts, and what the product says of itself")


def who_livemode(stage, case, words):
    case.true("live", me(stage, words["good"])["livemode"] is True)
    case.true("test", me(stage, words["test"])["livemode"] is False)
    case.note("true and false")


def curl_me(stage, case, words):
    status, text = run_curl(stage, "me.sh", words["good"])
    case.equal("exit status", status, 0)
    reply = json.loads(text)
    case.equal("members", sorted(reply), ["key_id", "key_name", "livemode", "organization", "scopes", "usage"])
    case.equal("organization", reply["organization"], {"id": OWNER, "name": "Your Company", "plan": "team"})
    status, text = run_curl(stage, "me.sh", words["unknown"])
    case.equal("refused", (status, json.loads(text)["error"]["code"]), (0, "INVALID_API_KEY"))
    case.note("the members of the page, and the code of a refusal")


# ---- sentences 34 to 38: care of keys


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
    keys = {name: made(stage, caller, name=name, scopes=["tests:read"]) for name in ("staging", "production", "nightly")}
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
    busy, idle = create(stage, owner, name="busy"), create(stage, owner, name="idle")
    for _ in range(3):
        ask(stage, "POST", "/v1/tests", busy["key"])
    case.true("counted", within(SECONDS, lambda: acts.used(stage, busy)["requests"]["total"] == 3))
    case.equal("never", (acts.used(stage, idle)["requests"]["total"], look_at(stage, idle)["last_used_at"]), (0, None))
    since = acts.as_text(time.time() - 3600)
    found = [one["id"] for one in all_keys(stage, owner, f"&unused_since={since}")]
    case.equal("unused for an hour", found, [idle["id"]])
    told = json.loads("[" + ",".join(stage.command("keys", "list", "--owner", owner, "--unused-since", since, "--json").split("\n")).strip(",") + "]")
    case.true("by command", idle["id"] in json.dumps(told) and busy["id"] not in json.dumps(told))
    act(stage, idle, "revoke")
    case.equal("revoked", ask(stage, "GET", SUMMARY, idle["key"]).refusal(), REVOKED)
    case.note("listed by last use, and revoked")


# ---- two gateways


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
    for at, other in both.both_ways(gateways):
        with acts.Line(at, caller["key"]) as line:
            answer = line.ask("POST", KEYS, {"name": "made"})
            case.equal("status", answer.status, 201)
        for stage in (other, at):
            case.equal("it works", both.ask(checks, stage, answer.json())[1], (200, None))
        case.equal("shown", both.here(other, "GET", f"/keys/{answer.json()['id']}")["name"], "made")
    case.note(f"{both.ROUNDS} keys, each from the next request on, at either gateway")


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
    case.equal("usage", answers[0]["usage"], {"tests_this_month": 2, "tests_limit": 1000, "domains": 3, "domains_limit": 10})
    case.note("one test at each, two told by both")


def scopes_at_both(checks, gateways, case):
    key = both.make(checks, gateways[0], "org_two_scopes")
    lags = []
    for at, other in both.both_ways(gateways):
        for scopes, before, after in ((["domains:read"], (200, None), (403, "scope_missing")), (["tests:read"], (403, "scope_missing"), (200, None))):
            case.equal("before", both.ask(checks, other, key)[1], before)
            both.here(at, "PATCH", f"/keys/{key['id']}", {"scopes": scopes})
            acknowledged = time.monotonic()
            case.equal("the next request where it was changed", both.ask(checks, at, key)[1], after)
            lags.append(both.until_bound(checks, case, other, key, acknowledged, before, after))
    case.note(f"{len(lags)} edits, the old one at the other gateway for at most {1000 * max(lags):.1f} ms")
