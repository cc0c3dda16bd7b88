"""What the checks of products are made of: an operator's calls, and clients who send without a pause."""

import contextlib
import http.client
import re
import secrets
import shlex
import subprocess
import threading
import time

from product import HERE, SECONDS


def within(seconds, is_so):
    deadline = time.monotonic() + seconds
    while not (seen := is_so()):
        if time.monotonic() > deadline:
            return seen
        time.sleep(0.02)
    return seen


# ---- the operator: the API is named like the product


def new_owner(stage, **members):
    """An owner of its own, so that what one check does is nothing to the others."""
    owner = f"owner-{secrets.token_hex(6)}"
    set_owner(stage, owner, **members)
    return owner


def set_owner(stage, owner, **members):
    status, reply = stage.call("PUT", f"/owners/{owner}", {"api": stage.product, **members})
    if status not in (200, 201):
        raise RuntimeError(f"{owner}: {status} {reply}")


def create(stage, owner, **members):
    return stage.must(201, "POST", "/keys", {"api": stage.product, "owner": owner, **members})


def act(stage, key, action, body=None, status=200):
    return stage.must(status, "POST", f"/keys/{key['id']}:{action}", body)


def change(stage, key, **members):
    return stage.must(200, "PATCH", f"/keys/{key['id']}", members)


def delete(stage, key):
    stage.must(204, "DELETE", f"/keys/{key['id']}")


def look_at(stage, key):
    return stage.must(200, "GET", f"/keys/{key['id']}")


def keys_where(stage, **filters):
    keys, query = [], "&".join(f"{name}={value}" for name, value in filters.items())
    cursor = ""
    while cursor is not None:
        page = stage.must(200, "GET", f"/keys?limit=100&{query}{cursor and '&cursor=' + cursor}")
        keys += page["data"]
        cursor = page["next_cursor"]
    return keys


def usage(stage, key):
    return stage.must(200, "GET", f"/usage?key={key['id']}")


def requests_of(stage, key):
    return usage(stage, key)["counters"]["requests"]["total"]


def refusal_of(told):
    """Status and reason of a call that is refused."""
    status, reply = told
    return status, reply["error"]["reason"] if reply and "error" in reply else None


# ---- the configuration


def switched_on(text, line):
    """The configuration with the line that it holds behind a `# `."""
    if text.count(f"# {line}\n") != 1:
        raise RuntimeError(f"the shipped configuration has no line `# {line}`")
    return text.replace(f"# {line}\n", f"{line}\n")


def replaced(text, old, new):
    if text.count(old) != 1:
        raise RuntimeError(f"`{old}` is in what is shipped {text.count(old)} times")
    return text.replace(old, new)


# ---- clients


def send(stage, target, key=None, method="GET", fields=""):
    """The whole answer, as text."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return stage.raw(f"{method} {target} HTTP/1.1\r\nHost: api\r\n{authorization}{fields}Connection: close\r\n\r\n")


def status_of(answer):
    return int(answer.split(" ", 2)[1])


def field_of(answer, name):
    found = re.search(rf"\r\n{name}: ([^\r]*)", answer.partition("\r\n\r\n")[0])
    return found[1] if found else None


def request_id(answer):
    return field_of(answer, "X-Request-Id")


def without_request_id(answer):
    number = request_id(answer)
    return answer.replace(number, "-" * len(number))


def same_but_request_id(case, asks):
    """Answers to each of `asks` are the same bytes but for the request id, and the date within another second."""
    for _ in range(3):
        answers = {without_request_id(ask()) for ask in asks}
        dates = {field_of(answer, "Date") for answer in answers}
        case.equal("kinds of answers", len(answers), len(dates))


def reason_in_log(stage, answer):
    number = request_id(answer)
    line = within(SECONDS, lambda: stage.requests().get(number))
    return line and line["outcome"]


def run_page(stage, product, name, changes):
    """A command of the document as it stands there, but for what `changes` says of host and key: what it printed."""
    text = (HERE / product / name).read_text()
    for old, new in changes.items():
        text = replaced(text, old, new)
    command = shlex.split(text)
    done = subprocess.run(
        [command[0], "-q", "-sS", "-i", "-m", str(SECONDS), *command[1:]],
        env=stage.environment, capture_output=True, check=True, timeout=SECONDS,
    )
    return done.stdout.decode()


class Line:
    """One client on one connection: what it sent when, with which key, and what came back."""

    def __init__(self, stage, target):
        self.target = target
        self.seen = []  # (sent, answered, key, status)
        self.connection = http.client.HTTPConnection("127.0.0.1", stage.ports["gate"], timeout=SECONDS)

    def ask(self, key):
        sent = time.monotonic()
        self.connection.request("GET", self.target, headers={"Authorization": f"Bearer {key}"})
        answer = self.connection.getresponse()
        answer.read()
        self.seen.append((sent, time.monotonic(), key, answer.status))
        return answer.status


@contextlib.contextmanager
def busy(stage, target, clients):
    """Each of `clients` is called with a Line, again and again, on a thread of its own, while the block runs."""
    stop = threading.Event()
    lines = [Line(stage, target) for _ in clients]
    problems = []

    def work(client, line):
        try:
            while not stop.is_set():
                client(line)
        except Exception as error:  # it is told where the block ends
            problems.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(clients, lines)]
    for thread in threads:
        thread.start()
    try:
        yield lines
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for line in lines:
            line.connection.close()
    if problems:
        raise problems[0]


def at_once(calls):
    """What each of them gave, all begun at the same time."""
    results = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def work(number):
        gate.wait()
        results[number] = calls[number]()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
