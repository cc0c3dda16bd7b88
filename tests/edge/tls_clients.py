"""Certificates of clients, what the API is told of them, and sessions that are taken up again."""

import itertools
import ssl

from talk import Line, Nothing, refusal_of
from tls_site import CLIENT, NAME

VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
NONE_SENT = {"TLS 1.2": "handshake failure", "TLS 1.3": "certificate required"}
RESUMED = 12  # times: all workers of the gateway have had one
SPOOFS = ("Client-Cert: {spoof}", "client-cert: {spoof}", "Client_Cert: {spoof}", "Client-Cert-Chain: {spoof}",
          "CLIENT-CERT: {spoof}", "Client.Cert: {spoof}")  # fmt: skip
numbers = itertools.count(1)


def only(site, version, certificate=None):
    return site.trusting(certificate, minimum_version=VERSIONS[version], maximum_version=VERSIONS[version])


def tagged():
    """A target that no other request has."""
    return f"/v1/echo?tag=client-{next(numbers)}-end"


def told_by(saw):
    """What the API could take for a client's certificate."""
    plain = {name: name.replace("_", "-").replace(".", "-") for name in saw}
    return {name: lines for name, lines in saw.items() if plain[name].startswith("client-c")}


def certificates(report, site):
    for version in VERSIONS:
        for listener, what in (("demanded", "required"), ("optional", "optional")):
            with report.case(f"{version}, {what}: a good one") as case:
                answer = site.ask(listener, only(site, version, site.client))
                case.equal("status", answer.status, 200)
                case.equal("Client-Cert", answer.saw.get("client-cert"), [site.client.forwarded])
                case.note("its DER is in Client-Cert")
            for wrong, (certificate, alert) in site.bad.items():
                with report.case(f"{version}, {what}: one that is {wrong}") as case:
                    target = tagged()
                    told = refusal_of(lambda: site.ask(listener, only(site, version, certificate), target=target))
                    case.equal("told", told, alert)
                    case.equal("requests at the API", site.behind.with_tag(target), [])
                    case.note(told)
        with report.case(f"{version}, required: none") as case:
            target = tagged()
            told = refusal_of(lambda: site.ask("demanded", only(site, version), target=target))
            case.equal("told", told, NONE_SENT[version])
            case.equal("requests at the API", site.behind.with_tag(target), [])
            case.note(told)
        with report.case(f"{version}, optional: none") as case:
            answer = site.ask("optional", only(site, version))
            case.equal("status", answer.status, 200)
            case.equal("Client-Cert", told_by(answer.saw), {})
    with report.case("required, not forwarded") as case:
        answer = site.ask("silent", site.trusting(site.client))
        case.equal("status", answer.status, 200)
        case.equal("Client-Cert", told_by(answer.saw), {})
    with report.case("a certificate does not stand for a key") as case:
        answer = site.ask("demanded", site.trusting(site.client), key=None)
        case.equal("answer", str(answer), "401 auth_missing")
    with report.case("one signed with RSA") as case:
        certificate = site.clients.sign("bert", kind="rsa", usage=CLIENT)
        answer = site.ask("demanded", site.trusting(certificate))
        case.equal("Client-Cert", answer.saw.get("client-cert"), [certificate.forwarded])
    with report.case("curl --cert") as case:
        answer = site.curl("demanded", "--cert", site.client.file, "--key", site.client.key)
        case.equal("Client-Cert", answer.saw.get("client-cert"), [site.client.forwarded])
    with report.case("curl without --cert") as case:
        case.equal("answer", site.curl("demanded"), None)


def spoofed(report, site):
    spoof = site.client.forwarded
    for listener, tls, real in (
        ("demanded", site.trusting(site.client), [site.client.forwarded]),
        ("optional", site.trusting(site.client), [site.client.forwarded]),
        ("optional", None, None),
        ("silent", site.trusting(site.client), None),
        ("several", None, None),
        ("plain", None, None),
    ):
        who = "a client with a certificate" if tls else "a client without one"
        with report.case(f"listener `{listener}`, {who}, and Client-Cert that it made up") as case:
            fields = [field.format(spoof=spoof.replace("M", "X")) for field in SPOOFS]
            answer = site.ask(listener, tls, fields=fields)
            case.equal("status", answer.status, 200)
            case.equal("what the API got", told_by(answer.saw), {"client-cert": real} if real else {})
            case.note("removed" if real is None else "the real one alone")


def sessions(report, site):
    for version in VERSIONS:
        with report.case(f"{version}: a session is taken up again, whatever thread comes") as case:
            tls = only(site, version)
            session = new_session(site, "several", tls)
            for _ in range(RESUMED):
                case.equal("taken up", reused(site, "several", tls, session), (True, 200))
            case.note(f"{RESUMED} times")
        with report.case(f"{version}: again after a reload") as case:
            done = site.gateway.reload()
            case.equal(f"exit status of the reload ({done.stderr})", done.returncode, 0)
            for _ in range(RESUMED):
                case.equal("taken up", reused(site, "several", tls, session), (True, 200))
        with report.case(f"{version}: but not where a certificate is demanded") as case:
            told = refusal_of(lambda: reused(site, "demanded", tls, session))
            case.equal("told", told, NONE_SENT[version])
        with report.case(f"{version}: a session without a certificate, and the certificate now") as case:
            tls = only(site, version, site.client)
            session = new_session(site, "several", tls)
            case.equal("taken up", reused(site, "demanded", tls, session), (False, 200))
        with report.case(f"{version}: not where another authority is asked for") as case:
            session = new_session(site, "demanded", tls)
            told = refusal_of(lambda: reused(site, "elsewhere", tls, session))
            case.equal("told", told, "unknown ca")
        with report.case(f"{version}: a session with a certificate tells the API of it") as case:
            tls = only(site, version, site.client)
            session = new_session(site, "demanded", tls)
            count = 0
            for _ in range(RESUMED):
                with Line(site.ports["demanded"], tls, NAME, session=session) as line:
                    answer = line.ask(key=site.key)
                    count += line.socket.session_reused
                case.equal("Client-Cert", answer.saw.get("client-cert"), [site.client.forwarded])
            case.note(f"taken up {count} times of {RESUMED}")
    with report.case("openssl s_client -reconnect") as case:
        said = site.s_client("several", "-tls1_2", "-reconnect")
        case.true(f"taken up: {said[-500:]}", said.count("Reused, TLSv1.2") == 5)
        case.note("5 times of 5")


def new_session(site, listener, tls):
    with Line(site.ports[listener], tls, NAME) as line:
        line.ask(key=site.key)  # in TLS 1.3 it comes after the handshake
        if not line.socket.session or not (line.socket.session.has_ticket or line.socket.session.id):
            raise Nothing("no session was given")
        return line.socket.session


def reused(site, listener, tls, session):
    with Line(site.ports[listener], tls, NAME, session=session) as line:
        status = line.ask(key=site.key).status
        return line.socket.session_reused, status


def all_of_it(report, site):
    site.bad = site.bad_clients()
    for part in (certificates, spoofed, sessions):
        part(report, site)
    with report.case("after all these clients") as case:
        case.true("a request is answered", site.is_well())
