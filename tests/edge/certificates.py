#!/usr/bin/python3
"""Certificates are replaced while clients come without a pause: nobody notices, but for the new certificate.

    tests/edge/certificates.py [--long]

Handshakes, requests on new connections, on connections that stay, and with sessions that are taken up again; all
that goes wrong is counted. The gateway is the one of $KEYGATE, or build/keygate. The last line is
`N passed, N failed`.
"""

import argparse
import contextlib
import signal
import sys
import threading

sys.dont_write_bytecode = True

from authority import Authority, fingerprint  # noqa: E402
from behind import Behind  # noqa: E402
from gate import Counted, Folder, Gateway, api, becomes, check  # noqa: E402
from talk import Line, context  # noqa: E402

SECONDS = 15
NAME = "shop.example.test"
CHANGES = 20
LONG_CHANGES = 200
LOOKS = 12  # handshakes after each change: all workers of the gateway have had some
CLIENTS = {"new connections": 2, "sessions taken up again": 1, "connections that stay": 2}
CALM = 3  # of each client's requests after the last change


class Client(threading.Thread):
    """Asks all the time; what went wrong is kept."""

    def __init__(self, site, kind):
        super().__init__(daemon=True)
        self.site = site
        self.kind = kind
        self.tls = context(site.authority)
        self.requests = self.handshakes = self.reused = 0
        self.problems = []
        self.is_ending = False

    def run(self):
        work = {"new connections": self.come, "sessions taken up again": self.come_again}.get(self.kind, self.stay)
        while not self.is_ending:
            try:
                work()
            except Exception as error:  # that is what is looked for
                self.problems.append(f"{type(error).__name__}: {error}")

    def line(self, session=None):
        line = Line(self.site.port, self.tls, NAME, session=session)
        self.handshakes += 1
        return line

    def ask(self, line):
        answer = line.ask(key=self.site.key)
        self.requests += 1
        if answer.status != 200:
            self.problems.append(str(answer))

    def come(self):
        with self.line() as line:
            self.ask(line)
            self.ask(line)

    def come_again(self):
        with self.line() as line:
            self.ask(line)
            session = line.socket.session
        with self.line(session) as line:
            self.ask(line)
            self.reused += line.socket.session_reused

    def stay(self):
        with self.line() as line:
            while not self.is_ending:
                self.ask(line)


class Site:
    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(Folder("edge-certificates"))
            self.authority = Authority(self.folder, "authority")
            self.used = self.authority.sign(NAME)
            self.second = self.authority.sign("other.example.test")
            behind = stack.enter_context(Behind())
            tls = {"certificates": [self.used.files(), self.second.files()]}
            self.gateway = stack.enter_context(Gateway(self.folder, {"shop": api(behind)}, {"tls": {"tls": tls}}))
            self.port = self.gateway.port
            self.key = self.gateway.key()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def new(self, name=NAME):
        return self.authority.sign(name)

    def prints(self, name=NAME, count=LOOKS):
        """What new connections are shown."""
        seen = set()
        for _ in range(count):
            with Line(self.port, context(), name) as line:
                seen.add(fingerprint(line.socket.getpeercert(True)))
        return seen


def under_load(report, site, changes):
    clients = [Client(site, kind) for kind, count in CLIENTS.items() for _ in range(count)]
    for client in clients:
        client.start()
    try:
        with report.case("everybody is served before anything changes") as case:
            case.true("so it is", becomes(lambda: all(client.requests > CALM for client in clients), SECONDS))
        with report.case(f"{changes} certificates, each by `keygate reload` while clients come") as case:
            for number in range(changes):
                before, new = site.used.print, site.new()
                site.used.take(new)
                case.true("another one", before != new.print)
                done = site.gateway.reload()
                case.equal(f"exit status of reload {number} ({done.stderr})", done.returncode, 0)
                # The command has returned: every handshake that begins from here on gets the new one.
                case.equal(f"certificates after reload {number}", site.prints(), {new.print})
            case.note(f"{changes * LOOKS} handshakes after them, each with the new one")
        with report.case("one more by SIGHUP") as case:
            new = site.new()
            site.used.take(new)
            site.gateway.program.process.send_signal(signal.SIGHUP)
            case.true("it is shown", becomes(lambda: site.prints(count=1) == {new.print}, SECONDS))
            case.equal("by all", site.prints(), {new.print})
        with report.case("the certificate of another name alone") as case:
            new = site.new("other.example.test")
            site.second.take(new)
            case.equal("exit status", site.gateway.reload().returncode, 0)
            case.equal("its certificates", site.prints("other.example.test"), {new.print})
            case.equal("of the first name", site.prints(), {site.used.print})
        then = [client.requests for client in clients]
        with report.case("everybody is still served") as case:
            served = becomes(lambda: all(c.requests > old + CALM for c, old in zip(clients, then)), SECONDS)
            case.true("so it is", served)
    finally:
        for client in clients:
            client.is_ending = True
        for client in clients:
            client.join(SECONDS)
    for kind in CLIENTS:
        those = [client for client in clients if client.kind == kind]
        with report.case(kind) as case:
            case.equal("what went wrong", [problem for client in those for problem in client.problems][:5], [])
            handshakes, requests = (sum(getattr(c, what) for c in those) for what in ("handshakes", "requests"))
            case.true("there were some", requests)
            if kind == "connections that stay":
                case.equal("connections in all that time", handshakes, len(those))
            case.note(f"{handshakes} handshakes, {requests} requests, none failed")
            if kind == "sessions taken up again":
                case.note(f"{sum(client.reused for client in those)} taken up")


def refused(report, site):
    good = {file: file.read_bytes() for file in (site.used.file, site.used.key)}
    foreign = site.new()
    halves = good[site.used.file][: len(good[site.used.file]) // 2]
    for what, file, data in (
        ("a certificate that is no certificate", site.used.file, b"nothing of the kind\n"),
        ("an empty certificate file", site.used.file, b""),
        ("half a certificate", site.used.file, halves),
        ("a certificate of another key", site.used.file, foreign.file.read_bytes()),
        ("a key that is no key", site.used.key, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("a key of another certificate", site.used.key, foreign.key.read_bytes()),
        ("a certificate file that is gone", site.used.file, None),
        ("a key file that is gone", site.used.key, None),
    ):
        with report.case(f"reload with {what}") as case, Line(site.port, context(site.authority), NAME) as line:
            case.equal("status before", line.ask(key=site.key).status, 200)
            if data is None:
                file.unlink()
            else:
                file.write_bytes(data)
            try:
                done = site.gateway.reload()
            finally:
                file.write_bytes(good[file])
            case.true(f"exit status: {done.returncode}", done.returncode not in (0, -signal.SIGSEGV))
            said = done.stderr + done.stdout
            named = (site.used.file.name, site.used.key.name)
            case.true(f"the message names the file: {said}", any(name in said for name in named))
            case.true(f"no secret is in it: {said}", "PRIVATE" not in said)
            case.equal("status on the connection that is open", line.ask(key=site.key).status, 200)
            case.equal("certificates", site.prints(), {site.used.print})
            case.note(" ".join(said.split())[:200])
    with report.case("SIGHUP with a certificate of another key: the log names the file") as case:
        before = len(site.gateway.log())
        site.used.file.write_bytes(foreign.file.read_bytes())
        try:
            site.gateway.program.process.send_signal(signal.SIGHUP)
            names = (site.used.file.name, site.used.key.name)
            told = becomes(lambda: any(name in site.gateway.log()[before:] for name in names), SECONDS)
        finally:
            site.used.file.write_bytes(good[site.used.file])
        case.true("so it does", told)
        case.equal("certificates", site.prints(), {site.used.print})
    with report.case("after all that, a good one") as case:
        new = site.new()
        site.used.take(new)
        case.equal("exit status", site.gateway.reload().returncode, 0)
        case.equal("certificates", site.prints(), {new.print})
    with report.case("`keygate check` with a key of another certificate") as case:
        kept = site.used.key.read_bytes()
        site.used.key.write_bytes(foreign.key.read_bytes())
        done = site.gateway.command("check")
        site.used.key.write_bytes(kept)
        case.equal("exit status", done.returncode, 1)
        case.true(f"the message: {done.stderr}", site.used.key.name in done.stderr + done.stdout)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--long", action="store_true", help=f"{LONG_CHANGES} certificates")
    is_long = arguments.parse_args().long
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    check("openssl")
    counted = Counted("certificates")
    with counted.report.case("a gateway with two certificates") as case, Site() as site:
        case.equal("the first", site.prints(), {site.used.print})
        under_load(counted.report, site, LONG_CHANGES if is_long else CHANGES)
        refused(counted.report, site)
        with counted.report.case("SIGTERM") as end:
            end.equal("exit status", site.gateway.stop(), 0)
    return counted.end()


if __name__ == "__main__":
    sys.exit(main())
