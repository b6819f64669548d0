"""Data directories of every release so far (tests/golden): today's gridd opens, proves, reads and goes on with a copy of each."""
import json
import pathlib
import signal
import tarfile

import pytest

from gridd import Gridd, report, run

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
RELEASES = sorted(path for path in GOLDEN.glob("*.tar.xz") if not path.name.startswith("future"))


def unpack(path, to):
    assert path.stat().st_size < 300 * 1024, path
    with tarfile.open(path) as archive:
        archive.extractall(to)
    return to / "data"


def test_there_is_a_directory_of_a_release():
    assert RELEASES


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.name)
def test_a_directory_of_an_earlier_release_goes_on(path):
    with Gridd(start=False) as server:
        unpack(path, server.directory)
        expected = json.loads((server.data / "expected.json").read_text())
        (server.data / "expected.json").unlink()
        assert run("verify", "--data", server.data).returncode == 0
        server.start()
        assert server.get("/v1/status").json()["epoch"] == expected["epoch"]
        assert len(server.timeline("c", "?kind=report")) == expected["reports"]
        assert len(server.get("/v1/tickets").json()["items"]) == expected["tickets"]
        assert server.post_lines([report(n, grid=f"g{1 + n % 2}") for n in range(600)]).json()["counts"]["replayed"] == 600
        assert server.post(report("new")).status == 201
        assert server.kill(signal.SIGTERM) == 0
        verified = run("verify", "--data", server.data)
        assert verified.returncode == 0, verified.stderr


def test_a_directory_that_needs_a_newer_gridd_is_refused_by_name(tmp_path):
    data = unpack(GOLDEN / "future-reader-2.tar.xz", tmp_path)
    refused = run("serve", "--no-auth", "--listen", "127.0.0.1:0", "--sysexits", "--data", data)
    assert refused.returncode == 78, refused
    assert "gridd 9.9.9" in refused.stderr and "version 2" in refused.stderr and "reads up to 1" in refused.stderr
    assert run("verify", "--data", data).returncode == 1
