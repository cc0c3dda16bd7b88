"""Python's requests, as most scripts use it."""

import gzip
import io

import requests
import urllib3

from report import Report
from told import MIB, UNKNOWN_KEY, bearer, body_of, key, key_id, new_tag, origin, release, seen, sha256, spent_key

SECONDS = 30


def ask(method, path, token=key, session=requests, **how):
    fields = {**(bearer(token) if token else {}), **how.pop("headers", {})}
    return session.request(method, origin + path, headers=fields, timeout=SECONDS, **how)


def keys(report):
    with report.case("GET with a key") as case:
        answer = ask("GET", "/v1/echo/1", params={"q": "grüße & 100%"})
        case.equal("status", answer.status_code, 200)
        case.equal("target at the API", answer.json()["target"], "/v1/echo/1?q=gr%C3%BC%C3%9Fe+%26+100%25")
        case.identity(answer.json(), key_id)
        case.note("200, identity at the API, query to the byte")
    for what, token, path, reason in (
        ("without a key", None, "/v1/echo", "auth_missing"),
        ("with an unknown key", UNKNOWN_KEY, "/v1/echo", "key_unknown"),
        ("without the scope", key, "/narrow/echo", "scope_missing"),
        ("with a rate that is spent", spent_key, "/v1/echo", "rate_limited"),
    ):
        with report.case(f"GET {what}") as case:
            answer = ask("GET", path, token)
            case.refusal(reason, answer.status_code, answer.headers, answer.content)
    with report.case("user and password instead of a key (auth=)") as case:
        answer = ask("GET", "/v1/echo", None, auth=("user", "password"))
        case.refusal("auth_missing", answer.status_code, answer.headers, answer.content)
    with report.case("HEAD") as case:
        answer = ask("HEAD", "/v1/bytes/5000")
        case.equal("status", answer.status_code, 200)
        case.equal("Content-Length", answer.headers.get("Content-Length"), "5000")
        case.note("200, length without body")
    with report.case("path with UTF-8 and a blank") as case:
        answer = ask("GET", "/v1/echo/café/a b/✓")
        case.equal("target at the API", answer.json()["target"], "/v1/echo/caf%C3%A9/a%20b/%E2%9C%93")
        case.note("as requests encodes it")


def bodies(report):
    with report.case("POST of JSON") as case:
        answer = ask("POST", "/v1/echo", json={"name": "ü"})
        case.equal("status", answer.status_code, 200)
        case.equal("body", answer.json()["body"]["start"], '{"name": "\\u00fc"}')
        case.note("200, body whole")
    with report.case("POST from a generator (chunked)") as case:
        pieces = [body_of(size) for size in (1, 70_000, 2, 300_000)]
        answer = ask("POST", "/v1/echo", data=iter(pieces))
        case.equal("framing", answer.json()["framing"], "chunked")
        case.equal("SHA-256", answer.json()["body"]["sha256"], sha256(b"".join(pieces)))
        case.note("chunked at the API too, body whole")
    with report.case("PUT of 16 MiB from a file") as case:
        data = body_of(16 * MIB)
        answer = ask("PUT", "/v1/echo", data=io.BytesIO(data))
        case.equal("SHA-256", answer.json()["body"]["sha256"], sha256(data))
        case.note("SHA-256 as sent")
    with report.case("multipart form with a file (files=)") as case:
        answer = ask("POST", "/v1/echo", files={"file": ("ü.bin", body_of(MIB))}, data={"a": "1"})
        case.equal("status", answer.status_code, 200)
        case.equal("size", answer.json()["body"]["size"], int(answer.json()["framing"]))
        case.true("all of the file is in it", answer.json()["body"]["size"] > MIB)
        case.note(f"200, {answer.json()['body']['size']} bytes")
    with report.case("GET of 16 MiB, read in pieces") as case:
        with ask("GET", f"/v1/chunked/{16 * MIB}", stream=True) as answer:
            data = b"".join(answer.iter_content(100_000))
            case.equal("SHA-256", sha256(data), answer.headers["X-Sha256"])
        case.note("SHA-256 as sent")
    with report.case("gzip-encoded answer") as case:
        with ask("GET", "/v1/gzip", stream=True) as answer:
            packed = answer.raw.read(decode_content=False)
            case.equal("SHA-256", sha256(packed), answer.headers["X-Sha256"])
        case.equal("what requests makes of it", ask("GET", "/v1/gzip").content, gzip.decompress(packed))
        case.note("not one byte touched, requests unpacks it")
    for what, token, path in (
        ("without a key", None, "/v1/echo"),
        ("that the API answers at once with 413", key, "/v1/early/413"),
    ):
        with report.case(f"POST of 10 MiB {what}") as case:
            tag = new_tag()
            answer = ask("POST", f"{path}?tag={tag}", token, data=body_of(10 * MIB))
            if token is None:
                case.refusal("auth_missing", answer.status_code, answer.headers, answer.content)
                case.equal("requests at the API", seen(tag)["requests"], 0)
            else:
                case.equal("status", answer.status_code, 413)
                case.equal("body", answer.content, b"too much")
                case.note("413 of the API")


def sessions(report):
    with report.case("six requests in a Session, refused ones among them") as case:
        with requests.Session() as session:
            statuses = [
                ask("GET", path, token, session).status_code
                for path, token in (
                    ("/v1/echo", key),
                    ("/v1/echo", None),
                    ("/narrow/echo", key),
                    ("/v1/status/204", key),
                    ("/v1/redirect/302?to=/v1/echo", key),
                    ("/v1/echo", key),
                )
            ]
            (pool,) = session.get_adapter(origin).poolmanager.pools._container.values()
            case.equal("statuses", statuses, [200, 401, 403, 204, 200, 200])
            case.equal("connections", pool.num_connections, 1)
            case.note("one connection")
    with report.case("redirect, followed with the key") as case:
        answer = ask("GET", "/v1/redirect/302?to=/v1/echo/there")
        case.equal("statuses", [each.status_code for each in [*answer.history, answer]], [302, 200])
        case.equal("Location", answer.history[0].headers["Location"], "/v1/echo/there")
        case.identity(answer.json(), key_id)
        case.note("302, then 200")
    with report.case("If-None-Match") as case:
        answer = ask("GET", "/v1/tagged", headers={"If-None-Match": '"one"'})
        case.equal("status", answer.status_code, 304)
        case.equal("ETag", answer.headers.get("ETag"), '"one"')
        case.note("304 with its ETag")
    with report.case("two cookies") as case:
        with requests.Session() as session:
            ask("GET", "/v1/cookies", session=session)
            case.equal("in the session", session.cookies.get_dict(), {"a": "1", "b": "2"})
            saw = ask("GET", "/v1/echo", session=session).json()
            sent = dict(saw["fields"]).get("Cookie", "")
            case.equal("at the API", sorted(sent.split("; ")), ["a=1", "b=2"])
        case.note("kept, and sent back")
    with report.case("server-sent events (iter_lines)") as case:
        name = new_tag()
        with ask("GET", f"/v1/events/{name}", stream=True) as answer:
            lines = answer.iter_lines(chunk_size=1)
            case.equal("first event", [next(lines) for _ in range(3)], [b"id: 1", b"data: first", b""])
            release(name)
            case.equal("the rest", list(lines), [b"id: 2", b"data: second", b""])
        case.note("the first one there before the second was sent")


def main():
    report = Report(f"requests {requests.__version__} (urllib3 {urllib3.__version__})")
    for part in (keys, bodies, sessions):
        part(report)
    print("end")


main()
