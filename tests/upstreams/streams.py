#!/usr/bin/python3
"""Streams whose key ends: with `terminate_streams` they end, those of other keys go on; without it all go on.

    tests/upstreams/streams.py [--only NAME] [--long]

Streams are events without end, a download without end, and a WebSocket. Keys are revoked, disabled, deleted, rotated,
they expire, or their owner is suspended; by the admin API, by the command line, and where keys are in Redis there
directly. With keys in a file, and in Redis if there is one.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import datetime
import os
import signal
import sys
import time

sys.dont_write_bytecode = True

from front import SECONDS, Counted, Stage, api, becomes, check_program, milliseconds, upstream  # noqa: E402
from redis_server import REDIS, RedisServer  # noqa: E402

KINDS = {
    "events": {"path": "/v1/do/events"},
    "a download": {"path": "/v1/do/download"},
    "a tunnel": {"path": "/v1/x", "is_tunnel": True},
}
BOUND = 0.25


def in_a_moment(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def by_admin(path, body=None, method="POST"):
    """body: made of the API's name."""

    def act(gateway, key, owner, api):
        gateway.admin().ask(method, path.format(key=key.id, owner=owner), body and body(api))

    return act


def expire(gateway, key, owner, api):
    gateway.admin().ask("PATCH", f"/keys/{key.id}", {"expires_at": in_a_moment(2)})


ACTS = {
    "revoked": (by_admin("/keys/{key}:revoke"), "key_revoked"),
    "revoked by command": (lambda gateway, key, *_: gateway.keygate("keys", "revoke", key.id), "key_revoked"),
    "disabled": (by_admin("/keys/{key}:disable"), "key_disabled"),
    "deleted": (by_admin("/keys/{key}", method="DELETE"), "key_unknown"),
    "rotated": (by_admin("/keys/{key}:rotate", lambda _: {"grace_seconds": 0}), "key_revoked"),
    "expired": (expire, "key_expired"),
    "owner suspended": (
        by_admin("/owners/{owner}", lambda api: {"api": api, "plan": "pro", "status": "suspended"}, "PUT"),
        "owner_suspended",
    ),
    "plan without the API": (
        by_admin("/owners/{owner}", lambda api: {"api": api, "plan": "free"}, "PUT"),
        "plan_no_api",
    ),
}


def flow(*streams):
    """Something comes on all of them, more than may have been under way."""
    received = [one.received for one in streams]

    def is_so():
        return all(one.received > before + 60 for one, before in zip(streams, received))

    return becomes(is_so, SECONDS) and all(one.ended is None for one in streams)


def new_key(gateway, api, owner):
    gateway.keygate("owners", "set", "--api", api, "--id", owner, "--plan", "pro")
    return gateway.key(api, owner)


def terminated(gateway):
    return gateway.metric("keygate_streams_terminated_total") or 0


def open_all(stack, gateway, key, api):
    return {name: stack.enter_context(gateway.stream(key, host=api, **kind)) for name, kind in KINDS.items()}


def refuses(gateway, key, api, reason):
    return becomes(lambda: gateway.ask(key, host=api).reason == reason, SECONDS)


def ends(case, gateway, act, reason, number):
    key, other = new_key(gateway, "ends", f"owner{number}"), gateway.key("ends")
    before = terminated(gateway)
    with contextlib.ExitStack() as stack:
        mine, others = (open_all(stack, gateway, one, "ends") for one in (key, other))
        case.true("all of them flow", flow(*mine.values(), *others.values()))
        act(gateway, key, f"owner{number}", "ends")
        done = time.monotonic()
        case.true(f"a new request is {reason}", refuses(gateway, key, "ends", reason))
        refused = time.monotonic()
        for name, stream in mine.items():
            case.true(f"{name} ends", becomes(lambda: stream.ended is not None, SECONDS))
            case.true(f"{name} has no end that looks right", not stream.has_last_chunk)
        case.true("those of another key go on", flow(*others.values()))
        # Its time of expiry is still to come when that was said.
        later = ", ".join(
            f"{name} {stream.how} after {milliseconds(max(0.0, stream.ended - done))}" for name, stream in mine.items()
        )
        case.note(f"{later}, new requests refused after {milliseconds(refused - done)}")
        case.equal("keygate_streams_terminated_total", terminated(gateway) - before, len(mine))


def stays(case, gateway, acts):
    """All that may happen to keys, and their streams go on."""
    before = terminated(gateway)
    with contextlib.ExitStack() as stack:
        streams = {}
        for number, (name, (act, reason)) in enumerate(acts.items()):
            key = new_key(gateway, "stays", f"owner{number}")
            streams[name] = open_all(stack, gateway, key, "stays").values()
            case.true(f"{name}: they flow", flow(*streams[name]))
            act(gateway, key, f"owner{number}", "stays")
            case.true(f"{name}: a new request is {reason}", refuses(gateway, key, "stays", reason))
        for name, some in streams.items():
            case.true(f"{name}: they go on", flow(*some) and flow(*some))
        case.equal("keygate_streams_terminated_total", terminated(gateway) - before, 0)


def in_redis(server, *command):
    def act(gateway, key, owner, api):
        with server.client() as client:
            digest = client.command("HGET", "kg:index:ids", key.id).decode()
            names = {"{key}": f"kg:key:{digest}", "{owner}": f"kg:owner:{api}:{owner}"}
            client.command(*(names.get(word, word) for word in command))

    return act


def many(case, gateway, servers, count):
    """So many streams of one key end together, and nothing of them stays behind."""
    key, other = new_key(gateway, "ends", "crowd"), gateway.key("ends")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(gateway.stream(key, host="ends")) for _ in range(count)]
        another = stack.enter_context(gateway.stream(other, host="ends"))
        case.true("all of them flow", flow(*streams, another))
        gateway.admin().ask("POST", f"/keys/{key.id}:revoke")
        start = time.monotonic()
        case.true("all of them end", becomes(lambda: all(one.ended for one in streams), SECONDS))
        case.note(f"{count} streams within {milliseconds(max(0.0, max(one.ended for one in streams) - start))}")
        case.true("the other goes on", flow(another))
        case.true("the servers see it", becomes(lambda: sum(one.running for one in servers) == 1, SECONDS))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", help="what happens to a key, without, or many")
    arguments.add_argument("--long", action="store_true", help="200 streams of one key instead of 20")
    options = arguments.parse_args()
    check_program()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counted = Counted("streams")
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage())
        servers = stage.servers("ab")
        plans = {"pro": {}, "free": {"api_access": False}}
        apis = {
            "ends": api(upstream(servers), plans=plans, terminate_streams=True),
            "stays": api(upstream(servers), plans=plans),
        }
        stores = {"file": {}}
        acts = {"file": dict(ACTS)}
        if os.access(REDIS, os.X_OK):
            server = stack.enter_context(RedisServer(stage.folder))
            stores["redis"] = {"redis": server, "store": {"revocation_bound": f"{BOUND * 1000:.0f}ms"}}
            acts["redis"] = ACTS | {
                "revoked in Redis": (in_redis(server, "HSET", "{key}", "status", "revoked"), "key_revoked"),
                "deleted in Redis": (in_redis(server, "DEL", "{key}"), "key_unknown"),
                "suspended in Redis": (in_redis(server, "HSET", "{owner}", "status", "suspended"), "owner_suspended"),
            }
        for store, more in stores.items():
            with stage.gateway(apis, f"streams-{store}", **more) as gateway:
                for number, (name, (act, reason)) in enumerate(acts[store].items()):
                    if options.only in (None, name):
                        with counted.case(f"{name}, keys in {store}") as case:
                            ends(case, gateway, act, reason, number)
                if options.only in (None, "without"):
                    with counted.case(f"without the setting, keys in {store}") as case:
                        stays(case, gateway, acts[store])
                if options.only in (None, "many"):
                    with counted.case(f"many, keys in {store}") as case:
                        many(case, gateway, servers, 200 if options.long else 20)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
