"""Keys sk_live_… and sk_test_…: their age, their replacement, and what they are restricted to."""

import json
import re
import secrets
import time

import acts
import restrictions
from acts import ask, bring_in, names_at
from product import SECONDS
from sk_words import OWNER, REVOKED, SUMMARY, digest_of, random_key
from steps import act, change, create, look_at, new_owner, requests_of, set_owner, switched_on, within

DAY = 86400


def imported_of_age(stage, days, **members):
    key = random_key()
    created = acts.as_text(time.time() - days * DAY - 60)
    name = f"of {days} days {secrets.token_hex(3)}"
    record = bring_in(stage, OWNER, digest=digest_of(key), created_at=created, name=name, **members)
    return key, record


def old_keys(stage, case, words):
    for days in (0, 1, 89, 90, 91, 400):
        wanted = f"old;age={days}" if days >= 90 else None
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
    with stage.beside(lambda text: switched_on(text, line)) as other:
        set_owner(other, OWNER)
        for days in (91, 119, 120, 121):
            wanted = (200, None) if days < 120 else (401, "key_expired")
            key, _ = imported_of_age(other, days)
            answer = ask(other, "GET", SUMMARY, key)
            case.equal(f"{days} days", answer.refusal(), wanted)
            if wanted[0] == 200:
                notice = answer.fields.get("x-key-notice", "")
                is_whole = re.fullmatch(rf'old;age={days};ends="20[0-9TZ:-]+"', notice)
                case.true(f"a notice with its end: {notice}", is_whole)
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
    owner = new_owner(stage)
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
    is_right = within(SECONDS, lambda: requests_of(stage, key) == allowed)
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


def dashboard(stage, case, words):
    """What a key may do is seen and changed where the operator looks."""
    key = create(stage, OWNER, name="looked at", endpoints=["GET /v1/users/{id}"], addresses=["127.0.0.0/8"])
    seen = look_at(stage, key)
    case.equal("endpoints", seen["endpoints"], ["GET /v1/users/{id}"])
    case.equal("addresses and sites", (seen["addresses"], seen["referrers"]), (["127.0.0.0/8"], None))
    case.equal("refused", ask(stage, "POST", "/v1/charges", key["key"]).refusal(), (403, "restriction_endpoint"))
    change(stage, key, endpoints=["GET /v1/users/{id}", "POST /v1/charges"])
    case.equal("allowed", ask(stage, "POST", "/v1/charges", key["key"]).status, 200)
    case.note("403, and 200 once the dashboard says so")
