#!/usr/bin/env python3
"""What overload does to the others: prints ratios of one run.

Three questions to a gridd of its own (release build, tokens in force, a fresh directory on disk):
  isolation   others' p99 while one device asks at 100 times its rate, against the same flood at a server beside it
  refusals    how long a 429 takes, and a 503 while the commit queue is full
  goodput     reports/s at three times the connections that give the peak (gridd-bench ingest)
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
TREE = "code,parent,level,name\nc,,0,City\nc1,c,1,Town\n" + "".join(f"g{n},c1,2,Grid\n" for n in range(50))


class Server:
    def __init__(self, binary, root, *limits):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gridd-overload-", dir=root))
        data = str(self.directory / "data")
        self.admin = subprocess.run([binary, "init", "--data", data], check=True, capture_output=True, text=True).stdout.strip()
        flags = [word for limit in limits for word in ("--limit", limit)]
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen([binary, "serve", "--data", data, "--listen", "127.0.0.1:0", *flags],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.ask("PUT", "/v1/regions", TREE, "text/csv", 200)

    def ask(self, method, path, body, kind, status):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"Content-Type": kind, "Authorization": f"Bearer {self.admin}"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == status, text
        connection.close()
        return text

    def device(self, name, region):
        order = {"kind": "device", "name": name, "roles": ["device"], "region": region, "expires_in_s": 36000}
        return json.loads(self.ask("POST", "/v1/tokens", json.dumps(order), "application/json", 201))["token"]

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def line(grid, text="a lamp is out"):
    return json.dumps({"id": uuid.uuid4().hex, "category": "patrol", "grid": grid, "text": text,
                       "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})


def post(connection, token, body, kind="application/json"):
    started = time.perf_counter()
    connection.request("POST", "/v1/reports", body, {"Content-Type": kind, "Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    if answer.getheader("Connection") == "close":
        connection.close()
    return answer.status, (time.perf_counter() - started) * 1e3


def sender(port, token, grid, rate, seconds, results, offset):
    """Planned evenly; the time counts from the plan."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    start = time.perf_counter() + offset
    for number in range(int(rate * seconds)):
        planned = start + number / rate
        time.sleep(max(0, planned - time.perf_counter()))
        status, _ = post(connection, token, line(grid))
        results.append((status, (time.perf_counter() - planned) * 1e3))
    connection.close()


# The attacker is a process of its own: threads here would wait for each other, not for gridd.
ATTACK = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import overload
port, token, rate, seconds = int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), float(sys.argv[5])
results = []
threads = [threading.Thread(target=overload.sender, args=(port, token, "g0", rate / 4, seconds, results, 0)) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(overload.json.dumps(results))
"""


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def one_round(server, tokens, rate, seconds, attacked, attacker):
    """`attacked` may be another server: then the attacker's own share of the machine is all that the others notice."""
    results = []
    attack = subprocess.Popen(["/usr/bin/python3", "-c", ATTACK, str(ROOT / "bench"), str(attacked.port), attacker, "1000",
                               str(seconds)], stdout=subprocess.PIPE, text=True)
    threads = [threading.Thread(target=sender, args=(server.port, token, f"g{n + 1}", rate, seconds, results, n / len(tokens) / rate))
               for n, token in enumerate(tokens)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flood = json.loads(attack.communicate()[0])
    assert all(status == 201 for status, _ in results), {status for status, _ in results}
    return [took for _, took in results], [took for status, took in flood if status == 429]


def isolation(options):
    server, other = Server(options.gridd, options.dir), Server(options.gridd, options.dir)
    try:
        tokens = [server.device(f"d{n}", f"g{n + 1}") for n in range(20)]
        attackers = [at.device("attacker", "g0") for at in (server, other)]
        took, cpu_s, refused = {server: [], other: []}, {server: 0, other: 0}, []
        for turn in range(options.rounds):
            pairs = [(other, attackers[1]), (server, attackers[0])]
            for attacked, attacker in pairs if turn % 2 == 0 else reversed(pairs):
                before = server.cpu_s()
                others, flood = one_round(server, tokens, 5, options.seconds, attacked, attacker)
                cpu_s[attacked] += server.cpu_s() - before
                took[attacked] += others
                refused += flood if attacked is server else []
        without, beside = took[other], took[server]
        print(f"isolation: 20 devices at 5 req/s each; a device at 1000 req/s asks this server, or another one beside it; "
              f"{options.rounds} rounds of {options.seconds:g} s each, in turns")
        print(f"  the 20, ms   p50 {percentile(without, .5):.2f} -> {percentile(beside, .5):.2f}   p99 {percentile(without, .99):.2f} -> "
              f"{percentile(beside, .99):.2f}   ratio of p50 {percentile(beside, .5) / percentile(without, .5):.2f}, "
              f"of p99 {percentile(beside, .99) / percentile(without, .99):.2f}")
        print(f"  {len(refused)} refused with 429, {(cpu_s[server] - cpu_s[other]) / len(refused) * 1e6:.1f} us of the server's CPU each; "
              f"from their plan, ms   p50 {percentile(refused, .5):.2f}   p99 {percentile(refused, .99):.2f}")
    finally:
        server.end()
        other.end()


def refusals(options):
    """Bulks keep the commit queue above a small bound; single reports are asked for beside them."""
    server = Server(options.gridd, options.dir, "commit_pause_bytes=64KiB", "commit_queue_bytes=128KiB", "device_reports_burst=1000000000",
                    "device_requests_burst=1000000", "region_reports_burst=1000000000")
    try:
        tokens = [server.device(f"d{n}", "g1") for n in range(9)]
        ends = time.monotonic() + options.seconds
        bulk = "\n".join(line("g1", "x" * 500) for _ in range(2000))

        def flood(token):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            while time.monotonic() < ends:
                try:
                    post(connection, token, bulk.replace('"id": "', '"id": "' + random.randbytes(4).hex()), "application/x-ndjson")
                except OSError:  # refused before its body was taken, and closed
                    connection.close()

        threads = [threading.Thread(target=flood, args=(token,)) for token in tokens[:8]]
        for thread in threads:
            thread.start()
        connection, took = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60), {}
        while time.monotonic() < ends:
            status, ms = post(connection, tokens[8], line("g1"))
            took.setdefault(status, []).append(ms)
        for thread in threads:
            thread.join()
        print("refusals: single reports beside 8 bulks of 2,000 under a commit queue of 128 KiB")
        for status, values in sorted(took.items()):
            print(f"  {status}: {len(values)}, ms   p50 {percentile(values, .5):.2f}   p99 {percentile(values, .99):.2f}   max {max(values):.2f}")
    finally:
        server.end()


def goodput(options):
    def ingest(connections, seed):
        out = options.dir + f"/overload-{connections}.json"
        subprocess.run([options.bench, "ingest", "--bulk", "1", "--events", str(options.events), "--connections", str(connections),
                        "--seed", str(seed), "--json", out], check=True, stdout=subprocess.DEVNULL)
        result = json.loads(pathlib.Path(out).read_text())
        pathlib.Path(out).unlink()
        return result

    peak, over = [], []
    for turn in range(options.rounds):
        peak.append(ingest(64, turn))
        over.append(ingest(192, turn))
    best = [max(result["reports_per_s"] for result in runs) for runs in (peak, over)]
    print(f"goodput: {options.events} single reports, 64 connections against 192, best of {options.rounds} in turns")
    print(f"  reports/s {best[0]:.0f} -> {best[1]:.0f}   ratio {best[1] / best[0]:.2f}   p99 ms "
          f"{min(r['latency_ms']['p99'] for r in peak):.1f} -> {min(r['latency_ms']['p99'] for r in over):.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gridd", default=str(ROOT / "build/release/bin/gridd"))
    parser.add_argument("--bench", default=str(ROOT / "build/release/bin/gridd-bench"))
    parser.add_argument("--dir", default="/var/tmp", help="where the data goes: a disk, not a tmpfs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--events", type=int, default=100000)
    parser.add_argument("--only", choices=["isolation", "refusals", "goodput"])
    options = parser.parse_args()
    for part in (isolation, refusals, goodput):
        if options.only in (None, part.__name__):
            part(options)


if __name__ == "__main__":
    main()
