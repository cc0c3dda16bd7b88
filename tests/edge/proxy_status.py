#!/usr/bin/python3
"""Proxy-Status (RFC 9209): whose error a 502, 503 or 504 is.

    tests/edge/proxy_status.py

The gateway is the one of $KEYGATE, or build/keygate. The last line is `N passed, N failed`.
"""

import contextlib
import re
import signal
import socket
import sys

sys.dont_write_bytecode = True

from behind import Behind  # noqa: E402
from gate import Counted, Folder, Gateway, api, check  # noqa: E402
from talk import ask  # noqa: E402

HOST = "shop.example.test"
AWAY = "away.example.test"
UNKNOWN = "kg_live_" + "0" * 40
# RFC 9209 2.3.
REGISTERED = set(
    "dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited "
    "destination_ip_unroutable connection_refused connection_terminated connection_timeout connection_read_timeout "
    "connection_write_timeout connection_limit_reached tls_protocol_error tls_certificate_error tls_alert_received "
    "http_request_error http_request_denied http_response_incomplete http_response_header_section_size "
    "http_response_header_size http_response_body_size http_response_trailer_section_size http_response_trailer_size "
    "http_response_transfer_coding http_response_content_coding http_response_timeout http_upgrade_failed "
    "http_protocol_error proxy_internal_response proxy_internal_error proxy_configuration_error "
    "proxy_loop_detected".split()
)
ITEM = re.compile(r'(?:"([^"\\]*)"|([A-Za-z*][^\s;,"]*))((?:; *[a-z*][a-z0-9_.*-]*(?:=(?:"[^"\\]*"|[^\s;,"]+))?)*)')

# What is asked; reason; what may be said of it.
OURS = (
    ("no server there", AWAY, "/v1/echo", "503 upstream_unavailable",
     {"connection_refused", "destination_unavailable"}),
    ("no answer in time", HOST, "/v1/hold", "504 upstream_timeout",
     {"http_response_timeout", "connection_read_timeout"}),
    ("no HTTP", HOST, "/v1/garbage", "502 upstream_invalid", {"http_protocol_error"}),
    ("it closed", HOST, "/v1/shut", "502 upstream_invalid",
     {"connection_terminated", "http_response_incomplete", "http_protocol_error"}),
)  # fmt: skip
DENIED = (
    ("no key", "/v1/echo", None, "401 auth_missing"),
    ("a key that nobody has", "/v1/echo", UNKNOWN, "403 key_unknown"),
    ("a path that nobody knows", "/nowhere", UNKNOWN, "404 route_unknown"),
    ("a path that cannot be", "/v1/a%2Fb", UNKNOWN, "400 target_invalid"),
)


def read(value):
    """[(who, {parameter: value})]"""
    found, place = [], 0
    while place < len(value):
        item = ITEM.match(value, place)
        if not item:
            raise ValueError(f"no list of items: {value}")
        pairs = [pair.strip().partition("=") for pair in item[3].split(";")[1:]]
        found.append((item[1] or item[2], {name: text for name, _, text in pairs}))
        place = item.end()
        place += len(re.match(r"\s*,?\s*", value[place:])[0])
    return found


def is_said(case, answer, who, errors=REGISTERED):
    lines = answer.all("Proxy-Status")
    case.equal("lines of Proxy-Status", len(lines), 1)
    items = read(lines[0])
    case.equal("who", [name for name, _ in items], [who])
    error = items[0][1].get("error")
    case.true(f"error `{error}` is registered, and fits", error in REGISTERED & set(errors))
    case.note(lines[0])


def look(report, folder, behind, setting, via):
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # and nobody listens
    nobody = type("Nobody", (), {"url": f"http://127.0.0.1:{closed.getsockname()[1]}"})
    upstream = {"first_byte_timeout": "300ms"}
    apis = {"shop": api(behind, upstream=upstream), "away": api(nobody, hosts=[AWAY])}
    settings = ({"proxy_status": setting} if setting else {}) | ({"via": via} if via else {})
    with contextlib.closing(closed), Gateway(folder, apis, **settings) as gateway:
        keys = {HOST: gateway.key(api="shop"), AWAY: gateway.key(api="away")}
        name, who = f"proxy_status: {setting}" if setting else "as it is", via or "keygate"
        for what, host, target, wanted, errors in OURS:
            with report.case(f"{name}: {what}") as case:
                answer = ask(gateway.port, target=target, host=host, key=keys[host])
                case.equal("answer", str(answer), wanted)
                if setting == "off":
                    case.equal("Proxy-Status", answer.all("Proxy-Status"), [])
                else:
                    is_said(case, answer, who, errors)
        for what, target, key, wanted in DENIED:
            with report.case(f"{name}: {what}") as case:
                answer = ask(gateway.port, target=target, host=HOST, key=key)
                case.equal("answer", str(answer), wanted)
                if setting == "all":
                    is_said(case, answer, who, {"http_request_denied", "http_request_error"})
                else:
                    case.equal("Proxy-Status", answer.all("Proxy-Status"), [])
        for status in (200, 404, 502, 503, 504):
            with report.case(f"{name}: a {status} of the API itself") as case:
                answer = ask(gateway.port, target=f"/v1/status/{status}", host=HOST, key=keys[HOST])
                case.equal("status", answer.status, status)
                case.equal("Proxy-Status", answer.all("Proxy-Status"), [])


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check()
    counted = Counted("Proxy-Status")
    with Folder("edge-status") as folder, Behind() as behind:
        for setting, via in ((None, None), ("errors", "edge-1"), ("all", None), ("off", None)):
            with counted.report.case(f"a gateway with proxy_status: {setting or 'as it is'}") as case:
                look(counted.report, folder, behind, setting, via)
                case.true("to the end", True)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
