#!/usr/bin/python3
"""Upstreams in all their moods: servers that die, hang and lie, names that move, queues, streams that must end.

    tests/upstreams/run.py [--long] [--only NAME] [--binary PATH]

Each part runs alone too, and says in its first lines what it shows. The gateway is the one of --binary, of $KEYGATE,
or build/keygate. The last line is `N passed, N failed`.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "clients"))

from in_turn import main  # noqa: E402

if __name__ == "__main__":
    parts = ("parts", "faults", "rotation", "dns", "crowd", "routes", "streams")
    sys.exit(main(__doc__, HERE, parts, short=("parts", "routes")))
