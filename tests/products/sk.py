"""Keys sk_live_… and sk_test_…: the keys that the table speaks of, and what its rows of the kind `check` mean."""

import json
import subprocess
import time

import acts
from acts import all_keys, ask, names_at
from product import HERE, PYTHON, SECONDS, Api
from sk_care import *  # noqa: F403
from sk_modes import *  # noqa: F403
from sk_own_keys import *  # noqa: F403
from sk_two import two_gateways  # noqa: F401
from sk_words import OWNER, REVOKED, SUMMARY, digest_of, error_of, random_key  # noqa: F401
from steps import act, change, create, look_at, new_owner, set_owner, switched_on, usage, within

PLAN = POOR = None
IDENTITY = {"x-key-id", "x-key-owner"}


def hammer(stage, key, seen, stop):
    acts.hammer(stage, SUMMARY, key, seen, stop)


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


def belongs(stage, case, words):
    owner = new_owner(stage, name="Belongs Ltd")
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
    acts.is_nowhere(stage, case, key, secret, OWNER, **{"its list": listed.body})


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
    with stage.another(lambda text: switched_on(text, "GET /v1/balance/**: balance:read")) as other:
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


def support(stage, case, words):
    """The number that an answer tells is in the log, with the key's id and the reason."""
    for key, outcome in (("revoked", "key_revoked"), ("reader", "restriction_endpoint"), ("good", "allowed")):
        answer = ask(stage, "POST", "/v1/support", words[key])
        number = answer.fields["x-request-id"]
        line = within(SECONDS, lambda: stage.requests().get(number))
        case.true("in the log", line)
        case.equal("its outcome", line["outcome"], outcome)
        case.true("the key's id", line["key_id"].startswith("key_"))
        if outcome != "allowed":
            case.equal("in the body", answer.json()["error"]["request_id"], number)
    case.note("one number in the answer's field, its body and the log")
