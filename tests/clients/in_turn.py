"""Runs the programs of a folder one after the other, and adds up what each of them says in its last line.

    N passed, N failed
"""

import argparse
import os
import re
import signal
import subprocess
import sys

LAST = re.compile(r"(\d+) passed, (\d+) failed\n")


def run(program, options):
    """(passed, failed)"""
    last = ""
    with subprocess.Popen([sys.executable, program, *options], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            last = line
            if not LAST.fullmatch(line):
                print(line, end="", flush=True)
    found = LAST.fullmatch(last)
    if found:
        return int(found[1]), int(found[2])
    print(f"FAIL {program.stem}: ended with {process.returncode} before it was done", flush=True)
    return 0, 1


def main(what, folder, names, short=()):
    """The exit status. short: those that know no --long."""
    arguments = argparse.ArgumentParser(description=what.splitlines()[0])
    arguments.add_argument("--long", action="store_true")
    arguments.add_argument("--only", choices=names)
    arguments.add_argument("--binary", help="the gateway, in place of $KEYGATE")
    options = arguments.parse_args()
    if options.binary:
        os.environ["KEYGATE"] = os.path.abspath(options.binary)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed = failed = 0
    for name in [options.only] if options.only else names:
        is_long = options.long and name not in short
        counts = run(folder / f"{name}.py", ["--long"] if is_long else [])
        passed += counts[0]
        failed += counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
