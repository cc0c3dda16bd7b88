#!/usr/bin/python3
"""Drives the gateway with clients and servers that were not written for it.

    tests/clients/run.py [--binary build/keygate] [--only PART]

Real programs and real sockets, with a folder of its own among the system's temporary ones. Every line says what
was seen; the last one is `N passed, N failed`. A program that is missing is a failure: `scripts/packages clients`
installs them. Debian's own Python runs this, because that one has Debian's modules.
"""

import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

import plain  # noqa: E402
from report import Report  # noqa: E402
from stage import HERE, Stage, environment  # noqa: E402

PYTHON = "/usr/bin/python3"
PROGRAMS = ("curl", "wget", "node", "nginx", "caddy")
LIBRARIES = {
    "requests": [PYTHON, "-c", "import requests"],
    "websockets": [PYTHON, "-c", "import websockets"],
    "ws": ["node", "-e", "require('ws')"],
}
PARTS = {
    "curl": [PYTHON, "curl_client.py"],
    "wget": [PYTHON, "wget_client.py"],
    "http.client": [PYTHON, "stdlib_client.py"],
    "requests": [PYTHON, "requests_client.py"],
    "fetch": ["node", "fetch_client.mjs"],
    "servers": [PYTHON, "servers_client.py"],
    "ws": ["node", "ws_client.cjs"],
    "websockets": [PYTHON, "websockets_client.py"],
}
PART_SECONDS = 120


class Count:
    passed = 0
    failed = 0

    def show(self, line):
        print(line, flush=True)
        self.passed += line.startswith("ok   ")
        self.failed += line.startswith("FAIL ")


def within(seconds, is_so):
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def missing():
    """What is not installed."""
    surroundings = environment(pathlib.Path("/nonexistent"))
    names = [name for name in PROGRAMS if shutil.which(name, path=surroundings["PATH"]) is None]
    for name, command in LIBRARIES.items():
        if command[0] in names or subprocess.run(command, env=surroundings, capture_output=True).returncode != 0:
            names.append(name)
    return names


def run_part(stage, name, command, count):
    """Counts the lines of one client program. One that ends in another way than by its own `end` has failed."""
    errors = stage.folder / f"{name}.errors"
    with open(errors, "wb") as file:
        process = subprocess.Popen(
            [command[0], HERE / command[1], json.dumps(stage.describe())],
            stdout=subprocess.PIPE,
            stderr=file,
            env=stage.environment,
            cwd=stage.folder,
            encoding="utf-8",
            errors="replace",
        )
    timer = threading.Timer(PART_SECONDS, process.kill)
    timer.start()
    last = ""
    for line in process.stdout:
        last = line.rstrip("\n")
        if last != "end":
            count.show(last)
    status = process.wait()
    timer.cancel()
    if status != 0 or last != "end":
        said = " ".join(errors.read_text("utf-8", "replace")[-600:].split())
        count.show(f"FAIL {name}: did not come to its end: exit status {status}: {said}")


def look_at_keygate(stage, count):
    """How the gateway itself has come through all that."""
    report = Report(stage.version(), count.show)
    with report.case("its tunnels") as case:
        status = stage.ports["status"]
        case.true("none is open at last", within(20, lambda: plain.metric(status, "keygate_tunnels") == 0))
        case.note("all closed")
    with report.case("SIGTERM") as case:
        case.equal("exit status", stage.keygate.stop(), 0)
        case.note("exit status 0")
    with report.case("what it has logged") as case:
        text = stage.keygate.text()
        case.true("no key", not any(entry["key"] in text for entry in stage.keys.values()))
        others = [line for line in text.splitlines() if not line.startswith("{") and " info " not in line]
        case.equal("warnings and errors", others, [])
        case.note(f"{sum(line.startswith('{') for line in text.splitlines())} requests, no key, no warning")
    with report.case("what has reached the API") as case:
        case.equal("what it could not read", stage.origin.errors, [])
        case.note(f"nothing that it could not read, on {stage.origin.connections} connections")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=HERE.parent.parent / "build" / "keygate", type=pathlib.Path)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given more than once")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of everybody's end
    if not arguments.binary.exists():
        sys.exit(f"run.py: {arguments.binary} is not there; scripts/build makes it")

    count = Count()
    for name in missing():
        count.show(f"FAIL {name}: not installed (scripts/packages clients)")
    if count.failed == 0:
        with Stage(arguments.binary.resolve()) as stage:
            stage.start_all()
            for name, command in PARTS.items():
                if not arguments.only or name in arguments.only:
                    run_part(stage, name, command, count)
            look_at_keygate(stage, count)
    print(f"{count.passed} passed, {count.failed} failed")
    return count.failed != 0


if __name__ == "__main__":
    sys.exit(main())
