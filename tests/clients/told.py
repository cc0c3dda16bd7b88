"""What run.py tells a client program written in Python, and what those have in common."""

import hashlib
import itertools
import json
import re
import subprocess
import sys

import plain

MIB = 1 << 20
UNKNOWN_KEY = "kg_live_0000000000000000000000000000000000000000"

site = json.loads(sys.argv[1])
origin = site["urls"]["origin"]
key = site["keys"]["origin"]["key"]
key_id = site["keys"]["origin"]["id"]
spent_key = site["keys"]["spent"]["key"]

_numbers = itertools.count(1)


def bearer(value):
    return {"Authorization": f"Bearer {value}"}


def new_tag():
    """A word by which the origin tells requests apart; see `seen`."""
    return f"{sys.argv[0].rpartition('/')[2]}-{next(_numbers)}"


def seen(tag):
    """How many requests with this tag have reached the origin, and how much of their bodies."""
    return json.loads(plain.get(f"{site['control']}/seen/{tag}"))


def release(name):
    """Lets the origin send the second event of that name."""
    plain.get(f"{site['control']}/release/{name}")


def metric(name):
    return plain.metric(site["ports"]["status"], name)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def body_of(size):
    """Bytes that no compression shortens and no two places share."""
    return hashlib.shake_128(str(size).encode()).digest(size)


def version_of(program):
    first = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    return re.search(r"\d+(\.\d+)+", first)[0]


def heads_in(text):
    """Every head that came, in order: [(status, [(name, value), ...]), ...]."""
    heads = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("HTTP/"):
            heads.append((int(line.split()[1]), []))
        elif ":" in line and heads:
            name, _, value = line.partition(":")
            heads[-1][1].append((name.strip().lower(), value.strip()))
    return heads
