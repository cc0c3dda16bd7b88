"""curl."""

import gzip

from curl import SECONDS, curl, look_at_events, write
from report import Report
from told import MIB, UNKNOWN_KEY, body_of, key, key_id, new_tag, origin, seen, sha256, spent_key, version_of


def allowed_and_refused(report):
    with report.case("GET with a key") as case:
        answer = curl(f"{origin}/v1/echo/orders/7?page=2")
        case.equal("status", answer.status, 200)
        case.equal("target at the API", answer.saw()["target"], "/v1/echo/orders/7?page=2")
        case.identity(answer.saw(), key_id)
        case.note("200, identity at the API, no Authorization there")
    for what, token, path, reason in (
        ("GET without a key", None, "/v1/echo", "auth_missing"),
        ("GET with an unknown key", UNKNOWN_KEY, "/v1/echo", "key_unknown"),
        ("GET without the scope", key, "/narrow/echo", "scope_missing"),
        ("GET with a rate that is spent", spent_key, "/v1/echo", "rate_limited"),
    ):
        with report.case(what) as case:
            answer = curl(origin + path, token=token)
            case.refusal(reason, answer.status, answer.fields, answer.body)
    with report.case("GET of what is public, with a key") as case:
        answer = curl(f"{origin}/open/echo")
        case.equal("status", answer.status, 200)
        names = {name.lower() for name, _ in answer.saw()["fields"]}
        case.equal("of the key at the API", names & {"authorization", "x-key-id", "x-key-owner"}, set())
        case.note("200, neither key nor identity at the API")
    with report.case("HEAD (-I)") as case:
        answer = curl("-I", f"{origin}/v1/bytes/100000")
        case.equal("exit status", answer.exit_status, 0)
        case.equal("status", answer.status, 200)
        case.equal("Content-Length", answer.fields.get("content-length"), "100000")
        case.note("200, the length of the GET, no body waited for")
    with report.case("HEAD that is refused") as case:
        answer = curl("-I", f"{origin}/v1/bytes/100000", token=None)
        case.equal("exit status", answer.exit_status, 0)
        case.equal("status", answer.status, 401)
        case.note("401, no body waited for")


def uploads(report):
    small = b"item=1&note=%C3%BC"
    with report.case("POST with Content-Length") as case:
        answer = curl("-d", small.decode(), f"{origin}/v1/echo")
        case.equal("status", answer.status, 200)
        case.equal("framing", answer.saw()["framing"], str(len(small)))
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(small))
        case.note("200, body whole")
    with report.case("POST chunked, 3 MiB from standard input") as case:
        data = body_of(3 * MIB)
        how = ["-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data-binary", "@-"]
        answer = curl(*how, f"{origin}/v1/echo", stdin=data)
        case.equal("status", answer.status, 200)
        case.equal("framing", answer.saw()["framing"], "chunked")
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(data))
        case.note("200, chunked at the API too, body whole")
    large = body_of(16 * MIB)
    file = write("large", large)
    with report.case("PUT of 16 MiB (-T)") as case:
        answer = curl("-T", file, f"{origin}/v1/echo")
        case.equal("status", answer.status, 200)
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(large))
        case.note("200, SHA-256 as sent")
    with report.case("multipart form with a file of 1 MiB (-F)") as case:
        part = write("part", body_of(MIB))
        answer = curl("-F", "name=ü", "-F", f"file=@{part}", f"{origin}/v1/echo")
        case.equal("status", answer.status, 200)
        case.equal("size", answer.saw()["body"]["size"], int(answer.saw()["framing"]))
        case.true("all of the file is in it", answer.saw()["body"]["size"] > MIB)
        case.note(f"200, {answer.saw()['body']['size']} bytes")
    with report.case("POST with a compressed body") as case:
        packed = gzip.compress(b"a line that repeats\n" * 1000, mtime=0)
        answer = curl(
            "-H", "Content-Encoding: gzip", "--data-binary", f"@{write('packed', packed)}", f"{origin}/v1/echo"
        )
        case.equal("status", answer.status, 200)
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(packed))
        case.equal("Content-Encoding", dict(answer.saw()["fields"]).get("Content-Encoding"), "gzip")
        case.note("the same bytes at the API, Content-Encoding kept")


def expectations(report):
    data = body_of(2 * MIB)
    file = write("expected", data)
    with report.case("POST of 2 MiB with Expect: 100-continue") as case:
        # Without an answer curl would go on by itself after one second.
        answer = curl("--expect100-timeout", SECONDS, "--data-binary", f"@{file}", f"{origin}/v1/echo")
        case.true("curl asked for it", "> Expect: 100-continue" in answer.log)
        case.equal("statuses", [status for status, _ in answer.heads], [100, 200])
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(data))
        case.note("100, then 200, body whole")
    for what, token, path, reason in (
        ("without a key", None, "/v1/echo", "auth_missing"),
        ("without the scope", key, "/narrow/echo", "scope_missing"),
    ):
        with report.case(f"POST of 2 MiB with Expect: 100-continue, {what}") as case:
            tag = new_tag()
            answer = curl("--data-binary", f"@{file}", f"{origin}{path}?tag={tag}", token=token)
            case.refusal(reason, answer.status, answer.fields, answer.body)
            case.equal("heads", len(answer.heads), 1)
            case.equal("bytes of the body that curl sent", answer.numbers[0]["size_upload"], 0)
            case.equal("requests at the API", seen(tag)["requests"], 0)
            case.note("not one byte of the body sent")
    big = write("big", body_of(10 * MIB))
    with report.case("POST of 10 MiB without Expect and without a key") as case:
        tag = new_tag()
        answer = curl("-H", "Expect:", "--data-binary", f"@{big}", f"{origin}/v1/echo?tag={tag}", token=None)
        case.refusal("auth_missing", answer.status, answer.fields, answer.body)
        case.equal("requests at the API", seen(tag)["requests"], 0)
        case.note(f"exit status {answer.exit_status}, sent {answer.numbers[0]['size_upload']} bytes before it stopped")
    with report.case("POST of 10 MiB that the API answers at once with 413") as case:
        answer = curl("-H", "Expect:", "--data-binary", f"@{big}", f"{origin}/v1/early/413")
        case.equal("status", answer.status, 413)
        case.equal("body", answer.body, b"too much")
        case.note(f"413 of the API, exit status {answer.exit_status}, sent {answer.numbers[0]['size_upload']} bytes")


def answers(report):
    for what, path in (("with a length", "bytes"), ("chunked", "chunked")):
        with report.case(f"GET of 16 MiB, {what}") as case:
            answer = curl(f"{origin}/v1/{path}/{16 * MIB}")
            case.equal("exit status", answer.exit_status, 0)
            case.equal("size", len(answer.body), 16 * MIB)
            case.equal("SHA-256", sha256(answer.body), answer.fields["x-sha256"])
            case.note("SHA-256 as sent")
    with report.case("gzip-encoded answer") as case:
        answer = curl(f"{origin}/v1/gzip")
        case.equal("Content-Encoding", answer.fields.get("content-encoding"), "gzip")
        case.equal("Vary", answer.fields.get("vary"), "Accept-Encoding")
        case.equal("SHA-256", sha256(answer.body), answer.fields["x-sha256"])
        unpacked = curl("--compressed", f"{origin}/v1/gzip")
        case.equal("what --compressed makes of it", unpacked.body, gzip.decompress(answer.body))
        case.note("not one byte touched, curl unpacks it")
    with report.case("204") as case:
        answer = curl(f"{origin}/v1/status/204", f"{origin}/v1/status/204")
        case.equal("statuses", [status for status, _ in answer.heads], [204, 204])
        case.true("one connection", "Re-using existing connection" in answer.log)
        case.equal("Content-Length", answer.fields.get("content-length"), None)
        case.note("twice on one connection, no length")
    with report.case("If-None-Match") as case:
        answer = curl("-H", 'If-None-Match: "one"', f"{origin}/v1/tagged")
        case.equal("status", answer.status, 304)
        case.equal("ETag", answer.fields.get("etag"), '"one"')
        case.equal("body", answer.body, b"")
        case.equal("status of another one", curl("-H", 'If-None-Match: "two"', f"{origin}/v1/tagged").status, 200)
        case.note("304 with its ETag, 200 for another one")
    with report.case("two fields of one name") as case:
        answer = curl(f"{origin}/v1/cookies")
        cookies = [value for name, value in answer.all_fields if name == "set-cookie"]
        case.equal("Set-Cookie", cookies, ["a=1; Path=/", "b=2; HttpOnly"])
        case.note("both, in order")


def redirects(report):
    for to in ("/v1/echo/after?x=1", "http://elsewhere.example/a%20b", "../relative"):
        with report.case(f"302 to {to}") as case:
            answer = curl("-G", "--data-urlencode", f"to={to}", f"{origin}/v1/redirect/302")
            case.equal("status", answer.status, 302)
            case.equal("Location", answer.fields.get("location"), to)
            case.equal("body", answer.body, b"elsewhere")
            case.note("Location unchanged")
    with report.case("307 of a POST, followed (-L)") as case:
        answer = curl("-L", "-d", "once more", f"{origin}/v1/redirect/307?to=/v1/echo/after")
        case.equal("statuses", [status for status, _ in answer.heads], [307, 200])
        case.equal("method", answer.saw()["method"], "POST")
        case.equal("body", answer.saw()["body"]["start"], "once more")
        case.note("POST again, with key and body")


def connections(report):
    with report.case("two requests on one connection") as case:
        answer = curl(f"{origin}/v1/echo/1", f"{origin}/v1/echo/2")
        case.true("curl says so", "Re-using existing connection" in answer.log)
        case.equal("connections", answer.log.count("* Connected to "), 1)
        case.note("`Re-using existing connection`")
    with report.case("a refusal keeps the connection") as case:
        answer = curl(f"{origin}/narrow/echo", f"{origin}/v1/echo/2")
        case.equal("statuses", [status for status, _ in answer.heads], [403, 200])
        case.equal("connections", answer.log.count("* Connected to "), 1)
        case.note("403, then 200 on the same one")
    with report.case("50 transfers in parallel (-Z)") as case:
        answer = curl("-Z", "--no-progress-meter", f"{origin}/v1/bytes/[1000-1049]")
        case.equal("exit status", answer.exit_status, 0)
        case.equal("statuses", {status for status, _ in answer.heads}, {200})
        case.equal("answers", len(answer.heads), 50)
        case.note("50 times 200")
    with report.case("offer of h2c (--http2)") as case:
        answer = curl("--http2", f"{origin}/v1/echo")
        case.true("curl offered it", "> Upgrade: h2c" in answer.log)
        case.equal("statuses", [status for status, _ in answer.heads], [200])
        names = {name.lower() for name, _ in answer.saw()["fields"]}
        case.equal("of it at the API", names & {"upgrade", "http2-settings", "connection"}, set())
        case.note("200 by HTTP/1.1, nothing of it at the API")
    with report.case("HTTP/2 without asking (--http2-prior-knowledge)") as case:
        answer = curl("--http2-prior-knowledge", f"{origin}/v1/echo")
        case.true("curl gives up", answer.exit_status != 0)
        case.equal("answers", answer.heads, [])
        case.note(f"no answer that curl could read, exit status {answer.exit_status}")


def old_version(report):
    with report.case("HTTP/1.0 (--http1.0)") as case:
        answer = curl("--http1.0", f"{origin}/v1/echo")
        case.equal("status", answer.status, 200)
        case.identity(answer.saw(), key_id)
        case.equal("Connection", answer.fields.get("connection"), "close")
        case.note("200, closed after it")
    with report.case("HTTP/1.0, chunked answer of the API") as case:
        answer = curl("--http1.0", f"{origin}/v1/chunked/1000000")
        case.equal("exit status", answer.exit_status, 0)
        case.equal("Transfer-Encoding", answer.fields.get("transfer-encoding"), None)
        case.equal("SHA-256", sha256(answer.body), answer.fields["x-sha256"])
        case.note("no chunks, ended by the close, SHA-256 as sent")
    with report.case("HTTP/1.0, POST") as case:
        answer = curl("--http1.0", "-d", "old", f"{origin}/v1/echo")
        case.equal("status", answer.status, 200)
        case.equal("body", answer.saw()["body"]["start"], "old")
        case.note("200, body whole")


def targets(report):
    with report.case("percent-encoded UTF-8") as case:
        target = "/v1/echo/caf%C3%A9/%E2%9C%93;v=1/a%20b?q=%C3%BC+x&y=a%2Fb&z=~!$'()*,;:@"
        answer = curl("-g", origin + target)
        case.equal("target at the API", answer.saw()["target"], target)
        case.note("path and query to the byte")
    with report.case("--data-urlencode in a query") as case:
        answer = curl("-G", "--data-urlencode", "q=grüße & 100%/ß", f"{origin}/v1/echo")
        case.equal("target at the API", answer.saw()["target"], "/v1/echo?q=gr%c3%bc%c3%9fe+%26+100%25%2f%c3%9f")
        case.note("to the byte")
    with report.case("UTF-8 as it is in the path") as case:
        answer = curl(f"{origin}/v1/echo/café?q=%c3")
        case.true("curl encodes it", "> GET /v1/echo/caf%c3%a9?q=%c3 HTTP/1.1" in answer.log)
        case.equal("target at the API", answer.saw()["target"], "/v1/echo/caf%C3%A9?q=%c3")
        case.note("curl makes %c3%a9 of it, at the API %C3%A9 in the path; the query is left as it is")


def events(report):
    with report.case("server-sent events (-N)") as case:
        look_at_events(case, origin)


def main():
    report = Report(f"curl {version_of('curl')}")
    for part in (
        allowed_and_refused, uploads, expectations, answers, redirects, connections, old_version, targets, events
    ):
        part(report)
    print("end")


main()
