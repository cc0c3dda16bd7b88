"""More of what checks are made of (steps.py): what products with keys for live and for test have in common."""

import calendar
import contextlib
import http.client
import json
import time

from product import SECONDS
from steps import keys_where, look_at, replaced, usage, within


def as_seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def as_text(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# ---- the operator


def all_keys(stage, owner, **filters):
    return keys_where(stage, api=stage.product, owner=owner, **filters)


def bring_in(stage, owner, **members):
    """A key that exists already. @returns its record as it is shown"""
    rows = [{"api": stage.product, "owner": owner, **members}]
    stage.must(200, "POST", "/keys:import", {"keys": rows})
    return next(one for one in all_keys(stage, owner) if one["name"] == members["name"])


def is_nowhere(stage, case, key, secret, owner, **more):
    """The whole key is in nothing that people and programs read afterwards."""
    texts = more | {
        "view": json.dumps(look_at(stage, key)),
        "list": json.dumps(all_keys(stage, owner)),
        "usage": json.dumps(usage(stage, key)["counters"]),
        "command line": stage.command("keys", "list", "--json"),
        "log": stage.log(),
        "metrics": stage.status_page("/metrics")[1],
    }
    for name, text in texts.items():
        case.true(f"not in {name}", secret not in text and secret[8:20] not in text and len(text) > 2)
    case.note(f"not in {', '.join(texts)}")


# ---- clients


class Heard:
    """An answer, whole."""

    def __init__(self, answer):
        self.status = answer.status
        self.fields = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read().decode()

    def json(self):
        return json.loads(self.body)

    def refusal(self):
        """(status, reason); the reason is None where nothing is refused."""
        error = self.json().get("error") if self.status >= 400 else None
        return self.status, error and error["reason"]


class Line:
    """A connection of a client that goes on asking."""

    def __init__(self, stage, key=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", stage.ports["gate"], timeout=SECONDS)
        self.key = key

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, method, path, body=None, fields=()):
        """@param body  text as it is, or what becomes JSON"""
        head = dict(fields)
        if self.key:
            head["Authorization"] = f"Bearer {self.key}"
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if body is not None:
            head.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, body, head)
        return Heard(self.connection.getresponse())


def ask(stage, method, path, key=None, body=None, fields=()):
    stage.settle()
    with Line(stage, key) as line:
        return line.ask(method, path, body, fields)


def hammer(stage, path, key, seen, stop):
    """Asks until it is told to stop. @param seen  gets (when it was sent, status)"""
    with Line(stage, key) as line:
        while not stop.is_set():
            begun = time.monotonic()
            seen.append((begun, line.ask("GET", path).status))


def names_at(api, before):
    """{lower-case name: values} of each request that has reached an API since."""
    heads = []
    for _, _, fields in api.seen[before:]:
        head = {}
        for name, value in fields:
            head.setdefault(name.lower(), []).append(value)
        heads.append(head)
    return heads


# ---- the pages' own lines


def filled(text, changes):
    """The text with host and key of this stage."""
    for old, new in changes.items():
        text = replaced(text, old, new)
    return text


# ---- another configuration


@contextlib.contextmanager
def reloaded(stage, edit):
    """The same gateway, with another configuration for a while."""
    shipped = stage.config.read_text()

    def load(text):
        stage.config.write_text(text)
        status, reply = stage.call_here("POST", "/config:reload")
        if status != 200:
            raise RuntimeError(f"reload: {status} {reply}")

    load(edit(shipped))
    try:
        yield
    finally:
        load(shipped)


# ---- what products with such keys have in common


def around_deadline(stage, case, key, path, end, refused):
    """Asks until the key has ended: nothing is on the wrong side of the deadline. @param end  as seconds"""
    answers = []

    def is_over():
        begun = time.time()
        answer = stage.get(path, key)
        answers.append((begun, time.time(), answer))
        return begun > end + 0.2

    within(SECONDS, is_over)
    case.equal("at the end", answers[-1][2], refused)
    sides = [sum(ended < end for _, ended, _ in answers), sum(begun >= end for begun, _, _ in answers)]
    case.true(f"{sides} requests before and after", min(sides) > 3)
    for begun, ended, answer in answers:
        if ended < end:
            case.equal("before the deadline", answer, (200, None))
        if begun >= end:
            case.equal("after the deadline", answer, refused)
    return len(answers)
