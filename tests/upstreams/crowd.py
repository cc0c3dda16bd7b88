#!/usr/bin/python3
"""Ten times as many clients as servers can take: bounds, a queue, and places that are never lost.

    tests/upstreams/crowd.py [--only NAME] [--long]

No server ever has more than `max_connections` requests at once. Who finds the queue full, or has waited for
`queue.timeout`, gets 503 with Retry-After; all others are answered. Clients that give up leave their places to
others. With one thread of the gateway and with two; times are p50, p99 and max.

The last line is `N passed, N failed`.
"""

import argparse
import signal
import sys
import time

sys.dont_write_bytecode = True

from front import SECONDS, Counted, Stage, api, becomes, check_program, milliseconds, percentile, upstream  # noqa: E402
from callers import told  # noqa: E402

MOST = 4  # of a server
QUEUE = 16
TIMEOUT = 1.0
SERVICE = 100  # milliseconds
SETTINGS = {
    "max_connections": MOST,
    "queue": {"max": QUEUE, "timeout": "1s"},
    "ejection": "off",
    "retries": {"attempts": 0},
}
REFUSED = "503 upstream_unavailable"
WAITING = "keygate_upstream_queue_waiting"


def turned_away(gateway):
    """So far: those for whom there was no room to wait, and those who have waited for too long."""
    names = ("keygate_upstream_queue_refused_total", "keygate_upstream_queue_timeouts_total")
    return sum(gateway.metric(name) or 0 for name in names)


def times(answers):
    seconds = [one.seconds for one in answers]
    return "/".join(milliseconds(percentile(seconds, share)) for share in (0.5, 0.99, 1)) if seconds else "none"


def check_refused(case, answers):
    case.equal("refusals", set(map(str, answers)) - {REFUSED}, set())
    bare = [one for one in answers if int(one.fields.get("retry-after", "0")) < 1]
    case.equal("without Retry-After", len(bare), 0)


class Scene:
    """Servers of one API, and the clients of one case; at its end all of them have left."""

    def __init__(self, case, gateway, servers, key, host="shop"):
        self.case = case
        self.gateway = gateway
        self.servers = servers
        self.key = key
        self.host = host
        self.crowds = []

    def __enter__(self):
        for server in self.servers:
            server.forget()
        return self

    def __exit__(self, *_):
        for one in self.crowds:
            one.give_up()

        def is_over():
            self.release()
            return self.running() == 0 and self.waiting() == 0

        if not becomes(is_over, SECONDS):
            raise RuntimeError(f"{self.running()} requests are under way, {self.waiting()} wait")

    def running(self):
        return sum(one.running for one in self.servers)

    def waiting(self):
        return self.gateway.metric(WAITING, api=self.host)

    def release(self):
        for server in self.servers:
            server.release()

    def ask(self, count, path="/v1/x"):
        crowd = self.gateway.waiting(self.key, count, path, self.host)
        self.crowds.append(crowd)
        return crowd.__enter__()

    def fill(self, count=None):
        """As many requests as there is room for, all of them held by the servers."""
        count = count or MOST * len(self.servers)
        before = self.running()
        held = self.ask(count, "/v1/do/hold")
        self.case.true("all have a place", becomes(lambda: self.running() == before + count, SECONDS))
        return held

    def queue(self, count=QUEUE, all_in_all=None, path="/v1/x"):
        waiting = self.ask(count, path)
        self.becomes_waiting(all_in_all or count)
        return waiting

    def becomes_waiting(self, count):
        is_so = becomes(lambda: self.waiting() == count, SECONDS)
        self.case.true(f"{count} wait: {self.waiting()}", is_so)

    def are_good(self, *crowds):
        """All of them are answered with 200, in the end."""

        def are_answered():
            self.release()
            return all(one.answered() == len(one.callers) for one in crowds)

        self.case.true("all are answered", becomes(are_answered, SECONDS))
        for one in crowds:
            self.case.equal("answers", told(answer.status for answer in one.read()), {"200": len(one.callers)})

    def is_whole(self):
        """Nothing was lost: all places and the whole queue can be used, and one more is turned away."""
        self.case.equal("nobody is there at first", (self.running(), self.waiting()), (0, 0))
        held, waiting = self.fill(), self.queue()
        check_refused(self.case, [self.gateway.ask(self.key, host=self.host) for _ in range(3)])
        self.are_good(held, waiting)


def crowded(scene, seconds):
    """Ten times the load, as long as the service of a request is known."""
    case, gateway = scene.case, scene.gateway
    for server in scene.servers:
        server.behave("slow", SERVICE)
    before = turned_away(gateway)
    # Those that are turned away come again soon, sooner than they were told.
    with gateway.load(scene.key, 10 * MOST * len(scene.servers), pause=0, refused_pause=0.05) as load:
        most = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            most = max(most, scene.waiting() or 0)
            time.sleep(0.02)
    for server in scene.servers:
        case.true(f"{server.name} had {server.peak} at once", 0 < server.peak <= MOST)
        server.behave()
    good = [one for one in load.answers if one.status == 200]
    refused = [one for one in load.answers if one.status != 200]
    check_refused(case, refused)
    case.equal("cut", [str(one) for one in good if not one.is_whole], [])
    slow = [one for one in load.answers if one.seconds > TIMEOUT + SERVICE / 1000 + 1]
    case.equal("waited for too long", len(slow), 0)
    case.true(f"the queue is never longer than {QUEUE}: {most}", 0 < most <= QUEUE)
    case.equal("that were turned away", turned_away(gateway) - before, len(refused))
    rate = len(good) / seconds
    case.note(f"{len(good)} answered ({rate:.0f}/s) {times(good)}, {len(refused)} turned away {times(refused)}")
    case.note(f"at most {most:.0f} waited")
    case.equal("nobody waits", scene.waiting(), 0)


def too_long(scene):
    case = scene.case
    held, waiting = scene.fill(), scene.queue()
    answers = waiting.read()
    check_refused(case, answers)
    quickest, slowest = min(one.seconds for one in answers), max(one.seconds for one in answers)
    case.true(f"nobody is turned away early: {milliseconds(quickest)}", quickest >= 0.9 * TIMEOUT)
    case.true(f"nor late: {milliseconds(slowest)}", slowest <= TIMEOUT + 1)
    case.note(f"turned away after {milliseconds(quickest)} to {milliseconds(slowest)}")
    scene.are_good(held)
    scene.is_whole()


def giving_up(scene, rounds):
    case = scene.case
    for number in range(rounds):
        # A place is free at the very moment at which who waits for it leaves.
        held, waiting = scene.fill(), scene.queue()
        acts = [waiting.reset, scene.release]
        for act in acts if number % 2 else reversed(acts):
            act()
        scene.are_good(held)
        scene.becomes_waiting(0)
        case.true("all is over", becomes(lambda: scene.running() == 0, SECONDS))
        # Those that wait leave: others wait in their place, and get theirs.
        held = scene.fill()
        scene.queue().reset()
        scene.becomes_waiting(0)
        first = scene.queue(QUEUE // 2)
        others = scene.queue(QUEUE // 2, QUEUE)
        first.reset()
        scene.becomes_waiting(QUEUE // 2)
        count = sum(one.count for one in scene.servers)
        scene.are_good(held, others)
        case.equal("who left is not sent on", sum(one.count for one in scene.servers) - count, QUEUE // 2)
        # Those that have a place leave: those that wait get theirs.
        held, waiting = scene.fill(), scene.queue()
        held.reset()
        scene.are_good(waiting)
        case.true("all is over", becomes(lambda: scene.running() == 0, SECONDS))
    scene.is_whole()


def hanging_up(scene):
    """Clients that say no more, and may still wait for their answers: they leave nothing behind either."""
    held, waiting = scene.fill(), scene.queue()
    start = time.monotonic()
    waiting.give_up()
    held.give_up()
    scene.becomes_waiting(0)
    scene.case.note(f"nobody waits after {milliseconds(time.monotonic() - start)}")

    def is_over():
        scene.release()
        return scene.running() == 0

    scene.case.true("all is over", becomes(is_over, SECONDS))
    scene.is_whole()


def dying(scene):
    """A server that dies with all of its places in use gives them back."""
    case = scene.case
    held = scene.fill()
    scene.servers[0].kill()
    scene.servers[0].come_back()

    def are_answered():
        scene.release()
        return held.answered() == len(held.callers)

    # Some may have been sent once more, and perhaps found nobody who listens.
    case.true("all are answered", becomes(are_answered, SECONDS))
    answers = told(held.read())
    case.equal("other answers", set(answers) - {"200 a", "200 b", "502 upstream_invalid", REFUSED}, set())
    case.true(f"those of the other server are good: {answers}", answers.get("200 b", 0) >= MOST)
    case.note(str(answers))
    scene.is_whole()


def in_turn(scene):
    """Who came first is served first: as many as there are places, and then as many again."""
    case = scene.case
    held = scene.fill()
    room = len(held.callers)
    waiting = [scene.queue(1, number + 1, "/v1/do/hold") for number in range(QUEUE)]
    for begin in range(0, QUEUE, room):
        for server in scene.servers:
            server.forget()
        scene.release()
        becomes(lambda: sum(len(server.seen()) for server in scene.servers) == room, SECONDS)
        came = {seen.unique for server in scene.servers for seen in server.seen()}
        got = [number for number, one in enumerate(waiting) if one.answers[0].unique in came]
        case.equal("whose turn it was", got, list(range(begin, begin + room)))
    scene.are_good(held, *waiting)


def left_out(scene, act):
    """While the others have no place, nobody is sent to a server that is left out: there is a queue."""
    case, gateway = scene.case, scene.gateway
    bad, good = scene.servers
    for server in scene.servers:
        server.behave("slow", 30)
    try:
        with gateway.load(scene.key, 3 * MOST, pause=0, make=lambda _: ("GET", None), host=scene.host) as load:
            case.true("some wait", becomes(lambda: scene.waiting() > 0, SECONDS))
            act(bad)
            case.true("it is left out", becomes(lambda: gateway.is_available(bad, scene.host) == 0, SECONDS))
            load.goes_on(3 * MOST)  # those that were under way
            count, answered = bad.count, load.count
            load.goes_on(200)
    finally:
        good.behave()
        bad.come_back()
    errors = [str(one) for one in load.answers[answered:] if one.status != 200]
    case.true(f"{bad.count - count} requests came to it, of 200; others: {errors[:4]}", bad.count == count)
    case.equal("errors", errors, [])
    case.true("some waited", good.peak == MOST)


def well_again(scene):
    """Who waits gets a place at a server that is well again."""
    case, gateway = scene.case, scene.gateway
    bad, good = scene.servers
    bad.health("ill")
    case.true("one is ill", becomes(lambda: gateway.is_available(bad, scene.host) == 0, SECONDS))
    scene.fill(MOST)
    case.equal("the other has no place", good.running, MOST)
    waiting = scene.queue(MOST)
    bad.health("well")
    case.true("it is well", becomes(lambda: gateway.is_available(bad, scene.host) == 1, SECONDS))
    case.true("who waits is answered", becomes(lambda: waiting.answered() == MOST, 3))
    case.equal("by it", told(waiting.read()), {f"200 {bad.name}": MOST})


def reloaded(scene):
    """Requests of the configuration before still have their places."""
    held = scene.fill()
    scene.gateway.settings["apis"][scene.host]["routes"] |= {"GET /v2/**": "key"}
    scene.gateway.reload()
    more = scene.ask(MOST, "/v1/do/hold")
    becomes(lambda: scene.running() > len(held.callers) or scene.waiting() == MOST, SECONDS)
    peaks = [server.peak for server in scene.servers]
    scene.are_good(held, more)
    scene.case.equal("at once", peaks, [MOST, MOST])


def troubles(counted, stage, only):
    """Places at servers that come and go."""
    room = {"max_connections": MOST, "queue": {"max": 64, "timeout": "10s"}}
    room["retries"] = {"attempts": 1, "on": ["closed"]}
    check = {"path": "/health", "interval": "100ms", "timeout": "1s", "passes": 1, "failures": 2}
    servers = {"failing": stage.servers("cd"), "checked": stage.servers("ef"), "calm": stage.servers("gh")}
    apis = {
        "failing": api(upstream(servers["failing"], **room, ejection={"failures": 2, "time": "30s"})),
        "checked": api(upstream(servers["checked"], **room, ejection="off", check=check)),
        "calm": api(upstream(servers["calm"], **room, ejection="off")),
    }
    parts = {
        "who fails is left out": ("failing", lambda scene: left_out(scene, lambda one: one.behave("close"))),
        "who is ill is left out": ("checked", lambda scene: left_out(scene, lambda one: one.health("ill"))),
        "well again": ("checked", well_again),
        "reloaded": ("calm", reloaded),
    }
    with stage.gateway(apis, "troubles") as gateway:
        keys = {name: gateway.key(name) for name in apis}
        for name, (host, part) in parts.items():
            if only in (None, name):
                with counted.case(name) as case, Scene(case, gateway, servers[host], keys[host], host) as scene:
                    part(scene)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", help="a part's name")
    arguments.add_argument("--long", action="store_true", help="20 s of load instead of 3, ten times the rounds")
    options = arguments.parse_args()
    check_program()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seconds, rounds = (20, 20) if options.long else (3, 2)
    counted = Counted("crowd")
    with Stage() as stage:
        for threads in (1, 2):
            servers = stage.servers("ab")
            apis = {"shop": api(upstream(servers, **SETTINGS))}
            with stage.gateway(apis, f"crowd{threads}", threads=threads) as gateway:
                key = gateway.key()
                parts = {
                    "ten times the load": lambda scene: crowded(scene, seconds),
                    "all places": Scene.is_whole,
                    "waiting for too long": too_long,
                    "giving up": lambda scene: giving_up(scene, rounds),
                    "hanging up": hanging_up,
                    "a server dies": dying,
                    "in turn": in_turn,
                }
                for name, part in parts.items():
                    if options.only in (None, name):
                        with counted.case(f"{name}, {threads} thread{'s' * (threads > 1)}") as case:
                            with Scene(case, gateway, servers, key) as scene:
                                part(scene)
        troubles(counted, stage, options.only)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
