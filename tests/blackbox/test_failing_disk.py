"""A disk that fails under the log: nobody is told of what is not there, and the next start is clean."""
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import pytest

from gridd import BIN, Gridd, report, run
from sse import Feed

SHIM = pathlib.Path(os.environ.get("GRIDD_FAIL_DISK", pathlib.Path(BIN).resolve().parents[1] / "lib/libfail_disk.so"))


def upload_until_refused(server, worker, told, refused):
    """Small bulks until one is not answered with 200; what was told goes to `told`."""
    number = 0
    while True:
        lines = [report(f"{worker}-{number + n}") for n in range(20)]
        try:
            answer = server.post_lines(lines, "?items=all")
        except (OSError, http.client.HTTPException):
            refused.append(None)
            return
        if answer.status != 200:
            refused.append(answer)
            return
        told.update((item["id"], item["seq"]) for item in answer.json()["items"])
        number += 20


@pytest.mark.skipif(not SHIM.exists(), reason=f"SKIPPED: {SHIM} is not built")
@pytest.mark.parametrize("what", ["sync", "write"])
def test_a_failed_commit_ends_the_process_and_loses_nothing_told(what, tmp_path, monkeypatch):
    monkeypatch.setenv("FAIL_DISK", str(tmp_path))
    with Gridd(start=False) as server:
        with monkeypatch.context() as preloaded:
            preloaded.setenv("LD_PRELOAD", str(SHIM))
            # The sanitizer wants to be the first library; its own functions are none of the shim's.
            preloaded.setenv("ASAN_OPTIONS", "verify_asan_link_order=0")
            server.start()
        assert server.put_regions("code,parent,level,name\nc,,0,City\ng1,c,1,Grid\n").status == 200
        told, refused = {}, []
        threads = [threading.Thread(target=upload_until_refused, args=(server, worker, told, refused))
                   for worker in range(4)]
        with Feed(server.port) as feed:
            feed.until(lambda f: f.last_id)
            for thread in threads:
                thread.start()
            feed.until(lambda f: len(f.named()) >= 100)
            (tmp_path / what).touch()
            for thread in threads:
                thread.join()
            code = server.process.wait(timeout=60)
            while feed.pump(5):
                pass
            shown = {event.seq: event.json()["id"] for event in feed.named()}
        assert code != 0 and "a commit failed" in server.log_text()
        answered = [answer for answer in refused if answer is not None]
        assert all(answer.status == 503 for answer in answered) and answered, refused
        server.kill()
        (tmp_path / what).unlink()
        server.start()
        stored = {row["id"]: row["seq"] for row in server.timeline("c")}
        assert len(told) >= 80 and all(stored.get(name) == seq for name, seq in told.items())
        assert all(stored.get(name) == seq for seq, name in shown.items())
        again = [report(f"{worker}-{n}") for worker in range(4) for n in range(len(told) + 20)]
        counts = server.post_lines(again).json()["counts"]
        assert counts["replayed"] == len(stored) and counts["created"] == len(again) - len(stored)
        rows = server.timeline("c")
        assert len(rows) == len({row["id"] for row in rows}) == len(again)
        assert sorted(row["seq"] for row in rows) == list(range(1, len(again) + 1))
        server.kill(15)
        verified = run("verify", "--data", server.data)
        assert verified.returncode == 0, verified.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, 320 MiB in memory; only root may make one."""
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "none", tmp_path],
                                           capture_output=True, check=False).returncode != 0:
        pytest.skip("SKIPPED: no file system can be mounted here (needs root)")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_burst_that_fills_a_real_disk_is_refused_before_it_is_full(small_disk, monkeypatch):
    """Faster than the disk is looked at by the clock; what was acknowledged is there, and intake resumes by itself."""
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    config, ballast = small_disk / "gridd.yaml", small_disk / "ballast"
    config.write_text("memtable_bytes: 8 MiB\ncache_bytes: 8 MiB\n")
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 140 << 20)
    limits = ("disk_reserve_bytes=96MiB", "block_bytes=256KiB", "commit_queue_bytes=4MiB", "commit_pause_bytes=1MiB",
              "run_entries=20000", "run_bytes=8MiB", "identities=100000")
    texts = [os.urandom(400).hex() for _ in range(500)]
    with Gridd("--config", str(config), *[word for limit in limits for word in ("--limit", limit)]) as server:
        told = 0
        for turn in range(2):
            bulks = [[json.dumps(report(f"{turn}-{bulk}-{n}", text=texts[n % 500])).encode() for n in range(5000)]
                     for bulk in range(30)]
            refused = []
            for lines in bulks:
                try:
                    answer = server.post_lines(lines)
                except (OSError, http.client.HTTPException):  # refused in the middle, and the rest was not read
                    refused.append(507)
                    continue
                told += answer.json()["counts"]["created"] if answer.status in (200, 507) and b"counts" in answer.body else 0
                refused += [answer.status] if answer.status != 200 else []
            assert refused and set(refused) == {507} and server.process.poll() is None, (refused, server.log_text())
            assert server.get("/readyz").status == 503 and len(server.timeline("g1", "?limit=5")) == 5
            os.truncate(ballast, os.path.getsize(ballast) - (70 << 20))
            deadline = time.monotonic() + 60
            while (answer := server.post(report(f"resumed{turn}"))).status != 201:
                assert answer.status == 507 and time.monotonic() < deadline, answer.body
                time.sleep(0.05)
            told += 1
        assert told > 20000
        server.restart()
        rows = server.timeline("c")
        assert len(rows) == len({row["id"] for row in rows}) >= told
        server.kill(15)
        verified = run("verify", "--data", server.data)
        assert verified.returncode == 0, verified.stderr
