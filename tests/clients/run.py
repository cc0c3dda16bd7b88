#!/usr/bin/python3
"""Drives the gateway with clients and servers that were not written for it.

    tests/clients/run.py [--binary build/keygate] [--only PART] [--keep]

Real programs, real sockets, a folder of its own below the system's one for temporary files. Every line says what
was seen; the last one is `N passed, N failed`. A program that is missing is a failure: `scripts/packages clients`
installs them. Debian's own Python, because it is the one that has Debian's modules.
"""

import argparse
import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True

from report import Report  # noqa: E402
from stage import HERE, Stage  # noqa: E402

PARTS = {
    "curl": ["/usr/bin/python3", "curl_client.py"],
    "http.client": ["/usr/bin/python3", "stdlib_client.py"],
    "requests": ["/usr/bin/python3", "requests_client.py"],
}
PART_SECONDS = 120


def run_part(stage, name, command):
    """The lines of one client program. One that ends in another way than by its own `end` has failed."""
    lines = []
    process = subprocess.Popen(
        [command[0], HERE / command[1], json.dumps(stage.describe())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=stage.environment,
        cwd=stage.folder,
    )
    try:
        out, err = process.communicate(timeout=PART_SECONDS)
        problem = None
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        problem = f"still running after {PART_SECONDS} s"
    lines = out.decode("utf-8", "replace").splitlines()
    if problem is None and (process.returncode != 0 or lines[-1:] != ["end"]):
        problem = f"ended with {process.returncode}: {err.decode('utf-8', 'replace')[-600:]}"
    lines = [line for line in lines if line != "end"]
    if problem is not None:
        lines.append(f"FAIL {name}: the program came to no end: {' '.join(problem.split())}")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=HERE.parent.parent / "build" / "keygate", type=pathlib.Path)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part and no other")
    arguments = parser.parse_args()
    if not arguments.binary.exists():
        sys.exit(f"run.py: {arguments.binary} is not there; scripts/build makes it")

    passed = failed = 0
    with Stage(arguments.binary.resolve()) as stage:
        stage.start_keygate()
        for name, command in PARTS.items():
            if arguments.only and name not in arguments.only:
                continue
            for line in run_part(stage, name, command):
                print(line, flush=True)
                passed += line.startswith("ok   ")
                failed += line.startswith("FAIL ")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
