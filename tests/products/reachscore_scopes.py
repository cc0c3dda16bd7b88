"""ReachScore: the eight scopes, and that nobody gets more of them than he has."""

import subprocess
import time

import acts
from acts import all_keys, ask
from product import SECONDS
from reachscore_words import (
    KEYS, NARROWED, OWNER, ROUTES, SCOPES, SUMMARY, fresh_owner, made, make, me,
)  # fmt: skip
from steps import create, look_at, switched_on


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
    keys = {
        "all": create(stage, owner),
        "star": create(stage, owner, scopes=["*"]),
        "listed": create(stage, owner, scopes=list(SCOPES)),
        "family": create(stage, owner, scopes=["tests:*"]),
    }
    keys["made"] = made(stage, keys["all"]["key"], name="made")

    def grown(text):
        last, me_line = "      - billing:manage\n", "      GET /v1/auth/me:"
        text = text.replace(last, f"{last}      - reports:read\n      - tests:archive\n")
        routes = "      GET /v1/reports: reports:read\n      GET /v1/archive: tests:archive\n"
        return text.replace(me_line, routes + me_line)

    paths = ("/v1/reports", "/v1/archive", SUMMARY)
    wanted = dict.fromkeys(keys, [200, 200, 200]) | {"listed": [403, 403, 200], "family": [403, 200, 200]}
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
                        challenge = answer.fields.get("www-authenticate", "")
                        case.true(f"the scope is named: {challenge}", f'scope="{needed}"' in challenge)
                    requests += 1
    for scopes, fine in (
        (["tests:*"], {"tests:read", "tests:write"}),
        (["*"], set(SCOPES)),
        (["monitors:*", "billing:manage"], {"monitors:read", "monitors:write", "billing:manage"}),
        ([], set()),
    ):
        key = create(stage, owner, scopes=scopes)["key"]
        for needed, routes in ROUTES.items():
            method, path = routes[0]
            answer = ask(stage, method, path, key)
            case.equal(f"{scopes}: {method} {path}", answer.status, 200 if needed in fine else 403)
            requests += 1
    with acts.Line(stage, words["good"]) as line:
        for where in ("POST /v1/tests/", "PUT /v1/tests", "GET /v1", "GET /v1/testsx", "GET /v1/reports", "GET /"):
            case.true(f"{where} is nowhere", line.ask(*where.split()).status in (404, 405))
    case.note(f"{requests} requests")


def closed(stage, case, words):
    """A scope that is not one of the eight is a mistake in the configuration, told with its place."""
    for old, new, nearest in (
        ("GET /v1/tests/**: tests:read", "GET /v1/tests/**: tests:reed", "tests:read"),
        ("{scope: tests:write, meter: tests}", "{scope: test:write, meter: tests}", "tests:write"),
        ("ANY /v1/billing/**: billing:manage", "ANY /v1/billing/**: billing:*", None),
        (f"# {NARROWED}", NARROWED.replace("manage", "manag").replace("POST", "PUT"), "billing:manage"),
    ):
        text = stage.config.read_text()
        if text.count(old) != 1:
            raise RuntimeError(f"{old} is there {text.count(old)} times")
        file = stage.folder / "wrong.yaml"
        file.write_text(text.replace(old, new))
        done = subprocess.run(
            [stage.binary, "check", "-c", file],
            env=stage.environment, capture_output=True, timeout=SECONDS, encoding="utf-8", check=False,
        )
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
        ("one", ["billing:manage"], 403), ("one", ["tests:read", "tests:write"], 403), ("one", ["tests:*"], 403),
        ("one", ["*"], 403), ("one", ["tests:read"], 201), ("one", [], 201),
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
    narrow = {
        "plan": "business",
        "addresses": ["127.0.0.0/8"],
        "endpoints": ["POST /v1/keys", "GET /v1/tests/**"],
        "referrers": ["https://app.example.com"],
        "quota": {"tests": "5/month"},
    }
    caller = create(stage, owner, **narrow)
    fields = {"Origin": "https://app.example.com"}
    answer = ask(stage, "POST", KEYS, caller["key"], {"name": "heir"}, fields)
    case.equal("status", answer.status, 201)
    heir = answer.json()
    seen, of_caller = look_at(stage, heir), look_at(stage, caller)
    for member in ("owner", "plan", "mode", "addresses", "endpoints", "referrers", "quota", "rate", "bind"):
        case.equal(member, seen.get(member), of_caller.get(member))
    case.equal("site", ask(stage, "GET", SUMMARY, heir["key"]).refusal(), (403, "restriction_referrer"))
    elsewhere = ask(stage, "GET", "/v1/domains", heir["key"], fields=fields)
    case.equal("endpoint", elsewhere.refusal(), (403, "restriction_endpoint"))
    case.equal("inside them", ask(stage, "GET", SUMMARY, heir["key"], fields=fields).status, 200)
    test = create(stage, owner, mode="test")
    child = made(stage, test["key"], name="child")
    case.equal("mode", (child["key"][:8], child["livemode"]), ("rk_test_", False))
    case.equal("for the operator", look_at(stage, child)["mode"], "test")
    case.note("nothing is gained by a key of one's own making")


def capped(stage, case, words):
    with stage.beside(lambda text: switched_on(text, "self_service: {cap_expiry: true}")) as other:
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
        return switched_on(text, NARROWED)

    with stage.beside(narrowed) as other:
        owner = fresh_owner(other)
        for members, wanted in (
            ({"scopes": ["billing:manage"]}, (201, None)),
            ({}, (201, None)),
            ({"scopes": ["tests:read", "tests:write"]}, (403, "scope_missing")),
            ({"scopes": []}, (403, "scope_missing")),
        ):
            key = create(other, owner, **members)
            case.equal(f"{members}", make(other, key["key"], name="x").refusal(), wanted)
    case.note("billing:manage makes keys, others do not")
