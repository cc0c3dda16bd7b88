#!/usr/bin/python3
"""What holds at the edge: TLS, certificates that change, addresses that are told, pages of other origins.

    tests/edge/run.py [--long] [--binary build/keygate] [tls|certificates|addresses|cors|proxy_status]...

Each of them runs alone too, and says in its first lines what it shows. The last line is `N passed, N failed`.
Debian's own Python runs this, because that one has Debian's modules.
"""

import argparse
import os
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from in_turn import run  # noqa: E402

PARTS = ("tls", "certificates", "addresses", "cors", "proxy_status")
LONG = ("certificates",)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--long", action="store_true")
    arguments.add_argument("--binary", type=pathlib.Path, help="build/keygate, or $KEYGATE")
    arguments.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = arguments.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        arguments.error(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    if options.binary:
        os.environ["KEYGATE"] = str(options.binary.resolve())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed = failed = 0
    for name in options.parts or PARTS:
        counts = run(HERE / f"{name}.py", ["--long"] if options.long and name in LONG else [])
        passed += counts[0]
        failed += counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
