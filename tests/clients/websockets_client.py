"""Python's websockets, through the gateway to both WebSocket servers, with and without a proxy in front."""

import asyncio
import hashlib
import itertools
import json

import websockets

from report import Report
from told import MIB, UNKNOWN_KEY, bearer, body_of, sha256, site

SECONDS = 20
numbers = itertools.count(1)


class Client:
    def __init__(self, way):
        self.url = way["url"].replace("http://", "ws://", 1)
        self.key = way["key"]["key"]
        self.id = way["key"]["id"]

    def open(self, page, token="", **how):
        token = self.key if token == "" else token
        how.setdefault("max_size", 64 * MIB)
        return websockets.connect(
            f"{self.url}/v1/ws/{page}", extra_headers=bearer(token) if token else {}, open_timeout=SECONDS, **how
        )

    async def refused(self, page, token=""):
        try:
            async with self.open(page, token):
                return None
        except websockets.InvalidStatusCode as error:
            return error


async def handshakes(report, client):
    with report.case("handshake without a key, with an unknown one") as case:
        none, unknown = await client.refused("echo", None), await client.refused("echo", UNKNOWN_KEY)
        case.equal("status", none.status_code, 401)
        case.true("a challenge", none.headers.get("WWW-Authenticate", "").startswith("Bearer"))
        case.equal("error", str(none), "server rejected WebSocket connection: HTTP 401")
        case.equal("status with an unknown one", unknown.status_code, 403)
        case.note(f"`{none}`, and 403")
    with report.case("handshake that the API refuses") as case:
        case.equal("status", (await client.refused("none")).status_code, 404)
        case.note("404 of the API")
    with report.case("who calls, and how") as case:
        async with client.open("head?q=%C3%BC", subprotocols=["chat.v1", "chat.v2"]) as socket:
            saw = json.loads(await socket.recv())
            await socket.wait_closed()
            case.equal("subprotocol", socket.subprotocol, "chat.v2")
            case.equal("extensions", [each.name for each in socket.extensions], ["permessage-deflate"])
            case.equal("code", socket.close_code, 1000)
        case.equal("target at the API", saw["target"], "/v1/ws/head?q=%C3%BC")
        case.equal("X-Key-Id", saw["fields"].get("x-key-id"), client.id)
        case.equal("X-Key-Owner", saw["fields"].get("x-key-owner"), "acme")
        case.equal("X-Forwarded-For", saw["fields"].get("x-forwarded-for"), "127.0.0.1")
        case.equal("Authorization at the API", saw["fields"].get("authorization"), None)
        case.note("identity at the API, subprotocol chat.v2, permessage-deflate")


async def messages(report, client):
    with report.case("echo of text and bytes") as case:
        async with client.open("echo") as socket:
            for message in ("Grüße ✓", "", "x" * 70_000, body_of(MIB)):
                await socket.send(message)
                case.true(f"back comes {message[:20]!r}", await socket.recv() == message)
        case.note("text, empty text, 70,000 letters, 1 MiB of bytes")
    with report.case("a message in three fragments") as case:
        async with client.open("echo", compression=None) as socket:
            await socket.send(["one ", "two ", "three"])
            case.equal("text", await socket.recv(), "one two three")
        case.note("one message")
    with report.case("ping and pong, both ways") as case:
        async with client.open("ping") as socket:
            case.equal("what the API says", await socket.recv(), "pong came: from the API")
            await (await socket.ping("from the client"))
        case.note("each answered")
    with report.case("16 MiB each way in 256 messages, all at once") as case:
        pieces = [body_of(65536 + number) for number in range(256)]
        sent, came = hashlib.sha256(), hashlib.sha256()
        async with client.open("echo", compression=None, max_queue=None) as socket:

            async def send():
                for piece in pieces:
                    sent.update(piece)
                    await socket.send(piece)

            sending = asyncio.create_task(send())
            for _ in pieces:
                came.update(await socket.recv())
            await sending
        case.equal("SHA-256", came.hexdigest(), sent.hexdigest())
        case.note("SHA-256 as sent")


async def ends(report, client):
    with report.case("close codes") as case:
        tag = f"websockets-{next(numbers)}-{report.who}".replace(" ", "-")
        async with client.open(f"echo?tag={tag}") as socket:
            await socket.close(4002, "tschüß")
            case.equal("code that the client gave", (socket.close_code, socket.close_reason), (4002, "tschüß"))
        async with client.open(f"closed?tag={tag}") as socket:
            case.equal("code at the API", await socket.recv(), "4002 tschüß")
        async with client.open("close") as socket:
            await socket.wait_closed()
            case.equal("code that the API gave", (socket.close_code, socket.close_reason), (4001, "Grüße"))
        async with client.open("cut") as socket:
            await socket.wait_closed()
            case.equal("code of a cut", socket.close_code, 1006)
        case.note("4002 to the API, 4001 from it, 1006 when it breaks off")


async def many(report, client):
    with report.case("100 sockets, 10 messages on each") as case:

        async def one(number):
            right = 0
            async with client.open("echo") as socket:
                for message in (f"{number}.{each}" for each in range(10)):
                    await socket.send(message)
                    right += await socket.recv() == message
            return right

        right = await asyncio.gather(*(one(number) for number in range(100)))
        case.equal("right answers", sum(right), 1000)
        case.note("1000 right answers")


async def main():
    for way in site["ways"]:
        report = Report(f"Python websockets {websockets.version.version} {way['name']}")
        client = Client(way)
        for part in (handshakes, messages, ends, many):
            await asyncio.wait_for(part(report, client), 3 * SECONDS)
    print("end")


asyncio.run(main())
