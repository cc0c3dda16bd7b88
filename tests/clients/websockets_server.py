"""A WebSocket server behind keygate, by Python's websockets; ws_server.cjs lists its pages."""

import asyncio
import collections
import http
import json
import sys
import urllib.parse

import websockets

ends = collections.defaultdict(lambda: asyncio.get_running_loop().create_future())


async def serve(socket):
    url = urllib.parse.urlsplit(socket.path)
    tag = urllib.parse.parse_qs(url.query).get("tag", [None])[0]
    page = url.path.rpartition("/")[2]
    if page == "echo":
        try:
            async for message in socket:
                await socket.send(message)
        except websockets.ConnectionClosed:
            pass
        ends[tag].set_result(f"{socket.close_code} {socket.close_reason}")
    elif page == "closed":
        await socket.send(await ends[tag])
    elif page == "head":
        fields = {name.lower(): value for name, value in socket.request_headers.raw_items()}
        await socket.send(json.dumps({"target": socket.path, "fields": fields}))
    elif page == "close":
        await socket.close(4001, "Grüße")
    elif page == "cut":
        socket.transport.abort()
    elif page == "ping":
        await (await socket.ping("from the API"))
        await socket.send("pong came: from the API")
        await socket.wait_closed()
    else:
        await socket.close(4404, "no such page")


async def refuse(path, _):
    if path.startswith("/v1/ws/none"):
        return http.HTTPStatus.NOT_FOUND, {"Content-Type": "text/plain"}, b"no such socket"
    return None


async def main():
    async with websockets.serve(
        serve,
        "127.0.0.1",
        int(sys.argv[1]),
        process_request=refuse,
        subprotocols=["chat.v2"],
        max_size=64 << 20,
    ):
        await asyncio.Future()


asyncio.run(main())
