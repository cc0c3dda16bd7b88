"""curl, for everything here that asks with it."""

import json
import pathlib
import subprocess
import tempfile

from told import heads_in, key, new_tag, release

SECONDS = "30"
folder = pathlib.Path(tempfile.mkdtemp(dir="."))


class Answer:
    def __init__(self, exit_status, heads, body, log, numbers=None):
        self.exit_status = exit_status
        self.heads = heads
        self.status, fields = heads[-1] if heads else (0, [])
        self.fields = dict(fields)
        self.all_fields = fields
        self.body = body
        self.log = log
        self.numbers = numbers or [{}]

    def saw(self):
        return json.loads(self.body)


def write(name, data):
    path = folder / name
    path.write_bytes(data)
    return str(path)


def curl(*arguments, token=key, stdin=None):
    """The answer to the last of the URLs, and the heads of all."""
    head = folder / "head"
    head.write_bytes(b"")
    command = ["curl", "-q", "-sS", "-v", "-m", SECONDS, "-D", head, "-w", "%{json}\\n"]
    for number, _ in enumerate(word for word in arguments if word.startswith("http://")):
        body = folder / f"body-{number}"
        body.write_bytes(b"")
        command += ["-o", body]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run([*command, *arguments], input=stdin, capture_output=True, check=False)
    return Answer(
        done.returncode,
        heads_in(head.read_text("latin-1")),
        body.read_bytes(),
        done.stderr.decode("latin-1"),
        [json.loads(line) for line in done.stdout.splitlines()],
    )


def look_at_events(case, address, *options, token=key):
    """The origin sends the second event only after this has read the first: nobody may hold it back."""
    name = new_tag()
    command = ["curl", "-q", "-sSN", "-m", SECONDS, *options, "-H", f"Authorization: Bearer {token}"]
    process = subprocess.Popen([*command, f"{address}/v1/events/{name}"], stdout=subprocess.PIPE)
    first = [process.stdout.readline() for _ in range(3)]
    case.equal("first event", first, [b"id: 1\n", b"data: first\n", b"\n"])
    release(name)
    case.equal("the rest", process.stdout.read(), b"id: 2\ndata: second\n\n")
    case.equal("exit status", process.wait(), 0)
    case.note("the first one there before the second was sent")
