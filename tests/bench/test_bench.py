"""gridd-bench at tiny sizes against the real server: does each workload end well, and print its lines?"""
import json
import os
import subprocess

import pytest

WORKLOADS = {
    "mixed": (["--events", "1000", "--seconds", "1", "--settle", "0", "--readers", "2", "--tickets", "20"],
              ["2 feed readers", "% for tickets", "medians", "under half load", "lateness of deadlines",
               "latency of an upload", "server RSS MiB", "durable"]),
    "timers": (["--events", "10000", "--due", "0"], ["wheel", "libuv", "ratio", "at the full number", "durable"]),
    "feed": (["--readers", "3", "--rate", "100", "--events", "100", "--seconds", "1"],
             ["feed: 3 readers", "deliveries/s", "lag after the answer", "not delivered", "server RSS MiB"]),
    "ingest": (["--events", "2000", "--bulk", "100", "--settle", "0", "--tickets", "20"], ["reports/s", "durable"]),
    "calendar": ([], ["work_hour", "work_day"]),
}


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_ends_well_and_prints_its_lines(name, tmp_path):
    arguments, lines = WORKLOADS[name]
    path = tmp_path / "figures.json"
    done = subprocess.run([os.environ["GRIDD_BENCH"], name, *arguments, "--json", str(path), "--dir", str(tmp_path)],
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in lines:
        assert line in done.stdout, done.stdout
    assert json.loads(path.read_text())["workload"] == name
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name], "the server's data was left behind"


def test_a_report_without_an_answer_is_a_failure(tmp_path):
    done = subprocess.run([os.environ["GRIDD_BENCH"], "ingest", "--events", "100", "--url", "http://127.0.0.1:1"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0, done.stdout
