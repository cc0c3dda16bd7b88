"""From where and for what a key may be used: each row of restrictions.tsv over real HTTP.

    kind      address, referrer, endpoint, several: what the row is about; bad: what cannot be a restriction
    key       restrictions of the key, as the admin API takes them
    from      the client's address; `mapped` where it is an IPv4 one that comes to a listener for both kinds
    request   `METHOD target | Name: value | …`, sent byte for byte
    answer    status and reason; of `bad` rows what the admin API says, and the member that it names
    why       what the row shows
"""

import csv
import json
import re
import socket

from product import HERE, SECONDS, free_port
from steps import create, set_owner

OWNER = "acct-restricted"


def rows_of(kind):
    with open(HERE / "restrictions.tsv", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["kind"] == kind]


def send(row, key, ports):
    """Status and reason. HEAD has no body to say a reason."""
    address, *way = row["from"].split(" ")
    line, *fields = row["request"].replace("\\t", "\t").split(" | ")
    head = [f"{line} HTTP/1.1", "Host: api", f"Authorization: Bearer {key}", *fields, "Connection: close", "", ""]
    is_v6 = ":" in address
    target = ("::1" if is_v6 else "127.0.0.1", ports["every" if is_v6 or way else "gate"])
    with socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET) as client:
        client.settimeout(SECONDS)
        client.bind((address, 0))
        client.connect(target)
        client.sendall("\r\n".join(head).encode())
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    text = answer.decode("utf-8", "replace")
    reason = re.search(r'"reason":"([a-z_]+)"', text)
    return f"{text.split()[1]} {reason[1] if reason else ''}".strip()


def with_listener(text, gate, port):
    """The same, and a listener for IPv6 to which IPv4 clients come too."""
    line = f'  - address: "127.0.0.1:{gate}"'
    if text.count(line) != 1:
        raise RuntimeError(f"{line} is there {text.count(line)} times")
    return text.replace(line, f'{line}\n  - address: "[::]:{port}"')


def show(stage, case, kind):
    rows = rows_of(kind)
    wrong = bad_rows(stage, rows) if kind == "bad" else used_rows(stage, rows)
    case.true(f"{len(wrong)} of {len(rows)} are wrong: {'; '.join(wrong)}", not wrong)
    case.note(f"{len(rows)} rows, 0 wrong")


def used_rows(stage, rows):
    every = free_port(stage.ports.values())

    def edit(text):
        gate = re.search(r'- address: "127\.0\.0\.1:(\d+)"', text)[1]
        return with_listener(text, gate, every)

    wrong = []
    with stage.beside(edit) as other:
        ports = other.ports | {"every": every}
        set_owner(other, OWNER)
        keys = {row["key"]: None for row in rows}
        for members in keys:
            keys[members] = create(other, OWNER, **json.loads(members))["key"]
        other.settle()
        for row in rows:
            before = sum(other.arrived())
            seen = send(row, keys[row["key"]], ports)
            reached = sum(other.arrived()) - before
            if (seen, reached) != (row["answer"], row["answer"] == "200"):
                what = f"{row['key']} from {row['from']}: {row['request']}"
                wrong.append(f"{what}: {seen} ({reached} at the API), not {row['answer']}")
    return wrong


def bad_rows(stage, rows):
    wrong = []
    set_owner(stage, OWNER)
    kept = create(stage, OWNER)
    for row in rows:
        members = json.loads(row["key"])
        status, _, member = row["answer"].partition(" ")
        new = {"api": stage.product, "owner": OWNER}
        for method, path, more in (("POST", "/keys", new), ("PATCH", f"/keys/{kept['id']}", {})):
            seen, reply = stage.call(method, path, more | members)
            message = reply["error"]["message"] if "error" in reply else ""
            if seen != int(status) or f"`{member}" not in message:
                wrong.append(f"{method} {row['key']}: {seen} {message}, not {row['answer']}")
    return wrong
