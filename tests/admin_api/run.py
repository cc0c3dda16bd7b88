#!/usr/bin/python3
"""The admin API of a whole gateway, against its own description, and against people who mean no good; and
the commands that speak to it.

    tests/admin_api/run.py [--binary build/keygate] [--store file|redis]

All of it is done on both stores: on the embedded file, and with keys in Redis.
Every answer must be one that gateway/admin/openapi.json has for its call and status; every pair of the two must have
been seen, or there is a reason why not. Debian's own Python runs this, because that one has Debian's modules:
`scripts/packages clients`. The last line is `N passed, N failed`.
"""

import argparse
import pathlib
import signal
import sys

sys.dont_write_bytecode = True

import commands  # noqa: E402
import races  # noqa: E402
from calls import Calls  # noqa: E402
from document import Document  # noqa: E402
from gateway import STORES, Gateway  # noqa: E402
from hostile import Hostile  # noqa: E402
from report import Report  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def run(binary, store, report):
    report.say(f"keys in {store}")
    with Gateway(binary, store) as gateway:
        document = Document(gateway.call("GET", "/admin/v1/openapi.json").json())
        calls = Calls(gateway, document, report)
        calls.run()
        end(gateway, report)
    calls.full_store(binary, store)
    calls.report_unseen()
    with Gateway(binary, store) as gateway:
        Hostile(gateway, document, report).run()
        end(gateway, report)
    commands.run(binary, store, document, report)
    if store == "redis":
        races.run(binary, document, report)


def end(gateway, report):
    report.row(f"{len(gateway.secrets.names)} keys and tokens are found nowhere", gateway.secrets_left())
    report.row("the end", [] if gateway.stop() == 0 else [(gateway.folder / "log").read_text()[-2000:]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=ROOT / "build/keygate", type=pathlib.Path)
    parser.add_argument("--store", choices=STORES, action="append", help="this one alone")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    for store in arguments.store or STORES:
        run(arguments.binary.resolve(), store, report)
    return 0 if report.end() else 1


if __name__ == "__main__":
    sys.exit(main())
