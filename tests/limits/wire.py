#!/usr/bin/python3
"""What a client sees of limits, over real HTTP: counted in the process, and in Redis with each truth.

    tests/limits/wire.py [--revokes N] [--only STORE] [--long]

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import math
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

from crowd import Crowd, Job  # noqa: E402
from shop import Gateway, Key, Stage, api, fields_of, write_owner  # noqa: E402
from holding import HoldingOrigin  # noqa: E402
from rig import SECONDS, Counted, becomes, check_programs  # noqa: E402

BOUND = 0.25
STORES = ("local", "shared", "leased")
PLANS = {
    "ten": {"rate": "10/1h"},
    "second": {"rate": "3/1s"},
    "burst": {"rate": {"rate": "60/1m", "burst": 5}},
    "both": {"rate": [{"rate": "4/1h", "name": "a"}, {"rate": "3/2s", "name": "b"}]},
    "monthly": {"quota": {"requests": "5/month"}},
    "daily": {"quota": {"requests": {"limit": "5/day", "by": "key", "time_zone": "Europe/Berlin"}}},
    "few": {"concurrency": 2},
    "metered": {"quota": {"tests": "5/day"}},
    "owner": {"rate": {"rate": "6/1h", "by": "owner"}},
    "dry": {"rate": {"rate": "3/1h", "dry_run": True}},
    "small": {"rate": "5/1h"},
    "large": {"rate": "8/1h"},
    "tested": {"rate": "9/1h", "quota": {"requests": "3/day"}},
    "free": {},
}
ROUTES = {
    "GET /v1/**": "key",
    "GET /heavy/**": {"access": "key", "weight": 3},
    "POST /tests/**": {"access": "key", "meter": "tests"},
    "GET /open/**": {"access": "public", "rate": {"rate": "5/1h", "by": "address"}},
    "GET /crowded/**": {"access": "key", "rate": {"rate": "7/1h", "by": "route"}},
    "GET /own/**": {"access": "key", "rate": "4/1h"},
    "GET /narrow/**": "secrets",
}


class Told:
    """An answer."""

    def __init__(self, answer, body):
        self.status = answer.status
        self.fields = {name.lower(): value for name, value in answer.getheaders()}
        error = json.loads(body)["error"] if self.status >= 400 and body.startswith(b"{") else {}
        self.reason = error.get("reason", "")
        self.code = error.get("code", "")

    def __str__(self):
        return f"{self.status} {self.reason}".strip()


class Client:
    """One connection: all that it asks is decided by one worker."""

    def __init__(self, port, source="127.0.0.1"):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS, source_address=(source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, key, path="/v1/x", method="GET", host=None):
        fields = {"Host": host or (key.api if key else "shop")}
        if key is not None:
            fields["Authorization"] = f"Bearer {key.text}"
        self.connection.request(method, path, headers=fields)
        answer = self.connection.getresponse()
        return Told(answer, answer.read())

    def times(self, count, key, *words, **more):
        """{what was told: how often}"""
        told = {}
        for _ in range(count):
            answer = str(self.ask(key, *words, **more))
            told[answer] = told.get(answer, 0) + 1
        return told


class Site:
    """A gateway on one of the stores, and all that is sold there."""

    def __init__(self, store, stack):
        self.store = store
        self.numbers = itertools.count(1)
        if store == "local":
            folder = tempfile.mkdtemp(prefix="keygate-limits-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            self.origin = stack.enter_context(HoldingOrigin())
            self.stage = redis = None
        else:
            self.stage = stack.enter_context(Stage())
            folder, self.origin, redis = self.stage.folder, self.stage.origin, self.stage.server
        limits = {"truth": store}
        test = {"quota": "exempt", "rate": "4/1h"}
        families = {"shop": ["draft10"], "ietf": ["legacy-ietf", "x-delta"], "epoch": ["draft10", "x-epoch"]}
        apis = {name: self.api(name, limits | {"fields": family}) for name, family in families.items()}
        apis["mute"] = self.api("mute", limits | {"fields": "none"})
        apis["modes"] = self.api("modes", limits | {"test": test})
        apis["guard"] = self.api("guard", limits, failed_auth="5/1h")
        bound = {} if redis is None else {"revocation_bound": "250ms"}
        self.log = pathlib.Path(folder) / "access.log"
        self.gateway = Gateway(folder, apis, redis=redis, access=str(self.log), **bound)
        stack.enter_context(self.gateway)
        self.admin = self.gateway.admin()

    def api(self, name, limits, **more):
        return api(PLANS, self.origin, limits, ROUTES, hosts=[name], **more)

    def client(self, source="127.0.0.1"):
        return Client(self.gateway.port, source)

    def owner(self, plan, api="shop"):
        name = f"o{next(self.numbers)}"
        self.set_plan(name, plan, api)
        return name

    def set_plan(self, owner, plan, api="shop"):
        self.admin.ask("PUT", f"/owners/{owner}", {"api": api, "plan": plan})

    def key(self, plan, api="shop", owner=None, mode="live", **more):
        key = Key(api, owner or self.owner(plan, api), mode)
        words = {"api": api, "owner": key.owner, "name": "a key", "mode": mode} | more
        made = self.admin.ask("POST", "/keys", words)
        key.text, key.id = made["key"], made["id"]
        return key

    @property
    def is_exact(self):
        """Is what is left told to the request?"""
        return self.store != "leased"

    def settle(self):
        """A change that was acknowledged decides what is sent from then on."""
        if self.store != "local":
            time.sleep(BOUND + 0.05)


def item(text, name):
    """{parameter: number} of an item in a list of a structured field."""
    found = re.search(rf'"{re.escape(name)}"((?:;[a-z]+=[0-9]+)*)', text)
    return {word.split("=")[0]: int(word.split("=")[1]) for word in found[1].split(";")[1:]} if found else None


def seconds_left(span):
    return span - time.time() % span


# ---- the cases: each is given the site, and is named by its first line


def n_of_n(case, site):
    """N of N, then 429 with what a client needs"""
    for plan, count, reason, code in (
        ("ten", 10, "rate_limited", "RATE_LIMITED"),
        ("burst", 5, "rate_limited", "RATE_LIMITED"),
        ("monthly", 5, "quota_exceeded", "QUOTA_EXCEEDED"),
        ("daily", 5, "quota_exceeded", "QUOTA_EXCEEDED"),
    ):
        key = site.key(plan)
        with site.client() as client:
            if plan == "burst" and site.store == "leased":
                count -= 1  # what leases may hold back, half a second's, is kept from the burst
            case.equal(f"{plan}, the first ones", client.times(count, key), {"200": count})
            for _ in range(3):
                told = client.ask(key)
                if plan == "burst" and told.status == 200:
                    continue  # one has dripped in
                case.equal(f"{plan}, then", (told.status, told.reason, told.code), (429, reason, code))
                case.true(f"{plan}, Retry-After: {told.fields}", int(told.fields.get("retry-after", 0)) >= 1)


def fields(case, site):
    """RateLimit fields of each family"""
    families = {"shop": "draft10", "ietf": "legacy-ietf, x-delta", "epoch": "x-epoch", "mute": "none"}
    for name, family in families.items():
        key = site.key("ten", name)
        with site.client() as client:
            for used in range(1, 13):
                told = client.ask(key)
                left = max(10 - used, 0)
                case.equal(f"status of {used}, {family}", told.status, 200 if used <= 10 else 429)
                check_family(case, site, name, told, left)


def check_family(case, site, name, told, left):
    reset = math.ceil(seconds_left(3600))
    said = told.fields
    ours = {field for field in said if "ratelimit" in field}

    def is_left(number):
        """A lease of another worker is not seen here."""
        case.true(f"left: {number}, not {left}", number == left if site.is_exact else number <= left)

    def is_reset(number):
        case.true(f"reset: {number}, not {reset}", reset - 1 <= number <= reset + 2)

    wanted = set()
    if name in ("shop", "epoch"):
        wanted |= {"ratelimit", "ratelimit-policy"}
        case.equal("RateLimit-Policy", said.get("ratelimit-policy"), '"10/1h";q=10;w=3600')
        numbers = item(said.get("ratelimit", ""), "10/1h")
        is_left(numbers["r"])
        is_reset(numbers["t"])
        if told.status == 429:
            case.true(f"Retry-After, not before t: {said}", int(said["retry-after"]) >= numbers["t"])
    for prefix in {"ietf": ("ratelimit-", "x-ratelimit-"), "epoch": ("x-ratelimit-",)}.get(name, ()):
        wanted |= {prefix + word for word in ("limit", "remaining", "reset")}
        case.equal(prefix + "limit", said.get(prefix + "limit"), "10")
        is_left(int(said[prefix + "remaining"]))
        is_reset(int(said[prefix + "reset"]) - (math.ceil(time.time()) if name == "epoch" else 0))
    case.equal("fields about limits", ours, wanted)


def retry(case, site):
    """Retry-After is honoured"""
    for turn in range(3):
        key = site.key("second")
        with site.client() as client:
            told = ask_until_refused(client, key)
            case.equal("refused", str(told), "429 rate_limited")
            pause = int(told.fields["retry-after"])
            case.true(f"soon: {pause}", pause == 1)
            numbers = item(told.fields["ratelimit"], "3/1s")
            case.true(f"not before t: {numbers}", numbers["r"] == 0 and numbers["t"] <= pause)
            time.sleep(pause)
            case.equal(f"after {pause} s", str(client.ask(key)), "200")


def next_window(case, site):
    """the first request of the next window passes"""
    key = site.key("second")
    with site.client() as client:
        for _ in range(3):
            case.equal("refused", str(ask_until_refused(client, key)), "429 rate_limited")
            end = math.ceil(time.time())
            time.sleep(max(end + 0.01 - time.time(), 0))
            case.equal("in the next second", str(client.ask(key)), "200")


def ask_until_refused(client, key):
    for _ in range(50):
        told = client.ask(key)
        if told.status == 429:
            return told
    return told


def refused_cost_nothing(case, site):
    """what is refused costs nothing"""
    key = site.key("ten", scopes=[])
    with site.client() as client:
        for number in range(10):
            case.equal(f"number {number}", str(client.ask(key)), "200")
            case.equal("no such route", client.ask(key, "/none").status, 404)
            case.equal("no such method", client.ask(key, "/v1/x", "DELETE").status, 405)
            case.equal("no such scope", str(client.ask(key, "/narrow/x")), "403 scope_missing")
            case.equal("an unknown key", client.ask(Key()).status, 403)
        case.equal("then", client.times(5, key), {"429 rate_limited": 5})
    key = site.key("both")
    with site.client() as client:
        told = []
        for _ in range(2):
            time.sleep(max(seconds_left(2) + 0.01, 0) % 2)
            told.append([client.ask(key) for _ in range(8)])
        case.equal("by the short one", [str(one) for one in told[0]], ["200"] * 3 + ["429 rate_limited"] * 5)
        case.true(f"it is named: {told[0][-1].fields}", told[0][-1].fields["ratelimit"].startswith('"b";r=0'))
        case.equal("by the long one", [str(one) for one in told[1]], ["200"] + ["429 rate_limited"] * 7)
        case.true(f"it is named: {told[1][-1].fields}", told[1][-1].fields["ratelimit"].startswith('"a";r=0'))


def weights(case, site):
    """a route's weight"""
    key = site.key("ten")
    with site.client() as client:
        case.equal("heavy ones", client.times(3, key, "/heavy/x"), {"200": 3})
        case.equal("one too heavy", str(client.ask(key, "/heavy/x")), "429 rate_limited")
        case.equal("a light one", str(client.ask(key)), "200")
        case.equal("and no more", str(client.ask(key)), "429 rate_limited")


def meters(case, site):
    """a meter counts what succeeded"""
    key = site.key("metered")
    with site.client() as client:
        for status in (500, 404):
            told = client.times(12, key, f"/tests/status/{status}", "POST")
            case.equal("not counted", told, {str(status): 12})
        case.equal("counted", client.times(5, key, "/tests/status/201", "POST"), {"201": 5})
        case.equal("then", str(client.ask(key, "/tests/status/201", "POST")), "429 quota_exceeded")
        told = str(client.ask(key, "/tests/status/500", "POST"))
        case.equal("whatever would be answered", told, "429 quota_exceeded")
        case.equal("another route", str(client.ask(key)), "200")


def test_mode(case, site):
    """test keys have a rate of their own, and no quota"""
    owner = site.owner("tested", "modes")
    live, test = (site.key("tested", "modes", owner, mode) for mode in ("live", "test"))
    with site.client() as client:
        case.equal("test", client.times(6, test), {"200": 4, "429 rate_limited": 2})
        case.equal("live", client.times(4, live), {"200": 3, "429 quota_exceeded": 1})


def shared_counts(case, site):
    """by owner, by route, by address"""
    owner = site.owner("owner")
    first, second = site.key("owner", owner=owner), site.key("owner", owner=owner)
    other = site.key("owner")
    with site.client() as client:
        case.equal("one key", client.times(4, first), {"200": 4})
        case.equal("the other one", client.times(4, second), {"200": 2, "429 rate_limited": 2})
        case.equal("another owner's", client.times(6, other), {"200": 6})
        one, two = site.key("free"), site.key("free")
        case.equal("a route", client.times(4, one, "/crowded/x"), {"200": 4})
        case.equal("everybody's", client.times(5, two, "/crowded/x"), {"200": 3, "429 rate_limited": 2})
        case.equal("a route, by key", client.times(5, one, "/own/x"), {"200": 4, "429 rate_limited": 1})
        case.equal("another key", client.times(4, two, "/own/x"), {"200": 4})
        case.equal("a public route", client.times(7, None, "/open/x"), {"200": 5, "429 rate_limited": 2})
    with site.client("127.0.0.2") as client:
        case.equal("another address", client.times(5, None, "/open/x"), {"200": 5})


def at_once(case, site):
    """requests at once"""
    key = site.key("few")
    told = []

    def hold():
        with site.client() as client:
            told.append(str(client.ask(key, "/v1/hold")))

    before = site.origin.running
    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        case.true("two are running", becomes(lambda: site.origin.running == before + 2, SECONDS))
        with site.client() as client:
            third = client.ask(key)
            case.equal("a third", (str(third), third.code), ("429 concurrency_exceeded", "RATE_LIMITED"))
            case.true(f"Retry-After: {third.fields}", int(third.fields.get("retry-after", 0)) >= 1)
            case.true(
                f"policy: {third.fields}",
                third.fields.get("ratelimit-policy") == '"concurrency";q=2;qu="concurrent-requests"',
            )
    finally:
        site.origin.release()
        for thread in threads:
            thread.join()
    case.equal("the first two", told, ["200", "200"])
    with site.client() as client:
        case.true("room again", becomes(lambda: client.ask(key).status == 200, 2))
        case.equal("one after the other", client.times(10, key), {"200": 10})


def dry_run(case, site):
    """a dry run refuses nobody, and tells"""
    key = site.key("dry")
    before = site.gateway.metric("keygate_limit_dry_run_refusals_total")
    with site.client() as client:
        told = [client.ask(key) for _ in range(5)]
    case.equal("answers", [str(one) for one in told], ["200"] * 5)
    case.true(f"nothing is told to clients: {told[-1].fields}", "ratelimit" not in told[-1].fields)
    case.equal("counted", site.gateway.metric("keygate_limit_dry_run_refusals_total") - before, 2)

    def lines():
        rows = [json.loads(line) for line in site.log.read_text().splitlines()]
        return [row for row in rows if row.get("key_id", row.get("key")) == key.id and "dry_run" in row]

    case.true(f"in the log: {lines()}", becomes(lambda: len(lines()) == 2, SECONDS))
    case.equal("its name", {row["dry_run"] for row in lines()}, {"3/1h"})


def plan_change(case, site):
    """a change of plan keeps what is used"""
    key = site.key("small")
    with site.client() as client:
        case.equal("small", client.times(7, key), {"200": 5, "429 rate_limited": 2})
        site.set_plan(key.owner, "large")
        site.settle()
        case.equal("raised", client.times(4, key), {"200": 3, "429 rate_limited": 1})
        site.set_plan(key.owner, "small")
        site.settle()
        case.equal("lowered", client.times(2, key), {"429 rate_limited": 2})
    key = site.key("large")
    with site.client() as client:
        case.equal("large", client.times(6, key), {"200": 6})
        site.set_plan(key.owner, "small")
        site.settle()
        told = client.ask(key)
        case.equal("lowered below what is used", str(told), "429 rate_limited")
        case.equal("nothing is left", item(told.fields["ratelimit"], "5/1h")["r"], 0)
        site.set_plan(key.owner, "large")
        site.settle()
        case.equal("raised", client.times(4, key), {"200": 2, "429 rate_limited": 2})


def overrides(case, site):
    """a key's own rate and quota"""
    key = site.key("ten", rate="2/1h")
    other = site.key("monthly", quota={"requests": "2/month"})
    with site.client() as client:
        case.equal("rate", client.times(4, key), {"200": 2, "429 rate_limited": 2})
        case.equal("quota", client.times(4, other), {"200": 2, "429 quota_exceeded": 2})


def lockout(case, site):
    """an address that sends unknown keys is locked out of look-ups"""
    known, fresh = site.key("free", "guard"), site.key("free", "guard")
    with site.client() as client, site.client("127.0.0.2") as other:
        case.equal("a valid key", str(client.ask(known)), "200")
        told = [client.ask(Key("guard")) for _ in range(8)]
        seen = [str(one) for one in told]
        if site.store == "local":  # all keys are in memory: a look-up costs nothing
            case.equal("unknown", seen, ["403 key_unknown"] * 8)
            return
        case.equal("unknown", seen, ["403 key_unknown"] * 5 + ["429 lockout"] * 3)
        case.equal("code", told[-1].code, "RATE_LIMITED")
        case.true(f"Retry-After: {told[-1].fields}", int(told[-1].fields.get("retry-after", 0)) >= 1)
        case.equal("the valid key", client.times(3, known), {"200": 3})
        case.equal("another address", str(other.ask(Key("guard"))), "403 key_unknown")
        case.equal("a valid key from there", str(other.ask(fresh)), "200")
        case.equal("known now", str(client.ask(fresh)), "200")


def reload(case, site):
    """a reload keeps what is counted"""
    key, metered = site.key("ten"), site.key("metered")
    with site.client() as client:
        case.equal("before", client.times(4, key), {"200": 4})
        case.equal("before, a meter", client.times(3, metered, "/tests/status/200", "POST"), {"200": 3})
        for name in ("one", "two"):
            for one in site.gateway.settings["apis"].values():
                one["plans"] = one["plans"] | {name: {"rate": ["3/1s", "9/1m", "1000/1d"]}}
            site.gateway.reload()
    with site.client() as client:
        case.equal("after", client.times(8, key), {"200": 6, "429 rate_limited": 2})
        told = client.times(4, metered, "/tests/status/200", "POST")
        case.equal("after, a meter", told, {"200": 2, "429 quota_exceeded": 2})


CASES = (
    n_of_n,
    fields,
    retry,
    next_window,
    refused_cost_nothing,
    weights,
    meters,
    test_mode,
    shared_counts,
    at_once,
    dry_run,
    plan_change,
    overrides,
    lockout,
    reload,
)


def revokes(case, count):
    """With `revocation_bound: 0` and `truth: shared`: nothing is charged that is not let in, nothing let in late."""
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage())
        apis = {"shop": api({"pro": {"rate": "1000000/1h"}}, stage.origin, {"truth": "shared"})}
        gateways = stage.gateways(2, apis, revocation_bound=0)
        crowd = stack.enter_context(Crowd([gateway.port for gateway in gateways], 16))
        passed = 0
        for number in range(count):
            name = f"o{number}"
            write_owner(stage.redis, "pro", name=name)
            key = Key(owner=name).write(stage.redis)
            crowd.begin(Job([(key.request(), 1)], "told"))
            case.true("it passes", becomes(lambda: crowd.passed > 50, SECONDS))
            if number % 2:
                key.revoke(stage.redis)
            else:
                stage.redis.command("HSET", f"kg:owner:shop:{name}", "status", "suspended")
            crowd.no_more()
            before = crowd.others
            case.true("it is refused", becomes(lambda: crowd.others > before + 50, SECONDS))
            crowd.end()
            tally = crowd.result()
            allowed = {(200, ""), (403, "key_revoked" if number % 2 else "owner_suspended")}
            case.equal("other answers", {told: n for told, n in tally.answers().items() if told not in allowed}, {})
            case.equal("let in after it was acknowledged", tally.late, 0)
            used = int(fields_of(stage.redis, key.count()).get("w3600", "0 0").split()[1])
            case.equal("Redis' count", used, tally.of(200))
            passed += used
        case.note(f"{count} times, {passed} requests before")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--revokes", type=int)
    arguments.add_argument("--only", choices=(*STORES, "revokes"))
    arguments.add_argument("--long", action="store_true", help="300 revocations instead of 20")
    options = arguments.parse_args()
    check_programs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    while seconds_left(3600) < 60:  # what is counted by the hour must not begin anew in the middle
        time.sleep(1)
    counted = Counted("wire")
    for store in STORES:
        if options.only not in (None, store):
            continue
        with contextlib.ExitStack() as stack:
            site = Site(store, stack)
            for check in CASES:
                with counted.case(f"{store}, {check.__doc__}") as case:
                    check(case, site)
    if options.only in (None, "revokes"):
        with counted.case("revocation_bound 0, truth shared") as case:
            revokes(case, options.revokes or (300 if options.long else 20))
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
