"""kill -9 under load, with an outside ledger of what was acknowledged."""
import collections
import http.client
import json
import random
import threading
import time

from gridd import NDJSON, report


class Ledger:
    """What clients were told: id -> seq, from answers that arrived whole."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged, self.attempted = {}, set()
        self.taken = {}  # id -> (incident, ticket)

    def attempt(self, ids):
        with self.lock:
            self.attempted.update(ids)

    def keep(self, items):
        with self.lock:
            for item in items:
                if item["status"] in ("created", "merged", "replayed"):
                    known = self.acknowledged.setdefault(item["id"], item["seq"])
                    assert known == item["seq"], f"{item['id']} was {known} and is {item['seq']} now"
                    into = item["incident"], item["ticket"]
                    assert self.taken.setdefault(item["id"], into) == into, f"{item['id']} is in {into} now"


def upload_until_cut(server, ledger, worker, round_number, seed):
    """One handheld: bulks of new reports, some of them and of earlier ones again, until the line is cut."""
    draw = random.Random(f"{seed}-{round_number}-{worker}")
    sent, number = [], 0
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        while True:
            lines = []
            for _ in range(draw.randint(1, 200)):
                if sent and draw.random() < 0.2:
                    lines.append(draw.choice(sent))
                else:
                    number += 1
                    lines.append(report(f"{round_number}-{worker}-{number}", source="ledger",
                                        grid=draw.choice(["g1", "g2", "g10"]),
                                        category=draw.choice(["patrol", "patrol", "rubble", "streetlight"]),
                                        location={"lat": 30 + draw.randint(0, 99) / 100, "lon": 110.0},
                                        occurred_at=f"2026-11-{draw.randint(1, 20):02d}T00:00:00Z"))
                    sent.append(lines[-1])
            ledger.attempt(line["id"] for line in lines)
            body = "\n".join(map(json.dumps, lines)).encode()
            connection.request("POST", "/v1/reports?items=all", body, {"Content-Type": NDJSON})
            response = connection.getresponse()
            data = response.read()
            assert response.status in (200, 503), data
            if response.status == 200:
                ledger.keep(json.loads(data)["items"])
    except (OSError, http.client.HTTPException):
        pass


class FeedReader(threading.Thread):
    """Reads the feed across kills, resuming at its last id; checks that no sequence number is missing."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.last_id, self.seqs, self.resets, self.stopping = server, None, [], [], False
        self.open = threading.Event()

    def keep(self, kind, data):
        """Called with each event; for who wants more than its number."""

    def run(self):
        while not self.stopping:
            try:
                self.read_once()
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)

    def read_once(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.request("GET", "/v1/feed", headers={"Last-Event-ID": self.last_id} if self.last_id else {})
        event, response = {}, connection.getresponse()
        self.open.set()
        for line in response:
            line = line.decode()
            if not line.endswith("\n"):
                return  # cut in the middle of a line: not delivered
            line = line.rstrip("\r\n")
            if line:
                name, _, value = line.partition(":")
                event[name] = value.lstrip(" ")
                continue
            if event.get("event") == "reset":
                self.resets.append(event)
            elif event.get("id") and event.get("data"):
                self.seqs.append(int(event["id"].rsplit("-", 1)[1]))
                self.keep(event["event"], event["data"])
            self.last_id = event.get("id", self.last_id)
            event = {}

    def caught_up_to(self, seq, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (not self.seqs or self.seqs[-1] < seq):
            time.sleep(0.05)
        return self.seqs and self.seqs[-1] == seq


def check(server, ledger):
    """Everything acknowledged is there once, under the seq that was told; nothing unknown is there."""
    rows = server.timeline("c")
    reports = [row for row in rows if row["kind"] == "report"]
    seqs = {row["id"]: row["seq"] for row in reports if row["source"] == "ledger"}
    doubled = [i for i, n in collections.Counter(row["id"] for row in reports).items() if n > 1]
    opened = {row["incident"] for row in rows if row["kind"] == "incident.opened"}
    tickets = {row["ticket"] for row in rows if row["kind"] == "ticket.opened"}
    homeless = [i for i, (incident, ticket) in ledger.taken.items()
                if (incident and incident not in opened) or (ticket and ticket not in tickets)]
    assert not homeless, f"{len(homeless)} acknowledged reports lost their incident or ticket: {homeless[:3]}"
    lost = [i for i, seq in ledger.acknowledged.items() if seqs.get(i) != seq]
    unknown = [i for i in seqs if i not in ledger.attempted]
    assert not lost, f"{len(lost)} acknowledged reports are lost or have another seq: {lost[:3]}"
    assert not doubled, f"{len(doubled)} reports are there twice: {doubled[:3]}"
    assert not unknown, f"{len(unknown)} reports nobody sent: {unknown[:3]}"
    order = sorted(row["seq"] for row in rows)
    assert order == list(range(1, len(order) + 1)), "sequence numbers are not dense"
    return len(rows)


def kill_rounds(server, rounds, seed=1, workers=3, progress=lambda text: None):
    """Kills the server at random instants under load; returns (acknowledged, stored)."""
    draw = random.Random(seed)
    ledger, reader = Ledger(), FeedReader(server)
    reader.start()
    stored = 0
    for number in range(rounds):
        threads = [threading.Thread(target=upload_until_cut, args=(server, ledger, w, number, seed))
                   for w in range(workers)]
        for thread in threads:
            thread.start()
        time.sleep(draw.uniform(0.02, 0.4))
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        stored = check(server, ledger)
        progress(f"round {number + 1}/{rounds}: {len(ledger.acknowledged)} acknowledged, {stored} stored")
    if stored:
        assert reader.caught_up_to(stored), f"the feed stands at {reader.seqs[-1:]} of {stored}"
    reader.stopping = True
    first = reader.seqs[0] if reader.seqs else 1
    assert reader.seqs == list(range(first, stored + 1)), "the feed has gaps or repeats"
    assert not reader.resets, reader.resets
    return len(ledger.acknowledged), stored
