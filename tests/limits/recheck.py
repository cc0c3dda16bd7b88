#!/usr/bin/python3
"""With a bound of 0 a request is charged only if its records are still those that it was decided on.

The charge is held on its way to Redis while somebody else changes a record, so that it comes just behind the change.
"""

import pathlib
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "redis_away"))

import rig  # noqa: E402
from relay import UP, Relay  # noqa: E402

CONFIG = rig.CONFIG.replace(
    "plans: {{pro: {{}},", "limits: {{truth: shared}}\n    plans: {{pro: {{rate: 100/1d}}, basic: {{rate: 100/1d}},"
)

# What happens between the decision and the charge, what the client gets, what is charged.
CASES = (
    ("nothing", [], "200", 1),
    ("the key is revoked", [("HSET", "{key}", "status", "revoked")], "403 key_revoked", 0),
    ("the key is disabled", [("HSET", "{key}", "status", "disabled")], "403 key_disabled", 0),
    ("the key is deleted", [("DEL", "{key}")], "403 key_unknown", 0),
    ("the owner is suspended", [("HSET", "{owner}", "status", "suspended")], "403 owner_suspended", 0),
    ("the plan gives no access", [("HSET", "{owner}", "plan", "free")], "403 plan_no_api", 0),
    ("the plan is another one", [("HSET", "{owner}", "plan", "basic")], "200", 1),
    ("the label is another one", [("HSET", "{key}", "name", "b")], "200", 1),
    ("revoked and back", [("HSET", "{key}", "status", "revoked"), ("HSET", "{key}", "status", "active")], "200", 1),
)


def sent_to_count(relay):
    return sum(one[UP] for one in relay.connections() if one["kind"] == "limits")


def asked(caller, key, relay, act):
    """The answer to a request whose charge came to Redis behind what `act` did."""
    answers = []
    relay.hold("limits", (UP,))
    before = sent_to_count(relay)
    thread = threading.Thread(target=lambda: answers.append(caller.ask(key)))
    thread.start()
    assert rig.becomes(lambda: sent_to_count(relay) > before, rig.SECONDS), "nothing was charged"
    act()
    relay.pass_all()
    thread.join()
    return answers[0]


def between(case, redis, relay, gateway, commands, answer, charged):
    owner = f"owner{rig.Key.source.randrange(10**9)}"
    rig.write_owner(redis, owner)
    key = rig.Key().write(redis, owner=owner, name="a")
    names = {"{key}": key.record, "{owner}": f"kg:owner:shop:{owner}"}
    with gateway.caller() as caller:
        got = asked(
            caller,
            key,
            relay,
            lambda: redis.pipeline(*[tuple(names.get(word, word) for word in one) for one in commands]),
        )
    case.equal("answer", str(got), answer)
    count = redis.command("HGET", f"kg:rl:{{shop:{owner}}}:k:{key.id}", "w86400")
    case.equal("charged", int(count.split()[1]) if count else 0, charged)


def run(counted):
    before, rig.CONFIG = rig.CONFIG, CONFIG
    try:
        with tempfile.TemporaryDirectory(prefix="keygate-recheck-") as folder, rig.RedisServer(folder) as server:
            origin = rig.QuickOrigin()
            with Relay(server.port) as relay, server.client() as redis:
                with rig.Gateway(
                    folder, relay.port, origin, redis="timeout: 1s", revocation_bound="0s"
                ) as gateway:
                    for name, commands, answer, charged in CASES:
                        with counted.case(name) as case:
                            between(case, redis, relay, gateway, commands, answer, charged)
    finally:
        rig.CONFIG = before


def main():
    counted = rig.Counted("recheck")
    run(counted)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
