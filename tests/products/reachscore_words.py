"""ReachScore: its names, and what its checks do over and over again."""

import hashlib
import secrets
import string

from acts import ask
from steps import new_owner

SUMMARY = "/v1/tests/tst_1"
ME = "/v1/auth/me"
KEYS = "/v1/keys"
OWNER = "org_abc123"
REVOKED = (403, "key_revoked")
LETTERS = string.ascii_letters + string.digits
TESTS_LIMIT = 1000
TEST_RATE = 60
SCOPES = (
    "tests:read", "tests:write", "domains:read", "domains:write", "monitors:read", "monitors:write", "webhooks:manage",
    "billing:manage",
)  # fmt: skip  # fmt: skip
ROUTES = {
    "tests:read": (
        ("GET", "/v1/tests"), ("GET", "/v1/tests/tst_1"), ("HEAD", "/v1/tests/tst_1"), ("GET", "/v1/tests/tst_1/report")
    ),
    "tests:write": (
        ("POST", "/v1/tests"), ("PATCH", "/v1/tests/tst_1"), ("DELETE", "/v1/tests/tst_1"), ("POST", "/v1/tests/t/x")
    ),
    "domains:read": (("GET", "/v1/domains"), ("GET", "/v1/domains/dom_1")),
    "domains:write": (("POST", "/v1/domains"), ("DELETE", "/v1/domains/dom_1")),
    "monitors:read": (("GET", "/v1/monitors"), ("GET", "/v1/monitors/mon_1/runs")),
    "monitors:write": (("POST", "/v1/monitors"), ("PUT", "/v1/monitors/mon_1")),
    "webhooks:manage": (("GET", "/v1/webhooks"), ("POST", "/v1/webhooks"), ("DELETE", "/v1/webhooks/wh_1")),
    "billing:manage": (("GET", "/v1/billing/invoices"), ("POST", "/v1/billing/plan")),
}  # fmt: skip  # fmt: skip
MEMBERS = ["created_at", "expires_at", "id", "key", "key_hint", "livemode", "name", "object", "scopes"]
SHOWN = sorted({*MEMBERS, "status", "last_used_at"} - {"key"})
TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NARROWED = "POST /v1/keys: {answer: create_key, require_scope: billing:manage}"


def random_key(prefix="rk_live_", letters=32):
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(letters))


def digest_of(key):
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def fresh_owner(stage, plan="team", **members):
    """An organization that no other check uses, not even at another gateway."""
    return new_owner(stage, plan=plan, **members)


def make(stage, key, **members):
    """What a customer does."""
    return ask(stage, "POST", KEYS, key, members)


def made(stage, key, **members):
    answer = make(stage, key, **members)
    if answer.status != 201:
        raise RuntimeError(f"{members}: {answer.status} {answer.body}")
    return answer.json()


def me(stage, key):
    answer = ask(stage, "GET", ME, key)
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {answer.body}")
    return answer.json()


def usage_of(stage, key):
    usage = me(stage, key)["usage"]
    return usage["tests_this_month"], usage["tests_limit"]
