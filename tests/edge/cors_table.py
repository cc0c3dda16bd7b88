"""Preflights and answers to pages, as bytes have them."""

import re

from cors_site import ALLOWED, APP, EVIL, EXPOSED, MAX_AGE, MINE, NAMES
from talk import ask

ANYBODY = "https://anybody.example.test"
STRANGERS = {
    "another name": EVIL,
    "a name that begins so": "https://app.example.test.evil.test",
    "a name that ends so": "https://evilapp.example.test",
    "another port": "https://app.example.test:8443",
    "another scheme": "http://app.example.test",
    "what a wildcard stands below": "https://wild.example.test",
    "a wildcard with an end of its own": "https://a.wild.example.test.evil.test",
    "a wildcard's dot in another place": "https://evilwild.example.test",
    "a wildcard with another scheme": "http://a.wild.example.test",
    "a wildcard with a port": "https://a.wild.example.test:8443",
    "a user before it": "https://app.example.test@evil.test",
    "a path behind it": "https://app.example.test/",
    "a wildcard itself": "https://*.wild.example.test",
    "null": "null",
    "empty": "",
    "a star": "*",
    "a list": f"{APP} {EVIL}",
    "a list with commas": f"{APP}, {EVIL}",
    "no origin at all": "app.example.test",
    "bytes that are no letters": "https://\xe4pp.example.test",
    "a quote": f'{APP}"',
}
CORS = "access-control-"


def request(site, target="/v1/echo", origin=APP, method="GET", name="shop", key=None, fields=(), **more):
    said = [f"Origin: {one}" for one in ([origin] if isinstance(origin, str) else origin or [])]
    return ask(site.port, target=target, method=method, host=NAMES[name], key=key, fields=[*said, *fields], **more)


def preflight(site, target="/v1/echo", origin=APP, method="GET", headers="authorization", name="shop", more=()):
    fields = [f"Access-Control-Request-Method: {method}"] if method else []
    fields += [f"Access-Control-Request-Headers: {headers}"] if headers else []
    return request(site, target, origin, "OPTIONS", name, fields=[*fields, *more])


def words(value):
    return {word.lower() for word in re.split(r"\s*,\s*", value or "") if word}


def said(answer):
    """Fields of CORS that an answer has."""
    return sorted(name.lower() for name, _ in answer.fields if name.lower().startswith(CORS))


def is_allowed(case, answer, origin=APP, methods=("GET",), headers=("authorization",)):
    case.true(f"status {answer.status} is one of success", 200 <= answer.status < 300)
    case.equal("Allow-Origin", answer.all("Access-Control-Allow-Origin"), [origin])
    case.true(f"methods: {answer.field('Access-Control-Allow-Methods')}", set(methods) <= set(
        re.split(r"\s*,\s*", answer.field("Access-Control-Allow-Methods") or "")))  # fmt: skip
    case.true(f"headers: {answer.field('Access-Control-Allow-Headers')}", set(headers) <= words(
        answer.field("Access-Control-Allow-Headers")))  # fmt: skip
    case.equal("body", answer.body, b"")


def refuses(answer, method=None, header=None):
    """Would a browser go on with what it asked for?"""
    methods = re.split(r"\s*,\s*", answer.field("Access-Control-Allow-Methods") or "")
    return (
        not 200 <= answer.status < 300
        or not answer.all("Access-Control-Allow-Origin")
        or (method is not None and method not in methods)
        or (header is not None and header.lower() not in words(answer.field("Access-Control-Allow-Headers")))
    )


def preflights(report, site):
    before = site.behind.count
    with report.case("preflight: of an origin that is allowed") as case:
        answer = preflight(site)
        is_allowed(case, answer)
        case.equal("Max-Age", answer.field("Access-Control-Max-Age"), str(MAX_AGE))
        case.equal("Credentials", answer.field("Access-Control-Allow-Credentials"), None)
        case.true("Vary", "origin" in words(answer.field("Vary")))
        case.note(f"{answer.status}, without a key")
    for origin in ("https://a.wild.example.test", "https://b-2.wild.example.test", site.page):
        with report.case(f"preflight: of {'http://127.0.0.1' if origin == site.page else origin}") as case:
            is_allowed(case, preflight(site, origin=origin), origin)
    for what, method, target, headers in (
        ("POST with several headers", "POST", "/v1/echo", "Authorization, content-type,x-allowed"),
        ("headers in capitals", "GET", "/v1/echo", "AUTHORIZATION, X-ALLOWED"),
        ("no headers", "POST", "/v1/echo", None),
        ("PUT of a line of its own", "PUT", "/v1/items/7", "authorization"),
        ("DELETE where all are known", "DELETE", "/open/echo", "authorization"),
        ("HEAD, which follows GET", "HEAD", "/v1/echo", None),
    ):
        with report.case(f"preflight: {what}") as case:
            answer = preflight(site, target, method=method, headers=headers)
            # Browsers ask for none of these (the Fetch standard, CORS-safelisted methods).
            methods = [] if method in ("HEAD", "GET", "POST") else [method]
            is_allowed(case, answer, methods=methods, headers=words(headers))
    with report.case("preflight: HTTP/1.0, and one in the same connection") as case:
        is_allowed(case, request(site, method="OPTIONS", fields=["Access-Control-Request-Method: GET"], version="1.0"),
                   headers=[])  # fmt: skip
    with report.case("preflight: empty members of a list") as case:
        answer = preflight(site, headers=" authorization , , x-allowed ")
        is_allowed(case, answer, headers=["authorization", "x-allowed"])
    for what, origin in STRANGERS.items():
        with report.case(f"preflight: of a stranger, {what}") as case:
            answer = preflight(site, origin=origin)
            case.equal("fields of CORS that allow", answer.all("Access-Control-Allow-Origin"), [])
            case.note(str(answer))
    with report.case("preflight: two Origin lines") as case:
        for pair in ([APP, EVIL], [EVIL, APP], [APP, APP]):
            answer = preflight(site, origin=pair)
            case.equal("Allow-Origin", answer.all("Access-Control-Allow-Origin"), [])
        case.note(str(answer))
    with report.case("preflight: an origin in capitals is another one") as case:
        answer = preflight(site, origin=APP.upper())
        case.true("nothing else is allowed", answer.all("Access-Control-Allow-Origin") in ([], [APP.upper()]))
        case.note(", ".join(answer.all("Access-Control-Allow-Origin")) or "not allowed")
    for what, method, target, headers, missing in (
        ("a method that the line does not have", "DELETE", "/v1/echo", "authorization", ("DELETE", None)),
        ("a method in small letters", "put", "/v1/items/7", "authorization", ("put", None)),
        ("a method that is none", "GE T", "/v1/echo", "authorization", ("GE T", None)),
        ("a header that is not allowed", "GET", "/v1/echo", "authorization, x-other", (None, "x-other")),
        ("a header that is none", "GET", "/v1/echo", "authorization, x y", (None, "x y")),
    ):
        with report.case(f"preflight: {what}") as case:
            answer = preflight(site, target, method=method, headers=headers)
            case.true(f"a browser goes no further: {answer} {said(answer)}", refuses(answer, *missing))
            case.note(str(answer))
    with report.case("preflight: a path that nobody knows") as case:
        answer = preflight(site, "/nowhere/at/all")
        case.true(f"{answer}", answer.status in (200, 204, 404))
        case.note(str(answer))
    with report.case("preflight: a path that cannot be") as case:
        case.equal("answer", str(preflight(site, "/v1/../secret")), "400 target_invalid")
    with report.case("preflight: where CORS is off") as case:
        answer = preflight(site, "/off/echo")
        case.true(f"refused: {answer}", answer.status >= 400 and refuses(answer))
        case.note(str(answer))
    with report.case("preflight: where the line has its own origins") as case:
        is_allowed(case, preflight(site, "/mine/echo", MINE), MINE)
        case.equal("of the API's", preflight(site, "/mine/echo", APP).all("Access-Control-Allow-Origin"), [])
    with report.case("preflight: where nothing is said of CORS") as case:
        answer = preflight(site, name="closed")
        case.equal("fields of CORS", said(answer), [])
        case.true(f"refused: {answer}", answer.status >= 400)
        case.note(str(answer))
    with report.case("preflight: all origins, all headers") as case:
        for origin in (ANYBODY, APP, "null"):
            answer = preflight(site, origin=origin, headers="x-one, x-two", name="anyone")
            case.true(f"Allow-Origin: {said(answer)}", answer.all("Access-Control-Allow-Origin") in (["*"], [origin]))
            case.true("headers", {"x-one", "x-two"} <= words(answer.field("Access-Control-Allow-Headers")))
            case.equal("Credentials", answer.field("Access-Control-Allow-Credentials"), None)
    with report.case("preflight: headers that break out") as case:
        answer = preflight(site, headers="x-one\tSet-Cookie:a=b", name="anyone")
        case.equal("Set-Cookie", answer.field("Set-Cookie"), None)
        case.true(f"nothing of it: {answer}", refuses(answer, header="x-one\tset-cookie:a=b"))
    with report.case("preflight: cookies") as case:
        answer = preflight(site, name="cookies")
        is_allowed(case, answer)
        case.equal("Credentials", answer.field("Access-Control-Allow-Credentials"), "true")
        answer = preflight(site, origin=ANYBODY, name="cookies")
        case.equal("of others", said(answer), [])
    with report.case("preflight: a key in it is nothing to it") as case:
        is_allowed(case, preflight(site, more=["Authorization: Bearer nonsense"]))
    with report.case("preflights at the API") as case:
        case.equal("requests", site.behind.count, before)
        case.note("none")


def no_preflights(report, site):
    with report.case("OPTIONS without Origin is a request like others") as case:
        answer = preflight(site, "/open/echo", origin=None)
        case.equal("answered by the API", (answer.status, answer.json()["method"]), (200, "OPTIONS"))
        case.equal("without a key", str(preflight(site, "/v1/echo", origin=None)), "405 route_method")
    with report.case("OPTIONS without Access-Control-Request-Method is a request like others") as case:
        answer = preflight(site, "/open/echo", method=None, headers=None)
        case.equal("answered by the API", (answer.status, answer.json()["method"]), (200, "OPTIONS"))
        case.equal("Allow-Origin", answer.all("Access-Control-Allow-Origin"), [APP])
    with report.case("GET with the fields of a preflight is a GET") as case:
        answer = request(site, key=site.key, fields=["Access-Control-Request-Method: GET"])
        case.equal("answered by the API", (answer.status, answer.json()["method"]), (200, "GET"))


def answers(report, site):
    revoked, spent = site.revoked(), site.spent()
    request(site, key=spent)
    for what, target, key, wanted in (
        ("allowed", "/v1/echo", site.key, "200"),
        ("public", "/open/echo", None, "200"),
        ("without a key", "/v1/echo", None, "401 auth_missing"),
        ("with a key that was revoked", "/v1/echo", revoked, "403 key_revoked"),
        ("with a rate that is spent", "/v1/echo", spent, "429 rate_limited"),
        ("of a path that nobody knows", "/nowhere", site.key, "404 route_unknown"),
        ("of a path that cannot be", "/v1/a%2Fb", site.key, "400 target_invalid"),
        ("that the API refuses", "/v1/status/422", site.key, "422 "),
        ("where the API breaks off", "/v1/shut", site.key, "502 upstream_invalid"),
        ("where the API says fields of its own", "/v1/shared", site.key, "200"),
    ):
        with report.case(f"GET {what}: the page that is allowed may read it") as case:
            answer = request(site, target, key=key)
            case.equal("answer", str(answer), wanted.strip())
            if wanted.startswith("400"):
                case.note("no page asks so")
            else:
                case.equal("Allow-Origin", answer.all("Access-Control-Allow-Origin"), [APP])
                case.true("Vary", "origin" in words(answer.field("Vary")))
                exposed = words(answer.field("Access-Control-Expose-Headers"))
                case.true(f"exposed: {exposed}", {*map(str.lower, EXPOSED), "x-request-id"} <= exposed)
                if answer.status == 429:
                    case.true("Retry-After too", "retry-after" in exposed and answer.field("Retry-After"))
        with report.case(f"GET {what}: others may not") as case:
            for origin in (EVIL, None):
                answer = request(site, target, origin, key=key)
                case.equal("answer", str(answer), wanted.strip())
                case.equal("fields of CORS that allow", answer.all("Access-Control-Allow-Origin"), [])
                if not wanted.startswith("400"):
                    case.true(f"Vary, as {origin}", "origin" in words(answer.field("Vary")))
    with report.case("Vary of the API stays") as case:
        answer = request(site, "/v1/shared", key=site.key)
        case.equal("Vary", {"origin", "accept-encoding"} - words(answer.field("Vary")), set())
    with report.case("where CORS is off, or was never on") as case:
        for target, name in (("/off/echo", "shop"), ("/v1/echo", "closed")):
            answer = request(site, target, key=site.keys[name].text, name=name)
            case.equal("status", answer.status, 200)
            case.equal("fields of CORS", said(answer), [])
            case.equal("refused", said(request(site, target, name=name)), [])
    with report.case("where it was never on, the API's own fields pass") as case:
        answer = request(site, "/v1/shared", key=site.keys["closed"].text, name="closed")
        case.equal("Allow-Origin", answer.all("Access-Control-Allow-Origin"), ["https://own.example.test"])
    with report.case("all origins") as case:
        answer = request(site, origin=ANYBODY, key=site.keys["anyone"].text, name="anyone")
        case.true("Allow-Origin", answer.all("Access-Control-Allow-Origin") in (["*"], [ANYBODY]))
    with report.case("cookies") as case:
        answer = request(site, key=site.keys["cookies"].text, name="cookies")
        case.equal("Allow-Origin", answer.all("Access-Control-Allow-Origin"), [APP])
        case.equal("Credentials", answer.all("Access-Control-Allow-Credentials"), ["true"])
        answer = request(site, origin=EVIL, key=site.keys["cookies"].text, name="cookies")
        case.equal("of others", [name for name in said(answer) if "expose" not in name], [])


def passed(report, site):
    """`preflight: pass`"""
    key, own = site.keys["passing"].text, "https://own.example.test"
    with report.case("preflight: pass: the API is asked, without a key") as case:
        before = site.behind.count
        answer = preflight(site, "/v1/shared", own, name="passing")
        case.equal("answer", (answer.status, answer.all("Access-Control-Allow-Origin")), (204, [own]))
        case.equal("methods", answer.all("Access-Control-Allow-Methods"), ["GET"])
        case.equal("requests at the API", site.behind.count, before + 1)
        seen = site.behind.seen[-1]
        case.equal("what it got", (seen.method, seen.field("Origin"), seen.field("Access-Control-Request-Method")),
                   ("OPTIONS", own, "GET"))  # fmt: skip
        case.equal("identity", seen.field("X-Key-Id"), None)
    with report.case("preflight: pass: a key in it does not arrive") as case:
        target = "/v1/shared?tag=preflight"
        preflight(site, target, own, name="passing", more=[f"Authorization: Bearer {key}"])
        seen = site.behind.with_tag(target)
        case.equal("requests at the API", [one.field("Authorization") for one in seen], [None])
    with report.case("preflight: pass: the API's fields are all there are") as case:
        answer = request(site, "/v1/shared", own, key=key, name="passing")
        case.equal("Allow-Origin", answer.all("Access-Control-Allow-Origin"), [own])
        case.equal("Expose-Headers", answer.all("Access-Control-Expose-Headers"), ["X-Own"])
        answer = request(site, "/v1/echo", own, key=key, name="passing")
        case.equal("where it says none", said(answer), [])
    with report.case("preflight: pass: our own refusals can be read") as case:
        answer = request(site, "/v1/shared", APP, name="passing")
        case.equal("answer", (str(answer), answer.all("Access-Control-Allow-Origin")), ("401 auth_missing", [APP]))
        case.equal("by others", said(request(site, "/v1/shared", ANYBODY, name="passing")), [])
    with report.case("preflight: pass: OPTIONS that is no preflight needs a key") as case:
        answer = request(site, "/v1/shared", own, "OPTIONS", "passing")
        case.true(f"refused: {answer}", answer.status in (401, 405))
    with report.case("preflight: pass: what nobody knows is not passed") as case:
        before = site.behind.count
        answer = preflight(site, "/nowhere", own, name="passing")
        case.equal("answer", answer.status, 404)
        case.equal("requests at the API", site.behind.count, before)


def all_of_it(report, site):
    with report.case("preflight: all headers that may be sent") as case:
        answer = preflight(site, headers=", ".join(ALLOWED))
        allowed = words(answer.field("Access-Control-Allow-Headers"))
        case.equal("Allow-Headers", allowed, {one.lower() for one in ALLOWED})
    for part in (preflights, no_preflights, answers, passed):
        part(report, site)
