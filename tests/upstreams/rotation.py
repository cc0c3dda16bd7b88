#!/usr/bin/python3
"""Who gets the next request: turns by weight, the fewest connections, who failed, who says that it is ill, breakers.

    tests/upstreams/rotation.py [--only NAME] [--long]

Where counts are exact, the gateway has one thread. Times of ejections and breakers are looked at from below alone:
nobody gets a request sooner than was said.

The last line is `N passed, N failed`.
"""

import argparse
import collections
import signal
import sys
import time

sys.dont_write_bytecode = True

from front import SECONDS, Counted, Stage, api, becomes, check_program, milliseconds, retried, upstream  # noqa: E402
from callers import told  # noqa: E402
from certificates import Authority  # noqa: E402

GET = lambda _: ("GET", None)  # noqa: E731
QUIET = {"ejection": "off", "retries": {"attempts": 0}}
EARLY = 0.75  # of the time that was said: clocks that tick coarsely, and a share that is left to chance


def turns(case, stage, rounds):
    """round_robin: exact shares in each round."""
    servers = stage.servers()
    weights = (3, 2, 1)
    named = [{"url": one.url, "weight": weight} for one, weight in zip(servers, weights)]
    apis = {
        "weighted": api({"servers": named, "balance": "round_robin"} | QUIET),
        "equal": api(upstream(servers, balance="round_robin", **QUIET)),
    }
    with stage.gateway(apis, "turns", threads=1) as gateway:
        for name, wanted in (("weighted", (3, 2, 1)), ("equal", (1, 1, 1))):
            key = gateway.key(name)
            with gateway.caller(key, name) as caller:
                for number in range(rounds):
                    got = collections.Counter(caller.ask().server for _ in range(sum(wanted)))
                    case.equal(f"{name}, round {number}", dict(got), dict(zip("abc", wanted)))
            with gateway.load(key, 8, pause=0, make=GET, host=name) as load:
                load.goes_on(60 * rounds)
            got = collections.Counter(one.server for one in load.answers)
            for one, share in zip("abc", wanted):
                exact = load.count * share / sum(wanted)
                # How many there were is not a whole number of rounds.
                case.true(f"{name} under load: {one} got {got[one]} of {load.count}", abs(got[one] - exact) <= 3)
            case.note(f"{name} {dict(got)}")


def fewest(case, stage, more):
    """least_connections: who is slow gets fewer; weights count; nobody is forgotten."""
    servers = stage.servers("abcd")
    weighted = [{"url": servers[0].url, "weight": 3}, servers[1].url]
    apis = {
        "fewest": api(upstream(servers[:3], **QUIET)),
        "weighted": api({"servers": weighted} | QUIET),
    }
    with stage.gateway(apis, "fewest", threads=1) as gateway:
        key = gateway.key("fewest")
        with gateway.caller(key, "fewest") as caller:
            got = collections.Counter(caller.ask().server for _ in range(60))
        case.note(f"in turn {dict(got)}")
        case.equal("servers that get any of 60 in turn", set(got), set("abc"))
        servers[0].behave("slow", 50)
        with gateway.load(key, 12, pause=0, make=GET, host="fewest") as load:
            load.goes_on(more)
        servers[0].behave()
        got = collections.Counter(one.server for one in load.answers)
        case.equal("errors", [str(one) for one in load.answers if not one.is_good], [])
        case.true(f"the slow one gets fewer: {dict(got)}", 2 * got["a"] < min(got["b"], got["c"]))
        case.note(f"12 at once, a is slow: {dict(got)}")
        key = gateway.key("weighted")
        with gateway.waiting(key, 40, "/v1/do/hold", "weighted") as held:
            case.true("40 are there", becomes(lambda: servers[0].running + servers[1].running == 40, SECONDS))
            both = servers[0].running, servers[1].running
            for server in servers[:2]:
                server.release()
            case.equal("answers", {one.status for one in held.read()}, {200})
        case.equal("40 at once by weights 3 and 1", both, (30, 10))


def ejected(case, stage, rounds):
    """Longer each time, with one request in between; and at once back when that is answered."""
    a, b = stage.servers("ab")
    settings = {
        "balance": "round_robin",
        "ejection": {"failures": 2, "time": "300ms", "max_time": "1s"},
        "retries": {"attempts": 1, "on": ["closed"], "budget": "100%"},
    }
    with stage.gateway({"shop": api(upstream([a, b], **settings))}, "ejected", threads=1) as gateway:
        key = gateway.key()
        case.equal("available at first", (gateway.is_available(a), gateway.is_available(b)), (1, 1))
        b.behave("close")
        with gateway.load(key, 4, make=GET) as load:
            case.true("b is left out", becomes(lambda: gateway.is_available(b) == 0, SECONDS))
            case.equal("and a is not", gateway.is_available(a), 1)
            case.true("trials", becomes(lambda: b.count >= 2 + rounds, SECONDS))
            times = [one.came for one in b.seen()]
            b.behave()
            count = b.count
            case.true("b is back", becomes(lambda: b.count > count + 20, SECONDS))
            case.true("and available", becomes(lambda: gateway.is_available(b) == 1, SECONDS))
        case.equal("errors", [str(one) for one in load.answers if not one.is_good], [])
        count = gateway.metric("keygate_upstream_ejections_total", server=b.label)
        case.true(f"keygate_upstream_ejections_total {count}", (count or 0) >= rounds)
        # The first two are together, perhaps with others that were under way; then one at a time.
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        trials = [gap for gap in gaps if gap > 0.1]
        case.note(f"trials after {', '.join(milliseconds(gap) for gap in trials)}")
        first = len(gaps) - len(trials) + 1
        case.true(f"at most 2 + 4 requests until it is left out: {first}", first <= 6)
        wanted = [0.3, 0.6] + [1.0] * rounds
        for gap, least in zip(trials, wanted):
            case.true(f"{milliseconds(gap)} until a trial, not less than {least} s", gap >= EARLY * least)
        alone = [gap for gap in gaps[len(gaps) - len(trials) :] if gap <= 0.1]
        case.equal("trials that were not alone", alone, [])


def one_trial(case, stage):
    """Many wait for a server that was left out: one request finds out."""
    a, b = stage.servers("ab")
    settings = {
        "balance": "round_robin",
        "first_byte_timeout": "10s",
        "ejection": {"failures": 1, "time": "300ms", "max_time": "300ms"},
        "retries": {"attempts": 1, "on": ["closed"], "budget": "100%"},
    }
    with stage.gateway({"shop": api(upstream([a, b], **settings))}, "trial") as gateway:
        key = gateway.key()
        b.behave("close")
        with gateway.load(key, 2, make=GET):
            case.true("b is left out", becomes(lambda: gateway.is_available(b) == 0, SECONDS))
            b.behave("hold")
            case.true("a request finds out", becomes(lambda: b.running == 1, SECONDS))
            count = a.count
            # One is held at b; the other client goes on at a.
            case.true("others go on", becomes(lambda: a.count > count + 200, SECONDS))
            case.equal("and it is alone", b.running, 1)
            b.behave()
            b.release()
            count = b.count
            case.true("then b is back", becomes(lambda: b.count > count + 20, SECONDS))


def last_one(case, stage):
    """Where all of them fail, somebody is asked all the same."""
    servers = stage.servers("ab")
    settings = {
        "ejection": {"failures": 1, "time": "60s", "max_time": "60s"},
        "retries": {"attempts": 1, "on": ["closed"], "budget": "100%"},
    }
    with stage.gateway({"shop": api(upstream(servers, **settings))}, "last", threads=1) as gateway:
        key = gateway.key()
        for server in servers:
            server.behave("close")
        with gateway.caller(key) as caller:
            case.equal("while all fail", {str(caller.ask()) for _ in range(10)}, {"502 upstream_invalid"})
            for server in servers:
                server.behave()
            case.equal("and then", {caller.ask().status for _ in range(10)}, {200})
        case.note(f"available {[gateway.is_available(one) for one in servers]}")


CHECK = {
    "path": "/health",
    "host": "health.internal",
    "interval": "200ms",
    "timeout": "200ms",
    "passes": 2,
    "failures": 3,
}


def checks(case, stage):
    servers = stage.servers("abc")
    a, b, _ = servers
    settings = {"balance": "round_robin", "check": CHECK} | QUIET
    with stage.gateway({"shop": api(upstream(servers, **settings))}, "checks") as gateway:
        key = gateway.key()
        case.true("all are asked", becomes(lambda: all(one.checks >= 2 for one in servers), SECONDS))
        case.equal("available", {gateway.is_available(one) for one in servers}, {1})
        for kind in ("ill", "hang"):
            b.forget()
            b.health(kind)
            case.true(f"{kind}: not available", becomes(lambda: gateway.is_available(b) == 0, SECONDS))
            case.true(f"{kind}: after {len(b.checked())} checks", len(b.checked()) >= 3)
            count = b.count
            with gateway.load(key, 4) as load:
                load.goes_on(200)
            case.equal(f"{kind}: requests that it got", b.count - count, 0)
            case.equal(f"{kind}: errors", [str(one) for one in load.answers if not one.is_good], [])
            b.forget()
            b.health("well")
            case.true("available again", becomes(lambda: gateway.is_available(b) == 1, SECONDS))
            case.true("after two checks", len(b.checked()) >= 2)
            with gateway.load(key, 4) as load:
                load.goes_on(30)
            case.true("and gets requests", b.count > count)
        b.kill()
        case.true("who is gone is not available", becomes(lambda: gateway.is_available(b) == 0, SECONDS))
        b.come_back()
        case.true("who is back is", becomes(lambda: gateway.is_available(b) == 1, SECONDS))
        a.forget()
        case.true("checked", becomes(lambda: len(a.checked()) >= 3, SECONDS))
        for one in a.checked():
            case.equal("Host of a check", one.field("Host"), ["health.internal"])
            case.equal("method", one.method, "GET")
            names = [name.lower() for name, _ in one.fields]
            carried = [name for name in names if name in ("authorization", "cookie") or "key" in name]
            case.equal("what a check must not carry", carried, [])
        case.note("a check says " + ", ".join(f"{name}: {value}" for name, value in a.checked()[0].fields))


def other_checks(case, stage):
    """By TLS and by a unix socket."""
    authority = Authority(stage.folder)
    secured = stage.server("secured", tls=authority.make("checked", "IP:127.0.0.1"))
    local = stage.server("local", path=str(stage.folder / "checked.sock"))
    apis = {
        "secured": api(upstream([secured], check=CHECK, tls={"ca": str(authority.ca)}, **QUIET)),
        "local": api(upstream([local], check=CHECK, **QUIET)),
    }
    with stage.gateway(apis, "others") as gateway:
        for name, server in (("secured", secured), ("local", local)):
            key = gateway.key(name)
            for act, is_well in (
                (lambda: None, 1),
                (lambda: server.health("ill"), 0),
                (lambda: server.health("well"), 1),
                (server.kill, 0),
                (server.come_back, 1),
            ):
                act()
                is_so = becomes(lambda: server.checks > 0 and gateway.is_available(server, name) == is_well, SECONDS)
                case.true(f"{name} is {is_well}", is_so)
                case.equal(f"{name}: status", gateway.ask(key, host=name).status, 200 if is_well else 503)


def all_ill(case, stage):
    servers = stage.servers("ab")
    with stage.gateway({"shop": api(upstream(servers, check=CHECK, **QUIET))}, "ill") as gateway:
        key = gateway.key()
        case.equal("at first", gateway.ask(key).status, 200)
        for server in servers:
            server.health("ill")
        case.true("none is available", becomes(lambda: {gateway.is_available(one) for one in servers} == {0}, SECONDS))
        counts = [server.count for server in servers]
        answers = [gateway.ask(key, method=method, body=body) for method, body in (("GET", None), ("POST", b"x")) * 5]
        case.equal("answers", told(answers), {"503 upstream_unavailable": 10})
        case.true("Retry-After", all(int(one.fields.get("retry-after", "0")) > 0 for one in answers))
        case.equal("requests that they got", [server.count for server in servers], counts)
        slowest = max(one.seconds for one in answers)
        case.true(f"at once: {milliseconds(slowest)}", slowest < 2)
        case.note(f"503 within {milliseconds(slowest)}")
        servers[1].health("well")
        answer = retried(gateway, lambda: gateway.ask(key), lambda one: one.status == 200)
        case.equal("one is well again", str(answer), "200 b")


OPENED = "keygate_upstream_breaker_opened_total"
BREAKER = {"failures": "50%", "requests": 10, "window": "10s", "open": "600ms", "trials": 1}


def refused_answers(case, answers):
    case.equal("answers", set(told(answers)), {"503 upstream_unavailable"})
    case.true("Retry-After", all(int(one.fields.get("retry-after", "0")) > 0 for one in answers))


def breaker(case, stage):
    servers = stage.servers("ab")
    settings = {"breaker": BREAKER, "first_byte_timeout": "10s"} | QUIET
    with stage.gateway({"shop": api(upstream(servers, **settings))}, "breaker") as gateway:
        key = gateway.key()

        def touched():
            return sum(one.count for one in servers)

        def is_open():
            return str(gateway.ask(key, path="/v1/do/close")) == "503 upstream_unavailable"

        with gateway.caller(key) as caller:
            # Less than half of them fail, also of the first ten.
            for number in range(40):
                answer = caller.ask("/v1/do/close" if number % 5 in (2, 4) else "/v1/x")
                case.equal(f"below the ratio, {number}", answer.status, 502 if number % 5 in (2, 4) else 200)
            case.equal(OPENED, gateway.metric(OPENED), 0)
            sent = 0
            while not is_open() and sent < 100:
                sent += 1
            # 16 of 40 have failed; with `sent` more it is half of them.
            case.true(f"it opens after {sent} more failures", 5 <= sent <= 12)
            case.equal(OPENED, gateway.metric(OPENED), 1)
            opened = time.monotonic()
            count = touched()
            refused_answers(case, [caller.ask() for _ in range(20)])
            spent = time.monotonic() - opened
            if spent < 0.4:
                case.equal("requests that came through", touched() - count, 0)
            case.note(f"20 refused in {milliseconds(spent)}")

            # The trial fails, and it is open again; nobody else came through meanwhile.
            for server in servers:
                server.behave("hold")
            count = touched()
            with gateway.load(key, 6, make=GET) as load:
                case.true("a trial", becomes(lambda: touched() > count, SECONDS))
                waited = time.monotonic() - opened
                load.goes_on(100)
                case.equal("it is alone", touched() - count, 1)
                case.equal("the others", set(told(load.answers)), {"503 upstream_unavailable"})
                for server in servers:
                    server.behave("close")
                    server.kill()
                case.true("open again", becomes(lambda: gateway.metric(OPENED) >= 2, SECONDS))
            case.true(f"not before {BREAKER['open']}: {milliseconds(waited)}", waited >= EARLY * 0.6)

            for server in servers:
                server.come_back()
            count = touched()
            answer = retried(gateway, caller.ask, lambda one: one.status == 200)
            case.equal("a trial that is well", answer.status, 200)
            case.equal("closes it", {caller.ask().status for _ in range(30)}, {200})
            case.equal("and what failed before is forgotten", touched() - count, 31)
            case.true("one failure opens nothing", not is_open())
            case.equal("and the next", caller.ask().status, 200)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", help="a part's name")
    arguments.add_argument("--long", action="store_true", help="ten times the rounds")
    options = arguments.parse_args()
    check_program()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    times = 10 if options.long else 1
    parts = {
        "turns": lambda case: turns(case, stage, 10 * times),
        "fewest": lambda case: fewest(case, stage, 600 * times),
        "ejected": lambda case: ejected(case, stage, 4 if not options.long else 10),
        "one trial": lambda case: one_trial(case, stage),
        "the last one": lambda case: last_one(case, stage),
        "checks": lambda case: checks(case, stage),
        "other checks": lambda case: other_checks(case, stage),
        "all are ill": lambda case: all_ill(case, stage),
        "breaker": lambda case: breaker(case, stage),
    }
    counted = Counted("rotation")
    with Stage() as stage:
        for name, part in parts.items():
            if options.only in (None, name):
                with counted.case(name) as case:
                    part(case)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
