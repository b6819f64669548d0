"""Damage to a data directory: the server has all acknowledged data, or refuses and says where; never less in silence.

Each damage is one flipped bit, 512 bytes of zeros, a cut end or a removed file, at a place drawn from a seed, on a copy of
one prepared directory that kill -9 left. GRIDD_DAMAGES sets how many, GRIDD_DAMAGE_SEED where the seeds begin."""
import collections
import http.client
import os
import pathlib
import random
import re
import signal

import pytest

from faults import Runs, verify

COUNT = int(os.environ.get("GRIDD_DAMAGES", "100"))
SEED = int(os.environ.get("GRIDD_DAMAGE_SEED", "1"))
# RocksDB's tail of a table: index, properties, footer. Before it stand only rows.
TAIL_BYTES = 4096


@pytest.fixture(scope="module")
def runs():
    made = Runs(range(60), kills=3)
    yield made
    made.close()


def family_of(path):
    """Which family a table is of, by its own properties."""
    found = re.search(rb"column\.family\.id.{1,16}name([a-z]+)", path.read_bytes(), re.DOTALL)
    return found[1].decode() if found else "of no family"


def kind_of(path):
    if path.suffix == ".sst":
        return f"sst {family_of(path)}"
    return path.suffix.lstrip(".") if path.suffix == ".log" else path.name.split("-")[0]


def files_of(directory):
    """The files that matter, by kind; LOG is for people, LOCK is empty."""
    kinds = collections.defaultdict(list)
    for path in sorted(directory.iterdir()):
        if path.is_file() and not path.name.startswith("LO") and path.stat().st_size > 0:
            kinds[kind_of(path)].append(path)
    return kinds


def damage(path, draw, how, limit=None):
    """Does it; the place in the file."""
    size = path.stat().st_size
    at = draw.randrange(min(size, limit or size))
    if how == "delete":
        path.unlink()
        return 0
    if how == "truncate":
        os.truncate(path, at)
        return at
    with open(path, "r+b") as file:
        file.seek(at)
        old = file.read(1 if how == "flip" else 512)
        new = bytes([old[0] ^ 1 << draw.randrange(8)]) if how == "flip" else bytes(len(old))
        file.seek(at)
        file.write(new)
    return at if new != old else None


def names_the_place(text, path):
    """A message for an operator says which file or which rows are meant."""
    last = text.strip().splitlines()[-1] if text.strip() else ""
    return path.name in text or re.search(r"/data\b|\b(CURRENT|MANIFEST|ack\.hwm)\b|\.sst|\.log|journal|timeline|watermark", last)


def outcome(server, told, path):
    """"refused", "all there", "read error"; anything else is an AssertionError."""
    if not server.start_or_refuse({}):
        assert names_the_place(server.log_text(), path), server.log_text()
        return "refused"
    try:
        answer = server.request("GET", "/v1/grids/c/timeline", headers={"Accept": "application/x-ndjson"})
    except (OSError, http.client.HTTPException):
        server.kill()
        return "read error"
    if answer.status >= 500:
        return "read error"
    rows = {row["id"]: row["seq"] for row in answer.lines() if row["kind"] == "report"}
    lost = [name for name, seq in told.seqs.items() if rows.get(name) != seq]
    assert not lost, f"{len(lost)} of {len(told.seqs)} are gone in silence: {lost[:3]}"
    return "all there"


def test_no_damage_shortens_history_in_silence(runs):
    happened = collections.Counter()
    for seed in range(SEED, SEED + COUNT):
        draw = random.Random(seed)
        with runs.server() as server:
            kinds = files_of(server.data)
            kind = draw.choice(sorted(kinds))
            path, how = draw.choice(kinds[kind]), draw.choice(["flip", "flip", "zero", "truncate", "delete"])
            at = damage(path, draw, how)
            try:
                happened[kind, "nothing" if at is None else outcome(server, runs.told, path)] += 1
            except AssertionError as problem:
                raise AssertionError(f"seed {seed}: {how} of {path.name} ({kind}) at {at}: {problem}\n{server.log_text()}") from None
            server.kill(signal.SIGKILL)
    for (kind, what), times in sorted(happened.items()):
        print(f"{kind}: {what} {times}")
    seen = {kind for kind, _ in happened}
    assert {"log", "MANIFEST", "CURRENT", "ack.hwm", "sst journal"} <= seen or COUNT < 100, seen
    assert sum(times for (_, what), times in happened.items() if what == "refused") > COUNT // 5


def test_verify_finds_every_altered_journal_block(runs):
    """On files whose tail is left alone, so that each damage is one of rows."""
    for seed in range(SEED, SEED + max(COUNT // 5, 10)):
        draw = random.Random(seed)
        with runs.server() as server:
            paths = [p for p in files_of(server.data)["sst journal"] if p.stat().st_size > 2 * TAIL_BYTES]
            path, how = draw.choice(paths), draw.choice(["flip", "zero", "truncate", "delete"])
            if damage(path, draw, how, path.stat().st_size - TAIL_BYTES) is None:
                continue
            verified = verify(server.data)
            assert verified.returncode == 1, f"seed {seed}: {how} of {path.name} was not found: {verified.stdout}"
            assert names_the_place(verified.stderr, path), verified.stderr
