"""RobinReach: how often a company may call."""

import http.client
import re
import time

from product import SECONDS
from robinreach_company import POSTS, answer_to, company
from steps import create, field_of, reason_in_log, send, set_owner, status_of

RATES = {"bloom": 600, "thrive": 3000}


def spend(stage, key, most):
    """How many pass until one is refused, all within one minute of the clock; None if it ended in between."""
    stage.settle()
    passed, answer = 0, None
    connection = http.client.HTTPConnection("127.0.0.1", stage.ports["gate"], timeout=SECONDS)
    minute = int(time.time()) // 60
    while passed <= most:
        connection.request("GET", POSTS, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            break
        passed += 1
    connection.close()
    return (passed, answer) if int(time.time()) // 60 == minute else None


def rates(stage, case, words):
    """A minute may end in between, which is no news: then it is done once more."""
    for _ in range(3):
        key = create(stage, company(stage))
        spent = spend(stage, key["key"], RATES["bloom"])
        if not spent:
            continue
        passed, answer = spent
        minute = int(time.time()) // 60
        set_owner(stage, key["owner"], plan="thrive")
        richer = send(stage, POSTS, key["key"])
        set_owner(stage, key["owner"], plan="bloom")
        poorer = send(stage, POSTS, key["key"])
        fresh = create(stage, key["owner"], regenerate=True)
        renewed = send(stage, POSTS, fresh["key"])
        if int(time.time()) // 60 == minute:
            break
    else:
        raise RuntimeError("a minute ends too often")
    # What Redis has lent to another gateway is not given out twice.
    least = RATES["bloom"] if stage.redis is None else RATES["bloom"] - 10
    case.true(f"{passed} pass under bloom", least <= passed <= RATES["bloom"])
    case.equal("the next one", answer.status, 429)
    case.true("Retry-After", 1 <= int(answer.headers["Retry-After"]) <= 60)
    case.equal("thrive", status_of(richer), 200)
    case.true("its number", f"q={RATES['thrive']};w=60" in field_of(richer, "RateLimit-Policy"))
    case.equal("bloom again", (status_of(poorer), reason_in_log(stage, poorer)), (429, "rate_limited"))
    case.equal("a new key is no way round it", status_of(renewed), 429)
    case.note(f"{passed} in a minute under bloom; the same key goes on under thrive, and not when it is back")


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
