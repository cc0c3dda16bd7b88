"""Many connections to several gateways that are busy all the time, in processes of their own.

Each connection sends a request as soon as it has the answer to the one before. What they saw is added up."""

import collections
import contextlib
import gc
import itertools
import multiprocessing
import pathlib
import random
import selectors
import socket
import sys
import time

for folder in ("clients", "bench", "redis_away"):
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / folder))

from rig import judged, split_answer  # noqa: E402
from wire_rig import Remote  # noqa: E402

FORK = multiprocessing.get_context("fork")
SECONDS = 20
STEP = 0.05


class Job:
    """requests: (bytes, cost) of each kind; a connection takes any of them each time. It is over

    until   "dry"     when each gateway has refused each of the cheapest `enough` times since one passed
            "refused" when each gateway has refused each of the cheapest `enough` times
            "told"    when end() is called
    after at least `least` seconds, in any case after `most`."""

    def __init__(self, requests, until="dry", enough=4, least=0.0, most=60.0):
        self.requests = requests
        self.until = until
        self.enough = enough
        self.least = least
        self.most = most
        lowest = min(cost for _, cost in requests)
        self.cheapest = {number for number, (_, cost) in enumerate(requests) if cost == lowest}


class Tally:
    """Times are those of the wall clock, as Redis has it on this machine."""

    def __init__(self):
        self.counts = collections.Counter()  # (gateway, request, status, reason)
        self.broken = collections.Counter()  # (gateway, request) that got no answer
        self.first_sent = float("inf")  # of one that passed
        self.first_told = float("inf")
        self.last_told = 0.0
        self.late = 0  # that passed though they were sent after no_more()
        self.last_refused = 0.0  # when it was sent, one of the cheapest
        self.is_dry = True  # it was over before `most`

    def add(self, other):
        self.counts += other.counts
        self.broken += other.broken
        self.late += other.late
        self.first_sent = min(self.first_sent, other.first_sent)
        self.first_told = min(self.first_told, other.first_told)
        self.last_told = max(self.last_told, other.last_told)
        self.last_refused = max(self.last_refused, other.last_refused)
        self.is_dry = self.is_dry and other.is_dry

    def of(self, status, reason=None, request=None, gateway=None):
        return sum(
            count
            for (where, number, code, why), count in self.counts.items()
            if code == status and reason in (None, why) and request in (None, number) and gateway in (None, where)
        )

    def answers(self):
        """{(status, reason): count}"""
        totals = collections.Counter()
        for (_, _, status, reason), count in self.counts.items():
            totals[status, reason] += count
        return dict(totals)


class _Link:
    __slots__ = ("gateway", "socket", "rest", "request", "sent")

    def __init__(self, gateway):
        self.gateway = gateway
        self.socket = None
        self.rest = b""
        self.request = None
        self.sent = 0.0

    def connect(self, port):
        self.rest = b""
        self.request = None
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def is_open(self):
        if self.socket is None:
            return False
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None


class _Shared:
    """What all processes see while they work: who is dry, what passed, what was refused where."""

    def __init__(self, processes, gateways):
        self.processes = processes
        self.gateways = gateways
        self.is_ending = FORK.RawValue("b", 0)
        self.dry = FORK.RawArray("b", processes)
        self.passed = FORK.RawArray("q", processes)
        self.refused = FORK.RawArray("q", processes * gateways)
        self.others = FORK.RawArray("q", processes)
        self.after = FORK.RawValue("d", 0)

    def clear(self):
        self.is_ending.value = 0
        self.after.value = float("inf")
        for array in (self.dry, self.passed, self.refused, self.others):
            for number in range(len(array)):
                array[number] = 0


class Crowd:
    """connections: to each gateway, in all processes together."""

    def __init__(self, ports, connections=16, processes=2):
        self.shared = _Shared(processes, len(ports))
        each = [connections // processes + (number < connections % processes) for number in range(processes)]
        self.remotes = [
            Remote(_serve, number, self.shared, ports, each[number]) for number in range(processes)
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for remote in self.remotes:
            remote.__exit__()

    def begin(self, job):
        self.shared.clear()
        for remote in self.remotes:
            remote.tell(job)

    def end(self):
        """Nothing new is asked any more."""
        self.shared.is_ending.value = 1

    def no_more(self):
        """What is sent from now on must not pass."""
        self.shared.after.value = time.time()

    def is_done(self):
        return all(remote.pipe.poll() for remote in self.remotes)

    def result(self):
        tally = Tally()
        for remote in self.remotes:
            tally.add(remote.hear(120))
        return tally

    def run(self, job):
        self.begin(job)
        return self.result()

    @property
    def passed(self):
        """What passed costs so far."""
        return sum(self.shared.passed)

    @property
    def others(self):
        """Answers so far that are neither 200 nor 429."""
        return sum(self.shared.others)

    def refused(self, gateway):
        return sum(self.shared.refused[gateway :: self.shared.gateways])


def _serve(pipe, number, shared, ports, each):
    gc.disable()
    links = [_Link(gateway) for gateway in range(len(ports)) for _ in range(each)]
    while True:
        job = pipe.recv()
        pipe.send(_Work(number, shared, ports, links, job).run())
        gc.collect()


class _Work:
    def __init__(self, number, shared, ports, links, job):
        self.number = number
        self.shared = shared
        self.ports = ports
        self.links = links
        self.job = job
        self.tally = Tally()
        self.waiting = 0
        self.living = set(range(len(ports)))
        # How often it was refused, since one passed or at all.
        self.streak = dict.fromkeys(itertools.product(range(len(ports)), job.cheapest), 0)
        self.choices = list(enumerate(job.requests))

    def run(self):
        started = time.monotonic()
        with selectors.DefaultSelector() as selector:
            self.selector = selector
            for link in self.links:
                if not link.is_open():
                    link.close()
                    with contextlib.suppress(OSError):
                        link.connect(self.ports[link.gateway])
            self.look_who_lives()
            for link in self.links:
                if link.socket is not None:
                    selector.register(link.socket, selectors.EVENT_READ, link)
                    self.send(link)
            is_ending = False
            while self.waiting:
                for event, _ in selector.select(STEP):
                    self.read(event.data, is_ending)
                is_ending = is_ending or self.is_over(time.monotonic() - started)
        return self.tally

    def is_over(self, seconds):
        if seconds > self.job.most:
            self.tally.is_dry = self.job.until == "told"
            return True
        if self.shared.is_ending.value:
            return True
        if self.job.until == "told" or seconds < self.job.least:
            return False
        self.shared.dry[self.number] = self.is_dry()
        if all(self.shared.dry):
            self.shared.is_ending.value = 1  # for all: answers that are on their way change nothing any more
        return bool(self.shared.is_ending.value)

    def is_dry(self):
        return all(count >= self.job.enough for (gateway, _), count in self.streak.items() if gateway in self.living)

    def look_who_lives(self):
        self.living = {link.gateway for link in self.links if link.socket is not None}

    def send(self, link):
        link.request, (data, _) = random.choice(self.choices)
        link.sent = time.time()
        self.waiting += 1
        try:
            link.socket.send(data)
        except OSError:
            self.lose(link)

    def lose(self, link):
        self.waiting -= 1
        self.tally.broken[link.gateway, link.request] += 1
        self.selector.unregister(link.socket)
        link.close()
        self.look_who_lives()

    def read(self, link, is_ending):
        if link.socket is None:
            return
        try:
            data = link.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            return self.lose(link)
        link.rest += data
        parts = split_answer(link.rest)
        if parts is None:
            return
        head, body, link.rest = parts
        self.waiting -= 1
        self.note(link, *judged(head, body))
        if not is_ending:
            self.send(link)

    def note(self, link, status, reason):
        gateway, request = link.gateway, link.request
        tally = self.tally
        tally.counts[gateway, request, status, reason] += 1
        if status == 200:
            tally.last_told = time.time()
            tally.first_told = min(tally.first_told, tally.last_told)
            tally.first_sent = min(tally.first_sent, link.sent)
            tally.late += link.sent > self.shared.after.value
            self.shared.passed[self.number] += self.job.requests[request][1]
            if self.job.until == "dry":
                for number in self.job.cheapest:
                    self.streak[gateway, number] = 0
                self.shared.dry[self.number] = 0
        elif status == 429:
            self.shared.refused[self.number * self.shared.gateways + gateway] += 1
            if request in self.job.cheapest:
                self.streak[gateway, request] += 1
                tally.last_refused = max(tally.last_refused, link.sent)
        else:
            self.shared.others[self.number] += 1
