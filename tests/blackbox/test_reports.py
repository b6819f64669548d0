"""POST /v1/reports and GET /v1/reports/{seq}, as api.md says."""
import datetime
import gzip
import json
import signal
import time

import pytest

from gridd import Gridd, report, run


def test_a_report_is_created_then_replayed_then_in_conflict(server):
    first = server.post(report(1))
    assert first.status == 201
    body = first.json()
    assert body["status"] == "created" and body["id"] == "r-1" and body["source"] == "test"
    assert body["incident"] is None and body["ticket"] is None
    assert first.headers["X-Request-Id"] and first.headers["Content-Type"].startswith("application/json")

    again = server.post(report(1, sent_at="2026-11-20T09:00:00Z"))
    assert again.status == 200 and again.headers["Idempotent-Replay"] == "true"
    assert again.json() == {**body, "status": "replayed"}

    other = server.post(report(1, text="something else"))
    assert other.status == 409
    assert other.headers["Content-Type"].startswith("application/problem+json")
    assert other.json()["status"] == 409 and other.json()["seq"] == body["seq"]

    stored = server.get(f"/v1/reports/{body['seq']}").json()
    assert stored["text"] == "a lamp is out" and stored["received_at"] == body["received_at"]
    assert stored["flags"] == [] and stored["incident"] is None and stored["match"] is None


def test_member_order_escapes_and_white_space_do_not_make_a_conflict(server):
    assert server.post('{"id":"o","category":"dispute","grid":"g1","text":"a/b","occurred_at":"2026-11-20T08:30:00Z"}'
                       ).status == 201
    same = '{ "text" : "a\\/b", "occurred_at":"2026-11-20T08:30:00Z", "grid":"g1",\n "category":"dispute","id":"\\u006f" }'
    assert server.post(same).status == 200


def test_ids_are_unique_within_their_source(server):
    assert server.post(report(2, source="a")).status == 201
    assert server.post(report(2, source="b")).status == 201
    assert server.post(report(2, source=None)).status == 201
    assert server.post(report(2, source=None)).status == 200


def test_a_report_without_id_gets_a_derived_identity(server):
    first = server.post(report(0, id=None, text="the same"))
    assert first.status == 201 and first.json()["id"].startswith("d-")
    again = server.post(report(0, id=None, text="the same", occurred_at="2026-11-20T08:30:40Z"))
    assert again.status == 200 and again.json()["seq"] == first.json()["seq"]
    assert server.get(f"/v1/reports/{first.json()['seq']}").json()["flags"] == ["derived_id"]


def test_bulk_counts_every_line_and_lists_problems(server):
    lines = [report(10), report(11), "", report(10), report(10, text="x"), "{bad", report(12, grid="nowhere"),
             "   ", report(13)]
    answer = server.post_lines(lines)
    assert answer.status == 200
    body = answer.json()
    assert body["counts"] == {"created": 3, "merged": 0, "replayed": 1, "conflict": 1, "invalid": 2}
    assert [item["line"] for item in body["items"]] == [5, 6, 7]
    assert [item["status"] for item in body["items"]] == ["conflict", "invalid", "invalid"]
    assert body["items"][2]["id"] == "r-12"
    assert body["items"][2]["problem"]["errors"][0]["pointer"] == "/grid"
    assert body["last_seq"] - body["first_seq"] == 2
    everything = server.post_lines(lines, "?items=all").json()
    assert [item["line"] for item in everything["items"]] == [1, 2, 4, 5, 6, 7, 9]
    assert everything["counts"]["replayed"] == 4 and everything["first_seq"] is None


def test_an_empty_bulk_is_an_answer_not_an_error(server):
    body = server.request("POST", "/v1/reports", b"", {"Content-Type": "application/x-ndjson"}).json()
    assert sum(body["counts"].values()) == 0 and body["first_seq"] is None and body["items"] == []


@pytest.mark.parametrize("fields, pointer", [
    ({"category": None}, "/category"), ({"category": "no_such"}, "/category"), ({"category": 7}, "/category"),
    ({"occurred_at": None}, "/occurred_at"), ({"occurred_at": "2026-11-20T08:30:00"}, "/occurred_at"),
    ({"occurred_at": "0000-01-01T00:00:00Z"}, "/occurred_at"), ({"occurred_at": "2026-02-30T00:00:00Z"}, "/occurred_at"),
    ({"occurred_at": "2026-11-20T08:30:60Z"}, "/occurred_at"), ({"sent_at": "yesterday"}, "/sent_at"),
    ({"grid": None}, "/grid"), ({"grid": "g"}, "/grid"), ({"id": ""}, "/id"), ({"id": "x" * 129}, "/id"),
    ({"source": ""}, "/source"), ({"source": "s" * 65}, "/source"), ({"severity": "bad"}, "/severity"),
    ({"channel": "pigeon"}, "/channel"), ({"text": "x" * 4097}, "/text"), ({"reporter": "x" * 129}, "/reporter"),
    ({"device": []}, "/device"), ({"location": {"lat": 91, "lon": 0}}, "/location/lat"),
    ({"location": {"lat": 0, "lon": 180.5}}, "/location/lon"), ({"location": {"lat": 0}}, "/location/lon"),
    ({"location": {"lat": 0, "lon": 0, "crs": "mars"}}, "/location/crs"), ({"location": 3}, "/location"),
    ({"bearing": {"azimuth_deg": 361}}, "/bearing/azimuth_deg"), ({"media": [{}] * 17}, "/media"),
    ({"media": {}}, "/media"), ({"attributes": []}, "/attributes"), ({"attributes": {"a": "x" * 4100}}, "/attributes"),
])
def test_each_bad_field_is_named_and_nothing_changes(server, fields, pointer):
    answer = server.post(report("bad", **fields))
    assert answer.status == 422, answer.body
    body = answer.json()
    assert body["errors"][0]["pointer"] == pointer and body["errors"][0]["detail"]
    assert all(row.get("id") != "r-bad" for row in server.timeline("c"))


@pytest.mark.parametrize("fields", [
    {"id": "x" * 128}, {"source": "s" * 64}, {"text": "x" * 4096}, {"reporter": "x" * 128},
    {"occurred_at": "2016-12-31T23:59:60Z"}, {"occurred_at": "2026-11-20t16:30:00.123456+08:00"},
    {"location": {"lat": -90, "lon": 180}}, {"media": [{"sha256": "0" * 64, "url": "x", "mime": "image/png"}] * 16},
    {"unknown": {"kept": [1, 2, None]}}, {"severity": "extreme", "channel": "hotline"},
])
def test_each_field_at_its_limit_is_taken_and_kept(server, fields):
    number = json.dumps(fields)[:60]
    answer = server.post(report(number, **fields))
    assert answer.status == 201, answer.body
    stored = server.get(f"/v1/reports/{answer.json()['seq']}").json()
    for key, value in fields.items():
        if key not in ("occurred_at", "location"):
            assert stored[key] == value


def test_a_future_time_is_suspect_and_taken_as_received(server):
    for number, time in (("f1", "9999-12-31T23:59:59Z"), ("f2", "2190-01-01T00:00:00Z")):
        seq = server.post(report(number, occurred_at=time)).json()["seq"]
        stored = server.get(f"/v1/reports/{seq}").json()
        assert stored["flags"] == ["clock_suspect"] and stored["occurred_at"] == stored["received_at"]


def test_offset_systems_are_stored_as_wgs84(server):
    # In Beijing gcj02 is some 500 m off, bd09 some 1 km.
    for crs, low, high in (("wgs84", 0, 0), ("cgcs2000", 0, 0), ("gcj02", 0.005, 0.01), ("bd09", 0.012, 0.03)):
        seq = server.post(report(f"crs-{crs}", location={"lat": 39.90882, "lon": 116.39747, "crs": crs})).json()["seq"]
        location = server.get(f"/v1/reports/{seq}").json()["location"]
        moved = abs(location["lat"] - 39.90882) + abs(location["lon"] - 116.39747)
        assert location["crs"] == "wgs84" and low <= moved <= high, (crs, moved)


def test_the_grid_is_found_from_the_location(server):
    answer = server.post(report("located", grid=None, location={"lat": 30.2015, "lon": 110.2}))
    assert answer.status == 201
    stored = server.get(f"/v1/reports/{answer.json()['seq']}").json()
    assert stored["grid"] == "g2" and stored["flags"] == ["located"]
    assert server.post(report("far", grid=None, location={"lat": 5, "lon": 5})).status == 422


def test_gzip_bodies_and_other_encodings(server):
    body = gzip.compress(json.dumps(report("gz")).encode())
    assert server.post(body, **{"Content-Encoding": "gzip"}).status == 201
    assert server.post(body, **{"Content-Encoding": "br"}).status == 415
    assert server.post(body[:-4], **{"Content-Encoding": "gzip"}).status == 400
    assert server.post(body + body, **{"Content-Encoding": "gzip"}).status == 400


def test_only_json_types(server):
    for kind in ("text/plain", "application/xml", ""):
        answer = server.request("POST", "/v1/reports", b"{}", {"Content-Type": kind})
        assert answer.status == 415 and answer.json()["status"] == 415


def test_seq_paths(server):
    for path, status in (("/v1/reports/0", 404), ("/v1/reports/999999999", 404), ("/v1/reports/x", 404),
                         ("/v1/reports/1?x=1", 400)):
        assert server.get(path).status == status, path


def test_verdicts_survive_a_kill():
    with Gridd() as server:
        first = server.post_lines([report(n) for n in range(500)]).json()
        assert first["counts"]["created"] == 500
        server.restart()
        again = server.post_lines([report(n) for n in range(500)] + [report(7, text="other")]).json()
        assert again["counts"] == {"created": 0, "merged": 0, "replayed": 500, "conflict": 1, "invalid": 0}
        assert server.post(report(7)).json()["seq"] == first["first_seq"] + 7
        assert len(server.timeline("c")) == 500


def test_old_reports_are_recognised_after_they_left_memory():
    # A table of 1,024 identities and runs of 256: most of these are found by their stored row only.
    small = ["run_entries=256", "block_entries=64", "identities=1024"]
    with Gridd(*[word for limit in small for word in ("--limit", limit)]) as server:
        reports = [report(n, occurred_at=f"2024-01-{1 + n % 28:02d}T00:00:{n % 60:02d}Z") for n in range(6000)]
        assert server.post_lines(reports).json()["counts"]["created"] == 6000
        assert server.post_lines(reports).json()["counts"]["replayed"] == 6000
        server.restart()
        assert server.post_lines(reports).json()["counts"]["replayed"] == 6000
        changed = [dict(r, text="changed") for r in reports]
        assert server.post_lines(changed).json()["counts"]["conflict"] == 6000
        assert len(server.timeline("c")) == 6000


@pytest.mark.parametrize("ahead", [datetime.timedelta(days=900), datetime.timedelta(seconds=6)])
def test_clock_suspect_reports_are_recognised_after_they_left_memory(ahead):
    """Sent again while the server's clock is still behind them, and when it has caught up."""
    small = ["run_entries=256", "block_entries=64", "identities=1024", "clock_skew_ms=1000"]
    with Gridd(*[word for limit in small for word in ("--limit", limit)]) as server:
        at = datetime.datetime.now(datetime.timezone.utc) + ahead
        suspects = [report(f"ahead{n}", occurred_at=at.isoformat()) for n in range(40)]
        suspects += [report(id=None, occurred_at=at.isoformat(), text=f"no id {n}") for n in range(20)]
        first = server.post_lines(suspects).json()
        assert first["counts"]["created"] == 60
        assert server.get(f"/v1/reports/{first['first_seq']}").json()["flags"] == ["clock_suspect"]
        changed = [dict(r, text="changed") for r in suspects[:40]]
        if ahead.days == 0:
            time.sleep(max(0, at.timestamp() - time.time()))
        for turn in range(3):
            others = [report(f"other{turn}-{n}") for n in range(3000)]
            assert server.post_lines(others).json()["counts"]["created"] == 3000
            assert server.post_lines(suspects).json()["counts"]["replayed"] == 60
            assert server.post_lines(changed).json()["counts"]["conflict"] == 40
            assert server.post(suspects[5]).json()["seq"] == first["first_seq"] + 5
            assert server.post(changed[5]).status == 409
            server.restart(signal.SIGTERM if turn == 0 else signal.SIGKILL)
            assert server.post_lines(suspects).json()["counts"]["replayed"] == 60
            assert server.post_lines(changed).json()["counts"]["conflict"] == 40
        assert len(server.timeline("g1")) == 9060
        server.kill()
        verified = run("verify", "--data", server.data)
        assert verified.returncode == 0 and "clock-suspect reports: 60 rows" in verified.stdout, verified.stderr
