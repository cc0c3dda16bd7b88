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
TURNED_AWAY = "keygate_upstream_queue_refused_total"


def running(servers):
    return sum(one.running for one in servers)


def times(answers):
    seconds = [one.seconds for one in answers]
    return "/".join(milliseconds(percentile(seconds, share)) for share in (0.5, 0.99, 1)) if seconds else "none"


def check_refused(case, answers):
    case.equal("refusals", set(map(str, answers)) - {REFUSED}, set())
    bare = [one for one in answers if int(one.fields.get("retry-after", "0")) < 1]
    case.equal("without Retry-After", len(bare), 0)


def crowded(case, gateway, servers, key, seconds):
    """Ten times the load, as long as the service of a request is known."""
    for server in servers:
        server.forget()
        server.behave("slow", SERVICE)
    before = gateway.metric(TURNED_AWAY)
    # Those that are turned away come again soon, sooner than they were told.
    with gateway.load(key, 10 * MOST * len(servers), pause=0, refused_pause=0.05) as load:
        most = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            most = max(most, gateway.metric(WAITING) or 0)
            time.sleep(0.02)
    for server in servers:
        case.true(f"{server.name} had {server.peak} at once", 0 < server.peak <= MOST)
        server.behave()
    good = [one for one in load.answers if one.status == 200]
    refused = [one for one in load.answers if one.status != 200]
    check_refused(case, refused)
    case.equal("cut", [str(one) for one in good if not one.is_whole], [])
    slow = [one for one in load.answers if one.seconds > TIMEOUT + SERVICE / 1000 + 1]
    case.equal("waited for too long", len(slow), 0)
    case.true(f"the queue is never longer than {QUEUE}: {most}", 0 < most <= QUEUE)
    counted = gateway.metric(TURNED_AWAY) - before
    case.equal("that were turned away", counted, len(refused))
    rate = len(good) / seconds
    case.note(f"{len(good)} answered ({rate:.0f}/s) {times(good)}, {len(refused)} turned away {times(refused)}")
    case.note(f"at most {most:.0f} waited")
    case.equal("nobody waits", gateway.metric(WAITING), 0)


def fill(case, gateway, servers, key):
    """As many requests as there is room for, all of them held by the servers."""
    room = MOST * len(servers)
    held = gateway.waiting(key, room, "/v1/do/hold")
    held.__enter__()
    case.true("all have a place", becomes(lambda: running(servers) == room, SECONDS))
    return held


def queued(case, gateway, key, count=QUEUE):
    waiting = gateway.waiting(key, count)
    waiting.__enter__()
    case.true(f"{count} wait", becomes(lambda: gateway.metric(WAITING) == count, SECONDS))
    return waiting


def release(servers):
    for server in servers:
        server.release()


def whole_room(case, gateway, servers, key):
    """Nothing was lost: all places and the whole queue can be used, and one more is turned away."""
    case.equal("nobody waits at first", (running(servers), gateway.metric(WAITING)), (0, 0))
    held = fill(case, gateway, servers, key)
    waiting = queued(case, gateway, key)
    check_refused(case, [gateway.ask(key) for _ in range(3)])
    release(servers)
    case.equal("those that had a place", {one.status for one in held.read()}, {200})
    case.equal("those that waited", told(one.status for one in waiting.read()), {"200": QUEUE})
    held.give_up()
    waiting.give_up()
    case.true("and all is over", becomes(lambda: running(servers) == 0 and gateway.metric(WAITING) == 0, SECONDS))


def too_long(case, gateway, servers, key):
    held = fill(case, gateway, servers, key)
    waiting = queued(case, gateway, key)
    answers = waiting.read()
    check_refused(case, answers)
    quickest, slowest = min(one.seconds for one in answers), max(one.seconds for one in answers)
    case.true(f"nobody is turned away early: {milliseconds(quickest)}", quickest >= 0.9 * TIMEOUT)
    case.true(f"nor late: {milliseconds(slowest)}", slowest <= TIMEOUT + 1)
    case.note(f"turned away after {milliseconds(quickest)} to {milliseconds(slowest)}")
    release(servers)
    case.equal("those that had a place", {one.status for one in held.read()}, {200})
    held.give_up()
    waiting.give_up()
    whole_room(case, gateway, servers, key)


def giving_up(case, gateway, servers, key, rounds):
    for number in range(rounds):
        # A place is free at the very moment at which who waits for it leaves.
        held = fill(case, gateway, servers, key)
        waiting = queued(case, gateway, key)
        acts = [waiting.give_up, lambda: release(servers)]
        for act in acts if number % 2 else reversed(acts):
            act()
        case.equal("those that had a place", {one.status for one in held.read()}, {200})
        held.give_up()
        case.true("all is over", becomes(lambda: running(servers) == 0 and gateway.metric(WAITING) == 0, SECONDS))
        # Those that wait leave: others wait in their place, and get theirs.
        held = fill(case, gateway, servers, key)
        queued(case, gateway, key).give_up()
        case.true("nobody waits", becomes(lambda: gateway.metric(WAITING) == 0, SECONDS))
        first, others = queued(case, gateway, key, QUEUE // 2), gateway.waiting(key, QUEUE // 2)
        others.__enter__()
        case.true("others do", becomes(lambda: gateway.metric(WAITING) == QUEUE, SECONDS))
        first.give_up()
        case.true("half of them", becomes(lambda: gateway.metric(WAITING) == QUEUE // 2, SECONDS))
        count = sum(one.count for one in servers)
        release(servers)
        case.equal("who stays is answered", told(one.status for one in others.read()), {"200": QUEUE // 2})
        case.equal("who left is not sent on", sum(one.count for one in servers) - count, QUEUE // 2)
        case.equal("those that had a place", {one.status for one in held.read()}, {200})
        others.give_up()
        held.give_up()
        case.true("all is over", becomes(lambda: running(servers) == 0, SECONDS))
        # Those that have a place leave: those that wait get theirs.
        held = fill(case, gateway, servers, key)
        waiting = queued(case, gateway, key)
        held.give_up()
        case.equal("those that waited", told(one.status for one in waiting.read()), {"200": QUEUE})
        waiting.give_up()
        case.true("all is over", becomes(lambda: running(servers) == 0, SECONDS))
    whole_room(case, gateway, servers, key)


def dying(case, gateway, servers, key):
    """A server that dies with all of its places in use gives them back."""
    held = fill(case, gateway, servers, key)
    servers[0].kill()
    servers[0].come_back()

    def are_answered():
        release(servers)
        return held.answered() == MOST * len(servers)

    # Some may have been sent once more, and found no place any more.
    case.true("all are answered", becomes(are_answered, SECONDS))
    answers = held.read()
    held.give_up()
    case.equal("other answers", set(map(str, answers)) - {"200 a", "200 b", "502 upstream_invalid", "503 upstream_unavailable"}, set())
    case.true(f"those of the other server are good: {told(answers)}", told(answers).get("200 b", 0) >= MOST)
    case.note(str(told(answers)))
    whole_room(case, gateway, servers, key)


def in_turn(case, gateway, servers, key):
    """Who came first is served first."""
    held = fill(case, gateway, servers, key)
    waiting = []
    for number in range(QUEUE):
        one = gateway.waiting(key, 1)
        one.__enter__()
        waiting.append(one)
        case.true(f"{number + 1} wait", becomes(lambda: gateway.metric(WAITING) == number + 1, SECONDS))
    for server in servers:
        server.forget()
    release(servers)
    held.read()
    answers = [one.read()[0] for one in waiting]
    case.equal("answers", {one.status for one in answers}, {200})
    came = {seen.unique: seen.came for server in servers for seen in server.seen()}
    order = [came[one.unique] for one in answers]
    # So many places become free at once, of which each is the next one's.
    late = [
        number
        for number, when in enumerate(order)
        if any(later < when for later in order[number + MOST * len(servers) :])
    ]
    case.note(f"{sum(a > b for a, b in zip(order, order[1:]))} of {QUEUE} came later than the next one")
    case.equal("came later than many that came after them", late, [])
    for one in waiting:
        one.give_up()
    held.give_up()


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
                    "ten times the load": lambda case: crowded(case, gateway, servers, key, seconds),
                    "all places": lambda case: whole_room(case, gateway, servers, key),
                    "waiting for too long": lambda case: too_long(case, gateway, servers, key),
                    "giving up": lambda case: giving_up(case, gateway, servers, key, rounds),
                    "a server dies": lambda case: dying(case, gateway, servers, key),
                    "in turn": lambda case: in_turn(case, gateway, servers, key),
                }
                for name, part in parts.items():
                    if options.only in (None, name):
                        with counted.case(f"{name}, {threads} thread{'s' * (threads > 1)}") as case:
                            part(case)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
