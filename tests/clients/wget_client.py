"""wget."""

import gzip
import json
import pathlib
import subprocess
import tempfile

from report import Report
from told import (
    MIB, UNKNOWN_KEY, body_of, heads_in, key, key_id, new_tag, origin, seen, sha256, spent_key, version_of
)

folder = pathlib.Path(tempfile.mkdtemp(dir="."))
SERVER_SAID_NO = 8  # its exit status for an error of the server
LOGIN_FAILED = 6


class Answer:
    def __init__(self, done, body):
        self.exit_status = done.returncode
        self.log = done.stderr.decode("utf-8", "replace")
        # `-S` shows each line of a head two columns in.
        self.heads = heads_in("\n".join(line for line in self.log.splitlines() if line.startswith("  ")))
        self.status, fields = self.heads[-1] if self.heads else (0, [])
        self.fields = dict(fields)
        self.body = body

    def saw(self):
        return json.loads(self.body)


def wget(*arguments, token=key):
    """What wget said and wrote, a refused body too."""
    body = folder / "body"
    body.unlink(missing_ok=True)
    command = ["wget", "--no-config", "-S", "--progress=dot:giga", "-T", "30", "-t", "1", "--content-on-error"]
    command += ["-O", body]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run([*command, *arguments], capture_output=True, check=False, timeout=60)
    return Answer(done, body.read_bytes() if body.exists() else b"")


def no_login(case, answer):
    """A 401, of which wget throws the body away, also with --content-on-error."""
    case.equal("status", answer.status, 401)
    case.equal("challenge", answer.fields.get("www-authenticate"), 'Bearer realm="api"')
    case.equal("exit status", answer.exit_status, LOGIN_FAILED)
    case.note(f"401, exit status {LOGIN_FAILED}, wget does not show its body")


def keys(report):
    with report.case("GET with a key") as case:
        answer = wget(f"{origin}/v1/echo/caf%C3%A9?page=2")
        case.equal("exit status", answer.exit_status, 0)
        case.equal("target at the API", answer.saw()["target"], "/v1/echo/caf%C3%A9?page=2")
        case.identity(answer.saw(), key_id)
        case.note("200, identity at the API")
    with report.case("GET without a key") as case:
        answer = wget(f"{origin}/v1/echo", token=None)
        no_login(case, answer)
    with report.case("user and password instead of a key") as case:
        answer = wget("--user=a", "--password=b", f"{origin}/v1/echo", token=None)
        no_login(case, answer)
        case.equal("requests", len(answer.heads), 1)
        case.note("Basic is not tried against a Bearer challenge")
    for what, token, path, reason in (
        ("with an unknown key", UNKNOWN_KEY, "/v1/echo", "key_unknown"),
        ("without the scope", key, "/narrow/echo", "scope_missing"),
        ("with a rate that is spent", spent_key, "/v1/echo", "rate_limited"),
    ):
        with report.case(f"GET {what}") as case:
            answer = wget(origin + path, token=token)
            case.refusal(reason, answer.status, answer.fields, answer.body)
            case.equal("exit status", answer.exit_status, SERVER_SAID_NO)
            case.note(f"exit status {SERVER_SAID_NO}")
    with report.case("HEAD (--spider)") as case:
        answer = wget("--spider", f"{origin}/v1/bytes/5000")
        case.equal("exit status", answer.exit_status, 0)
        case.equal("Content-Length", answer.fields.get("content-length"), "5000")
        case.note("200, length without body")


def bodies(report):
    file = folder / "file"
    for what, option, method in (("POST", "--post-file", []), ("PUT", "--body-file", ["--method=PUT"])):
        with report.case(f"{what} of 16 MiB") as case:
            data = body_of(16 * MIB)
            file.write_bytes(data)
            answer = wget(*method, f"{option}={file}", f"{origin}/v1/echo")
            case.equal("exit status", answer.exit_status, 0)
            case.equal("method", answer.saw()["method"], what)
            case.equal("SHA-256", answer.saw()["body"]["sha256"], sha256(data))
            case.note("SHA-256 as sent")
    for path in ("bytes", "chunked"):
        with report.case(f"GET of 16 MiB ({path})") as case:
            answer = wget(f"{origin}/v1/{path}/{16 * MIB}")
            case.equal("exit status", answer.exit_status, 0)
            case.equal("SHA-256", sha256(answer.body), answer.fields["x-sha256"])
            case.note("SHA-256 as sent")
    with report.case("gzip-encoded answer") as case:
        packed = wget(f"{origin}/v1/gzip")
        case.equal("SHA-256", sha256(packed.body), packed.fields["x-sha256"])
        unpacked = wget("--compression=auto", f"{origin}/v1/gzip")
        case.equal("what --compression=auto makes of it", unpacked.body, gzip.decompress(packed.body))
        case.note("not one byte touched, wget unpacks it when told to")
    with report.case("POST of 10 MiB without a key") as case:
        tag = new_tag()
        file.write_bytes(body_of(10 * MIB))
        answer = wget(f"--post-file={file}", f"{origin}/v1/echo?tag={tag}", token=None)
        no_login(case, answer)
        case.equal("requests at the API", seen(tag)["requests"], 0)


def connections(report):
    with report.case("three files on one connection") as case:
        urls = [f"{origin}/v1/{path}" for path in ("bytes/70000", "chunked/70000", "gzip")]
        answer = wget(*urls)
        case.equal("statuses", [status for status, _ in answer.heads], [200, 200, 200])
        case.equal("reused", answer.log.count("Reusing existing connection"), 2)
        case.note("`Reusing existing connection` twice")
    with report.case("redirect, as it is and followed") as case:
        plain = wget("--max-redirect=0", f"{origin}/v1/redirect/302?to=/v1/echo/there")
        case.equal("Location", plain.fields.get("location"), "/v1/echo/there")
        followed = wget(f"{origin}/v1/redirect/302?to=/v1/echo/there")
        case.equal("statuses", [status for status, _ in followed.heads], [302, 200])
        case.identity(followed.saw(), key_id)
        case.note("Location unchanged; followed with the key")


def main():
    report = Report(f"wget {version_of('wget')}")
    for part in (keys, bodies, connections):
        part(report)
    print("end")


main()
