"""GET /v1/grids/{code}/timeline, as api.md says."""
import csv
import io
import json
import random

import pytest

from gridd import NDJSON, Gridd, report

GEO = "application/geo+json"


def time_of(minute):
    return f"2026-11-{1 + minute // 1440:02d}T{minute % 1440 // 60:02d}:{minute % 60:02d}:00Z"


RANDOM = random.Random(7)
MINUTES = [RANDOM.randrange(5 * 1440) // 10 * 10 for _ in range(600)]
CATEGORIES, SEVERITIES = ("patrol", "collect", "publicity"), ("extreme", "severe", "moderate", "minor")
REPORTS = [report(n, occurred_at=time_of(minute), grid=("g1", "g2", "g10")[n % 3], category=CATEGORIES[n % 2],
                  severity=SEVERITIES[n % 4], text=f"report {n}") for n, minute in enumerate(MINUTES)]


@pytest.fixture(scope="module")
def filled():
    """600 reports in five days, some sealed and some not, of which many share their instant."""
    with Gridd("--limit", "run_entries=256", "--limit", "block_entries=64") as running:
        for start in range(0, 600, 100):
            answer = running.post_lines(REPORTS[start:start + 100])
            assert answer.json()["counts"]["created"] == 100
        yield running


def pages(server, code, query, limit):
    cursor = ""
    while cursor is not None:
        page = server.get(f"/v1/grids/{code}/timeline?limit={limit}{query}{cursor and '&cursor=' + cursor}").json()
        assert len(page["items"]) == limit or page["next_cursor"] is None
        yield from page["items"]
        cursor = page["next_cursor"]


def expect(keep=lambda r: True):
    return sorted((r["occurred_at"].replace("Z", ".000Z"), r["id"]) for r in REPORTS if keep(r))


def seen(items):
    return sorted((item["occurred_at"], item["id"]) for item in items)


def test_newest_first_then_oldest_first(filled):
    items = filled.timeline("c")
    times = [item["occurred_at"] for item in items]
    assert times == sorted(times, reverse=True) and seen(items) == expect()
    assert [item["seq"] for item in filled.timeline("c", "?order=asc")] == [item["seq"] for item in items][::-1]
    assert filled.timeline("c", "?order=desc") == items


@pytest.mark.parametrize("code, grids", [("c", ["g1", "g2", "g10"]), ("c1", ["g1", "g2"]), ("c10", ["g10"]), ("g2", ["g2"])])
def test_a_region_answers_for_its_subtree(filled, code, grids):
    assert seen(filled.timeline(code)) == expect(lambda r: r["grid"] in grids)


@pytest.mark.parametrize("limit", [1, 7, 100, 599, 600, 601, 1000])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_join_without_gap_or_repeat(filled, limit, order):
    if limit == 1:
        query, whole = f"&order={order}&category=collect&severity=minor", f"?order={order}&category=collect&severity=minor"
    else:
        query, whole = f"&order={order}", f"?order={order}"
    assert list(pages(filled, "c", query, limit)) == filled.timeline("c", whole)


def test_a_page_has_a_default_size(filled):
    page = filled.get("/v1/grids/c/timeline").json()
    assert len(page["items"]) == 100 and page["next_cursor"]
    assert set(page) == {"items", "next_cursor"}


def test_an_item_has_what_was_reported(filled):
    item = next(item for item in filled.timeline("g1") if item["id"] == "r-3")
    assert item["kind"] == "report" and item["grid"] == "g1" and item["severity"] == "minor"
    assert item["text"] == "report 3" and item["source"] == "test" and item["category"] == "collect"
    assert filled.get(f"/v1/reports/{item['seq']}").json() == {**item, "match": None}


def test_from_is_inclusive_and_to_is_not(filled):
    low, high = sorted(MINUTES)[150], sorted(MINUTES)[450]
    inside = expect(lambda r: time_of(low) <= r["occurred_at"] < time_of(high))
    assert 250 < len(inside) < 350
    assert seen(filled.timeline("c", f"?from={time_of(low)}&to={time_of(high)}")) == inside
    east = f"2026-11-01T08:{low % 60:02d}:00%2B08:00"
    assert seen(filled.timeline("c", f"?from={east}")) == expect(lambda r: r["occurred_at"] >= time_of(low % 60))
    assert filled.timeline("c", f"?from={time_of(low)}&to={time_of(low)}") == []
    assert filled.timeline("c", "?to=1960-01-01T00:00:00Z&from=1950-01-01T00:00:00Z") == []
    assert len(filled.timeline("c", "?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z")) == 600


@pytest.mark.parametrize("query, keep", [
    ("category=collect", lambda r: r["category"] == "collect"), ("category=publicity", lambda r: False),
    ("severity=minor", lambda r: r["severity"] == "minor"),
    ("severity=minor,severe", lambda r: r["severity"] in ("minor", "severe")),
    ("kind=report", lambda r: True), ("kind=ticket.opened", lambda r: False),
    ("kind=report,incident.opened", lambda r: True), ("kind=ticket.*", lambda r: False),
    ("kind=ticket,directive.*,incident.opened", lambda r: False), ("kind=incident.*,report", lambda r: True),
    ("category=collect&severity=severe&kind=report", lambda r: r["category"] == "collect" and r["severity"] == "severe"),
])
def test_filters(filled, query, keep):
    assert seen(filled.timeline("c", "?" + query)) == expect(keep)


@pytest.mark.parametrize("query", [
    "limit=0", "limit=1001", "limit=-1", "limit=1.5", "limit=", "limit=99999999999999999999", "order=up", "order=",
    "category=nothing", "category=", "severity=bad", "severity=minor,", "severity=", "kind=rumour", "kind=ticket.",
    "kind=ticket.lost", "kind=report,", "kind=*", "kind=report.*",
    "from=yesterday", "from=2026-11-20T08:30:00", "to=", "from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z",
    "cursor=", "cursor=AAAA", "cursor=%7F",
])
def test_bad_parameters_are_named(filled, query):
    answer = filled.get("/v1/grids/c/timeline?" + query)
    assert answer.status == 400, answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert query.split("=")[0] in answer.json()["detail"]


def test_the_range_of_limit_is_said(filled):
    detail = filled.get("/v1/grids/c/timeline?limit=1001").json()["detail"]
    assert "1" in detail and "1000" in detail


def test_a_cursor_belongs_to_its_query(filled):
    first = filled.get("/v1/grids/c/timeline?limit=5&order=asc").json()
    cursor = first["next_cursor"]
    assert filled.get(f"/v1/grids/c/timeline?limit=9&order=asc&cursor={cursor}").status == 200
    for path in ("c1/timeline?order=asc", "c/timeline?order=desc", "c/timeline?order=asc&severity=minor"):
        assert filled.get(f"/v1/grids/{path}&cursor={cursor}").status == 400, path
    for damaged in (cursor[1:], cursor + "A", cursor[:8] + ("A" if cursor[8] != "A" else "B") + cursor[9:]):
        assert filled.get(f"/v1/grids/c/timeline?order=asc&cursor={damaged}").status == 400


def test_unknown_regions_parameters_and_types(filled):
    assert filled.get("/v1/grids/nowhere/timeline").status == 404
    assert filled.get("/v1/grids/c/timeline?limit=1&limit=2").status == 400
    assert filled.get("/v1/grids/c/timeline?colour=red").status == 400
    assert filled.get("/v1/grids/c/timeline", Accept="image/png").status == 406
    for accept, kind in (("*/*", "application/json"), ("application/json", "application/json"), ("text/*", "text/csv"),
                         ("application/json;q=0.1, text/csv", "text/csv"), (NDJSON, NDJSON), (GEO, GEO)):
        answer = filled.get("/v1/grids/c/timeline", Accept=accept)
        assert answer.status == 200 and answer.headers["Content-Type"].startswith(kind), accept
        assert "Accept" in answer.headers["Vary"]


def test_lines_with_a_limit_and_a_cursor(filled):
    whole = filled.timeline("c")
    assert filled.timeline("c", "?limit=7") == whole[:7]
    assert filled.timeline("c", "?limit=5000") == whole
    cursor = filled.get("/v1/grids/c/timeline?limit=10").json()["next_cursor"]
    assert filled.timeline("c", f"?cursor={cursor}") == whole[10:]


def test_head_has_no_body(filled):
    for accept in ("application/json", NDJSON):
        answer = filled.request("HEAD", "/v1/grids/c/timeline", headers={"Accept": accept})
        assert answer.status == 200 and answer.body == b""


def test_csv_is_what_a_spreadsheet_reads(server):
    texts = ["=cmd()", "+1", "-1", "@x", "\tx", "\rx", 'say "hi", all', "two\r\nlines", "plain", "", "中文"]
    for n, text in enumerate(texts):
        assert server.post(report(f"csv{n}", grid="g2", text=text, occurred_at=time_of(n), reporter="=r",
                                  location={"lat": -30.25, "lon": -110.5})).status == 201
    answer = server.timeline("g2", "?order=asc", "text/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert not answer.body.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
    assert table[0] == ("seq,kind,occurred_at,received_at,grid,category,severity,channel,id,source,lat,lon,reporter,"
                        "device,text,flags").split(",")
    assert [row[14] for row in table[1:]] == ["'" + text if text[:1] and text[0] in "=+-@\t\r" else text for text in texts]
    assert {(row[10], row[11], row[12]) for row in table[1:]} == {("-30.25", "-110.5", "'=r")}
    assert all(len(row) == 16 for row in table) and answer.body.count(b"\r\n") == len(texts) + 1 + 1
    marked = server.timeline("g2", "", "text/csv; bom=1")
    assert marked.body.startswith(b"\xef\xbb\xbfseq,")


def test_geojson_is_a_collection(server):
    server.post(report("geo1", grid="g10", location={"lat": 30.25, "lon": 110.5, "accuracy_m": 5}))
    server.post(report("geo2", grid="g10", occurred_at="2026-11-20T08:31:00Z"))
    answer = server.timeline("g10", "?order=asc", GEO)
    assert answer.headers["Content-Type"].startswith(GEO)
    collection = answer.json()
    assert collection["type"] == "FeatureCollection" and len(collection["features"]) == 2
    first, second = collection["features"]
    assert first["type"] == "Feature" and first["geometry"] == {"type": "Point", "coordinates": [110.5, 30.25]}
    assert second["geometry"] is None and second["properties"]["id"] == "r-geo2"
    assert "location" not in first["properties"] and first["properties"]["grid"] == "g10"
    assert server.timeline("g1", "?category=publicity", GEO).json() == {"type": "FeatureCollection", "features": []}


def test_a_report_shows_at_once_where_it_belongs(server):
    for n in range(20):
        seq = server.post(report(f"now{n}", occurred_at=f"2026-10-01T00:00:{n:02d}Z")).json()["seq"]
        page = server.get("/v1/grids/g1/timeline?limit=1&from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z").json()
        assert page["items"][0]["seq"] == seq


def test_a_long_stream_comes_whole_and_a_client_that_leaves_stops_it():
    count, text = 12000, "x" * 1000
    with Gridd("--limit", "run_entries=5000", "--limit", "block_entries=1000") as server:
        for start in range(0, count, 2000):
            lines = [report(n, text=text, occurred_at=time_of(n % 7200)) for n in range(start, start + 2000)]
            assert server.post_lines(lines).json()["counts"]["created"] == 2000
        rows = server.timeline("c")
        assert len({row["seq"] for row in rows}) == len(rows) == count
        assert len(server.timeline("c", "", GEO).json()["features"]) == count
        assert server.timeline("c", "", "text/csv").body.count(b"\r\n") == count + 1
        for _ in range(20):
            connection = server.connect()
            connection.request("GET", "/v1/grids/c/timeline", headers={"Accept": NDJSON})
            connection.getresponse().read(1000)
            connection.close()
        assert server.get("/healthz").status == 200
        assert len(server.timeline("c")) == count
