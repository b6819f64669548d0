"""One run of the real server in which something fails once, and what must be true of it afterwards."""
import http.client
import os
import pathlib
import random
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from gridd import BIN, REGIONS, Gridd, report
from work import command, ticket_of

# These tests start a server hundreds of times: `./run test` hands the release build's in, which is ten times as fast as ASan's.
PLAIN = os.environ.get("GRIDD_PLAIN", BIN)
LIBRARIES = pathlib.Path(os.environ.get("GRIDD_FAULT_LIBRARIES", pathlib.Path(BIN).resolve().parents[1] / "lib"))
# Directories of these tests are in memory where that can be: what a disk keeps is test_power_cuts.py's business.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# Small enough that a few hundred reports seal runs, flush memtables and merge files.
SMALL = [w for limit in ("run_entries=256", "block_entries=128", "identities=8192", "disk_reserve_bytes=1MiB")
         for w in ("--limit", limit)]
WEDGED_S = 60
REFUSALS = (503, 507)


def verify(data):
    return subprocess.run([PLAIN, "verify", "--data", data], capture_output=True, text=True, timeout=120)


class Note:
    """What a preloaded library counted and whether its n-th call came (tests/faults/fail_nth.h)."""
    KINDS, BYTES = 4, 4 * 8 + 8 + 256

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.write_bytes(bytes(self.BYTES))

    def read(self):
        """Calls by kind, whether the n-th failed, and what it was about."""
        *counts, fired, name = struct.unpack("=4QQ256s", self.path.read_bytes())
        return counts, bool(fired), name.rstrip(b"\0").decode(errors="replace")


class Told:
    """What the one client of a run was told."""

    def __init__(self):
        self.seqs, self.tickets, self.in_flight, self.answers = {}, {}, None, 0


class FaultyGridd(Gridd):
    """A gridd that may refuse to start, or end, at any time."""

    refusal = None  # the code with which it ended instead of listening

    def start(self):
        assert self.start_or_refuse({}), self.log_text()

    def start_or_refuse(self, environment):
        """True when it listens; False when it ended instead, which must not look like a success."""
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(
            [PLAIN, "serve", "--data", str(self.data), "--no-auth", "--listen", "127.0.0.1:0", *self.flags],
            stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **environment})
        log.close()
        ready, _, _ = select.select([self.process.stdout], [], [], WEDGED_S)
        assert ready, f"wedged while starting: {self.log_text()}"
        line = self.process.stdout.readline()
        if line.startswith("gridd: listening on http://127.0.0.1:"):
            self.port = int(line.rsplit(":", 1)[1])
            return True
        self.refusal = self.ended()
        assert self.refusal in (1, -signal.SIGABRT), f"it did not start, with code {self.refusal}"
        return False

    def ended(self, number=None):
        """The code of the process, asked to end with a signal when one is given; it must end."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout=WEDGED_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"wedged: {self.log_text()}") from None
        self.process.stdout.close()
        self.process = None
        return code


def line(bulk, n):
    draw = random.Random(f"{bulk}-{n}")
    return report(f"{bulk}-{n}", source="fault", text=draw.randbytes(150).hex(),
                  category=("patrol", "patrol", "rubble", "streetlight")[n % 4], grid=("g1", "g2", "g10")[n % 3],
                  occurred_at=f"2026-11-{1 + n % 20:02d}T00:00:00Z",
                  location={"lat": 30 + draw.randint(0, 99) / 100, "lon": 110.0})


def lines_of(bulk, count=40):
    """The reports of one bulk: some for tickets, one the same as of the bulk before."""
    return [line(max(bulk - 1, 0), 0), *(line(bulk, n) for n in range(1, count))]


def step(server, told, bulk):
    """One bulk and one command; False as soon as something was refused."""
    answer = server.post_lines(lines_of(bulk), "?items=all")
    if answer.status != 200:
        assert answer.status in REFUSALS, (answer.status, answer.body)
        return False
    tickets = []
    for item in answer.json()["items"]:
        assert item["status"] in ("created", "merged", "replayed"), item
        assert told.seqs.setdefault(item["id"], item["seq"]) == item["seq"]
        tickets += [item["ticket"]] if item.get("ticket") else []
    told.answers += 1
    told.in_flight = ticket = next((t for t in tickets if t not in told.tickets), None)
    if ticket is not None:
        answer = command(server, ticket, "accept", command_id=f"accept-{ticket}")
        if answer.status != 200:
            assert answer.status in REFUSALS, (answer.status, answer.body)
            return False
        told.tickets[ticket] = answer.json()["state"]
        told.answers += 1
    told.in_flight = None
    return True


def work(server, told, bulks):
    """Runs the bulks until one is refused or cut; whether all of them were answered."""
    try:
        return all(step(server, told, bulk) for bulk in bulks)
    except (OSError, http.client.HTTPException):
        return False


def check(server, told, bulks):
    """All that was told is there, once; what was not told is taken when it is sent again; the directory is whole."""
    rows = server.timeline("c")
    reports = {row["id"]: row["seq"] for row in rows if row["kind"] == "report"}
    lost = [name for name, seq in told.seqs.items() if reports.get(name) != seq]
    assert not lost, f"{len(lost)} of {len(told.seqs)} acknowledged reports are lost or moved: {lost[:3]}"
    for ticket, state in told.tickets.items():
        assert ticket == told.in_flight or ticket_of(server, ticket)["state"] == state, ticket
    again = Told()
    assert work(server, again, bulks), f"it does not take what was refused before: {server.log_text()}"
    assert all(again.seqs[name] == seq for name, seq in reports.items() if name in again.seqs)
    rows = server.timeline("c")
    names = [row["id"] for row in rows if row["kind"] == "report"]
    assert len(names) == len(set(names)) and set(names) >= set(again.seqs)
    assert sorted(row["seq"] for row in rows) == list(range(1, len(rows) + 1)), "sequence numbers are not dense"


def make_ready(server, bulks, kills=1):
    """A directory with all kinds of files in it, left by kill -9: sealed runs, files of every family, a log."""
    told = Told()
    assert server.put_regions(REGIONS).status == 200
    parts = [bulks[n::kills] for n in range(kills)]
    for part in parts:
        assert work(server, told, part)
        time.sleep(2.2)  # the watermark, once a second, stands at the last acknowledgement
        server.kill()
        if part is not parts[-1]:
            server.start()
    return told


class Runs:
    """A prepared directory, and runs on copies of it."""

    def __init__(self, prepared_bulks, kills=2):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="gridd-faults-", dir=IN_MEMORY))
        (self.home / "gridd.yaml").write_text("memtable_bytes: 1 MiB\ncache_bytes: 8 MiB\n")
        self.flags = [*SMALL, "--config", str(self.home / "gridd.yaml")]
        self.prepared_bulks = list(prepared_bulks)
        tempfile.tempdir, before = str(self.home), tempfile.tempdir
        try:
            with FaultyGridd(*self.flags, start=False) as server:
                server.start()
                self.told = make_ready(server, self.prepared_bulks, kills)
                shutil.move(server.data, self.home / "prepared")
        finally:
            tempfile.tempdir = before

    def close(self):
        shutil.rmtree(self.home)

    def server(self, fresh=False):
        """A server that was not started yet, on a copy of the prepared directory or on none."""
        tempfile.tempdir, before = str(self.home), tempfile.tempdir
        server = FaultyGridd(*self.flags, start=False)
        tempfile.tempdir = before
        if not fresh:
            shutil.copytree(self.home / "prepared", server.data, ignore=shutil.ignore_patterns("*.sock"))
        return server

    def one(self, library, kind, nth, error=0, bulks=range(100, 104), fresh=False):
        """One run with one failure, and all checks; whether the n-th call came."""
        with self.server(fresh) as server:
            note = Note(server.directory / "note")
            environment = {"LD_PRELOAD": str(library), "FAIL_ROOT": str(server.data), "FAIL_NOTE": str(note.path),
                           "FAIL_AT": f"{kind}:{nth}:{error}", "ASAN_OPTIONS": "verify_asan_link_order=0"}
            told = Told()
            if not fresh:
                told.seqs, told.tickets = dict(self.told.seqs), dict(self.told.tickets)
            answered = code = None
            try:
                if server.start_or_refuse(environment):
                    answered = not fresh or self.regions_taken(server)
                    answered = answered and work(server, told, bulks)
                    code = server.ended(signal.SIGTERM)
                    assert code in (0, -signal.SIGABRT), f"it ended with code {code}"
                else:
                    code = server.refusal
                counts, fired, name = note.read()
                if not fired:
                    assert answered and code == 0, f"nothing failed, and it ended with {code}: {server.log_text()}"
                server.start()
                if fresh:
                    assert server.put_regions(REGIONS).status == 200
                check(server, told, [*(() if fresh else self.prepared_bulks), *bulks])
                assert server.ended(signal.SIGTERM) == 0, server.log_text()
                verified = verify(server.data)
                assert verified.returncode == 0, verified.stdout + verified.stderr
            except AssertionError as problem:
                raise AssertionError(f"FAIL_AT={environment['FAIL_AT']} ({note.read()[2]}): {problem}\n{server.log_text()}") from None
            return fired, counts, name, code

    @staticmethod
    def regions_taken(server):
        try:
            answer = server.put_regions(REGIONS)
        except (OSError, http.client.HTTPException):
            return False
        assert answer.status in (200, *REFUSALS, 500), answer.body
        return answer.status == 200


def is_plain():
    """Whether the server of these tests is without a sanitizer."""
    return b"__asan_init" not in pathlib.Path(PLAIN).read_bytes() and b"__tsan_init" not in pathlib.Path(PLAIN).read_bytes()
