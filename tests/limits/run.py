#!/usr/bin/python3
"""All that is here, one after the other.

    tests/limits/run.py [--long] [--only NAME]

Each of them runs alone too, and says in its first lines what it shows. The gateway is the one of $KEYGATE, or
build/keygate. The last line is `N passed, N failed`.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from in_turn import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, ("recheck", "wire", "away", "flood", "exact"), short=("recheck",)))
