"""Looks for keys and tokens where none may be: in files, and in what a core dump of a process would hold."""

import contextlib
import os
import pathlib
import random
import re
import signal
import string
import time

GRAM = 12  # letters; more than any shown prefix of a key has of its random part
SECONDS = 10
LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


class Secrets:
    """Everything that must be nowhere, by the name of where it was used."""

    def __init__(self):
        self.grams = {}
        self.names = []
        self.values = []

    def add(self, name, value):
        """@param value  its random part is what is looked for."""
        part = max(re.findall("[A-Za-z0-9]+", value), key=len)
        self.names.append(name)
        self.values.append(value)
        for i in range(len(part) - GRAM + 1):
            self.grams[part[i : i + GRAM].encode()] = len(self.names) - 1
        return value

    def key(self, name):
        return self.add(name, "kg_live_" + random_text(LETTERS, 40))

    def token(self, name):
        return self.add(name, random_text(LETTERS, 48))

    def hexed(self, name):
        return self.add(name, "rp_" + random_text(HEX, 64))

    def found_in(self, data):
        """Name of each that is there, with the longest piece of it."""
        found = {}
        for run in re.finditer(rb"[A-Za-z0-9]{%d,}" % GRAM, data):
            text = run.group()
            length = GRAM - 1
            for i in range(len(text) - GRAM + 1):
                number = self.grams.get(text[i : i + GRAM])
                length = length + 1 if number is not None else GRAM - 1
                if number is not None:
                    found[self.names[number]] = max(length, found.get(self.names[number], 0))
        return found


def random_text(letters, count):
    source = random.SystemRandom()
    return "".join(source.choice(letters) for _ in range(count))


def files_with(secrets, folder, but=()):
    """{name of a file: what is in it} for all files below a folder, but for those of these names."""
    found = {}
    for file in sorted(pathlib.Path(folder).rglob("*")):
        if file.is_file() and file.name not in but:
            seen = secrets.found_in(file.read_bytes())
            if seen:
                found[file.name] = seen
    return found


def memory_of(pid):
    """Every writable mapping, while the process stands still: (name, bytes)."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until_stopped(pid)
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            for row in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
                span, rights, _, _, _, *name = row.split()
                if "w" not in rights:
                    continue
                first, last = (int(word, 16) for word in span.split("-"))
                mem.seek(first)
                with contextlib.suppress(OSError):  # no page behind it
                    yield f"{name[0] if name else 'anonymous'} {span}", read_all(mem, last - first)
    finally:
        os.kill(pid, signal.SIGCONT)


def read_all(file, size):
    pieces = []
    while size > 0:
        piece = file.read(min(size, 1 << 24))
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def wait_until_stopped(pid):
    def is_stopped():
        return re.search(r"^State:\s+T", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)

    if not within(SECONDS, is_stopped):
        raise RuntimeError("the gateway does not stand still")


def within(seconds, is_so):
    deadline = time.monotonic() + seconds
    while not (seen := is_so()):
        if time.monotonic() > deadline:
            return seen
        time.sleep(0.02)
    return seen
