"""ReelPlus: what its rows of the kind `check` mean, and the keys that its table speaks of."""

import calendar
import contextlib
import hashlib
import http.client
import json
import re
import secrets
import sqlite3
import subprocess

import threading
import time
import urllib.parse

from product import HERE, PYTHON, SECONDS, Api
from steps import within
from two_gateways import run as two_gateways  # noqa: F401  run.py calls it

SUMMARY = "/api/v1/analytics/summary"
OWNER = "shop-1"
PLAN, POOR = "growth", "starter"
REVOKED = (403, "key_revoked")


def random_key():
    return "rp_" + secrets.token_hex(32)


def create(stage, owner=OWNER, **members):
    return stage.must(201, "POST", "/keys", {"api": "reelplus", "owner": owner, **members})


def act(stage, key, action, body=None, status=200):
    return stage.must(status, "POST", f"/keys/{key['id']}:{action}", body)


def look_at(stage, key):
    return stage.must(200, "GET", f"/keys/{key['id']}")


def all_keys(stage):
    keys, cursor = [], ""
    while cursor is not None:
        page = stage.must(200, "GET", f"/keys?limit=100{cursor and '&cursor=' + cursor}")
        keys += page["data"]
        cursor = page["next_cursor"]
    return keys


def set_plan(stage, plan, owner=OWNER):
    status, reply = stage.call("PUT", f"/owners/{owner}", {"api": "reelplus", "plan": plan})
    if status not in (200, 201):
        raise RuntimeError(f"{status} {reply}")


def prepare(stage):
    """Owners and keys; the first ones by the commands that the configuration shows."""
    stage.command("owners", "set", "--api", "reelplus", "--id", OWNER, "--plan", "growth")
    made = json.loads(stage.command(
        "keys", "create", "--api", "reelplus", "--owner", OWNER, "--name", "Production Dashboard", "--json"
    ))
    words = {"good": made["key"], "unknown": random_key()}
    revoked = create(stage)
    act(stage, revoked, "revoke")
    disabled = create(stage)
    act(stage, disabled, "disable")
    deleted = create(stage)
    stage.must(204, "DELETE", f"/keys/{deleted['id']}")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    expired = create(stage, expires_at=soon)
    set_plan(stage, "growth", "shop-poor")
    poor = create(stage, "shop-poor")
    set_plan(stage, "starter", "shop-poor")
    if not within(10, lambda: look_at(stage, expired)["status"] == "expired"):
        raise RuntimeError("a key does not expire")
    letters = secrets.token_hex(32)
    words |= {
        "revoked": revoked["key"],
        "disabled": disabled["key"],
        "deleted": deleted["key"],
        "expired": expired["key"],
        "poor": poor["key"],
        "no_prefix": letters,
        "other_prefix": "sk_" + letters,
        "short": made["key"][:-1],
        "long": made["key"] + "0",
        "upper": "rp_" + "A" + letters[1:].upper(),
        "letter_g": "rp_" + "g" + letters[1:],
        "odd": "rp_" + letters + "!",
    }
    return words


# ---- sentence 2


def endpoints(stage, case, words):
    before = len(stage.api.seen)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in (SUMMARY, "/api/v1", "/api/v1/", "/api/v1/videos", "/api/v1/videos/7/clips?x=y"):
            answer = stage.raw(f"{method} {path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
            wanted = 405 if path == SUMMARY and method not in ("GET", "HEAD") else 401
            seen = int(answer.split()[1])
            case.true(f"{method} {path}: {seen}", seen in (401, wanted))
    good = f"Authorization: Bearer {words['good']}\r\n"
    for path in ("/", "/api", "/api/", "/api/v2/x", "/api/v1x", "/API/v1/x", "/v1/x", "/metrics", "/admin/v1/keys"):
        for fields in ("", good):
            answer = stage.raw(f"GET {path} HTTP/1.1\r\nHost: api\r\n{fields}Connection: close\r\n\r\n")
            case.equal(path, int(answer.split()[1]), 404)
    for path in ("/api/v1/../admin", "/api/v1/%2e%2e/x", "/api//v1/x", "/api/v1/x%00", "/api/v1/a%2fb"):
        answer = stage.raw(f"GET {path} HTTP/1.1\r\nHost: api\r\n{good}Connection: close\r\n\r\n")
        case.equal(path, int(answer.split()[1]), 400)
    case.equal("requests at the API", len(stage.api.seen), before)
    case.note(f"{case.checks - 1} requests, none of them reached the API")


# ---- sentences 4 to 14: keys


def label(stage, case, words):
    key = create(stage, name="Production Dashboard")
    case.equal("label", key["name"], "Production Dashboard")
    case.equal("in the list", [one["name"] for one in all_keys(stage) if one["id"] == key["id"]], [key["name"]])
    changed = stage.must(200, "PATCH", f"/keys/{key['id']}", {"name": "Staging"})
    case.equal("changed", (changed["name"], look_at(stage, key)["name"]), ("Staging", "Staging"))
    case.note("as it was given")


def odd_labels(stage, case, words):
    labels = ("Grüße ✓ 株式会社", '"quoted" \'twice\' \\ back', "{json: [1]}", "%41 & <b>", "x" * 200)
    for text in labels:
        key = create(stage, name=text)
        case.equal("label", look_at(stage, key)["name"], text)
        before = len(stage.api.seen)
        case.equal("status", stage.get(SUMMARY, key["key"])[0], 200)
        fields = [(name.lower(), value) for name, value in stage.api.seen[before][2]]
        seen = [value for name, value in fields if name == "x-key-name"]
        case.equal("headers with the label", len(seen), 1)
        case.equal("label at the API", urllib.parse.unquote(seen[0]), text)
        case.true("visible ASCII", re.fullmatch(r"[!-~ ]+", seen[0]))
    for text in ("a\r\nX-Injected: yes", "a\nX-Injected: yes", "\rX-Injected: yes", "tab\there"):
        status, reply = stage.call("POST", "/keys", {"api": "reelplus", "owner": OWNER, "name": text})
        case.equal(f"{text!r}", (status, reply["error"]["message"].split(":")[0]), (422, "`name`"))
    case.note(f"{len(labels)} labels arrive whole, line ends are refused")


def shown_once(stage, case, words):
    key = create(stage, name="once")
    secret = key["key"]
    for _ in range(3):
        stage.get(SUMMARY, secret)
    act(stage, key, "disable")
    act(stage, key, "enable")
    texts = {
        "view": json.dumps(look_at(stage, key)),
        "list": json.dumps(all_keys(stage)),
        "usage": json.dumps(stage.must(200, "GET", f"/usage?key={key['id']}")),
        "command line": stage.command("keys", "list", "--json"),
        "log": stage.log(),
        "metrics": stage.status_page("/metrics")[1],
    }
    for name, text in texts.items():
        case.true(f"not in {name}", secret not in text and secret[10:22] not in text and len(text) > 2)
    case.true("no member `key` in views", '"key":' not in texts["view"] + texts["list"])
    case.note(f"not in {', '.join(texts)}")


def shape(stage, case, words):
    keys = {create(stage)["key"] for _ in range(20)}
    case.equal("different keys", len(keys), 20)
    for key in keys:
        case.true(f"the shape of {key[:10]}", re.fullmatch(r"rp_[0-9a-f]{64}", key))
    letters = "".join(key[3:] for key in keys)
    case.equal("letters in use", len(set(letters)), 16)
    case.note("20 keys")


def only_prefix(stage, case, words):
    key = create(stage)
    case.equal("prefix", look_at(stage, key)["prefix"], key["key"][:10])
    case.equal("hint", look_at(stage, key)["hint"], "")
    found = stage.must(200, "GET", f"/keys?prefix={key['key'][:10]}")["data"]
    case.equal("found by it", [one["id"] for one in found], [key["id"]])
    case.note("rp_ and seven letters")


def no_reveal(stage, case, words):
    key = create(stage)
    for method, path in (
        ("POST", f"/keys/{key['id']}:reveal"),
        ("GET", f"/keys/{key['id']}:reveal"),
        ("GET", f"/keys/{key['id']}/key"),
        ("GET", f"/keys/{key['id']}?reveal=true"),
        ("GET", f"/keys/{key['key']}"),
    ):
        status, reply = stage.call(method, path)
        case.true(f"{method} {path[-8:]}: {status}", status in (400, 404, 405, 409))
        case.true("no key", key["key"] not in json.dumps(reply))
    case.note("no call gives it out")


def lost_key(stage, case, words):
    lost = create(stage, name="lost")
    case.equal("before", stage.get(SUMMARY, lost["key"]), (200, None))
    act(stage, lost, "revoke")
    fresh = create(stage, name="found")
    case.equal("old", stage.get(SUMMARY, lost["key"]), (403, "key_revoked"))
    case.equal("new", stage.get(SUMMARY, fresh["key"]), (200, None))
    case.equal("no way back", stage.call("POST", f"/keys/{lost['id']}:enable")[0], 409)
    case.note("403, then 200 with the new one")


# ---- sentences 16 to 19: the page's own lines


def lines_of(stage, name, key):
    text = (HERE / "reelplus" / name).read_text()
    for old, new in (("https://production.reelplus.app", stage.host), ("rp_your_api_key_here", key)):
        if text.count(old) != 1:
            raise RuntimeError(f"{old} is in {name} {text.count(old)} times")
        text = text.replace(old, new)
    return text


def run_lines(stage, case, words, name, command, ending=""):
    for key, wanted in ((words["good"], Api.BODY.decode()), (words["unknown"], "INVALID_API_KEY")):
        file = stage.folder / name
        file.write_text(lines_of(stage, name, key) + ending)
        before = len(stage.api.seen)
        done = subprocess.run(
            [*command, file], env=stage.environment, capture_output=True, timeout=SECONDS, encoding="utf-8", check=False
        )
        case.equal(f"exit status {done.stderr[-300:]}", done.returncode, 0)
        if key == words["good"]:
            case.equal("data", json.loads(done.stdout), json.loads(wanted))
            case.equal("at the API", [one[:2] for one in stage.api.seen[before:]], [("GET", SUMMARY)])
        else:
            case.equal("code", json.loads(done.stdout)["error"]["code"], wanted)
            case.equal("at the API", len(stage.api.seen), before)
    case.note("the summary, and the code of a refusal")


def curl_lines(stage, case, words):
    run_lines(stage, case, words, "summary.sh", ["bash"])


def javascript_lines(stage, case, words):
    run_lines(stage, case, words, "summary.mjs", ["node"], "console.log(JSON.stringify(data));\n")


def python_lines(stage, case, words):
    run_lines(stage, case, words, "summary.py", [PYTHON], "import json\nprint(json.dumps(data))\n")


def same_body(stage, case, words):
    answer = stage.raw(
        f"GET {SUMMARY} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {words['good']}\r\nConnection: close\r\n\r\n"
    )
    head, _, body = answer.partition("\r\n\r\n")
    case.equal("body", body.encode("latin-1"), Api.BODY)
    case.true("type", "content-type: application/json; charset=utf-8" in head.lower())
    case.note(f"{len(Api.BODY)} bytes")


# ---- sentences 20 to 24: what is kept of a key


def hashed(stage, case, words):
    keys = [random_key() for _ in range(3)]
    for key in keys:
        case.equal("before", stage.get(SUMMARY, key), (403, "key_unknown"))
    digests = [f"sha256:{hashlib.sha256(key.encode()).hexdigest()}" for key in keys]
    create(stage, digest=digests[0])
    stage.must(200, "POST", "/keys:import", {"keys": [{"api": "reelplus", "owner": OWNER, "digest": digests[1]}]})
    rows = stage.folder / "keys.csv"
    rows.write_text(f"digest,owner\n{digests[2]},{OWNER}\n")
    stage.command("keys", "import", "--api", "reelplus", str(rows))
    for key in keys:
        case.equal("after", stage.get(SUMMARY, key), (200, None))
    case.note("brought in by POST, :import and the command line")


def store_files(stage):
    if stage.redis:
        return stage.redis.files()
    return {file.name: file.read_bytes() for file in stage.folder.glob("reelplus.db*") if file.is_file()}


def breach(stage, case, words):
    key = create(stage)["key"]
    stage.get(SUMMARY, key)
    files = store_files(stage)
    case.true("a store", ("copy.rdb" if stage.redis else "reelplus.db") in files)
    everything = b"".join(files.values())
    for secret in (key, words["good"], words["revoked"], stage.token):
        case.true("not in the files", secret.encode() not in everything and secret[10:].encode() not in everything)
    digest = hashlib.sha256(key.encode())
    case.true("its SHA-256 is", digest.digest() in everything or digest.hexdigest().encode() in everything)
    case.note(f"{', '.join(sorted(files))}: SHA-256, no key")


def cells(stage):
    """Every value in every table, or in Redis. The gateway keeps its file to itself: this reads a copy."""
    if stage.redis:
        yield from stage.redis.values()
        return
    copy = stage.folder / "copy"
    copy.mkdir()
    for name, data in store_files(stage).items():
        (copy / name).write_bytes(data)
    with contextlib.closing(sqlite3.connect(copy / "reelplus.db")) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in store.execute(f'SELECT * FROM "{table}"'):
                yield from (value for value in row if isinstance(value, (str, bytes)))


def clear_text(stage, case, words):
    key = create(stage)["key"]
    everything = [cell.encode() if isinstance(cell, str) else cell for cell in cells(stage)]
    pieces = {cell for cell in everything if key[:10].encode() in cell}
    names = {f"kg:index:prefix:{key[:10]}".encode()} if stage.redis else set()
    case.equal("what is there of it", pieces, {key[:10].encode()} | names)
    files = b"".join(store_files(stage).values())
    parts = (key[i : i + 12] for i in range(len(key) - 12))
    case.true("no other piece", not any(part.encode() in files for part in parts))
    case.note("the first ten letters alone")


def last_used_of(stage, key):
    return look_at(stage, key)["last_used_at"]


def last_used(stage, case, words):
    owner = "shop-used"
    set_plan(stage, "growth", owner)
    key, marker = create(stage, owner), create(stage)
    case.equal("never used", last_used_of(stage, key), None)
    begun = int(time.time())
    for _ in range(5):
        case.equal("status", stage.get(SUMMARY, key["key"])[0], 200)
    case.true("it moves", within(5, lambda: last_used_of(stage, key)))
    first = last_used_of(stage, key)
    told = calendar.timegm(time.strptime(first, "%Y-%m-%dT%H:%M:%SZ"))
    case.true(f"{first} is now", begun <= told <= time.time())
    within(5, lambda: int(time.time()) > told + 1)  # another second, so that a move would show
    set_plan(stage, "starter", owner)
    case.equal("refused", stage.get(SUMMARY, key["key"]), (403, "plan_no_api"))
    act(stage, key, "disable")
    case.equal("refused", stage.get(SUMMARY, key["key"]), (403, "key_disabled"))
    act(stage, key, "enable")
    set_plan(stage, "growth", owner)
    case.equal("nowhere", stage.get("/api/v2", key["key"]), (404, "route_unknown"))
    # Whatever was counted before this request is written when it is.
    stage.get(SUMMARY, marker["key"])
    case.true("written", within(5, lambda: last_used_of(stage, marker)))
    case.equal("after refusals", last_used_of(stage, key), first)
    case.equal("requests", counted(stage, key), 5)
    stage.get(SUMMARY, key["key"])
    case.true("it moves on", within(5, lambda: last_used_of(stage, key) > first))
    case.true("and is counted", within(5, lambda: counted(stage, key) == 6))
    case.note("moves with 200, stands still with 403 and 404; 6 requests counted")


def counted(stage, key):
    return stage.must(200, "GET", f"/usage?key={key['id']}")["counters"]["requests"]["total"]


def view_of(stage, case, key, name, status):
    one = look_at(stage, key)
    listed = [other for other in all_keys(stage) if other["id"] == key["id"]]
    case.equal("list and view", listed, [one])
    case.equal("prefix", one["prefix"], key["key"][:10])
    case.equal("label", one["name"], name)
    case.equal("status", one["status"], status)
    case.true("last used", "last_used_at" in one)
    case.true("created", re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["created_at"]))


def view_of_all(stage, case):
    key = create(stage, name="seen")
    view_of(stage, case, key, "seen", "active")
    act(stage, key, "disable")
    view_of(stage, case, key, "seen", "disabled")
    act(stage, key, "revoke")
    view_of(stage, case, key, "seen", "revoked")


def view(stage, case, words):
    view_of_all(stage, case)
    case.note("active, disabled, revoked; five fields each")


# ---- sentences 25 to 30: the life of a key


def hammer(stage, key, seen, stop):
    connection = http.client.HTTPConnection("127.0.0.1", stage.ports["gate"], timeout=SECONDS)
    while not stop.is_set():
        begun = time.monotonic()
        connection.request("GET", SUMMARY, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        seen.append((begun, answer.status))


def revoke_at_once(stage, case, words):
    key = create(stage)
    seen, stop = [], threading.Event()
    threads = [threading.Thread(target=hammer, args=(stage, key["key"], seen, stop)) for _ in range(4)]
    for thread in threads:
        thread.start()
    within(SECONDS, lambda: len(seen) > 200)
    act(stage, key, "revoke")
    acknowledged = time.monotonic()
    within(SECONDS, lambda: time.monotonic() > acknowledged + stage.bound)
    later = len(seen)
    within(SECONDS, lambda: len(seen) > later + 200)
    stop.set()
    for thread in threads:
        thread.join()
    case.true("it was in use", any(status == 200 for _, status in seen))
    after = [status for begun, status in seen if begun > acknowledged + stage.bound]
    case.true(f"{len(after)} requests afterwards", len(after) > 100)
    case.equal("answers afterwards", set(after), {403})
    case.note(f"{len(seen)} requests on 4 connections, {len(after)} that must know of it, all of them 403")


def revoked_is_401(stage, case, words):
    def switched(text):
        line = "    # refusals: {key_revoked: {status: 401, code: UNAUTHORIZED}}\n"
        if text.count(line) != 1:
            raise RuntimeError("the shipped configuration has no such line")
        return text.replace(line, line.replace("# ", ""))

    with stage.another(switched) as other:
        set_plan(other, "growth")
        key, kept = create(other), create(other)
        case.equal("before", other.get(SUMMARY, key["key"]), (200, None))
        act(other, key, "revoke")
        answer = other.raw(
            f"GET {SUMMARY} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {key['key']}\r\nConnection: close\r\n\r\n"
        )
        case.equal("revoked", answer.split()[1], "401")
        case.true("code", '"code":"UNAUTHORIZED","reason":"key_revoked"' in answer)
        case.true("a challenge", "\r\nWWW-Authenticate: Bearer " in answer)
        case.equal("unknown", other.get(SUMMARY, random_key()), (403, "key_unknown"))
        case.equal("another one", other.get(SUMMARY, kept["key"]), (200, None))
    case.note("401 UNAUTHORIZED for revoked keys, nothing else changes")


def deleted_is_unknown(stage, case, words):
    def whole_answer(key):
        answer = stage.raw(
            f"GET {SUMMARY} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        )
        number = re.search(r"\r\nX-Request-Id: (\S+)\r\n", answer)[1]
        return answer.replace(number, "-" * len(number))

    key = create(stage)
    stage.get(SUMMARY, key["key"])
    act(stage, key, "revoke")
    stage.must(204, "DELETE", f"/keys/{key['id']}")
    case.equal("view", stage.call("GET", f"/keys/{key['id']}")[0], 404)
    case.true("list", key["id"] not in {one["id"] for one in all_keys(stage)})
    # `Date` is the same within one second.
    within(5, lambda: whole_answer(key["key"]) == whole_answer(random_key()))
    for _ in range(3):
        answers = {whole_answer(key["key"]), whole_answer(random_key()), whole_answer(words["deleted"])}
        dates = {re.search(r"\r\nDate: ([^\r]+)", answer)[1] for answer in answers}
        case.equal("kinds of answers", len(answers), len(dates))
    case.note("the same bytes but for the request id")


def rotation(stage, case, words):
    old = create(stage, name="to be rotated")
    fresh = act(stage, old, "rotate", {"grace_seconds": 3}, 201)
    case.true("another key", fresh["key"] != old["key"] and fresh["id"] != old["id"])
    case.equal("label", fresh["name"], "to be rotated")
    case.equal("both", [stage.get(SUMMARY, key["key"])[0] for key in (old, fresh)], [200, 200])
    seen = look_at(stage, old)
    case.equal("rotated to", seen["rotated_to"], fresh["id"])
    end = calendar.timegm(time.strptime(seen["expires_at"], "%Y-%m-%dT%H:%M:%SZ"))
    case.true("the deadline is near", 0 < end - time.time() <= 4)
    answers = []

    def is_over():
        begun = time.time()
        status, reason = stage.get(SUMMARY, old["key"])
        answers.append((begun, time.time(), status, reason))
        return begun > end + 0.2

    within(10, is_over)
    case.true("it ended", answers[-1][2:] == (403, "key_expired"))
    for begun, ended, status, reason in answers:
        if ended < end:
            case.equal("before the deadline", (status, reason), (200, None))
        if begun >= end:
            case.equal("after the deadline", (status, reason), (403, "key_expired"))
    case.equal("the new one", stage.get(SUMMARY, fresh["key"]), (200, None))
    case.note(f"{len(answers)} requests around the deadline, none on the wrong side of it")


def rotation_at_once(stage, case, words):
    old = create(stage)
    fresh = act(stage, old, "rotate", {"grace_seconds": 0}, 201)
    status, reason = stage.get(SUMMARY, old["key"])
    case.true(f"old: {status} {reason}", status == 403 and reason in ("key_expired", "key_revoked"))
    case.equal("new", stage.get(SUMMARY, fresh["key"]), (200, None))
    case.note(f"old {reason}, new 200")


def labels_differ(stage, case, words):
    keys = {name: create(stage, name=name) for name in ("web", "nightly report")}
    for name, key in keys.items():
        before = len(stage.api.seen)
        stage.get(SUMMARY, key["key"])
        fields = {field.lower(): value for field, value in stage.api.seen[before][2]}
        case.equal("label at the API", urllib.parse.unquote(fields["x-key-name"]), name)
        case.equal("id at the API", fields["x-key-id"], key["id"])
        case.equal("in the list", [one["name"] for one in all_keys(stage) if one["id"] == key["id"]], [name])
    case.note("two keys, two labels")


# ---- sentences 33 to 35: refusals


def trailer(stage, case, words):
    before = len(stage.api.seen)
    answer = stage.raw(
        "POST /api/v1/videos HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n"
        f"Connection: close\r\n\r\n2\r\nhi\r\n0\r\nAuthorization: Bearer {words['good']}\r\n\r\n"
    )
    case.equal("status", answer.split()[1], "401")
    case.true("code", '"code":"UNAUTHORIZED","reason":"auth_missing"' in answer)
    case.equal("requests at the API", len(stage.api.seen), before)
    case.note("401 auth_missing")


def plan_flip(stage, case, words):
    owner = "shop-flip"
    set_plan(stage, "growth", owner)
    keys = [create(stage, owner)["key"] for _ in range(2)]
    for _ in range(5):
        for plan, wanted in (("starter", (403, "plan_no_api")), ("growth", (200, None))):
            set_plan(stage, plan, owner)
            for key in keys:
                case.equal(plan, stage.get(SUMMARY, key), wanted)
    set_plan(stage, "starter", owner)
    status, reply = stage.call("POST", "/keys", {"api": "reelplus", "owner": owner})
    case.equal("no new key either", (status, reply["error"]["reason"]), (403, "plan_no_api"))
    case.note("ten changes, two keys, each from the next request")


def no_limits(stage, case, words):
    for fields in (f"Authorization: Bearer {words['good']}\r\n", f"Authorization: Bearer {words['unknown']}\r\n", ""):
        for _ in range(50):
            answer = stage.raw(f"GET {SUMMARY} HTTP/1.1\r\nHost: api\r\n{fields}Connection: close\r\n\r\n")
            case.true("never 429", answer.split()[1] in ("200", "401", "403"))
            names = re.findall(r"\r\n([A-Za-z-]+):", answer.partition("\r\n\r\n")[0])
            case.equal("fields", [name for name in names if "limit" in name.lower() or name == "Retry-After"], [])
    key = create(stage)
    case.equal("expires", key["expires_at"], None)
    case.note("150 answers; keys do not expire by themselves")
