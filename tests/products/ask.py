"""Python's requests, one question a line: what is asked and what came back, as JSON."""

import json
import sys

import requests

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = requests.request(
            asked["method"], asked["url"], headers=dict(asked["fields"]), timeout=30, allow_redirects=False
        )
        told = {"status": answer.status_code, "fields": dict(answer.headers), "body": answer.text}
    except requests.RequestException as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(told), flush=True)
