#!/usr/bin/env python3
"""gridd beside what a user might pick instead: the same load on the same machine, in turns.

Writes FIGURES.json, RESULTS.md and SVG plots (when gnuplot is there) into --out. Each figure is the median of --rounds; in a
round everybody comes once, so that all find the same machine."""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import peer_servers

BULK_PEERS = [("redis-always", "redis-pipeline"), ("redis-always", "redis-script"), ("redis-everysec", "redis-pipeline"),
              ("postgres", "postgres"), ("postgres", "postgres-bare"), ("nats", "nats"), ("clickhouse", "clickhouse")]
# Who syncs before the answer and recognises what was sent twice, as gridd does.
EQUAL = {"redis-always redis-pipeline", "redis-always redis-script", "postgres postgres", "postgres postgres-bare"}
OURS = {"gridd": "the journal block synced before the answer",
        "null pipeline": "the packed bytes synced before the answer; nothing is kept or looked up: the limit"}
FAN_PEERS = [("gridd", "gridd"), ("nchan", "nchan"), ("redis-memory", "redis"), ("mosquitto", "mosquitto")]
PACKAGES = ["redis-server", "postgresql-15", "nats-server", "clickhouse-server", "libnginx-mod-nchan", "mosquitto",
            "librocksdb7.8", "libuv1"]


class Runner:
    def __init__(self, programs, directory):
        self.programs, self.directory = pathlib.Path(programs), directory

    def figures(self, arguments):
        """Runs one of our programs with --json and gives what it wrote."""
        path = pathlib.Path(self.directory) / "figures.json"
        path.unlink(missing_ok=True)
        done = subprocess.run([str(word) for word in [*arguments, "--json", path]], capture_output=True, text=True, timeout=3600)
        if not path.exists():
            raise RuntimeError(f"{arguments[0]} {arguments[1]}: {done.stderr[-400:]}")
        found = json.loads(path.read_text())
        found["complete"] = done.returncode == 0
        return found

    def gridd_intake(self, load):
        return self.figures([self.programs / "gridd-bench", "ingest", "--dir", self.directory, "--settle", 0, *load])

    def null_pipeline(self, bulk, events, connections):
        """Read, parsed, packed and synced, nothing kept: the limit."""
        return self.figures([self.programs / "gridd-bench", "limits", "--dir", self.directory, "--seconds", 1, "--events", events,
                             "--bulk", bulk, "--connections", connections])["null_pipeline"]

    def peer(self, server, *arguments):
        with peer_servers.serve(server, self.directory, self.programs / "gridd") as (url, pid):
            return self.figures([self.programs / "gridd-peers", *arguments, "--url", url, "--server-pid", pid])


def rounds(count, parts):
    """parts: [(name, call)]; [{name, runs: [figures]}], everybody once a round. Who fails is named and left out of the next."""
    found = {name: [] for name, _ in parts}
    failed = {}
    for number in range(count):
        for name, call in parts:
            if name in failed:
                continue
            print(f"== round {number + 1} of {count}: {name}", file=sys.stderr, flush=True)
            try:
                found[name].append(call())
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                failed[name] = str(error)
                print(f"== {name} failed: {error}", file=sys.stderr, flush=True)
    return [{"name": name, "runs": runs, "failed": failed.get(name)} for name, runs in found.items()]


def median(part, *path):
    """The median over the runs of a figure, 0 when there is none."""
    values = []
    for run in part["runs"]:
        for key in path:
            run = run.get(key, 0) if isinstance(run, dict) else 0
        values.append(run)
    return statistics.median(values) if values else 0


def best(parts, names, *path):
    return max((median(part, *path) for part in parts if part["name"] in names), default=0)


def intake(runner, options, bulk, events, connections, peers):
    load = ["--events", events, "--bulk", bulk, "--connections", connections]
    parts = [("gridd", lambda: runner.gridd_intake(load)),
             ("null pipeline", lambda: runner.null_pipeline(bulk, events, connections))]
    for server, peer in peers:
        parts.append((f"{server} {peer}", lambda server=server, peer=peer: runner.peer(server, "intake", peer, *load)))
    return {"title": f"intake, {bulk:,} reports a request, {connections} connections, {events:,} reports", "kind": "intake",
            "bulk": bulk, "parts": rounds(options.rounds, parts)}


def fan(runner, options, readers, messages, window, rate):
    words = ["--readers", readers, "--messages", messages, "--window", window, "--rate", rate]
    parts = [(server, lambda server=server, peer=peer: runner.peer(server, "fan", peer, *words)) for server, peer in FAN_PEERS]
    pace = f"{rate} messages/s" if rate else f"{window} messages under way"
    return {"title": f"fan-out, {readers:,} readers, {pace}", "kind": "fan", "parts": rounds(options.rounds, parts)}


def timers(runner, options, events):
    wheel = [runner.programs / "gridd-bench", "timers", "--events", events, "--due", 0]
    parts = [("gridd's wheel", lambda: runner.figures(wheel)),
             ("redis-always sorted set", lambda: runner.peer("redis-always", "timers", "redis", "--events", events))]
    return {"title": f"timers, {events:,}", "kind": "timers", "parts": rounds(options.rounds, parts)}


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory_kib = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal")))
    listed = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}\n", *PACKAGES], capture_output=True, text=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            cwd=pathlib.Path(__file__).parent).stdout.strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(memory_kib / 2**20, 1), "kernel": platform.release(),
            "load_at_start": os.getloadavg()[0], "packages": listed.stdout.split("\n")[:-1], "commit": commit}


def intake_table(table):
    own = next((median(part, "reports_per_s") for part in table["parts"] if part["name"] == "gridd"), 0)
    lines = ["| | reports/s | gridd is | server CPU s/million | request p50 / p99 ms | promise |", "|---|---|---|---|---|---|"]
    for part in table["parts"]:
        rate = median(part, "reports_per_s")
        if not part["runs"]:
            lines.append(f"| {part['name']} | failed | - | - | - | {part['failed']} |")
            continue
        promise = OURS.get(part["name"]) or peer_servers.PROMISES[part["name"].split()[0]]
        lines.append(f"| {part['name']} | {rate:,.0f} | {own / rate:.2f}x | {median(part, 'server_cpu_s_per_million'):.2f} | "
                     f"{median(part, 'latency_ms', 'p50'):.1f} / {median(part, 'latency_ms', 'p99'):.1f} | {promise} |")
    equal = best(table["parts"], EQUAL, "reports_per_s")
    if equal:
        lines += ["", f"Against the best that promises the same: **{own / equal:.1f}x**."]
    return lines


def fan_table(table):
    own = next((median(part, "deliveries_per_s") for part in table["parts"] if part["name"] == "gridd"), 0)
    lines = ["| | deliveries/s | gridd is | server CPU us each | p50 / p99 ms | not delivered |", "|---|---|---|---|---|---|"]
    for part in table["parts"]:
        rate = median(part, "deliveries_per_s")
        lines.append(f"| {part['name']} | {rate:,.0f} | {own / rate:.2f}x | {median(part, 'server_cpu_us_per_delivery'):.2f} | "
                     f"{median(part, 'latency_ms', 'p50'):.1f} / {median(part, 'latency_ms', 'p99'):.1f} | "
                     f"{median(part, 'missed'):.0f} |" if rate else f"| {part['name']} | failed | - | - | - | {part['failed']} |")
    return lines


def timers_table(table):
    lines = ["```"]
    for part in table["parts"]:
        lines.append(part["name"] + ": " + json.dumps(part["runs"][0] if part["runs"] else part["failed"], ensure_ascii=False))
    return lines + ["```", "First round; all are in FIGURES.json."]


TABLES = {"intake": intake_table, "fan": fan_table, "timers": timers_table}


def plot(table, number, out):
    """A bar for each, in SVG. Nothing when gnuplot is missing."""
    figure = {"intake": "reports_per_s", "fan": "deliveries_per_s"}.get(table["kind"])
    gnuplot = shutil.which("gnuplot")
    if figure is None or gnuplot is None:
        return None
    path = out / f"plot-{number}.svg"
    rows = "\n".join(f'"{part["name"]}" {median(part, figure):.0f}' for part in table["parts"])
    script = (f'set terminal svg size 900,420 font "sans,12"\nset output "{path}"\nset title "{table["title"]}"\n'
              'set style data histogram\nset style fill solid 0.8\nset boxwidth 0.7\nset yrange [0:*]\nset grid y\n'
              f'set xtics rotate by -20\nset format y "%.0s%c"\nunset key\n$rows << E\n{rows}\nE\n'
              'plot $rows using 2:xtic(1)\n')
    subprocess.run([gnuplot], input=script, text=True, check=True, stderr=subprocess.DEVNULL)
    return path.name


def write(figures, out):
    about = figures["machine"]
    lines = ["# gridd beside others", "",
             f"{about['cores']} cores of {about['cpu']}, {about['memory_gib']} GiB, Linux {about['kernel']}; load when it began "
             f"{about['load_at_start']:.1f}; gridd {about['commit']}; medians of {figures['rounds']} rounds in turns; servers and "
             f"clients share the machine. {'; '.join(about['packages'])}."]
    for number, table in enumerate(figures["tables"]):
        lines += ["", f"## {table['title']}", "", *TABLES[table["kind"]](table)]
        picture = plot(table, number, out)
        if picture:
            lines += ["", f"![{table['title']}]({picture})"]
    (out / "FIGURES.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    (out / "RESULTS.md").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/release/bin", help="where gridd, gridd-bench and gridd-peers are")
    parser.add_argument("--out", default="bench/results")
    parser.add_argument("--dir", default=os.environ.get("TMPDIR", "/var/tmp"), help="on the disk that is meant")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1, help="of the numbers of reports and messages")
    parser.add_argument("--only", choices=sorted(TABLES), help="one kind of table")
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="gridd-peers-", dir=options.dir)
    os.chmod(directory, 0o755)  # PostgreSQL's user goes through it
    runner = Runner(options.bin, directory)
    count = lambda number: max(int(number * options.scale), 1000)
    calls = {
        "intake": [lambda: intake(runner, options, 1000, count(1000000), 8, BULK_PEERS),
                   lambda: intake(runner, options, 10000, count(1000000), 4, [("clickhouse", "clickhouse")]),
                   lambda: intake(runner, options, 1, count(30000), 64,
                                  [pair for pair in BULK_PEERS if pair[0] != "clickhouse"])],
        "fan": [lambda: fan(runner, options, 1000, count(2000), 1, 0), lambda: fan(runner, options, 1000, count(10000), 64, 0),
                lambda: fan(runner, options, 1000, count(1000), 1, 100)],
        "timers": [lambda: timers(runner, options, count(1000000))],
    }
    figures = {"machine": machine(), "rounds": options.rounds, "tables": []}
    try:
        for kind, tables in calls.items():
            if options.only in (None, kind):
                for call in tables:
                    figures["tables"].append(call())
                    write(figures, out)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print((out / "RESULTS.md").read_text())
    return 0 if all(part["runs"] for table in figures["tables"] for part in table["parts"]) else 1


if __name__ == "__main__":
    sys.exit(main())
