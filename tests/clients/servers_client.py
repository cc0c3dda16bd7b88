"""nginx and caddy, behind keygate and in front of it; what they do is seen with curl."""

import concurrent.futures
import gzip
import http.client
import pathlib
import re
import subprocess
import time

from curl import SECONDS, curl, look_at_events, write
from report import Report
from told import (
    MIB, UNKNOWN_KEY, bearer, body_of, key, key_id, metric, new_tag, seen, sha256, site, spent_key
)

files = pathlib.Path(site["folder"]) / "files"
ports = site["ports"]


def versions():
    said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    nginx = re.search(r"nginx/([\d.]+)", said)[1]
    said = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout
    return f"nginx {nginx}", f"caddy {re.search(r'[0-9.]+', said)[0]}"


# --- behind ---------------------------------------------------------------------------------------------


def static_files(report, address, token):
    whole = (files / "data.bin").read_bytes()
    url = f"{address}/v1/files/data.bin"
    with report.case("static file, and HEAD of it") as case:
        answer = curl(url, token=token)
        case.equal("status", answer.status, 200)
        case.equal("SHA-256", sha256(answer.body), sha256(whole))
        head = curl("-I", url, token=token)
        for name in ("content-length", "etag", "last-modified", "accept-ranges"):
            case.true(f"a field {name}", name in answer.fields)
            case.equal(f"{name} of HEAD", head.fields.get(name), answer.fields[name])
        case.note(f"{len(whole)} bytes, ETag {answer.fields['etag']}")
    with report.case("If-None-Match, If-Modified-Since, If-Match") as case:
        etag, date = answer.fields["etag"], answer.fields["last-modified"]
        same = curl("-H", f"If-None-Match: {etag}", url, url, token=token)
        case.equal("statuses", [status for status, _ in same.heads], [304, 304])
        case.equal("connections", same.log.count("* Connected to "), 1)
        case.equal("If-Modified-Since", curl("-H", f"If-Modified-Since: {date}", url, token=token).status, 304)
        case.equal("If-Match of another", curl("-H", 'If-Match: "other"', url, token=token).status, 412)
        case.note("304 twice on one connection, 304, 412")
    with report.case("Range") as case:
        part = curl("-r", "1000-1999", url, token=token)
        case.equal("status", part.status, 206)
        case.equal("Content-Range", part.fields.get("content-range"), f"bytes 1000-1999/{len(whole)}")
        case.equal("body", part.body, whole[1000:2000])
        several = curl("-r", "0-9,100-109", url, token=token)
        case.equal("status of two ranges", several.status, 206)
        case.true("both parts", whole[:10] in several.body and whole[100:110] in several.body)
        beyond = curl("-r", f"{len(whole)}-", url, token=token)
        case.equal("status beyond the end", beyond.status, 416)
        case.equal("Content-Range beyond the end", beyond.fields.get("content-range"), f"bytes */{len(whole)}")
        case.note("206 with that part, 206 with two, 416")
    with report.case("download resumed (curl -C)") as case:
        half = len(whole) // 2
        rest = curl("-C", str(half), url, token=token)
        case.equal("status", rest.status, 206)
        case.equal("SHA-256 of both", sha256(whole[:half] + rest.body), sha256(whole))
        case.note("both halves make the file")
    with report.case("download resumed (wget -c)") as case:
        file = pathlib.Path(write("resumed", whole[:half]))
        command = ["wget", "--no-config", "-S", "-c", "-O", file, "--header", f"Authorization: Bearer {token}", url]
        wget = subprocess.run(command, capture_output=True, check=False)
        case.equal("exit status", wget.returncode, 0)
        case.true("206", b"206 Partial Content" in wget.stderr)
        case.equal("SHA-256", sha256(file.read_bytes()), sha256(whole))
        case.note("206, both halves make the file")
    with report.case("text that it packs as it goes") as case:
        text = (files / "text.txt").read_bytes()
        packed = curl("-H", "Accept-Encoding: gzip", f"{address}/v1/files/text.txt", token=token)
        case.equal("Content-Encoding", packed.fields.get("content-encoding"), "gzip")
        case.equal("text", gzip.decompress(packed.body), text)
        plain = curl(f"{address}/v1/files/text.txt", token=token)
        case.equal("text without asking", plain.body, text)
        framing = packed.fields.get("transfer-encoding", "with a length")
        case.note(f"gzip, {framing}; plain for who did not ask")
    with report.case("204, then another on the same connection") as case:
        both = curl(f"{address}/v1/empty", f"{address}/v1/files/text.txt", token=token)
        case.equal("statuses", [status for status, _ in both.heads], [204, 200])
        case.equal("connections", both.log.count("* Connected to "), 1)
        case.note("204, 200")
    with report.case("upload and download of 16 MiB through it to the origin") as case:
        data = body_of(16 * MIB)
        up = curl("-T", write("up", data), f"{address}/v1/echo", token=token)
        case.equal("SHA-256", up.saw()["body"]["sha256"], sha256(data))
        down = curl(f"{address}/v1/chunked/{16 * MIB}", token=token)
        case.equal("SHA-256 of the answer", sha256(down.body), down.fields["x-sha256"])
        case.note("SHA-256 as sent, both ways")
    with report.case("30 requests on connections that are kept") as case:
        before = metric("keygate_upstream_connections_total")
        answer = curl(f"{address}/v1/files/text.txt?[1-30]", token=token)
        case.equal("statuses", [status for status, _ in answer.heads], [200] * 30)
        opened = metric("keygate_upstream_connections_total") - before
        case.true(f"at most one connection more, not {opened}", opened <= 1)
        case.note(f"{opened} connections opened")


def nginx_says_no(report, address, token):
    big = write("big", body_of(10 * MIB))
    url = f"{address}/v1/limited"
    with report.case("POST of 10 MiB, more than client_max_body_size") as case:
        answer = curl("-H", "Expect:", "--data-binary", f"@{big}", url, token=token)
        case.equal("status", answer.status, 413)
        case.true("its own page", b"nginx" in answer.body)
        case.note(f"its 413, exit status {answer.exit_status}")
    with report.case("the same with Expect: 100-continue") as case:
        answer = curl("--expect100-timeout", SECONDS, "--data-binary", f"@{big}", url, token=token)
        case.equal("statuses", [status for status, _ in answer.heads], [413])
        case.equal("bytes of the body that curl sent", answer.numbers[0]["size_upload"], 0)
        case.note("its 413, not one byte of the body sent")
    with report.case("the same chunked") as case:
        answer = curl(
            "-H", "Expect:", "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{big}", url, token=token
        )
        case.equal("status", answer.status, 413)
        case.note(f"its 413, exit status {answer.exit_status}")
    with report.case("and then a small one") as case:
        answer = curl("-d", "small", url, token=token)
        case.equal("status", answer.status, 200)
        case.equal("body", answer.saw()["body"]["start"], "small")
        case.note("200")


def hasty_nginx(report, token):
    address = site["urls"]["hasty"]
    with report.case("keepalive_requests 3: 200 requests in turn") as case:
        before = metric("keygate_upstream_connections_total")
        answer = curl(f"{address}/v1/[1-200]", token=token)
        case.equal("statuses", [status for status, _ in answer.heads], [200] * 200)
        case.equal("exit status", answer.exit_status, 0)
        case.note(f"200 times 200, {metric('keygate_upstream_connections_total') - before} connections to it")
    with report.case("keepalive_timeout 1 ms: 400 requests, 8 at once") as case:
        before = metric("keygate_upstream_retries_total")

        def some(number):
            connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
            statuses = []
            for _ in range(50):
                connection.request("GET", f"/v1/{number}", headers=bearer(token))
                with connection.getresponse() as each:
                    each.read()
                    statuses.append(each.status)
            connection.close()
            return statuses

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = [status for each in pool.map(some, range(8)) for status in each]
        case.equal("statuses", statuses, [200] * 400)
        retries = metric("keygate_upstream_retries_total") - before
        case.note(f"400 times 200, {retries} of them on a second connection")
    with report.case("POST after it has closed every connection, 20 times") as case:
        for _ in range(20):
            case.equal("status of a GET", curl(f"{address}/v1/1", token=token).status, 200)
            wait_until_closed(ports["hasty"])
            answer = curl("-d", "once only", f"{address}/v1/1", token=token)
            case.equal("status", answer.status, 200)
        case.note("20 times 200: a closed one is not used")


def wait_until_closed(port):
    """Until whoever listens there has closed every connection, and the other side's socket has heard of it.

    Its own side alone is not enough: for a moment it has closed and the news is still to be sent.
    """
    established = "01"
    end = f":{port:04X}"
    deadline = time.monotonic() + 20
    while True:
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        if not any(row[3] == established and (row[1].endswith(end) or row[2].endswith(end)) for row in rows):
            return
        if time.monotonic() > deadline:
            raise TimeoutError("it keeps its connections")


# --- in front -------------------------------------------------------------------------------------------


# curl 7.88.1 loses an answer that comes while it uploads by HTTP/2 (exit status 92), and fails at the second
# request on a connection made with prior knowledge (16): both against caddy alone too. Those cases are left out.
H2C = "--http2-prior-knowledge"


def through_a_proxy(report, address, *options, via):
    def ask(*arguments, **how):
        return curl(*options, *arguments, **how)

    with report.case("GET with a key") as case:
        target = "/v1/echo/caf%C3%A9/a%20b;v=1?q=%C3%BC+x&y=a%2Fb"
        answer = ask("-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Key-Owner: mallory", "-g", address + target)
        case.equal("status", answer.status, 200)
        saw = answer.saw()
        case.identity(saw, key_id)
        fields = [(name.lower(), value) for name, value in saw["fields"]]
        case.equal("target at the API", saw["target"], target)
        case.equal("X-Forwarded-For", [v for n, v in fields if n == "x-forwarded-for"], ["127.0.0.1"])
        case.equal("Via", [v for n, v in fields if n == "via"][-1:], [via])
        case.note(f"200, identity and target right, X-Forwarded-For is the proxy's address, Via {via}")
    for what, token, path, reason in (
        ("without a key", None, "/v1/echo", "auth_missing"),
        ("with an unknown key", UNKNOWN_KEY, "/v1/echo", "key_unknown"),
        ("without the scope", key, "/narrow/echo", "scope_missing"),
        ("with a rate that is spent", spent_key, "/v1/echo", "rate_limited"),
    ):
        with report.case(f"GET {what}") as case:
            answer = ask(address + path, token=token)
            case.refusal(reason, answer.status, answer.fields, answer.body)
    with report.case("HEAD, 204, 304, redirect") as case:
        head = ask("-I", f"{address}/v1/bytes/5000")
        case.equal("HEAD", (head.status, head.fields.get("content-length")), (200, "5000"))
        case.equal("204", ask(f"{address}/v1/status/204").status, 204)
        same = ask("-H", 'If-None-Match: "one"', f"{address}/v1/tagged")
        case.equal("304", (same.status, same.fields.get("etag")), (304, '"one"'))
        there = ask(f"{address}/v1/redirect/302?to=http://elsewhere.example/x")
        case.equal("302", (there.status, there.fields.get("location")), (302, "http://elsewhere.example/x"))
        case.note("as from the API")
    with report.case("POST chunked") as case:
        data = body_of(3 * MIB)
        chunked = [] if options else ["-H", "Transfer-Encoding: chunked"]
        answer = ask(*chunked, "-H", "Expect:", "-T", "-", "-X", "POST", f"{address}/v1/echo", stdin=data)
        case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(data))
        framing = answer.saw()["framing"]
        case.note(f"body whole, at the API {'chunked' if framing == 'chunked' else 'with a length'}")
    with report.case("upload and download of 16 MiB") as case:
        data = body_of(16 * MIB)
        up = ask("-T", write("up", data), f"{address}/v1/echo")
        case.equal("SHA-256", up.saw()["body"]["sha256"], sha256(data))
        down = ask(f"{address}/v1/chunked/{16 * MIB}")
        case.equal("SHA-256 of the answer", sha256(down.body), down.fields["x-sha256"])
        case.note("SHA-256 as sent, both ways")
    with report.case("gzip-encoded answer") as case:
        answer = ask("-H", "Accept-Encoding: gzip", f"{address}/v1/gzip")
        case.equal("SHA-256", sha256(answer.body), answer.fields["x-sha256"])
        case.note("not one byte touched")
    if H2C not in options:
        early_refusals(report, address, *options)


def early_refusals(report, address, *options):
    big = write("big", body_of(10 * MIB))
    with report.case("POST of 10 MiB without a key") as case:
        tag = new_tag()
        answer = curl(
            *options, "-H", "Expect:", "--data-binary", f"@{big}", f"{address}/v1/echo?tag={tag}", token=None
        )
        case.refusal("auth_missing", answer.status, answer.fields, answer.body)
        case.equal("requests at the API", seen(tag)["requests"], 0)
    with report.case("POST of 2 MiB with Expect: 100-continue, with a key and without") as case:
        body = ["-H", "Expect: 100-continue", "--data-binary", f"@{write('expected', body_of(2 * MIB))}"]
        allowed = curl(*options, *body, f"{address}/v1/echo")
        case.equal("status", allowed.status, 200)
        case.equal("size", allowed.saw()["body"]["size"], 2 * MIB)
        refused = curl(*options, *body, f"{address}/v1/echo", token=None)
        case.equal("status without a key", refused.status, 401)
        case.note(f"200; 401 after {refused.numbers[0]['size_upload']} bytes of the body")


def kept_connections(report, address, *options, at_most):
    with report.case("20 requests") as case:
        curl(*options, f"{address}/v1/echo/0")
        before = metric("keygate_client_connections_total")
        statuses = [curl(*options, f"{address}/v1/echo/{number}").status for number in range(20)]
        case.equal("statuses", statuses, [200] * 20)
        opened = metric("keygate_client_connections_total") - before
        case.true(f"at most {at_most} connections to keygate, not {opened}", opened <= at_most)
        case.note(f"20 times 200, {opened} new connections to keygate")


def many_at_once(report, address):
    with report.case("100 requests at once") as case:
        answer = curl("-Z", "--parallel-max", "50", "--no-progress-meter", f"{address}/v1/bytes/[2000-2099]")
        case.equal("statuses", [status for status, _ in answer.heads], [200] * 100)
        case.equal("exit status", answer.exit_status, 0)
        case.note("100 times 200")


def main():
    nginx, caddy = versions()
    token = site["keys"]["nginx"]["key"]
    behind = Report(f"{nginx} behind keygate")
    static_files(behind, site["urls"]["nginx"], token)
    nginx_says_no(behind, site["urls"]["nginx"], token)
    hasty_nginx(behind, site["keys"]["hasty"]["key"])

    token = site["keys"]["caddy"]["key"]
    behind = Report(f"{caddy} behind keygate")
    static_files(behind, site["urls"]["caddy"], token)
    with behind.case("server-sent events through it to the origin") as case:
        look_at_events(case, site["urls"]["caddy"], token=token)

    for report, port, options, via, at_most in (
        (Report(f"{nginx} in front (HTTP/1.1, keepalive)"), "front", [], "1.1 keygate", 1),
        (Report(f"{nginx} in front (as it comes: HTTP/1.0)"), "plain_front", [], "1.0 keygate", 20),
        (Report(f"{caddy} in front"), "caddy_front", [], "1.1 keygate", 1),
        (Report(f"{caddy} in front (h2c)"), "caddy_front", [H2C], "1.1 keygate", 1),
    ):
        address = f"http://127.0.0.1:{ports[port]}"
        through_a_proxy(report, address, *options, via=via)
        kept_connections(report, address, *options, at_most=at_most)
        if H2C not in options:
            many_at_once(report, address)
        if port != "plain_front":  # that one keeps answers until they are whole
            with report.case("server-sent events") as case:
                look_at_events(case, address, *options)
    print("end")


main()
