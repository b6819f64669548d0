#!/usr/bin/env python3
"""A guard against getting slower: instructions of a report, of a line of replay and of a delivery, beside the stored ones.

Instructions are counted by valgrind's callgrind as the difference of a long and a short run, which takes away the start; they do
not depend on what else the machine does. What moved by more than --percent is named, and the exit code is 1. --store writes
the figures of now as the new ones (bench/quick.json)."""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
STORED = HERE / "quick.json"


def instructions(path):
    """All threads together."""
    return int(re.search(r"^(?:summary|totals): (\d+)", path.read_text(), re.M).group(1))


class Counter:
    def __init__(self, programs, directory):
        self.programs, self.directory, self.runs = programs, pathlib.Path(directory), 0

    def valgrind(self, arguments):
        self.runs += 1
        out = self.directory / f"callgrind.{self.runs}"
        return out, ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={out}", *map(str, arguments)]

    def server(self, load):
        """Instructions of a whole server that takes `load` and ends."""
        out, words = self.valgrind([self.programs / "gridd", "serve", "--data", self.directory / f"data{self.runs}",
                                    "--listen", "127.0.0.1:0", "--no-auth", "--log-level", "error"])
        server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            line = server.stdout.readline()
            url = line[line.index("http://"):].split()[0].rstrip("/")
            subprocess.run([str(word) for word in [self.programs / "gridd-bench", *load, "--url", url]], check=True,
                           stdout=subprocess.DEVNULL, timeout=240)
            server.send_signal(signal.SIGTERM)
            if server.wait(120) != 0:
                raise RuntimeError(f"the server ended with {server.returncode}")
        finally:
            server.kill()
            server.stdout.close()
        return instructions(out)

    def intake(self, events, tickets):
        """A grid for every ten reports, so that the tree's upload is small beside the load."""
        return self.server(["ingest", "--events", events, "--connections", 1, "--settle", 0, "--tickets", tickets,
                            "--grids", 2000])

    def replay(self, kind, lines):
        data, regions = self.directory / "replay.ndjson", self.directory / "regions.csv"
        subprocess.run([sys.executable, HERE / "replay_load.py", kind, "--events", str(lines), "--out", data, "--regions",
                        regions], check=True)
        out, words = self.valgrind([self.programs / "gridd", "replay", "--policy", HERE.parent / "server/policy/default.yaml",
                                    "--regions", regions, "--input", data])
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=240)
        return instructions(out)


def by_difference(count, few, many):
    return (count(many) - count(few)) / (many - few)


FIGURES = {
    "a report of plain intake": lambda counter: by_difference(lambda n: counter.intake(n, 0), 10000, 60000),
    "a report, 20 % for tickets": lambda counter: by_difference(lambda n: counter.intake(n, 20), 10000, 60000),
    "a line of replay without tickets": lambda counter: by_difference(lambda n: counter.replay("plain", n), 5000, 25000),
    "a line of replay about tickets": lambda counter: by_difference(lambda n: counter.replay("tickets", n), 3000, 9000),
}


def moved(now, stored, percent):
    """[(name, stored, now, change in percent)] of those beyond `percent`, and of those that are new or gone."""
    found = []
    for name in sorted(set(now) | set(stored)):
        before, after = stored.get(name), now.get(name)
        change = None if not before or after is None else (after / before - 1) * 100
        if change is None or abs(change) > percent + 1e-9:
            found.append((name, before, after, change))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--percent", type=float, default=5)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridd-quick-", dir=os.environ.get("TMPDIR", "/var/tmp")) as directory:
        counter = Counter(pathlib.Path(options.bin).resolve(), directory)
        now = {}
        for name, figure in FIGURES.items():
            now[name] = round(figure(counter))
            print(f"{name:36} {now[name]:>9,} instructions", flush=True)
    if options.store:
        STORED.write_text(json.dumps(now, indent=1) + "\n")
        return 0
    found = moved(now, json.loads(STORED.read_text()), options.percent)
    for name, before, after, change in found:
        print(f"MOVED {name}: {before} before, {after} now" + (f", {change:+.1f} %" if change is not None else ""))
    if not found:
        print(f"nothing moved by more than {options.percent:g} %")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
