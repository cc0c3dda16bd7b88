"""Every call with every status that the document has for it, as far as a whole gateway can be brought to answer so."""

import contextlib

from gateway import Gateway, digest

FULL_DISK = 700 * 1024  # bytes; the store of a fresh gateway is smaller

# What is described and cannot be brought about from outside, with the reason.
NOT_SEEN = {
    500: "only a bug answers so; tests/admin/http_server_test.cpp has a handler that throws",
    "reads 503": "a store that cannot be read; tests/admin/openapi_test.cpp has one for every call",
    "backup": "Redis is copied by its own means",
}


def reason_not_seen(call, status, store):
    if call.endswith(":backup") and status in (201, 422, 503) and not store.has_backup:
        return NOT_SEEN["backup"]
    if f"{call} {status}" in NOT_SEEN:
        return NOT_SEEN[f"{call} {status}"]
    if status == 503 and call.startswith("GET "):
        return NOT_SEEN["reads 503"]
    return NOT_SEEN.get(status)


class Calls:
    def __init__(self, gateway, document, report):
        self.gateway = gateway
        self.document = document
        self.report = report

    def row(self, name, status, method, target, body=None, **more):
        """One call that must be answered with that status, as the document has it."""
        answer = self.gateway.call(method, target, body, **more)
        wrong = [] if answer.status == status else [f"{answer.status} instead of {status}: {answer.body[:300]!r}"]
        wrong += self.document.check(method, target, answer)
        self.report.row(f"{method} {target} {status} {name}".rstrip(), wrong)
        return answer

    def run(self):
        self.life_of_an_owner()
        self.life_of_a_key()
        self.imports()
        self.overview()
        self.reload()
        self.backup()
        self.what_every_call_refuses()
        self.damaged_record()

    def life_of_an_owner(self):
        acme = "/admin/v1/owners/acme"
        body = {"api": "shop", "name": "Acme", "plan": "pro", "attributes": {"domains": 3}}
        made = self.row("made", 201, "PUT", acme, body, fields=[("If-None-Match", "*")])
        self.row("there already", 412, "PUT", acme, body, fields=[("If-None-Match", "*")])
        self.row("dry", 200, "PUT", acme + "?dry_run=true", body)
        etag = self.row("", 200, "GET", acme).field("ETag")
        self.report.row("the ETag of PUT is that of GET", [] if made.field("ETag") == etag else [etag])
        self.row("replaced", 200, "PUT", acme, body | {"status": "suspended"}, fields=[("If-Match", etag)])
        self.row("stale", 412, "PUT", acme, body, fields=[("If-Match", etag)])
        self.row("unknown plan", 422, "PUT", acme, body | {"plan": "gold"})
        self.row("back", 200, "PUT", acme, body, fields=[("Idempotency-Key", "back")])
        self.row("again", 200, "PUT", acme, body, fields=[("Idempotency-Key", "back")])
        for name in ("bob", "poor", "idle"):
            self.row(
                "", 201, "PUT", f"/admin/v1/owners/{name}", {"api": "shop", "plan": "free" if name == "poor" else None}
            )
        self.row("", 404, "GET", "/admin/v1/owners/nobody")
        self.row("", 200, "HEAD", acme)
        page = self.row("", 200, "GET", "/admin/v1/owners?limit=1&api=shop").json()
        self.row("next page", 200, "GET", f"/admin/v1/owners?limit=1&api=shop&cursor={page['next_cursor']}")
        idle = "/admin/v1/owners/idle"
        self.row("", 422, "DELETE", idle, {"really": True})
        self.row("stale", 412, "DELETE", idle, fields=[("If-Match", '"x"')])
        self.row("dry", 204, "DELETE", idle + "?dry_run=true")
        self.row("", 204, "DELETE", idle, fields=[("Idempotency-Key", "gone")])
        self.row("again", 204, "DELETE", idle, fields=[("Idempotency-Key", "gone")])
        self.row("", 404, "DELETE", idle)

    def life_of_a_key(self):
        keys = "/admin/v1/keys"
        body = {"api": "shop", "owner": "acme", "name": "bïlling", "scopes": ["orders:read"], "metadata": {"a": [1]}}
        dry = self.row("dry", 201, "POST", keys + "?dry_run=true", body)
        made = self.row("made", 201, "POST", keys, body, fields=[("Idempotency-Key", "once")])
        again = self.row("again", 201, "POST", keys, body, fields=[("Idempotency-Key", "once")])
        key = made.json()
        self.report.row(
            "the key is shown in one answer alone",
            [] if "key" in key and "key" not in dry.json() and "key" not in again.json() else ["it is not"],
        )
        self.row("another call", 422, "POST", keys, body | {"name": "x"}, fields=[("Idempotency-Key", "once")])
        self.row("plan without access", 403, "POST", keys, {"api": "shop", "owner": "poor"})
        brought = {"api": "shop", "owner": "acme", "digest": digest("one"), "id": "old-1", "prefix": "kg_live_"}
        self.row("brought in", 201, "POST", keys, brought)
        self.row("there already", 409, "POST", keys, brought)
        self.row("", 422, "POST", keys, body | {"owner": "nobody"})
        self.row("", 200, "GET", keys + "?api=shop&owner=acme&status=active&prefix=kg_live_&limit=1")
        self.row("", 200, "GET", keys + "?unused_since=2099-01-01T00:00:00Z")
        self.row("", 409, "DELETE", "/admin/v1/owners/acme")
        one = f"{keys}/{key['id']}"
        etag = self.row("", 200, "GET", one).field("ETag")
        self.row("", 200, "HEAD", one)
        self.row("", 404, "GET", keys + "/key_nope")
        self.row("dry", 200, "PATCH", one + "?dry_run=true", {"name": "x"})
        self.row("", 200, "PATCH", one, {"name": "x", "plan": "pro", "scopes": None}, fields=[("If-Match", etag)])
        self.row("stale", 412, "PATCH", one, {"name": "y"}, fields=[("If-Match", etag)])
        self.row("", 422, "PATCH", one, {"owner": "bob"})
        self.limits_of_a_key(one)
        self.restrictions_of_a_key(one)
        shown = self.row("", 200, "POST", one + ":reveal").json()
        self.report.row("a key is shown again as it was made", [] if shown["key"] == key["key"] else ["another one"])
        self.row("nothing was kept", 409, "POST", f"{keys}/old-1:reveal")
        for action in ("disable", "enable"):
            self.row("dry", 200, "POST", f"{one}:{action}?dry_run=true")
            self.row("", 200, "POST", f"{one}:{action}", fields=[("Idempotency-Key", action)])
            self.row("again", 200, "POST", f"{one}:{action}", fields=[("Idempotency-Key", action)])
        rotated = self.row("", 201, "POST", one + ":rotate", {"grace_seconds": 3600}, fields=[("Idempotency-Key", "r")])
        again = self.row(
            "again", 201, "POST", one + ":rotate", {"grace_seconds": 3600}, fields=[("Idempotency-Key", "r")]
        )
        self.report.row(
            "a rotation shows its key once", [] if "key" in rotated.json() and "key" not in again.json() else ["no"]
        )
        self.row("being replaced", 409, "POST", one + ":rotate")
        fresh = f"{keys}/{rotated.json()['id']}"
        self.row("dry", 201, "POST", fresh + ":rotate?dry_run=true", {"name": "y", "expires_at": None})
        self.row("", 200, "POST", fresh + ":revoke", {})
        self.row("twice", 200, "POST", fresh + ":revoke")
        for action in ("disable", "enable", "rotate", "reveal"):
            self.row("revoked", 409, "POST", f"{fresh}:{action}")
        self.row("revoked", 409, "PATCH", fresh, {"name": "z"})
        self.row("", 422, "DELETE", fresh, {"really": True})
        self.row("", 412, "DELETE", fresh, fields=[("If-None-Match", "*")])
        self.row("", 204, "DELETE", fresh)
        self.row("", 404, "DELETE", fresh)
        self.row("", 404, "PATCH", fresh, {"name": "z"})
        self.row("", 404, "POST", f"{keys}/key_nope:reveal")
        for action in ("disable", "enable", "revoke", "rotate"):
            self.row("", 404, "POST", f"{keys}/key_nope:{action}")
            self.row("", 412, "POST", f"{one}:{action}", fields=[("If-Match", '"x"')])
            self.row("", 422, "POST", f"{one}:{action}", {"really": True})

    def limits_of_a_key(self, one):
        for rate in ("10/1s", {"rate": "10/1s", "burst": 3}, [], ["10/1s", {"rate": "100/1m", "name": "minute"}]):
            seen = self.row("", 200, "PATCH", one, {"rate": rate}).json()["rate"]
            self.report.row(f"a rate is shown as it was written: {rate}", [] if seen == rate else [seen])
        for rate in ("often", "", 7, {}, {"rate": "10/1s", "brust": 3}, ["10/1s", "20/1s"], "10/1s\n--- x"):
            self.row(f"rate {rate!r}", 422, "PATCH", one, {"rate": rate})
        quota = {"requests": ["1000/month", {"limit": "50/day", "by": "owner", "time_zone": "Europe/Berlin"}]}
        seen = self.row("", 200, "PATCH", one, {"quota": quota}).json()["quota"]
        self.report.row("a quota is shown as it was written", [] if seen == quota else [seen])
        for quota in ("5/day", {"requests": "5"}, {"tests": "5/day"}, {"requests": []}, [], {"requests": {}}):
            self.row(f"quota {quota!r}", 422, "PATCH", one, {"quota": quota})
        limits = self.row("", 200, "GET", f"/admin/v1/usage?key={one.rpartition('/')[2]}").json()["limits"]
        names = [limit["name"] for limit in limits]
        wrong = [] if names == ["10/1s", "minute", "requests"] else names
        self.report.row("they are what the key is counted by", wrong)
        key = self.row("back", 200, "PATCH", one, {"rate": None, "quota": None}).json()
        self.report.row("null takes them away", [] if key["rate"] is None and key["quota"] is None else [key])

    def restrictions_of_a_key(self, one):
        some = {
            "addresses": ["192.0.2.0/24", "2001:db8::/32"],
            "referrers": ["https://*.example.com"],
            "endpoints": ["GET /v1/orders/**"],
        }
        seen = self.row("", 200, "PATCH", one, some).json()
        self.report.row("restrictions are shown as they were written", [] if some.items() <= seen.items() else [seen])
        for name in some:
            for value in ([], [""], [7], "x", {}, some[name] * 2):
                self.row(f"{name} {value!r}", 422, "PATCH", one, {name: value})
        for value in ({}, {"store": "7"}, [], "x"):
            self.row(f"bind {value!r}", 422, "PATCH", one, {"bind": value})
        seen = self.row("back", 200, "PATCH", one, dict.fromkeys(some) | {"bind": None}).json()
        self.report.row("null takes them away", [seen[name] for name in some if seen[name] is not None])

    def imports(self):
        rows = [{"api": "shop", "owner": "bob", "digest": digest(f"key {i}")} for i in range(1000)]
        target = "/admin/v1/keys:import"
        self.row("dry", 200, "POST", target + "?dry_run=true", {"keys": rows[:2] + [{"api": "nope"}]})
        self.row("1000 keys", 200, "POST", target, {"keys": rows}, fields=[("Idempotency-Key", "i")])
        self.row("again", 200, "POST", target, {"keys": rows}, fields=[("Idempotency-Key", "i")])
        self.row("there already", 409, "POST", target, {"keys": rows[5:6]})
        self.row("", 422, "POST", target, {"keys": []})

    def overview(self):
        self.row("", 200, "GET", "/admin/v1/apis")
        self.row("", 200, "GET", "/admin/v1/openapi.json")
        self.row("", 200, "GET", "/admin/v1/usage?key=old-1")
        self.row("", 200, "GET", "/admin/v1/usage?owner=bob&api=shop")
        self.row("", 404, "GET", "/admin/v1/usage?key=key_nope")
        self.row("", 404, "GET", "/admin/v1/usage?owner=nobody")
        target = "/admin/v1/usage:reset"
        self.row("dry", 200, "POST", target + "?dry_run=true", {"key": "old-1"})
        self.row("of a key", 200, "POST", target, {"key": "old-1"}, fields=[("Idempotency-Key", "anew")])
        self.row("again", 200, "POST", target, {"key": "old-1"}, fields=[("Idempotency-Key", "anew")])
        self.row("of an owner", 200, "POST", target, {"api": "shop", "owner": "bob"})
        self.row("", 404, "POST", target, {"key": "key_nope"})
        self.row("", 404, "POST", target, {"owner": "nobody"})
        self.row("of nobody", 422, "POST", target, {})
        self.row("of both", 422, "POST", target, {"key": "old-1", "owner": "bob"})

    def reload(self):
        target = "/admin/v1/config:reload"
        self.row("nothing new", 200, "POST", target)
        self.gateway.write_configuration("rate: 100/1m", "rate: 200/1m")
        self.row("another rate", 200, "POST", target, {})
        self.gateway.write_configuration("rate: 100/1m", "rate: many")
        self.row("a mistake", 422, "POST", target)
        self.gateway.write_configuration(f'"127.0.0.1:{self.gateway.port}"', '"127.0.0.1:1"')
        self.row("another address", 409, "POST", target)
        sealed = self.row("", 201, "POST", "/admin/v1/keys", {"api": "shop", "owner": "acme"}).json()["id"]
        self.gateway.write_configuration("reveal.key", "another.key")
        self.row("another key file", 200, "POST", target)
        self.row("sealed with one that is named nowhere", 503, "POST", f"/admin/v1/keys/{sealed}:reveal")
        self.gateway.write_configuration("reveal.key", "reveal.key, old_key_files: [lost.key]")
        self.row("a file that is not there", 503, "POST", target)
        self.gateway.write_configuration("http://127.0.0.1:9", "http://nowhere.invalid")
        self.row("a server that nobody knows yet", 200, "POST", target)
        self.gateway.write_configuration()
        self.row("as before", 200, "POST", target)

    def backup(self):
        target = "/admin/v1/store:backup"
        copy = str(self.gateway.folder / "copy.db")
        if self.gateway.store.has_backup:
            self.row("", 201, "POST", target, {"file": copy}, local=True)
            self.row("there already", 409, "POST", target, {"file": copy}, local=True)
            self.row("", 422, "POST", target, {"file": "copy.db"}, local=True)
            nowhere = str(self.gateway.folder / "nowhere" / "copy.db")
            self.row("no such folder", 503, "POST", target, {"file": nowhere}, local=True)
        else:
            # It will not work later either: no 503, and no Retry-After.
            answer = self.row("not of this store", 409, "POST", target, {"file": copy}, local=True)
            self.report.row("and says why", [] if "Redis" in answer.json()["error"]["message"] else [answer.body])
        self.row("over TCP", 403, "POST", target, {"file": copy})

    def what_every_call_refuses(self):
        """The same six or seven requests to every call of the document."""
        for method, form, _, call in self.document.calls:
            target = form.replace("{id}", "acme" if "/owners/" in form else "old-1")
            body = self.document.example(call)
            self.row("unknown parameter", 400, method, target + "?zz=1", body)
            self.row("no token", 401, method, target, body, role=None)
            self.row("1 MiB and a byte", 413, method, target, b" " * (1024 * 1024 + 1))
            self.row("no JSON", 415, method, target, b"a=b", fields=[("Content-Type", "text/plain")])
            self.row("another host", 421, method, target, body, host="keys.example.org")
            self.row("a head of 20 KiB", 431, method, target, body, fields=[("X-Long", "x" * 20_000)])
            if "403" in call["responses"]:
                self.row("a viewer", 403, method, target, body, role="viewer")
                self.row("members", 422, method, target, {"zz": 1}, local=form.endswith(":backup"))

    def damaged_record(self):
        """Damaged while the gateway is down: shown as such, and nothing but deleted."""
        self.gateway.stop()
        self.gateway.store.damage("old-1")
        self.gateway.start()
        one = "/admin/v1/keys/old-1"
        status = self.row("damaged", 200, "GET", one).json()["status"]
        self.report.row("a damaged record is called so", [] if status == "unreadable" else [status])
        for action in ("disable", "enable", "revoke", "rotate", "reveal"):
            self.row("damaged", 409, "POST", f"{one}:{action}")
        self.row("damaged", 409, "PATCH", one, {"name": "x"})
        self.row("damaged", 204, "DELETE", one)

    def full_store(self, binary, store):
        """Files that cannot grow, or a Redis without room: what needs room is refused as 503, and nothing is half
        done."""
        with Gateway(binary, store, FULL_DISK if store == "file" else None) as self.gateway:
            keys = "/admin/v1/keys"
            for name in ("acme", "idle"):
                self.row("", 201, "PUT", f"/admin/v1/owners/{name}", {"api": "shop"})
            for name in ("one", "two"):
                self.row("", 201, "POST", keys, {"api": "shop", "owner": "acme", "id": name, "digest": digest(name)})
            self.row("", 200, "POST", keys + "/two:disable")
            self.gateway.store.fill(self.gateway)
            before = self.gateway.state()
            big = {"x": "y" * 4000}
            rows = [{"api": "shop", "owner": "acme", "digest": digest("last"), "metadata": big}]
            self.row("full", 503, "POST", keys + ":import", {"keys": rows})
            self.row("full", 503, "POST", keys, {"api": "shop", "owner": "acme", "metadata": big})
            self.row("full", 503, "PUT", "/admin/v1/owners/new", {"api": "shop", "attributes": big})
            self.row("full", 503, "DELETE", "/admin/v1/owners/idle")
            self.row("full", 503, "PATCH", keys + "/one", {"metadata": big})
            self.row("full", 503, "POST", keys + "/one:disable")
            self.row("full", 503, "POST", keys + "/two:enable")
            self.row("full", 503, "POST", keys + "/one:revoke")
            self.row("full", 503, "POST", keys + "/one:rotate")
            anew = [("Idempotency-Key", "anew")]  # by itself it takes no room
            self.row("full", 503, "POST", "/admin/v1/usage:reset", {"key": "one"}, fields=anew)
            answer = self.row("full", 503, "DELETE", keys + "/one")
            if store == "redis":
                self.report.row("and says why", [] if answer.reason() == "store_full" else [answer.body])
            self.report.row("a full store changes nothing", [] if self.gateway.state() == before else ["it has"])

    def report_unseen(self):
        """Pairs of call and status that the document has: each was seen, or there is a reason."""
        for call, status in self.document.unseen():
            reason = reason_not_seen(call, status, self.gateway.store)
            if reason:
                print(f"     {call} {status}: not seen; {reason}")
            else:
                self.report.row(f"{call} {status}", ["described, and never seen"])
        print(f"     {len(self.document.seen)} pairs of call and status were seen")
