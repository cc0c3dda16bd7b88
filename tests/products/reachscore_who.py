"""ReachScore: a key asks what it is, whose, and what was used."""

import json

from acts import ask
from product import SECONDS
from reachscore_making import run_curl
from reachscore_words import ME, OWNER, SCOPES, fresh_owner, me, usage_of
from steps import act, change, create, set_owner, within


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
    case.equal("numbers", {type(value) for value in me(stage, key["key"])["usage"].values()}, {int})
    case.equal("the API saw nothing of it", stage.arrived(), before)
    for wrong, reason in (
        ("unknown", "key_unknown"), ("revoked", "key_revoked"), ("poor", "plan_no_api"), ("expired", "key_expired")
    ):
        case.equal(wrong, ask(stage, "GET", ME, words[wrong]).refusal(), (403, reason))
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
    for scopes in (["tests:read", "tests:write"], ["domains:read"], []):
        change(stage, key, scopes=scopes)
        case.equal("its own", me(stage, key["key"])["scopes"], scopes)
    case.note("those that it has now")


def who_organization(stage, case, words):
    owner = fresh_owner(stage, name="Before")
    keys = [create(stage, owner)["key"] for _ in range(2)]
    for key in keys:
        case.equal("of both", me(stage, key)["organization"], {"id": owner, "name": "Before", "plan": "team"})
    set_owner(stage, owner, name="After ✓", plan="business")
    case.equal("changed", me(stage, keys[0])["organization"], {"id": owner, "name": "After ✓", "plan": "business"})
    case.note("id, name and plan as they are now")


def who_usage(stage, case, words):
    owner = fresh_owner(stage, attributes={"domains": 9})
    key = create(stage, owner)["key"]
    usage = {"tests_this_month": 0, "tests_limit": 1000, "domains": 9, "domains_limit": 10}
    case.equal("domains", me(stage, key)["usage"], usage)
    set_owner(stage, owner, plan="team", attributes={"domains": 12, "seats": 4})
    case.equal("as the product says", me(stage, key)["usage"]["domains"], 12)
    set_owner(stage, owner, plan="business", attributes={"domains": 12})
    usage = me(stage, key)["usage"]
    case.equal("limits of the plan", (usage["tests_limit"], usage["domains_limit"]), (10000, 100))
    case.equal("POST /v1/domains is not bounded by it", ask(stage, "POST", "/v1/domains", key).status, 200)
    test = create(stage, owner, mode="test")["key"]
    case.equal("a test test", ask(stage, "POST", "/v1/tests", test).status, 200)
    case.equal("a test key reads the organization's", me(stage, test)["usage"], usage)
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
