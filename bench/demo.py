#!/usr/bin/env python3
"""`./run demo`: real regions and reports through a real gridd, with a kill -9 in the middle."""
import argparse
import collections
import datetime
import gzip
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import real_data
import scene

BULK, CONNECTIONS, RESENT_SHARE, CONFLICTS = 1000, 4, 10, 25
EVERYDAY, MATTER_S = 60, 5  # matters of the scene; seconds between those that follow
VERDICTS = ("created", "merged", "replayed", "conflict", "invalid")
NDJSON = "application/x-ndjson"


class Server:
    """One gridd process on a data directory; `port` is fixed after the first start."""

    def __init__(self, binary, data):
        self.binary, self.data, self.port, self.process = binary, data, 0, None
        self.policy = data.parent / "policy.yaml"

    def start(self):
        log = open(self.data.parent / "gridd.log", "ab")
        started = time.monotonic()
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", str(self.data), "--no-auth", "--policy", str(self.policy),
             "--listen", f"127.0.0.1:{self.port}"],
            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        if "listening on" not in line:
            sys.exit(f"demo: gridd did not start; see {log.name}")
        self.port = int(line.rsplit(":", 1)[1])
        return time.monotonic() - started

    def request(self, method, path, body=None, headers=None, connection=None):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        own.request(method, path, body, headers or {})
        response = own.getresponse()
        data = response.read()
        if connection is None:
            own.close()
        return response.status, data

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


class FeedReader(threading.Thread):
    """A command centre: reads the live feed and, after a cut, resumes at its last id."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.last_id, self.seqs, self.excerpt = server, None, [], []
        self.resumes, self.stopping = 0, False
        self.connected = threading.Event()

    def run(self):
        while not self.stopping:
            try:
                self.read_once()
            except (OSError, http.client.HTTPException):
                pass
            self.resumes += 1
            time.sleep(0.1)

    def read_once(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        connection.request("GET", "/v1/feed", headers=headers)
        response = connection.getresponse()
        self.connected.set()
        event = {}
        for line in response:
            line = line.decode().rstrip("\r\n")
            if line:
                name, _, value = line.partition(":")
                event[name] = value.lstrip(" ")
                continue
            if "id" in event:
                self.last_id = event["id"]
                if event.get("data"):
                    self.seqs.append(int(event["id"].rsplit("-", 1)[1]))
                    if len(self.excerpt) < 3:
                        self.excerpt.append(event)
            event = {}


def upload(server, bodies, on_answer=None):
    """Sends bodies on several connections; gives the sum of counts and how many bodies were answered."""
    counts, answered, lock = collections.Counter(), [0], threading.Lock()
    work = iter(bodies)

    def worker():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        while True:
            with lock:
                body = next(work, None)
            if body is None:
                return
            try:
                status, data = server.request("POST", "/v1/reports", gzip.compress(body.encode(), 1),
                                              {"Content-Type": NDJSON, "Content-Encoding": "gzip"}, connection)
            except (OSError, http.client.HTTPException):
                return  # the server is gone: the rest is not acknowledged
            if status != 200:
                sys.exit(f"demo: POST /v1/reports answered {status}: {data[:300]}")
            answer = json.loads(data)
            with lock:
                counts.update(answer["counts"])
                answered[0] += 1
                if on_answer:
                    on_answer(body)

    threads = [threading.Thread(target=worker) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts, answered[0]


def bulks(reports):
    reports = list(reports)
    return [real_data.ndjson(reports[i:i + BULK]) for i in range(0, len(reports), BULK)]


def stored_ids(server, root):
    """How often each (source, id) stands on the timeline of a region's subtree."""
    status, data = server.request("GET", f"/v1/grids/{root}/timeline?kind=report", headers={"Accept": NDJSON})
    if status != 200:
        sys.exit(f"demo: the timeline of {root} answered {status}: {data[:300]}")
    return collections.Counter((r["source"], r["id"]) for r in map(json.loads, data.splitlines()))


def get(server, path):
    status, data = server.request("GET", path)
    if status != 200:
        sys.exit(f"demo: GET {path} answered {status}: {data[:300]}")
    return json.loads(data)


def post(server, path, body):
    status, data = server.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    if status not in (200, 201):
        sys.exit(f"demo: POST {path} answered {status}: {data[:300]}")
    return json.loads(data)


def say(text=""):
    print(text, flush=True)


def load_regions(server):
    say("Loading regions: four areas of China with their divisions, Boston's precincts, cells of the United States")
    status, data = server.request("PUT", "/v1/regions", real_data.regions_csv().encode(),
                                  {"Content-Type": "text/csv"})
    if status != 200:
        sys.exit(f"demo: PUT /v1/regions answered {status}: {data[:500]}")
    say(f"  {json.loads(data)}")


def first_load(server, reports):
    """All reports, every tenth sent twice, and some with a used id and other content."""
    again = reports[::RESENT_SHARE]
    changed = [dict(r, text=r["text"] + " (changed)") for r in reports[:CONFLICTS]]
    total = len(reports) + len(again) + len(changed)
    say(f"Sending {total:,} reports of Boston's 311 line, {len(again):,} of them twice, "
        f"{len(changed)} with an id used before for something else")
    started = time.monotonic()
    counts, _ = upload(server, bulks(reports))
    counts += upload(server, bulks(again + changed))[0]
    seconds = time.monotonic() - started
    for verdict in VERDICTS:
        say(f"  {verdict:10} {counts[verdict]:8,}")
    say(f"  {total / seconds:,.0f} reports/s from this Python client; every answer after the sync to disk")
    return counts


def killed_load(server, reports):
    """Sends, kills the server in the middle, restarts it, sends everything again."""
    say(f"Sending {len(reports):,} satellite fire detections, and killing gridd with SIGKILL in the middle")
    bodies = bulks(reports)
    acknowledged = []

    def on_answer(body):
        acknowledged.append(body)
        if len(acknowledged) == len(bodies) // 2:
            server.kill()

    upload(server, bodies, on_answer)
    before = sum(body.count("\n") for body in acknowledged)
    took = server.start()
    say(f"  killed after {before:,} were acknowledged; up again in {took:.2f} s")
    kept = stored_ids(server, "us")
    sent = {(r["source"], r["id"]) for body in acknowledged for r in map(json.loads, body.splitlines())}
    lost = sum(1 for key in sent if key not in kept)
    counts, _ = upload(server, bodies)
    say("  sent everything again: " + ", ".join(f"{verdict} {counts[verdict]:,}" for verdict in VERDICTS))
    return lost, counts


def check(server, lost, boston, firms, reader):
    """Says what is there now, and whether it is what was sent."""
    doubled = missing = 0
    for root, reports in (("boston", boston), ("us", firms)):
        stored = stored_ids(server, root)
        doubled += sum(1 for n in stored.values() if n > 1)
        missing += sum(1 for r in reports if (r["source"], r["id"]) not in stored)
    deadline = time.monotonic() + 30
    while (total := get(server, "/v1/status")["seq"]) > len(reader.seqs) and time.monotonic() < deadline:
        time.sleep(0.1)
    gaps = sum(1 for a, b in zip(reader.seqs, reader.seqs[1:]) if b != a + 1)
    say()
    say("What came of it")
    say(f"  acknowledged before the kill and lost: {lost}")
    say(f"  reports sent and not stored:           {missing}")
    say(f"  reports stored twice:                  {doubled}")
    say(f"  feed: {len(reader.seqs):,} events of {total:,}, {gaps} gaps, over {reader.resumes} cut connection(s)")
    return lost == missing == doubled == gaps == 0 and len(reader.seqs) >= total


def a_gas_leak(server):
    """Two people smell gas at one place; the ticket is taken to its end, each step answered when it is on disk."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    place = {"lat": 35.2061, "lon": 107.7989}
    say()
    say("A gas leak in Changwu, reported twice by different people: POST /v1/reports")
    for number, device in enumerate(("handheld-17", "app-9931")):
        answer = post(server, "/v1/reports", {"id": f"demo-gas-{number}", "source": "demo", "category": "gas_leak",
                                              "occurred_at": now, "grid": "610428001001", "location": place,
                                              "device": device, "text": "smell of gas in stairwell 3"})
        say(f"  {answer['status']:8} incident {answer['incident']}  ticket {answer['ticket']}")
    ticket = answer["ticket"]
    steps = (("sign", {}), ("progress", {"on_scene": True, "note": "valve closed"}),
             ("submit_result", {"closure": "handled", "note": "joint replaced"}), ("check_pass", {}))
    for command, fields in steps:
        body = {"actor": "checker" if command == "check_pass" else "crew 4", "command_id": f"demo-{command}", **fields}
        state = post(server, f"/v1/tickets/{ticket}/{command}", body)
        say(f"  POST /v1/tickets/{ticket}/{command}: {state['state']}, version {state['version']}")
    say(f"  GET /v1/tickets/{ticket}: every step, by whom and when")
    for event in get(server, f"/v1/tickets/{ticket}")["history"]:
        say(f"    {event['occurred_at']}  {event['kind']:16} {event.get('command', ''):14} {event.get('state', '')}")


def a_day_of_four_counties(server):
    """What a console is for: fires from two towers, a gas leak, joint work, requests, and much that is small."""
    say()
    say("A day of four counties, so that each view of the console has something to show")
    played = scene.Scene(lambda path, body: post(server, path, body), list(real_data.regions()))
    for what, name in played.play().items():
        say(f"  {what:14} {name}")
    return played


def go_on(server, played):
    """Until Ctrl-C: another everyday matter every few seconds, so that the wall lives."""
    number = EVERYDAY
    try:
        while True:
            try:
                server.process.wait(timeout=MATTER_S)
                return
            except subprocess.TimeoutExpired:
                played.matter(number)
                number += 1
    except KeyboardInterrupt:
        pass


def duty(server):
    """What waits, and how urgently."""
    say()
    say("What waits: GET /v1/tickets?region=us&limit=3")
    for item in get(server, "/v1/tickets?region=us&limit=3")["items"]:
        say(f"  {item['id']}  P{item['priority']}  {item['state']}  {item['light']}  {item['category']}  "
            f"{item['grid']}  due {item.get('due_at')}")
    day = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    for region in ("us", "boston"):
        stats = get(server, f"/v1/stats?region={region}&from={day:%Y-%m-%dT%H:%M:%SZ}")
        counts = stats["counts"]
        say(f"GET /v1/stats?region={region}: {counts['tickets']['count']:,} tickets, {counts['incidents']['count']:,} "
            f"incidents of the last day, {counts['open_overdue']['count']:,} overdue")


def show(server, reader):
    say()
    say("A timeline (newest 3 of precinct 0801): GET /v1/grids/boston-0801/timeline?kind=report&limit=3")
    for item in get(server, "/v1/grids/boston-0801/timeline?kind=report&limit=3")["items"]:
        say(f"  {item['occurred_at']}  seq {item['seq']:<6} {item['category']}  {item.get('text', '')}  id {item['id']}")
    say("The feed (first 3 events): GET /v1/feed")
    for event in reader.excerpt:
        say(f"  id: {event['id']}  event: {event['event']}  data: {event['data'][:150]}...")


def main():
    parser = argparse.ArgumentParser(prog="run demo", description=__doc__)
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--exit", action="store_true", help="end gridd after the summary")
    options = parser.parse_args()
    root = pathlib.Path("build/demo")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    server = Server(os.path.abspath(options.bin), root / "data")
    server.policy.write_text(scene.drill_policy((pathlib.Path(__file__).parent.parent / "server/policy/default.yaml").read_text()))
    say("Policy: the built-in one, with open burning and ponding on limits of a drill (seconds and minutes), "
        f"in {server.policy}")
    say(f"gridd is up in {server.start():.2f} s on http://127.0.0.1:{server.port}, data in {server.data}, "
        f"log in {root}/gridd.log")
    try:
        load_regions(server)
        reader = FeedReader(server)
        reader.start()
        reader.connected.wait(10)
        boston, firms = list(real_data.boston_cases()), list(real_data.firms_detections())
        first_load(server, boston)
        lost, _ = killed_load(server, firms)
        good = check(server, lost, boston, firms, reader)
        show(server, reader)
        duty(server)
        a_gas_leak(server)
        played = a_day_of_four_counties(server)
        reader.stopping = True
        base = f"http://127.0.0.1:{server.port}"
        say()
        say(f"Console: {base}/")
        say(f"Look: {base}/v1/status   {base}/metrics   {base}/v1/tickets   {base}/v1/stats   {base}/v1/feed")
        if good and not options.exit:
            say(f"gridd goes on serving, with a new matter every {MATTER_S} s; Ctrl-C ends it")
            go_on(server, played)
    finally:
        if server.process.poll() is None:
            server.stop()
    say("Nothing lost, nothing doubled." if good else "This is NOT what was promised: see above.")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
