"""Probes, status, metrics, drain, reload, disk full."""
import json
import os
import re
import signal
import socket
import time

from gridd import BIN, Gridd, report


def sanitized():
    with open(BIN, "rb") as file:
        data = file.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def test_probes_status_and_metrics(server):
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").status == 200
    server.post(report("metrics"))
    status = server.get("/v1/status").json()
    for key in ("version", "seq", "sealed_through", "open_tickets", "armed_deadlines", "feed_readers", "epoch"):
        assert key in status, key
    allocator = status["memory"]["allocator"]
    # A sanitizer brings its own allocator; every other build has jemalloc, and says which.
    assert allocator["name"] == ("libc" if sanitized() else "jemalloc"), allocator
    if not sanitized():
        assert allocator["version"][0].isdigit() and 0 < allocator["allocated_bytes"] <= allocator["resident_bytes"]
    metrics = server.get("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = metrics.body.decode()
    names = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert all(name.startswith(("gridd_", "process_")) for name in names) and len(names) > 20
    for line in text.splitlines():
        if not line.startswith("#"):
            float(line.rsplit(" ", 1)[1])


def test_log_lines_are_json(server):
    lines = server.log_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert "listening" in events and any("authentication" in line for line in lines)


def test_sealed_runs_are_timed_and_logged():
    small = ["run_entries=256", "block_entries=64", "identities=1024"]
    with Gridd(*[word for limit in small for word in ("--limit", limit)]) as server:
        server.post_lines([report(n) for n in range(2000)])
        deadline = time.monotonic() + 20
        while '"event":"sealed"' not in server.log_text():
            assert time.monotonic() < deadline, server.log_text()
        text = server.get("/metrics").body.decode()
        count = re.search(r"^gridd_seal_duration_seconds_count (\d+)", text, re.M)
        assert count and int(count.group(1)) > 0


def test_sigterm_drains_and_ends_with_0():
    with Gridd() as server:
        assert server.post(report(1)).status == 201
        idle = socket.create_connection(("127.0.0.1", server.port))
        feed = server.connect()
        feed.request("GET", "/v1/feed")
        feed.getresponse()
        process = server.process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        idle.close()
        server.start()
        assert server.post(report(1)).status == 200


def test_sigterm_lets_an_upload_finish():
    with Gridd() as server:
        line = json.dumps(report(1)).encode() + b"\n"
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        head = f"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: {2 * len(line)}\r\n\r\n"
        peer.sendall(head.encode() + line)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        peer.sendall(line)
        answer = peer.recv(65536)
        assert b" 200 " in answer and b'"created":1' in answer and b'"replayed":1' in answer
        assert server.process.wait(timeout=30) == 0


def test_sighup_takes_a_good_policy_and_refuses_a_bad_one(tmp_path):
    policy = tmp_path / "policy.yaml"
    source = os.path.join(os.path.dirname(__file__), "../../server/policy/default.yaml")
    text = open(source, encoding="utf-8").read()
    policy.write_text(text)
    with Gridd("--policy", str(policy)) as server:
        assert server.post(report("p1", category="beekeeping")).status == 422
        policy.write_text(text.replace("\ncategories:\n", "\ncategories:\n  - {code: beekeeping, name: b, priority: P3}\n"))
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while server.post(report("p2", category="beekeeping")).status != 201:
            assert time.monotonic() < deadline, server.log_text()
        policy.write_text("no_such_key: 1\n")
        server.process.send_signal(signal.SIGHUP)
        while "reload_failed" not in server.log_text():
            assert time.monotonic() < deadline
        assert "no_such_key" in server.log_text()
        assert server.post(report("p3", category="beekeeping")).status == 201


def wait_for_log(server, text, count=1):
    deadline = time.monotonic() + 60
    while server.log_text().count(text) < count:
        assert time.monotonic() < deadline, server.log_text()
        time.sleep(0.02)


def test_sighup_reads_the_log_level_unless_a_flag_gave_it(tmp_path):
    config = tmp_path / "gridd.yaml"
    for flags, told in ((), False), (("--log-level", "info"), True):
        config.write_text("log_level: info\n")
        with Gridd("--config", str(config), *flags) as server:
            server.process.send_signal(signal.SIGHUP)
            wait_for_log(server, '"event":"reload"')
            config.write_text("log_level: error\n")
            server.process.send_signal(signal.SIGHUP)
            if told:
                wait_for_log(server, '"event":"reload"', 2)
            else:
                time.sleep(0.5)
            config.write_text("log_level: loud\n")
            server.process.send_signal(signal.SIGHUP)
            wait_for_log(server, '"event":"reload_failed"')
            assert "gridd.yaml:1: log_level" in server.log_text()
            assert server.log_text().count('"event":"reload"') == (2 if told else 1)
            assert server.get("/readyz").status == 200


def free_bytes(path):
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def test_a_full_disk_refuses_intake_and_resumes_by_itself(tmp_path):
    reserve = free_bytes(tmp_path) - (1 << 30)
    with Gridd("--limit", f"disk_reserve_bytes={reserve}") as server:
        kept = server.post(report(1)).json()["seq"]
        ballast = server.directory / "ballast"
        with open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2 << 30)
        deadline = time.monotonic() + 20
        while (answer := server.post(report(2))).status != 507:
            assert time.monotonic() < deadline
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert server.post_lines([report(3)]).status == 507
        assert server.put_regions("code,parent,level,name\nz,,0,Z\n").status == 507
        assert server.get("/readyz").status == 503 and server.get("/healthz").status == 200
        assert server.get(f"/v1/reports/{kept}").status == 200 and server.timeline("c")
        ballast.unlink()
        while server.post(report(3)).status not in (200, 201):
            assert time.monotonic() < deadline + 20
        assert server.get("/readyz").status == 200


def wait_for_moved(server, count):
    deadline = time.monotonic() + 60
    while len(moved := server.timeline("g1", "?kind=ticket.recomputed")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(moved) == count
    return moved


def test_sighup_with_another_calendar_recomputes_open_clocks(tmp_path):
    """The attendance of every day moves by two hours: what is due in working time moves, and is told once."""
    calendar = tmp_path / "calendar.yaml"

    def write(version, hours):
        days = "monday, tuesday, wednesday, thursday, friday, saturday, sunday, workday"
        calendar.write_text(f"version: {version}\ncalendars:\n  - name: office\n    utc_offset: '+08:00'\n    week:\n"
                            f"      - days: [{days}]\n        attendance: ['{hours}']\n")

    write(1, "08:00-16:00")
    with Gridd("--calendar", str(calendar)) as server:
        answer = server.post(report("lamp", category="streetlight")).json()
        assert answer["ticket"] is not None
        opened = server.timeline("g1", "?kind=ticket.opened")[0]
        write(2, "10:00-18:00")
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "open clocks go by the new rules")
        moved = wait_for_moved(server, 1)
        assert moved[0]["ticket"] == answer["ticket"]
        assert moved[0]["due_at"] != opened["due_at"]
        server.restart()  # with the calendar that the clocks go by already: nothing to tell
        write(3, "09:00-17:00")
        server.restart()  # with another one: told again
        wait_for_moved(server, 2)
