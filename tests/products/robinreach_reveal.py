"""RobinReach: a key that is seen again, or not."""

import hashlib
import json
import os
import re
import secrets
import stat

from robinreach_company import POSTS, answer_to, company, digest_of, random_key, store_bytes
from steps import act, create, keys_where, look_at, refusal_of, replaced, send, switched_on


def no_reveal(stage, case, words):
    key = create(stage, company(stage))
    case.equal("reveal", refusal_of(stage.call("POST", f"/keys/{key['id']}:reveal")), (409, "not_recoverable"))
    for method, path in (("GET", ":reveal"), ("GET", "/key"), ("GET", "?reveal=true")):
        status, reply = stage.call(method, f"/keys/{key['id']}{path}")
        case.true(f"{method} {path}: {status}", status in (400, 404, 405, 409))
        case.true("no key", key["key"] not in json.dumps(reply))
    try:
        case.true(f"not said by the command: {stage.command('keys', 'reveal', key['id'])}", False)
    except RuntimeError as refused:
        case.true("the command is told why", "recoverable" in str(refused) and key["key"] not in str(refused))
    case.true("nothing sealed is kept", not sealed_texts(stage, key))
    case.note("409 not_recoverable")


def sealed_texts(stage, key):
    """What is kept of this key to be opened again: `v1.`, the name of the key file, and the rest."""
    if stage.redis:
        with stage.redis.client() as redis:
            name = f"kg:key:{hashlib.sha256(key['key'].encode()).hexdigest()}"
            sealed = redis.command("HGET", name, "sealed")
        return [sealed] if sealed else []
    return re.findall(rb"v1\.[0-9A-Za-z_-]{1,64}\.[0-9A-Za-z_-]{40,}", store_bytes(stage))


def reveal(stage, case, words):
    """With the one line of the configuration."""
    viewer = secrets.token_hex(16)

    def with_switch(text):
        text = switched_on(text, "recoverable: {key_file: reveal.key}")
        token = f'  tokens: [{{name: reports, role: viewer, digest: "{digest_of(viewer)}"}}]\n'
        return replaced(text, "apis:\n", f"{token}\napis:\n")

    with stage.another(with_switch) as other:
        file = other.folder / "reveal.key"
        case.true("64 hexadecimal letters", re.fullmatch(r"[0-9a-f]{64}\n?", file.read_text()))
        case.equal("the mode of its key file", stat.S_IMODE(os.stat(file).st_mode), 0o600)
        key = create(other, company(other))
        path = f"/keys/{key['id']}:reveal"
        whole = {"object": "api_key", "id": key["id"], "key": key["key"]}
        case.equal("what is revealed", other.call("POST", path), (200, whole))
        case.equal("by the command", key["key"] in other.command("keys", "reveal", key["id"]), True)
        case.equal("a viewer", other.call_here("POST", path, token=viewer)[0], 403)
        case.true("not in views", key["key"] not in json.dumps([look_at(other, key), keys_where(other)]))
        line = [line for line in other.log().splitlines() if path in line]
        case.true("who, and whose key, is in the log", line and "actor=token_file" in line[0])
        fresh = create(other, key["owner"], regenerate=True)
        case.equal("the new one", other.call("POST", f"/keys/{fresh['id']}:reveal")[1]["key"], fresh["key"])
        case.equal("the old one", other.call("POST", path)[0], 409)
        turned = act(other, fresh, "rotate", {"grace_seconds": 0}, 201)
        case.equal("after a rotation", other.call("POST", f"/keys/{turned['id']}:reveal")[1]["key"], turned["key"])
        imported = create(other, company(other), digest=digest_of(random_key()))
        told = other.call("POST", f"/keys/{imported['id']}:reveal")
        case.equal("a key that was never seen here", refusal_of(told), (409, "not_recoverable"))
        case.true("what is kept is sealed", sealed_texts(other, turned))
        everything = store_bytes(other)
        for one in (key, fresh, turned):
            case.true("not in the store", one["key"][4:-4].encode() not in everything)
            case.true("not in the log", one["key"] not in other.log())
        with_another_key_file(case, other, file, turned)
    case.note("200 for operators, with what keys are sealed with in a file of its own; nothing in clear")


def with_another_key_file(case, other, file, key):
    right = file.read_text()
    for text, status in ((secrets.token_hex(32) + "\n", 503), (right, 200)):
        case.equal("it stops", other.gateway.stop(), 0)
        file.write_text(text)
        other.__enter__()
        case.equal("revealed with that file", other.call("POST", f"/keys/{key['id']}:reveal")[0], status)
        case.equal("the key itself works", answer_to(other, key["key"]), 200)


def breach(stage, case, words):
    key = create(stage, company(stage))
    send(stage, POSTS, key["key"])
    everything = store_bytes(stage)
    case.true("a store", len(everything) > 1000)
    for secret in (key["key"], words["good"], words["regenerated"]):
        case.true("not in the files", secret.encode() not in everything and secret[4:-4].encode() not in everything)
        case.true("nor a part of it", not any(secret[i : i + 12].encode() in everything for i in range(20)))
        case.true("nor as bytes", bytes.fromhex(secret) not in everything)
    digest = hashlib.sha256(key["key"].encode())
    case.true("its SHA-256 is", digest.digest() in everything or digest.hexdigest().encode() in everything)
    case.note("SHA-256 and eight letters, no key")
