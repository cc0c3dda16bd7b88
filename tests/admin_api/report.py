"""Lines that say what was seen: `ok   NAME` or `FAIL NAME: why`."""


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def row(self, name, wrong):
        """wrong: what is not as it must be; empty for a row that passed."""
        if wrong:
            self.failed += 1
            print(f"FAIL {name}: {'; '.join(map(str, wrong))}", flush=True)
        else:
            self.passed += 1
            print(f"ok   {name}", flush=True)

    def say(self, text):
        print(f"     {text}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed == 0
