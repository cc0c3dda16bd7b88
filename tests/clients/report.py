"""One line for each thing that was seen.

    ok   curl 7.88.1: POST of 2 MiB with Expect: 200 after 100 Continue, body arrived whole
    FAIL wget 1.21.3: GET without a key: status is 200, not 401

The programs of this folder print such lines, and run.py counts them.
"""

import contextlib
import json
import sys

ANSWERS = {
    "auth_missing": (401, "UNAUTHORIZED"),
    "key_unknown": (403, "INVALID_API_KEY"),
    "scope_missing": (403, "PLAN_LIMIT"),
    "rate_limited": (429, "RATE_LIMITED"),
}


class Wrong(Exception):
    pass


class Case:
    """What one request showed. The first thing that is not as expected ends it."""

    def __init__(self):
        self.checks = 0
        self.notes = []

    def equal(self, what, seen, wanted):
        self.checks += 1
        if seen != wanted:
            raise Wrong(f"{what} is {seen!r}, not {wanted!r}"[:600])

    def true(self, what, seen):
        self.checks += 1
        if not seen:
            raise Wrong(f"not so: {what}"[:600])

    def note(self, text):
        self.notes.append(text)

    def refusal(self, reason, status, fields, body):
        """A refusal as README.md promises it: status, code, reason, and the fields beside them."""
        wanted_status, wanted_code = ANSWERS[reason]
        self.equal("status", status, wanted_status)
        fields = {name.lower(): value for name, value in fields.items()}
        self.equal("Content-Type", fields.get("content-type"), "application/json")
        error = json.loads(body)["error"]
        self.equal("code", error["code"], wanted_code)
        self.equal("reason", error["reason"], reason)
        self.equal("request_id", error["request_id"], fields.get("x-request-id"))
        if wanted_status == 401:
            self.true("a challenge", fields.get("www-authenticate", "").startswith("Bearer"))
        if wanted_status == 429:
            self.true("Retry-After in seconds", int(fields.get("retry-after", "0")) > 0)
        self.note(f"{status} {wanted_code}, {reason}")

    def identity(self, saw, key_id):
        """What the API must know of the caller, and what it must never see."""
        fields = {name.lower(): value for name, value in saw["fields"]}
        self.equal("X-Key-Id", fields.get("x-key-id"), key_id)
        self.equal("X-Key-Owner", fields.get("x-key-owner"), "acme")
        self.equal("X-Key-Plan", fields.get("x-key-plan"), "pro")
        self.equal("Authorization at the API", fields.get("authorization"), None)
        self.equal("X-Forwarded-For", fields.get("x-forwarded-for"), "127.0.0.1")


def write(line):
    # In one piece: others may write to the same place.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Report:
    def __init__(self, who, show=write):
        self.who = who
        self.show = show

    @contextlib.contextmanager
    def case(self, what):
        case = Case()
        problem = None
        try:
            yield case
            if case.checks == 0:
                problem = "nothing was checked"
        except Wrong as wrong:
            problem = str(wrong)
        except Exception as error:  # a client that throws is what these cases look for
            problem = f"{type(error).__name__}: {error}"[:600]
        if problem is None:
            self.show(f"ok   {self.who}: {what}: {', '.join(case.notes) or 'as expected'}")
        else:
            self.show(f"FAIL {self.who}: {what}: {' '.join(problem.split())}")
