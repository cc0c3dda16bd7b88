"""Keys sk_live_… and sk_test_…: names, and what the checks do over and over again."""

import hashlib
import secrets
import string

SUMMARY = "/v1/users/usr_123"
OWNER = "acct-1"
REVOKED = (401, "key_revoked")
LETTERS = string.ascii_letters + string.digits


def error_of(case, answer):
    reply = answer.json()
    case.equal("members of the body", sorted(reply), ["error", "success"])
    case.true("no success", reply["success"] is False)
    return reply["error"]


def random_key(prefix="sk_live_", letters=32):
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(letters))


def digest_of(key):
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
