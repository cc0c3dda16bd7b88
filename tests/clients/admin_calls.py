"""Calls to the admin API over one connection."""

import http.client
import json

SECONDS = 20


class Gone(Exception):
    """The gateway is away: what was asked may or may not have been done."""


class Refused(RuntimeError):
    """It said no."""

    def __init__(self, what, status, body):
        super().__init__(f"{what}: {status} {body!r}")
        self.status = status
        self.body = body


class AdminCalls:
    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self.fields = {"Authorization": f"Bearer {token}"}

    def ask(self, method, path, body=None):
        """What was answered, None for an empty answer."""
        try:
            text = None if body is None else json.dumps(body)
            self.connection.request(method, f"/admin/v1{path}", text, self.fields)
            answer = self.connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Gone(str(error)) from error
        if answer.status >= 300:
            raise Refused(f"{method} {path}", answer.status, data)
        return json.loads(data) if data else None
