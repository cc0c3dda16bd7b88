"""Keys sk_live_… and sk_test_…: what a key asks, and does, about the keys of its account."""

import re
import time

import acts
from acts import ask
from product import SECONDS
from sk_words import OWNER, REVOKED, SUMMARY, digest_of, error_of, random_key
from steps import create, look_at, new_owner


def listed(stage, case, words):
    owner, stranger = new_owner(stage), new_owner(stage)
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
    owner = new_owner(stage)
    rows = [{"name": f"n{number}", "digest": digest_of(random_key())} for number in range(130)]
    rows = [{"api": "sk", "owner": owner, **row} for row in rows]
    stage.must(200, "POST", "/keys:import", {"keys": rows})
    key = create(stage, owner, name="asks")
    reply = ask(stage, "GET", "/v1/api-keys", key["key"]).json()
    case.equal("members", sorted(reply), ["data", "success"])
    case.equal("keys", {one["name"] for one in reply["data"]}, {row["name"] for row in rows} | {"asks"})
    case.note("131 keys in one answer")


def not_reached(stage, case, words):
    """The two lines are the gateway's own: the API sees nothing of them. What is refused there looks as elsewhere."""
    before = stage.arrived()
    for key in ("good", "test"):
        case.equal("list", ask(stage, "GET", "/v1/api-keys", words[key]).status, 200)
        answer = ask(stage, "DELETE", "/v1/api-keys/key_nobody", words[key])
        case.equal("unknown id", answer.status, 404)
        error = error_of(case, answer)
        case.equal("members", sorted(error), ["code", "message", "reason", "request_id"])
        case.equal("request id", error["request_id"], answer.fields["x-request-id"])
    for key, wanted in (
        ("unknown", (401, "key_unknown")),
        ("revoked", REVOKED),
        ("reader", (403, "restriction_endpoint")),
        ("far", (403, "restriction_address")),
        ("suspended", (403, "owner_suspended")),
    ):
        case.equal(key, ask(stage, "GET", "/v1/api-keys", words[key]).refusal(), wanted)
    case.equal("HEAD", ask(stage, "HEAD", "/v1/api-keys", words["good"]).body, "")
    case.equal("requests at the APIs", stage.arrived(), before)
    case.note("nothing reached an API")


def revoked_by_key(stage, case, words):
    owner, stranger = new_owner(stage), new_owner(stage)
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
