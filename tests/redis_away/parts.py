#!/usr/bin/python3
"""The parts of these rigs alone, without a gateway: the client and the server of Redis, the relay, the statistics.

    tests/redis_away/parts.py

The last line is `N passed, N failed`.
"""

import pathlib
import socket
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from relay import DOWN, UP, Disguise, Relay  # noqa: E402
from resp import Closed, Parser, Redis, RedisError, encode  # noqa: E402
from rig import Caller, Counted, Key, RedisServer, ask_many, percentile, request  # noqa: E402
from quick_origin import QuickOrigin  # noqa: E402


def protocol(case):
    parser = Parser()
    data = b"+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n$1\r\nx\r\n*0\r\n*-1\r\n"
    seen = []
    for byte in data:
        parser.feed(bytes([byte]))
        while (one := parser.next())[0]:
            seen.append(one[1])
    case.equal("an error", (type(seen[1]), str(seen[1])), (RedisError, "ERR no"))
    case.equal("replies", seen[:1] + seen[2:], ["OK", -7, b"a\r\n", None, [b"x", []], None])
    case.equal("a command", encode("SET", "é", 1), b"*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$1\r\n1\r\n")


def server(case, redis_server):
    with redis_server.client() as redis:
        key = Key().write(redis, plan="pro")
        case.equal("a record", redis.command("HGET", key.record, "plan"), b"pro")
        key.revoke(redis)
        replies = redis.pipeline(("HGET", key.record, "status"), ("NONSENSE",), ("PING",))
        case.equal("a pipeline", (replies[0], type(replies[1]), replies[2]), (b"revoked", RedisError, "PONG"))
        before = redis.calls().get("hgetall", 0)
        redis.pipeline(*[("HGETALL", key.record)] * 3)
        case.equal("calls that were counted", redis.calls()["hgetall"] - before, 3)
        case.equal("clients", len(redis.clients()), 1)
    redis_server.stand_still()
    with Redis(redis_server.port, seconds=0.2) as redis:
        case.true("a server that stands still is silent", is_silent(redis))
        redis_server.go_on()
        case.equal("and then it answers", redis.reply(), "PONG")
    redis_server.kill()
    case.true("a killed one is gone", not redis_server.answers())
    redis_server.start()
    with redis_server.client() as redis:
        case.equal("what was acknowledged is there", redis.command("HGET", key.record, "status"), b"revoked")


def is_silent(redis):
    try:
        redis.command("PING")
    except TimeoutError:
        return True
    return False


def relays(case, redis_server):
    with Relay(redis_server.port) as relay:

        def dial():
            return Redis(relay.port, seconds=0.3)

        plain, tracking = dial(), dial()
        tracking.command("CLIENT", "TRACKING", "OFF")
        plain.command("PING")
        case.equal("tracking is seen", sorted(one["kind"] == "tracking" for one in relay.connections()), [False, True])

        relay.swallow(only="tracking")
        case.true("one is silent", is_silent(tracking))
        case.equal("the other is not", plain.command("PING"), "PONG")
        relay.pass_all()
        case.true("what lost bytes stays silent", is_silent(tracking))
        case.equal("bytes were lost", [one["lost"] > 0 for one in relay.connections() if one["kind"] == "tracking"], [True])

        relay.swallow(directions=(DOWN,))
        plain.send(("SET", "swallowed", 1))
        case.true("an answer was swallowed", is_silent(plain))
        with redis_server.client() as direct:
            case.equal("and the command was not", direct.command("GET", "swallowed"), b"1")
        relay.pass_all()

        held = dial()
        held.command("PING")
        relay.hold(directions=(UP,))
        case.true("held bytes do not come", is_silent(held))
        relay.pass_all()
        case.equal("and then they do", held.reply(), "PONG")

        relay.delay(30, directions=(DOWN,))
        for number in range(200):
            held.send(("ECHO", number))
        relay.pass_all()
        for number in range(200, 400):
            held.send(("ECHO", number))
        echoes = [held.reply() for _ in range(400)]
        case.equal("in order", echoes, [str(number).encode() for number in range(400)])

        relay.delay(60, directions=(DOWN,))
        start = time.monotonic()
        case.equal("later", [held.command("PING") for _ in range(2)], ["PONG"] * 2)
        seconds = time.monotonic() - start
        case.true(f"twice 60 ms: {seconds:.3f} s", 0.12 <= seconds < 0.25)
        relay.delay(0)

        relay.cut()
        case.true("a cut connection is closed", is_closed(held))
        relay.refuse()
        case.true("refused", is_refused(relay.port))
        relay.pass_all()
        with dial() as redis:
            case.equal("again", redis.command("PING"), "PONG")
            relay.garbage()
            case.true("garbage", is_garbage(redis))
        relay.pass_all()
        with Disguise(b"-LOADING later\r\n", {"PING": b"+PONG\r\n"}) as disguise:
            relay.target(disguise.port)
            with dial() as redis:
                loading = redis.pipeline(("HELLO", 2), ("PING",))
                case.equal("a disguise", (str(loading[0]), loading[1]), ("LOADING later", "PONG"))


def is_closed(redis):
    try:
        redis.command("PING")
    except (Closed, ConnectionError):
        return True
    return False


def is_refused(port):
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) != 0


def is_garbage(redis):
    try:
        redis.command("PING")
    except ValueError:
        return True
    return False


def statistics(case):
    values = list(range(100, 0, -1))
    case.equal("p50", percentile(values, 0.5), 51)
    case.equal("p99", percentile(values, 0.99), 100)
    case.equal("of one", percentile([7], 0.99), 7)
    origin = QuickOrigin(is_process=True)
    counts = ask_many(origin.port, (request(None) for _ in range(5000)), connections=10)
    case.equal("answers", dict(counts), {(200, ""): 5000})
    with Caller(origin.port) as caller:
        answers = [caller.ask(Key()) for _ in range(10)]
    case.equal("statuses", {answer.status for answer in answers}, {200})
    case.equal("in order", sorted(answer.sent for answer in answers), [answer.sent for answer in answers])
    case.equal("requests that were counted", origin.count, 5010)
    origin.process.terminate()


def main():
    counted = Counted("parts")
    with tempfile.TemporaryDirectory(prefix="keygate-redis-parts-") as folder:
        with counted.case("the protocol") as case:
            protocol(case)
        with RedisServer(pathlib.Path(folder), appendonly="yes", appendfsync="always") as redis_server:
            with counted.case("redis-server") as case:
                server(case, redis_server)
            with counted.case("the relay") as case:
                relays(case, redis_server)
    with counted.case("the statistics") as case:
        statistics(case)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
