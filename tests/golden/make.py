#!/usr/bin/env python3
"""A data directory as this release leaves it, killed under way: make.py GRIDD OUT.tar.xz. One a release, and never made again:
test_golden.py opens each with the gridd of the day."""
import json
import os
import pathlib
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "blackbox"))
os.environ["GRIDD_BIN"] = sys.argv[1]
from gridd import Gridd, report  # noqa: E402

SMALL = ["--limit", "run_entries=400", "--limit", "block_entries=64", "--limit", "identities=2048"]


def main():
    with Gridd(*SMALL) as server:
        for start in range(0, 600, 100):
            assert server.post_lines([report(n, grid=f"g{1 + n % 2}") for n in range(start, start + 100)]).status == 200
        for n, category in enumerate(("streetlight", "streetlight", "manhole_cover")):
            server.post(report(f"t-{n}", category=category, grid="g1", location={"lat": 30.0011, "lon": 110.0011}))
        assert server.get("/v1/tickets").json()["items"]
        server.restart()
        server.post_lines([report(n) for n in range(600, 640)])
        expected = {"reports": len(server.timeline("c", "?kind=report")), "tickets": len(server.get("/v1/tickets").json()["items"]),
                    "epoch": server.get("/v1/status").json()["epoch"]}
        server.kill()
        (server.data / "expected.json").write_text(json.dumps(expected))
        (server.data / "control.sock").unlink(missing_ok=True)
        with tarfile.open(sys.argv[2], "w:xz", preset=9) as archive:
            archive.add(server.data, "data")
    print(sys.argv[2], os.path.getsize(sys.argv[2]), expected)


if __name__ == "__main__":
    main()
