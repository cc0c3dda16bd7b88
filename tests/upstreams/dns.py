#!/usr/bin/python3
"""Names of servers that move: another address, several, none, nonsense, silence.

    tests/upstreams/dns.py [--only NAME] [--long]

The names are answered by a server of this test. A change counts for requests soon after; what is under way goes on
where it is. Whatever is wrong with names, the last addresses that were good go on, and no request waits for it.

The last line is `N passed, N failed`.
"""

import argparse
import collections
import contextlib
import signal
import sys
import time

sys.dont_write_bytecode = True

from front import SECONDS, Counted, Stage, api, becomes, check_program, milliseconds, percentile, retried  # noqa: E402
from callers import told  # noqa: E402
from names import NameServer  # noqa: E402
from shop import new_port  # noqa: E402

NAME = "app.test"
WRONG = ("nxdomain", "servfail", "silent", "garbage", "other")
UPSTREAM = {"balance": "round_robin", "connect_timeout": "500ms"}


class World:
    """A name server, a gateway that asks it, and servers on one port of several addresses."""

    def __init__(self, stage, names, gate, addresses, routes=None, **upstreams):
        self.names = names
        self.port = new_port()
        self.servers = {one: stage.server(one, address=one, port=self.port) for one in addresses}
        live = {"servers": [f"http://{NAME}:{self.port}"]} | UPSTREAM
        apis = {"shop": api(live)} | {
            name: api({"servers": [f"http://{host}:{self.port}"]} | UPSTREAM) for name, host in upstreams.items()
        }
        self.gateway = stage.gateway(
            apis,
            gate,
            dns={
                "servers": [f"127.0.0.1:{names.port}"],
                "timeout": "300ms",
                "min_refresh": "200ms",  # of answers that may be kept for no second at all
                "max_refresh": "2s",
            },
        )

    def __enter__(self):
        self.gateway.__enter__()
        self.key = self.gateway.key()
        return self

    def __exit__(self, *words):
        self.gateway.__exit__(*words)

    def ask(self):
        return self.gateway.ask(self.key)

    def goes_to(self, case, *addresses):
        """Requests come to go to these, and to no others."""
        start = time.monotonic()

        def where():
            with self.gateway.caller(self.key) as caller:
                return {str(caller.ask()) for _ in range(2 * len(addresses))}

        wanted = {f"200 {one}" for one in addresses}
        case.equal("requests go to", sorted(retried(self.gateway, where, lambda one: one == wanted)), sorted(wanted))
        return time.monotonic() - start

    def asked_again(self, case, times=4, name=NAME):
        """The gateway asks for the name so often from now on."""
        count = self.names.questions(name)
        case.true("the gateway asks again", becomes(lambda: self.names.questions(name) >= count + times, 2 * SECONDS))


def moves(case, stage, names):
    names.set(NAME, "127.0.0.2", ttl=1)
    with World(stage, names, "moves", ("127.0.0.2", "127.0.0.3")) as world:
        world.goes_to(case, "127.0.0.2")
        with world.gateway.stream(world.key) as events, world.gateway.stream(world.key, is_tunnel=True) as tunnel:
            with world.gateway.load(world.key) as load:
                load.goes_on(50)
                names.set(NAME, "127.0.0.3", ttl=1)
                seconds = world.goes_to(case, "127.0.0.3")
                case.note(f"at the new address after {milliseconds(seconds)}")
                load.goes_on(50)
            case.equal("errors meanwhile", [str(one) for one in load.answers if not one.is_good], [])
            case.equal("the last ones", {str(one) for one in load.answers[-20:]}, {"200 127.0.0.3"})
            world.asked_again(case)
            for stream in (events, tunnel):
                received = stream.received
                case.true("what is under way goes on", becomes(lambda: stream.received > received + 100, SECONDS))
                case.equal("ended", stream.ended, None)
        names.set(NAME, "127.0.0.2")
        case.note(f"and back after {milliseconds(world.goes_to(case, '127.0.0.2'))}")
        label = f"{NAME}:{world.port}"
        shown = [one.get("upstream") for one in world.gateway.access_lines() if one.get("upstream")]
        case.note(f"upstream in the access log: {', '.join(sorted(set(shown)))}")
        case.equal("the gauge of the name", world.gateway.is_available(label), 1)


def wrong(case, stage, names, kind, rounds):
    """What was good goes on, and requests notice nothing; then it moves all the same."""
    names.set(NAME, "127.0.0.2")
    with World(stage, names, f"wrong-{kind}", ("127.0.0.2", "127.0.0.3")) as world:
        world.goes_to(case, "127.0.0.2")
        failures = world.gateway.metric("keygate_dns_failures_total")
        names.mode(NAME, kind)
        with world.gateway.load(world.key) as load:
            world.asked_again(case, times=4 * rounds)
            load.goes_on(50)
            more = retried(
                world.gateway,
                lambda: (world.gateway.metric("keygate_dns_failures_total") or 0) - (failures or 0),
                lambda count: count > 0,
            )
            case.true(f"keygate_dns_failures_total {more}", more > 0)
        case.equal("answers", set(told(load.answers)), {"200 127.0.0.2"})
        times = [one.seconds for one in load.answers]
        case.note(f"{load.count} requests, p50 {milliseconds(percentile(times, 0.5))}, max {milliseconds(max(times))}")
        names.set(NAME, "127.0.0.3")
        case.note(f"and then it moved after {milliseconds(world.goes_to(case, '127.0.0.3'))}")


def unknown_at_start(case, stage, names, kind):
    """The gateway starts, others work, and the name is used once it is there."""
    names.set("other.test", "127.0.0.2")
    names.mode(NAME, kind)
    with World(stage, names, f"start-{kind}", ("127.0.0.2", "127.0.0.3"), other="other.test") as world:
        other = world.gateway.key("other")
        answer = retried(world.gateway, lambda: world.gateway.ask(other, host="other"), lambda one: one.status == 200)
        case.equal("the other upstream", str(answer), "200 127.0.0.2")
        answers = [world.ask() for _ in range(10)]
        case.equal("that one", told(answers), {"503 upstream_unavailable": 10})
        case.true("Retry-After", all(int(one.fields.get("retry-after", "0")) > 0 for one in answers))
        slowest = max(one.seconds for one in answers)
        case.true(f"at once: {milliseconds(slowest)}", slowest < 2)
        names.set(NAME, "127.0.0.3")
        case.note(f"there after {milliseconds(world.goes_to(case, '127.0.0.3'))}")


def several(case, stage, names, addresses):
    """As many servers as addresses."""
    names.set(NAME, *addresses)
    with World(stage, names, f"several-{len(addresses)}", addresses) as world:
        world.goes_to(case, *addresses)
        with world.gateway.caller(world.key) as caller:
            got = collections.Counter(caller.ask().server for _ in range(30))
        case.true(f"each has its turn: {dict(got)}", set(got) == set(addresses))
        case.note(f"30 requests: {dict(got)}")
        names.set(NAME, addresses[0])
        seconds = world.goes_to(case, addresses[0])
        names.set(NAME, *addresses)
        again = world.goes_to(case, *addresses)
        case.note(f"one is gone after {milliseconds(seconds)}, back after {milliseconds(again)}")
        one = world.servers[addresses[-1]]
        one.kill()
        with world.gateway.load(world.key, make=lambda _: ("GET", None)) as load:
            load.goes_on(100)
        others = {f"200 {each}" for each in addresses[:-1]}
        case.equal("one is killed, others than the others", {str(each) for each in load.answers[-30:]} - others, set())
        one.come_back()


def reloads(case, stage, names):
    """While nobody answers for names, a reload keeps what was known."""
    names.set(NAME, "127.0.0.2")
    with World(stage, names, "reloads", ("127.0.0.2",)) as world:
        world.goes_to(case, "127.0.0.2")
        names.mode(NAME, "silent")
        with world.gateway.load(world.key) as load:
            load.goes_on(20)
            for route in ("GET /v2/**", "GET /v3/**"):
                world.gateway.settings["apis"]["shop"]["routes"] |= {route: "key"}
                start = time.monotonic()
                world.gateway.reload()
                case.note(f"a reload takes {milliseconds(time.monotonic() - start)}")
                load.goes_on(50)
        case.equal("answers", set(told(load.answers)), {"200 127.0.0.2"})
        case.equal("a new route", str(world.gateway.ask(world.key, path="/v3/x")), "200 127.0.0.2")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", help="a part's name")
    arguments.add_argument("--long", action="store_true", help="ten times as long where names are wrong")
    options = arguments.parse_args()
    check_program()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds = 10 if options.long else 1
    counted = Counted("dns")
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage())
        names = stack.enter_context(NameServer())
        parts = {"moves": lambda case: moves(case, stage, names)}
        for kind in WRONG:
            parts[f"{kind} later"] = lambda case, kind=kind: wrong(case, stage, names, kind, rounds)
        for kind in WRONG[:4]:
            parts[f"{kind} at start"] = lambda case, kind=kind: unknown_at_start(case, stage, names, kind)
        parts["two addresses"] = lambda case: several(case, stage, names, ("127.0.0.2", "127.0.0.3"))
        parts["IPv4 and IPv6"] = lambda case: several(case, stage, names, ("127.0.0.2", "127.0.0.3", "::1"))
        parts["reloads"] = lambda case: reloads(case, stage, names)
        for name, part in parts.items():
            if options.only in (None, name):
                with counted.case(name) as case:
                    part(case)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
