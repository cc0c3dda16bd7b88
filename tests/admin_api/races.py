"""The same calls at the same moment at two gateways that share a Redis: one of them wins, and the other one is told."""

import collections
import threading

from gateway import Gateway, digest
from redis_server import unlike_records

KEYS = "/admin/v1/keys"
OWNERS = "/admin/v1/owners"
ROUNDS = 40


class Races:
    def __init__(self, gateways, document, report):
        self.gateways = gateways
        self.document = document
        self.report = report
        self.count = 0

    def good(self, method, target, body=None):
        answer = self.gateways[0].call(method, target, body)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {target}: {answer.status} {answer.body!r}")
        return answer

    def at_once(self, *calls):
        """calls: the arguments of Gateway.call, made at the gateways in turn. @returns the answers"""
        start = threading.Barrier(len(calls))
        answers = [None] * len(calls)

        def make(number, method, target, body, fields):
            gateway = self.gateways[number % len(self.gateways)]
            start.wait()
            answers[number] = gateway.call(method, target, body, fields=fields)

        threads = [threading.Thread(target=make, args=(number, *call)) for number, call in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def row(self, name, one_round, rounds=ROUNDS):
        """one_round(): the answers that came, and what is wrong."""
        seen, wrong = collections.Counter(), []
        for _ in range(rounds):
            self.count += 1
            answers, complaints = one_round()
            seen[" and ".join(sorted(str(answer.status) for answer in answers))] += 1
            wrong += complaints
            for answer in answers:
                if answer.status >= 500:
                    wrong.append(f"{answer.status} {answer.body[:200]}")
        with self.gateways[0].store.server.client() as redis:
            wrong += unlike_records(redis)
        if self.gateways[0].state() != self.gateways[1].state():
            wrong.append("the gateways tell different things")
        told = ", ".join(f"{status}: {count} times" for status, count in sorted(seen.items()))
        self.report.row(f"races: {name}: {told}", wrong[:5])

    def run(self):
        self.good("PUT", f"{OWNERS}/acme", {"api": "shop", "plan": "pro"})
        with self.gateways[0].store.server.client() as redis:
            before = redis.calls()["exec"]
            self.row("one digest, brought in twice", self.imports)
            late = redis.calls()["exec"] - before - ROUNDS
        self.report.row(f"races: {late} of the other transactions came too late", [] if late else ["none"])
        self.row("one name of a call", self.repetitions)
        self.row("one If-Match", self.conditions)
        self.row("one key, rotated twice", self.rotations)
        self.row("a key revoked and enabled", self.revocations)
        self.row("an owner deleted, and given a key", self.owners)
        self.row("one owner's key made anew, twice", self.regenerations)
        self.row("100 keys brought in while the other gateway makes keys", self.imports_beside, 5)
        with self.gateways[0].store.server.client() as redis:
            before = redis.calls()["exec"]
            self.row("eight keys made", self.creations)
            again = redis.calls()["exec"] - before - 8 * ROUNDS
        # Different keys: nobody stands in anybody's way.
        self.report.row(f"races: {again} of them came too late and were tried again", ["some"] if again else [])

    def run_with_one_key_for_each_owner(self):
        for gateway in self.gateways:
            gateway.write_configuration("    plans:", "    max_keys_per_owner: 1\n    plans:")
            if gateway.call("POST", "/admin/v1/config:reload").status != 200:
                raise RuntimeError("not reloaded")
        self.row("an owner's only key, made twice", self.only_ones)
        self.row("an owner's only key, made while another one is enabled", self.enabled_beside)
        self.row("an owner's only key, brought in twice", self.imports_of_only_ones)

    @staticmethod
    def statuses(answers):
        return sorted(answer.status for answer in answers)

    def expect(self, answers, *statuses):
        seen = self.statuses(answers)
        return [] if seen == sorted(statuses) else [f"{seen}: {[answer.body[:150] for answer in answers]}"]

    def made(self):
        answer = self.good("POST", KEYS, {"api": "shop", "owner": "acme", "digest": digest(f"key {self.count}")})
        return answer.json()["id"], answer

    def imports(self):
        body = {"api": "shop", "owner": "acme", "digest": digest(f"twin {self.count}")}
        answers = self.at_once(*[("POST", KEYS, body, ())] * 2)
        return answers, self.expect(answers, 201, 409)

    def repetitions(self):
        body = {"api": "shop", "owner": "acme"}
        answers = self.at_once(*[("POST", KEYS, body, [("Idempotency-Key", f"once {self.count}".replace(" ", "-"))])] * 4)
        wrong = self.expect(answers, *[201] * 4)
        if not wrong:
            told = [answer.json() for answer in answers]
            if len({one["id"] for one in told}) != 1 or sum("key" in one for one in told) != 1:
                wrong.append("more than one key was made or shown")
        return answers, wrong

    def conditions(self):
        id, answer = self.made()
        etag = self.good("GET", f"{KEYS}/{id}").field("ETag")
        names = ("first", "second")
        answers = self.at_once(*(("PATCH", f"{KEYS}/{id}", {"name": name}, [("If-Match", etag)]) for name in names))
        wrong = self.expect(answers, 200, 412)
        if not wrong:
            won = names[[answer.status for answer in answers].index(200)]
            kept = self.good("GET", f"{KEYS}/{id}").json()["name"]
            wrong += [] if kept == won else [f"{kept} is kept, and {won} was acknowledged"]
        return answers, wrong

    def rotations(self):
        id = self.good("POST", KEYS, {"api": "shop", "owner": "acme"}).json()["id"]
        answers = self.at_once(*[("POST", f"{KEYS}/{id}:rotate", {"grace_seconds": 60}, ())] * 2)
        wrong = self.expect(answers, 201, 409)
        if not wrong:
            fresh = next(answer.json()["id"] for answer in answers if answer.status == 201)
            kept = self.good("GET", f"{KEYS}/{id}").json()["rotated_to"]
            wrong += [] if kept == fresh else [f"rotated to {kept}, and {fresh} was acknowledged"]
        return answers, wrong

    def revocations(self):
        """Whichever comes first: what is revoked stays so."""
        id, _ = self.made()
        self.good("POST", f"{KEYS}/{id}:disable")
        answers = self.at_once(("POST", f"{KEYS}/{id}:revoke", None, ()), ("POST", f"{KEYS}/{id}:enable", None, ()))
        wrong = [] if self.statuses(answers) in ([200, 200], [200, 409]) else self.expect(answers, 200, 409)
        if answers[0].status != 200:
            wrong.append(f"the revocation was answered {answers[0].status}")
        status = self.good("GET", f"{KEYS}/{id}").json()["status"]
        return answers, wrong + ([] if status == "revoked" else [f"it is {status}"])

    def owners(self):
        """Never a key without the owner for whom it was made."""
        name = f"owner-{self.count}"
        self.good("PUT", f"{OWNERS}/{name}", {"api": "shop"})
        answers = self.at_once(
            ("DELETE", f"{OWNERS}/{name}", None, ()), ("POST", KEYS, {"api": "shop", "owner": name}, ())
        )
        if self.statuses(answers) not in ([201, 409], [204, 422]):
            return answers, [f"{self.statuses(answers)}: {[answer.body[:150] for answer in answers]}"]
        return answers, []

    def regenerations(self):
        """Whoever is second ends what the first one has made."""
        name = f"single-{self.count}"
        self.good("PUT", f"{OWNERS}/{name}", {"api": "shop"})
        body = {"api": "shop", "owner": name, "regenerate": True}
        answers = self.at_once(*[("POST", KEYS, body, ())] * 2)
        wrong = self.expect(answers, 201, 201)
        if not wrong:
            active = self.good("GET", f"{KEYS}?api=shop&owner={name}&status=active").json()["data"]
            wrong += [] if len(active) == 1 else [f"{len(active)} active keys"]
        return answers, wrong

    def only_key(self, owner, answers):
        """One of two calls was done."""
        wrong = [] if sum(answer.status == 409 for answer in answers) == 1 else [self.statuses(answers)]
        wrong += [answer.body for answer in answers if answer.status == 409 and answer.reason() != "key_limit"]
        active = self.good("GET", f"{KEYS}?api=shop&owner={owner}&status=active").json()["data"]
        return wrong + ([] if len(active) == 1 else [f"{len(active)} active keys"])

    def new_owner(self):
        name = f"only-{self.count}"
        self.good("PUT", f"{OWNERS}/{name}", {"api": "shop"})
        return name

    def only_ones(self):
        name = self.new_owner()
        answers = self.at_once(*[("POST", KEYS, {"api": "shop", "owner": name}, ())] * 2)
        return answers, self.only_key(name, answers)

    def enabled_beside(self):
        name = self.new_owner()
        id = self.good("POST", KEYS, {"api": "shop", "owner": name}).json()["id"]
        self.good("POST", f"{KEYS}/{id}:disable")
        answers = self.at_once(
            ("POST", f"{KEYS}/{id}:enable", None, ()), ("POST", KEYS, {"api": "shop", "owner": name}, ())
        )
        return answers, self.only_key(name, answers)

    def imports_of_only_ones(self):
        name = self.new_owner()
        rows = [[{"api": "shop", "owner": name, "digest": digest(f"only {self.count} {i}")}] for i in range(2)]
        answers = self.at_once(*(("POST", f"{KEYS}:import", {"keys": row}, ()) for row in rows))
        return answers, self.only_key(name, answers)

    def imports_beside(self):
        """Other keys, other ids: neither has to wait for the other for long."""
        stop = threading.Event()
        refused = []

        def make_keys():
            while not stop.is_set():
                answer = self.gateways[1].call("POST", KEYS, {"api": "shop", "owner": "acme"})
                if answer.status != 201:
                    refused.append(f"a key beside it: {answer.status} {answer.body[:150]}")

        thread = threading.Thread(target=make_keys)
        thread.start()
        rows = [{"api": "shop", "owner": "acme", "digest": digest(f"{self.count} {i}")} for i in range(100)]
        answer = self.gateways[0].call("POST", f"{KEYS}:import", {"keys": rows})
        stop.set()
        thread.join()
        return [answer], self.expect([answer], 200) + refused

    def creations(self):
        answers = self.at_once(*[("POST", KEYS, {"api": "shop", "owner": "acme"}, ())] * 8)
        wrong = self.expect(answers, *[201] * 8)
        return answers, wrong + ([] if wrong or len({a.json()["id"] for a in answers}) == 8 else ["not eight keys"])


def run(binary, document, report):
    with Gateway(binary, "redis") as first, Gateway(binary, "redis", beside=first) as second:
        races = Races((first, second), document, report)
        races.run()
        races.run_with_one_key_for_each_owner()
        for gateway in (second, first):
            report.row("the end", [] if gateway.stop() == 0 else [(gateway.folder / "log").read_text()[-2000:]])
