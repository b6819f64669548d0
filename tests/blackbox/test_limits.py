"""Limits from outside: at the limit, one below and one above. Each test sets the limits it reaches."""
import datetime
import gzip
import json
import math
import select
import signal
import socket
import threading
import time

import pytest

from gridd import NDJSON, REGIONS, Gridd, line_of, report, run
from work import command, done, opened, pages, send


def limited(tree=REGIONS, **limits):
    words = [word for name, value in limits.items() for word in ("--limit", f"{name}={value}")]
    server = Gridd(*words, regions=tree)
    server.limits = limits
    return server


def around(server, name):
    """One below the limit that the server has, the limit, one above. lint/limit_tests.py looks for the names."""
    return server.limits[name] - 1, server.limits[name], server.limits[name] + 1


def head(length=None, kind=NDJSON):
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()


def status_of(raw):
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/1.1 ") else None


def bulk_of(size, number):
    line = json.dumps(report(number)).encode()
    return line + b"\n" * (size - len(line))


def test_bodies_on_the_wire_and_inflated():
    with limited(report_body_bytes=1000, body_wire_bytes=5000, body_inflated_bytes=70000) as server:
        for size, status in zip(around(server, "report_body_bytes"), (201, 201, 413)):
            assert server.post(line_of(size, f"plain{size}")).status == status, size
            packed = gzip.compress(line_of(size, f"gzip{size}").encode())
            assert server.post(packed, **{"Content-Encoding": "gzip"}).status == status, size
        for size, status in zip(around(server, "body_wire_bytes"), (200, 200, 413)):
            body = bulk_of(size, f"wire{size}")
            assert server.post_lines([body[:-1]]).status == status, size
            chunked = head() + b"%x\r\n" % size + body + b"\r\n0\r\n\r\n"
            assert status_of(server.raw(chunked, shut=True)) == status, size
        for size, status in zip(around(server, "body_inflated_bytes"), (200, 200, 413)):
            packed = gzip.compress(bulk_of(size, f"inflated{size}"))
            answer = server.request("POST", "/v1/reports", packed, {"Content-Type": NDJSON, "Content-Encoding": "gzip"})
            assert answer.status == status, size


@pytest.mark.parametrize("ratio, free, status", [(2, 1000, 413), (2, 100000, 200), (100000, 0, 200)])
def test_the_ratio_counts_past_the_free_bytes(ratio, free, status):
    with limited(inflate_ratio=ratio, inflate_ratio_free_bytes=free) as server:
        packed = gzip.compress(b"\n" * 100000)
        answer = server.request("POST", "/v1/reports", packed, {"Content-Type": NDJSON, "Content-Encoding": "gzip"})
        assert answer.status == status


def test_json_depth_members_and_strings():
    with limited(json_depth=4, json_keys=16, json_string_bytes=256) as server:
        cases = []
        for size, verdict in zip(around(server, "json_depth"), ("created", "created", "invalid")):
            deep = 1
            for _ in range(size - 1):  # the report itself is one
                deep = [deep]
            cases.append((f"depth{size}", {"deep": deep}, verdict))
        for size, verdict in zip(around(server, "json_keys"), ("created", "created", "invalid")):
            cases.append((f"inner{size}", {"inner": {f"k{n}": n for n in range(size)}}, verdict))
            cases.append((f"outer{size}", {f"k{n}": n for n in range(size - len(report()))}, verdict))
        for size, verdict in zip(around(server, "json_string_bytes"), ("created", "created", "invalid")):
            cases.append((f"string{size}", {"unknown": "x" * size}, verdict))
            cases.append((f"bytes{size}", {"unknown": "é" * 127 + "x" * (size - 254)}, verdict))
            cases.append((f"name{size}", {"n" * size: 1}, verdict))
        for number, fields, verdict in cases:
            answer = server.post_lines([report(number, **fields)]).json()
            assert answer["counts"][verdict] == 1, (number, answer)
            answer = server.post(report(number, **fields))
            assert answer.status == (200 if verdict == "created" else 422), (number, answer.body)


def test_pages():
    with limited(list_items_default=2, list_items_max=3) as server:
        more = "".join(f"x{n},c1,2,Grid\n" for n in range(5))
        assert server.put_regions("code,parent,level,name\n" + more).status == 200
        assert server.post_lines([report(n) for n in range(5)]).status == 200
        for path in ("/v1/grids/g1/timeline", "/v1/regions/c1/children"):
            for limit in around(server, "list_items_max"):
                answer = server.get(f"{path}?limit={limit}")
                if limit <= 3:
                    assert len(answer.json()["items"]) == limit
                else:
                    assert answer.status == 400 and "1 to 3" in answer.json()["detail"]
        for count in around(server, "list_items_default"):  # as many as that are there
            rows = "".join(f"y{count}{n},x{count},3,Grid\n" for n in range(count))
            assert server.put_regions("code,parent,level,name\n" + rows).status == 200
            assert server.post_lines([report(f"y{count}{n}", grid=f"x{count}") for n in range(count)]).status == 200
            for path in (f"/v1/grids/x{count}/timeline", f"/v1/regions/x{count}/children"):
                page = server.get(path).json()
                assert len(page["items"]) == min(count, 2), (path, count)
                assert (page["next_cursor"] is None) == (count <= 2), (path, count)
        assert len(server.timeline("g1")) == 5  # a stream has no pages


def test_region_codes_names_and_depth():
    with limited(region_code_bytes=8, region_name_bytes=16, region_depth=3) as server:
        columns = "code,parent,level,name,leader\n"
        for size, status in zip(around(server, "region_code_bytes"), (200, 200, 422)):
            assert server.put_regions(columns + f"{'k' * size},c,1,Name,\n").status == status, size
            assert server.post(report(size, grid="k" * size)).status == (201 if status == 200 else 422)
        for size, status in zip(around(server, "region_name_bytes"), (200, 200, 422)):
            assert server.put_regions(columns + f"n,c,1,{'n' * size},\n").status == status, size
            assert server.put_regions(columns + f"n,c,1,Name,{'n' * size}\n").status == status, size
        for deepest, status in zip(around(server, "region_depth"), (200, 200, 422)):
            chain = "".join(f"d{n},{'c' if n == 1 else f'd{n - 1}'},{n},Name,\n" for n in range(1, deepest + 1))
            assert server.put_regions(columns + chain).status == status, deepest


def test_lines():
    with limited(line_bytes=256) as server:
        for size, verdict in zip(around(server, "line_bytes"), ("created", "created", "invalid")):
            body = server.post_lines([report(1), line_of(size, f"l{size}"), report(2)]).json()
            assert body["counts"][verdict] >= 1 and body["counts"]["invalid"] == (verdict == "invalid"), (size, body)


def test_problem_items():
    with limited(problem_items=3) as server:
        for bad, truncated in zip(around(server, "problem_items"), (None, None, True)):
            body = server.post_lines(["x"] * bad).json()
            assert body["counts"]["invalid"] == bad
            assert len(body["items"]) == min(bad, 3) and body.get("items_truncated") == truncated


def test_identities_of_a_whole_journal_need_no_looking_up():
    """A journal of as many entries as the table may have is known whole after a restart, one more is not."""
    small = {"run_entries": 256, "block_entries": 64, "identities": 1024}
    with limited(**small) as first:
        for count, looked_up in zip(around(first, "identities"), (0, 0, 1)):
            with limited(**small) as server:
                assert server.post_lines([report(n) for n in range(count)]).json()["counts"]["created"] == count
                server.restart()
                assert server.post(report("new", occurred_at="2024-01-01T00:00:00Z")).status == 201
                assert f"\ngridd_dedupe_lookups_total {looked_up}\n" in server.get("/metrics").body.decode(), count
                assert server.post(report(0)).json()["status"] == "replayed"


def test_reports_are_given_to_a_grid_within_reach():
    with limited(locate_m=1000) as server:
        metres_per_degree = 6371008.8 * math.pi / 180
        for metres, status in [(0, 201), *zip(around(server, "locate_m"), (201, 201, 422)), (5000, 422)]:
            location = {"lat": 30.001 - (metres - 0.01) / metres_per_degree, "lon": 110.001}
            assert server.post(report(f"at{metres}", grid=None, location=location)).status == status, metres


def test_the_skew_of_clocks():
    with limited(clock_skew_ms=7200000) as server:
        now = datetime.datetime.now(datetime.timezone.utc)
        for hours, flags in ((1, []), (3, ["clock_suspect"])):
            at = (now + datetime.timedelta(hours=hours)).isoformat()
            seq = server.post(report(f"in{hours}", occurred_at=at)).json()["seq"]
            assert server.get(f"/v1/reports/{seq}").json()["flags"] == flags


def test_slow_bodies():
    body = json.dumps(report(1)).encode() + b"\n"
    with limited(body_grace_ms=10, body_rate_bytes=1 << 30) as server:
        assert status_of(server.raw(head(len(body)) + body[:5])) == 408
    with limited(body_grace_ms=10, body_rate_bytes=1) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
            peer.sendall(head(len(body)) + body[:100])  # earns 100 s
            time.sleep(0.2)
            peer.sendall(body[100:])
            assert status_of(peer.recv(65536)) == 200
    # Ten seconds' worth of bytes come in one, long after the grace; then nothing comes any more.
    pieces = [json.dumps(report(n)).encode().ljust(1000) + b"\n" for n in range(10)]
    for stops in (False, True):
        with limited(body_grace_ms=200, body_rate_bytes=1000) as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
                peer.sendall(head(10010 + 5))
                for piece in pieces:
                    peer.sendall(piece)
                    time.sleep(0.1)
                    assert not select.select([peer], [], [], 0)[0], "refused although it kept up"
                peer.sendall(b"\n" if stops else b"\n" * 5)
                assert status_of(peer.recv(65536)) == (408 if stops else 200)
            assert len(server.timeline("c")) == 10  # what came is kept, and sent again it is replayed
            assert server.post_lines(pieces).json()["counts"]["replayed"] == 10
    with limited(body_ms=200) as server:
        assert status_of(server.raw(head() + b"1\r\n\n\r\n")) == 408


def test_a_drain_ends_at_its_time():
    with limited(drain_ms=200) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
            peer.sendall(head(100) + b"{")
            assert server.get("/healthz").status == 200
            assert server.kill(signal.SIGTERM) == 0


def first_answer(server, data):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
        peer.sendall(data)
        return peer.recv(65536)


def test_a_drain_does_not_wait_for_an_import():
    rows = "".join(f"k{n},c,1,Name\n" for n in range(200000))
    body = gzip.compress(("code,parent,level,name\n" + rows).encode(), 1)
    text = (f"PUT /v1/regions HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Encoding: gzip\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    with limited(drain_ms=100) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
            peer.sendall(text)
            # Refused before its body while another is under way: then the first one is being built.
            ask = b"PUT /v1/regions HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
            while status_of(first_answer(server, ask)) != 503:
                assert not select.select([peer], [], [], 0)[0], "built before anybody looked"
            assert server.kill(signal.SIGTERM) == 0, server.log_text()
        server.start()
        assert server.get("/v1/regions/k0").status in (200, 404)  # all of it or nothing
        assert server.get("/v1/regions/k199999").status == server.get("/v1/regions/k0").status


def test_connections_past_the_limit_wait():
    with limited(connections=8) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(8)]
        for peer in idle[:7]:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status_of(peer.recv(65536)) == 200
        late = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        late.settimeout(0.2)
        with pytest.raises(TimeoutError):
            late.recv(1)
        idle[3].close()
        late.settimeout(60)
        assert status_of(late.recv(65536)) == 200
        for peer in idle + [late]:
            peer.close()


def test_requests_of_a_connection_are_counted():
    with limited(requests_per_connection=2) as server:
        one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        assert server.raw(one * 3).count(b"HTTP/1.1 200") == 2


def test_the_longest_line_fits_the_smallest_block_and_run(tmp_path):
    line = 131072 - 49252
    small = {"block_bytes": 131072, "run_bytes": 131072, "block_entries": 32, "run_entries": 32,
             "commit_pause_bytes": 65536, "commit_queue_bytes": 131072}
    with limited(line_bytes=line, report_body_bytes=line, **small) as server:
        lines = [line_of(line, n, location={"lat": 30.0, "lon": 110.0}) for n in range(40)]
        assert server.post_lines(lines).json()["counts"]["created"] == 40
        server.restart()
        assert server.post_lines(lines).json()["counts"]["replayed"] == 40
        assert len(server.timeline("c")) == 40
    words = [word for name, value in {**small, "line_bytes": line + 1, "report_body_bytes": line}.items()
             for word in ("--limit", f"{name}={value}")]
    refused = run("serve", "--no-auth", "--listen", "127.0.0.1:0", "--data", tmp_path / "d", *words)
    assert refused.returncode in (1, 2) and "line_bytes" in refused.stderr


@pytest.mark.parametrize("limits", [
    {"block_entries": 32}, {"commit_pause_bytes": 65536, "commit_queue_bytes": 131072},
    {"block_entries": 33, "block_bytes": 131072, "run_entries": 33, "run_bytes": 131072},
])
def test_uploads_under_pressure_are_all_taken_or_told(limits):
    with limited(**limits) as server:
        count, refused = 2000, []

        def upload(worker):
            lines = [report(f"{worker}-{n}", text="x" * 100) for n in range(count)]
            while (answer := server.post_lines(lines)).status != 200:
                assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1, answer.body
                refused.append(answer)
                time.sleep(0.05)
            counts = answer.json()["counts"]
            assert counts["created"] + counts["replayed"] == count

        threads = [threading.Thread(target=upload, args=(worker,)) for worker in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = server.timeline("c")
        assert len(rows) == len({row["id"] for row in rows}) == 6 * count
        assert server.get("/readyz").status == 200


def test_an_old_run_is_sealed():
    with limited(run_age_ms=100) as server:
        seq = server.post(report(1)).json()["seq"]
        deadline = time.monotonic() + 60
        while server.get("/v1/status").json()["sealed_through"] < seq:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(server.timeline("c")) == 1
        server.restart()
        assert server.post(report(1)).json()["seq"] == seq


def test_bodies_that_must_be_held_are_bounded_together():
    with limited(body_memory_bytes=1 << 20) as server:
        rows = "".join(f"k{n},c,1,{'n' * 200}\n" for n in range(10000))
        answer = server.put_regions("code,parent,level,name\n" + rows)
        assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1, answer.body
        assert server.get("/v1/regions/k0").status == 404
        assert server.put_regions("code,parent,level,name\n" + rows[:100000].rsplit("\n", 1)[0]).status == 200
        # A bulk is streamed, never held.
        lines = [report(n, text="x" * 1000) for n in range(3000)]
        assert server.post_lines(lines).json()["counts"]["created"] == 3000


def test_open_tickets():
    with limited(open_tickets=16) as server:
        for count, status in zip(around(server, "open_tickets"), (201, 201, 503)):
            while len(pages(server, "/v1/tickets?state=open", 100)) < count - 1:
                opened(server)
            assert send(server, "/v1/tickets", {"category": "streetlight", "grid": "g1"}).status == status, count
        done(server, pages(server, "/v1/tickets", 1)[0]["id"], "void", reason="typed twice")
        opened(server)


def test_joint_tickets():
    with limited(joint_tickets=4) as server:
        for count, status in zip(around(server, "joint_tickets"), (200, 200, 503)):
            joint = 0
            while True:
                ticket = opened(server)
                done(server, ticket, "accept")
                joint = sum(item["joint"] is not None for item in pages(server, "/v1/tickets", 100))
                answer = command(server, ticket, "whistle", role="whistle_center", decision="joint", unit="police",
                                 units=["gas_company"])
                if joint == count - 1:
                    assert answer.status == status, count
                    break
                assert answer.status == 200


def test_open_directives_and_their_addressees():
    with limited(open_directives=4, directive_addressees=5) as server:
        everybody = [{"region": code} for code in ("c", "c1", "c10", "g1", "g2", "g10")]
        for count, status in zip(around(server, "directive_addressees"), (201, 201, 422)):
            assert send(server, "/v1/directives", {"text": "x", "addressees": everybody[:count]}).status == status
        for count, status in zip(around(server, "open_directives"), (201, 201, 503)):
            assert send(server, "/v1/directives", {"text": "x", "addressees": everybody[:1]}).status == status, count
