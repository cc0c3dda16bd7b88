#!/usr/bin/python3
"""One server of three fails under steady load: what clients see of it, and that nothing is done twice.

    tests/upstreams/faults.py [--only NAME] [--long]

Each row is a way to fail, once with retries and once without. Clients send GET and POST with bodies all the time.
With retries no GET may fail; without, and for POST, few, until the server is left out. While it is out it gets one
request now and then. Every POST is seen by one server at most, every GET no more often than retries allow, and each
answer is by a server that saw this very request. Then the server comes back, and gets requests again.

Where all servers fail, retries stay within their budget.

The last line is `N passed, N failed`.
"""

import argparse
import collections
import signal
import sys
import time

sys.dont_write_bytecode = True

from front import SECONDS, Counted, Stage, api, becomes, check_program, milliseconds, upstream  # noqa: E402
from callers import told  # noqa: E402

FAILURES = 3
ATTEMPTS = 2
SETTINGS = {
    "balance": "round_robin",
    "connect_timeout": "500ms",
    "first_byte_timeout": "700ms",
    "ejection": {"failures": FAILURES, "time": "500ms", "max_time": "1s", "statuses": [503]},
}
RETRIES = {
    "on": {"attempts": ATTEMPTS, "on": ["closed", "timeout", "invalid"], "statuses": [503], "budget": "100%"},
    "off": {"attempts": 0},
}
BUDGET = 20  # of a hundred
THREADS = 2
OURS = {"upstream_unavailable", "upstream_timeout", "upstream_invalid"}


class Row:
    def __init__(self, name, act, is_out=True, are_gets_safe=True):
        self.name = name
        self.act = act
        self.is_out = is_out  # the server is left out
        self.are_gets_safe = are_gets_safe  # with retries


ROWS = (
    Row("killed", lambda server: server.kill()),
    Row("stopped", lambda server: server.refuse()),
    Row("away", lambda server: server.fill()),
    Row("hung", lambda server: server.behave("hang")),
    Row("slow", lambda server: server.behave("slow", 100), is_out=False),
    Row("garbage", lambda server: server.behave("garbage")),
    Row("closing", lambda server: server.behave("close")),
    Row("resetting", lambda server: server.behave("reset")),
    Row("closing in the head", lambda server: server.behave("cut_head")),
    # What was begun to be passed on cannot be tried again.
    Row("closing in the body", lambda server: server.behave("cut_body"), are_gets_safe=False),
    Row("answering 503", lambda server: server.behave("status", 503)),
)


def seen_by(servers):
    """{unique: [requests]}"""
    found = collections.defaultdict(list)
    for server in servers:
        for request in server.seen():
            found[request.unique].append(request)
    return found


def check_once(case, answers, servers, most):
    """Nothing was done twice that must not be, and who answered has seen what he answered."""
    seen = seen_by(servers)
    often = collections.Counter()
    for answer in answers:
        requests = seen[answer.unique]
        allowed = most if answer.method == "GET" else 1
        case.true(f"a {answer.method} was seen {len(requests)} times, answered {answer}", len(requests) <= allowed)
        often[answer.method, len(requests)] += 1
        if answer.server:
            case.equal("the answer is to", answer.fields.get("x-unique"), answer.unique)
            mine = [one for one in requests if one.server == answer.server]
            case.equal(f"requests that {answer.server} saw of one that it answered", len(mine), 1)
            if answer.is_good:
                length = 0 if answer.method == "GET" else mine[0].length
                case.equal("the body that it saw", answer.body.split()[2], str(length).encode())
                case.true("a POST has one", answer.method == "GET" or length in (10, 3000))
    more = sum(count for (_, times), count in often.items() if times > 1)
    case.note(f"{more} seen more than once")


def check_errors(case, answers, row, name, most):
    wrong = [one for one in answers if not one.is_good]
    strange = [
        str(one) for one in wrong if one.reason not in OURS and not (one.server and one.status == 503) and one.is_whole
    ]
    case.equal("answers that are none of ours", strange, [])
    gets = [one for one in wrong if one.method == "GET"]
    if row.is_out is False:
        case.equal("errors", told(wrong), {})
    elif row.is_out:
        case.true(f"at most {most} errors: {told(wrong)}", len(wrong) <= most)
        if name == "on" and row.are_gets_safe:
            case.equal("errors of GET", told(gets), {})
    case.note(f"{len(answers)} requests, errors: {len(gets)} GET, {len(wrong) - len(gets)} POST")
    if wrong:
        case.note(str(told(wrong)))


def fault(case, gateway, servers, key, name, row, clients, more):
    victim = servers[1]
    for server in servers:
        server.forget()
    before = gateway.metric("keygate_upstream_ejections_total", api=name) or 0
    with gateway.load(key, clients, host=name) as load:
        load.goes_on(150)
        start = time.monotonic()
        row.act(victim)
        if row.is_out:
            case.true("it is left out", becomes(lambda: gateway.is_available(victim, name) == 0, SECONDS))
            case.note(f"out after {milliseconds(time.monotonic() - start)}")
        count = victim.count
        trials = gateway.metric("keygate_upstream_ejections_total", api=name) or 0
        load.goes_on(more)
        trials = (gateway.metric("keygate_upstream_ejections_total", api=name) or 0) - trials
        if row.is_out:
            case.true(
                f"it gets one request now and then: {victim.count - count}, was left out {trials:.0f} times again",
                victim.count - count <= trials + clients,
            )
        start = time.monotonic()
        victim.come_back()
        count = victim.count
        # So many at once are none that it got before.
        case.true("it gets requests again", becomes(lambda: victim.count > count + clients + 20, SECONDS))
        case.note(f"back after {milliseconds(time.monotonic() - start)}")
        load.goes_on(50)
    ejections = (gateway.metric("keygate_upstream_ejections_total", api=name) or 0) - before
    if row.is_out is not None:
        case.true(f"it was left out {ejections:.0f} times", (ejections > 0) == row.is_out)
    check_errors(case, load.answers, row, name, FAILURES + 2 * clients + ejections)
    # One that was sent on a connection which had been closed is no try: that one may come beside.
    check_once(case, load.answers, servers, 1 + max(ATTEMPTS if name == "on" else 0, 1))
    case.true("it is available", becomes(lambda: gateway.is_available(victim, name) == 1, SECONDS))


def all_dead(case, gateway, servers, key, name, clients, more):
    for server in servers:
        server.forget()
    with gateway.load(key, clients, host=name) as load:
        load.goes_on(100)
        for server in servers:
            server.kill()
        dead = load.count
        load.goes_on(more)
        last = load.answers[-1]
        case.true(f"nobody answers: {last}", last.reason in OURS)
        for server in servers:
            server.come_back()
        start = time.monotonic()
        case.true("all is well", becomes(lambda: all(one.is_good for one in load.answers[-50:]), SECONDS))
        case.note(f"well after {milliseconds(time.monotonic() - start)}")
        load.goes_on(50)
    wrong = [one for one in load.answers if not one.is_good]
    case.equal("reasons", {one.reason for one in wrong if one.status} - OURS, set())
    bare = [one for one in wrong if one.status == 503 and "retry-after" not in one.fields]
    case.equal("503 without Retry-After", len(bare), 0)
    case.note(f"{len(load.answers) - dead} requests, {told(wrong)}")
    check_once(case, load.answers, servers, 2 + ATTEMPTS)


def budget(case, gateway, servers, key, clients, more):
    """All of them close each request, nobody is left out, and each request might be tried four times."""
    for server in servers:
        server.forget()
        server.behave("close")
    count = sum(server.count for server in servers)
    retries = gateway.metric("keygate_upstream_retries_total")
    refused = gateway.metric("keygate_upstream_retries_refused_total") or 0
    start = time.monotonic()
    with gateway.load(key, clients, host="budget", make=lambda _: ("GET", None)) as load:
        load.goes_on(more)
    seconds = time.monotonic() - start
    sent = sum(server.count for server in servers) - count
    requests = load.count
    # Each thread may have its ten in each second, of which one more may have begun.
    most = (1 + BUDGET / 100) * requests + THREADS * 10 * (seconds + 1)
    case.note(f"{requests} requests in {seconds:.1f} s, sent {sent} times, {most:.0f} are allowed")
    case.true(f"sent {sent} times, not more than {most:.0f}", sent <= most)
    case.true("some were tried again", sent > requests)
    case.equal("answers", set(told(load.answers)), {"502 upstream_invalid"})
    retries = gateway.metric("keygate_upstream_retries_total") - retries
    case.equal("keygate_upstream_retries_total", retries, sent - requests)
    refused = (gateway.metric("keygate_upstream_retries_refused_total") or 0) - refused
    case.true(f"keygate_upstream_retries_refused_total {refused}", refused > 0)
    check_once(case, load.answers, servers, 4)
    for server in servers:
        server.come_back()


METHODS = (
    # method, body, whether doing it twice is doing it once and nothing of it was begun that cannot be repeated
    ("GET", None, True),
    ("HEAD", None, True),
    ("OPTIONS", None, True),
    ("DELETE", None, True),
    ("PUT", None, True),
    ("PUT", b"", True),
    ("POST", None, False),
    ("POST", b"", False),
    ("PATCH", None, False),
    ("GET", b"body", False),
    ("PUT", b"body", False),
    ("DELETE", b"body", False),
    ("POST", b"body", False),
)


def methods(case, gateway, servers, key):
    """One of two servers closes each request: which are tried again, with the other one."""
    bad = servers[0]
    bad.behave("close")
    with gateway.caller(key, "methods") as caller:
        for method, body, is_safe in METHODS:
            what = f"{method} {'without a body' if body is None else f'with {len(body)} bytes'}"
            for server in servers:
                server.forget()
            answers = [caller.ask(method=method, body=body) for _ in range(6)]
            seen = seen_by(servers)
            for answer in answers:
                where = [one.server for one in seen[answer.unique]]
                if is_safe:
                    case.true(f"{what}: {answer}, seen by {where}", where in (["b"], ["a", "b"]) and answer.is_good)
                else:
                    case.true(
                        f"{what}: {answer}, seen by {where}",
                        (where, answer.status) in ((["b"], 200), (["a"], 502)),
                    )
            case.true(f"{what}: {bad.name} was asked", len(bad.seen()) > 0)
    bad.come_back()


CAUSES = ("garbage", "close", "reset", "cut_head", "hang", "status")


def causes(case, gateway, servers, key):
    """One of two servers fails each request: the other one answers it, and nothing is held against that one."""
    bad, good = servers[:2]
    with gateway.caller(key, "causes") as caller:
        for kind in CAUSES:
            for server in servers:
                server.forget()
            bad.behave(kind, 503)

            def is_asked():
                answer = caller.ask()
                case.equal(f"after {kind}", str(answer), f"200 {good.name}")
                return len(bad.seen()) >= 2

            case.true(f"{kind}: the bad one is asked", becomes(is_asked, SECONDS))
            check = gateway.metric("keygate_upstream_ejections_total", api="causes", server=good.label)
            case.equal(f"{kind}: how often the good one was left out", check, 0)
    bad.come_back()
    check = gateway.metric("keygate_upstream_ejections_total", api="causes", server=bad.label)
    case.true(f"the bad one was left out {check:.0f} times", check >= len(CAUSES))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", help="a row's name, all, methods, causes, or budget")
    arguments.add_argument("--long", action="store_true", help="32 clients instead of 8, ten times the requests")
    options = arguments.parse_args()
    check_program()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    clients, more = (32, 4000) if options.long else (8, 400)
    counted = Counted("faults")
    with Stage() as stage:
        servers = stage.servers()
        apis = {name: api(upstream(servers, **SETTINGS, retries=retries)) for name, retries in RETRIES.items()}
        apis["budget"] = api(
            upstream(servers, ejection="off", retries={"attempts": 3, "on": ["closed"], "budget": f"{BUDGET}%"})
        )
        once = {"attempts": 1, "on": ["closed"], "budget": "100%"}
        apis["methods"] = api(
            upstream(servers[:2], ejection="off", balance="round_robin", retries=once), {"ANY /v1/**": "key"}
        )
        apis["causes"] = api(
            upstream(
                servers[:2],
                balance="round_robin",
                first_byte_timeout="300ms",
                ejection={"failures": 1, "time": "10ms", "max_time": "10ms", "statuses": [503]},
                retries=once | {"on": ["closed", "timeout", "invalid"], "statuses": [503]},
            )
        )
        with stage.gateway(apis, threads=THREADS) as gateway:
            keys = {name: gateway.key(name) for name in apis}
            for row in ROWS:
                for name in RETRIES:
                    if options.only in (None, row.name):
                        with counted.case(f"{row.name}, retries {name}") as case:
                            try:
                                fault(case, gateway, servers, keys[name], name, row, clients, more)
                            finally:
                                servers[1].come_back()
            for name in RETRIES:
                if options.only in (None, "all"):
                    with counted.case(f"all killed, retries {name}") as case:
                        all_dead(case, gateway, servers, keys[name], name, clients, more)
            if options.only in (None, "methods"):
                with counted.case("methods") as case:
                    methods(case, gateway, servers, keys["methods"])
            if options.only in (None, "causes"):
                with counted.case("causes") as case:
                    try:
                        causes(case, gateway, servers, keys["causes"])
                    finally:
                        servers[0].come_back()
            if options.only in (None, "budget"):
                with counted.case("a budget of retries") as case:
                    budget(case, gateway, servers, keys["budget"], clients, 3 * more)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
