#!/usr/bin/python3
"""That products' documents hold: what they promise, sentence by sentence, over real HTTP.

    tests/products/run.py [--binary build/keygate] [--product NAME] [--profile FILE] [--store file|redis]

Each product has a table, `PRODUCT.tsv`, made from its document: the number of a sentence, who shows it, what is
sent, what must come back, and the promise in our words. The gateway runs on the shipped `config/PRODUCT.yaml`, with
other ports, before an API that writes down what reaches it. Rows of a `client` are sent by curl, by Python's requests
and by Node's fetch; rows of a `check` are told in PRODUCT.py; rows of `nobody` are no gateway's, and say why.

All of it is shown on both stores: on the embedded file, and with keys in Redis and two gateways, where nothing but a
`store:` block is added. There each row is shown twice, at the gateway where the operator makes changes and at the
other one, which is asked when the bound is over and not a moment later; and `two_gateways` of PRODUCT.py has rows of
its own.

--profile puts that file in the place of the product's profile (with --product): the table must then fail where it
says something else.

The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import csv
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from product import HERE, PYTHON, SECONDS, Stage  # noqa: E402
from redis_server import DURABLE, RedisServer  # noqa: E402
from report import Report  # noqa: E402

PRODUCTS = ("reelplus", "robinreach", "reflow", "sk", "reachscore")
STORES = ("file", "redis")
IDENTITY = {"x-key-id", "x-key-owner", "x-key-plan"}  # what the API is told of a key, unless the product says otherwise


class Answer:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = {name.lower(): value for name, value in fields.items()}
        self.body = body

    def json(self):
        return json.loads(self.body)


class Asker:
    """A client that lives in a program of its own; it is asked in lines of JSON."""

    def __init__(self, name, command, surroundings):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=surroundings, encoding="utf-8"
        )

    def ask(self, method, url, fields):
        self.process.stdin.write(json.dumps({"method": method, "url": url, "fields": fields}) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if "error" in told:
            raise RuntimeError(f"{self.name}: {told['error']}")
        return Answer(told["status"], told["fields"], told["body"])

    def stop(self):
        self.process.stdin.close()
        self.process.wait(SECONDS)


class Curl:
    name = "curl"

    def __init__(self, surroundings):
        self.surroundings = surroundings

    def ask(self, method, url, fields):
        command = ["curl", "-q", "-sS", "-i", "-X", method, "-m", str(SECONDS), url]
        for name, value in fields:
            # An empty value is written with `;`: with `:` curl would leave the field out.
            command += ["-H", f"{name}: {value}" if value else f"{name};"]
        done = subprocess.run(command, env=self.surroundings, capture_output=True, check=True)
        head, _, body = done.stdout.decode().partition("\r\n\r\n")
        lines = head.split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        return Answer(int(lines[0].split()[1]), fields, body)

    def stop(self):
        pass


def read_table(product):
    with open(HERE / f"{product}.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def parse_request(text, words):
    """`METHOD target | Name: value | …`; words in braces are filled in."""
    line, *fields = text.split(" | ")
    method, target = line.split(" ", 1)
    filled = [field.replace("\\t", "\t").format(**words).partition(": ") for field in fields]
    return method, target.format(**words), [(name, value) for name, _, value in filled]


def error_of(_, answer):
    """What a refusal says, in the body that most products have; those with another one have a function of this name."""
    return answer.json()["error"]


def check_answer(case, stage, checks, answer, wanted, before):
    """A row's answer, and what the API saw of it.

    @param wanted  `200`, or `200 public` where nobody is told who calls, or `200 test` where the request goes to the
                   API for test keys; or `STATUS CODE REASON`, where ` | message` may follow
    """
    told, _, message = wanted.partition(" | ")
    status, *words = told.split(" ")
    case.equal("status", answer.status, int(status))
    reached = tuple(now - then for now, then in zip(stage.arrived(), before))
    if words in ([], ["public"], ["test"]):
        api, wanted_there = (stage.test_api, (0, 1)) if words == ["test"] else (stage.api, (1, 0))
        case.equal("requests at the API, and at the one for test keys", reached, wanted_there)
        names = {name.lower() for name, _ in api.seen[-1][2]}
        case.true("the API sees no Authorization", "authorization" not in names)
        if words == ["public"]:
            case.equal("the API is told of nobody", {name for name in names if name.startswith("x-key-")}, set())
        else:
            case.true("the API sees who calls", getattr(checks, "IDENTITY", IDENTITY) <= names)
        case.equal("body", answer.body.encode(), api.body)
        return
    code, reason = words
    case.equal("requests at the API, and at the one for test keys", reached, (0, 0))
    case.equal("type", answer.fields.get("content-type"), "application/json")
    error = getattr(checks, "error_of", error_of)(case, answer)
    hides_reason = getattr(checks, "HIDES_REASON", False)
    members = ["code", "message", "request_id"] if hides_reason else ["code", "message", "reason", "request_id"]
    case.equal("members", sorted(error), members)
    case.equal("code", error["code"], code)
    if hides_reason:
        stage.hidden[error["request_id"]] = reason
    else:
        case.equal("reason", error["reason"], reason)
    case.true("a message", len(error["message"]) > 10)
    if message:
        case.equal("message", error["message"], message)
    case.equal("request id", error["request_id"], answer.fields.get("x-request-id"))
    challenge = answer.fields.get("www-authenticate", "")
    case.equal("a challenge", challenge.startswith("Bearer "), status == "401" or reason == "scope_missing")


def show_row(stage, row, checks, clients, words, report):
    asking = clients if row["who"] == "client" else [client for client in clients if client.name == row["who"]]
    for client in asking:
        with report.case(f"sentence {row['sentence']}: {row['promise']} ({client.name})") as case:
            method, target, fields = parse_request(row["request"], words)
            before = stage.arrived()
            stage.settle()
            answer = client.ask(method, stage.host + target, fields)
            check_answer(case, stage, checks, answer, row["answer"], before)
            case.note(row["answer"])


def show_check(stage, row, checks, words, report, passed):
    """@param passed  {check: sentence}: what was seen for one sentence need not be done again for another"""
    name, sentence = row["request"], row["sentence"]
    with report.case(f"sentence {sentence}: {row['promise']}") as case:
        if name in passed:
            case.true("seen", True)
            case.note(f"as with sentence {passed[name]}")
        else:
            getattr(checks, name)(stage, case, words)
            passed[name] = sentence


def compare_reasons(stage, case):
    """The log is written some moments after the answer."""
    deadline = time.monotonic() + SECONDS
    while not stage.hidden.keys() <= (lines := stage.requests()).keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    for request, reason in stage.hidden.items():
        line = lines[request]
        # A path that is no good is not written down.
        case.equal(f"the reason of {line['method']} {line.get('path', '')}", line["outcome"], reason)
    case.note(f"{len(stage.hidden)} reasons")


@contextlib.contextmanager
def stages_of(store, binary, product, profile):
    """(what it is called, Stage): the embedded file; or two gateways on a Redis, the operator's first."""
    if store == "file":
        with Stage(binary, product, profile) as stage:
            yield [(product, stage)]
        return
    with tempfile.TemporaryDirectory(prefix="keygate-redis-") as folder:
        with RedisServer(folder, rdbcompression="no", **DURABLE) as redis:
            with Stage(binary, product, profile, redis=redis) as first:
                with Stage(binary, product, profile, redis=redis, operator=first) as second:
                    yield [(f"{product}, Redis", first), (f"{product}, the other gateway", second)]


def show_table(table, stage, checks, words, report):
    clients = [
        Curl(stage.environment),
        Asker("requests", [PYTHON, HERE / "ask.py"], stage.environment),
        Asker("fetch", ["node", HERE / "ask.mjs"], stage.environment),
    ]
    passed = {}
    for row in table:
        if row["who"] == "check":
            # A gateway that is started for a check is the same whoever starts it.
            if stage.operator is None or row["request"] not in getattr(checks, "ALONE", ()):
                show_check(stage, row, checks, words, report, passed)
        elif row["who"] != "nobody":
            show_row(stage, row, checks, clients, words, report)
    if stage.hidden:
        with report.case("what answers hide, the log says") as case:
            compare_reasons(stage, case)
    for client in clients:
        client.stop()


def run_product(product, store, binary, profile, show):
    table = read_table(product)
    checks = importlib.import_module(product)
    with stages_of(store, binary, product, profile) as stages:
        words = checks.prepare(stages[0][1])
        reports = [(Report(name, show), stage) for name, stage in stages]
        for report, stage in reports:
            show_table(table, stage, checks, words, report)
        if store == "redis":
            checks.two_gateways(checks, *(stage for _, stage in stages), reports[0][0])
        for report, stage in reversed(reports):
            with report.case("at the end") as case:
                case.equal("exit status", stage.gateway.stop(), 0)
                log = stage.log()
                case.true("no key in what it wrote", not any(key in log for key in words.values()))
                case.note("exit status 0, no key in the log")
    sentences = {row["sentence"] for row in table}
    shown = {row["sentence"] for row in table if row["who"] != "nobody"}
    return len(sentences), len(shown)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=HERE.parent.parent / "build" / "keygate", type=pathlib.Path)
    parser.add_argument("--profile", type=pathlib.Path, help="in the place of the product's own")
    parser.add_argument("--product", choices=PRODUCTS, action="append", help="this one alone")
    parser.add_argument("--store", choices=STORES, action="append", help="this one alone")
    arguments = parser.parse_args()
    products = arguments.product or PRODUCTS
    if arguments.profile and len(products) != 1:
        parser.error("--profile is of one product: say which with --product")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not arguments.binary.exists():
        sys.exit(f"run.py: {arguments.binary} is not there; scripts/build makes it")
    os.environ.pop("KEYGATE_CONFIG", None)

    counted = {"ok   ": 0, "FAIL ": 0, "     ": 0}

    def show(line):
        print(line, flush=True)
        counted[line[:5]] += 1

    for product in products:
        for row in read_table(product):
            if row["who"] == "nobody":
                show(f"     {product}: sentence {row['sentence']}: {row['promise']} Not a gateway's: {row['answer']}.")
        for store in arguments.store or STORES:
            sentences, shown = run_product(product, store, arguments.binary.resolve(), arguments.profile, show)
            print(f"     {product}, {store}: {sentences} sentences: {shown} shown, {sentences - shown} not a gateway's")
    print(f"{counted['ok   ']} passed, {counted['FAIL ']} failed")
    return counted["FAIL "] != 0


if __name__ == "__main__":
    sys.exit(main())
