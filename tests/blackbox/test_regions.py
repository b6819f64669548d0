"""PUT and GET /v1/regions, as api.md says."""
import gzip
import json
import os
import pathlib
import threading
import time
import urllib.parse

import pytest

from gridd import NDJSON, REGIONS, Gridd, report

SHARED = pathlib.Path(os.environ.get("GRIDD_SHARED", pathlib.Path(__file__).parents[2] / ".." / "shared"))
CHINA = SHARED / "data" / "admin-divisions" / "china-2016-all.csv.gz"


def rows(*lines, header="code,parent,level,name"):
    return "\r\n".join((header,) + lines) + "\r\n"


@pytest.fixture
def empty():
    with Gridd(regions=None) as running:
        yield running


def test_a_tree_is_taken_and_shown(empty):
    answer = empty.put_regions(rows("c,,0,City,,,,", "t,c,1,Town,,,town,Li", "g,t,2,Grid,30.5,-110.25,,",
                                    header="code,parent,level,name,lat,lon,kind,leader"))
    assert answer.status == 200, answer.body
    assert answer.json() == {"regions": 3, "rows": 3, "created": 3, "updated": 0}
    assert empty.get("/v1/regions/g").json() == {
        "code": "g", "parent": "t", "level": 2, "name": "Grid", "kind": None, "leader": None, "lat": 30.5,
        "lon": -110.25, "children_count": 0, "subtree_count": 1, "path": ["c", "t", "g"]}
    top = empty.get("/v1/regions/c").json()
    assert top["parent"] is None and top["path"] == ["c"] and top["lat"] is None
    assert top["children_count"] == 1 and top["subtree_count"] == 3
    town = empty.get("/v1/regions/t").json()
    assert town["kind"] == "town" and town["leader"] == "Li"


def test_a_root_may_be_its_own_parent(empty):
    assert empty.put_regions(rows("c,c,0,City", "g,c,1,Grid")).status == 200
    assert empty.get("/v1/regions/c").json()["parent"] is None


def test_objects_with_the_same_fields(empty):
    text = '{"code":"g","parent":"c","level":1,"name":"Grid","lat":30.5,"lon":110}\n\n' \
           '{"code":"c","parent":null,"level":0,"name":"城市"}\n'
    answer = empty.put_regions(text, NDJSON)
    assert answer.status == 200 and answer.json()["created"] == 2
    assert empty.get("/v1/regions/c").json()["name"] == "城市"
    assert empty.get("/v1/regions/g").json()["path"] == ["c", "g"]


def test_quoted_fields_blank_lines_and_a_byte_order_mark(empty):
    text = '\ufeffcode,parent,level,name\nc,,0,"City, the ""old""\none"\n\ng,c,1,Grid'
    assert empty.put_regions(text).status == 200
    assert empty.get("/v1/regions/c").json()["name"] == 'City, the "old"\none'
    assert empty.get("/v1/regions/g").status == 200


def test_upsert_counts_what_changed_and_keeps_the_rest(empty):
    assert empty.put_regions(REGIONS).status == 200
    again = empty.put_regions(REGIONS).json()
    assert again == {"regions": 6, "rows": 6, "created": 0, "updated": 0}
    changed = empty.put_regions(rows("g1,c10,2,Moved", "g11,c1,2,New")).json()
    assert changed == {"regions": 7, "rows": 2, "created": 1, "updated": 1}
    assert empty.get("/v1/regions/g1").json()["path"] == ["c", "c10", "g1"]
    assert empty.get("/v1/regions/c1").json()["children_count"] == 2
    assert empty.get("/v1/regions/c").json()["subtree_count"] == 7


BAD = [
    (rows("c,,0,City", "g,c,one,Grid"), 3), (rows("c,,0,City", "g,nowhere,1,Grid"), 3),
    (rows("c,,0,City", "", "g,c,1"), 4), (rows("a,b,0,A", "b,a,1,B"), 2), (rows("c,,0,City", "g,c,0,Grid"), 3),
    (rows("c,,0,City", ",c,1,Grid"), 3), (rows("c,,0,City", "g,c,99,Grid"), 3), (rows("c,,0,City", "g,c,-1,Grid"), 3),
    (rows("c,,0,City", 'g,c,1,"Grid'), 3), (rows("c,,0,City", 'g,c,1,Gr"id'), 3),
    (rows("c,,0,City", f"{'g' * 33},c,1,Grid"), 3), (rows("c,,0,City", f"g,c,1,{'n' * 257}"), 3),
    (rows("c,,0,City", "g,c,1,Grid,extra"), 3), (rows("c,,0,City", header="code,parent,level"), 1),
    (rows("c,,0,City", header="code,parent,level,name,colour"), 1),
    (rows("c,,0,City", "g,c,1,Grid,91,0", header="code,parent,level,name,lat,lon"), None),
    (rows("c,,0,City,,", "g,c,1,Grid,91,0", header="code,parent,level,name,lat,lon"), 3),
]


@pytest.mark.parametrize("text, line", BAD)
def test_a_bad_line_is_named_and_nothing_changes(server, text, line):
    before = server.get("/v1/regions/c").json()
    answer = server.put_regions(text)
    assert answer.status == 422, answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert body["status"] == 422 and body["errors"][0]["detail"]
    if line is not None:
        assert body["errors"][0]["line"] == line and body["errors"][0]["pointer"] == f"/line/{line}"
    assert server.get("/v1/regions/c").json() == before
    assert server.get("/v1/regions/g").status == 404


def test_a_cycle_through_what_is_there_is_refused(server):
    answer = server.put_regions(rows("c,g1,3,City"))
    assert answer.status == 422 and answer.json()["errors"][0]["line"] == 2
    assert server.get("/v1/regions/g1").json()["path"] == ["c", "c1", "g1"]


def test_a_bad_line_in_a_big_upload_reaches_a_client_that_is_still_sending(server):
    text = rows("c,,0,City", "g,c,one,Grid", *(f"x{n},c,1,{'n' * 200}" for n in range(40000)))
    answer = server.put_regions(text)
    assert answer.status == 422 and answer.json()["errors"][0]["line"] == 3


def test_empty_uploads_and_other_types(server):
    for text, kind in (("", "text/csv"), ("code,parent,level,name\n", "text/csv"), ("\n\n", NDJSON)):
        assert server.put_regions(text, kind).status == 422
    for kind in ("application/json", "text/plain", ""):
        assert server.put_regions(REGIONS, kind).status == 415
    assert server.put_regions(REGIONS, "text/csv; charset=utf-8").status == 200


def test_a_line_at_its_limit_and_above():
    with Gridd("--limit", "line_bytes=256", "--limit", "region_name_bytes=1024") as server:
        for length, status in ((255, 200), (256, 200), (257, 422)):
            line = f"l{length},c,1,"
            assert server.put_regions(rows(line + "n" * (length - len(line)))).status == status, length


def test_the_number_of_regions_has_a_limit():
    with Gridd("--limit", "regions=16", regions=None) as server:
        lines = ["c,,0,City"] + [f"g{n},c,1,Grid" for n in range(16)]
        assert server.put_regions(rows(*lines[:16])).status == 200
        assert server.put_regions(rows(*lines[:17])).status == 422
        assert server.put_regions(rows("one,c,1,More")).status == 422
        assert server.get("/v1/regions/c").json()["subtree_count"] == 16


def test_unknown_regions_and_parameters(server):
    assert server.get("/v1/regions/nowhere").status == 404
    assert server.get("/v1/regions/nowhere/children").status == 404
    assert server.get("/v1/regions/g?x=1").status == 400
    assert server.request("DELETE", "/v1/regions/c").status == 405


def test_children_in_code_order_page_by_page(empty):
    codes = sorted(f"k{n}" for n in range(250))
    assert empty.put_regions(rows("c,,0,City", *(f"{code},c,1,Child" for code in reversed(codes)))).status == 200
    path = "/v1/regions/c/children"
    assert [item["code"] for item in empty.get(path + "?limit=1000").json()["items"]] == codes
    assert len(empty.get(path).json()["items"]) == 100
    seen, cursor = [], ""
    while cursor is not None:
        page = empty.get(f"{path}?limit=33{cursor and '&cursor=' + cursor}").json()
        seen += [item["code"] for item in page["items"]]
        cursor = page["next_cursor"]
        if len(seen) == 99:
            assert empty.put_regions(rows("k0a,c,1,Before", "k99z,c,1,Behind")).status == 200
    assert seen == codes + ["k99z"]
    for query in ("limit=0", "limit=1001", "limit=x", "limit=", "cursor=x", "cursor="):
        answer = empty.get(f"{path}?{query}")
        assert answer.status == 400 and query.split("=")[0] in answer.json()["detail"]
    assert empty.get("/v1/regions/k0/children").json() == {"items": [], "next_cursor": None}


def test_a_cursor_of_another_list_is_refused(server):
    cursor = server.get("/v1/regions/c/children?limit=1").json()["next_cursor"]
    assert server.get(f"/v1/regions/c/children?cursor={cursor}").json()["items"][0]["code"] == "c10"
    assert server.get(f"/v1/regions/c1/children?cursor={cursor}").status == 400
    assert server.get(f"/v1/regions/c/children?cursor={cursor[:-1]}").status == 400


def test_regions_survive_a_kill_and_reports_keep_their_grid():
    with Gridd() as server:
        server.post(report(1, grid="g10"))
        server.put_regions(rows("new,c1,2,New", "g1,c1,2,Renamed"))
        server.restart()
        assert server.get("/v1/regions/g1").json()["name"] == "Renamed"
        assert server.get("/v1/regions/new").json()["path"] == ["c", "c1", "new"]
        assert [row["grid"] for row in server.timeline("c10")] == ["g10"]


def test_reports_go_on_while_a_tree_is_imported():
    lines = ["big,,0,Big"] + [f"b{n},big,1,Grid {n}" for n in range(60000)]
    with Gridd() as server:
        answers = []
        importer = threading.Thread(target=lambda: answers.append(server.put_regions(rows(*lines))))
        importer.start()
        number = 0
        while importer.is_alive() or number < 50:
            assert server.post(report(number)).status == 201
            number += 1
        importer.join()
        assert answers[0].status == 200 and answers[0].json()["regions"] == 60007
        assert server.post(report("b", grid="b59999")).status == 201
        assert len(server.timeline("big")) == 1


def test_imports_at_the_same_time_each_succeed_or_say_busy():
    with Gridd() as server:
        answers = []

        def put(number):
            lines = [f"r{number},,0,Root"] + [f"r{number}-{n},r{number},1,Grid" for n in range(20000)]
            answers.append((number, server.put_regions(rows(*lines))))

        threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert {answer.status for _, answer in answers} <= {200, 503}
        assert any(answer.status == 200 for _, answer in answers)
        for number, answer in answers:
            if answer.status == 503:
                assert answer.headers["Retry-After"] in ("1", "2")
            assert server.get(f"/v1/regions/r{number}-19999").status == (200 if answer.status == 200 else 404)


def test_an_upload_that_breaks_off_changes_nothing():
    with Gridd() as server:
        body = rows("x,,0,X", *(f"x{n},x,1,Grid" for n in range(5000))).encode()
        head = f"PUT /v1/regions HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n"
        server.raw(head.encode() + body[:len(body) // 2], shut=True)
        assert server.get("/v1/regions/x").status == 404
        assert server.put_regions(body).status == 200


@pytest.mark.skipif(not CHINA.exists(), reason=f"SKIPPED: the corpus {CHINA} is absent")
def test_the_whole_country_loads_and_is_there_again():
    packed = CHINA.read_bytes()
    with Gridd(regions=None) as server:
        began = time.monotonic()
        answer = server.put_regions(packed, **{"Content-Encoding": "gzip"})
        print(f"713,035 rows took {time.monotonic() - began:.2f} s")
        assert answer.status == 200, answer.body
        assert answer.json() == {"regions": 713035, "rows": 713035, "created": 713035, "updated": 0}
        assert server.put_regions(gzip.decompress(packed)).json()["updated"] == 0
        top = server.get("/v1/regions/100000000000").json()
        assert top["subtree_count"] == 713035 and top["parent"] is None
        changwu = server.get("/v1/regions/610428000000").json()
        assert changwu["name"] == "长武县" and changwu["children_count"] == 8
        server.restart()
        assert server.get("/v1/regions/610428000000").json() == changwu
        one = server.put_regions(rows("610428999000,610428000000,4,New")).json()
        assert one == {"regions": 713036, "rows": 1, "created": 1, "updated": 0}


def test_regions_are_found_by_name_and_by_code():
    rows = ("code,parent,level,name\nc,,0,Ankang\nc1,c,1,安康市\ng1,c1,2,安康北路\ng2,c1,2,GRID Two\nd,,0,Other\nd1,d,1,安康里\n"
            + "".join(f"m{i:04},d1,2,Many {i}\n" for i in range(300)))
    with Gridd(regions=rows) as own:
        def found(path, name, query=""):
            answer = own.get(f"{path}?name={urllib.parse.quote(name)}{query}")
            assert answer.status == 200 and answer.json()["next_cursor"] is None
            return [item["code"] for item in answer.json()["items"]]
        assert found("/v1/regions", "安康") == ["c1", "d1", "g1"]  # upper levels first
        assert found("/v1/regions/c/children", "安康") == ["c1", "g1"]
        assert found("/v1/regions/g2/children", "安康") == [] and found("/v1/regions", "安康没有") == []
        assert found("/v1/regions", "grid t") == found("/v1/regions", "G2") == ["g2"]
        assert found("/v1/regions", "m00", "&limit=5") == [f"m{i:04}" for i in range(5)]
        assert len(found("/v1/regions", "many")) == 100
        assert own.get("/v1/regions?name=grid").json()["items"][0]["path"] == ["c", "c1", "g2"]
        assert own.get("/v1/regions?name=").status == own.get("/v1/regions?name=a&cursor=x").status == 400
