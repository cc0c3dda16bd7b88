"""http.client of the standard library: nothing between the calls and the socket."""

import http.client
import json
import platform
import urllib.parse

from report import Report
from told import MIB, UNKNOWN_KEY, bearer, body_of, key, key_id, new_tag, origin, release, seen, sha256, spent_key

SECONDS = 30
address = urllib.parse.urlsplit(origin).netloc


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.version = answer.version
        self.fields = dict(answer.getheaders())
        self.body = answer.read()

    def saw(self):
        return json.loads(self.body)


def connect():
    return http.client.HTTPConnection(address, timeout=SECONDS)


def ask(connection, method, target, body=None, fields=None, token=key, **how):
    fields = {**(bearer(token) if token else {}), **(fields or {})}
    connection.request(method, target, body, fields, **how)
    return Answer(connection.getresponse())


def once(method, target, *arguments, **how):
    connection = connect()
    try:
        return ask(connection, method, target, *arguments, **how)
    finally:
        connection.close()


def keys(report):
    with report.case("GET with a key") as case:
        answer = once("GET", "/v1/echo/1?a=b")
        case.equal("status", answer.status, 200)
        case.identity(answer.saw(), key_id)
        case.note("200, identity at the API")
    for what, token, target, reason in (
        ("without a key", None, "/v1/echo", "auth_missing"),
        ("with an unknown key", UNKNOWN_KEY, "/v1/echo", "key_unknown"),
        ("without the scope", key, "/narrow/echo", "scope_missing"),
        ("with a rate that is spent", spent_key, "/v1/echo", "rate_limited"),
    ):
        with report.case(f"GET {what}") as case:
            answer = once("GET", target, token=token)
            case.refusal(reason, answer.status, answer.fields, answer.body)
    with report.case("HEAD") as case:
        answer = once("HEAD", "/v1/bytes/5000")
        case.equal("status", answer.status, 200)
        case.equal("Content-Length", answer.fields.get("Content-Length"), "5000")
        case.equal("body", answer.body, b"")
        case.note("200, length without body")


def connections(report):
    with report.case("five requests on one socket, refused ones and HEAD among them") as case:
        connection = connect()
        seen_sockets, statuses = set(), []
        for method, target, token in (
            ("GET", "/v1/echo", key),
            ("GET", "/v1/echo", None),
            ("HEAD", "/v1/bytes/70000", key),
            ("GET", "/v1/status/204", key),
            ("GET", "/v1/chunked/70000", key),
        ):
            statuses.append(ask(connection, method, target, token=token).status)
            seen_sockets.add(connection.sock)
        connection.close()
        case.equal("statuses", statuses, [200, 401, 200, 204, 200])
        case.equal("sockets", len(seen_sockets - {None}), 1)
        case.note("200, 401, 200, 204, 200")
    with report.case("HTTP/1.0 with keep-alive") as case:
        connection = connect()
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
        fields = {"Connection": "keep-alive", "Host": address}
        first = ask(connection, "GET", "/v1/echo", None, fields)
        socket = connection.sock
        second = ask(connection, "GET", "/v1/echo", None, fields)
        case.equal("statuses", [first.status, second.status], [200, 200])
        case.equal("Connection", first.fields.get("Connection"), "keep-alive")
        case.true("the same socket", socket is not None and connection.sock is socket)
        case.note("two on one socket")
        connection.close()


def bodies(report):
    with report.case("POST chunked from a generator") as case:
        pieces = [body_of(size) for size in (1, 10, 65536, 3, 200_000)]
        answer = once("POST", "/v1/echo", iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        case.equal("framing", answer.saw()["framing"], "chunked")
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(b"".join(pieces)))
        case.note("chunked at the API too, body whole")
    with report.case("PUT of 16 MiB") as case:
        data = body_of(16 * MIB)
        answer = once("PUT", "/v1/echo", data)
        case.equal("framing", answer.saw()["framing"], str(len(data)))
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(data))
        case.note("SHA-256 as sent")
    with report.case("GET of 16 MiB") as case:
        answer = once("GET", f"/v1/bytes/{16 * MIB}")
        case.equal("SHA-256", sha256(answer.body), answer.fields["X-Sha256"])
        case.note("SHA-256 as sent")
    with report.case("POST of 10 MiB without a key") as case:
        tag = new_tag()
        connection = connect()
        try:
            connection.request("POST", f"/v1/echo?tag={tag}", body_of(10 * MIB))
            case.note("the whole body was taken")
        except OSError as error:
            # This client reads nothing before it has sent everything; what was said before lies ready.
            case.note(f"{type(error).__name__} while it sent")
            connection._HTTPConnection__state = http.client._CS_REQ_SENT
        answer = Answer(connection.getresponse())
        connection.close()
        case.refusal("auth_missing", answer.status, answer.fields, answer.body)
        case.equal("requests at the API", seen(tag)["requests"], 0)


def answers(report):
    with report.case("If-None-Match") as case:
        answer = once("GET", "/v1/tagged", None, {"If-None-Match": '"one"'})
        case.equal("status", answer.status, 304)
        case.equal("ETag", answer.fields.get("ETag"), '"one"')
        case.note("304 with its ETag")
    with report.case("redirect") as case:
        answer = once("GET", "/v1/redirect/301?to=/v1/echo/there%3Fx")
        case.equal("status", answer.status, 301)
        case.equal("Location", answer.fields.get("Location"), "/v1/echo/there?x")
        case.note("301, Location unchanged")
    with report.case("server-sent events") as case:
        name = new_tag()
        connection = connect()
        connection.request("GET", f"/v1/events/{name}", None, bearer(key))
        answer = connection.getresponse()
        first = [answer.readline() for _ in range(3)]
        case.equal("first event", first, [b"id: 1\n", b"data: first\n", b"\n"])
        release(name)
        case.equal("the rest", answer.read(), b"id: 2\ndata: second\n\n")
        case.note("the first one there before the second was sent")
        connection.close()


def main():
    report = Report(f"http.client {platform.python_version()}")
    for part in (keys, connections, bodies, answers):
        part(report)
    print("end")


main()
