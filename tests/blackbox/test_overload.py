"""Rates, counts and shedding from outside: who asks too much is told which limit and when to come back, the others are served."""
import json
import os
import pathlib
import socket
import threading
import time

import pytest

from gridd import BIN, report
from guarded import Guarded
from sse import Feed

SHIM = pathlib.Path(os.environ.get("GRIDD_FAIL_DISK", pathlib.Path(BIN).resolve().parents[1] / "lib/libfail_disk.so"))
NDJSON = "application/x-ndjson"


def guarded(**limits):
    server = Guarded(*[word for name, value in limits.items() for word in ("--limit", f"{name}={value}")], lenient=False)
    server.limits = limits
    return server


def around(server, name):
    return server.limits[name] - 1, server.limits[name], server.limits[name] + 1


def device(server, name="d1", region="g1", roles=("device",)):
    return server.make(list(roles), region, "device", name)


def send(server, token, lines):
    body = "".join(json.dumps(line) + "\n" for line in lines)
    return server.request("POST", "/v1/reports", body, {"Content-Type": NDJSON}, token=token)


def send_one(server, token, line):
    return server.request("POST", "/v1/reports", json.dumps(line), {"Content-Type": "application/json"}, token=token)


def counter(server, name):
    """The sum of a metric's samples that begin so; asked by one who may."""
    text = server.request("GET", "/metrics", token=server.ops).body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def refused(answer, limit):
    assert answer.status == 429, answer.body
    assert answer.headers.get_all("Retry-After") is not None and len(answer.headers.get_all("Retry-After")) == 1
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["limit"] == limit and answer.json()["status"] == 429
    return int(answer.headers["Retry-After"])


def spend(ask, most, limit):
    """`most` are served, the next is not, and after Retry-After one is again."""
    for _ in range(most):
        assert ask().status != 429
    wait_s = refused(ask(), limit)
    time.sleep(wait_s)
    assert ask().status != 429


def test_requests_of_a_device():
    with guarded(device_requests_per_s=1, device_requests_burst=3) as server:
        first, other = device(server, "d1"), device(server, "d2")
        spend(lambda: server.ask("GET", "/v1/me", first), 3, "device_requests")
        assert server.ask("GET", "/v1/me", other).status == 200
        again = server.make(["device"], "g1", "device", "d1", expires_in_s=7200)
        served = 0  # a second token is no second bucket: both together get the burst and one a second
        started = time.monotonic()
        for _ in range(20):
            served += server.ask("GET", "/v1/me", first).status == 200
            served += server.ask("GET", "/v1/me", again).status == 200
        assert served <= 4 + (time.monotonic() - started)
        assert server.ask("GET", "/v1/me", other).status == 200
        server.ops = server.make(["ops"])
        assert counter(server, 'gridd_rate_limited_total{scope="device_requests"}') >= 30
        assert counter(server, 'gridd_rate_limited_total{scope="token_requests"}') == 0


def test_requests_of_a_stored_token_and_of_strangers():
    with guarded(token_requests_per_s=1, token_requests_burst=20, address_requests_per_s=1, address_requests_burst=5) as server:
        token = server.make(["dispatcher"], "c1")
        spend(lambda: server.ask("GET", "/v1/me", token), 20, "token_requests")
        spend(lambda: server.request("GET", "/", token=None), 5, "address_requests")
        while server.request("GET", "/", token=None).status != 429:
            pass
        refused(server.request("GET", "/v1/me", token=None), "address_requests")
        for _ in range(50):  # what watches the server is nobody's flood
            assert server.request("GET", "/healthz", token=None).status == 200
            assert server.request("GET", "/readyz", token=None).status == 200


def test_a_backlog_of_a_device_passes_in_one_bulk():
    """With the defaults: 2,000 pass, one more is told what was taken."""
    with guarded(device_reports_per_s=1) as server:
        for count, status in ((2000, 200), (2200, 429)):
            token = device(server, f"d{count}")
            lines = [report(f"{count}-{n}", source=None) for n in range(count)]
            answer = send(server, token, lines)
            assert answer.status == status, answer.body
            taken = answer.json()["counts"]["created"]
            assert taken == count if status == 200 else 2000 <= taken < 2200
        refused(answer, "device_reports")
        assert answer.json()["counts"]["invalid"] == 0
        assert len(server.request("GET", "/v1/grids/g1/timeline", headers={"Accept": NDJSON},
                                  token=server.make(["centre"])).lines()) == 2000 + taken


def test_a_queue_that_is_sent_again_and_again_gets_through():
    with guarded(device_reports_per_s=100, device_reports_burst=100) as server:
        token = device(server)
        lines = [report(n, source=None, occurred_at="2026-01-01T00:00:00Z") for n in range(250)]
        taken = []
        while (answer := send(server, token, lines)).status != 200:
            wait_s = refused(answer, "device_reports")
            counts = answer.json()["counts"]
            assert sum(counts.values()) == counts["created"] + counts["replayed"] >= 100
            taken.append(counts["created"])
            assert len(taken) < 10
            time.sleep(wait_s)
        assert sum(taken) + answer.json()["counts"]["created"] == 250
        assert answer.json()["counts"]["replayed"] == sum(taken)


def test_single_reports_count_too():
    with guarded(device_reports_per_s=1, device_reports_burst=2) as server:
        token = device(server)
        numbers = iter(range(100))
        spend(lambda: send_one(server, token, report(next(numbers), source=None)), 2, "device_reports")
        while (answer := send_one(server, token, report(next(numbers), source=None))).status == 201:
            pass
        assert answer.status == 429 and sum(answer.json()["counts"].values()) == 0
        assert send_one(server, device(server, "d2"), report(200, source=None)).status == 201


def test_reports_of_a_stored_token():
    with guarded(token_reports_per_s=1, token_reports_burst=5) as server:
        token = server.make(["gateway"])
        answer = send(server, token, [report(n) for n in range(6)])
        refused(answer, "token_reports")
        assert answer.json()["counts"]["created"] == 5


def test_a_region_has_a_rate_for_all_its_tokens():
    regions = ("c", "c1", "g1")  # of level 0, 1, 2
    for level in (0, 1, 2):
        with guarded(region_rate_level=1, region_requests_per_s=1, region_requests_burst=4) as server:
            assert level in around(server, "region_rate_level")
            spender = server.make(["dispatcher"], regions[level])
            for _ in range(4):
                assert server.ask("GET", "/v1/me", spender).status == 200
            refused(server.ask("GET", "/v1/me", spender), "region_requests")
            # Up to that level each region has its own; what is below has its ancestor's.
            beside = server.ask("GET", "/v1/me", server.make(["dispatcher"], "c1"))
            assert beside.status == (200 if level == 0 else 429)
            assert server.ask("GET", "/v1/me", server.make(["dispatcher"], "g10")).status == 200
            assert server.ask("GET", "/v1/me", server.make(["dispatcher"])).status == 200
            # A command centre's reads wait for no region.
            assert server.ask("GET", "/v1/tickets", server.make(["centre"], regions[level])).status == 200


def test_reports_of_a_region():
    with guarded(region_rate_level=1, region_reports_per_s=1, region_reports_burst=10) as server:
        answer = send(server, device(server, "d1", "g1"), [report(n, source=None) for n in range(8)])
        assert answer.status == 200
        answer = send(server, device(server, "d2", "g2"), [report(n, source=None, grid="g2") for n in range(8)])
        refused(answer, "region_reports")
        assert answer.json()["counts"]["created"] == 2
        answer = send(server, device(server, "d3", "g10"), [report(n, source=None, grid="g10") for n in range(8)])
        assert answer.status == 200


def test_tokens_that_are_not_valid():
    with guarded() as server:
        token = device(server)
        for _ in range(30):
            assert server.ask("GET", "/v1/me", token + "x").status == 401
        assert refused(server.ask("GET", "/v1/me", token + "x"), "auth_failures") <= 4
        refused(server.request("GET", "/v1/feed?ticket=" + "0" * 32, token=None), "auth_failures")
        assert server.ask("GET", "/v1/me", token).status == 200  # of the same address, behind the same wall
        deadline = time.monotonic() + 30
        while '"event":"auth"' not in server.log_text() or '"event":"limit"' not in server.log_text():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        lines = [json.loads(line) for line in server.log_text().splitlines() if '"event":"auth"' in line]
        assert len(lines) <= 2 and sum(line["count"] for line in lines) == 32  # many, told once


def test_acknowledgements_have_a_rate_of_their_own():
    with guarded(device_requests_per_s=1, device_requests_burst=2, ack_requests_per_s=1, ack_requests_burst=3) as server:
        token = device(server)
        while server.ask("GET", "/v1/me", token).status == 200:
            pass
        spend(lambda: server.ask("POST", "/v1/tickets/999/ack", token, {"command_id": "a"}), 3, "ack_requests")


def keep(server, token, path="/v1/me"):
    """A connection that was used with the token; what it was answered."""
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return peer, peer.recv(65536)


def test_connections_of_a_token():
    with guarded(connections_per_principal=3) as server:
        token = server.make(["dispatcher"])
        kept = [keep(server, token) for _ in range(4)]
        assert [b" 200 " in head.split(b"\r\n")[0] for _, head in kept] == [True] * 3 + [False]
        head = kept[3][1]
        assert b" 429 " in head and b"connections_per_principal" in head and b"Connection: close" in head
        assert server.request("GET", "/v1/me").status == 200
        kept[0][0].close()
        deadline = time.monotonic() + 30
        while server.ask("GET", "/v1/me", token).status != 200:
            assert time.monotonic() < deadline
        for peer, _ in kept[1:]:
            peer.close()


def test_feeds_of_a_token():
    with guarded(feeds_per_principal=2) as server:
        token = server.make(["centre"])
        feeds = [keep(server, token, "/v1/feed") for _ in range(3)]
        assert [b" 200 " in head.split(b"\r\n")[0] for _, head in feeds] == [True, True, False]
        assert b"feeds_per_principal" in feeds[2][1] and b"Retry-After" in feeds[2][1]
        assert b" 200 " in keep(server, server.make(["centre"], name="other"), "/v1/feed")[1]
        feeds[0][0].close()
        deadline = time.monotonic() + 30
        while b" 200 " not in (again := keep(server, token, "/v1/feed"))[1]:
            again[0].close()
            assert time.monotonic() < deadline


def test_silent_strangers_keep_nobody_out():
    with guarded(strangers=20, strangers_per_address=10) as server:
        server.ops = server.make(["ops"])
        kept = keep(server, server.ops)
        crowd = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(60)]
        for number in range(30):
            crowd.append(socket.create_connection(("127.0.0.1", server.port), timeout=30,
                                                  source_address=(f"127.0.0.{2 + number}", 0)))
        assert server.request("GET", "/healthz", token=None).status == 200
        assert counter(server, "gridd_connections_strangers") <= 20
        assert counter(server, 'gridd_http_rejected_total{reason="strangers_per_address"}') >= 50
        assert counter(server, 'gridd_http_rejected_total{reason="strangers"}') >= 1
        kept[0].sendall(f"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.ops}\r\n\r\n".encode())
        assert b" 200 " in kept[0].recv(65536)  # who has shown a token is no stranger
        for peer in crowd:
            peer.close()


def test_memory_does_not_grow_with_addresses():
    with guarded(rate_buckets=64, auth_failures_per_min=5) as server:
        server.ops = server.make(["ops"])
        before = counter(server, "gridd_rate_memory_bytes")
        statuses = set()
        for number in range(500):
            with socket.create_connection(("127.0.0.1", server.port), timeout=30,
                                          source_address=(f"127.1.{number // 250}.{1 + number % 250}", 0)) as peer:
                for _ in range(3):
                    peer.sendall(b"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer gd_no\r\n\r\n")
                    statuses.add(peer.recv(65536).split(b" ")[1])
        # The places are spent by others' names, and newcomers go on with what is left there.
        assert statuses == {b"401", b"429"}
        assert counter(server, "gridd_rate_memory_bytes") == before
        assert counter(server, 'gridd_rate_buckets{scope="auth_failures"}') <= 64


class Stalled:
    """A server whose log does not reach the disk while the block is open."""

    def __init__(self, monkeypatch, tmp_path, **limits):
        self.gate = tmp_path / "stall"
        monkeypatch.setenv("FAIL_DISK", str(tmp_path))
        monkeypatch.setenv("LD_PRELOAD", str(SHIM))
        monkeypatch.setenv("ASAN_OPTIONS", "verify_asan_link_order=0")
        self.server = guarded(**limits)
        self.waiting, self.answers = [], []

    def __enter__(self):
        self.gate.touch()
        return self

    def __exit__(self, *exception):
        self.gate.unlink(missing_ok=True)
        for thread in self.waiting:
            thread.join(60)

    def later(self, ask):
        """Asks for what is answered once the disk is back."""
        thread = threading.Thread(target=lambda: self.answers.append(ask()))
        thread.start()
        self.waiting.append(thread)

    def until(self, stage):
        deadline = time.monotonic() + 60
        while counter(self.server, "gridd_shed_stage") < stage:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def shed(answer):
    assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1, answer.body
    assert sum(answer.json()["counts"].values()) == 0


@pytest.mark.skipif(not SHIM.exists(), reason=f"SKIPPED: {SHIM} is not built")
def test_a_queue_sheds_bulks_of_devices_first(monkeypatch, tmp_path):
    limits = {"commit_queue_ms": 600000, "commit_pause_bytes": 65536, "commit_queue_bytes": 16 << 20}
    stalled = Stalled(monkeypatch, tmp_path, **limits)
    with stalled.server as server:
        server.ops, token, gateway = server.make(["ops"]), device(server), server.make(["gateway"])
        with stalled:
            big = [report(n, text="x" * 1000) for n in range(100)]
            stalled.later(lambda: send(server, gateway, big))
            stalled.until(1)
            shed(send(server, token, [report(1, source=None)]))
            stalled.later(lambda: send_one(server, token, report(2, source=None)))
            assert counter(server, 'gridd_shed_total{stage="device_bulks",reason="commit_queue"}') == 1
            assert counter(server, 'gridd_shed_total{stage="uploads"') == 0
        assert sorted(answer.status for answer in stalled.answers) == [200, 201]
        assert send(server, token, [report(1, source=None)]).status == 200
        assert '"event":"overload"' in server.log_text()


@pytest.mark.skipif(not SHIM.exists(), reason=f"SKIPPED: {SHIM} is not built")
def test_what_must_not_wait_is_served_while_uploads_are_shed(monkeypatch, tmp_path):
    stalled = Stalled(monkeypatch, tmp_path, commit_queue_ms=300)
    with stalled.server as server:
        server.ops, token, centre = server.make(["ops"]), device(server), server.make(["centre"])
        intake = server.make(["intake"])
        opened = server.ask("POST", "/v1/tickets", intake, {"category": "streetlight", "grid": "g1"})
        assert opened.status == 201, opened.body
        with stalled:
            stalled.later(lambda: send_one(server, token, report(1, source=None)))
            stalled.until(2)
            shed(send(server, token, [report(2, source=None)]))
            shed(send_one(server, token, report(3, source=None)))
            shed(send_one(server, intake, report(4, source=None)))
            # Refused before its body is there.
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as peer:
                peer.sendall(f"POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                             f"Content-Type: {NDJSON}\r\nContent-Length: 1000000\r\n\r\n".encode())
                assert b" 503 " in peer.recv(65536)
            assert server.request("GET", "/healthz", token=None).status == 200
            assert server.ask("GET", "/v1/tickets", centre).status == 200
            assert server.ask("GET", "/v1/incidents", centre).status == 200
            with Feed(server.port, headers={"Authorization": f"Bearer {centre}"}) as feed:
                assert feed.status == 200
            path = f"/v1/tickets/{opened.json()['id']}/ack"
            stalled.later(lambda: server.ask("POST", path, centre, {"command_id": "a"}))
            assert counter(server, 'gridd_shed_total{stage="uploads",reason="commit_age"}') == 4
        assert all(answer.status not in (429, 503) for answer in stalled.answers), [a.body for a in stalled.answers]
        assert send_one(server, token, report(3, source=None)).status == 201
