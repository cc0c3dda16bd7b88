"""The OpenAPI document as a judge: whether an answer is one that the document allows, and what was never seen."""

import re

import jsonschema


class Document:
    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver.from_schema(document)
        self.seen = set()
        self.calls = []
        for path, item in document["paths"].items():
            pattern = re.compile(re.escape(path).replace(re.escape("{id}"), "[^/:]+") + "$")
            for method, call in item.items():
                if method != "parameters":
                    self.calls.append((method.upper(), path, pattern, call))

    def resolved(self, value):
        return self.resolver.resolve(value["$ref"])[1] if "$ref" in value else value

    def find(self, method, target):
        path = target.partition("?")[0]
        for name, form, pattern, call in self.calls:
            if name == ("GET" if method == "HEAD" else method) and pattern.match(path):
                return form, call
        return None, None

    def example(self, call, number=0):
        """A body that the document gives as an example."""
        body = call.get("requestBody")
        if body is None:
            return None
        return list(body["content"]["application/json"]["examples"].values())[number]["value"]

    def validate(self, schema, value):
        checker = jsonschema.Draft202012Validator(
            schema, resolver=self.resolver, format_checker=jsonschema.FormatChecker()
        )
        return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in checker.iter_errors(value)]

    def check(self, method, target, answer):
        """What is wrong with an answer; an empty list if nothing is."""
        form, call = self.find(method, target)
        if call is None:
            return [f"{method} {target} is not in the document"]
        described = call["responses"].get(str(answer.status))
        if described is None:
            return [f"{method} {form}: status {answer.status} is not in the document"]
        self.seen.add((f"{'GET' if method == 'HEAD' else method} {form}", answer.status))
        described = self.resolved(described)
        wrong = self.check_fields(described.get("headers", {}), answer)
        if method == "HEAD":
            return wrong
        content = described.get("content")
        if content is None:
            return wrong + ([f"a body where none is described: {answer.body!r}"] if answer.body else [])
        if answer.field("Content-Type") != "application/json":
            wrong.append(f"Content-Type is {answer.field('Content-Type')}")
        return wrong + self.validate(content["application/json"]["schema"], answer.json())

    def check_fields(self, described, answer):
        wrong = []
        for name, header in described.items():
            header = self.resolved(header)
            values = answer.fields.get(name.lower(), [])
            if len(values) > 1 or (header.get("required") and not values):
                wrong.append(f"{name} is there {len(values)} times")
            for value in values:
                wrong += [f"{name}: {problem}" for problem in self.validate(header["schema"], value)]
        # Fields that speak of the record or of the call must be described where they appear.
        for name in ("ETag", "Location", "Idempotent-Replayed", "Dry-Run", "Retry-After", "WWW-Authenticate", "Allow"):
            if name.lower() in answer.fields and name not in described:
                wrong.append(f"{name} is not in the document")
        return wrong

    def unseen(self):
        """Pairs of call and status that are described and did not occur."""
        described = {
            (f"{method} {form}", int(status)) for method, form, _, call in self.calls for status in call["responses"]
        }
        return sorted(described - self.seen)
