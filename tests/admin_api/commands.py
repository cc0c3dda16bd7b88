"""What the README says of the commands, on a whole gateway: what they print, their exit status, peppers, backup and
restore."""

import json
import shutil

from gateway import Gateway

KNOWN_KEY = "kg_live_" + "k" * 40
PEPPERS = 'peppers: [{name: "2026", file: pepper-2026}]\napis:'


class Commands:
    def __init__(self, gateway, document, report):
        self.gateway = gateway
        self.document = document
        self.report = report

    def row(self, name, status, *arguments, schema=None, text="", says="", hides=""):
        """One command; what it prints with --json must be as the API's description has it."""
        ended = self.gateway.keygate(*arguments, *(["--json"] if schema else []), text=text)
        said = ended.stdout + ended.stderr
        wrong = [] if ended.returncode == status else [f"exit status {ended.returncode}: {said[:500]}"]
        if says not in said:
            wrong.append(f"does not say `{says}`: {said[:500]}")
        if hides and hides in said:
            wrong.append("says what nobody must see")
        if schema and ended.returncode == 0:
            wrong += self.document.validate({"$ref": f"#/components/schemas/{schema}"}, json.loads(ended.stdout))
        self.report.row(f"keygate {' '.join(arguments)}: {name or status}"[:110], wrong)
        return json.loads(ended.stdout) if schema and ended.returncode == 0 else ended.stdout

    def run(self):
        self.keys_and_owners()
        self.wrong_usage()
        self.many()
        self.backup()
        self.peppers()

    def keys_and_owners(self):
        self.row("", 0, "owners", "set", "--id", "acme", "--plan", "pro", "--attributes", '{"n":1}', schema="Owner")
        self.row("kept", 0, "owners", "set", "--id", "acme", "--name", "Acme", schema="Owner")
        owner = self.row("", 0, "owners", "show", "--id", "acme", schema="Owner")
        self.report.row("what is not named stays", [] if owner["attributes"] == {"n": 1} else [owner])
        self.row("", 0, "owners", "list", schema="OwnerList")
        made = self.row("", 0, "keys", "create", "--owner", "acme", "--scope", "orders:read", schema="MadeKey")
        id, key = made["id"], made["key"]
        self.row("", 0, "keys", "show", id, schema="Key", hides=key)
        self.row("for people", 0, "keys", "show", id, says="orders:read", hides=key)
        self.row("", 0, "keys", "list", "--owner", "acme", schema="KeyList", hides=key)
        self.row("", 0, "keys", "update", id, "--name", "x", "--no-scopes", schema="Key")
        self.row("stale", 1, "keys", "update", id, "--name", "y", "--if-match", "x", says="If-Match")
        self.row("", 0, "keys", "disable", id, schema="Key")
        self.row("", 0, "keys", "enable", id, says=f"{id} is active")
        rotated = self.row("", 0, "keys", "rotate", id, "--grace", "24h", schema="MadeKey", hides=key)
        self.row("", 0, "keys", "revoke", rotated["id"], says="is revoked", hides=rotated["key"])
        self.row("revoked", 1, "keys", "enable", rotated["id"], says="final")
        self.row("", 0, "keys", "delete", rotated["id"], "--yes", says="is deleted")
        self.row("", 0, "usage", "show", "--owner", "acme", schema="Usage")
        self.row("", 0, "usage", "show", "--key", id, says="requests")
        own = ("keys", "update", id, "--rate", "9/1s", "--rate", '{"rate": "90/1m", "burst": 5}')
        key = self.row("", 0, *own, "--quota", "requests=1000/month", "--quota", "requests=50/day", schema="Key")
        expected = (["9/1s", {"rate": "90/1m", "burst": 5}], {"requests": ["1000/month", "50/day"]})
        self.report.row("limits of its own", [] if (key["rate"], key["quota"]) == expected else [key])
        self.row("", 0, "keys", "show", id, says='{"requests":["1000/month","50/day"]}')
        self.row("", 0, "usage", "show", "--key", id, says="quota requests-day  0 of 50/day by key, until ")
        self.row("", 0, "usage", "reset", "--key", id, "--yes", schema="UsageReset")
        self.row("", 0, "usage", "reset", "--owner", "acme", "--yes", says="of the owner acme begin anew")
        self.row("", 1, "usage", "reset", "--key", "key_nope", "--yes", says="there is no key")
        key = self.row("", 0, "keys", "update", id, "--plan-limits", schema="Key")
        self.report.row("none of its own", [] if key["rate"] is None and key["quota"] is None else [key])
        known = ("keys", "create", "--owner", "acme", "--key-file", "-")
        self.row("", 0, *known, text=KNOWN_KEY + "\n", schema="MadeKey", hides=KNOWN_KEY)
        self.row("again", 1, *known, text=KNOWN_KEY + "\n", hides=KNOWN_KEY)
        self.row("no key", 2, *known, text="secret that is no key", hides="secret that is no key")
        found = [
            path.name
            for path in self.gateway.folder.iterdir()
            if path.is_file() and KNOWN_KEY.encode() in path.read_bytes()
        ]
        self.report.row("the key is in no file", found)

    def wrong_usage(self):
        self.row("", 1, "keys", "show", "key_nope", says="there is no key")
        for arguments in (
            ("keys", "create", "--owner", "acme", KNOWN_KEY),
            ("keys", "create", "--owner", "acme", "--key", KNOWN_KEY),
            ("keys", "create", "--owner", "acme", "--scope", "orders:read", "--no-scopes"),
            ("keys", "create", "--owner", "acme", "--digest", "x", "--key-file", "-"),
            ("keys", "update", "key_1", "--plan", "pro", "--no-plan"),
            ("keys", "update", "key_1"),
            ("keys", "rotate", "key_1", "--grace", "soon"),
            ("keys", "delete", "key_1"),
            ("keys", "list", "--limit", "0"),
            ("keys", "list", "--colour", "red"),
            ("keys",),
            ("owners", "delete", "--id", "acme"),
            ("usage", "show"),
            ("usage", "show", "--key", "a", "--owner", "b"),
            ("usage", "reset"),
            ("usage", "reset", "--key", "a"),
            ("keys", "update", "key_1", "--rate", "1/1s", "--plan-limits"),
            ("keys", "update", "key_1", "--quota", "1000/month"),
            ("store", "backup"),
        ):
            self.row("", 2, *arguments)

    def many(self):
        """More keys than a page holds, as CSV and as JSON lines."""
        rows = [{"digest": "sha256:" + f"{i:064x}", "owner": "bob", "scopes": ["orders:read"]} for i in range(1500)]
        csv = self.gateway.folder / "keys.csv"
        csv.write_text("digest,owner,scopes\n" + "".join(f"{r['digest']},bob,orders:read\n" for r in rows[:1200]))
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.row("", 0, "keys", "import", str(csv), says="imported 1200 of 1200 keys")
        self.row("there already", 1, "keys", "import", "-", text=lines, says="nothing was imported")
        self.row(
            "the rest",
            0,
            "keys",
            "import",
            "-",
            "--skip-existing",
            text=lines,
            says="imported 300 of 300 keys; 1200 existed already",
        )
        all_of_bob = self.row("15 pages", 0, "keys", "list", "--owner", "bob", schema="KeyList")["data"]
        self.report.row("all are listed", [] if len(all_of_bob) == 1500 else [len(all_of_bob)])
        some = self.row("", 0, "keys", "list", "--owner", "bob", "--limit", "120", schema="KeyList")
        rest = self.row("", 0, "keys", "list", "--owner", "bob", "--cursor", some["next_cursor"], schema="KeyList")
        self.report.row("a list goes on at its cursor", [] if some["data"] + rest["data"] == all_of_bob else ["not so"])

    def backup(self):
        copy = self.gateway.folder / "copy.db"
        if not self.gateway.store.has_backup:
            self.row("not of this store", 1, "store", "backup", str(copy), says="Redis")
            self.report.row("nothing is written", [] if not copy.exists() else ["it is there"])
            return
        self.row("", 0, "store", "backup", str(copy), schema="Backup")
        self.row("there already", 1, "store", "backup", str(copy), says="exists already")
        later = self.row("", 0, "keys", "create", "--owner", "acme", schema="MadeKey")
        self.gateway.stop()
        shutil.copy(copy, self.gateway.folder / "gate.db")
        for suffix in ("-wal", "-shm"):
            (self.gateway.folder / f"gate.db{suffix}").unlink(missing_ok=True)
        self.gateway.start()
        self.row("made after the copy", 1, "keys", "show", later["id"])
        self.row("made before it", 0, "keys", "list", "--owner", "bob", "--limit", "1", says="bob")

    def pepper(self, name, text):
        file = self.gateway.folder / f"pepper-{name}"
        file.write_text(text * 40 + "\n")
        file.chmod(0o600)
        return file

    def peppers(self):
        pepper = self.pepper("2026", "x")
        self.gateway.write_configuration("apis:", PEPPERS)
        self.row("with a pepper", 0, "reload", says="reloaded")
        made = self.row("", 0, "keys", "create", "--owner", "acme", schema="MadeKey")
        self.report.row("a new key has the pepper", [] if made["pepper"] == "2026" else [made["pepper"]])
        self.row("an older one", 0, "keys", "list", "--owner", "bob", "--limit", "1", says="bob")
        self.another_pepper(made["id"])
        self.gateway.write_configuration("apis:", PEPPERS)
        self.row("back", 0, "reload")
        self.row("", 0, "keys", "create", "--owner", "acme", schema="MadeKey")
        self.gateway.stop()
        pepper.write_text("y" * 40 + "\n")
        self.row("another pepper", 3, "keys", "list", says="holds another text")
        pepper.unlink()
        self.row("a lost pepper", 3, "keys", "list", says="pepper-2026")
        self.gateway.write_configuration()
        self.row("no pepper", 3, "keys", "list", says="1 keys were made with pepper `2026`")
        self.gateway.store.remove_keys_of("2026")
        if self.gateway.store.name == "redis":
            self.row("with other hands than ours", 0, "store", "reindex")
        self.row("without its keys", 0, "keys", "list", "--limit", "1")
        self.gateway.start()
        self.row("with a gateway", 0, "keys", "list", "--limit", "1")
        if self.gateway.store.name == "redis":
            self.row("", 0, "store", "doctor", says="index: ok")

    def another_pepper(self, id):
        """2027 in the place of 2026, by rotation."""
        self.pepper("2027", "z")
        both = PEPPERS.replace("[{", '[{name: "2027", file: pepper-2027}, {')
        self.gateway.write_configuration("apis:", both)
        self.row("a new pepper first", 0, "reload", says="reloaded")
        fresh = self.row("", 0, "keys", "rotate", id, schema="MadeKey")
        self.report.row("a rotation changes the pepper", [] if fresh["pepper"] == "2027" else [fresh["pepper"]])
        only_new = PEPPERS.replace("2026", "2027")
        self.gateway.write_configuration("apis:", only_new)
        self.row("the old one is in use", 3, "reload", says="1 keys were made with pepper `2026`")
        self.row("", 0, "keys", "delete", id, "--yes")
        self.row("the old one is free", 0, "reload", says="reloaded")
        self.row("", 0, "keys", "delete", fresh["id"], "--yes")


def run(binary, store, document, report):
    with Gateway(binary, store) as gateway:
        Commands(gateway, document, report).run()
        report.row("the end", [] if gateway.stop() == 0 else [(gateway.folder / "log").read_text()[-2000:]])
