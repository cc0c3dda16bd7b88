"""TLS behind the gateway: whose certificates it believes, and answers that end in the middle."""

import contextlib
import hashlib

from authority import PAST, Authority, self_signed
from behind import Behind, content
from gate import Folder, Gateway, api
from talk import ask, context

SIZE = 100000
INSIDE = "inside.example.test"


class Ways:
    """A gateway with an API for each kind of upstream."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(Folder("edge-behind"))
            authority = Authority(folder, "authority")
            good, ours = authority.sign(INSIDE, "127.0.0.1"), authority.sign("gate", usage="clientAuth")
            self.behind = {
                "plain": Behind(),
                "good": Behind(good),
                "named": Behind(authority.sign(INSIDE)),
                "wrong_name": Behind(authority.sign("elsewhere.example.test")),
                "self_signed": Behind(self_signed(folder, "127.0.0.1")),
                "expired": Behind(authority.sign("127.0.0.1", dates=PAST)),
                "mutual": Behind(good, authority),
                "mutual_without": Behind(good, authority),
            }
            more = {name: {"tls": {"ca": str(authority.file)}} for name in self.behind if name != "plain"}
            more["named"]["tls"]["server_name"] = more["wrong_name"]["tls"]["server_name"] = INSIDE
            more["mutual"]["tls"] |= ours.files()
            routes = {"ANY /open/**": "public"}
            apis = {}
            for name, behind in self.behind.items():
                stack.enter_context(behind)
                apis[name] = api(behind, routes, more.get(name), hosts=[host(name)])
            front = self.certificate = authority.sign("*.example.test")
            listeners = {"tls": {"tls": front.files()}, "plain": {}}
            self.gateway = stack.enter_context(Gateway(folder, apis, listeners))
            self.tls = context(authority)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def ask(self, way, target="/open/echo", listener="tls", **members):
        tls = self.tls if listener == "tls" else None
        return ask(self.gateway.ports[listener], tls, host(way), target=target, host=host(way), **members)


def host(name):
    return f"{name.replace('_', '-')}.example.test"


def all_of_it(report):
    with Ways() as ways:
        believed(report, ways)
        cut(report, ways)
        with report.case("after all these upstreams") as case:
            case.equal("status", ways.ask("good").status, 200)


def believed(report, ways):
    for way, what in (
        ("good", "by its address"),
        ("named", "by `server_name`"),
        ("mutual", "that asks for ours"),
    ):
        with report.case(f"an upstream with a good certificate, {what}") as case:
            answer = ways.ask(way, method="POST", body=content(SIZE))
            case.equal("status", answer.status, 200)
            case.equal("SHA-256", answer.json()["sha256"], hashlib.sha256(content(SIZE)).hexdigest())
            if way == "named":
                case.equal("name that was asked for", set(ways.behind[way].names), {INSIDE})
    for way, what in (
        ("wrong_name", "of another name"),
        ("self_signed", "signed by itself"),
        ("expired", "expired"),
        ("mutual_without", "good, but it asks for ours, and there is none"),
    ):
        with report.case(f"an upstream with a certificate that is {what}") as case:
            answer = ways.ask(way)
            case.true(f"an error of ours: {answer}", str(answer)[:12] in ("502 upstream", "503 upstream"))
            case.equal("requests there", ways.behind[way].count, 0)
            told = f"{way}/live: 127.0.0.1:{ways.behind[way].port}: TLS: "
            why = [line.split(told)[1] for line in ways.gateway.program.text().splitlines() if told in line]
            case.true(f"the log says why: {told}", bool(why))
            case.note(f"{answer}, {why[0] if why else 'unsaid'}")


def cut(report, ways):
    data = content(SIZE)
    for way in ("plain", "good"):
        for listener in ("plain", "tls"):
            for version in ("1.1", "1.0"):
                for what, is_whole in (("until-close", True), ("cut", way == "plain"), ("half", False)):
                    kind = "HTTPS" if way == "good" else "HTTP"
                    client = f"{'HTTPS' if listener == 'tls' else 'HTTP'}/{version}"
                    with report.case(f"{client} before, {kind} behind: /{what}/{SIZE}") as case:
                        answer = ways.ask(way, f"/open/{what}/{SIZE}", listener, version=version)
                        case.equal("status", answer.status, 200)
                        case.equal("whole", answer.is_whole, is_whole)
                        if is_whole:
                            case.equal("body", answer.body == data, True)
                        else:
                            case.true("no more than was sent", data.startswith(answer.body))
                        case.note("whole" if is_whole else f"cut after {len(answer.body)} bytes")
