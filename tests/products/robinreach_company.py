"""RobinReach: companies and keys, for all of its checks."""

import hashlib
import secrets

from steps import new_owner, send, status_of

POSTS = "/api/v1/posts"
OFTEN = "1000000/1m"  # a key's own rate, where a check sends more than a plan has
CLIENTS = 8


def company(stage, plan="bloom"):
    return new_owner(stage, plan=plan)


def random_key():
    return secrets.token_hex(16)


def digest_of(key):
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def answer_to(stage, key, target=POSTS):
    return status_of(send(stage, target, key))


def store_bytes(stage):
    files = stage.redis.files() if stage.redis else {
        file.name: file.read_bytes() for file in stage.folder.glob("robinreach.db*") if file.is_file()
    }
    return b"".join(files.values())
