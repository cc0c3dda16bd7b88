#!/usr/bin/python3
"""All that is here, one after the other.

    tests/limits/run.py [--long] [--only NAME]

Each of them runs alone too, and says in its first lines what it shows. The gateway is the one of $KEYGATE, or
build/keygate. The last line is `N passed, N failed`.
"""

import argparse
import pathlib
import re
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RIGS = ("recheck", "wire", "away", "flood", "exact")


def run(name, options):
    """(passed, failed)"""
    program = [sys.executable, HERE / f"{name}.py", *options]
    last = ""
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            last = line
            if not re.fullmatch(r"\d+ passed, \d+ failed\n", line):
                print(line, end="", flush=True)
    found = re.fullmatch(r"(\d+) passed, (\d+) failed\n", last)
    if found:
        return int(found[1]), int(found[2])
    print(f"FAIL {name}: ended with {process.returncode} before it was done", flush=True)
    return 0, 1


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--long", action="store_true")
    arguments.add_argument("--only", choices=RIGS)
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed = failed = 0
    for name in [options.only] if options.only else RIGS:
        counts = run(name, ["--long"] if options.long else [])
        passed += counts[0]
        failed += counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
