#!/usr/bin/python3
"""Pages of other origins: what a browser lets them read, and the bytes that tell it so.

    tests/edge/cors.py [--only bytes|browser]

The browser is Chromium (scripts/packages browser); where it is missing, that is one failure. The gateway is the one
of $KEYGATE, or build/keygate. The last line is `N passed, N failed`.
"""

import argparse
import json
import signal
import sys

sys.dont_write_bytecode = True

import cors_table  # noqa: E402
from chromium import Chromium  # noqa: E402
from cors_site import APP, EVIL, NAMES, Site  # noqa: E402
from gate import Counted, check, new_port  # noqa: E402

FIELDS = ["X-Own", "X-Request-Id", "Retry-After", "RateLimit", "ETag", "X-Key-Notice", "Server"]


class Browser:
    def __init__(self, site, chromium):
        self.site = site
        self.chromium = chromium

    def on(self, origin):
        self.chromium.go(f"{origin}/page.html")
        return self

    def call(self, target, key=None, name=None, headers=None, **options):
        """What a page is told. name: of the API, over TLS; else the one over plain HTTP."""
        url = f"https://{NAMES[name]}" if name else self.site.url
        headers = dict(headers or {}) | ({"Authorization": f"Bearer {key}"} if key else {})
        return self.chromium.run("call", url + target, {"headers": headers} | options, FIELDS)

    def talk(self, protocols, target="/v1/socket", name=None):
        url = f"wss://{NAMES[name]}" if name else self.site.url.replace("http", "ws")
        return self.chromium.run("talk", url + target, protocols, "hello")


def forbidden(case, told):
    case.equal("what the page is told", told, {"error": "TypeError"})


def reading(report, site, browser):
    with report.case("Chromium: a page that is allowed reads an answer, and its fields") as case:
        before = site.behind.count
        told = browser.on(site.page).call("/v1/echo?tag=browser-1-end", site.key)
        case.equal("status", told.get("status"), 200)
        case.equal("X-Own, which is exposed", told["fields"]["X-Own"], "own")
        case.true("X-Request-Id", told["fields"]["X-Request-Id"])
        saw = {name.lower(): value for name, value in json.loads(told["text"])["fields"]}
        case.equal("Origin at the API", saw.get("origin"), site.page)
        case.equal("key at the API", saw.get("authorization"), None)
        case.equal("requests at the API, the preflight was none", site.behind.count, before + 1)
    with report.case("Chromium: a field that is not exposed") as case:
        told = browser.call("/open/echo", name="anyone")
        case.equal("X-Own", (told.get("status"), told["fields"]["X-Own"]), (200, None))
    with report.case("Chromium: POST of JSON") as case:
        json_type = {"Content-Type": "application/json"}
        told = browser.call("/v1/echo", site.key, method="POST", body='{"a":1}', headers=json_type)
        case.equal("status and size", (told.get("status"), json.loads(told.get("text", "{}")).get("size")), (200, 7))
    with report.case("Chromium: PUT") as case:
        told = browser.call("/v1/items/7", site.key, method="PUT", body="x")
        case.equal("status", told.get("status"), 200)
    for origin, name in ((APP, "shop"), ("https://a.wild.example.test", "shop"), (EVIL, "anyone")):
        with report.case(f"Chromium: a page of {origin} over TLS, API `{name}`") as case:
            told = browser.on(origin).call("/v1/echo", site.keys[name].text, name)
            case.equal("status", told.get("status"), 200)
    with report.case("Chromium: cookies are sent where that is allowed") as case:
        told = browser.on(APP).call("/v1/echo", site.keys["cookies"].text, "cookies", credentials="include")
        case.equal("status", told.get("status"), 200)
        forbidden(case, browser.call("/v1/echo", site.key, "shop", credentials="include"))


def refusals(report, site, browser):
    spent = site.spent()
    browser.on(site.page)
    browser.call("/v1/echo", spent)
    for what, target, key, status, code in (
        ("without a key", "/v1/echo", None, 401, "UNAUTHORIZED"),
        ("with a key that was revoked", "/v1/echo", site.revoked(), 403, "INVALID_API_KEY"),
        ("with a rate that is spent", "/v1/echo", spent, 429, "RATE_LIMITED"),
        ("of a path that nobody knows", "/nowhere", None, 404, "NOT_FOUND"),
        ("where the API breaks off", "/v1/shut", site.key, 502, "UPSTREAM_ERROR"),
    ):
        with report.case(f"Chromium: a page reads why it was refused, {what}") as case:
            told = browser.call(target, key)
            case.equal("status", told.get("status"), status)
            case.equal("code", json.loads(told["text"])["error"]["code"], code)
            case.true("X-Request-Id", told["fields"]["X-Request-Id"])
            if status == 429:
                case.true(f"Retry-After: {told['fields']}", int(told["fields"]["Retry-After"] or 0) > 0)
            case.note(f"{status} {code}")


def forbidding(report, site, browser):
    for origin, what in ((EVIL, "that is not allowed"), ("https://wild.example.test", "that a wildcard stands below")):
        with report.case(f"Chromium: a page of an origin {what} reads nothing") as case:
            browser.on(origin)
            before = site.behind.count
            forbidden(case, browser.call("/v1/echo", site.key, "shop"))
            case.equal("requests at the API", site.behind.count, before)
            forbidden(case, browser.call("/open/echo", name="shop"))
            forbidden(case, browser.call("/v1/echo", name="shop"))
    with report.case("Chromium: a header, and a method, that are not allowed") as case:
        browser.on(site.page)
        before = site.behind.count
        forbidden(case, browser.call("/v1/echo", site.key, headers={"X-Other": "1"}))
        forbidden(case, browser.call("/v1/echo", site.key, method="DELETE"))
        case.equal("requests at the API", site.behind.count, before)
        told = browser.call("/v1/echo", site.key, headers={"X-Allowed": "1"})
        case.equal("one that is", told.get("status"), 200)
    with report.case("Chromium: where CORS is off, or was never on") as case:
        browser.on(APP)
        forbidden(case, browser.call("/off/echo", site.key, "shop"))
        forbidden(case, browser.call("/open/echo", name="closed"))
    with report.case("Chromium: a line with origins of its own") as case:
        forbidden(case, browser.call("/mine/echo", site.key, "shop"))
        told = browser.on("https://mine.example.test").call("/mine/echo", site.key, "shop")
        case.equal("status for its own page", told.get("status"), 200)
        forbidden(case, browser.call("/v1/echo", site.key, "shop"))


def passing(report, site, browser):
    with report.case("Chromium: preflight: pass: what the API says of itself counts") as case:
        key = site.keys["passing"].text
        told = browser.on("https://own.example.test").call("/v1/shared", key, "passing")
        case.equal("status", told.get("status"), 200)
        case.equal("X-Own", told["fields"]["X-Own"], "own")
        preflights = [one for one in site.behind.seen if one.method == "OPTIONS" and one.target == "/v1/shared"]
        case.true("the API saw the preflight", preflights)
        told = browser.call("/v1/shared", "kg_live_" + "0" * 40, "passing")
        case.equal("a refusal of ours", told.get("status"), 403)


def sockets(report, site, browser):
    for name, origin in ((None, site.page), ("shop", APP)):
        kind = "wss" if name else "ws"
        with report.case(f"Chromium: new WebSocket({kind}, ['bearer', key])") as case:
            told = browser.on(origin).talk(["bearer", site.key], "/v1/socket?tag=socket", name)
            case.equal("opened", told.get("opened"), True)
            case.equal("echo", told.get("message"), "hello")
            case.equal("protocol that the page is told", told.get("protocol"), "bearer")
            seen = site.behind.with_tag("tag=socket")[-1]
            case.equal("protocols at the API", seen.field("Sec-WebSocket-Protocol"), None)
            case.true("its key is nowhere", site.key not in str(seen.fields) and seen.field("X-Key-Id"))
            case.note(f"code {told.get('code')}")
    with report.case("Chromium: and a protocol of the API's own beside it") as case:
        told = browser.on(site.page).talk(["chat", "bearer", site.key], "/v1/socket?tag=chat")
        case.equal("opened, with its echo", (told.get("opened"), told.get("message")), (True, "hello"))
        case.equal("protocols at the API", site.behind.with_tag("tag=chat")[-1].field("Sec-WebSocket-Protocol"), "chat")
        case.note(f"the page is told `{told['protocol']}`")
    for what, protocols in (
        ("with a key that nobody has", ["bearer", "kg_live_" + "0" * 40]),
        ("with a key that was revoked", ["bearer", site.revoked()]),
        ("without a key", []),
        ("with `bearer` alone", ["bearer"]),
    ):
        with report.case(f"Chromium: new WebSocket {what}") as case:
            before = site.behind.count
            told = browser.talk(protocols)
            case.equal("opened", told.get("opened"), False)
            case.equal("requests at the API", site.behind.count, before)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", choices=("bytes", "browser"))
    only = arguments.parse_args().only
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check("openssl")
    counted = Counted("CORS")
    report = counted.report
    with report.case("a gateway for pages of other origins") as case, Site() as site:
        case.true("it runs", site.gateway.ready())
        if only != "browser":
            cors_table.all_of_it(report, site)
        if only != "bytes":
            with report.case("Chromium") as started, Chromium(site.folder, new_port(), site.names()) as chromium:
                started.true("its version", chromium.version)
                started.note(chromium.version)
                browser = Browser(site, chromium)
                for part in (reading, refusals, forbidding, passing, sockets):
                    part(report, site, browser)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
