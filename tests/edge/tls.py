#!/usr/bin/python3
"""TLS before and behind the gateway, as openssl, curl, Python and written bytes see it.

    tests/edge/tls.py [--only accepts|clients|traffic|upstreams]

The gateway is the one of $KEYGATE, or build/keygate. The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import signal
import sys

sys.dont_write_bytecode = True

from gate import Counted, check  # noqa: E402
import tls_accepts  # noqa: E402
import tls_clients  # noqa: E402
import tls_traffic  # noqa: E402
import tls_upstreams  # noqa: E402
from tls_site import Site  # noqa: E402

FRONT = {"accepts": tls_accepts, "clients": tls_clients, "traffic": tls_traffic}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", choices=[*FRONT, "upstreams"], action="append")
    only = arguments.parse_args().only or [*FRONT, "upstreams"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check("openssl", "curl")
    counted = Counted("TLS")
    with contextlib.ExitStack() as stack:
        if any(name in FRONT for name in only):
            with counted.report.case("a gateway with listeners of all kinds") as case:
                site = stack.enter_context(Site())
                case.true("it answers", site.is_well())
                for name in FRONT:
                    if name in only:
                        FRONT[name].all_of_it(counted.report, site)
    if "upstreams" in only:
        with counted.report.case("a gateway with upstreams of all kinds") as case:
            case.note("done")
            tls_upstreams.all_of_it(counted.report)
            case.true("to the end", True)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
