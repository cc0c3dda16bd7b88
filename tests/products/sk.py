"""Keys sk_live_… and sk_test_…: what the rows of the kind `check` mean, and the keys that the table speaks of."""

import hashlib
import json
import re
import secrets
import string
import subprocess
import time

import acts
import restrictions
import two_gateways as both
from acts import act, all_keys, ask, bring_in, change, create, look_at, names_at, set_owner, within
from product import HERE, PYTHON, SECONDS, Api

SUMMARY = "/v1/users/usr_123"
OWNER = "acct-1"
PLAN = POOR = None
REVOKED = (401, "key_revoked")
IDENTITY = {"x-key-id", "x-key-owner"}
LETTERS = string.ascii_letters + string.digits
DAY = 86400


def error_of(case, answer):
    reply = answer.json()
    case.equal("members of the body", sorted(reply), ["error", "success"])
    case.true("no success", reply["success"] is False)
    return reply["error"]


def hammer(stage, key, seen, stop):
    acts.hammer(stage, SUMMARY, key, seen, stop)


def random_key(prefix="sk_live_", letters=32):
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(letters))


def digest_of(key):
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def prepare(stage):
    """Owners and keys; the first ones by the commands that the configuration shows."""
    stage.command("owners", "set", "--api", "sk", "--id", OWNER, "--name", "Acme")
    make = ("keys", "create", "--api", "sk", "--owner", OWNER, "--json", "--name")
    good = json.loads(stage.command(*make, "Production Key"))
    test = json.loads(stage.command(*make, "My laptop", "--mode", "test"))
    revoked, disabled, deleted = (create(stage, OWNER) for _ in range(3))
    act(stage, revoked, "revoke")
    act(stage, disabled, "disable")
    stage.must(204, "DELETE", f"/keys/{deleted['id']}")
    expired = create(stage, OWNER, expires_at=acts.as_text(time.time() + 2))
    set_owner(stage, "acct-suspended")
    suspended = create(stage, "acct-suspended")
    set_owner(stage, "acct-suspended", status="suspended")
    renamed, short, long = random_key(), random_key(letters=12), random_key(letters=128)
    create(stage, OWNER, digest=digest_of(renamed), mode="test")
    for key in (short, long):
        create(stage, OWNER, digest=digest_of(key))
    if not within(10, lambda: look_at(stage, expired)["status"] == "expired"):
        raise RuntimeError("a key does not expire")
    letters = good["key"].removeprefix("sk_live_")
    return {
        "good": good["key"],
        "test": test["key"],
        "unknown": random_key(),
        "unknown_test": random_key("sk_test_"),
        "revoked": revoked["key"],
        "disabled": disabled["key"],
        "deleted": deleted["key"],
        "expired": expired["key"],
        "suspended": suspended["key"],
        "renamed": renamed,
        "other_prefix": "sk_test_" + letters,
        "shortest": short,
        "longest": long,
        "eleven": "sk_live_" + letters[:11],
        "many": random_key(letters=129),
        "no_prefix": letters,
        "public": "pk_live_" + letters,
        "upper": "SK_LIVE_" + letters,
        "dashed": "sk_live_" + letters[:31] + "-",
        "typo": good["key"][:-1] + ("a" if good["key"][-1] != "a" else "b"),
        "far": create(stage, OWNER, addresses=["192.0.2.0/24"])["key"],
        "site": create(stage, OWNER, referrers=["https://app.example.com"])["key"],
        "reader": create(stage, OWNER, endpoints=["GET /v1/users/{id}"])["key"],
    }


# ---- sentences 2 to 8: what a key is


def belongs(stage, case, words):
    owner = "acct-belongs"
    set_owner(stage, owner, name="Belongs Ltd")
    key = create(stage, owner, name="of its own")
    before = len(stage.api.seen)
    case.equal("status", ask(stage, "GET", SUMMARY, key["key"]).status, 200)
    head = names_at(stage.api, before)[0]
    case.equal("owner at the API", head["x-key-owner"], [owner])
    case.equal("id at the API", head["x-key-id"], [key["id"]])
    case.true("no key at the API", key["key"] not in json.dumps(head))
    case.equal("keys of the account", [one["id"] for one in all_keys(stage, owner)], [key["id"]])
    changed = change(stage, key, name="of another name")
    case.equal("a label can be changed", changed["name"], "of another name")
    act(stage, key, "revoke")
    case.equal("revoked there", ask(stage, "GET", SUMMARY, key["key"]).refusal(), REVOKED)
    case.note("made, seen, renamed and revoked by the operator; the API reads whose it is")


def endpoints(stage, case, words):
    before = stage.arrived()
    good = f"Authorization: Bearer {words['good']}\r\n"
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in (SUMMARY, "/v1", "/v1/", "/v1/charges", "/v1/api-keys", "/v1/api-keys/key_1"):
            answer = stage.raw(f"{method} {path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
            case.true(f"{method} {path}: {answer[:16]}", answer.split()[1] in ("401", "405"))
    for path in ("/", "/v2/users", "/v1x", "/V1/users", "/api-keys", "/metrics", "/admin/v1/keys", "/health"):
        for fields in ("", good):
            answer = stage.raw(f"GET {path} HTTP/1.1\r\nHost: api\r\n{fields}Connection: close\r\n\r\n")
            case.equal(path, answer.split()[1], "404")
    for path in ("/v1/../admin", "/v1/%2e%2e/x", "/v1//users", "/v1/x%00", "/v1/a%2fb", "/v1/a\\b"):
        answer = stage.raw(f"GET {path} HTTP/1.1\r\nHost: api\r\n{good}Connection: close\r\n\r\n")
        case.equal(path, answer.split()[1], "400")
        case.true("in the product's form", '{"success":false,"error":{' in answer)
    case.equal("requests at the APIs", stage.arrived(), before)
    case.note(f"{case.checks - 1} checks, none of these requests reached an API")


def label(stage, case, words):
    for text in ("Production Key", "Grüße ✓ 株式会社", '"quoted" \\ {json: [1]}'):
        key = create(stage, OWNER, name=text)
        case.equal("label", (key["name"], look_at(stage, key)["name"]), (text, text))
    status, reply = stage.call("POST", "/keys", {"api": "sk", "owner": OWNER, "name": "a\r\nX-Injected: yes"})
    case.equal("a line end", (status, "name" in reply["error"]["message"]), (422, True))
    case.note("as it was given; no line ends")


def shown_once(stage, case, words):
    key = create(stage, OWNER, name="once")
    secret = key["key"]
    for _ in range(3):
        ask(stage, "GET", SUMMARY, secret)
    listed = ask(stage, "GET", "/v1/api-keys", secret)
    case.equal("status of the list", listed.status, 200)
    texts = {
        "its list": listed.body,
        "view": json.dumps(look_at(stage, key)),
        "list": json.dumps(all_keys(stage)),
        "usage": json.dumps(acts.used(stage, key)),
        "command line": stage.command("keys", "list", "--json"),
        "log": stage.log(),
        "metrics": stage.status_page("/metrics")[1],
    }
    for name, text in texts.items():
        case.true(f"not in {name}", secret not in text and secret[8:20] not in text and len(text) > 2)
    case.note(f"not in {', '.join(texts)}")


def full_access(stage, case, words):
    before = len(stage.api.seen)
    paths = ("/v1", "/v1/users", "/v1/charges/ch_1/refunds", "/v1/balance", "/v1/api-key")
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    for path in paths:
        for method in methods:
            case.equal(f"{method} {path}", ask(stage, method, path, words["good"]).status, 200)
    heads = names_at(stage.api, before)
    case.equal("requests at the API", len(heads), len(paths) * len(methods))
    case.equal("scopes at the API", {tuple(head["x-key-scopes"]) for head in heads}, {("*",)})
    case.note(f"{len(heads)} requests; scopes at the API: *")


def full_or_chosen(stage, case, words):
    """Where the configuration names a scope, a key without scopes has it, and one with others has not."""
    with acts.beside(stage, lambda text: acts.switched_on(text, "GET /v1/balance/**: balance:read")) as other:
        set_owner(other, OWNER)
        keys = {
            "default": create(other, OWNER),
            "chosen": create(other, OWNER, scopes=["balance:read"]),
            "all": create(other, OWNER, scopes=["*"]),
            "none": create(other, OWNER, scopes=[]),
        }
        for name, key in keys.items():
            wanted = (403, "scope_missing") if name == "none" else (200, None)
            answer = ask(other, "GET", "/v1/balance/eur", key["key"])
            case.equal(f"{name}: the balance", answer.refusal(), wanted)
            case.equal(f"{name}: the rest", ask(other, "GET", SUMMARY, key["key"]).status, 200)
            if name == "none":
                case.equal("envelope", answer.json()["success"], False)
                case.equal("code", answer.json()["error"]["code"], "PLAN_LIMIT")
        status, reply = other.call("POST", "/keys", {"api": "sk", "owner": OWNER, "scopes": ["balance:reed"]})
        case.equal("a scope that nobody knows", (status, "scopes" in reply["error"]["message"]), (422, True))
    case.note("no scopes at creation is full access, an empty list is none")


# ---- sentences 13, 26 to 28: the page's own lines


def run_lines(stage, case, words, name, command, key_from):
    for key, wanted in ((words["good"], Api.BODY.decode()), (words["unknown"], "INVALID_API_KEY")):
        changes = {"https://api.example.com": stage.host}
        if key_from == "text":
            changes["sk_live_abc123xyz789"] = key
        file = stage.folder / name
        file.write_text(acts.filled((HERE / "sk" / name).read_text(), changes))
        before = stage.arrived()
        done = subprocess.run(
            [*command, file], env=stage.environment | ({"API_KEY": key} if key_from == "environment" else {}),
            capture_output=True, timeout=SECONDS, encoding="utf-8", check=False,
        )
        case.equal(f"exit status {done.stderr[-300:]}", done.returncode, 0)
        reached = stage.arrived()[0] - before[0]
        if key == words["good"]:
            case.equal("data", json.loads(done.stdout), json.loads(wanted))
            case.equal("at the API", (reached, stage.api.seen[-1][:2]), (1, ("GET", SUMMARY)))
        else:
            case.equal("refusal", json.loads(done.stdout)["success"], False)
            case.equal("code", json.loads(done.stdout)["error"]["code"], wanted)
            case.equal("at the API", reached, 0)
    case.note("the API's answer, and the envelope of a refusal")


def curl_lines(stage, case, words):
    run_lines(stage, case, words, "user.sh", ["bash"], "text")


def javascript_lines(stage, case, words):
    run_lines(stage, case, words, "user.mjs", ["node"], "environment")


def python_lines(stage, case, words):
    run_lines(stage, case, words, "user.py", [PYTHON], "environment")


# ---- sentences 14 to 22: live and test


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
        requests = [(method, path) for method in ("GET", "POST", "PUT", "PATCH", "DELETE") for path in ("/v1/charges", SUMMARY)]
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

    owner = f"acct-charged-{secrets.token_hex(3)}"
    with acts.beside(stage, sold) as other:
        set_owner(other, owner)
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
        lines = stage.status_page("/metrics")[1].splitlines()
        found = [line for line in lines if line.startswith("keygate_requests_total") and 'outcome="key_mode_mismatch"' in line]
        return sum(float(line.split()[-1]) for line in found)

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
            fields = {"v": 1, "id": f"key_{secrets.token_hex(8)}", "api": "sk", "owner": OWNER, "status": "active", "mode": "test"}
            redis.command("HSET", name, *(word for pair in fields.items() for word in pair))
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
    case.equal("modes in the log", [line.get("mode") for line in found], ["live", "test"])
    case.true("the log names key and owner", all(line["key"] and line["owner"] == OWNER for line in found))
    case.note("the log says live or test, whose key, and what came of it")


# ---- sentences 29 to 35: care of keys


def imported_of_age(stage, days, **members):
    key = random_key()
    created = acts.as_text(time.time() - days * DAY - 60)
    name = f"of {days} days {secrets.token_hex(3)}"
    record = bring_in(stage, OWNER, digest=digest_of(key), created_at=created, name=name, **members)
    return key, record


def old_keys(stage, case, words):
    for days, wanted in ((0, None), (1, None), (89, None), (90, "old;age=90"), (91, "old;age=91"), (400, "old;age=400")):
        key, _ = imported_of_age(stage, days)
        answer = ask(stage, "GET", SUMMARY, key)
        case.equal(f"{days} days", (answer.status, answer.fields.get("x-key-notice")), (200, wanted))
        if wanted:
            own = ask(stage, "GET", "/v1/api-keys", key)
            case.equal("by the gateway itself", (own.status, own.fields.get("x-key-notice")), (200, wanted))
    counted = r'^keygate_key_notices_total\{[^}]*kind="old"[^}]*\} [1-9]'
    is_counted = within(SECONDS, lambda: re.search(counted, stage.status_page("/metrics")[1], re.M))
    case.true("they are counted", is_counted)
    case.note("from 90 days on each answer says how old the key is; it goes on working")


def too_old(stage, case, words):
    line = "max_age: {warn: 90d, refuse: 120d}"
    with acts.beside(stage, lambda text: acts.switched_on(text, line)) as other:
        set_owner(other, OWNER)
        for days, wanted in ((91, (200, None)), (119, (200, None)), (120, (401, "key_expired")), (121, (401, "key_expired"))):
            key, _ = imported_of_age(other, days)
            answer = ask(other, "GET", SUMMARY, key)
            case.equal(f"{days} days", answer.refusal(), wanted)
            if wanted[0] == 200:
                notice = answer.fields.get("x-key-notice", "")
                case.true(f"a notice with its end: {notice}", re.fullmatch(rf'old;age={days};ends="20[0-9TZ:-]+"', notice))
    case.note("119 days pass with a notice, 120 are refused")


def rotation(stage, case, words):
    old = create(stage, OWNER, name="to be rotated")
    fresh = act(stage, old, "rotate", {"grace_seconds": 3}, 201)
    end = acts.as_seconds(look_at(stage, old)["expires_at"])
    answer = ask(stage, "GET", SUMMARY, old["key"])
    notice = f'rotated;successor="{fresh["id"]}";ends="{acts.as_text(end)}"'
    case.equal("told to whom uses the old one", (answer.status, answer.fields.get("x-key-notice")), (200, notice))
    answer = ask(stage, "GET", SUMMARY, fresh["key"])
    case.equal("the new one", (answer.status, answer.fields.get("x-key-notice")), (200, None))
    count = acts.around_deadline(stage, case, old["key"], SUMMARY, end, (401, "key_expired"))
    case.equal("the new one", stage.get(SUMMARY, fresh["key"]), (200, None))
    case.note(f"{count} requests around the deadline, none on the wrong side of it")


def leaked(stage, case, words):
    old = create(stage, OWNER)
    fresh = act(stage, old, "rotate", {"grace_seconds": 0}, 201)
    status, reason = ask(stage, "GET", SUMMARY, old["key"]).refusal()
    case.true(f"old: {status} {reason}", status == 401 and reason in ("key_expired", "key_revoked"))
    case.equal("new", ask(stage, "GET", SUMMARY, fresh["key"]).status, 200)
    key = create(stage, OWNER)
    case.equal("before", ask(stage, "GET", SUMMARY, key["key"]).status, 200)
    act(stage, key, "revoke")
    case.equal("revoked", ask(stage, "GET", SUMMARY, key["key"]).refusal(), REVOKED)
    case.equal("for good", stage.call("POST", f"/keys/{key['id']}:enable")[0], 409)
    case.note("ended with the call, both ways")


def many_keys(stage, case, words):
    owner = "acct-services"
    set_owner(stage, owner)
    keys = {f"service {number}": create(stage, owner, name=f"service {number}") for number in range(12)}
    before = len(stage.api.seen)
    for key in keys.values():
        case.equal("status", ask(stage, "GET", SUMMARY, key["key"]).status, 200)
    heads = names_at(stage.api, before)
    case.equal("ids at the API", [head["x-key-id"][0] for head in heads], [key["id"] for key in keys.values()])
    case.equal("labels at the API", [head["x-key-name"][0].replace("%20", " ") for head in heads], list(keys))
    act(stage, keys["service 3"], "revoke")
    answers = {name: ask(stage, "GET", SUMMARY, key["key"]).status for name, key in keys.items()}
    case.equal("one revoked, the others not", answers, {name: 401 if name == "service 3" else 200 for name in keys})
    case.note("12 keys, told apart by the API, revoked one by one")


def by_address(stage, case, words):
    restrictions.show(stage, case, "address")


def by_site(stage, case, words):
    restrictions.show(stage, case, "referrer")


def by_endpoint(stage, case, words):
    restrictions.show(stage, case, "endpoint")


def several(stage, case, words):
    restrictions.show(stage, case, "several")


def bad_restrictions(stage, case, words):
    restrictions.show(stage, case, "bad")


def restrictions_edited(stage, case, words):
    """Each edit counts from the next request on, takes nothing of what was counted, and is undone by null."""
    key = create(stage, OWNER, name="edited")
    edits = (
        ({}, (200, None)),
        ({"addresses": ["192.0.2.0/24"]}, (403, "restriction_address")),
        ({"addresses": ["127.0.0.0/8"]}, (200, None)),
        ({"referrers": ["https://app.example.com"]}, (403, "restriction_referrer")),
        ({"addresses": None, "referrers": None}, (200, None)),
        ({"endpoints": ["POST /v1/users/**"]}, (403, "restriction_endpoint")),
        ({"endpoints": ["GET /v1/users/**", "POST /v1/charges"]}, (200, None)),
        ({"endpoints": None}, (200, None)),
    )
    allowed = 0
    for edit, wanted in edits:
        if edit:
            shown = change(stage, key, **edit)
            case.equal("shown", {name: shown[name] for name in edit}, edit)
        case.equal(f"{edit}", ask(stage, "GET", SUMMARY, key["key"]).refusal(), wanted)
        allowed += wanted[0] == 200
    is_right = within(SECONDS, lambda: acts.used(stage, key)["requests"]["total"] == allowed)
    case.true(f"{allowed} requests are counted, refused ones are not", is_right)
    made = stage.command("keys", "create", "--api", "sk", "--owner", OWNER, "--json", "--name", "Reports",
                         "--address", "192.0.2.0/24", "--endpoint", "GET /v1/reports/**")  # fmt: skip
    made = json.loads(made)
    case.equal("by command", (made["addresses"], made["endpoints"]), (["192.0.2.0/24"], ["GET /v1/reports/**"]))
    stage.command("keys", "update", made["id"], "--referrer", "https://*.example.com")
    stage.command("keys", "update", made["id"], "--no-addresses")
    seen = look_at(stage, made)
    case.equal("changed", (seen["addresses"], seen["referrers"]), (None, ["https://*.example.com"]))
    answer = ask(stage, "GET", "/v1/reports/1", made["key"], fields={"Origin": "https://a.example.com"})
    case.equal("status", answer.status, 200)
    case.note(f"{len(edits)} edits, each from the next request on; by call and by command")


# ---- sentences 36 to 39: keys that ask about keys


def listed(stage, case, words):
    owner, stranger = "acct-list", "acct-list-2"
    for one in (owner, stranger):
        set_owner(stage, one)
    keys = [create(stage, owner, name=name) for name in ("Production Key", "Grüße ✓", "never used")]
    test, foreign = create(stage, owner, name="sandbox", mode="test"), create(stage, stranger, name="of others")
    case.equal("used", ask(stage, "GET", SUMMARY, keys[1]["key"]).status, 200)
    answer = ask(stage, "GET", "/v1/api-keys", keys[0]["key"])
    case.equal("status", answer.status, 200)
    case.true("type", answer.fields["content-type"].startswith("application/json"))
    reply = answer.json()
    case.equal("members", sorted(reply), ["data", "success"])
    case.true("success", reply["success"] is True)
    found = {one["id"]: one for one in reply["data"]}
    case.equal("whose keys", set(found), {key["id"] for key in [*keys, test]})
    for one in reply["data"]:
        case.equal("members of a key", sorted(one), ["created_at", "id", "last_used", "name", "prefix"])
        case.true("id", re.fullmatch("key_[A-Za-z0-9]+", one["id"]))
        case.true("created", re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["created_at"]))
    case.equal("names", [found[key["id"]]["name"] for key in keys], ["Production Key", "Grüße ✓", "never used"])
    case.equal("prefixes", [found[key["id"]]["prefix"] for key in (keys[0], test)], ["sk_live_", "sk_test_"])
    case.equal("never used", found[keys[2]["id"]]["last_used"], None)
    used = found[keys[1]["id"]]["last_used"]
    case.true(f"used at {used}", abs(acts.as_seconds(used) - time.time()) < SECONDS)
    own = ask(stage, "GET", "/v1/api-keys", keys[0]["key"]).json()["data"]
    case.true("the list itself is a use", next(one for one in own if one["id"] == keys[0]["id"])["last_used"])
    of_test = ask(stage, "GET", "/v1/api-keys", test["key"]).json()["data"]
    case.equal("a test key sees test keys", [one["id"] for one in of_test], [test["id"]])
    others = ask(stage, "GET", "/v1/api-keys", foreign["key"]).json()["data"]
    case.equal("others see theirs", [one["id"] for one in others], [foreign["id"]])
    case.note("five members each, times with Z, the account's own keys alone")


def list_of_many(stage, case, words):
    owner = "acct-long-list"
    set_owner(stage, owner)
    rows = [{"api": "sk", "owner": owner, "digest": digest_of(random_key()), "name": f"n{number}"} for number in range(130)]
    stage.must(200, "POST", "/keys:import", {"keys": rows})
    key = create(stage, owner, name="asks")
    reply = ask(stage, "GET", "/v1/api-keys", key["key"]).json()
    case.equal("members", sorted(reply), ["data", "success"])
    case.equal("keys", {one["name"] for one in reply["data"]}, {row["name"] for row in rows} | {"asks"})
    case.note("131 keys in one answer")


def not_reached(stage, case, words):
    """The two lines are the gateway's own: the API sees nothing of them, and what is refused there looks as elsewhere."""
    before = stage.arrived()
    for key in ("good", "test"):
        case.equal("list", ask(stage, "GET", "/v1/api-keys", words[key]).status, 200)
        answer = ask(stage, "DELETE", "/v1/api-keys/key_nobody", words[key])
        case.equal("unknown id", answer.status, 404)
        error = error_of(case, answer)
        case.equal("members", sorted(error), ["code", "message", "reason", "request_id"])
        case.equal("request id", error["request_id"], answer.fields["x-request-id"])
    for key, wanted in (("unknown", (401, "key_unknown")), ("revoked", REVOKED), ("reader", (403, "restriction_endpoint")),
                        ("far", (403, "restriction_address")), ("suspended", (403, "owner_suspended"))):
        case.equal(key, ask(stage, "GET", "/v1/api-keys", words[key]).refusal(), wanted)
    case.equal("HEAD", ask(stage, "HEAD", "/v1/api-keys", words["good"]).body, "")
    case.equal("requests at the APIs", stage.arrived(), before)
    case.note("nothing reached an API")


def revoked_by_key(stage, case, words):
    owner, stranger = "acct-revoke", "acct-revoke-2"
    for one in (owner, stranger):
        set_owner(stage, one)
    caller, target, foreign = create(stage, owner), create(stage, owner), create(stage, stranger)
    test, other_test = create(stage, owner, mode="test"), create(stage, owner, mode="test")
    for key in (caller, target, foreign):
        case.equal("before", ask(stage, "GET", SUMMARY, key["key"]).status, 200)

    answer = ask(stage, "DELETE", f"/v1/api-keys/{target['id']}", caller["key"])
    case.equal("status", answer.status, 200)
    case.equal("body", answer.json(), {"success": True, "message": "API key revoked successfully"})
    case.equal("from the next request on", ask(stage, "GET", SUMMARY, target["key"]).refusal(), REVOKED)
    case.equal("status for the operator", look_at(stage, target)["status"], "revoked")

    for key in (foreign["id"], "key_nobody", target["key"][:20]):
        answer = ask(stage, "DELETE", f"/v1/api-keys/{key}", caller["key"])
        case.equal("of others, or of nobody", (answer.status, answer.json()["success"]), (404, False))
    case.equal("it goes on", ask(stage, "GET", SUMMARY, foreign["key"]).status, 200)

    case.equal("live by test", ask(stage, "DELETE", f"/v1/api-keys/{caller['id']}", test["key"]).status, 404)
    case.equal("it goes on", ask(stage, "GET", SUMMARY, caller["key"]).status, 200)
    case.equal("test by test", ask(stage, "DELETE", f"/v1/api-keys/{other_test['id']}", test["key"]).status, 200)
    case.equal("it ended", ask(stage, "GET", SUMMARY, other_test["key"]).refusal(), REVOKED)
    case.note("own keys alone; a test key ends test keys alone; others' are 404 as those that never were")


def revokes_itself(stage, case, words):
    key, other = create(stage, OWNER), create(stage, OWNER)
    with acts.Line(stage, key["key"]) as line:
        stage.settle()
        case.equal("before", line.ask("GET", SUMMARY).status, 200)
        answer = line.ask("DELETE", f"/v1/api-keys/{key['id']}")
        case.equal("status", (answer.status, answer.json()["success"]), (200, True))
        case.equal("the next one on the same connection", line.ask("GET", SUMMARY).refusal(), REVOKED)
        case.equal("its own list", line.ask("GET", "/v1/api-keys").refusal(), REVOKED)
        case.equal("once more", line.ask("DELETE", f"/v1/api-keys/{key['id']}").refusal(), REVOKED)
    case.equal("another one", ask(stage, "GET", SUMMARY, other["key"]).status, 200)
    case.note("the calling key can be revoked, and is refused from the next request on")


# ---- sentences 46 to 53: when something is wrong


def dashboard(stage, case, words):
    """What a key may do is seen and changed where the operator looks."""
    key = create(stage, OWNER, name="looked at", endpoints=["GET /v1/users/{id}"], addresses=["127.0.0.0/8"])
    seen = look_at(stage, key)
    case.equal("restrictions", (seen["endpoints"], seen["addresses"], seen["referrers"]), (["GET /v1/users/{id}"], ["127.0.0.0/8"], None))
    case.equal("refused", ask(stage, "POST", "/v1/charges", key["key"]).refusal(), (403, "restriction_endpoint"))
    change(stage, key, endpoints=["GET /v1/users/{id}", "POST /v1/charges"])
    case.equal("allowed", ask(stage, "POST", "/v1/charges", key["key"]).status, 200)
    case.note("403, and 200 once the dashboard says so")


def support(stage, case, words):
    """The number that an answer tells is in the log, with the key's id and the reason."""
    for key, outcome in (("revoked", "key_revoked"), ("reader", "restriction_endpoint"), ("good", "allowed")):
        answer = ask(stage, "POST", "/v1/support", words[key])
        number = answer.fields["x-request-id"]
        line = within(SECONDS, lambda: stage.requests().get(number))
        case.true("in the log", line)
        case.equal("its outcome", line["outcome"], outcome)
        case.true("the key's id", line["key"].startswith("key_"))
        if outcome != "allowed":
            case.equal("in the body", answer.json()["error"]["request_id"], number)
    case.note("one number in the answer's field, its body and the log")


# ---- two gateways


def two_gateways(checks, first, second, report):
    both.run(checks, first, second, report, (
        ("restrictions: an edit at either gateway counts at both within the bound", edits_at_both),
        ("a key that is revoked by a key at one gateway is refused at both within the bound", self_service_at_both),
        ("the list is the same at both", list_at_both),
    ))  # fmt: skip


def edits_at_both(checks, gateways, case):
    key = both.make(checks, gateways[0], "acct-two-edits")
    lags = []
    for at, other in both.both_ways(gateways):
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
    for at, other in both.both_ways(gateways):
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
