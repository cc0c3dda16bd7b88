"""ReachScore: the keys that its table speaks of. What rows of the kind `check` mean is in the files named here."""

import json
import time

import acts
from reachscore_keys import *  # noqa: F403
from reachscore_making import *  # noqa: F403
from reachscore_scopes import *  # noqa: F403
from reachscore_two import two_gateways  # noqa: F401
from reachscore_usage import *  # noqa: F403
from reachscore_who import *  # noqa: F403
from reachscore_words import OWNER, REVOKED, SUMMARY, digest_of, random_key  # noqa: F401
from steps import act, create, look_at, set_owner, within

PLAN, POOR = "team", "free"


def hammer(stage, key, seen, stop):
    acts.hammer(stage, SUMMARY, key, seen, stop)


def prepare(stage):
    """Owners and keys; the first ones by the commands that the configuration shows."""
    stage.command("owners", "set", "--api", "reachscore", "--id", OWNER, "--name", "Your Company", "--plan", "team",
                  "--attributes", '{"domains": 3}')  # fmt: skip
    options = ("keys", "create", "--api", "reachscore", "--owner", OWNER, "--json", "--name")
    good = json.loads(stage.command(*options, "First key"))
    of_test = ("--mode", "test", "--scope", "tests:read", "--scope", "tests:write")
    test = json.loads(stage.command(*options, "CI", *of_test))
    revoked, disabled, deleted = (create(stage, OWNER) for _ in range(3))
    act(stage, revoked, "revoke")
    act(stage, disabled, "disable")
    stage.must(204, "DELETE", f"/keys/{deleted['id']}")
    expired = create(stage, OWNER, expires_at=acts.as_text(time.time() + 2))
    set_owner(stage, "org_free", plan="team")
    poor = create(stage, "org_free")
    set_owner(stage, "org_free", plan="free")
    renamed = random_key()
    create(stage, OWNER, digest=digest_of(renamed), mode="test")
    if not within(10, lambda: look_at(stage, expired)["status"] == "expired"):
        raise RuntimeError("a key does not expire")
    letters = good["key"].removeprefix("rk_live_")
    return {
        "good": good["key"],
        "test": test["key"],
        "unknown": random_key(),
        "revoked": revoked["key"],
        "disabled": disabled["key"],
        "deleted": deleted["key"],
        "expired": expired["key"],
        "poor": poor["key"],
        "renamed": renamed,
        "reader": create(stage, OWNER, scopes=["tests:read"])["key"],
        "none": create(stage, OWNER, scopes=[])["key"],
        "eleven": "rk_live_" + letters[:11],
        "many": random_key(letters=129),
        "other_product": "sk_live_" + letters,
        "no_prefix": letters,
    }
