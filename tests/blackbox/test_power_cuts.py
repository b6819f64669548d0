"""Power cuts: a real server's writes are recorded, and what a disk may hold after each of them is opened again.

`power_cuts` (tests/power) draws the moments, the torn and the lost writes; clients' acknowledgements stand in the same log,
in the order in which they came. GRIDD_POWER_CUTS_COUNT sets how many cuts, 500 by default."""
import http.client
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import threading

import pytest

from gridd import BIN, REGIONS, Gridd, report, run
from work import command

LIBRARY = pathlib.Path(BIN).resolve().parents[1]
OP_LOG = pathlib.Path(os.environ.get("GRIDD_OP_LOG", LIBRARY / "lib/libop_log.so"))
POWER_CUTS = pathlib.Path(os.environ.get("GRIDD_POWER_CUTS", LIBRARY / "bin/power_cuts"))
CUTS = os.environ.get("GRIDD_POWER_CUTS_COUNT", "500")
# What is left is opened in memory where that can be: only the record matters, not the disk.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# power_cuts opens with the same limits.
SMALL = [w for limit in ("run_entries=500", "block_entries=128", "identities=8192") for w in ("--limit", limit)]
REPORTS = 5000
pytestmark = pytest.mark.skipif(not OP_LOG.exists() or not POWER_CUTS.exists(),
                                reason=f"SKIPPED: {OP_LOG} or {POWER_CUTS} is not built")


class AckLog:
    """Appends to the server's log of operations what clients were told (op_log.h: OP_ACK)."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def told(self, name, seq):
        data = name.encode()
        os.write(self.file, struct.pack("=B3xIQQ", ord("A"), 0, seq, len(data)) + data)


def upload(server, log, worker, counts):
    """Bulks of new reports, some for tickets, some sent again; commands on the tickets they opened."""
    draw = random.Random(worker)
    connection, number, tickets = server.connect(), 0, []
    while counts[0] < REPORTS:
        lines = []
        for _ in range(draw.randint(1, 40)):
            number += 1
            lines.append(report(f"{worker}-{number - (number > 9 and draw.random() < 0.1)}", source="power",
                                category=draw.choice(["patrol", "patrol", "rubble", "streetlight"]),
                                grid=draw.choice(["g1", "g2", "g10"]),
                                location={"lat": 30 + draw.randint(0, 99) / 100, "lon": 110.0}))
        answer = server.post_lines(lines, "?items=all", connection)
        assert answer.status == 200, answer.body
        for item in answer.json()["items"]:
            if item["status"] in ("created", "merged"):
                log.told(item["id"], item["seq"])
                counts[0] += 1
            if item.get("ticket"):
                tickets.append(item["ticket"])
        if tickets:
            command(server, draw.choice(tickets), draw.choice(["accept", "dispatch", "void", "remind"]),
                    unit="police", reason="duplicate")
            counts[1] += 1
    connection.close()


@pytest.fixture(scope="module")
def recorded():
    """The log of a server under load that was killed, and the directory for the cuts."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="gridd-power-", dir=IN_MEMORY))
    log, counts = work / "log", [0, 0]
    (work / "gridd.yaml").write_text("memtable_bytes: 1 MiB\n")
    with Gridd(*SMALL, "--config", str(work / "gridd.yaml"), start=False) as server, pytest.MonkeyPatch.context() as preloaded:
        preloaded.setenv("OP_LOG_ROOT", str(server.data))
        preloaded.setenv("OP_LOG", str(log))
        preloaded.setenv("LD_PRELOAD", str(OP_LOG))
        # The sanitizer wants to be the first library; its own functions are none of the recorder's.
        preloaded.setenv("ASAN_OPTIONS", "verify_asan_link_order=0")
        server.start()
        preloaded.undo()
        acks = AckLog(log)
        assert server.put_regions(REGIONS).status == 200
        threads = [threading.Thread(target=upload, args=(server, acks, worker, counts)) for worker in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.kill()
        assert counts[1] > 10, f"too little was recorded: {counts}"
    yield work
    shutil.rmtree(work)


def power_cuts(work, *arguments):
    done = subprocess.run([POWER_CUTS, "--log", work / "log", "--work", work / "cuts", *arguments], capture_output=True,
                          text=True, timeout=3600)
    print(done.stdout, done.stderr)
    return done


def test_nothing_acknowledged_is_lost_by_a_power_cut(recorded):
    done = power_cuts(recorded, "--cuts", CUTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cuts_show_a_build_that_does_not_sync(recorded):
    done = power_cuts(recorded, "--cuts", "40", "--control")
    assert done.returncode == 0, done.stdout + done.stderr
