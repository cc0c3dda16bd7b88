"""RobinReach: how often a company may call."""

import http.client
import re
import time

from product import SECONDS
from robinreach_company import POSTS, answer_to, company
from steps import act, create, field_of, reason_in_log, send, set_owner, status_of

RATES = {"bloom": 600, "thrive": 3000}


def spend(stage, key, most):
    """How many pass until one is refused, and how."""
    stage.settle()
    passed, answer = 0, None
    connection = http.client.HTTPConnection("127.0.0.1", stage.ports["gate"], timeout=SECONDS)
    while passed <= most:
        connection.request("GET", POSTS, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            break
        passed += 1
    connection.close()
    return passed, answer


def within_a_minute(show):
    """A minute may end while it is looked at, which is no news: then it is done once more."""
    for _ in range(3):
        minute = int(time.time()) // 60
        seen = show()
        if int(time.time()) // 60 == minute:
            return seen
    raise RuntimeError("a minute ends too often")


def spent(stage, case):
    """A company under Bloom that has sent what it may, as long as this minute lasts."""
    key = create(stage, company(stage))
    passed, answer = spend(stage, key["key"], RATES["bloom"])
    case.equal("the next one", answer.status, 429)
    case.true("Retry-After", 1 <= int(answer.headers["Retry-After"]) <= 60)
    return key, passed


def rates(stage, case, words):
    _, passed = within_a_minute(lambda: spent(stage, case))
    # What Redis has lent to another gateway is not given out twice.
    least = RATES["bloom"] if stage.redis is None else RATES["bloom"] - 10
    case.true(f"{passed} pass under bloom", least <= passed <= RATES["bloom"])
    case.note(f"{passed} in a minute under bloom, then 429")


def richer(stage, case, words):
    def show():
        key, _ = spent(stage, case)
        answers = []
        for plan in ("thrive", "bloom", "thrive"):
            set_owner(stage, key["owner"], plan=plan)
            answers.append(send(stage, POSTS, key["key"]))
        return answers

    answers = within_a_minute(show)
    case.equal("thrive, bloom, thrive", [status_of(answer) for answer in answers], [200, 429, 200])
    case.true("the number of thrive", f"q={RATES['thrive']};w=60" in field_of(answers[0], "RateLimit-Policy"))
    case.equal("the reason in the log", reason_in_log(stage, answers[1]), "rate_limited")
    case.note("the same key goes on under thrive, not when it is back, and then again")


def renewed(stage, case, words):
    def show():
        key, _ = spent(stage, case)
        fresh = create(stage, key["owner"], regenerate=True)
        turned = act(stage, fresh, "rotate", {"grace_seconds": 0}, 201)
        return answer_to(stage, turned["key"])

    case.equal("with another key", within_a_minute(show), 429)
    case.note("429 with the old key, and with a new one")


def told_rates(stage, case, words):
    for plan in ("bloom", "thrive"):
        answer = send(stage, POSTS, create(stage, company(stage, plan))["key"])
        case.equal(plan, status_of(answer), 200)
        case.true("policy", f"q={RATES[plan]};w=60" in field_of(answer, "RateLimit-Policy"))
        left = re.search(r";r=(\d+);t=(\d+)", field_of(answer, "RateLimit"))
        case.true("what is left", 0 < int(left[1]) < RATES[plan] and 0 < int(left[2]) <= 60)
    case.note("RateLimit-Policy and RateLimit say where a client stands")


def retry(stage, case, words):
    key = create(stage, company(stage), rate="3/2s")
    stage.settle()
    passed = 0
    while status_of(answer := send(stage, POSTS, key["key"])) == 200:
        passed += 1
        case.true("no more than it may", passed <= 6)  # two windows
    case.equal("refused", (status_of(answer), reason_in_log(stage, answer)), (429, "rate_limited"))
    wait = int(field_of(answer, "Retry-After"))
    reset = int(re.search(r";t=(\d+)", field_of(answer, "RateLimit"))[1])
    case.true(f"Retry-After {wait}, t {reset}", 1 <= wait <= 2 and wait >= reset)
    time.sleep(wait)
    case.equal("after that", answer_to(stage, key["key"]), 200)
    case.note(f"429 with Retry-After: {wait}; whoever waits so long is let in")
