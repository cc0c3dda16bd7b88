"""ReachScore: what plans include, and what counts against it."""

import calendar
import re
import time

import acts
from acts import ask
from product import SECONDS
from reachscore_words import ME, ROUTES, SUMMARY, TEST_RATE, TESTS_LIMIT, fresh_owner, usage_of
from steps import create, set_owner, within


def metered(stage, case, words):
    """Live keys spend the organization's tests: tests that were run, and nothing else."""
    owner = fresh_owner(stage)
    key = create(stage, owner)["key"]
    case.equal("before", usage_of(stage, key), (0, TESTS_LIMIT))
    for number in range(1, 4):
        case.equal("a test", ask(stage, "POST", "/v1/tests", key).status, 200)
        case.equal("counted at once", usage_of(stage, key), (number, TESTS_LIMIT))
    for status in (201, 202, 204):
        case.equal("also made", ask(stage, "POST", f"/v1/tests?answer={status}", key).status, status)
    for status in (301, 400, 404, 409, 422, 429, 500, 503):
        case.equal("not made", ask(stage, "POST", f"/v1/tests?answer={status}", key).status, status)
    for method, path in (*ROUTES["tests:read"], ("PATCH", "/v1/tests/tst_1"), *ROUTES["domains:write"], ("GET", ME)):
        case.equal("something else", ask(stage, method, path, key).status, 200)
    for refused in (words["reader"], words["unknown"], words["revoked"]):
        case.true("refused", ask(stage, "POST", "/v1/tests", refused).status == 403)
    case.true("6 are counted", within(SECONDS, lambda: usage_of(stage, key) == (6, TESTS_LIMIT)))
    case.note("6 answers with 2xx counted, 8 others and all else not")


def months_end():
    year, month = time.gmtime()[:2]
    return calendar.timegm((year + month // 12, month % 12 + 1, 1, 0, 0, 0))


def quota(stage, case, words):
    """Two keys share the 1000 tests of their organization; the last one passes, the next one does not."""
    owner = fresh_owner(stage)
    keys = [create(stage, owner)["key"] for _ in range(2)]
    stage.settle()
    with acts.Line(stage, keys[0]) as first, acts.Line(stage, keys[1]) as second:
        before = len(stage.api.seen)
        for number in range(TESTS_LIMIT - 1):
            answer = (first, second)[number % 2].ask("POST", "/v1/tests")
            case.equal(f"test {number + 1}", answer.status, 200)
        case.equal("an answer with 5xx takes none", first.ask("POST", "/v1/tests?answer=500").status, 500)
        last = first.ask("POST", "/v1/tests")
        case.equal("the last one", last.status, 200)
        policy, left = (last.fields.get(name, "") for name in ("ratelimit-policy", "ratelimit"))
        case.true(f"its policy: {policy}", f"q={TESTS_LIMIT}" in policy)
        case.true(f"nothing is left: {left}", re.search(r"\br=0\b", left))
        for line in (second, first):
            refused = line.ask("POST", "/v1/tests")
            case.equal("one more", refused.refusal(), (429, "quota_exceeded"))
            case.equal("code", refused.json()["error"]["code"], "QUOTA_EXCEEDED")
            wait = int(refused.fields["retry-after"])
            case.true(f"Retry-After {wait} is the month's end", abs(time.time() + wait - months_end()) < SECONDS)
        case.equal("tests at the API", len(stage.api.seen) - before, TESTS_LIMIT + 1)
        case.equal("what is no test goes on", first.ask("GET", SUMMARY).status, 200)
        case.equal("who asks sees it", first.ask("GET", ME).json()["usage"]["tests_this_month"], TESTS_LIMIT)

        # Another plan counts from the next request on, with what was used kept.
        set_owner(stage, owner, plan="business")
        stage.settle()
        case.equal("a larger plan", second.ask("POST", "/v1/tests").status, 200)
        case.true("kept", within(SECONDS, lambda: usage_of(stage, keys[0]) == (TESTS_LIMIT + 1, 10000)))
        set_owner(stage, owner, plan="team")
        stage.settle()
        case.equal("the old one again", second.ask("POST", "/v1/tests").refusal(), (429, "quota_exceeded"))
        set_owner(stage, owner, plan="free")
        stage.settle()
        case.equal("the one without the API", first.ask("GET", ME).refusal(), (403, "plan_no_api"))
    case.note(f"{TESTS_LIMIT} over two keys, then 429 until the month's end; plans change with usage kept")


def test_is_free(stage, case, words):
    """Test keys take nothing of what was bought, and are bounded all the same."""
    owner = fresh_owner(stage)
    live, test = create(stage, owner)["key"], create(stage, owner, mode="test")["key"]
    case.equal("a live test", ask(stage, "POST", "/v1/tests", live).status, 200)
    for _ in range(10):
        case.equal("a test test", ask(stage, "POST", "/v1/tests", test).status, 200)
    case.true("one is counted", within(SECONDS, lambda: usage_of(stage, live) == (1, TESTS_LIMIT)))

    # The rate of test keys is one of the clock's minutes: over two of them at most twice as many pass.
    before = len(stage.test_api.seen)
    with acts.Line(stage, test) as line:
        answers = []
        while len(answers) < 2 * TEST_RATE + 1 and (not answers or answers[-1].status == 200):
            answers.append(line.ask("POST", "/v1/tests"))
        case.equal("too many", answers[-1].refusal(), (429, "rate_limited"))
        case.true("Retry-After", 1 <= int(answers[-1].fields["retry-after"]) <= 60)
    case.equal("at the test API", len(stage.test_api.seen) - before, len(answers) - 1)
    case.equal("the live one goes on", ask(stage, "POST", "/v1/tests", live).status, 200)
    case.true("two are counted", within(SECONDS, lambda: usage_of(stage, live) == (2, TESTS_LIMIT)))
    case.note(f"429 after {len(answers) - 1 + 10} test calls, of which none is counted")


def test_beside_spent(stage, case, words):
    """A quota that is spent is nothing to a test key."""
    owner = fresh_owner(stage)
    live = create(stage, owner, quota={"tests": "2/month"})["key"]
    test = create(stage, owner, mode="test", quota={"tests": "2/month"})["key"]
    answers = [ask(stage, "POST", "/v1/tests", live).refusal() for _ in range(3)]
    case.equal("live", answers, [(200, None), (200, None), (429, "quota_exceeded")])
    case.equal("test", [ask(stage, "POST", "/v1/tests", test).status for _ in range(4)], [200] * 4)
    case.note("the live one is refused, the test one goes on")
