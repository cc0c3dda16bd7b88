"""What people send who mean no good, or whose programs are broken. After every row nothing has changed in the store,
the gateway lives, and a good call is answered."""

import json
import threading

from gateway import TOKENS, digest, read_answers

KEYS = "/admin/v1/keys"
OWNERS = "/admin/v1/owners"
LIMIT = 1024 * 1024


class Hostile:
    def __init__(self, gateway, document, report):
        self.gateway = gateway
        self.document = document
        self.report = report
        self.rows = 0
        for name in ("acme", "idle"):
            self.good("PUT", f"{OWNERS}/{name}", {"api": "shop", "plan": "pro"})
        for name in ("one", "two"):
            self.good("POST", KEYS, {"api": "shop", "owner": "acme", "id": name, "digest": digest(name)})
        self.good("POST", f"{KEYS}/two:revoke")
        self.etag = self.gateway.call("GET", f"{KEYS}/one").field("ETag")
        self.before = self.gateway.state()

    def good(self, method, target, body=None):
        answer = self.gateway.call(method, target, body)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {target}: {answer.status} {answer.body!r}")

    def row(self, name, data, *statuses, reason=None, heads_only=False, ends=True):
        """Bytes on one connection; the statuses of all answers to them, none for a connection that is just closed.
        data: bytes, or the arguments of a request."""
        self.rows += 1
        if not isinstance(data, bytes):
            method, target, body, more = data
            data = self.gateway.request(method, target, body, **more)
        wrong = []
        try:
            answers = read_answers(self.gateway.exchange(data, ends=ends), heads_only)
        except (ValueError, OSError) as error:
            answers = []
            wrong.append(repr(error))
        seen = tuple(answer.status for answer in answers)
        if seen != statuses:
            wrong.append(f"{seen} instead of {statuses}: {[a.body[:200] for a in answers]}")
        elif reason and answers[-1].reason() != reason:
            wrong.append(f"{answers[-1].reason()} instead of {reason}")
        for answer in answers:
            if any(token.encode() in answer.body for token in TOKENS.values()):
                wrong.append("a token is in the answer")
        self.report.row(f"hostile {self.rows}: {name}", wrong + self.aftermath())

    def aftermath(self):
        if not self.gateway.lives():
            return ["the gateway has ended"]
        after = self.gateway.state()
        if after == self.before:
            return []
        self.before = after  # the next row is not to blame
        return ["the store has changed"]

    @staticmethod
    def ask(method, target, body=None, **more):
        return method, target, body, more

    def raw(self, *lines, body=b"", token=True, host=True):
        """A request written by hand; the first line, then fields."""
        head = [lines[0]]
        if host:
            head.append(f"Host: 127.0.0.1:{self.gateway.admin_port}")
        if token:
            head.append(f"Authorization: Bearer {TOKENS['admin']}")
        return "\r\n".join(head + list(lines[1:])).encode("latin-1") + b"\r\n\r\n" + body

    def run(self):
        self.tokens()
        self.roles()
        self.hosts()
        self.framing()
        self.heads()
        self.json_texts()
        self.members()
        self.parameters()
        self.conditions()
        self.repetitions()
        self.pipelines()

    def tokens(self):
        admin = TOKENS["admin"]
        for name, value in {
            "empty": "",
            "no scheme": admin,
            "Basic": f"Basic {admin}",
            "no token": "Bearer",
            "an empty token": "Bearer ",
            "two spaces": f"Bearer  {admin}",
            "a tab": f"Bearer\t{admin}",
            "one letter more": f"Bearer {admin}x",
            "one letter less": f"Bearer {admin[:-1]}",
            "other case": f"Bearer {admin.upper()}",
            "two words": f"Bearer {admin} {admin}",
            "a list": f"Bearer {admin}, Bearer {admin}",
            "quoted": f'Bearer "{admin}"',
            "its digest": f"Bearer {digest(admin)}",
            "its bare digest": f"Bearer {digest(admin)[7:]}",
            "8 KiB": "Bearer " + "x" * 8192,
            "bytes that are no text": "Bearer \xff\xfe",
        }.items():
            self.row(
                f"token: {name}", self.ask("DELETE", f"{KEYS}/one", role=None, fields=[("Authorization", value)]), 401
            )
        twice = [("Authorization", f"Bearer {admin}")] * 2
        self.row(
            "token: twice", self.ask("DELETE", f"{KEYS}/one", role=None, fields=twice), 401, reason="token_invalid"
        )
        mixed = [("Authorization", "Bearer wrong-token-of-16"), ("Authorization", f"Bearer {admin}")]
        self.row("token: a wrong and a right one", self.ask("DELETE", f"{KEYS}/one", role=None, fields=mixed), 401)
        self.row("token: in the query", self.ask("DELETE", f"{KEYS}/one?access_token={admin}", role=None), 401)
        self.row(
            "token: in another field",
            self.ask("DELETE", f"{KEYS}/one", role=None, fields=[("Proxy-Authorization", f"Bearer {admin}")]),
            401,
        )
        self.row("token: none, no such path", self.ask("GET", "/admin/v1/nope", role=None), 401)

    def roles(self):
        """Each role against each call; what is allowed is only tried."""
        ranks = ("viewer", "operator", "admin")
        for method, form, _, call in self.document.calls:
            needed = call["description"].rsplit("Role: ", 1)[1].rstrip(".")
            for role in ranks:
                target = form.replace("{id}", "acme" if "/owners/" in form else "one")
                body = self.document.example(call)
                name = f"role {role}: {method} {form}"
                if ranks.index(role) < ranks.index(needed):
                    self.row(name, self.ask(method, target, body, role=role), 403, reason="role_too_low")
                elif form.endswith(":backup"):
                    self.row(name, self.ask(method, target, body, role=role), 403, reason="local_only")
                elif method == "GET":
                    expected = 400 if form.endswith("/usage") else 200
                    self.row(name, self.ask(method, target, role=role), expected)
                else:
                    # Let in: what is wrong with it is told.
                    self.row(name, self.ask(method, target + "?zz=1", body, role=role), 400, reason="parameter_unknown")

    def hosts(self):
        port = self.gateway.admin_port
        for host in (
            "evil.example",
            f"evil.example:{port}",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "127.0.0.2",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            f"127.0.0.1@evil.example:{port}",
            f"evil.example#127.0.0.1:{port}",
            "127.0.0.1, evil.example",
            "localhost.",
            "keys.example.com.evil.example",
            "*",
            "null",
        ):
            self.row(f"Host {host}", self.ask("DELETE", f"{KEYS}/one", host=host), 421, reason="host_invalid")
        for host in (
            "127.0.0.1:80:80",
            "localhost:x",
            "localhost:+1",
            "[::1",
            "[::1]x",
            "127.0.0.1:-1",
            "127.0.0.1 evil",
            "127.0.0.1:1@evil.example",
        ):
            self.row(f"Host {host}", self.ask("DELETE", f"{KEYS}/one", host=host), 421, reason="host_invalid")
        self.row("Host: empty", self.raw("DELETE /admin/v1/keys/one HTTP/1.1", "Host: ", host=False), 421)
        self.row("Host: none", self.raw("DELETE /admin/v1/keys/one HTTP/1.1", host=False), 400)
        self.row("Host: two", self.raw("DELETE /admin/v1/keys/one HTTP/1.1", "Host: evil.example"), 400)
        self.row("Host: twice the same", self.raw("DELETE /admin/v1/keys/one HTTP/1.1", f"Host: 127.0.0.1:{port}"), 400)
        self.row("Host: none, HTTP/1.0", self.raw("DELETE /admin/v1/keys/one HTTP/1.0", host=False), 421)
        for target in (
            "http://evil.example/admin/v1/keys/one",
            f"http://127.0.0.1:{port}/admin/v1/keys/one",
            "//evil.example/admin/v1/keys/one",
        ):
            expected = 404 if target.startswith("//") else 400
            self.row(f"target {target}", self.raw(f"DELETE {target} HTTP/1.1"), expected)

    def framing(self):
        post = f"POST {KEYS}/one:disable HTTP/1.1"
        self.row(
            "length and chunked",
            self.raw(post, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
            400,
        )
        self.row(
            "chunked and length",
            self.raw(post, "Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"),
            400,
        )
        for coding in (
            "gzip",
            "identity",
            "xchunked",
            "chunked, identity",
            "gzip, chunked",
            "chunked;x=1",
            '"chunked"',
            "",
        ):
            self.row(f"coding {coding}", self.raw(post, f"Transfer-Encoding: {coding}", body=b"0\r\n\r\n"), 400)
        self.row(
            "chunked in HTTP/1.0",
            self.raw(f"POST {KEYS}/one:disable HTTP/1.0", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
            400,
        )
        for length in ("-1", "+5", "0x5", "5,5", "5 5", "", "a", "18446744073709551616", "5;"):
            self.row(f"length {length}", self.raw(post, f"Content-Length: {length}", body=b'{"a":'), 400)
        self.row("two lengths", self.raw(post, "Content-Length: 2", "Content-Length: 2", body=b"{}"), 400)
        self.row("two lengths that differ", self.raw(post, "Content-Length: 2", "Content-Length: 3", body=b"{} "), 400)
        self.row("a length of 1 TiB", self.raw(post, f"Content-Length: {2**40}"), 413)
        self.row("1 MiB and a byte", self.raw(post, f"Content-Length: {LIMIT + 1}", body=b" " * (LIMIT + 1)), 413)
        self.row(
            "1 MiB and a byte in chunks",
            self.raw(
                post, "Transfer-Encoding: chunked", body=b"%x\r\n" % (LIMIT + 1) + b" " * (LIMIT + 1) + b"\r\n0\r\n\r\n"
            ),
            413,
        )
        self.row("a cut body", self.raw(post, "Content-Length: 50", body=b"{"), 400)
        self.row("a chunk that is cut", self.raw(post, "Transfer-Encoding: chunked", body=b"a\r\n{"), 400)
        self.row(
            "a chunk size of 17 digits",
            self.raw(post, "Transfer-Encoding: chunked", body=b"0" * 16 + b"fffffffffffffffff\r\n"),
            400,
        )
        self.row("a negative chunk", self.raw(post, "Transfer-Encoding: chunked", body=b"-1\r\n\r\n"), 400)

    def heads(self):
        self.row("a head of 20 KiB", self.raw(f"POST {KEYS}/one:disable HTTP/1.1", "X: " + "x" * 20_000), 431)
        self.row("a target of 20 KiB", self.raw(f"GET /admin/v1/keys?cursor={'x' * 20_000} HTTP/1.1"), 431)
        self.row("5000 fields", self.raw(f"POST {KEYS}/one:disable HTTP/1.1", *["X: y"] * 5000), 431)
        self.row("a head without an end", b"GET /admin/v1/keys HTTP/1.1\r\nHost: localhost\r\n", 400)
        for line in (
            "GARBAGE",
            "GET",
            f"GET {KEYS}",
            f"GET {KEYS} HTTP/2.0",
            f"GET {KEYS} HTTP/1.2",
            f"GET  {KEYS} HTTP/1.1",
            f"GET\t{KEYS} HTTP/1.1",
            "PRI * HTTP/2.0",
        ):
            self.row(f"start line {line!r}", self.raw(line), 400)
        # It goes on with the token.
        self.row("a folded line", self.raw(f"POST {KEYS}/one:disable HTTP/1.1", " X: y"), 401)
        for field in ("X : y", "X\x00: y", "X: a\x00b", "X: a\x01b", ": y", "no colon"):
            self.row(f"field {field!r}", self.raw(f"POST {KEYS}/one:disable HTTP/1.1", field), 400)
        self.row("a bare line feed", f"POST {KEYS}/one:disable HTTP/1.1\nHost: localhost\n\n".encode(), 400)
        for target in (
            "*",
            "admin/v1/keys",
            f"{KEYS}#x",
            f"{KEYS}/\xe4",
            f"{KEYS}/%",
            f"{KEYS}?cursor=%zz",
            f"{KEYS}/a b",
        ):
            expected = 404 if target == f"{KEYS}/%" else 400
            self.row(f"target {target!r}", self.raw(f"GET {target} HTTP/1.1"), expected)
        for target in (
            f"{KEYS}/../owners",
            f"{KEYS}/%2e%2e/owners/acme",
            "/admin//v1/keys",
            f"{KEYS}/one/",
            f"{KEYS}/one%2F..",
            f"{KEYS}/one%00",
            "/admin/v1/KEYS",
            "/",
            "/livez",
            "/metrics",
        ):
            self.row(f"target {target}", self.raw(f"DELETE {target} HTTP/1.1"), 404)
        for method in ("PUT", "OPTIONS", "TRACE", "delete", "BREW"):
            self.row(f"method {method}", self.ask(method, f"{KEYS}/one:revoke"), 405)
        self.row("CONNECT", self.raw(f"CONNECT 127.0.0.1:{self.gateway.admin_port} HTTP/1.1"), 400)
        self.row("HEAD", self.ask("HEAD", f"{KEYS}/one"), 200, heads_only=True)
        self.row("HEAD of a write", self.ask("HEAD", f"{KEYS}/one:revoke"), 405, heads_only=True)
        override = [("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", f"{KEYS}/one:revoke")]
        self.row("another method and path in fields", self.ask("GET", f"{KEYS}/one", fields=override), 200)
        self.row(
            "an upgrade", self.ask("GET", f"{KEYS}/one", fields=[("Connection", "Upgrade"), ("Upgrade", "h2c")]), 200
        )
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "",
            "application/json, text/plain",
        ):
            self.row(
                f"type {kind!r}", self.ask("PATCH", f"{KEYS}/one", {"name": "x"}, fields=[("Content-Type", kind)]), 415
            )
        twice = [("Content-Type", "application/json")] * 2
        self.row("two types", self.ask("PATCH", f"{KEYS}/one", {"name": "x"}, fields=twice), 415)
        self.row("a body to a GET", self.ask("GET", f"{KEYS}/one", {}), 400, reason="body_unexpected")

    def json_texts(self):
        def patch(name, text, status, reason=None):
            self.row(f"JSON: {name}", self.ask("PATCH", f"{KEYS}/one", text), status, reason=reason)

        for name, text in {
            "nothing": b"",
            "cut": b'{"name":"x"',
            "cut text": b'{"name":"x',
            "a comma too many": b'{"name":"x",}',
            "two values": b'{"name":"x"}{}',
            "text behind it": b'{"name":"x"} x',
            "single quotes": b"{'name':'x'}",
            "a comment": b'{"name":/**/"x"}',
            "NaN": b'{"metadata":{"a":NaN}}',
            "a NUL byte": b'{"name":"a\x00b"}',
            "a NUL before": b'\x00{"name":"x"}',
            "a line feed in text": b'{"name":"a\nb"}',
            "no UTF-8": b'{"name":"\xff"}',
            "half a letter": b'{"name":"\xe4"}',
            "an overlong slash": b'{"name":"\xc0\xaf"}',
            "a surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}',
            "half a surrogate pair": b'{"name":"\\ud800"}',
            "a bad escape": b'{"name":"\\x41"}',
            "a byte order mark": b'\xef\xbb\xbf{"name":"x"}',
            "UTF-16": '{"name":"x"}'.encode("utf-16"),
            "leading zeros": b'{"metadata":{"a":01}}',
            "a plus": b'{"metadata":{"a":+1}}',
            "17 levels": b'{"metadata":' + b'{"a":' * 17 + b"1" + b"}" * 18,
            "100,000 levels": b'{"metadata":' + b"[" * 100_000,
            "levels of objects": b'{"a":' * 50_000,
        }.items():
            patch(name, text, 400, "json_invalid")
        patch("a member twice", b'{"name":"x","name":"y"}', 400, "member_duplicate")
        patch("a member twice, escaped", b'{"name":"x","n\\u0061me":"y"}', 400, "member_duplicate")
        patch("a member twice below", b'{"metadata":{"a":1,"a":2}}', 400, "member_duplicate")
        for name, text in {"a list": b"[]", "text": b'"x"', "a number": b"1", "null": b"null", "true": b"true"}.items():
            patch(name, text, 422, "json_invalid")
        patch("an escaped NUL", b'{"name":"a\\u0000b"}', 422, "member_invalid")
        patch("half a MiB of text", b'{"name":"' + b"x" * (LIMIT // 2) + b'"}', 422, "member_invalid")
        patch("half a MiB of metadata", b'{"metadata":{"a":"' + b"x" * (LIMIT // 2) + b'"}}', 422, "member_invalid")
        patch("200,000 members", b"{" + b",".join(b'"%d":1' % i for i in range(80_000)) + b"}", 422, "member_unknown")
        for number in (
            b"1e999",
            b"99999999999999999999999",
            b"-1",
            b"1.5",
            b"1e400000000",
            b"9223372036854775808",
            b"31622401",
            b'"60"',
            b"true",
        ):
            self.row(
                f"JSON: grace {number.decode()}",
                self.ask("POST", f"{KEYS}/one:rotate", b'{"grace_seconds":' + number + b"}"),
                422,
            )

    def members(self):
        """Each documented member with a value of every other type; and members that nobody knows."""
        values = {
            "null": None,
            "boolean": True,
            "integer": 7,
            "number": 1.5,
            "string": "\x01",
            "array": [[]],
            "object": {"": []},
        }
        for method, form, _, call in self.document.calls:
            if "requestBody" not in call or form.endswith(":backup"):
                continue
            target = form.replace("{id}", "acme" if "/owners/" in form else "one")
            schema = self.document.resolved(call["requestBody"]["content"]["application/json"]["schema"])
            for name, member in schema["properties"].items():
                member = self.document.resolved(member)
                types = member["type"] if isinstance(member["type"], list) else [member["type"]]
                good = self.document.example(
                    call, -1 if name in ("id", "status", "prefix", "hint", "created_at") else 0
                )
                for kind, value in values.items():
                    if kind in types and kind not in ("string", "array", "integer") or kind == "null":
                        continue
                    if kind == "integer" and "integer" in types or (kind == "object" and "object" in types):
                        continue
                    body = good | {name: value}
                    self.row(f"{method} {form} {name}: {json.dumps(value)}", self.ask(method, target, body), 422)
            for name in ("zz", "", "__proto__", "key", "Name", "x" * 10_000, "\x1b[2J"):
                if name in schema["properties"]:
                    continue
                body = self.document.example(call) | {name: 1}
                self.row(
                    f"{method} {form} member {name[:20]!r}",
                    self.ask(method, target, body),
                    422,
                    reason="member_unknown",
                )
        for name in ("concurrency", "limits", "tenants"):
            self.row(f"member {name}", self.ask("PATCH", f"{KEYS}/one", {name: None}), 422, reason="member_unavailable")
        self.row("an id for a new key", self.ask("POST", KEYS, {"api": "shop", "owner": "acme", "id": "mine"}), 422)
        self.row("1001 keys", self.ask("POST", KEYS + ":import", {"keys": [{}] * 1001}), 422)
        twin = {"api": "shop", "owner": "acme", "digest": digest("twin")}
        self.row("a digest twice", self.ask("POST", KEYS + ":import", {"keys": [twin, twin]}), 422)
        self.row("one bad row of two", self.ask("POST", KEYS + ":import", {"keys": [twin, {"api": "shop"}]}), 422)
        self.row(
            "an existing row of two",
            self.ask("POST", KEYS + ":import", {"keys": [twin, twin | {"digest": digest("one")}]}),
            409,
        )

    def parameters(self):
        for query in (
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=1e1",
            "limit=",
            "limit= 1",
            "limit=99999999999999999999",
            "limit=1&limit=1",
            "cursor=one",
            "cursor=%00",
            "cursor=' OR 1=1",
            "cursor=" + "9" * 200,
            "status=gone",
            "status=Active",
            "api=nope",
            "unused_since=yesterday",
            "unused_since=2026-13-01T00:00:00Z",
            "zz=1",
            "LIMIT=1",
            "dry_run=true",
        ):
            self.row(f"keys?{query[:40]}", self.ask("GET", f"{KEYS}?{query.replace(' ', '%20')}"), 400)
        for query in ("dry_run=1", "dry_run=TRUE", "dry_run=", "dry_run=true&dry_run=true", "Dry_Run=true"):
            self.row(f"revoke?{query}", self.ask("POST", f"{KEYS}/one:revoke?{query}"), 400)
        for query in ("", "key=one&owner=acme", "owner=acme&api=nope"):
            self.row(f"usage?{query}", self.ask("GET", f"/admin/v1/usage?{query}"), 400)
        for name in (
            "key_nope",
            "ONE",
            "one%20",
            "%27%20OR%201=1",
            "x" * 5000,
            "%F0%9F%94%91",
            "one%0d%0aX: y".replace(" ", "%20"),
            "-",
            "one;two",
        ):
            self.row(f"id {name[:30]}", self.ask("POST", f"{KEYS}/{name}:revoke"), 404, reason="not_found")
            self.row(f"owner {name[:30]}", self.ask("DELETE", f"{OWNERS}/{name}"), 404, reason="not_found")
        for name in ("a%20b", "%00", "x" * 129, "%C3%A4", "a%0ab"):
            self.row(f"a new owner {name[:30]}", self.ask("PUT", f"{OWNERS}/{name}", {"api": "shop"}), 422)

    def conditions(self):
        etag = self.etag
        for value in (
            '"x"',
            f"W/{etag}",
            etag.strip('"'),
            etag.upper() if etag.upper() != etag else '"X"',
            '"*"',
            f'"{etag}"',
            "",
            ",",
            " , ",
            '"a", "b"',
            f"{etag}x",
            '"' + "0" * 8000 + '"',
        ):
            self.row(f"If-Match {value[:40]}", self.ask("DELETE", f"{KEYS}/one", fields=[("If-Match", value)]), 412)
        for value in ("*", etag, f'"x", {etag}', f"W/{etag}"):
            # RFC 9110 13.1.2: weak comparison.
            self.row(
                f"If-None-Match {value[:40]}", self.ask("DELETE", f"{KEYS}/one", fields=[("If-None-Match", value)]), 412
            )
        self.row(
            "If-Match * where nothing is",
            self.ask("PUT", f"{OWNERS}/new", {"api": "shop"}, fields=[("If-Match", "*")]),
            412,
        )
        for value in ("*", etag, f'"x", {etag}', f'{etag},"x"'):
            self.row(
                f"good If-Match {value[:40]}",
                self.ask("DELETE", f"{KEYS}/one?dry_run=true", fields=[("If-Match", value)]),
                204,
            )
        two = [("If-Match", '"x"'), ("If-Match", etag)]
        self.row("two If-Match", self.ask("DELETE", f"{KEYS}/one?dry_run=true", fields=two), 204)

    def repetitions(self):
        for value in ("", "a b", "x" * 256, "\xe4", "a\tb"):
            self.row(
                f"Idempotency-Key {value[:20]!r}",
                self.ask("POST", f"{KEYS}/one:disable", fields=[("Idempotency-Key", value)]),
                400,
            )
        twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
        self.row(
            "Idempotency-Key twice",
            self.ask("POST", f"{KEYS}/one:disable", fields=twice),
            400,
            reason="header_duplicate",
        )
        self.row(
            "a name of a call that failed is free",
            self.ask("POST", KEYS, {"api": "shop", "owner": "nobody"}, fields=[("Idempotency-Key", "free")]),
            422,
        )

        body = {"api": "shop", "owner": "acme", "name": "once"}
        name = [("Idempotency-Key", "twins")]
        answers = []

        def make():
            answers.append(self.gateway.call("POST", KEYS, body, fields=name))

        together = [threading.Thread(target=make) for _ in range(8)]
        for thread in together:
            thread.start()
        for thread in together:
            thread.join()
        wrong = []
        if {answer.status for answer in answers} != {201}:
            wrong.append([answer.status for answer in answers])
        elif (
            sum("key" in answer.json() for answer in answers) != 1
            or len({answer.json()["id"] for answer in answers}) != 1
        ):
            wrong.append("more than one key was made or shown")
        else:
            self.before["keys"].append({k: v for k, v in answers[0].json().items() if k != "key"})
        self.rows += 1
        self.report.row(f"hostile {self.rows}: eight at once with one name", wrong + self.aftermath())
        self.row("the same again", self.ask("POST", KEYS, body, fields=name), 201)
        self.row(
            "the same name, other body",
            self.ask("POST", KEYS, body | {"name": "twice"}, fields=name),
            422,
            reason="idempotency_key_reused",
        )
        self.row(
            "the same name, other call",
            self.ask("POST", f"{KEYS}/one:revoke", fields=name),
            422,
            reason="idempotency_key_reused",
        )
        self.row(
            "the same name, tried only",
            self.ask("POST", KEYS + "?dry_run=true", body, fields=name),
            422,
            reason="idempotency_key_reused",
        )
        self.row(
            "the same name of somebody else, who may not", self.ask("POST", KEYS, body, role="viewer", fields=name), 403
        )
        self.row(
            "the same name of somebody else",
            self.ask("POST", KEYS, body | {"owner": "nobody"}, role="operator", fields=name),
            422,
            reason="owner_unknown",
        )

    def pipelines(self):
        good = self.gateway.request("GET", f"{KEYS}/one")
        bad = self.gateway.request("GET", f"{KEYS}/one", role=None)
        self.row("three at once", good * 3, 200, 200, 200)
        self.row("a token counts for one request", good + bad + good, 200, 401, 200)
        self.row("garbage behind a good one", good + b"\x00\x01\x02\r\n\r\n", 200, 400)
        smuggled = self.gateway.request("POST", f"{KEYS}/one:revoke")
        self.row(
            "a request in a body",
            self.gateway.request("PATCH", f"{KEYS}/one", smuggled, fields=[("Content-Type", "application/json")]),
            400,
        )
        self.row(
            "a request behind a refused body",
            self.raw(f"POST {KEYS}/one:disable HTTP/1.1", f"Content-Length: {LIMIT + 1}") + smuggled,
            413,
        )
        self.row(
            "a request behind two framings",
            self.raw(
                f"POST {KEYS}/one:disable HTTP/1.1",
                "Content-Length: 3",
                "Transfer-Encoding: chunked",
                body=b"0\r\n\r\n",
            )
            + smuggled,
            400,
        )
        self.row("Expect", self.ask("PATCH", f"{KEYS}/one", {"zz": 1}, fields=[("Expect", "100-continue")]), 422)
        self.row(
            "Expect, no token",
            self.ask("PATCH", f"{KEYS}/one", {"zz": 1}, role=None, fields=[("Expect", "100-continue")]),
            401,
        )
        self.row(
            "Connection: close",
            self.gateway.request("GET", f"{KEYS}/one", fields=[("Connection", "close")]) + good,
            200,
        )
        self.row("nothing at all", b"")
        self.row("line ends alone", b"\r\n\r\n\r\n", 400)
        self.row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, 400)
