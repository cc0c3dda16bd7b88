"""What a listener accepts: versions, suites, groups, names; and what it never does."""

import ssl
import subprocess

import hello
from authority import fingerprint
from hello import FALLBACK, SOUND, SUITES, USUAL, accepted, say
from rig import becomes
from talk import Line, alert_of, context, refusal_of
from tls_site import NAME, OTHER

SECONDS = 15
WEAK = ["-cipher", "ALL:eNULL:@SECLEVEL=0"]
FAMILIES = {
    "NULL": "without encryption",
    "EXP": "of export strength",
    "RC4": "RC4",
    "3DES": "3DES",
    "CBC": "CBC",
    "static": "without forward secrecy",
    "anonymous": "without a certificate",
}
MEMBERS = {
    "NULL": [0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010, 0xC015],
    "EXP": [0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019],
    "RC4": [0x0004, 0x0005, 0x0018, 0xC002, 0xC007, 0xC00C, 0xC011, 0xC016],
    "3DES": [0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0x001B, 0xC003, 0xC008, 0xC00D, 0xC012, 0xC017],
    "CBC": [*range(0x002F, 0x003A), *range(0x003C, 0x0041), *range(0x0067, 0x006E), *range(0xC004, 0xC016)]
    + [*range(0xC023, 0xC02B)],
    "static": [0x009C, 0x009D, 0xC09C, 0xC09D, 0xC0A0, 0xC0A1, 0xC02D, 0xC02E, 0xC031, 0xC032, 0x00A0, 0x00A1],
    "anonymous": [0x0018, 0x001B, 0x0034, 0x003A, 0x006C, 0x006D, 0x00A6, 0x00A7, 0xC018, 0xC019],
}
WEAK_GROUPS = ("sect163k1", "secp192r1", "secp224r1", "secp256k1")
# Of a hello's answer: name, point formats, status, ALPN, extended master secret, ticket, versions, key, renegotiation.
KNOWN_EXTENSIONS = {0, 11, 5, 16, 23, 35, 43, 51, 0xFF01}


def hexadecimal(suites):
    return sorted(f"{suite:04x}" for suite in suites)


def versions(report, site):
    for version in ("SSL 3.0", "TLS 1.0", "TLS 1.1"):
        with report.case(f"a hello of {version}") as case:
            told = say(site.ports["several"], hello.hello(version))
            case.true(f"refused: {told}", str(told) in ("protocol version", "handshake failure"))
            case.note(str(told))
    with report.case("a hello of SSL 2.0") as case:
        suites = bytes.fromhex("0100800200800300800400800500800600400700c0")
        body = b"\1\0\2" + len(suites).to_bytes(2, "big") + b"\0\0\0\x10" + suites + bytes(16)
        told = say(site.ports["several"], (0x8000 | len(body)).to_bytes(2, "big") + body)
        case.equal("suite", told.suite, None)
        case.note(str(told))
    for flag, listener, wanted in (
        ("-tls1", "several", None), ("-tls1_1", "several", None), ("-tls1_2", "several", "TLSv1.2"),
        ("-tls1_3", "several", "TLSv1.3"), ("-no_tls1_3", "several", "TLSv1.2"), ("-tls1", "newest", None),
        ("-tls1_2", "newest", None), ("-tls1_3", "newest", "TLSv1.3"),
    ):  # fmt: skip
        with report.case(f"openssl s_client {flag}{', min_version 1.3' if listener == 'newest' else ''}") as case:
            said = site.s_client(listener, flag, *(WEAK if wanted is None else []))
            case.equal("handshake", f"New, {wanted}," in said, wanted is not None)
            case.equal("answer", "HTTP/1.1 200" in said, wanted is not None)
            if wanted is None:
                case.true(f"an alert: {said[-300:]}", "alert protocol version" in said)
            case.note(wanted or "alert protocol version")
    with report.case("a client that fell back to TLS 1.2 although both know 1.3 (RFC 7507)") as case:
        told = say(site.ports["several"], hello.hello(suites=[*USUAL, FALLBACK]))
        case.equal("told", str(told), "inappropriate fallback")
    with report.case("TLS 1.3 without a common suite") as case:
        told = say(site.ports["several"], hello.hello("TLS 1.3", [0x1305]))
        case.true(f"refused: {told}", told.suite is None)
        case.note(str(told))


def suites(report, site):
    port = site.ports["several"]
    with report.case("all suites of TLS 1.2 that are accepted") as case:
        taken = set(accepted(port))
        case.equal("unsound ones", hexadecimal(taken - SOUND), [])
        case.equal("usual ones that are missing", hexadecimal(USUAL - taken), [])
        case.note(f"{len(SUITES)} offered, {len(taken)} accepted: {' '.join(hexadecimal(taken))}")
    for family, what in FAMILIES.items():
        with report.case(f"suites {what}, and no others") as case:
            told = say(port, hello.hello(suites=MEMBERS[family]))
            case.equal("told", str(told), "handshake failure")
    with report.case("`ciphers` as they are set") as case:
        case.equal("accepted", hexadecimal(accepted(site.ports["chosen"])), ["c030", "cca9"])
    with report.case("`ciphers` are nothing to TLS 1.3") as case:
        case.true("accepted", "New, TLSv1.3" in site.s_client("chosen", "-tls1_3"))
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        with report.case(f"openssl s_client -ciphersuites {suite}") as case:
            said = site.s_client("several", "-tls1_3", "-ciphersuites", suite)
            case.true("it is used", f"Cipher is {suite}" in said and "HTTP/1.1 200" in said)
    with report.case("openssl s_client with everything that it has, for TLS 1.2") as case:
        said = site.s_client("several", "-tls1_2", "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        case.true("one with ECDHE", "Cipher is ECDHE-" in said and "HTTP/1.1 200" in said)
    with report.case("signatures with SHA-1 alone") as case:
        told = say(port, hello.hello(signatures=("sha1",)))
        case.true(f"refused: {told}", told.suite is None)
        case.note(str(told))


def groups(report, site):
    port = site.ports["several"]
    for version in ("TLS 1.2", "TLS 1.3"):
        offered = {"TLS 1.2": USUAL, "TLS 1.3": [0x1301, 0x1302, 0x1303]}[version]
        for group in ("x25519", "secp256r1", "secp384r1"):
            with report.case(f"{version}, {group} alone") as case:
                told = say(port, hello.hello(version, offered, groups=(group,)))
                case.equal(f"group ({told})", told.group, hello.GROUPS[group])
        with report.case(f"{version}, weak or old curves alone") as case:
            for group in WEAK_GROUPS:
                told = say(port, hello.hello(version, offered, groups=(group,)))
                case.true(f"{group} is refused: {told}", told.suite is None)


def never(report, site):
    port = site.ports["several"]
    with report.case("compression that is offered") as case:
        told = say(port, hello.hello(suites=USUAL, compressions=b"\1\0"))
        case.equal(f"compression ({told})", told.compression, 0)
    with report.case("compression alone") as case:
        told = say(port, hello.hello(suites=USUAL, compressions=b"\1"))
        case.true(f"refused: {told}", told.suite is None)
        case.note(str(told))
    with report.case("extensions of the answer (no heartbeat)") as case:
        told = say(port, hello.hello(suites=USUAL))
        case.equal("unknown ones", set(told.extensions) - KNOWN_EXTENSIONS, set())
        case.true("renegotiation is safe (RFC 5746)", 0xFF01 in told.extensions)
        case.note(" ".join(map(str, sorted(told.extensions))))
    with report.case("renegotiation that a client asks for") as case:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-servername", NAME]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            process.stdin.write(b"R\n")
            process.stdin.flush()
            # It waits for us unless its connection ends.
            ended = becomes(lambda: process.poll() is not None, SECONDS)
            process.kill()
            said = process.stdout.read().decode("latin-1")
        case.true("the connection ended", ended)
        _, asked, then = said.partition("RENEGOTIATING")
        case.true("it was asked for", asked)
        case.true(f"it was refused: {then[-300:]}", "no renegotiation" in then)


def protocols(report, site):
    for offered, chosen in (
        (["http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], "http/1.1"),
        (["http/1.1", "h2"], "http/1.1"),
        (["spdy/3", "http/1.0", "http/1.1"], "http/1.1"),
        ([], None),
    ):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with report.case(f"ALPN: {', '.join(offered) or 'none'} ({version.name})") as case:
                tls = site.trusting(minimum_version=version, maximum_version=version)
                if offered:
                    tls.set_alpn_protocols(offered)
                with Line(site.ports["several"], tls) as line:
                    case.equal("chosen", line.socket.selected_alpn_protocol(), chosen)
                    case.equal("status", line.ask(key=site.key).status, 200)
                case.note(chosen or "none")
    for offered in (["h2"], ["h2", "h3"], ["HTTP/1.1"]):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with report.case(f"ALPN: {', '.join(offered)} alone ({version.name})") as case:
                tls = site.trusting(minimum_version=version, maximum_version=version)
                tls.set_alpn_protocols(offered)
                told = refusal_of(lambda: site.ask(tls=tls))
                case.equal("told", told, "no application protocol")
                case.note(told)


def shown(site, listener, name, tls=None):
    """The fingerprint of the certificate that is shown to who asks for the name; or what is told instead."""
    try:
        with Line(site.ports[listener], tls or context(), name) as line:
            return fingerprint(line.socket.getpeercert(True))
    except OSError as error:
        return alert_of(error)


def names(report, site):
    only_ecdsa = context()
    only_ecdsa.maximum_version = ssl.TLSVersion.TLSv1_2
    only_ecdsa.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    only_rsa = context()
    only_rsa.maximum_version = ssl.TLSVersion.TLSv1_2
    only_rsa.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    for name, certificate, what in (
        (NAME, site.usual, "the first of two"),
        (OTHER, site.other, "exact"),
        (OTHER.upper(), site.other, "exact, in capitals"),
        ("a.wild.example.test", site.wild, "wildcard"),
        ("b.wild.example.test", site.wild, "wildcard"),
        ("A.Wild.Example.Test", site.wild, "wildcard, in capitals"),
    ):
        for listener in ("several", "strict"):
            with report.case(f"name {name}: {what}{', strict_names' if listener == 'strict' else ''}") as case:
                case.equal("certificate", shown(site, listener, name), certificate.print)
    for name, what in (
        ("unknown.example.test", "unknown"),
        ("wild.example.test", "what a wildcard stands below"),
        ("a.b.wild.example.test", "two labels where a wildcard has one"),
        ("other.example.test.evil.test", "begins like a known one"),
        (None, "none"),
    ):
        with report.case(f"name {name}: {what}") as case:
            case.equal("certificate", shown(site, "several", name), site.usual.print)
            case.note("the first certificate")
        with report.case(f"name {name}: {what}, strict_names") as case:
            told = shown(site, "strict", name)
            case.equal("told", told, "unrecognized name")
            case.note(told)
    for name, what in ((NAME, "two certificates for a name"), ("unknown.example.test", "for no name that is known")):
        with report.case(f"{what}: who knows one kind of signature gets it") as case:
            case.equal("ECDSA alone", shown(site, "several", name, only_ecdsa), site.usual.print)
            case.equal("RSA alone", shown(site, "several", name, only_rsa), site.rsa.print)
            for kind, certificate in (("rsa_pss_rsae_sha256", site.rsa), ("ecdsa_secp256r1_sha256", site.usual)):
                said = site.s_client("several", "-tls1_3", "-sigalgs", kind, "-showcerts", name=name)
                text = certificate.file.read_text()
                body = text[text.index("-----BEGIN CERT") :].strip()
                case.true(f"TLS 1.3, {kind}", body in said)
    with report.case("Host of a request is not what was asked for in the handshake") as case:
        # The certificate says who the server is; which API is meant is what Host says.
        answer = site.ask(name="a.wild.example.test", host=NAME)
        case.equal("status", answer.status, 200)


def all_of_it(report, site):
    for part in (versions, suites, groups, never, protocols, names):
        part(report, site)
    with report.case("after all these handshakes") as case:
        case.true("a request is answered", site.is_well())
