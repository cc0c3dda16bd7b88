"""What run.py tells a client program written in Python, and what those have in common."""

import hashlib
import itertools
import json
import re
import subprocess
import sys
import urllib.request

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


def _control(path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{site['control']}/{path}", timeout=10) as answer:
        return answer.read()


def seen(tag):
    """How many requests with this tag have reached the origin, and how much of their bodies."""
    return json.loads(_control(f"seen/{tag}"))


def release(name):
    """Lets the origin send the second event of that name."""
    _control(f"release/{name}")


def metric(name):
    """A counter of the gateway that has no labels."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{site['ports']['status']}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return int(float(line.split()[1]))
    raise KeyError(name)


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
