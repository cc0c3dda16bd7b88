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
    return lambda gateway, key, owner, api: gateway.admin().ask(method, path.format(key=key.id, owner=owner), body and body(api))


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
    "plan without the API": (by_admin("/owners/{owner}", lambda api: {"api": api, "plan": "free"}, "PUT"), "plan_no_api"),
}


def flows(stream):
    received = stream.received
    return becomes(lambda: stream.received > received + 100, SECONDS)


def new_key(gateway, api, owner):
    gateway.keygate("owners", "set", "--api", api, "--id", owner, "--plan", "pro")
    return gateway.key(api, owner)


def ends(case, gateway, act, reason, number, api):
    """api: `ends`, whose streams end with their keys, or `stays`."""
    owner = f"owner{number}"
    key, other = new_key(gateway, api, owner), gateway.key(api)
    before = gateway.metric("keygate_streams_terminated_total") or 0
    with contextlib.ExitStack() as stack:

        def opened(one):
            return {name: stack.enter_context(gateway.stream(one, host=api, **kind)) for name, kind in KINDS.items()}

        mine, others = opened(key), opened(other)
        case.true("all of them flow", all(flows(one) for one in (*mine.values(), *others.values())))
        act(gateway, key, owner, api)
        done = time.monotonic()
        case.true(
            f"a new request is {reason}", becomes(lambda: gateway.ask(key, host=api).reason == reason, SECONDS)
        )
        refused = time.monotonic()
        if api == "ends":
            for name, stream in mine.items():
                case.true(f"{name} ends", becomes(lambda: stream.ended is not None, SECONDS))
                case.true(f"{name} has no end that looks right", not stream.has_last_chunk)
            case.note(
                ", ".join(
                    f"{name} {stream.how} {milliseconds(max(0.0, stream.ended - done))}" for name, stream in mine.items()
                )
                + f" later; new requests are refused {milliseconds(refused - done)} later"
            )
            more = (gateway.metric("keygate_streams_terminated_total") or 0) - before
            case.equal("keygate_streams_terminated_total", more, len(mine))
        else:
            for name, stream in mine.items():
                case.true(f"{name} goes on", flows(stream) and flows(stream) and stream.ended is None)
            case.equal("keygate_streams_terminated_total", (gateway.metric("keygate_streams_terminated_total") or 0) - before, 0)
        for name, stream in others.items():
            case.true(f"{name} of another key goes on", flows(stream) and stream.ended is None)
    return key


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
        case.true("all of them flow", all(flows(one) for one in streams))
        gateway.admin().ask("POST", f"/keys/{key.id}:revoke")
        start = time.monotonic()
        case.true("all of them end", becomes(lambda: all(one.ended for one in streams), SECONDS))
        case.note(f"{count} streams within {milliseconds(max(0.0, max(one.ended for one in streams) - start))}")
        case.true("the other goes on", flows(another))
        case.true("the servers see it", becomes(lambda: sum(one.running for one in servers) == 1, SECONDS))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", help="what happens to a key, or many")
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
        number = 0
        for store, more in stores.items():
            with stage.gateway(apis, f"streams-{store}", **more) as gateway:
                for api_name in apis:
                    for name, (act, reason) in acts[store].items():
                        number += 1
                        if options.only in (None, name):
                            with counted.case(f"{name}, keys in {store}, {api_name}") as case:
                                ends(case, gateway, act, reason, number, api_name)
                if options.only in (None, "many"):
                    with counted.case(f"many, keys in {store}") as case:
                        many(case, gateway, servers, 200 if options.long else 20)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
