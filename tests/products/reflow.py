"""Reflow: what its rows of the kind `check` mean, and the keys that its table speaks of."""

import hashlib
import json
import re
import secrets
import time

from product import BOUND, Api
from steps import (
    act,
    busy,
    change,
    create,
    delete,
    field_of,
    keys_where,
    look_at,
    new_owner,
    reason_in_log,
    refusal_of,
    replaced,
    requests_of,
    run_page,
    same_but_request_id,
    send,
    status_of,
    usage,
    within,
)

HIDES_REASON = True
ALONE = {"found_by_lookup", "strict_slash", "bound_to_owner", "switched_to_403"}  # with a gateway of their own
IDENTITY = {"x-key-id", "x-key-owner", "x-key-mode"}  # there are no plans
MERCHANT = "merchant-1"
STORE, OTHER = "267418190", "555000111"
RESOURCES = ("orders", "customers", "products", "discounts", "subscriptions")
ORDERS = f"/v1/stores/{STORE}/orders/"
PAGE_KEY = "19656ea.4329f04826e125f1ee999b53f78"  # the page's own
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def path_of(resource, store=STORE):
    return f"/v1/stores/{store}/{resource}/"


def key_for(stage, *scopes, store=STORE, owner=MERCHANT, **members):
    return create(stage, owner, scopes=list(scopes), bind={"store": store}, **members)


def answer_to(stage, key, target=ORDERS):
    return status_of(send(stage, target, key))


def random_secret():
    return secrets.token_hex(14)[:27]


def random_key():
    return "".join(secrets.choice(LETTERS) for _ in range(7)) + "." + random_secret()


def digest_of(key):
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def prepare(stage):
    """A merchant and keys; the first one by the commands that the configuration shows."""
    stage.command("owners", "set", "--id", MERCHANT)
    options = ("--owner", MERCHANT, "--name", "Accounting", "--bind", f"store={STORE}", "--json")
    made = json.loads(stage.command("keys", "create", *options, "--scope", "orders", "--scope", "customers"))
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    keys = {
        "good": made,
        "products": key_for(stage, "products"),
        "all": key_for(stage, "*"),
        "none": create(stage, MERCHANT, bind={"store": STORE}),
        "other": key_for(stage, "orders", store=OTHER),
        "unbound": create(stage, MERCHANT, scopes=["orders"]),
        "deleted": key_for(stage, "orders"),
        "disabled": key_for(stage, "orders"),
        "revoked": key_for(stage, "orders"),
        "expired": key_for(stage, "orders", expires_at=soon),
    }
    delete(stage, keys["deleted"])
    stage.command("keys", "disable", keys["disabled"]["id"])
    act(stage, keys["revoked"], "revoke")
    if not within(10, lambda: look_at(stage, keys["expired"])["status"] == "expired"):
        raise RuntimeError("a key does not expire")
    prefix, _, secret = made["key"].partition(".")
    unknown = random_key()
    return {name: key["key"] for name, key in keys.items()} | {
        "unknown": unknown,
        "garbage": "~~" + secrets.token_urlsafe(24),
        "wrong_secret": f"{prefix}.{random_secret()}",
        "no_dot": prefix + secret,
        "no_secret": f"{unknown[:7]}.",
        "short": made["key"][:-1],
        "long": made["key"] + "0",
        "short_prefix": made["key"][1:],
        "long_prefix": "a" + made["key"],
        "upper_prefix": "A" + unknown[1:],
        "upper_secret": unknown[:-1] + "F",
        "letter_g": unknown[:-1] + "g",
    }


# ---- sentences 1 and 2: what needs a key


def protected(stage, case, words):
    """Each line of the map, and paths beside it: nothing that needs a key reaches the API without one."""
    before = len(stage.api.seen)
    store = f"/v1/stores/{STORE}"
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in (ORDERS, ORDERS[:-1], f"{store}/customers/7", f"{store}/whatever/else", f"{store}/ORDERS"):
            case.equal(f"{method} {path}", status_of(send(stage, path, method=method)), 401)
    for method, path, status in (
        ("GET", store, 401),
        ("POST", store, 405),
        ("POST", f"{store}/catalog/7", 401),
        ("DELETE", f"{store}/checkout", 401),
        ("GET", "/v1/stores", 404),
        ("GET", "/v1/stores/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v2/stores/1/orders", 404),
        ("POST", "/v1/status", 405),
        ("GET", "/", 404),
    ):
        case.equal(f"{method} {path}", status_of(send(stage, path, method=method)), status)
    case.equal("requests at the API", len(stage.api.seen), before)
    case.note(f"{case.checks - 1} requests without a key, none of them reached the API")


# ---- sentences 4 to 10: a key is made, shown, and found


def chosen(stage, case, words):
    key = key_for(stage, "orders", "discounts", name="Accounting")
    seen = look_at(stage, key)
    case.equal("name and resources", (seen["name"], seen["scopes"]), ("Accounting", ["discounts", "orders"]))
    case.equal("store", seen["bind"], {"store": STORE})
    answers = [answer_to(stage, key["key"], path_of(resource)) for resource in RESOURCES]
    case.equal("each resource", answers, [200, 401, 401, 200, 401])
    for scopes in (["order"], ["orders", "Products"], ["orders:read"], "orders", [7]):
        told = stage.call("POST", "/keys", {"api": "reflow", "owner": MERCHANT, "scopes": scopes})
        case.equal(f"{scopes}", told[0], 422)
        case.true("its name", "scopes" in told[1]["error"]["message"])
    for bind in ({"store": 7}, ["store"], {"store": ""}):
        told = stage.call("POST", "/keys", {"api": "reflow", "owner": MERCHANT, "bind": bind})
        case.equal(f"{bind}", told[0], 422)
    case.note("as chosen; a resource that is none is refused")


def chosen_nothing(stage, case, words):
    key = create(stage, MERCHANT, bind={"store": STORE})
    case.equal("resources", key["scopes"], [])
    case.equal("each", {answer_to(stage, key["key"], path_of(resource)) for resource in RESOURCES}, {401})
    case.equal("what needs a key and no resource", answer_to(stage, key["key"], f"/v1/stores/{STORE}"), 200)
    case.note("no resource")


def generate(stage, case, words):
    key = key_for(stage, "orders")
    case.true("its shape", re.fullmatch(r"[0-9a-z]{7}\.[0-9a-f]{27}", key["key"]))
    case.equal("it works", answer_to(stage, key["key"]), 200)
    case.note("in the answer that makes it, whole")


def shown_once(stage, case, words):
    key = key_for(stage, "orders", name="once")
    secret = key["key"].partition(".")[2]
    send(stage, ORDERS, key["key"])
    change(stage, key, name="twice")
    texts = {
        "view": json.dumps(look_at(stage, key)),
        "list": json.dumps(keys_where(stage, owner=MERCHANT)),
        "usage": json.dumps(usage(stage, key)),
        "command line": stage.command("keys", "show", key["id"], "--json"),
        "log": stage.log(),
        "metrics": stage.status_page("/metrics")[1],
    }
    for name, text in texts.items():
        case.true(f"not in {name}", secret[:12] not in text and secret[-12:] not in text and len(text) > 2)
    case.true("no member `key` in views", '"key":' not in texts["view"] + texts["list"])
    case.equal("no reveal", refusal_of(stage.call("POST", f"/keys/{key['id']}:reveal")), (409, "not_recoverable"))
    files = stage.redis.files().values() if stage.redis else [
        file.read_bytes() for file in stage.folder.glob("reflow.db*") if file.is_file()
    ]
    everything = b"".join(files)
    for part in (secret[:12], secret[-12:]):
        case.true("no secret in the store", part.encode() not in everything)
    case.true("but the part before the dot", key["key"][:7].encode() in everything)
    case.note(f"the secret is not in {', '.join(texts)}, nor in the store")


def shape(stage, case, words):
    keys = [key_for(stage, "orders") for _ in range(10)]
    for key in keys:
        case.true("its shape", re.fullmatch(r"[0-9a-z]{7}\.[0-9a-f]{27}", key["key"]))
        case.equal("prefix", (key["prefix"], key["hint"]), (key["key"][:7], ""))
    case.equal("different ones", len({key["prefix"] for key in keys}), 10)
    case.equal("letters of secrets", len(set("".join(key["key"][8:] for key in keys))), 16)
    case.note("seven letters, a dot, 27 letters")


def found_by_prefix(stage, case, words):
    key = key_for(stage, "orders", name="to be found")
    prefix = key["key"][:7]
    case.equal("by HTTP", keys_where(stage, prefix=prefix), [look_at(stage, key)])
    said = json.loads(stage.command("keys", "list", "--prefix", prefix, "--json"))
    said = said["data"] if isinstance(said, dict) else said
    case.equal("by the command", [one["id"] for one in said], [key["id"]])
    other = next(letter for letter in LETTERS if letter != prefix[-1])
    case.true("not by another", key["id"] not in {one["id"] for one in keys_where(stage, prefix=prefix[:6] + other)})
    case.note("by HTTP and by the command")


# ---- sentences 11 to 15: use


def page_line(stage, case, words):
    """The page's own line, with a host for its own; and with its own key, which is brought in by its digest."""
    host = {"https://api.reflowhq.com": stage.host}
    stage.settle()
    before = len(stage.api.seen)
    answer = run_page(stage, "reflow", "orders.sh", host | {PAGE_KEY: words["good"]})
    case.equal("with a key of ours", (status_of(answer), answer.partition("\r\n\r\n")[2].encode()), (200, Api.BODY))
    case.equal("at the API", [one[:2] for one in stage.api.seen[before:]], [("GET", ORDERS)])
    case.equal("with the page's, which nobody made", status_of(run_page(stage, "reflow", "orders.sh", host)), 403)
    brought = key_for(stage, "orders", digest=digest_of(PAGE_KEY), prefix=PAGE_KEY[:7])
    stage.settle()
    case.equal("when it is brought in", status_of(run_page(stage, "reflow", "orders.sh", host)), 200)
    case.equal("found by its prefix", [one["id"] for one in keys_where(stage, prefix="19656ea")], [brought["id"]])
    delete(stage, brought)
    stage.settle()
    case.equal("when it is deleted", status_of(run_page(stage, "reflow", "orders.sh", host)), 403)
    case.note("the orders, and a refusal for a key that is not there")


def paths(stage, case, words):
    """What is matched is what is sent on; nothing is repaired, and nobody is sent elsewhere."""
    good = words["good"]
    orders = ORDERS[:-1]
    for path, status, arrives in (
        (ORDERS, 200, ORDERS),
        (orders, 200, orders),
        (f"{orders}/7", 200, f"{orders}/7"),
        (f"{orders}/7/", 200, f"{orders}/7/"),
        (f"{ORDERS}?page=2&q=a%2Fb", 200, f"{ORDERS}?page=2&q=a%2Fb"),
        (f"/v1/stores/{STORE}/%6frders/", 200, ORDERS),
        (f"/v1/stores/{STORE}//orders/", 400, None),
        (f"{orders}//", 400, None),
        (f"/v1//stores/{STORE}/orders", 400, None),
        (f"//v1/stores/{STORE}/orders", 400, None),
        (f"/v1/stores/{STORE}%2Forders", 400, None),
        (f"/v1/stores/{STORE}%2forders/", 400, None),
        (f"{orders}%2F", 400, None),
        (f"{orders}/../products/", 400, None),
        (f"{orders}/%2e%2e/products/", 400, None),
        (f"{orders}/.;/products", 400, None),
        (f"/v1/stores/{STORE}\\orders", 400, None),
        (f"/v1/stores/{STORE}/orders;x=1/", 401, None),
        (f"/v1/stores/{STORE}/Orders/", 401, None),
        (f"/v1/stores/{STORE}/orders%20/", 401, None),
    ):
        before = len(stage.api.seen)
        answer = send(stage, path, good)
        case.equal(path, status_of(answer), status)
        case.equal("at the API", [one[1] for one in stage.api.seen[before:]], [arrives] if arrives else [])
        case.equal("sent elsewhere", field_of(answer, "Location"), None)
    case.note("with and without the slash as they came; //, %2F and dots are 400, another name is no resource")


def strict_slash(stage, case, words):
    """The slash is the profile's choice, which the configuration may change."""
    bound = "    bind: {store_id: key.store}\n"
    with stage.another(lambda text: replaced(text, bound, f"    trailing_slash: strict\n{bound}")) as other:
        answers = [status_of(send(other, path)) for path in ("/v1/status", "/v1/status/")]
        case.equal("strict", answers, [200, 404])
    case.equal("as shipped", [status_of(send(stage, path)) for path in ("/v1/status", "/v1/status/")], [200, 200])
    case.note("one path as shipped, two with `trailing_slash: strict`")


def used(stage, case, words):
    keys = [key_for(stage, "orders") for _ in range(3)]
    for count, key in enumerate(keys, 1):
        for _ in range(count):
            case.equal("status", answer_to(stage, key["key"]), 200)
        case.equal("refused", answer_to(stage, key["key"], path_of("products")), 401)
        case.equal("a public one", answer_to(stage, key["key"], f"/v1/stores/{STORE}/catalog"), 200)
    for count, key in enumerate(keys, 1):
        case.true(f"{count}, exactly", within(5, lambda: requests_of(stage, key) == count))
        case.true("last use", look_at(stage, key)["last_used_at"])
    case.note("each key by itself: 1, 2 and 3 requests; refused and public ones do not count")


# ---- sentences 18 and 19: care


def browsers(stage, case, words):
    """A page of another site gets nothing: no leave before it asks, and none in the answers that are ours."""
    origin = "Origin: https://shop.example\r\n"
    preflight = f"{origin}Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n"
    before = len(stage.api.seen)
    for method, fields, key in (("OPTIONS", preflight, None), ("GET", origin, None), ("GET", origin, words["unknown"])):
        answer = send(stage, ORDERS, key, method, fields)
        case.true("refused", status_of(answer) in (401, 403))
        case.true("no leave", "access-control-" not in answer.lower())
    case.equal("requests at the API", len(stage.api.seen), before)
    case.note("no preflight passes, no Access-Control field")


def switched_off(stage, case, words):
    key = key_for(stage, "orders")
    case.equal("before", answer_to(stage, key["key"]), 200)
    for _ in range(3):
        act(stage, key, "disable")
        answer = send(stage, ORDERS, key["key"])
        case.equal("off", (status_of(answer), reason_in_log(stage, answer)), (403, "key_disabled"))
        case.equal("shown", look_at(stage, key)["status"], "disabled")
        act(stage, key, "enable")
        case.equal("on", answer_to(stage, key["key"]), 200)
    stage.command("keys", "disable", key["id"])
    case.equal("off by the command", answer_to(stage, key["key"]), 403)
    stage.command("keys", "enable", key["id"])
    case.equal("on by the command", answer_to(stage, key["key"]), 200)
    case.note("off and on four times, each from the next request on")


def one_answer(stage, case, words):
    names = (
        "unknown", "wrong_secret", "deleted", "disabled", "revoked", "expired", "other", "unbound", "short", "long",
        "no_dot", "upper_prefix", "garbage",
    )
    same_but_request_id(case, [lambda name=name: send(stage, ORDERS, words[name]) for name in names])
    case.note(f"{', '.join(names)}: the same bytes but for the request id")


# ---- sentences 20 to 24: resources, stores


def tenants(stage, case, words):
    """A key of one store at another's paths, in every spelling."""
    owner = new_owner(stage)
    ours, theirs = key_for(stage, "*", owner=owner), key_for(stage, "*", store=OTHER, owner=owner)
    before = len(stage.api.seen)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for resource in RESOURCES:
            for key, store in ((ours, OTHER), (theirs, STORE)):
                case.equal("at the other's", status_of(send(stage, path_of(resource, store), key["key"], method)), 403)
    near = (f"{STORE};x=1", f"{STORE}%20", f"0{STORE}", STORE[:-1], f"{STORE}0", f"{STORE},{OTHER}")
    for store in (*near, "*", "store", "null"):
        case.equal(store, answer_to(stage, ours["key"], path_of("orders", store)), 403)
    for path in (f"{STORE}/../{OTHER}/orders", f"{STORE}%2F..%2F{OTHER}/orders", f"/{STORE}/orders"):
        case.equal(path, answer_to(stage, ours["key"], f"/v1/stores/{path}"), 400)
    for field in (f"X-Original-URL: /v1/stores/{OTHER}/orders/", f"X-Store-Id: {OTHER}", f"X-Key-Id: {ours['id']}"):
        case.equal(field, status_of(send(stage, ORDERS, theirs["key"], fields=f"{field}\r\n")), 403)
    case.equal("the store itself", answer_to(stage, theirs["key"], f"/v1/stores/{STORE}"), 403)
    case.equal("requests at the API", len(stage.api.seen), before)
    answer = send(stage, ORDERS, theirs["key"])
    case.equal("in the log", reason_in_log(stage, answer), "tenant_mismatch")
    same_but_request_id(case, [lambda: send(stage, ORDERS, theirs["key"]), lambda: send(stage, ORDERS, random_key())])
    for key, store in ((ours, STORE), (theirs, OTHER)):
        case.equal("at its own", answer_to(stage, key["key"], path_of("orders", store)), 200)
    case.equal("the same digits, encoded", answer_to(stage, ours["key"], path_of("orders", f"%32{STORE[1:]}")), 200)
    case.note("never let through, and told what a key is told that does not exist")


def moved(stage, case, words):
    """What a key is bound to may be edited, and taken away."""
    key = key_for(stage, "orders")
    theirs = path_of("orders", OTHER)
    for bind, wanted in (({"store": OTHER}, [403, 200]), (None, [403, 403]), ({"store": STORE}, [200, 403])):
        case.equal("shown", change(stage, key, bind=bind)["bind"], bind)
        case.equal(f"{bind}", [answer_to(stage, key["key"], path) for path in (ORDERS, theirs)], wanted)
    status, reply = stage.call("PATCH", f"/keys/{key['id']}", {"bind": {"shop": STORE}})
    case.equal("to something that no path says", (status, "bind" in reply["error"]["message"]), (422, True))
    case.equal("then all is as before", answer_to(stage, key["key"]), 200)
    case.note("the other store, no store, and back, each from the next request on")


def bound_to_owner(stage, case, words):
    """Where each merchant has one store: the configuration names the owner instead."""
    with stage.another(lambda text: replaced(text, "bind: {store_id: key.store}", "bind: {store_id: owner}")) as other:
        owner = new_owner(other)
        key = create(other, owner, scopes=["orders"])["key"]
        answers = [answer_to(other, key, path_of("orders", store)) for store in (owner, STORE)]
        case.equal("its own id, and another", answers, [200, 403])
    case.note("the path must name the key's owner")


def every_resource(stage, case, words):
    """Each resource with a key for it, for all others, and for everything."""
    owner = new_owner(stage)
    for resource in RESOURCES:
        own = key_for(stage, resource, owner=owner)
        others = key_for(stage, *(other for other in RESOURCES if other != resource), owner=owner)
        for method in ("GET", "POST", "DELETE"):
            answers = [
                status_of(send(stage, path_of(resource), key["key"], method)) for key in (own, others)
            ]
            case.equal(f"{method} {resource}", answers, [200, 401])
    for resource in ("refunds", "catalog", "*", "{resource}", "orders,products", ""):
        path = f"/v1/stores/{STORE}/{resource}" if resource else f"/v1/stores/{STORE}/"
        status = status_of(send(stage, path, words["all"], "POST"))
        case.equal(f"POST {path}", status, 401 if resource not in ("", "{resource}") else status)
        case.true("not let in", status >= 400)
    case.equal("all of them", {answer_to(stage, words["all"], path_of(resource)) for resource in RESOURCES}, {200})
    case.note("five resources; what is none needs what no key has")


def edited(stage, case, words):
    """Another choice of resources counts from the next request on; the key, its id and what it used stay."""
    key = key_for(stage, "orders")
    for _ in range(3):
        answer_to(stage, key["key"])
    case.true("3 requests", within(5, lambda: requests_of(stage, key) == 3))
    before, had = usage(stage, key), look_at(stage, key)
    for scopes, wanted in (
        (["products"], [401, 200]), (["orders", "products"], [200, 200]), ([], [401, 401]), (["orders"], [200, 401]),
    ):
        edited_key = change(stage, key, scopes=scopes)
        case.equal("answer", edited_key["scopes"], scopes)
        if scopes == ["products"]:
            case.equal("use stays", usage(stage, key), before)
            case.equal("all else stays", look_at(stage, key) | {"scopes": had["scopes"]}, had)
        answers = [answer_to(stage, key["key"], path_of(resource)) for resource in ("orders", "products")]
        case.equal(f"{scopes}", answers, wanted)
    case.true("all is counted", within(5, lambda: requests_of(stage, key) == 3 + 4))
    stage.command("keys", "update", key["id"], "--scope", "products")
    answers = [answer_to(stage, key["key"], path_of(resource)) for resource in ("orders", "products")]
    case.equal("by the command", answers, [401, 200])
    case.equal("an unknown one", stage.call("PATCH", f"/keys/{key['id']}", {"scopes": ["order"]})[0], 422)
    case.note("five choices, each from the next request on; key, id and counters as before")


def edited_in_use(stage, case, words):
    key = key_for(stage, "orders")
    stage.settle()
    with busy(stage, ORDERS, [lambda line: line.ask(key["key"])] * 4) as lines:
        within(10, lambda: all(len(line.seen) > 30 for line in lines))
        change(stage, key, scopes=["products"])
        acknowledged = time.monotonic()
        within(10, lambda: time.monotonic() > acknowledged + stage.bound)
        counts = [len(line.seen) for line in lines]
        within(10, lambda: all(len(line.seen) > count + 20 for line, count in zip(lines, counts)))
    seen = [one for line in lines for one in line.seen]
    case.equal("answers", {status for *_, status in seen}, {200, 401})
    after = [status for sent, _, _, status in seen if sent > acknowledged + stage.bound]
    case.equal("those that must know", (len(after) > 40, set(after)), (True, {401}))
    case.note(f"{len(seen)} requests on 4 connections, {len(after)} that must know of it, all of them 401")


def two_keys(stage, case, words):
    owner = new_owner(stage)
    keys = [key_for(stage, scope, owner=owner) for scope in ("orders", "customers")]
    for resource, wanted in (("orders", [200, 401]), ("customers", [401, 200]), ("products", [401, 401])):
        case.equal(resource, [answer_to(stage, key["key"], path_of(resource)) for key in keys], wanted)
    for key, scope in zip(keys, ("orders", "customers")):
        answer_to(stage, key["key"], path_of(scope))
        fields = {name.lower(): value for name, value in stage.api.seen[-1][2]}
        told = [fields[f"x-key-{name}"] for name in ("id", "scopes", "owner")]
        case.equal("at the API", told, [key["id"], scope, owner])
    case.note("two keys of one merchant, two answers")


def challenge(stage, case, words):
    """A 401 names what it asks for (RFC 9110 11.6.1, RFC 6750 3)."""
    answer = send(stage, path_of("products"), words["good"])
    told = field_of(answer, "WWW-Authenticate")
    case.equal("challenge", told, 'Bearer realm="reflow", error="insufficient_scope", scope="products"')
    case.equal("without a key", field_of(send(stage, ORDERS), "WWW-Authenticate"), 'Bearer realm="reflow"')
    error = json.loads(answer.partition("\r\n\r\n")[2])["error"]
    case.equal("members", sorted(error), ["code", "message", "request_id"])
    case.note(told)


def switched_to_403(stage, case, words):
    bound = "    bind: {store_id: key.store}\n"
    refusals = "    refusals: {scope_missing: {status: 403, code: PLAN_LIMIT}}\n"
    with stage.another(lambda text: replaced(text, bound, refusals + bound)) as other:
        key = key_for(other, "orders", owner=new_owner(other))
        answer = send(other, path_of("products"), key["key"])
        code = json.loads(answer.partition("\r\n\r\n")[2])["error"]["code"]
        case.equal("products", (status_of(answer), code), (403, "PLAN_LIMIT"))
        case.equal("orders", answer_to(other, key["key"]), 200)
    case.note("403 PLAN_LIMIT")


def found_by_lookup(stage, case, words):
    """The other way to keep keys: under the part before the dot, the rest compared."""
    def by_lookup(text):
        return replaced(text, "find_by: key}", "find_by: lookup}")

    with stage.another(edit_profile=by_lookup) as other:
        owner = new_owner(other)
        key = key_for(other, "orders", owner=owner)
        case.true("its shape", re.fullmatch(r"[0-9a-z]{7}\.[0-9a-f]{27}", key["key"]))
        case.equal("it works", answer_to(other, key["key"]), 200)
        prefix, page = key["key"][:7], f"{PAGE_KEY[:7]}.{random_secret()}"
        wrong = [f"{prefix}.{random_secret()}" for _ in range(3)]
        wrong.append(key["key"][:-1] + ("0" if key["key"][-1] != "0" else "1"))
        for one in wrong:
            answer = send(other, ORDERS, one)
            case.equal("the same prefix", (status_of(answer), reason_in_log(other, answer)), (403, "key_unknown"))
        same_but_request_id(case, [lambda one=one: send(other, ORDERS, one) for one in (*wrong, random_key())])
        case.equal("it still works", answer_to(other, key["key"]), 200)
        brought = key_for(other, "orders", owner=owner, digest=digest_of(page), prefix=page[:7])
        case.equal("one that is brought in", answer_to(other, page), 200)
        same = digest_of(f"{page[:7]}.{random_secret()}")
        asked = {"api": "reflow", "owner": owner, "digest": same, "prefix": page[:7]}
        case.equal("another of the same prefix", other.call("POST", "/keys", asked)[0], 409)
        case.equal("found", [one["id"] for one in keys_where(other, prefix=page[:7])], [brought["id"]])
        act(other, key, "disable")
        case.equal("switched off", answer_to(other, key["key"]), 403)
        act(other, key, "enable")
        fresh = act(other, key, "rotate", {"grace_seconds": 0}, 201)
        case.true("rotated: another prefix", fresh["key"][:7] != prefix)
        case.equal("old and new", [answer_to(other, one["key"]) for one in (key, fresh)], [403, 200])
        delete(other, brought)
        case.equal("deleted", answer_to(other, page), 403)
        again = key_for(other, "orders", owner=owner, digest=digest_of(page), prefix=page[:7])
        case.equal("its prefix is free again", answer_to(other, page), 200)
        delete(other, again)
        if other.redis:
            written_under_prefix(case, other, owner)
    case.note("right prefix and wrong secret: as a key that does not exist, to the byte")


def written_under_prefix(case, stage, owner):
    """A product's own record: under the SHA-256 of what is before the dot, with that of the whole key in it."""
    key = random_key()
    name = f"kg:key:{hashlib.sha256(key[:7].encode()).hexdigest()}"
    record = {
        "v": 1, "id": f"key_{secrets.token_hex(8)}", "api": "reflow", "owner": owner, "status": "active",
        "scopes": "orders", "bind": json.dumps({"store": STORE}), "prefix": key[:7],
        "secret_digest": hashlib.sha256(key.encode()).hexdigest(),
    }
    with stage.redis.client() as redis:
        redis.command("HSET", name, *(word for pair in record.items() for word in pair))
        answers = [answer_to(stage, one) for one in (key, f"{key[:7]}.{random_secret()}")]
        case.equal("written by hand", answers, [200, 403])
        redis.command("HDEL", name, "secret_digest")
        written = time.monotonic()
        within(5, lambda: time.monotonic() > written + BOUND)
        case.equal("without the whole key's", answer_to(stage, key), 503)
        redis.command("DEL", name)


# ---- two gateways, and a program that writes to Redis


def two_gateways(checks, first, second, report):
    for name, show in (
        ("resources and stores: edited at either, whole at both within the bound", both_edit),
        ("a product writes its own records with nothing but Redis commands", written_by_hand),
    ):
        with report.case(f"two gateways: {name}") as case:
            show((first, second), case)


def asked_until(case, stage, key, target, acknowledged, before, after):
    """First may come the old answer, then the new one alone. @returns how long the old one came, in seconds."""
    last, is_new = acknowledged, False
    while True:
        sent = time.monotonic()
        head = f"GET {target} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        stage.changed = 0  # no waiting
        status = status_of(stage.raw(head))
        if sent > acknowledged + BOUND:
            case.equal("the answer when the bound is over", status, after)
            return last - acknowledged
        case.true(f"{status} within the bound", status in (before, after))
        case.true("never back", status == after or not is_new)
        is_new = status == after
        if not is_new:
            last = sent


def both_edit(gateways, case):
    lags = []
    for number, (members, status) in enumerate([
        ({"scopes": ["products"]}, 401), ({"scopes": ["orders"]}, 200), ({"bind": {"store": OTHER}}, 403),
        ({"bind": {"store": STORE}}, 200), ({"bind": None}, 403), ({"bind": {"store": STORE}}, 200),
    ]):
        at, other = gateways if number % 2 else gateways[::-1]
        if number == 0:
            asked = {"api": "reflow", "owner": MERCHANT, "scopes": ["orders"], "bind": {"store": STORE}}
            key = at.call_here("POST", "/keys", asked)[1]
            before = 200
            asked_until(case, other, key["key"], ORDERS, time.monotonic(), 403, 200)
        case.equal("edited", at.call_here("PATCH", f"/keys/{key['id']}", members)[0], 200)
        acknowledged = time.monotonic()
        at.changed = 0
        case.equal("the next request where it was edited", answer_to(at, key["key"]), status)
        lags.append(asked_until(case, other, key["key"], ORDERS, acknowledged, before, status))
        before = status
    case.note(f"{len(lags)} edits, the old answer at the other one for at most {1000 * max(lags):.1f} ms")


def written_by_hand(gateways, case):
    key = random_key()
    name = f"kg:key:{hashlib.sha256(key.encode()).hexdigest()}"
    record = {
        "v": 1, "id": f"key_{secrets.token_hex(8)}", "api": "reflow", "owner": MERCHANT, "status": "active",
        "scopes": "orders", "bind": json.dumps({"store": STORE}), "prefix": key[:7],
    }
    with gateways[0].redis.client() as redis:
        redis.command("HSET", name, *(word for pair in record.items() for word in pair))
        for change_of, status in (
            ({}, 200), ({"scopes": "products"}, 401), ({"scopes": "orders customers"}, 200),
            ({"bind": json.dumps({"store": OTHER})}, 403), ({"bind": json.dumps({"store": STORE})}, 200),
            ({"bind": "store"}, 503), ({"bind": json.dumps({"store": STORE})}, 200), ({"status": "disabled"}, 403),
        ):
            for pair in change_of.items():
                redis.command("HSET", name, *pair)
            acknowledged = time.monotonic()
            within(5, lambda: time.monotonic() > acknowledged + BOUND)
            case.equal(f"{change_of}", {answer_to(stage, key) for stage in gateways}, {status})
        redis.command("DEL", name)
    case.note("made, edited, and switched off; what cannot be read is 503")
